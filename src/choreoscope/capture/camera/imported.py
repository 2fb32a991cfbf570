"""A camera that was given: one row for every frame of the clip, and how it moves."""

import numpy as np

from choreoscope.capture.camera.whole_path import bridged
from choreoscope.datatypes.camera import CameraMovement, CameraPath, CameraTrack
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.camera_files import ReadCamera
from choreoscope.geometry import rotation

_STILL_TURN, _STILL_WAY = np.radians(0.01), 1e-4


def given_path(read: ReadCamera, frames: FrameRange, seconds: np.ndarray) -> CameraPath:
    """Bridge frames the file leaves out and say how the camera moves.

    Parameters
    ----------
    seconds : (T,) float
        Time of every frame of the clip.
    """
    index = read.frames - frames.start
    poses = bridged(read.camera.camera_from_world, seconds[index], seconds)
    known = np.zeros(len(frames), dtype=bool)
    known[index] = True
    intrinsics = np.stack(
        [
            np.interp(seconds, seconds[index], read.camera.intrinsics[:, row, column])
            for row in range(3)
            for column in range(3)
        ],
        axis=-1,
    ).reshape(-1, 3, 3)
    missing = int(np.sum(~known))
    notes = [f"camera from a file, {len(read.frames)} of {len(frames)} frames"]
    if missing:
        notes.append(f"{missing} frames the camera file does not have are bridged")
    if not read.camera.metric:
        notes.append("the unit of the camera file is unknown; give metres to fix its scale")
    return CameraPath(
        camera=CameraTrack(
            width=read.camera.width,
            height=read.camera.height,
            intrinsics=intrinsics,
            camera_from_world=poses,
            distortion=read.camera.distortion,
            source=read.camera.source,
            metric=read.camera.metric,
        ),
        movement=_movement(read.camera),
        known=known,
        residual_px=np.full(len(frames), np.nan),
        focal_sigma=0.0,
        upright=True,
        notes=tuple(notes),
    )


def _movement(camera: CameraTrack) -> CameraMovement:
    turns = camera.camera_from_world[:, :3, :3]
    centres = -np.einsum("nji,nj->ni", turns, camera.camera_from_world[:, :3, 3])
    scale = max(1.0, float(np.abs(centres).max()))
    if np.ptp(centres, axis=0).max() > _STILL_WAY * scale:
        return "travelling"
    quaternions = rotation.from_matrix(turns)
    turned = float(rotation.angle_between(quaternions, quaternions[:1]).max())
    zoomed = np.ptp(camera.intrinsics[:, 0, 0]) > _STILL_WAY * camera.intrinsics[0, 0, 0]
    return "pan" if turned > _STILL_TURN or zoomed else "locked"
