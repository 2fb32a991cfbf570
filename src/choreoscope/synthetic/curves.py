"""Curves over time that bodies and cameras are made of: eased steps, held keys, soft wandering."""

import numpy as np

from choreoscope.geometry import rotation

_WAVES = 5
_REACH = 4.0


def eased(x: np.ndarray) -> np.ndarray:
    """Go from 0 to 1 with least jerk, at rest before and after (Flash and Hogan 1985, eq. 3)."""
    s = np.clip(x, 0.0, 1.0)
    return np.asarray(s**3 * (10 - 15 * s + 6 * s * s))


def pulse(times: np.ndarray, moments: tuple[float, float, float, float]) -> np.ndarray:
    """Rise from 0 to 1, stay, fall back to 0.

    Parameters
    ----------
    times : (T,) float
        Seconds.
    moments : four floats
        Start of the rise, end of it, start of the fall, end of it; seconds, rising.

    Returns
    -------
    (T,) float
        Exactly 0 outside, exactly 1 between the middle two.
    """
    up, full, down, over = moments
    rise = eased((times - up) / max(full - up, 1e-9))
    return np.asarray(rise - eased((times - down) / max(over - down, 1e-9)))


def quintic(
    times: np.ndarray, span: tuple[float, float], start: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Join two states of movement by the polynomial of degree 5.

    Parameters
    ----------
    times : (T,) float
        Seconds.
    span : (float, float)
        When the states hold.
    start, end : (3, C) float
        Position, velocity and acceleration.

    Returns
    -------
    (T, C) float
    """
    length = span[1] - span[0]
    scale = np.array([1.0, length, length**2])[:, None]
    left, right = start * scale, end * scale
    known = np.array([left[0], left[1], left[2] / 2])
    rest = np.array(
        [
            right[0] - known.sum(axis=0),
            right[1] - known[1] - 2 * known[2],
            right[2] - 2 * known[2],
        ]
    )
    system = np.array([[1.0, 1.0, 1.0], [3.0, 4.0, 5.0], [6.0, 12.0, 20.0]])
    powers = np.concatenate([known, np.linalg.solve(system, rest)])
    s = ((times - span[0]) / length)[:, None]
    return np.asarray(sum(powers[n] * s**n for n in range(6)))


def happens(rng: np.random.Generator, share: float) -> bool:
    """Decide by chance, yes with this probability."""
    return bool(rng.random() < share)


def wander(
    rng: np.random.Generator,
    times: np.ndarray,
    band: tuple[float, float],
    shape: tuple[int, ...] = (),
) -> np.ndarray:
    """Smooth random curves, a sum of a few sines.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    times : (T,) float
        Seconds.
    band : (float, float)
        Lowest and highest frequency, hertz.
    shape : tuple of int
        Of the value at one time.

    Returns
    -------
    (T, *shape) float
        Mean square 1 over long times.
    """
    total = np.zeros((len(times), *shape))
    at = times.reshape(-1, *[1] * len(shape))
    for _ in range(_WAVES):
        speed = np.exp(rng.uniform(np.log(band[0]), np.log(band[1]), shape))
        total += np.sin(2 * np.pi * (speed * at + rng.uniform(0, 1, shape)))
    return np.asarray(total * np.sqrt(2 / _WAVES))


def keyed(
    times: np.ndarray, starts: np.ndarray, ends: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Hold values and pass from each to the next with least jerk; passages may overlap.

    Parameters
    ----------
    times : (T,) float
        Seconds.
    starts, ends : (K - 1,) float
        When each passage begins and ends, seconds.
    values : (K, C) float
        First value, then the one after each passage.

    Returns
    -------
    (T, C) float
    """
    share = eased((times[:, None] - starts) / np.maximum(ends - starts, 1e-9))
    return np.asarray(values[0] + share @ np.diff(values, axis=0))


def keyed_turns(
    times: np.ndarray, starts: np.ndarray, ends: np.ndarray, turns: np.ndarray
) -> np.ndarray:
    """Hold rotations ``(K, 4)`` and pass from each to the next with least jerk, ``(T, 4)``."""
    total = np.tile(turns[0], (len(times), 1))
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        step = rotation.multiply(rotation.inverse(turns[index]), turns[index + 1])
        share = eased((times - start) / max(end - start, 1e-9))
        angle = rotation.to_rotation_vector(step) * share[:, None]
        total = rotation.multiply(total, rotation.from_rotation_vector(angle))
    return rotation.normalized(total)


def blurred(values: np.ndarray, spacing: float, sigma: float) -> np.ndarray:
    """Gaussian mean over evenly spaced samples.

    Parameters
    ----------
    values : (T, C) float
        The ends are thought to go on as they end.
    spacing, sigma : float
        Seconds.

    Returns
    -------
    (T, C) float
    """
    reach = int(np.ceil(_REACH * sigma / spacing))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * spacing / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    columns = [np.convolve(column, kernel, mode="valid") for column in padded.T]
    return np.stack(columns, axis=-1)
