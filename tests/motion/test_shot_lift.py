"""Lifting a shot from what a perfect detector sees: people, corrections, faults, nobody."""

import dataclasses

import numpy as np
import pytest
from house_people import filmed, grounded, housed, points_of
from made_people import (
    LENS,
    Person,
    dancing,
    even_times,
    frame_times,
    keep,
    seen_from,
    standing,
    turn_by,
)
from solve_cases import assert_finite

from choreoscope.datatypes.camera import CameraPath, Lens
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry.kinematics import of_motion
from choreoscope.geometry.projection import assumed_lens, project
from choreoscope.motion.floor import Floor
from choreoscope.motion.lift import FrameTimes, LiftOptions
from choreoscope.motion.shot_lift import ShotLift, lift_shot, standing_camera
from choreoscope.motion.solve.options import SolveOptions, Terms
from choreoscope.motion.summary import solve_notes

QUICK = SolveOptions(iterations=(3, 2))
FREE = SolveOptions(iterations=(3, 2), terms=Terms(contacts=False, floor=False, above_floor=False))
"""For those who dance in the air."""
HEIGHT = LiftOptions(heights={"a": 1.70})
LARGE = ("pelvis", "head", "upper_arm", "forearm", "hand", "thigh", "shin", "foot")
CAMERA = Floor(pitch=np.radians(6.0), roll=0.0, camera_height=1.5, sources=())


def housed_dancer(rng: np.random.Generator, times: np.ndarray, **how: float) -> Person:
    return housed(dancing(rng, times, **how))


def on_the_floor(times: np.ndarray, x: float, z: float, **how: float) -> Person:
    """Somebody who stands, before a camera that looks down a little."""
    person = grounded(standing(times, np.array([x, z]), **how))
    return housed(seen_from(CAMERA.world_from_camera, times, person))


def lifted(
    *sequences: PersonSequence,
    times: FrameTimes,
    options: LiftOptions = HEIGHT,
    lens: Lens = LENS,
    solve: SolveOptions = FREE,
) -> ShotLift:
    path = standing_camera(lens, len(times.seconds))
    return lift_shot(list(sequences), lens, path, times, options, solve=solve)


def notes(result: ShotLift, lens: Lens = LENS) -> list[str]:
    path = standing_camera(lens, len(result.solution.camera.intrinsics))
    return [*result.notes, *solve_notes(result.solution, result.fits, path, lens)]


def in_camera(result: ShotLift, name: str = "a") -> np.ndarray:
    joints, _ = of_motion(result.solution.people[name].motion)
    view = result.solution.camera.camera_from_world[0]
    return np.asarray(joints @ view[:3, :3].T + view[:3, 3])


def errors(result: ShotLift, person: Person, rows: slice = slice(None)) -> np.ndarray:
    """Distances from the truth, metres: ``(T, J)`` of the large joints, which are placed alike."""
    skeleton = result.solution.people["a"].motion.skeleton
    names = [
        n for n in person.skeleton.joints if n.removeprefix("left_").removeprefix("right_") in LARGE
    ]
    found = in_camera(result)[:, [skeleton.index(name) for name in names]]
    truth = person.joints[:, [person.skeleton.index(name) for name in names]]
    return np.asarray(np.linalg.norm(found[rows] - truth[rows], axis=-1))


@pytest.mark.parametrize("distance", [2.5, 6.0])
def test_people_come_back_within_a_few_centimetres(
    rng: np.random.Generator, distance: float
) -> None:
    times = even_times(0.8, 30)
    person = housed_dancer(rng, times, distance=distance)
    result = lifted(filmed(person), times=frame_times(times))
    off = errors(result, person)
    assert np.median(off) < 0.05
    assert np.percentile(off, 95) < 0.12
    assert result.solution.people["a"].stature == pytest.approx(1.70, abs=0.02)
    assert np.nanmedian(result.solution.people["a"].pixels) < 0.02 * LENS.fx / distance
    assert_finite(result.solution)


def test_a_wrong_lens_puts_people_at_a_wrong_distance(rng: np.random.Generator) -> None:
    times = even_times(0.5, 30)
    person = housed_dancer(rng, times, distance=5.0)
    half = dataclasses.replace(LENS, fx=LENS.fx / 2, fy=LENS.fy / 2)
    result = lifted(filmed(person), times=frame_times(times), lens=half)
    ratio = in_camera(result)[:, 0, 2] / person.root[:, 2]
    np.testing.assert_allclose(ratio, 0.5, atol=0.08)


def test_a_bent_lens_is_straightened(rng: np.random.Generator) -> None:
    times = even_times(0.5, 30)
    person = housed_dancer(rng, times, distance=3.0)
    bent = dataclasses.replace(LENS, distortion=np.array([-0.3, 0.08, 0.001, -0.001]))
    sequence = filmed(person, lens=bent)
    straight, ignored = (
        lifted(sequence, times=frame_times(times), lens=lens) for lens in (bent, LENS)
    )
    residuals = [np.nanmedian(one.solution.people["a"].pixels) for one in (straight, ignored)]
    assert np.median(errors(straight, person)) < 0.05
    assert residuals[0] < 0.9 * residuals[1]
    np.testing.assert_array_equal(straight.solution.camera.distortion, bent.distortion)


