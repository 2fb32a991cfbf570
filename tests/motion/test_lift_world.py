"""The common world: floor, feet, noise, rates, and real landmarks."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from made_people import (
    LENS,
    Person,
    dancing,
    even_times,
    frame_times,
    noisy,
    seen_from,
    standing,
    turn_by,
    watched,
)

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import of_motion
from choreoscope.geometry.projection import assumed_lens, project
from choreoscope.motion.feet import sole_points
from choreoscope.motion.floor import Floor
from choreoscope.motion.lift import LiftOptions, LiftResult, lift_people
from choreoscope.motion.proportions import default_proportions


def camera(pitch: float = 0.0, height: float = 1.5) -> np.ndarray:
    tilt = Floor(pitch=np.radians(pitch), roll=0.0, camera_height=height, sources=())
    return tilt.world_from_camera


def soles(result: LiftResult, name: str, stature: float) -> np.ndarray:
    motion = result.motions[name]
    return sole_points(
        motion.skeleton, default_proportions(stature), motion.root_position, motion.rotations
    )


def two_on_a_floor(pitch: float) -> tuple[list[PersonSequence], np.ndarray]:
    times = even_times(2.0, 30)
    view = camera(pitch)
    near = seen_from(view, times, standing(times, np.array([-0.9, -4.0]), stature=1.62))
    far = seen_from(view, times, standing(times, np.array([0.9, -7.0]), stature=1.85, turned=0.6))
    return [watched(near, name="near"), watched(far, name="far")], times


HEIGHTS = {"near": 1.62, "far": 1.85}


@pytest.mark.parametrize("pitch", [0.0, 9.0, -7.0])
def test_two_people_on_one_floor_at_different_depths(pitch: float) -> None:
    sequences, times = two_on_a_floor(pitch)
    result = lift_people(sequences, LENS, frame_times(times), LiftOptions(heights=HEIGHTS))
    assert np.degrees(result.floor.pitch) == pytest.approx(pitch, abs=2.0)
    assert result.floor.camera_height == pytest.approx(1.5, abs=0.08)
    for name, place in (("near", [-0.9, -4.0]), ("far", [0.9, -7.0])):
        assert np.abs(soles(result, name, HEIGHTS[name])[..., 1]).max() < 0.03
        at = result.motions[name].root_position[:, [0, 2]]
        np.testing.assert_allclose(at.mean(axis=0), place, atol=0.25)
        assert np.all(result.motions[name].contacts >= 0.5)


def test_swapped_heights_are_seen_in_the_floor() -> None:
    sequences, times = two_on_a_floor(0.0)
    wrong = {"near": 1.85, "far": 1.62}
    bare = LiftOptions(heights=wrong, grounding=False)
    result = lift_people(sequences, LENS, frame_times(times), bare)
    assert abs(np.degrees(result.floor.pitch)) > 1.5


def test_the_camera_track_shows_the_world_where_it_was_seen() -> None:
    sequences, times = two_on_a_floor(9.0)
    result = lift_people(sequences, LENS, frame_times(times), LiftOptions(heights=HEIGHTS))
    joints, _ = of_motion(result.motions["near"])
    view = result.camera.camera_from_world[7]
    skeleton = result.motions["near"].skeleton
    elbow = joints[7, skeleton.index("left_forearm")]
    pixel = project(view[:3, :3] @ elbow + view[:3, 3], LENS)
    np.testing.assert_allclose(pixel, sequences[0].points_px[7, 13], atol=3.0)
    assert len(result.camera.camera_from_world) == len(times)
    assert result.camera.source == LENS.source


def test_a_man_on_a_roof_stays_there() -> None:
    times = even_times(2.5, 30)
    view = camera(0.0)
    skeleton, sizes, root, pose = standing(times, np.array([1.0, -11.0]), stature=1.75)
    on_roof = seen_from(view, times, (skeleton, sizes, root + np.array([0.0, 3.0, 0.0]), pose))
    below = seen_from(view, times, standing(times, np.array([-1.5, -9.0]), stature=1.65))
    result = lift_people(
        [watched(on_roof, name="man"), watched(below, name="woman")],
        LENS,
        frame_times(times),
        LiftOptions(heights={"man": 1.75, "woman": 1.65}),
    )
    assert np.abs(soles(result, "woman", 1.65)[..., 1]).max() < 0.03
    np.testing.assert_allclose(soles(result, "man", 1.75)[..., 1], 3.0, atol=0.25)
    assert np.all(result.motions["man"].contacts >= 0.5)


def jitter(result: LiftResult, person: Person) -> float:
    """Mean acceleration of the error of hands and feet, m/s^2, in camera axes."""
    joints, _ = of_motion(result.motions["a"])
    view = result.camera.camera_from_world[0]
    ends = [person.skeleton.index(f"{s}_{p}") for s in ("left", "right") for p in ("hand", "foot")]
    off = (joints @ view[:3, :3].T + view[:3, 3] - person.joints)[:, ends]
    return float(np.abs(np.diff(off, 2, axis=0)).mean() * 900)


def test_smoothing_takes_jitter_out_and_switching_it_off_leaves_it_in(
    rng: np.random.Generator,
) -> None:
    times = even_times(3.0, 30)
    person = dancing(rng, times)
    sequence = noisy(watched(person), rng, 3.0, 0.02)
    calm, shaky = (
        lift_people(
            [sequence],
            LENS,
            frame_times(times),
            LiftOptions(heights={"a": 1.70}, smoothing=smoothing, grounding=False),
        )
        for smoothing in (True, False)
    )
    assert jitter(calm, person) < 0.35 * jitter(shaky, person)


@pytest.mark.parametrize(("px", "metres", "limit"), [(1.0, 0.01, 0.015), (4.0, 0.04, 0.05)])
def test_noise_in_noise_out(
    rng: np.random.Generator, px: float, metres: float, limit: float
) -> None:
    times = even_times(3.0, 30)
    person = dancing(rng, times)
    result = lift_people(
        [noisy(watched(person), rng, px, metres)],
        LENS,
        frame_times(times),
        LiftOptions(heights={"a": 1.70}, grounding=False),
    )
    joints, _ = of_motion(result.motions["a"])
    view = result.camera.camera_from_world[0]
    limbs = [person.skeleton.index(f"left_{part}") for part in ("hand", "forearm", "shin", "foot")]
    off = joints @ view[:3, :3].T + view[:3, 3] - person.joints
    relative = (off - off[:, :1])[:, limbs]
    assert np.median(np.linalg.norm(relative, axis=-1)) < limit


@pytest.mark.parametrize("rate", [5, 30, 120])
def test_any_frame_rate(rng: np.random.Generator, rate: float) -> None:
    times = even_times(2.0, rate)
    person = dancing(rng, times)
    result = lift_people(
        [watched(person)], LENS, frame_times(times), LiftOptions(heights={"a": 1.70})
    )
    turned = result.motions["a"].rotations
    arms = [person.skeleton.index(f"left_{part}") for part in ("upper_arm", "forearm", "thigh")]
    off = np.degrees(rotation.angle_between(turned[:, arms], person.rotations[:, arms]))
    assert np.percentile(off, 90) < 4.0


def test_variable_frame_rate_follows_the_time_stamps(rng: np.random.Generator) -> None:
    times = np.cumsum(rng.choice([1 / 60, 1 / 24, 1 / 12], 80))
    person = dancing(rng, times)
    sequence = watched(person)
    off = []
    for seconds in (times, np.arange(80) / 30):
        options = LiftOptions(heights={"a": 1.70}, grounding=False)
        motion = lift_people([sequence], LENS, frame_times(seconds), options).motions["a"]
        hand = [motion.skeleton.index(f"left_{part}") for part in ("upper_arm", "forearm")]
        apart = rotation.angle_between(motion.rotations[:, hand], person.rotations[:, hand])
        off.append(float(apart.mean()))
        np.testing.assert_array_equal(motion.times, seconds)
    assert off[0] < off[1]
    assert np.degrees(off[0]) < 2.0


def test_a_moving_camera_is_noted_and_an_assumed_lens_too(rng: np.random.Generator) -> None:
    times = even_times(0.5, 30)
    lens = assumed_lens(1280, 720)
    sequence = watched(dancing(rng, times), lens=lens)
    options = LiftOptions(camera_moves=True)
    notes = lift_people([sequence], lens, frame_times(times), options).notes
    assert any("relative to the moving camera" in note for note in notes)
    assert any("lens assumed, focal length 1469 px" in note for note in notes)
    still = lift_people([sequence], lens, frame_times(times), LiftOptions()).notes
    assert not any("moving camera" in note for note in still)


def test_the_same_input_gives_the_same_bytes(rng: np.random.Generator) -> None:
    times = even_times(1.0, 30)
    sequence = noisy(watched(dancing(rng, times)), rng, 2.0, 0.02)
    first, second = (
        lift_people([sequence], LENS, frame_times(times), LiftOptions()).motions["a"]
        for _ in range(2)
    )
    assert first.rotations.tobytes() == second.rotations.tobytes()
    assert first.root_position.tobytes() == second.root_position.tobytes()


def test_heights_of_strangers_and_frames_outside_the_clip_are_refused(
    rng: np.random.Generator,
) -> None:
    times = even_times(0.5, 30)
    sequence = watched(dancing(rng, times))
    with pytest.raises(InputError, match="height is given for 'bob', who is not in this clip"):
        lift_people([sequence], LENS, frame_times(times), LiftOptions(heights={"bob": 1.7}))
    with pytest.raises(ShapeError, match="expected frames 0:10"):
        lift_people([sequence], LENS, frame_times(times[:10]), LiftOptions())
    few = dataclasses.replace(
        sequence,
        points_px=sequence.points_px[:, :17],
        points_m=sequence.points_m[:, :17],
        visibility=sequence.visibility[:, :17],
    )
    with pytest.raises(ShapeError, match="expected 33 body points, got 17"):
        lift_people([few], LENS, frame_times(times), LiftOptions())


def test_a_raised_heel_bends_the_toes() -> None:
    times = even_times(2.0, 30)
    view = camera(0.0)
    skeleton, sizes, root, pose = standing(times, np.array([0.0, -4.0]))
    raised = np.radians(40.0)
    foot, ball = skeleton.index("left_foot"), skeleton.index("left_toes")
    for side in ("left", "right"):
        pose[30:, skeleton.index(f"{side}_foot")] = turn_by(raised * np.eye(3)[0])
    reach = skeleton.rest_local[ball, :3, 3]
    below = np.cos(raised) * -reach[1] + np.sin(raised) * reach[2] + 0.1 * sizes.ankle_height
    rise = np.where(np.arange(60) >= 30, below - sizes.ankle_height, 0.0)
    person = seen_from(view, times, (skeleton, sizes, root + rise[:, None] * np.eye(3)[1], pose))
    options = LiftOptions(heights={"a": 1.70})
    motion = lift_people([watched(person)], LENS, frame_times(times), options).motions["a"]
    bend = rotation.to_rotation_vector(motion.rotations[:, ball])[:, 0]
    assert np.degrees(np.abs(bend[:25]).max()) < 5.0
    assert np.degrees(np.median(-bend[35:])) == pytest.approx(40.0, abs=10.0)
    turned = rotation.to_rotation_vector(motion.rotations[:, foot])[:, 0]
    assert np.degrees(np.median(turned[35:])) == pytest.approx(40.0, abs=8.0)


@pytest.mark.data
def test_squats_stand_still_and_keep_their_distance(shared_data: Path) -> None:
    folder = shared_data / "video" / "tfjs_squats"
    pixels = np.array(json.loads((folder / "pose_squats.full.json").read_text()))[..., :2]
    metres = np.array(json.loads((folder / "pose_squats_3d.full.json").read_text()))
    count = len(pixels)
    sequence = PersonSequence(
        person="a",
        frames=np.arange(count),
        boxes_xyxy=np.zeros((count, 4)),
        score=np.ones(count),
        points_px=pixels,
        points_m=metres,
        visibility=np.ones((count, 33)),
        hands_px=np.full((count, 2, 21, 2), np.nan),
        hands_m=np.full((count, 2, 21, 3), np.nan),
        hands_score=np.zeros((count, 2)),
    )
    times = np.arange(count) / 5
    result = lift_people([sequence], assumed_lens(720, 1280), frame_times(times), LiftOptions())
    residuals, motion = result.residuals["a"], result.motions["a"]
    assert residuals.pixels < 4.0
    assert residuals.metres < 0.04
    assert residuals.slide < 0.06
    feet = soles(result, "a", residuals.stature)
    assert np.ptp(feet[..., 2].mean(axis=1)) < 0.15
    assert np.abs(np.median(feet[..., 1], axis=0)).max() < 0.03
    assert np.ptp(motion.root_position[:, 1]) > 0.25
