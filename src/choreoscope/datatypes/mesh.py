"""Surfaces that follow a skeleton."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import ShapeError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SkinnedMesh:
    """Triangles bound to the joints of one skeleton in its rest pose.

    Attributes
    ----------
    vertices : (V, 3) float
        World, metres, in the rest pose.
    normals : (V, 3) float
        Unit, outward.
    faces : (F, 3) int
        Vertex numbers, counter-clockwise seen from outside.
    joints : (V, 4) int
        Joints that move each vertex; 0 where the weight is 0.
    weights : (V, 4) float
        Shares of those joints, 0 to 1, summing to 1, largest first.
    uv : (V, 2) float or None
        Texture coordinates, origin at the lower left.
    """

    vertices: Float[np.ndarray, "V 3"]
    normals: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    joints: Int[np.ndarray, "V 4"]
    weights: Float[np.ndarray, "V 4"]
    uv: Float[np.ndarray, "V 2"] | None = None

    def __post_init__(self) -> None:
        check_arrays(self)
        for name in ("vertices", "normals", "weights"):
            if not np.isfinite(getattr(self, name)).all():
                raise ShapeError(f"SkinnedMesh.{name}: holds values that are not finite")
        if np.any(self.faces < 0) or np.any(self.faces >= len(self.vertices)):
            raise ShapeError("SkinnedMesh.faces: names vertices that do not exist")
        if np.any(self.joints < 0):
            raise ShapeError("SkinnedMesh.joints: must not be negative")
        if np.any(self.weights < 0) or not np.allclose(self.weights.sum(axis=1), 1.0, atol=1e-6):
            raise ShapeError("SkinnedMesh.weights: must be at least 0 and sum to 1")
