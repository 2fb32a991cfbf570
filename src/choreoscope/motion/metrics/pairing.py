"""Lay a result and its truth side by side: same people, same frames, same joints."""

import dataclasses

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion
from choreoscope.geometry import kinematics, rotation
from choreoscope.motion.metrics.clips import Clip
from choreoscope.motion.metrics.parts import Parts, parts_of, sole_points
from choreoscope.motion.metrics.people import match_people

_LEAST_JOINTS = 3
_RATES_APART = 0.01
_NAMED = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two sides, P matched people and T source frames; NaN where somebody is not there.

    Attributes
    ----------
    joints : (P, T, J, 3) float
        World, metres.
    turns : (P, T, 4) float
        How the root is turned from the rest pose, in the world.
    soles : (P, T, K, 3) float
        Points under the feet, world, metres.
    """

    joints: np.ndarray
    turns: np.ndarray
    soles: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Result and truth, comparable.

    Attributes
    ----------
    people : dict of str to str
        Person of the truth to person of the result.
    unmatched : (tuple of str, tuple of str)
        People of the truth and of the result who stay alone.
    first_frame : int
        Source frame of row 0.
    times : (T,) float
        Seconds, the truth's.
    rate : float
        Frames per second, the truth's.
    joints : tuple of str
        Those both sides have.
    parents : (J,) int
        Nearest ancestor among them; -1 for none.
    parts : Parts
        Among them.
    result, truth : Side
        The numbers.
    """

    people: dict[str, str]
    unmatched: tuple[tuple[str, ...], tuple[str, ...]]
    first_frame: int
    times: np.ndarray
    rate: float
    joints: tuple[str, ...]
    parents: np.ndarray
    parts: Parts
    result: Side
    truth: Side

    def index(self, names: tuple[str, ...]) -> list[int]:
        """Columns of joints."""
        return [self.joints.index(name) for name in names]

    @property
    def pelvis(self) -> tuple[int, ...]:
        """Columns whose mean is the pelvis: the hips, or else the first joint."""
        return tuple(self.index(self.parts.hips)) or (0,)


def pair(result: Clip, truth: Clip, *, fingers: bool = False) -> Pairing:
    """Find out what can be compared with what.

    Parameters
    ----------
    result, truth : Clip
        Frames are paired by their number in the film. In frames the truth calls not seen it is
        no truth.
    fingers : bool
        Compare the joints of the fingers, too; there are more of them than of all others.

    Returns
    -------
    Pairing
        People are matched by the closest path of the root, seen from the camera where both sides
        have one, because worlds may differ.

    Raises
    ------
    InputError
        If rates differ, no frame is in both, or fewer than three joints are.
    """
    motions = [*truth.people.values()]
    first = min(motion.first_frame for motion in motions)
    stop = max(motion.first_frame + motion.frame_count for motion in motions)
    _check_rates([*result.people.values()], motions)
    roots = [
        {
            name: _placed(motion, motion.root_position, first, stop)
            for name, motion in clip.people.items()
        }
        for clip in (result, truth)
    ]
    both = all(clip.camera is not None for clip in (result, truth))
    if both:
        roots = [
            {name: _from_camera(path, clip, first) for name, path in side.items()}
            for side, clip in zip(roots, (result, truth), strict=True)
        ]
    people = match_people(roots[0], roots[1])
    if not people:
        raise InputError(f"{result.place} and {truth.place}: no frame has a person in both")
    pairs = [(result.people[own], truth.people[true]) for true, own in people.items()]
    joints = _shared_joints(pairs, fingers=fingers)
    skeleton = pairs[0][1].skeleton
    sides = [
        _side([pair[place] for pair in pairs], (first, stop), joints, _shared_soles(pairs))
        for place in (0, 1)
    ]
    return Pairing(
        people=people,
        unmatched=(
            tuple(name for name in truth.people if name not in people),
            tuple(name for name in result.people if name not in people.values()),
        ),
        first_frame=first,
        times=_times(motions, first, stop),
        rate=float(motions[0].rate),
        joints=joints,
        parents=_parents(skeleton.parents, skeleton.joints, joints),
        parts=_kept_parts(parts_of(skeleton), joints),
        result=sides[0],
        truth=_masked(sides[1], [pair[1] for pair in pairs], first),
    )


def _check_rates(own: list[Motion], true: list[Motion]) -> None:
    rates = {float(motion.rate) for motion in (*own, *true)}
    if max(rates) > min(rates) * (1 + _RATES_APART):
        names = [f"{float(motions[0].rate):g}" for motions in (own, true)]
        raise InputError(
            f"the result runs at {names[0]} frames per second and the truth at {names[1]}: frames "
            f"cannot be paired; convert one of them to the other's rate"
        )


