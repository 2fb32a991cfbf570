"""Procedural dance: footsteps first, then balance, then legs, arms and trunk.

The centre of mass is planned, over the feet that carry and through the air exactly as gravity has
it; the pelvis is put where the whole body's centre of mass then agrees. So feet that stand do not
move at all, and jumps are ballistic whatever the arms do.
"""

import dataclasses

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion.inverse_kinematics import HINGES
from choreoscope.motion.skeletons import FINGERS, SIDES, SPINE
from choreoscope.synthetic.balance import centre_path
from choreoscope.synthetic.curves import pulse, wander
from choreoscope.synthetic.footwork import DanceStyle, Path, Planner
from choreoscope.synthetic.gestures import gestures
from choreoscope.synthetic.limbs import two_bones
from choreoscope.synthetic.puppet import Puppet
from choreoscope.synthetic.steps import SIDEWAYS, UP, FootTrack, Footwork, Rest, both, heading

CONTACT_NAMES = (
    "left_heel",
    "left_ball",
    "right_heel",
    "right_ball",
    "left_knee",
    "right_knee",
    "left_palm",
    "right_palm",
    "seat",
)
"""Columns of `Dance.contacts`."""
_LEG = ("thigh", "shin", "foot", "toes")
_ROUNDS, _REACH_ROUNDS = 24, 8
_CLOSE = 1e-7
_LEAN = 0.06
"""How far a pelvis leans forward at ease, radians."""
_LEG_REACH, _AIR_REACH = 0.999, 0.985
_HAND_HEIGHT = 0.92
_MOST_BEND, _SITTING_BEND = 0.75, 0.22
_FINGER_BONES = tuple(f"{finger}_{bone}" for finger in FINGERS for bone in (1, 2, 3))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A hand that is led to a place.

    Attributes
    ----------
    side : str
        "left" or "right".
    weight : (T,) float
        0 leaves the arm to itself, 1 puts the wrist at the goal exactly.
    goal : (T, 3) float
        World, metres.
    turn : (T, 4) float or None
        World turn of the hand; None keeps the one relative to the forearm.
    """

    side: str
    weight: np.ndarray
    goal: np.ndarray
    turn: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dance:
    """What one person does.

    Attributes
    ----------
    root : (T, 3) float
        World, metres.
    rotations : (T, J, 4) float
        Of every joint of the puppet's skeleton.
    contacts : (T, 9) bool
        Whether each of `CONTACT_NAMES` touches the floor.
    flights : tuple of (float, float)
        From and until when nobody carries the body but the air, seconds.
    beats : (B,) float
        Seconds.
    """

    root: np.ndarray
    rotations: np.ndarray
    contacts: np.ndarray
    flights: tuple[tuple[float, float], ...]
    beats: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Everything that is settled before the pelvis is: all arrays over the frames."""

    puppet: Puppet
    work: Footwork
    feet: dict[str, FootTrack]
    ankles: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    body: np.ndarray
    pelvis: np.ndarray
    face: np.ndarray
    in_air: np.ndarray
    upper: np.ndarray


def make_dance(
    puppet: Puppet,
    times: np.ndarray,
    rng: np.random.Generator,
    path: Path,
    style: DanceStyle,
    reaches: tuple[Reach, ...] = (),
) -> Dance:
    """Let somebody dance.

    Parameters
    ----------
    puppet : Puppet
        The body.
    times : (T,) float
        Seconds from 0, rising.
    rng : numpy.random.Generator
        Source of chance: the same seed gives the same dance.
    path : Path
        Where the dancer wants to be.
    style : DanceStyle
        What is danced.
    reaches : tuple of Reach
        Hands led elsewhere, towards a partner. The balance takes no account of them.

    Returns
    -------
    Dance
        Feet that touch stand still exactly. A foot that could not have reached where it stands is
        not said to touch.
    """
    work = Planner(rng, puppet, path, style, float(times[-1])).plan()
    plan = _plan(puppet, work, rng, times, path, style)
    centre = centre_path(puppet, work, times, style)
    free = centre.places
    for _ in range(_REACH_ROUNDS):
        free = _balanced(plan, centre.places, free)
        root = _rested(work, times, free)
        missing = _missing(plan, root)
        if missing.max() <= 0:
            break
        centre = centre.lowered(missing)
    rotations = _posed(plan, root)
    for reach in (*reaches, *_floor_hands(puppet, work, times)):
        _lead_hand(puppet, root, rotations, reach)
    contacts = _contacts(plan, times, missing > 0)
    return Dance(
        root=root,
        rotations=rotation.with_continuous_signs(rotation.normalized(rotations)),
        contacts=contacts,
        flights=tuple(work.flights),
        beats=np.array([beat for beat in work.beats if 0 <= beat <= times[-1]]),
    )


