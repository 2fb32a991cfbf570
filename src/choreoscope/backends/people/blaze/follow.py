"""Following people from one frame to the next.

Everything here depends on the frames and the memory alone, never on timing.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from choreoscope.backends.people.blaze import judge
from choreoscope.backends.people.blaze.crops import Crop
from choreoscope.backends.people.blaze.detector import Detection, detect, merged
from choreoscope.backends.people.blaze.landmarks import Pose, read_pose
from choreoscope.backends.people.blaze.nets import Nets
from choreoscope.backends.people.blaze.state import Followed, Memory, moved
from choreoscope.backends.people.blaze.windows import first_look, next_look
from choreoscope.backends.people.blaze.work_queue import Urgency, WorkQueue
from choreoscope.datatypes.errors import InputError

SLACK = 0.02
"""Share of the crop by which the older of two tracklets may be the more surprised and stay."""
FULL_TRUST = 3
DOUBTFUL = 0.9
"""Somebody with full trust and a score above this is only tested when overlapping others."""
SECOND_ABOVE, SECOND_BELOW = 0.2, 0.95
"""Scores between which a second look, from where the first one pointed, is worth its time."""
RETRY_FRAMES = 12
"""Frames in which somebody lost is looked for with turned crops."""
RETRY_TURNS = (0.0, 0.5, -0.5, 1.0, -1.0)
"""Radians; a body that turns over is seen only upright in its crop. In the somersault of the demo
clip (32 frames, five runs) the man is seen in 30 to 32 with these turns, in 28 to 30 with three."""
RETRY_LIMIT = 1.6
"""Radians; a pose turned further from the expected one is a body read upside down."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How people are found and given up.

    Attributes
    ----------
    detect_every : int
        Frames between two runs of the detector. On the demo clip (230 frames, two people) 1, 5,
        10 and 30 take 240, 99, 85 and 68 ms of processor time a frame; all find both people in
        all 39 places checked by eye, but 30 sees somebody new up to a second late.
    detection_score : float
        Least probability of a detection. So low a limit is possible because every detection is
        checked by the landmark network.
    person_score : float
        Least probability of a pose that is followed; 99 of 100 true ones lie above 0.93.
    give_up_frames : int
        A tracklet ends after so many frames without its person.
    """

    detect_every: int = 5
    detection_score: float = 0.3
    person_score: float = 0.5
    give_up_frames: int = 20

    def __post_init__(self) -> None:
        for name in ("detect_every", "give_up_frames"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, got {getattr(self, name)}")
        for name in ("detection_score", "person_score"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Limits":
        """Read them from a back end's options.

        Raises
        ------
        InputError
            If an option is unknown or out of range.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in options:
            if name not in known:
                raise InputError(f"blazepose knows no option '{name}'; it has {', '.join(known)}")
        return cls(**options)


if TYPE_CHECKING:
    from concurrent.futures import Future

Detections = Sequence["Future[list[Detection]]"]


def _search(nets: Nets, picture: np.ndarray, window: Crop, threshold: float) -> list[Detection]:
    return detect(nets.detector, picture, window, threshold)


def _reading(nets: Nets, picture: np.ndarray, crop: Crop) -> Pose:
    return read_pose(nets.body, picture, crop)


