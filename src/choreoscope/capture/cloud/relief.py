"""One frame of depth to a relief: a surface over the pixel grid, cut wherever depth leaps.

Without the cut, the edge of a performer would be tied to the wall behind by a sheet of rubber.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from choreoscope.capture.cloud.points import DepthLaw, Picked, Sampling
from choreoscope.datatypes.errors import InputError

SMALLEST = 1e-6
"""Metres; infinite times nothing is no number."""
LARGEST_JUMP = 0.03
"""Share of the nearer depth by which corners of a triangle may differ."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """A surface in one frame.

    Attributes
    ----------
    points : (V, 3) float32
        Metres, camera axes; only corners of triangles.
    colours : (V, 3) uint8
        sRGB.
    uv : (V, 2) float32
        Place in the film's picture, 0 to 1, v up from its lower edge.
    faces : (F, 3) int32
        Counter-clockwise seen from the camera.
    """

    points: np.ndarray
    colours: np.ndarray
    uv: np.ndarray
    faces: np.ndarray


def lifted_relief(
    picked: Picked, law: DepthLaw, sampling: Sampling, largest_jump: float = LARGEST_JUMP
) -> Mapping[str, Relief]:
    """Lift one frame as surfaces.

    A cell of four pixels of the grid is split along the diagonal whose ends differ less in depth,
    and each of its two triangles is looked at by itself: it stays if its corners are all there,
    belong to the same group, and its farthest is at most `largest_jump` (a share) beyond its
    nearest.

    Parameters
    ----------
    largest_jump : float
        Infinite for no cut at all.

    Raises
    ------
    InputError
        If the jump is not above 0.
    """
    if not largest_jump > 0:
        raise InputError(f"largest jump: expected a share above 0, got {largest_jump:g}")
    pixels = (slice(sampling.first, None, sampling.step),) * 2
    rays, depth = picked.rays[pixels], picked.depth[pixels]
    z = law.metres(depth, rays)
    if picked.alpha is not None:
        z = np.where(picked.alpha[pixels] >= sampling.least_alpha, z, np.float32(0))
    owner = np.zeros(z.shape, np.uint8) if picked.owner is None else picked.owner[pixels]
    owner = np.where(owner < len(picked.groups), owner, len(picked.groups))
    z = np.where(owner < len(picked.groups), z, np.float32(0))
    faces = _triangles(z, owner, largest_jump)
    height, width = picked.depth.shape
    columns = (np.arange(sampling.first, width, sampling.step) + 0.5) / width
    rows = 1.0 - (np.arange(sampling.first, height, sampling.step) + 0.5) / height
    whole = _Grid(
        points=np.concatenate([rays * z[..., None], z[..., None]], axis=2).reshape(-1, 3),
        colours=picked.colour[pixels].reshape(-1, 3),
        uv=np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(np.float32),
    )
    whose = owner.ravel()[faces[:, 0]]
    return {name: whole.only(faces[whose == at]) for at, name in enumerate(picked.groups)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    points: np.ndarray
    colours: np.ndarray
    uv: np.ndarray

    def only(self, faces: np.ndarray) -> Relief:
        """Keep the corners that triangles use."""
        used = np.zeros(len(self.points), dtype=bool)
        used[faces.ravel()] = True
        renumbered = np.cumsum(used) - 1
        return Relief(
            points=self.points[used].astype(np.float32),
            colours=self.colours[used],
            uv=self.uv[used],
            faces=renumbered[faces].astype(np.int32),
        )


def _triangles(z: np.ndarray, owner: np.ndarray, largest_jump: float) -> np.ndarray:
    """Corners of the triangles that stay, places in the flattened grid."""
    place = np.arange(z.size).reshape(z.shape)
    upper_left, upper_right = place[:-1, :-1].ravel(), place[:-1, 1:].ravel()
    lower_left, lower_right = place[1:, :-1].ravel(), place[1:, 1:].ravel()
    flat, whose = z.ravel(), owner.ravel()
    # A corner that is not there is far from all others: the split then spares the other three.
    far = np.where(flat > 0, flat, np.inf)
    with np.errstate(invalid="ignore"):
        falling = np.nan_to_num(np.abs(far[upper_left] - far[lower_right]), nan=np.inf)
        rising = np.nan_to_num(np.abs(far[upper_right] - far[lower_left]), nan=np.inf)
    is_falling = (falling <= rising)[:, None]
    # Counter-clockwise as the camera sees them: down the left side first.
    first = np.where(
        is_falling,
        np.stack([upper_left, lower_left, lower_right], axis=1),
        np.stack([upper_left, lower_left, upper_right], axis=1),
    )
    second = np.where(
        is_falling,
        np.stack([upper_left, lower_right, upper_right], axis=1),
        np.stack([upper_right, lower_left, lower_right], axis=1),
    )
    faces = np.stack([first, second], axis=1).reshape(-1, 3)
    depths, owners = flat[faces], whose[faces]
    nearest, farthest = depths.min(axis=1), depths.max(axis=1)
    kept = (nearest > 0) & (owners == owners[:, :1]).all(axis=1)
    kept &= farthest - nearest <= largest_jump * np.maximum(nearest, SMALLEST)
    return np.asarray(faces[kept])
