"""PLY point clouds and meshes: one file per frame.

openFrameworks reads only the ASCII form with ``float x y z`` and ``uchar red green blue``; other
programs read the binary form faster.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import OutputError, ShapeError

_LINES = 8192
"""Written at once, so that the text of a large cloud never lies in memory whole."""


def write_ply(
    path: Path,
    points: np.ndarray,
    colours: np.ndarray,
    faces: np.ndarray | None = None,
    *,
    binary: bool = False,
) -> None:
    """Write one frame.

    Parameters
    ----------
    points : (N, 3) float
        Metres; ASCII keeps tenths of a millimetre.
    colours : (N, 3) uint8
        sRGB.
    faces : (F, 3) int or None
        Triangles of a mesh.
    binary : bool
        Little-endian binary instead of ASCII.

    Raises
    ------
    ShapeError
        If points and colours do not go together.
    OutputError
        If the file cannot be written.
    """
    if points.shape != (len(points), 3) or colours.shape != points.shape:
        raise ShapeError(f"PLY: points {points.shape} do not go with colours {colours.shape}")
    header = _header(len(points), None if faces is None else len(faces), binary=binary)
    try:
        with path.open("wb") as file:
            file.write(header.encode("ascii"))
            parts: Iterable[bytes] = (
                _binary(points, colours, faces) if binary else _text(points, colours, faces)
            )
            for part in parts:
                file.write(part)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror})") from error


def _header(points: int, faces: int | None, *, binary: bool) -> str:
    lines = ["ply", f"format {'binary_little_endian' if binary else 'ascii'} 1.0"]
    lines += [f"element vertex {points}", *(f"property float {axis}" for axis in "xyz")]
    lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    if faces is not None:
        # openFrameworks asks for exactly these types and this name.
        lines += [f"element face {faces}", "property list uchar int vertex_indices"]
    return "\n".join([*lines, "end_header", ""])


def _binary(points: np.ndarray, colours: np.ndarray, faces: np.ndarray | None) -> list[bytes]:
    rows = np.zeros(len(points), dtype=[("place", "<f4", 3), ("colour", "u1", 3)])
    rows["place"], rows["colour"] = points, colours
    parts = [rows.tobytes()]
    if faces is not None:
        corners = np.zeros(len(faces), dtype=[("count", "u1"), ("corner", "<i4", 3)])
        corners["count"], corners["corner"] = 3, faces
        parts.append(corners.tobytes())
    return parts


def _text(points: np.ndarray, colours: np.ndarray, faces: np.ndarray | None) -> Iterator[bytes]:
    for start in range(0, len(points), _LINES):
        rows = slice(start, start + _LINES)
        numbers = np.concatenate([points[rows], colours[rows]], axis=1, dtype=np.float64)
        line = "%.4f %.4f %.4f %d %d %d\n" * len(numbers)
        yield (line % tuple(numbers.ravel().tolist())).encode("ascii")
    if faces is not None:
        for start in range(0, len(faces), _LINES):
            corners = faces[start : start + _LINES]
            line = "3 %d %d %d\n" * len(corners)
            yield (line % tuple(corners.ravel().tolist())).encode("ascii")
