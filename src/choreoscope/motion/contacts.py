"""When feet touch what carries them: height above the support and speed, with hysteresis."""

import itertools

import numpy as np

from choreoscope.motion.smoothing import windows

TOUCHING = 0.5
"""Probability from which on a point of the sole is in contact."""
_HEIGHT, _HEIGHT_WIDTH = 0.06, 0.015
_SPEED, _SPEED_WIDTH = 0.45, 0.08
_ON, _OFF = 0.6, 0.3
_SHORTEST = 0.08
_SUPPORT_SECONDS = 0.25
_LOWEST_WIDTH = 0.04
_APART = 0.49
_TINY = 1e-9
_NOTHING = 1e-4


def support_height(times: np.ndarray, heights: np.ndarray, resting: np.ndarray) -> np.ndarray:
    """Height of what carries a person, from the feet that rest around each moment.

    Parameters
    ----------
    times : (T,) float
        Seconds.
    heights : (T, K) float
        Points of the soles above the floor, metres.
    resting : (T, K) float
        Seconds of rest, from `floor.resting_weights`.

    Returns
    -------
    (T,) float
        Metres; the floor, a step, a roof. NaN while nothing has rested within 0.75 s.
    """
    lowest = heights.min(axis=1)
    low = np.exp(-(heights - lowest[:, None]) / _LOWEST_WIDTH)
    weight = (resting * low).sum(axis=1)
    level = (resting * low * heights).sum(axis=1) / np.maximum(weight, _TINY)
    around = windows(times, _SUPPORT_SECONDS, gap=np.inf)
    near = around.kernel * weight[around.index]
    total = near.sum(axis=1)
    mean = np.sum(near * level[around.index], axis=1) / np.maximum(total, _TINY)
    return np.where(total > _NOTHING, mean, np.nan)


def detect_contacts(
    times: np.ndarray, heights: np.ndarray, speeds: np.ndarray, support: np.ndarray
) -> np.ndarray:
    """Probability that each point of the soles carries weight.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    heights : (T, K) float
        Above the floor, metres.
    speeds : (T, K) float
        Metres per second, at right angles to the view.
    support : (T,) float
        From `support_height`; NaN in the air.

    Returns
    -------
    (T, K) float
        At least 0.5 during a contact and below 0.5 outside: contacts begin at 0.6, end at 0.3,
        and neither they nor the gaps between them are shorter than 0.08 s.
    """
    above = heights - np.where(np.isfinite(support), support, -np.inf)[:, None]
    low = _falling((above - _HEIGHT) / _HEIGHT_WIDTH)
    slow = _falling((speeds - _SPEED) / _SPEED_WIDTH)
    chance = low * slow
    touching = np.stack([_latched(times, column) for column in chance.T], axis=-1)
    return np.asarray(np.where(touching, np.maximum(chance, TOUCHING), np.minimum(chance, _APART)))


def _falling(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(np.clip(x, -50, 50))))


def _latched(times: np.ndarray, chance: np.ndarray) -> np.ndarray:
    state = np.zeros(len(chance), dtype=bool)
    on = False
    for row, value in enumerate(chance):
        on = value > (_OFF if on else _ON)
        state[row] = on
    return _without_short(times, _without_short(times, state, value=False), value=True)


def _without_short(times: np.ndarray, state: np.ndarray, *, value: bool) -> np.ndarray:
    """Drop runs of `value` shorter than 0.08 s that have a neighbour on both sides."""
    kept = state.copy()
    edges = np.flatnonzero(np.diff(state)) + 1
    for first, last in itertools.pairwise(edges):
        if state[first] == value and times[last] - times[first] < _SHORTEST:
            kept[first:last] = not value
    return kept
