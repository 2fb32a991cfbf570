"""OpenEXR: any flat picture in, whatever its layers; our passes out.

Cropped files (data window smaller than the display window) are laid into the full picture;
luminance with halved colour differences becomes red, green and blue.
"""

import dataclasses
import io
import itertools
import struct
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, get_args

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.passes import Picture
from choreoscope.formats.luminance_chroma import CHROMA, rgb_from_ycc

MOST_PIXELS = 1 << 28
"""A display window larger than this is a damaged header, not a picture."""
TYPES = {0: "<u4", 1: "<f2", 2: "<f4"}
"""Pixel types as OpenEXR numbers them."""
HEAD_BYTES, LONGEST_NAME = 8, 255
"""Magic number and version; the format's own bound."""
CHANNEL = "<iB3xii"
"""Of a channel in the header: type, linear or not, sampling across and down."""
Compression = Literal["none", "rle", "zips", "zip", "piz", "pxr24", "dwaa"]
"""The first five lose nothing; PXR24 keeps half floats exact and cuts floats to 24 bits."""
LOSSY: tuple[Compression, ...] = ("pxr24", "dwaa")


class TimeCode(NamedTuple):
    """Hours, minutes, seconds and frames as a clock on the set shows them."""

    hours: int
    minutes: int
    seconds: int
    frames: int


HeaderValue = str | int | float | Fraction | TimeCode | tuple[float, ...] | np.ndarray
"""What an attribute can be; eight floats are chromaticities, arrays are vectors and matrices."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExrFile:
    """Everything in a flat EXR.

    Attributes
    ----------
    channels : dict of str to (H, W) array
        Every channel of every part at the size of the display window, in its stored type. Where
        two parts hold a channel of the same name, the part's name is put before it.
    headers : tuple of dict
        Attributes of each part as the library gives them.
    """

    path: Path
    channels: Mapping[str, np.ndarray]
    headers: tuple[Mapping[str, Any], ...]


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
    file = open_exr(path)
    common = common_type(file)
    planes = [plane.astype(common, copy=False) for plane in file.channels.values()]
    return Picture(
        pixels=np.stack(planes, axis=-1),
        channels=tuple(file.channels),
        format="exr",
        header=texts_of(file),
    )


def common_type(file: ExrFile) -> np.dtype[Any]:
    """Type that all channels of a file have, float32 where they differ."""
    kinds = {plane.dtype for plane in file.channels.values()}
    return kinds.pop() if len(kinds) == 1 else np.dtype(np.float32)


def texts_of(file: ExrFile) -> dict[str, str]:
    """Attributes that are words or numbers, of all parts; those of the first part win."""
    texts: dict[str, str] = {}
    for header in reversed(file.headers):
        texts |= _texts(header)
    return texts


def exr_texts(path: Path) -> dict[str, str]:
    """Read what a file's header says in words and numbers, without its pixels.

    Raises
    ------
    InputError
        If it is no EXR.
    """
    import OpenEXR

    try:
        parts = OpenEXR.File(str(path), separate_channels=True, header_only=True).parts
    except (RuntimeError, ValueError, TypeError, OSError) as error:
        raise InputError(f"{path} is not an EXR that can be read ({error})") from error
    return _texts(parts[0].header)


def open_exr(path: Path) -> ExrFile:
    """Read every channel in its own type, and every attribute.

    Raises
    ------
    InputError
        As `read_exr`.
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
    return ExrFile(path=path, channels=channels, headers=tuple(part.header for part in parts))


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
        for part in headers:
            if part.header["type"] in (OpenEXR.deepscanline, OpenEXR.deeptile):
                raise InputError(
                    f"{path} holds deep pixels (several depths in one pixel); flatten it in the "
                    "program that made it and export again"
                )
        whole = OpenEXR.InputFile(str(path))
        if not whole.isComplete():
            raise InputError(f"{path} is cut off; export or copy it again")
        if len(headers) == 1 and not _subsampled(headers[0].header):
            # The newer interface tells of damaged pixels on standard output instead of raising.
            header = headers[0].header
            return [
                _Part(name="", header=header, planes=_planes(path, whole, header["dataWindow"]))
            ]
        parts = OpenEXR.File(str(path), separate_channels=True).parts
    except (RuntimeError, ValueError, TypeError, OSError, struct.error) as error:
        raise InputError(f"{path} is not an EXR that can be read ({error})") from error
    if len(parts) != len(headers):
        raise InputError(f"{path} is damaged; export it again")
    return [_several(path, part) for part in parts]


