"""A path with one row for every frame of a clip, from the rows that could be solved."""

import dataclasses

import numpy as np

from choreoscope.datatypes.camera import CameraMovement, CameraPath, CameraTrack, Lens
from choreoscope.datatypes.frames import FrameRange
from choreoscope.geometry import rotation

WORLD_FROM_FIRST = np.diag([1.0, -1.0, -1.0])
"""The world's Y is upward in the first picture, its Z towards the viewer."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PathRows:
    """Frames with evidence.

    Attributes
    ----------
    frames : (N,) int
        Source frames, rising.
    camera_from_first : (N, 4, 4) float
        From the axes of the first row's camera (or any fixed ones); OpenCV axes.
    focal_factors : (N,) float
        Focal length over the lens's.
    residual_px : (N,) float
        Film pixels.
    """

    frames: np.ndarray
    camera_from_first: np.ndarray
    focal_factors: np.ndarray
    residual_px: np.ndarray


def whole_path(  # noqa: PLR0913
    rows: PathRows,
    frames: FrameRange,
    seconds: np.ndarray,
    lens: Lens,
    *,
    still_until: int,
    movement: CameraMovement,
    focal_sigma: float,
    trusted: bool,
    notes: tuple[str, ...],
) -> CameraPath:
    """Fill the frames without evidence and put the first camera into the world's origin.

    Parameters
    ----------
    seconds : (T,) float
        Time of every frame; bridges run evenly in it.
    still_until : int
        Frames before this one have the pose of the last frame before it.
    """
    count = len(frames)
    wanted = np.arange(frames.start, frames.stop)
    still = wanted < still_until
    poses, factors = np.tile(np.eye(4), (count, 1, 1)), np.ones(count)
    residuals = np.full(count, np.nan)
    known = still.copy()
    if len(rows.frames):
        index = rows.frames - frames.start
        poses = bridged(rows.camera_from_first, seconds[index], seconds)
        factors = np.exp(np.interp(seconds, seconds[index], np.log(rows.focal_factors)))
        known[index] = True
        residuals[index] = rows.residual_px
        if still.any():
            last = int(np.flatnonzero(still)[-1])
            poses[:last], factors[:last] = poses[last], factors[last]
        poses = poses @ np.linalg.inv(poses[0])
    intrinsics = np.tile(lens.intrinsics, (count, 1, 1))
    intrinsics[:, 0, 0] *= factors
    intrinsics[:, 1, 1] *= factors
    world = np.eye(4)
    world[:3, :3] = WORLD_FROM_FIRST.T
    missing = int(np.sum(~known))
    bridges = (f"{missing} frames without enough background are bridged",) if missing else ()
    return CameraPath(
        camera=CameraTrack(
            width=lens.width,
            height=lens.height,
            intrinsics=intrinsics,
            camera_from_world=poses @ world,
            distortion=lens.distortion,
            source=lens.source,
            metric=movement != "travelling",
        ),
        movement=movement,
        known=known,
        residual_px=residuals,
        focal_sigma=focal_sigma,
        trusted=trusted,
        notes=(*notes, *bridges),
    )


def bridged(
    camera_from_world: np.ndarray, known_seconds: np.ndarray, seconds: np.ndarray
) -> np.ndarray:
    """Poses at all times: even turns and straight ways between known ones, ends held.

    Parameters
    ----------
    camera_from_world : (N, 4, 4) float
        Known poses, at least one.
    known_seconds : (N,) float
        Their times, rising.
    seconds : (T,) float
        Times asked for.

    Returns
    -------
    (T, 4, 4) float
        Known poses come back as they are.
    """
    matrices = camera_from_world[:, :3, :3]
    turns = rotation.with_continuous_signs(rotation.from_matrix(matrices))
    centres = -np.einsum("nji,nj->ni", matrices, camera_from_world[:, :3, 3])
    last = len(known_seconds) - 1
    after = np.clip(np.searchsorted(known_seconds, seconds), 0, last)
    before = np.clip(np.searchsorted(known_seconds, seconds, side="right") - 1, 0, last)
    span = known_seconds[after] - known_seconds[before]
    share = np.where(span > 0, (seconds - known_seconds[before]) / np.where(span > 0, span, 1), 0.0)
    poses = np.tile(np.eye(4), (len(seconds), 1, 1))
    poses[:, :3, :3] = rotation.to_matrix(rotation.slerp(turns[before], turns[after], share))
    place = centres[before] + share[:, None] * (centres[after] - centres[before])
    poses[:, :3, 3] = -np.einsum("nij,nj->ni", poses[:, :3, :3], place)
    exact = before == after
    poses[exact] = camera_from_world[before[exact]]
    return poses
