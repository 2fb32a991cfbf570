"""Fingers from the 21 points of a hand: hinge angles in the palm's own axes, within limits."""

import numpy as np

from choreoscope.geometry import rotation
from choreoscope.motion.inverse_kinematics import align
from choreoscope.motion.skeletons import FINGERS, SIDES, THUMB_DIRECTION
from choreoscope.motion.smoothing import windows

_SURE, _LOST = 0.5, 0.2
_FADE_SIGMA, _REST_SAYS = 0.25, 0.05
_RELAXED_CURL = np.radians([22.0, 30.0, 20.0])
_RELAXED_THUMB = np.radians([0.0, 12.0, 15.0])
_CURL_LIMITS = np.radians([[-25.0, 95.0], [-5.0, 115.0], [-5.0, 90.0]])
_THUMB_LIMITS = np.radians([[-35.0, 35.0], [-15.0, 75.0], [-20.0, 85.0]])
_SPREAD_LIMIT = np.radians(25.0)
_PALM = [0, 1, 5, 9, 13, 17]
_PALM_TEMPLATE = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.118, -0.02, 0.110],
        [0.463, 0.0, 0.110],
        [0.446, 0.0, 0.0],
        [0.421, 0.0, -0.090],
        [0.403, 0.0, -0.175],
    ]
)
_Y = np.array([0.0, 1.0, 0.0])
_TINY = 1e-9


def solve_fingers(
    hands: np.ndarray, weights: np.ndarray, times: np.ndarray
) -> dict[str, np.ndarray]:
    """Read the bend of all fingers.

    Each finger may spread at its knuckle and bends at three hinges; the thumb moves freely at
    its root, within limits. A hand that is not seen for a moment keeps its shape from before and
    after, then relaxes.

    Parameters
    ----------
    hands : (T, 2, 21, 3) float
        Left and right hand, finite, any axes that are not mirrored, any origin and size.
    weights : (T, 2) float
        Score, 0 to 1.
    times : (T,) float
        Seconds, strictly rising.

    Returns
    -------
    dict of str to (T, 4) float
        Local rotation of each finger joint of the house skeleton.
    """
    turns: dict[str, np.ndarray] = {}
    for side, name in enumerate(SIDES):
        sure = np.clip((weights[:, side] - _LOST) / (_SURE - _LOST), 0.0, 1.0)
        out = 1.0 if side == 0 else -1.0
        mirror = np.array([out, 1.0, 1.0])
        palm = align(hands[:, side, _PALM], _PALM_TEMPLATE * mirror, np.ones((len(times), 6)))
        own = rotation.rotate(rotation.inverse(palm)[:, None], hands[:, side])
        for finger, label in enumerate(FINGERS):
            chain = own[:, 1 + 4 * finger : 5 + 4 * finger]
            # Working on a mirrored right hand makes both hands left ones.
            bones = _unit(np.diff(chain, axis=1)) * mirror
            measured = _thumb_angles(bones) if label == "thumb" else _finger_angles(bones)
            angles = _carried(times, measured, sure, _relaxed(label))
            for joint, turn in enumerate(_turns(angles, out, thumb=label == "thumb"), start=1):
                turns[f"{name}_{label}_{joint}"] = turn
    return turns


def _unit(v: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.asarray(v / np.where(length > _TINY, length, 1.0))


def _relaxed(label: str) -> np.ndarray:
    """Spread (or the thumb's sideways swing) and three bends of a hand at ease."""
    bends = _RELAXED_THUMB if label == "thumb" else _RELAXED_CURL
    return np.concatenate([[0.0], bends])


def _finger_angles(bones: np.ndarray) -> np.ndarray:
    """Spread and three bends of a finger of a left hand, ``(T, 4)`` radians."""
    x, y, z = np.moveaxis(bones[:, 0], -1, 0)
    ahead = np.where(x < 0, -1.0, 1.0)
    level = np.hypot(x, z)
    curl = np.arctan2(-y, ahead * level)
    # A finger bent down has no sideways direction to speak of.
    spread = np.arctan2(-ahead * z, np.abs(x)) * np.clip((level - 0.3) / 0.3, 0.0, 1.0)
    spread = np.clip(spread, -_SPREAD_LIMIT, _SPREAD_LIMIT)
    hinge = rotation.rotate(rotation.from_rotation_vector(spread[:, None] * _Y), _CURL_AXIS)
    bends = [curl, *(_bend(bones[:, k], bones[:, k + 1], hinge) for k in (0, 1))]
    limited = [np.clip(bend, *limit) for bend, limit in zip(bends, _CURL_LIMITS, strict=True)]
    return np.stack([spread, *limited], axis=-1)


_CURL_AXIS = np.array([0.0, 0.0, -1.0])
_THUMB_AXIS = np.cross(THUMB_DIRECTION, [0.0, -0.6, -0.8])
_THUMB_AXIS = _THUMB_AXIS / np.linalg.norm(_THUMB_AXIS)
_THUMB_SIDE = np.cross(_THUMB_AXIS, THUMB_DIRECTION)


def _thumb_angles(bones: np.ndarray) -> np.ndarray:
    """Sideways swing and three bends of a left thumb, ``(T, 4)`` radians."""
    first = bones[:, 0]
    swing = np.arctan2(first @ _THUMB_AXIS, first @ THUMB_DIRECTION)
    swing = np.clip(swing, *_THUMB_LIMITS[0])
    bend = np.arcsin(np.clip(first @ _THUMB_SIDE, -1.0, 1.0))
    sideways = rotation.from_rotation_vector(-swing[:, None] * _THUMB_SIDE)
    hinge = rotation.rotate(sideways, _THUMB_AXIS)
    bends = [bend, *(_bend(bones[:, k], bones[:, k + 1], hinge) for k in (0, 1))]
    limited = [np.clip(bend, *limit) for bend, limit in zip(bends, _THUMB_LIMITS, strict=True)]
    return np.stack([swing, *limited], axis=-1)


def _bend(first: np.ndarray, second: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    sine = np.sum(np.cross(first, second) * hinge, axis=-1)
    return np.asarray(np.arctan2(sine, np.sum(first * second, axis=-1)))


def _carried(
    times: np.ndarray, measured: np.ndarray, sure: np.ndarray, relaxed: np.ndarray
) -> np.ndarray:
    """Own angles where sure, else those of the neighbours in time, else relaxed."""
    around = windows(times, _FADE_SIGMA, gap=np.inf)
    near = around.kernel * sure[around.index]
    sums = np.einsum("tk,tka->ta", near, measured[around.index])
    calm = (sums + _REST_SAYS * relaxed) / (near.sum(axis=1, keepdims=True) + _REST_SAYS)
    return np.asarray(sure[:, None] * measured + (1 - sure[:, None]) * calm)


def _turns(angles: np.ndarray, out: float, *, thumb: bool) -> list[np.ndarray]:
    """Local rotations of a finger's three joints; mirrored for the right hand."""
    side_axis = -_THUMB_SIDE if thumb else _Y
    hinge = _THUMB_AXIS if thumb else _CURL_AXIS
    # A mirror image in x turns the other way about every axis but x.
    across = np.array([1.0, out, out])
    spread, *bends = (
        rotation.from_rotation_vector(angles[:, [k]] * axis * across)
        for k, axis in enumerate((side_axis, hinge, hinge, hinge))
    )
    return [rotation.multiply(spread, bends[0]), bends[1], bends[2]]
