"""Rotations as unit quaternions, wxyz, over any number of leading axes, in float64.

``a_from_b`` rotations compose left to right: ``multiply(a_from_b, b_from_c)`` is ``a_from_c``.
``q`` and ``-q`` are the same rotation; compare by `angle_between`, never by entries. Euler angles
live in `choreoscope.geometry.euler`.
"""

import numpy as np
from numpy.typing import ArrayLike

IDENTITY = (1.0, 0.0, 0.0, 0.0)
_AXES = {"x": 0, "y": 1, "z": 2}
_NEARLY_OPPOSITE = 1e-6
_NO_LENGTH = 1e-12


def identity(*leading: int) -> np.ndarray:
    """Return ``(*leading, 4)`` quaternions that do not turn."""
    return np.tile(np.array(IDENTITY), (*leading, 1))


def normalized(q: ArrayLike) -> np.ndarray:
    """Scale to unit length.

    Parameters
    ----------
    q : (*b, 4) float
        Any lengths above zero.

    Returns
    -------
    (*b, 4) float
        Unit quaternions; one of (almost) no length has no direction and becomes the identity.
    """
    values = np.asarray(q, dtype=np.float64)
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    usable = length > _NO_LENGTH
    return np.where(usable, values / np.where(usable, length, 1.0), np.array(IDENTITY))


