"""Errors in the world: path, place and scale count, as far as the alignment lets them.

WA-MPJPE and W-MPJPE (V. Ye et al., SLAHMR, CVPR 2023) allow each chunk a scale of its own, and so
cannot see a wrong one. The metric ones here allow none.
"""

import dataclasses
import itertools
from typing import Literal

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.geometry import rotation
from choreoscope.motion.metrics.alignment import align, check_alike
from choreoscope.motion.metrics.derivatives import derivative
from choreoscope.motion.metrics.means import MM_PER_METRE, mean_along
from choreoscope.motion.metrics.poses import point_errors_mm

CHUNK_FRAMES = 100
"""Frames of a chunk in the papers."""
ChunkRule = Literal["keep", "merge"]
_FIRST_FRAMES = 2


def chunks(count: int, frames: int = CHUNK_FRAMES, rule: ChunkRule = "keep") -> tuple[slice, ...]:
    """Cut a clip into chunks.

    Parameters
    ----------
    count : int
        Frames of the clip.
    frames : int
        Frames of a chunk.
    rule : {"keep", "merge"}
        What becomes of a short last chunk: kept (WHAM, GVHMR) or joined to the one before (TRAM).

    Raises
    ------
    InputError
        If a chunk would hold no frame.
    """
    if frames < 1:
        raise InputError(f"chunks: expected at least 1 frame per chunk, got {frames}")
    starts = list(range(0, count, frames))
    if rule == "merge" and len(starts) > 1 and count - starts[-1] < frames:
        starts.pop()
    return tuple(slice(a, b) for a, b in itertools.pairwise([*starts, count]))


def wa_mpjpe_mm(
    predicted: np.ndarray,
    truth: np.ndarray,
    *,
    with_scale: bool = True,
    frames: int = CHUNK_FRAMES,
    rule: ChunkRule = "keep",
) -> np.ndarray:
    """WA-MPJPE: each chunk laid on its truth by all of its frames.

    Parameters
    ----------
    predicted, truth : (T, J, 3) float
        World, metres. Frames without truth are taken out before chunks are cut.
    with_scale : bool
        False: rigid, the metric variant.
    frames, rule
        As for `chunks`.

    Returns
    -------
    (T,) float
        Millimetres; NaN in frames without truth or result.
    """
    return _by_chunks(predicted, truth, _Cut(frames, rule, with_scale, None))


def w_mpjpe_mm(
    predicted: np.ndarray,
    truth: np.ndarray,
    *,
    with_scale: bool = True,
    frames: int = CHUNK_FRAMES,
    rule: ChunkRule = "keep",
) -> np.ndarray:
    """W-MPJPE: each chunk laid on its truth by its first two frames, so that drift shows.

    Parameters
    ----------
    predicted, truth : (T, J, 3) float
        World, metres. Frames without truth are taken out before chunks are cut.
    with_scale : bool
        The papers' similarity. False: the metric W-MPJPE, which sees a wrong scale.
    frames, rule
        As for `chunks`.

    Returns
    -------
    (T,) float
        Millimetres; NaN in frames without truth or result.
    """
    return _by_chunks(predicted, truth, _Cut(frames, rule, with_scale, _FIRST_FRAMES))


