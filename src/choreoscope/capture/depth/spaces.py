"""What raw depth means: from a model's own numbers to metres and back, by one line per shot."""

import dataclasses
from typing import get_args

import numpy as np

from choreoscope.capture.passes.interfaces import DepthSpace
from choreoscope.datatypes.errors import InputError

INVERSE: tuple[DepthSpace, ...] = ("affine_inverse", "scale_inverse")
"""Spaces whose larger raw values are nearer: the line is one of 1 / metres."""
WITH_OFFSET: tuple[DepthSpace, ...] = ("affine", "affine_inverse")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RawLine:
    """How raw depth of a whole shot becomes metres.

    Attributes
    ----------
    space : DepthSpace
        ``metres = scale * raw + offset``, or ``1 / metres`` where it is an inverse one.
    scale : float, > 0
        Factor on raw.
    offset : float
        0 in spaces without.
    nearest, farthest : float
        Metres; what the line puts nearer or farther is set there, so that nothing is infinite.
    """

    space: DepthSpace
    scale: float = 1.0
    offset: float = 0.0
    nearest: float = 0.0
    farthest: float = float("inf")

    @property
    def is_inverse(self) -> bool:
        """Whether larger raw values are nearer."""
        return self.space in INVERSE

    def metres(self, raw: np.ndarray) -> np.ndarray:
        """Turn raw depth into metres, before any gain.

        Parameters
        ----------
        raw : (...,) float
            NaN where it is not known.

        Returns
        -------
        (...,) float
            In the precision of `raw`; NaN stays NaN. Infinite raw depth is not known either.
        """
        kind = raw.dtype.type
        line = raw * kind(self.scale) + kind(self.offset)
        line = np.where(np.isfinite(line), line, kind("nan"))
        if self.is_inverse:
            with np.errstate(divide="ignore"):
                # At or behind the end of the line there is nothing but the farthest.
                line = np.where(line > 0, 1 / line, np.where(np.isnan(line), line, kind("inf")))
        return np.asarray(np.clip(line, kind(self.nearest), kind(self.farthest)))

    def slope(self, metres: np.ndarray) -> np.ndarray:
        """How much the depth changes, as a share of itself, with the line's own value."""
        return metres if self.is_inverse else 1.0 / metres


def space_named(name: str) -> DepthSpace:
    """Look a space up by its name in a file.

    Raises
    ------
    InputError
        If there is none of the name.
    """
    for space in get_args(DepthSpace):
        if space == name:
            found: DepthSpace = space
            return found
    raise InputError(f"no depth space '{name}'; known: {', '.join(get_args(DepthSpace))}")
