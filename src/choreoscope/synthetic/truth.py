"""One person of a made-up shot, exactly as he or she is: body, motion, contacts, skin."""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np

from choreoscope.datatypes.motion import Motion
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import (
    BodyPoints,
    place_points,
    points_of_regressor,
    pose_body,
)
from choreoscope.motion.bodies.posing import posed_vertices


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TruePerson:
    """Truth about one person.

    Attributes
    ----------
    person : str
        "P01", "P02", ...
    model : BodyModel
        The body.
    shape : (S,) float
        Standard deviations.
    stature : float
        Standing height, metres.
    motion : Motion
        On ``model.skeleton(shape)``, one row per frame of the shot, world.
    contact_names : tuple of str, length K
        `dance.CONTACT_NAMES`.
    contacts : (T, K) bool
        Whether each of them touches the floor.
    flights : tuple of (float, float)
        Seconds from and until which gravity alone moves the body.
    beats : (B,) float
        Seconds at which movement arrives; empty where nobody knows.
    """

    person: str
    model: BodyModel
    shape: np.ndarray
    stature: float
    motion: Motion
    contact_names: tuple[str, ...]
    contacts: np.ndarray
    flights: tuple[tuple[float, float], ...]
    beats: np.ndarray

    def joints(self) -> tuple[np.ndarray, np.ndarray]:
        """World positions ``(T, J, 3)`` and world-from-joint turns ``(T, J, 4)``."""
        motion = self.motion
        return world_joints(motion.skeleton, motion.root_position, motion.rotations)

    def points(self, points: BodyPoints) -> np.ndarray:
        """World places of points of the body, metres, ``(T, P, 3)``."""
        pose = pose_body(self.model, self.shape, self.motion.root_position, self.motion.rotations)
        return place_points(points, self.shape, pose)

    def point_set(self, name: str) -> np.ndarray:
        """World places of one of the body's point sets, metres, ``(T, P, 3)``."""
        return self.points(point_set(self.model, name))

    def vertices(
        self, start: int = 0, stop: int | None = None, model: BodyModel | None = None
    ) -> np.ndarray:
        """Skin in frames ``start:stop``, metres, ``(F, V, 3)`` single precision.

        `model` may be the same body in another detail.
        """
        rows = slice(start, stop)
        motion = self.motion
        return posed_vertices(
            model or self.model, self.shape, motion.root_position[rows], motion.rotations[rows]
        )

    def vertex_chunks(
        self, frames: int = 32, model: BodyModel | None = None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Skin over the whole shot, a few frames at a time."""
        for start in range(0, self.motion.frame_count, frames):
            stop = min(start + frames, self.motion.frame_count)
            yield slice(start, stop), self.vertices(start, stop, model)

    def touches(self, name: str) -> np.ndarray:
        """Truth of one contact, ``(T,)`` bool."""
        return np.asarray(self.contacts[:, self.contact_names.index(name)])


def point_set(model: BodyModel, name: str) -> BodyPoints:
    """One of a body's point sets, boiled down once per body."""
    return _boiled(name, _Held(model))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A body as a key: the same object, not equal arrays."""

    model: BodyModel

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.model is self.model

    def __hash__(self) -> int:
        return id(self.model)


@functools.lru_cache(maxsize=64)
def _boiled(name: str, held: _Held) -> BodyPoints:
    return points_of_regressor(held.model, held.model.points[name])
