"""Pairs of keyframes with the points they share: what the turns of the camera are solved from."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from choreoscope.capture.camera.tracks import Background, Sighting, shared
from choreoscope.datatypes.camera import Lens
from choreoscope.geometry.projection import normalised_from_pixels

FEWEST_SHARED = 12
_MOST_POINTS = 120
_FARTHEST = 12
_ENOUGH = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """Points seen in two keyframes.

    Attributes
    ----------
    first, second : int
        Numbers of the keyframes, first < second.
    here, there : (n, 2) float
        Straightened pixels, see `Straight`.
    """

    first: int
    second: int
    here: np.ndarray
    there: np.ndarray


class Straight:
    """Small pictures without distortion, pixel shape and centre.

    Straightened pixels have their origin on the lens's axis and are those of a pinhole of focal
    length `focal`, the lens's own at the small size. All the solving is done in them, and a
    factor on `focal` is what is left to find of a lens that is not given.

    Parameters
    ----------
    lens : Lens
        Of the film.
    size : (int, int)
        Of the small pictures.
    """

    def __init__(self, lens: Lens, size: tuple[int, int]) -> None:
        self.lens = lens
        self.size = size
        self._scale = np.array([lens.width, lens.height]) / np.array(size)
        self.focal = float(lens.fx / self._scale[0])

    def points(self, sighting: Sighting) -> np.ndarray:
        """Straightened pixels of a sighting, ``(n, 2)``."""
        return self.of(sighting.points)

    def of(self, small: np.ndarray) -> np.ndarray:
        """Straightened pixels of pixels of the small picture, ``(n, 2)``."""
        film = small.astype(np.float64) * self._scale
        return normalised_from_pixels(film, self.lens) * self.focal

    def straightened(self, sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
        """Give the same sightings in straightened pixels (float64)."""
        return tuple(Sighting(one.frame, one.ids, self.points(one)) for one in sightings)


def links_of(keys: Sequence[Sighting], *, most_points: int = _MOST_POINTS) -> list[Link]:
    """Link each keyframe with the next one, and with later ones at growing distance.

    Parameters
    ----------
    keys : sequence of Sighting
        Keyframes in order, straightened.
    """
    found = []
    for first in range(len(keys)):
        for step in (1, 2, 3, 5, 8, _FARTHEST):
            second = first + step
            if second >= len(keys):
                break
            _, here, there = shared(keys[first], keys[second])
            if len(here) < (FEWEST_SHARED if step == 1 else _ENOUGH):
                break
            kept = np.linspace(0, len(here) - 1, min(len(here), most_points)).astype(int)
            found.append(Link(first, second, here[kept], there[kept]))
    return found


def far_pairs(keys: Sequence[Sighting]) -> list[tuple[int, int]]:
    """For each keyframe the farthest later one that still shares plenty of points."""
    pairs = []
    for first in range(len(keys)):
        best = -1
        for second in range(first + 1, len(keys)):
            count = len(np.intersect1d(keys[first].ids, keys[second].ids, assume_unique=True))
            if count < _ENOUGH:
                break
            best = second
        if best > 0:
            pairs.append((first, best))
    return pairs


def pieces(count: int, links: Sequence[Link]) -> np.ndarray:
    """Tell which connected piece each keyframe belongs to, ``(count,)`` int; from 0 in time."""
    piece = np.arange(count)
    for link in links:
        one, two = piece[link.first], piece[link.second]
        if one != two:
            piece[piece == max(one, two)] = min(one, two)
    return np.unique(piece, return_inverse=True)[1]


def bridged(
    background: Background, straight: Straight, keys: Sequence[Sighting], links: list[Link]
) -> list[Link]:
    """Look for links between neighbours that share no followed points, by descriptors.

    The view was lost between them: nobody but people in it, a blur.
    """
    piece = pieces(len(keys), links)
    wanted = [
        (index, index + 1) for index in range(len(keys) - 1) if piece[index] != piece[index + 1]
    ]
    found = list(links)
    for first, second in wanted:
        link = matched(background, straight, (keys[first], keys[second]), (first, second))
        if link is not None:
            found.append(link)
    return found


def loops(
    background: Background, straight: Straight, keys: Sequence[Sighting], turns: np.ndarray
) -> list[Link]:
    """Link views that come back after a while, so that a pan there and back does not drift.

    Parameters
    ----------
    turns : (K, 3, 3) float
        Camera from world as far as it is known; tells which views are alike.
    """
    reach = _ALIKE * straight.size[0] / straight.focal
    views = turns[:, 2]
    found: list[Link] = []
    last = -_LOOP_KEYFRAMES
    for second in range(_LOOP_KEYFRAMES, len(keys)):
        apart = np.linalg.norm(views[: second - _LOOP_KEYFRAMES + 1] - views[second], axis=1)
        first = int(np.argmin(apart))
        known = len(np.intersect1d(keys[first].ids, keys[second].ids, assume_unique=True))
        if apart[first] > reach or known >= FEWEST_SHARED or second - last < _LOOP_EVERY:
            continue
        link = matched(background, straight, (keys[first], keys[second]), (first, second))
        last = second
        if link is not None:
            found.append(link)
        if len(found) == _MOST_LOOPS:
            break
    return found


_ALIKE = 0.2
"""Share of the picture's width by which views may differ that are taken for the same."""
_LOOP_KEYFRAMES, _LOOP_EVERY, _MOST_LOOPS = 10, 4, 12


def matched(
    background: Background,
    straight: Straight,
    pair: tuple[Sighting, Sighting],
    numbers: tuple[int, int],
) -> Link | None:
    """Match two keyframes by SIFT (Lowe 2004) with his ratio test and one homography (MAGSAC).

    The homography only throws out wrong matches: it is wide enough (3 px) for near things.
    """
    import cv2

    from choreoscope.capture.camera.tracking import mask_path, picture_path

    sift = cv2.SIFT.create(nfeatures=_SIFT_POINTS)
    points, words = [], []
    for sighting in pair:
        grey = cv2.imread(str(picture_path(background.pictures, sighting.frame)), 0)
        free = cv2.imread(str(mask_path(background.pictures, sighting.frame)), 0)
        if grey is None or free is None:
            return None
        spots, described = sift.detectAndCompute(grey, free)
        if described is None or len(spots) < FEWEST_SHARED:
            return None
        points.append(np.array([spot.pt for spot in spots]) + 0.5)
        words.append(described)
    both = cv2.BFMatcher().knnMatch(words[0], words[1], k=2)
    pairs = [
        (one.queryIdx, one.trainIdx)
        for one, other in (match for match in both if len(match) > 1)
        if one.distance < _RATIO * other.distance
    ]
    if len(pairs) < FEWEST_SHARED:
        return None
    here, there = (points[side][[match[side] for match in pairs]] for side in (0, 1))
    _, inlier = cv2.findHomography(here, there, cv2.USAC_MAGSAC, 3.0)
    good = inlier is not None and inlier[:, 0] == 1
    if np.sum(good) < FEWEST_SHARED:
        return None
    return Link(*numbers, straight.of(here[good]), straight.of(there[good]))


_SIFT_POINTS = 800
_RATIO = 0.75
