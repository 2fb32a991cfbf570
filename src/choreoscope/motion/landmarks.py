"""Names of the 33 body points and 21 hand points, and where on the house skeleton they sit.

Order of BlazePose (body: Bazarevsky et al. 2020; hand: Zhang et al. 2020), left before right.
"""

import numpy as np

NOSE, LEFT_EAR, RIGHT_EAR = 0, 7, 8
SHOULDERS, ELBOWS, WRISTS = (11, 12), (13, 14), (15, 16)
PINKIES, INDEXES, THUMBS = (17, 18), (19, 20), (21, 22)
HIPS, KNEES, ANKLES = (23, 24), (25, 26), (27, 28)
HEELS, TOES = (29, 30), (31, 32)
EARS = (LEFT_EAR, RIGHT_EAR)
FACE = tuple(range(11))
BODY_POINTS = 33
HAND_POINTS = 21
MIRROR = np.array(
    [0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9]
    + [point + 1 if point % 2 else point - 1 for point in range(11, BODY_POINTS)]
)
"""Point on the other side, ``(33,)``."""

Ends = tuple[tuple[int, ...], tuple[int, ...]]


def _sides(start: tuple[int, int], end: tuple[int, int]) -> tuple[Ends, ...]:
    return tuple(((first,), (last,)) for first, last in zip(start, end, strict=True))


SEGMENTS: dict[str, tuple[Ends, ...]] = {
    "pelvis_width": (((23,), (24,)),),
    "shoulder_width": (((11,), (12,)),),
    "torso": ((HIPS, SHOULDERS),),
    "neck": ((SHOULDERS, EARS),),
    "upper_arm": _sides(SHOULDERS, ELBOWS),
    "forearm": _sides(ELBOWS, WRISTS),
    "thigh": _sides(HIPS, KNEES),
    "shin": _sides(KNEES, ANKLES),
}
"""Measurable sizes: the points between which each lies (the mean where several), per side."""

_EYE, _EAR, _MOUTH = (0.0127, 0.0135, 0.056), (0.038, 0.010, 0.0), (0.0128, -0.025, 0.046)
_HEAD_OFFSETS = np.array(
    [
        [0.0, -0.0067, 0.066],
        *[_EYE] * 3,
        *[np.array(_EYE) * (-1, 1, 1)] * 3,
        _EAR,
        np.array(_EAR) * (-1, 1, 1),
        _MOUTH,
        np.array(_MOUTH) * (-1, 1, 1),
    ]
)
"""Face points from the head joint, shares of stature, rest axes."""

EAR_HEIGHT = 0.010
"""Height of the ears above the head joint, share of stature."""

_HAND_OFFSETS = {"pinky": (0.042, 0.0, -0.011), "index": (0.046, 0.0, 0.011)}
_THUMB_OFFSET = (0.028, -0.004, 0.010)
_HEEL_OFFSET, _TOE_OFFSET = (0.0, -0.033, -0.004), (0.0, -0.033, 0.100)


def attachments() -> tuple[str, ...]:
    """House joint each of the 33 body points is fixed to."""
    arm = ["upper_arm", "forearm", "hand", "hand", "hand", "hand"]
    leg = ["thigh", "shin", "foot", "foot", "foot"]
    paired = [f"{side}_{joint}" for joint in arm + leg for side in ("left", "right")]
    return ("head",) * len(FACE) + tuple(paired)


def default_offsets(stature: float) -> np.ndarray:
    """Place of every body point in the axes of its joint, average adult.

    Averages of what the detector reports on real films, not anatomy: its knuckles, heels and toes
    lie nearer to wrist and ankle than those of a body.

    Parameters
    ----------
    stature : float
        Metres.

    Returns
    -------
    (33, 3) float
        Metres; zero for points that are taken as joint centres.
    """
    offsets = np.zeros((BODY_POINTS, 3))
    offsets[: len(FACE)] = _HEAD_OFFSETS
    for points, place in (
        (PINKIES, _HAND_OFFSETS["pinky"]),
        (INDEXES, _HAND_OFFSETS["index"]),
        (THUMBS, _THUMB_OFFSET),
        (HEELS, _HEEL_OFFSET),
        (TOES, _TOE_OFFSET),
    ):
        offsets[points[0]] = place
        offsets[points[1]] = np.array(place) * (-1, 1, 1)
    return offsets * stature
