"""One person's observations, made ready for solving: rays instead of pixels, no NaN, one size."""

import dataclasses

import numpy as np

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry.projection import normalised_from_pixels
from choreoscope.motion import landmarks
from choreoscope.motion.proportions import Proportions, weighted_quantile
from choreoscope.motion.smoothing import Pace, smooth_values

_TRUSTED = 0.5
_HAND_TRUSTED = 0.5
_NEAR_ONE, _LEAST_GAIN, _MOST_GAIN = 0.12, 0.5, 2.5
_SIZE_LIMITS = (0.7, 1.4)
_SIZE_PACE = Pace(sigma=0.2, fastest=1.0, accent=0.05)
_EXTREMITIES = {
    landmarks.WRISTS: (landmarks.PINKIES, landmarks.INDEXES, landmarks.THUMBS),
    landmarks.ANKLES: (landmarks.HEELS, landmarks.TOES),
}
# Hand points that lie where the body model has its little finger, index and thumb.
_HAND_POINT = {landmarks.PINKIES: 17, landmarks.INDEXES: 5, landmarks.THUMBS: 2}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one person; every number is finite.

    Attributes
    ----------
    person : str
        Id.
    frames : (N,) int
        Source frames.
    times : (N,) float
        Seconds.
    image : (N, 33, 2) float
        Undistorted x / z and y / z of each body point; 0 where the weight is 0.
    points : (N, 33, 3) float
        Metres, camera axes, about the middle of the hips; 0 where the weight is 0.
    weights : (N, 33) float
        Visibility, 0 to 1; 0 where a coordinate is missing.
    hands : (N, 2, 21, 3) float
        Metres, camera axes, each about its own centre; 0 where its weight is 0.
    hand_weights : (N, 2) float
        Score of each hand, 0 to 1.
    score : (N,) float
        Of the person, 0 to 1.
    """

    person: str
    frames: np.ndarray
    times: np.ndarray
    image: np.ndarray
    points: np.ndarray
    weights: np.ndarray
    hands: np.ndarray
    hand_weights: np.ndarray
    score: np.ndarray


def gather(sequence: PersonSequence, lens: Lens, times: np.ndarray) -> Evidence:
    """Turn a sequence into evidence.

    Parameters
    ----------
    sequence : PersonSequence
        33 body points.
    lens : Lens
        Of the film.
    times : (N,) float
        Seconds of each row.

    Returns
    -------
    Evidence
        In the detector's own metres.

    Raises
    ------
    ShapeError
        If the body points are not the 33 of BlazePose.
    """
    if sequence.points_px.shape[1] != landmarks.BODY_POINTS:
        raise ShapeError(
            f"PersonSequence {sequence.person}: expected {landmarks.BODY_POINTS} body points, "
            f"got {sequence.points_px.shape[1]}"
        )
    image = normalised_from_pixels(sequence.points_px, lens)
    finite = np.isfinite(image).all(axis=-1) & np.isfinite(sequence.points_m).all(axis=-1)
    weights = np.where(finite, np.clip(np.nan_to_num(sequence.visibility), 0.0, 1.0), 0.0)
    known = weights[..., None] > 0
    hands_known = np.isfinite(sequence.hands_m).all(axis=(-1, -2))
    hand_weights = np.where(hands_known, np.clip(np.nan_to_num(sequence.hands_score), 0, 1), 0.0)
    return Evidence(
        person=sequence.person,
        frames=np.asarray(sequence.frames),
        times=times,
        image=np.where(known, image, 0.0),
        points=np.where(known, sequence.points_m, 0.0),
        weights=weights,
        hands=np.where(hand_weights[..., None, None] > 0, sequence.hands_m, 0.0),
        hand_weights=hand_weights,
        score=np.clip(np.nan_to_num(sequence.score), 0.0, 1.0),
    )


def with_true_extremities(evidence: Evidence, root: np.ndarray) -> Evidence:
    """Mend hands and feet: let the hand model turn the palm, and stretch both to their picture.

    The metric points of detectors have hands and feet that are too small for the same detector's
    pixels (feet by a fifth). One factor per track makes them agree; factors within 12 % of one
    are left alone.

    Parameters
    ----------
    evidence : Evidence
        Scaled to the person's size.
    root : (N, 3) float
        Where the middle of the hips is, camera axes, metres.

    Returns
    -------
    Evidence
        With other `points`.
    """
    points = evidence.points.copy()
    for anchors, groups in _EXTREMITIES.items():
        gain = _gain(evidence, root, anchors, groups)
        for pair in groups:
            for side in (0, 1):
                base = evidence.points[:, anchors[side]]
                reach = (evidence.points[:, pair[side]] - base) * gain
                if pair in _HAND_POINT:
                    reach = _by_hand_model(evidence, pair, side, reach)
                points[:, pair[side]] = base + reach
    return dataclasses.replace(evidence, points=points)


def _by_hand_model(
    evidence: Evidence, pair: tuple[int, int], side: int, reach: np.ndarray
) -> np.ndarray:
    """Direction from the hand model where it is sure, length from the body model's median."""
    hand = evidence.hands[:, side]
    vector = hand[:, _HAND_POINT[pair]] - hand[:, 0]
    length, own = np.linalg.norm(reach, axis=-1), np.linalg.norm(vector, axis=-1)
    sure = (evidence.hand_weights[:, side] > _HAND_TRUSTED) & (own > 0)
    if not sure.any():
        return reach
    usual = np.median(length[sure]) / np.median(own[sure])
    return np.where(sure[:, None], vector * usual, reach)


