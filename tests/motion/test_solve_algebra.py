"""The block-banded arithmetic of the solve against plain dense matrices."""

import numpy as np
import pytest

from choreoscope.motion.bodies.house import house_body
from choreoscope.motion.bodies.points import (
    place_points,
    points_of_joints,
    points_of_regressor,
    pose_body,
)
from choreoscope.motion.solve.mechanics import Layout, Pull, descendants, hinges
from choreoscope.motion.solve.normal import Normal, eliminate
from choreoscope.motion.solve.setup import moving_joints

LAYOUT = Layout(joints=np.arange(2), shapes=2, borders=5)
BORDER = LAYOUT.width - LAYOUT.pose


def dense(normal: Normal) -> tuple[np.ndarray, np.ndarray]:
    """The whole matrix and gradient: poses of all frames, then the border."""
    frames, pose = len(normal.matrix), normal.layout.pose
    size = frames * pose
    border = normal.matrix.shape[1] - pose
    matrix, vector = np.zeros((size + border, size + border)), np.zeros(size + border)
    for t in range(frames):
        own = slice(t * pose, (t + 1) * pose)
        matrix[own, own] = normal.matrix[t, :pose, :pose]
        matrix[own, size:] = normal.matrix[t, :pose, pose:]
        matrix[size:, own] = normal.matrix[t, pose:, :pose]
        vector[own] = normal.vector[t, :pose]
        for apart, blocks in ((1, normal.next_1), (2, normal.next_2)):
            if t >= apart:
                before = slice((t - apart) * pose, (t - apart + 1) * pose)
                matrix[own, before] = blocks[t - apart]
                matrix[before, own] = blocks[t - apart].T
    matrix[size:, size:] = normal.matrix[:, pose:, pose:].sum(axis=0)
    vector[size:] = normal.vector[:, pose:].sum(axis=0)
    return matrix, vector


