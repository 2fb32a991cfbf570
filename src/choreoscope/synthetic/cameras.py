"""Cameras of every kind a dancer is filmed with, in the true world."""

import dataclasses
import math

import numpy as np

from choreoscope.datatypes.camera import CameraMovement, CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.synthetic.curves import blurred, eased, happens, wander

KINDS = ("static", "pan", "tilt", "walking", "crane", "handheld", "zoom", "pan_zoom")
"""What a made-up camera can do."""
_CLASSES: dict[str, CameraMovement] = {
    "static": "locked",
    "zoom": "pan",
    "pan": "pan",
    "tilt": "pan",
    "pan_zoom": "pan",
    "walking": "travelling",
    "crane": "travelling",
    "handheld": "travelling",
}
FULL_FRAME_MM = 36.0
_WIDE, _LONG = 24.0, 70.0
_ROOM = 2.35
"""Height to be shown, metres: somebody with the arms up."""
_SPACING = 0.02
_FOLLOW_SIGMA = 0.7


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filming:
    """A camera over a shot.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    movement : {"locked", "pan", "travelling"}
        What a camera solve has to find.
    zooms : bool
        Whether the focal length changes.
    track : CameraTrack
        The truth.
    """

    kind: str
    movement: CameraMovement
    zooms: bool
    track: CameraTrack


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """How people are to be shown.

    Attributes
    ----------
    size : (int, int)
        Width and height of the picture, pixels.
    fill : float
        1 shows everybody from head to toe; above that bodies are cropped.
    height : float
        Of the camera over the floor, metres.
    turned : float
        Direction the people are seen from, radians; 0 is from +Z.
    """

    size: tuple[int, int] = (1280, 720)
    fill: float = 1.0
    height: float = 1.5
    turned: float = 0.0


def make_camera(
    kind: str,
    rng: np.random.Generator,
    times: np.ndarray,
    people: np.ndarray,
    framing: Framing,
) -> Filming:
    """Film people.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    rng : numpy.random.Generator
        Source of chance.
    times : (T,) float
        Seconds.
    people : (T, P, 3) float
        Middles of the bodies, metres; NaN where somebody is not to be cared for.
    framing : Framing
        How they are to be shown.

    Returns
    -------
    Filming
        Pinhole without distortion; focal length 24 to 70 mm on full frame.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise InputError(f"camera: expected one of {', '.join(KINDS)}, got '{kind}'")
    width, height = framing.size
    focal = math.exp(rng.uniform(math.log(_WIDE), math.log(_LONG)))
    pixels = focal / FULL_FRAME_MM * max(width, height)
    middle, spread = _middle(times, people)
    usual = np.nanmean(middle, axis=0)
    tall = pixels * _ROOM / (0.92 * height)
    broad = pixels * (2 * spread + 1.5) / (0.95 * width)
    distance = max(tall, broad, 1.8) / framing.fill + 0.3 * spread
    way = np.array([math.sin(framing.turned), 0.0, math.cos(framing.turned)])
    stand = usual * (1, 0, 1) + distance * way + framing.height * np.array([0.0, 1.0, 0.0])
    room = np.array([math.atan(width / 2 / pixels), math.atan(height / 2 / pixels)])
    place, target, turn = _moves(kind, rng, times, (stand, middle, usual, distance), room)
    curve = np.full(len(times), pixels)
    zooms = kind in {"zoom", "pan_zoom"}
    if zooms:
        curve = pixels * _zoom(rng, times)
    axes = _looking(target - place, turn)
    camera_from_world = np.tile(np.eye(4), (len(times), 1, 1))
    camera_from_world[:, :3, :3] = axes
    camera_from_world[:, :3, 3] = -np.einsum("tab,tb->ta", axes, place)
    intrinsics = np.tile(np.eye(3), (len(times), 1, 1))
    intrinsics[:, 0, 0] = intrinsics[:, 1, 1] = curve
    intrinsics[:, 0, 2], intrinsics[:, 1, 2] = width / 2, height / 2
    track = CameraTrack(
        width=width,
        height=height,
        intrinsics=intrinsics,
        camera_from_world=camera_from_world,
        distortion=np.zeros(0),
        source="synthetic",
        metric=True,
    )
    return Filming(kind=kind, movement=_CLASSES[kind], zooms=zooms, track=track)


def places_of(track: CameraTrack) -> np.ndarray:
    """Where a camera is in the world, metres, ``(T, 3)``."""
    turns, moves = track.camera_from_world[:, :3, :3], track.camera_from_world[:, :3, 3]
    return np.asarray(-np.einsum("tba,tb->ta", turns, moves))


def _middle(times: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, float]:
    """Softly followed middle of everybody ``(T, 3)``, and how far from it anybody usually is."""
    known = np.isfinite(people).all(axis=(0, 2))
    cared = people[:, known] if known.any() else np.nan_to_num(people)
    raw = cared.mean(axis=1)
    grid = np.arange(times[0], times[-1] + _SPACING, _SPACING)
    even = np.stack([np.interp(grid, times, column) for column in raw.T], axis=-1)
    soft = blurred(even, _SPACING, _FOLLOW_SIGMA)
    middle = np.stack([np.interp(times, grid, column) for column in soft.T], axis=-1)
    apart = np.linalg.norm((cared - middle[:, None])[..., [0, 2]], axis=-1)
    return middle, float(np.quantile(apart, 0.98))


_Scene = tuple[np.ndarray, np.ndarray, np.ndarray, float]


def _moves(
    kind: str, rng: np.random.Generator, times: np.ndarray, scene: _Scene, room: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place ``(T, 3)``, point looked at ``(T, 3)`` and small turns beside (right, up, roll)."""
    stand, middle, usual, distance = scene
    count = len(times)
    place, target, turn = (
        np.tile(stand, (count, 1)),
        np.tile(usual, (count, 1)),
        np.zeros((count, 3)),
    )
    share = eased((times - times[0]) / max(times[-1] - times[0], 1e-9))
    if kind in {"pan", "pan_zoom"}:
        target = middle.copy()
        turn[:, 0] = room[0] * (0.22 * wander(rng, times, (0.08, 0.25)) / math.sqrt(2))
        turn[:, 1] = 0.02 * room[1] * wander(rng, times, (0.1, 0.4))
    elif kind == "tilt":
        turn[:, 1] = room[1] * (0.16 * wander(rng, times, (0.1, 0.3)) / math.sqrt(2))
    elif kind == "walking":
        target = middle.copy()
        place += _walk(rng, times, stand - usual)
        turn = np.radians((0.4, 0.3, 0.3)) * wander(rng, times, (0.4, 2.0), (3,))
    elif kind == "crane":
        target = middle.copy()
        swept = rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.0) * (share - 0.5)
        place = usual + _turned(stand - usual, swept)
        place[:, 1] = stand[1] + rng.uniform(0.4, 1.2) * (share if happens(rng, 0.5) else 1 - share)
    elif kind == "handheld":
        target = usual + 0.6 * (middle - usual)
        place += 0.012 * np.minimum(1.0, distance / 4) * wander(rng, times, (0.15, 2.5), (3,))
        turn = np.radians((0.45, 0.35, 0.25)) * wander(rng, times, (0.2, 3.0), (3,))
    return place, target, turn