def _from_camera(path: np.ndarray, clip: Clip, first: int) -> np.ndarray:
    """See a path from the clip's camera; NaN in frames it has none for."""
    if clip.camera is None:
        return path
    poses = clip.camera.camera_from_world
    rows = np.arange(len(path)) + first - clip.camera_first
    seen = (rows >= 0) & (rows < len(poses))
    found = np.full(path.shape, np.nan)
    pose = poses[rows[seen]]
    found[seen] = np.einsum("tij,tj->ti", pose[:, :3, :3], path[seen]) + pose[:, :3, 3]
    return found


def _placed(motion: Motion, values: np.ndarray, first: int, stop: int) -> np.ndarray:
    """Rows of a motion at their place among the frames ``first:stop``; NaN elsewhere."""
    placed = np.full((stop - first, *values.shape[1:]), np.nan)
    begin = max(motion.first_frame, first)
    end = max(min(motion.first_frame + len(values), stop), begin)
    placed[begin - first : end - first] = values[
        begin - motion.first_frame : end - motion.first_frame
    ]
    return placed


def _times(motions: list[Motion], first: int, stop: int) -> np.ndarray:
    """Time of every frame; frames in which nobody is are spaced evenly."""
    known = np.full(stop - first, np.nan)
    for motion in motions:
        own = _placed(motion, motion.times, first, stop)
        known = np.where(np.isfinite(known), known, own)
    rows = np.arange(len(known))
    has = np.isfinite(known)
    return np.asarray(np.interp(rows, rows[has], known[has]))


def _shared_joints(pairs: list[tuple[Motion, Motion]], *, fingers: bool) -> tuple[str, ...]:
    skeletons = [motion.skeleton for pair in pairs for motion in pair]
    first = pairs[0][1].skeleton
    wanted = first.joints if fingers else parts_of(first).body
    shared = tuple(name for name in wanted if all(name in other.joints for other in skeletons))
    if len(shared) < _LEAST_JOINTS:
        own, true = (", ".join(motion.skeleton.joints[:_NAMED]) for motion in pairs[0])
        raise InputError(
            f"result and truth share {len(shared)} names of joints, expected at least "
            f"{_LEAST_JOINTS}; the result has {own}..., the truth {true}..."
        )
    return shared


def _shared_soles(pairs: list[tuple[Motion, Motion]]) -> tuple[str, ...]:
    found = [sole_points(motion) for pair in pairs for motion in pair]
    return tuple(name for name in found[0] if all(name in other for other in found))


def _side(
    motions: list[Motion], frames: tuple[int, int], joints: tuple[str, ...], soles: tuple[str, ...]
) -> Side:
    placed = []
    for motion in motions:
        places, turns = kinematics.of_motion(motion)
        rest = rotation.from_matrix(motion.skeleton.rest_local[0, :3, :3])
        columns = [motion.skeleton.index(name) for name in joints]
        points = sole_points(motion)
        under = np.zeros((motion.frame_count, len(soles), 3))
        for column, name in enumerate(soles):
            under[:, column] = points[name]
        turned = rotation.multiply(turns[:, 0], rotation.inverse(rest))
        placed.append(
            [_placed(motion, values, *frames) for values in (places[:, columns], turned, under)]
        )
    stacked = [np.stack(parts) for parts in zip(*placed, strict=True)]
    return Side(joints=stacked[0], turns=stacked[1], soles=stacked[2])


def _masked(side: Side, motions: list[Motion], first: int) -> Side:
    """Take out what was bridged and never measured: that is no truth."""
    frames = side.turns.shape[1]
    unseen = np.stack(
        [
            ~(_placed(motion, motion.confidence, first, first + frames).max(axis=1) > 0)
            for motion in motions
        ]
    )
    return Side(
        joints=np.where(unseen[:, :, None, None], np.nan, side.joints),
        turns=np.where(unseen[:, :, None], np.nan, side.turns),
        soles=np.where(unseen[:, :, None, None], np.nan, side.soles),
    )


def _parents(parents: np.ndarray, names: tuple[str, ...], joints: tuple[str, ...]) -> np.ndarray:
    found = []
    for name in joints:
        above = int(parents[names.index(name)])
        while above >= 0 and names[above] not in joints:
            above = int(parents[above])
        found.append(joints.index(names[above]) if above >= 0 else -1)
    return np.array(found)


def _kept_parts(parts: Parts, joints: tuple[str, ...]) -> Parts:
    def kept(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name in joints)

    return Parts(
        body=kept(parts.body),
        hands=kept(parts.hands),
        feet=kept(parts.feet),
        toes=kept(parts.toes),
        legs=tuple(leg for leg in parts.legs if all(name in joints for name in leg)),
    )
