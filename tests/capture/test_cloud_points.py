"""Points and reliefs of single frames: laws, against the plain formula, cuts at depth steps."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.capture.cloud.points import NOBODY, DepthLaw, Picked, Sampling, lifted_points
from choreoscope.capture.cloud.relief import Relief, lifted_relief
from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.geometry.projection import lens_from_fov, project
from choreoscope.geometry.unprojection import rays_of_lens

WIDTH, HEIGHT = 64, 36
LENS = lens_from_fov(60.0, WIDTH, HEIGHT)
RAYS = rays_of_lens(LENS)
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH] + 0.5
COLOUR = np.stack([COLUMNS * 3, ROWS * 5, COLUMNS * 0], axis=-1).astype(np.uint8)
ALL = Sampling(step=1, threads=1)


def picture(depth: np.ndarray, **more: Any) -> Picked:
    return Picked(depth=depth.astype(np.float32), rays=RAYS, colour=COLOUR, **more)


def sphere_before_wall(radius: float = 0.5, distance: float = 2.0, wall: float = 5.0) -> np.ndarray:
    """Planar depth of a ball on the axis with a wall behind it."""
    length2 = np.sum(np.square(RAYS, dtype=float), axis=-1) + 1
    inside = distance**2 - length2 * (distance**2 - radius**2)
    hit = (distance - np.sqrt(np.maximum(inside, 0))) / length2
    return np.where(inside > 0, hit, wall)


@given(
    st.floats(0.2, 3),
    st.floats(-0.5, 0.5),
    st.booleans(),
    st.sampled_from(["planar", "range"]),
    st.integers(1, 5),
    st.integers(0, 99),
)
def test_the_kernel_does_what_the_formula_says(
    scale: float, offset: float, inverse: bool, measure: Any, step: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    depth = draw.uniform(0.1, 6, (HEIGHT, WIDTH)).astype(np.float32)
    depth[draw.random(depth.shape) < 0.2] = draw.choice([0, np.nan, np.inf, 1e10])
    alpha = draw.random(depth.shape).astype(np.float32)
    law = DepthLaw(scale=scale, offset=offset, inverse=inverse, measure=measure)
    sampling = Sampling(step=step, least_alpha=0.3, threads=1 + seed % 2)
    made = lifted_points(picture(depth, alpha=alpha), law, sampling, LENS.fx)["Cloud"]
    z = law.metres(depth, RAYS)
    taken = np.zeros(depth.shape, dtype=bool)
    taken[sampling.first :: step, sampling.first :: step] = True
    taken &= (z > 0) & (alpha >= 0.3)
    expected = np.concatenate([RAYS * z[..., None], z[..., None]], axis=-1)[taken]
    assert made.points == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert (made.colours == COLOUR[taken]).all()
    assert made.widths == pytest.approx(step / LENS.fx * z[taken], rel=1e-5)


@given(st.integers(0, 99))
def test_projecting_gives_the_pixels_back(seed: int) -> None:
    depth = np.random.default_rng(seed).uniform(0.3, 30, (HEIGHT, WIDTH))
    made = lifted_points(picture(depth), DepthLaw(), ALL, LENS.fx)["Cloud"]
    centres = np.stack([COLUMNS, ROWS], axis=-1).reshape(-1, 2)
    assert np.abs(project(made.points, LENS) - centres).max() < 1e-3


def test_range_is_not_planar() -> None:
    """A sphere round the camera is at one range everywhere, and bulges if taken for planar."""
    depth = np.full((HEIGHT, WIDTH), 3.0)
    lengths = {}
    for measure in ("range", "planar"):
        made = lifted_points(picture(depth), DepthLaw(measure=measure), ALL, LENS.fx)["Cloud"]
        lengths[measure] = np.linalg.norm(made.points, axis=1)
    assert lengths["range"] == pytest.approx(3.0, abs=1e-5)
    assert lengths["planar"].max() > 3.5


def test_performers_are_told_apart_and_threads_do_not_matter() -> None:
    owner = np.full((HEIGHT, WIDTH), NOBODY, dtype=np.uint8)
    owner[5:20, 5:15], owner[8:30, 40:60] = 0, 1
    depth = np.random.default_rng(0).uniform(1, 4, (HEIGHT, WIDTH))
    made = [
        lifted_points(
            picture(depth, owner=owner, groups=("P01", "P02")),
            DepthLaw(),
            Sampling(step=1, threads=threads),
            LENS.fx,
        )
        for threads in (1, 3)
    ]
    assert [len(made[0][name].points) for name in ("P01", "P02")] == [150, 440]
    for name in ("P01", "P02"):
        assert (made[0][name].points == made[1][name].points).all()
        assert (made[0][name].colours == COLOUR[owner == int(name[-1]) - 1]).all()


def test_nothing_gives_nothing() -> None:
    made = lifted_points(picture(np.zeros((HEIGHT, WIDTH))), DepthLaw(), ALL, LENS.fx)["Cloud"]
    assert made.points.shape == (0, 3)
    surface = lifted_relief(picture(np.zeros((HEIGHT, WIDTH))), DepthLaw(), ALL)["Cloud"]
    assert surface.faces.shape == (0, 3)


def test_sizes_must_agree() -> None:
    with pytest.raises(ShapeError, match="alpha is"):
        picture(np.ones((HEIGHT, WIDTH)), alpha=np.ones((3, 3), np.float32))
    with pytest.raises(InputError, match="step"):
        Sampling(step=0)


def longest_edge(surface: Relief) -> float:
    corners = surface.points[surface.faces]
    return float(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max())


def test_no_rubber_between_a_ball_and_the_wall_behind() -> None:
    picked = picture(sphere_before_wall())
    cut = lifted_relief(picked, DepthLaw(), ALL)["Cloud"]
    assert longest_edge(cut) < 0.2
    # Control: without the cut, sheets are tied from the ball to the wall.
    uncut = lifted_relief(picked, DepthLaw(), ALL, float("inf"))["Cloud"]
    assert longest_edge(uncut) > 2.0
    assert len(uncut.faces) == 2 * (WIDTH - 1) * (HEIGHT - 1)
    assert 0.85 * len(uncut.faces) < len(cut.faces) < len(uncut.faces)


def test_each_triangle_of_a_cell_is_looked_at_by_itself() -> None:
    depth = np.full((HEIGHT, WIDTH), 2.0)
    depth[10, 10] = 4.0
    cells = lifted_relief(picture(depth), DepthLaw(), ALL)["Cloud"]
    whole = 2 * (WIDTH - 1) * (HEIGHT - 1)
    # Each of the four cells round the far corner keeps the triangle without it.
    assert len(cells.faces) == whole - 4
    depth[10, 10] = 0.0
    assert len(lifted_relief(picture(depth), DepthLaw(), ALL)["Cloud"].faces) == whole - 4


def test_triangles_face_the_camera_and_wear_the_film() -> None:
    surface = lifted_relief(picture(sphere_before_wall()), DepthLaw(), Sampling(step=2))["Cloud"]
    first, second, third = np.moveaxis(surface.points[surface.faces].astype(float), 1, 0)
    normal = np.cross(second - first, third - first)
    # OpenCV's y points down: counter-clockwise in y-up axes is clockwise here.
    flipped = normal * [1, -1, -1]
    outward = np.einsum("ij,ij->i", normal, first)
    assert (outward < 0).all()
    assert flipped.shape == normal.shape
    pixels = project(surface.points, LENS)
    expected = np.column_stack([pixels[:, 0] / WIDTH, 1 - pixels[:, 1] / HEIGHT])
    assert np.abs(surface.uv - expected).max() < 1e-4
    at = np.floor(pixels).astype(int)
    assert (surface.colours == COLOUR[at[:, 1], at[:, 0]]).all()


def test_reliefs_end_where_performers_do() -> None:
    owner = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    owner[:, 30:], owner[:10] = 1, NOBODY
    depth = np.full((HEIGHT, WIDTH), 2.0)
    parts = lifted_relief(
        picture(depth, owner=owner, groups=("P01", "P02")), DepthLaw(), ALL, float("inf")
    )
    assert len(parts["P01"].faces) == 2 * 29 * 25
    assert len(parts["P02"].faces) == 2 * 33 * 25
    with pytest.raises(InputError, match="largest jump"):
        lifted_relief(picture(depth), DepthLaw(), ALL, 0.0)
