"""Points of the background followed through a shot: what the camera is solved from."""

import dataclasses
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import ShapeError


@dataclasses.dataclass(frozen=True, slots=True)
class Sighting:
    """Background points in one frame.

    Attributes
    ----------
    frame : int
        Source frame.
    ids : (N,) int
        Number of each point, rising; the same point has the same number in all frames.
    points : (N, 2) float32
        Pixels of the small picture; (0, 0) is the image corner.
    """

    frame: int
    ids: np.ndarray
    points: np.ndarray

    def __post_init__(self) -> None:
        if self.points.shape != (len(self.ids), 2):
            raise ShapeError(f"Sighting: {self.points.shape} points for {len(self.ids)} numbers")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What one pass over a shot leaves.

    Attributes
    ----------
    size : (int, int)
        Width and height of the small pictures.
    still_until : int
        First frame that is not known to show the view of the shot's first frame; the frame after
        the last where the camera never moved.
    drift_px : float
        How far the background strayed while the camera counted as still, small pixels.
    bare : bool
        True where too few points could be followed to say anything.
    sightings : tuple of Sighting
        Every frame from `still_until` - 1 on in which enough points were followed.
    keyframes : tuple of int
        Positions in `sightings` of frames whose pictures lie in `pictures`.
    pictures : Path
        Folder with ``{frame:06d}.png`` and ``{frame:06d}.png.mask.png`` of each keyframe.
    """

    size: tuple[int, int]
    still_until: int
    drift_px: float
    bare: bool
    sightings: tuple[Sighting, ...]
    keyframes: tuple[int, ...]
    pictures: Path

    @property
    def key_sightings(self) -> tuple[Sighting, ...]:
        """Sightings of the keyframes, in order."""
        return tuple(self.sightings[index] for index in self.keyframes)


def shared(first: Sighting, second: Sighting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points seen in both: their numbers and where they are, ``(n,)``, ``(n, 2)``, ``(n, 2)``."""
    ids, here, there = np.intersect1d(
        first.ids, second.ids, assume_unique=True, return_indices=True
    )
    return (
        ids,
        first.points[here].astype(np.float64),
        second.points[there].astype(np.float64),
    )
