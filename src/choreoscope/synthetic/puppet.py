"""A body that can be made to dance: what of its sizes footsteps and balance depend on."""

import dataclasses

import numpy as np

from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import points_of_regressor
from choreoscope.motion.bodies.posing import posed_vertices
from choreoscope.motion.skeletons import SIDES
from choreoscope.synthetic.skin import main_joints

_PRESSED = 0.0045
"""How much the skin of a sole gives way under a body, metres (heel pads give 4 to 6 mm)."""
_KNEELING, _SITTING = (0.12, 1.77), (-2.12, 0.35)
"""Turns about the sideways axis, radians: thigh and shin on one knee; thigh and pelvis seated."""
_SEAT_REACH = 0.16
"""Share of stature around the pelvis in which the seat is."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Puppet:
    """Sizes of one person, metres, house skeleton.

    Attributes
    ----------
    skeleton : Skeleton
        Rest rotations are the identity.
    stature : float
        Standing height.
    sole : float
        Height of the toes joint over the floor while the foot stands flat.
    knee_pad, seat_pad, palm_pad : float
        Height of knee, pelvis and wrist joint over the floor while they rest on it.
    mass : (J,) float
        Share of the body's mass that moves with each joint.
    lever : (J, 3) float
        Mass times its place in the joint's axes, so that the centre of mass is
        ``sum_j mass_j P_j + R_j lever_j``.
    """

    skeleton: Skeleton
    stature: float
    sole: float
    knee_pad: float
    seat_pad: float
    palm_pad: float
    mass: np.ndarray
    lever: np.ndarray

    def bone(self, joint: str) -> np.ndarray:
        """Offset of a joint from its parent at rest, ``(3,)``."""
        return np.asarray(self.skeleton.rest_local[self.skeleton.index(joint), :3, 3])

    @property
    def leg(self) -> float:
        """Length of thigh and shin."""
        return float(
            np.linalg.norm(self.bone("left_shin")) + np.linalg.norm(self.bone("left_foot"))
        )

    @property
    def arm(self) -> float:
        """Length of upper arm and forearm."""
        return float(
            np.linalg.norm(self.bone("left_forearm")) + np.linalg.norm(self.bone("left_hand"))
        )

    def centre_of_mass(self, positions: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Centre of mass ``(T, 3)`` of joints placed by `geometry.kinematics.world_joints`."""
        swung = rotation.rotate(turns, self.lever).sum(axis=-2)
        return np.asarray(swung + np.einsum("j,...jc->...c", self.mass, positions))


def puppet_of_body(model: BodyModel, shape: np.ndarray) -> Puppet:
    """Puppet of a body with skin.

    Parameters
    ----------
    model : BodyModel
        One of our own, with the point set "mass".
    shape : (S,) float
        Standard deviations.

    Returns
    -------
    Puppet
    """
    skeleton = model.skeleton(shape)
    places = model.rest_joints(shape)
    middle = points_of_regressor(model, model.points["mass"])
    mass, lever = np.zeros(len(places)), np.zeros((len(places), 3))
    own = middle.moment[0] + middle.shape_moment[0, ..., : len(shape)] @ shape
    np.add.at(mass, middle.joints[0], middle.mass[0])
    np.add.at(lever, middle.joints[0], own)
    knee, seat, palm = _pads(model, shape, skeleton)
    lowest = float(model.rest_vertices(shape)[:, 1].min())
    return Puppet(
        skeleton=skeleton,
        stature=model.stature(shape),
        sole=float(places[skeleton.index("left_toes"), 1]) - lowest - _PRESSED,
        knee_pad=knee - _PRESSED,
        seat_pad=seat - _PRESSED,
        palm_pad=palm,
        mass=mass,
        lever=lever - mass[:, None] * places,
    )


def _pads(model: BodyModel, shape: np.ndarray, skeleton: Skeleton) -> tuple[float, float, float]:
    """How far skin reaches below knee, pelvis and wrist when they come to the floor, metres."""
    poses = np.tile(rotation.identity(len(skeleton.joints)), (3, 1, 1))

    def turned(angle: float) -> np.ndarray:
        return rotation.from_rotation_vector(np.array([angle, 0.0, 0.0]))

    thigh, shin = (skeleton.index(f"left_{part}") for part in ("thigh", "shin"))
    poses[0, thigh], poses[0, shin] = turned(_KNEELING[0]), turned(_KNEELING[1] - _KNEELING[0])
    poses[1, 0] = turned(-_SITTING[1])
    for side in SIDES:
        poses[1, skeleton.index(f"{side}_thigh")] = turned(_SITTING[0] + _SITTING[1])
        poses[1, skeleton.index(f"{side}_shin")] = turned(-_SITTING[0])
    root = np.tile(model.rest_joints(shape)[0], (3, 1))
    skins = posed_vertices(model, shape, root, poses)
    joints, _ = world_joints(skeleton, root, poses)
    main = main_joints(model)
    hand = skeleton.index("left_hand")
    # A hand laid flat lifts its thumb.
    palm = [j for j in _below(skeleton, hand) if "thumb" not in skeleton.joints[j]]
    near = np.linalg.norm(skins[1] - root[1], axis=-1) < _SEAT_REACH * model.stature(shape)
    parts = (np.isin(main, (thigh, shin)), near, np.isin(main, palm))
    return tuple(
        float(joints[pose, joint, 1] - skins[pose][part, 1].min())
        for pose, (joint, part) in enumerate(zip((shin, 0, hand), parts, strict=True))
    )  # type: ignore[return-value]


def _below(skeleton: Skeleton, joint: int) -> list[int]:
    """List a joint and all that hang on it."""
    found = [joint]
    for index, parent in enumerate(skeleton.parents):
        if parent in found:
            found.append(index)
    return found
