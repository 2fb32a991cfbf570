"""How well fitted depth agrees with what is known, each kind of evidence left out in turn."""

import dataclasses

import numpy as np

from choreoscope.capture.depth.evidence import KINDS, DepthEvidence, EvidenceKind
from choreoscope.capture.depth.fitting import FitChoices, ShotFit, fit_shot, log_errors
from choreoscope.datatypes.errors import InputError

_FOLDS, _FOLD_FRAMES = 4, 24
_LEAST_NOISE = 0.01
_MOST_NOISE = 0.30


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KindResidual:
    """Agreement with one kind of evidence; shares of the depth, NaN where unknown.

    Attributes
    ----------
    kind : str
        Of evidence.
    samples : int
        With raw depth.
    outliers : float
        Share that the fit does not count.
    bias, spread : float
        Median of known depth over fitted depth less 1, and scaled median deviation from it.
    left_out_bias, left_out_spread : float
        The same for a fit that has not seen this kind; with one kind alone, that has not seen
        these frames.
    left_out : {"kind", "frames", "nothing"}
        What that fit had not seen.
    """

    kind: EvidenceKind
    samples: int
    outliers: float
    bias: float
    spread: float
    left_out_bias: float = float("nan")
    left_out_spread: float = float("nan")
    left_out: str = "nothing"


def residuals(
    fit: ShotFit,
    raw: np.ndarray,
    evidence: DepthEvidence,
    span: tuple[float, float] | None = None,
    choices: FitChoices | None = None,
) -> tuple[KindResidual, ...]:
    """Judge a fit, kind by kind, in the order of `KINDS`.

    Parameters
    ----------
    fit : ShotFit
        Of all evidence.
    raw, evidence, span, choices
        As handed to `fit_shot`.
    """
    known = np.isfinite(raw)
    kinds = [kind for kind in KINDS if (evidence.of_kind(kind) & known).any()]
    errors = log_errors(fit, raw, evidence)
    rows = []
    for kind in kinds:
        own = evidence.of_kind(kind) & known
        bias, spread = _middle(errors[own])
        unseen, how = _left_out(fit, raw, evidence, own, span, choices)
        out_bias, out_spread = _middle(unseen)
        rows.append(
            KindResidual(
                kind=kind,
                samples=int(own.sum()),
                outliers=float(np.mean(fit.alignment.weights[own] == 0)),
                bias=bias,
                spread=spread,
                left_out_bias=out_bias,
                left_out_spread=out_spread,
                left_out=how,
            )
        )
    return tuple(rows)


def pixel_noise(rows: tuple[KindResidual, ...], evidence: DepthEvidence) -> float:
    """Return what raw depth errs by at single places: scatter beyond the evidence's own sigma."""
    noises = []
    for row in rows:
        if row.kind == "network":
            continue
        own = float(np.median(evidence.sigma[evidence.of_kind(row.kind)]))
        noises.append(np.sqrt(max(row.spread**2 - own**2, 0.0)))
    return float(np.clip(min(noises, default=_MOST_NOISE), _LEAST_NOISE, _MOST_NOISE))


def _left_out(
    fit: ShotFit,
    raw: np.ndarray,
    evidence: DepthEvidence,
    own: np.ndarray,
    span: tuple[float, float] | None,
    choices: FitChoices | None,
) -> tuple[np.ndarray, str]:
    """Errors of samples under fits that have not seen them, and what was left out."""
    space = fit.alignment.line.space
    others = ~own & np.isfinite(raw)
    parts, how = [own], "kind"
    if not others.any():
        fold = (evidence.frames - fit.frames.start) // _FOLD_FRAMES % _FOLDS
        parts, how = [own & (fold == number) for number in range(_FOLDS)], "frames"
    found = []
    for part in parts:
        if not part.any():
            continue
        try:
            other = fit_shot(
                np.where(part, np.nan, raw), evidence, space, fit.frames, span, choices
            )
        except InputError:
            # The rest does not suffice for a fit of its own.
            continue
        found.append(log_errors(other, raw, evidence)[part])
    return (np.concatenate(found), how) if found else (np.zeros(0), "nothing")


def _middle(errors: np.ndarray) -> tuple[float, float]:
    """Median and scaled median deviation of errors, as shares."""
    if not len(errors):
        return float("nan"), float("nan")
    middle = float(np.median(errors))
    return float(np.expm1(middle)), 1.4826 * float(np.median(np.abs(errors - middle)))