def _plan(
    puppet: Puppet,
    work: Footwork,
    rng: np.random.Generator,
    times: np.ndarray,
    path: Path,
    style: DanceStyle,
) -> _Plan:
    low = [(rest.moments[0], rest.moments[3], rest.kind) for rest in work.rests]
    beats = np.array(work.beats)
    body = gestures(rng, puppet.skeleton, times, beats, style, low)
    face = np.interp(times, path.moments, path.facing) + heading(work, times)
    sway = (0.05 + 0.05 * style.energy) * wander(rng, times, (0.3, 1.6), (3,)) * (0.8, 1.0, 0.7)
    pelvis = rotation.multiply(
        rotation.from_rotation_vector(face[:, None] * UP),
        rotation.from_rotation_vector(sway + _LEAN * SIDEWAYS),
    )
    for rest in work.rests:
        share = pulse(times, rest.moments)
        pelvis = rotation.slerp(pelvis, np.tile(rest.turn, (len(times), 1)), share)
        face = face + share * (rest.facing - face)
        _bend_down(puppet, rest, share, body)
    feet = both(work, times, puppet.sole)
    in_air = np.zeros(len(times), dtype=bool)
    for leave, land in work.flights:
        in_air |= (times > leave) & (times < land)
    return _Plan(
        puppet=puppet,
        work=work,
        feet=feet,
        ankles={side: track.ankle(puppet) for side, track in feet.items()},
        body=body,
        pelvis=pelvis,
        face=face,
        in_air=in_air,
        upper=_upper_moment(puppet, pelvis, body),
    )


