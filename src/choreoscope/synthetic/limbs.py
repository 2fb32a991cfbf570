"""Two bones between two given ends: arms and legs in closed form, all frames at once."""

import numpy as np

from choreoscope.geometry import rotation

_FOLDED = 0.2
"""Share of its length to which a limb may fold."""


def two_bones(
    start: np.ndarray,
    goal: np.ndarray,
    bones: tuple[np.ndarray, np.ndarray],
    hinge: np.ndarray,
    rest_hinge: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """World turns of an upper and a lower bone that lead from `start` to `goal`.

    Law of cosines, in the plane at right angles to the hinge.

    Parameters
    ----------
    start, goal : (T, 3) float
        World, metres. A goal out of reach is pointed at.
    bones : two of (3,) float
        Rest vectors of the bones, metres.
    hinge : (T, 3) float
        World direction the hinge of the middle joint is to have, as nearly as the ends allow.
        The bones bend so that the second one turns about it by a positive angle.
    rest_hinge : (3,) float
        The same at rest.

    Returns
    -------
    upper, lower : (T, 4) float
        World-from-joint of bones whose rest turn is the identity.
    """
    first, second = (float(np.linalg.norm(bone)) for bone in bones)
    way = goal - start
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    along = way / np.maximum(length, 1e-9)
    reach = np.clip(length, _FOLDED * (first + second), first + second)
    axis = hinge - np.sum(hinge * along, axis=-1, keepdims=True) * along
    axis /= np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-9)
    cosine = np.clip((first**2 + reach**2 - second**2) / (2 * first * reach), -1.0, 1.0)
    # A positive turn of the lower bone at the middle joint has the upper one start turned back.
    aside = -np.cross(axis, along)
    middle = first * (cosine * along + np.sqrt(1 - cosine**2) * aside)
    end = along * reach
    upper_rest = rotation.from_axes(bones[0], rest_hinge, "xy")
    lower_rest = rotation.from_axes(bones[1], rest_hinge, "xy")
    upper = rotation.from_axes(middle, axis, "xy")
    lower = rotation.from_axes(end - middle, axis, "xy")
    return (
        rotation.multiply(upper, rotation.inverse(upper_rest)),
        rotation.multiply(lower, rotation.inverse(lower_rest)),
    )
