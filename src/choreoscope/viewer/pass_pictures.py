"""Passes made visible: numbers of any kind as colours an eye can judge."""

import colorsys
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from choreoscope.formats.cryptomatte import read_cryptomatte
from choreoscope.formats.passes import read_pass
from choreoscope.formats.pictures import read_picture
from choreoscope.viewer.palette import PersonColour

NOTHING = (30, 33, 38)
"""Colour of pixels for which a pass says nothing."""
_FULL = 255.0
_DEPTHS = ("depth", "depth_sigma")
_FLOWS = ("flow", "flow_back")
_IDS = ("people", "parts")
_SATURATION, _VALUE = 0.62, 0.95


def range_of(name: str, paths: list[Path]) -> tuple[float, float]:
    """Find the range in which several frames of a pass of numbers are shown alike.

    Returns
    -------
    (float, float)
        For depths the nearest and farthest hundredth; for flow 0 and the longest hundredth.
    """
    if name not in (*_DEPTHS, *_FLOWS):
        return 0.0, 1.0
    values = []
    for path in paths:
        read = read_pass(name, path)
        size = read[..., 0] if name in _DEPTHS else np.hypot(read[..., 0], read[..., 1])
        kept = size[np.isfinite(size) & (size > 0)]
        values.append(kept[:: max(1, kept.size // 20000)])
    known = np.concatenate(values)
    if not known.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(known, (1, 99)))
    low = 0.0 if name in _FLOWS else low
    return low, max(high, low * 1.001, 1e-6)


def shown(
    name: str, path: Path, span: tuple[float, float], colours: Mapping[str, PersonColour]
) -> np.ndarray:
    """Colour one frame of a pass.

    Parameters
    ----------
    name : str
        Of the pass.
    span : (float, float)
        From `range_of`.
    colours : dict
        Of the persons.

    Returns
    -------
    (H, W, 3) uint8
        sRGB.
    """
    if name in _IDS:
        return _ids(path, colours if name == "people" else {})
    values = read_pass(name, path)
    if name in _DEPTHS:
        return _depth(values[..., 0], span)
    if name in _FLOWS:
        return _flow(values, span[1])
    if name == "normals":
        return _normals(values)
    if name == "position":
        return _position(values)
    planes = np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values
    return _bytes(planes)


def _bytes(values: np.ndarray) -> np.ndarray:
    steps: np.ndarray = np.rint(np.clip(np.nan_to_num(values), 0.0, 1.0) * _FULL)
    return steps.astype(np.uint8)


def _with_nothing(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.where(known[..., None], picture, np.array(NOTHING, dtype=np.uint8))


def _depth(depth: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Near is warm, far is blue; steps are even in 1 / depth, as the eye sees them."""
    import cv2

    known = np.isfinite(depth) & (depth > 0)
    safe = np.where(known, depth, span[1])
    low, high = max(span[0], 1e-6), span[1]
    share = (1 / np.clip(safe, low, high) - 1 / high) / max(1 / low - 1 / high, 1e-9)
    turbo = cv2.applyColorMap(_bytes(share), cv2.COLORMAP_TURBO)[..., ::-1]
    return _with_nothing(turbo, known)


def _normals(normals: np.ndarray) -> np.ndarray:
    known = np.abs(normals).sum(axis=2) > 0
    return _with_nothing(_bytes(normals * 0.5 + 0.5), known)


def _position(places: np.ndarray) -> np.ndarray:
    """Every metre begins the colours anew, so that still things visibly keep their place."""
    known = np.isfinite(places).all(axis=2)
    return _with_nothing(_bytes(np.mod(np.nan_to_num(places), 1.0)), known)


def _flow(flow: np.ndarray, longest: float) -> np.ndarray:
    """Direction is hue, length is brightness."""
    import cv2

    known = np.isfinite(flow).all(axis=2)
    x, y = np.nan_to_num(flow[..., 0]), np.nan_to_num(flow[..., 1])
    turn = np.mod(np.degrees(np.arctan2(y, x)), 360.0)
    length = np.clip(np.hypot(x, y) / max(longest, 1e-6), 0.0, 1.0)
    hsv = np.stack([turn, np.full_like(turn, 0.8), np.sqrt(length)], axis=2).astype(np.float32)
    return _with_nothing(_bytes(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)), known)


def _ids(path: Path, colours: Mapping[str, PersonColour]) -> np.ndarray:
    coverage = read_cryptomatte(path)
    if not coverage:
        width, height = read_picture(path).size
        return np.full((height, width, 3), NOTHING, dtype=np.uint8)
    shares = list(coverage.values())
    mixed = np.zeros((*shares[0].shape, 3))
    for name, share in coverage.items():
        mixed += share[..., None] * np.array(_colour(name, colours))
    rest = np.clip(1.0 - sum(shares), 0.0, 1.0)
    mixed += rest[..., None] * np.array(NOTHING)
    return np.clip(np.rint(mixed), 0, _FULL).astype(np.uint8)


def _colour(name: str, colours: Mapping[str, PersonColour]) -> tuple[int, int, int]:
    if name in colours:
        return colours[name].rgb
    # The same name has the same colour in every film, left and right differ.
    hue = zlib.crc32(name.encode()) % 360 / 360
    red, green, blue = colorsys.hsv_to_rgb(hue, _SATURATION, _VALUE)
    return round(red * _FULL), round(green * _FULL), round(blue * _FULL)
