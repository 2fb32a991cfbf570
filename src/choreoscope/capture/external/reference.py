"""What the solved camera and people tell about a delivery: distances in metres, axes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from choreoscope.capture.external.conversion import Rotations
from choreoscope.capture.external.decisions import People
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.motion_npz import read_motion


def people_distances(
    camera_file: Path | None, motions: Mapping[str, Path], frames: FrameRange
) -> People:
    """Where every person's middle is in the picture, and how far away.

    Lens distortion is left out: the middle of a body covers more than it moves.

    Parameters
    ----------
    camera_file : Path or None
        ``camera.json`` of the clip.
    motions : dict
        Person to ``motion.npz``.
    frames : FrameRange
        Source frames of the clip.

    Returns
    -------
    dict
        Source frame to (x, y) in pixels and metres along the camera's z. Frames in which a person
        was not seen are left out.
    """
    found: People = {}
    if camera_file is None:
        return found
    camera = read_camera(camera_file)
    for path in motions.values():
        motion = read_motion(path)
        for row in range(motion.frame_count):
            frame = motion.first_frame + row
            at = frame - frames.start
            if not 0 <= at < len(camera.intrinsics) or motion.confidence[row, 0] <= 0:
                continue
            pose = camera.camera_from_world[at]
            point = pose[:3, :3] @ motion.root_position[row] + pose[:3, 3]
            if point[2] <= 0:
                continue
            pixel = camera.intrinsics[at] @ point / point[2]
            found.setdefault(frame, []).append((float(pixel[0]), float(pixel[1]), float(point[2])))
    return found


def rotations(camera_file: Path | None, frames: FrameRange) -> Rotations:
    """Camera-from-world rotation of every source frame; empty without a camera."""
    if camera_file is None:
        return {}
    matrices = np.asarray(read_camera(camera_file).camera_from_world)[:, :3, :3]
    return dict(zip(frames, matrices, strict=False))