def world_mpjpe_mm(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Joint error in the world as delivered, nothing aligned: ``(T,)`` millimetres."""
    return mean_along(point_errors_mm(predicted, truth))


def scene_mpjpe_mm(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Joint error after one rigid motion for the whole clip and everybody in it.

    Where the world's origin lies and where it faces is anybody's choice; how people stand to each
    other, how far they go and how large they are is not.

    Parameters
    ----------
    predicted, truth : (P, T, J, 3) float
        World, metres, of P people; NaN where somebody is not there.

    Returns
    -------
    (P, T) float
        Millimetres.
    """
    check_alike(predicted, truth)
    flat = predicted.reshape(-1, 3)
    laid = align(flat, truth.reshape(-1, 3), with_scale=False).apply(flat)
    return mean_along(point_errors_mm(laid.reshape(predicted.shape), truth))


def rte_percent(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """RTE: error of the root's path after one rigid motion, by the length of the true path.

    Parameters
    ----------
    predicted, truth : (T, 3) float
        Root in the world, metres.

    Returns
    -------
    (T,) float
        Percent; NaN all over if the true root never moves.
    """
    length = path_length(truth)
    if not length > 0:
        return np.full(len(truth), np.nan)
    return 100.0 * root_error_mm(predicted, truth) / (MM_PER_METRE * length)


def root_error_mm(predicted: np.ndarray, truth: np.ndarray, *, aligned: bool = True) -> np.ndarray:
    """Error of the root's place.

    Parameters
    ----------
    predicted, truth : (T, 3) float
        Root in the world, metres.
    aligned : bool
        Lay path on path by one rigid motion (never a scale) first.

    Returns
    -------
    (T,) float
        Millimetres.
    """
    check_alike(predicted, truth)
    laid = align(predicted, truth, with_scale=False).apply(predicted) if aligned else predicted
    return point_errors_mm(laid, truth)


def erve(
    predicted: np.ndarray,
    truth: np.ndarray,
    predicted_turns: np.ndarray,
    truth_turns: np.ndarray,
    times: np.ndarray,
) -> np.ndarray:
    """ERVE: error of the root's velocity, each seen from its own root.

    Parameters
    ----------
    predicted, truth : (T, 3) float
        Root in the world, metres.
    predicted_turns, truth_turns : (T, 4) float
        World-from-root, wxyz.
    times : (T,) float
        Seconds.

    Returns
    -------
    (max(T - 1, 0),) float
        mm/s; by the rate it is the papers' mm per frame.
    """
    check_alike(predicted, truth)
    first, second = (
        rotation.rotate(rotation.inverse(turns[:-1]), derivative(path, times, 1))
        for path, turns in ((predicted, predicted_turns), (truth, truth_turns))
    )
    return point_errors_mm(first, second)


def scale_error_percent(predicted: np.ndarray, truth: np.ndarray) -> float:
    """How much too large the world is, by how far all points lie from their middle.

    The symmetric scale of B. Horn (1987), which noise does not shrink as it does Umeyama's.

    Parameters
    ----------
    predicted, truth : (..., 3) float
        World, metres: any points, people and paths together.

    Returns
    -------
    float
        Percent, positive when too large; NaN if the truth has no extent.
    """
    check_alike(predicted, truth)
    known = np.isfinite(predicted).all(axis=-1) & np.isfinite(truth).all(axis=-1)
    first, second = (
        float(np.square(points[known] - points[known].mean(axis=0)).sum()) if known.any() else 0.0
        for points in (predicted, truth)
    )
    return 100.0 * (float(np.sqrt(first / second)) - 1.0) if second > 0 else float("nan")


def path_length(path: np.ndarray) -> float:
    """Length of a path ``(T, 3)`` in metres; frames that are not known are bridged straight."""
    known = path[np.isfinite(path).all(axis=-1)]
    return float(np.linalg.norm(np.diff(known, axis=0), axis=-1).sum())


@dataclasses.dataclass(frozen=True, slots=True)
class _Cut:
    """How chunks are cut, and by how many of its frames (None: all) each is laid."""

    frames: int
    rule: ChunkRule
    with_scale: bool
    first: int | None


def _by_chunks(predicted: np.ndarray, truth: np.ndarray, cut: _Cut) -> np.ndarray:
    check_alike(predicted, truth)
    errors = np.full(len(truth), np.nan)
    has_truth = np.flatnonzero(np.isfinite(truth).all(axis=-1).any(axis=-1))
    for chunk in chunks(len(has_truth), cut.frames, cut.rule):
        rows = has_truth[chunk]
        own, aim = predicted[rows], truth[rows]
        both = np.isfinite(own + aim).all(axis=-1).any(axis=-1)
        by = np.flatnonzero(both)[: cut.first]
        laid = align(
            own[by].reshape(-1, 3), aim[by].reshape(-1, 3), with_scale=cut.with_scale
        ).apply(own.reshape(-1, 3))
        errors[rows] = mean_along(point_errors_mm(laid.reshape(own.shape), aim))
    return errors
