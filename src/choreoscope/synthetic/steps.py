"""What feet do over a dance: stances, swings, heels that rise; where every foot is at any time.

A foot is placed by its toes joint, which stays put exactly for as long as the ball touches, while
the heel may rise about it with the toes level on the floor.
"""

import dataclasses

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.skeletons import SIDES
from choreoscope.synthetic.curves import eased, pulse
from choreoscope.synthetic.puppet import Puppet

UP = np.array([0.0, 1.0, 0.0])
SIDEWAYS = np.array([1.0, 0.0, 0.0])
OUTWARD = {"left": 1.0, "right": -1.0}
HIGHEST_HEEL = 1.15
_ROUNDER = 1.35
"""Power of the parabola a swinging foot follows: above 1 it leaves the floor without a jerk."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a foot stands: x and z of its toes joint, metres, and turn about the up axis."""

    x: float
    z: float
    yaw: float

    @property
    def plan(self) -> np.ndarray:
        """``(2,)``."""
        return np.array([self.x, self.z])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One foot goes from where it stands to another place.

    Attributes
    ----------
    side : str
        "left" or "right".
    leave, land : float
        Seconds.
    place : Place
        Where it lands.
    lift : float
        Height of the swing, metres.
    airborne : bool
        Whether this is half of a jump.
    """

    side: str
    leave: float
    land: float
    place: Place
    lift: float
    airborne: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HeelRise:
    """The heel goes up about the ball of the foot by an angle (radians), and comes down again."""

    side: str
    moments: tuple[float, float, float, float]
    angle: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A pelvis at rest while knee, hand or seat are on the floor.

    Attributes
    ----------
    kind : str
        "kneel", "hand", "sit".
    side : str
        Which knee or hand.
    moments : four floats
        Way down from, there from, there until, up again at; seconds.
    root : (3,) float
        World position of the pelvis.
    turn : (4,) float
        World turn of the pelvis.
    facing : float
        Its share about the up axis, radians.
    """

    kind: str
    side: str
    moments: tuple[float, float, float, float]
    root: np.ndarray
    turn: np.ndarray
    facing: float


@dataclasses.dataclass(slots=True, kw_only=True)
class Footwork:
    """All that feet and pelvis are told to do.

    Attributes
    ----------
    first : dict of side to Place
        Where the feet stand at the beginning.
    steps, rises, rests : lists
        In order of time, per side without overlap.
    flights : list of (float, float)
        Leave and land of jumps, seconds.
    turns : list of (float, float, float)
        Start, end and angle of turns about the up axis besides the path's own.
    dips : list of (four moments, float)
        Crouches: how far down, metres.
    beats : list of float
        Seconds.
    """

    first: dict[str, Place]
    steps: list[Step] = dataclasses.field(default_factory=list)
    rises: list[HeelRise] = dataclasses.field(default_factory=list)
    rests: list[Rest] = dataclasses.field(default_factory=list)
    flights: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    turns: list[tuple[float, float, float]] = dataclasses.field(default_factory=list)
    dips: list[tuple[tuple[float, float, float, float], float]] = dataclasses.field(
        default_factory=list
    )
    beats: list[float] = dataclasses.field(default_factory=list)

    def last(self, side: str) -> Place:
        """Where a foot stands after all steps told so far."""
        places = [step.place for step in self.steps if step.side == side]
        return places[-1] if places else self.first[side]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FootTrack:
    """One foot at the wanted times.

    Attributes
    ----------
    toes : (T, 3) float
        World position of the toes joint.
    yaw : (T,) float
        Turn about the up axis, radians.
    heel : (T,) float
        How far the heel is up about the toes, radians.
    ball_down, heel_down : (T,) bool
        Truth of contact.
    airborne : (T,) float
        0 on the floor to 1 at the top of a jump.
    load : (T,) float
        Share of its weight a foot can carry, 0 to 1, soft in time.
    """

    toes: np.ndarray
    yaw: np.ndarray
    heel: np.ndarray
    ball_down: np.ndarray
    heel_down: np.ndarray
    airborne: np.ndarray
    load: np.ndarray

    def ankle(self, puppet: Puppet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ankle ``(T, 3)``, world turn of the foot ``(T, 4)``, turn of the toes ``(T, 4)``."""
        foot = rotation.multiply(
            rotation.from_rotation_vector(self.yaw[:, None] * UP),
            rotation.from_rotation_vector(self.heel[:, None] * SIDEWAYS),
        )
        level = -(self.heel * (1 - self.airborne))[:, None] * SIDEWAYS
        away = puppet.bone("left_toes") * (0.0, 1.0, 1.0)
        return self.toes - rotation.rotate(foot, away), foot, rotation.from_rotation_vector(level)


def foot_track(work: Footwork, side: str, times: np.ndarray, sole: float) -> FootTrack:
    """Evaluate one foot.

    Parameters
    ----------
    work : Footwork
        The plan.
    side : str
        "left" or "right".
    times : (T,) float
        Seconds.
    sole : float
        Height of the toes joint of a foot that stands, metres.
    """
    place = work.first[side]
    plan, yaw = np.tile(place.plan, (len(times), 1)), np.full(len(times), place.yaw)
    height, airborne = np.zeros(len(times)), np.zeros(len(times))
    down, load = np.ones(len(times), dtype=bool), np.ones(len(times))
    for step in (step for step in work.steps if step.side == side):
        share = (times - step.leave) / (step.land - step.leave)
        way = eased(share)
        plan += way[:, None] * (step.place.plan - place.plan)
        yaw += way * (step.place.yaw - place.yaw)
        inside = np.clip(share, 0.0, 1.0)
        arc = (4 * inside * (1 - inside)) ** _ROUNDER
        height += step.lift * arc
        airborne += step.airborne * arc
        down &= (times <= step.leave) | (times >= step.land)
        soft = 0.12
        load -= pulse(
            times, (step.leave - soft, step.leave + soft, step.land - soft, step.land + soft)
        )
        place = step.place
    heel = np.zeros(len(times))
    for rise in (rise for rise in work.rises if rise.side == side):
        heel = np.maximum(heel, rise.angle * pulse(times, rise.moments))
    return FootTrack(
        toes=np.stack([plan[:, 0], sole + height, plan[:, 1]], axis=-1),
        yaw=yaw,
        heel=np.minimum(heel, HIGHEST_HEEL),
        ball_down=down,
        heel_down=down & (heel <= 0),
        airborne=np.clip(airborne, 0.0, 1.0),
        load=np.clip(load, 0.0, 1.0),
    )


def heading(work: Footwork, times: np.ndarray) -> np.ndarray:
    """Sum of the turns told, radians, ``(T,)``."""
    total = np.zeros(len(times))
    for start, end, angle in work.turns:
        total += angle * eased((times - start) / (end - start))
    return total


def both(work: Footwork, times: np.ndarray, sole: float) -> dict[str, FootTrack]:
    """Evaluate both feet."""
    return {side: foot_track(work, side, times, sole) for side in SIDES}