def chain(
    rng: np.random.Generator, frames: int, reach: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random rows for `Normal.add_chain`."""
    count = frames - reach + 1
    rows = rng.normal(size=(reach, count, 14, LAYOUT.width))
    rows[1:, ..., LAYOUT.pose :] = 0
    return rows, rng.uniform(0.1, 2, (count, 14)), rng.normal(size=(count, 14))


def rows_of_chain(rows: np.ndarray, frames: int) -> np.ndarray:
    """The same rows as one dense Jacobian."""
    reach, count, residuals, _ = rows.shape
    pose = LAYOUT.pose
    whole = np.zeros((count, residuals, frames * pose + BORDER))
    for k in range(reach):
        for t in range(count):
            whole[t, :, (t + k) * pose : (t + k + 1) * pose] += rows[k, t, :, :pose]
    whole[:, :, frames * pose :] = rows[0][..., pose:]
    return whole.reshape(count * residuals, -1)


@pytest.mark.parametrize(("frames", "reach"), [(5, 2), (5, 3), (3, 3), (2, 2)])
def test_a_chain_adds_what_its_jacobian_says(
    rng: np.random.Generator, frames: int, reach: int
) -> None:
    rows, weight, residual = chain(rng, frames, reach)
    normal = Normal.empty(LAYOUT, frames)
    normal.add_chain(rows, weight, residual)
    jacobian = rows_of_chain(rows, frames)
    matrix, vector = dense(normal)
    heavy = weight.reshape(-1, 1) * jacobian
    np.testing.assert_allclose(matrix, jacobian.T @ heavy, atol=1e-10)
    np.testing.assert_allclose(vector, heavy.T @ residual.reshape(-1), atol=1e-10)
    assert normal.wide == (reach == 3)


def system(rng: np.random.Generator, frames: int, *, wide: bool) -> Normal:
    """Random equations: chains of two frames, and second differences of the root and each joint."""
    normal = Normal.empty(LAYOUT, frames)
    if frames > 1:
        normal.add_chain(*chain(rng, frames, 2))
    if frames > 2 and wide:
        normal.add_chain(*chain(rng, frames, 3))
    if frames > 2 and not wide:
        for start in range(0, LAYOUT.pose, 3):
            at = np.arange(start, start + 3)
            for t in range(frames - 2):
                parts = rng.normal(size=(3, 3, 3))
                for k in range(3):
                    normal.matrix[t + k][np.ix_(at, at)] += parts[k].T @ parts[k]
                normal.next_1[t][np.ix_(at, at)] += parts[1].T @ parts[0]
                normal.next_1[t + 1][np.ix_(at, at)] += parts[2].T @ parts[1]
                normal.next_2[t][np.ix_(at, at)] += parts[2].T @ parts[0]
    for t in range(frames):
        own = rng.normal(size=(LAYOUT.width + 3, LAYOUT.width))
        normal.matrix[t] += own.T @ own
        normal.vector[t] += rng.normal(size=LAYOUT.width)
    return normal


@pytest.mark.parametrize("wide", [False, True], ids=["narrow", "wide"])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_elimination_is_that_of_the_dense_system(
    rng: np.random.Generator, frames: int, damping: float, *, wide: bool
) -> None:
    normal = system(rng, frames, wide=wide)
    matrix, vector = dense(normal)
    size = frames * LAYOUT.pose
    damped = matrix.copy()
    damped[range(size), range(size)] *= 1 + damping
    left = eliminate(normal, damping, np.zeros(frames, dtype=bool))
    inner, couple = damped[:size, :size], matrix[:size, size:]
    schur = matrix[size:, size:] - couple.T @ np.linalg.solve(inner, couple)
    reduced = vector[size:] - couple.T @ np.linalg.solve(inner, vector[:size])
    np.testing.assert_allclose(left.matrix, schur, atol=1e-8, rtol=1e-8)
    np.testing.assert_allclose(left.vector, reduced, atol=1e-8, rtol=1e-8)
    border = np.linalg.solve(left.matrix, -left.vector)
    step = (left.step + left.follow @ border).reshape(-1)
    whole = damped.copy()
    wanted = np.linalg.solve(whole, -vector)
    np.testing.assert_allclose(border, wanted[size:], atol=1e-8)
    np.testing.assert_allclose(step, wanted[:size], atol=1e-8)


def test_what_is_held_does_not_move_and_the_rest_moves_as_if_it_were_a_constant(
    rng: np.random.Generator,
) -> None:
    frames = 6
    normal = system(rng, frames, wide=True)
    held = np.array([True, True, False, False, False, False])
    left = eliminate(normal, 0.0, held)
    assert np.abs(left.step[held]).max() < 1e-9
    assert np.abs(left.follow[held]).max() < 1e-9
    matrix, vector = dense(normal)
    free = np.arange(2 * LAYOUT.pose, frames * LAYOUT.pose)
    wanted = np.linalg.solve(matrix[np.ix_(free, free)], -vector[free])
    np.testing.assert_allclose(left.step[~held].reshape(-1), wanted, atol=1e-8)
    moved = eliminate(normal, 0.0, np.zeros(frames, dtype=bool))
    assert np.abs(moved.step[held]).max() > 1e-3


def test_equations_without_a_minimum_are_refused(rng: np.random.Generator) -> None:
    normal = system(rng, 4, wide=False)
    normal.matrix[2, :9, :9] -= 500 * np.eye(9)
    with pytest.raises(np.linalg.LinAlgError):
        eliminate(normal, 0.0, np.zeros(4, dtype=bool))


def test_a_border_unknown_that_stays_needs_no_elimination(rng: np.random.Generator) -> None:
    normal = system(rng, 4, wide=False)
    free = np.array([True, True, False, True, False, False, True])
    still = np.zeros(4, dtype=bool)
    some, every = eliminate(normal, 0.0, still, free), eliminate(normal, 0.0, still)
    chosen = np.ix_(free, free)
    np.testing.assert_allclose(some.matrix[chosen], every.matrix[chosen], atol=1e-10)
    np.testing.assert_allclose(some.vector, every.vector, atol=1e-10)
    np.testing.assert_allclose(some.follow[..., free], every.follow[..., free], atol=1e-10)
    assert np.all(some.follow[..., ~free] == 0)


def test_points_and_unknowns_of_a_frame_alone_are_eliminated_as_in_a_dense_system(
    rng: np.random.Generator,
) -> None:
    model = house_body("adult", "low")
    layout = Layout(joints=moving_joints(model), shapes=4, borders=5)
    points = points_of_regressor(model, model.points["coco17"])
    shape = rng.normal(size=4)
    quaternions = rng.normal(size=(3, len(model.joints), 4))
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    pose = pose_body(model, shape, rng.normal(size=(3, 3)), quaternions)
    hung = hinges(model, points, shape, layout)
    parts = rng.normal(size=(3, 17, 3, 3))
    weight = parts @ np.swapaxes(parts, -1, -2)
    parts = rng.normal(size=(3, 17, 3, 3))
    knows = parts @ np.swapaxes(parts, -1, -2)
    weight[:, 5] = 0
    knows[:, 5] = 0
    nuisance, prior = rng.normal(size=(3, 17, 3, 4)), np.array([1.0, 2.0, 0.5, 3.0])
    force = rng.normal(size=(3, 17, 3))
    force[:, 5] = 0
    cross = rng.normal(size=(3, 17, 5, 3))
    cross[:, 5] = 0
    matrix, vector = np.zeros((3, layout.width, layout.width)), np.zeros((3, layout.width))
    pull = Pull(
        cost=0.0,
        weight=weight + knows,
        force=force,
        cross=cross,
        border=np.eye(5),
        border_force=np.arange(5.0),
        nuisance=nuisance,
        nuisance_weight=knows,
        nuisance_prior=prior,
    )
    hung.pull_back(pose, pull, (matrix, vector))
    rows = hung.jacobians(pose, np.ones((3, 17), dtype=bool))
    own = np.einsum("tpai,tpab,tpbj->tij", rows, weight + knows, rows)
    across = np.einsum("tpai,tpab,tpbq->tiq", rows, knows, nuisance)
    inner = np.einsum("tpaq,tpab,tpbr->tqr", nuisance, knows, nuisance) + np.diag(prior)
    wanted = own - across @ np.linalg.solve(inner, np.swapaxes(across, -1, -2))
    coupled = np.einsum("tpai,tpba->tib", rows, cross)
    wanted[:, :, -5:] += coupled
    wanted[:, -5:, :] += np.swapaxes(coupled, -1, -2)
    wanted[0, -5:, -5:] += np.eye(5)
    np.testing.assert_allclose(matrix, wanted, atol=1e-9)
    pushed = np.einsum("tpai,tpa->ti", rows, force)
    pushed[0, -5:] += np.arange(5.0)
    np.testing.assert_allclose(vector, pushed, atol=1e-10)


def test_jacobians_are_differences_of_places(rng: np.random.Generator) -> None:
    model = house_body("adult", "low")
    layout = Layout(joints=moving_joints(model), shapes=3, borders=2)
    points = points_of_joints(model, ("left_hand", "right_toes", "head"))
    shape, root = rng.normal(size=3), rng.normal(size=(2, 3))
    quaternions = rng.normal(size=(2, len(model.joints), 4))
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    hung = hinges(model, points, shape, layout)
    wanted = np.array([[True, True, False], [True, True, True]])
    rows = hung.jacobians(pose_body(model, shape, root, quaternions), wanted)
    assert np.all(rows[0, 2] == 0)
    assert np.all(rows[..., -2:] == 0)
    for axis in range(3):
        ends = [
            place_points(points, s, pose_body(model, s, root, quaternions))
            for s in (shape + 1e-6 * np.eye(3)[axis], shape - 1e-6 * np.eye(3)[axis])
        ]
        np.testing.assert_allclose(
            rows[1, ..., layout.pose + axis], (ends[0] - ends[1])[1] / 2e-6, atol=1e-7
        )


def test_who_hangs_below_whom() -> None:
    below = descendants(np.array([-1, 0, 1, 0, 3]))
    wanted = np.eye(5, dtype=bool)
    wanted[0] = True
    wanted[1, 2] = wanted[3, 4] = True
    np.testing.assert_array_equal(below, wanted)
