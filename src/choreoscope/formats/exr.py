"""OpenEXR: any flat picture in, whatever its layers; our passes out.

Cropped files (data window smaller than the display window) are laid into the full picture.
"""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.passes import Picture

MOST_PIXELS = 1 << 28
"""A display window larger than this is a damaged header, not a picture."""
TYPES = {0: "<u4", 1: "<f2", 2: "<f4"}
"""Pixel types as OpenEXR numbers them."""


def read_exr(path: Path) -> Picture:
    """Read every channel of every part.

    Channels of mixed types become float32. Where two parts hold a channel of the same name, the
    part's name is put before it.

    Raises
    ------
    InputError
        If it is no EXR, is damaged or cut off, holds deep or subsampled pixels, or its parts
        differ in size.
    """
    channels: dict[str, np.ndarray] = {}
    parts = _parts(path)
    for part in parts:
        pixels = _full_size(path, part)
        if any(name in channels for name in pixels):
            pixels = {f"{part.name}.{name}": value for name, value in pixels.items()}
        channels |= pixels
    sizes = {plane.shape for plane in channels.values()}
    if not channels or len(sizes) > 1:
        raise InputError(f"{path}: expected one picture, got channels of sizes {sorted(sizes)}")
    kinds = {plane.dtype for plane in channels.values()}
    common = kinds.pop() if len(kinds) == 1 else np.dtype(np.float32)
    return Picture(
        pixels=np.stack([plane.astype(common) for plane in channels.values()], axis=-1),
        channels=tuple(channels),
        format="exr",
        header=_texts(parts[0].header),
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    name: str
    header: Mapping[str, Any]
    planes: Mapping[str, np.ndarray]


def _parts(path: Path) -> list[_Part]:
    import OpenEXR

    if not path.is_file():
        raise InputError(f"no such file: {path}")
    try:
        headers = OpenEXR.File(str(path), separate_channels=True, header_only=True).parts
        whole = OpenEXR.InputFile(str(path))
        if not whole.isComplete():
            raise InputError(f"{path} is cut off; export or copy it again")
        if len(headers) == 1:
            # The newer interface tells of damaged pixels on standard output instead of raising.
            return [_Part(name="", header=headers[0].header, planes=_planes(whole))]
        parts = OpenEXR.File(str(path), separate_channels=True).parts
    except (RuntimeError, ValueError, TypeError, OSError) as error:
        raise InputError(f"{path} is not an EXR that can be read ({error})") from error
    if len(parts) != len(headers):
        raise InputError(f"{path} is damaged; export it again")
    return [_several(path, part) for part in parts]


def _planes(file: Any) -> dict[str, np.ndarray]:  # noqa: ANN401
    channels = file.header()["channels"]
    types = {name: np.dtype(TYPES[channel.type.v]) for name, channel in channels.items()}
    window = file.header()["dataWindow"]
    width = window.max.x - window.min.x + 1
    height = window.max.y - window.min.y + 1
    planes = {}
    for name, data in zip(types, file.channels(list(types)), strict=True):
        flat = np.frombuffer(data, dtype=types[name])
        if flat.size != width * height:
            raise ValueError(f"channel {name} is subsampled; expected one value per pixel")
        planes[name] = flat.reshape(height, width)
    return planes


def _several(path: Path, part: Any) -> _Part:  # noqa: ANN401
    planes = {}
    for name, channel in part.channels.items():
        pixels = np.asarray(channel.pixels)
        if pixels.ndim != 2 or (channel.xSampling, channel.ySampling) != (1, 1):  # noqa: PLR2004
            raise InputError(f"{path}: channel {name} is deep or subsampled; expected flat pixels")
        planes[name] = pixels
    return _Part(name=part.name(), header=part.header, planes=planes)


def _full_size(path: Path, part: _Part) -> dict[str, np.ndarray]:
    (x0, y0), (x1, y1) = (np.asarray(corner) for corner in part.header["displayWindow"])
    (left, top), _ = (np.asarray(corner) for corner in part.header["dataWindow"])
    width, height = int(x1) - int(x0) + 1, int(y1) - int(y0) + 1
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise InputError(f"{path}: a display window of {width}x{height} pixels")
    corner = (int(left) - int(x0), int(top) - int(y0))
    return {name: _laid(plane, (height, width), corner) for name, plane in part.planes.items()}


def _laid(pixels: np.ndarray, size: tuple[int, int], corner: tuple[int, int]) -> np.ndarray:
    """Lay a data window into a display window; what lies outside is cut."""
    if corner == (0, 0) and pixels.shape == size:
        return pixels
    whole = np.zeros(size, dtype=pixels.dtype)
    x, y = corner
    rows = slice(max(0, y), min(size[0], y + pixels.shape[0]))
    columns = slice(max(0, x), min(size[1], x + pixels.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        inside = pixels[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
        whole[rows, columns] = inside
    return whole


def _texts(header: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: str(value)
        for key, value in header.items()
        if isinstance(value, str | int | float | Fraction)
    }


def write_exr(
    path: Path,
    channels: Mapping[str, np.ndarray],
    header: Mapping[str, str | Fraction] | None = None,
) -> None:
    """Write one flat picture, ZIPS-compressed (lossless); equal content gives equal bytes.

    Parameters
    ----------
    channels : dict of str to (H, W) float16 or float32
        Name to plane.
    header : dict
        Further attributes; ``framesPerSecond`` must be a `Fraction`.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    import OpenEXR

    attributes: dict[str, Any] = {
        "compression": OpenEXR.ZIPS_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        **(header or {}),
    }
    planes = {name: np.ascontiguousarray(plane) for name, plane in channels.items()}
    try:
        with OpenEXR.File(attributes, planes) as file:
            file.write(str(path))
    except RuntimeError as error:
        raise OutputError(f"{path} cannot be written ({error})") from error
