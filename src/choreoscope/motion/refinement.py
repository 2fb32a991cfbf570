"""Make pixels, metres and constant bone lengths agree: damped least squares, frame by frame.

Each body point has to lie on the ray through its pixel (tightly) and as far behind or before the
root, along that ray, as the detector's metric point (loosely: a detector's depth is poor).
Unknown are the root's position and the turns of the body's joints; a mild prior holds what no
point speaks about at the closed-form start. Gauss-Newton with a Cauchy weight per point, all
frames in one batch; frames do not know of each other.
"""

import dataclasses

import numpy as np

from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import rotation
from choreoscope.motion import landmarks
from choreoscope.motion.inverse_kinematics import BONES, HINGES
from choreoscope.motion.skeletons import FINGERS, SIDES, SPINE

ACROSS_SIGMA, ALONG_SIGMA = 0.015, 0.06
"""Noise of a point across and along its ray, metres."""
_ROOT_ACROSS_SIGMA = 0.3
_OUTLIER = 3.0
_LONGEST_STEP = 0.4
_BATCH = 96
_FACE_SHARE = 0.4
_FREE, _LOOSE, _FIRM, _STIFF = (np.radians(angle) for angle in (80.0, 35.0, 12.0, 4.0))
_PRIOR = {
    "pelvis": _FREE,
    "spine": _LOOSE,
    "head": _FREE,
    "clavicle": _FIRM,
    "upper_arm": _FREE,
    "forearm": _FREE,
    "hand": _LOOSE,
    "thigh": _FREE,
    "shin": _FREE,
    "foot": _LOOSE,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """What the solver moves: body joints without fingers and toes, and points fixed to them.

    Attributes
    ----------
    joints : (B,) int
        Indices into the house skeleton, parents first.
    parents : (B,) int
        Within this list.
    offsets : (B, 3) float
        Rest offset from the parent, metres.
    point_joint : (33,) int
        Joint of each body point, within this list.
    point_offset : (33, 3) float
        Its place in the joint's axes, metres.
    below : (B, 33) bool
        Whether a point moves when the joint turns.
    controls : tuple of (name, joints, share)
        Joints that turn together, each by this share of the control's turn.
    """

    joints: np.ndarray
    parents: np.ndarray
    offsets: np.ndarray
    point_joint: np.ndarray
    point_offset: np.ndarray
    below: np.ndarray
    controls: tuple[tuple[str, tuple[int, ...], float], ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What body points should agree with; finite everywhere.

    Attributes
    ----------
    rays : (T, 33, 3) float
        Unit directions from the camera through the pixels.
    points : (T, 33, 3) float
        Metric points about the root, camera axes, metres.
    weights : (T, 33) float
        0 where there is no point.
    """

    rays: np.ndarray
    points: np.ndarray
    weights: np.ndarray


def rig_of(skeleton: Skeleton, point_offsets: np.ndarray) -> Rig:
    """Collect what the solver needs of a house skeleton.

    Parameters
    ----------
    skeleton : Skeleton
        House skeleton.
    point_offsets : (33, 3) float
        Places of the body points in their joints' axes, metres.
    """
    left_out = ("toes", *FINGERS)
    names = [name for name in skeleton.joints if not any(part in name for part in left_out)]
    joints = np.array([skeleton.index(name) for name in names])
    order = {int(joint): place for place, joint in enumerate(joints)}
    parents = np.array([order.get(int(skeleton.parents[joint]), -1) for joint in joints])
    fixed_to = np.array([names.index(name) for name in landmarks.attachments()])
    below = np.zeros((len(names), len(fixed_to)), dtype=bool)
    for point, joint in enumerate(fixed_to):
        above = int(joint)
        while above >= 0:
            below[above, point] = True
            above = int(parents[above])
    return Rig(
        joints=joints,
        parents=parents,
        offsets=skeleton.rest_local[joints, :3, 3],
        point_joint=fixed_to,
        point_offset=point_offsets,
        below=below,
        controls=_controls(names),
    )


def _controls(names: list[str]) -> tuple[tuple[str, tuple[int, ...], float], ...]:
    sides = [
        (f"{side}_{part}", (names.index(f"{side}_{part}"),), 1.0)
        for side in SIDES
        for part in ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot")
    ]
    return (
        ("pelvis", (0,), 1.0),
        ("spine", tuple(names.index(name) for name in SPINE), 1 / len(SPINE)),
        ("head", (names.index("neck"), names.index("head")), 0.5),
        *sides,
    )


def place_points(rig: Rig, root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Body points of the skeleton.

    Parameters
    ----------
    rig : Rig
        From `rig_of`.
    root : (T, 3) float
        Camera axes, metres.
    rotations : (T, J, 4) float
        Of the whole house skeleton.

    Returns
    -------
    (T, 33, 3) float
        Camera axes, metres.
    """
    local = rotation.to_matrix(rotations[:, rig.joints])
    return _forward(rig, root, local)[2]


def refine(  # start, evidence and effort
    rig: Rig,
    root: np.ndarray,
    rotations: np.ndarray,
    targets: Targets,
    *,
    distance_sigma: float,
    steps: int = 2,
) -> tuple[np.ndarray, np.ndarray]:
    """Move root and joints so that the skeleton's points meet their targets.

    Parameters
    ----------
    rig : Rig
        Constant bone lengths.
    root : (T, 3) float
        Start, camera axes, metres.
    rotations : (T, J, 4) float
        Start, all joints of the house skeleton.
    targets : Targets
        Evidence.
    distance_sigma : float
        How far the root may move along its ray, metres: small to keep a smoothed distance.
    steps : int
        Gauss-Newton steps.

    Returns
    -------
    root : (T, 3) float
    rotations : (T, J, 4) float
        Joints outside the rig are copied.
    """
    moved, turned = root.copy(), rotations.copy()
    for first in range(0, len(root), _BATCH):
        part = slice(first, first + _BATCH)
        problem = _Problem(
            rig=rig,
            rays=targets.rays[part],
            points=targets.points[part],
            whiten=_whitening(targets.rays[part], targets.weights[part]),
            root_precision=_root_precision(root[part], distance_sigma),
        )
        moved[part], turned[part] = _solve_batch(problem, root[part], rotations[part], steps)
    return moved, turned


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    rig: Rig
    rays: np.ndarray
    points: np.ndarray
    whiten: np.ndarray
    root_precision: np.ndarray


def _solve_batch(
    problem: _Problem, root: np.ndarray, rotations: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    rig = problem.rig
    local = rotation.to_matrix(rotations[:, rig.joints])
    position = root.copy()
    strayed = np.zeros((len(root), 3 + 3 * len(rig.controls)))
    along = problem.rays[..., :, None] * problem.rays[..., None, :]
    for _ in range(steps):
        prior = _prior_precision(rig, local, problem.root_precision)
        origins, frames, points = _forward(rig, position, local)
        wanted = position[:, None] + problem.points
        # A point on its ray has nothing across it, so only the part along the ray is wanted.
        residual = points - np.einsum("tpab,tpb->tpa", along, wanted)
        residual = np.einsum("tpab,tpb->tpa", problem.whiten, residual)
        robust = 1 / (1 + np.sum(residual**2, axis=-1) / _OUTLIER**2)
        jacobian = _jacobian(rig, origins, frames, points)
        jacobian[..., :3] -= along
        rows = problem.whiten @ jacobian
        flat, scaled = _flat(rows), _flat(rows * robust[..., None, None])
        normal = np.swapaxes(flat, 1, 2) @ scaled + prior
        slope = np.einsum("trn,tr->tn", scaled, residual.reshape(len(root), -1))
        slope += np.einsum("tnm,tm->tn", prior, strayed)
        step = -np.linalg.solve(normal, slope[..., None])[..., 0]
        longest = np.abs(step[:, 3:]).max(axis=1, keepdims=True)
        step *= np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, _LONGEST_STEP))
        strayed += step
        position += step[:, :3]
        _turn(rig, local, step[:, 3:])
    turned = rotations.copy()
    turned[:, rig.joints] = rotation.normalized(rotation.from_matrix(local))
    return position, turned


def _flat(block: np.ndarray) -> np.ndarray:
    return block.reshape(len(block), -1, block.shape[-1])


def _forward(
    rig: Rig, root: np.ndarray, local: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joint origins ``(T, B, 3)``, camera-from-joint ``(T, B, 3, 3)``, points ``(T, 33, 3)``."""
    frames = np.zeros(local.shape)
    origins = np.zeros(local.shape[:-1])
    frames[:, 0], origins[:, 0] = local[:, 0], root
    for joint, parent in enumerate(rig.parents[1:], start=1):
        origins[:, joint] = origins[:, parent] + frames[:, parent] @ rig.offsets[joint]
        frames[:, joint] = frames[:, parent] @ local[:, joint]
    hung = np.einsum("tpab,pb->tpa", frames[:, rig.point_joint], rig.point_offset)
    return origins, frames, origins[:, rig.point_joint] + hung


def _jacobian(rig: Rig, origins: np.ndarray, frames: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Change of points ``(T, 33, 3, N)`` with root position and each control's turn."""
    count = len(points)
    jacobian = np.zeros((count, points.shape[1], 3, 3 + 3 * len(rig.controls)))
    jacobian[..., :3] = np.eye(3)
    for place, (_, joints, share) in enumerate(rig.controls):
        column = slice(3 + 3 * place, 6 + 3 * place)
        for joint in joints:
            under = np.flatnonzero(rig.below[joint])
            arm = points[:, under] - origins[:, joint, None]
            # Columns are axis x arm: minus the arm's cross-product matrix times the axes.
            jacobian[:, under, :, column] += share * (-_cross_matrix(arm) @ frames[:, joint, None])
    return jacobian


def _cross_matrix(v: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(v, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*v.shape[:-1], 3, 3)


def _whitening(rays: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Square roots of the information of each point, ``(T, 33, 3, 3)``."""
    along = rays[..., :, None] * rays[..., None, :]
    root_weight = np.sqrt(weights)
    root_weight[:, list(landmarks.FACE)] *= np.sqrt(_FACE_SHARE)
    spread = (np.eye(3) - along) / ACROSS_SIGMA + along / ALONG_SIGMA
    return np.asarray(spread * root_weight[..., None, None])


def _root_precision(root: np.ndarray, distance_sigma: float) -> np.ndarray:
    ray = root / np.linalg.norm(root, axis=-1, keepdims=True)
    along = ray[:, :, None] * ray[:, None, :]
    return np.asarray((np.eye(3) - along) / _ROOT_ACROSS_SIGMA**2 + along / distance_sigma**2)


def _prior_precision(rig: Rig, local: np.ndarray, root_precision: np.ndarray) -> np.ndarray:
    """How strongly each unknown is held at its start, ``(T, N, N)``."""
    size = 3 + 3 * len(rig.controls)
    precision = np.zeros((len(local), size, size))
    precision[:, :3, :3] = root_precision
    for place, (name, joints, _) in enumerate(rig.controls):
        block = slice(3 + 3 * place, 6 + 3 * place)
        part = name.removeprefix("left_").removeprefix("right_")
        held = np.tile(np.eye(3) / _PRIOR[part] ** 2, (len(local), 1, 1))
        stiff = _stiff_axes(name, local[:, joints[0]])
        held += np.swapaxes(stiff, 1, 2) @ stiff / _STIFF**2
        precision[:, block, block] = held
    return precision


def _stiff_axes(name: str, local: np.ndarray) -> np.ndarray:
    """Own axes ``(T, A, 3)`` about which a joint cannot turn: hinges, and twists left to others."""
    axes = []
    if name in HINGES:
        hinge = np.swapaxes(local, 1, 2) @ HINGES[name]
        axes.append(np.cross(hinge, BONES[name]))
    if name.endswith("_shin"):
        axes.append(np.broadcast_to(BONES[name], (len(local), 3)))
    if name.endswith(("_hand", "_clavicle")):
        axes.append(np.broadcast_to(np.array([1.0, 0.0, 0.0]), (len(local), 3)))
    return np.stack(axes, axis=1) if axes else np.zeros((len(local), 0, 3))


def _turn(rig: Rig, local: np.ndarray, step: np.ndarray) -> None:
    for place, (_, joints, share) in enumerate(rig.controls):
        turn = rotation.from_rotation_vector(share * step[:, 3 * place : 3 * place + 3])
        matrix = rotation.to_matrix(turn)
        for joint in joints:
            local[:, joint] = local[:, joint] @ matrix
