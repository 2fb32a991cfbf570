"""Corrections in the lift, against made-up people whose truth is known."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_people import (
    LENS,
    dancing,
    even_times,
    frame_times,
    noisy,
    seen_from,
    standing,
    turn_by,
    watched,
)

from choreoscope.datatypes.corrections import PARTS
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry.kinematics import of_motion
from choreoscope.geometry.projection import project
from choreoscope.motion.corrections import (
    DistrustedSpan,
    FloorCorrection,
    FootSpan,
    FootState,
    LiftCorrections,
)
from choreoscope.motion.floor import Floor, floor_through, tilt_of_up
from choreoscope.motion.lift import LiftOptions, LiftResult, lift_people
from choreoscope.motion.skeletons import CONTACT_JOINTS

TIMES = even_times(2.0, 30)
HEIGHT = {"a": 1.70}
CAMERA = Floor(pitch=np.radians(6.0), roll=0.0, camera_height=1.5, sources=())


def lifted(
    *sequences: PersonSequence, flags: dict[str, float] | None = None, **corrections: object
) -> LiftResult:
    options = LiftOptions(
        heights=HEIGHT if flags is None else flags,
        corrections=LiftCorrections.model_validate(corrections),
    )
    return lift_people(list(sequences), LENS, frame_times(TIMES), options)


def somebody_standing(name: str = "a", x: float = 0.0) -> PersonSequence:
    person = standing(TIMES, np.array([x, -4.0]))
    return watched(seen_from(CAMERA.world_from_camera, TIMES, person), name=name)


def shuffling(rng: np.random.Generator) -> PersonSequence:
    """Somebody who stands with restless legs, as a poor detector sees it."""
    skeleton, sizes, root, pose = standing(TIMES, np.array([0.0, -4.0]))
    swing = 0.25 * np.sin(2 * np.pi * 0.8 * TIMES)[:, None] * np.eye(3)[0]
    for side in ("left", "right"):
        pose[:, skeleton.index(f"{side}_thigh")] = turn_by(swing)
        pose[:, skeleton.index(f"{side}_shin")] = turn_by(np.abs(swing))
    seen = seen_from(CAMERA.world_from_camera, TIMES, (skeleton, sizes, root, pose))
    return noisy(watched(seen), rng, 2.0, 0.02)


def feet(part: str, first: int, stop: int, state: FootState) -> tuple[FootSpan, ...]:
    return tuple(
        FootSpan(person="a", joint=joint, first=first, stop=stop, state=state)
        for joint in PARTS[part]
    )


def feet_joints(result: LiftResult) -> np.ndarray:
    """World places of ankles and balls, ``(T, 4, 3)``; both are still where the foot is."""
    motion = result.motions["a"]
    joints, _ = of_motion(motion)
    return joints[:, [motion.skeleton.index(joint) for joint in CONTACT_JOINTS]]


def test_parts_are_what_contacts_are_detected_for() -> None:
    assert {joint for joints in PARTS.values() for joint in joints} == set(CONTACT_JOINTS)


def test_a_pin_holds_the_foot_within_a_millimetre(rng: np.random.Generator) -> None:
    sequence = shuffling(rng)
    free = lifted(sequence)
    pinned = lifted(sequence, feet=feet("left_foot", 15, 45, "pinned"))
    moved, still = (
        float(np.ptp(feet_joints(each)[15:45, :2], axis=0).max()) for each in (free, pinned)
    )
    assert still < 0.001
    assert moved > 0.02
    assert np.all(pinned.motions["a"].contacts[15:45, :2] == 1.0)
    assert "a: contacts are corrected in 30 frames, feet are pinned in 30" in pinned.notes


def test_a_contact_can_be_taken_away_and_given() -> None:
    sequence = somebody_standing()
    assert np.all(lifted(sequence).motions["a"].contacts >= 0.5)
    off = lifted(sequence, feet=feet("right_foot", 10, 30, "off")).motions["a"].contacts
    assert np.all(off[10:30, 2:] == 0.0)
    assert np.all(off[:10] >= 0.5)
    assert np.all(off[30:] >= 0.5)
    assert np.all(off[:, :2] >= 0.5)
    on = feet("left_heel", 5, 15, "on")
    jumping = np.array(sequence.points_px)
    jumping[:, 27:] -= np.where(np.arange(60) % 6 < 3, 60.0, 0.0)[:, None, None]
    restless = dataclasses.replace(sequence, points_px=jumping)
    assert lifted(restless).motions["a"].contacts[5:15, 0].min() < 0.5
    assert np.all(lifted(restless, feet=on).motions["a"].contacts[5:15, 0] == 1.0)


def test_a_corrected_height_is_met_and_wins_with_a_note() -> None:
    sequence = somebody_standing()
    result = lifted(sequence, flags={"a": 1.90}, heights={"a": 1.55})
    assert result.residuals["a"].stature == pytest.approx(1.55, abs=1e-12)
    assert "a: height 1.55 m from the corrections, not 1.90 m as given" in result.notes
    agreed = lifted(sequence, flags={"a": 1.55}, heights={"a": 1.55})
    assert not any("not 1.55" in note for note in agreed.notes)
    assert lifted(sequence, flags={"a": 1.90}).residuals["a"].stature == pytest.approx(1.90)


def floor_points(camera: Floor) -> tuple[tuple[float, float, float], ...]:
    world = np.array([[-1.0, 0.0, -3.0], [1.2, 0.0, -4.0], [0.3, 0.0, -8.0], [-2.0, 0.0, -6.0]])
    camera_from_world = np.linalg.inv(camera.world_from_camera)
    points = world @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    return tuple((float(x), float(y), float(z)) for x, y, z in points)


TILTED = Floor(pitch=np.radians(12.0), roll=np.radians(-4.0), camera_height=2.2, sources=())


def test_a_floor_is_taken_from_its_points() -> None:
    told = FloorCorrection(points=floor_points(TILTED))
    result = lifted(somebody_standing(), floor=told)
    assert result.floor.pitch == pytest.approx(TILTED.pitch, abs=1e-9)
    assert result.floor.roll == pytest.approx(TILTED.roll, abs=1e-9)
    assert result.floor.camera_height == pytest.approx(2.2, abs=1e-9)
    assert any("12.0 degrees down, -4.0 sideways; floor 2.20 m" in note for note in result.notes)
    free = lifted(somebody_standing())
    assert free.floor.camera_height < 1.8


def test_the_tilt_is_taken_from_the_horizon_and_the_height_from_the_feet() -> None:
    far = np.array([[-1e6, CAMERA.camera_height, -5e6], [2e6, CAMERA.camera_height, -5e6]])
    camera_from_world = np.linalg.inv(CAMERA.world_from_camera)
    seen = project(far @ camera_from_world[:3, :3].T + camera_from_world[:3, 3], LENS)
    horizon = tuple((float(x), float(y)) for x, y in seen)
    result = lifted(somebody_standing(), floor=FloorCorrection(horizon=horizon))
    assert np.degrees(result.floor.pitch) == pytest.approx(6.0, abs=0.01)
    assert result.floor.roll == pytest.approx(0.0, abs=1e-4)
    assert result.floor.camera_height == pytest.approx(1.5, abs=0.05)
    wrong = tuple((x, y + 100.0) for x, y in horizon)
    off = lifted(somebody_standing(), floor=FloorCorrection(horizon=wrong)).floor
    assert abs(np.degrees(off.pitch) - 6.0) > 2.0


@given(pitch=st.floats(-80, 80), roll=st.floats(-60, 60), height=st.floats(0.2, 20.0))
def test_a_floor_goes_through_its_own_points(pitch: float, roll: float, height: float) -> None:
    camera = Floor(pitch=np.radians(pitch), roll=np.radians(roll), camera_height=height, sources=())
    found = floor_through(np.array(floor_points(camera)))
    assert found.pitch == pytest.approx(camera.pitch, abs=1e-6)
    assert found.roll == pytest.approx(camera.roll, abs=1e-6)
    assert found.camera_height == pytest.approx(height, abs=1e-6)
    assert tilt_of_up(camera.world_from_camera[1, :3]) == pytest.approx(
        (camera.pitch, camera.roll), abs=1e-9
    )


@pytest.mark.parametrize(
    ("points", "why"),
    [
        (((0, 1.5, 3), (0, 1.5, 4), (0, 1.5, 5)), "in one line"),
        (((0, -1.5, 3), (1, -1.5, 4), (0, -1.5, 5)), "not below the camera"),
        (((0, 0, 3), (1, 0, 4), (0, 0, 5)), "not below the camera"),
    ],
)
def test_points_that_are_no_floor_are_refused(
    points: tuple[tuple[float, float, float], ...], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        lifted(somebody_standing(), floor=FloorCorrection(points=points))


def spoilt(sequence: PersonSequence, rows: slice, seed: int) -> PersonSequence:
    """Rubbish in these rows, whatever the seed says."""
    noise = np.random.default_rng(seed)
    points_px, points_m = np.array(sequence.points_px), np.array(sequence.points_m)
    points_px[rows] += noise.normal(0, 150, points_px[rows].shape)
    points_m[rows] += noise.normal(0, 0.5, points_m[rows].shape)
    return dataclasses.replace(sequence, points_px=points_px, points_m=points_m)


def test_what_is_distrusted_has_no_say(rng: np.random.Generator) -> None:
    sequence = watched(dancing(rng, TIMES))
    spans = (DistrustedSpan(person="a", first=20, stop=32),)
    one, other = (
        lifted(spoilt(sequence, slice(20, 32), seed), distrust=spans).motions["a"]
        for seed in (1, 2)
    )
    assert one.rotations.tobytes() == other.rotations.tobytes()
    assert one.root_position.tobytes() == other.root_position.tobytes()
    assert np.all(one.confidence[20:32] == 0.0)
    assert np.all(one.confidence[:20].max(axis=1) > 0)
    assert np.all(one.confidence[32:].max(axis=1) > 0)
    assert one.frame_count == len(TIMES)
    believed, doubted = (
        lifted(spoilt(sequence, slice(20, 32), seed)).motions["a"] for seed in (1, 2)
    )
    assert believed.rotations.tobytes() != doubted.rotations.tobytes()


def test_distrust_is_told_and_may_hold_for_everybody(rng: np.random.Generator) -> None:
    two = [watched(dancing(rng, TIMES), name="a"), somebody_standing("b", 1.0)]
    spans = (DistrustedSpan(person="all", first=50, stop=70),)
    result = lifted(*two, distrust=spans)
    for name in ("a", "b"):
        assert np.all(result.motions[name].confidence[50:] == 0.0)
        assert any(
            note.startswith(f"{name}: what was seen in frames 50:60 is distrusted")
            for note in result.notes
        )
    one = lifted(*two, distrust=(DistrustedSpan(person="a", first=50, stop=70),))
    assert np.all(one.motions["b"].confidence[50:].max(axis=1) > 0)


def test_somebody_distrusted_from_end_to_end(rng: np.random.Generator) -> None:
    spans = (DistrustedSpan(person="a", first=0, stop=60),)
    motion = lifted(watched(dancing(rng, TIMES)), distrust=spans).motions["a"]
    assert np.all(motion.confidence == 0.0)


def test_strangers_are_refused_by_naming_who_is_there() -> None:
    for corrections in (
        {"heights": {"bob": 1.7}},
        {"distrust": (DistrustedSpan(person="bob", first=0, stop=5),)},
        {"feet": (FootSpan(person="bob", joint="left_foot", first=0, stop=5, state="on"),)},
    ):
        with pytest.raises(InputError, match=r"there is no .bob. in this clip.*there is a "):
            lifted(somebody_standing(), **corrections)
    with pytest.raises(InputError, match="there is nobody"):
        lifted(heights={"a": 1.7}, flags={})


def test_no_correction_gives_the_same_bytes(rng: np.random.Generator) -> None:
    sequence = watched(dancing(rng, TIMES))
    plain = lift_people([sequence], LENS, frame_times(TIMES), LiftOptions(heights=HEIGHT))
    assert (
        plain.motions["a"].rotations.tobytes() == lifted(sequence).motions["a"].rotations.tobytes()
    )