class Follower:
    """Goes from frame to frame; hands the networks' work to a queue.

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
        self._memory = memory

    @property
    def memory(self) -> Memory:
        """What is known after the last step."""
        return self._memory or Memory((), 0, ())

    def looks_at(self, frame: int) -> bool:
        """Whether the detector runs in this frame."""
        return self._memory is None or frame % self._limits.detect_every == 0

    def start_detection(self, picture: np.ndarray) -> Detections:
        """Queue the detector for a frame, which may lie ahead: its squares are known already."""
        height, width = picture.shape[:2]
        windows = first_look(width, height) if self._memory is None else self._memory.windows
        threshold = self._limits.detection_score
        return [
            self._work.submit(
                Urgency.DETECTION,
                partial(_search, picture=picture, window=window, threshold=threshold),
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
        memory = self.memory
        seen = self._again(picture, memory.followed)
        for one in memory.followed:
            if one.number not in seen and one.missed < RETRY_FRAMES:
                self._retry(picture, one, seen)
        next_number = memory.next_number
        turn = frame // self._limits.detect_every
        doubts: dict[int, bool] = {}
        if detections is not None:
            doubts = self._doubts(picture, seen, 1 if turn % 2 else -1)
            found = merged([item for future in detections for item in future.result()])
            next_number = self._welcome(picture, found, seen)
        followed = self._remembered(seen, doubts)
        windows = memory.windows
        if detections is not None:
            height, width = picture.shape[:2]
            windows = tuple(next_look(width, height, [one.height for one in followed], turn))
        self._memory = Memory(followed, next_number, windows)
        return sorted(seen.items())

    def _read(self, picture: np.ndarray, crops: Sequence[Crop]) -> list[Pose]:
        futures = [
            self._work.submit(Urgency.BODY, partial(_reading, picture=picture, crop=crop))
            for crop in crops
        ]
        return [future.result() for future in futures]

    def _again(self, picture: np.ndarray, followed: Sequence[Followed]) -> dict[int, Pose]:
        poses = self._read(picture, [one.expected for one in followed])
        doubtful = [
            index for index, pose in enumerate(poses) if SECOND_ABOVE < pose.score < SECOND_BELOW
        ]
        seconds = self._read(picture, [poses[index].next_crop for index in doubtful])
        for index, second in zip(doubtful, seconds, strict=True):
            if second.score > poses[index].score:
                poses[index] = second
        seen = {
            one.number: pose
            for one, pose in zip(followed, poses, strict=True)
            if judge.plausible(
                pose,
                picture.shape,
                judge.START_SCORE if one.missed else self._limits.person_score,
            )
            and not judge.squeezed(pose, one, picture.shape)
        }
        _drop_doubles(seen, {one.number: one for one in followed})
        return seen

    def _retry(self, picture: np.ndarray, one: Followed, seen: dict[int, Pose]) -> None:
        expected = one.ahead(one.missed + 1)
        if any(pose.person_at(np.array([expected[:2]]))[0] for pose in seen.values()):
            # Hidden behind somebody else: a turned crop would only find that one.
            return
        turns = RETRY_TURNS if judge.tumbling(one) else RETRY_TURNS[:1]
        crops = [expected._replace(angle=expected.angle + turn) for turn in turns]
        fitting = [
            pose
            for pose, _ in self._checked(picture, crops, signs=(1,))
            if judge.turned(pose.next_crop.angle, expected.angle) < RETRY_LIMIT
            and judge.within_reach(one, pose)
            and not judge.squeezed(pose, one, picture.shape)
            and not any(judge.covered(pose, other) for other in seen.values())
        ]
        if fitting:
            seen[one.number] = fitting[0]

    def _doubts(self, picture: np.ndarray, seen: Mapping[int, Pose], sign: int) -> dict[int, bool]:
        """Test those who are new, overlap others or look poor; True where a pose holds."""
        tested = [
            one.number
            for one in self.memory.followed
            if one.number in seen
            and (
                one.trust < FULL_TRUST
                or seen[one.number].score < DOUBTFUL
                or any(
                    judge.covered(seen[one.number], pose)
                    for number, pose in seen.items()
                    if number != one.number
                )
            )
        ]
        crops = [judge.disturbed(seen[number].next_crop, sign) for number in tested]
        return {
            number: judge.unsteadiness(seen[number], [pose]) < judge.START_STEADY
            for number, pose in zip(tested, self._read(picture, crops), strict=True)
        }

    def _welcome(
        self, picture: np.ndarray, found: Sequence[Detection], seen: dict[int, Pose]
    ) -> int:
        memory = self.memory
        next_number = memory.next_number
        new = [
            item.crop
            for item in found
            if not any(judge.explained(item, pose) for pose in seen.values())
        ]
        for pose, unsteadiness in self._checked(picture, new):
            if any(judge.covered(pose, other) for other in seen.values()):
                continue
            lost = [
                one
                for one in memory.followed
                if one.number not in seen and judge.within_reach(one, pose)
            ]
            if lost:
                nearest = min(lost, key=lambda one: math.dist(one.expected[:2], pose.hips))
                seen[nearest.number] = pose
            elif judge.steady_enough(pose, unsteadiness):
                seen[next_number] = pose
                next_number += 1
        return next_number

    def _checked(
        self, picture: np.ndarray, crops: Sequence[Crop], signs: tuple[int, ...] = (1, -1)
    ) -> list[tuple[Pose, float]]:
        """Read crops where people may be; keep poses that hold, the steadiest first."""
        least = self._limits.person_score
        firsts = [
            pose
            for pose in self._read(picture, crops)
            if judge.plausible(pose, picture.shape, least)
        ]
        poses = [
            pose
            for pose in self._read(picture, [pose.next_crop for pose in firsts])
            if judge.plausible(pose, picture.shape, least) and judge.convincing(pose, picture.shape)
        ]
        others = self._read(
            picture, [judge.disturbed(pose.next_crop, sign) for pose in poses for sign in signs]
        )
        held = [
            (pose, judge.unsteadiness(pose, others[len(signs) * index : len(signs) * (index + 1)]))
            for index, pose in enumerate(poses)
        ]
        return sorted((item for item in held if item[1] < judge.STEADY), key=lambda item: item[1])

    def _remembered(
        self, seen: Mapping[int, Pose], tests: Mapping[int, bool]
    ) -> tuple[Followed, ...]:
        before = {one.number: one for one in self.memory.followed}
        kept = []
        for number in sorted({*before, *seen}):
            old, pose = before.get(number), seen.get(number)
            if pose is not None:
                height = float(np.ptp(pose.points_px, axis=0).max())
                now = moved(number, old, pose.next_crop, height, pose.pixels_per_metre)
                if number in tests:
                    trust = min(now.trust + (1 if tests[number] else -1), FULL_TRUST)
                    now = dataclasses.replace(now, trust=trust)
                if now.trust >= 0:
                    kept.append(now)
            elif old is not None and old.missed < self._limits.give_up_frames:
                kept.append(dataclasses.replace(old, missed=old.missed + 1))
        return tuple(kept)


def _drop_doubles(seen: dict[int, Pose], before: Mapping[int, Followed]) -> None:
    """Of two tracklets that found the same body, keep the one that expected it there.

    A new tracklet gives way to one that is sure; of equals the older stays.
    """
    for first, second in itertools.combinations(sorted(seen), 2):
        if first not in seen or second not in seen:
            continue
        if judge.apart(seen[first], seen[second]) < judge.SAME_POINTS:
            del seen[_worse(before[first], before[second], seen)]


def _worse(older: Followed, newer: Followed, seen: Mapping[int, Pose]) -> int:
    sure = [one.trust == FULL_TRUST for one in (older, newer)]
    if sure[0] != sure[1]:
        return newer.number if sure[0] else older.number
    surprise = [
        math.dist(one.ahead(one.missed + 1)[:2], seen[one.number].hips) for one in (older, newer)
    ]
    slack = SLACK * seen[older.number].crop.side
    return older.number if surprise[0] > surprise[1] + slack else newer.number
