"""Lenses out of calibration files: our own JSON, OpenCV-like JSON, Pose2Sim TOML, Qualisys.

Other programs' numbers are taken as they are: where they put pixel (0, 0) (the corner of the
first pixel, as we do, or its centre) differs by half a pixel and is seldom written down.
"""

import dataclasses
import functools
import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import ChoreoscopeError, InputError
from choreoscope.datatypes.video import Video
from choreoscope.formats import camera_json, lens_json
from choreoscope.formats.qualisys import is_qualisys, read_qualisys

_SAME_SHAPE = 0.005
_CODEC_PADDING = 16
"""Codecs store multiples of 16 lines; a calibration may state the padded size."""
_COEFFICIENTS = (0, 4, 5, 8)

Size = tuple[int, int]
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Calibration:
    """What a file says of one camera; without a size it belongs to the film it is used with."""

    matrix: np.ndarray
    distortion: np.ndarray
    size: Size | None


def read_lens_file(path: Path, video: Video, name: str | None = None) -> Lens:
    """Read the lens of a film from a calibration file.

    Parameters
    ----------
    path : Path
        ``.toml`` of Pose2Sim and Sports2D (sections with ``size``, ``matrix``, ``distortions``),
        ``.qca.txt`` or ``.xml`` of Qualisys, or ``.json``: our ``camera.json`` and ``lens.json``;
        ``{"width", "height", "fx", "fy", "cx", "cy", "distortion"}``; or cameras by name with ``K``
        and ``dist``.
    video : Video
        The film; a lens for another size of the same shape is scaled to it.
    name : str or None
        Which camera of a file with several. Without it the only one is taken, or the one whose
        name is that of the film (case, dashes and underscores aside).

    Raises
    ------
    InputError
        If the file is absent or damaged, if it is not clear which camera is meant, if the lens
        is a fisheye, or if it belongs to a picture of another shape.
    """
    cameras = _read(path)
    found = chosen_camera(cameras, path, video, name)()
    return _for_size(found, (video.width, video.height), path)


def _read(path: Path) -> dict[str, Callable[[], _Calibration]]:
    """Cameras by name, each made into a lens when it is asked for."""
    if is_qualisys(path):
        return {
            name: functools.partial(_calibration, camera.matrix, camera.distortion, camera.size)
            for name, camera in read_qualisys(path).items()
        }
    try:
        text = path.read_text(encoding="utf-8")
        record = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError) as damage:
        raise InputError(f"{path}: cannot be read as a camera file ({damage})") from damage
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected named values or sections, got {type(record).__name__}")
    if record.get("schema") == camera_json.SCHEMA:
        return {"camera": lambda: _of_track(path)}
    if record.get("schema") == lens_json.SCHEMA:
        return {"camera": lambda: _of_lens(lens_json.read_lens(path)[0])}
    found = {"camera": record} if "fx" in record else _sections(record)
    if not found:
        raise InputError(
            f"{path}: no camera found; expected width, height, fx, fy, cx, cy, "
            "or sections with a 3x3 'matrix' or 'K'"
        )
    return {name: _maker(values, f"{path}, camera '{name}'") for name, values in found.items()}


def _sections(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(values.get("name", key)): values
        for key, values in record.items()
        if isinstance(values, dict) and ("matrix" in values or "K" in values)
    }


def _maker(values: Mapping[str, Any], where: str) -> Callable[[], _Calibration]:
    def make() -> _Calibration:
        try:
            return _of_numbers(values) if "fx" in values else _of_matrix(values)
        except (KeyError, ValueError, TypeError, IndexError, ChoreoscopeError) as damage:
            raise InputError(f"{where}: not a lens ({damage})") from damage

    return make


def _of_lens(lens: Lens) -> _Calibration:
    return _calibration(lens.intrinsics, lens.distortion, (lens.width, lens.height))


