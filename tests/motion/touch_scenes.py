"""Procedural people as functions of time: points of the skin whose contacts are known exactly."""

import dataclasses
from collections.abc import Callable

import numpy as np

from choreoscope.motion.touch.contacts import (
    ContactLimits,
    Contacts,
    contact_groups,
    detect_contacts,
)
from choreoscope.motion.touch.floor import level_floor

GRAVITY = 9.81
SOLE = {
    "heel_inner": (-0.025, 0.0, -0.06),
    "heel_outer": (0.025, 0.0, -0.06),
    "ball_inner": (-0.04, 0.0, 0.12),
    "ball_outer": (0.04, 0.0, 0.12),
    "toe_tip": (0.0, 0.0, 0.19),
}
BALL = np.array([0.0, 0.0, 0.12])
NAMES = (
    *(f"{side}_{point}" for side in ("left", "right") for point in SOLE),
    *(
        f"{side}_{point}"
        for side in ("left", "right")
        for point in ("palm", "fingertips", "knee", "elbow", "seat")
    ),
)
GROUPS = contact_groups(NAMES)
RATES = (24.0, 30.0, 60.0, 120.0)
Spans = list[tuple[float, float]]
Points = dict[str, np.ndarray]
Scene = Callable[[np.ndarray], Points]


def eased(times: np.ndarray, start: float, stop: float) -> np.ndarray:
    """0 before, 1 after, smooth between."""
    x = np.clip((times - start) / (stop - start), 0, 1)
    return x**3 * (10 - 15 * x + 6 * x**2)


def foot(
    side: str, place: np.ndarray, yaw: np.ndarray | float = 0.0, pitch: np.ndarray | float = 0.0
) -> Points:
    """Points of a sole. `place` is where the ball is; `pitch` (radians) lifts the heel."""
    count = len(place)
    yaw, pitch = np.broadcast_to(yaw, count), np.broadcast_to(pitch, count)
    points = {}
    for name, offset in SOLE.items():
        x, _, z = np.array(offset) - BALL
        up, ahead = np.where(z < 0, -z * np.sin(pitch), 0.0), z * np.cos(pitch)
        across = x * np.cos(yaw) + ahead * np.sin(yaw)
        along = -x * np.sin(yaw) + ahead * np.cos(yaw)
        points[f"{side}_{name}"] = place + np.stack([across, up, along], axis=-1)
    return points


def held_up(times: np.ndarray) -> Points:
    """Hands, knees, elbows, seat of somebody who stands, all off the floor."""
    heights = {"palm": 0.8, "fingertips": 0.65, "knee": 0.5, "elbow": 1.1, "seat": 0.9}
    still = np.ones((len(times), 1))
    return {
        f"{side}_{part}": still * [x, y, 0.0]
        for side, x in (("left", 0.2), ("right", -0.2))
        for part, y in heights.items()
    }


def place(times: np.ndarray, x: float, y: np.ndarray | float, z: np.ndarray | float) -> np.ndarray:
    return np.stack([np.broadcast_to(v, len(times)) for v in (x, y, z)], axis=-1)


def walking(times: np.ndarray) -> Points:
    """Steps of 0.45 s from t = 1 on, stance between them."""
    points = held_up(times)
    for side, x, first in (("left", 0.1, 1.0), ("right", -0.1, 1.55)):
        z, y = np.zeros(len(times)), np.zeros(len(times))
        for step in range(3):
            begin = first + 1.1 * step
            share = eased(times, begin, begin + 0.45)
            z = z + 0.9 * share
            y = y + 0.12 * np.sin(np.pi * share) ** 2
        points |= foot(side, place(times, x, y, z))
    return points


WALK_SWINGS = {
    "left": [(1.0 + 1.1 * k, 1.45 + 1.1 * k) for k in range(3)],
    "right": [(1.55 + 1.1 * k, 2.0 + 1.1 * k) for k in range(3)],
}


def flight_height(times: np.ndarray, take_off: float, seconds: float) -> np.ndarray:
    since = times - take_off
    inside = (since > 0) & (since < seconds)
    return np.where(inside, GRAVITY / 2 * since * (seconds - since), 0.0)


def jumping(
    times: np.ndarray, jumps: tuple[float, ...] = (1.0, 2.2), seconds: float = 0.5
) -> Points:
    points = held_up(times)
    up = np.sum([flight_height(times, begin, seconds) for begin in jumps], axis=0)
    for side, x in (("left", 0.1), ("right", -0.1)):
        points |= foot(side, place(times, x, up, 0.0))
    return points