def _gain(
    evidence: Evidence,
    root: np.ndarray,
    anchors: tuple[int, int],
    groups: tuple[tuple[int, int], ...],
) -> float:
    """Factor by which vectors from the anchors have to grow to end on their pixels' rays."""
    gains, trusts = [], []
    for pair in groups:
        for side in (0, 1):
            ends = [anchors[side], pair[side]]
            vector = np.diff(evidence.points[:, ends], axis=1)[:, 0]
            depth = (root[:, 2] + evidence.points[:, ends[0], 2])[:, None]
            shown = np.diff(evidence.image[:, ends], axis=1)[:, 0] * depth
            # Of the vector only what lies across the ray to its end can be seen.
            across = vector[:, :2] - evidence.image[:, ends[1]] * vector[:, 2:]
            size = np.sum(across**2, axis=-1)
            trust = evidence.weights[:, ends].min(axis=1)
            usable = (trust > _TRUSTED) & (size > 0)
            gains.append(np.sum(across * shown, axis=-1) / np.where(usable, size, 1.0))
            trusts.append(np.where(usable, trust * np.sqrt(size), 0.0))
    gain, trust = np.concatenate(gains), np.concatenate(trusts)
    if trust.sum() <= 0:
        return 1.0
    middle = weighted_quantile(gain, trust, 0.5)
    return 1.0 if abs(middle - 1) < _NEAR_ONE else float(np.clip(middle, _LEAST_GAIN, _MOST_GAIN))


def at_one_size(evidence: Evidence, sizes: Proportions) -> Evidence:
    """Scale each frame so that its segments have the lengths of the person.

    A detector reads every frame for itself, so its metre wobbles; the factor is smoothed over
    0.2 s and kept between 0.7 and 1.4.
    """
    wanted = dataclasses.asdict(sizes)
    above, below = np.zeros(len(evidence.frames)), np.zeros(len(evidence.frames))
    for name, ends in landmarks.SEGMENTS.items():
        for start, end in ends:
            gap = evidence.points[:, list(start)].mean(1) - evidence.points[:, list(end)].mean(1)
            length = np.linalg.norm(gap, axis=-1)
            weight = evidence.weights[:, [*start, *end]].min(axis=1)
            above += weight * wanted[name] * length
            below += weight * length**2
    known = below > 0
    if not known.any():
        return evidence
    ratio = np.where(known, above / np.where(known, below, 1.0), 1.0)
    size = np.log(np.clip(ratio, *_SIZE_LIMITS))[:, None]
    steady = np.exp(smooth_values(evidence.times, size, known * evidence.score, _SIZE_PACE))
    return dataclasses.replace(
        evidence,
        points=evidence.points * steady[..., None],
        hands=evidence.hands * steady[..., None, None],
    )
