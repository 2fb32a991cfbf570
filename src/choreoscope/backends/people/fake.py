"""Analytic stand-in for people back ends: dancers in closed form, no weights, no pixels read.

Everybody walks a small circle, turns and swings arms and legs, all as functions of the frame
number alone, before a known pinhole camera. So whoever tests the rest of the house knows the
truth: see `FakePeople.truth`.
"""

import dataclasses
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from choreoscope.backends.people.fake_faults import Faults
from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier
from choreoscope.datatypes.people import Mask, PeopleInFrame, PeopleState, PersonObservation
from choreoscope.geometry.masks import encode_patch

CAMERA_HEIGHT = 1.2
FACE_PIXELS = 48.0
HEAD_WIDTH = 0.16
APPEARANCE_BINS = 16
FACE_POINTS = 468
SEGMENTS = (
    (11, 12, 0.05), (11, 23, 0.12), (12, 24, 0.12), (23, 24, 0.12),
    (11, 13, 0.05), (13, 15, 0.04), (12, 14, 0.05), (14, 16, 0.04), (15, 19, 0.03), (16, 20, 0.03),
    (23, 25, 0.08), (25, 27, 0.06), (24, 26, 0.08), (26, 28, 0.06), (27, 31, 0.04), (28, 32, 0.04),
    (7, 8, 0.11),
)  # fmt: skip
"""Two points and a radius in metres: the capsules that fill the mask."""
HEAD_POINTS = np.array([
    [0, 1.58, 0.11], [0.02, 1.62, 0.09], [0.03, 1.62, 0.09], [0.04, 1.62, 0.08],
    [-0.02, 1.62, 0.09], [-0.03, 1.62, 0.09], [-0.04, 1.62, 0.08], [0.075, 1.6, 0],
    [-0.075, 1.6, 0], [0.025, 1.54, 0.09], [-0.025, 1.54, 0.09],
])  # fmt: skip
"""Points 0 to 10, metres; body axes: left, up, forward; origin on the floor."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene(Faults):
    """What the fake shows, and how it misbehaves (`Faults`).

    Attributes
    ----------
    people : int
        How many, 0 or more.
    enter_frame : int
        The last one comes in at this frame (if there are two or more).
    away_from, away_to : int
        The first one is away in these frames, half-open; equal numbers for never.
    breaks : tuple of int
        Frames at which every tracklet gets a new number.
    focal_widths : float
        Focal length as a share of the picture's width.
    delay_seconds : float
        Sleep at each frame, for tests that stop a run half-way.
    """

    people: int = 2
    enter_frame: int = 0
    away_from: int = 0
    away_to: int = 0
    breaks: tuple[int, ...] = ()
    focal_widths: float = 1.2
    delay_seconds: float = 0.0

    def __post_init__(self) -> None:
        # Not super(): a dataclass with slots is another class than the one written here.
        Faults.__post_init__(self)
        if self.people < 0 or self.focal_widths <= 0 or self.delay_seconds < 0:
            raise InputError(
                "fake: expected people >= 0, focal_widths > 0 and delay_seconds >= 0, got "
                f"{self.people}, {self.focal_widths} and {self.delay_seconds}"
            )

    def present(self, person: int, frame: int) -> bool:
        """Whether a person is there in a frame."""
        late = self.people > 1 and person == self.people - 1 and frame < self.enter_frame
        away = person == 0 and self.away_from <= frame < self.away_to
        return not late and not away

    def tracklet(self, person: int, frame: int) -> int:
        """Return the number of a person's tracklet."""
        cuts = sum(cut <= frame for cut in self.breaks)
        returned = person == 0 and self.away_from < self.away_to <= frame
        return person + self.people * (2 * cuts + returned)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One dancer as he or she really is in one frame.

    Attributes
    ----------
    person : int
        Number, from 0.
    points_m : (33, 3) float
        BlazePose33 points, metres, camera axes, camera at the origin.
    points_px : (33, 2) float
        The same in pixels.
    hands_m : (2, 21, 3) float
        Left and right hand, metres, camera axes, camera at the origin.
    intrinsics : (3, 3) float
        Pixel-from-camera matrix.
    floor_y : float
        The floor lies at this y in camera axes, metres.
    """

    person: int
    points_m: Float[np.ndarray, "33 3"]
    points_px: Float[np.ndarray, "33 2"]
    hands_m: Float[np.ndarray, "2 21 3"]
    intrinsics: Float[np.ndarray, "3 3"]
    floor_y: float

    def __post_init__(self) -> None:
        check_arrays(self)


class FakePeople:
    """Shows the dancers of a `Scene`; satisfies `PeopleEstimator`."""

    point_set = "blazepose33"
    model_cpu_seconds = 0.0

    def __init__(self, scene: Scene, batch: int = 1) -> None:
        self.scene = scene
        self._batch = batch

    def truth(self, frame: int, width: int, height: int) -> list[Truth]:
        """Return everybody who is there in a frame, by rising number."""
        focal = self.scene.focal_widths * width
        intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
        out = []
        for person in range(self.scene.people):
            if not self.scene.present(person, frame):
                continue
            body, hands = _body(frame, person)
            place, axes = _place(frame, person, self.scene.people)
            points = body @ axes.T + place
            out.append(
                Truth(
                    person=person,
                    points_m=points,
                    points_px=_projected(points, intrinsics),
                    hands_m=hands @ axes.T + place,
                    intrinsics=intrinsics,
                    floor_y=CAMERA_HEIGHT,
                )
            )
        return out

    def follow(
        self, frames: Iterable[tuple[int, np.ndarray]], state: PeopleState | None
    ) -> Iterator[PeopleInFrame]:
        """Go through the frames of a shot; only the size of the pictures is looked at.

        Raises
        ------
        InputError
            If the frames do not rise, or do not follow on from the state.
        """
        yield from self.scene.distorted(self._shown(frames, state))

    def _shown(
        self, frames: Iterable[tuple[int, np.ndarray]], state: PeopleState | None
    ) -> Iterator[PeopleInFrame]:
        last = None if state is None else int(state["frame"])
        for frame, picture in frames:
            if last is not None and frame <= last:
                raise InputError(f"fake: expected a frame after {last}, got {frame}")
            last = frame
            if self.scene.delay_seconds:
                time.sleep(self.scene.delay_seconds)
            self.scene.strike(frame, self._batch)
            height, width = picture.shape[:2]
            people = tuple(
                _seen(one, self.scene.tracklet(one.person, frame), width, height)
                for one in self.truth(frame, width, height)
            )
            yield PeopleInFrame(frame=frame, people=people, state={"frame": np.array(frame)})


def _place(frame: int, person: int, people: int) -> tuple[np.ndarray, np.ndarray]:
    """Where somebody stands, and the body's left, up and forward in camera axes, as columns."""
    along = 2 * math.pi * frame / 120 + person
    x = 1.3 * (person - (people - 1) / 2) + 0.3 * math.sin(along)
    z = 4.5 + 0.3 * math.cos(along)
    yaw = 0.9 * math.sin(2 * math.pi * frame / 90 + 2 * person)
    cosine, sine = math.cos(yaw), math.sin(yaw)
    axes = np.array([[cosine, 0, sine], [0, -1, 0], [sine, 0, -cosine]])
    return np.array([x, CAMERA_HEIGHT, z]), axes


