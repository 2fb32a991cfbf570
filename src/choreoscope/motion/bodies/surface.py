"""Points on the skin of a body found by its geometry, for bodies that come without them.

Much as those of our own bodies were found when they were baked, with fewer assumptions about the
mesh. Joints are named as in the house skeleton; the body stands in T pose.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.bodies.mass import mass_regressor
from choreoscope.motion.bodies.model import BodyModel, Regressor
from choreoscope.motion.bodies.points import place_points, points_of_vertices, pose_body
from choreoscope.motion.skeletons import FINGERS, SIDES


def find_points(model: BodyModel) -> dict[str, Regressor]:
    """Tips, and what the shot solve needs to put a body on a floor.

    Parameters
    ----------
    model : BodyModel
        Whole body with the joint names of the house skeleton; fingers may be missing.

    Returns
    -------
    dict of str to Regressor
        "tips" as far as found. "soles", "contacts" and "mass", named as those of our own bodies,
        if every point of them is found, and none of the three otherwise.
    """
    skin = _Skin.of(model)
    soles: dict[str, int | None] = {}
    contacts: dict[str, int | None] = {}
    for side in SIDES:
        soles |= {f"{side}_{name}": vertex for name, vertex in _sole(skin, side).items()}
        contacts |= {f"{side}_{name}": vertex for name, vertex in _contacts(skin, side).items()}
    points = find_tips(model)
    mass = mass_regressor(model)
    whole = [*soles.values(), *contacts.values()]
    if mass is None or any(vertex is None for vertex in whole):
        return points
    return points | {"soles": _single(soles), "contacts": _single(contacts), "mass": mass}


def find_tips(model: BodyModel) -> dict[str, Regressor]:
    """Find the ends of head, toes and fingers: the set "tips", or nothing."""
    skin = _Skin.of(model)
    tips = {"head": skin.farthest(skin.of_joints("head"), (0.0, 1.0, 0.0))}
    for side in SIDES:
        tips[f"{side}_toes"] = _toe_tip(skin, side)
        for finger in FINGERS:
            tips[f"{side}_{finger}_3"] = _finger_tip(skin, f"{side}_{finger}_2", 3)
        if f"{side}_middle_3" not in model.joints:
            tips[f"{side}_middle_1"] = _finger_tip(skin, f"{side}_hand", 1)
    found = {name: vertex for name, vertex in tips.items() if vertex is not None}
    return {"tips": _single(found)} if found else {}


def _single(vertices: Mapping[str, int | None]) -> Regressor:
    chosen = np.array([[vertex] for vertex in vertices.values()], dtype=np.int64)
    return Regressor(names=tuple(vertices), vertices=chosen, weights=np.ones(chosen.shape))


@dataclasses.dataclass(frozen=True, slots=True)
class _Skin:
    """Mean body with what the searches ask for.

    Attributes
    ----------
    model : BodyModel
        The body.
    at : (V, 3) float
        Vertices at rest, metres.
    owner : (V,) int
        Joint that moves a vertex most.
    joints : dict of str to (3,) float
        Places, metres.
    order : dict of str to int
        Numbers of joints.
    """

    model: BodyModel
    at: np.ndarray
    owner: np.ndarray
    joints: dict[str, np.ndarray]
    order: dict[str, int]

    @classmethod
    def of(cls, model: BodyModel) -> "_Skin":
        rows = np.arange(len(model.template))
        return cls(
            model=model,
            at=model.template,
            owner=model.skin_joints[rows, model.skin_weights.argmax(axis=1)],
            joints=dict(zip(model.joints, model.joint_template, strict=True)),
            order={name: joint for joint, name in enumerate(model.joints)},
        )

    def of_joints(self, *names: str) -> np.ndarray:
        """Vertices that follow one of the joints most."""
        return np.flatnonzero(
            np.isin(self.owner, [self.order[name] for name in names if name in self.order])
        )

    def share(self, vertices: np.ndarray, joint: str) -> np.ndarray:
        """How far vertices follow a joint."""
        own = self.model.skin_joints[vertices] == self.order[joint]
        return np.asarray((self.model.skin_weights[vertices] * own).sum(axis=1))

    def around(self, joint: str) -> np.ndarray:
        """Vertices near a joint that follow it or its parent most."""
        own = self.order[joint]
        parent = int(self.model.parents[own])
        place = self.joints[joint]
        near = _AROUND * np.linalg.norm(self.model.joint_template[parent] - place)
        kin = np.flatnonzero(np.isin(self.owner, [own, parent]))
        return np.asarray(kin[np.linalg.norm(self.at[kin] - place, axis=1) < near])

    def farthest(
        self, vertices: np.ndarray, direction: np.ndarray | tuple[float, ...]
    ) -> int | None:
        """Vertex farthest along a direction."""
        if not len(vertices):
            return None
        return int(vertices[(self.at[vertices] @ np.asarray(direction)).argmax()])

    def lowest(
        self,
        vertices: np.ndarray,
        joint: str,
        turn: tuple[float, float, float],
        down: tuple[float, float, float],
    ) -> int | None:
        """Vertex farthest along a direction once one joint is turned by a rotation vector."""
        if not len(vertices):
            return None
        turns = rotation.identity(1, len(self.order))
        turns[0, self.order[joint]] = rotation.from_rotation_vector(np.array(turn))
        mean = np.zeros(0)
        pose = pose_body(self.model, mean, self.model.joint_template[:1], turns)
        placed = place_points(points_of_vertices(self.model, vertices), mean, pose)[0]
        return int(vertices[(placed @ np.array(down)).argmax()])


def _toe_tip(skin: _Skin, side: str) -> int | None:
    return skin.farthest(skin.of_joints(f"{side}_foot", f"{side}_toes"), (0.0, -0.3, 1.0))


def _finger_tip(skin: _Skin, before: str, bone: int) -> int | None:
    """End of the last bone, along the direction from the joint before it."""
    name = before if bone == 1 else before[:-1] + str(bone)
    name = name.replace("_hand", "_middle_1")
    if name not in skin.joints or before not in skin.joints:
        return None
    return skin.farthest(skin.of_joints(name), skin.joints[name] - skin.joints[before])


def _sole(skin: _Skin, side: str) -> dict[str, int | None]:
    """Five points of one sole. Those of the ball follow the toes: the pad rises with the heel."""
    outer = np.array([1.0 if side == "left" else -1.0, 0.0, 0.0])
    names = ("heel_inner", "heel_outer", "ball_inner", "ball_outer", "toe_tip")
    foot = skin.of_joints(f"{side}_foot", f"{side}_toes")
    if not len(foot):
        return dict.fromkeys(names)
    low = foot[skin.at[foot, 1] < skin.at[foot, 1].min() + _ANKLE_DEEP]
    back, front = skin.at[low, 2].min(), skin.at[low, 2].max()
    length = front - back
    behind = skin.at[low, 2] - back
    heel = low[(behind > _HEEL[0] * length) & (behind < _HEEL[1] * length)]
    toes = low[skin.share(low, f"{side}_toes") > _HALF]
    heel, pads = (_underside(skin, zone, _SOLE * length) for zone in (heel, toes))
    # Behind the toes the skin that follows them is a little off the ground.
    ball = _underside(skin, toes, _UNDER_BALL * length)
    ball = ball[skin.at[ball, 2] < skin.at[ball, 2].min(initial=np.inf) + _BALL * length]
    ends = [skin.farthest(zone, way) for zone in (heel, ball) for way in (-outer, outer)]
    return dict(zip(names, [*ends, skin.farthest(pads, (0.0, 0.0, 1.0))], strict=True))


_ANKLE_DEEP = 0.04
_HALF = 0.5
_HEEL, _BALL, _SOLE, _UNDER_BALL = (0.08, 0.20), 0.12, 0.015, 0.04
"""Shares of the foot's length: where the heel is, how deep the ball is, how thick soles are."""


