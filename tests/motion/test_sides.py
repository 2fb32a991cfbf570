import dataclasses

import numpy as np
import pytest
from made_people import LENS, dancing, even_times, frame_times, keep, noisy, turn_by, watched

from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import of_motion
from choreoscope.motion import landmarks
from choreoscope.motion.evidence import gather
from choreoscope.motion.inverse_kinematics import FACING_CAMERA
from choreoscope.motion.lift import LiftOptions, lift_people
from choreoscope.motion.sides import exchanged_sides, with_sides_mended

WRONG = np.zeros(60, dtype=bool)
WRONG[[7, 20, 21, 22, 23, 24, 40, 42, 43]] = True


def exchanged(sequence: PersonSequence, rows: np.ndarray) -> PersonSequence:
    px, metres = sequence.points_px.copy(), sequence.points_m.copy()
    px[rows], metres[rows] = (each[rows][:, landmarks.MIRROR] for each in (px, metres))
    return dataclasses.replace(sequence, points_px=px, points_m=metres)


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_exchanged_frames_are_found(rng: np.random.Generator, noise: float) -> None:
    times = even_times(2.0, 30)
    sequence = noisy(exchanged(watched(dancing(rng, times)), WRONG), rng, noise, 0.01)
    evidence = gather(sequence, LENS, times)
    np.testing.assert_array_equal(exchanged_sides(evidence), WRONG)


def test_mending_gives_the_points_back(rng: np.random.Generator) -> None:
    times = even_times(2.0, 30)
    right = watched(dancing(rng, times))
    mended = with_sides_mended(gather(exchanged(right, WRONG), LENS, times), WRONG)
    straight = gather(right, LENS, times)
    np.testing.assert_array_equal(mended.points, straight.points)
    np.testing.assert_array_equal(mended.image, straight.image)
    np.testing.assert_array_equal(mended.weights[WRONG], 0.5)


@pytest.mark.parametrize(("rate", "turns"), [(30, 0.4), (30, 2.0), (60, 3.0), (12, 0.7)])
def test_spins_are_left_alone(rng: np.random.Generator, rate: float, turns: float) -> None:
    times = even_times(2.0, rate)
    person = dancing(rng, times)
    spin = turn_by(2 * np.pi * turns * times[:, None] * np.eye(3)[1])
    pose = person.rotations.copy()
    pose[:, 0] = rotation.multiply(np.array(FACING_CAMERA), spin)
    spinning = watched(dataclasses.replace(person, rotations=pose))
    assert not exchanged_sides(gather(spinning, LENS, times)).any()


def test_five_frames_a_second_and_single_frames_are_left_alone(rng: np.random.Generator) -> None:
    times = even_times(4.0, 5)
    sequence = exchanged(watched(dancing(rng, times)), np.arange(20) == 9)
    assert not exchanged_sides(gather(sequence, LENS, times)).any()
    alone = keep(sequence, np.arange(1))
    assert not exchanged_sides(gather(alone, LENS, times[:1])).any()


def test_the_motion_does_not_whirl_and_a_note_tells(rng: np.random.Generator) -> None:
    times = even_times(2.0, 30)
    person = dancing(rng, times)
    options = LiftOptions(heights={"a": 1.70}, grounding=False)
    result = lift_people([exchanged(watched(person), WRONG)], LENS, frame_times(times), options)
    joints, _ = of_motion(result.motions["a"])
    view = result.camera.camera_from_world[0]
    knees = [person.skeleton.index(f"{side}_shin") for side in ("left", "right")]
    off = (joints @ view[:3, :3].T + view[:3, 3] - person.joints)[:, knees]
    assert np.linalg.norm(off, axis=-1).max() < 0.06
    assert any("a: left and right exchanged in 9 frames" in note for note in result.notes)
