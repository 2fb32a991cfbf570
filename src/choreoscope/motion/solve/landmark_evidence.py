"""The 33 landmarks of a detector as evidence for the shot solve, with a first guess.

The first guess is the per-frame solution of `choreoscope.motion.fitting`, person by person in
camera axes: bone lengths measured over the track, joints turned in closed form and refined. The
solve then moves all of it together, on a body with a surface.
"""

import dataclasses

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.motion import landmarks
from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import (
    BodyPoints,
    place_points,
    points_of_regressor,
    pose_body,
)
from choreoscope.motion.fitting import Fit
from choreoscope.motion.inverse_kinematics import SEEN
from choreoscope.motion.proportions import (
    DETECTOR_STATURE_SIGMA,
    PRIOR_STATURE_SIGMA,
    weighted_quantile,
)
from choreoscope.motion.solve.evidence import PersonEvidence, StartPose

CHILD_BELOW = 1.45
"""Metres: somebody told to be smaller is fitted with the child's body."""
_TALLEST = 2.4
"""Metres: the adult's body ends there."""
_TOLD_SIGMA = 0.001
_PIXEL_METRES, _PLACE_METRES, _DEPTH_RATIO = 0.015, 0.03, 2.0
"""Noise of a landmark at the body's distance: of its pixel, of its 3D estimate across the view."""
_FACE_FACTOR, _TRUNK_FACTOR = 1.6, 1.3
_CLEAR = 0.3
_OFFSET_FRAMES = 5.0
_MOST_OFFSET = 0.12
_FLEXIBLE = (
    *landmarks.FACE,
    *landmarks.PINKIES,
    *landmarks.INDEXES,
    *landmarks.THUMBS,
    *landmarks.HEELS,
    *landmarks.TOES,
)
_NEAREST = 0.3


def body_for(fit: Fit, height: float | None) -> BodyModel:
    """Choose the adult's or the child's body."""
    stature = fit.measured.proportions.stature if height is None else height
    return house_body("child" if stature < CHILD_BELOW else "adult", "low")


def person_evidence(
    fit: Fit, focal: tuple[float, float], middle: tuple[float, float], height: float | None
) -> PersonEvidence:
    """Turn one person's landmarks and first guess into evidence.

    Parameters
    ----------
    fit : Fit
        From `fit_person`, camera axes.
    focal, middle : (float, float)
        Of the pinhole whose pixels are given to the solve.
    height : float or None
        Stature as told, metres.
    """
    model = body_for(fit, height)
    stature = fit.measured.proportions.stature
    if height is None:
        # What was measured of rubbish may be taller than anybody; what was told is refused then.
        stature = min(stature, _TALLEST)
    try:
        shape = shape_of_stature(model, stature)
    except InputError as error:
        raise InputError(f"{fit.evidence.person}: {error}") from error
    seen = fit.evidence
    rest = points_of_regressor(model, model.points["blazepose33"])
    start = StartPose(
        shape=shape, root=fit.root, rotations=fit.rotations, confidence=fit.confidence
    )
    depth = np.maximum(fit.root[:, 2:], _NEAREST)
    weights = np.where(seen.weights > SEEN, seen.weights, 0.0)
    places = _lifted(seen.image, seen.points, fit.root)
    points = _as_the_detector_sees(model, rest, start, places, weights)
    factor = np.ones(landmarks.BODY_POINTS)
    factor[list(landmarks.FACE)] = _FACE_FACTOR
    factor[[*landmarks.HIPS, *landmarks.SHOULDERS]] = _TRUNK_FACTOR
    with np.errstate(divide="ignore"):
        blur = factor / np.sqrt(weights)
    sigma = (
        PRIOR_STATURE_SIGMA
        * DETECTOR_STATURE_SIGMA
        / np.hypot(PRIOR_STATURE_SIGMA, DETECTOR_STATURE_SIGMA)
    )
    return PersonEvidence(
        person=seen.person,
        model=model,
        points=points,
        frames=seen.frames,
        pixels=seen.image * np.array(focal) + np.array(middle),
        pixel_sigma=np.where(weights > 0, _PIXEL_METRES * focal[0] / depth * blur, np.inf),
        places=seen.points,
        place_sigma=np.where(weights > 0, _PLACE_METRES * blur, np.inf),
        depth_ratio=_DEPTH_RATIO,
        height=stature if height is None else height,
        height_sigma=float(sigma) if height is None else _TOLD_SIGMA,
        start=start,
    )


def _lifted(image: np.ndarray, points: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Image points at the depth their 3D estimates have behind or before the root."""
    depth = np.maximum(root[:, 2:] + points[..., 2], _NEAREST)[..., None]
    return np.concatenate([image * depth, depth], axis=-1)


def _as_the_detector_sees(
    model: BodyModel,
    points: BodyPoints,
    start: StartPose,
    places: np.ndarray,
    weights: np.ndarray,
) -> BodyPoints:
    """Move face, hand and foot points to where this detector puts them on this person.

    Weighted median over frames in the axes of the joint each point hangs on, both sides as mirror
    images, mixed with the body's own as if that had been seen in five frames.
    """
    pose = pose_body(model, start.shape, start.root, start.rotations)
    own = place_points(points, start.shape, pose)
    count = len(points)
    main = points.joints[np.arange(count), np.argmax(points.mass, axis=1)]
    off = np.einsum("tpba,tpb->tpa", pose.turns[:, main], places - own)
    # A whole limb that is off says nothing of the point: what its anchor is off by is taken out.
    off -= np.einsum("tpba,tpb->tpa", pose.turns[:, main], _anchor_off(places - own, weights))
    trusted = np.where(weights > _CLEAR, weights, 0.0)
    measured, counts = np.zeros((count, 3)), np.zeros(count)
    for point in _FLEXIBLE:
        weight = trusted[:, point]
        if weight.sum() > 0:
            columns = off[:, point].T
            measured[point] = [weighted_quantile(column, weight, 0.5) for column in columns]
            counts[point] = weight.sum()
    other = landmarks.MIRROR
    total = np.maximum(counts + counts[other], 1e-9)
    flipped = measured[other] * np.array([-1.0, 1.0, 1.0])
    mean = (counts[:, None] * measured + counts[other][:, None] * flipped) / total[:, None]
    shift = mean * (total / (total + _OFFSET_FRAMES))[:, None]
    length = np.linalg.norm(shift, axis=1, keepdims=True)
    shift *= np.minimum(1.0, _MOST_OFFSET / np.maximum(length, 1e-9))
    return dataclasses.replace(
        points, moment=points.moment + points.mass[..., None] * shift[:, None]
    )


def _anchor_off(off: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How far the joint above each point is off, ``(T, P, 3)``: ears, wrists and ankles."""
    anchor = np.zeros_like(off)
    ears = list(landmarks.EARS)
    share = weights[:, ears] / np.maximum(weights[:, ears].sum(axis=1, keepdims=True), 1e-9)
    anchor[:, list(landmarks.FACE)] = np.einsum("te,tea->ta", share, off[:, ears])[:, None]
    groups = (
        (landmarks.WRISTS, (landmarks.PINKIES, landmarks.INDEXES, landmarks.THUMBS)),
        (landmarks.ANKLES, (landmarks.HEELS, landmarks.TOES)),
    )
    for anchors, pairs in groups:
        for side in (0, 1):
            for pair in pairs:
                anchor[:, pair[side]] = off[:, anchors[side]]
    return anchor
