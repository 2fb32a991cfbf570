"""What the solve moves: people in every frame, and what all frames share."""

import dataclasses

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import BodyPoints
from choreoscope.motion.solve.mechanics import Layout

BORDERS = ("floor_height", "floor_slope_x", "floor_slope_z", "camera_scale", "focal")
HEIGHT, SLOPE_X, SLOPE_Z, SCALE, FOCAL = range(len(BORDERS))


@dataclasses.dataclass(slots=True)
class Shared:
    """Unknowns of the whole shot, in the world in which it is solved (Y roughly up).

    Attributes
    ----------
    floor : (3,) float
        Height of the floor at the origin, metres, and its slopes: ``y = h + a x + b z``.
    log_scale : float
        Logarithm of the size of the camera's path.
    log_focal : float
        Logarithm of the focal length over the camera's.
    """

    floor: np.ndarray
    log_scale: float = 0.0
    log_focal: float = 0.0

    def stepped(self, step: np.ndarray) -> "Shared":
        """Return the state after a step ``(5,)``."""
        return Shared(
            floor=self.floor + step[:SCALE],
            log_scale=self.log_scale + float(step[SCALE]),
            log_focal=self.log_focal + float(step[FOCAL]),
        )

    @property
    def up(self) -> np.ndarray:
        """Unit normal of the floor, ``(3,)``."""
        normal = np.array([-self.floor[1], 1.0, -self.floor[2]])
        return np.asarray(normal / np.linalg.norm(normal))


@dataclasses.dataclass(slots=True, kw_only=True)
class View:
    """The camera in the rows of one person.

    Attributes
    ----------
    turn : (T, 3, 3) float
        Camera from world.
    centre : (T, 3) float
        In the world, before the path is scaled.
    focal, middle : (T, 2) float
        Pixels.
    """

    turn: np.ndarray
    centre: np.ndarray
    focal: np.ndarray
    middle: np.ndarray

    def seen_from(self, points: np.ndarray, shared: Shared) -> np.ndarray:
        """World points ``(T, P, 3)`` in camera axes."""
        away = points - np.exp(shared.log_scale) * self.centre[:, None]
        return np.asarray(np.einsum("tab,tpb->tpa", self.turn, away))


@dataclasses.dataclass(slots=True, kw_only=True)
class Track:
    """One person in every frame from the first to the last seen.

    Attributes
    ----------
    person : str
        Id.
    model : BodyModel
        The body.
    layout : Layout
        Unknowns.
    seen, ground, mass, joints : BodyPoints
        Points of the evidence; points that can touch the floor; centre of mass; joints.
    first_frame : int
        Source frame of row 0.
    times : (T,) float
        Seconds.
    view : View
        Camera.
    pixels, pixel_information, places, place_information : (T, P, 2), (T, P), (T, P, 3), (T, P)
        Evidence; information 0 where not seen. Places are taken in camera axes.
    depth_ratio : float
        Of the places.
    told : (T, G) float
        Contacts of `ground` points known by hand: 1 touching, 0 not, NaN unknown.
    pinned : (T, G) bool
        Points pinned by hand.
    height, height_sigma : float
        Stature as told or believed, metres.
    shape, root, rotations : (S,), (T, 3), (T, J, 4) float
        State; the root and its turn in the world.
    rest, rest_root, rest_shape : (T, J, 4), (T, 3), (S,) float
        First guess, which holds what nothing speaks about; its root and its shape.
    confidence : (T, J) float
        How well each joint is seen.
    touching : (T, G) float
        Contact of `ground` points, 0 to 1.
    support : (T, G) float
        Height over the floor of what carries each point, metres.
    flying : (T,) bool
        Whether nothing of the body touches anything.
    """

    person: str
    model: BodyModel
    layout: Layout
    seen: BodyPoints
    ground: BodyPoints
    mass: BodyPoints
    joints: BodyPoints
    first_frame: int
    times: np.ndarray
    view: View
    pixels: np.ndarray
    pixel_information: np.ndarray
    places: np.ndarray
    place_information: np.ndarray
    depth_ratio: float
    told: np.ndarray
    pinned: np.ndarray
    height: float
    height_sigma: float
    shape: np.ndarray
    root: np.ndarray
    rotations: np.ndarray
    rest: np.ndarray
    rest_root: np.ndarray
    rest_shape: np.ndarray
    confidence: np.ndarray
    touching: np.ndarray
    support: np.ndarray
    flying: np.ndarray

    def rows(self, start: int, stop: int) -> "Track":
        """Return the same person in some of the rows; arrays are views."""
        cut = slice(start, stop)
        changed = {
            name: getattr(self, name)[cut]
            for name in (
                "times",
                "pixels",
                "pixel_information",
                "places",
                "place_information",
                "told",
                "pinned",
                "root",
                "rotations",
                "rest",
                "rest_root",
                "confidence",
                "touching",
                "support",
                "flying",
            )
        }
        view = View(
            turn=self.view.turn[cut],
            centre=self.view.centre[cut],
            focal=self.view.focal[cut],
            middle=self.view.middle[cut],
        )
        return dataclasses.replace(self, first_frame=self.first_frame + start, view=view, **changed)

    def stepped(self, pose: np.ndarray, shape: np.ndarray) -> "Track":
        """Return the state after a step of the pose ``(T, n)`` and of the shape ``(S,)``."""
        turns = pose[:, 3:].reshape(len(pose), -1, 3)
        rotations = self.rotations.copy()
        moved = self.layout.joints
        rotations[:, moved] = rotation.normalized(
            rotation.multiply(rotations[:, moved], rotation.from_rotation_vector(turns))
        )
        return dataclasses.replace(
            self, root=self.root + pose[:, :3], rotations=rotations, shape=self.shape + shape
        )
