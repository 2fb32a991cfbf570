"""Following people from frame to frame: what is known after each frame, and the next step.

Everything here depends on the frames and the state alone, never on timing.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future

import numpy as np

from choreoscope.backends.people.blaze.crops import Crop
from choreoscope.backends.people.blaze.detector import Detection, detect, merged
from choreoscope.backends.people.blaze.landmarks import Pose, read_pose
from choreoscope.backends.people.blaze.nets import Nets
from choreoscope.backends.people.blaze.windows import first_look, next_look
from choreoscope.backends.people.blaze.work_queue import Urgency, WorkQueue

SAME_POINTS = 0.06
"""Two poses are one person when half their points lie nearer than this share of the crop."""
NEAR = 0.3
STEADY = 0.035
GROWTH = 2.0
COVERED = 0.5
START_SCORE = 0.8
START_POINTS = 8
START_ON_MASK = 0.65
SLACK = 0.02


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Thresholds of following; see `BlazePose` for what they mean."""

    detect_every: int
    detection_score: float
    person_score: float
    give_up_frames: int


@dataclasses.dataclass(frozen=True, slots=True)
class Followed:
    """One tracklet between two frames."""

    number: int
    crop: Crop
    velocity: tuple[float, float]
    missed: int
    height: float

    @property
    def predicted(self) -> Crop:
        x, y = self.velocity
        return self.crop._replace(x=self.crop.x + x * self.missed, y=self.crop.y + y * self.missed)


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """All that has to be known of earlier frames."""

    followed: tuple[Followed, ...]
    next_number: int
    windows: tuple[Crop, ...]

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return it as plain arrays, to be stored."""
        rows = [
            [one.number, *one.crop, *one.velocity, one.missed, one.height] for one in self.followed
        ]
        return {
            "followed": np.array(rows, dtype=np.float64).reshape(-1, 9),
            "next_number": np.array(self.next_number),
            "windows": np.array(self.windows, dtype=np.float64).reshape(-1, 4),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "Memory":
        """Read it back from its arrays."""
        followed = tuple(
            Followed(int(row[0]), Crop(*row[1:5]), (row[5], row[6]), int(row[7]), row[8])
            for row in arrays["followed"].tolist()
        )
        windows = tuple(Crop(*row) for row in arrays["windows"].tolist())
        return cls(followed, int(arrays["next_number"]), windows)


Detections = Sequence["Future[list[Detection]]"]


class Follower:
    """Goes from one frame to the next; hands the networks' work to a queue.

    Parameters
    ----------
    work : WorkQueue
        Where networks run.
    limits : Limits
        Thresholds.
    memory : Memory or None
        None at the start of a shot.
    """

    def __init__(self, work: WorkQueue[Nets], limits: Limits, memory: Memory | None) -> None:
        self._work = work
        self._limits = limits
        self.memory = memory

    def looks_at(self, frame: int) -> bool:
        """Whether the detector runs in this frame."""
        return self.memory is None or frame % self._limits.detect_every == 0

    def start_detection(self, picture: np.ndarray) -> Detections:
        """Queue the detector for a frame, which may lie ahead: its squares are known already."""
        height, width = picture.shape[:2]
        windows = first_look(width, height) if self.memory is None else self.memory.windows
        threshold = self._limits.detection_score
        return [
            self._work.submit(
                Urgency.DETECTION,
                lambda nets, window=window: detect(nets.detector, picture, window, threshold),
            )
            for window in windows
        ]

    def step(
        self, frame: int, picture: np.ndarray, detections: Detections | None
    ) -> list[tuple[int, Pose]]:
        """Read everybody in one frame and remember where they are.

        Parameters
        ----------
        frame : int
            Source frame.
        picture : (H, W, 3) uint8
            RGB.
        detections : sequence of Future or None
            What `start_detection` gave for this frame, if the detector runs in it.

        Returns
        -------
        list of (int, Pose)
            Tracklet number and pose of everybody seen, by rising number.
        """
        memory = self.memory or Memory((), 0, ())
        poses = self._read(picture, [one.predicted for one in memory.followed])
        seen = {
            one.number: pose
            for one, pose in zip(memory.followed, poses, strict=True)
            if self._believes(pose, picture)
        }
        _drop_doubles(seen, {one.number: one for one in memory.followed})
        next_number = memory.next_number
        if detections is not None:
            found = merged([item for future in detections for item in future.result()])
            next_number = self._welcome(picture, found, seen, memory)
        followed = self._remember(memory, seen)
        windows = memory.windows
        if detections is not None:
            height, width = picture.shape[:2]
            turn = frame // self._limits.detect_every
            windows = tuple(next_look(width, height, [one.height for one in followed], turn))
        self.memory = Memory(followed, next_number, windows)
        return sorted(seen.items())

    def _read(self, picture: np.ndarray, crops: Sequence[Crop]) -> list[Pose]:
        futures = [
            self._work.submit(
                Urgency.BODY, lambda nets, crop=crop: read_pose(nets.body, picture, crop)
            )
            for crop in crops
        ]
        return [future.result() for future in futures]

    def _believes(self, pose: Pose, picture: np.ndarray) -> bool:
        height, width = picture.shape[:2]
        x, y = pose.hips
        margin = 0.25 * pose.crop.side
        growth = pose.next_crop.side / pose.crop.side
        return bool(
            pose.score > self._limits.person_score
            and 1 / GROWTH < growth < GROWTH
            and -margin < x < width + margin
            and -margin < y < height + margin
        )

    def _welcome(
        self,
        picture: np.ndarray,
        found: Sequence[Detection],
        seen: dict[int, Pose],
        memory: Memory,
    ) -> int:
        next_number = memory.next_number
        for pose in self._checked(picture, [
            item.crop for item in found if not any(_explains(pose, item) for pose in seen.values())
        ]):
            if any(_covers(pose, other) > COVERED for other in seen.values()):
                continue
            lost = [one for one in memory.followed if one.number not in seen and _reach(one, pose)]
            if lost:
                nearest = min(lost, key=lambda one: math.dist(one.predicted[:2], pose.hips))
                seen[nearest.number] = pose
            else:
                seen[next_number] = pose
                next_number += 1
        return next_number

    def _checked(self, picture: np.ndarray, crops: Sequence[Crop]) -> list[Pose]:
        """Read crops where people may be; keep those whose pose does not depend on the crop."""
        firsts = [
            pose for pose in self._read(picture, crops) if self._believes(pose, picture)
        ]
        poses = [
            pose
            for pose in self._read(picture, [pose.next_crop for pose in firsts])
            if self._believes(pose, picture) and _convinces(pose)
        ]
        moved = self._read(picture, [_moved(pose.next_crop) for pose in poses])
        return [
            pose
            for pose, other in zip(poses, moved, strict=True)
            if other.score > START_SCORE and _apart(pose, other) < STEADY
        ]

    def _remember(self, memory: Memory, seen: Mapping[int, Pose]) -> tuple[Followed, ...]:
        before = {one.number: one for one in memory.followed}
        kept = []
        for number in sorted({*before, *seen}):
            old, pose = before.get(number), seen.get(number)
            if pose is not None:
                kept.append(_updated(number, old, pose))
            elif old is not None and old.missed < self._limits.give_up_frames:
                kept.append(dataclasses.replace(old, missed=old.missed + 1))
        return tuple(kept)


def _updated(number: int, old: Followed | None, pose: Pose) -> Followed:
    velocity = (0.0, 0.0)
    if old is not None:
        frames = old.missed + 1
        velocity = (
            (pose.next_crop.x - old.crop.x) / frames,
            (pose.next_crop.y - old.crop.y) / frames,
        )
    tall = float(np.ptp(pose.points_px, axis=0).max())
    return Followed(number, pose.next_crop, velocity, 0, tall)


def _convinces(pose: Pose) -> bool:
    seen = pose.visibility > 0.5
    return bool(
        pose.score > START_SCORE
        and seen.sum() >= START_POINTS
        and pose.person_at(pose.points_px[seen]).mean() > START_ON_MASK
    )


def _drop_doubles(seen: dict[int, Pose], before: Mapping[int, Followed]) -> None:
    """Of two tracklets that found the same body, keep the one that expected it there."""
    for first, second in itertools.combinations(sorted(seen), 2):
        if first in seen and second in seen and _double(seen[first], seen[second]):
            surprise = {
                number: math.dist(before[number].predicted[:2], seen[number].hips)
                for number in (first, second)
            }
            slack = SLACK * seen[first].crop.side
            del seen[first if surprise[first] > surprise[second] + slack else second]


def _double(one: Pose, other: Pose) -> bool:
    return _apart(one, other) < SAME_POINTS


def _apart(one: Pose, other: Pose) -> float:
    distances = np.linalg.norm(one.points_px - other.points_px, axis=1)
    return float(np.median(distances)) / max(one.crop.side, other.crop.side)


def _moved(crop: Crop) -> Crop:
    shift = 0.05 * crop.side
    return Crop(crop.x + shift, crop.y - shift, 1.12 * crop.side, crop.angle + 0.15)


def _covers(one: Pose, other: Pose) -> float:
    shares = [
        a.person_at(points).mean() if len(points := b.mask_points()) else 0.0
        for a, b in ((one, other), (other, one))
    ]
    return max(shares)


def _explains(pose: Pose, found: Detection) -> bool:
    return math.dist(pose.hips, found.hips) < NEAR / 2 * max(pose.crop.side, found.crop.side)


def _reach(one: Followed, pose: Pose) -> bool:
    speed = math.hypot(*one.velocity)
    reach = NEAR * max(one.crop.side, pose.crop.side) + speed * one.missed
    return math.dist(one.predicted[:2], pose.hips) < reach