def test_two_people_on_one_floor_and_the_tilt_of_the_camera() -> None:
    times = even_times(0.8, 30)
    near = on_the_floor(times, -0.9, -4.0, stature=1.62)
    far = on_the_floor(times, 0.9, -7.0, stature=1.85, turned=0.6)
    result = lifted(
        filmed(near, name="near"),
        filmed(far, name="far"),
        times=frame_times(times),
        options=LiftOptions(heights={"near": 1.62, "far": 1.85}),
        solve=QUICK,
    )
    first = np.linalg.inv(result.solution.camera.camera_from_world[0])
    assert np.degrees(np.arcsin(-first[1, 2])) == pytest.approx(6.0, abs=2.0)
    assert first[1, 3] == pytest.approx(1.5, abs=0.12)
    for name, place in (("near", [-0.9, -4.0]), ("far", [0.9, -7.0])):
        motion = result.solution.people[name].motion
        np.testing.assert_allclose(motion.root_position[:, [0, 2]].mean(axis=0), place, atol=0.35)
        feet = [motion.contact_joints.index(f"{side}_foot") for side in ("left", "right")]
        assert np.all(motion.contacts[3:-3, feet] >= 0.5)
    assert any(note.startswith("floor 1.") for note in notes(result))


def test_a_child_gets_a_childs_body_and_a_giant_is_refused(rng: np.random.Generator) -> None:
    times = even_times(0.3, 30)
    sequence = filmed(housed_dancer(rng, times, stature=1.10))
    child = lifted(sequence, times=frame_times(times), options=LiftOptions(heights={"a": 1.10}))
    assert child.solution.people["a"].model.name == "house-child"
    assert child.solution.people["a"].stature == pytest.approx(1.10, abs=0.02)
    with pytest.raises(InputError, match=r"a: house-adult: 2.60 m is out of its range"):
        lifted(sequence, times=frame_times(times), options=LiftOptions(heights={"a": 2.60}))


def test_what_was_assumed_is_told(rng: np.random.Generator) -> None:
    times = even_times(0.4, 30)
    lens = assumed_lens(1280, 720)
    sequence = filmed(housed_dancer(rng, times, stature=1.40), lens=lens)
    result = lifted(sequence, times=frame_times(times), options=LiftOptions(), lens=lens)
    assert 1.42 < result.solution.people["a"].stature < 1.72
    told = notes(result, lens)
    assert any(note.startswith("a: height assumed, 1.") for note in told)
    assert any("lens assumed, focal length 1469 px" in note for note in told)
    known = notes(lifted(filmed(housed_dancer(rng, times)), times=frame_times(times)))
    assert not any("assumed" in note for note in known)


def test_cropped_people_are_lifted_by_what_is_seen(rng: np.random.Generator) -> None:
    times = even_times(0.6, 30)
    person = housed_dancer(rng, times, distance=2.5)
    sequence = filmed(person)
    visibility = sequence.visibility.copy()
    visibility[:, 25:] = 0.0
    cropped = dataclasses.replace(sequence, visibility=visibility)
    result = lifted(cropped, times=frame_times(times))
    motion = result.solution.people["a"].motion
    arms = [motion.skeleton.index(n) for n in ("head", "left_hand", "right_hand")]
    own = [person.skeleton.index(n) for n in ("head", "left_hand", "right_hand")]
    off = in_camera(result)[:, arms] - person.joints[:, own]
    assert np.median(np.linalg.norm(off[..., :2], axis=-1)) < 0.08
    assert np.all(motion.confidence[:, motion.skeleton.index("left_foot")] == 0.0)
    assert motion.confidence[:, arms].min() > 0.5
    assert_finite(result.solution)


def test_missing_frames_are_bridged_with_confidence_exactly_zero(rng: np.random.Generator) -> None:
    times = even_times(1.2, 30)
    person = housed_dancer(rng, times)
    rows = np.r_[:14, 20:36]
    sequence = keep(filmed(person, first_frame=210), rows)
    result = lifted(sequence, times=frame_times(7.0 + times, 210))
    motion = result.solution.people["a"].motion
    assert (motion.first_frame, motion.frame_count) == (210, 36)
    np.testing.assert_allclose(motion.times, 7.0 + times)
    assert np.all(motion.confidence[14:20] == 0.0)
    assert np.all(motion.confidence[:14].max(axis=1) > 0)
    assert np.median(errors(result, person, slice(14, 20))) < 0.12
    step = np.linalg.norm(np.diff(in_camera(result), axis=0), axis=-1)
    assert step[13:21].max() < 0.15


