"""Euler angles of the six Tait-Bryan orders, intrinsic, for files that know nothing better.

Order ``"ZXY"`` means ``q = z(a) * x(b) * y(c)``: the axes turn along, and the angles are listed
in the order of the letters. This is what the channels of a BVH file mean.
"""

import numpy as np
from numpy.typing import ArrayLike

from choreoscope.datatypes.errors import InputError
from choreoscope.geometry.rotation import from_rotation_vector, multiply, to_matrix

ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
_LOCKED = 1e-7
"""Cosine of the middle angle below which first and last angle turn about one line.

Holding the first angle there costs at most this much rotation, in radians.
"""


def from_euler(angles: ArrayLike, order: str) -> np.ndarray:
    """Quaternions of intrinsic Euler angles.

    Parameters
    ----------
    angles : (*b, 3) float
        Radians, in the order of the letters.
    order : str
        One of `ORDERS`.

    Returns
    -------
    (*b, 4) float
        Unit, wxyz.

    Raises
    ------
    InputError
        If the order is not one of the six.
    """
    axes = _axes_of(order)
    values = np.asarray(angles, dtype=np.float64)
    turns = [
        from_rotation_vector(values[..., n : n + 1] * np.eye(3)[k]) for n, k in enumerate(axes)
    ]
    return multiply(multiply(turns[0], turns[1]), turns[2])


def to_euler(q: ArrayLike, order: str) -> np.ndarray:
    """Intrinsic Euler angles of unit quaternions.

    Parameters
    ----------
    q : (*b, 4) float
        Unit, wxyz.
    order : str
        One of `ORDERS`.

    Returns
    -------
    (*b, 3) float
        Radians: first and last in (-pi, pi], the middle one in [-pi/2, pi/2]. In gimbal lock the
        split between first and last is arbitrary, the rotation is still right.

    Raises
    ------
    InputError
        If the order is not one of the six.
    """
    matrix = to_matrix(q)
    axes = _axes_of(order)
    first, _ = _first_angle(matrix, axes)
    return _with_first(matrix, first, axes)


def to_continuous_euler(q: ArrayLike, order: str) -> np.ndarray:
    """Euler angles over time, each the branch nearest to the frame before.

    Per frame both solutions ``(a, b, c)`` and ``(a + pi, pi - b, c + pi)`` and all multiples of a
    whole turn are weighed; in gimbal lock the first angle is held. So programs that interpolate
    the three curves one by one see no jumps that the movement does not have.

    Parameters
    ----------
    q : (T, *b, 4) float
        Unit, wxyz; time first.
    order : str
        One of `ORDERS`.

    Returns
    -------
    (T, *b, 3) float
        Radians, unbounded.

    Raises
    ------
    InputError
        If the order is not one of the six.
    """
    matrices = to_matrix(q)
    axes = _axes_of(order)
    angles = np.zeros(matrices.shape[:-1])
    for t, matrix in enumerate(matrices):
        first, locked = _first_angle(matrix, axes)
        if t == 0:
            angles[t] = _with_first(matrix, first, axes)
            continue
        before = angles[t - 1]
        angles[t] = _nearest(
            _with_first(matrix, np.where(locked, before[..., 0], first), axes), before
        )
    return angles


def _axes_of(order: str) -> tuple[int, int, int]:
    if order not in ORDERS:
        raise InputError(f"Euler order '{order}' is not one of {', '.join(ORDERS)}")
    i, j, k = ("XYZ".index(letter) for letter in order)
    return i, j, k


def _sign(axes: tuple[int, int, int]) -> float:
    return 1.0 if (axes[1] - axes[0]) % 3 == 1 else -1.0


def _first_angle(matrix: np.ndarray, axes: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    _, j, k = axes
    sine, cosine = -_sign(axes) * matrix[..., j, k], matrix[..., k, k]
    return np.arctan2(sine, cosine), np.hypot(sine, cosine) < _LOCKED


def _with_first(matrix: np.ndarray, first: np.ndarray, axes: tuple[int, int, int]) -> np.ndarray:
    # Undoing the first turn before reading the others keeps the whole rotation exact near the
    # lock, where the first angle is only noise and the last one has to make up for it.
    i, j, k = axes
    sign = _sign(axes)
    sine, cosine = sign * np.sin(first), np.cos(first)
    row_j = cosine[..., None] * matrix[..., j, :] + sine[..., None] * matrix[..., k, :]
    middle_cosine = cosine * matrix[..., k, k] - sine * matrix[..., j, k]
    middle = np.arctan2(sign * matrix[..., i, k], middle_cosine)
    last = np.arctan2(sign * row_j[..., i], row_j[..., j])
    return np.stack([first, middle, last], axis=-1)


def _nearest(angles: np.ndarray, before: np.ndarray) -> np.ndarray:
    other = np.stack(
        [angles[..., 0] + np.pi, np.pi - angles[..., 1], angles[..., 2] + np.pi], axis=-1
    )
    both = np.stack([angles, other])
    both -= 2.0 * np.pi * np.round((both - before) / (2.0 * np.pi))
    way = np.sum(np.abs(both - before), axis=-1)
    return np.asarray(np.where((way[0] <= way[1])[..., None], both[0], both[1]))
