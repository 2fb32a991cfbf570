"""Passes: image sequences of one kind (alpha, depth, normals...), one file per source frame.

Each pass has one house format, whatever program it comes from. Data passes hold numbers, not
colours: no transfer curve is ever applied to them.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.frames import FrameSet

Depth = Literal["uint16", "float16", "float32"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PassKind:
    """A type of pass and its house format.

    Attributes
    ----------
    channels : tuple of str
        Channel names of the house's files.
    suffix : {".png", ".exr"}
        File format.
    dtype : {"uint16", "float16", "float32"}
        Type of the stored numbers; 16-bit integers stand for 0 to 1.
    unit : str
        What a stored 1.0 means.
    colour_space : {"srgb", "data"}
        Whether the numbers are colours.
    flat_is_suspect : bool
        Whether one value all over the picture means that something went wrong. Mattes and surface
        properties are often flat (nobody there, nothing metallic).
    meaning : str
        One line for people.
    """

    name: str
    channels: tuple[str, ...]
    suffix: Literal[".png", ".exr"]
    dtype: Depth
    unit: str
    meaning: str
    colour_space: Literal["srgb", "data"] = "data"
    flat_is_suspect: bool = False

    @property
    def path(self) -> str:
        """Place of a frame's file in the clip's folder, with ``{frame}`` for the number."""
        return f"passes/{self.name}/{self.name}.{{frame}}{self.suffix}"


CRYPTO_LAYERS = 3
"""Layers of two ranks each: six objects may share a pixel, as Cryptomatte 1.2.0 recommends."""


def crypto_channels(name: str) -> tuple[str, ...]:
    """Channel names of a Cryptomatte, in the order of its ranks."""
    return tuple(
        f"{name}{layer:02d}.{channel}" for layer in range(CRYPTO_LAYERS) for channel in "rgba"
    )


def _grey(name: str, meaning: str) -> PassKind:
    return PassKind(
        name=name, channels=("Y",), suffix=".png", dtype="uint16", unit="0 to 1", meaning=meaning
    )


PASSES: dict[str, PassKind] = {
    kind.name: kind
    for kind in (
        _grey("alpha", "soft matte, straight: 1 is foreground (16-bit grey PNG)"),
        PassKind(
            name="foreground",
            channels=("R", "G", "B"),
            suffix=".png",
            dtype="uint16",
            unit="0 to 1",
            colour_space="srgb",
            meaning=(
                "performers' colours freed of what shines through their edges, not multiplied by "
                "alpha; of mattes whose network gives them (16-bit PNG, sRGB)"
            ),
        ),
        PassKind(
            name="base_color",
            channels=("R", "G", "B"),
            suffix=".png",
            dtype="uint16",
            unit="0 to 1",
            colour_space="srgb",
            flat_is_suspect=True,
            meaning="surface colour without light (16-bit PNG, sRGB)",
        ),
        PassKind(
            name="normals",
            channels=("R", "G", "B"),
            suffix=".exr",
            dtype="float16",
            unit="unit vector",
            flat_is_suspect=True,
            meaning=(
                "surface normals, camera space, x right, y up, z to the viewer, -1 to 1; "
                "0 0 0 where there is none (half EXR)"
            ),
        ),
        PassKind(
            name="depth",
            channels=("R", "G", "B"),
            suffix=".exr",
            dtype="float32",
            unit="metres",
            flat_is_suspect=True,
            meaning=(
                "planar depth along the camera's z in metres, 0 where there is none "
                "(float EXR, three equal channels)"
            ),
        ),
        _grey("roughness", "how rough the surface is, 0 mirror to 1 matt (16-bit grey PNG)"),
        _grey("specular", "how much the surface reflects head-on, 0 to 1 (16-bit grey PNG)"),
        _grey("metallic", "how metallic the surface is, 0 to 1 (16-bit grey PNG)"),
        _grey("occlusion", "how open the surface lies, 0 hidden to 1 open (16-bit grey PNG)"),
        PassKind(
            name="flow",
            channels=("R", "G"),
            suffix=".exr",
            dtype="float32",
            unit="pixels",
            meaning=(
                "where each pixel is in the next frame: x to the right, y down, pixels (float EXR)"
            ),
        ),
        PassKind(
            name="flow_back",
            channels=("R", "G"),
            suffix=".exr",
            dtype="float32",
            unit="pixels",
            meaning=(
                "where each pixel was in the previous frame: x to the right, y down, pixels "
                "(float EXR)"
            ),
        ),
        PassKind(
            name="position",
            channels=("R", "G", "B"),
            suffix=".exr",
            dtype="float32",
            unit="metres",
            meaning=(
                "place in the world, right-handed, Y up, floor y = 0, metres; NaN where there is "
                "no depth (float EXR)"
            ),
        ),
        PassKind(
            name="depth_sigma",
            channels=("R", "G", "B"),
            suffix=".exr",
            dtype="float32",
            unit="metres",
            meaning=(
                "one standard deviation of the depth in metres, 0 where there is no depth "
                "(float EXR, three equal channels)"
            ),
        ),
        PassKind(
            name="people",
            channels=crypto_channels("CryptoPerson"),
            suffix=".exr",
            dtype="float32",
            unit="Cryptomatte",
            meaning=(
                "who is where: Cryptomatte of the performers' soft mattes, names in the header "
                "(float EXR)"
            ),
        ),
        PassKind(
            name="parts",
            channels=crypto_channels("CryptoPart"),
            suffix=".exr",
            dtype="float32",
            unit="Cryptomatte",
            meaning=(
                "body parts: Cryptomatte of named classes, left and right are the performer's "
                "(float EXR)"
            ),
        ),
    )
}


def pass_kind(name: str) -> PassKind:
    """Look a pass up.

    Raises
    ------
    InputError
        If there is no such pass.
    """
    try:
        return PASSES[name]
    except KeyError:
        raise InputError(f"no pass '{name}'; known: {', '.join(PASSES)}") from None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageSequence:
    """A pass on disk: a reference to files, not their pixels.

    Attributes
    ----------
    kind : str
        Name of the pass.
    frames : FrameSet
        Source frames there are files for.
    pattern : str
        Path of a file with ``{frame}`` for the six-digit source frame.
    size : (int, int)
        Width and height, pixels.
    channels : tuple of str
        Channel names.
    dtype : str
        Type of the stored numbers.
    unit : str
        What a stored 1.0 means; "relative" for depth of unknown scale.
    colour_space : str
        "srgb" or "data".
    """

    kind: str
    frames: FrameSet
    pattern: str
    size: tuple[int, int]
    channels: tuple[str, ...]
    dtype: str
    unit: str
    colour_space: str

    def path_of(self, frame: int) -> Path:
        """Path of one frame's file.

        Raises
        ------
        InputError
            If the pass has no such frame.
        """
        if frame not in self.frames:
            raise InputError(f"{self.kind}: no frame {frame}; there are {self.frames}")
        return Path(self.pattern.format(frame=f"{frame:06d}"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Pixels as a file holds them.

    Attributes
    ----------
    pixels : (H, W, C) uint8, uint16, uint32, float16 or float32
        As stored; nothing is scaled.
    channels : tuple of str, length C
        Names as in the file; "Y" or "R", "G", "B", "A" for formats without names.
    format : str
        "png", "exr", ...
    header : dict
        Metadata worth knowing, as text.
    """

    pixels: np.ndarray
    channels: tuple[str, ...]
    format: str
    header: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != len(self.channels):  # noqa: PLR2004
            raise ShapeError(
                f"Picture: expected (H, W, {len(self.channels)}), got {self.pixels.shape}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def is_whole_numbers(self) -> bool:
        """Whether the stored numbers are integers, whose largest stands for 1."""
        return self.pixels.dtype.kind == "u"
