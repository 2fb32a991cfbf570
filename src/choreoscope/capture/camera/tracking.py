"""Follow the background away from people, cheaply while the camera stands still.

While nothing moves only a few pictures a second are compared with the first one. From the first
picture that does not fit, every frame is followed: corners of the last keyframe by pyramidal
Lucas-Kanade (Bouguet 2001) there and back (Kalal 2010), always against the keyframe's own
picture, so that places drift only from keyframe to keyframe.
"""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from choreoscope.capture.camera.tracks import Background, Sighting

LARGEST_SIDE = 960
STILL_PX = 0.5
"""Median distance in small pixels the background may stray from the first picture of a still."""
_PROBE_S = 0.2
_PROBE_CORNERS, _CORNERS = 200, 400
FEWEST = 12
_FEW = 30
_ROUND_TRIP_PX = 0.4
_KEYFRAME_SHIFT = 0.04
_KEYFRAME_SHARE = 0.6
_KEYFRAME_S = 0.7
_KEYFRAME_SWELL = 0.05
"""Growth (logarithm) or roll (radians); patches are compared unscaled and upright."""
_LOST_S, _FLASH_S = 0.4, 0.5
_WINDOW, _LEVELS = 21, 3
_KEPT = 250
"""Points kept of a frame that is no keyframe; more would not make its pose better."""


class BackgroundTracker:
    """Fed with every decoded frame in order; keeps a fifth of a second of pictures.

    Parameters
    ----------
    background : callable
        ``background(frame)`` gives 255 where nobody is, ``(h, w)`` uint8.
    pictures : Path
        Folder the keyframes' pictures are written to.
    """

    def __init__(self, background: Callable[[int], np.ndarray], pictures: Path) -> None:
        self._background = background
        self._pictures = pictures
        self._anchor: tuple[np.ndarray, np.ndarray] | None = None
        self._waiting: list[tuple[int, float, np.ndarray]] = []
        self._last_still: tuple[int, float, np.ndarray] | None = None
        self._moving: _Follower | None = None
        self._drift, self._probes, self._blind = 0.0, 0, 0
        self._size = (0, 0)
        self._newest = -1

    def add(self, frame: int, seconds: float, grey: np.ndarray) -> None:
        """Take the next decoded frame, ``(h, w)`` uint8 at most `LARGEST_SIDE` wide and high."""
        self._size = (grey.shape[1], grey.shape[0])
        self._newest = frame
        if self._moving is not None:
            self._moving.add(frame, seconds, grey)
            return
        if self._last_still is None:
            self._last_still = (frame, seconds, grey)
            self._set_anchor(frame, grey)
            return
        self._waiting.append((frame, seconds, grey))
        if seconds - self._last_still[1] >= _PROBE_S:
            self._probe()

    def finish(self) -> Background:
        """Look at what is left and hand everything over."""
        if self._waiting:
            self._probe(at_end=True)
        following = self._moving
        still = self._last_still[0] + 1 if self._last_still else 0
        return Background(
            size=self._size,
            still_until=still if following else self._newest + 1,
            drift_px=self._drift,
            bare=following is None and self._blind >= max(1, self._probes),
            sightings=tuple(following.sightings) if following else (),
            keyframes=tuple(following.keyframes) if following else (),
            pictures=self._pictures,
        )

    def _set_anchor(self, frame: int, grey: np.ndarray) -> None:
        corners = _corners(grey, self._background(frame), _PROBE_CORNERS)
        self._anchor = (grey, corners)

    def _probe(self, *, at_end: bool = False) -> None:
        """Compare the newest picture with the anchor; leave stillness if it does not fit."""
        frame, seconds, grey = self._waiting[-1]
        shift, gone = self._shift(frame, grey)
        if shift is None and self._last_still is not None:
            # What the anchor showed is covered now: begin anew from the last one that fitted.
            self._set_anchor(self._last_still[0], self._last_still[2])
            shift, gone = self._shift(frame, grey)
        if gone and self._last_still is not None and not at_end:
            # A flash passes; a view that stays away has moved.
            gone = seconds - self._last_still[1] > _FLASH_S
            if not gone:
                return
        self._probes += 1
        if gone or (shift is not None and shift > STILL_PX):
            self._leave_stillness()
            return
        self._blind += shift is None
        self._drift = max(self._drift, shift or 0.0)
        self._last_still = self._waiting[-1]
        self._waiting = []

    def _leave_stillness(self) -> None:
        """Follow every frame from the last one that fitted."""
        self._moving = _Follower(self._background, self._pictures)
        for waiting in (self._last_still, *self._waiting):
            if waiting is not None:
                self._moving.add(*waiting)
        self._waiting = []

    def _shift(self, frame: int, grey: np.ndarray) -> tuple[float | None, bool]:
        """How far the view is from the anchor's, and whether it is gone though nobody hides it."""
        if self._anchor is None or len(self._anchor[1]) < FEWEST:
            return None, False
        before, corners = self._anchor
        free = self._background(frame)
        moved, good = _follow(before, grey, corners, corners)
        good &= _inside(moved, free)
        if good.sum() < FEWEST:
            return None, bool(_inside(corners, free).sum() >= _FEW)
        return float(np.median(np.linalg.norm(moved[good] - corners[good], axis=1))), False


