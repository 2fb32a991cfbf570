"""How well a camera's path, turns and focal length were found.

J. Sturm et al., "A benchmark for the evaluation of RGB-D SLAM systems", IROS 2012. Poses here are
``world_from_camera``: the inverse of what `CameraTrack` holds.
"""

import dataclasses
from typing import Literal

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import ShapeError
from choreoscope.geometry import rotation
from choreoscope.motion.metrics.alignment import Alignment, align
from choreoscope.motion.metrics.means import MM_PER_METRE, mean, root_mean_square
from choreoscope.motion.metrics.world import path_length

Gauge = Literal["none", "se3", "sim3"]
_FLAT = 1e-6
"""Second by first extent of a path below which it says nothing of the turn about itself."""
_STILL = 1e-9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CameraScores:
    """One camera against its truth.

    Attributes
    ----------
    ate_mm : float
        Absolute trajectory error, RMSE after the alignment.
    ate_mm_per_metre : float
        The same by the length of the true path; NaN when the true camera stands.
    rotation_degrees : float
        Mean angle between the orientations after the best common turn.
    step_mm, step_degrees : float
        Relative pose error of neighbouring frames, RMSE.
    scale_error_percent : float
        Of the path, positive when too large; NaN when one of the cameras stands.
    focal_percent : float
        Mean size of the error of the focal length.
    """

    ate_mm: float
    ate_mm_per_metre: float
    rotation_degrees: float
    step_mm: float
    step_degrees: float
    scale_error_percent: float
    focal_percent: float


def camera_scores(result: CameraTrack, truth: CameraTrack, *, gauge: Gauge = "se3") -> CameraScores:
    """Score a camera.

    Parameters
    ----------
    result, truth : CameraTrack
        Of the same frames.
    gauge : {"none", "se3", "sim3"}
        What is free before paths are compared: nothing, a rigid motion, or a scale, too.

    Raises
    ------
    ShapeError
        If they have different numbers of frames.
    """
    own, true = (world_from_camera(camera.camera_from_world) for camera in (result, truth))
    if len(own) != len(true):
        raise ShapeError(f"cameras: {len(own)} frames against {len(true)} of the truth")
    laid = moved(own, path_alignment(own, true, gauge=gauge))
    error = root_mean_square(position_errors_mm(laid, true))
    length = path_length(true[:, :3, 3])
    steps, turns = relative_errors(laid, true)
    return CameraScores(
        ate_mm=error,
        ate_mm_per_metre=error / length if length > _STILL else float("nan"),
        rotation_degrees=mean(rotation_errors_degrees(own, true, aligned=gauge != "none")),
        step_mm=root_mean_square(steps),
        step_degrees=root_mean_square(turns),
        scale_error_percent=path_scale_error_percent(own, true),
        focal_percent=mean(focal_errors_percent(result.intrinsics, truth.intrinsics)),
    )


def world_from_camera(camera_from_world: np.ndarray) -> np.ndarray:
    """Invert rigid motions ``(T, 4, 4)``."""
    turned = np.swapaxes(camera_from_world[:, :3, :3], -1, -2)
    pose = np.tile(np.eye(4), (len(turned), 1, 1))
    pose[:, :3, :3] = turned
    pose[:, :3, 3] = -np.einsum("tij,tj->ti", turned, camera_from_world[:, :3, 3])
    return pose


def path_alignment(own: np.ndarray, truth: np.ndarray, *, gauge: Gauge = "se3") -> Alignment:
    """Find the motion that lays one camera path on another.

    Parameters
    ----------
    own, truth : (T, 4, 4) float
        world_from_camera, metres.
    gauge : {"none", "se3", "sim3"}
        Nothing, a rigid motion, or a similarity (Umeyama 1991).

    Returns
    -------
    Alignment
        Where a path is a point or a straight line, and so leaves the turn open, the turn comes
        from the orientations.
    """
    if gauge == "none":
        return Alignment(scale=np.ones(()), rotation=np.eye(3), translation=np.zeros(3))
    first, second = own[:, :3, 3], truth[:, :3, 3]
    found = align(first, second, with_scale=gauge == "sim3")
    if not (_is_flat(first) or _is_flat(second)):
        return found
    turn = common_turn(own, truth)
    middles = first.mean(axis=0), second.mean(axis=0)
    from_first, from_second = (first - middles[0]) @ turn.T, second - middles[1]
    scale, spread = np.ones(()), float(np.square(from_first).sum())
    if gauge == "sim3" and spread > _STILL**2:
        scale = np.asarray(np.sum(from_first * from_second) / spread)
    return Alignment(
        scale=scale, rotation=turn, translation=middles[1] - scale * (turn @ middles[0])
    )


