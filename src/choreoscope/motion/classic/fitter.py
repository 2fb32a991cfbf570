"""What fits a body to a track of points: ours by default, another one for comparison."""

import dataclasses
from typing import Protocol

import numpy as np

from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import BodyPoints
from choreoscope.motion.fit.body import fit_body
from choreoscope.motion.fit.targets import FitOptions, FitTargets

_SIGMA = 0.03
"""Metres, of a point of weight 1; only its ratio to the penalties matters."""
_SHAPE_PENALTY = 10.0
_SMPL_POINTS = 6890 + 24


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrackFit:
    """One body through a track.

    Attributes
    ----------
    shape : (S,) float
        Standard deviations.
    root : (N, 3) float
        Joint 0, in the points' frame of reference, metres.
    rotations : (N, J, 4) float
        Parent-from-joint, wxyz, unit.
    scales : (N,) float
        Size of each frame's points relative to the body; 1 where size was not free.
    """

    shape: np.ndarray
    root: np.ndarray
    rotations: np.ndarray
    scales: np.ndarray


class Fitter(Protocol):
    """Anything that fits."""

    def __call__(
        self,
        model: BodyModel,
        points: BodyPoints,
        places: np.ndarray,
        weights: np.ndarray,
        *,
        free_size: bool,
    ) -> TrackFit:
        """Fit `model` to `places` ``(N, P, 3)`` weighted ``(N, P)``, with one shape for all."""
        ...


def fit_track(
    model: BodyModel,
    points: BodyPoints,
    places: np.ndarray,
    weights: np.ndarray,
    *,
    free_size: bool,
) -> TrackFit:
    """Fit with our own `fit_body`, with the recipe's penalties and, as there, nothing robust.

    The recipe's cost is ``sum w |d|^2`` in square metres plus 10 r per squared shape value plus
    r per squared change of size, with r the share of the points among SMPL's 6890 + 24.

    Parameters
    ----------
    model : BodyModel
        J joints.
    points : BodyPoints
        P points.
    places : (N, P, 3) float
        Metres; anything where the weight is 0.
    weights : (N, P) float
        Mean around 1; 0 where not seen. Every row has one above 0.
    free_size : bool
        Whether each frame has a size of its own.

    Returns
    -------
    TrackFit
    """
    seen = weights > 0
    share = len(points) / _SMPL_POINTS
    options = FitOptions(
        loss="squares",
        shape_sigma=_SIGMA / np.sqrt(_SHAPE_PENALTY * share),
        frame_scale_sigma=_SIGMA / np.sqrt(share) if free_size else 0.0,
    )
    targets = FitTargets(
        points=points,
        places=np.where(seen[..., None], places, np.nan),
        sigma=np.where(seen, _SIGMA / np.sqrt(np.where(seen, weights, 1.0)), np.inf),
    )
    fit = fit_body(model, targets, options=options)
    return TrackFit(shape=fit.shape, root=fit.root, rotations=fit.rotations, scales=fit.scale)
