"""Files in a result folder that nobody has recorded."""

import os
from collections.abc import Collection
from pathlib import Path

OF_THE_ENGINE = (
    "work/manifests/",
    "work/failures/",
    "work/moving/",
    "work/tmp/",
    "work/set-aside/",
    "work/missing/",
    "work/lock",
    "work/log.txt",
    "work/log.old.txt",
    "missing/",
)
"""What the engine keeps in a clip's folder beside results; ``/`` at the end stands for a folder."""


def strangers(root: Path, listed: Collection[str], beside: Collection[str] = ()) -> list[str]:
    """List the files below a folder that are neither recorded nor the engine's own.

    Parameters
    ----------
    root : Path
        Folder of a clip or a film.
    listed : collection of str
        Recorded files, relative to the root.
    beside : collection of str
        What else belongs there; ``/`` at the end stands for a folder.

    Returns
    -------
    list of str
        Relative to the root, sorted.
    """
    known = {*OF_THE_ENGINE, *beside}
    found: list[str] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(root / folder))
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if f"{path}/" not in known:
                    waiting.append(f"{path}/")
            elif path not in listed and path not in known:
                found.append(path)
    return sorted(found)