def common_turn(own: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Turn of the world ``(3, 3)`` that best brings all orientations of one camera to another's.

    The chordal mean (R. Hartley et al., IJCV 2013); exists also for a camera that only pans.
    """
    left, _, right = np.linalg.svd(
        np.einsum("tij,tkj->ik", truth[:, :3, :3], own[:, :3, :3]), full_matrices=True
    )
    sign = np.sign(np.linalg.det(left @ right))
    return np.asarray(left * np.array([1.0, 1.0, sign]) @ right)


def moved(poses: np.ndarray, by: Alignment) -> np.ndarray:
    """Move camera poses ``(T, 4, 4)`` with their world."""
    laid = poses.copy()
    laid[:, :3, :3] = by.rotation @ poses[:, :3, :3]
    laid[:, :3, 3] = by.apply(poses[:, :3, 3])
    return laid


def position_errors_mm(own: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distances between the places of two cameras ``(T, 4, 4)``: ``(T,)`` millimetres.

    Its root mean square after an alignment is the absolute trajectory error (ATE).
    """
    return np.asarray(MM_PER_METRE * np.linalg.norm(own[:, :3, 3] - truth[:, :3, 3], axis=-1))


def rotation_errors_degrees(
    own: np.ndarray, truth: np.ndarray, *, aligned: bool = True
) -> np.ndarray:
    """Angles between the orientations of two cameras.

    Parameters
    ----------
    own, truth : (T, 4, 4) float
        world_from_camera.
    aligned : bool
        Take the best common turn of the world out first (`common_turn`).

    Returns
    -------
    (T,) float
        Degrees, 0 to 180.
    """
    first = common_turn(own, truth) @ own[:, :3, :3] if aligned else own[:, :3, :3]
    return _angles(first, truth[:, :3, :3])


def relative_errors(
    own: np.ndarray, truth: np.ndarray, *, step: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Relative pose error (RPE): how wrong the way from one frame to a later one is.

    Parameters
    ----------
    own, truth : (T, 4, 4) float
        world_from_camera, one scale.
    step : int
        Frames between the two; every pair of them counts.

    Returns
    -------
    distances : (max(T - step, 0),) float
        Millimetres.
    angles : (max(T - step, 0),) float
        Degrees.
    """
    first, second = _ways(own, step), _ways(truth, step)
    error = np.linalg.inv(second) @ first
    distances = MM_PER_METRE * np.linalg.norm(error[:, :3, 3], axis=-1)
    return distances, _angles(first[:, :3, :3], second[:, :3, :3])


def path_scale_error_percent(own: np.ndarray, truth: np.ndarray) -> float:
    """How much too large a camera's path is, by its spread, in percent; NaN for one that stands."""
    first, second = (
        float(np.sqrt(np.square(poses[:, :3, 3] - poses[:, :3, 3].mean(axis=0)).sum()))
        for poses in (own, truth)
    )
    return 100.0 * (first / second - 1.0) if min(first, second) > _STILL else float("nan")


def focal_errors_percent(own: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Size of the error of the focal length in every frame.

    Parameters
    ----------
    own, truth : (T, 3, 3) float
        Intrinsics, pixels.

    Returns
    -------
    (T,) float
        Percent, mean of both axes.
    """
    ratio = own[:, [0, 1], [0, 1]] / truth[:, [0, 1], [0, 1]]
    return np.asarray(100.0 * np.abs(ratio - 1.0).mean(axis=-1))


def _is_flat(path: np.ndarray) -> bool:
    extents = np.linalg.svd(path - path.mean(axis=0), compute_uv=False)
    return len(extents) < len(path[0]) or extents[1] <= max(_FLAT * extents[0], _STILL)


def _angles(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(
        np.degrees(
            rotation.angle_between(rotation.from_matrix(first), rotation.from_matrix(second))
        )
    )


def _ways(poses: np.ndarray, step: int) -> np.ndarray:
    return np.asarray(np.linalg.inv(poses[:-step]) @ poses[step:])
