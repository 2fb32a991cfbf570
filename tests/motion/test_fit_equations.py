"""Every derivative of the fit against finite differences of where points are."""

import functools

import numpy as np
import pytest
from toy_body import toy_body

from choreoscope.geometry import rotation
from choreoscope.motion.bodies.points import (
    BodyPoints,
    joined,
    place_points,
    points_of_joints,
    points_of_vertices,
    pose_body,
)
from choreoscope.motion.fit.body import _case, _prior, _Shared
from choreoscope.motion.fit.problem import Problem, make_problem
from choreoscope.motion.fit.targets import FitOptions, FitTargets, RayTargets

STEP = 1e-6
BODY = toy_body()
JOINTS, SHAPES = len(BODY.joints), BODY.shape_count
SIZE = 3 * JOINTS + 4


@functools.cache
def points() -> BodyPoints:
    return joined(
        points_of_vertices(BODY, np.arange(0, len(BODY.template), 11)),
        points_of_joints(BODY, ("head", "left_hand")),
    )


class Here:
    """One state, and places of its points after any small change of any unknown."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.shape, self.log_scale, self.jitter = rng.normal(size=SHAPES), 0.11, -0.04
        self.root = rng.normal(size=3)
        self.turns = rotation.from_rotation_vector(0.7 * rng.normal(size=(1, JOINTS, 3)))

    def places(self, change: np.ndarray) -> np.ndarray:
        """Unknowns in natural order: 3 per joint, root, log scale, shape, track's log scale."""
        steps = rotation.from_rotation_vector(change[: 3 * JOINTS].reshape(JOINTS, 3))
        tail = change[3 * JOINTS :]
        shape = self.shape + tail[4 : 4 + SHAPES]
        scale = np.exp(self.log_scale + self.jitter + tail[3] + tail[-1])
        pose = pose_body(BODY, shape, np.zeros((1, 3)), rotation.multiply(self.turns, steps))
        return np.asarray(self.root + tail[:3] + scale * place_points(points(), shape, pose)[0])

    def derivatives(self) -> np.ndarray:
        """``(P, 3, N)`` by central differences."""
        axes = STEP * np.eye(SIZE + SHAPES + 1)
        slopes = [(self.places(axis) - self.places(-axis)) / (2 * STEP) for axis in axes]
        return np.stack(slopes, axis=-1)


def assembled(problem: Problem, here: Here) -> tuple[np.ndarray, np.ndarray]:
    """Whole matrix and right side from the kernels, in natural order."""
    from choreoscope.motion.fit.kernel_cases import Unknowns, state_of
    from choreoscope.motion.fit.kernels import assemble

    case = _case(
        problem, _Shared(here.shape, here.log_scale), _prior(problem, None, np.ones(1)), moving=True
    )
    unknowns = Unknowns(here.root[None].copy(), here.turns.copy(), np.array([here.jitter]))
    work = problem.work(moving=True)
    assemble(case, 0, state_of(unknowns, 0, case.plan, 1.0, 0), work)
    order = np.concatenate([3 * problem.slot[:, None] + np.arange(3)], axis=1).ravel()
    order = np.concatenate([order, np.arange(3 * JOINTS, SIZE)])
    lower = np.tril(work.normal)
    normal = (lower + np.tril(lower, -1).T)[np.ix_(order, order)]
    corner = np.tril(work.corner) + np.tril(work.corner, -1).T
    border = work.border[order]
    matrix = np.block([[normal, border], [border.T, corner]])
    return matrix, np.concatenate([work.gradient[order], work.corner_gradient])


OPTIONS = FitOptions(pose_sigma=1e9, frame_scale_sigma=1e9, loss="squares")


def test_places_pull_as_finite_differences_say() -> None:
    here, rng = Here(), np.random.default_rng(1)
    sigma = rng.uniform(0.5, 2.0, size=(1, len(points())))
    sigma[0, 3] = np.inf
    residual = 0.1 * rng.normal(size=(len(points()), 3))
    given = FitTargets(
        points=points(),
        places=(here.places(np.zeros(SIZE + SHAPES + 1)) + residual)[None],
        sigma=sigma,
    )
    matrix, pull = assembled(make_problem(BODY, given, None, OPTIONS), here)
    slopes, weights = here.derivatives(), given.weights[0]
    assert matrix == pytest.approx(np.einsum("pia,p,pib->ab", slopes, weights, slopes), abs=2e-6)
    assert pull == pytest.approx(np.einsum("pia,p,pi->a", slopes, weights, residual), abs=2e-7)


