"""One frame's passes, read once and turned into what is delivered of them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.passes import pass_kind
from choreoscope.delivery import planes
from choreoscope.delivery.names import FIXED, mask_name
from choreoscope.formats.cryptomatte import coverage_of, crypto_header, cryptomattes_of, names_of
from choreoscope.formats.exr import ExrFile, HeaderValue, open_exr
from choreoscope.formats.passes import IDS, read_pass

if TYPE_CHECKING:
    from choreoscope.delivery.options import DeliveryOptions

Planes = dict[str, np.ndarray]
SURFACES = ("roughness", "specular", "metallic", "occlusion")


class FramePasses:
    """The passes of one frame of a clip.

    Parameters
    ----------
    paths : dict of str to Path
        Those that there are.
    size : (int, int)
        Width and height that all must have.
    rgb : (H, W, 3) uint8 or None
        The film's picture.
    camera_from_world : (4, 4) float or None
        Of this frame.
    """

    def __init__(
        self,
        paths: Mapping[str, Path],
        *,
        size: tuple[int, int],
        rgb: np.ndarray | None = None,
        camera_from_world: np.ndarray | None = None,
    ) -> None:
        self.paths = paths
        self.size = size
        self.rgb = rgb
        self._camera_from_world = camera_from_world
        self._values: dict[str, np.ndarray] = {}
        self._ids: dict[str, ExrFile] = {}

    def values(self, name: str) -> np.ndarray:
        """Numbers of a pass in its unit; one channel is ``(H, W)``.

        Raises
        ------
        InputError
            If the file does not read or is of another size than the film.
        """
        if name not in self._values:
            read = read_pass(name, self.paths[name])
            self._check(name, read)
            self._values[name] = read[..., 0] if read.shape[2] == 1 else read
        return self._values[name]

    def ids(self, name: str) -> ExrFile:
        """Cryptomatte of a pass.

        Raises
        ------
        InputError
            As `values`.
        """
        if name not in self._ids:
            file = open_exr(self.paths[name])
            self._check(name, next(iter(file.channels.values())))
            self._ids[name] = file
        return self._ids[name]

    @cached_property
    def coverage(self) -> dict[str, np.ndarray]:
        """Soft matte of every performer, ``(H, W)`` float32; empty without the pass "people"."""
        if "people" not in self.paths:
            return {}
        return coverage_of(self.ids("people"), IDS["people"])

    @cached_property
    def alpha(self) -> np.ndarray:
        """Soft matte of all performers, ``(H, W)`` float32; zeros where there is none."""
        if "alpha" in self.paths:
            return self.values("alpha")
        if self.coverage:
            together = np.sum(list(self.coverage.values()), axis=0)
            return np.asarray(np.minimum(together, np.float32(1)))
        return np.zeros(self.size[::-1], np.float32)

    def colours(self, rgb: np.ndarray | None) -> np.ndarray:
        """Colours that go with a matte, ``(H, W, 3)`` uint8.

        The pass "foreground" where there is one: it is free of the background that shines
        through soft edges. Else the film's own.
        """
        if "foreground" in self.paths:
            return planes.bytes_of(self.values("foreground"))
        return np.zeros((*self.size[::-1], 3), np.uint8) if rgb is None else rgb

    def matte(self, person: str | None) -> np.ndarray:
        """Soft matte of one performer, or of all for None; zeros where there is none."""
        if person is None:
            return self.alpha
        return self.coverage.get(person, np.zeros(self.size[::-1], np.float32))

    def normals(self, options: "DeliveryOptions") -> np.ndarray:
        """Bring the normals into the wanted space and green direction, -1 to 1."""
        return planes.normals_for(self.values("normals"), self._camera_from_world, options)

    def _check(self, name: str, read: np.ndarray) -> None:
        if read.shape[1::-1] != self.size:
            width, height = self.size
            raise InputError(
                f"{self.paths[name]}: expected {width}x{height} pixels as the film, "
                f"got {read.shape[1]}x{read.shape[0]}"
            )


def single(
    name: str, frame: FramePasses, options: "DeliveryOptions"
) -> dict[str, tuple[Planes, dict[str, HeaderValue]]]:
    """Files of one pass each: file name to planes and what the header says of them."""
    if name == "masks":
        return {
            mask_name(person): (_rgb(planes.half(matte)), _unit("0 to 1"))
            for person, matte in frame.coverage.items()
        }
    if name in IDS:
        file = frame.ids(name)
        named = names_of(cryptomattes_of(file)[IDS[name]], file.path)
        return {FIXED[name]: (dict(file.channels), crypto_header(IDS[name], named))}
    if name == "normals":
        shown = frame.normals(options)
        if options.normal_range == "unit":
            shown = planes.unit_range(shown)
        axes = f"{options.normal_space}, {options.green}, {options.normal_range}"
        return {options.normals_name: (_rgb(planes.half(shown)), _unit("unit vector", axes))}
    return {FIXED.get(name, name): _plain(name, frame)}


def _plain(name: str, frame: FramePasses) -> tuple[Planes, dict[str, HeaderValue]]:
    if name == "fg":
        made = planes.premultiplied(frame.colours(frame.rgb), frame.alpha)
        return made, _unit("scene-linear", "premultiplied")
    if name in ("flow", "flow_back"):
        moved = planes.upward(frame.values(name))
        empty = np.zeros_like(moved[..., :1])
        to = "next" if name == "flow" else "previous"
        return _rgb(np.dstack([moved, empty])), _unit(f"pixels to the {to} frame", "v upward")
    values, unit, axes = _numbers(name, frame)
    return _rgb(values), _unit(unit, axes)


def _numbers(name: str, frame: FramePasses) -> tuple[np.ndarray, str, str | None]:
    match name:
        case "depth_inv":
            return planes.inverse_depth(frame.values("depth")), "1 / metres", "planar, camera z"
        case "depth" | "depth_sigma":
            return planes.known(frame.values(name)), "metres", "planar, camera z"
        case "position":
            placed = planes.known(frame.values(name))
            return placed, "metres", "world: right-handed, y up, floor y = 0"
        case "base_color":
            linear = planes.linear_from_srgb(frame.values(name))
            return planes.half(linear), "scene-linear", None
        case _:
            return planes.half(frame.values(name)), pass_kind(name).unit, None


def layered(
    names: Sequence[str],
    ids: Mapping[str, Sequence[str]],
    frame: FramePasses,
    options: "DeliveryOptions",
) -> tuple[Planes, dict[str, HeaderValue]]:
    """Gather all passes as layers of one file, under the names compositing programs know.

    A pass that this frame lacks is zeros, so that every frame has the same layers.

    Parameters
    ----------
    names : sequence of str
        What to deliver.
    ids : dict of str to sequence of str
        Names in the Cryptomattes of the shot: "people" and "parts".
    """
    found: Planes = {}
    header: dict[str, HeaderValue] = {}
    for name in names:
        found |= _layers_of(name, ids.get("people", ()), frame, options)
        if name in IDS:
            header |= crypto_header(IDS[name], ids.get(name, ()))
    return found, header


def _layers_of(
    name: str, people: Sequence[str], frame: FramePasses, options: "DeliveryOptions"
) -> Planes:
    channels = layer_channels(name, people)
    if name == "masks":
        mattes = [planes.half(frame.matte(person)) for person in people]
        return dict(zip(channels, mattes, strict=True))
    if name == "alpha":
        return dict.fromkeys(channels, planes.half(frame.alpha))
    if _source(name) not in frame.paths and name != "fg":
        like = np.float32 if name in FLOATS else np.float16
        return dict.fromkeys(channels, np.zeros(frame.size[::-1], like))
    if name in IDS:
        return dict(frame.ids(name).channels)
    (file_planes, _), *_ = single(name, frame, options).values()
    stored = [file_planes[channel] for channel in "RGBA"[: len(channels)]]
    return dict(zip(channels, stored, strict=True))


def layer_channels(name: str, people: Sequence[str]) -> list[str]:
    """Names of a pass's channels in the layered file."""
    if name == "masks":
        # One layer each: Blender takes four channels of a layer at most, and shows the wrong one.
        return [f"{mask_name(person)}.A" for person in people]
    if name in IDS:
        return list(pass_kind(name).channels)
    layer, ends = LAYERS_OF.get(name, (name, "V"))
    return [f"{layer}.{end}" if layer else end for end in ends]


