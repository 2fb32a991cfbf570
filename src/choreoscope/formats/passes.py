"""The house's pass files: one format per pass, whoever made it."""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.datatypes.passes import Picture, pass_kind
from choreoscope.formats.cryptomatte import key_of, read_cryptomatte, write_cryptomatte
from choreoscope.formats.exr import HeaderValue, common_type, open_exr, texts_of, write_exr
from choreoscope.formats.pictures import read_picture, write_png

FULL = 65535
EQUAL = ("depth", "depth_sigma")
"""Passes of one number, stored as three equal channels: every program shows those."""
UNIT = "unit"
"""Header attribute that says what a stored 1.0 means ("metres", "relative", ...)."""
AXES = "axes"
"""Header attribute of normals and flow: the frame they are given in."""
IDS = {"people": "CryptoPerson", "parts": "CryptoPart"}
"""Passes that say what a pixel belongs to, and the names of their Cryptomattes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PassFile:
    """What a file of a pass holds, without its pixels.

    Attributes
    ----------
    size : (int, int)
        Width and height, pixels.
    channels : tuple of str
        Names as in the file.
    header : dict
        Metadata, as text.
    is_finite : bool
        Whether it holds a finite number at all.
    """

    size: tuple[int, int]
    channels: tuple[str, ...]
    header: Mapping[str, str]
    is_finite: bool


def write_pass(
    name: str,
    path: Path,
    values: np.ndarray,
    *,
    rate: Fraction,
    header: Mapping[str, HeaderValue] | None = None,
) -> None:
    """Write one frame of a pass; `write_ids` is for those that say what a pixel belongs to.

    Parameters
    ----------
    name : str
        Name of the pass.
    values : (H, W, C) float
        In the pass's unit; passes stored as 16-bit integers are cut to 0 to 1.
    rate : Fraction
        Frames per second, for the header of an EXR.
    header : dict
        Further attributes of an EXR.

    Raises
    ------
    ShapeError
        If it has another number of channels.
    OutputError
        If it cannot be written, or is for `write_ids`.
    """
    kind = pass_kind(name)
    if name in IDS:
        raise OutputError(f"{name}: names and mattes are written by write_ids, not as planes")
    stored = 1 if name in EQUAL else len(kind.channels)
    if values.ndim != 3 or values.shape[2] != stored:  # noqa: PLR2004
        raise ShapeError(f"{name}: expected (H, W, {stored}), got {values.shape}")
    if kind.suffix == ".png":
        write_png(path, np.rint(np.clip(values, 0.0, 1.0) * FULL).astype(np.uint16))
        return
    planes = np.repeat(values, 3, axis=2) if name in EQUAL else values
    typed = planes.astype(kind.dtype)
    attributes = {"framesPerSecond": rate, UNIT: kind.unit, **(header or {})}
    write_exr(path, {c: typed[..., i] for i, c in enumerate(kind.channels)}, attributes)


def write_ids(
    name: str,
    path: Path,
    coverage: Mapping[str, np.ndarray],
    *,
    rate: Fraction,
    header: Mapping[str, HeaderValue] | None = None,
) -> None:
    """Write one frame of the pass people or parts, a Cryptomatte.

    Parameters
    ----------
    coverage : dict of str to (H, W) float, 0 to 1
        Name to soft matte; every name of the shot in every frame.

    Raises
    ------
    ShapeError, OutputError
        As `write_cryptomatte`.
    """
    attributes = {UNIT: pass_kind(name).unit, **(header or {})}
    write_cryptomatte(path, IDS[name], coverage, rate=rate, header=attributes)


def read_ids(name: str, path: Path) -> dict[str, np.ndarray]:
    """Read one frame of the pass people or parts: name to ``(H, W)`` float32 coverage.

    Raises
    ------
    InputError
        If it is absent, damaged or no such Cryptomatte.
    """
    return read_cryptomatte(path, IDS[name])


def read_pass(name: str, path: Path) -> np.ndarray:
    """Read one frame of a pass in the pass's unit, ``(H, W, C)`` float32; depths have one channel.

    Raises
    ------
    InputError
        If it is absent, damaged or not in the house's format.
    """
    return values_of(name, house_picture(name, path))


def house_picture(name: str, path: Path) -> Picture:
    """Read one file of a pass and make sure that it is in the house's format.

    Raises
    ------
    InputError
        If it is not.
    """
    picture = read_picture(path)
    _refuse_others(name, path, picture.channels, picture.pixels.dtype, picture.header)
    return picture


def look_at_pass(name: str, path: Path) -> PassFile:
    """Read one file of a pass whole, as `house_picture`, and say what it holds.

    Raises
    ------
    InputError
        If it is not in the house's format.
    """
    if path.suffix.lower() != ".exr":
        picture = house_picture(name, path)
        return PassFile(
            size=picture.size,
            channels=picture.channels,
            header=picture.header,
            is_finite=picture.is_whole_numbers or bool(np.isfinite(picture.pixels).any()),
        )
    # A plane at a time: making one array of a Cryptomatte's twelve takes longer than reading them.
    file = open_exr(path)
    channels, dtype, texts = tuple(file.channels), common_type(file), texts_of(file)
    _refuse_others(name, path, channels, dtype, texts)
    planes = list(file.channels.values())
    return PassFile(
        size=(planes[0].shape[1], planes[0].shape[0]),
        channels=channels,
        header=texts,
        is_finite=any(bool(np.isfinite(plane).any()) for plane in planes),
    )


def _refuse_others(
    name: str,
    path: Path,
    channels: tuple[str, ...],
    dtype: np.dtype[Any],
    header: Mapping[str, str],
) -> None:
    kind = pass_kind(name)
    if set(channels) != set(kind.channels) or str(dtype) != kind.dtype:
        raise InputError(
            f"{path}: expected {name} as {'/'.join(kind.channels)} {kind.dtype}, got "
            f"{'/'.join(channels)} {dtype}"
        )
    if name in IDS and f"cryptomatte/{key_of(IDS[name])}/manifest" not in header:
        raise InputError(f"{path}: expected the names of a Cryptomatte '{IDS[name]}' in its header")


def values_of(name: str, picture: Picture) -> np.ndarray:
    """Bring a house picture into the pass's unit, ``(H, W, C)`` float32."""
    kind = pass_kind(name)
    wanted = kind.channels[:1] if name in EQUAL else kind.channels
    planes = picture.pixels[..., [picture.channels.index(channel) for channel in wanted]]
    scale = FULL if picture.is_whole_numbers else 1
    return planes.astype(np.float32) / np.float32(scale)


def check_pass(name: str, path: Path) -> PassFile:
    """Re-read a file just written.

    Raises
    ------
    OutputError
        If it does not read back, or holds no finite number.
    """
    try:
        seen = look_at_pass(name, path)
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error
    if not seen.is_finite:
        raise OutputError(f"{path.name} holds not a single finite number")
    return seen
