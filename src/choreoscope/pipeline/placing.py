"""Checked outputs into place: everything is re-read first, the manifest comes last.

While files move, ``work/moving/<stage>.json`` lists them. A process that dies meanwhile leaves
that list, and the next one removes what no manifest vouches for.
"""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from choreoscope.datatypes.artifacts import Manifest, WrittenFile, frame_name, kind_of
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.pipeline.digests import sha256_of
from choreoscope.pipeline.folder import ClipFolder, settle
from choreoscope.pipeline.manifest import read_manifest, write_manifest
from choreoscope.pipeline.stage import Stage

FORBIDDEN_IN_NAMES = set('/\\:*?"<>|')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file a stage was given a temporary path for.

    Attributes
    ----------
    path : str
        Its place, relative to the clip's folder.
    temporary : Path
        Where it is written.
    frame : int or None
        Source frame, for kinds with a file per frame.
    """

    kind: str
    path: str
    temporary: Path
    person: str | None = None
    window: str | None = None
    frame: int | None = None


def checked(
    stage: Stage, outputs: Iterable[Output], frames: FrameRange | None
) -> tuple[WrittenFile, ...]:
    """Re-read what a stage wrote; nothing is moved.

    Parameters
    ----------
    frames : FrameRange or None
        Source frames the files cover, for window files.

    Raises
    ------
    OutputError
        If a file is absent or empty, or the stage's own check refuses it.
    """
    return tuple(_checked(stage, output, frames) for output in outputs)


def _checked(stage: Stage, output: Output, frames: FrameRange | None) -> WrittenFile:
    if not output.temporary.is_file():
        raise OutputError(f"stage '{stage.name}' asked for a place for {output.path}, not written")
    size = output.temporary.stat().st_size
    if size == 0:
        raise OutputError(f"stage '{stage.name}' wrote {output.path} with 0 bytes")
    stage.check(output.kind, output.temporary)
    settle(output.temporary)
    return WrittenFile(
        kind=output.kind,
        path=output.path,
        size=size,
        sha256=sha256_of(output.temporary),
        person=output.person,
        window=output.window,
        frames=frames if output.frame is None else FrameRange(output.frame, output.frame + 1),
    )


Placed = tuple[WrittenFile, Path]
"""Record of a file, and where it lies until it is moved into place."""


def replace_result(
    folder: ClipFolder,
    manifest: Manifest,
    files: Iterable[Placed],
    before: Manifest | None = None,
) -> None:
    """Put a whole result in the place of the one before, if any.

    The old manifest goes first: half-replaced files must never be vouched for, not even when the
    user goes back to the old options.

    Parameters
    ----------
    manifest : Manifest
        The new result; files it lists beyond `files` are there already and stay.
    before : Manifest or None
        Vouches for those meanwhile, in the place of the old manifest.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    files = list(files)
    written = {file.path for file, _ in files}
    staying = {file.path for file in manifest.files} - written
    previous = _vouched_for(folder, manifest.stage) - staying
    _list_moving(folder, manifest.stage, written | previous)
    if before is None:
        folder.manifest(manifest.stage).unlink(missing_ok=True)
    else:
        write_manifest(folder, before)
    _move(folder, files, previous)
    for path in sorted(previous - written):
        folder.remove(path)
    write_manifest(folder, manifest)
    _end_moving(folder, manifest.stage)


def add_window(
    folder: ClipFolder, manifest: Manifest, files: Iterable[Placed], before: Manifest | None
) -> None:
    """Add a window's files to a result.

    Parameters
    ----------
    manifest : Manifest
        The result with the window.
    before : Manifest or None
        The result without it, written first where files are replaced.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    files = list(files)
    written = {file.path for file, _ in files}
    if before is not None:
        write_manifest(folder, before)
    _list_moving(folder, manifest.stage, written)
    _move(folder, files, written if before is not None else set())
    write_manifest(folder, manifest)
    _end_moving(folder, manifest.stage)


def drop_result(folder: ClipFolder, stage: str) -> None:
    """Remove a stage's result, manifest first.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    previous = _vouched_for(folder, stage)
    _list_moving(folder, stage, previous)
    folder.manifest(stage).unlink(missing_ok=True)
    for path in sorted(previous):
        folder.remove(path)
    _end_moving(folder, stage)


def finish_moving(folder: ClipFolder, stage: str) -> None:
    """Remove what a process that died while moving files has left without a manifest.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    path = folder.moving(stage)
    if not path.exists():
        return
    for orphan in sorted(_listed(path) - _vouched_for(folder, stage)):
        folder.remove(orphan)
    _end_moving(folder, stage)


def _vouched_for(folder: ClipFolder, stage: str) -> set[str]:
    try:
        manifest = read_manifest(folder, stage)
    except InputError:
        # The plan has told about it; a damaged record vouches for nothing.
        return set()
    return {file.path for file in manifest.files} if manifest else set()


def _list_moving(folder: ClipFolder, stage: str, paths: set[str]) -> None:
    path = folder.moving(stage)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Nothing moves before the list is whole, so half a list stands for no move at all.
    path.write_text(json.dumps(sorted(paths)), encoding="utf-8")


def _listed(path: Path) -> set[str]:
    try:
        record = json.loads(path.read_text("utf-8"))
    except ValueError:
        return set()
    return set(map(str, record)) if isinstance(record, list) else set()


def _end_moving(folder: ClipFolder, stage: str) -> None:
    folder.moving(stage).unlink(missing_ok=True)


def _move(folder: ClipFolder, files: Iterable[Placed], ours: set[str]) -> None:
    """Move files into place; what lies there without being `ours` is kept aside."""
    for file, temporary in files:
        place = folder.root / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.path not in ours and place.is_file() and sha256_of(place) != file.sha256:
            # No record vouches for it, so it may be somebody's only copy.
            folder.set_aside(file.path)
        temporary.replace(place)


def path_of(
    kind: str, person: str | None = None, window: str | None = None, frame: int | None = None
) -> str:
    """Place of an artifact, relative to the clip's folder.

    Raises
    ------
    InputError
        If the kind is not per person, window or frame as named, or a name cannot be a file's.
    """
    pattern = kind_of(kind).path
    number = None if frame is None else frame_name(frame)
    for place, name in (("person", person), ("window", window), ("frame", number)):
        if (f"{{{place}}}" in pattern) != (name is not None):
            wants = "wants" if name is None else "takes no"
            raise InputError(f"the path of {kind} is {pattern}: it {wants} {place}")
        if name is not None and not _is_usable(name):
            raise InputError(f"{place} '{name}' cannot name a file on every system")
    return pattern.format(person=person, window=window, frame=number)


def _is_usable(name: str) -> bool:
    plain = name.isprintable() and not set(name) & FORBIDDEN_IN_NAMES
    return plain and name == name.strip(" .") and bool(name)
