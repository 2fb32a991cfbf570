"""The renderer against closed forms: depth, normals, silhouettes, order, clipping, flow."""

import dataclasses

import numpy as np
import pytest

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import InputError
from choreoscope.rendering.scene import Mesh, Scene, View, quad
from choreoscope.rendering.soft import render

LENS = Lens(
    width=64, height=48, fx=60.0, fy=60.0, cx=32.0, cy=24.0, distortion=np.zeros(0), source="given"
)
AHEAD = np.diag([1.0, -1.0, -1.0, 1.0])
"""Camera at the origin, world Y up, looking along -Z."""
EYE = View(lens=LENS, camera_from_world=AHEAD)


def wall(distance: float, half: float = 50.0, instance: int = 0, slope: float = 0.0) -> Mesh:
    """A square before the eye; `slope` moves its right side away."""
    corner = np.array([-half, half, -distance + slope * half])
    along = np.array([2 * half, 0.0, -2 * half * slope])
    shape = quad(corner, along, np.array([0.0, -2 * half, 0.0]))
    return Mesh(
        vertices=shape["vertices"],
        faces=shape["faces"],
        colours=np.full((1, 3), 0.5),
        instance=instance,
        smooth=False,
    )


def pixel_rays() -> tuple[np.ndarray, np.ndarray]:
    u, v = np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5)
    return (u - 32.0) / 60.0, (v - 24.0) / 60.0


def test_a_wall_has_its_depth_and_faces_the_eye() -> None:
    picture = render(Scene(meshes=(wall(3.0),)), EYE, samples=1)
    np.testing.assert_allclose(picture.depth, 3.0, rtol=1e-5)
    np.testing.assert_allclose(picture.normals[..., 2], -1.0, atol=1e-5)
    assert (picture.instance == 0).all()


def test_a_slanted_wall_is_interpolated_in_perspective() -> None:
    slope = 0.8
    x, _ = pixel_rays()
    depth = render(Scene(meshes=(wall(3.0, slope=slope),)), EYE, samples=0).depth
    exact = 3.0 / (1.0 - slope * x)
    np.testing.assert_allclose(depth, exact, rtol=1e-4)
    ends = exact[:, [0, -1]]
    affine = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * np.linspace(0, 1, 64)
    assert np.abs(affine - exact).max() > 0.1, "a flat mix would be seen"


def test_the_nearer_one_is_seen_whatever_the_order() -> None:
    near, far = wall(2.0, half=0.5, instance=7), wall(5.0, instance=3)
    one = render(Scene(meshes=(near, far)), EYE, samples=0)
    other = render(Scene(meshes=(far, near)), EYE, samples=0)
    np.testing.assert_array_equal(one.instance, other.instance)
    x, y = pixel_rays()
    inside = (np.abs(2 * x) < 0.5) & (np.abs(2 * y) < 0.5)
    np.testing.assert_array_equal(one.instance == 7, inside)
    np.testing.assert_allclose(one.depth, np.where(inside, 2.0, 5.0), rtol=1e-5)


def test_nothing_is_infinitely_far() -> None:
    picture = render(Scene(meshes=()), EYE, samples=1)
    assert np.isinf(picture.depth).all()
    assert (picture.instance == -1).all()


def test_a_floor_that_runs_under_the_eye_is_cut_not_dropped() -> None:
    shape = quad(
        np.array([-20.0, -1.0, -40.0]), np.array([40.0, 0.0, 0.0]), np.array([0.0, 0.0, 60.0])
    )
    floor = Mesh(vertices=shape["vertices"], faces=shape["faces"], colours=np.full((1, 3), 0.5))
    picture = render(Scene(meshes=(floor,)), EYE, samples=0)
    _, y = pixel_rays()
    expected = np.where(y > 1 / 40.0, 1.0 / np.maximum(y, 1e-9), np.inf)
    # Where the far edge runs through a pixel's row either answer is right.
    sure = np.abs(y - 1 / 40.0) > 0.02
    np.testing.assert_allclose(picture.depth[sure], expected[sure], rtol=1e-4)
    np.testing.assert_allclose(picture.normals[40, :, 1], -1.0, atol=1e-5)


def test_flow_is_where_points_go() -> None:
    moved = wall(3.0, half=0.6, instance=1)
    there = moved.vertices + np.array([0.15, 0.0, 0.0])
    scene = Scene(meshes=(dataclasses.replace(moved, next_vertices=there),))
    picture = render(scene, EYE, samples=0, next_view=EYE)
    assert picture.flow is not None
    seen = picture.instance == 1
    assert seen.any()
    np.testing.assert_allclose(picture.flow[seen][:, 0], 60 * 0.15 / 3.0, atol=1e-3)
    np.testing.assert_allclose(picture.flow[seen][:, 1], 0.0, atol=1e-3)


def test_equal_scenes_give_equal_bytes_on_any_number_of_threads() -> None:
    scene = Scene(meshes=(wall(2.0, half=0.5, instance=1), wall(5.0)))
    one, two = (render(scene, EYE, threads=count) for count in (1, 3))
    for field in ("colour", "depth", "normals", "instance"):
        np.testing.assert_array_equal(getattr(one, field), getattr(two, field))


def test_a_lamp_throws_a_shadow() -> None:
    shape = quad(
        np.array([-6.0, -1.5, -14.0]), np.array([12.0, 0.0, 0.0]), np.array([0.0, 0.0, 12.0])
    )
    floor = Mesh(vertices=shape["vertices"], faces=shape["faces"], colours=np.full((1, 3), 0.8))
    bare = render(Scene(meshes=(floor,)), EYE, samples=1).colour.astype(int)
    standing = wall(5.0, half=0.7, instance=1)
    both = render(Scene(meshes=(floor, standing)), EYE, samples=1)
    darker = (bare - both.colour.astype(int)).sum(axis=-1) > 15
    assert (darker & (both.instance == 0)).sum() > 10


def test_an_odd_number_of_samples_is_refused() -> None:
    with pytest.raises(InputError, match="samples"):
        render(Scene(meshes=()), EYE, samples=3)


def test_flow_back_is_where_points_were() -> None:
    moved = wall(3.0, half=0.6, instance=1)
    there = moved.vertices + np.array([0.15, 0.0, 0.0])
    before = moved.vertices - np.array([0.0, 0.3, 0.0])
    scene = Scene(
        meshes=(dataclasses.replace(moved, next_vertices=there, earlier_vertices=before),)
    )
    picture = render(scene, EYE, samples=0, next_view=EYE, earlier_view=EYE)
    seen = picture.instance == 1
    assert picture.flow is not None
    assert picture.flow_back is not None
    np.testing.assert_allclose(picture.flow[seen], [[3.0, 0.0]] * seen.sum(), atol=1e-3)
    np.testing.assert_allclose(picture.flow_back[seen], [[0.0, 6.0]] * seen.sum(), atol=1e-3)
    assert render(scene, EYE, samples=0, next_view=EYE).flow_back is None


def test_one_bending_lens_after_another() -> None:
    # Rays of a lens are kept for the next picture, and must not be kept for another lens.
    bends = [np.array([k, 0.0, 0.0, 0.0]) for k in (-0.2, 0.2, -0.2)]
    box = Scene(meshes=(wall(3.0, half=1.2, instance=1),))
    seen = [
        render(box, View(lens=dataclasses.replace(LENS, distortion=k), camera_from_world=AHEAD))
        for k in bends
    ]
    sizes = [int((one.instance == 1).sum()) for one in seen]
    assert sizes[0] == sizes[2] < sizes[1]
