"""A result folder as the commands that look at results see it: the film's folder and its clips."""

import dataclasses
from pathlib import Path
from typing import Any

from choreoscope.capture.choosing import recipe_of
from choreoscope.capture.config import configure
from choreoscope.capture.corrections import FILE_NAME
from choreoscope.capture.film_record import CONFIGURATION_FILE, FILM_FILE, read_record
from choreoscope.capture.recipes import known_stages, shots_recipe
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.formats.shots_json import read_shots
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.stage import Stage
from choreoscope.pipeline.status import Unit

FILM_UNIT = "film"
FILES_OF_FILM = (FILM_FILE, CONFIGURATION_FILE, FILE_NAME, "index.html", "delivered/")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ResultFolder:
    """What there is to look at.

    Attributes
    ----------
    root : Path
        The film's folder.
    units : tuple of Unit
        The film's own stage and its clips, or the one clip that was asked for.
    undecodable : FrameSet
        Source frames that do not decode.
    problems : dict of str to str
        Records of the folder as a whole that do not read, and why.
    """

    root: Path
    units: tuple[Unit, ...]
    undecodable: FrameSet
    problems: dict[str, str]

    def unit(self, name: str) -> Unit:
        """Look a unit up by its name."""
        return next(unit for unit in self.units if unit.name == name)


def open_result(shot: Path) -> ResultFolder:
    """Find out what belongs to a result folder; no result is opened but the list of shots.

    Parameters
    ----------
    shot : Path
        Result folder of a film, or the folder of one of its clips.

    Raises
    ------
    InputError
        If it is neither.
    """
    root, only = _root(shot)
    problems: dict[str, str] = {}
    record = read_record(root)
    if record is None:
        problems[FILM_FILE] = "it is not there or cannot be read"
    stages = _stages(root, problems)
    clips, undecodable = _clips(root, record or {})
    facts: dict[str, Any] = {
        "size": _size(record or {}),
        "film": str((record or {}).get("digest", "")),
    }
    folders = tuple(f"{name}/" for name in clips)
    film = Unit(
        name=FILM_UNIT,
        folder=ClipFolder(root),
        stages=shots_recipe().stages,
        beside=(*FILES_OF_FILM, *folders),
        **facts,
    )
    units = [film]
    for name, frames in clips.items():
        folder = ClipFolder(root / name)
        own = stages if stages is not None else _recorded_stages(folder)
        units.append(Unit(name=name, folder=folder, stages=own, frames=frames, **facts))
    chosen = tuple(unit for unit in units if only in (None, unit.name))
    if not chosen:
        raise InputError(f"{shot} is no clip of {root}; its clips are {', '.join(clips) or 'none'}")
    return ResultFolder(root=root, units=chosen, undecodable=undecodable, problems=problems)


def _root(shot: Path) -> tuple[Path, str | None]:
    if not shot.is_dir():
        raise InputError(f"{shot}: no such folder; give the result folder of a film or of a clip")
    place = shot.resolve()
    if any((place / name).exists() for name in (FILM_FILE, CONFIGURATION_FILE)):
        return shot, None
    if (place / "work").is_dir() and (place.parent / FILM_FILE).exists():
        return place.parent, place.name
    raise InputError(
        f"{shot} is no result folder: expected {FILM_FILE} in it, or in the folder above that of a "
        f"clip; 'choreoscope capture FILM --out {shot}' makes one"
    )


def _stages(root: Path, problems: dict[str, str]) -> tuple[Stage, ...] | None:
    """Stages of the clips; None where the configuration cannot be read."""
    try:
        return recipe_of(configure(root / CONFIGURATION_FILE).values).stages
    except InputError as error:
        problems[CONFIGURATION_FILE] = str(error)
        return None


def _recorded_stages(folder: ClipFolder) -> tuple[Stage, ...]:
    """Stages a clip has a record of."""
    return tuple(stage for stage in known_stages() if folder.manifest(stage.name).exists())


def _clips(root: Path, record: dict[str, Any]) -> tuple[dict[str, FrameRange | None], FrameSet]:
    """Clips of a film with their frames; those that were not begun yet, too."""
    try:
        shots = read_shots(root / "work" / "shots.json")
    except InputError:
        found: dict[str, FrameRange | None] = {}
        for clip in record.get("clips", []):
            found[str(clip["id"])] = FrameRange(*clip["frames"])
        if not found:
            found = {path.parent.name: None for path in sorted(root.glob("clip-*/work"))}
        return found, FrameSet.parse(record.get("frames", {}).get("undecodable", "none"))
    return {
        f"clip-{number:03d}": shot.frames for number, shot in enumerate(shots.shots, start=1)
    }, shots.undecodable


def _size(record: dict[str, Any]) -> tuple[int, int] | None:
    match record.get("size"):
        case [int(width), int(height)]:
            return width, height
    return None
