"""How the files of a result lie on the disk now, compared with its record; nothing is written.

==========  =================================================================================
gone        not there
damaged     there, other than recorded, and it does not open: cut off, corrupt
edited      there, of another size than recorded, and it opens: somebody worked on it
changed     there, of the size recorded but with other content, and it opens; only a deep look
            (which hashes everything) can tell
==========  =================================================================================

A changed size with a whole file behind it is taken for a person's work. Other content of the same
size may be a person's work or a disk that has lost a bit, so that a person has to say which
(``choreoscope accept``).
"""

import dataclasses
import os
from collections.abc import Iterable

from choreoscope.datatypes.artifacts import Manifest, WrittenFile
from choreoscope.pipeline.digests import sha256_of
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.stage import Contents, Stage


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Files that are not as recorded.

    Attributes
    ----------
    gone, damaged : tuple of WrittenFile
        As recorded.
    edited, changed : tuple of WrittenFile
        As they are now, marked as edited.
    """

    gone: tuple[WrittenFile, ...] = ()
    damaged: tuple[WrittenFile, ...] = ()
    edited: tuple[WrittenFile, ...] = ()
    changed: tuple[WrittenFile, ...] = ()


def look_at(
    stage: Stage, folder: ClipFolder, files: Iterable[WrittenFile], *, deep: bool
) -> Condition:
    """Compare files with their record.

    Parameters
    ----------
    stage : Stage
        Made them, and can tell whether they open.
    files : iterable of WrittenFile
        As recorded.
    deep : bool
        Hash files whose size is as recorded, too.
    """
    found: dict[str, list[WrittenFile]] = {"gone": [], "damaged": [], "edited": [], "changed": []}
    root = str(folder.root)
    for file in files:
        try:
            # Not through Path, which would take most of the time of a large plan.
            size = os.stat(f"{root}/{file.path}").st_size  # noqa: PTH116
            if size == file.size and not deep:
                continue
            digest = sha256_of(folder.root / file.path)
        except FileNotFoundError:
            found["gone"].append(file)
            continue
        except OSError:
            # It is there, and whoever holds it may be at work on it.
            found["damaged"].append(file)
            continue
        if (size, digest) == (file.size, file.sha256):
            continue
        if fault_of(stage, folder, file):
            found["damaged"].append(file)
        else:
            now = dataclasses.replace(file, size=size, sha256=digest, edited=True)
            found["changed" if size == file.size else "edited"].append(now)
    return Condition(**{name: tuple(listed) for name, listed in found.items()})


def fault_of(stage: Stage, folder: ClipFolder, file: WrittenFile) -> str:
    """Say in a line why a file does not open; empty where it does."""
    return opened(stage, folder, file)[1]


def opened(stage: Stage, folder: ClipFolder, file: WrittenFile) -> tuple[Contents, str]:
    """Open a file as its stage does.

    Returns
    -------
    contents : Contents
        What it holds; empty where it does not open, or the stage does not tell.
    fault : str
        In a line why it does not open; empty where it does.
    """
    path = folder.root / file.path
    try:
        if not path.stat().st_size:
            return Contents(), "it is empty (0 bytes)"
        stage.check(file.kind, path)
        held = stage.contents(file.kind, path) if stage.contents else Contents()
    except Exception as error:  # noqa: BLE001 - what a reader raises for bytes that are anything
        return Contents(), " ".join(f"{error}".split()) or type(error).__name__
    return held, "" if held.finite else "it holds not a single finite number"


def adopted(manifest: Manifest, edits: Iterable[WrittenFile]) -> Manifest:
    """Return the record of a result in which files were edited by hand.

    Parameters
    ----------
    edits : iterable of WrittenFile
        As they are now.
    """
    now = {file.path: file for file in edits}
    if not now:
        return manifest
    notes = dict.fromkeys((*manifest.notes, *(edit_note(path) for path in now)))
    return dataclasses.replace(
        manifest,
        files=tuple(now.get(file.path, file) for file in manifest.files),
        origin="edited" if manifest.origin == "computed" else manifest.origin,
        notes=tuple(notes),
    )


def edit_note(path: str) -> str:
    """Write the sentence that a record keeps about a file edited by hand."""
    return f"{path} was edited by hand; it is kept as it is and never overwritten"
