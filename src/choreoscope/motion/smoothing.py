"""Smoothing in seconds: local quadratic regression on the film's own time stamps.

At every sample a parabola is fitted to its neighbours, weighted by a Gaussian in time and by
confidence (Savitzky and Golay 1964, generalised to uneven time as in Cleveland's LOESS 1979).
The window is symmetric, so nothing is delayed, and a parabola follows an accent that a mean would
cut off. A sample that its neighbours contradict by more than a body can move is distrusted.
"""

import dataclasses

import numpy as np

from choreoscope.geometry import rotation

GAP_SECONDS = 0.3
"""Samples farther apart than this know nothing of each other."""
_REACH = 3.0
_ROUNDS = 2
_SEARCH_LIMIT = 64
_RIDGE = 1e-6
_TINY = 1e-12
_FAINT = 1e-3
_NARROWER = 9
"""A Gaussian to this power is a third as wide."""
_NOISE_SECONDS, _NOISE_MARGIN = 0.5, 5.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Neighbours of every sample in time.

    Attributes
    ----------
    index : (T, K) int
        Neighbours, the sample itself in the middle column; clipped at the ends.
    offset : (T, K) float
        Time of the neighbour less the sample's own, in units of sigma.
    kernel : (T, K) float
        Gaussian weight; 0 beyond 3 sigma, outside the track and across gaps.
    spacing : (T,) float
        Seconds to the nearest neighbour; infinite for a lonely sample.
    """

    index: np.ndarray
    offset: np.ndarray
    kernel: np.ndarray
    spacing: np.ndarray


def windows(times: np.ndarray, sigma: float, gap: float = GAP_SECONDS) -> Windows:
    """Collect the neighbours of every sample.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    sigma : float, > 0
        Seconds.
    gap : float
        A step in time longer than this cuts the track in two.
    """
    count = len(times)
    steps = np.diff(times)
    piece = np.concatenate([[0], np.cumsum(steps > gap)])
    reach = _widest(times, _REACH * sigma)
    index = np.arange(count)[:, None] + np.arange(-reach, reach + 1)
    inside = (index >= 0) & (index < count)
    index = np.clip(index, 0, max(count - 1, 0))
    offset = (times[index] - times[:, None]) / sigma
    near = inside & (np.abs(offset) <= _REACH) & (piece[index] == piece[:, None])
    kernel = np.where(near, np.exp(-0.5 * offset**2), 0.0)
    ends = np.full(1, np.inf)
    spacing = np.minimum(np.concatenate([ends, steps]), np.concatenate([steps, ends]))[:count]
    return Windows(index=index, offset=offset, kernel=kernel, spacing=spacing)


def _widest(times: np.ndarray, reach: float) -> int:
    after = np.searchsorted(times, times + reach, side="right") - np.arange(len(times)) - 1
    return int(min(after.max(initial=0), _SEARCH_LIMIT))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a kind of movement is smoothed.

    Attributes
    ----------
    sigma : float
        Width of the window, seconds.
    fastest : float
        Speed, units per second, whose change within one frame is the most a body can do; what
        leaps out of its neighbours' parabola by more is distrusted.
    accent : float
        Units. Where the wide window misses the samples by clearly more than their usual noise
        and by about this much, a window of a third of the width takes over.
    """

    sigma: float
    fastest: float
    accent: float


def smooth_values(
    times: np.ndarray, values: np.ndarray, weights: np.ndarray, pace: Pace
) -> np.ndarray:
    """Smooth points or numbers over time.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    values : (T, C) float
        Finite.
    weights : (T,) float, >= 0
        Confidence. Where a whole window has none, the values stay as they are.
    pace : Pace
        Units are those of the values.

    Returns
    -------
    (T, C) float
        Same times.
    """
    around, surroundings = windows(times, pace.sigma), windows(times, _NOISE_SECONDS)
    deviations = values[around.index] - values[:, None]
    return np.asarray(values + _correction(around, surroundings, deviations, weights, pace))


def smooth_rotations(
    times: np.ndarray, rotations: np.ndarray, weights: np.ndarray, pace: Pace
) -> np.ndarray:
    """Smooth turns over time, in the tangent space of each sample.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    rotations : (T, J, 4) float
        Unit, wxyz, any signs.
    weights : (T, J) float, >= 0
        Confidence per joint.
    pace : Pace
        Units are radians.

    Returns
    -------
    (T, J, 4) float
        Unit, with signs that do not jump.
    """
    around, surroundings = windows(times, pace.sigma), windows(times, _NOISE_SECONDS)
    turned = np.array(rotations, dtype=np.float64)
    # One joint at a time: all at once would hold every window of a long film in memory.
    for joint in range(turned.shape[1]):
        own = rotations[:, joint]
        nearby = rotation.multiply(rotation.inverse(own)[:, None], own[around.index])
        tangents = rotation.to_rotation_vector(nearby)
        moved = _correction(around, surroundings, tangents, weights[:, joint], pace)
        turned[:, joint] = rotation.multiply(own, rotation.from_rotation_vector(moved))
    return rotation.with_continuous_signs(rotation.normalized(turned))


