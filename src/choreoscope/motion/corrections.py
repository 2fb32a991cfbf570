"""What is put right by hand in the lift: heights, the floor, contacts, pinned feet, distrust."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.corrections import EVERYBODY
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry.projection import normalised_from_pixels
from choreoscope.motion.floor import KnownFloor, floor_through, tilt_of_up
from choreoscope.motion.skeletons import CONTACT_JOINTS
from choreoscope.pipeline.stage import Options

FREE, OFF, ON, PINNED = -1, 0, 1, 2
"""States of a point of a sole: as detected, not touching, touching, touching and unmoved."""
FootState = Literal["off", "on", "pinned"]
STATES: Mapping[FootState, int] = {"off": OFF, "on": ON, "pinned": PINNED}


class FootSpan(Options):
    """State of one contact joint over frames ``first`` up to but without ``stop``."""

    person: str
    joint: str
    first: int
    stop: int
    state: FootState


class DistrustedSpan(Options):
    """Frames in which what was seen of a person (or of "all") is ignored."""

    person: str
    first: int
    stop: int


class FloorCorrection(Options):
    """Points of the floor (metres, camera axes) or two points of the horizon (pixels)."""

    points: tuple[tuple[float, float, float], ...] = ()
    horizon: tuple[tuple[float, float], ...] = ()


class LiftCorrections(Options):
    """Corrections of one clip, in a form in which equal ones are equal."""

    heights: dict[str, float] = Field(default_factory=dict)
    floor: FloorCorrection | None = None
    feet: tuple[FootSpan, ...] = ()
    distrust: tuple[DistrustedSpan, ...] = ()

    @property
    def people(self) -> set[str]:
        """Everybody who is named."""
        feet, distrust = {span.person for span in self.feet}, {one.person for one in self.distrust}
        return (feet | distrust | set(self.heights)) - {EVERYBODY}


def check_people(corrections: LiftCorrections, known: Iterable[str]) -> None:
    """Make sure that everybody a correction speaks of is there.

    Raises
    ------
    InputError
        If somebody is not; says who is.
    """
    there = list(known)
    for person in sorted(corrections.people):
        if person not in there:
            raise InputError(
                f"corrections: there is no '{person}' in this clip to correct; "
                f"there is {', '.join(there) or 'nobody'} (renamed persons go by their new name, "
                "and 'frames:' says which clip is meant)"
            )


def without_distrusted(
    sequences: Sequence[PersonSequence], corrections: LiftCorrections
) -> tuple[list[PersonSequence], list[str]]:
    """Take out what was seen in distrusted frames, as if nobody had been visible there.

    Returns
    -------
    sequences : list of PersonSequence
        Same rows; those distrusted hold NaN, and 0 for every score.
    notes : list of str
        Who is bridged where.
    """
    kept, notes = [], []
    for sequence in sequences:
        spans = FrameSet.of(
            FrameRange(span.first, span.stop)
            for span in corrections.distrust
            if span.person in (EVERYBODY, sequence.person)
        )
        rows = np.isin(sequence.frames, list(spans))
        kept.append(_blinded(sequence, rows) if rows.any() else sequence)
        if rows.any():
            frames = FrameSet.of(sequence.frames[rows].tolist())
            notes.append(
                f"{sequence.person}: what was seen in frames {frames} is distrusted by a "
                "correction; the movement there is bridged, its confidence 0"
            )
    return kept, notes


def _blinded(sequence: PersonSequence, rows: np.ndarray) -> PersonSequence:
    blind: dict[str, Any] = {}
    for name, empty in (
        ("points_px", np.nan),
        ("points_m", np.nan),
        ("visibility", 0.0),
        ("hands_px", np.nan),
        ("hands_m", np.nan),
        ("hands_score", 0.0),
        ("score", 0.0),
    ):
        blind[name] = np.array(getattr(sequence, name))
        blind[name][rows] = empty
    return dataclasses.replace(sequence, **blind)


def foot_states(
    corrections: LiftCorrections, person: str, first_frame: int, count: int
) -> np.ndarray:
    """State of every point of the soles in every frame.

    Returns
    -------
    (count, 4) int
        `FREE`, `OFF`, `ON` or `PINNED`, columns as `CONTACT_JOINTS`.
    """
    states = np.full((count, len(CONTACT_JOINTS)), FREE)
    for span in corrections.feet:
        if span.person == person:
            rows = slice(max(span.first - first_frame, 0), max(span.stop - first_frame, 0))
            states[rows, CONTACT_JOINTS.index(span.joint)] = STATES[span.state]
    return states


def contact_note(person: str, states: np.ndarray) -> list[str]:
    """Say in how many frames somebody's contacts are put right, if any."""
    changed, held = ((states > limit).any(axis=1).sum() for limit in (FREE, ON))
    if not changed:
        return []
    pins = f", feet are pinned in {held}" if held else ""
    return [f"{person}: contacts are corrected in {changed} frames{pins}"]


def corrected_heights(
    given: Mapping[str, float], corrections: LiftCorrections
) -> tuple[dict[str, float], list[str]]:
    """Heights to use, corrections first, and a note for each one that overrules another."""
    notes = [
        f"{person}: height {height:.2f} m from the corrections, not {given[person]:.2f} m as given"
        for person, height in corrections.heights.items()
        if given.get(person, height) != height
    ]
    return {**given, **corrections.heights}, notes


def known_floor(corrections: LiftCorrections, lens: Lens) -> KnownFloor | None:
    """Work out what corrections say about the floor.

    Raises
    ------
    InputError
        If the points are no floor below this camera.
    """
    told = corrections.floor
    if told is None:
        return None
    if told.points:
        return floor_through(np.array(told.points))
    flat = normalised_from_pixels(np.array(told.horizon), lens)
    one, other = np.concatenate([flat, np.ones((2, 1))], axis=-1)
    up = np.cross(one, other)
    pitch, roll = tilt_of_up(-up if up[1] > 0 else up)
    return KnownFloor(pitch=pitch, roll=roll, camera_height=None)
