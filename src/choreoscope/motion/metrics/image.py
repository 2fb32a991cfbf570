"""Reprojection: what the eye sees of a result on the film."""

import numpy as np

from choreoscope.datatypes.camera import CameraTrack, Lens
from choreoscope.datatypes.errors import ShapeError
from choreoscope.geometry.projection import project


def shown(points: np.ndarray, camera: CameraTrack) -> np.ndarray:
    """Where world points are in the picture.

    Parameters
    ----------
    points : (T, J, 3) float
        World, metres.
    camera : CameraTrack
        Of the same T frames.

    Returns
    -------
    (T, J, 2) float
        Pixels; NaN behind the camera.

    Raises
    ------
    ShapeError
        If there is not one camera per frame.
    """
    if len(points) != len(camera.camera_from_world):
        raise ShapeError(
            f"reprojection: {len(points)} frames of points and "
            f"{len(camera.camera_from_world)} of the camera"
        )
    pose = camera.camera_from_world
    seen = points @ np.swapaxes(pose[:, :3, :3], -1, -2) + pose[:, None, :3, 3]
    plain = Lens(
        width=camera.width,
        height=camera.height,
        fx=1.0,
        fy=1.0,
        cx=0.0,
        cy=0.0,
        distortion=camera.distortion,
        source=camera.source,
    )
    bent = project(seen, plain)
    inner = camera.intrinsics
    return np.asarray(bent @ np.swapaxes(inner[:, :2, :2], -1, -2) + inner[:, None, :2, 2])


def reprojection_px(
    points: np.ndarray, camera: CameraTrack, truth_pixels: np.ndarray
) -> np.ndarray:
    """Distance in the picture between a result and 2D truth.

    Parameters
    ----------
    points : (T, J, 3) float
        World, metres.
    camera : CameraTrack
        Of the same frames, as solved.
    truth_pixels : (T, J, 2) float
        Pixels; NaN where not known.

    Returns
    -------
    (T, J) float
        Pixels; NaN where there is no truth or the point is behind the camera.
    """
    return np.asarray(np.linalg.norm(shown(points, camera) - truth_pixels, axis=-1))
