"""Points of a body boiled down to what posing them needs: vertices, keypoints, joints alike.

A weighted mean of skinned vertices is a sum over joints,
``p = sum_k R_k (x_k - m_k J_k) + m_k P_k``, with the mass ``m_k = sum_v r_v w_vk`` and the moment
``x_k = sum_v r_v w_vk x_v`` of its vertices at joint k; both are known before any pose is. One
vertex, one joint, a detector's keypoint and the centre of mass of the body are all such points.
"""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.model import BodyModel, Regressor

_NEGLIGIBLE = 1e-4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BodyPoints:
    """Points bound to joints.

    Attributes
    ----------
    names : tuple of str, length P
        Of the points.
    joints : (P, K) int
        Joints that move each point; 0 where the mass is 0.
    mass : (P, K) float
        Share of the point that follows each joint; sums to 1.
    moment : (P, K, 3) float
        Mass times mean place at rest of that share, mean shape, metres.
    shape_moment : (P, K, 3, S) float
        How the moment changes with shape.
    """

    names: tuple[str, ...]
    joints: Int[np.ndarray, "P K"]
    mass: Float[np.ndarray, "P K"]
    moment: Float[np.ndarray, "P K 3"]
    shape_moment: Float[np.ndarray, "P K 3 S"]

    def __post_init__(self) -> None:
        check_arrays(self)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.names)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where all joints of a body are in every frame, and how that depends on shape.

    Attributes
    ----------
    rest : (J, 3) float
        Joints at rest, metres.
    turns : (T, J, 3, 3) float
        World-from-joint.
    places : (T, J, 3) float
        World, metres.
    shape_places : (T, J, 3, S) float
        Change of `places` with shape.
    """

    rest: np.ndarray
    turns: np.ndarray
    places: np.ndarray
    shape_places: np.ndarray


def pose_body(model: BodyModel, shape: np.ndarray, root: np.ndarray, rotations: np.ndarray) -> Pose:
    """Place all joints.

    Parameters
    ----------
    model : BodyModel
        J joints.
    shape : (S,) float
        Standard deviations.
    root : (T, 3) float
        World position of joint 0, metres.
    rotations : (T, J, 4) float
        Parent-from-joint (root: world-from-joint), wxyz.

    Returns
    -------
    Pose
    """
    count = len(shape)
    rest = model.rest_joints(shape)
    directions = model.joint_directions[..., :count]
    local = rotation.to_matrix(rotations)
    turns = np.zeros((len(root), len(rest), 3, 3))
    places = np.zeros((len(root), len(rest), 3))
    shape_places = np.zeros((len(root), len(rest), 3, count))
    turns[:, 0], places[:, 0] = local[:, 0], root
    for joint, parent in enumerate(model.parents[1:], start=1):
        turns[:, joint] = turns[:, parent] @ local[:, joint]
        places[:, joint] = places[:, parent] + turns[:, parent] @ (rest[joint] - rest[parent])
        shape_places[:, joint] = shape_places[:, parent] + turns[:, parent] @ (
            directions[joint] - directions[parent]
        )
    return Pose(rest=rest, turns=turns, places=places, shape_places=shape_places)


def place_points(points: BodyPoints, shape: np.ndarray, pose: Pose) -> np.ndarray:
    """Where points of a posed body are.

    Parameters
    ----------
    points : BodyPoints
        P points.
    shape : (S,) float
        The one the pose was made with.
    pose : Pose
        T frames.

    Returns
    -------
    (T, P, 3) float
        World, metres.
    """
    own = points.moment + points.shape_moment[..., : len(shape)] @ shape
    lever = own - points.mass[..., None] * pose.rest[points.joints]
    placed = np.zeros((len(pose.places), len(points), 3))
    for slot in range(points.joints.shape[1]):
        joints = points.joints[:, slot]
        turned = np.einsum("tpab,pb->tpa", pose.turns[:, joints], lever[:, slot])
        placed += turned + points.mass[:, slot, None] * pose.places[:, joints]
    return placed


def points_of_regressor(model: BodyModel, regressor: Regressor) -> BodyPoints:
    """Boil a regressor down. Pose directions are left out: they are millimetres."""
    count, shapes = len(regressor.names), model.shape_count
    mass = np.zeros((count, len(model.joints)))
    moment = np.zeros((count, len(model.joints), 3))
    shape_moment = np.zeros((count, len(model.joints), 3, shapes))
    for column in range(regressor.vertices.shape[1]):
        vertex = regressor.vertices[:, column]
        for slot in range(model.skin_joints.shape[1]):
            share = regressor.weights[:, column] * model.skin_weights[vertex, slot]
            at = (np.arange(count), model.skin_joints[vertex, slot])
            np.add.at(mass, at, share)
            np.add.at(moment, at, share[:, None] * model.template[vertex])
            np.add.at(shape_moment, at, share[:, None, None] * model.shape_directions[vertex])
    return _packed(regressor.names, mass, moment, shape_moment)


def points_of_vertices(model: BodyModel, vertices: np.ndarray) -> BodyPoints:
    """Single vertices as points, named by their numbers."""
    chosen = np.asarray(vertices, dtype=np.int64)[:, None]
    names = tuple(str(vertex) for vertex in chosen[:, 0])
    return points_of_regressor(
        model, Regressor(names=names, vertices=chosen, weights=np.ones(chosen.shape))
    )


def points_of_joints(model: BodyModel, joints: tuple[str, ...]) -> BodyPoints:
    """Joints as points."""
    chosen = np.array([model.joints.index(name) for name in joints])
    return BodyPoints(
        names=joints,
        joints=chosen[:, None],
        mass=np.ones((len(chosen), 1)),
        moment=model.joint_template[chosen][:, None],
        shape_moment=model.joint_directions[chosen][:, None],
    )


def joined(*groups: BodyPoints) -> BodyPoints:
    """Put groups one after the other."""
    widest = max(group.joints.shape[1] for group in groups)

    def padded(array: np.ndarray) -> np.ndarray:
        room = [(0, 0), (0, widest - array.shape[1])] + [(0, 0)] * (array.ndim - 2)
        return np.pad(array, room)

    return BodyPoints(
        names=tuple(name for group in groups for name in group.names),
        joints=np.concatenate([padded(group.joints) for group in groups]),
        mass=np.concatenate([padded(group.mass) for group in groups]),
        moment=np.concatenate([padded(group.moment) for group in groups]),
        shape_moment=np.concatenate([padded(group.shape_moment) for group in groups]),
    )


def _packed(
    names: tuple[str, ...], mass: np.ndarray, moment: np.ndarray, shape_moment: np.ndarray
) -> BodyPoints:
    """Keep the joints that matter. A mass of nearly 0 may still carry a moment."""
    size = np.abs(mass) + np.linalg.norm(moment, axis=-1)
    widest = max(1, int((size > _NEGLIGIBLE).sum(axis=1).max(initial=1)))
    order = np.argsort(-size, axis=1, kind="stable")[:, :widest]
    rows = np.arange(len(names))[:, None]
    kept = size[rows, order] > _NEGLIGIBLE
    total = np.where(kept, mass[rows, order], 0.0).sum(axis=1, keepdims=True)
    gain = np.where(kept, 1.0 / total, 0.0)
    return BodyPoints(
        names=names,
        joints=np.where(kept, order, 0),
        mass=mass[rows, order] * gain,
        moment=moment[rows, order] * gain[..., None],
        shape_moment=shape_moment[rows, order] * gain[..., None, None],
    )
