"""A linear body: arrays alone, whoever made them (our own bodies, the SMPL family)."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.motion import Skeleton


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Regressor:
    """Points that are weighted means of vertices.

    Attributes
    ----------
    names : tuple of str, length P
        Of the points, in their published order.
    vertices : (P, K) int
        Vertices of each point; 0 where the weight is 0.
    weights : (P, K) float
        Their shares, summing to 1 (single ones may be negative).
    """

    names: tuple[str, ...]
    vertices: Int[np.ndarray, "P K"]
    weights: Float[np.ndarray, "P K"]

    def __post_init__(self) -> None:
        check_arrays(self)
        if len(self.names) != len(self.vertices):
            raise ShapeError(f"Regressor: {len(self.names)} names for {len(self.vertices)} points")
        if not np.allclose(self.weights.sum(axis=1), 1.0, atol=1e-5):
            raise ShapeError("Regressor.weights: each point's must sum to 1")

    def __call__(self, vertices: np.ndarray) -> np.ndarray:
        """Points ``(*b, P, ...)`` of vertex values ``(*b, V, ...)`` along the second last axis."""
        return np.asarray(
            np.einsum("pk,...pkc->...pc", self.weights, vertices[..., self.vertices, :])
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BodyModel:
    """Vertices and joints as linear functions of shape, posed by linear blend skinning.

    Rest pose: right-handed, Y up, facing +Z, left is +X, metres, soles of the mean body at y = 0,
    every joint's axes parallel to the world's. ``vertex = sum_j w_j (R_j (x - J_j) + P_j)`` with
    joints ``J`` at rest and ``R``, ``P`` world-from-joint (Loper et al. 2015, equations 2 to 4;
    `pose_directions` are its equation 9).

    Attributes
    ----------
    name : str
        For example "house-adult" or "smpl-neutral".
    tier : str
        Licence tier of whatever is made with it: "commercial", "ask" or "research".
    joints : tuple of str, length J
        Unique names, parents first. Our own bodies have those of the house skeleton.
    parents : (J,) int
        -1 for the root.
    mirror : (J,) int
        Joint on the other side.
    template : (V, 3) float
        Vertices of the mean body at rest, metres.
    shape_directions : (V, 3, S) float
        Metres per standard deviation.
    joint_template : (J, 3) float
        Joints of the mean body at rest, metres.
    joint_directions : (J, 3, S) float
        Metres per standard deviation.
    pose_directions : (V, 3, Q) float or None
        Metres per unit of ``(R - I)`` of every joint but the root, Q = 9 (J - 1).
    skin_joints : (V, K) int
        Joints that move each vertex.
    skin_weights : (V, K) float
        Their shares, summing to 1.
    faces : (F, 3) int
        Counter-clockwise seen from outside.
    uv : (U, 2) float
        Texture coordinates, origin at the lower left; may be empty.
    uv_faces : (F, 3) int or None
        Texture coordinate of each corner.
    points : mapping of str to Regressor
        Point sets by name: "blazepose33", "coco17", "tips", ...
    """

    name: str
    tier: str
    joints: tuple[str, ...]
    parents: Int[np.ndarray, "J"]
    mirror: Int[np.ndarray, "J"]
    template: Float[np.ndarray, "V 3"]
    shape_directions: Float[np.ndarray, "V 3 S"]
    joint_template: Float[np.ndarray, "J 3"]
    joint_directions: Float[np.ndarray, "J 3 S"]
    pose_directions: Float[np.ndarray, "V 3 Q"] | None = None
    skin_joints: Int[np.ndarray, "V K"]
    skin_weights: Float[np.ndarray, "V K"]
    faces: Int[np.ndarray, "F 3"]
    uv: Float[np.ndarray, "U 2"]
    uv_faces: Int[np.ndarray, "F 3"] | None = None
    points: Mapping[str, Regressor]

    def __post_init__(self) -> None:
        check_arrays(self)
        count = len(self.joints)
        if count != len(self.parents) or len(set(self.joints)) != count:
            raise ShapeError(f"BodyModel {self.name}: joint names must be unique, one per parent")
        if self.parents[0] != -1 or np.any(self.parents[1:] >= np.arange(1, count)):
            raise ShapeError(f"BodyModel {self.name}: one root first, parents before children")
        if not np.allclose(self.skin_weights.sum(axis=1), 1.0, atol=1e-4):
            raise ShapeError(f"BodyModel {self.name}: skin weights must sum to 1")
        if self.pose_directions is not None and self.pose_directions.shape[2] != 9 * (count - 1):
            raise ShapeError(f"BodyModel {self.name}: expected {9 * (count - 1)} pose directions")

    @property
    def shape_count(self) -> int:
        """Number of shape values."""
        return int(self.shape_directions.shape[2])

    def rest_vertices(self, shape: np.ndarray) -> np.ndarray:
        """Vertices at rest, metres.

        Parameters
        ----------
        shape : (S',) float, S' <= S
            Standard deviations; missing ones are 0.

        Returns
        -------
        (V, 3) float
        """
        return np.asarray(self.template + self.shape_directions[..., : len(shape)] @ shape)

    def rest_joints(self, shape: np.ndarray) -> np.ndarray:
        """Joints at rest, ``(J, 3)``, metres."""
        return np.asarray(self.joint_template + self.joint_directions[..., : len(shape)] @ shape)

    def skeleton(self, shape: np.ndarray, scale: float = 1.0) -> Skeleton:
        """Skeleton of one person.

        Parameters
        ----------
        shape : (S',) float
            Standard deviations.
        scale : float
            Everything is made larger by this.

        Returns
        -------
        Skeleton
            Rest rotations are the identity; tips come from the point set "tips", whose names are
            those of joints.

        Raises
        ------
        InputError
            If the shape has more values than the body.
        """
        if len(shape) > self.shape_count:
            raise InputError(
                f"{self.name}: expected at most {self.shape_count} shape values, got {len(shape)}"
            )
        joints = scale * self.rest_joints(shape)
        offsets = joints - np.where(self.parents[:, None] >= 0, joints[self.parents], 0.0)
        rest = np.tile(np.eye(4), (len(joints), 1, 1))
        rest[:, :3, 3] = offsets
        tips = np.full((len(joints), 3), np.nan)
        if "tips" in self.points:
            ends = scale * self.points["tips"](self.rest_vertices(shape))
            for name, end in zip(self.points["tips"].names, ends, strict=True):
                joint = self.joints.index(name)
                tips[joint] = end - joints[joint]
        return Skeleton(
            name="house" if self.name.startswith("house") else self.name,
            joints=self.joints,
            parents=self.parents,
            rest_local=rest,
            tips=tips,
            mirror=self.mirror,
        )

    def stature(self, shape: np.ndarray, scale: float = 1.0) -> float:
        """Standing height at rest, metres: lowest vertex to highest."""
        heights = self.rest_vertices(shape)[:, 1]
        return float(scale * (heights.max() - heights.min()))
