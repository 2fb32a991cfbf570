"""The lifted film in the report: a few moments of the cloud, small enough to lie in the page.

Per point 4 bytes of place (11, 10 and 11 bits of the cloud's box), 2 of colour (5, 6, 5 bits)
and 1 of size.
"""

import base64
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.usd_points import PointsReader, ReadCloud

MOMENTS = 5
MOST_POINTS = 30_000
"""Together: about 280 kB of text."""
PEOPLE_SHARE = 0.62
"""Of the points that go to the performers where the scene is there, too."""
BITS = (11, 10, 11)
SHIFTS = (0, 11, 21)
SCENE = "Scene"
"""Group that is no performer; the view looks at the others."""
SMALLEST = 1e-4
"""Metres; the least size of a point."""
HIDDEN_SHARE = 0.5
"""Per cent of the points at each end of each axis that may lie outside the box."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CloudLayer:
    """Points that are sampled alike.

    Attributes
    ----------
    points : (N, 3) float32
        World, metres, Y up.
    colours : (N, 3) uint8
        sRGB.
    sizes : (N,) float32
        Diameters that make the surface look closed, metres.
    """

    points: np.ndarray
    colours: np.ndarray
    sizes: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CloudMoment:
    """The cloud in one frame.

    Attributes
    ----------
    frame : int
        Source frame.
    layer : CloudLayer
        The performers; everything where nobody is told apart.
    """

    frame: int
    layer: CloudLayer


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CloudView:
    """What the page shows of a cloud.

    Attributes
    ----------
    moments : tuple of CloudMoment
        In order of time; none where the cloud is empty.
    scene : CloudLayer or None
        What does not move, seen in all the moments: so it has no holes where performers stood.
    eye : (3,) float
        Where the film's camera stood at the middle moment, metres.
    centre : (3,) float
        What is looked at.
    reach : float
        Metres round it that ought to be seen.
    points : float
        Points per frame of the file, mean over the moments.
    groups : tuple of str
        Names in the file.
    """

    moments: tuple[CloudMoment, ...]
    scene: CloudLayer | None
    eye: np.ndarray
    centre: np.ndarray
    reach: float
    points: float
    groups: tuple[str, ...]


def cloud_view(path: Path, frames: FrameRange) -> CloudView:
    """Take a few moments out of a cloud.

    Parameters
    ----------
    path : Path
        ``cloud.usdc`` of a clip.
    frames : FrameRange
        Source frames of the clip.

    Raises
    ------
    InputError
        If the file is absent, damaged or no cloud.
    """
    reader = PointsReader(path)
    wanted = np.linspace(0, reader.count - 1, 2 * MOMENTS + 1)[1::2].round().astype(int)
    read = {int(index): reader.read(int(index)) for index in dict.fromkeys(wanted.tolist())}
    people, scenes = _parted(read)
    draw = np.random.default_rng(len(frames))
    most = round(MOST_POINTS * (PEOPLE_SHARE if scenes else 1))
    moments = tuple(
        CloudMoment(frame=frames.start + index, layer=_layer([one], most // len(people), draw))
        for index, one in people.items()
    )
    left = MOST_POINTS - sum(len(one.layer.points) for one in moments)
    middle = [*people][len(people) // 2] if people else 0
    places = [one.layer.points for one in moments] or [np.zeros((1, 3), np.float32)]
    low, high = np.percentile(np.concatenate(places), [2, 98], axis=0)
    centre = (low + high) / 2
    distances = np.linalg.norm(np.concatenate(places) - centre, axis=1)
    return CloudView(
        moments=moments,
        scene=_layer(scenes, left, draw) if scenes else None,
        eye=reader.eye_of(middle),
        centre=centre,
        reach=float(np.percentile(distances, 95)),
        points=float(np.mean([sum(len(c.points) for c in one.values()) for one in read.values()])),
        groups=reader.groups,
    )


def _parted(
    read: dict[int, dict[str, ReadCloud]],
) -> tuple[dict[int, ReadCloud], list[ReadCloud]]:
    """Part performers, by frame, from the scene of all frames; a scene alone counts as one."""
    people = {
        index: _joined([one for name, one in clouds.items() if name != SCENE])
        for index, clouds in read.items()
    }
    scenes = [clouds[SCENE] for clouds in read.values() if SCENE in clouds]
    if not any(len(one.points) for one in people.values()):
        people, scenes = {index: _joined([*one.values()]) for index, one in read.items()}, []
    filled = {index: one for index, one in people.items() if len(one.points)}
    return filled, [one for one in scenes if len(one.points)]


def _joined(clouds: list[ReadCloud]) -> ReadCloud:
    nothing = ReadCloud(
        points=np.zeros((0, 3), np.float32),
        colours=np.zeros((0, 3), np.float32),
        widths=np.zeros(0, np.float32),
    )
    parts = clouds or [nothing]
    return ReadCloud(
        points=np.concatenate([one.points for one in parts]),
        colours=np.concatenate([one.colours for one in parts]),
        widths=np.concatenate([one.widths for one in parts]),
    )


def _layer(clouds: list[ReadCloud], most: int, draw: np.random.Generator) -> CloudLayer:
    cloud = _joined(clouds)
    count = len(cloud.points)
    kept = np.arange(count)
    if count > most:
        # One out of every stretch, anywhere in it: even, and without a pattern.
        edges = np.linspace(0, count, most + 1)
        kept = (edges[:-1] + draw.random(most) * np.diff(edges)).astype(int)
    # Several frames lie over one another, but not everywhere.
    grown = np.sqrt(2 * count / len(kept) / (1 + len(clouds)))
    return CloudLayer(
        points=cloud.points[kept],
        colours=_srgb(cloud.colours[kept]),
        sizes=cloud.widths[kept] * np.float32(max(grown, 1.0)),
    )


def _srgb(linear: np.ndarray) -> np.ndarray:
    cut = np.clip(linear, 0.0, 1.0)
    curve = np.where(cut <= 0.0031308, 12.92 * cut, 1.055 * cut ** (1 / 2.4) - 0.055)  # noqa: PLR2004
    return np.asarray(np.rint(255 * curve), dtype=np.uint8)


def packed_cloud(view: CloudView, seconds: dict[int, float], codes: dict[int, str]) -> Any:  # noqa: ANN401
    """Give a view as what JSON can hold.

    Parameters
    ----------
    seconds : dict
        Frame to time from the clip's start.
    codes : dict
        Frame to time code.
    """
    layers = [one.layer for one in view.moments] + ([view.scene] if view.scene else [])
    every = np.concatenate([one.points for one in layers])
    low, high = np.percentile(every, [HIDDEN_SHARE, 100 - HIDDEN_SHARE], axis=0)
    step = np.maximum(high - low, 1e-3) / (2.0 ** np.array(BITS) - 1)
    return {
        "low": np.round(low, 4).tolist(),
        "step": step.tolist(),
        "eye": np.round(view.eye, 3).tolist(),
        "centre": np.round(view.centre, 3).tolist(),
        "reach": round(view.reach, 3),
        "moments": [
            {
                "frame": one.frame,
                "seconds": round(seconds[one.frame], 3),
                "code": codes[one.frame],
                **_packed(one.layer, low, step),
            }
            for one in view.moments
        ],
        "scene": _packed(view.scene, low, step) if view.scene else None,
    }


def _packed(layer: CloudLayer, low: np.ndarray, step: np.ndarray) -> dict[str, Any]:
    cells = np.rint((layer.points - low) / step)
    inside = ((cells >= 0) & (cells < 2.0 ** np.array(BITS))).all(axis=1)
    cells = cells[inside].astype(np.uint32)
    places = np.zeros(len(cells), dtype="<u4")
    for axis, shift in enumerate(SHIFTS):
        places |= cells[:, axis] << np.uint32(shift)
    red, green, blue = (layer.colours[inside].astype(np.uint16)).T
    colours = ((red >> 3) << 11 | (green >> 2) << 5 | blue >> 3).astype("<u2")
    return {
        "sizes": _text(_logarithms(layer.sizes[inside])),
        "places": _text(places),
        "colours": _text(colours),
    }


def unpack_layer(packed: Any, layer: Any) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401
    """Read places (metres) and colours (0 to 255) of a packed layer back, as the page does."""
    places = np.frombuffer(base64.b64decode(layer["places"]), dtype="<u4")
    cells = np.stack(
        [
            (places >> np.uint32(shift)) & np.uint32(2**bits - 1)
            for shift, bits in zip(SHIFTS, BITS, strict=True)
        ],
        axis=1,
    )
    colours = np.frombuffer(base64.b64decode(layer["colours"]), dtype="<u2").astype(int)
    rgb = np.stack([(colours >> 11) << 3, ((colours >> 5) & 63) << 2, (colours & 31) << 3], axis=1)
    return np.array(packed["low"]) + cells * np.array(packed["step"]), rgb


def _logarithms(sizes: np.ndarray) -> np.ndarray:
    """Sizes as bytes: 16 to the octave, 0 is a tenth of a millimetre."""
    steps = 16 * np.log2(np.maximum(sizes, SMALLEST) / SMALLEST)
    return np.asarray(np.clip(np.rint(steps), 0, 255), dtype=np.uint8)


def _text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
