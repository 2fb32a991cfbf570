"""What the shot solve gives back."""

import dataclasses

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.motion import Motion
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.touch.floor import FloorFit


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonSolution:
    """One person, solved.

    Attributes
    ----------
    motion : Motion
        In the world; contacts of feet, toes, hands, knees (shins), seat (thighs) and elbows.
    model, shape : BodyModel and (S,) float
        The body.
    stature : float
        Metres.
    pixels, metres : (T,) float
        Median residual of each frame against pixels, and against the 3D estimates in metres; NaN
        where nothing was seen.
    doubts : tuple of FrameRange
        Source frames that should not be trusted.
    start : Motion or None
        First guess, put into the solved world; None where there was none.
    start_shape : (S,) float or None
        Of the body in `start`.
    """

    motion: Motion
    model: BodyModel
    shape: np.ndarray
    stature: float
    pixels: np.ndarray
    metres: np.ndarray
    doubts: tuple[FrameRange, ...]
    start: Motion | None = None
    start_shape: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SolveReport:
    """How the solve went.

    Attributes
    ----------
    first_costs, costs : dict of str to float
        Half of squared residuals in sigmas by term, at the start and at the end.
    steps : int
        Gauss-Newton steps.
    seconds : float
        Wall time.
    person_frames : int
        Frames of all people together.
    scale_sigma, focal_sigma : float
        Relative, of the camera's path and of the focal length.
    focal : float
        Factor on the focal length that was put in.
    flight_scales : dict of str to tuple of float
        By person: 9.81 over the fall seen in each jump; 1 where size and gravity agree.
    """

    first_costs: dict[str, float]
    costs: dict[str, float]
    steps: int
    seconds: float
    person_frames: int
    scale_sigma: float
    focal_sigma: float
    focal: float
    flight_scales: dict[str, tuple[float, ...]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShotSolution:
    """People, camera and floor in one world: right-handed, Y up, metres, floor y = 0.

    Attributes
    ----------
    people : dict of str to PersonSolution
        By id.
    camera : CameraTrack
        One row per frame of the clip, in the same world.
    floor : FloorFit
        In the world of the solve: what was measured of it.
    tilt_degrees : float
        Between the believed up and the floor's normal.
    report : SolveReport
        Costs and times.
    notes : tuple of str
        Sentences for people.
    """

    people: dict[str, PersonSolution]
    camera: CameraTrack
    floor: FloorFit
    tilt_degrees: float
    report: SolveReport
    notes: tuple[str, ...]
