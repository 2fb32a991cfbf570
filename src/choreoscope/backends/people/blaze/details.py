"""From a pose to the whole observation: box, mask, clothes, hands, face."""

import math

import numpy as np

from choreoscope.backends.people.blaze.clothes import clothes
from choreoscope.backends.people.blaze.crops import picture_from_crop
from choreoscope.backends.people.blaze.face import face_crop, face_width, read_face
from choreoscope.backends.people.blaze.hands import WRISTS, hand_crop, read_hand
from choreoscope.backends.people.blaze.landmarks import Pose
from choreoscope.backends.people.blaze.nets import Nets
from choreoscope.datatypes.people import Mask, PersonObservation
from choreoscope.geometry.masks import encode_patch

VISIBLE = 0.3
BOX_MARGIN = 0.06
HAND_SCORE = 0.5
HAND_PIXELS = 20.0
"""Least side of a hand's crop: below it nothing can be told from 224 blown-up pixels."""
WRIST_VISIBLE = 0.3
FACE_PIXELS = 48.0
"""Least width of the face: meshes at 50 pixels were right by eye, at 35 the network is unsure."""
FACE_SCORE = 0.5
SURELY_NOT = -10.0


def observe(nets: Nets, picture: np.ndarray, tracklet: int, pose: Pose) -> PersonObservation:
    """Read everything else of one person in one frame.

    Parameters
    ----------
    nets : Nets
        Networks of the calling thread.
    picture : (H, W, 3) uint8
        RGB.
    tracklet : int
        Number of the tracklet.
    pose : Pose
        The body.
    """
    height, width = picture.shape[:2]
    hands_px, hands_m, hands_score = _hands(nets, picture, pose)
    return PersonObservation(
        tracklet=tracklet,
        box_xyxy=_box(pose, width, height),
        score=min(1.0, max(0.0, pose.score)),
        points_px=pose.points_px,
        points_m=pose.points_m,
        visibility=pose.visibility,
        hands_px=hands_px,
        hands_m=hands_m,
        hands_score=hands_score,
        face_px=_face(nets, picture, pose),
        appearance=clothes(pose),
        mask=person_mask(pose, width, height),
    )


def person_mask(pose: Pose, width: int, height: int) -> Mask:
    """Carry the crop's mask back into the picture."""
    import cv2

    size = pose.mask_logits.shape[0]
    rows, columns = (np.flatnonzero((pose.mask_logits > 0).any(axis)) for axis in (1, 0))
    if not len(rows):
        return encode_patch(np.zeros((0, 0), dtype=bool), 0, 0, width, height)
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    corners = pose.crop.to_picture(
        np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64), size
    )
    left, top = np.maximum(np.floor(corners.min(0)) - 1, 0).astype(int).tolist()
    right, bottom = np.minimum(np.ceil(corners.max(0)) + 1, (width, height)).astype(int).tolist()
    if right <= left or bottom <= top:
        return encode_patch(np.zeros((0, 0), dtype=bool), 0, 0, width, height)
    shifted = pose.crop._replace(x=pose.crop.x - left, y=pose.crop.y - top)
    # Made column by column, as the run lengths go: turning it over afterwards would cost more.
    columns_first = cv2.warpAffine(
        pose.mask_logits,
        picture_from_crop(shifted, size)[::-1],
        (bottom - top, right - left),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=SURELY_NOT,
    )
    return encode_patch((columns_first > 0).T, left, top, width, height)


def _box(pose: Pose, width: int, height: int) -> np.ndarray:
    limits = np.array([width, height], dtype=np.float64)
    inside = np.all((pose.points_px >= 0) & (pose.points_px <= limits), axis=1)
    chosen = inside & (pose.visibility >= VISIBLE)
    points = pose.points_px[chosen if chosen.any() else slice(None)]
    low, high = points.min(0), points.max(0)
    margin = BOX_MARGIN * float((high - low).max())
    return np.concatenate([np.clip(low - margin, 0, limits), np.clip(high + margin, 0, limits)])


def _hands(
    nets: Nets, picture: np.ndarray, pose: Pose
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    height, width = picture.shape[:2]
    points_px = np.full((2, 21, 2), math.nan)
    points_m = np.full((2, 21, 3), math.nan)
    scores = np.zeros(2)
    for side, wrist in enumerate(WRISTS):
        crop = hand_crop(pose, side)
        inside = 0 <= crop.x <= width and 0 <= crop.y <= height
        if not inside or crop.side < HAND_PIXELS or pose.visibility[wrist] < WRIST_VISIBLE:
            continue
        hand = read_hand(nets.hand, picture, crop)
        scores[side] = hand.score
        if hand.score >= HAND_SCORE:
            points_px[side], points_m[side] = hand.points_px, hand.points_m
    return points_px, points_m, scores


def _face(nets: Nets, picture: np.ndarray, pose: Pose) -> np.ndarray | None:
    if face_width(pose) < FACE_PIXELS:
        return None
    mesh, score = read_face(nets.face, picture, face_crop(pose))
    return mesh if score >= FACE_SCORE else None