def _correction(
    around: Windows, surroundings: Windows, deviations: np.ndarray, weights: np.ndarray, pace: Pace
) -> np.ndarray:
    """Step from each sample to its smoothed value, ``(T, C)``.

    `deviations` ``(T, K, C)`` lead from the sample to its neighbours.
    """
    limit = np.maximum(pace.fastest * around.spacing, _TINY)
    trust = np.ones(weights.shape)
    coarse = np.zeros((len(weights), deviations.shape[-1]))
    for _ in range(_ROUNDS):
        rows = _rows(around, weights * trust)
        coarse = np.einsum("tk,tkc->tc", rows, deviations)
        apart = np.linalg.norm(coarse, axis=-1) / _leave_out(rows)
        trust = 1 / (1 + (apart / limit) ** 4) ** 2
    narrow = dataclasses.replace(around, kernel=around.kernel**_NARROWER)
    fine = np.einsum("tk,tkc->tc", _rows(narrow, weights * trust), deviations)
    missed = np.linalg.norm(fine - coarse, axis=-1)
    noise = _weighted_mean(surroundings, missed, weights * trust)
    local = _weighted_mean(
        dataclasses.replace(around, kernel=around.kernel**2), missed**2, weights * trust
    )
    excess = np.maximum(local - _NOISE_MARGIN * noise**2, 0.0)
    share = trust * excess / (excess + pace.accent**2)
    return np.asarray(coarse + share[:, None] * (fine - coarse))


def _weighted_mean(around: Windows, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    near = around.kernel * weights[around.index]
    total = near.sum(axis=1)
    return np.asarray(np.sum(near * values[around.index], axis=1) / np.maximum(total, _TINY))


def _rows(around: Windows, weights: np.ndarray) -> np.ndarray:
    """Rows of the smoother, ``(T, K)``: the fitted parabola's value at each sample."""
    w = around.kernel * weights[around.index]
    total = w.sum(axis=-1, keepdims=True)
    w = w / np.where(total > _TINY, total, 1.0)
    basis = np.stack([np.ones_like(around.offset), around.offset, around.offset**2], axis=-1)
    normal = np.swapaxes(basis * w[..., None], 1, 2) @ basis
    normal += _RIDGE * np.diag([0.0, 1.0, 1.0]) + np.diag([_TINY, 0.0, 0.0])
    first = np.linalg.solve(normal, np.array([[1.0], [0.0], [0.0]]))
    rows = (basis @ first)[..., 0] * w
    alone = np.zeros(around.index.shape[1])
    alone[around.index.shape[1] // 2] = 1.0
    return np.where(total > _TINY, rows, alone)


def _leave_out(rows: np.ndarray) -> np.ndarray:
    """One less the share a sample has in its own fit: residual to prediction without it."""
    return np.maximum(1.0 - rows[..., rows.shape[-1] // 2], _FAINT)


def steady_angle(
    times: np.ndarray, angle: np.ndarray, weight: np.ndarray, sigma: float, rest: float = 0.0
) -> np.ndarray:
    """Carry an angle over the times at which it cannot be measured.

    Each frame keeps its own angle as far as it is sure of it; else the mean of its surroundings
    in time takes over, and far from any evidence the rest value.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    angle : (T,) float
        Radians, any turn.
    weight : (T,) float, 0 to 1
        How sure.
    sigma : float
        Seconds over which neighbours speak.
    rest : float
        Radians, with a say of 1 % of one sure frame.

    Returns
    -------
    (T,) float
        Radians, -pi to pi.
    """
    around = windows(times, sigma, gap=np.inf)
    arrow = weight * np.exp(1j * angle)
    near = np.sum(around.kernel * arrow[around.index], axis=1)
    size = np.sum(around.kernel * weight[around.index], axis=1)
    calm = (near + 0.01 * np.exp(1j * rest)) / (size + 0.01)
    return np.asarray(np.angle(arrow * weight + (1 - weight) * calm))


def bridge_rotations(times: np.ndarray, rotations: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill what is not known by turning evenly from the last to the next known sample.

    Parameters
    ----------
    times : (T,) float
        Seconds, strictly rising.
    rotations : (T, J, 4) float
        Values where `known`; elsewhere kept only for joints that are never known.
    known : (T, J) bool
        Which to trust.

    Returns
    -------
    (T, J, 4) float
        Ends hold the nearest known value.
    """
    filled = rotations.copy()
    for joint in np.flatnonzero(known.any(axis=0) & ~known.all(axis=0)):
        have = np.flatnonzero(known[:, joint])
        lack = np.flatnonzero(~known[:, joint])
        before = have[np.clip(np.searchsorted(have, lack) - 1, 0, len(have) - 1)]
        after = have[np.clip(np.searchsorted(have, lack), 0, len(have) - 1)]
        share = np.clip(
            (times[lack] - times[before]) / np.maximum(times[after] - times[before], _TINY), 0, 1
        )
        filled[lack, joint] = rotation.slerp(
            rotations[before, joint], rotations[after, joint], share
        )
    return filled


def bridge_values(times: np.ndarray, values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill unknown rows of ``(T, C)`` values on straight lines; ends hold the nearest known one."""
    if known.all() or not known.any():
        return values.copy()
    columns = [np.interp(times, times[known], column[known]) for column in values.T]
    return np.stack(columns, axis=-1)
