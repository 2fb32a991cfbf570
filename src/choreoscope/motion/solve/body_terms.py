"""What bodies can do and how large they are: joint limits, a mild pose prior, shape, stature."""

import dataclasses

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.solve.normal import Normal
from choreoscope.motion.solve.options import PRIOR_STATURE, SolveOptions
from choreoscope.motion.solve.state import Track
from choreoscope.motion.solve.time_terms import right_jacobian_inverse

_LIMIT_SIGMA = np.radians(6.0)
_WIDE = 6.0

# Mean turn and its sigma about x, y, z of the joint, radians, on the left; T pose is 0. Limits are
# (axis, lowest, highest). The right side mirrors y and z.
_HABITS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "spine_low": ((0.0, 0.0, 0.0), (0.35, 0.25, 0.25)),
    "spine_mid": ((0.0, 0.0, 0.0), (0.30, 0.25, 0.25)),
    "spine_high": ((0.0, 0.0, 0.0), (0.30, 0.25, 0.25)),
    "neck": ((0.0, 0.0, 0.0), (0.40, 0.50, 0.35)),
    "head": ((0.0, 0.0, 0.0), (0.40, 0.50, 0.35)),
    "clavicle": ((0.0, 0.0, 0.0), (0.15, 0.25, 0.30)),
    "upper_arm": ((0.0, -0.3, -0.9), (1.2, 1.2, 1.2)),
    "forearm": ((0.3, -0.6, 0.0), (0.9, 1.5, 0.12)),
    "hand": ((0.0, 0.0, 0.0), (0.3, 0.5, 0.7)),
    "thigh": ((-0.3, 0.0, 0.0), (1.4, 0.6, 0.6)),
    "shin": ((0.4, 0.0, 0.0), (1.5, 0.20, 0.10)),
    "foot": ((0.0, 0.0, 0.0), (0.6, 0.35, 0.35)),
    "toes": ((0.0, 0.0, 0.0), (0.35, 0.08, 0.08)),
}
_LIMITS: dict[str, tuple[tuple[int, float, float], ...]] = {
    "forearm": ((1, -2.65, 0.05),),
    "shin": ((0, -0.05, 2.75),),
    "toes": ((0, -1.3, 0.7),),
    "foot": ((0, -0.9, 1.2),),
}
_MIRRORED = np.array([1.0, -1.0, -1.0])


@dataclasses.dataclass(frozen=True, slots=True)
class Habits:
    """How joints usually turn, in the order of a layout's joints.

    Attributes
    ----------
    mean, information : (A, 3) float
        Rotation vectors in the joint's own axes, radians; information 0 where anything goes.
    lowest, highest : (A, 3) float
        Limits; infinite where there are none.
    """

    mean: np.ndarray
    information: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray


def habits(model: BodyModel, joints: np.ndarray) -> Habits:
    """Look the joints of a body up by name; joints with other names are free."""
    count = len(joints)
    mean, information = np.zeros((count, 3)), np.zeros((count, 3))
    lowest, highest = np.full((count, 3), -np.inf), np.full((count, 3), np.inf)
    for at, joint in enumerate(joints):
        name = model.joints[joint]
        side, _, part = name.partition("_")
        part = part if side in ("left", "right") else name
        if part not in _HABITS:
            continue
        flip = _MIRRORED if side == "right" else np.ones(3)
        usual, sigma = _HABITS[part]
        mean[at], information[at] = flip * usual, 1 / np.square(sigma)
        for axis, low, high in _LIMITS.get(part, ()):
            ends = sorted((flip[axis] * low, flip[axis] * high))
            lowest[at, axis], highest[at, axis] = ends
    return Habits(mean, information, lowest, highest)


def posture(track: Track, known: Habits, options: SolveOptions, normal: Normal | None) -> float:
    """Pull mildly towards usual postures, and firmly back from beyond what joints can do."""
    joints = track.layout.joints
    turns = rotation.to_rotation_vector(track.rotations[:, joints])
    residual = turns - known.mean
    information = np.broadcast_to(known.information, turns.shape) / _WIDE**2
    if not options.terms.prior:
        information = np.zeros_like(turns)
    force = information * residual
    cost = 0.5 * float((force * residual).sum())
    if options.terms.limits:
        beyond = np.minimum(turns - known.lowest, 0) + np.maximum(turns - known.highest, 0)
        firm = np.where(beyond != 0, 1 / _LIMIT_SIGMA**2, 0.0)
        cost += 0.5 * float((firm * beyond**2).sum())
        force = force + firm * beyond
        information = information + firm
    if normal is None:
        return cost
    rows = right_jacobian_inverse(turns)
    turned = np.swapaxes(rows, -1, -2)
    at = 3 + 3 * np.arange(len(joints))[:, None, None] + np.arange(3)[None, :, None]
    across = np.swapaxes(at, 1, 2)
    normal.matrix[:, at, across] += (turned * information[..., None, :]) @ rows
    normal.vector[:, at[..., 0]] += (turned @ force[..., None])[..., 0]
    return cost


def build(track: Track, seen: int, options: SolveOptions) -> tuple[float, np.ndarray, np.ndarray]:
    """Shape is that of people, stature what was told, or what people's statures are.

    A detector errs about a person in the same way in every frame. So shape and stature are
    believed over the evidence as if that came from no more than `Sigmas.shape_frames` frames.

    Parameters
    ----------
    track : Track
        The person.
    seen : int
        Frames of evidence.
    options : SolveOptions
        Sigmas.

    Returns
    -------
    cost : float
        Half of squared distances in sigmas.
    gradient, matrix : (S,) and (S, S) float
        With respect to shape.
    """
    shape = track.shape
    firm = max(1.0, seen / options.sigmas.shape_frames)
    spread = firm / options.sigmas.shape**2
    cost = 0.5 * float(shape @ shape) * spread
    gradient, matrix = shape * spread, np.eye(len(shape)) * spread
    wanted, sigma = PRIOR_STATURE, options.sigmas.stature
    if options.terms.heights:
        wanted, sigma = track.height, track.height_sigma
    heavy = firm / sigma**2
    slope = stature_slope(track.model, shape)
    off = track.model.stature(shape) - wanted
    return (
        cost + 0.5 * heavy * off**2,
        gradient + slope * off * heavy,
        matrix + np.outer(slope, slope) * heavy,
    )


def stature_slope(model: BodyModel, shape: np.ndarray) -> np.ndarray:
    """How stature changes with each shape value, metres, ``(S,)``: top vertex less lowest."""
    heights = model.rest_vertices(shape)[:, 1]
    top, bottom = int(np.argmax(heights)), int(np.argmin(heights))
    slope = model.shape_directions[top, 1] - model.shape_directions[bottom, 1]
    return np.asarray(slope[: len(shape)], dtype=np.float64)
