"""Lifting what a perfect detector sees of a known person has to give that person back."""

import dataclasses

import numpy as np
import pytest
from made_people import (
    LENS,
    Person,
    dancing,
    even_times,
    frame_times,
    hand_points,
    keep,
    noisy,
    turn_by,
    watched,
)

from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import of_motion
from choreoscope.geometry.projection import lens_from_fov
from choreoscope.motion import landmarks
from choreoscope.motion.inverse_kinematics import FACING_CAMERA
from choreoscope.motion.lift import LiftOptions, LiftResult, lift_people

BARE = LiftOptions(heights={"a": 1.70}, smoothing=False, grounding=False)
SMOOTH = LiftOptions(heights={"a": 1.70}, grounding=False)
EVERY = slice(None)
SMALL = ("thumb", "index", "middle", "ring", "pinky", "toes")


def body_joints(person: Person) -> list[int]:
    names = person.skeleton.joints
    return [index for index, name in enumerate(names) if not any(s in name for s in SMALL)]


def joints_in_camera(result: LiftResult, name: str = "a") -> np.ndarray:
    joints, _ = of_motion(result.motions[name])
    camera = result.camera.camera_from_world[0]
    return joints @ camera[:3, :3].T + camera[:3, 3]


def joint_errors(result: LiftResult, person: Person, rows: slice = EVERY) -> np.ndarray:
    apart = np.linalg.norm(joints_in_camera(result)[rows] - person.joints[rows], axis=-1)
    return apart[:, body_joints(person)]


def turn_errors(result: LiftResult, person: Person) -> np.ndarray:
    body = body_joints(person)[1:]
    turned = result.motions["a"].rotations
    return np.degrees(rotation.angle_between(turned[:, body], person.rotations[:, body]))


@pytest.mark.parametrize("distance", [2.5, 4.0, 8.0])
def test_joints_within_millimetres_and_root_within_a_centimetre(
    rng: np.random.Generator, distance: float
) -> None:
    times = even_times(2.0, 30)
    person = dancing(rng, times, distance=distance)
    result = lift_people([watched(person)], LENS, frame_times(times), BARE)
    errors = joint_errors(result, person)
    assert np.median(errors) < 0.003
    assert np.percentile(errors, 95) < 0.010
    assert errors[:, 0].max() < 0.010
    turns = turn_errors(result, person)
    assert np.median(turns) < 1.0
    assert np.percentile(turns, 95) < 6.0
    assert result.residuals["a"].pixels < 0.4
    assert result.residuals["a"].metres < 0.003


def test_a_wrong_focal_length_puts_people_at_a_wrong_distance(rng: np.random.Generator) -> None:
    times = even_times(1.0, 30)
    person = dancing(rng, times, distance=5.0)
    half = dataclasses.replace(LENS, fx=LENS.fx / 2, fy=LENS.fy / 2)
    result = lift_people([watched(person)], half, frame_times(times), BARE)
    ratio = joints_in_camera(result)[:, 0, 2] / person.root[:, 2]
    np.testing.assert_allclose(ratio, 0.5, atol=0.06)


def test_a_bent_lens_is_straightened(rng: np.random.Generator) -> None:
    times = even_times(1.0, 30)
    person = dancing(rng, times, distance=3.0)
    bent = dataclasses.replace(LENS, distortion=np.array([-0.2, 0.05, 0.001, -0.001]))
    sequence = watched(person, lens=bent)
    result = lift_people([sequence], bent, frame_times(times), BARE)
    assert np.median(joint_errors(result, person)) < 0.004
    ignored = lift_people([sequence], LENS, frame_times(times), BARE)
    assert np.median(joint_errors(ignored, person)) > 0.008


