"""A first guess for a person whose back end gave none: bodies fitted to the 3D estimates."""

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.motion.bodies.house import shape_of_stature
from choreoscope.motion.bodies.points import place_points, pose_body
from choreoscope.motion.fit.body import fit_body
from choreoscope.motion.fit.targets import BodyFit, FitOptions, FitTargets
from choreoscope.motion.placement import place_root, steady_root
from choreoscope.motion.solve.evidence import PersonEvidence, ShotEvidence, StartPose
from choreoscope.motion.solve.setup import moving_joints

_SURE = 1.0
"""Confidence of a joint whose points are seen as sharply as they usually are."""


def start_pose(evidence: PersonEvidence, shot: ShotEvidence) -> StartPose:
    """Return the given first guess, or make one.

    The body is fitted to the 3D estimates wherever they are, given the believed stature, and then
    put where it projects onto its pixels.

    Raises
    ------
    InputError
        If there is neither a first guess nor a 3D estimate.
    """
    if evidence.start is not None:
        return evidence.start
    if not np.isfinite(evidence.place_sigma).any():
        raise InputError(
            f"{evidence.person}: neither a first guess nor a 3D estimate; pixels alone do not "
            "tell how a body is turned: give places as well"
        )
    fit = _fitted(evidence)
    shape = _as_tall(evidence, fit.shape)
    rows = evidence.frames - shot.times.first_frame
    return StartPose(
        shape=shape,
        root=_placed(evidence, shot, rows, shape, fit.rotations),
        rotations=fit.rotations,
        confidence=seen_joints(evidence),
    )


def _fitted(evidence: PersonEvidence) -> BodyFit:
    model = evidence.model
    names = tuple(model.joints[joint] for joint in moving_joints(model))
    return fit_body(
        model,
        FitTargets(points=evidence.points, places=evidence.places, sigma=evidence.place_sigma),
        options=FitOptions(joints=names, frame_scale_sigma=0.05, shape_sigma=0.5),
    )


def _as_tall(evidence: PersonEvidence, shape: np.ndarray) -> np.ndarray:
    """Give the fitted shape the believed stature, changing it as little as possible."""
    model = evidence.model
    slope = shape_of_stature(model, evidence.height) - shape_of_stature(model, model.stature(shape))
    return np.asarray(shape + slope)


def _placed(
    evidence: PersonEvidence,
    shot: ShotEvidence,
    rows: np.ndarray,
    shape: np.ndarray,
    rotations: np.ndarray,
) -> np.ndarray:
    lens = shot.camera.intrinsics[rows]
    image = (evidence.pixels - lens[:, None, :2, 2]) / lens[:, [0, 1], [0, 1]][:, None]
    seen = np.isfinite(evidence.pixel_sigma)
    sigma = np.where(seen, evidence.pixel_sigma, np.inf)
    usual = np.median(sigma[seen]) if seen.any() else 1.0
    weights = np.minimum((usual / sigma) ** 2, 1.0)
    pose = pose_body(evidence.model, shape, np.zeros((len(rows), 3)), rotations)
    body = place_points(evidence.points, shape, pose)
    times = shot.times.seconds[rows]
    placement = place_root(times, body, np.where(seen[..., None], image, 0.0), weights)
    return steady_root(times, placement, np.ones(len(rows)))


def seen_joints(evidence: PersonEvidence) -> np.ndarray:
    """How well each joint is seen, ``(N, J)``: mean trust in the points that hang on it."""
    sigma = evidence.pixel_sigma
    seen = np.isfinite(sigma)
    usual = float(np.median(sigma[seen])) if seen.any() else 1.0
    trust = np.where(seen, np.minimum((2 * usual / np.where(seen, sigma, 1.0)) ** 2, _SURE), 0.0)
    model, points = evidence.model, evidence.points
    share = np.zeros((len(points), len(model.joints)))
    np.add.at(share, (np.arange(len(points))[:, None], points.joints), points.mass)
    total = share.sum(axis=0)
    speaks = total > 0.05  # noqa: PLR2004
    confidence = trust @ share / np.where(speaks, total, 1.0)
    # A joint nothing hangs on is known as well as its neighbours are.
    for joint in range(len(model.joints) - 1, 0, -1):
        parent = model.parents[joint]
        if not speaks[parent]:
            confidence[:, parent] = np.maximum(confidence[:, parent], confidence[:, joint])
    for joint, parent in enumerate(model.parents):
        if parent >= 0 and not speaks[joint] and not confidence[:, joint].any():
            confidence[:, joint] = confidence[:, parent]
    return np.asarray(np.clip(confidence, 0.0, 1.0))