def _subsampled(header: Mapping[str, Any]) -> bool:
    return any((one.xSampling, one.ySampling) != (1, 1) for one in header["channels"])


def _planes(path: Path, file: Any, window: Any) -> dict[str, np.ndarray]:  # noqa: ANN401
    # Not file.header(): it takes the process down on files with a preview picture.
    channels = _stored_types(path)
    (left, top), (right, bottom) = window
    size = (int(bottom) - int(top) + 1, int(right) - int(left) + 1)
    planes = {}
    for name, data in zip(channels, file.channels(list(channels)), strict=True):
        flat = np.frombuffer(data, dtype=channels[name])
        if flat.size != size[0] * size[1]:
            raise ValueError(f"channel {name} holds {flat.size} values; expected one per pixel")
        planes[name] = flat.reshape(size)
    return planes


def _stored_types(path: Path) -> dict[str, np.dtype[Any]]:
    """Channels and their types from the header's own bytes ("OpenEXR file layout")."""
    with path.open("rb") as file:
        file.seek(HEAD_BYTES)
        while name := _text(file):
            _text(file)
            (size,) = struct.unpack("<i", file.read(4))
            content = file.read(size)
            if name == "channels":
                return _channel_list(io.BytesIO(content))
    raise ValueError("its header names no channels")


def _channel_list(content: IO[bytes]) -> dict[str, np.dtype[Any]]:
    found = {}
    while name := _text(content):
        (kind, *_) = struct.unpack(CHANNEL, content.read(struct.calcsize(CHANNEL)))
        found[name] = np.dtype(TYPES[kind])
    return found


def _text(file: IO[bytes]) -> str:
    end = iter(lambda: file.read(1), b"\0")
    return b"".join(itertools.islice(end, LONGEST_NAME)).decode()


def _several(path: Path, part: Any) -> _Part:  # noqa: ANN401
    planes = {}
    for name, channel in part.channels.items():
        pixels = np.asarray(channel.pixels)
        if pixels.ndim != 2:  # noqa: PLR2004
            raise InputError(f"{path}: channel {name} is not one plane of flat pixels")
        planes[name] = pixels
    header = part.header
    if all(name in planes for name in ("Y", *CHROMA)):
        planes = rgb_from_ycc(planes, header.get("chromaticities"))
    elif _subsampled(header):
        raise InputError(f"{path} holds subsampled channels; expected one value per pixel")
    return _Part(name=part.name(), header=header, planes=planes)


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
    header: Mapping[str, HeaderValue] | None = None,
    *,
    compression: Compression = "zips",
) -> None:
    """Write one flat picture; equal content gives equal bytes.

    Parameters
    ----------
    channels : dict of str to (H, W) float16, float32 or uint32
        Name to plane; types may be mixed.
    header : dict
        Further attributes; ``framesPerSecond`` must be a `Fraction`.
    compression : str
        ZIPS by default: lossless, and quick to read line by line.

    Raises
    ------
    OutputError
        If the file cannot be written, or a Cryptomatte would be compressed with loss.
    """
    import OpenEXR

    attributes = {key: _attribute(value) for key, value in (header or {}).items()}
    if compression not in get_args(Compression):
        raise OutputError(f"no EXR compression '{compression}'; {', '.join(get_args(Compression))}")
    if compression in LOSSY and any(key.startswith("cryptomatte/") for key in attributes):
        raise OutputError(
            f"{path.name}: {compression} changes the identities of a Cryptomatte; take zips or zip"
        )
    attributes["compression"] = getattr(OpenEXR, _NAMES[compression])
    attributes["type"] = OpenEXR.scanlineimage
    planes = {name: np.ascontiguousarray(plane) for name, plane in channels.items()}
    try:
        with OpenEXR.File(attributes, planes) as file:
            file.write(str(path))
    except (RuntimeError, ValueError, TypeError) as error:
        raise OutputError(f"{path} cannot be written ({error})") from error


_NAMES: dict[Compression, str] = {
    name: f"{'NO' if name == 'none' else name.upper()}_COMPRESSION"
    for name in get_args(Compression)
}


def _attribute(value: HeaderValue) -> Any:  # noqa: ANN401
    import OpenEXR

    if isinstance(value, TimeCode):
        # drop frame, colour frame, field phase, three group flags, eight user groups: none.
        return OpenEXR.TimeCode(*value, *[0] * 14)
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value, dtype=np.float32)
    return value
