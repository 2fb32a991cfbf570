"""Left and right kept apart: frames in which a detector takes a front for a back.

Somebody off balance or seen from behind may have left and right exchanged for a few frames. The
picture then shows both sides of the trunk leap across each other between two frames, faster than
any spin, while the exchanged labels would have stayed where they were.
"""

import dataclasses

import numpy as np

from choreoscope.motion import landmarks
from choreoscope.motion.evidence import Evidence

_TRUNK = [*landmarks.SHOULDERS, *landmarks.HIPS]
_OTHERS = [1, 0, 3, 2]
_LEAP, _LEAP_SPEED = 0.30, 7.0
"""Trunk lengths at once, and per second (a shoulder in a spin of 3 turns a second)."""
_DECISIVE = 0.2
_REACH_SECONDS, _REACH_FRAMES = 0.15, 8
_DOUBT = 0.5
_TINY = 1e-9


def exchanged_sides(evidence: Evidence) -> np.ndarray:
    """Find frames whose left and right are exchanged.

    Each frame is compared with the nearest one before it that shows both sides apart (in profile
    they coincide), as it is and with sides exchanged.

    Parameters
    ----------
    evidence : Evidence
        Of one person.

    Returns
    -------
    (N,) bool
        The minority, by confidence, between leaps; turns of the body are no leaps.
    """
    weight = evidence.weights[:, _TRUNK].min(axis=1)
    trunk = evidence.image[:, _TRUNK] / _trunk_length(evidence, weight)
    wrong = np.zeros(len(weight), dtype=bool)
    for row in range(1, len(weight)):
        wrong[row] = wrong[row - 1]
        if weight[row] <= 0:
            continue
        for before in range(row - 1, max(row - _REACH_FRAMES, 0) - 1, -1):
            seconds = evidence.times[row] - evidence.times[before]
            if seconds > _REACH_SECONDS and before < row - 1:
                break
            moved = _mean_step(trunk[row] - trunk[before])
            crossed = _mean_step(trunk[row] - trunk[before, _OTHERS])
            if weight[before] > 0 and abs(moved - crossed) > _DECISIVE:
                leapt = moved > max(_LEAP, _LEAP_SPEED * seconds) and crossed < moved
                wrong[row] = wrong[before] ^ leapt
                break
    trust = weight * evidence.score
    return wrong if trust[wrong].sum() <= trust[~wrong].sum() else ~wrong


def _trunk_length(evidence: Evidence, weight: np.ndarray) -> np.ndarray:
    """Length of the trunk in the picture ``(N, 1, 1)``; half the usual one when foreshortened."""
    trunk = evidence.image[:, _TRUNK]
    length = np.linalg.norm(trunk[:, :2].mean(axis=1) - trunk[:, 2:].mean(axis=1), axis=-1)
    usual = np.median(length[weight > 0]) if np.any(weight > 0) else 1.0
    return np.asarray(np.maximum(length, max(usual / 2, _TINY))[:, None, None])


def _mean_step(steps: np.ndarray) -> float:
    return float(np.linalg.norm(steps, axis=-1).mean())


def with_sides_mended(evidence: Evidence, wrong: np.ndarray) -> Evidence:
    """Exchange left and right back in the rows `wrong` ``(N,)``, which keep half their weight.

    Their hands are dropped: which is which is anybody's guess in such frames.
    """

    def mended(field: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.where(wrong.reshape(-1, *[1] * (field.ndim - 1)), other, field)

    return dataclasses.replace(
        evidence,
        image=mended(evidence.image, evidence.image[:, landmarks.MIRROR]),
        points=mended(evidence.points, evidence.points[:, landmarks.MIRROR]),
        weights=mended(evidence.weights, evidence.weights[:, landmarks.MIRROR] * _DOUBT),
        hand_weights=mended(evidence.hand_weights, np.zeros_like(evidence.hand_weights)),
    )
