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
from choreoscope.motion.placement import Placement, place_root, steady_root
from choreoscope.motion.proportions import (
    MeasuredPerson,
    Proportions,
    measure,
    weighted_quantile,
)
from choreoscope.motion.refinement import Rig, Targets, place_points, refine, rig_of
from choreoscope.motion.skeletons import FINGERS, SIDES, house_skeleton
from choreoscope.motion.smoothing import Pace, bridge_rotations, smooth_rotations

TURN_PACE = Pace(sigma=0.06, fastest=20.0, accent=0.02)
"""For joint turns, radians."""
_ROUNDS = 2
_LEAST_TRUST = 1e-3
_OFFSET_FRAMES = 5.0
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
    evidence = with_true_extremities(raw)
    measured = measure(evidence.points, evidence.weights, height)
    sizes, factor = measured.proportions, measured.metres_per_unit
    evidence = dataclasses.replace(
        evidence, points=evidence.points * factor, hands=evidence.hands * factor
    )
    evidence = at_one_size(evidence, sizes)
    skeleton = house_skeleton(sizes)
    confidence = joint_confidence(evidence, skeleton)
    rig, root, rotations = _solve(evidence, skeleton, sizes)
    for name, turn in solve_fingers(evidence.hands, evidence.hand_weights, evidence.times).items():
        rotations[:, skeleton.index(name)] = turn
    rotations = _carried(evidence.times, rotations, confidence)
    if smoothing:
        trust = np.maximum(confidence, _LEAST_TRUST)
        rotations = smooth_rotations(evidence.times, rotations, trust, TURN_PACE)
        root = steady_root(evidence.times, _placed(evidence, rig, rotations), evidence.score)
    else:
        root = _placed(evidence, rig, rotations).root
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
    evidence: Evidence, skeleton: Skeleton, sizes: Proportions
) -> tuple[Rig, np.ndarray, np.ndarray]:
    pose = solve_pose(evidence.points, evidence.weights, evidence.times, skeleton)
    rotations = pose.rotations
    rig = rig_of(skeleton, landmarks.default_offsets(sizes.stature))
    root = np.zeros((len(evidence.frames), 3))
    for turn in range(_ROUNDS):
        root = steady_root(evidence.times, _placed(evidence, rig, rotations), evidence.score)
        targets = make_targets(evidence, root)
        if turn == 0:
            offsets = _calibrated(targets, skeleton, rotations, sizes)
            rig = rig_of(skeleton, offsets)
        root, rotations = refine(rig, root, rotations, targets)
    return rig, root, rotations


def _placed(evidence: Evidence, rig: Rig, rotations: np.ndarray) -> Placement:
    body = place_points(rig, np.zeros((len(rotations), 3)), rotations)
    weights = np.where(evidence.weights > SEEN, evidence.weights, 0.0)
    return place_root(evidence.times, body, evidence.image, weights)


def make_targets(evidence: Evidence, root: np.ndarray) -> Targets:
    """Lift image points to the depth their metric points have behind or before the root.

    Parameters
    ----------
    evidence : Evidence
        Scaled to the person's size.
    root : (N, 3) float
        Camera axes, metres.

    Returns
    -------
    Targets
        On the pixels' rays; points that were not seen have weight 0.
    """
    depth = np.maximum(root[:, 2:] + evidence.points[..., 2], 0.1)[..., None]
    places = np.concatenate([evidence.image * depth, depth], axis=-1)
    rays = places / np.linalg.norm(places, axis=-1, keepdims=True)
    weights = np.where(evidence.weights > SEEN, evidence.weights, 0.0)
    return Targets(places=places, rays=rays, weights=weights)


def _calibrated(
    targets: Targets,
    skeleton: Skeleton,
    rotations: np.ndarray,
    sizes: Proportions,
) -> np.ndarray:
    """Where this detector sees this person's face, knuckles, heels and toes, ``(33, 3)`` metres.

    Weighted median over frames, both sides as mirror images, mixed with the default as if that
    had been seen in five frames.
    """
    usual = landmarks.default_offsets(sizes.stature)
    _, frames = world_joints(skeleton, np.zeros((len(rotations), 3)), rotations)
    measured, counts = usual.copy(), np.zeros(landmarks.BODY_POINTS)
    names = landmarks.attachments()
    ear_height = np.array([0.0, landmarks.EAR_HEIGHT * sizes.stature, 0.0])
    for points, anchors in _FLEXIBLE.values():
        for point in points:
            base = list(landmarks.EARS) if anchors is None else [anchors[1 - point % 2]]
            origin = targets.places[:, base].mean(axis=1)
            turn = rotation.inverse(frames[:, skeleton.index(names[point])])
            local = rotation.rotate(turn, targets.places[:, point] - origin)
            weight = np.minimum(targets.weights[:, point], targets.weights[:, base].min(axis=1))
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
    return np.clip(confidence * evidence.score[:, None], 0.0, 1.0)


def _carried(times: np.ndarray, rotations: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Bridge frames in which nothing at all was seen; elsewhere keep what the solver found."""
    somebody = confidence.max(axis=1) > 0
    known = np.repeat(somebody[:, None], rotations.shape[1], axis=1)
    return bridge_rotations(times, rotations, known)
