"""Points of the still background in metres, where the solved camera travels.

The background is followed away from people as for the camera's own solve, and triangulated with
the solved cameras, whose metres come from the performers' heights: ratios of depths are exact, and
the scale is that of the solve.
"""

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from choreoscope.capture.camera.links import Straight
from choreoscope.capture.camera.people_masks import PeopleMasks
from choreoscope.capture.camera.tracking import BackgroundTracker, small_size
from choreoscope.capture.camera.tracks import Background, Sighting
from choreoscope.capture.camera.travelling import triangulated
from choreoscope.capture.depth.contacts import seen_from
from choreoscope.capture.depth.evidence import DepthEvidence, joined
from choreoscope.capture.passes.interfaces import ShotContext
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.people import MaskTrack, Track
from choreoscope.datatypes.video import Video
from choreoscope.geometry.projection import normalised_from_pixels
from choreoscope.rendering.scene import view_of

LEAST_TRAVEL_M = 0.05
"""A camera whose places lie within this has stood still, as far as depth is concerned."""
FEWEST_POINTS = 30
_VIEWS = 60
_ERROR_PX = 0.35
"""How well a point is followed, small pixels."""
_BEST, _WORST = 0.015, 0.15
_SAMPLES = 60
_NEARER_THAN_ALL = 1e-6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScenePoints:
    """The still background.

    Attributes
    ----------
    points : (P, 3) float
        World, metres.
    sigma : (P,) float
        Of their depth, share.
    seen : dict
        Source frame to places ``(n,)`` in `points` and film pixels ``(n, 2)``.
    """

    points: np.ndarray
    sigma: np.ndarray
    seen: Mapping[int, tuple[np.ndarray, np.ndarray]]


def travels(camera: CameraTrack) -> bool:
    """Whether the camera changes its place enough to see depth."""
    matrices = camera.camera_from_world
    centres = -np.einsum("tji,tj->ti", matrices[:, :3, :3], matrices[:, :3, 3])
    return bool(np.linalg.norm(np.ptp(centres, axis=0)) > LEAST_TRAVEL_M)


def find_scene_points(
    video: Video,
    shot: ShotContext,
    *,
    threads: int = 1,
    tell: Callable[[int, int], None] | None = None,
) -> ScenePoints:
    """Follow the background of a shot through the film and place it.

    Parameters
    ----------
    video : Video
        The film; every frame of the shot is decoded once, small.
    shot : ShotContext
        With its solved camera, metric.
    threads : int
        Of the decoder.
    tell : callable or None
        Called with frames done and frames in all.

    Raises
    ------
    InputError
        If the camera is not known, stands still or has no scale, or too little is seen.
    """
    from choreoscope.formats.video_reader import FilmReader

    size = small_size(video.width, video.height)
    with FilmReader(video, threads=threads, size=size) as reader:
        return points_of_pictures(
            reader.frames(shot.frames), video.times(shot.frames), shot, size, tell
        )


