"""Every term's gradient and curvature against differences of its cost."""

import dataclasses

import numpy as np
import pytest
from solve_cases import (
    exact_start,
    figure,
    only,
    random_turns,
    shot_of,
    track_at_start,
    watched,
)

from choreoscope.geometry import rotation
from choreoscope.motion.bodies.house import house_body
from choreoscope.motion.bodies.points import (
    BodyPoints,
    place_points,
    points_of_joints,
    pose_body,
)
from choreoscope.motion.solve.assembly import Neighbourhood, assemble, joint_places
from choreoscope.motion.solve.body_terms import build, habits
from choreoscope.motion.solve.evidence import DepthOrder
from choreoscope.motion.solve.normal import Normal
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.state import BORDERS, Shared, Track

ALONE = ("pixels", "places", "limits", "prior", "smoothness", "contacts", "floor", "above_floor")
TIMES = np.array([0.0, 0.04, 0.07, 0.12, 0.15])
NOBODY = Neighbourhood((), frozenset())
SHAPES = 10


def options_with(*names: str) -> SolveOptions:
    return SolveOptions(terms=only(*names))


def cost(track: Track, shared: Shared, options: SolveOptions) -> float:
    return assemble(track, {}, {}, shared, NOBODY, options, linearise=False).cost


def gradient(normal: Normal) -> tuple[np.ndarray, np.ndarray]:
    """Of every pose unknown ``(T, n)``, and of shape and border."""
    pose = normal.layout.pose
    return normal.vector[:, :pose], normal.vector[:, pose:].sum(axis=0)


def bend(normal: Normal, pose: np.ndarray, border: np.ndarray) -> float:
    """Second derivative along a step of everything."""
    count = normal.layout.pose
    own = np.concatenate([pose, np.tile(border, (len(pose), 1))], axis=1)
    total = np.einsum("ta,tab,tb->", own, normal.matrix, own)
    for apart, blocks in ((1, normal.next_1), (2, normal.next_2)):
        total += 2 * np.einsum("ta,tab,tb->", pose[apart:], blocks, pose[:-apart])
    assert normal.matrix.shape[1] == count + len(border)
    return float(total)


def stepped(
    track: Track, shared: Shared, pose: np.ndarray, border: np.ndarray, size: float
) -> tuple[Track, Shared]:
    shapes = border[:SHAPES]
    return track.stepped(size * pose, size * shapes), shared.stepped(size * border[SHAPES:])


def moving() -> tuple[Track, Shared]:
    """Somebody in the middle of a wild movement, off every wanted place, before a moving camera."""
    rng = np.random.default_rng(7)
    model = house_body("adult", "low")
    made = figure(TIMES, random_turns(model, rng, len(TIMES), 0.5))
    person = watched(made, px=6.0, metres=0.05, rng=rng)
    start = exact_start(made)
    person = dataclasses.replace(
        person,
        start=dataclasses.replace(start, shape=start.shape + 0.2 * rng.normal(size=SHAPES)),
    )
    track = track_at_start(shot_of(TIMES, person))
    track.touching[:] = rng.uniform(0, 1, track.touching.shape)
    track.support[:] = rng.uniform(0, 0.1, track.support.shape)
    track.pinned[:, :3] = True
    track.flying[:] = True
    track.view.centre[:] = rng.normal(0, 0.3, track.view.centre.shape)
    shared = Shared(floor=np.array([-1.4, 0.03, -0.02]), log_scale=0.1, log_focal=0.05)
    return track, shared


def compare_gradient(track: Track, shared: Shared, options: SolveOptions, tolerance: float) -> None:
    rng = np.random.default_rng(1)
    normal = assemble(track, {}, {}, shared, NOBODY, options).normal
    assert normal is not None
    by_pose, by_border = gradient(normal)
    still = np.zeros(SHAPES + len(BORDERS))
    steps = [(rng.normal(size=by_pose.shape), still) for _ in range(4)]
    steps += [(np.zeros_like(by_pose), one) for one in np.eye(len(still))]
    size = 1e-5
    found, wanted = [], []
    for pose, border in steps:
        ends = [cost(*stepped(track, shared, pose, border, s), options) for s in (size, -size)]
        found.append((ends[0] - ends[1]) / (2 * size))
        wanted.append(float((pose * by_pose).sum() + border @ by_border))
    largest = np.abs(found).max()
    assert largest > 0
    np.testing.assert_allclose(wanted, found, atol=tolerance * largest, rtol=tolerance)


