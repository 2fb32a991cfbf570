"""Cameras: OpenCV axes (x right, y down, z forward), metres, ``camera_from_world``."""

import dataclasses
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import InputError, ShapeError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CameraTrack:
    """The camera in every frame of a clip.

    Attributes
    ----------
    width, height : int
        Picture size in pixels.
    intrinsics : (T, 3, 3) float
        Pixel-from-camera matrices.
    camera_from_world : (T, 4, 4) float
        World to camera. World: right-handed, Y up, metres, floor y = 0.
    distortion : (D,) float
        OpenCV coefficients k1 k2 p1 p2 [k3 ...]; empty for a pinhole.
    source : str
        Where it comes from: "given", "assumed", ...
    metric : bool
        False while the scale of the path is unknown.
    """

    width: int
    height: int
    intrinsics: Float[np.ndarray, "T 3 3"]
    camera_from_world: Float[np.ndarray, "T 4 4"]
    distortion: Float[np.ndarray, "D"]
    source: str
    metric: bool

    def __post_init__(self) -> None:
        check_arrays(self)
        if np.any(self.intrinsics[:, 0, 0] <= 0) or np.any(self.intrinsics[:, 1, 1] <= 0):
            raise InputError("CameraTrack: focal length must be above 0 px")
        rotation = self.camera_from_world[:, :3, :3]
        if not np.allclose(rotation @ np.swapaxes(rotation, -1, -2), np.eye(3), atol=1e-5):
            raise InputError("CameraTrack: camera_from_world is not a rigid motion")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """What one camera does with rays, without where it stands.

    Attributes
    ----------
    width, height : int
        Picture size in pixels the numbers below belong to.
    fx, fy : float
        Focal lengths, pixels.
    cx, cy : float
        Principal point, pixels; (0, 0) is the image corner.
    distortion : (D,) float
        OpenCV coefficients k1 k2 p1 p2 [k3 [k4 k5 k6]]; empty for a pinhole.
    source : str
        Where it comes from: "given", "file" or "assumed".
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: Float[np.ndarray, "D"]
    source: str

    def __post_init__(self) -> None:
        check_arrays(self)
        if self.width < 1 or self.height < 1:
            raise InputError(f"Lens: picture size {self.width}x{self.height} is empty")
        numbers = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not np.all(np.isfinite(numbers)) or self.fx <= 0 or self.fy <= 0:
            raise InputError(
                f"Lens: expected finite numbers and focal lengths above 0 px, "
                f"got fx {self.fx}, fy {self.fy}, centre ({self.cx}, {self.cy})"
            )
        if len(self.distortion) not in (0, 4, 5, 8):
            raise InputError(
                f"Lens: expected 0, 4, 5 or 8 distortion coefficients, got {len(self.distortion)}"
            )

    @property
    def intrinsics(self) -> np.ndarray:
        """Pixel-from-camera matrix, ``(3, 3)``."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


CameraMovement = Literal["locked", "pan", "travelling"]
"""Stands still; turns (pans, tilts, rolls, zooms) on the spot; changes its place."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CameraPath:
    """What was found, or given, of a shot's camera, before people fix floor and scale.

    Attributes
    ----------
    camera : CameraTrack
        One pose for every frame of the clip. A solved camera has the first frame's place as
        origin, its right as X and its upward direction in the picture as Y, and `metric` False
        unless it never leaves its place; an imported one is in its file's world, Y up, metres.
    movement : {"locked", "pan", "travelling"}
        How it moves.
    known : (T,) bool
        False for frames that are bridged between others for want of evidence.
    residual_px : (T,) float
        Median distance of background points from where the path puts them, film pixels; NaN
        where there is no evidence of its own.
    focal_sigma : float
        Standard deviation of the logarithm of the focal length; 0 where it was given.
    trusted : bool
        False where what moves could not be explained; a note says why.
    upright : bool
        Whether the world's Y is known to be up, as in a file, and not the picture's own up.
    notes : tuple of str
        Sentences for people.
    """

    camera: CameraTrack
    movement: CameraMovement
    known: Bool[np.ndarray, "T"]
    residual_px: Float[np.ndarray, "T"]
    focal_sigma: float
    trusted: bool = True
    upright: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_arrays(self)
        if len(self.known) != len(self.camera.intrinsics):
            raise ShapeError(
                f"CameraPath: {len(self.known)} flags for {len(self.camera.intrinsics)} frames"
            )
        if self.movement not in get_args(CameraMovement):
            raise InputError(f"CameraPath: unknown movement '{self.movement}'")
