"""Lights for the relight preview: where they stand, frame by frame, and a matcap of our own.

Angles are as seen from the film's camera: azimuth 0 shines along with it, 90 from the right edge
of the picture, -90 from the left, 180 from behind; elevation 90 from straight above. Axes are the
camera's, x right, y up, z to the viewer, as in the pass `normals`.
"""

import dataclasses
import functools
import math
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import InputError

TURN_SECONDS = 6.0
ELEVATION = 30.0
DISTANCE = 2.2
"""Of the key light from the middle of the performers, times their reach."""
MATCAP_SIDE = 256
NAMED = {
    "front": (0.0, 15.0),
    "left": (-80.0, 15.0),
    "right": (80.0, 15.0),
    "above": (0.0, 85.0),
    "below": (0.0, -75.0),
    "behind": (165.0, 35.0),
}
"""Places of a light that stands still: azimuth and elevation, degrees."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LightKey:
    """Where the light stands at a frame: angles in degrees, distance as in `DISTANCE`."""

    frame: float
    azimuth: float
    elevation: float = ELEVATION
    distance: float = DISTANCE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LightPath:
    """A light that moves: linear between keys, still outside them.

    Attributes
    ----------
    keys : tuple of LightKey
        Frames rise; azimuths may go beyond 360 for several turns.
    """

    keys: tuple[LightKey, ...]

    def __post_init__(self) -> None:
        frames = [key.frame for key in self.keys]
        if not frames or frames != sorted(set(frames)):
            raise InputError(f"light: expected keys whose frames rise, got {frames}")
        if any(key.distance <= 0 for key in self.keys):
            raise InputError("light: expected distances above 0")

    def at(self, frame: float) -> LightKey:
        """Where it stands at a frame."""
        frames = [key.frame for key in self.keys]
        azimuth, elevation, distance = (
            float(np.interp(frame, frames, [getattr(key, name) for key in self.keys]))
            for name in ("azimuth", "elevation", "distance")
        )
        return LightKey(frame=frame, azimuth=azimuth, elevation=elevation, distance=distance)


def standing(name: str) -> LightPath:
    """Give a light that stands in a named place.

    Raises
    ------
    InputError
        If there is no such place.
    """
    if name not in NAMED:
        raise InputError(f"light: expected circle or one of {', '.join(NAMED)}, got '{name}'")
    azimuth, elevation = NAMED[name]
    return LightPath(keys=(LightKey(frame=0, azimuth=azimuth, elevation=elevation),))


def circling(first: int, count: int, rate: float, seconds: float = TURN_SECONDS) -> LightPath:
    """Give a light that goes round the performers, beginning in front, to the right first."""
    last = first + max(count - 1, 1)
    turned = 360.0 * (last - first) / (rate * seconds)
    return LightPath(
        keys=(LightKey(frame=first, azimuth=0.0), LightKey(frame=last, azimuth=turned))
    )


def read_light(path: Path) -> LightPath:
    """Read keys from YAML or JSON: ``keys: [{frame: 0, azimuth: -60, elevation: 30}, ...]``.

    Raises
    ------
    InputError
        If it cannot be read or holds something else.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        record: Any = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        keys = tuple(
            LightKey(**{str(name): float(value) for name, value in key.items()})
            for key in record["keys"]
        )
        return LightPath(keys=keys)
    except (OSError, ValueError, YAMLError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: expected keys of a light such as keys: [{{frame: 0, azimuth: -60, "
            f"elevation: 30}}] ({str(error).splitlines()[0]})"
        ) from error


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """Give the unit vector to a light, ``(3,)`` float32."""
    a, e = math.radians(azimuth), math.radians(elevation)
    vector = [math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)]
    return np.array(vector, dtype=np.float32)


@functools.cache
def matcap() -> np.ndarray:
    """Paint a ball of warm clay under a studio's lights, ``(256, 256, 3)`` float32, linear.

    Rows go from the top of the ball down, columns from its left to its right.
    """
    span = (np.arange(MATCAP_SIDE) + 0.5) / MATCAP_SIDE * 2 - 1
    x, y = np.meshgrid(span, -span)
    z = np.sqrt(np.maximum(0.0, 1.0 - x * x - y * y))
    normals = np.stack([x, y, z], axis=-1)
    picture = np.full((*x.shape, 3), 0.03)
    clay = np.array([0.62, 0.44, 0.34])
    for azimuth, elevation, colour in (
        (-38.0, 42.0, (1.0, 0.93, 0.82)),
        (62.0, 10.0, (0.16, 0.22, 0.34)),
        (0.0, -70.0, (0.16, 0.10, 0.07)),
    ):
        shine = np.maximum(0.0, normals @ direction(azimuth, elevation))
        picture += clay * np.array(colour) * shine[..., None]
    half = direction(-38.0, 42.0) + np.array([0.0, 0.0, 1.0])
    gloss = np.maximum(0.0, normals @ (half / np.linalg.norm(half))) ** 48
    rim = (1 - z) ** 3 * np.maximum(0.0, 0.35 + 0.65 * y)
    picture += 0.35 * gloss[..., None] + rim[..., None] * np.array([0.35, 0.45, 0.62])
    return picture.astype(np.float32)