def points_of_pictures(
    pictures: Iterable[tuple[int, np.ndarray]],
    seconds: np.ndarray,
    shot: ShotContext,
    size: tuple[int, int],
    tell: Callable[[int, int], None] | None = None,
) -> ScenePoints:
    """Do the same with pictures at hand.

    Parameters
    ----------
    pictures : iterable of (int, (h, w, 3) uint8)
        Source frame and small picture, in order.
    seconds : (T,) float
        Of all frames of the shot.
    size : (int, int)
        Width and height of the pictures.
    """
    import cv2

    camera = _travelling(shot)
    people = _people(shot, size)
    with tempfile.TemporaryDirectory(prefix="choreoscope-depth-") as name:
        (Path(name) / "masks").mkdir()
        tracker = BackgroundTracker(people.background, Path(name))
        for frame, picture in pictures:
            row = frame - shot.frames.start
            tracker.add(frame, float(seconds[row]), cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
            if tell is not None:
                tell(row + 1, len(shot.frames))
        background = tracker.finish()
    return placed(background, camera, shot)


def structure_evidence(
    scene: ScenePoints, shot: ShotContext, frames: Iterable[int]
) -> DepthEvidence:
    """Sample points of the background where they were seen."""
    parts = []
    for frame in frames:
        if shot.camera is None or frame not in scene.seen:
            continue
        places, pixels = scene.seen[frame]
        kept = np.unique(np.linspace(0, len(places) - 1, min(len(places), _SAMPLES)).astype(int))
        places, pixels = places[kept], pixels[kept]
        _, depth = seen_from(shot.camera, frame - shot.frames.start, scene.points[places])
        number = np.full(len(places), frame)
        parts.append(DepthEvidence.of("structure", number, pixels, depth, scene.sigma[places]))
    return joined(parts)


def _travelling(shot: ShotContext) -> CameraTrack:
    if shot.camera is None:
        raise InputError(
            "depth from structure needs the solved camera, and this recipe solves none; "
            "choose a recipe with a solve, or another depth back end"
        )
    if not travels(shot.camera):
        raise InputError(
            "depth from structure needs a camera that travels, and this one stays in its place; "
            "choose another depth back end for this shot"
        )
    if not shot.camera.metric:
        raise InputError(
            "depth from structure needs a camera path in metres, and this one's scale is unknown; "
            "give a performer's height"
        )
    return shot.camera


def _people(shot: ShotContext, size: tuple[int, int]) -> PeopleMasks:
    masks, tracks = {}, []
    for name, one in sorted(shot.performers.items()):
        frames = np.array(sorted(one.masks), dtype=np.int64)
        masks[name] = MaskTrack(frames=frames, masks=tuple(one.masks[int(at)] for at in frames))
        boxed = np.array(sorted(one.boxes_xyxy), dtype=np.int64)
        boxes = np.array([one.boxes_xyxy[int(at)] for at in boxed], dtype=np.float64)
        tracks.append(
            Track(
                person=name,
                frames=boxed,
                boxes_xyxy=boxes.reshape(-1, 4),
                score=np.ones(len(boxed)),
            )
        )
    return PeopleMasks.of(size, shot.size, masks, tracks)


class _OwnLens(Straight):
    """Straightens the sightings of every frame by that frame's own lens: a zoom may travel."""

    def __init__(self, shot: ShotContext, camera: CameraTrack, size: tuple[int, int]) -> None:
        super().__init__(view_of(camera, 0).lens, size)
        self._camera, self._start = camera, shot.frames.start

    def points(self, sighting: Sighting) -> np.ndarray:
        lens = view_of(self._camera, sighting.frame - self._start).lens
        film = sighting.points.astype(np.float64) * self._scale
        return normalised_from_pixels(film, lens) * self.focal


def placed(background: Background, camera: CameraTrack, shot: ShotContext) -> ScenePoints:
    """Triangulate a followed background with solved cameras.

    Parameters
    ----------
    background : Background
        Points in small pictures, whoever followed them.
    camera : CameraTrack
        One row per frame of the shot, metres.

    Raises
    ------
    InputError
        If too few points could be placed.
    """
    straight = _OwnLens(shot, camera, background.size)
    sightings = background.sightings
    count = min(_VIEWS, len(sightings))
    chosen = np.unique(np.linspace(0, max(len(sightings) - 1, 0), count).astype(int))
    # Keyframes hold more points than the frames between them.
    views = [sightings[at] for at in sorted({*chosen.tolist(), *background.keyframes})]
    rows = [view.frame - shot.frames.start for view in views]
    scene = triangulated(straight, views, list(camera.camera_from_world[rows]))
    sigma = _sigma(straight, views, camera.camera_from_world[rows], scene.ids, scene.points)
    good = sigma < _WORST
    if good.sum() < FEWEST_POINTS:
        raise InputError(
            f"depth from structure: only {int(good.sum())} points of the background could be "
            f"placed, {FEWEST_POINTS} are needed; the camera hardly travels, or the background "
            "is bare; choose another depth back end for this shot"
        )
    ids, points = scene.ids[good], scene.points[good]
    film = np.array(shot.size) / np.array(background.size)
    seen = {}
    for one in sightings:
        where = np.minimum(np.searchsorted(ids, one.ids), len(ids) - 1)
        known = ids[where] == one.ids
        if known.any():
            seen[one.frame] = (where[known], one.points[known].astype(np.float64) * film)
    return ScenePoints(points=points, sigma=np.maximum(sigma[good], _BEST), seen=seen)


def _sigma(
    straight: Straight,
    views: list[Sighting],
    matrices: np.ndarray,
    ids: np.ndarray,
    points: np.ndarray,
) -> np.ndarray:
    """Relative error of each point's depth: of a direction, over the spread of directions."""
    total, views_of = np.zeros((len(ids), 3)), np.zeros(len(ids))
    for view, matrix in zip(views, matrices, strict=True):
        centre = -matrix[:3, :3].T @ matrix[:3, 3]
        places = np.searchsorted(ids, view.ids[np.isin(view.ids, ids)])
        rays = points[places] - centre
        total[places] += rays / np.linalg.norm(rays, axis=1, keepdims=True)
        views_of[places] += 1
    # Unit vectors add up to less than their number by about half the square of their spread.
    length = np.linalg.norm(total, axis=1) / np.maximum(views_of, 1)
    spread = np.sqrt(np.maximum(2.0 * (1.0 - length), _NEARER_THAN_ALL**2))
    return np.asarray(_ERROR_PX / straight.focal / spread / np.sqrt(np.maximum(views_of / 2, 1)))
