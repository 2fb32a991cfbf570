"""The floor: one plane under everybody, from soles at rest and a prior of what is up.

A point of a sole in contact lies on the floor, so ``height = offset + slope . place`` with two
slopes against the prior's level. The slope along a direction is measured only if the contacts are
spread out along it; else the prior stands there, exactly. Points below a floor cannot be, points
above it can (a step, a lifted partner, a contact that was none): what is below costs more.
Maximum a posteriori by iteratively reweighted least squares on the Geman-McClure function from
several starts; every step is a 3 x 3 system in closed form.
"""

import dataclasses
import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import InputError
from choreoscope.motion.proportions import weighted_quantile

LEAST_SPREAD = 1.0
"""Metres contacts must be apart along a direction (5 % to 95 %) to tilt the floor along it."""
_HEIGHT_SIGMA = 0.05
_SAYS_PER_SECOND = 4.0
_MOST_SAYS = 25.0
"""Independent moments one person can be worth: single-lens heights are wrong together."""
_ABOVE_CAP, _BELOW_CAP = 2.5, 6.0
_MOST_POINTS = 1500
_ROUNDS = 12
_START_QUANTILES = (0.05, 0.25, 0.5, 0.75)
_START_TILTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
_STEEPEST = np.tan(np.radians(40.0))
_EDGES = (0.05, 0.95)
_NEAR = 2.0
_HUGE = 1e12
_TINY = 1e-9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FloorPrior:
    """What is believed of a floor before anybody steps on it.

    Attributes
    ----------
    up : (3,) float
        Direction against gravity in the axes of the points, any length.
    tilt_sigma : float
        Radians. 0: the floor is level in these axes and nothing may tilt it.
    height : float
        Of the floor over the origin, at right angles to the floor, metres.
    height_sigma : float
        Metres. Infinite: unknown, `height` is used only if there is no evidence. 0: told.
    """

    up: Float[np.ndarray, "3"]
    tilt_sigma: float = float(np.radians(8.0))
    height: float = 0.0
    height_sigma: float = float("inf")

    def __post_init__(self) -> None:
        check_arrays(self)
        length = float(np.linalg.norm(self.up))
        if not np.isfinite(length) or length < _TINY:
            raise InputError(
                "floor prior: expected a direction that is up, got a vector of length 0"
            )
        if min(self.tilt_sigma, self.height_sigma) < 0 or not np.isfinite(self.height):
            raise InputError("floor prior: expected sigmas of at least 0 and a finite height")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FloorFit:
    """A plane ``normal . x = height``, and how well it is known.

    Attributes
    ----------
    normal : (3,) float
        Unit, up.
    height : float
        Metres from the origin along `normal`.
    directions : (2, 3) float
        Unit directions in the prior's level along which the tilt was judged.
    measured : (2,) bool
        Which of them the contacts were spread out along; the prior stands along the others.
    tilt_sigmas : (2,) float
        Radians, along `directions`.
    spreads : (2,) float
        Metres between the 5 % and 95 % points of the contacts along `directions`.
    height_sigma : float
        Metres, in the middle of the contacts; at the origin if the prior's sigma is finite.
    residual : float
        Median distance of the contacts from the plane, metres; NaN without contacts.
    share : float
        Share of the contacts' weight within 0.1 m of the plane; NaN without contacts.
    sources : tuple of str
        "prior tilt" or "measured tilt" or "tilt measured one way", then "prior height",
        "told height" or "measured height".
    """

    normal: Float[np.ndarray, "3"]
    height: float
    directions: Float[np.ndarray, "2 3"]
    measured: Bool[np.ndarray, "2"]
    tilt_sigmas: Float[np.ndarray, "2"]
    spreads: Float[np.ndarray, "2"]
    height_sigma: float
    residual: float
    share: float
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        check_arrays(self)

    @property
    def tilt_sigma(self) -> float:
        """Radians, along the direction that is known worse."""
        return float(self.tilt_sigmas.max())

    def heights(self, points: np.ndarray) -> np.ndarray:
        """Heights ``(*b,)`` of points ``(*b, 3)`` above the floor, metres."""
        return np.asarray(points @ self.normal - self.height)


class _Level(NamedTuple):
    """Evidence in the prior's level: ``places`` ``(N, 2)`` around a middle, ``heights``."""

    places: np.ndarray
    heights: np.ndarray
    says: np.ndarray
    directions: np.ndarray
    middle: np.ndarray
    spreads: np.ndarray


def level_floor(height: float = 0.0) -> FloorFit:
    """Give the floor ``y = height`` of a world whose Y is up, as if told."""
    up = np.array([0.0, 1.0, 0.0])
    prior = FloorPrior(up=up, tilt_sigma=0.0, height=height, height_sigma=0.0)
    return fit_floor(np.zeros((0, 3)), np.zeros(0), prior)


