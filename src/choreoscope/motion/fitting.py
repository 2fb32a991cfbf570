"""One person in camera space: evidence in, skeleton, root path and joint rotations out."""

import dataclasses

import numpy as np

from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import world_joints
from choreoscope.motion import landmarks
from choreoscope.motion.evidence import Evidence, at_one_size, with_true_extremities
from choreoscope.motion.hands import solve_fingers
from choreoscope.motion.inverse_kinematics import SEEN, solve_pose
from choreoscope.motion.placement import place_root, steady_root
from choreoscope.motion.proportions import (
    MeasuredPerson,
    Proportions,
    measure,
    weighted_quantile,
)
from choreoscope.motion.refinement import Rig, Targets, place_points, refine, rig_of
from choreoscope.motion.skeletons import FINGERS, SIDES, house_skeleton
from choreoscope.motion.smoothing import Pace, bridge_rotations, smooth_rotations

TURN_PACE = Pace(sigma=0.05, fastest=20.0, accent=0.02)
"""For joint turns, radians."""
_LEAST_TRUST = 1e-3
_OFFSET_FRAMES = 5.0
_NEAREST, _CLEAR = 0.1, 0.3
_KEPT, _FREE_SHARE = 0.01, 0.05
"""Sigma of the root's distance: metres once it is smoothed, and a share of it before."""
_FLEXIBLE = {
    "head": (landmarks.FACE, None),
    "hand": ((*landmarks.PINKIES, *landmarks.INDEXES, *landmarks.THUMBS), landmarks.WRISTS),
    "foot": ((*landmarks.HEELS, *landmarks.TOES), landmarks.ANKLES),
}
_SPEAKS = {
    "pelvis": landmarks.HIPS,
    "spine_low": (*landmarks.HIPS, *landmarks.SHOULDERS),
    "spine_mid": (*landmarks.HIPS, *landmarks.SHOULDERS),
    "spine_high": (*landmarks.HIPS, *landmarks.SHOULDERS),
    "neck": (*landmarks.SHOULDERS, *landmarks.FACE),
    "head": landmarks.FACE,
}
_SPEAKS_PER_SIDE = {
    "clavicle": (landmarks.SHOULDERS,),
    "upper_arm": (landmarks.SHOULDERS, landmarks.ELBOWS),
    "forearm": (landmarks.ELBOWS, landmarks.WRISTS),
    "hand": (landmarks.WRISTS, landmarks.PINKIES, landmarks.INDEXES),
    "thigh": (landmarks.HIPS, landmarks.KNEES),
    "shin": (landmarks.KNEES, landmarks.ANKLES),
    "foot": (landmarks.ANKLES, landmarks.HEELS, landmarks.TOES),
    "toes": (landmarks.TOES,),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One person in camera space, one row per observed frame.

    Attributes
    ----------
    evidence : Evidence
        Scaled to the person's size.
    measured : MeasuredPerson
        Bone lengths.
    skeleton : Skeleton
        House skeleton.
    rig : Rig
        With the points' places as calibrated on this track.
    root : (N, 3) float
        Metres, camera axes.
    rotations : (N, J, 4) float
        For the root camera-from-joint.
    confidence : (N, J) float
        0 to 1; 0 where the person was not seen.
    """

    evidence: Evidence
    measured: MeasuredPerson
    skeleton: Skeleton
    rig: Rig
    root: np.ndarray
    rotations: np.ndarray
    confidence: np.ndarray


def fit_person(raw: Evidence, height: float | None, *, smoothing: bool = True) -> Fit:
    """Fit the house skeleton to one person.

    Parameters
    ----------
    raw : Evidence
        In the detector's metres.
    height : float or None
        Standing height if known, metres.
    smoothing : bool
        False leaves every frame to itself, for control experiments.

    Returns
    -------
    Fit
        Finite everywhere.
    """
    measured = measure(raw.points, raw.weights, height)
    sizes, factor = measured.proportions, measured.metres_per_unit
    scaled = dataclasses.replace(raw, points=raw.points * factor, hands=raw.hands * factor)
    evidence = at_one_size(scaled, sizes)
    skeleton = house_skeleton(sizes)
    confidence = joint_confidence(evidence, skeleton)
    rig, rotations = _solve(evidence, skeleton, sizes, smoothing=smoothing)
    for name, turn in solve_fingers(evidence.hands, evidence.hand_weights, evidence.times).items():
        rotations[:, skeleton.index(name)] = turn
    if smoothing:
        somebody = confidence.max(axis=1, keepdims=True) > 0
        trust = np.maximum(confidence, _LEAST_TRUST) * somebody
        rotations = smooth_rotations(evidence.times, rotations, trust, TURN_PACE)
    # Bridging comes last: a smoothed parabola would run on into a gap and miss the other side.
    rotations = _carried(evidence.times, rotations, confidence)
    root = _root(evidence, rig, rotations, smoothing=smoothing)
    return Fit(
        evidence=evidence,
        measured=measured,
        skeleton=skeleton,
        rig=rig,
        root=root,
        rotations=rotations,
        confidence=confidence,
    )


def _solve(
    evidence: Evidence, skeleton: Skeleton, sizes: Proportions, *, smoothing: bool
) -> tuple[Rig, np.ndarray]:
    def pose_of(points: np.ndarray) -> np.ndarray:
        return solve_pose(points, evidence.weights, evidence.times, skeleton).rotations

    rig = rig_of(skeleton, landmarks.default_offsets(sizes.stature))
    root = _root(evidence, rig, pose_of(evidence.points), smoothing=smoothing)
    evidence = with_true_extremities(evidence, root)
    places = _lifted(evidence, root)
    rotations = pose_of(places)
    rig = rig_of(skeleton, _calibrated(evidence, places, skeleton, rotations, sizes))
    weights = np.where(evidence.weights > SEEN, evidence.weights, 0.0)
    targets = Targets(rays=_rays(evidence), points=evidence.points, weights=weights)
    for last in (False, True):
        root = _root(evidence, rig, rotations, smoothing=smoothing)
        free = _FREE_SHARE * float(root[:, 2].max())
        sigma = _KEPT if last and smoothing else free
        _, rotations = refine(rig, root, rotations, targets, distance_sigma=sigma)
    return rig, rotations


def _root(evidence: Evidence, rig: Rig, rotations: np.ndarray, *, smoothing: bool) -> np.ndarray:
    body = place_points(rig, np.zeros((len(rotations), 3)), rotations)
    weights = np.where(evidence.weights > SEEN, evidence.weights, 0.0)
    placement = place_root(evidence.times, body, evidence.image, weights)
    return steady_root(evidence.times, placement, evidence.score) if smoothing else placement.root


def _rays(evidence: Evidence) -> np.ndarray:
    rays = np.concatenate([evidence.image, np.ones((*evidence.image.shape[:2], 1))], axis=-1)
    return np.asarray(rays / np.linalg.norm(rays, axis=-1, keepdims=True))


def _lifted(evidence: Evidence, root: np.ndarray) -> np.ndarray:
    """Image points at the depth their metric points have behind or before the root."""
    depth = np.maximum(root[:, 2:] + evidence.points[..., 2], _NEAREST)[..., None]
    return np.concatenate([evidence.image * depth, depth], axis=-1)


def _calibrated(
    evidence: Evidence,
    places: np.ndarray,
    skeleton: Skeleton,
    rotations: np.ndarray,
    sizes: Proportions,
) -> np.ndarray:
    """Where this detector sees this person's face, knuckles, heels and toes, ``(33, 3)`` metres.

    Weighted median over frames, both sides as mirror images, mixed with the default as if that
    had been seen in five frames.
    """
    usual = landmarks.default_offsets(sizes.stature)
    weights = np.where(evidence.weights > _CLEAR, evidence.weights, 0.0)
    _, frames = world_joints(skeleton, np.zeros((len(rotations), 3)), rotations)
    measured, counts = usual.copy(), np.zeros(landmarks.BODY_POINTS)
    names = landmarks.attachments()
    ear_height = np.array([0.0, landmarks.EAR_HEIGHT * sizes.stature, 0.0])
    for points, anchors in _FLEXIBLE.values():
        for point in points:
            base = list(landmarks.EARS) if anchors is None else [anchors[1 - point % 2]]
            origin = places[:, base].mean(axis=1)
            turn = rotation.inverse(frames[:, skeleton.index(names[point])])
            local = rotation.rotate(turn, places[:, point] - origin)
            weight = np.minimum(weights[:, point], weights[:, base].min(axis=1))
            if weight.sum() <= 0:
                continue
            middle = [weighted_quantile(local[:, axis], weight, 0.5) for axis in range(3)]
            measured[point] = np.array(middle) + (ear_height if anchors is None else 0.0)
            counts[point] = weight.sum()
    mirrored = measured[landmarks.MIRROR] * np.array([-1.0, 1.0, 1.0])
    both = np.stack([counts, counts[landmarks.MIRROR]])[..., None]
    total = np.maximum(both.sum(axis=0), 1e-9)
    mean = (both[0] * measured + both[1] * mirrored) / total
    share = total / (total + _OFFSET_FRAMES)
    return np.asarray(np.where(both.sum(axis=0) > 0, usual + share * (mean - usual), usual))


def joint_confidence(evidence: Evidence, skeleton: Skeleton) -> np.ndarray:
    """How far each joint was seen: mean visibility of its points times the person's score.

    Fingers have the score of their hand instead of a visibility.

    Returns
    -------
    (N, J) float
        0 to 1.
    """
    confidence = np.zeros((len(evidence.frames), len(skeleton.joints)))
    for name, points in _SPEAKS.items():
        confidence[:, skeleton.index(name)] = evidence.weights[:, list(points)].mean(axis=1)
    for side, label in enumerate(SIDES):
        for part, pairs in _SPEAKS_PER_SIDE.items():
            own = [pair[side] for pair in pairs]
            confidence[:, skeleton.index(f"{label}_{part}")] = evidence.weights[:, own].mean(axis=1)
        for finger in FINGERS:
            for bone in (1, 2, 3):
                joint = skeleton.index(f"{label}_{finger}_{bone}")
                confidence[:, joint] = evidence.hand_weights[:, side]
    nobody = ~(evidence.weights > SEEN).any(axis=1)
    confidence[nobody] = 0.0
    return np.asarray(np.clip(confidence * evidence.score[:, None], 0.0, 1.0))


def _carried(times: np.ndarray, rotations: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Bridge frames in which nothing at all was seen; elsewhere keep what the solver found."""
    somebody = confidence.max(axis=1) > 0
    known = np.repeat(somebody[:, None], rotations.shape[1], axis=1)
    return bridge_rotations(times, rotations, known)
