"""What the shot solve may do, and how far it trusts what: every sigma in physical units."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Switches, one per term; False is the control experiment."""

    pixels: bool = True
    places: bool = True
    prior: bool = True
    limits: bool = True
    smoothness: bool = True
    adaptive: bool = True
    contacts: bool = True
    floor: bool = True
    above_floor: bool = True
    flight: bool = True
    heights: bool = True
    order: bool = True
    apart: bool = True
    robust: bool = True
    camera_scale: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sigmas:
    """Standard deviations.

    Attributes
    ----------
    frame_size : float
        Of each frame's own size in the 3D estimates: nearly free, because the size of a picture
        on a known body tells the distance anyway.
    frame_turn : float
        Radians, of each frame's own turn in the 3D estimates.
    root_acceleration : float
        m/s2, at rest; grows with speed.
    turn_acceleration : float
        rad/s2 of the trunk, at rest; limbs have multiples of it.
    contact_speed : float
        m/s, of a point that touches.
    contact_height : float
        Metres, of a point that touches, over the floor.
    below_floor : float
        Metres.
    flight : float
        m/s2, of the centre of mass against gravity while nobody touches anything.
    stature : float
        Metres, of the prior when heights are switched off.
    shape : float
        Standard deviations of each shape value.
    shape_frames : float
        Frames of evidence after which a detector's errors are the same again.
    order, apart : float
        Metres: depth order of two roots, and overlap of two bodies.
    camera_scale : float
        Of the logarithm of the size of the camera's path, around the first guess.
    """

    frame_size: float = 0.5
    frame_turn: float = 0.08
    root_acceleration: float = 3.0
    turn_acceleration: float = 18.0
    contact_speed: float = 0.01
    contact_height: float = 0.008
    below_floor: float = 0.008
    flight: float = 1.5
    stature: float = 0.10
    shape: float = 1.0
    shape_frames: float = 10.0
    order: float = 0.15
    apart: float = 0.02
    camera_scale: float = 3.0


PRIOR_STATURE = 1.70


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SolveOptions:
    """Choices of the solve.

    Attributes
    ----------
    terms, sigmas : Terms, Sigmas
        What is used, and how far it is trusted.
    window, overlap : int
        Frames solved at once, and frames that two windows share. Shared unknowns are settled
        before, on windows spread over the clip.
    iterations : tuple of int
        Most Gauss-Newton steps of each round; contacts are found anew before every round.
    """

    terms: Terms = dataclasses.field(default_factory=Terms)
    sigmas: Sigmas = dataclasses.field(default_factory=Sigmas)
    window: int = 240
    overlap: int = 24
    iterations: tuple[int, ...] = (6, 4, 3)
