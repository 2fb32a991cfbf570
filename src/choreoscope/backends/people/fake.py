"""Analytic people: weightless, deterministic, with a truth to test against; pixels are ignored.

Each dancer is a closed-form function of the frame number: a walk in a circle with swinging arms,
seen by a known pinhole camera. The state is empty, because nothing depends on earlier frames.
"""

import dataclasses
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier
from choreoscope.datatypes.people import Mask, PeopleInFrame, PeopleState, PersonObservation
from choreoscope.geometry.masks import encode_patch

FOCAL_PER_WIDTH = 1.2
DISTANCE = 4.0
SPACING = 1.1
FRAMES_PER_TURN = 240
FRAMES_PER_SWING = 25
HEIGHT_OF_HIPS = 0.9
CAMERA_HEIGHT = 1.2
POINTS = 33

LEFT_SIDE = {
    "eye": (0.03, 1.62, 0.09),
    "ear": (0.07, 1.60, 0.0),
    "mouth": (0.02, 1.54, 0.08),
    "shoulder": (0.18, 1.40, 0.0),
    "hip": (0.10, HEIGHT_OF_HIPS, 0.0),
}
"""Metres of a person who faces +z: left (+x), up from the floor, forward."""
UPPER_ARM, FOREARM, THIGH, SHIN = 0.28, 0.25, 0.42, 0.41


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the fake knows of one dancer in one frame.

    Attributes
    ----------
    hips_m : (3,) float
        Middle of the hips, camera axes, metres.
    points_m : (33, 3) float
        BlazePose33 points about the middle of the hips, camera axes, metres.
    points_px : (33, 2) float
        Where the camera sees them.
    """

    dancer: int
    hips_m: np.ndarray
    points_m: np.ndarray
    points_px: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FakeOptions:
    """Choices of the fake.

    Attributes
    ----------
    people : int
        Number of dancers.
    enters, leaves : int or None
        First frame of the second dancer; first frame without the first one.
    breaks_every : int
        Frames after which the tracklet numbers change, as after a loss; 0 never.
    delay_seconds : float
        Time every frame takes.
    """

    people: int = 2
    enters: int | None = None
    leaves: int | None = None
    breaks_every: int = 0
    delay_seconds: float = 0.0


class Fake:
    """A `PeopleEstimator` that looks at nothing but the size of the picture."""

    point_set = "blazepose33"
    model_cpu_seconds = 0.0

    def __init__(self, options: FakeOptions) -> None:
        self._options = options

    def follow(
        self, frames: Iterable[tuple[int, np.ndarray]], state: PeopleState | None
    ) -> Iterator[PeopleInFrame]:
        """Say where everybody is in each frame; see `PeopleEstimator`."""
        del state
        for frame, picture in frames:
            if self._options.delay_seconds:
                time.sleep(self._options.delay_seconds)
            height, width = picture.shape[:2]
            people = tuple(
                self._seen(one, frame, width, height) for one in self.truth(frame, width, height)
            )
            yield PeopleInFrame(frame=frame, people=people, state={})

    def truth(self, frame: int, width: int, height: int) -> tuple[Truth, ...]:
        """Everybody who is there in a frame, dancer 0 first."""
        options = self._options
        there = [
            dancer
            for dancer in range(options.people)
            if not (dancer == 1 and options.enters is not None and frame < options.enters)
            and not (dancer == 0 and options.leaves is not None and frame >= options.leaves)
        ]
        return tuple(_truth(dancer, frame, (width, height), options.people) for dancer in there)

    def _seen(self, one: Truth, frame: int, width: int, height: int) -> PersonObservation:
        breaks = self._options.breaks_every
        run = frame // breaks if breaks else 0
        low, high = one.points_px.min(axis=0), one.points_px.max(axis=0)
        margin = 0.05 * (high - low).max()
        box = np.concatenate([low - margin, high + margin])
        inside = np.all((one.points_px >= 0) & (one.points_px < (width, height)), axis=1)
        histogram = np.zeros(64)
        histogram[(7 * one.dancer + 3) % 64] = 1.0
        return PersonObservation(
            tracklet=one.dancer + run * max(self._options.people, 1),
            box_xyxy=box,
            score=0.95,
            points_px=one.points_px,
            points_m=one.points_m,
            visibility=np.where(inside, 0.95, 0.05),
            hands_px=np.full((2, 21, 2), np.nan),
            hands_m=np.full((2, 21, 3), np.nan),
            hands_score=np.zeros(2),
            face_px=None,
            appearance=histogram,
            mask=_ellipse(box, width, height),
        )


def _truth(dancer: int, frame: int, size: tuple[int, int], people: int) -> Truth:
    width, height = size
    turn = 2 * math.pi * (frame / FRAMES_PER_TURN + dancer / max(people, 1))
    swing = math.sin(2 * math.pi * frame / FRAMES_PER_SWING)
    facing = math.pi + 0.6 * math.sin(turn)
    body = _body(swing)
    about = np.array(
        [
            [math.cos(facing), 0.0, math.sin(facing)],
            [0.0, 1.0, 0.0],
            [-math.sin(facing), 0.0, math.cos(facing)],
        ]
    )
    middle = (dancer - (people - 1) / 2) * SPACING
    place = np.array([middle + 0.2 * math.cos(turn), 0.0, DISTANCE + 0.3 * math.sin(turn)])
    upright = body @ about.T + place
    camera = upright * (1, -1, 1) + (0, CAMERA_HEIGHT, 0)
    hips = camera[23:25].mean(axis=0)
    focal = FOCAL_PER_WIDTH * width
    pixels = focal * camera[:, :2] / camera[:, 2:] + (width / 2, height / 2)
    return Truth(dancer=dancer, hips_m=hips, points_m=camera - hips, points_px=pixels)


def _body(swing: float) -> np.ndarray:
    """BlazePose33 points of a person on the floor who faces +z, left +x, up +y, metres."""
    points = np.zeros((POINTS, 3))
    points[0] = (0.0, 1.58, 0.12)
    for side, sign in ((0, 1.0), (1, -1.0)):
        part = {name: np.array(at) * (sign, 1, 1) for name, at in LEFT_SIDE.items()}
        for step in range(3):
            points[1 + 3 * side + step] = part["eye"] + (sign * 0.012 * (step - 1), 0, 0)
        points[7 + side] = part["ear"]
        points[9 + side] = part["mouth"]
        _arm(points, side, part["shoulder"], sign, 0.7 * swing * sign)
        _leg(points, side, part["hip"], -0.4 * swing * sign)
    return points


def _arm(points: np.ndarray, side: int, shoulder: np.ndarray, sign: float, angle: float) -> None:
    elbow = shoulder + UPPER_ARM * _swung(angle, sign * 0.25)
    wrist = elbow + FOREARM * _swung(angle + 0.5, sign * 0.1)
    along = (wrist - elbow) / FOREARM
    points[11 + side], points[13 + side], points[15 + side] = shoulder, elbow, wrist
    across = np.array([0.0, 0.0, 0.03])
    points[17 + side] = wrist + 0.08 * along - across
    points[19 + side] = wrist + 0.09 * along + across
    points[21 + side] = wrist + 0.04 * along + 1.3 * across


def _leg(points: np.ndarray, side: int, hip: np.ndarray, angle: float) -> None:
    knee = hip + THIGH * _swung(angle, 0.0)
    ankle = knee + SHIN * _swung(angle - 0.25 * abs(angle), 0.0)
    points[23 + side], points[25 + side], points[27 + side] = hip, knee, ankle
    points[29 + side] = ankle - np.array([0.0, 0.05, 0.05])
    points[31 + side] = ankle + np.array([0.0, -0.06, 0.14])


def _swung(forward: float, sideways: float) -> np.ndarray:
    """Direction of a hanging limb swung forward and to the side, radians."""
    direction = np.array([math.sin(sideways), -math.cos(forward), math.sin(forward)])
    return np.asarray(direction / np.linalg.norm(direction))


def _ellipse(box: np.ndarray, width: int, height: int) -> Mask:
    left, top = math.floor(box[0]), math.floor(box[1])
    wide, tall = math.ceil(box[2]) - left, math.ceil(box[3]) - top
    y, x = np.mgrid[:tall, :wide] + 0.5
    inside = (2 * x / wide - 1) ** 2 + (2 * y / tall - 1) ** 2 <= 1
    return encode_patch(inside, left, top, width, height)


def load(weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]) -> Fake:
    """Make a fake; weights and settings do not matter.

    Raises
    ------
    InputError
        If an option is unknown.
    """
    del weights, settings
    known = {field.name for field in dataclasses.fields(FakeOptions)}
    unknown = sorted(set(options) - known)
    if unknown:
        raise InputError(
            f"the fake has no option {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    return Fake(FakeOptions(**options))


SPEC = BackendSpec(
    task="people",
    name="fake",
    version=1,
    load=load,
    modules=(),
    extra="",
    weights=(),
    licence=Licence(name="Apache-2.0", tier=Tier.COMMERCIAL, notice="Choreoscope's own"),
    memory_mb=1,
)