def _walk(rng: np.random.Generator, times: np.ndarray, view: np.ndarray) -> np.ndarray:
    """Somebody walks with the camera: sideways or nearer, with the bob of steps."""
    speed, pace = rng.uniform(0.35, 0.8), rng.uniform(1.6, 2.0)
    ahead = view * (1, 0, 1) / np.linalg.norm(view * (1, 0, 1))
    across = np.array([ahead[2], 0.0, -ahead[0]]) * rng.choice([-1.0, 1.0])
    slant = rng.uniform(-0.35, 0.7)
    along = math.cos(slant) * across + math.sin(slant) * ahead
    begin = eased((times - times[0]) / 1.0) * 0.5 + 0.5
    gone = speed * begin * (times - times.mean())
    phase = 2 * np.pi * pace * times
    bob = 0.018 * np.sin(phase)[:, None] * np.array([0.0, 1.0, 0.0])
    sway = 0.012 * np.sin(phase / 2 + 1.0)[:, None] * across
    return np.asarray(gone[:, None] * along + bob + sway)


def _turned(view: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Turn a vector about the up axis by each of the angles, ``(T, 3)``."""
    cosine, sine = np.cos(angle), np.sin(angle)
    x = cosine * view[0] + sine * view[2]
    z = cosine * view[2] - sine * view[0]
    return np.stack([x, np.full(len(angle), view[1]), z], axis=-1)


def _zoom(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Factor of the focal length: in or out once, at some time of the shot."""
    factor = rng.uniform(1.25, 1.5)
    length = times[-1] - times[0]
    start, stop = times[0] + 0.15 * length, times[0] + 0.85 * length
    share = eased((times - start) / max(stop - start, 1e-9))
    into = happens(rng, 0.5)
    # The wide end shows everybody; the long one may crop.
    return np.asarray(0.88 * (1 + (factor - 1) * (share if into else 1 - share)))


def _looking(view: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Camera-from-world matrices ``(T, 3, 3)`` that look along `view`, turned a little beside it.

    `turn` holds angles to the right, up and clockwise about the view, radians.
    """
    yaw = np.arctan2(view[:, 0], -view[:, 2]) + turn[:, 0]
    pitch = np.arctan2(view[:, 1], np.hypot(view[:, 0], view[:, 2])) + turn[:, 1]
    forward = np.stack(
        [np.sin(yaw) * np.cos(pitch), np.sin(pitch), -np.cos(yaw) * np.cos(pitch)], axis=-1
    )
    right = np.stack([np.cos(yaw), np.zeros(len(yaw)), np.sin(yaw)], axis=-1)
    down = np.cross(forward, right)
    cosine, sine = np.cos(turn[:, 2:]), np.sin(turn[:, 2:])
    rows = [cosine * right + sine * down, cosine * down - sine * right, forward]
    return np.stack(rows, axis=1)
