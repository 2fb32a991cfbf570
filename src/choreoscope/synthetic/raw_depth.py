"""Depth as a network would give it, from the truth: its own space, a drifting scale, noise.

Also whole made-up trials without pictures: places of known distance in every frame, some of them
grossly wrong, for measuring how well raw depth can be fitted.
"""

import dataclasses

import numpy as np

from choreoscope.capture.depth.evidence import DepthEvidence, EvidenceKind, joined
from choreoscope.capture.depth.spaces import INVERSE
from choreoscope.capture.passes.interfaces import DepthSpace

_DRIFT_FRAMES = (70.0, 130.0)
_LINES: dict[DepthSpace, tuple[float, float]] = {
    "metric": (1.0, 0.0),
    "scale": (3.1, 0.0),
    "affine": (11.0, 1.4),
    "affine_inverse": (0.031, -0.042),
    "scale_inverse": (0.017, 0.0),
}
"""Scale and offset from raw to the line, by space."""
_BODY, _FLOOR, _ROOM = 0.08, 0.03, 0.02
_FEW_M, _WALL = 0.3, 0.3
_GROSS = 0.7
"""Logarithm of the largest factor by which an outlier is wrong."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RawSpec:
    """How a made-up network is wrong.

    Attributes
    ----------
    space : DepthSpace
        What its numbers mean.
    drift : float
        Size of the slow change of its scale, share.
    jitter : float
        Standard deviation of its scale from frame to frame, share.
    noise : float
        Standard deviation at each pixel, share.
    seed : int
        Of everything left to chance.
    """

    space: DepthSpace = "affine_inverse"
    drift: float = 0.045
    jitter: float = 0.0026
    noise: float = 0.024
    seed: int = 0


def gains(spec: RawSpec, count: int) -> np.ndarray:
    """Factor on the truth in every frame, ``(T,)``: a slow drift and a little jitter."""
    rng = np.random.default_rng([spec.seed, 5])
    moments = np.arange(count)
    drift = sum(
        np.sin(2 * np.pi * (moments / frames + rng.uniform())) for frames in _DRIFT_FRAMES
    ) / len(_DRIFT_FRAMES)
    return np.asarray(np.exp(spec.drift * drift + spec.jitter * rng.normal(size=count)))


def raw_of_truth(truth: np.ndarray, gain: float, spec: RawSpec, frame: int) -> np.ndarray:
    """Distort one frame's true depth.

    Parameters
    ----------
    truth : (...,) float
        Metres; what is not finite becomes NaN.
    gain : float
        Of the frame, from `gains`.
    spec : RawSpec
        How.
    frame : int
        Noise of every frame is its own.

    Returns
    -------
    (...,) float32
    """
    rng = np.random.default_rng([spec.seed, 6, frame])
    known = np.isfinite(truth) & (truth > 0)
    depth = np.where(known, truth, 1.0) * gain
    depth = depth * np.exp(spec.noise * rng.normal(size=truth.shape))
    scale, offset = _LINES[spec.space]
    line = 1.0 / depth if spec.space in INVERSE else depth
    return np.where(known, (line - offset) / scale, np.nan).astype(np.float32)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Raw depth and evidence of a shot without pictures.

    Attributes
    ----------
    spec : RawSpec
        How raw depth is wrong.
    evidence : DepthEvidence
        N samples; their noise and outliers included.
    raw : (N,) float
        Raw depth at the samples.
    truth : (T, P) float
        Metres at P places of every frame.
    pictures : (T, P) float
        Raw depth there.
    gain : (T,) float
        True factor of each frame.
    """

    spec: RawSpec
    evidence: DepthEvidence
    raw: np.ndarray
    truth: np.ndarray
    pictures: np.ndarray
    gain: np.ndarray


def make_trial(
    spec: RawSpec, frames: int = 120, outliers: float = 0.25, places: int = 400
) -> Trial:
    """Make a dancer between 3 and 6 m before a room that ends at 9 m.

    Parameters
    ----------
    spec : RawSpec
        How raw depth is wrong.
    frames : int
        Length of the shot.
    outliers : float
        Share of the samples that are grossly wrong: from half the truth to twice it.
    places : int
        Places at which the result is compared with the truth.
    """
    rng = np.random.default_rng([spec.seed, 7])
    gain = gains(spec, frames)
    truth = _room(rng, (frames, places))
    pictures = np.stack(
        [raw_of_truth(row, gain[frame], spec, frame) for frame, row in enumerate(truth)]
    )
    body = 4.5 + 1.2 * np.sin(2 * np.pi * np.arange(frames) / 95.0 + rng.uniform(0, 6))
    parts: list[DepthEvidence] = []
    kinds: tuple[tuple[EvidenceKind, float, str], ...] = (
        ("body", _BODY, "P01"),
        ("contact", _FLOOR, ""),
        ("structure", _ROOM, ""),
    )
    for frame in range(frames):
        true = (
            body[frame] + rng.uniform(-_FEW_M, _FEW_M, 40),
            body[frame] + rng.uniform(-_FEW_M, _FEW_M, 6),
            _room(rng, (14,)),
        )
        for depth, (kind, sigma, person) in zip(true, kinds, strict=True):
            seen = depth * np.exp(sigma * rng.normal(size=len(depth)))
            wrong = rng.uniform(size=len(depth)) < outliers
            seen[wrong] *= np.exp(rng.uniform(-_GROSS, _GROSS, int(wrong.sum())))
            own = raw_of_truth(depth, gain[frame], spec, frame + frames * len(parts))
            pixels = np.stack([own.astype(np.float64), depth], axis=1)
            number = np.full(len(depth), frame)
            parts.append(DepthEvidence.of(kind, number, pixels, seen, sigma, person=person))
    together = joined(parts)
    return Trial(
        spec=spec,
        evidence=together,
        # Carried through the sorting in the place of a column.
        raw=together.pixels[:, 0].copy(),
        truth=truth,
        pictures=pictures.astype(np.float64),
        gain=gain,
    )


def _room(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Depths of a floor from 2.5 m on and of a wall at 9 m."""
    floor = 1.0 / rng.uniform(1 / 9.0, 1 / 2.5, shape)
    return np.where(rng.uniform(size=shape) < _WALL, 9.0, floor)
