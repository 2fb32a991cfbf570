"""What the shot solve is told: people seen through a camera, and what is known beforehand."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import BodyPoints
from choreoscope.motion.solve.options import PRIOR_STATURE
from choreoscope.motion.world import FrameTimes

_UNIT = 1e-3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StartPose:
    """A first guess of how a body stands, row by row of its evidence, in camera axes.

    Attributes
    ----------
    shape : (S,) float
        Standard deviations.
    root : (N, 3) float
        Joint 0, camera axes, metres.
    rotations : (N, J, 4) float
        Parent-from-joint, for the root camera-from-joint; wxyz, unit.
    confidence : (N, J) float
        How well each joint is seen, 0 to 1.
    """

    shape: Float[np.ndarray, "S"]
    root: Float[np.ndarray, "N 3"]
    rotations: Float[np.ndarray, "N J 4"]
    confidence: Float[np.ndarray, "N J"]

    def __post_init__(self) -> None:
        check_arrays(self)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonEvidence:
    """One person, one row per frame in which he or she is seen.

    Attributes
    ----------
    person : str
        Id.
    model : BodyModel
        The body that is fitted.
    points : BodyPoints
        Which P points of that body are seen.
    frames : (N,) int
        Source frames, rising; gaps allowed.
    pixels : (N, P, 2) float
        Undistorted pixels, so that a pinhole with the camera's intrinsics explains them. Anything
        finite where not seen.
    pixel_sigma : (N, P) float
        Standard deviation, pixels; infinite where not seen.
    places : (N, P, 3) float
        Camera axes, metres, about any origin: root-relative or absolute, because the distance of
        a single lens is left free, and the size of each frame nearly so.
    place_sigma : (N, P) float
        Standard deviation across the line of sight, metres; infinite where not seen.
    depth_ratio : float
        How much worse the places are along the line of sight than across it.
    height, height_sigma : float
        Stature as told, or what is believed of it, and how sure that is; metres.
    feet : (N, 4) int or None
        What is known by hand of the soles, `motion.corrections.foot_states`.
    start : StartPose or None
        First guess; None lets the solve make its own from the places.
    """

    person: str
    model: BodyModel
    points: BodyPoints
    frames: Int[np.ndarray, "N"]
    pixels: Float[np.ndarray, "N P 2"]
    pixel_sigma: Float[np.ndarray, "N P"]
    places: Float[np.ndarray, "N P 3"]
    place_sigma: Float[np.ndarray, "N P"]
    depth_ratio: float = 2.0
    height: float = PRIOR_STATURE
    height_sigma: float = 0.10
    feet: Int[np.ndarray, "N 4"] | None = None
    start: StartPose | None = None

    def __post_init__(self) -> None:
        check_arrays(self)
        if len(self.points) != self.pixels.shape[1]:
            raise ShapeError(
                f"PersonEvidence {self.person}: {len(self.points)} points of the body, "
                f"{self.pixels.shape[1]} columns of pixels"
            )
        seen = np.isfinite(self.pixel_sigma)
        if not np.isfinite(self.pixels[seen]).all():
            raise ShapeError(f"PersonEvidence {self.person}: a pixel that is seen is not finite")
        held = np.isfinite(self.place_sigma)
        if not np.isfinite(self.places[held]).all():
            raise ShapeError(f"PersonEvidence {self.person}: a place that is seen is not finite")
        if np.any(self.pixel_sigma[seen] <= 0) or np.any(self.place_sigma[held] <= 0):
            raise ShapeError(f"PersonEvidence {self.person}: sigmas must be above 0")
        if np.any(np.diff(self.frames) <= 0):
            raise ShapeError(f"PersonEvidence {self.person}: frames must rise")
        if not (0 < self.height < np.inf and 0 < self.height_sigma < np.inf):
            raise InputError(
                f"{self.person}: expected a height and its sigma above 0 m, "
                f"got {self.height:g} and {self.height_sigma:g}"
            )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthOrder:
    """Who stands before whom, from masks that cut each other.

    Attributes
    ----------
    front, behind : str
        Person ids.
    frames : (F,) int
        Source frames in which that was seen.
    weight : (F,) float
        0 to 1.
    """

    front: str
    behind: str
    frames: Int[np.ndarray, "F"]
    weight: Float[np.ndarray, "F"]

    def __post_init__(self) -> None:
        check_arrays(self)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FloorKnowledge:
    """What is known of the floor before anybody stands on it.

    Attributes
    ----------
    up : (3,) float
        Unit, against gravity, in the world of the camera's path.
    up_sigma : float
        Standard deviation of each tilt, radians.
    height : float or None
        Floor above the origin of that world along `up`, metres; None where unknown.
    height_sigma : float
        Metres.
    """

    up: Float[np.ndarray, "3"]
    up_sigma: float = 0.05
    height: float | None = None
    height_sigma: float = 0.02

    def __post_init__(self) -> None:
        check_arrays(self)
        if abs(float(np.linalg.norm(self.up)) - 1) > _UNIT:
            raise ShapeError("FloorKnowledge.up: must have unit length")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShotEvidence:
    """Everything the solve is told about one shot.

    Attributes
    ----------
    people : tuple of PersonEvidence
        Ids are unique.
    camera : CameraTrack
        One row per frame of the clip. Its world is whatever the camera solve left: neither
        gravity nor floor nor (unless `metric`) size are taken from it.
    times : FrameTimes
        Of all frames of the clip.
    floor : FloorKnowledge
        Prior.
    focal_sigma : float
        Relative standard deviation of the focal length; 0 holds it.
    orders : tuple of DepthOrder
        Who stands before whom.
    touching : frozenset of frozenset of str
        Pairs that may touch: partners whose bodies are not pushed apart.
    notes : tuple of str
        What became known while the evidence was gathered.
    """

    people: tuple[PersonEvidence, ...]
    camera: CameraTrack
    times: FrameTimes
    floor: FloorKnowledge
    focal_sigma: float = 0.0
    orders: tuple[DepthOrder, ...] = ()
    touching: frozenset[frozenset[str]] = frozenset()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [one.person for one in self.people]
        if len(set(names)) != len(names):
            raise InputError(f"people must have different names, got {', '.join(names)}")
        if len(self.camera.intrinsics) != len(self.times.seconds):
            raise ShapeError(
                f"camera: {len(self.camera.intrinsics)} rows for {len(self.times.seconds)} frames"
            )
        if np.any(np.diff(self.times.seconds) <= 0):
            raise InputError("time stamps must rise from frame to frame")
        for one in self.people:
            self.times.at(one.frames)
