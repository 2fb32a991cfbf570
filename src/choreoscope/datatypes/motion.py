"""Skeletons and their motion in the world.

World: right-handed, Y up, metres, floor y = 0. Quaternions wxyz, unit length.
"""

import dataclasses
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import ShapeError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A tree of joints in rest pose.

    Attributes
    ----------
    name : str
        Which family of skeletons this is, for example "house".
    joints : tuple of str, length J
        Unique names, parents before children.
    parents : (J,) int
        Index of the parent; -1 for the root, which is joint 0.
    rest_local : (J, 4, 4) float
        Parent-from-joint transform in rest pose; for the root, world-from-joint.
    tips : (J, 3) float
        End of the bone in the joint's own axes, metres; NaN where a child joint is the end.
    mirror : (J,) int
        Index of the joint on the other side; a joint on the middle line names itself.
    """

    name: str
    joints: tuple[str, ...]
    parents: Int[np.ndarray, "J"]
    rest_local: Float[np.ndarray, "J 4 4"]
    tips: Float[np.ndarray, "J 3"]
    mirror: Int[np.ndarray, "J"]

    def __post_init__(self) -> None:
        check_arrays(self)
        if len(self.joints) != len(self.parents) or len(set(self.joints)) != len(self.joints):
            raise ShapeError(f"Skeleton {self.name}: joint names must be unique, one per parent")
        before = self.parents < np.arange(len(self.parents))
        if not before.all() or self.parents[0] != -1 or np.any(self.parents[1:] < 0):
            raise ShapeError(f"Skeleton {self.name}: one root first, parents before children")
        if not np.array_equal(self.mirror[self.mirror], np.arange(len(self.mirror))):
            raise ShapeError(f"Skeleton {self.name}: mirror pairs must point at each other")

    def index(self, joint: str) -> int:
        """Position of a joint in every per-joint array."""
        return self.joints.index(joint)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """One person's movement, one row per source frame from ``first_frame`` on, without gaps.

    Attributes
    ----------
    skeleton : Skeleton
        Bone lengths are constant: only the root moves, every other joint only turns.
    rate : Fraction
        Nominal frames per second of the film.
    first_frame : int
        Source frame of row 0.
    times : (T,) float
        Seconds from the film's first frame, by the film's own time stamps.
    root_position : (T, 3) float
        World position of joint 0, metres.
    rotations : (T, J, 4) float
        Parent-from-joint (for the root world-from-joint), wxyz, unit. Identity is the rest pose.
    confidence : (T, J) float
        0 to 1. Exactly 0 where the person was not seen: such rows are bridged, never measured.
    contacts : (T, K) float or None
        Probability that each of `contact_joints` touches the floor.
    """

    skeleton: Skeleton
    rate: Fraction
    first_frame: int
    times: Float[np.ndarray, "T"]
    root_position: Float[np.ndarray, "T 3"]
    rotations: Float[np.ndarray, "T J 4"]
    confidence: Float[np.ndarray, "T J"]
    contacts: Float[np.ndarray, "T K"] | None = None
    contact_joints: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_arrays(self)
        if self.rotations.shape[1] != len(self.skeleton.joints):
            raise ShapeError(
                f"Motion.rotations: expected {len(self.skeleton.joints)} joints, "
                f"got {self.rotations.shape[1]}"
            )
        for name in ("times", "root_position", "rotations", "confidence"):
            if not np.isfinite(getattr(self, name)).all():
                raise ShapeError(f"Motion.{name}: holds values that are not finite")
        if not np.allclose(np.linalg.norm(self.rotations, axis=-1), 1.0, atol=1e-6):
            raise ShapeError("Motion.rotations: quaternions must have unit length")
        if np.any((self.confidence < 0) | (self.confidence > 1)):
            raise ShapeError("Motion.confidence: must lie between 0 and 1")
        touching = 0 if self.contacts is None else self.contacts.shape[1]
        if touching != len(self.contact_joints):
            raise ShapeError(f"Motion.contacts: {touching} columns, names {self.contact_joints}")

    @property
    def frame_count(self) -> int:
        """Number of rows."""
        return len(self.times)