def multiply(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Hamilton product: first turn by `b`, then by `a`.

    Parameters
    ----------
    a, b : (*b, 4) float
        Quaternions; leading axes broadcast.

    Returns
    -------
    (*b, 4) float
        Not renormalised: unit factors give a unit product up to rounding.
    """
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    w1, v1 = left[..., :1], left[..., 1:]
    w2, v2 = right[..., :1], right[..., 1:]
    w = w1 * w2 - np.sum(v1 * v2, axis=-1, keepdims=True)
    return np.concatenate([w, w1 * v2 + w2 * v1 + cross(v1, v2)], axis=-1)


def inverse(q: ArrayLike) -> np.ndarray:
    """Opposite rotation of unit quaternions, ``(*b, 4)``."""
    return np.asarray(np.asarray(q, dtype=np.float64) * np.array([1.0, -1.0, -1.0, -1.0]))


def rotate(q: ArrayLike, v: ArrayLike) -> np.ndarray:
    """Turn vectors.

    Parameters
    ----------
    q : (*b, 4) float
        Unit quaternions ``a_from_b``.
    v : (*b, 3) float
        Vectors in b's axes, any unit; leading axes broadcast against those of `q`.

    Returns
    -------
    (*b, 3) float
        The same vectors in a's axes.
    """
    unit, vector = np.asarray(q, dtype=np.float64), np.asarray(v, dtype=np.float64)
    twice = 2.0 * cross(unit[..., 1:], vector)
    return np.asarray(vector + unit[..., :1] * twice + cross(unit[..., 1:], twice))


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product ``(*b, 3)``; `numpy.cross` takes several times as long for few vectors."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def to_matrix(q: ArrayLike) -> np.ndarray:
    """Rotation matrices ``(*b, 3, 3)`` of unit quaternions ``(*b, 4)``."""
    columns = np.eye(3)
    unit = np.asarray(q, dtype=np.float64)[..., None, :]
    return np.swapaxes(rotate(unit, columns), -1, -2)


def from_matrix(matrix: ArrayLike) -> np.ndarray:
    """Quaternions of rotation matrices, equally exact at every angle.

    All sixteen products ``4 q_i q_j`` are sums of matrix entries; the row of the largest
    ``q_i^2`` never suffers cancellation (Shepperd, 1978).

    Parameters
    ----------
    matrix : (*b, 3, 3) float
        Proper rotations (determinant +1); small errors of orthogonality are averaged out.

    Returns
    -------
    (*b, 4) float
        Unit, w >= 0.
    """
    m = np.asarray(matrix, dtype=np.float64)
    products = np.zeros((*m.shape[:-2], 4, 4))
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    for row, value in enumerate((xx + yy + zz, xx - yy - zz, yy - xx - zz, zz - xx - yy)):
        products[..., row, row] = 1.0 + value
    for first, second, k in ((2, 1, 0), (0, 2, 1), (1, 0, 2)):
        turn = m[..., first, second] - m[..., second, first]
        both = m[..., first, second] + m[..., second, first]
        products[..., 0, k + 1] = products[..., k + 1, 0] = turn
        products[..., first + 1, second + 1] = products[..., second + 1, first + 1] = both
    best = np.argmax(np.diagonal(products, axis1=-2, axis2=-1), axis=-1)
    q = normalized(np.take_along_axis(products, best[..., None, None], axis=-2)[..., 0, :])
    return np.where(q[..., :1] < 0, -q, q)


def from_rotation_vector(vector: ArrayLike) -> np.ndarray:
    """Quaternions of rotation vectors (axis times angle).

    Parameters
    ----------
    vector : (*b, 3) float
        Radians.

    Returns
    -------
    (*b, 4) float
        Unit quaternions; exact also at angle zero.
    """
    r = np.asarray(vector, dtype=np.float64)
    half = np.linalg.norm(r, axis=-1, keepdims=True) / 2.0
    return np.concatenate([np.cos(half), 0.5 * r * np.sinc(half / np.pi)], axis=-1)


def to_rotation_vector(q: ArrayLike) -> np.ndarray:
    """Rotation vectors (axis times angle) of unit quaternions.

    Parameters
    ----------
    q : (*b, 4) float
        Unit.

    Returns
    -------
    (*b, 3) float
        Radians, length at most pi.
    """
    unit = np.asarray(q, dtype=np.float64)
    unit = np.where(unit[..., :1] < 0, -unit, unit)
    half = np.arctan2(np.linalg.norm(unit[..., 1:], axis=-1, keepdims=True), unit[..., :1])
    return np.asarray(2.0 * unit[..., 1:] / np.sinc(half / np.pi))


def angle_between(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Angle in radians, 0 to pi, of the turn that leads from `a` to `b`, ``(*b,)``.

    Uses lengths of sum and difference, so tiny angles keep all their digits (an arc cosine of
    the dot product resolves nothing below 1e-8).
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    apart = np.linalg.norm(first - second, axis=-1)
    together = np.linalg.norm(first + second, axis=-1)
    nearer, farther = np.minimum(apart, together), np.maximum(apart, together)
    return np.asarray(4.0 * np.arctan2(nearer, farther))


def slerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> np.ndarray:
    """Turn evenly from `a` to `b` the short way.

    Parameters
    ----------
    a, b : (*b, 4) float
        Unit quaternions.
    t : (*b,) float
        0 gives `a`, 1 gives `b` (or ``-b``); leading axes broadcast.

    Returns
    -------
    (*b, 4) float
        Unit quaternions.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    dot = np.sum(first * second, axis=-1, keepdims=True)
    second = np.where(dot < 0, -second, second)
    share = np.asarray(t, dtype=np.float64)[..., None]
    arc = 2.0 * np.arctan2(
        np.linalg.norm(first - second, axis=-1, keepdims=True),
        np.linalg.norm(first + second, axis=-1, keepdims=True),
    )
    whole = np.sinc(arc / np.pi)
    weight_a = (1.0 - share) * np.sinc((1.0 - share) * arc / np.pi) / whole
    weight_b = share * np.sinc(share * arc / np.pi) / whole
    return normalized(weight_a * first + weight_b * second)


def between(u: ArrayLike, v: ArrayLike) -> np.ndarray:
    """Shortest turn that brings direction `u` to direction `v`.

    Parameters
    ----------
    u, v : (*b, 3) float
        Directions of any length above zero; leading axes broadcast.

    Returns
    -------
    (*b, 4) float
        Unit quaternions. Opposite directions turn about some axis at right angles to `u`; a
        direction without length gives the identity.
    """
    start, end = np.broadcast_arrays(_direction(u), _direction(v))
    opposite = np.linalg.norm(start + end, axis=-1, keepdims=True) < _NEARLY_OPPOSITE
    has_direction = np.any(start != 0, axis=-1, keepdims=True)
    # Near opposite the cross product has no digits left: half a turn first, the small rest then.
    half_turn = np.where(
        opposite & has_direction,
        np.concatenate([np.zeros_like(start[..., :1]), _any_perpendicular(start)], axis=-1),
        np.array(IDENTITY),
    )
    start = np.where(opposite, -start, start)
    total = np.sum((start + end) ** 2, axis=-1, keepdims=True) / 2.0
    rest = normalized(np.concatenate([total, np.cross(start, end)], axis=-1))
    return multiply(rest, half_turn)


def from_axes(primary: ArrayLike, hint: ArrayLike, axes: str = "xy") -> np.ndarray:
    """Rotation whose named axes point where told.

    Parameters
    ----------
    primary : (*b, 3) float
        Where local axis ``axes[0]`` points, exactly.
    hint : (*b, 3) float
        Where local axis ``axes[1]`` points, as nearly as `primary` allows. Parallel to `primary`
        (or zero), any perpendicular is taken.
    axes : str
        Two different letters of "xyz".

    Returns
    -------
    (*b, 4) float
        World-from-local unit quaternions.
    """
    i, j = (_AXES[letter] for letter in axes)
    k = 3 - i - j
    main, wish = np.broadcast_arrays(_direction(primary), _direction(hint))
    side = wish - np.sum(wish * main, axis=-1, keepdims=True) * main
    parallel = np.linalg.norm(side, axis=-1, keepdims=True) < _NEARLY_OPPOSITE
    side = _direction(np.where(parallel, _any_perpendicular(main), side))
    third = np.cross(main, side)
    matrix = np.zeros((*main.shape, 3))
    matrix[..., i], matrix[..., j] = main, side
    matrix[..., k] = third if (j - i) % 3 == 1 else -third
    return from_matrix(matrix)


def cross_matrix(vector: ArrayLike) -> np.ndarray:
    """Matrix of the cross product: ``cross_matrix(a) @ b`` is ``a x b``.

    Parameters
    ----------
    vector : (*b, 3) float
        Any.

    Returns
    -------
    (*b, 3, 3) float
        Skew-symmetric.
    """
    x, y, z = np.moveaxis(np.asarray(vector, dtype=np.float64), -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def with_continuous_signs(q: ArrayLike, axis: int = 0) -> np.ndarray:
    """Flip signs so that neighbours along `axis` lie in the same half; rotations stay the same.

    Programs that interpolate entries would otherwise turn the long way round between ``q`` and
    a neighbour stored as ``-q``.

    Parameters
    ----------
    q : (*b, 4) float
        Unit quaternions.
    axis : int
        The axis of time; not the last one.

    Returns
    -------
    (*b, 4) float
        The first along `axis` is unchanged.
    """
    moved = np.moveaxis(np.array(q, dtype=np.float64), axis, 0)
    dots = np.sum(moved[1:] * moved[:-1], axis=-1, keepdims=True)
    moved[1:] *= np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)
    return np.moveaxis(moved, 0, axis)


def swing_twist(q: ArrayLike, axis: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Split into a turn about `axis` and a turn that moves it: ``q = swing * twist``.

    Parameters
    ----------
    q : (*b, 4) float
        Unit quaternions.
    axis : (*b, 3) float
        Direction of the twist in the axes `q` turns from (a bone's own axes).

    Returns
    -------
    swing, twist : (*b, 4) float
        Unit. Where the swing is half a turn the twist is undefined and taken as none.
    """
    unit, along = np.asarray(q, dtype=np.float64), _direction(axis)
    part = np.sum(unit[..., 1:] * along, axis=-1, keepdims=True) * along
    twist = normalized(np.concatenate([unit[..., :1], part], axis=-1))
    return multiply(unit, inverse(twist)), twist


def _direction(v: ArrayLike) -> np.ndarray:
    vector = np.asarray(v, dtype=np.float64)
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.where(length > _NO_LENGTH, vector / np.where(length > 0, length, 1.0), 0.0)


def _any_perpendicular(unit: np.ndarray) -> np.ndarray:
    least = np.argmin(np.abs(unit), axis=-1)
    return _direction(np.cross(unit, np.eye(3)[least]))