def jump_centre(
    times: np.ndarray, jumps: tuple[float, ...] = (1.0, 2.2), seconds: float = 0.5
) -> np.ndarray:
    """Height of the centre of mass: crouches before and after, falls freely between."""
    height = np.full(len(times), 1.0)
    speed = GRAVITY * seconds / 2
    push = 0.3
    for begin in jumps:
        for edge, sign in ((begin, -1), (begin + seconds, 1)):
            x = np.clip(sign * (times - edge) / push, 0, 1)
            height -= np.where((x > 0) & (x < 1), speed * push * x * (1 - x) ** 2, 0.0)
        height += flight_height(times, begin, seconds)
    return height


def kneeling(times: np.ndarray) -> Points:
    """Left knee on the floor from 1.5 to 3 s, on the ball of the left foot."""
    points = standing(times)
    down = eased(times, 1.0, 1.5) - eased(times, 3.0, 3.5)
    points |= foot("left", place(times, 0.1, 0.0, -0.4), pitch=1.2 * down)
    points["left_knee"] = place(times, 0.1, 0.5 * (1 - down), 0.1)
    return points


def on_hands(times: np.ndarray) -> Points:
    """Both hands on the floor from 1.5 to 3 s."""
    points = standing(times)
    down = eased(times, 1.0, 1.5) - eased(times, 3.0, 3.5)
    for side, x in (("left", 0.2), ("right", -0.2)):
        for part, z in (("palm", 0.5), ("fingertips", 0.6)):
            points[f"{side}_{part}"] = place(times, x, 0.8 * (1 - down), z)
    return points


def standing(times: np.ndarray) -> Points:
    points = held_up(times)
    for side, x in (("left", 0.1), ("right", -0.1)):
        points |= foot(side, place(times, x, 0.0, 0.0))
    return points


def turning(times: np.ndarray) -> Points:
    """Pirouette on the flat left foot from 1 to 3 s, two turns a second; right foot at the knee."""
    points = standing(times)
    angle = 2 * np.pi * 2 * np.clip(times - 1.0, 0, 2.0)
    raised = eased(times, 0.7, 1.0) - eased(times, 3.0, 3.3)
    points |= foot("left", place(times, 0.1, 0.0, 0.0), yaw=angle)
    points |= foot("right", place(times, -0.1, 0.4 * raised, 0.0))
    return points


def sliding(times: np.ndarray) -> Points:
    """Both feet on the floor, the right one moving at 1.1 m/s from 1 to 2 s."""
    points = standing(times)
    along = 1.1 * np.clip(times - 1.0, 0, 1.0)
    return points | foot("right", place(times, -0.1, 0.0, along))


def climbing(times: np.ndarray) -> Points:
    """Left foot on a box of 0.4 m at 1.5 s, right foot follows at 2.1 s, both stay there."""
    points = held_up(times)
    for side, x, begin in (("left", 0.1, 1.0), ("right", -0.1, 1.6)):
        share = eased(times, begin, begin + 0.5)
        points |= foot(side, place(times, x, 0.4 * share, 0.5 * share))
    return points


@dataclasses.dataclass(frozen=True)
class Seen:
    times: np.ndarray
    points: np.ndarray
    contacts: Contacts

    def spans(self, name: str) -> Spans:
        return [span.seconds for span in self.contacts.spans if span.name == name]


def points_of(scene: Scene, times: np.ndarray) -> np.ndarray:
    made = scene(times)
    return np.stack([made[name] for name in NAMES], axis=1)


def steady(rate: float, seconds: float = 4.5) -> np.ndarray:
    return np.arange(round(rate * seconds)) / rate


def uneven(rng: np.random.Generator, rate: float = 40.0, seconds: float = 4.5) -> np.ndarray:
    times = steady(rate, seconds)
    moved = times + rng.uniform(-0.35, 0.35, len(times)) / rate
    return moved[rng.uniform(size=len(times)) > 0.1]


def seen(
    scene: Scene,
    times: np.ndarray,
    shift: np.ndarray | float = 0.0,
    confidence: np.ndarray | None = None,
    limits: ContactLimits | None = None,
) -> Seen:
    points = points_of(scene, times) + shift
    trust = np.ones(points.shape[:2]) if confidence is None else confidence
    contacts = detect_contacts(times, points, GROUPS, trust, level_floor(), limits)
    return Seen(times, points, contacts)
