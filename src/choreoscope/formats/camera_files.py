"""Cameras out of other programs' files, brought to a film: its frames, size, axes and metres.

Nuke ``.chan``, COLMAP models, Qualisys and Pose2Sim calibrations, JSON with ``R`` and ``t``, and
our own ``camera.json``.
"""

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.camera import CameraTrack, Lens
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.video import Video
from choreoscope.formats import camera_json
from choreoscope.formats.camera_poses import FilePoses, in_house_world, pose_of
from choreoscope.formats.chan import read_chan
from choreoscope.formats.colmap_model import read_colmap
from choreoscope.formats.lens_files import chosen_camera, read_lens_file, scale_to_film
from choreoscope.formats.qualisys import is_qualisys, read_qualisys
from choreoscope.geometry import rotation

_VECTOR = (3,)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CameraFileOrder:
    """What the user says about a camera file; None leaves it to the kind of file.

    Attributes
    ----------
    name : str or None
        Which camera of a file with several; else the only one, or the one named like the film.
    up : str or None
        Axis of the file's world that points upward: x, y or z, with a minus sign or without.
        Usual: y for .chan, -y for COLMAP, z for Qualisys, Pose2Sim and other calibrations.
    metres : float or None
        Length of the file's unit. Usual: 1 for .chan, JSON and Pose2Sim, 0.001 for Qualisys;
        COLMAP's is arbitrary.
    first_number : int or None
        The number the file gives to the clip's first frame; None is the lowest in the file.
    rotation_order : str
        Of a ``.chan``, as Nuke's menu lists them.
    """

    name: str | None = None
    up: str | None = None
    metres: float | None = None
    first_number: int | None = None
    rotation_order: str = "ZXY"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReadCamera:
    """A camera file's part that falls on a clip.

    Attributes
    ----------
    frames : (N,) int
        Source frames that have a pose, rising, at least one.
    camera : CameraTrack
        One row for each of them; the house's axes.
    """

    frames: np.ndarray
    camera: CameraTrack


def read_camera_file(
    path: Path, video: Video, frames: FrameRange, lens: Lens, order: CameraFileOrder
) -> ReadCamera:
    """Read the camera of a clip.

    Parameters
    ----------
    lens : Lens
        For files that have none of their own.

    Raises
    ------
    InputError
        If the file is absent or damaged, of an unknown kind, belongs to pictures of another
        shape, has no pose for any frame of the clip, or it is not clear which camera is meant.
    """
    if path.suffix.lower() == ".json" and _json(path).get("schema") == camera_json.SCHEMA:
        return _own(path, video, frames)
    found = _poses(path, video, lens, order)
    scale = 1.0
    if found.size is not None:
        scale = scale_to_film(found.size, (video.width, video.height), path)
    rows, numbers = _rows_of_clip(found, frames, order.first_number, path)
    metres = order.metres or found.metres
    intrinsics = np.tile(lens.intrinsics, (len(rows), 1, 1))
    distortion = lens.distortion
    if found.intrinsics is not None:
        intrinsics, distortion = found.intrinsics[rows].copy(), found.distortion
        intrinsics[:, :2] *= scale
    return ReadCamera(
        frames=numbers,
        camera=CameraTrack(
            width=video.width,
            height=video.height,
            intrinsics=intrinsics,
            camera_from_world=in_house_world(
                found.camera_from_world[rows], order.up or found.up, metres or 1.0
            ),
            distortion=distortion,
            source="file",
            metric=metres is not None,
        ),
    )


def _poses(path: Path, video: Video, lens: Lens, order: CameraFileOrder) -> FilePoses:
    if path.suffix.lower() == ".chan":
        return read_chan(path, (video.width, video.height), order.rotation_order)
    if path.is_dir() or path.name in {"images.txt", "cameras.txt", "images.bin", "cameras.bin"}:
        return read_colmap(path)
    if is_qualisys(path):
        return chosen_camera(read_qualisys(path), path, video, order.name).poses
    if path.suffix.lower() in {".toml", ".json"}:
        return _calibrated(path, video, lens, order.name)
    raise InputError(
        f"{path}: expected a camera as .chan, .json, .toml, .qca.txt or a COLMAP model's folder"
    )