def _body(frame: int, person: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (33, 3) points and (2, 21, 3) hands in body axes, metres, feet on the floor."""
    swing = math.sin(2 * math.pi * frame / 30 + person)
    points = np.zeros((33, 3))
    points[:11] = HEAD_POINTS
    hands = np.zeros((2, 21, 3))
    for side, sign in enumerate((1, -1)):
        shoulder, hip = np.array([0.18 * sign, 1.4, 0]), np.array([0.1 * sign, 0.9, 0])
        elbow = shoulder + 0.28 * _down(0.7 * sign * swing, out=0.3 * sign)
        forearm = _down(0.7 * sign * swing + 0.5, out=0.15 * sign)
        wrist = elbow + 0.25 * forearm
        thigh, shin = _down(-0.4 * sign * swing), _down(-0.4 * sign * swing - 0.2)
        knee = hip + 0.43 * thigh
        ankle = knee + 0.4 * shin
        points[[11 + side, 13 + side, 15 + side]] = shoulder, elbow, wrist
        points[[23 + side, 25 + side, 27 + side]] = hip, knee, ankle
        points[29 + side] = ankle + np.array([0, -0.05, -0.05])
        points[31 + side] = ankle + np.array([0, -0.06, 0.14])
        hands[side] = _hand(wrist, forearm, sign)
        points[[17 + side, 19 + side, 21 + side]] = hands[side, [17, 5, 2]]
    lift = points[:, 1].min()
    return points - [0, lift, 0], hands - [0, lift, 0]


def _down(forward: float, out: float = 0.0) -> np.ndarray:
    """Return the unit vector that hangs down, swung forward and outward by angles in radians."""
    return np.array([
        math.sin(out),
        -math.cos(out) * math.cos(forward),
        math.cos(out) * math.sin(forward),
    ])  # fmt: skip


def _hand(wrist: np.ndarray, along: np.ndarray, sign: int) -> np.ndarray:
    """Five straight fingers spread like a fan in the plane of the arm and the forward axis."""
    across = np.cross(along, np.array([1.0, 0, 0]))
    across /= np.linalg.norm(across)
    joints = [wrist]
    for finger in range(5):
        angle = 0.5 - 0.25 * finger
        way = math.cos(angle) * along + math.sin(angle) * across + 0.05 * sign * np.eye(3)[0]
        reach = (0.03, 0.06, 0.09, 0.11) if finger == 0 else (0.08, 0.12, 0.145, 0.17)
        joints += [wrist + step * way for step in reach]
    return np.array(joints)


def _projected(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    pixels = points @ intrinsics.T
    flat: np.ndarray = pixels[..., :2] / pixels[..., 2:]
    return flat


def _seen(one: Truth, tracklet: int, width: int, height: int) -> PersonObservation:
    limits = np.array([width, height], dtype=np.float64)
    inside = np.all((one.points_px >= 0) & (one.points_px <= limits), axis=1)
    shown = one.points_px[inside] if inside.any() else one.points_px
    margin = 0.03 * float(np.ptp(one.points_px, axis=0).max())
    low, high = shown.min(0) - margin, shown.max(0) + margin
    hips = (one.points_m[23] + one.points_m[24]) / 2
    per_metre = one.intrinsics[0, 0] / hips[2]
    hands_px = _projected(one.hands_m, one.intrinsics)
    hand_inside = np.all((hands_px >= 0) & (hands_px <= limits), axis=(1, 2))
    appearance = np.ones(APPEARANCE_BINS)
    appearance[one.person % APPEARANCE_BINS] = APPEARANCE_BINS
    centred = one.hands_m - one.hands_m.mean(1, keepdims=True)
    return PersonObservation(
        tracklet=tracklet,
        box_xyxy=np.concatenate([np.clip(low, 0, limits), np.clip(high, 0, limits)]),
        score=0.99,
        points_px=one.points_px,
        points_m=one.points_m - hips,
        visibility=np.where(inside, 0.95, 0.0),
        hands_px=np.where(hand_inside[:, None, None], hands_px, np.nan),
        hands_m=np.where(hand_inside[:, None, None], centred, np.nan),
        hands_score=np.where(hand_inside, 0.9, 0.0),
        face_px=_face(one) if HEAD_WIDTH * per_metre >= FACE_PIXELS else None,
        appearance=appearance / appearance.sum(),
        mask=_mask(one, per_metre, width, height),
    )


def _face(one: Truth) -> np.ndarray:
    """Points spread evenly over the front half of a ball round the head."""
    middle = (one.points_m[7] + one.points_m[8]) / 2
    forward = one.points_m[0] - middle
    forward /= np.linalg.norm(forward)
    left = (one.points_m[7] - middle) / np.linalg.norm(one.points_m[7] - middle)
    index = np.arange(FACE_POINTS)
    depth = 1 - (index + 0.5) / FACE_POINTS
    ring = np.sqrt(1 - depth**2)
    around = index * math.pi * (3 - math.sqrt(5))
    axes = np.stack([left, np.cross(forward, left), forward])
    ball = np.stack([ring * np.cos(around), ring * np.sin(around), depth], axis=1)
    return _projected(middle + HEAD_WIDTH / 2 * ball @ axes, one.intrinsics)


def _mask(one: Truth, per_metre: float, width: int, height: int) -> Mask:
    """Fill a capsule for each limb."""
    reach = 0.15 * per_metre
    low = np.floor(np.clip(one.points_px.min(0) - reach, 0, (width, height))).astype(int)
    high = np.ceil(np.clip(one.points_px.max(0) + reach, 0, (width, height))).astype(int)
    patch = np.zeros((max(0, high[1] - low[1]), max(0, high[0] - low[0])), dtype=bool)
    for first, second, radius in SEGMENTS:
        start, end = one.points_px[first] - low, one.points_px[second] - low
        thick = radius * per_metre
        x0, y0 = np.floor(np.maximum(np.minimum(start, end) - thick, 0)).astype(int)
        x1, y1 = np.ceil(np.maximum(np.maximum(start, end) + thick, 0)).astype(int)
        part = patch[y0:y1, x0:x1]
        rows, columns = np.mgrid[: part.shape[0], : part.shape[1]] + 0.5
        across, down = columns + x0 - start[0], rows + y0 - start[1]
        way = end - start
        share = np.clip((across * way[0] + down * way[1]) / max(way @ way, 1e-9), 0, 1)
        part |= (across - share * way[0]) ** 2 + (down - share * way[1]) ** 2 < thick**2
    return encode_patch(patch, int(low[0]), int(low[1]), width, height)


def load(
    weights: Mapping[str, Path],  # noqa: ARG001 - the fake needs none
    settings: RunSettings,
    options: Mapping[str, Any],
) -> FakePeople:
    """Make the fake; options are the fields of `Scene`.

    Raises
    ------
    InputError
        If an option is unknown or out of range.
    """
    known = [field.name for field in dataclasses.fields(Scene)]
    for name in options:
        if name not in known:
            raise InputError(f"fake knows no option '{name}'; it has {', '.join(known)}")
    given: dict[str, Any] = {
        name: tuple(map(int, value)) if name == "breaks" or name.endswith("_at") else value
        for name, value in options.items()
    }
    return FakePeople(Scene(**given), settings.batch)


SPEC = BackendSpec(
    task="people",
    name="fake",
    version=1,
    load=load,
    modules=(),
    extra="",
    weights=(),
    licence=Licence(name="Apache-2.0", tier=Tier.COMMERCIAL, notice="Choreoscope"),
    memory_mb=50,
    options=Scene,
)