def _of_track(path: Path) -> _Calibration:
    track = camera_json.read_camera(path)
    if not len(track.intrinsics):
        raise InputError(f"{path}: the camera has no frames")
    if np.any(track.intrinsics != track.intrinsics[0]):
        raise InputError(f"{path}: the lens zooms, expected one lens for the whole clip")
    matrix = track.intrinsics[0]
    return _calibration(matrix, track.distortion, (track.width, track.height))


def _of_numbers(values: Mapping[str, Any]) -> _Calibration:
    matrix = np.array(
        [[values["fx"], 0.0, values["cx"]], [0.0, values["fy"], values["cy"]], [0.0, 0.0, 1.0]],
        dtype=np.float64,
    )
    return _calibration(
        matrix, values.get("distortion", ()), (int(values["width"]), int(values["height"]))
    )


def _of_matrix(values: Mapping[str, Any]) -> _Calibration:
    if values.get("fisheye"):
        raise InputError("fisheye lenses are not supported; give the lens of an undistorted film")
    matrix = np.array(values["K"] if "K" in values else values["matrix"], dtype=np.float64)
    if matrix.shape != (3, 3):
        raise InputError(f"expected a 3x3 matrix, got {matrix.shape}")
    distortion = values.get("dist", values.get("distortions", ()))
    width, height = values.get("size", (0, 0))
    return _calibration(matrix, distortion, (int(width), int(height)) if width else None)


def _calibration(
    matrix: np.ndarray,
    distortion: Any,  # noqa: ANN401  # parsed
    size: Size | None,
) -> _Calibration:
    bending = np.array(distortion, dtype=np.float64).reshape(-1)
    bending = bending if np.any(bending) else np.zeros(0)
    if len(bending) not in _COEFFICIENTS:
        raise InputError(f"expected 4, 5 or 8 distortion coefficients, got {len(bending)}")
    return _Calibration(matrix=matrix, distortion=bending, size=size)


def chosen_camera(cameras: Mapping[str, T], path: Path, video: Video, name: str | None) -> T:
    """Pick a camera of a file: the named one, the only one, or the one named like the film.

    Raises
    ------
    InputError
        If it is not clear which one is meant.
    """
    known = ", ".join(cameras)
    if name is not None:
        if name not in cameras:
            raise InputError(f"{path}: no camera '{name}'; it holds: {known}")
        return cameras[name]
    if len(cameras) == 1:
        return next(iter(cameras.values()))
    stem = _plain(Path(video.path).stem)
    matching = [camera for label, camera in cameras.items() if _plain(label) == stem]
    if len(matching) != 1:
        raise InputError(
            f"{path}: several cameras and none named like the film "
            f"'{Path(video.path).stem}'; say which: {known}"
        )
    return matching[0]


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _for_size(found: _Calibration, size: Size, path: Path) -> Lens:
    factor = 1.0 if found.size is None else scale_to_film(found.size, size, path)
    width, height = size
    return Lens(
        width=width,
        height=height,
        fx=float(found.matrix[0, 0]) * factor,
        fy=float(found.matrix[1, 1]) * factor,
        cx=float(found.matrix[0, 2]) * factor,
        cy=float(found.matrix[1, 2]) * factor,
        distortion=found.distortion,
        source="file",
    )


def scale_to_film(stated: Size, film: Size, path: Path) -> float:
    """Factor from the pixels of a file's pictures to the film's.

    Raises
    ------
    InputError
        If the pictures have another shape.
    """
    if all(_is_padding(there - here) for there, here in zip(stated, film, strict=True)):
        return 1.0
    if min(stated) > 0 and abs(stated[0] * film[1] / (stated[1] * film[0]) - 1) < _SAME_SHAPE:
        return film[0] / stated[0]
    raise InputError(
        f"{path}: the lens belongs to pictures of {stated[0]}x{stated[1]}, "
        f"the film has {film[0]}x{film[1]}"
    )


def _is_padding(more: int) -> bool:
    return 0 <= more < _CODEC_PADDING
