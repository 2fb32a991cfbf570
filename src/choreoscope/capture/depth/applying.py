"""Raw depth of a frame into metres with their uncertainty, by a shot's fit."""

from collections.abc import Mapping, Sequence

import numpy as np

from choreoscope.capture.depth.alignment import Alignment
from choreoscope.capture.depth.compositing import Layer, composite
from choreoscope.capture.depth.spaces import RawLine, space_named
from choreoscope.formats.depth_fit_json import DepthFitFile


class MetricDepth:
    """A fit, ready for frames.

    Parameters
    ----------
    fit : DepthFitFile
        Of the clip.
    """

    def __init__(self, fit: DepthFitFile) -> None:
        self._fit = fit
        self._alignment = Alignment(
            line=RawLine(
                space=space_named(fit.space),
                scale=fit.scale,
                offset=fit.offset,
                nearest=fit.nearest,
                farthest=fit.farthest,
            ),
            covariance=fit.covariance,
            weights=np.zeros(0),
        )

    def metres(self, raw: np.ndarray, frame: int) -> np.ndarray:
        """Depth of a frame without performers' offsets, ``(H, W)``; NaN stays NaN."""
        line = self._alignment.line.metres(raw)
        return np.asarray(line * raw.dtype.type(np.exp(self._fit.gain[self._row(frame)])))

    def with_performers(
        self, metres: np.ndarray, owned: Mapping[str, np.ndarray], frame: int
    ) -> np.ndarray:
        """Move performers by their offsets and give them a clean edge.

        Parameters
        ----------
        metres : (H, W) float
            From `metres`.
        owned : mapping of str to (H, W) bool
            Own pixels by person.
        """
        layers = []
        for person, inside in sorted(owned.items()):
            moved = metres
            curve = self._fit.offsets_m.get(person)
            if curve is not None:
                shift = metres.dtype.type(curve[self._row(frame)])
                # Nothing may be moved behind the camera.
                moved = np.maximum(metres + shift, metres * metres.dtype.type(0.2))
            layers.append(Layer(inside=inside, depth=moved))
        return composite(metres, tuple(layers))

    def sigma(self, raw: np.ndarray, metres: np.ndarray, frame: int) -> np.ndarray:
        """One standard deviation of a frame's depth, metres, ``(H, W)``."""
        row = self._row(frame)
        common = np.hypot(self._fit.noise, self._fit.gain_sigma[row])
        share = np.hypot(self._alignment.sigma(raw), common) if self._fit.fitted else common
        return np.asarray(metres * share, dtype=metres.dtype)

    def _row(self, frame: int) -> int:
        return int(np.clip(frame - self._fit.first_frame, 0, len(self._fit.gain) - 1))


def keyed(
    metres: np.ndarray, keys: Sequence[tuple[int, float, float]], frame: int
) -> tuple[np.ndarray, float]:
    """Apply factors and offsets keyed by hand.

    Parameters
    ----------
    metres : (H, W) float
        Depth.
    keys : sequence of (frame, factor, offset in metres)
        Linear between frames, constant outside.
    frame : int
        Source frame.

    Returns
    -------
    (H, W) float, float
        Depth, NaN where it is not in front of the camera any more; and the factor.
    """
    if not keys:
        return metres, 1.0
    frames, scales, offsets = zip(*keys, strict=True)
    scale = float(np.interp(frame, frames, scales))
    offset = float(np.interp(frame, frames, offsets))
    kind = metres.dtype.type
    moved = kind(scale) * metres + kind(offset)
    return np.where(moved > 0, moved, kind("nan")), scale
