"""Euler angles against scipy's intrinsic ones, and smoothness over time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation  # noqa: TID251

from choreoscope.datatypes.errors import InputError
from choreoscope.geometry import euler, rotation

ORDERS = st.sampled_from(euler.ORDERS)
turns = st.floats(-np.pi, np.pi)
middles = st.one_of(
    st.floats(-np.pi / 2, np.pi / 2),
    st.sampled_from([np.pi / 2, -np.pi / 2, np.pi / 2 - 1e-9, -np.pi / 2 + 1e-7, 1.5707]),
)


@given(turns, turns, turns, ORDERS)
def test_from_euler_is_scipys_intrinsic(a: float, b: float, c: float, order: str) -> None:
    expected = Rotation.from_euler(order, [a, b, c]).as_quat()[[3, 0, 1, 2]]
    assert rotation.angle_between(euler.from_euler([a, b, c], order), expected) < 1e-12


@given(turns, middles, turns, ORDERS)
def test_euler_angles_round_trip_also_in_gimbal_lock(
    a: float, b: float, c: float, order: str
) -> None:
    q = euler.from_euler([a, b, c], order)
    found = euler.to_euler(q, order)
    assert rotation.angle_between(euler.from_euler(found, order), q) < 1e-9
    assert abs(found[1]) <= np.pi / 2 + 1e-12
    if abs(b) < 1.5:
        expected = Rotation.from_quat(q[[1, 2, 3, 0]]).as_euler(order)
        assert np.allclose(np.cos(found - expected), 1.0, atol=1e-12)


@given(ORDERS, st.integers(0, 2**32 - 1))
def test_continuous_angles_are_the_same_rotations(order: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    q = rotation.normalized(rng.normal(size=(12, 2, 4)))
    found = euler.to_continuous_euler(q, order)
    assert np.all(rotation.angle_between(euler.from_euler(found, order), q) < 1e-9)


@pytest.mark.parametrize("order", euler.ORDERS)
def test_smooth_angles_come_back_unbroken(order: str) -> None:
    """Spins of many turns, and the middle angle passing a right angle and going on."""
    s = np.linspace(0.0, 1.0, 241)
    angles = np.stack([0.3 + 9 * s, 0.2 + 4 * np.pi * s, -7 * s], axis=-1)
    q = euler.from_euler(angles, order)
    found = euler.to_continuous_euler(q, order)
    step = np.abs(np.diff(found, axis=0))
    assert np.allclose(found, angles, atol=1e-6)
    assert step.max() < 0.06
    # Control: angles frame by frame do jump on this movement.
    assert np.abs(np.diff(euler.to_euler(q, order), axis=0)).max() > 3.0


@pytest.mark.parametrize("order", euler.ORDERS)
def test_in_gimbal_lock_the_first_angle_rests(order: str) -> None:
    s = np.linspace(0.0, 1.0, 30)
    lock = np.full_like(s, np.pi / 2)
    lock[0] = 1.2
    q = euler.from_euler(np.stack([0.4 + 0 * s, lock, s], axis=-1), order)
    found = euler.to_continuous_euler(q, order)
    assert np.allclose(found[:, 0], 0.4, atol=1e-6)
    assert np.all(rotation.angle_between(euler.from_euler(found, order), q) < 1e-6)


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(InputError, match="'ZXZ' is not one of XYZ"):
        euler.to_euler(rotation.identity(), "ZXZ")
