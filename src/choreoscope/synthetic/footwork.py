"""Plans what the feet do: beat by beat, a step, a jump, a spin, a crouch, or down to the floor."""

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.skeletons import SIDES
from choreoscope.synthetic.curves import happens
from choreoscope.synthetic.puppet import Puppet
from choreoscope.synthetic.steps import (
    OUTWARD,
    UP,
    Footwork,
    HeelRise,
    Place,
    Rest,
    Step,
    heading,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LEAD = 1.5
"""Seconds danced before the shot begins and after it ends, so that nobody starts from rest."""
GRAVITY = 9.81
_HEEL_OFF = 0.16
_USUAL = 1.70
_KNEEL_HEEL = 1.1
_STANDING, _STROLL = 0.25, 0.6
"""Speed of the path above which strides grow, and above which there is time for steps only, m/s."""
_BEFORE = 0.10
"""How far the toes of somebody of usual height stand before the middle of the body, metres."""
_LAG = 0.35
"""How far behind the path is too far for anything but steps, metres."""
_BETWEEN = 4
"""Fewest moves from one jump or rest on the floor to the next."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Where on the floor a dancer wants to be.

    Attributes
    ----------
    moments : (K,) float
        Seconds, rising.
    places : (K, 2) float
        x and z, metres; between the moments on straight lines.
    facing : (K,) float
        Turn about the up axis, radians; 0 looks along +Z.
    """

    moments: np.ndarray
    places: np.ndarray
    facing: np.ndarray

    def at(self, time: float) -> tuple[np.ndarray, float]:
        """Place ``(2,)`` and facing at one time."""
        place = [float(np.interp(time, self.moments, column)) for column in self.places.T]
        return np.array(place), float(np.interp(time, self.moments, self.facing))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DanceStyle:
    """What somebody dances.

    Attributes
    ----------
    tempo : float
        Beats per minute.
    energy : float
        0 calm to 1 wild.
    jumps, spins : bool
        Whether there are any.
    floor_work : tuple of str
        Which of "kneel", "hand", "sit"; empty for none.
    stance : float
        Feet apart, share of stature.
    loose : float
        How freely feet leave the path: 1 as they like, 0 not at all.
    near : bool
        Whether a partner stands right before the dancer: no kicks, no arms to the front.
    """

    tempo: float = 108.0
    energy: float = 0.6
    jumps: bool = True
    spins: bool = True
    floor_work: tuple[str, ...] = ()
    stance: float = 0.12
    loose: float = 1.0
    near: bool = False


class Planner:
    """Goes through the beats and decides; `work` is the result."""

    def __init__(
        self,
        rng: np.random.Generator,
        puppet: Puppet,
        path: Path,
        style: DanceStyle,
        seconds: float,
    ) -> None:
        self.rng, self.puppet, self.path, self.style = rng, puppet, path, style
        self.size = puppet.stature / _USUAL
        self.beat = 60.0 / style.tempo
        self.now, self.end = -LEAD, seconds + LEAD
        self.side = "left" if happens(rng, 0.5) else "right"
        self.work = Footwork(first={})
        self.work.first.update({side: self._wish(side, self.now) for side in SIDES})
        # Early enough that even a short shot shows what it is there to show.
        self._special = [*style.floor_work] + (["jump"] if style.jumps else [])
        self._since_special = 2

    def plan(self) -> Footwork:
        """Decide from the first beat to the last."""
        moves: dict[str, Callable[[], None]] = {
            "step": self._step_move,
            "quick": self._quick,
            "hold": self._hold,
            "dip": self._dip,
            "kick": self._kick,
            "jump": self._jump,
            "spin": self._spin,
            "kneel": self._kneel,
            "hand": lambda: self._squat("hand"),
            "sit": lambda: self._squat("sit"),
        }
        while self.now < self.end:
            begin = self.now
            moves[self._choice()]()
            count = max(1, round((self.now - begin) / self.beat))
            self.work.beats += [begin + n * self.beat for n in range(count)]
        return self.work

    def _choice(self) -> str:
        still = self._walking() < _STROLL and self._behind() < _LAG
        self._since_special += 1
        if self._special and still and self._since_special >= _BETWEEN and self.now > -0.6 * LEAD:
            self._since_special = 0
            kind = self._special.pop(0)
            self._special.append(kind)
            return kind
        if not still:
            return "step"
        wild = self.style.energy
        weights = {
            "step": 3.0,
            "quick": 1.2 * wild,
            "hold": 1.0,
            "dip": 0.8,
            "kick": 0.0 if self.style.near else 0.6 * wild,
        }
        if self.style.spins:
            weights["spin"] = 0.5
        share = np.array(list(weights.values()))
        return str(self.rng.choice(list(weights), p=share / share.sum()))

    def _walking(self) -> float:
        """Speed of the path ahead, m/s."""
        here, _ = self.path.at(self.now)
        there, _ = self.path.at(self.now + self.beat)
        return float(np.linalg.norm(there - here)) / self.beat

    def _behind(self) -> float:
        """How far the feet are from where the path is, metres."""
        feet = np.mean([self.work.last(side).plan for side in SIDES], axis=0)
        return float(np.linalg.norm(self.path.at(self.now)[0] - feet))

    def _facing(self, time: float) -> float:
        return self.path.at(time)[1] + float(heading(self.work, np.array([time]))[0])

    def _wish(self, side: str, time: float) -> Place:
        """Where a foot would like to stand."""
        place, facing = self.path.at(time)[0], self._facing(time)
        apart = OUTWARD[side] * self.style.stance * self.puppet.stature / 2
        loose = self.style.loose * (0.05 + 0.10 * self.style.energy)
        across = apart + OUTWARD[side] * self.size * abs(self.rng.normal(0, 0.6 * loose))
        ahead = self.size * (_BEFORE + self.rng.normal(0, loose))
        x = place[0] + across * math.cos(facing) + ahead * math.sin(facing)
        z = place[1] - across * math.sin(facing) + ahead * math.cos(facing)
        return Place(x=x, z=z, yaw=facing + OUTWARD[side] * self.rng.uniform(0.05, 0.25))

    def _reachable(self, side: str, wish: Place, time: float) -> Place:
        """Keep a place beside the other foot and within a stride of it."""
        other = self.work.last("right" if side == "left" else "left")
        facing = self._facing(time)
        out = np.array([math.cos(facing), -math.sin(facing)]) * OUTWARD[side]
        forward = np.array([math.sin(facing), math.cos(facing)])
        gap = wish.plan - other.plan
        walks = self._walking() > _STANDING or self._behind() > _LAG
        stride = 0.66 if walks else 0.45
        across = float(np.clip(gap @ out, 0.10 * self.size, 0.5 * self.size))
        ahead = float(np.clip(gap @ forward, -stride * self.size, stride * self.size))
        plan = other.plan + across * out + ahead * forward
        return Place(x=float(plan[0]), z=float(plan[1]), yaw=wish.yaw)

    def _put(self, side: str, leave: float, land: float, lift: float) -> None:
        wish = self._wish(side, land + 0.3 * self.beat)
        place = self._reachable(side, wish, land + 0.3 * self.beat)
        self.work.steps.append(Step(side=side, leave=leave, land=land, place=place, lift=lift))
        angle = self.rng.uniform(0.35, 0.6)
        off = min(_HEEL_OFF, 0.4 * (land - leave))
        moments = (leave - off, leave + 0.03, leave + 0.05, land - 0.01)
        self.work.rises.append(HeelRise(side=side, moments=moments, angle=angle))

    def _step_move(self) -> None:
        swing = min(0.40, 0.62 * self.beat)
        land = self.now + self.beat
        self._put(self.side, land - swing, land, self.size * self.rng.uniform(0.05, 0.12))
        self._change_foot()
        self.now = land

    def _quick(self) -> None:
        half = self.beat / 2
        for n in (1, 2):
            land = self.now + n * half
            self._put(self.side, land - 0.62 * half, land, self.size * 0.05)
            self._change_foot()
        self.now += self.beat

    def _kick(self) -> None:
        land = self.now + 2 * self.beat
        self._put(self.side, land - 1.2 * self.beat, land, self.size * self.rng.uniform(0.3, 0.55))
        self._change_foot()
        self.now = land

    def _hold(self) -> None:
        self.now += self.beat

    def _dip(self) -> None:
        start, beat = self.now, self.beat
        moments = (start, start + 0.8 * beat, start + 1.1 * beat, start + 1.9 * beat)
        self.work.dips.append((moments, self.size * self.rng.uniform(0.12, 0.28)))
        self.now += 2 * beat

    def _spin(self) -> None:
        sense = 1.0 if self.side == "right" else -1.0
        turns = self.rng.choice([0.5, 1.0])
        count = round(6 * turns)
        half = max(self.beat / 2, 0.26)
        start = self.now + 0.3 * half
        whole = start + (count + 0.6) * half
        self.work.turns.append((start, whole, sense * 2 * math.pi * turns))
        for n in range(1, count + 1):
            land = self.now + n * half
            self._put(self.side, land - 0.62 * half, land, self.size * 0.04)
            self._change_foot()
        self.now = whole + 0.3 * half

    def _change_foot(self) -> None:
        self.side = "right" if self.side == "left" else "left"

    def _jump(self) -> None:
        flight = self.rng.uniform(0.32, 0.42 + 0.12 * self.style.energy)
        leave = self.now + max(self.beat, 0.55)
        land = leave + flight
        if self.style.spins and happens(self.rng, 0.4):
            angle = self.rng.choice([-1.0, 1.0]) * math.pi / 2
            self.work.turns.append((leave - 0.1, land + 0.1, angle))
        rise = GRAVITY * flight**2 / 8
        for side in SIDES:
            wish = self._wish(side, land + 0.4)
            place = wish if side == "left" else self._reachable(side, wish, land + 0.4)
            self.work.steps.append(
                Step(side=side, leave=leave, land=land, place=place, lift=rise, airborne=True)
            )
            moments = (leave - 0.14, leave, land - 0.04, land + 0.10)
            self.work.rises.append(HeelRise(side=side, moments=moments, angle=0.75))
        self.work.flights.append((leave, land))
        self.now = land + max(self.beat, 0.5)

    def _descent(self, held: float) -> tuple[float, float, float, float]:
        start = self.now
        down = max(0.75, 1.3 * self.beat)
        return start, start + down, start + down + held, start + 2 * down + held

    def _kneel(self) -> None:
        """Step back far, then bring the knee of that leg to the floor beside the other foot."""
        side = self.side
        front = self.work.last("right" if side == "left" else "left")
        facing = self._facing(self.now)
        forward = np.array([math.sin(facing), math.cos(facing)])
        out = np.array([math.cos(facing), -math.sin(facing)]) * OUTWARD[side]
        shin = float(np.linalg.norm(self.puppet.bone("left_foot")))
        plan = front.plan + out * 0.17 * self.size - forward * 1.25 * shin
        place = Place(x=float(plan[0]), z=float(plan[1]), yaw=facing)
        land = self.now + 0.62
        self.work.steps.append(
            Step(side=side, leave=self.now + 0.1, land=land, place=place, lift=0.06 * self.size)
        )
        self.now = land - 0.25
        moments = self._descent(self.rng.uniform(0.9, 1.5))
        self.work.rises.append(
            HeelRise(side=side, moments=(land - 0.3, *moments[1:]), angle=_KNEEL_HEEL)
        )
        knee = self._knee_on_floor(place)
        thigh = float(np.linalg.norm(self.puppet.bone("left_shin")))
        lean = 0.12
        hip = knee + thigh * np.array(
            [math.sin(lean) * forward[0], math.cos(lean), math.sin(lean) * forward[1]]
        )
        turn = rotation.from_rotation_vector(facing * UP)
        root = hip - rotation.rotate(turn, self.puppet.bone(f"{side}_thigh"))
        self.work.rests.append(
            Rest(kind="kneel", side=side, moments=moments, root=root, turn=turn, facing=facing)
        )
        self.now = moments[3] + 0.1

    def _knee_on_floor(self, place: Place) -> np.ndarray:
        """Where the knee is while it rests before a foot that stands on its ball."""
        away = self.puppet.bone("left_toes") * (0.0, 1.0, 1.0)
        heel = rotation.from_rotation_vector(np.array([_KNEEL_HEEL, 0.0, 0.0]))
        ankle = np.array([0.0, self.puppet.sole, 0.0]) - rotation.rotate(heel, away)
        drop = ankle[1] - self.puppet.knee_pad
        shin = float(np.linalg.norm(self.puppet.bone("left_foot")))
        ahead = ankle[2] + math.sqrt(shin**2 - drop**2)
        turn = rotation.from_rotation_vector(place.yaw * UP)
        knee = rotation.rotate(turn, np.array([0.0, self.puppet.knee_pad, ahead]))
        return np.asarray(knee + np.array([place.x, 0.0, place.z]))

    def _squat(self, kind: str) -> None:
        """Down between or behind the feet, which stay where they are."""
        feet = [self.work.last(side) for side in SIDES]
        facing = float(np.mean([foot.yaw for foot in feet]))
        middle = np.mean([foot.plan for foot in feet], axis=0)
        forward = np.array([math.sin(facing), math.cos(facing)])
        moments = self._descent(self.rng.uniform(0.9, 1.5))
        if kind == "sit":
            plan, height = middle - 0.52 * self.size * forward, self.puppet.seat_pad
            tilt = -0.35
        else:
            plan, height = middle - 0.22 * self.size * forward, 0.20 * self.puppet.stature
            tilt = 0.45
            for side in SIDES:
                self.work.rises.append(HeelRise(side=side, moments=moments, angle=0.55))
        turn = rotation.multiply(
            rotation.from_rotation_vector(facing * UP),
            rotation.from_rotation_vector(np.array([tilt, 0.0, 0.0])),
        )
        root = np.array([plan[0], height, plan[1]])
        self.work.rests.append(
            Rest(kind=kind, side=self.side, moments=moments, root=root, turn=turn, facing=facing)
        )
        self.now = moments[3] + 0.1
