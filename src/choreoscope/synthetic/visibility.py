"""What of a made-up shot the camera can see: inside the picture, not behind anybody."""

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.motion.skeletons import SIDES
from choreoscope.synthetic.truth import TruePerson

_NEAREST = 0.05
_LIMBS = (
    ("upper_arm", "forearm", 0.028),
    ("forearm", "hand", 0.022),
    ("thigh", "shin", 0.045),
    ("shin", "foot", 0.032),
)
_TRUNK = (("pelvis", "spine_high", 0.075), ("spine_mid", "neck", 0.070), ("neck", "head", 0.045))
"""Joints and radius (share of stature) of the capsules that hide things."""


def in_camera(points: np.ndarray, camera: CameraTrack) -> np.ndarray:
    """Bring world points ``(T, P, 3)`` into camera axes, metres."""
    turns, moves = camera.camera_from_world[:, :3, :3], camera.camera_from_world[:, :3, 3]
    return np.asarray(np.einsum("tab,tpb->tpa", turns, points) + moves[:, None])


def in_pixels(points: np.ndarray, camera: CameraTrack) -> np.ndarray:
    """Project camera-space points ``(T, P, 3)`` to pixels ``(T, P, 2)``; NaN behind the camera."""
    shown = np.einsum("tab,tpb->tpa", camera.intrinsics, points)
    deep = np.where(points[..., 2:] > _NEAREST, points[..., 2:], np.nan)
    return np.asarray(shown[..., :2] / deep)


def inside(pixels: np.ndarray, camera: CameraTrack) -> np.ndarray:
    """Whether pixels lie in the picture, ``(T, P)`` bool."""
    limits = np.array([camera.width, camera.height])
    with np.errstate(invalid="ignore"):
        return np.asarray(((pixels >= 0) & (pixels <= limits)).all(axis=-1))


def hidden(
    points: np.ndarray, person: int, people: tuple[TruePerson, ...], camera: CameraTrack
) -> np.ndarray:
    """Whether points are behind somebody else, or behind their own owner's trunk.

    Parameters
    ----------
    points : (T, P, 3) float
        Camera axes, metres.
    person : int
        Number of their owner.
    people : tuple of TruePerson
        Everybody.
    camera : CameraTrack
        T frames.

    Returns
    -------
    (T, P) bool
        By capsules in place of bodies: good to a few centimetres, without pixels.
    """
    behind = np.zeros(points.shape[:2], dtype=bool)
    for number, other in enumerate(people):
        places = in_camera(other.joints()[0], camera)
        for start, end, radius in _capsules(own=number == person):
            ends = [places[:, other.model.joints.index(joint)] for joint in (start, end)]
            behind |= _behind(points, ends[0], ends[1], radius * other.stature)
    return behind


def _capsules(*, own: bool) -> list[tuple[str, str, float]]:
    if own:
        return list(_TRUNK)
    limbs = [(f"{s}_{a}", f"{s}_{b}", radius) for s in SIDES for a, b, radius in _LIMBS]
    return [*_TRUNK, *limbs]


def _behind(points: np.ndarray, start: np.ndarray, end: np.ndarray, radius: float) -> np.ndarray:
    """Whether the way from the camera to each point leads through a capsule."""
    # Nearest approach of the sight line (through the origin) and the capsule's axis.
    length = np.linalg.norm(points, axis=-1, keepdims=True)
    ray = points / np.maximum(length, 1e-9)
    axis = (end - start)[:, None]
    begin = start[:, None]
    across = axis - np.sum(axis * ray, axis=-1, keepdims=True) * ray
    offset = begin - np.sum(begin * ray, axis=-1, keepdims=True) * ray
    size = np.maximum(np.sum(across**2, axis=-1), 1e-12)
    share = np.clip(-np.sum(offset * across, axis=-1) / size, 0.0, 1.0)[..., None]
    nearest = begin + share * axis
    along = np.sum(nearest * ray, axis=-1)
    apart = np.linalg.norm(nearest - along[..., None] * ray, axis=-1)
    return np.asarray((apart < radius) & (length[..., 0] > along + radius) & (along > 0))