def test_a_second_in_which_nothing_is_visible(rng: np.random.Generator) -> None:
    times = even_times(2.0, 30)
    sequence = filmed(housed_dancer(rng, times))
    visibility, rubbish = sequence.visibility.copy(), sequence.points_m.copy()
    visibility[15:45] = 0.0
    rubbish[15:45] = rng.normal(0, 3, rubbish[15:45].shape)
    blind = dataclasses.replace(sequence, visibility=visibility, points_m=rubbish)
    result = lifted(blind, times=frame_times(times))
    person = result.solution.people["a"]
    assert np.all(person.motion.confidence[15:45] == 0.0)
    assert [(one.start, one.stop) for one in person.doubts] == [(15, 45)]
    assert "a: do not trust frames 15-44" in notes(result)
    steps = np.linalg.norm(np.diff(person.motion.root_position, axis=0), axis=-1)
    assert steps.max() < 0.1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_hardly_any_frames(rng: np.random.Generator, count: int) -> None:
    times = even_times(count / 30, 30)
    result = lifted(
        filmed(housed_dancer(rng, times)), times=frame_times(times), options=LiftOptions()
    )
    assert result.solution.people["a"].motion.frame_count == count
    assert_finite(result.solution)
    notes(result)


def test_nobody() -> None:
    result = lifted(times=frame_times(even_times(0.2, 30)), options=LiftOptions())
    assert result.solution.people == {}
    assert len(result.solution.camera.intrinsics) == 6
    assert_finite(result.solution)
    assert notes(result) == []


def test_somebody_who_is_never_visible(rng: np.random.Generator) -> None:
    times = even_times(0.3, 30)
    sequence = filmed(housed_dancer(rng, times))
    blind = dataclasses.replace(
        sequence,
        visibility=np.zeros_like(sequence.visibility),
        points_px=np.full_like(sequence.points_px, np.nan),
    )
    result = lifted(blind, times=frame_times(times), options=LiftOptions())
    assert np.all(result.solution.people["a"].motion.confidence == 0.0)
    assert_finite(result.solution)


def test_fingers_are_carried_through(rng: np.random.Generator) -> None:
    times = even_times(0.4, 30)
    person = housed_dancer(rng, times)
    skeleton, pose = person.skeleton, person.rotations.copy()
    bend = np.array([0.0, 0.0, -0.9])
    for bone in (1, 2, 3):
        pose[:, skeleton.index(f"left_middle_{bone}")] = turn_by(bend)
    person = dataclasses.replace(person, rotations=pose)
    result = lifted(filmed(person, hands=True), times=frame_times(times))
    motion = result.solution.people["a"].motion
    curled = motion.skeleton.index("left_middle_2")
    start = result.fits["a"].rotations[:, result.fits["a"].skeleton.index("left_middle_2")]
    np.testing.assert_allclose(np.abs((motion.rotations[:, curled] * start).sum(-1)), 1, atol=1e-9)
    assert np.degrees(2 * np.arccos(np.abs(motion.rotations[:, curled, 0]))).min() > 25


def test_the_camera_shows_the_world_where_it_was_seen(rng: np.random.Generator) -> None:
    times = even_times(0.5, 30)
    person = housed_dancer(rng, times)
    sequence = filmed(person)
    result = lifted(sequence, times=frame_times(times))
    elbow = result.solution.people["a"].motion.skeleton.index("left_forearm")
    pixels = project(in_camera(result)[:, elbow], LENS)
    assert np.median(np.linalg.norm(pixels - sequence.points_px[:, 13], axis=-1)) < 12
    assert result.solution.camera.source == LENS.source


def test_a_panning_camera_and_its_zoom_are_undone(rng: np.random.Generator) -> None:
    times = even_times(0.8, 30)
    person = housed_dancer(rng, times)
    zoom = np.linspace(1.0, 1.3, len(times))
    angle = np.linspace(0.0, 0.2, len(times))
    turn = np.tile(np.eye(4), (len(times), 1, 1))
    turn[:, 0, 0] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 0, 2], turn[:, 2, 0] = np.sin(angle), -np.sin(angle)
    still = standing_camera(LENS, len(times))
    lens = still.camera.intrinsics.copy()
    lens[:, [0, 1], [0, 1]] *= zoom[:, None]
    camera = dataclasses.replace(
        still.camera, intrinsics=lens, camera_from_world=turn @ still.camera.camera_from_world
    )
    path = dataclasses.replace(still, camera=camera, movement="pan")
    sequence = panned(filmed(person), person, path)
    result = lift_shot([sequence], LENS, path, frame_times(times), HEIGHT, solve=FREE)
    off = errors(result, person)
    assert np.median(off) < 0.08
    blind = lift_shot([sequence], LENS, still, frame_times(times), HEIGHT, solve=FREE)
    assert np.median(errors(blind, person)) > 2 * np.median(off)


def panned(sequence: PersonSequence, person: Person, path: CameraPath) -> PersonSequence:
    """What the same detector sees through a camera that turns and zooms from where LENS stands."""
    first = np.linalg.inv(path.camera.camera_from_world[0])
    turn = (path.camera.camera_from_world @ first)[:, :3, :3]
    points = np.einsum("tab,tpb->tpa", turn, points_of(person))
    lens = path.camera.intrinsics
    px = points[..., :2] / points[..., 2:] * lens[:, None, [0, 1], [0, 1]] + lens[:, None, :2, 2]
    middle = points[:, 23:25].mean(axis=1, keepdims=True)
    return dataclasses.replace(sequence, points_px=px, points_m=points - middle)