def test_bones_keep_their_length_exactly(rng: np.random.Generator) -> None:
    times = even_times(1.5, 30)
    sequence = noisy(watched(dancing(rng, times)), rng, 6.0, 0.06)
    motion = lift_people([sequence], LENS, frame_times(times), SMOOTH).motions["a"]
    joints, _ = of_motion(motion)
    bones = joints[:, 1:] - joints[:, motion.skeleton.parents[1:]]
    lengths = np.linalg.norm(bones, axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-12


@pytest.mark.parametrize("height", [0.9, 1.52, 2.05])
def test_a_given_height_is_met_exactly(rng: np.random.Generator, height: float) -> None:
    times = even_times(1.0, 30)
    options = dataclasses.replace(BARE, heights={"a": height})
    result = lift_people([watched(dancing(rng, times))], LENS, frame_times(times), options)
    skeleton = result.motions["a"].skeleton
    at_rest = np.zeros(3)
    joint = skeleton.index("head")
    top = skeleton.tips[joint].copy()
    while joint >= 0:
        top += skeleton.rest_local[joint, :3, 3]
        joint = skeleton.parents[joint]
    np.testing.assert_allclose(top - at_rest, [0.0, height, 0.0], atol=1e-12)
    assert result.residuals["a"].stature == pytest.approx(height, abs=1e-12)
    assert not any("height assumed" in note for note in result.notes)


def test_without_a_height_the_prior_takes_part_and_a_note_says_so(rng: np.random.Generator) -> None:
    times = even_times(1.0, 30)
    result = lift_people(
        [watched(dancing(rng, times, stature=1.40))], LENS, frame_times(times), LiftOptions()
    )
    residuals = result.residuals["a"]
    assert residuals.detector_stature == pytest.approx(1.40, abs=0.02)
    assert 1.42 < residuals.stature < 1.69
    assert any("a: height assumed" in note for note in result.notes)


@pytest.mark.parametrize(
    "facing",
    [
        pytest.param(
            rotation.multiply(turn_by(np.pi * np.eye(3)[2]), FACING_CAMERA), id="head down"
        ),
        pytest.param(rotation.multiply(turn_by(1.5 * np.eye(3)[2]), FACING_CAMERA), id="lying"),
        pytest.param(rotation.multiply(FACING_CAMERA, turn_by(np.pi * np.eye(3)[1])), id="back"),
        pytest.param(rotation.multiply(FACING_CAMERA, turn_by(1.57 * np.eye(3)[1])), id="profile"),
    ],
)
def test_whichever_way_up(rng: np.random.Generator, facing: np.ndarray) -> None:
    times = even_times(1.5, 30)
    person = dancing(rng, times, facing=facing)
    result = lift_people([watched(person)], LENS, frame_times(times), BARE)
    assert np.median(joint_errors(result, person)) < 0.004
    assert np.median(turn_errors(result, person)) < 1.5


def test_fingers_come_from_the_hand_points(rng: np.random.Generator) -> None:
    times = even_times(1.0, 30)
    person = dancing(rng, times)
    skeleton, pose = person.skeleton, person.rotations.copy()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for finger, curl in (("index", 0.3), ("middle", 1.2), ("ring", 0.8), ("pinky", 0.1)):
            for bone in (1, 2, 3):
                bend = np.array([0.0, 0.0, -sign * curl * (0.8, 1.0, 0.6)[bone - 1]])
                pose[:, skeleton.index(f"{side}_{finger}_{bone}")] = turn_by(bend)
    person = dataclasses.replace(person, rotations=pose)
    seen = lift_people([watched(person, hands=True)], LENS, frame_times(times), BARE)
    names = [
        n for n in skeleton.joints if any(f in n for f in ("index", "middle", "ring", "pinky"))
    ]
    fingers = [skeleton.index(name) for name in names]
    turned = seen.motions["a"].rotations[:, fingers]
    off = np.degrees(rotation.angle_between(turned, pose[:, fingers]))
    assert np.median(off) < 3.0
    assert off.max() < 12.0
    unseen = lift_people([watched(person)], LENS, frame_times(times), BARE).motions["a"]
    blind = np.degrees(rotation.angle_between(unseen.rotations[:, fingers], pose[:, fingers]))
    assert np.median(blind) > 10.0
    assert np.all(seen.motions["a"].confidence[:, fingers] == 1.0)
    assert np.all(unseen.confidence[:, fingers] == 0.0)


def test_thumbs_and_hands_of_any_size(rng: np.random.Generator) -> None:
    times = even_times(0.5, 30)
    sequence = watched(dancing(rng, times), hands=True)
    small = dataclasses.replace(sequence, hands_m=sequence.hands_m * 0.4)
    first, second = (
        lift_people([each], LENS, frame_times(times), BARE).motions["a"]
        for each in (sequence, small)
    )
    thumb = first.skeleton.index("left_thumb_1")
    assert rotation.angle_between(first.rotations, second.rotations)[:, thumb:].max() < 1e-6


def test_left_and_right_swapped_is_caught_by_the_residuals(rng: np.random.Generator) -> None:
    times = even_times(1.0, 30)
    sequence = watched(dancing(rng, times))
    swapped = dataclasses.replace(
        sequence,
        points_px=sequence.points_px[:, landmarks.MIRROR],
        points_m=sequence.points_m[:, landmarks.MIRROR],
    )
    right, wrong = (
        lift_people([each], LENS, frame_times(times), BARE).residuals["a"]
        for each in (sequence, swapped)
    )
    assert wrong.metres > 5 * right.metres
    assert wrong.pixels > 5 * right.pixels


def test_half_a_body_is_placed_as_well_as_a_whole_one(rng: np.random.Generator) -> None:
    times = even_times(1.5, 30)
    person = dancing(rng, times, distance=2.5)
    sequence = watched(person)
    cut = sequence.visibility.copy()
    cut[:, 25:] = 0.0
    px, metres = sequence.points_px.copy(), sequence.points_m.copy()
    px[:, 25:], metres[:, 25:] = np.nan, np.nan
    upper = dataclasses.replace(sequence, visibility=cut, points_px=px, points_m=metres)
    result = lift_people([upper], LENS, frame_times(times), BARE)
    motion = result.motions["a"]
    arms = [motion.skeleton.index(n) for n in ("head", "left_hand", "right_hand", "left_forearm")]
    apart = joints_in_camera(result)[:, arms] - person.joints[:, arms]
    # Without legs the stature is a guess from the trunk, so distance is good to a few per cent.
    assert np.median(np.linalg.norm(apart[..., :2], axis=-1)) < 0.02
    assert np.median(np.abs(apart[..., 2])) < 0.08 * 2.5
    assert np.all(motion.confidence[:, motion.skeleton.index("left_foot")] == 0.0)
    assert np.all(motion.confidence[:, arms] > 0.9)


def test_missing_frames_are_bridged_with_confidence_exactly_zero(rng: np.random.Generator) -> None:
    times = even_times(2.0, 30)
    person = dancing(rng, times)
    rows = np.concatenate([np.arange(20), np.arange(26, 60)])
    result = lift_people([keep(watched(person), rows)], LENS, frame_times(times), SMOOTH)
    motion = result.motions["a"]
    assert motion.frame_count == 60
    assert np.all(motion.confidence[20:26] == 0.0)
    assert np.all(motion.confidence[:20].max(axis=1) > 0)
    assert np.all(motion.confidence[26:].max(axis=1) > 0)
    assert np.median(joint_errors(result, person, slice(20, 26))) < 0.08
    joints = joints_in_camera(result)
    step = np.linalg.norm(np.diff(joints[19:27], axis=0), axis=-1)
    assert step.max() < 0.15


def test_film_numbering_is_kept(rng: np.random.Generator) -> None:
    times = 7.0 + even_times(0.5, 30)
    person = dancing(rng, times)
    sequence = watched(person, first_frame=210)
    result = lift_people([keep(sequence, np.arange(3, 12))], LENS, frame_times(times, 210), BARE)
    motion = result.motions["a"]
    assert (motion.first_frame, motion.frame_count) == (213, 9)
    np.testing.assert_allclose(motion.times, times[3:12])
    assert len(result.camera.intrinsics) == 15


def test_a_second_in_which_nothing_is_visible(rng: np.random.Generator) -> None:
    times = even_times(3.0, 30)
    sequence = watched(dancing(rng, times))
    visibility = sequence.visibility.copy()
    visibility[30:60] = 0.0
    rubbish = sequence.points_m.copy()
    rubbish[30:60] = rng.normal(0, 3, rubbish[30:60].shape)
    blind = dataclasses.replace(sequence, visibility=visibility, points_m=rubbish)
    motion = lift_people([blind], LENS, frame_times(times), SMOOTH).motions["a"]
    assert np.all(motion.confidence[30:60] == 0.0)
    steps = np.linalg.norm(np.diff(motion.root_position, axis=0), axis=-1)
    assert steps.max() < 0.1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_hardly_any_frames(rng: np.random.Generator, count: int) -> None:
    times = even_times(count / 30, 30)
    person = dancing(rng, times)
    result = lift_people([watched(person)], LENS, frame_times(times), LiftOptions())
    assert result.motions["a"].frame_count == count
    assert result.residuals["a"].pixels < 6.0


def test_nobody_and_nothing() -> None:
    times = frame_times(even_times(0.2, 30))
    empty = lift_people([], LENS, times, LiftOptions())
    assert empty.motions == {}
    assert len(empty.camera.intrinsics) == 6
    assert empty.floor.sources == ()


def test_somebody_who_is_never_visible(rng: np.random.Generator) -> None:
    times = even_times(0.5, 30)
    sequence = watched(dancing(rng, times))
    blind = dataclasses.replace(
        sequence,
        visibility=np.zeros_like(sequence.visibility),
        points_px=np.full_like(sequence.points_px, np.nan),
    )
    motion = lift_people([blind], LENS, frame_times(times), LiftOptions()).motions["a"]
    assert np.all(motion.confidence == 0.0)


def test_portrait_lens_far_from_the_axis(rng: np.random.Generator) -> None:
    times = even_times(1.0, 30)
    person = dancing(rng, times, distance=4.0)
    aside = dataclasses.replace(person, root=person.root + np.array([1.2, -0.5, 0.0]))
    lens = lens_from_fov(60.0, 1080, 1920)
    result = lift_people([watched(aside, lens=lens)], lens, frame_times(times), BARE)
    assert np.median(joint_errors(result, aside)) < 0.004
    assert hand_points(aside).shape == (30, 2, 21, 3)
