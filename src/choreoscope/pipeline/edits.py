"""Work done by hand on results: taken in as it is, recorded, never overwritten.

A plan writes nothing; a run calls `adopt_edits` for each stage before anything else happens to it.
"""

import dataclasses
from pathlib import Path

from choreoscope.datatypes.artifacts import Manifest, WrittenFile
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.pipeline.attempts import window_length
from choreoscope.pipeline.condition import adopted, edit_note, fault_of, look_at
from choreoscope.pipeline.digests import sha256_of
from choreoscope.pipeline.events import Events, Note, ignore
from choreoscope.pipeline.folder import ClipFolder, writing
from choreoscope.pipeline.lock import locked
from choreoscope.pipeline.manifest import read_manifest, write_manifest
from choreoscope.pipeline.plan import Scope, Standing
from choreoscope.pipeline.stage import Stage
from choreoscope.pipeline.task import windows_to_make


def adopt_edits(scope: Scope, standing: Standing, events: Events = ignore) -> Standing:
    """Record what was edited by hand, and move damaged files out of the way.

    Files that are about to be overwritten are hashed first, so that an edit of the same size is
    found as well. Must be called while the folder's lock is held.

    Parameters
    ----------
    standing : Standing
        As `Scope.assess` tells it.
    events : callable
        Told a sentence per file.

    Returns
    -------
    Standing
        The same, or a blocked one where an edit was found in what was to be overwritten.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    standing = _looked_at_closely(scope, standing)
    name = standing.stage.name

    def tell(text: str) -> None:
        events(Note(clip=scope.clip.id, stage=name, text=text))

    with writing(scope.folder.work):
        if standing.edits:
            _record(scope.folder, name, standing.edits)
            for file in standing.edits:
                tell(edit_note(file.path))
        if standing.to_run:
            for path in standing.aside:
                place = scope.folder.set_aside(path)
                tell(f"{path} is not as it was made; it is made again, the old one lies in {place}")
    return standing


def _looked_at_closely(scope: Scope, standing: Standing) -> Standing:
    """Find edits of the same size in what is about to be overwritten."""
    manifest = standing.manifest
    if manifest is None or not standing.to_run:
        return standing
    files = [file for file in _at_risk(scope, standing, manifest) if not file.edited]
    seen = look_at(standing.stage, scope.folder, files, deep=True)
    if not seen.changed:
        damaged = {file.path for file in seen.damaged} - set(standing.aside)
        return dataclasses.replace(standing, aside=(*standing.aside, *sorted(damaged)))
    with writing(scope.folder.work):
        _record(scope.folder, standing.stage.name, seen.changed)
    return scope.assess_again(standing)


def _at_risk(scope: Scope, standing: Standing, manifest: Manifest) -> tuple[WrittenFile, ...]:
    """Files that making the stage would overwrite or remove."""
    if standing.stage.outdated is not None and standing.state == "partial":
        # What was taken in stays unless it was delivered anew, and there may be a lot of it.
        return ()
    if standing.stage.granularity == "clip" or standing.state != "partial":
        return manifest.files
    windows = windows_to_make(
        scope.clip.frames, window_length(standing), standing.missing, manifest.files
    )
    made = FrameSet.of(windows)
    return tuple(
        file for file in manifest.files if file.frames and FrameSet.of([file.frames]) & made
    )


def _record(folder: ClipFolder, stage: str, edits: tuple[WrittenFile, ...]) -> None:
    manifest = read_manifest(folder, stage)
    if manifest is not None:
        write_manifest(folder, adopted(manifest, edits))


def accept(folder: Path, stages: dict[str, Stage], path: str) -> str:
    """Declare a file edited by hand, whatever its size.

    Parameters
    ----------
    folder : Path
        The clip's folder.
    stages : dict of str to Stage
        By name.
    path : str
        The file, relative to the folder.

    Returns
    -------
    str
        Name of the stage whose result it belongs to.

    Raises
    ------
    InputError
        If no record lists it, it is as it was made, it does not open, or the folder is being
        worked on.
    OutputError
        If the folder cannot be written.
    """
    place = ClipFolder(folder)
    with locked(place):
        stage, file = _listed(place, stages, path)
        why = fault_of(stage, place, file)
        if why:
            raise InputError(f"{folder / path} does not open: {why}; mend it, or delete it")
        size, digest = (folder / path).stat().st_size, sha256_of(folder / path)
        if (size, digest) == (file.size, file.sha256):
            raise InputError(f"{folder / path} is as it was recorded; there is nothing to accept")
        now = dataclasses.replace(file, size=size, sha256=digest, edited=True)
        with writing(place.work):
            _record(place, stage.name, (now,))
            place.tidy()
    return stage.name


def _listed(folder: ClipFolder, stages: dict[str, Stage], path: str) -> tuple[Stage, WrittenFile]:
    for name, stage in stages.items():
        manifest = read_manifest(folder, name)
        for file in manifest.files if manifest else ():
            if file.path == path:
                return stage, file
    raise InputError(
        f"no record lists {path} in {folder.root}; 'choreoscope verify {folder.root}' says what "
        f"belongs to the result"
    )
