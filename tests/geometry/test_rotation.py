"""Laws of rotations; scipy's Rotation (xyzw) is the independent reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation  # noqa: TID251

from choreoscope.geometry import rotation

TINY = 1e-9
AXES = ("xy", "yz", "zx", "yx", "zy", "xz")

components = st.floats(-1.0, 1.0, allow_subnormal=False)
vectors = st.tuples(components, components, components).map(np.array)
directions = vectors.filter(lambda v: float(np.linalg.norm(v)) > 0.05)
angles = st.one_of(
    st.floats(-np.pi, np.pi),
    st.floats(-1e-8, 1e-8),
    st.floats(np.pi - 1e-8, np.pi),
    st.sampled_from([0.0, np.pi, -np.pi, np.pi / 2]),
)


@st.composite
def quaternions(draw: st.DrawFn) -> np.ndarray:
    """Any rotation, with many near none and near half a turn, and either sign."""
    axis = draw(directions)
    q = rotation.from_rotation_vector(axis / np.linalg.norm(axis) * draw(angles))
    return q * draw(st.sampled_from([1.0, -1.0]))


def reference(q: np.ndarray) -> Rotation:
    return Rotation.from_quat(np.asarray(q)[..., [1, 2, 3, 0]])


def same(a: np.ndarray, b: np.ndarray, within: float = TINY) -> bool:
    return bool(np.all(rotation.angle_between(a, b) <= within))


@given(quaternions(), quaternions(), quaternions())
def test_rotations_form_a_group(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    product = rotation.multiply(a, b)
    assert abs(np.linalg.norm(product) - 1) < 1e-12
    assert same(rotation.multiply(a, rotation.identity()), a)
    assert same(rotation.multiply(a, rotation.inverse(a)), rotation.identity())
    assert same(rotation.multiply(product, c), rotation.multiply(a, rotation.multiply(b, c)))


@given(quaternions(), quaternions(), vectors)
def test_products_and_turned_vectors_agree_with_scipy(
    a: np.ndarray, b: np.ndarray, v: np.ndarray
) -> None:
    product = rotation.multiply(a, b)
    expected = reference(a) * reference(b)
    assert (reference(product).inv() * expected).magnitude() < TINY
    assert np.allclose(rotation.rotate(product, v), expected.apply(v), atol=1e-12)
    assert np.allclose(rotation.to_matrix(product), expected.as_matrix(), atol=1e-12)


def test_the_order_of_a_product_matters() -> None:
    a = rotation.from_rotation_vector([1.0, 0.0, 0.0])
    b = rotation.from_rotation_vector([0.0, 1.0, 0.0])
    assert not same(rotation.multiply(a, b), rotation.multiply(b, a), 0.1)


def test_a_quarter_turn_about_y_brings_z_to_x() -> None:
    q = rotation.from_rotation_vector([0.0, np.pi / 2, 0.0])
    assert np.allclose(q, [np.sqrt(0.5), 0, np.sqrt(0.5), 0])
    assert np.allclose(rotation.rotate(q, [0.0, 0.0, 1.0]), [1.0, 0.0, 0.0])


@given(quaternions())
def test_matrices_and_rotation_vectors_round_trip(q: np.ndarray) -> None:
    assert same(rotation.from_matrix(rotation.to_matrix(q)), q)
    assert same(rotation.from_rotation_vector(rotation.to_rotation_vector(q)), q)
    assert np.linalg.norm(rotation.to_rotation_vector(q)) <= np.pi + 1e-12


def test_exact_half_turns_survive_the_matrix() -> None:
    for axis in np.eye(3):
        q = rotation.from_rotation_vector(axis * np.pi)
        matrix = np.diag(2 * axis - 1)
        assert same(rotation.from_matrix(matrix), q, 1e-12)


@given(quaternions(), quaternions())
def test_angles_between_agree_with_scipy(a: np.ndarray, b: np.ndarray) -> None:
    expected = (reference(a).inv() * reference(b)).magnitude()
    assert rotation.angle_between(a, b) == pytest.approx(expected, abs=1e-7)
    assert rotation.angle_between(a, -b) == pytest.approx(rotation.angle_between(a, b), abs=1e-12)


def test_tiny_angles_keep_their_digits() -> None:
    q = rotation.from_rotation_vector([1e-11, 0.0, 0.0])
    assert rotation.angle_between(rotation.identity(), q) == pytest.approx(1e-11, rel=1e-6)


@given(quaternions(), quaternions(), st.floats(0.0, 1.0))
def test_slerp_walks_evenly_the_short_way(a: np.ndarray, b: np.ndarray, t: float) -> None:
    whole = rotation.angle_between(a, b)
    middle = rotation.slerp(a, b, t)
    assert rotation.angle_between(a, middle) == pytest.approx(t * whole, abs=1e-7)
    assert rotation.angle_between(middle, b) == pytest.approx((1 - t) * whole, abs=1e-7)
    assert same(rotation.slerp(a, b, 0.0), a)
    assert same(rotation.slerp(a, b, 1.0), b)


@given(directions, directions, st.floats(-1e-7, 1e-7), st.sampled_from([1.0, -1.0]))
def test_between_brings_one_direction_to_the_other(
    u: np.ndarray, other: np.ndarray, nudge: float, sign: float
) -> None:
    for v in (other, sign * u + nudge * other, sign * u):
        q = rotation.between(u, v)
        wanted = v / np.linalg.norm(v)
        assert np.allclose(rotation.rotate(q, u / np.linalg.norm(u)), wanted, atol=1e-9)
        cosine = float(np.clip(np.dot(u, v) / np.linalg.norm(u) / np.linalg.norm(v), -1, 1))
        least = np.arccos(cosine)
        assert rotation.angle_between(rotation.identity(), q) == pytest.approx(least, abs=2e-6)


def test_between_without_direction_does_not_turn() -> None:
    assert same(rotation.between([0.0, 0.0, 0.0], [1.0, 0.0, 0.0]), rotation.identity())
    assert same(rotation.between([0.0, 1.0, 0.0], [0.0, 0.0, 0.0]), rotation.identity())


@given(directions, directions, st.sampled_from(AXES), st.booleans())
def test_from_axes_points_the_named_axes(
    primary: np.ndarray, hint: np.ndarray, axes: str, parallel: bool
) -> None:
    hint = -2 * primary if parallel else hint
    q = rotation.from_axes(primary, hint, axes)
    basis = rotation.to_matrix(q)
    main, side = (basis[:, "xyz".index(letter)] for letter in axes)
    assert np.allclose(main, primary / np.linalg.norm(primary), atol=1e-9)
    assert np.linalg.det(basis) == pytest.approx(1.0)
    if np.linalg.norm(np.cross(primary, hint)) > 1e-3:
        assert float(side @ hint) > 0
        assert abs(float(np.cross(primary, hint) @ side)) < 1e-9


@given(st.lists(quaternions(), min_size=2, max_size=8))
def test_continuous_signs_change_no_rotation(listed: list[np.ndarray]) -> None:
    q = np.array(listed)
    smooth = rotation.with_continuous_signs(q)
    assert same(smooth, q, 1e-12)
    assert np.all(np.sum(smooth[1:] * smooth[:-1], axis=-1) >= 0)
    sideways = rotation.with_continuous_signs(np.stack([q, q]), axis=1)
    assert np.array_equal(sideways, np.stack([smooth, smooth]))


@given(quaternions(), directions)
def test_swing_and_twist_compose_and_are_what_they_say(q: np.ndarray, axis: np.ndarray) -> None:
    along = axis / np.linalg.norm(axis)
    swing, twist = rotation.swing_twist(q, axis)
    assert same(rotation.multiply(swing, twist), q)
    assert np.allclose(rotation.rotate(twist, along), along, atol=1e-7)
    assert abs(float(swing[1:] @ along)) < 1e-6


def test_swing_and_twist_of_known_turns() -> None:
    twist = rotation.from_rotation_vector([0.0, 0.7, 0.0])
    swing = rotation.from_rotation_vector([0.4, 0.0, 0.3])
    parts = rotation.swing_twist(rotation.multiply(swing, twist), [0.0, 2.0, 0.0])
    assert same(parts[0], swing)
    assert same(parts[1], twist)


def test_everything_works_over_leading_axes(rng: np.random.Generator) -> None:
    q = rotation.normalized(rng.normal(size=(2, 3, 4)))
    v = rng.normal(size=(2, 3, 3))
    assert rotation.rotate(q, v).shape == (2, 3, 3)
    assert rotation.rotate(q[:, :1], v[0, 0]).shape == (2, 1, 3)
    matrices = rotation.to_matrix(q)
    assert np.allclose(np.einsum("...ij,...j->...i", matrices, v), rotation.rotate(q, v))
    assert same(rotation.from_matrix(matrices), q)
    for n, m in np.ndindex(2, 3):
        assert same(rotation.from_axes(v[n, m], [0, 1, 0]), rotation.from_axes(v, [0, 1, 0])[n, m])
        assert same(rotation.between(v[n, m], [0, 1, 0]), rotation.between(v, [0, 1, 0])[n, m])
    assert rotation.slerp(q, q[::-1], 0.3).shape == (2, 3, 4)
    assert rotation.identity(5, 2).shape == (5, 2, 4)


def test_lengths_are_repaired_and_nothing_is_the_identity() -> None:
    assert np.allclose(rotation.normalized([0.0, 0.0, 3.0, 0.0]), [0, 0, 1, 0])
    assert np.allclose(rotation.normalized([0.0, 0.0, 0.0, 0.0]), rotation.IDENTITY)
