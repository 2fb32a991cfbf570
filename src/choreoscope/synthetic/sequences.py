"""A made-up shot as the default people back end would report it, to run production on it."""

import numpy as np

from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry.kinematics import tip_positions
from choreoscope.motion import landmarks
from choreoscope.motion.skeletons import FINGERS, SIDES
from choreoscope.synthetic.evidence import NoiseSpec, observe
from choreoscope.synthetic.shot import Shot
from choreoscope.synthetic.truth import TruePerson
from choreoscope.synthetic.visibility import in_camera, in_pixels, inside

_BOX_MARGIN = 0.06
_HAND_NOISE = 0.4
"""Noise of the points of a hand, share of that of a body point."""


def person_sequences(
    shot: Shot, noise: NoiseSpec, rng: np.random.Generator, *, hands: bool = False
) -> list[PersonSequence]:
    """Imitate the BlazePose back end.

    Parameters
    ----------
    shot : Shot
        The truth.
    noise : NoiseSpec
        How bad it is; its point set must be "blazepose33".
    rng : numpy.random.Generator
        Source of chance.
    hands : bool
        Whether hands are found wherever they lie in the picture; otherwise never.

    Returns
    -------
    list of PersonSequence
        Points in pixels, in metres about the middle of the hips, visibility, boxes.
    """
    body_chance, hand_chance = rng.spawn(2)
    found = []
    for number, seen in enumerate(observe(shot, noise, body_chance)):
        rows, camera = seen.frames, shot.camera
        limits = np.array([camera.width, camera.height], dtype=np.float64)
        shown = np.clip(seen.pixels, 0, limits)
        margin = _BOX_MARGIN * np.ptp(shown, axis=1).max(axis=1, keepdims=True)
        low = np.clip(shown.min(axis=1) - margin, 0, limits)
        high = np.clip(shown.max(axis=1) + margin, 0, limits)
        hips = seen.places[:, list(landmarks.HIPS)].mean(axis=1, keepdims=True)
        shapes = _hands(shot, shot.people[number], noise, hand_chance)
        pixels, metres, score = (value[rows] for value in shapes)
        score = score if hands else np.zeros_like(score)
        gone = score[..., None, None] <= 0
        found.append(
            PersonSequence(
                person=seen.person,
                frames=rows,
                boxes_xyxy=np.concatenate([low, high], axis=1),
                score=np.clip(seen.visibility.mean(axis=1) + 0.3, 0.0, 0.99),
                points_px=seen.pixels,
                points_m=seen.places - hips,
                visibility=np.clip(seen.visibility, 0.0, 0.98),
                hands_px=np.where(gone, np.nan, pixels),
                hands_m=np.where(gone, np.nan, metres),
                hands_score=score,
            )
        )
    return found


def hand_points(person: TruePerson) -> np.ndarray:
    """Wrist, joints and tips of the fingers of both hands, world metres, ``(T, 2, 21, 3)``."""
    positions, turns = person.joints()
    skeleton = person.motion.skeleton
    tips = tip_positions(skeleton, positions, turns)
    hands = np.zeros((len(positions), 2, landmarks.HAND_POINTS, 3))
    for side, name in enumerate(SIDES):
        hands[:, side, 0] = positions[:, skeleton.index(f"{name}_hand")]
        for finger, label in enumerate(FINGERS):
            numbers = [skeleton.index(f"{name}_{label}_{bone}") for bone in (1, 2, 3)]
            hands[:, side, 4 * finger + 1 : 4 * finger + 4] = positions[:, numbers]
            hands[:, side, 4 * finger + 4] = tips[:, numbers[-1]]
    return hands


def _hands(
    shot: Shot, person: TruePerson, noise: NoiseSpec, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, metres about the middle of each hand, and scores, of every frame of the shot."""
    hands = hand_points(person)
    flat = in_camera(hands.reshape(len(hands), -1, 3), shot.camera)
    pixels = in_pixels(flat, shot.camera)
    shown = inside(pixels, shot.camera).reshape(len(hands), 2, -1).all(axis=-1)
    sigma = _HAND_NOISE * noise.pixel * shot.camera.width / 1280
    pixels = np.nan_to_num(pixels) + rng.normal(0, 1, pixels.shape) * sigma
    metres = flat + rng.normal(0, 1, flat.shape) * _HAND_NOISE * noise.place
    metres = metres.reshape(hands.shape)
    metres -= metres.mean(axis=2, keepdims=True)
    return pixels.reshape(*hands.shape[:3], 2), metres, np.where(shown, 0.9, 0.0)