@pytest.mark.parametrize("robust", [False, True], ids=["squares", "robust"])
@pytest.mark.parametrize("term", [*ALONE, "flight"])
def test_gradient_is_that_of_the_cost(term: str, *, robust: bool) -> None:
    track, shared = moving()
    if robust and term == "places":
        # The inner weights of this term are iterated a few times only: exact near the solution.
        truth = np.einsum("tab,tpb->tpa", track.view.turn, own_places(track, track.seen))
        off = np.random.default_rng(2).normal(0, 0.01, truth.shape)
        track.places = truth + off
    names = (term, "robust") if robust else (term,)
    loose = 2e-3 if robust and term == "places" else 2e-5
    compare_gradient(track, shared, options_with(*names), loose)


def own_places(track: Track, points: BodyPoints) -> np.ndarray:
    pose = pose_body(track.model, track.shape, track.root, track.rotations)
    return place_points(points, track.shape, pose)


def at_rest(*, falling: bool = False) -> tuple[Track, Shared]:
    """Somebody whose every residual is 0, who stands still or falls freely as a whole."""
    rng = np.random.default_rng(3)
    model = house_body("adult", "low")
    same = {name: turn[:1] for name, turn in random_turns(model, rng, 1, 0.4).items()}
    made = figure(TIMES, {name: np.repeat(turn, len(TIMES), axis=0) for name, turn in same.items()})
    drop = -0.5 * 9.81 * TIMES**2 if falling else 0 * TIMES
    made = dataclasses.replace(made, root=made.root + np.outer(drop, [0.0, 1.0, 0.0]))
    person = dataclasses.replace(watched(made), start=exact_start(made))
    track = track_at_start(shot_of(TIMES, person))
    track.touching[:] = rng.uniform(0.2, 1, track.touching.shape)
    track.flying[:] = True
    height = -1.5
    points = own_places(track, track.ground)
    track.support[:] = points[..., 1] - height
    return track, Shared(floor=np.array([height, 0.0, 0.0]))


@pytest.mark.parametrize("robust", [False, True], ids=["squares", "robust"])
@pytest.mark.parametrize(
    "term", ["pixels", "places", "both", "smoothness", "contacts", "floor", "flight", "prior"]
)
def test_curvature_is_that_of_the_cost_where_nothing_is_left_over(
    term: str, *, robust: bool
) -> None:
    track, shared = at_rest(falling=term == "flight")
    if term == "prior":
        mean = habits(track.model, track.layout.joints).mean
        track.rotations[:, track.layout.joints] = rotation.from_rotation_vector(mean)
    terms = ("pixels", "places") if term == "both" else (term,)
    options = options_with(*terms, *(("robust",) if robust else ()))
    result = assemble(track, {}, {}, shared, NOBODY, options)
    assert result.normal is not None
    assert result.cost < 1e-9
    rng = np.random.default_rng(5)
    for _ in range(3):
        pose = 0.3 * rng.normal(size=(len(TIMES), track.layout.pose))
        border = 0.3 * rng.normal(size=SHAPES + len(BORDERS))
        size = 1e-5
        ends = [cost(*stepped(track, shared, pose, border, s), options) for s in (size, -size)]
        measured = (sum(ends) - 2 * result.cost) / size**2
        assert bend(result.normal, pose, border) == pytest.approx(measured, rel=1e-3)


