"""What holds of any solved shot: the truth comes back, what does not matter changes nothing."""

import dataclasses

import numpy as np
import pytest
from solve_cases import (
    QUICK,
    assert_finite,
    camera_heights,
    camera_places,
    dance,
    even,
    figure,
    joint_errors,
    joints_of,
    seen,
    shot_of,
    solved,
    switched,
    watched,
)

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.geometry import rotation
from choreoscope.motion.solve.evidence import FloorKnowledge, ShotEvidence
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.shot import solve_shot
from choreoscope.motion.solve.solution import ShotSolution
from choreoscope.motion.world import FrameTimes


def agree(one: ShotSolution, other: ShotSolution, metres: float, name: str = "P01") -> None:
    apart = np.linalg.norm(joints_of(one, name) - joints_of(other, name), axis=-1)
    assert apart.max() < metres
    np.testing.assert_allclose(camera_places(one.camera), camera_places(other.camera), atol=metres)


@pytest.mark.parametrize("camera", ["static", "walking"])
def test_a_shot_without_noise_is_recovered(camera: str) -> None:
    shot, solution = dance(camera), solved(camera)
    person = solution.people["P01"]
    errors = joint_errors(solution, shot)
    assert np.median(errors) < 0.006
    assert np.percentile(errors, 95) < 0.012
    assert errors[:, 0].max() < 0.01
    assert person.stature == pytest.approx(shot.people[0].stature, abs=0.003)
    np.testing.assert_allclose(
        camera_heights(solution.camera), camera_heights(shot.camera), atol=0.012
    )
    found, true = (camera_places(track) for track in (solution.camera, shot.camera))
    steps = [np.linalg.norm(np.diff(path, axis=0), axis=1).sum() for path in (found, true)]
    assert steps[0] == pytest.approx(steps[1], rel=0.02, abs=1e-9)
    assert solution.camera.metric
    assert np.nanmedian(person.pixels) < 1.0
    assert np.nanmedian(person.metres) < 0.01
    assert person.doubts == ()
    assert_finite(solution)


def test_a_wrong_first_guess_of_the_size_of_the_path_is_made_good() -> None:
    shot, told = dance("walking"), seen(dance("walking"))
    before = np.linalg.norm(np.diff(camera_places(told.camera), axis=0), axis=1).sum()
    after = np.linalg.norm(np.diff(camera_places(shot.camera), axis=0), axis=1).sum()
    assert abs(np.log(before / after)) > 0.05
    off = solve_shot(told, switched(camera_scale=False))
    left = np.linalg.norm(np.diff(camera_places(off.camera), axis=0), axis=1).sum()
    assert left == pytest.approx(before, rel=1e-6)


def moved(camera: CameraTrack, turn: np.ndarray, shift: np.ndarray, size: float) -> CameraTrack:
    """The same camera in a world that is turned, moved and of another size."""
    inverse = np.linalg.inv(camera.camera_from_world)
    place = np.tile(np.eye(4), (len(inverse), 1, 1))
    place[:, :3, :3] = turn @ inverse[:, :3, :3]
    place[:, :3, 3] = size * inverse[:, :3, 3] @ turn.T + shift
    return dataclasses.replace(camera, camera_from_world=np.linalg.inv(place))


def elsewhere(evidence: ShotEvidence, turn: np.ndarray, size: float) -> ShotEvidence:
    camera = moved(evidence.camera, turn, np.array([3.0, -7.0, 2.0]), size)
    floor = dataclasses.replace(evidence.floor, up=turn @ evidence.floor.up)
    return dataclasses.replace(evidence, camera=camera, floor=floor)


@pytest.mark.parametrize(
    ("turn", "size"),
    [((0.0, 1.0, 0.0), 1.0), ((0.7, -0.4, 1.1), 1.0), ((0.0, 0.0, 0.0), 37.0)],
    ids=["about up", "any way", "another size"],
)
def test_the_world_of_the_path_does_not_matter(turn: tuple[float, ...], size: float) -> None:
    matrix = rotation.to_matrix(rotation.from_rotation_vector(np.array(turn)))
    other = elsewhere(seen(dance("walking")), matrix, size)
    agree(solve_shot(other, QUICK), solved("walking"), 2e-3)


