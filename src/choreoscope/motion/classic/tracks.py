"""From evidence in camera axes to points in the world of the camera's path, row by row."""

import dataclasses

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.motion.classic.options import ClassicOptions, Distance
from choreoscope.motion.solve.evidence import PersonEvidence, ShotEvidence

POWER = -1.5
"""Of the uncertainty: how the recipe weighs a point."""
_NEAREST = 0.1
_FEWEST = 4
_RIDGE = 1e-9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CameraPath:
    """Where the camera is in the recipe's world: origin where the first camera stood, metres.

    Attributes
    ----------
    centres : (F, 3) float
        Camera centres.
    turns : (F, 3, 3) float
        World-from-camera.
    """

    centres: np.ndarray
    turns: np.ndarray


def camera_path(camera: CameraTrack, camera_scale: float) -> CameraPath:
    """Scale the path and let it start at the origin."""
    turns = np.swapaxes(camera.camera_from_world[:, :3, :3], 1, 2)
    centres = -np.einsum("fab,fb->fa", turns, camera.camera_from_world[:, :3, 3])
    factor = 1.0 if camera.metric else camera_scale
    return CameraPath(centres=factor * (centres - centres[:1]), turns=turns)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One person, one row per frame from the first to the last seen.

    Attributes
    ----------
    first_frame : int
        Source frame of row 0.
    times : (T,) float
        Seconds.
    centres : (T, 3) float
        Camera centres, metres.
    places : (T, P, 3) float
        World of the camera path, metres; anything where the weight is 0.
    weights : (T, P) float
        Uncertainty to the power -1.5 over the track's mean; 0 where not seen.
    """

    first_frame: int
    times: np.ndarray
    centres: np.ndarray
    places: np.ndarray
    weights: np.ndarray

    def held(self) -> np.ndarray:
        """Rows in which any point counts, ``(T,)`` bool."""
        return np.asarray(self.weights.any(axis=1))


def gather_track(
    evidence: ShotEvidence, person: PersonEvidence, path: CameraPath, options: ClassicOptions
) -> Track:
    """Put one person's points into the world.

    Parameters
    ----------
    evidence : ShotEvidence
        For its camera and times.
    person : PersonEvidence
        At least one row.
    path : CameraPath
        From `camera_path`.
    options : ClassicOptions
        For `distance`.

    Returns
    -------
    Track
    """
    first, last = int(person.frames[0]), int(person.frames[-1])
    clip_rows = np.arange(first, last + 1) - evidence.times.first_frame
    intrinsics = evidence.camera.intrinsics[person.frames - evidence.times.first_frame]
    in_camera, placed = camera_places(person, intrinsics, options.distance)
    at = person.frames - first
    turns, centres = path.turns[clip_rows], path.centres[clip_rows]
    places = np.zeros((len(clip_rows), *in_camera.shape[1:]))
    places[at] = np.einsum("tab,tpb->tpa", turns[at], in_camera) + centres[at, None]
    weights = np.zeros(places.shape[:2])
    weights[at] = point_weights(np.where(placed[:, None], person.place_sigma, np.inf))
    return Track(
        first_frame=first,
        times=evidence.times.seconds[clip_rows],
        centres=centres,
        places=places,
        weights=weights,
    )


def point_weights(sigma: np.ndarray) -> np.ndarray:
    """Weigh points by uncertainty, relative to the mean of the track.

    Parameters
    ----------
    sigma : (N, P) float
        Metres; infinite where not seen.

    Returns
    -------
    (N, P) float
        Mean 1 over what is seen; 0 elsewhere.
    """
    seen = np.isfinite(sigma)
    weights = np.where(seen, np.where(seen, sigma, 1.0) ** POWER, 0.0)
    mean = weights[seen].mean() if seen.any() else 1.0
    return np.asarray(weights / mean)


def camera_places(
    person: PersonEvidence, intrinsics: np.ndarray, distance: Distance
) -> tuple[np.ndarray, np.ndarray]:
    """Places in camera axes, about the camera.

    Parameters
    ----------
    person : PersonEvidence
        N rows.
    intrinsics : (N, 3, 3) float
        Pixel-from-camera.
    distance : {"pixels", "delivered"}
        "pixels" finds each frame's translation from its pixels, by weighted least squares of
        ``x - u z`` and ``y - v z``.

    Returns
    -------
    (N, P, 3) float
        Metres; 0 where not seen.
    (N,) bool
        Rows that have a place; others show too few pixels, or a body behind the camera.
    """
    held = np.isfinite(person.place_sigma)
    places = np.where(held[..., None], person.places, 0.0)
    if distance == "delivered":
        return places, held.any(axis=1)
    shown = np.isfinite(person.pixel_sigma) & held
    sigma = np.where(shown, person.pixel_sigma, 1.0)
    rays = _rays(np.where(shown[..., None], person.pixels, 0.0), intrinsics)
    moved = places + _translations(places, rays, np.where(shown, sigma**-2.0, 0.0))[:, None]
    depth = np.where(shown, moved[..., 2], np.inf).min(axis=1)
    placed = (shown.sum(axis=1) >= _FEWEST) & (depth > _NEAREST)
    return np.where((held & placed[:, None])[..., None], moved, 0.0), placed


def _rays(pixels: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    focal = np.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], axis=-1)[:, None]
    return np.asarray((pixels - intrinsics[:, None, :2, 2]) / focal)


def _translations(places: np.ndarray, rays: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Closed-form translation of each frame: least squares of ``x - u z`` and ``y - v z``."""
    rows = np.zeros((*rays.shape, 3))
    rows[..., 0, 0] = rows[..., 1, 1] = 1.0
    rows[..., 2] = -rays
    wrong = places[..., :2] - rays * places[..., 2:]
    weighted = rows * weights[..., None, None]
    normal = np.einsum("tpra,tprb->tab", weighted, rows)
    scale = np.trace(normal, axis1=1, axis2=2)[:, None, None] + _RIDGE
    normal = normal / scale + _RIDGE * np.eye(3)
    right = -np.einsum("tpra,tpr->ta", weighted, wrong) / scale[:, 0]
    return np.asarray(np.linalg.solve(normal, right[..., None])[..., 0])
