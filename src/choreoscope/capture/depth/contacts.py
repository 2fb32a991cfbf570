"""How far the floor is: round every place a foot stood on in the shot, and at standing feet."""

from collections.abc import Sequence

import numpy as np

from choreoscope.capture.depth.bodies import people_mask
from choreoscope.capture.depth.evidence import DepthEvidence, joined
from choreoscope.capture.passes.interfaces import Performer, ShotContext
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.geometry.kinematics import of_motion
from choreoscope.geometry.projection import project
from choreoscope.motion.skeletons import CONTACT_JOINTS
from choreoscope.rendering.scene import view_of

FLOOR_SIGMA, FOOT_SIGMA = 0.03, 0.04
_SURE = 0.5
_PLACES_M = 0.25
"""Places of feet nearer together than this are one."""
_ROUND_M, _ROUND = (0.18, 0.30), 6
"""Radii about a place of a foot, and points on each: there the floor is seen, not the shoe."""
_SAMPLES = 30
_CLEAR = 0.008
"""Share of the picture's longer side that has to lie between a sample and everybody."""
_ANKLE_M = 0.03
"""Height above the floor at which a standing shoe is looked at."""


def contact_evidence(shot: ShotContext, frames: Sequence[int]) -> DepthEvidence:
    """Sample the floor that feet have shown to be there, y = 0 in the world.

    Parameters
    ----------
    shot : ShotContext
        With camera; performers without contacts give nothing.
    frames : sequence of int
        Source frames to look at.

    Returns
    -------
    DepthEvidence
        Floor samples belong to nobody, those at shoes to their performer.
    """
    if shot.camera is None:
        return DepthEvidence.none()
    stood = {name: _stood(one) for name, one in sorted(shot.performers.items())}
    places = _places(np.concatenate([np.zeros((0, 3)), *(points for points, _ in stood.values())]))
    performers = list(shot.performers.values())
    parts = []
    for frame in frames:
        covered = _grown(people_mask(performers, frame, shot.size))
        parts.append(_floor(shot, shot.camera, places, frame, covered))
        for name, (points, at) in stood.items():
            parts.append(_feet(shot, shot.camera, points[at == frame], frame, name))
    return joined(parts)


def _stood(performer: Performer) -> tuple[np.ndarray, np.ndarray]:
    """Places ``(n, 3)`` of feet that touch the floor, y = 0, and their source frames ``(n,)``."""
    motion = performer.motion
    if motion is None or motion.contacts is None:
        return np.zeros((0, 3)), np.zeros(0, dtype=np.int64)
    columns = [
        (column, motion.skeleton.index(name))
        for column, name in enumerate(motion.contact_joints)
        if name in CONTACT_JOINTS and name in motion.skeleton.joints
    ]
    joints, _ = of_motion(motion)
    seen = motion.confidence.max(axis=1) > 0
    points, frames = [np.zeros((0, 3))], [np.zeros(0, dtype=np.int64)]
    for column, joint in columns:
        rows = np.flatnonzero((motion.contacts[:, column] > _SURE) & seen)
        points.append(joints[rows, joint] * np.array([1.0, 0.0, 1.0]))
        frames.append(rows + motion.first_frame)
    return np.concatenate(points), np.concatenate(frames)


def _places(points: np.ndarray) -> np.ndarray:
    """One place for each cell of the floor that was stood on, ``(P, 3)``."""
    if not len(points):
        return points
    cells = np.floor(points[:, [0, 2]] / _PLACES_M).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    return np.asarray(points[np.sort(first)])


def _floor(
    shot: ShotContext, camera: CameraTrack, places: np.ndarray, frame: int, covered: np.ndarray
) -> DepthEvidence:
    angles = 2 * np.pi * np.arange(_ROUND) / _ROUND
    ring = np.concatenate(
        [
            radius * np.stack([np.cos(angles), np.zeros(_ROUND), np.sin(angles)], axis=1)
            for radius in _ROUND_M
        ]
    )
    points = (places[:, None] + ring).reshape(-1, 3)
    pixels, depth = seen_from(camera, frame - shot.frames.start, points)
    clear = inside(pixels, shot.size)
    x, y = np.where(clear[:, None], pixels, 0).astype(int).T
    clear &= ~covered[y, x]
    chosen = np.flatnonzero(clear)
    # An even part of them; none of none.
    kept = np.linspace(0, len(chosen) - 1, min(len(chosen), _SAMPLES)).astype(int)
    chosen = chosen[np.unique(kept)]
    return DepthEvidence.of(
        "contact", np.full(len(chosen), frame), pixels[chosen], depth[chosen], FLOOR_SIGMA
    )


def _feet(
    shot: ShotContext, camera: CameraTrack, points: np.ndarray, frame: int, person: str
) -> DepthEvidence:
    mask = shot.performers[person].here(frame)
    if not len(points) or mask is None or mask.mask is None:
        return DepthEvidence.none()
    own = people_mask([shot.performers[person]], frame, shot.size)
    lifted = points + np.array([0.0, _ANKLE_M, 0.0])
    pixels, depth = seen_from(camera, frame - shot.frames.start, lifted)
    good = inside(pixels, shot.size)
    x, y = np.where(good[:, None], pixels, 0).astype(int).T
    good &= own[y, x]
    return DepthEvidence.of(
        "contact",
        np.full(int(good.sum()), frame),
        pixels[good],
        depth[good],
        FOOT_SIGMA,
        person=person,
    )


def seen_from(camera: CameraTrack, row: int, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels ``(n, 2)``, NaN behind the camera, and depth ``(n,)`` of points of the world."""
    view = view_of(camera, row)
    matrix = view.camera_from_world
    local = points @ matrix[:3, :3].T + matrix[:3, 3]
    return project(local, view.lens), local[:, 2]


def inside(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Which pixels lie in the picture, ``(n,)`` bool."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.all((pixels >= 0) & (pixels < np.array(size)), axis=1))


def _grown(covered: np.ndarray) -> np.ndarray:
    import cv2

    reach = 2 * max(1, round(_CLEAR * max(covered.shape))) + 1
    grown = cv2.dilate(covered.astype(np.uint8), np.ones((reach, reach), dtype=np.uint8))
    return np.asarray(grown > 0)