def _rested(work: Footwork, times: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Lead the root to where it rests while the body is down on the floor."""
    for rest in work.rests:
        share = pulse(times, rest.moments)[:, None]
        root = (1 - share) * root + share * rest.root
    return root


def _bent_trunk(puppet: Puppet, rest: Rest) -> tuple[float, np.ndarray]:
    """How far each joint of the spine bends in a rest, and where the shoulder is then."""
    skeleton = puppet.skeleton
    bends = np.linspace(0.0, _MOST_BEND, 40) if rest.kind == "hand" else np.array([_SITTING_BEND])
    still = np.tile(rotation.identity(len(skeleton.joints)), (len(bends), 1, 1))
    still[:, 0] = rest.turn
    for name in SPINE:
        still[:, skeleton.index(name)] = rotation.from_rotation_vector(bends[:, None] * SIDEWAYS)
    places, _ = world_joints(skeleton, np.tile(rest.root, (len(bends), 1)), still)
    shoulder = places[:, skeleton.index(f"{rest.side}_upper_arm")]
    best = int(np.argmin(np.abs(shoulder[:, 1] - puppet.palm_pad - _HAND_HEIGHT * puppet.arm)))
    return float(bends[best]), shoulder[best]


def _bend_down(puppet: Puppet, rest: Rest, share: np.ndarray, body: np.ndarray) -> None:
    """Bend the trunk (in place) for a rest on the floor, and hold still what carries."""
    if rest.kind == "kneel":
        return
    bend, _ = _bent_trunk(puppet, rest)
    held = dict.fromkeys(SPINE, rotation.from_rotation_vector(bend * SIDEWAYS))
    if rest.kind == "hand":
        flat = dict.fromkeys(("clavicle", *_FINGER_BONES), rotation.identity())
        thumb = puppet.bone(f"{rest.side}_thumb_2")
        flat["thumb_1"] = rotation.between(thumb, thumb * (1.0, 0.0, 1.0))
        held |= {f"{rest.side}_{part}": turn for part, turn in flat.items()}
    for name, turn in held.items():
        index = puppet.skeleton.index(name)
        body[:, index] = rotation.slerp(body[:, index], np.tile(turn, (len(share), 1)), share)


def _floor_hands(puppet: Puppet, work: Footwork, times: np.ndarray) -> list[Reach]:
    """Hands that go down to the floor: fingers away from the body's middle, palm down."""
    reaches = []
    for rest in (rest for rest in work.rests if rest.kind == "hand"):
        _, shoulder = _bent_trunk(puppet, rest)
        sign = 1.0 if rest.side == "left" else -1.0
        goal = shoulder + 0.10 * sign * rotation.rotate(rest.turn, SIDEWAYS)
        goal[1] = puppet.palm_pad
        facing = rotation.swing_twist(rest.turn, UP)[1]
        turn = rotation.multiply(facing, rotation.from_rotation_vector(-0.7 * sign * UP))
        reaches.append(
            Reach(
                side=rest.side,
                weight=pulse(times, rest.moments),
                goal=np.tile(goal, (len(times), 1)),
                turn=np.tile(turn, (len(times), 1)),
            )
        )
    return reaches


def _upper_moment(puppet: Puppet, pelvis: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Mass times place about the root of everything but the legs, ``(T, 3)``."""
    turned = body.copy()
    turned[:, 0] = pelvis
    places, turns = world_joints(puppet.skeleton, np.zeros((len(body), 3)), turned)
    legs = [puppet.skeleton.index(f"{side}_{part}") for side in SIDES for part in _LEG]
    mass, lever = puppet.mass.copy(), puppet.lever.copy()
    mass[legs], lever[legs] = 0.0, 0.0
    swung = rotation.rotate(turns, lever).sum(axis=1)
    return np.asarray(swung + np.einsum("j,tjc->tc", mass, places))


def _balanced(plan: _Plan, centre: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Root path ``(T, 3)`` with which the body's centre of mass goes where it is to go.

    Fixed-point iteration from `root`: feet that stand hold the legs back, so that the centre of
    mass follows the root by three quarters or so.
    """
    puppet = plan.puppet
    legs = [puppet.skeleton.index(f"{side}_{part}") for side in SIDES for part in _LEG]
    trunk = 1.0 - float(puppet.mass[legs].sum())
    for _ in range(_ROUNDS):
        mean = plan.upper + trunk * root
        for side in SIDES:
            mean += _leg_moment(plan, root, side)
        root = root + centre - mean
        if np.abs(centre - mean).max() < _CLOSE:
            break
    return root


def _leg_moment(plan: _Plan, root: np.ndarray, side: str) -> np.ndarray:
    """Mass times place of one leg, ``(T, 3)``."""
    puppet = plan.puppet
    turns = _leg(plan, root, side)
    place, total = _hips(plan, root, side), np.zeros(root.shape)
    for number, part in enumerate(_LEG):
        if number:
            place = place + rotation.rotate(turns[number - 1], puppet.bone(f"{side}_{part}"))
        index = puppet.skeleton.index(f"{side}_{part}")
        total += puppet.mass[index] * place + rotation.rotate(turns[number], puppet.lever[index])
    return total


def _hips(plan: _Plan, root: np.ndarray, side: str) -> np.ndarray:
    offset = plan.puppet.bone(f"{side}_thigh")
    return np.asarray(root + rotation.rotate(plan.pelvis, offset))


def _missing(plan: _Plan, root: np.ndarray) -> np.ndarray:
    """How far legs that stand are too short, metres, ``(T,)``."""
    most = np.zeros(len(root))
    for side, track in plan.feet.items():
        ankle = plan.ankles[side][0]
        gap = np.linalg.norm(ankle - _hips(plan, root, side), axis=-1)
        short = gap - _LEG_REACH * plan.puppet.leg
        most = np.maximum(most, np.where(track.ball_down, short, 0.0))
    return most


def _leg(plan: _Plan, root: np.ndarray, side: str) -> tuple[np.ndarray, ...]:
    """World turns of thigh, shin, foot and toes, each ``(T, 4)``."""
    puppet, track = plan.puppet, plan.feet[side]
    hip = _hips(plan, root, side)
    ankle, foot, toes = plan.ankles[side]
    gap = ankle - hip
    length = np.linalg.norm(gap, axis=-1, keepdims=True)
    air = np.minimum(1.0, _AIR_REACH * puppet.leg / length)
    ankle = np.where(plan.in_air[:, None], hip + air * gap, ankle)
    yaw = (plan.face + track.yaw) / 2
    hinge = rotation.rotate(rotation.from_rotation_vector(yaw[:, None] * UP), SIDEWAYS)
    bones = (puppet.bone(f"{side}_shin"), puppet.bone(f"{side}_foot"))
    thigh, shin = two_bones(hip, ankle, bones, hinge, SIDEWAYS)
    return thigh, shin, foot, rotation.multiply(foot, toes)


def _posed(plan: _Plan, root: np.ndarray) -> np.ndarray:
    """Rotations of all joints ``(T, J, 4)`` for a given root path."""
    rotations = plan.body.copy()
    rotations[:, 0] = plan.pelvis
    for side in SIDES:
        above = plan.pelvis
        for part, turn in zip(_LEG, _leg(plan, root, side), strict=True):
            index = plan.puppet.skeleton.index(f"{side}_{part}")
            rotations[:, index] = rotation.multiply(rotation.inverse(above), turn)
            above = turn
    return rotations


def _lead_hand(puppet: Puppet, root: np.ndarray, rotations: np.ndarray, reach: Reach) -> None:
    """Turn an arm (in place) so that its wrist comes to the goal."""
    skeleton, side = puppet.skeleton, reach.side
    numbers = [skeleton.index(f"{side}_{joint}") for joint in ("upper_arm", "forearm", "hand")]
    places, turns = world_joints(skeleton, root, rotations)
    chest = turns[:, skeleton.parents[numbers[0]]]
    bones = (puppet.bone(f"{side}_forearm"), puppet.bone(f"{side}_hand"))
    # The elbow points down and out, whatever it did before.
    shoulder = places[:, numbers[0]]
    out = rotation.rotate(chest, SIDEWAYS) * (1.0 if side == "left" else -1.0)
    along = reach.goal - shoulder
    elbow = np.where(along[:, 1:2] < -0.3 * puppet.arm, out, out - UP)
    hinge = np.cross(elbow, along)
    rest_hinge = HINGES[f"{side}_forearm"]
    upper, lower = two_bones(shoulder, reach.goal, bones, hinge, rest_hinge)
    local = [
        rotation.multiply(rotation.inverse(chest), upper),
        rotation.multiply(rotation.inverse(upper), lower),
    ]
    if reach.turn is not None:
        local.append(rotation.multiply(rotation.inverse(lower), reach.turn))
    for number, turn in zip(numbers, local, strict=False):
        rotations[:, number] = rotation.slerp(rotations[:, number], turn, reach.weight)


def _contacts(plan: _Plan, times: np.ndarray, too_short: np.ndarray) -> np.ndarray:
    touching = np.zeros((len(times), len(CONTACT_NAMES)), dtype=bool)
    for side, track in plan.feet.items():
        stands = ~too_short & ~plan.in_air
        touching[:, CONTACT_NAMES.index(f"{side}_heel")] = track.heel_down & stands
        touching[:, CONTACT_NAMES.index(f"{side}_ball")] = track.ball_down & stands
    for rest in plan.work.rests:
        _, down, up, _ = rest.moments
        name = {"kneel": f"{rest.side}_knee", "hand": f"{rest.side}_palm", "sit": "seat"}[rest.kind]
        touching[:, CONTACT_NAMES.index(name)] |= (times >= down) & (times <= up)
    return touching
