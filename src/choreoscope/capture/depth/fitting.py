"""Raw depth of a shot fitted to all its evidence: one line and a slow gain, no shift per frame.

The line and the gain are found in turns: the gain of a frame multiplies metres, so it is taken
out of the evidence before the line is fitted again.
"""

import dataclasses

import numpy as np

from choreoscope.capture.depth.alignment import Alignment, align
from choreoscope.capture.depth.evidence import DepthEvidence
from choreoscope.capture.depth.smoothing import KNOT_FRAMES, Curve, Smoothness, smooth_curve
from choreoscope.capture.passes.interfaces import DepthSpace
from choreoscope.datatypes.frames import FrameRange

_TURNS = 3
_GAIN = Smoothness(size=0.10)
"""A network's scale strays by some per cent over a shot."""
_FRAME_GROUP = 12.0
"""Samples of one frame, kind and performer count in full up to here: they err together."""
_FLOOR = 0.003


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShotFit:
    """How raw depth of a shot becomes metres.

    Attributes
    ----------
    frames : FrameRange
        Of the shot.
    alignment : Alignment
        The line.
    gain : Curve
        Logarithm of the factor on metres, by frame.
    """

    frames: FrameRange
    alignment: Alignment
    gain: Curve

    def metres(self, raw: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Metres of raw depths in source frames, without performers' offsets, ``(...,)``."""
        rows = np.asarray(frames) - self.frames.start
        return np.asarray(self.alignment.line.metres(raw) * np.exp(self.gain.values[rows]))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FitChoices:
    """What may be fitted.

    Attributes
    ----------
    gain : bool
        Whether a slow gain follows the evidence.
    knots : int
        Frames from knot to knot of the gain.
    """

    gain: bool = True
    knots: int = KNOT_FRAMES


def fit_shot(
    raw: np.ndarray,
    evidence: DepthEvidence,
    space: DepthSpace,
    frames: FrameRange,
    span: tuple[float, float] | None = None,
    choices: FitChoices | None = None,
) -> ShotFit:
    """Fit a shot.

    Parameters
    ----------
    raw : (N,) float
        Raw depth at the samples, NaN where there is none.
    evidence : DepthEvidence
        N samples.
    space : DepthSpace
        What raw means.
    frames : FrameRange
        Of the shot.
    span : (float, float) or None
        Least and largest raw value of the shot.
    choices : FitChoices or None
        What may be fitted; None for all of it.

    Raises
    ------
    InputError
        If there are too few samples, or none grows with distance.
    """
    choices = choices or FitChoices()
    gain = flat(len(frames))
    known = np.isfinite(raw)
    rows = evidence.frames - frames.start
    alignment = align(raw, evidence, space, span)
    for _ in range(_TURNS if choices.gain else 0):
        still = ShotFit(frames=frames, alignment=alignment, gain=flat(len(frames)))
        errors = log_errors(still, raw, evidence)
        # Gross outliers are gone by the shot's line; Huber alone would let them pull the curve.
        near = known & (alignment.weights > 0)
        gain = smooth_curve(
            rows[near],
            errors[near],
            sample_sigma(evidence.taken(near), errors[near]),
            len(frames),
            dataclasses.replace(_GAIN, knots=choices.knots),
        )
        settled = dataclasses.replace(evidence, metres=evidence.metres * np.exp(-gain.values[rows]))
        alignment = align(raw, settled, space, span)
    return ShotFit(frames=frames, alignment=alignment, gain=gain)


def flat(count: int) -> Curve:
    """Make a curve that is 0 everywhere and known to be."""
    return Curve(values=np.zeros(count), sigma=np.zeros(count), bend=0.0)


def log_errors(fit: ShotFit, raw: np.ndarray, evidence: DepthEvidence) -> np.ndarray:
    """Logarithm of known depth over fitted depth, ``(N,)``; NaN without raw depth."""
    return np.asarray(np.log(evidence.metres / fit.metres(raw, evidence.frames)))


def sample_sigma(evidence: DepthEvidence, errors: np.ndarray) -> np.ndarray:
    """Return standard deviations of samples for a curve over frames, ``(N,)``.

    As said, or as seen where a kind scatters more; and larger where many samples of one frame,
    kind and performer would count as if they erred each for itself.
    """
    sigma = np.maximum(evidence.sigma, _FLOOR)
    for kind in np.unique(evidence.kinds):
        own = evidence.kinds == kind
        middle = np.median(errors[own])
        sigma[own] *= max(1.0, 1.4826 * float(np.median(np.abs(errors[own] - middle) / sigma[own])))
    groups = np.stack([evidence.frames, evidence.kinds, evidence.owners], axis=1)
    _, group, counts = np.unique(groups, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(sigma * np.sqrt(np.maximum(1.0, counts[group] / _FRAME_GROUP)))
