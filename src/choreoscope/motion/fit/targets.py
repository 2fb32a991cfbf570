"""What a body is fitted to, how, and what comes out."""

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.camera import CameraTrack, Lens
from choreoscope.datatypes.errors import InputError
from choreoscope.geometry.projection import normalised_from_pixels
from choreoscope.motion.bodies.points import BodyPoints


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FitTargets:
    """Where points of the body were seen in space.

    Attributes
    ----------
    points : BodyPoints
        P points: joints, vertices, keypoints; `choreoscope.motion.bodies.points.joined` mixes.
    places : (T, P, 3) float
        World (or camera) coordinates, metres; NaN = missing.
    sigma : (T, P) float, > 0
        Standard deviation per axis, metres; infinite = missing.
    """

    points: BodyPoints
    places: Float[np.ndarray, "T P 3"]
    sigma: Float[np.ndarray, "T P"]

    def __post_init__(self) -> None:
        check_arrays(self)
        _check_seen("FitTargets", self.points, self.sigma)

    @property
    def weights(self) -> np.ndarray:
        """``1 / sigma^2``, 0 where missing, ``(T, P)``."""
        return _weights(self.places, self.sigma)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RayTargets:
    """Where points of the body were seen in the picture; `rays_of_pixels` makes them.

    Attributes
    ----------
    points : BodyPoints
        P points.
    rays : (T, P, 2) float
        x / z and y / z in camera axes, lens undone; NaN = missing.
    sigma : (T, P) float, > 0
        Standard deviation per axis, same unit (pixels over focal length); infinite = missing.
    camera_from_world : (T, 4, 4) float
        OpenCV axes, metres.
    """

    points: BodyPoints
    rays: Float[np.ndarray, "T P 2"]
    sigma: Float[np.ndarray, "T P"]
    camera_from_world: Float[np.ndarray, "T 4 4"]

    def __post_init__(self) -> None:
        check_arrays(self)
        _check_seen("RayTargets", self.points, self.sigma)

    @property
    def weights(self) -> np.ndarray:
        """``1 / sigma^2``, 0 where missing, ``(T, P)``."""
        return _weights(self.rays, self.sigma)


def rays_of_pixels(
    points: BodyPoints, pixels: np.ndarray, sigma: np.ndarray, camera: CameraTrack
) -> RayTargets:
    """Undo the lens.

    Parameters
    ----------
    points : BodyPoints
        P points.
    pixels : (T, P, 2) float
        (0, 0) is the image corner; NaN = missing.
    sigma : (T, P) float, > 0
        Standard deviation per axis, pixels; infinite = missing.
    camera : CameraTrack
        T frames.

    Returns
    -------
    RayTargets
    """
    focal = camera.intrinsics[:, [0, 1], [0, 1]][:, None]
    centred = (pixels - camera.intrinsics[:, None, :2, 2]) / focal
    unit = Lens(
        width=camera.width,
        height=camera.height,
        fx=1.0,
        fy=1.0,
        cx=0.0,
        cy=0.0,
        distortion=camera.distortion,
        source=camera.source,
    )
    return RayTargets(
        points=points,
        rays=normalised_from_pixels(centred, unit),
        sigma=sigma / np.sqrt(focal[..., 0] * focal[..., 1]),
        camera_from_world=camera.camera_from_world,
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How to fit.

    Attributes
    ----------
    joints : tuple of str or None
        Joints that may turn; None for all. The others stay as they start.
    shape_sigma : float
        Standard deviation of shape values, which are standard deviations of people themselves;
        0 leaves the shape as it starts.
    track_scale_sigma : float
        Of the log of the track's scale; 0 fixes it at 1. Scale and shape are nearly the same
        direction, so leave this at 0 unless people are not the size of people.
    frame_scale_sigma : float
        Of the log of each frame's scale about the track's; 0 = none.
    pose_sigma : float
        Mild prior of every joint but the root: radians from the start, or from rest where there
        is none. Decides what nothing else does.
    loss : str
        "geman" (Geman and McClure 1985), "cauchy", or "squares", which believes every outlier.
    width : float
        Residual in sigmas at which a point counts for a quarter ("geman") or half ("cauchy").
    rounds : int
        At most so many steps, for the shape and again for every frame.
    tolerance : float
        A step below so many radians or metres is the last; so is one that gains no likelihood.
    shape_frames : int
        Frames, evenly chosen, that shape and track scale are found from.
    threads : int
        To spread frames over.
    """

    joints: tuple[str, ...] | None = None
    shape_sigma: float = 1.0
    track_scale_sigma: float = 0.0
    frame_scale_sigma: float = 0.0
    pose_sigma: float = 1.0
    loss: Literal["squares", "cauchy", "geman"] = "geman"
    width: float = 6.0
    rounds: int = 20
    tolerance: float = 1e-3
    shape_frames: int = 64
    threads: int = 2

    def __post_init__(self) -> None:
        spreads = (self.shape_sigma, self.track_scale_sigma, self.frame_scale_sigma)
        if min(spreads) < 0 or min(self.pose_sigma, self.width, self.tolerance) <= 0:
            raise InputError("FitOptions: expected sigmas of at least 0, and above 0 for the pose")
        if min(self.rounds, self.shape_frames, self.threads) < 1:
            raise InputError("FitOptions: expected at least 1 round, shape frame and thread")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BodyFit:
    """A body in every frame: ``place = root + scale * (place with the root at the origin)``.

    Attributes
    ----------
    shape : (S,) float
        Of the whole track, standard deviations.
    scale : (T,) float
        Size of the body in each frame; all 1 unless asked for.
    root : (T, 3) float
        Place of joint 0, metres.
    rotations : (T, J, 4) float
        Parent-from-joint (root: world-from-joint), wxyz.
    rms : (T,) float
        Root mean square distance to the places, weighted as the fit weighed them, metres; NaN
        where there are none.
    observed : (T,) bool
        False where a frame had no evidence and was bridged from its neighbours.
    rounds : (T,) int
        Steps each frame took after the shape was known.
    loss : float
        Twice the negative log likelihood, all frames.
    """

    shape: Float[np.ndarray, "S"]
    scale: Float[np.ndarray, "T"]
    root: Float[np.ndarray, "T 3"]
    rotations: Float[np.ndarray, "T J 4"]
    rms: Float[np.ndarray, "T"]
    observed: Bool[np.ndarray, "T"]
    rounds: Int[np.ndarray, "T"]
    loss: float

    def __post_init__(self) -> None:
        check_arrays(self)


def _check_seen(owner: str, points: BodyPoints, sigma: np.ndarray) -> None:
    if len(points) != sigma.shape[1]:
        raise InputError(f"{owner}: {len(points)} points, but places of {sigma.shape[1]}")
    if not np.all(sigma > 0):
        raise InputError(f"{owner}: expected sigma above 0 (infinite = missing)")


def _weights(seen: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    known = np.isfinite(sigma) & np.all(np.isfinite(seen), axis=-1)
    return np.where(known, 1.0 / np.where(known, sigma, 1.0) ** 2, 0.0)