def fit_floor(
    points: np.ndarray,
    weights: np.ndarray,
    prior: FloorPrior,
    owners: np.ndarray | None = None,
) -> FloorFit:
    """Fit one floor to soles in contact.

    Parameters
    ----------
    points : (N, 3) float
        Points of soles of all people, metres. What is not finite is left out.
    weights : (N,) float
        Seconds each was in contact (`contacts.sole_weights`); 0 leaves a point out.
    prior : FloorPrior
        In the same axes.
    owners : (N,) int or None
        Whose point it is. What one person says is limited, however long: an error of the lens
        is the same in all frames. None: all are one person's.

    Returns
    -------
    FloorFit
        The prior itself if nothing has weight.
    """
    used = np.isfinite(points).all(axis=-1) & (weights > 0)
    said = _says(weights[used], None if owners is None else owners[used])
    thin = max(1, -(-len(said) // _MOST_POINTS))
    level = _in_level(points[used][::thin], said[::thin] * thin, prior)
    measured = (level.spreads > LEAST_SPREAD) & (prior.tilt_sigma > 0)
    moving = np.array([*measured, prior.height_sigma > 0 and len(level.says) > 0])
    held = _held(prior)
    unknown = np.array([[0.0, 0.0, prior.height]])
    if moving.any():
        unknown = _starts(level, prior, moving)
        for _ in range(_ROUNDS):
            unknown = _step(unknown, level, moving, (held, prior.height))
        best = int(np.argmin(_costs(unknown, level, (held, prior.height))))
        unknown = unknown[best : best + 1]
    return _report(unknown, level, prior, moving, held)


def _says(weights: np.ndarray, owners: np.ndarray | None) -> np.ndarray:
    """Independent measurements each point is worth."""
    says = weights * _SAYS_PER_SECOND
    owner = np.zeros(len(says), dtype=np.int64) if owners is None else owners
    _, place = np.unique(owner, return_inverse=True)
    totals = np.bincount(place, weights=says, minlength=1)
    return np.asarray(says * np.minimum(1.0, _MOST_SAYS / np.maximum(totals, _TINY))[place])


def _in_level(points: np.ndarray, says: np.ndarray, prior: FloorPrior) -> _Level:
    """Turn to the prior's up and to the directions in which the contacts are spread out."""
    up = prior.up / np.linalg.norm(prior.up)
    seed = np.eye(3)[int(np.argmin(np.abs(up)))]
    first = np.cross(up, seed) / np.linalg.norm(np.cross(up, seed))
    basis = np.stack([first, np.cross(up, first)])
    flat, middle, spreads = points @ basis.T, np.zeros(2), np.zeros(2)
    known = np.isfinite(prior.height_sigma)
    turn = np.eye(2)
    if len(says):
        middle = np.array([weighted_quantile(column, says, 0.5) for column in flat.T])
        near = flat - middle
        turn = np.linalg.eigh((near * says[:, None]).T @ near)[1].T[::-1]
        edges = [[weighted_quantile(c, says, e) for e in _EDGES] for c in (near @ turn.T).T]
        spreads = np.diff(np.array(edges), axis=1)[:, 0]
    # A height that is known is known at the origin; else the middle is where slopes and height
    # depend least on each other.
    middle = np.zeros(2) if known else middle
    return _Level(
        places=(flat - middle) @ turn.T,
        heights=points @ up,
        says=says,
        directions=turn @ basis,
        middle=turn @ middle,
        spreads=spreads,
    )


def _held(prior: FloorPrior) -> np.ndarray:
    """Information of the prior on two slopes and the height, ``(3,)``."""
    slope = np.tan(min(prior.tilt_sigma, np.radians(60.0)))
    tilt = 1 / slope**2 if slope > 0 else _HUGE
    height = 1 / prior.height_sigma**2 if prior.height_sigma > 0 else _HUGE
    return np.array([tilt, tilt, height])


def _starts(level: _Level, prior: FloorPrior, moving: np.ndarray) -> np.ndarray:
    """Slopes and heights ``(S, 3)`` to begin at."""
    slope = np.tan(min(prior.tilt_sigma, np.radians(20.0)))
    tilts = [np.array(_START_TILTS) * slope if one else np.zeros(1) for one in moving[:2]]
    starts = []
    for tilt in itertools.product(*tilts):
        left = level.heights - level.places @ np.array(tilt)
        heights = np.quantile(left, _START_QUANTILES) if moving[2] else [prior.height]
        starts += [[*tilt, float(height)] for height in heights]
    return np.array(starts)


def _leans(unknown: np.ndarray) -> np.ndarray:
    """Vertical over perpendicular distance from each plane, ``(S, 1)``."""
    return np.asarray(np.sqrt(1 + np.sum(unknown[:, :2] ** 2, axis=1, keepdims=True)))


def _residuals(unknown: np.ndarray, level: _Level) -> np.ndarray:
    """Distances from the planes in sigmas, ``(S, N)``."""
    above = level.heights - unknown[:, :2] @ level.places.T - unknown[:, 2:]
    return np.asarray(above / (_leans(unknown) * _HEIGHT_SIGMA))


def _caps(residuals: np.ndarray) -> np.ndarray:
    return np.where(residuals < 0, _BELOW_CAP, _ABOVE_CAP) ** 2


def _costs(unknown: np.ndarray, level: _Level, prior: tuple[np.ndarray, float]) -> np.ndarray:
    residuals = _residuals(unknown, level)
    caps = _caps(residuals)
    data = np.sum(level.says * caps * residuals**2 / (residuals**2 + caps), axis=1)
    off = unknown - _wanted(unknown, prior[1])
    return np.asarray(data + np.sum(prior[0] * off**2, axis=1))


def _wanted(unknown: np.ndarray, height: float) -> np.ndarray:
    """Slopes and heights ``(S, 3)`` of the prior; its height is at right angles to the floor."""
    level = np.zeros_like(unknown)
    level[:, 2:] = height * _leans(unknown)
    return level


def _step(
    unknown: np.ndarray, level: _Level, moving: np.ndarray, prior: tuple[np.ndarray, float]
) -> np.ndarray:
    """One reweighted least-squares solution from each of several planes, ``(S, 3)``."""
    normal, robust = _normals(unknown, level)
    wanted = _wanted(unknown, prior[1])
    found = np.where(moving, unknown, wanted)
    rows = _rows(level)
    fixed = level.heights - found[:, ~moving] @ rows[:, ~moving].T
    right = (robust * fixed) @ rows / (_leans(unknown) * _HEIGHT_SIGMA) ** 2 + prior[0] * wanted
    matrix = (normal + np.diag(prior[0] + _TINY))[:, moving][:, :, moving]
    found[:, moving] = np.linalg.solve(matrix, right[:, moving, None])[..., 0]
    found[:, :2] = np.clip(found[:, :2], -_STEEPEST, _STEEPEST)
    return found


def _rows(level: _Level) -> np.ndarray:
    return np.column_stack([level.places, np.ones(len(level.heights))])


def _normals(unknown: np.ndarray, level: _Level) -> tuple[np.ndarray, np.ndarray]:
    """Information of the data ``(S, 3, 3)`` and robust weights ``(S, N)``."""
    residuals = _residuals(unknown, level)
    caps = _caps(residuals)
    robust = level.says * (caps / (residuals**2 + caps)) ** 2
    rows = _rows(level)
    products = (rows[:, :, None] * rows[:, None, :]).reshape(-1, 9)
    lean = (_leans(unknown) * _HEIGHT_SIGMA) ** 2
    return (robust @ products / lean).reshape(-1, 3, 3), robust


def _report(
    unknown: np.ndarray, level: _Level, prior: FloorPrior, moving: np.ndarray, held: np.ndarray
) -> FloorFit:
    up = prior.up / np.linalg.norm(prior.up)
    slopes, lean = unknown[0, :2], float(_leans(unknown)[0, 0])
    normal = (up - slopes @ level.directions) / lean
    data = _normals(unknown, level)[0][0]
    chosen = np.ix_(moving, moving)
    variance = np.where(held > 0, 1 / np.maximum(held, 1 / _HUGE), np.inf)
    variance[moving] = np.diag(np.linalg.inv((data + np.diag(held + _TINY))[chosen]))
    sigmas = np.where(held >= _HUGE, 0.0, np.sqrt(variance))
    away = np.abs(_residuals(unknown, level)[0]) * _HEIGHT_SIGMA
    some = len(away) > 0
    near = float(level.says[away < _NEAR * _HEIGHT_SIGMA].sum())
    return FloorFit(
        normal=normal / np.linalg.norm(normal),
        height=float((unknown[0, 2] - slopes @ level.middle) / lean),
        directions=level.directions,
        measured=moving[:2],
        tilt_sigmas=np.arctan(sigmas[:2]),
        spreads=level.spreads,
        height_sigma=float(sigmas[2]),
        residual=weighted_quantile(away, level.says, 0.5) if some else float("nan"),
        share=near / float(level.says.sum()) if some else float("nan"),
        sources=_sources(moving, prior),
    )


def _sources(moving: np.ndarray, prior: FloorPrior) -> tuple[str, str]:
    tilt = ("prior tilt", "tilt measured one way", "measured tilt")[int(moving[:2].sum())]
    if moving[2]:
        return tilt, "measured height"
    return tilt, "told height" if prior.height_sigma == 0 else "prior height"
