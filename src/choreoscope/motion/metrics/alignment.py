"""Least-squares alignment of point sets: rigid, or with one scale.

S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
PAMI 1991; the same as the Procrustes step of the pose papers.
"""

import dataclasses

import numpy as np

from choreoscope.datatypes.errors import ShapeError

_XYZ = 3
_TINY = 1e-18


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """``target = scale * rotation @ source + translation``, for any leading axes.

    Attributes
    ----------
    scale : (*b,) float
        1 for a rigid motion.
    rotation : (*b, 3, 3) float
        Proper: determinant +1.
    translation : (*b, 3) float
        Metres.
    """

    scale: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Move points ``(*b, N, 3)``; NaN stays NaN."""
        turned = points @ np.swapaxes(self.rotation, -1, -2)
        return np.asarray(self.scale[..., None, None] * turned + self.translation[..., None, :])


def align(source: np.ndarray, target: np.ndarray, *, with_scale: bool) -> Alignment:
    """Find what brings `source` onto `target` with the least squared error.

    Parameters
    ----------
    source, target : (*b, N, 3) float
        Metres; points that are not finite in both are left out.
    with_scale : bool
        Similarity instead of rigid motion.

    Returns
    -------
    Alignment
        Of NaN where not a single point is known. A source without extent keeps scale 1, so that a
        collapsed result is scored and not excused.

    Raises
    ------
    ShapeError
        If the two differ in shape or are no points.
    """
    check_alike(source, target)
    known = np.isfinite(source).all(axis=-1) & np.isfinite(target).all(axis=-1)
    count = known.sum(axis=-1)
    weight = (known / np.maximum(count, 1)[..., None])[..., None]
    first = np.where(known[..., None], source, 0.0)
    second = np.where(known[..., None], target, 0.0)
    first_middle = (weight * first).sum(axis=-2)
    second_middle = (weight * second).sum(axis=-2)
    first_from = np.where(known[..., None], first - first_middle[..., None, :], 0.0)
    second_from = np.where(known[..., None], second - second_middle[..., None, :], 0.0)
    left, singular, right = np.linalg.svd(np.swapaxes(second_from, -1, -2) @ (weight * first_from))
    signs = np.ones(singular.shape)
    signs[..., 2] = np.where(np.linalg.det(left) * np.linalg.det(right) < 0, -1.0, 1.0)
    turn = (left * signs[..., None, :]) @ right
    spread = (weight * first_from**2).sum(axis=(-1, -2))
    scale = np.ones(spread.shape)
    if with_scale:
        best = (singular * signs).sum(axis=-1)
        scale = np.where(spread > _TINY, best / np.maximum(spread, _TINY), 1.0)
    shift = second_middle - scale[..., None] * np.einsum("...ij,...j->...i", turn, first_middle)
    return Alignment(
        scale=np.where(count > 0, scale, np.nan),
        rotation=turn,
        translation=np.where(count[..., None] > 0, shift, np.nan),
    )


def check_alike(predicted: np.ndarray, truth: np.ndarray) -> None:
    """Refuse point sets that cannot be compared.

    Raises
    ------
    ShapeError
        If shapes differ or the last axis is not x, y, z.
    """
    if predicted.shape != truth.shape or predicted.shape[-1:] != (_XYZ,):
        raise ShapeError(
            f"metrics: expected two arrays of one shape (..., 3), got {predicted.shape} and "
            f"{truth.shape}"
        )
