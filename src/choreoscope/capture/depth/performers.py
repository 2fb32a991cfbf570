"""A smooth offset in metres for each performer, so that feet meet the ground.

A network gets the order of depths right, but sets a dancer some decimetres before or behind the
floor under the feet. The offset is a slow curve over the shot like the gain, never one per frame.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from choreoscope.capture.depth.evidence import DepthEvidence
from choreoscope.capture.depth.fitting import ShotFit, sample_sigma
from choreoscope.capture.depth.smoothing import Curve, Smoothness, smooth_curve

_OFFSET = Smoothness(size=0.30, unit=4.0)
"""Metres; bends of up to 13 cm from knot to knot."""
_GROSS = 4.0
_FEWEST = 8


def offsets(
    fit: ShotFit, raw: np.ndarray, evidence: DepthEvidence, knots: int
) -> Mapping[str, Curve]:
    """Find what each performer's depth has to be moved by, by person.

    Parameters
    ----------
    fit : ShotFit
        Line and gain of the shot.
    raw : (N,) float
        Raw depth at the samples.
    evidence : DepthEvidence
        Those on a performer, on body and feet, count; where there are fewer than eight of them
        the performer is left as he or she is.
    knots : int
        Frames from knot to knot.
    """
    found = {}
    missing = evidence.metres - fit.metres(raw, evidence.frames)
    for person in evidence.people:
        own = np.flatnonzero(evidence.of_person(person) & np.isfinite(missing))
        if len(own) < _FEWEST:
            continue
        middle = float(np.median(missing[own]))
        spread = 1.4826 * float(np.median(np.abs(missing[own] - middle)))
        own = own[np.abs(missing[own] - middle) <= max(_GROSS * spread, 0.05)]
        part = evidence.taken(own)
        sigma = part.metres * sample_sigma(part, missing[own] / part.metres)
        rows = part.frames - fit.frames.start
        known = dataclasses.replace(_OFFSET, knots=knots)
        found[person] = smooth_curve(rows, missing[own], sigma, len(fit.frames), known)
    return found
