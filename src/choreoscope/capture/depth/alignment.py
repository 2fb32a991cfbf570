"""One line per shot from raw depth to metres, in the model's right space, whatever the outliers.

Least absolute deviations among the lines through two samples each (Fischler and Bolles 1981 draw
them the same way), then least squares with Tukey's biweight (Beaton and Tukey 1974). Errors are
those of the logarithm: a sample at 8 m may be wrong by twice as many metres as one at 4 m, and
dividing by evidence that is noisy itself would draw the line towards the camera.
"""

import dataclasses

import numpy as np

from choreoscope.capture.depth.evidence import KINDS, DepthEvidence
from choreoscope.capture.depth.spaces import WITH_OFFSET, RawLine
from choreoscope.capture.passes.interfaces import DepthSpace
from choreoscope.datatypes.errors import InputError

FEWEST = 3
"""Samples below which nothing is fitted."""
TUKEY = 4.685
"""Biweight's limit in standard deviations; 95 % efficient on normal errors."""
_BANDS = 6
"""Depth bands of a kind, each so many times deeper than the one before."""
_GROUP = 150.0
"""Samples of a kind and band count in full up to here; more of them do not count more."""
_DRAWS, _LOOKED_AT = 600, 3000
_ROUNDS = 40
_SETTLED = 1e-12
_FARTHEST, _NEAREST = 100.0, 0.02
"""Farthest depth allowed, times the farthest evidence; nearest, times the nearest."""
_LOOSE_OFFSET = 1.0
"""Sigma of the offset, in units of the line at the middle of the evidence: only a shot whose
evidence lies at one depth feels it, where factor and offset cannot be told apart."""
_TRUSTED = KINDS.index("measured")
_BEHIND = 1e-3
"""Least value of a line, as a share of what it should be, that counts as in front of the camera."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """A line and how sure it is.

    Attributes
    ----------
    line : RawLine
        From raw to metres.
    covariance : (2, 2) float
        Of scale and offset.
    weights : (N,) float
        Biweight of each sample, 0 for outliers, 1 for those in the middle.
    """

    line: RawLine
    covariance: np.ndarray
    weights: np.ndarray

    def sigma(self, raw: np.ndarray) -> np.ndarray:
        """One standard deviation of the line at raw depths, share of the depth, ``(...,)``."""
        metres = self.line.metres(raw)
        (a, b), (_, c) = self.covariance
        variance = np.maximum(raw * (a * raw + 2 * b) + c, 0.0)
        return np.asarray(np.sqrt(variance) * self.line.slope(metres))


def balance(evidence: DepthEvidence) -> np.ndarray:
    """Weights by which neither the number of pixels nor one depth band rules, ``(N,)``.

    Samples of one kind err together (a body that is solved 3 % too near is so at all its pixels),
    so beyond `_GROUP` in one kind and depth band more of them do not count more.
    """
    weights = np.ones(len(evidence))
    for kind in range(len(KINDS)):
        own = np.flatnonzero(evidence.kinds == kind)
        if not len(own):
            continue
        metres = evidence.metres[own]
        low, high = np.percentile(metres, (1, 99))
        edges = np.geomspace(low, high, _BANDS + 1)[1:-1]
        band = np.searchsorted(edges, metres, side="right")
        counts = np.bincount(band, minlength=_BANDS)
        weights[own] = np.minimum(1.0, _GROUP / np.maximum(counts[band], 1))
    return weights


def align(
    raw: np.ndarray,
    evidence: DepthEvidence,
    space: DepthSpace,
    span: tuple[float, float] | None = None,
) -> Alignment:
    """Fit one line to all samples of a shot.

    Parameters
    ----------
    raw : (N,) float
        Raw depth at the samples; those without are left out.
    evidence : DepthEvidence
        N samples.
    space : DepthSpace
        What raw means; "metric" is fitted as "scale".
    span : (float, float) or None
        Least and largest raw value of the shot; the line stays finite and above 0 there. None
        for that of the samples.

    Returns
    -------
    Alignment
        The same for the same samples in any order; metres times k give metres times k.

    Raises
    ------
    InputError
        If fewer than `FEWEST` samples have raw depth, or none lets depth grow the right way.
    """
    known = np.isfinite(raw)
    if known.sum() < FEWEST:
        raise InputError(
            f"depth cannot be fitted: {int(known.sum())} places of known distance have raw depth, "
            f"{FEWEST} are needed; give measured points"
        )
    own = evidence.taken(known)
    line = _Lines(raw[known].astype(np.float64), own, space, span)
    answer, weights, covariance = line.robust()
    every = np.zeros(len(raw))
    every[known] = weights
    return Alignment(
        line=RawLine(
            space=space,
            scale=float(answer[0]),
            offset=float(answer[1]),
            nearest=_NEAREST * float(own.metres.min()),
            farthest=_FARTHEST * float(own.metres.max()),
        ),
        covariance=covariance,
        weights=every,
    )


class _Lines:
    """Errors of lines: ``log((scale * raw + offset) * by)``, in standard deviations."""

    def __init__(
        self,
        raw: np.ndarray,
        evidence: DepthEvidence,
        space: DepthSpace,
        span: tuple[float, float] | None,
    ) -> None:
        self._raw = raw
        self._kinds = evidence.kinds
        inverse = RawLine(space=space).is_inverse
        self._by = evidence.metres if inverse else 1.0 / evidence.metres
        self._sigma = evidence.sigma
        self._shares = balance(evidence)
        self._free = space in WITH_OFFSET
        low, high = span if span is not None else (float(raw.min()), float(raw.max()))
        # The end of the raw values that lies where the line comes nearest to 0.
        self._end = min(low, float(raw.min()))
        edge = _FARTHEST * evidence.metres.max() if inverse else _NEAREST * evidence.metres.min()
        self._least = float(1.0 / edge if inverse else edge)
        self._unit = max(abs(low), abs(high), float(np.abs(raw).max()), 1e-30)
        self._middle = 1.0 / float(np.median(self._by))

    def errors(self, answer: np.ndarray) -> np.ndarray:
        return np.asarray(_logs((answer[0] * self._raw + answer[1]) * self._by) / self._sigma)

    def robust(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Line, biweights and covariance."""
        answer = self._start()
        biweights = np.ones(len(self._raw))
        for _ in range(_ROUNDS):
            biweights = self._biweights(answer)
            better = self._squares(answer, biweights)
            step = np.abs(better - answer) * np.array([self._unit, 1.0])
            answer = better
            if step.max() < _SETTLED * self._middle:
                break
        return answer, biweights, self._covariance(answer, biweights)

    def _start(self) -> np.ndarray:
        """Line with the least absolute errors among those through samples drawn at random."""
        rng = np.random.default_rng(0)
        chances = self._shares / self._shares.sum()
        looked = np.arange(len(self._raw))
        if len(looked) > _LOOKED_AT:
            looked = np.sort(rng.choice(len(looked), _LOOKED_AT, replace=False, p=chances))
        pairs = rng.choice(len(self._raw), (_DRAWS, 2), p=chances)
        lines = self._through(pairs)
        growing = lines[lines[:, 0] > 0]
        allowed = growing[self._allowed(growing)]
        # Where all end too early the best of them is brought back by the bound afterwards.
        lines = allowed if len(allowed) else growing
        if not len(lines):
            raise InputError(
                "depth cannot be fitted: no line through the places of known distance grows with "
                "distance; is the back end's depth space declared right?"
            )
        raw, by, sigma = self._raw[looked], self._by[looked], self._sigma[looked]
        shares = self._shares[looked]
        costs = np.zeros(len(lines))
        for number, (scale, offset) in enumerate(lines):
            off = np.abs(_logs((scale * raw + offset) * by)) / sigma
            costs[number] = shares @ np.minimum(off, 2.0 * TUKEY)
        return np.asarray(lines[int(np.argmin(costs))])

    def _through(self, pairs: np.ndarray) -> np.ndarray:
        """Lines through pairs of samples, and those through one with the offset at 0."""
        first, second = self._raw[pairs].T
        one, two = 1.0 / self._by[pairs].T
        alone = np.abs(first) > 1e-9 * self._unit
        single = np.stack([one[alone] / first[alone], np.zeros(int(alone.sum()))], axis=1)
        if not self._free:
            return single
        apart = np.abs(second - first) > 1e-6 * self._unit
        scale = (two - one)[apart] / (second - first)[apart]
        double = np.stack([scale, one[apart] - scale * first[apart]], axis=1)
        return np.concatenate([double, single])

    def _allowed(self, lines: np.ndarray) -> np.ndarray:
        ends = lines[:, 0] * self._end + lines[:, 1]
        above = ends >= self._least if self._free else np.ones(len(lines), dtype=bool)
        return np.asarray((lines[:, 0] > 0) & above)

    def _biweights(self, answer: np.ndarray) -> np.ndarray:
        errors = np.abs(self.errors(answer))
        weights = np.ones(len(errors))
        for kind in np.unique(self._kinds):
            own = self._kinds == kind
            if kind == _TRUSTED:
                # What the user measured is never thrown out, only kept from ruling alone.
                weights[own] = 1.0 / np.maximum(1.0, errors[own] / TUKEY)
                continue
            # Sigmas may be said too small; a whole kind is not thrown out for that.
            spread = max(1.0, 1.4826 * float(np.median(errors[own])))
            inside = np.clip(1.0 - (errors[own] / (TUKEY * spread)) ** 2, 0.0, None)
            weights[own] = inside**2
        return weights

    def _squares(self, around: np.ndarray, biweights: np.ndarray) -> np.ndarray:
        """Best line for given weights that stays allowed; one step of Gauss-Newton."""
        matrix, vector = self._normal(around, biweights)
        if not self._free:
            return np.array([vector[0] / matrix[0, 0], 0.0])
        unit = np.array([1.0 / self._unit, 1.0]) * self._middle
        answer = unit * np.linalg.solve(matrix * np.outer(unit, unit), vector * unit)
        if self._allowed(answer[None])[0]:
            return np.asarray(answer)
        return self._on_the_edge(matrix, vector)

    def _normal(self, around: np.ndarray, biweights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        line = around[0] * self._raw + around[1]
        ahead = line * self._by > _BEHIND
        weights = np.where(ahead, biweights * self._shares / self._sigma**2, 0.0)
        by = 1.0 / np.where(ahead, line, 1.0)
        rows = np.stack([self._raw * by, by], axis=1)
        matrix = rows.T @ (weights[:, None] * rows)
        matrix[1, 1] += 1.0 / (_LOOSE_OFFSET * self._middle) ** 2
        return matrix, rows.T @ (weights * (1.0 - self.errors(around) * self._sigma))

    def _on_the_edge(self, matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Best line whose end lies exactly where it may, with a factor above 0."""
        # offset = least - scale * end: one unknown is left.
        along, foot = np.array([1.0, -self._end]), np.array([0.0, self._least])
        scale = float(along @ (vector - matrix @ foot) / (along @ matrix @ along))
        # A factor of 0 would put everything at one depth; the least one hardly differs from that.
        scale = max(scale, 1e-9 * self._middle / self._unit)
        return np.asarray(foot + scale * along)

    def _covariance(self, answer: np.ndarray, biweights: np.ndarray) -> np.ndarray:
        matrix, _ = self._normal(answer, biweights)
        errors = self.errors(answer)
        share = biweights * self._shares
        spread = max(1.0, float(share @ errors**2 / max(float(share.sum()), 1e-30)))
        if not self._free:
            return np.array([[spread / matrix[0, 0], 0.0], [0.0, 0.0]])
        unit = np.array([1.0 / self._unit, 1.0]) * self._middle
        inner = np.linalg.inv(matrix * np.outer(unit, unit))
        return np.asarray(spread * inner * np.outer(unit, unit))


def _logs(ratios: np.ndarray) -> np.ndarray:
    """Logarithms; what is not in front of the camera is as wrong as the least that is."""
    return np.asarray(np.log(np.maximum(ratios, _BEHIND)))
