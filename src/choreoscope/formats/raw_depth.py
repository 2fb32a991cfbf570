"""Depth as a back end gives it, one float EXR per frame: channel Z, its meaning in the header."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.formats.exr import HeaderValue, read_exr, write_exr

CHANNEL = "Z"
SPACE, ORIGIN = "depth_space", "origin"
SPACES = ("metric", "scale", "affine", "affine_inverse", "scale_inverse")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RawDepth:
    """One frame.

    Attributes
    ----------
    raw : (H, W) float32
        In the back end's own numbers; NaN where it knows nothing.
    space : str
        What they mean, one of `SPACES`.
    origin : str
        Who made them.
    """

    raw: np.ndarray
    space: str
    origin: str

    def __post_init__(self) -> None:
        if self.raw.ndim != 2:  # noqa: PLR2004 - a picture
            raise ShapeError(f"raw depth: expected (H, W), got {self.raw.shape}")
        if self.space not in SPACES:
            raise ShapeError(
                f"raw depth: expected a space of {', '.join(SPACES)}, got '{self.space}'"
            )


def write_raw_depth(path: Path, depth: RawDepth, rate: Fraction) -> None:
    """Write a frame.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    header: dict[str, HeaderValue] = {
        "framesPerSecond": rate,
        SPACE: depth.space,
        ORIGIN: depth.origin,
    }
    # In half precision a floor would come out in steps of millimetres, and normals show them.
    write_exr(path, {CHANNEL: depth.raw.astype(np.float32)}, header)


def read_raw_depth(path: Path) -> RawDepth:
    """Read a frame.

    Raises
    ------
    InputError
        If it is absent, damaged or not in this format.
    """
    picture = read_exr(path)
    if picture.channels != (CHANNEL,) or picture.header.get(SPACE) not in SPACES:
        raise InputError(
            f"{path}: expected one channel {CHANNEL} with an attribute {SPACE}, "
            f"got {'/'.join(picture.channels)}"
        )
    return RawDepth(
        raw=picture.pixels[..., 0].astype(np.float32),
        space=picture.header[SPACE],
        origin=picture.header.get(ORIGIN, ""),
    )


def check_raw_depth(path: Path) -> RawDepth:
    """Re-read a file just written.

    Raises
    ------
    OutputError
        If it does not read back.
    """
    try:
        return read_raw_depth(path)
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error
