"""Normals under a light that moves: the quickest proof that they are right.

Everything is reckoned in linear light: Lambert's cosine, a soft highlight (Blinn 1977, normalised
so that a sharper one is brighter), the inverse square of the distance from every pixel's own
place, and a rim light from behind.
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.viewer.relight_lights import LightKey, direction, matcap

Look = Literal["light", "matcap", "normals"]
CLAY = (0.56, 0.53, 0.50)
"""Linear colour of surfaces whose own is not known."""
DARK = 0.008
"""Linear light where neither surface nor film is."""
BEHIND = 0.06
"""Share of the film's light that is left where there is no surface."""
SHOULDER = 0.8
"""Linear light from where on highlights are rolled off."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What of one frame is lit.

    Attributes
    ----------
    normals : (H, W, 3) float32
        Camera axes, x right, y up, z to the viewer; 0 where there is no surface.
    places : (H, W, 3) float32
        Metres, the same axes; NaN where there is none.
    colour : (H, W, 3) float32
        Linear, without light.
    alpha : (H, W) float32
        0 to 1.
    backdrop : (H, W, 3) float32
        Linear; what is seen where alpha is 0.
    """

    normals: np.ndarray
    places: np.ndarray
    colour: np.ndarray
    alpha: np.ndarray
    backdrop: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lighting:
    """How it is lit.

    Attributes
    ----------
    strength : float
        Of the key light, at the middle of the performers.
    rim : float
        Of the light from behind.
    fill : float
        Of the light from all sides.
    gloss : float
        Share that is reflected in the highlight.
    sharpness : float
        Exponent of the highlight.
    """

    strength: float = 1.15
    rim: float = 0.9
    fill: float = 0.07
    gloss: float = 0.06
    sharpness: float = 24.0

    def __post_init__(self) -> None:
        if min(self.strength, self.rim, self.fill, self.gloss) < 0 or self.sharpness < 1:
            raise InputError("lighting: expected strengths of 0 or more and a sharpness from 1")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where the performers are, so that lights can stand about them.

    Attributes
    ----------
    middle : (3,) float
        Metres, camera axes.
    reach : float
        Metres from there to their edge.
    """

    middle: np.ndarray
    reach: float


def stand_of(surface: Surface) -> Stand | None:
    """Find the middle of what is lit; None where nothing is."""
    inside = (surface.alpha > 0) & np.isfinite(surface.places).all(axis=2)
    inside &= np.any(surface.normals != 0, axis=2)
    if not inside.any():
        return None
    places = surface.places[inside][:: max(1, int(inside.sum()) // 20000)].astype(np.float64)
    middle = np.median(places, axis=0)
    reach = float(np.percentile(np.linalg.norm(places - middle, axis=1), 90))
    return Stand(middle=middle, reach=max(reach, 0.2))


def lit(
    surface: Surface, key: LightKey, stand: Stand, lighting: Lighting | None = None
) -> np.ndarray:
    """Light one frame, ``(H, W, 3)`` float32, linear; the backdrop shows where nothing is.

    Parameters
    ----------
    key : LightKey
        Where the light stands about the performers.
    stand : Stand
        Where they are.
    """
    lighting = lighting or Lighting()
    far = np.float32(key.distance * stand.reach)
    lamp = (stand.middle + far * direction(key.azimuth, key.elevation)).astype(np.float32)
    towards = lamp - surface.places
    distance = np.sqrt(np.einsum("...i,...i", towards, towards))
    towards /= np.maximum(distance, 1e-6)[..., None]
    eye = -surface.places / np.maximum(np.linalg.norm(surface.places, axis=2), 1e-6)[..., None]
    normals = surface.normals
    cosine = np.maximum(np.einsum("...i,...i", normals, towards), 0)
    falling = np.float32(lighting.strength) * np.square(far / np.maximum(distance, 0.1 * far))
    half = towards + eye
    half /= np.maximum(np.linalg.norm(half, axis=2), 1e-6)[..., None]
    gleam = np.maximum(np.einsum("...i,...i", normals, half), 0) ** np.float32(lighting.sharpness)
    gleam *= np.float32(lighting.gloss * (lighting.sharpness + 8) / 8)
    # Nothing gleams that the light does not reach.
    gleam *= cosine > 0
    sky = 0.75 + 0.25 * normals[..., 1]
    facing = np.clip(np.einsum("...i,...i", normals, eye), 0, 1)
    # It stands across from the key light.
    behind = np.maximum(normals @ direction(key.azimuth + 180.0, 40.0) + np.float32(0.35), 0)
    rim = np.float32(lighting.rim) * (1 - facing) ** 3 * behind
    diffuse = (falling * cosine + np.float32(lighting.fill) * sky)[..., None]
    light = surface.colour * diffuse + (falling * gleam + rim)[..., None]
    return _over(light, surface)


def clay_ball(surface: Surface) -> np.ndarray:
    """Look every normal up on a painted ball, ``(H, W, 3)`` float32, linear."""
    import cv2

    painted = matcap()
    side = painted.shape[0]
    columns = (surface.normals[..., 0] * 0.5 + 0.5) * side - 0.5
    rows = (0.5 - surface.normals[..., 1] * 0.5) * side - 0.5
    found = cv2.remap(
        painted,
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return _over(np.asarray(found), surface)


def as_colours(surface: Surface) -> np.ndarray:
    """Show normals as colours in the usual way, ``(H, W, 3)`` uint8."""
    coded = np.clip(surface.normals * 0.5 + 0.5, 0, 1)
    inside = np.any(surface.normals != 0, axis=2)[..., None]
    return np.asarray(np.rint(255 * np.where(inside, coded, 0.1)), dtype=np.uint8)


def developed(linear: np.ndarray) -> np.ndarray:
    """Encode linear light as sRGB, uint8; what is over-bright is rolled off, not cut."""
    over = np.maximum(linear - SHOULDER, 0)
    rolled = np.minimum(linear, SHOULDER) + (1 - SHOULDER) * (1 - np.exp(-over / (1 - SHOULDER)))
    # 4096 levels are finer than 8 bits need, and far faster than a power per pixel.
    levels = np.rint(np.clip(rolled, 0, 1) * (len(_CURVE) - 1)).astype(np.uint16)
    return np.asarray(_CURVE[levels])


def _srgb_curve() -> np.ndarray:
    linear = np.arange(4096) / 4095
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)  # noqa: PLR2004
    return np.asarray(np.rint(255 * curve), dtype=np.uint8)


_CURVE = _srgb_curve()


def _over(light: np.ndarray, surface: Surface) -> np.ndarray:
    known = np.any(surface.normals != 0, axis=2) & np.isfinite(surface.places).all(axis=2)
    alpha = np.where(known, surface.alpha, np.float32(0))[..., None]
    seen = np.where(known[..., None], light, np.float32(0))
    return np.asarray(seen * alpha + surface.backdrop * (1 - alpha), dtype=np.float32)


def picture_of(
    look: Look, surface: Surface, key: LightKey, stand: Stand | None, lighting: Lighting
) -> np.ndarray:
    """Make one frame of the preview, ``(H, W, 3)`` uint8."""
    if look == "normals":
        return as_colours(surface)
    if stand is None:
        return developed(surface.backdrop)
    if look == "matcap":
        return developed(clay_ball(surface))
    return developed(lit(surface, key, stand, lighting))


def sheet(pictures: dict[str, Callable[[], np.ndarray]], columns: int = 4) -> np.ndarray:
    """Lay pictures of one size side by side, each half as large, with its name; uint8."""
    import cv2

    cells = []
    for name, make in pictures.items():
        whole = make()
        size = (whole.shape[1] // 4 * 2, whole.shape[0] // 4 * 2)
        cell = np.ascontiguousarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))
        scale = max(0.35, size[1] / 700)
        for colour, thickness in (((0, 0, 0), 4), ((240, 238, 232), 1)):
            place = (round(16 * scale), size[1] - round(18 * scale))
            font = cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(cell, name, place, font, scale, colour, thickness, cv2.LINE_AA)
        cells.append(cell)
    rows = [np.hstack(cells[at : at + columns]) for at in range(0, len(cells), columns)]
    return np.vstack(rows)
