"""Rays of whole pictures against the exact projection, pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import ShapeError
from choreoscope.geometry import rotation
from choreoscope.geometry.projection import normalised_from_pixels, project
from choreoscope.geometry.unprojection import in_world, rays_of_lens, unproject

BENT = (-0.28, 0.09, 0.001, -0.002)


def lens(distortion: tuple[float, ...] = (), width: int = 96, height: int = 64) -> Lens:
    return Lens(
        width=width,
        height=height,
        fx=70.0,
        fy=72.0,
        cx=47.3,
        cy=30.9,
        distortion=np.array(distortion, dtype=np.float64),
        source="given",
    )


def centres(one: Lens) -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(one.width) + 0.5, np.arange(one.height) + 0.5)
    return np.stack([columns, rows], axis=-1)


@pytest.mark.parametrize("distortion", [(), BENT, (*BENT, 0.01), (*BENT, 0.01, 0.1, 0.01, 0.0)])
def test_rays_are_those_of_the_exact_lens(distortion: tuple[float, ...]) -> None:
    one = lens(distortion)
    rays = rays_of_lens(one)
    assert rays.dtype == np.float32
    np.testing.assert_allclose(rays, normalised_from_pixels(centres(one), one), atol=2e-6)


def test_a_pinhole_for_a_lens_that_bends_is_off() -> None:
    one = lens(BENT)
    straight = rays_of_lens(one.intrinsics, None, (one.width, one.height))
    assert np.abs(straight - rays_of_lens(one)).max() > 0.01


@pytest.mark.parametrize("distortion", [(), BENT])
@given(seed=st.integers(0, 99))
@settings(max_examples=5)
def test_lifted_pixels_project_onto_themselves(distortion: tuple[float, ...], seed: int) -> None:
    one = lens(distortion)
    depth = np.random.default_rng(seed).uniform(0.5, 20.0, (one.height, one.width))
    points = unproject(depth.astype(np.float32), rays_of_lens(one))
    np.testing.assert_allclose(points[..., 2], depth, rtol=1e-6)
    np.testing.assert_allclose(project(points, one), centres(one), atol=2e-3)


def test_a_smaller_picture_has_the_same_field_of_view() -> None:
    one = lens(width=96, height=64)
    small = rays_of_lens(one, size=(48, 32))
    large = rays_of_lens(one)
    np.testing.assert_allclose(small, large.reshape(32, 2, 48, 2, 2).mean(axis=(1, 3)), atol=1e-6)


def test_a_tiny_picture() -> None:
    one = lens(BENT, width=1, height=3)
    np.testing.assert_allclose(
        rays_of_lens(one), normalised_from_pixels(centres(one), one), atol=1e-5
    )


def test_unknown_depth_stays_unknown() -> None:
    one = lens()
    depth = np.full((one.height, one.width), np.nan, dtype=np.float32)
    assert np.isnan(unproject(depth, rays_of_lens(one))).all()


def test_the_world_is_the_inverse_of_the_camera(rng: np.random.Generator) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.to_matrix(rotation.from_rotation_vector(np.array([0.2, 1.1, -0.4])))
    matrix[:3, 3] = [0.5, -1.5, 3.0]
    world = rng.normal(size=(20, 3))
    local = world @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(in_world(local, matrix), world, atol=1e-12)
    assert in_world(local.astype(np.float32), matrix).dtype == np.float32


def test_wrong_sizes_are_told() -> None:
    one = lens()
    with pytest.raises(ShapeError, match="do not go with depth"):
        unproject(np.zeros((3, 4)), rays_of_lens(one))
    with pytest.raises(ShapeError, match="says nothing of the picture's size"):
        rays_of_lens(one.intrinsics)
    with pytest.raises(ShapeError, match="without skew"):
        rays_of_lens(np.ones((3, 3)), None, (4, 4))