def test_rays_pull_as_finite_differences_say() -> None:
    here, rng = Here(), np.random.default_rng(2)
    turn = rotation.to_matrix(rotation.from_rotation_vector([0.2, -0.4, 0.1]))
    camera = np.eye(4)
    camera[:3, :3], camera[:3, 3] = turn, [0.1, 0.2, 6.0]

    def seen(change: np.ndarray) -> np.ndarray:
        inside = here.places(change) @ turn.T + camera[:3, 3]
        return np.asarray(inside[:, :2] / inside[:, 2:])

    nothing = np.zeros(SIZE + SHAPES + 1)
    residual = 0.05 * rng.normal(size=(len(points()), 2))
    given = RayTargets(
        points=points(),
        rays=(seen(nothing) + residual)[None],
        sigma=rng.uniform(0.2, 0.5, size=(1, len(points()))),
        camera_from_world=camera[None],
    )
    matrix, pull = assembled(make_problem(BODY, None, given, OPTIONS), here)
    axes = STEP * np.eye(len(nothing))
    slopes = np.stack([(seen(axis) - seen(-axis)) / (2 * STEP) for axis in axes], axis=-1)
    weights = given.weights[0]
    assert matrix == pytest.approx(np.einsum("pia,p,pib->ab", slopes, weights, slopes), abs=2e-6)
    assert pull == pytest.approx(np.einsum("pia,p,pi->a", slopes, weights, residual), abs=2e-7)


def test_mild_prior_pulls_back_to_rest() -> None:
    here = Here()
    nothing = FitTargets(
        points=points(),
        places=np.zeros((1, len(points()), 3)),
        sigma=np.full((1, len(points())), np.inf),
    )
    options = FitOptions(pose_sigma=0.5, frame_scale_sigma=0.1)
    _, pull = assembled(make_problem(BODY, nothing, None, options), here)
    axes = STEP * np.eye(3 * JOINTS).reshape(-1, JOINTS, 3)

    def loss(change: np.ndarray) -> float:
        moved = rotation.multiply(here.turns, rotation.from_rotation_vector(change))
        return float((rotation.to_rotation_vector(moved)[0, 1:] ** 2).sum() / (2 * 0.5**2))

    slopes = [(loss(axis) - loss(-axis)) / (2 * STEP) for axis in axes]
    assert pull[: 3 * JOINTS] == pytest.approx(-np.array(slopes), abs=1e-6)
    assert pull[3 * JOINTS + 3] == pytest.approx(-here.jitter / 0.1**2)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_weights_left_are_slopes_of_the_losses(kind: int) -> None:
    from choreoscope.motion.fit.kernel_algebra import robust

    for square in (0.01, 1.0, 40.0, 1e4):
        slope = (robust(square * 1.0001, 3.0, kind)[0] - robust(square * 0.9999, 3.0, kind)[0]) / (
            square * 2e-4
        )
        assert robust(square, 3.0, kind)[1] == pytest.approx(slope, rel=1e-4, abs=1e-9)


def test_sparse_cholesky_is_cholesky() -> None:
    from choreoscope.motion.fit.kernel_algebra import factorise, solve

    rng = np.random.default_rng(4)
    first = np.array([0, 0, 2, 2, 1, 0])
    lower = np.tril(rng.normal(size=(6, 6))) + 3 * np.eye(6)
    lower[np.arange(6)[None] < first[:, None]] = 0.0
    matrix, side = lower @ lower.T, rng.normal(size=6)
    factor, answer = matrix.copy(), side.copy()
    assert factorise(factor, first)
    gain = solve(factor, first, answer)
    assert answer == pytest.approx(np.linalg.solve(matrix, side))
    assert gain == pytest.approx(side @ answer)
    assert not factorise(-matrix, first)


def test_part_turns_are_the_best_ones() -> None:
    from choreoscope.motion.fit.kernel_start import quaternion_of_products

    rng = np.random.default_rng(5)
    for _ in range(20):
        products, q = rng.normal(size=(3, 3)), np.zeros(4)
        quaternion_of_products(products, q)
        u, _, vt = np.linalg.svd(products)
        best = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
        assert rotation.to_matrix(q) == pytest.approx(best, abs=1e-9)