def _underside(skin: _Skin, zone: np.ndarray, thick: float) -> np.ndarray:
    """Keep what is on the ground; the heel may stand a little higher than the ball."""
    heights = skin.at[zone, 1]
    return np.asarray(zone[heights < heights.min(initial=np.inf) + thick])


def _contacts(skin: _Skin, side: str) -> dict[str, int | None]:
    """Other points on which dancers come to rest: what comes lowest when they do."""
    sign = 1.0 if side == "left" else -1.0
    outer = sign * skin.at[:, 0]
    wrist, knuckle = (skin.joints[f"{side}_{name}"] for name in ("hand", "middle_1"))
    along = (knuckle - wrist) / np.linalg.norm(knuckle - wrist)
    length = float(along @ (knuckle - wrist))
    hand = skin.of_joints(f"{side}_hand", f"{side}_middle_1")
    share = (skin.at[hand] - wrist) @ along / length
    fingers = "middle_3" if f"{side}_middle_3" in skin.order else "middle_1"
    finger = skin.of_joints(f"{side}_{fingers}")
    reach = skin.at[finger] @ along
    seat = skin.of_joints("pelvis", f"{side}_thigh")
    seat = seat[outer[seat] > _CLEFT]
    knee, elbow = (skin.around(f"{side}_{name}") for name in ("shin", "forearm"))
    bent, reached = (0.0, -sign * _RIGHT_ANGLE, 0.0), (sign, 0.0, -0.5)
    return {
        "palm": skin.farthest(hand[(share > _PALM[0]) & (share < _PALM[1])], _DOWN),
        "fingertips": skin.farthest(
            finger[reach > reach.max(initial=-np.inf) - _PAD * length], _DOWN
        ),
        "knee": skin.lowest(knee, f"{side}_shin", (_RIGHT_ANGLE, 0.0, 0.0), _DOWN),
        "elbow": skin.lowest(elbow, f"{side}_forearm", bent, reached),
        "seat": skin.lowest(seat, f"{side}_thigh", (-_RIGHT_ANGLE, 0.0, 0.0), _DOWN),
    }


_PALM, _PAD = (0.2, 0.8), 0.2
"""Shares of the way from wrist to knuckles: where the palm is, how long a finger's pad is."""
_AROUND = 0.3
"""Share of the parent's bone that belongs to a knee or an elbow."""
_DOWN = (0.0, -1.0, 0.0)
_RIGHT_ANGLE = np.pi / 2
_CLEFT = 0.03
