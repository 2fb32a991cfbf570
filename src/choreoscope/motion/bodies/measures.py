"""What a tailor would measure on a body, from its shape."""

import dataclasses

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.motion.bodies.model import BodyModel

_MIDDLE = 0.001
"""Part of the stature within which skin counts as the middle of the body."""
_BAND = 0.03
"""Part of the stature over which the hips' breadth is looked for, up and down."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BodyMeasures:
    """Lengths of a body, metres.

    Attributes
    ----------
    stature : float
        Standing height without shoes.
    leg_length : float
        Inside of the leg: crotch to sole.
    arm_span : float
        Fingertip to fingertip, arms spread.
    shoulder_breadth : float
        From shoulder joint to shoulder joint.
    hip_breadth : float
        Width of the skin at the height of the hip joints.
    """

    stature: float
    leg_length: float
    arm_span: float
    shoulder_breadth: float
    hip_breadth: float


def measures(model: BodyModel, shape: np.ndarray, scale: float = 1.0) -> BodyMeasures:
    """Measure a body.

    Parameters
    ----------
    model : BodyModel
        With the joint names of the house skeleton, in T pose at rest.
    shape : (S',) float, S' <= S
        Standard deviations; missing ones are 0.
    scale : float
        Everything is made larger by this.

    Returns
    -------
    BodyMeasures

    Raises
    ------
    InputError
        If the body lacks hip, knee or shoulder joints, or skin between its legs.
    """
    rest, joints = model.rest_vertices(shape), model.rest_joints(shape)
    sides = ("left", "right")
    wanted = [f"{side}_{name}" for name in ("upper_arm", "thigh", "shin") for side in sides]
    lacking = sorted(set(wanted) - set(model.joints))
    if lacking:
        raise InputError(f"{model.name}: to measure a body it needs the joints {lacking}")
    shoulders = [joints[model.joints.index(f"{side}_upper_arm")] for side in sides]
    stature = float(np.ptp(rest[:, 1]))
    crotch, level = _crotch(model), _hip_level(model)
    low = float(rest[:, 1].min())
    return BodyMeasures(
        stature=scale * stature,
        leg_length=scale * (float(rest[crotch, 1]) - low),
        arm_span=scale * float(np.ptp(rest[:, 0])),
        shoulder_breadth=scale * float(np.linalg.norm(shoulders[0] - shoulders[1])),
        hip_breadth=scale * float(np.ptp(rest[level, 0])),
    )


def _crotch(model: BodyModel) -> int:
    """Vertex of the mean body that is lowest in the middle, between knees and hips."""
    at, joints = model.template, model.joint_template
    knee, hip = (joints[model.joints.index(f"left_{name}"), 1] for name in ("shin", "thigh"))
    middle = np.abs(at[:, 0]) < _MIDDLE * np.ptp(at[:, 1])
    found = np.flatnonzero(middle & (at[:, 1] > knee) & (at[:, 1] < hip))
    if not len(found):
        raise InputError(f"{model.name}: found no skin between the legs to measure them from")
    return int(found[at[found, 1].argmin()])


def _hip_level(model: BodyModel) -> np.ndarray:
    """Vertices of the mean body at the height of its hip joints."""
    hip = model.joint_template[model.joints.index("left_thigh"), 1]
    height = model.template[:, 1]
    return np.flatnonzero(np.abs(height - hip) < _BAND * np.ptp(height))