class _Follower:
    """Follows points through every frame of a moving camera."""

    def __init__(self, background: Callable[[int], np.ndarray], pictures: Path) -> None:
        self._background = background
        self._pictures = pictures
        self.sightings: list[Sighting] = []
        self.keyframes: list[int] = []
        self._key = np.zeros((0, 0), dtype=np.uint8)
        self._ids = np.zeros(0, dtype=np.int64)
        self._at_key = np.zeros((0, 2), dtype=np.float32)
        self._now = np.zeros((0, 2), dtype=np.float32)
        self._speed = np.zeros(2, dtype=np.float32)
        self._next_id = 0
        self._begun = 0
        self._key_seconds = self._seen_seconds = 0.0

    def add(self, frame: int, seconds: float, grey: np.ndarray) -> None:
        free = self._background(frame)
        if not len(self._ids):
            self._new_keyframe(frame, seconds, grey, free)
            return
        moved, good = _follow(self._key, grey, self._at_key, self._now + self._speed)
        good &= _inside(moved, free)
        if good.sum() < FEWEST:
            if seconds - self._seen_seconds > _LOST_S:
                self._forget()
                self._new_keyframe(frame, seconds, grey, free)
            return
        self._speed = np.median(moved[good] - self._now[good], axis=0)
        self._keep(moved, good)
        self._seen_seconds = seconds
        if self._wants_keyframe(seconds, grey.shape[1]):
            self._new_keyframe(frame, seconds, grey, free)
        else:
            kept = slice(None, None, max(1, len(self._ids) // _KEPT))
            self.sightings.append(Sighting(frame, self._ids[kept], _pixels(self._now[kept])))

    def _wants_keyframe(self, seconds: float, width: int) -> bool:
        shift = float(np.median(np.linalg.norm(self._now - self._at_key, axis=1)))
        return (
            shift > _KEYFRAME_SHIFT * width
            or len(self._ids) < _KEYFRAME_SHARE * self._begun
            or _swollen(self._at_key, self._now) > _KEYFRAME_SWELL
            or (seconds - self._key_seconds > _KEYFRAME_S and shift > STILL_PX)
        )

    def _keep(self, moved: np.ndarray, good: np.ndarray) -> None:
        self._ids, self._at_key, self._now = self._ids[good], self._at_key[good], moved[good]

    def _forget(self) -> None:
        self._ids = self._ids[:0]
        self._at_key = self._now = self._now[:0]
        self._speed = np.zeros(2, dtype=np.float32)

    def _new_keyframe(self, frame: int, seconds: float, grey: np.ndarray, free: np.ndarray) -> None:
        """Keep a picture, the points still seen in it, and new ones where there are none."""
        import cv2

        taken = free.copy()
        for x, y in self._now.round().astype(int).tolist():
            cv2.circle(taken, (x, y), _spacing(grey), 0, -1)
        fresh = _corners(grey, taken, max(0, _CORNERS - len(self._ids)))
        numbers = np.arange(self._next_id, self._next_id + len(fresh), dtype=np.int64)
        if len(self._ids) + len(fresh) < FEWEST and self.keyframes:
            # Nothing to go on from; the next picture may show more.
            self._forget()
            return
        self._next_id += len(fresh)
        self._ids = np.concatenate([self._ids, numbers])
        self._now = np.concatenate([self._now, fresh])
        self._at_key, self._key = self._now, grey
        self._begun, self._key_seconds, self._seen_seconds = len(self._ids), seconds, seconds
        self.keyframes.append(len(self.sightings))
        self.sightings.append(Sighting(frame, self._ids, _pixels(self._now)))
        cv2.imwrite(str(picture_path(self._pictures, frame)), grey)
        cv2.imwrite(str(mask_path(self._pictures, frame)), free)


def picture_path(folder: Path, frame: int) -> Path:
    """Where a keyframe's picture lies."""
    return folder / f"{frame:06d}.png"


def mask_path(folder: Path, frame: int) -> Path:
    """Where the mask of a keyframe lies: 0 on people."""
    return folder / "masks" / f"{frame:06d}.png.png"


def small_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the pictures the camera is solved from."""
    scale = min(1.0, LARGEST_SIDE / max(width, height))
    return max(16, round(width * scale)), max(16, round(height * scale))


def _pixels(points: np.ndarray) -> np.ndarray:
    # OpenCV counts from the middle of the first pixel.
    return np.asarray(points + np.float32(0.5), dtype=np.float32)


def _spacing(grey: np.ndarray) -> int:
    return int(max(4, round(grey.shape[1] / 80)))


def _corners(grey: np.ndarray, free: np.ndarray, count: int) -> np.ndarray:
    """Strong corners of the free part, ``(n, 2)`` float32, OpenCV's pixels."""
    import cv2

    if not count:
        return np.zeros((0, 2), dtype=np.float32)
    found = cv2.goodFeaturesToTrack(
        grey, maxCorners=count, qualityLevel=0.005, minDistance=_spacing(grey), mask=free
    )
    if found is None:
        return np.zeros((0, 2), dtype=np.float32)
    return np.asarray(found[:, 0], dtype=np.float32)


def _follow(
    before: np.ndarray, after: np.ndarray, points: np.ndarray, guess: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where points have gone, ``(n, 2)`` float32, and which of them came back on the way back."""
    import cv2

    if not len(points):
        return points, np.zeros(0, dtype=bool)
    follow = functools.partial(
        cv2.calcOpticalFlowPyrLK,
        winSize=(_WINDOW, _WINDOW),
        maxLevel=_LEVELS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.02),
    )
    start = np.ascontiguousarray(points[:, None], dtype=np.float32)
    there = np.ascontiguousarray(guess[:, None], dtype=np.float32).copy()
    moved, found, _ = follow(before, after, start, there)
    # The way back must not begin at the answer, or every trip would end there.
    home = moved - np.median(moved - start, axis=0, keepdims=True)
    back, found_back, _ = follow(after, before, moved, home)
    trip = np.linalg.norm((back - start)[:, 0], axis=1)
    good = (found[:, 0] == 1) & (found_back[:, 0] == 1) & (trip < _ROUND_TRIP_PX)
    return moved[:, 0], good


def _swollen(before: np.ndarray, after: np.ndarray) -> float:
    """How much a cloud of points has grown or rolled, as the length of a complex logarithm."""
    one, two = (
        (points - points.mean(axis=0)).astype(np.float64) @ np.array([1.0, 1.0j])
        for points in (before, after)
    )
    ratio = np.vdot(one, two) / max(float(np.vdot(one, one).real), 1e-9)
    return float(abs(np.log(ratio))) if ratio else 0.0


def _inside(points: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Which points lie in the picture and on nobody, ``(n,)`` bool."""
    height, width = free.shape
    with np.errstate(invalid="ignore"):
        cells = np.nan_to_num(points, nan=-1.0, posinf=-1.0, neginf=-1.0).round().astype(int)
    inside = np.all((cells >= 0) & (cells < (width, height)), axis=1)
    cells = np.clip(cells, 0, (width - 1, height - 1))
    return np.asarray(inside & (free[cells[:, 1], cells[:, 0]] > 0))
