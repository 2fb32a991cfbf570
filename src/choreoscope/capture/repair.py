"""Mending a result: what is missing or broken is made again, and nothing else.

Everything is read again first (`pipeline.verify`). Files that are broken are moved to
``work/set-aside/``; then the capture runs as it would after a crash, with the configuration the
result was made with, and tries frames again that could not be made before. A lost window of a
stage that follows people is made from the state stored with the window before it, so that no
temporal context is missing, and the windows after it stay as they are.

Where something was broken, everything is read once more at the end. What only then can be told to
be wrong, because what it is compared with was broken itself, is mended in another round.
"""

import dataclasses
from pathlib import Path

from choreoscope.capture.choosing import opened
from choreoscope.capture.config import Configuration
from choreoscope.capture.film import FilmResult, capture_configured
from choreoscope.capture.film_record import load_result, read_record
from choreoscope.capture.result_folder import ResultFolder, open_result
from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.condition import look_at
from choreoscope.pipeline.edits import accept
from choreoscope.pipeline.events import Events, Note, ignore
from choreoscope.pipeline.folder import ClipFolder, writing
from choreoscope.pipeline.lock import locked
from choreoscope.pipeline.manifest import read_manifest
from choreoscope.pipeline.status import Unit
from choreoscope.pipeline.verify import Fault, Findings, verify

