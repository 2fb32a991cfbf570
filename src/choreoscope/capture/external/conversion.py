"""One frame of one pass: checked, and brought into the house's units and axes."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from choreoscope.capture.external.decisions import Decision
from choreoscope.capture.external.options import PassSource
from choreoscope.capture.external.units import THIN, Background, scale_offset_at
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.passes import pass_kind
from choreoscope.formats.passes import AXES, UNIT

LEAST_INSIDE = 16
"""Pixels; a smaller foreground may well be of one value."""
OVERSHOOT = 0.01
SHORTEST, LONGEST = 0.5, 1.5
"""Length that the middle one of all normals may have before it is made 1."""
FARTHEST = 1000.0
"""Metres; no dancer is filmed from farther away."""

Rotations = Mapping[int, np.ndarray]
"""Source frame to camera-from-world, ``(3, 3)``, OpenCV axes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame of a pass as it is in the delivery.

    Attributes
    ----------
    name : str
        The pass.
    number : int
        Source frame.
    values : (H, W, C) float32
        Of the film's size; integers as 0 to 1.
    is_float : bool
        Whether the file holds floating-point numbers.
    alpha : (H, W) float32 or None
        0 to 1.
    """

    name: str
    number: int
    values: np.ndarray
    is_float: bool
    alpha: np.ndarray | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for every frame of the delivery."""

    passes: Mapping[str, PassSource]
    decisions: Mapping[str, Decision]
    depth_keys: Sequence[tuple[int, float, float]]
    rotations: Rotations


def converted(frame: Frame, rules: Rules) -> tuple[np.ndarray, dict[str, str]]:
    """Check a frame and bring it into the house's form.

    Returns
    -------
    values : (H, W, C) float32
        For `formats.passes.write_pass`.
    header : dict
        Attributes for the file.

    Raises
    ------
    InputError
        If it cannot be right; the text says why in a few words.
    """
    finite = np.isfinite(frame.values)
    if not finite.any():
        raise InputError("not a single finite number")
    _check_flat(frame, rules.passes[frame.name])
    if frame.name == "depth":
        return _depth(frame, rules)
    if frame.name == "normals":
        return _normals(frame, rules)
    values = np.where(finite, frame.values, np.float32(0))
    if frame.name == "flow":
        return _flow(frame, values, rules.passes["flow"])
    low, high = float(values.min()), float(values.max())
    if low < -OVERSHOOT or high > 1 + OVERSHOOT:
        raise InputError(f"values from {low:g} to {high:g} instead of 0 to 1")
    if frame.is_float and pass_kind(frame.name).colour_space == "srgb":
        values = _srgb(values)
    return values, {}


def _check_flat(frame: Frame, said: PassSource) -> None:
    if said.flat == "accept" or not (
        said.flat == "refuse" or pass_kind(frame.name).flat_is_suspect
    ):
        return
    pixels = frame.values.reshape(-1, frame.values.shape[2])
    if frame.alpha is not None and said.flat == "auto":
        pixels = pixels[frame.alpha.ravel() >= THIN]
        if len(pixels) < LEAST_INSIDE:
            return
    if (pixels == pixels[0]).all():
        value = "/".join(f"{one:g}" for one in pixels[0])
        raise InputError(f"every pixel has the same value {value}")


def _depth(frame: Frame, rules: Rules) -> tuple[np.ndarray, dict[str, str]]:
    decision = rules.decisions["depth"]
    meaning, background = decision.depth, decision.background
    if meaning is None or background is None:
        # Not one of the frames looked at holds depth: nobody is there.
        return np.zeros_like(frame.values), {UNIT: "metres"}
    outside = background.outside(frame.values, frame.alpha)
    inside = frame.values[..., 0][~outside]
    if meaning.unit == "normalised":
        _check_normalised(inside)
    scale, offset = scale_offset_at(rules.depth_keys, frame.number)
    known = np.where(outside, np.float32(0), frame.values[..., 0])
    depth = scale * (meaning.scale * known.astype(np.float64) + meaning.offset) + offset
    if meaning.result == "metres":
        outside = outside | (depth <= 0)
        if meaning.unit != "normalised":
            # A length of 0 is no depth, whatever the factors make of it.
            outside = outside | (known == 0)
        _check_metres(depth[~outside], inside)
    result = np.where(outside, 0.0, depth).astype(np.float32)
    return result[..., None], {UNIT: meaning.result}


def _check_normalised(inside: np.ndarray) -> None:
    if inside.size and (inside.min() < -OVERSHOOT or inside.max() > 1 + OVERSHOOT):
        raise InputError(f"values from {inside.min():g} to {inside.max():g} instead of 0 to 1")


def _check_metres(metres: np.ndarray, delivered: np.ndarray) -> None:
    if delivered.size and not metres.size:
        raise InputError("no depth above 0 in the foreground")
    if metres.size and np.median(metres) > FARTHEST:
        raise InputError(
            f"values from {delivered.min():g} to {delivered.max():g} would be "
            f"{np.median(metres):g} m away; is the unit right?"
        )


def _normals(frame: Frame, rules: Rules) -> tuple[np.ndarray, dict[str, str]]:
    said, decision = rules.passes["normals"], rules.decisions["normals"]
    background = decision.background or Background(kind="full")
    outside = background.outside(frame.values, frame.alpha)
    vectors = frame.values if decision.signed else 2 * frame.values - 1
    lengths = np.linalg.norm(vectors, axis=2)
    outside = outside | ~(lengths > 0)
    inside = lengths[~outside]
    if inside.size and not SHORTEST <= np.median(inside) <= LONGEST:
        raise InputError(
            f"vectors {np.median(inside):g} long instead of 1; is 'signed' right for them?"
        )
    up = np.float32(-1 if said.green == "down" else 1)
    vectors = vectors * np.array([1, up, 1], dtype=np.float32)
    axes = "camera: x right, y up, z to the viewer"
    if said.space == "world":
        vectors = _into_camera(vectors, frame.number, rules.rotations)
    elif said.space == "object":
        axes = "object, as delivered: x right, y up, z to the viewer for a front view"
    safe = np.where(outside, np.float32(1), lengths)
    result = np.where(outside[..., None], np.float32(0), vectors / safe[..., None])
    return result.astype(np.float32), {AXES: axes}


def _into_camera(vectors: np.ndarray, number: int, rotations: Rotations) -> np.ndarray:
    if number not in rotations:
        raise InputError("world-space normals need a solved camera, and there is none")
    # OpenCV's camera looks along +z with y down; the pass wants y up and z to the viewer.
    turned = vectors @ rotations[number].T.astype(np.float32)
    return np.asarray(turned * np.array([1, -1, -1], dtype=np.float32))


def _flow(frame: Frame, values: np.ndarray, said: PassSource) -> tuple[np.ndarray, dict[str, str]]:
    if not frame.is_float:
        raise InputError("flow in whole numbers; expected an EXR with pixels in it")
    down = np.float32(-1 if said.flow_up else 1)
    return values * np.array([1, down], dtype=np.float32), {AXES: "x right, y down, pixels"}


def _srgb(linear: np.ndarray) -> np.ndarray:
    """Encode scene-linear values (IEC 61966-2-1)."""
    cut = np.clip(linear, 0.0, 1.0)
    high = 1.055 * np.power(cut, 1 / 2.4) - 0.055
    encoded = np.where(cut <= 0.0031308, 12.92 * cut, high)  # noqa: PLR2004
    return np.asarray(encoded, dtype=np.float32)
