"""Corrections handed to the stages, each its own slice, so that nothing else is made again.

The option model of a stage that replays corrections has a field ``corrections``. It is filled here
and nowhere else. A slice holds what touches the clip alone, ranges cut to the clip, in a form in
which equal corrections are equal whatever their order in the file where that does not matter.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from choreoscope.capture.overruling import IdentityCorrection
from choreoscope.capture.shots import CutCorrections
from choreoscope.capture.stages.lens import FocalCorrection
from choreoscope.datatypes.corrections import (
    EVERYBODY,
    PARTS,
    Action,
    Contact,
    Correction,
    Corrections,
    CutChanges,
    Distrust,
    FloorPoints,
    Focal,
    Heights,
    Horizon,
    Merge,
    Pin,
    Rename,
    Swap,
    depth_scale_offset,
)
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.shots import ShotsResult
from choreoscope.datatypes.video import Video
from choreoscope.motion.corrections import (
    DistrustedSpan,
    FloorCorrection,
    FootSpan,
    FootState,
    LiftCorrections,
)
from choreoscope.pipeline.choices import GivenInput
from choreoscope.pipeline.fingerprint import Causes
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.stage import Options

FILE_NAME = "corrections.yaml"
STRAIGHT = 1e-12
"""A line of keys that bends by less is straight."""


def corrections_for(out: Path, file: Path | None, video: Video) -> Corrections:
    """Read the corrections of a film: a named file, else the one in the result folder, else none.

    Parameters
    ----------
    out : Path
        Result folder of the film.
    file : Path or None
        Named by the user.
    video : Video
        The film; entries beyond its last frame are errors.

    Raises
    ------
    InputError
        If the file cannot be read or an entry is not one.
    """
    from choreoscope.formats.corrections_yaml import read_corrections

    path = out / FILE_NAME if file is None else file
    if file is None and not path.exists():
        return Corrections()
    return read_corrections(path, frame_count=video.frame_count)


def corrected_options(
    options: Mapping[str, Options], corrections: Corrections, frames: FrameRange, recipe: Recipe
) -> dict[str, Options]:
    """Hand every stage of a recipe the corrections that concern it, and only these.

    Parameters
    ----------
    options : mapping of str to Options
        By stage; defaults where absent.
    corrections : Corrections
        Of the film.
    frames : FrameRange
        Source frames the recipe is run on: the clip's, or all wanted frames for the shots.
    recipe : Recipe
        Stages it does not have are left alone.

    Returns
    -------
    dict of str to Options
        The same objects where nothing is corrected.

    Raises
    ------
    InputError
        If two entries contradict each other in this clip; with file and lines.
    """
    corrected = dict(options)
    for stage in recipe.stages:
        own = SLICES[stage.name](corrections, frames) if stage.name in SLICES else None
        if own:
            base = options.get(stage.name, stage.options())
            corrected[stage.name] = base.model_copy(update={"corrections": own})
    return corrected


def shots_of_clip(given: GivenInput, shots: ShotsResult, frames: FrameRange) -> GivenInput:
    """Give the film's shots the fingerprint of what one clip can see of them.

    A cut that is added or removed elsewhere in the film then leaves this clip's results alone.
    """
    own = [
        [shot.frames.start, shot.frames.stop, shot.movement, shot.speed_px_s]
        for shot in shots.shots
        if shot.frames.start < frames.stop and frames.start < shot.frames.stop
    ]
    facts: dict[str, Any] = {"shots": own, "undecodable": str(shots.undecodable)}
    if given.manifest is not None:
        facts |= {"failed": given.manifest.failed, "notes": given.manifest.notes}
    causes = Causes(stage="shots", version=1, backend=None, options=facts, inputs={})
    return GivenInput(
        kind=given.kind,
        files=given.files,
        fingerprint=causes.fingerprint,
        tier=given.tier,
        manifest=given.manifest,
    )


def _cuts(corrections: Corrections, frames: FrameRange) -> CutCorrections | None:
    add: set[int] = set()
    remove: set[int] = set()
    for entry, action, _ in corrections.touching(frames, CutChanges):
        # The first frame begins a shot anyway.
        add |= {cut for cut in action.add if frames.start < cut < frames.stop}
        remove |= {cut for cut in action.remove if frames.start < cut < frames.stop}
        if add & remove:
            cut = min(add & remove)
            raise corrections.error(entry, f"the cut at frame {cut} is both added and removed")
    if not add and not remove:
        return None
    return CutCorrections(add=tuple(sorted(add)), remove=tuple(sorted(remove)))


def _identities(
    corrections: Corrections, frames: FrameRange
) -> tuple[IdentityCorrection, ...] | None:
    found = []
    for entry in corrections.entries:
        span, action = entry.within(frames), entry.action
        if span is not None and isinstance(action, Swap | Merge | Rename):
            found.append(_identity(entry, action, span))
    return tuple(found) or None


def _identity(
    entry: Correction, action: Swap | Merge | Rename, span: FrameRange
) -> IdentityCorrection:
    kind: Literal["swap", "merge", "rename"] = "rename"
    if not isinstance(action, Rename):
        kind = "swap" if isinstance(action, Swap) else "merge"
    return IdentityCorrection(
        action=kind,
        names=_names(action),
        frames=(span.start, span.stop),
        note=entry.note,
        author=entry.author,
    )


def _names(action: Swap | Merge | Rename) -> tuple[tuple[str, str], ...]:
    if isinstance(action, Swap):
        return ((action.one, action.other),)
    if isinstance(action, Merge):
        return ((action.person, action.into),)
    return tuple(sorted(action.names.items()))


def _focal(corrections: Corrections, frames: FrameRange) -> FocalCorrection | None:
    focal = _only(corrections, frames, (Focal,), "focal length")
    if not isinstance(focal, Focal):
        return None
    return FocalCorrection(
        focal_px=focal.focal_px, focal_mm=focal.focal_mm, sensor_mm=focal.sensor_mm
    )


def _only(
    corrections: Corrections, frames: FrameRange, kinds: Iterable[type[Action]], what: str
) -> Action | None:
    """Take the one action of these kinds in a clip; equal ones count once."""
    found: list[Correction] = []
    for kind in kinds:
        found += [entry for entry, _, _ in corrections.touching(frames, kind)]
    found.sort(key=lambda entry: entry.line)
    for entry in found:
        if entry.action != found[0].action:
            raise corrections.error(
                entry,
                f"another {what} for frames {frames} than in line {found[0].line}; "
                "a shot has only one, say with 'frames:' which shot is meant",
            )
    return found[0].action if found else None


def _lift(corrections: Corrections, frames: FrameRange) -> LiftCorrections | None:
    floor = _only(corrections, frames, (FloorPoints, Horizon), "floor")
    own = LiftCorrections(
        heights=_heights(corrections, frames),
        floor=_floor(floor),
        feet=_feet(corrections, frames),
        distrust=_distrusted(corrections, frames),
    )
    return None if own == LiftCorrections() else own


def _floor(action: Action | None) -> FloorCorrection | None:
    if isinstance(action, FloorPoints):
        return FloorCorrection(points=action.points)
    return FloorCorrection(horizon=action.points) if isinstance(action, Horizon) else None


def _heights(corrections: Corrections, frames: FrameRange) -> dict[str, float]:
    heights: dict[str, float] = {}
    for entry, action, _ in corrections.touching(frames, Heights):
        for person, height in action.metres.items():
            if heights.setdefault(person, height) != height:
                raise corrections.error(
                    entry,
                    f"{person} has a height of {heights[person]:g} m already in frames {frames}; "
                    "say with 'frames:' which shot is meant",
                )
    return heights


def _feet(corrections: Corrections, frames: FrameRange) -> tuple[FootSpan, ...]:
    """States of contact joints: a later entry covers an earlier one, equal neighbours join."""
    states: dict[tuple[str, str], dict[int, FootState]] = {}
    for entry in corrections.entries:
        span, action = entry.within(frames), entry.action
        if span is None or not isinstance(action, Contact | Pin):
            continue
        state = _state(action)
        for joint in PARTS[action.part]:
            states.setdefault((action.person, joint), {}).update(dict.fromkeys(span, state))
    spans = [
        FootSpan(person=person, joint=joint, first=part.start, stop=part.stop, state=state)
        for (person, joint), by_frame in states.items()
        for state in get_args(FootState)
        for part in FrameSet.of(frame for frame, own in by_frame.items() if own == state).ranges
    ]
    return tuple(sorted(spans, key=lambda span: (span.person, span.joint, span.first)))


def _state(action: Contact | Pin) -> FootState:
    if isinstance(action, Pin):
        return "pinned"
    return "on" if action.touching else "off"


def _distrusted(corrections: Corrections, frames: FrameRange) -> tuple[DistrustedSpan, ...]:
    found: dict[str, list[FrameRange]] = {}
    for _, action, span in corrections.touching(frames, Distrust):
        found.setdefault(action.person, []).append(span)
    everybody = FrameSet.of(found.get(EVERYBODY, ()))
    return tuple(
        DistrustedSpan(person=person, first=part.start, stop=part.stop)
        for person in sorted(found)
        for part in _distrusted_ranges(person, FrameSet.of(found[person]), everybody)
    )


def _distrusted_ranges(person: str, own: FrameSet, everybody: FrameSet) -> tuple[FrameRange, ...]:
    return own.ranges if person == EVERYBODY else (own - everybody).ranges


def depth_keys(
    corrections: Corrections, frames: FrameRange
) -> tuple[tuple[int, float, float], ...]:
    """Keys (frame, scale, offset in metres) of a clip's depth, linear between them.

    Empty where the corrections change no frame of the clip. Only frames at which a line bends
    are kept, so that a jump between two entries stays a jump.
    """
    values = depth_scale_offset(corrections, list(frames))
    if np.array_equal(values, np.tile([1.0, 0.0], (len(values), 1))):
        return ()
    bends = np.abs(np.diff(values, n=2, axis=0)).max(axis=1, initial=0.0) > STRAIGHT
    kept = np.concatenate([[True], bends, [True]]) if len(values) > 1 else np.array([True])
    return tuple(
        (frames.start + int(index), float(values[index, 0]), float(values[index, 1]))
        for index in np.flatnonzero(kept)
    )


Slice = Callable[[Corrections, FrameRange], object]
SLICES: Mapping[str, Slice] = {
    "shots": _cuts,
    "identities": _identities,
    "lens": _focal,
    "lift": _lift,
}
"""What each stage that replays corrections is handed; None (or empty) when nothing concerns it."""
