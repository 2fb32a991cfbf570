"""Whatever is put in: finite numbers, or one clear line."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from solve_cases import (
    QUICK,
    assert_finite,
    camera_heights,
    even,
    exact_start,
    figure,
    joints_of,
    points_of,
    shot_of,
    still_camera,
    switched,
    watched,
    with_person,
)

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.motion.solve.evidence import FloorKnowledge, PersonEvidence, ShotEvidence
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.setup import ground_points
from choreoscope.motion.solve.shot import solve_shot
from choreoscope.motion.world import FrameTimes

TIMES = even(0.5)
FEW = SolveOptions(iterations=(2, 1))


def rows_of(person: PersonEvidence, rows: np.ndarray | slice) -> PersonEvidence:
    names = ("frames", "pixels", "pixel_sigma", "places", "place_sigma")
    return dataclasses.replace(person, **{name: getattr(person, name)[rows] for name in names})


def unseen(person: PersonEvidence, rows: slice) -> PersonEvidence:
    """Nothing is seen in these rows, and what stands there is rubbish."""
    changed = {}
    for name in ("pixel_sigma", "place_sigma"):
        changed[name] = getattr(person, name).copy()
        changed[name][rows] = np.inf
    for name in ("pixels", "places"):
        changed[name] = getattr(person, name).copy()
        changed[name][rows] = np.nan
    return dataclasses.replace(person, **changed)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_hardly_any_frames(count: int) -> None:
    times = TIMES[:count]
    solution = solve_shot(shot_of(times, watched(figure(times, {}))), FEW)
    assert_finite(solution)
    assert solution.people["a"].motion.frame_count == count
    assert abs(camera_heights(solution.camera)[0] - 1.5) < 0.1


def test_somebody_for_three_frames_beside_somebody_for_all() -> None:
    made = figure(TIMES, {})
    brief = rows_of(watched(made, name="b"), slice(5, 8))
    solution = solve_shot(shot_of(TIMES, watched(made), brief), FEW)
    motion = solution.people["b"].motion
    assert (motion.first_frame, motion.frame_count) == (5, 3)
    assert_finite(solution)


def test_nobody_and_people_without_a_row() -> None:
    empty = rows_of(watched(figure(TIMES, {})), slice(0, 0))
    for people in ((), (empty,)):
        solution = solve_shot(shot_of(TIMES, *people), FEW)
        assert solution.people == {}
        assert len(solution.camera.intrinsics) == len(TIMES)
        assert_finite(solution)


def test_somebody_of_whom_no_point_is_ever_seen() -> None:
    blind = unseen(watched(figure(TIMES, {})), slice(None))
    with pytest.raises(InputError, match="a: neither a first guess nor a 3D estimate"):
        solve_shot(shot_of(TIMES, blind), FEW)
    made = figure(TIMES, {})
    guessed = dataclasses.replace(
        blind,
        start=dataclasses.replace(
            exact_start(made), confidence=np.zeros((len(TIMES), len(made.model.joints)))
        ),
    )
    solution = solve_shot(shot_of(TIMES, guessed), FEW)
    assert_finite(solution)
    person = solution.people["a"]
    assert np.all(person.motion.confidence == 0)
    assert [(one.start, one.stop) for one in person.doubts] == [(0, len(TIMES))]
    assert np.isnan(person.pixels).all()


@pytest.mark.parametrize("kept", [True, False], ids=["rows without points", "no rows"])
def test_a_second_without_a_point_is_bridged_and_marked(*, kept: bool) -> None:
    times = even(2.0)
    swing = np.outer(np.sin(2 * np.pi * 0.4 * times), [0.0, 0.0, 0.4])
    made = figure(times, {"left_upper_arm": swing - [0.0, 0.0, 1.0]})
    person = watched(made)
    gap = slice(12, 36)
    lost = unseen(person, gap) if kept else rows_of(person, np.r_[:12, 36:48])
    solution = solve_shot(shot_of(times, lost), FEW)
    found = solution.people["a"]
    assert_finite(solution)
    assert found.motion.frame_count == len(times)
    assert np.all(found.motion.confidence[gap] == 0)
    assert np.all(found.motion.confidence[:12].max(axis=1) > 0)
    assert [(one.start, one.stop) for one in found.doubts] == [(12, 36)]
    assert np.isnan(found.pixels[gap]).all()
    step = np.linalg.norm(np.diff(joints_of(solution, "a"), axis=0), axis=-1)
    assert step.max() < 0.08
    assert np.abs(found.motion.root_position - found.motion.root_position[0]).max() < 0.1


@pytest.mark.parametrize("focal", [10.0, 1e6])
def test_an_absurd_focal_length_gives_finite_numbers(focal: float) -> None:
    evidence = shot_of(TIMES, watched(figure(TIMES, {})))
    wrong = dataclasses.replace(evidence, camera=still_camera(len(TIMES), focal))
    solution = solve_shot(wrong, FEW)
    assert_finite(solution)
    loose = solve_shot(dataclasses.replace(wrong, focal_sigma=0.2), FEW)
    assert_finite(loose)
    assert loose.report.focal > 0


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("pixels", np.nan, "a pixel that is seen is not finite"),
        ("places", np.inf, "a place that is seen is not finite"),
        ("pixel_sigma", 0.0, "sigmas must be above 0"),
        ("place_sigma", -1.0, "sigmas must be above 0"),
    ],
)
def test_what_cannot_be_seen_is_refused(field: str, value: float, text: str) -> None:
    person = watched(figure(TIMES[:2], {}))
    values = getattr(person, field).copy()
    values[1, 4] = value
    with pytest.raises(ShapeError, match=rf"PersonEvidence a: {text}"):
        dataclasses.replace(person, **{field: values})


def test_what_does_not_fit_together_is_refused() -> None:
    person = watched(figure(TIMES, {}))
    with pytest.raises(ShapeError, match="a: frames must rise"):
        dataclasses.replace(person, frames=person.frames[::-1])
    with pytest.raises(ShapeError, match="33 points of the body, 32 columns of pixels"):
        dataclasses.replace(
            person,
            **{
                name: getattr(person, name)[:, 1:]
                for name in ("pixels", "pixel_sigma", "places", "place_sigma")
            },
        )
    for height in (0.0, np.nan, -1.7):
        with pytest.raises(InputError, match="a: expected a height"):
            dataclasses.replace(person, height=height)
    with pytest.raises(InputError, match="different names, got a, a"):
        shot_of(TIMES, person, person)
    with pytest.raises(ShapeError, match="expected frames 0:11"):
        shot_of(TIMES[:-1], person)
    with pytest.raises(InputError, match="time stamps must rise"):
        shot_of(np.r_[TIMES[:-1], TIMES[-2]], person)
    evidence = shot_of(TIMES, person)
    with pytest.raises(ShapeError, match="12 rows for 11 frames"):
        dataclasses.replace(
            evidence,
            people=(),
            times=FrameTimes(first_frame=0, seconds=TIMES[:-1], rate=Fraction(24)),
        )
    with pytest.raises(ShapeError, match="unit length"):
        FloorKnowledge(up=np.array([0.0, 2.0, 0.0]))


def test_a_body_without_soles_is_refused() -> None:
    model = figure(TIMES[:1], {}).model
    bare = dataclasses.replace(
        model, points={name: one for name, one in model.points.items() if name != "soles"}
    )
    with pytest.raises(InputError, match=r"no point set 'soles'.*use a house body"):
        ground_points(bare)


def test_a_floor_told_above_everybodys_head() -> None:
    evidence = shot_of(TIMES, watched(figure(TIMES, {})))
    told = FloorKnowledge(
        up=np.array([0.0, 1.0, 0.0]), up_sigma=0.002, height=3.0, height_sigma=3e-4
    )
    solution = solve_shot(dataclasses.replace(evidence, floor=told), FEW)
    assert_finite(solution)


def test_two_heights_that_cannot_both_be_true_are_the_one_that_was_given() -> None:
    """The same person believed 1.40 m and seen as 1.90 m: the told stature stands."""
    made = figure(TIMES, {}, stature=1.90)
    solution = solve_shot(shot_of(TIMES, watched(made, height=1.50)), FEW)
    assert solution.people["a"].stature == pytest.approx(1.50, abs=0.03)
    assert_finite(solution)


def test_somebody_behind_the_camera() -> None:
    made = figure(TIMES, {})
    start = exact_start(made)
    behind = dataclasses.replace(start, root=start.root * [1.0, 1.0, -1.0])
    solution = solve_shot(with_person(shot_of(TIMES, watched(made)), start=behind), QUICK)
    assert_finite(solution)
    person = dataclasses.replace(watched(made), start=behind)
    assert solution.people["a"].motion.frame_count == len(person.frames)


def test_two_people_in_one_place() -> None:
    made = figure(TIMES, {})
    solution = solve_shot(shot_of(TIMES, watched(made), watched(made, name="b")), QUICK)
    assert_finite(solution)
    apart = np.linalg.norm(joints_of(solution, "a")[:, 0] - joints_of(solution, "b")[:, 0], axis=1)
    assert apart.max() < 1.5


def test_pins_that_contradict_the_film_leave_finite_numbers() -> None:
    walk = figure(TIMES, {})
    moving = dataclasses.replace(walk, root=walk.root + np.outer(2 * TIMES, [1.0, 0.0, 0.0]))
    feet = np.tile([2, 2, 0, 0], (len(TIMES), 1))
    solution = solve_shot(
        shot_of(TIMES, dataclasses.replace(watched(moving), feet=feet)), switched(SolveOptions())
    )
    assert_finite(solution)
    soles = points_of(solution, "a", "soles")[:, :5]
    assert np.abs(np.diff(soles, axis=0)).max() < 0.02


@pytest.mark.parametrize("stature", [1.10, 2.30])
def test_children_and_giants(stature: float) -> None:
    made = figure(TIMES, {}, stature=stature)
    solution = solve_shot(shot_of(TIMES, watched(made)), FEW)
    assert solution.people["a"].stature == pytest.approx(stature, abs=0.02)
    assert_finite(solution)


def test_points_far_outside_any_picture_and_wild_places() -> None:
    rng = np.random.default_rng(0)
    person = watched(figure(TIMES, {}))
    wild = dataclasses.replace(
        person,
        pixels=rng.normal(0, 1e7, person.pixels.shape),
        places=rng.normal(0, 1e4, person.places.shape),
    )
    solution = solve_shot(shot_of(TIMES, wild), FEW)
    assert_finite(solution)


def test_orders_and_touches_of_strangers_are_ignored() -> None:
    from choreoscope.motion.solve.evidence import DepthOrder

    order = DepthOrder(
        front="x", behind="y", frames=np.array([3, 700]), weight=np.array([1.0, 1.0])
    )
    evidence: ShotEvidence = shot_of(
        TIMES,
        watched(figure(TIMES, {})),
        watched(figure(TIMES, {}), name="b"),
        orders=(order, dataclasses.replace(order, front="a", behind="b")),
        touching=frozenset({frozenset("xy")}),
    )
    assert_finite(solve_shot(evidence, FEW))
