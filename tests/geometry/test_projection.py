import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import InputError
from choreoscope.geometry.projection import (
    assumed_lens,
    lens_from_focal_mm,
    lens_from_fov,
    normalised_from_pixels,
    project,
    unproject,
)

BENT = Lens(
    width=1920,
    height=1080,
    fx=1400.0,
    fy=1390.0,
    cx=951.0,
    cy=560.0,
    distortion=np.array([-0.15, 0.05, 0.001, -0.002, 0.01]),
    source="given",
)
RATIONAL = dataclasses.replace(
    BENT, distortion=np.array([0.3, -0.1, 0.0005, 0.0002, 0.02, 0.25, -0.05, 0.01])
)
STRAIGHT = dataclasses.replace(BENT, distortion=np.zeros(0))


@pytest.mark.parametrize("lens", [STRAIGHT, BENT, RATIONAL], ids=["pinhole", "five", "eight"])
@given(
    x=st.floats(-0.6, 0.6),
    y=st.floats(-0.35, 0.35),
    depth=st.floats(0.3, 60.0),
)
def test_unproject_undoes_project(lens: Lens, x: float, y: float, depth: float) -> None:
    point = np.array([x, y, 1.0]) * depth
    back = unproject(project(point, lens), depth, lens)
    np.testing.assert_allclose(back, point, atol=1e-9 * depth)


def test_closed_form_pixels() -> None:
    points = np.array([[0.0, 0.0, 5.0], [1.0, -0.5, 2.0]])
    expected = [[951.0, 560.0], [951.0 + 700.0, 560.0 - 347.5]]
    np.testing.assert_allclose(project(points, STRAIGHT), expected)


@pytest.mark.parametrize("lens", [STRAIGHT, BENT, RATIONAL], ids=["pinhole", "five", "eight"])
def test_agrees_with_opencv(lens: Lens, rng: np.random.Generator) -> None:
    import cv2

    points = rng.uniform([-0.5, -0.3, 1.0], [0.5, 0.3, 4.0], (50, 3))
    theirs, _ = cv2.projectPoints(
        points, np.zeros(3), np.zeros(3), lens.intrinsics, lens.distortion
    )
    np.testing.assert_allclose(project(points, lens), theirs[:, 0], atol=1e-8)


def test_bending_matters() -> None:
    corner = np.array([0.6, 0.35, 1.0])
    assert np.linalg.norm(project(corner, BENT) - project(corner, STRAIGHT)) > 20


def test_what_is_behind_or_unknown_stays_unknown() -> None:
    shown = project([[0.1, 0.2, -1.0], [0.1, 0.2, 0.0], [np.nan, 0.0, 1.0]], BENT)
    assert np.isnan(shown[:2]).all()
    assert np.isnan(shown[2]).any()
    assert np.isnan(normalised_from_pixels([np.nan, 3.0], BENT)).any()


def test_pixels_beyond_the_fold_of_a_lens_stay_finite() -> None:
    strong = dataclasses.replace(BENT, distortion=np.array([-0.6, 0.0, 0.0, 0.0]))
    far = normalised_from_pixels([[5000.0, 4000.0], [-3000.0, 500.0]], strong)
    assert np.isfinite(far).all()


@given(fov=st.floats(5.0, 150.0))
def test_field_of_view_meets_the_edges(fov: float) -> None:
    half = math.tan(math.radians(fov / 2))
    wide = lens_from_fov(fov, 1280, 720)
    assert project([half, 0.0, 1.0], wide)[0] == pytest.approx(1280)
    high = lens_from_fov(fov, 1280, 720, across="height")
    assert project([0.0, half, 1.0], high)[1] == pytest.approx(720)
    across = lens_from_fov(fov, 1280, 720, across="diagonal")
    corner = np.array([1280, 720]) / math.hypot(1280, 720) * half
    np.testing.assert_allclose(project([*corner, 1.0], across), [1280, 720])


def test_the_assumed_lens_is_the_normal_lens() -> None:
    lens = assumed_lens(1600, 1200)
    assert (lens.fx, lens.fy, lens.cx, lens.cy) == (2000.0, 2000.0, 800.0, 600.0)
    assert lens.source == "assumed"
    same = lens_from_fov(2 * math.degrees(math.atan(0.5)), 1600, 1200, across="diagonal")
    assert same.fx == pytest.approx(2000.0)


def test_millimetres_lie_along_the_longer_side() -> None:
    assert lens_from_focal_mm(36.0, 1920, 1080).fx == pytest.approx(1920.0)
    assert lens_from_focal_mm(36.0, 1080, 1920).fx == pytest.approx(1920.0)
    assert lens_from_focal_mm(12.0, 4000, 3000, sensor_width_mm=6.0).fx == pytest.approx(8000.0)
    assert lens_from_focal_mm(50.0, 1920, 1080).source == "given"


@pytest.mark.parametrize("fov", [0.0, -20.0, 180.0, math.nan])
def test_impossible_angles_are_refused(fov: float) -> None:
    with pytest.raises(InputError, match="field of view of 1 to 170 degrees"):
        lens_from_fov(fov, 1280, 720)


@pytest.mark.parametrize(("focal", "sensor"), [(0.0, 36.0), (-3.0, 36.0), (math.nan, 36.0), (5, 0)])
def test_impossible_lengths_are_refused(focal: float, sensor: float) -> None:
    with pytest.raises(InputError, match="above 0 mm"):
        lens_from_focal_mm(focal, 1280, 720, sensor)


@pytest.mark.parametrize(
    ("field", "value"),
    [("fx", 0.0), ("fy", math.inf), ("width", 0), ("distortion", np.zeros(3)), ("cx", math.nan)],
)
def test_a_lens_checks_itself(field: str, value: float) -> None:
    with pytest.raises(InputError, match="Lens"):
        dataclasses.replace(BENT, **{field: value})