MOST_ROUNDS = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What was found and what was made of it.

    Attributes
    ----------
    film : Path
        The film it was made from.
    before, after : Findings
        What was wrong at first, and at the last look.
    aside : tuple of str
        Files that were set aside, with the name of their unit in front.
    left : tuple of Fault
        Files that are not as they were made, yet open, and were left alone.
    """

    film: Path
    configuration: Configuration
    before: Findings
    after: Findings
    aside: tuple[str, ...]
    left: tuple[Fault, ...]
    result: FilmResult


def repair(
    shot: Path,
    *,
    film: Path | None = None,
    overwrite_changed: bool = False,
    events: Events = ignore,
) -> Repaired:
    """Make what is missing or broken.

    Parameters
    ----------
    shot : Path
        Result folder of a film; of a clip's folder the whole film is mended.
    film : Path or None
        Where the film lies now; where it lay before if None.
    overwrite_changed : bool
        Make files again that open, but are not as they were made. Otherwise one of another size
        is taken for edited by hand, and one of the same size is left alone.
    events : callable
        Told what happens.

    Raises
    ------
    InputError
        If it is no result folder, the film is not there or another one, or somebody works on it.
    OutputError
        If the folder cannot be written.
    StageFailedError
        If the film itself cannot be gone through.
    """
    folder = open_result(open_result(shot).root)
    place, configuration = load_result(folder.root)
    place = film or place
    _ensure_same_film(folder, place, configuration)
    before = after = verify(folder.units, events)
    aside: list[str] = []
    for _ in range(MOST_ROUNDS):
        for unit in folder.units:
            faults = [fault for fault in after.faults if fault.unit == unit.name]
            aside += _set_aside(unit, faults, events, overwrite_changed=overwrite_changed)
        result = capture_configured(place, folder.root, configuration, events, retry_failed=True)
        if not _is_mendable(after, overwrite_changed=overwrite_changed):
            break
        # A capture may have found other shots.
        folder = open_result(folder.root)
        after = verify(folder.units, events)
        if not _is_mendable(after, overwrite_changed=overwrite_changed):
            break
    return Repaired(
        film=place,
        configuration=configuration,
        before=before,
        after=after,
        aside=tuple(aside),
        left=tuple(_same_size(folder, after)),
        result=result,
    )


def _is_mendable(findings: Findings, *, overwrite_changed: bool) -> bool:
    sorts = ("broken", "changed") if overwrite_changed else ("broken",)
    return any(fault.sort in sorts for fault in findings.faults)


def accept_edits(shot: Path, files: list[Path]) -> dict[str, str]:
    """Declare files of a result edited by hand.

    Parameters
    ----------
    shot : Path
        Result folder of a film, or of a clip.
    files : list of Path
        From here, or from that folder.

    Returns
    -------
    dict of str to str
        File to the stage whose result it belongs to.

    Raises
    ------
    InputError
        If it is no result folder, or a file is not part of it, does not open, or is as it was made.
    OutputError
        If the folder cannot be written.
    """
    folder = open_result(shot)
    taken: dict[str, str] = {}
    for file in files:
        unit, path = _found(folder, shot, file)
        stages = {stage.name: stage for stage in unit.stages}
        taken[str(file)] = accept(unit.folder.root, stages, path)
    return taken


def _found(folder: ResultFolder, shot: Path, file: Path) -> tuple[Unit, str]:
    """Return the unit that a file lies in, and its place there."""
    places = [place for place in (shot / file, file) if place.is_file()]
    if not places:
        raise InputError(f"no such file: {file}, neither from here nor from {shot}")
    place = places[0].resolve()
    # The film's own folder holds the clips' as well, so the deepest one counts.
    for unit in sorted(folder.units, key=lambda unit: -len(unit.folder.root.parts)):
        root = unit.folder.root.resolve()
        if place.is_relative_to(root):
            return unit, place.relative_to(root).as_posix()
    raise InputError(f"{file} does not lie in {shot}")


def _ensure_same_film(folder: ResultFolder, film: Path, configuration: Configuration) -> None:
    video = opened(film, configuration)
    known = (read_record(folder.root) or {}).get("digest")
    if known and video.digest != known:
        raise InputError(
            f"{film} is another film than the one {folder.root} was made from; say with --film "
            f"where that one lies now, or capture this one into another folder"
        )


def _set_aside(
    unit: Unit, faults: list[Fault], events: Events, *, overwrite_changed: bool
) -> list[str]:
    """Move broken files out of the way, so that the engine finds them missing."""
    sorts = ("broken", "changed") if overwrite_changed else ("broken",)
    faults = [fault for fault in faults if fault.sort in sorts]
    if not faults:
        return []
    moved = []
    with locked(unit.folder), writing(unit.folder.work):
        for stage in dict.fromkeys(fault.stage for fault in faults):
            for path in _in_the_way(unit.folder, [one for one in faults if one.stage == stage]):
                place = unit.folder.set_aside(path)
                moved.append(f"{unit.name}/{path}")
                text = f"{path} is broken or not as it was made; set aside as {place}"
                events(Note(clip=unit.name, stage=stage, text=text))
    return moved


def _in_the_way(folder: ClipFolder, faults: list[Fault]) -> list[str]:
    """Files of one stage to be moved: what is broken, or the record where that is wrong."""
    record = folder.manifest(faults[0].stage).relative_to(folder.root).as_posix()
    if any(not fault.path and fault.frames for fault in faults):
        # It vouches for frames that lie in no file.
        return [record]
    if any(fault.path == record for fault in faults):
        return [record]
    manifest = read_manifest(folder, faults[0].stage)
    by_hand = {file.path for file in manifest.files if file.edited} if manifest else set()
    paths = dict.fromkeys(fault.path for fault in faults)
    return [path for path in paths if path not in by_hand and (folder.root / path).is_file()]


def _same_size(folder: ResultFolder, findings: Findings) -> list[Fault]:
    """List changed files that do not count as edited, because their size is the same."""
    left = []
    for fault in findings.faults:
        if fault.sort != "changed":
            continue
        unit = folder.unit(fault.unit)
        manifest = read_manifest(unit.folder, fault.stage)
        seen = look_at(
            next(stage for stage in unit.stages if stage.name == fault.stage),
            unit.folder,
            [file for file in manifest.files if file.path == fault.path] if manifest else [],
            deep=True,
        )
        if seen.changed:
            left.append(fault)
    return left