def test_frame_numbers_change_nothing_but_numbers() -> None:
    evidence = seen(dance())
    times = FrameTimes(first_frame=1000, seconds=evidence.times.seconds, rate=evidence.times.rate)
    person = dataclasses.replace(evidence.people[0], frames=evidence.people[0].frames + 1000)
    renumbered = dataclasses.replace(evidence, people=(person,), times=times)
    one, other = solved(), solve_shot(renumbered, QUICK)
    assert other.people["P01"].motion.first_frame == 1000
    np.testing.assert_array_equal(joints_of(one), joints_of(other))


def test_the_same_evidence_gives_the_same_bytes() -> None:
    one, other = solved(), solve_shot(seen(dance()), QUICK)
    for first, second in ((one, other),):
        a, b = first.people["P01"].motion, second.people["P01"].motion
        assert a.rotations.tobytes() == b.rotations.tobytes()
        assert a.root_position.tobytes() == b.root_position.tobytes()
        assert a.confidence.tobytes() == b.confidence.tobytes()
        assert first.camera.camera_from_world.tobytes() == second.camera.camera_from_world.tobytes()


def test_the_order_of_people_changes_nothing() -> None:
    evidence = seen(dance(people=2))
    other = solve_shot(dataclasses.replace(evidence, people=evidence.people[::-1]), QUICK)
    for name in ("P01", "P02"):
        agree(solved(people=2), other, 1e-5, name)


def test_two_people_are_recovered_together() -> None:
    shot, solution = dance(people=2), solved(people=2)
    for at in (0, 1):
        assert np.median(joint_errors(solution, shot, at)) < 0.006
    assert list(solution.people) == ["P01", "P02"]


def test_uneven_time_stamps_are_heeded() -> None:
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.choice([1 / 60, 1 / 24, 1 / 12], 30))
    times -= times[0]
    swing = np.outer(0.8 * np.sin(2 * np.pi * 1.8 * times), [0.0, 0.0, 1.0])
    made = figure(times, {"left_upper_arm": swing - [0.0, 0.0, 0.5]})
    rough = []
    for seconds in (times, np.linspace(0, times[-1], 30)):
        solution = solve_shot(shot_of(seconds, watched(made)), QUICK)
        np.testing.assert_array_equal(solution.people["a"].motion.times, seconds)
        rough.append(solution.report.costs["smoothness"])
    # The movement is smooth by its own time stamps alone.
    assert rough[0] < 0.65 * rough[1]


def test_a_focal_length_that_is_a_little_off_is_found_when_it_may_move() -> None:
    evidence = seen(dance(people=2))
    lens = evidence.camera.intrinsics.copy()
    lens[:, [0, 1], [0, 1]] *= 1.05
    wrong = dataclasses.replace(
        evidence, camera=dataclasses.replace(evidence.camera, intrinsics=lens), focal_sigma=0.1
    )
    held = solve_shot(dataclasses.replace(wrong, focal_sigma=0.0), QUICK)
    assert held.report.focal == pytest.approx(1.0, abs=1e-8)
    free = solve_shot(wrong, dataclasses.replace(QUICK, iterations=(8, 8)))
    assert abs(free.report.focal * 1.05 - 1) < 0.03
    assert free.report.focal_sigma > 0
    np.testing.assert_allclose(
        free.camera.intrinsics[:, 0, 0], lens[:, 0, 0] * free.report.focal, rtol=1e-12
    )


def test_a_told_floor_is_where_it_was_told() -> None:
    times = even(0.8)
    made = figure(times, {})
    for height in (0.0, 0.25):
        told = FloorKnowledge(
            up=np.array([0.0, 1.0, 0.0]), up_sigma=0.002, height=height, height_sigma=3e-4
        )
        solution = solve_shot(dataclasses.replace(shot_of(times, watched(made)), floor=told), QUICK)
        assert camera_heights(solution.camera)[0] == pytest.approx(1.5 - height, abs=0.005)
    free = solve_shot(shot_of(times, watched(made)), QUICK)
    assert camera_heights(free.camera)[0] == pytest.approx(1.5, abs=0.02)


def test_progress_counts_up_to_what_it_promised() -> None:
    calls: list[tuple[int, int]] = []
    times = even(0.3)
    options = SolveOptions(iterations=(2, 2))
    solve_shot(
        shot_of(times, watched(figure(times, {}))),
        options,
        lambda done, total: calls.append((done, total)),
    )
    assert calls
    assert all(total == 4 for _, total in calls)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1][0] <= 4
