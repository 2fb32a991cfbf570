"""How long a person's bones are: robust measurements over a track, mixed with anthropometry."""

import dataclasses

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.motion import landmarks

PRIOR_STATURE, PRIOR_STATURE_SIGMA = 1.70, 0.10
DETECTOR_STATURE_SIGMA = 0.15
"""How far the metric scale of a single-image detector is to be trusted, metres of stature."""
_SEGMENT_SIGMA = 0.08
_SINGLE_FRAME_SIGMA = 0.06
_MEDIAN_FLOOR_SIGMA = 0.004
_TRUSTED_VISIBILITY = 0.05
_SHORTEST, _TALLEST = 0.4, 2.6
_ODD, _ODDEST = 1.15, 1.3
"""How many times longer or shorter than usual a segment may be: to tell stature, and at all."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proportions:
    """Sizes of one person in metres; left and right are alike.

    Attributes
    ----------
    pelvis_width, shoulder_width : float
        Between the joint centres.
    torso : float
        Middle of the hips to middle of the shoulders.
    neck : float
        Middle of the shoulders to the height of the ears.
    head : float
        Height of the ears to the top of the head.
    upper_arm, forearm, thigh, shin : float
        Joint to joint.
    hand : float
        Wrist to the tip of the middle finger.
    ankle_height : float
        Ankle joint to the sole.
    foot_length : float
        Heel to the tip of the toes.
    """

    pelvis_width: float
    shoulder_width: float
    torso: float
    neck: float
    head: float
    upper_arm: float
    forearm: float
    hand: float
    thigh: float
    shin: float
    ankle_height: float
    foot_length: float

    @property
    def stature(self) -> float:
        """Standing height, sole to top of the head, metres."""
        return self.ankle_height + self.shin + self.thigh + self.torso + self.neck + self.head

    def scaled(self, factor: float) -> "Proportions":
        """Scale every size alike."""
        sizes = dataclasses.asdict(self)
        return Proportions(**{name: size * factor for name, size in sizes.items()})


FRACTIONS = Proportions(
    pelvis_width=0.105,
    shoulder_width=0.205,
    torso=0.288,
    neck=0.110,
    head=0.072,
    upper_arm=0.186,
    forearm=0.146,
    hand=0.108,
    thigh=0.245,
    shin=0.246,
    ankle_height=0.039,
    foot_length=0.152,
)
"""Shares of stature (Drillis and Contini 1966, in D. Winter, Biomechanics and Motor Control of
Human Movement, figure 4.1). Widths are between joint centres and so smaller than the table's
outer breadths; the ear stands for the height at which the table has the eyes, less 1 cm."""

_MEASURED = (
    "pelvis_width",
    "shoulder_width",
    "torso",
    "neck",
    "upper_arm",
    "forearm",
    "thigh",
    "shin",
)
_CARRIES_STATURE = ("torso", "neck", "upper_arm", "forearm", "thigh", "shin")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPerson:
    """Bone lengths of a track and how they were scaled.

    Attributes
    ----------
    proportions : Proportions
        Final sizes.
    metres_per_unit : float
        Factor to apply to the detector's own metres.
    detector_stature : float
        Standing height by the detector's own metres; NaN when nothing could be measured.
    assumed : bool
        True when no height was given, so that the prior took part.
    """

    proportions: Proportions
    metres_per_unit: float
    detector_stature: float
    assumed: bool


def default_proportions(stature: float = PRIOR_STATURE) -> Proportions:
    """Sizes of the average adult of this standing height (metres)."""
    return FRACTIONS.scaled(stature / FRACTIONS.stature)


def measure(points: np.ndarray, weights: np.ndarray, height: float | None) -> MeasuredPerson:
    """Find the sizes of a person from all frames of a track.

    Each segment is the weighted median over frames and both sides. It is mixed with the
    anthropometric prior by inverse variance, so a segment that was hardly seen takes its share of
    stature. Head, hands and feet always do: detectors put points somewhere on them.

    Parameters
    ----------
    points : (N, 33, 3) float
        Body points, the detector's metres, any axes. Entries of weight 0 are ignored.
    weights : (N, 33) float, 0 to 1
        Visibility.
    height : float or None
        Standing height in metres if known. It is met exactly. Otherwise the detector's own
        stature (sigma 0.15 m) is mixed with 1.70 m (sigma 0.10 m).

    Returns
    -------
    MeasuredPerson
        Never fails: without any evidence it is the average adult.

    Raises
    ------
    InputError
        If `height` is not a height of a person.
    """
    if height is not None and not _SHORTEST <= height <= _TALLEST:
        raise InputError(f"expected a body height of 0.4 to 2.6 m, got {height:g}")
    seen = {name: _segment(points, weights, name) for name in _MEASURED}
    stature = _stature_of(seen)
    known = np.isfinite(stature)
    sizes = dataclasses.asdict(default_proportions(stature if known else PRIOR_STATURE))
    for name, (length, sigma) in seen.items():
        if known and np.isfinite(sigma):
            trust = 1 / (1 + (sigma / _SEGMENT_SIGMA) ** 2)
            usual = sizes[name]
            possible = float(np.clip(length, usual / _ODDEST, usual * _ODDEST))
            sizes[name] += trust * (possible - usual)
    raw = Proportions(**sizes)
    wanted = height if height is not None else _mixed_stature(raw.stature if known else np.nan)
    factor = wanted / raw.stature
    return MeasuredPerson(
        proportions=_exactly(raw.scaled(factor), wanted),
        metres_per_unit=factor,
        detector_stature=raw.stature if known else float("nan"),
        assumed=height is None,
    )


def _exactly(sizes: Proportions, stature: float) -> Proportions:
    """Put the rounding error of scaling into the torso, so that a given height is met."""
    return dataclasses.replace(sizes, torso=sizes.torso + (stature - sizes.stature))


def _mixed_stature(detected: float) -> float:
    if not np.isfinite(detected):
        return PRIOR_STATURE
    trust = 1 / (1 + (DETECTOR_STATURE_SIGMA / PRIOR_STATURE_SIGMA) ** 2)
    possible = float(np.clip(detected, _SHORTEST, _TALLEST))
    return PRIOR_STATURE + trust * (possible - PRIOR_STATURE)


def _stature_of(seen: dict[str, tuple[float, float]]) -> float:
    """Stature at which the measured segments have their usual shares, longer ones counting more."""
    shares = dataclasses.asdict(FRACTIONS)
    used = [name for name in _CARRIES_STATURE if np.isfinite(seen[name][1])]
    if not used:
        return float("nan")
    weight = np.array([shares[name] / (seen[name][1] + 0.02) for name in used])
    ratio = np.array([seen[name][0] / shares[name] for name in used])
    middle = weighted_quantile(ratio, weight, 0.5)
    ratio = np.clip(ratio, middle / _ODD, middle * _ODD)
    return float(np.sum(weight * ratio) / np.sum(weight) * FRACTIONS.stature)


def _segment(points: np.ndarray, weights: np.ndarray, name: str) -> tuple[float, float]:
    """Weighted median length and its relative sigma; (nan, nan) when never seen."""
    lengths, trusts = [], []
    for start, end in landmarks.SEGMENTS[name]:
        gap = points[:, list(start)].mean(axis=1) - points[:, list(end)].mean(axis=1)
        lengths.append(np.linalg.norm(gap, axis=-1))
        trusts.append(weights[:, [*start, *end]].min(axis=1))
    length, trust = np.concatenate(lengths), np.concatenate(trusts)
    trust = np.where((trust > _TRUSTED_VISIBILITY) & (length > 0), trust, 0.0)
    if trust.sum() <= 0:
        return float("nan"), float("nan")
    middle = weighted_quantile(length, trust, 0.5)
    spread = 1.4826 * weighted_quantile(np.abs(length - middle), trust, 0.5) / middle
    count = trust.sum() ** 2 / np.sum(trust**2) * min(1.0, float(trust.max()))
    sigma = np.hypot(max(spread, _SINGLE_FRAME_SIGMA) / np.sqrt(count), _MEDIAN_FLOOR_SIGMA)
    return middle, float(sigma)


def weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """Value below which `share` of the weight lies, between samples linearly.

    Parameters
    ----------
    values, weights : (N,) float
        Weights at least 0 and not all 0.
    share : float
        0 to 1; 0.5 is the median.
    """
    used = weights > 0
    order = np.argsort(values[used], kind="stable")
    ranked, weight = values[used][order], weights[used][order]
    centres = np.cumsum(weight) - weight / 2
    return float(np.interp(share * weight.sum(), centres, ranked))