def _rows_of_clip(
    found: FilePoses, frames: FrameRange, first: int | None, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the file that fall on the clip, and their source frames."""
    if found.still:
        everywhere = np.arange(frames.start, frames.stop)
        return np.zeros(len(everywhere), dtype=np.int64), everywhere
    start = int(found.numbers[0]) if first is None else first
    source = found.numbers - start + frames.start
    rows = np.flatnonzero((source >= frames.start) & (source < frames.stop))
    if not len(rows):
        raise InputError(
            f"{path}: its frames {found.numbers[0]} to {found.numbers[-1]} are none of the clip's, "
            f"whose first would be number {start}; say which with first_number"
        )
    return rows, source[rows]


def _own(path: Path, video: Video, frames: FrameRange) -> ReadCamera:
    camera = camera_json.read_camera(path)
    if len(camera.intrinsics) != len(frames):
        raise InputError(
            f"{path}: it holds {len(camera.intrinsics)} frames, the clip has {len(frames)}"
        )
    scale = scale_to_film((camera.width, camera.height), (video.width, video.height), path)
    intrinsics = camera.intrinsics.copy()
    intrinsics[:, :2] *= scale
    return ReadCamera(
        frames=np.arange(frames.start, frames.stop),
        camera=dataclasses.replace(
            camera, width=video.width, height=video.height, intrinsics=intrinsics, source="file"
        ),
    )


def _calibrated(path: Path, video: Video, lens: Lens, name: str | None) -> FilePoses:
    """Read a camera of a Pose2Sim TOML or an OpenCV-like JSON: the lens, and how it stands."""
    try:
        text = path.read_text(encoding="utf-8")
        record = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
        sections = {
            str(values.get("name", key)): values
            for key, values in record.items()
            if isinstance(values, dict) and _TURNS & values.keys()
        }
    except (OSError, ValueError, AttributeError) as damage:
        raise InputError(f"{path}: cannot be read as a camera file ({damage})") from damage
    if not sections:
        raise InputError(f"{path}: no camera with 'R' and 't' or 'rotation' and 'translation'")
    values = chosen_camera(sections, path, video, name)
    label = next(key for key, section in sections.items() if section is values)
    has_lens = "matrix" in values or "K" in values
    own = read_lens_file(path, video, label) if has_lens else lens
    try:
        pose = _standing(values)
        return FilePoses(
            numbers=np.zeros(1, dtype=np.int64),
            camera_from_world=pose[None],
            intrinsics=own.intrinsics[None],
            distortion=own.distortion,
            size=None,
            still=True,
            up="z",
            metres=1.0,
        )
    except (KeyError, ValueError, TypeError, InputError) as damage:
        raise InputError(f"{path}, camera '{label}': not a place ({damage})") from damage


def _standing(values: Mapping[str, Any]) -> np.ndarray:
    turn = np.array(values["R"] if "R" in values else values["rotation"], dtype=np.float64)
    shift = np.array(values["t"] if "t" in values else values["translation"], dtype=np.float64)
    if shift.size != _VECTOR[0]:
        raise InputError(f"expected a translation of 3 numbers, got {shift.size}")
    if turn.shape == _VECTOR:
        turn = rotation.to_matrix(rotation.from_rotation_vector(turn))
    if turn.shape != (3, 3):
        raise InputError(f"expected a rotation as 3 or 3x3 numbers, got {turn.shape}")
    return pose_of(turn, shift.reshape(3))


def _json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as damage:
        raise InputError(f"{path}: cannot be read as a camera file ({damage})") from damage
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected named values, got {type(record).__name__}")
    return record


_TURNS = {"R", "rotation"}