LAYERS_OF: dict[str, tuple[str, str]] = {
    "fg": ("", "RGBA"),
    # The foreground's own A is the same; this serves where there is no film.
    "alpha": ("alpha", "A"),
    "depth": ("depth", "Z"),
    "depth_inv": ("depth_inv", "Z"),
    "depth_sigma": ("depth_sigma", "Z"),
    "normals": ("N", "XYZ"),
    "position": ("P", "XYZ"),
    "flow": ("forward", "uv"),
    "flow_back": ("backward", "uv"),
    "base_color": ("base_color", "RGB"),
}
"""Layer and channels of each pass; others are one channel V."""
FLOATS = ("depth", "depth_inv", "depth_sigma", "position", *IDS)
"""Passes whose layers are 32-bit float; all others are half."""


def _source(name: str) -> str:
    return "depth" if name == "depth_inv" else name


def _rgb(values: np.ndarray) -> Planes:
    """Three channels; one number is repeated, because every program shows that."""
    shown = np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else values  # noqa: PLR2004
    return {name: np.ascontiguousarray(shown[..., at]) for at, name in enumerate("RGB")}


def _unit(unit: str, axes: str | None = None) -> dict[str, HeaderValue]:
    told: dict[str, HeaderValue] = {"unit": unit}
    return told if axes is None else told | {"axes": axes}


def png_of(
    name: str, frame: FramePasses, options: "DeliveryOptions", span: tuple[float, float] | None
) -> dict[str, np.ndarray]:
    """16-bit pictures of a pass: file name to ``(H, W, 1 or 3)`` uint16; none for most passes."""
    match name:
        case "alpha":
            return {"alpha_straight": planes.sixteen_bits(frame.alpha)}
        case "masks":
            return {
                mask_name(person): planes.sixteen_bits(matte)
                for person, matte in frame.coverage.items()
            }
        case "normals":
            shown = planes.unit_range(frame.normals(options))
            unit = options.normals_name.removesuffix("_unit") + "_unit"
            return {unit: planes.sixteen_bits(shown)}
        case "depth" if span is not None:
            shown = planes.near_is_white(frame.values("depth"), *span)
            return {"depth_normalised": planes.sixteen_bits(shown)}
        case _:
            return {}