def test_the_curvature_of_points_below_the_floor_holds_for_steps_of_root_and_floor() -> None:
    track, _ = at_rest()
    shared = Shared(floor=np.array([-1.3, 0.02, -0.01]))
    options = options_with("above_floor")
    result = assemble(track, {}, {}, shared, NOBODY, options)
    assert result.normal is not None
    assert result.cost > 100
    pose = np.zeros((len(TIMES), track.layout.pose))
    pose[:, :3] = np.random.default_rng(0).normal(size=(len(TIMES), 3))
    border = np.zeros(SHAPES + len(BORDERS))
    border[SHAPES] = 0.7
    size = 1e-4
    ends = [cost(*stepped(track, shared, pose, border, s), options) for s in (size, -size)]
    measured = (sum(ends) - 2 * result.cost) / size**2
    assert bend(result.normal, pose, border) == pytest.approx(measured, rel=1e-4)


def test_gradients_between_people() -> None:
    rng = np.random.default_rng(9)
    model = house_body("adult", "low")
    made = [figure(TIMES, random_turns(model, rng, len(TIMES), 0.2)) for _ in range(2)]
    made[1] = dataclasses.replace(made[1], root=made[1].root + np.array([0.15, 0.0, 0.05]))
    people = [
        dataclasses.replace(watched(one, name=name), start=exact_start(one))
        for one, name in zip(made, "ab", strict=True)
    ]
    evidence = shot_of(TIMES, *people)
    tracks = {name: track_at_start(evidence, at) for at, name in enumerate("ab")}
    places = joint_places(tracks)
    shared = Shared(floor=np.array([-1.5, 0.0, 0.0]))
    order = DepthOrder(front="b", behind="a", frames=np.arange(5), weight=np.linspace(0.2, 1, 5))
    for term, around in (
        ("apart", NOBODY),
        ("order", Neighbourhood((order,), frozenset())),
    ):
        options = options_with(term)
        result = assemble(tracks["a"], tracks, places, shared, around, options)
        assert result.normal is not None
        by_pose, by_border = gradient(result.normal)
        for _ in range(4):
            pose = rng.normal(size=by_pose.shape)
            border = np.concatenate([rng.normal(size=SHAPES), np.zeros(len(BORDERS))])
            size = 1e-6
            ends = []
            for sign in (size, -size):
                moved, _ = stepped(tracks["a"], shared, pose, border, sign)
                ends.append(
                    assemble(moved, tracks, places, shared, around, options, linearise=False).cost
                )
            measured = (ends[0] - ends[1]) / (2 * size)
            wanted = float((pose * by_pose).sum() + border @ by_border)
            assert wanted == pytest.approx(measured, rel=1e-4)
            assert abs(measured) > 1e-3


def test_partners_who_may_touch_are_not_pushed_apart() -> None:
    made = figure(TIMES, {})
    people = [
        dataclasses.replace(watched(made, name=name), start=exact_start(made)) for name in "ab"
    ]
    evidence = shot_of(TIMES, *people)
    tracks = {name: track_at_start(evidence, at) for at, name in enumerate("ab")}
    places, shared = joint_places(tracks), Shared(floor=np.zeros(3))
    both = Neighbourhood((), frozenset({frozenset("ab")}))
    free, held = (
        assemble(tracks["a"], tracks, places, shared, around, options_with("apart")).cost
        for around in (NOBODY, both)
    )
    assert free > 100
    assert held == 0


@pytest.mark.parametrize("heights", [True, False])
def test_gradient_and_curvature_of_the_build(*, heights: bool) -> None:
    track, _ = moving()
    options = options_with("heights") if heights else options_with()
    _, slope, curve = build(track, 30, options)
    for axis in np.eye(SHAPES):
        ends = [
            build(dataclasses.replace(track, shape=track.shape + size * axis), 30, options)
            for size in (1e-5, -1e-5)
        ]
        assert slope @ axis == pytest.approx((ends[0][0] - ends[1][0]) / 2e-5, rel=1e-4, abs=1e-3)
        np.testing.assert_allclose(
            (ends[0][1] - ends[1][1]) / 2e-5, curve @ axis, rtol=1e-3, atol=2
        )


def test_the_joints_of_the_people_terms_are_those_of_the_body() -> None:
    track, _ = moving()
    names = tuple(track.model.joints[joint] for joint in track.layout.joints)
    assert track.joints.names == points_of_joints(track.model, names).names == names
