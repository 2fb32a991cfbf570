"""What a result folder says about its film and its configuration: film.json, choreoscope.yaml."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from choreoscope.capture.config import Configuration, configure, text_of
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.shots import ShotsResult
from choreoscope.datatypes.video import Video
from choreoscope.pipeline.config.editing import write_whole

FILM_FILE = "film.json"
CONFIGURATION_FILE = "choreoscope.yaml"
NO_RESULT = ("folders", "run", "watch")
"""Sections of the configuration that change no result."""
TITLE = """\
Everything this result was made with. Written anew by every run, so edit a copy of it:
choreoscope capture FILM --config COPY.yaml
"""


def write_configuration(root: Path, configuration: Configuration) -> None:
    """Write the resolved configuration into a result folder; loads back to the same.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_whole(root / CONFIGURATION_FILE, text_of(configuration, TITLE))


def is_made_with(root: Path, configuration: Configuration) -> bool:
    """Whether a result folder was made with this configuration, as far as that changes results.

    True also where the folder does not say.
    """
    try:
        text = (root / CONFIGURATION_FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return True
    return _lasting(text) == _lasting(text_of(configuration, TITLE))


def _lasting(text: str) -> list[str]:
    """Lines of a configuration, without comments and the sections that change no result."""
    lines, section = [], ""
    for line in text.splitlines():
        if line and line[0] not in " #":
            section = line.partition(":")[0]
        if line.strip() and not line.lstrip().startswith("#") and section not in NO_RESULT:
            lines.append(line)
    return lines


def begin_record(root: Path, video: Video) -> None:
    """Say at once which film the folder belongs to, unless it is said already.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    known = _read(root / FILM_FILE)
    if known is None or (known.get("digest"), known.get("path")) != (video.digest, _path(video)):
        _write(root, _film(video) | {"clips": []})


def write_record(root: Path, video: Video, shots: ShotsResult, clips: Sequence[str]) -> None:
    """Describe the film and its clips in ``film.json``.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    film = _film(video)
    film["frames"] |= {"decoded": len(shots.decoded), "undecodable": str(shots.undecodable)}
    film["clips"] = [
        {"id": name, "frames": [shot.frames.start, shot.frames.stop], "camera": shot.movement}
        for name, shot in zip(clips, shots.shots, strict=True)
    ]
    _write(root, film)


def read_record(root: Path) -> dict[str, Any] | None:
    """Read ``film.json`` of a result folder; None where it is not there or cannot be read."""
    return _read(root / FILM_FILE)


def load_result(out: Path | str) -> tuple[Path, Configuration]:
    """Say which film a result folder belongs to, and what it was made with.

    Parameters
    ----------
    out : path
        Result folder of a film.

    Returns
    -------
    film : Path
        Where the film lay when the result was made; absolute.
    configuration : Configuration
        Resolved.

    Raises
    ------
    InputError
        If it is no result folder, or its records cannot be read.
    """
    root = Path(out)
    record = _read(root / FILM_FILE)
    if record is None or not isinstance(record.get("path"), str):
        raise InputError(
            f"{root}: expected the result folder of a film, which holds {FILM_FILE} with the "
            f"film's path; run 'choreoscope capture FILM --out {root}' first"
        )
    return Path(record["path"]), configure(root / CONFIGURATION_FILE).values


def known_frames(out: Path) -> int:
    """Frames of the film that a result folder belongs to; 0 where it does not say."""
    frames = (_read(out / FILM_FILE) or {}).get("frames")
    count = frames.get("in_index") if isinstance(frames, dict) else None
    return count if isinstance(count, int) else 0


def _film(video: Video) -> dict[str, Any]:
    return {
        "schema": 1,
        "film": Path(video.path).name,
        "path": _path(video),
        "kind": video.kind,
        "size": [video.width, video.height],
        "rate": str(video.rate),
        "constant_rate": video.is_constant_rate,
        "rotation": video.rotation,
        "codec": video.codec,
        "colour": dataclasses.asdict(video.colour),
        "sound": dataclasses.asdict(video.audio) if video.audio else None,
        "digest": video.digest,
        "frames": {"declared": video.declared_frames, "in_index": video.frame_count},
    }


def _path(video: Video) -> str:
    return os.path.abspath(video.path)  # noqa: PTH100 - links stay as the user named them


def _write(root: Path, record: dict[str, Any]) -> None:
    write_whole(root / FILM_FILE, json.dumps(record, indent=1) + "\n")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None
