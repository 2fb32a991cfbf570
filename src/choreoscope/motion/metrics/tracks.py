"""Tracking scores: CLEAR (MOTA, MOTP, switches), identity (IDF1) and HOTA."""

import dataclasses

import numpy as np

from choreoscope.motion.metrics.overlaps import FrameOverlap, Overlaps

THRESHOLD = 0.5
"""Similarity from which on two are taken for the same."""
ALPHAS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Thresholds HOTA is averaged over."""
_TINY = 1e-12


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClearScores:
    """The CLEAR scores.

    Attributes
    ----------
    mota : float
        1 less misses, false alarms and switches by true appearances; may be below 0.
    motp : float
        Mean similarity of the matches, 0 to 1; NaN without any.
    matches, misses, false_alarms, switches : int
        Over all frames; a switch is a match, too.
    fragmentations : int
        How often a person who is found is lost and found again.
    """

    mota: float
    motp: float
    matches: int
    misses: int
    false_alarms: int
    switches: int
    fragmentations: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IdentityScores:
    """How many appearances carry the right name all through, 0 to 1; NaN with nobody at all."""

    idf1: float
    precision: float
    recall: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HotaScores:
    """HOTA and its parts: mean over the thresholds, and one value for each.

    Attributes
    ----------
    hota, detection, association, localisation : float
        HOTA, DetA, AssA, LocA, 0 to 1.
    alphas : (A,) float
        Thresholds.
    hota_by_alpha, detection_by_alpha, association_by_alpha : (A,) float
        At each of them.
    """

    hota: float
    detection: float
    association: float
    localisation: float
    alphas: np.ndarray
    hota_by_alpha: np.ndarray
    detection_by_alpha: np.ndarray
    association_by_alpha: np.ndarray


def clear_scores(overlaps: Overlaps, *, threshold: float = THRESHOLD) -> ClearScores:
    """Score tracks frame by frame (K. Bernardin, R. Stiefelhagen 2008).

    Parameters
    ----------
    overlaps : Overlaps
        Of the clip.
    threshold : float
        Similarity from which on two may be matched.

    Returns
    -------
    ClearScores
        A match of the past is kept while it holds, also over gaps; the rest is matched as many as
        possible and then as alike as possible.
    """
    last: dict[int, int] = {}
    found: dict[int, list[bool]] = {}
    alike: list[float] = []
    switches = 0
    for frame in overlaps.frames:
        pairs = _clear_pairs(frame, last, threshold)
        for row, column in pairs:
            person, name = int(frame.truth[row]), int(frame.result[column])
            switches += last.get(person, name) != name
            last[person] = name
            alike.append(float(frame.similarity[row, column]))
        matched = {row for row, _ in pairs}
        for row, person in enumerate(frame.truth.tolist()):
            found.setdefault(person, []).append(row in matched)
    truth, result = overlaps.truth_boxes, overlaps.result_boxes
    misses, false_alarms = truth - len(alike), result - len(alike)
    return ClearScores(
        mota=1.0 - (misses + false_alarms + switches) / truth if truth else float("nan"),
        motp=float(np.mean(alike)) if alike else float("nan"),
        matches=len(alike),
        misses=misses,
        false_alarms=false_alarms,
        switches=switches,
        fragmentations=sum(_breaks(seen) for seen in found.values()),
    )


def identity_scores(overlaps: Overlaps, *, threshold: float = THRESHOLD) -> IdentityScores:
    """Score names over the whole clip (E. Ristani et al. 2016).

    Parameters
    ----------
    overlaps : Overlaps
        Of the clip.
    threshold : float
        Similarity from which on an appearance may count.

    Returns
    -------
    IdentityScores
        Under the one-to-one matching of people that makes most appearances right.
    """
    from scipy.optimize import linear_sum_assignment

    shared = np.zeros((overlaps.truth_count, overlaps.result_count))
    for frame in overlaps.frames:
        shared[np.ix_(frame.truth, frame.result)] += frame.similarity >= threshold - _TINY
    rows, columns = linear_sum_assignment(shared, maximize=True)
    right = float(shared[rows, columns].sum())
    truth, result = overlaps.truth_boxes, overlaps.result_boxes
    return IdentityScores(
        idf1=_ratio(2.0 * right, truth + result),
        precision=_ratio(right, result),
        recall=_ratio(right, truth),
    )


def hota_scores(overlaps: Overlaps, *, alphas: tuple[float, ...] = ALPHAS) -> HotaScores:
    """Score detection and association alike (J. Luiten et al., IJCV 2021).

    Parameters
    ----------
    overlaps : Overlaps
        Of the clip.
    alphas : tuple of float
        Similarities from which on two may be matched.

    Returns
    -------
    HotaScores
        In each frame pairs are matched so that people who agree over the whole clip come first,
        as in the authors' evaluation. NaN with nobody on either side.
    """
    shape = (len(alphas), overlaps.truth_count, overlaps.result_count)
    prior, truth_frames, result_frames = _agreement(overlaps)
    together = np.zeros(shape)
    alike = np.zeros(len(alphas))
    for frame in overlaps.frames:
        rows, columns = _hota_pairs(frame, prior)
        similarity = frame.similarity[rows, columns]
        for place, alpha in enumerate(alphas):
            kept = similarity >= alpha - _TINY
            together[place, frame.truth[rows[kept]], frame.result[columns[kept]]] += 1
            alike[place] += similarity[kept].sum()
    matches = together.sum(axis=(1, 2))
    union = truth_frames[:, None] + result_frames[None, :] - together
    share = together * together / np.maximum(union, 1.0)
    everything = overlaps.truth_boxes + overlaps.result_boxes
    if not everything:
        matches = np.full(len(alphas), np.nan)
    detection = matches / np.maximum(everything - matches, 1.0)
    association = share.sum(axis=(1, 2)) / np.maximum(matches, 1.0)
    hota = np.sqrt(detection * association)
    located = np.where(matches > 0, alike / np.maximum(matches, 1.0), 1.0)
    return HotaScores(
        hota=float(hota.mean()),
        detection=float(detection.mean()),
        association=float(association.mean()),
        localisation=float(located.mean()),
        alphas=np.array(alphas),
        hota_by_alpha=hota,
        detection_by_alpha=detection,
        association_by_alpha=association,
    )


def _clear_pairs(
    frame: FrameOverlap, last: dict[int, int], threshold: float
) -> list[tuple[int, int]]:
    from scipy.optimize import linear_sum_assignment

    allowed = frame.similarity >= threshold - _TINY
    names = frame.result.tolist()
    pairs: list[tuple[int, int]] = []
    taken: set[int] = set()
    for row, person in enumerate(frame.truth.tolist()):
        if last.get(person) in names:
            column = names.index(last[person])
            if allowed[row, column] and column not in taken:
                pairs.append((row, column))
                taken.add(column)
    kept = [row for row, _ in pairs]
    allowed[kept] = False
    allowed[:, sorted(taken)] = False
    # One match more outweighs any similarity.
    worth = np.where(allowed, frame.similarity + min(allowed.shape, default=0) + 1.0, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    pairs += [(int(a), int(b)) for a, b in zip(rows, columns, strict=True) if allowed[a, b]]
    return pairs


def _breaks(seen: list[bool]) -> int:
    """Count changes from found to lost after which the person is found again."""
    if True not in seen:
        return 0
    span = np.array(seen[seen.index(True) : len(seen) - seen[::-1].index(True)])
    return int(np.sum(span[:-1] & ~span[1:]))


def _agreement(overlaps: Overlaps) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Soft share of their frames that two people have in common, and how long each is there."""
    common = np.zeros((overlaps.truth_count, overlaps.result_count))
    truth, result = np.zeros(overlaps.truth_count), np.zeros(overlaps.result_count)
    for frame in overlaps.frames:
        alike = frame.similarity
        either = alike.sum(axis=1, keepdims=True) + alike.sum(axis=0, keepdims=True) - alike
        share = np.where(either > _TINY, alike / np.maximum(either, _TINY), 0.0)
        common[np.ix_(frame.truth, frame.result)] += share
        truth[frame.truth] += 1
        result[frame.result] += 1
    union = truth[:, None] + result[None, :] - common
    return common / np.maximum(union, _TINY), truth, result


def _hota_pairs(frame: FrameOverlap, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.optimize import linear_sum_assignment

    worth = prior[np.ix_(frame.truth, frame.result)] * frame.similarity
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return rows, columns


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
