"""Where a body touches the ground: soles, seat, knees, palms, elbows (part of ``bake_body.py``).

Contacts are found by doing it: the body is seated, made to kneel, made to bend its arm, and the
skin that comes lowest is taken.
"""

# Measures of the body are easier to read in place; anny has no types.
# ruff: noqa: ANN401, PLR2004

from typing import Any

import numpy as np
from bake_rig import HOUSE_JOINTS, PARENTS

from choreoscope.geometry import rotation

UNDERSIDE = 0.0025
"""Metres above the lowest skin up to which skin counts as the sole."""
BEFORE_JOINT = 0.008
"""Metres in front of the toes' joint at which the ball's points lie."""


def contact_landmarks(surface: Any) -> dict[str, int]:
    """Vertices of the left side that touch the ground."""
    shares, middle = surface.dense, "left_middle_3"
    hand = surface.of("left_hand")
    palm = hand[shares[hand, HOUSE_JOINTS.index("left_hand")] > 0.9]
    pad = surface.of(middle)
    pad = pad[shares[pad, HOUSE_JOINTS.index(middle)] > 0.95]
    down, arm = (0.0, -1.0, 0.0), surface.of("left_upper_arm", "left_forearm")
    seat = surface.of("pelvis", "left_thigh")
    return {
        "palm": surface.farthest(palm, down),
        "fingertips": surface.farthest(pad, down),
        "seat": _lowest(surface, {"thigh": (-90, 0, 0)}, seat[surface.at[seat, 0] > 0.03], down),
        "knee": _lowest(surface, {"shin": (90, 0, 0)}, surface.of("left_thigh", "left_shin"), down),
        "elbow": _lowest(surface, {"forearm": (0, -90, 0)}, arm, (1.0, 0.0, -0.5)),
    }


def _lowest(
    surface: Any,
    turns: dict[str, tuple[float, float, float]],
    among: np.ndarray,
    down: tuple[float, float, float],
) -> int:
    """Vertex that is farthest down once joints of the left side are turned by degrees."""
    own = {HOUSE_JOINTS.index(f"left_{name}"): angles for name, angles in turns.items()}
    matrices, places = [], []
    for joint, parent in enumerate(PARENTS):
        turn = np.radians(own.get(joint, (0.0, 0.0, 0.0)))
        local = rotation.to_matrix(rotation.from_rotation_vector(turn))
        at = surface.joints[joint]
        matrices.append(local if parent < 0 else matrices[parent] @ local)
        shift = at if parent < 0 else matrices[parent] @ (at - surface.joints[parent])
        places.append(shift if parent < 0 else places[parent] + shift)
    gap = surface.at[among, None] - surface.joints
    each = np.einsum("jab,vjb->vja", np.array(matrices), gap) + np.array(places)
    posed = np.einsum("vj,vja->va", surface.dense[among], each)
    return int(among[(posed @ np.asarray(down)).argmax()])


def sole_landmarks(surface: Any) -> dict[str, int]:
    """Vertices of the left heel's and the toes' underside."""
    at, foot = surface.at, surface.of("left_foot", "left_toes")
    under = foot[at[foot, 1] < at[foot, 1].min() + UNDERSIDE]
    heel = under[at[under, 2] < 0.25 * surface.joint("left_toes")[2]]
    return {
        "heel_inner": surface.farthest(heel, (-1.0, 0.0, 0.0)),
        "heel_outer": surface.farthest(heel, (1.0, 0.0, 0.0)),
        "toe_pad": surface.farthest(under, (0.0, 0.0, 1.0)),
    }


def ball_places(surface: Any) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Place, shape directions and shares that points at the left ball should have.

    They lie where the sole's plane passes under the toes' joint, and follow the toes: skin lies
    there only under the ball's pad, which follows the foot and leaves the ground with the heel.
    """
    at, toes = surface.at, surface.joint("left_toes")
    follows = surface.dense[:, HOUSE_JOINTS.index("left_toes")]
    skin = surface.of("left_toes", "left_foot")
    skin = skin[(follows[skin] > 0.7) & (at[skin, 1] < 0.01)]
    skin = skin[np.abs(at[skin, 2] - toes[2] - BEFORE_JOINT) < 0.008]
    pad = surface.farthest(surface.of("left_foot"), (0.0, -1.0, 0.0))
    shares = np.zeros(len(HOUSE_JOINTS))
    shares[HOUSE_JOINTS.index("left_toes")] = 1.0
    made = {}
    for name, sign in (("ball_inner", -1.0), ("ball_outer", 1.0)):
        edge = surface.farthest(skin, (sign, 0.0, 0.0))
        place = np.array([at[edge, 0], at[pad, 1] + UNDERSIDE / 4, toes[2] + BEFORE_JOINT])
        slope = surface.shapes[edge].copy()
        slope[1] = surface.shapes[pad, 1]
        made[name] = place, slope, shares
    return made
