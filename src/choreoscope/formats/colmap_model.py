"""COLMAP's sparse models: ``cameras`` and ``images`` as text or binary, read without COLMAP.

Formats as in COLMAP's manual, "Output Format". Poses are camera from world, OpenCV axes, pixel
(0, 0) the image corner: as ours. The unit is arbitrary, and so is the direction that is up.
"""

import dataclasses
import itertools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.formats.camera_poses import FilePoses, pose_of
from choreoscope.geometry import rotation

_MODELS: dict[str, tuple[int, int]] = {
    "SIMPLE_PINHOLE": (0, 3),
    "PINHOLE": (1, 4),
    "SIMPLE_RADIAL": (2, 4),
    "RADIAL": (3, 5),
    "OPENCV": (4, 8),
    "FULL_OPENCV": (6, 12),
}
"""COLMAP's number and count of parameters of the lens models that OpenCV's formula covers."""
_ONE_FOCAL = ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL")
_POINT_BYTES = 24


@dataclasses.dataclass(frozen=True, slots=True)
class _Camera:
    width: int
    height: int
    matrix: np.ndarray
    distortion: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True)
class _Image:
    name: str
    camera: int
    pose: np.ndarray


def read_colmap(path: Path) -> FilePoses:
    """Read the camera of every picture of a model.

    Pictures are numbered by the last run of digits in their names, or from 0 in the order of
    their names where some have none.

    Parameters
    ----------
    path : Path
        Folder with ``cameras.txt`` and ``images.txt`` (or ``.bin``), or one of these files.

    Raises
    ------
    InputError
        If a file is absent or damaged, a lens model has no OpenCV formula, or the lens bends
        differently from picture to picture.
    """
    folder = path if path.is_dir() else path.parent
    try:
        if (folder / "images.txt").exists():
            cameras = _text_cameras(folder / "cameras.txt")
            images = _text_images(folder / "images.txt")
        else:
            cameras = _binary_cameras(folder / "cameras.bin")
            images = _binary_images(folder / "images.bin")
        return _poses(cameras, images)
    except (OSError, ValueError, IndexError, KeyError, struct.error, InputError) as damage:
        raise InputError(f"{folder}: cannot be read as a COLMAP model ({damage})") from damage


def _poses(cameras: dict[int, _Camera], images: list[_Image]) -> FilePoses:
    images.sort(key=lambda image: image.name)
    numbers = [_number(image.name) for image in images]
    if None in numbers or len(set(numbers)) < len(numbers):
        numbers = list(range(len(images)))
    order = np.argsort(np.array(numbers, dtype=np.int64))
    used = [cameras[images[index].camera] for index in order]
    if not used:
        raise InputError("no picture in it")
    bends = {tuple(camera.distortion.tolist()) for camera in used}
    sizes = {(camera.width, camera.height) for camera in used}
    if len(bends) > 1 or len(sizes) > 1:
        raise InputError("expected one lens and picture size, got several")
    return FilePoses(
        numbers=np.array(numbers, dtype=np.int64)[order],
        camera_from_world=np.array([images[index].pose for index in order]),
        intrinsics=np.array([camera.matrix for camera in used]),
        distortion=used[0].distortion,
        size=sizes.pop(),
        still=False,
        up="-y",
        metres=None,
    )


def _number(name: str) -> int | None:
    digits = ""
    for letter in reversed(Path(name).stem):
        if letter.isdigit():
            digits = letter + digits
        elif digits:
            break
    return int(digits) if digits else None


def _camera(model: str, width: int, height: int, values: list[float]) -> _Camera:
    if model not in _MODELS:
        raise InputError(
            f"lens model {model} has no OpenCV formula; undistort the pictures in COLMAP first"
        )
    if len(values) != _MODELS[model][1]:
        raise InputError(f"{model} needs {_MODELS[model][1]} numbers, got {len(values)}")
    focals = values[:1] * 2 if model in _ONE_FOCAL else values[:2]
    rest = values[1:] if model in _ONE_FOCAL else values[2:]
    bending = np.array(rest[2:], dtype=np.float64)
    if 0 < len(bending) < 4:  # noqa: PLR2004
        bending = np.concatenate([bending, np.zeros(4 - len(bending))])
    matrix = np.array([[focals[0], 0, rest[0]], [0, focals[1], rest[1]], [0, 0, 1.0]])
    return _Camera(width, height, matrix, bending if bending.any() else np.zeros(0))


def _image(name: str, camera: int, values: list[float]) -> _Image:
    turn = rotation.to_matrix(rotation.normalized(np.array(values[:4])))
    return _Image(name, camera, pose_of(turn, np.array(values[4:7])))


def _text_cameras(path: Path) -> dict[int, _Camera]:
    cameras = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            numbers = [float(word) for word in words[4:]]
            cameras[int(words[0])] = _camera(words[1], int(words[2]), int(words[3]), numbers)
    return cameras


def _text_images(path: Path) -> list[_Image]:
    lines = [
        line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    images = []
    # Every second line lists points, and is empty where there are none.
    for line, points in itertools.zip_longest(lines[::2], lines[1::2], fillvalue=""):
        if len(points.split()) % 3:
            raise InputError("expected a line of points (or an empty one) after every picture")
        words = line.split(maxsplit=9)
        if words:
            values = [float(word) for word in words[1:8]]
            images.append(_image(words[9].strip(), int(words[8]), values))
    return images


def _binary_cameras(path: Path) -> dict[int, _Camera]:
    names = {number: (name, count) for name, (number, count) in _MODELS.items()}
    cameras = {}
    with path.open("rb") as stream:
        for _ in range(*_take(stream, "<Q")):
            key, model, width, height = _take(stream, "<IiQQ")
            if model not in names:
                raise InputError(f"lens model number {model} has no OpenCV formula")
            name, count = names[model]
            values = [float(value) for value in _take(stream, f"<{count}d")]
            cameras[key] = _camera(name, width, height, values)
    return cameras


def _binary_images(path: Path) -> list[_Image]:
    images = []
    with path.open("rb") as stream:
        for _ in range(*_take(stream, "<Q")):
            _, *values, camera = _take(stream, "<I7dI")
            name = b"".join(_letters(stream)).decode("utf-8")
            (points,) = _take(stream, "<Q")
            stream.seek(points * _POINT_BYTES, 1)
            images.append(_image(name, camera, [float(value) for value in values]))
    return images


def _letters(stream: BinaryIO) -> Iterator[bytes]:
    while (letter := stream.read(1)) not in {b"", b"\0"}:
        yield letter


def _take(stream: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, stream.read(struct.calcsize(layout)))
