"""How the background of small pictures moves, and whether two of them show the same place."""

import dataclasses
import functools

import numpy as np

from choreoscope.datatypes.frames import FrameRange

_STEP_S = 0.2
"""Pictures are compared over about this long, so that slow movement rises above the noise."""
_BORDER = 0.2
"""People rarely cover the outer fifth of the picture, so it votes first."""
_FEWEST_POINTS = 12
_ROUND_TRIP_PX = 0.3


@dataclasses.dataclass(frozen=True, slots=True)
class _Grey:
    frame: int
    seconds: float
    picture: np.ndarray


class BackgroundMotion:
    """Speed of the background between pictures about a fifth of a second apart.

    Corners are followed by pyramidal Lucas-Kanade there and back (Bouguet 2001; the round trip is
    Kalal 2010), those whose trip does not end where it began are dropped, and one similarity
    transform is fitted by RANSAC to those near the border, or to all where the border is bare.
    """

    def __init__(self) -> None:
        self._last: _Grey | None = None
        self._spans: list[tuple[int, int, float]] = []

    def add(self, frame: int, seconds: float, small: np.ndarray) -> None:
        """Take the next picture, ``(h, w, 3)`` uint8 RGB; most calls only look at the clock."""
        import cv2

        if self._last is not None and seconds - self._last.seconds < _STEP_S:
            return
        now = _Grey(frame, seconds, cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        if self._last is not None:
            shift = background_shift(self._last.picture, now.picture)
            if shift is not None:
                span = seconds - self._last.seconds
                self._spans.append((self._last.frame, frame, shift / small.shape[1] / span))
        self._last = now

    def speeds(self, frames: FrameRange) -> np.ndarray:
        """Speeds inside a shot, ``(n,)`` float, picture widths per second."""
        inside = [
            speed
            for first, last, speed in self._spans
            if frames.start <= first and last < frames.stop
        ]
        return np.array(inside, dtype=np.float64)


def background_shift(first: np.ndarray, second: np.ndarray) -> float | None:
    """How far the background moves from one picture to another.

    Parameters
    ----------
    first, second : (h, w) uint8
        Grey pictures of the same size.

    Returns
    -------
    float or None
        Mean length in pixels over the picture of the best similarity transform; None where too
        few points can be followed.
    """
    import cv2

    points, moved = _followed(first, second)
    height, width = first.shape
    margin = _BORDER * np.array([width, height])
    at_border = np.any((points < margin) | (points > (width, height) - margin), axis=1)
    if at_border.sum() >= _FEWEST_POINTS:
        points, moved = points[at_border], moved[at_border]
    if len(points) < _FEWEST_POINTS:
        return None
    transform, inlier = cv2.estimateAffinePartial2D(
        points, moved, method=cv2.RANSAC, ransacReprojThreshold=0.5
    )
    if transform is None or inlier.sum() < _FEWEST_POINTS // 2:
        return None
    grid = np.stack(np.meshgrid(np.linspace(0, width, 5), np.linspace(0, height, 5)), axis=-1)
    travel = grid @ transform[:, :2].T + transform[:, 2] - grid
    return float(np.linalg.norm(travel, axis=-1).mean())


def _followed(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    corners = cv2.goodFeaturesToTrack(first, maxCorners=160, qualityLevel=0.01, minDistance=7)
    if corners is None:
        return np.zeros((0, 2), dtype=np.float32), np.zeros((0, 2), dtype=np.float32)
    follow = functools.partial(cv2.calcOpticalFlowPyrLK, winSize=(15, 15), maxLevel=3)
    moved, found, _ = follow(first, second, corners, None)
    back, found_back, _ = follow(second, first, moved, None)
    trip = np.linalg.norm((back - corners)[:, 0], axis=1)
    good = (found[:, 0] == 1) & (found_back[:, 0] == 1) & (trip < _ROUND_TRIP_PX)
    return corners[good, 0], moved[good, 0]


def same_place(first: np.ndarray, second: np.ndarray) -> float:
    """Share of the textured blocks of one picture that are found again in another.

    Normalised cross-correlation, so brightness and contrast of a block do not matter. Blocks are
    looked for within an eighth of the picture, and have to have moved together.

    Parameters
    ----------
    first, second : (h, w, 3) uint8
        RGB pictures of the same size.

    Returns
    -------
    float
        0 to 1; 1 where nothing has texture in either (nothing tells them apart), 0 where only one
        has.
    """
    import cv2

    one, two = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, second))
    height, width = one.shape
    block = max(12, min(height, width) // 7)
    reach = max(height, width) // 8
    padded = cv2.copyMakeBorder(two, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    scores: list[float] = []
    travels: list[tuple[int, int]] = []
    for top in range(0, height - block + 1, block):
        for left in range(0, width - block + 1, block):
            patch = one[top : top + block, left : left + block]
            if float(patch.std()) < _FLAT:
                continue
            area = padded[top : top + block + 2 * reach, left : left + block + 2 * reach]
            _, score, _, travel = cv2.minMaxLoc(
                cv2.matchTemplate(area, patch, cv2.TM_CCOEFF_NORMED)
            )
            scores.append(score)
            travels.append((travel[0], travel[1]))
    if len(scores) < _FEWEST_BLOCKS:
        return float(float(two.std()) < _FLAT)
    alike = np.array(scores) > _ALIKE
    if not alike.any():
        return 0.0
    offsets = np.array(travels, dtype=np.float64)
    apart = np.abs(offsets - np.median(offsets[alike], axis=0)).max(axis=1)
    return float(np.mean(alike & (apart <= _TOGETHER * reach)))


_FLAT = 4.0
"""Standard deviation in grey levels (0-255) below which a block has no texture to recognise."""
_ALIKE = 0.7
_TOGETHER = 0.2
_FEWEST_BLOCKS = 4
