"""Where the centre of mass goes: over the feet that carry, up and down with the beat, ballistic."""

import dataclasses

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import rest_joints
from choreoscope.motion.skeletons import SIDES
from choreoscope.synthetic.curves import blurred, pulse, quintic
from choreoscope.synthetic.footwork import GRAVITY, LEAD, DanceStyle
from choreoscope.synthetic.puppet import Puppet
from choreoscope.synthetic.steps import Footwork, foot_track

_SPACING = 0.005
_SWAY_SIGMA = 0.13
_PUSH = 0.45
"""Seconds in which a jump is prepared, and in which it is caught."""
_SWING_LOAD = 0.12
_STANDING = 0.985
_DILATION, _LOWERING = 0.15, 0.07
_MARGIN = 1.15


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CentrePath:
    """The planned centre of mass.

    Attributes
    ----------
    times : (T,) float
        Seconds.
    grid : (G,) float
        Evenly spaced seconds.
    smooth : (G, 3) float
        Metres, as if nobody ever jumped.
    lower : (G,) float
        How much has been taken off for the sake of legs that would not reach, metres.
    flights : list of (leave, land, height at either)
        Seconds, metres.
    """

    times: np.ndarray
    grid: np.ndarray
    smooth: np.ndarray
    lower: np.ndarray
    flights: tuple[tuple[float, float, float, float], ...]

    def lowered(self, missing: np.ndarray) -> "CentrePath":
        """Return the same path lower by what is missing at each time (metres), and around it."""
        on_grid = np.interp(self.grid, self.times, missing)
        reach = int(_DILATION / _SPACING)
        padded = np.pad(on_grid, reach, mode="edge")
        widest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
        more = blurred(_MARGIN * widest[:, None], _SPACING, _LOWERING)[:, 0]
        return dataclasses.replace(self, lower=self.lower + more)

    @property
    def places(self) -> np.ndarray:
        """Metres, ``(T, 3)``."""
        path = self.smooth - self.lower[:, None] * (0.0, 1.0, 0.0)
        speed = np.gradient(path, _SPACING, axis=0)
        push = np.gradient(speed, _SPACING, axis=0)

        def at(values: np.ndarray, time: np.ndarray | float) -> np.ndarray:
            return np.stack([np.interp(time, self.grid, column) for column in values.T], axis=-1)

        places = at(path, self.times)
        for leave, land, up, down in self.flights:
            start, end, velocity = self._thrown(
                at(path, leave), at(path, land), (leave, land, up, down)
            )
            fall = np.array([0.0, -GRAVITY, 0.0])
            before, after = leave - _PUSH, land + _PUSH
            states = [np.stack([at(x, t) for x in (path, speed, push)]) for t in (before, after)]
            off = np.stack([start, velocity, fall])
            on = np.stack([end, velocity + fall * (land - leave), fall])
            for span, first, last in (
                ((before, leave), states[0], off),
                ((land, after), on, states[1]),
            ):
                rows = (self.times >= span[0]) & (self.times <= span[1])
                places[rows] = quintic(self.times[rows], span, first, last)
            rows = (self.times >= leave) & (self.times <= land)
            since = (self.times[rows] - leave)[:, None]
            places[rows] = start + velocity * since + fall * since**2 / 2
        return places

    def _thrown(
        self, start: np.ndarray, end: np.ndarray, flight: tuple[float, float, float, float]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where a flight begins and ends, and with which velocity it begins."""
        leave, land, up, down = flight
        lower = [float(np.interp(time, self.grid, self.lower)) for time in (leave, land)]
        start, end = start.copy(), end.copy()
        start[1], end[1] = up - lower[0], down - lower[1]
        length = land - leave
        velocity = (end - start) / length + np.array([0.0, GRAVITY * length / 2, 0.0])
        return start, end, velocity


def centre_path(puppet: Puppet, work: Footwork, times: np.ndarray, style: DanceStyle) -> CentrePath:
    """Plan the centre of mass.

    Parameters
    ----------
    puppet, work : Puppet, Footwork
        Body and plan of its feet.
    times : (T,) float
        Seconds.
    style : DanceStyle
        As told.

    Returns
    -------
    CentrePath
    """
    grid = np.arange(-LEAD - _PUSH, float(times[-1]) + LEAD + _PUSH, _SPACING)
    weight, total = np.zeros(len(grid)), np.zeros((len(grid), 2))
    behind = 0.3 * float(puppet.bone("left_toes")[2])
    for side in SIDES:
        track = foot_track(work, side, grid, puppet.sole)
        share = _SWING_LOAD + track.load
        forward = np.stack([np.sin(track.yaw), np.cos(track.yaw)], axis=-1)
        total += share[:, None] * (track.toes[:, [0, 2]] - behind * forward)
        weight += share
    sway = blurred(total / weight[:, None], _SPACING, _SWAY_SIGMA)
    stand = _standing(puppet)
    height = stand * _STANDING - _bounce(work, grid, style, puppet)
    smooth = np.stack([sway[:, 0], blurred(height[:, None], _SPACING, 0.05)[:, 0], sway[:, 1]], -1)
    heel = 0.6 * float(puppet.bone("left_toes")[2])
    flights = tuple(
        (leave, land, stand + 0.75 * heel, stand + 0.45 * heel) for leave, land in work.flights
    )
    return CentrePath(
        times=times, grid=grid, smooth=smooth, lower=np.zeros(len(grid)), flights=flights
    )


def _standing(puppet: Puppet) -> float:
    """Height of the centre of mass at ease, arms down, metres."""
    skeleton = puppet.skeleton
    places, _ = rest_joints(skeleton)
    pose = rotation.identity(len(places))
    turns = np.tile(pose[:1], (len(places), 1))
    height = puppet.centre_of_mass(places, turns)[1]
    toes = places[skeleton.index("left_toes"), 1]
    arms = sum(
        float(puppet.mass[skeleton.index(f"{s}_{j}")]) for s in SIDES for j in ("forearm", "hand")
    )
    return float(height - toes + puppet.sole - arms * 0.5 * puppet.arm)


def _bounce(work: Footwork, grid: np.ndarray, style: DanceStyle, puppet: Puppet) -> np.ndarray:
    """How far the knees take the body down, metres."""
    beats = np.array([*work.beats, work.beats[-1] + 60 / style.tempo])
    phase = np.interp(grid, beats, np.arange(len(beats)))
    size = puppet.stature * (0.008 + 0.014 * style.energy)
    down = size * (1 + np.cos(2 * np.pi * phase))
    for moments, depth in work.dips:
        down += depth * pulse(grid, moments)
    return np.asarray(down)
