"""Scene depth without a network: background points where the camera travels, floor, bodies."""

import dataclasses
import time
from collections.abc import Sequence

import numpy as np

from choreoscope.capture.depth.bodies import front_pictures, resized
from choreoscope.capture.depth.contacts import inside, seen_from
from choreoscope.capture.depth.densifying import spread
from choreoscope.capture.depth.scene_points import ScenePoints, find_scene_points
from choreoscope.capture.passes.interfaces import (
    Answer,
    DepthSpace,
    Feeding,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.datatypes.errors import InputError
from choreoscope.geometry.unprojection import rays_of_lens
from choreoscope.rendering.scene import view_of

_CROWD = 0.2
"""Share of the reach over which points make a crowd."""
_OFF_FLOOR = 0.06
"""Share by which a surface may seem nearer than the floor behind it and still be the floor."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StructureOptions:
    """How points become pictures.

    Attributes
    ----------
    longest_side : int
        Size of the picture the points are spread over, pixels; the answer is enlarged from it.
    reach : float
        How far a point's depth goes on an even surface, share of that picture's longer side.
    contrast : float
        Change of the picture, 0 to 1, at which depth may step.
    near_frames : int
        A point counts in frames up to this far from one in which it was seen.
    floor : bool
        Whether the solved floor is filled in where nothing stands before it.
    """

    longest_side: int = 480
    reach: float = 0.15
    contrast: float = 0.10
    near_frames: int = 15
    floor: bool = True

    def __post_init__(self) -> None:
        if self.longest_side < 32 or self.near_frames < 0:  # noqa: PLR2004 - no picture is smaller
            raise InputError("structure: expected longest_side of 32 or more and near_frames of 0")
        if not (self.reach > 0 and self.contrast > 0):
            raise InputError("structure: expected reach and contrast above 0")


class StructureDepth:
    """See `interfaces.PassModel`.

    Parameters
    ----------
    options : StructureOptions
        How points become pictures.
    threads : int
        Of the decoder and the renderer; the result does not depend on it.
    """

    feeding: Feeding = Frames(batch=8)
    depth_space: DepthSpace = "metric"
    origin = "structure: background points, solved floor and bodies; a guess between the points"

    def __init__(self, options: StructureOptions, *, threads: int = 1) -> None:
        self._options, self._threads = options, threads
        self._shot: ShotContext | None = None
        self._small: ShotContext | None = None
        self._scene: ScenePoints | None = None
        self._seconds = 0.0

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time of this process spent so far, all threads added."""
        return self._seconds

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for people about the shot last begun."""
        count = 0 if self._scene is None else len(self._scene.points)
        return (
            (
                f"structure: proxy depth from {count} background points, the solved floor and "
                "bodies; between points it is a guess along the picture's edges"
            ),
        )

    def start(self, shot: ShotContext) -> None:
        """Look through the film and place the background.

        Raises
        ------
        InputError
            If the camera does not travel, is not solved, or too little could be placed.
        """
        if shot.film is None:
            raise InputError("structure: has to look through the film, and none was given")
        begun = time.process_time()
        self.take(find_scene_points(shot.film, shot, threads=self._threads), shot)
        self._seconds += time.process_time() - begun

    def take(self, scene: ScenePoints, shot: ShotContext) -> None:
        """Take points that are at hand instead of looking for them."""
        self._scene, self._shot = scene, shot
        self._small = resized(shot, self._options.longest_side)

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `interfaces.PassModel.infer`."""
        del state
        if self._scene is None or self._shot is None or self._small is None:
            raise InputError("structure: start() is called before infer()")
        begun = time.process_time()
        answers = self._answers(frames, self._shot, self._small, self._scene)
        self._seconds += time.process_time() - begun
        return answers, {}

    def _answers(
        self,
        frames: Sequence[PassFrame],
        shot: ShotContext,
        small: ShotContext,
        scene: ScenePoints,
    ) -> list[Answer]:
        import cv2

        numbers = [one.frame for one in frames]
        fronts = front_pictures(shot, numbers, threads=self._threads)
        answers: list[Answer] = []
        for one, (front, _) in zip(frames, fronts, strict=True):
            height, width = one.picture.shape[:2]
            covered = np.isfinite(front.depth)
            inverse = self._inverse(one, small, scene)
            whole = cv2.resize(inverse, (width, height), interpolation=cv2.INTER_LINEAR)
            with np.errstate(divide="ignore"):
                behind = np.where(whole > 0, 1.0 / whole, np.nan).astype(np.float32)
            depth = np.where(covered, np.fmin(front.depth, behind), behind)
            # The body is where it was solved, whatever spreads over it from the background.
            depth = np.where(covered, front.depth, depth)
            answers.append({"depth": depth.astype(np.float32)})
        return answers

    def _inverse(self, one: PassFrame, small: ShotContext, scene: ScenePoints) -> np.ndarray:
        """Return one over the depth of background and floor, small picture, NaN where unknown."""
        import cv2

        camera = small.camera
        if camera is None:
            raise InputError("structure: the shot has no solved camera")
        width, height = small.size
        row = one.frame - small.frames.start
        options = self._options
        places = self._near(scene, one.frame)
        pixels, depth = seen_from(camera, row, scene.points[places])
        good = inside(pixels, small.size)
        x, y = pixels[good].astype(int).T
        weight = 1.0 / scene.sigma[places][good] ** 2
        total, values = np.zeros((height, width)), np.zeros((height, width))
        np.add.at(total, (y, x), weight)
        np.add.at(values, (y, x), weight / depth[good])
        values = np.where(total > 0, values / np.where(total > 0, total, 1.0), 0.0)
        reach = options.reach * max(small.size)
        total = _evened(total, reach)
        picture = cv2.resize(one.picture, (width, height), interpolation=cv2.INTER_AREA) / 255.0
        filled, _ = spread(values, total, picture, reach=reach, contrast=options.contrast)
        if np.isnan(filled).any():
            # Shut in by edges: what lies nearest, whatever the edges.
            near, _ = spread(values, total, np.zeros((height, width)), reach=reach)
            filled = np.where(np.isnan(filled), near, filled)
        if options.floor:
            filled = _with_floor(filled, small, row)
        return filled.astype(np.float32)

    def _near(self, scene: ScenePoints, frame: int) -> np.ndarray:
        """Points seen in a frame or shortly before or after it."""
        reach = self._options.near_frames
        found = [
            scene.seen[other][0]
            for other in range(frame - reach, frame + reach + 1)
            if other in scene.seen
        ]
        if not found:
            # The camera stood still here: what it saw at the nearest other time is seen still.
            nearest = min(scene.seen, key=lambda other: abs(other - frame))
            found = [scene.seen[nearest][0]]
        return np.unique(np.concatenate(found))


def _evened(weights: np.ndarray, reach: float) -> np.ndarray:
    """Divide weights by their density: a crowd of points does not outvote its surroundings."""
    import cv2

    known = (weights > 0).astype(np.float64)
    density = cv2.GaussianBlur(known, (0, 0), max(1.0, _CROWD * reach))
    return np.where(known > 0, weights / np.where(known > 0, density, 1.0), 0.0)


def _with_floor(inverse: np.ndarray, small: ShotContext, row: int) -> np.ndarray:
    """Put the floor where nothing is found to stand before it."""
    if small.camera is None:
        return inverse
    view = view_of(small.camera, row)
    rays = rays_of_lens(view.lens).astype(np.float64)
    matrix = view.camera_from_world
    eye_height = float(-matrix[:3, 1] @ matrix[:3, 3])
    down = -(rays @ matrix[:2, 1] + matrix[2, 1])
    # A ray that falls by `down` for each metre of depth meets y = 0 at this inverse depth.
    floor = np.where(down > 0, down / max(eye_height, 1e-6), 0.0)
    if eye_height <= 0:
        return inverse
    free = np.isnan(inverse) | (inverse < floor * (1.0 + _OFF_FLOOR))
    return np.where(free & (floor > 0), floor, inverse)
