import numpy as np
import pytest
import touch_scenes as scenes
from hypothesis import given, settings
from hypothesis import strategies as st
from touch_scenes import GROUPS, seen, steady

from choreoscope.datatypes.errors import InputError
from choreoscope.motion.touch.contacts import durations, sole_weights
from choreoscope.motion.touch.floor import FloorFit, FloorPrior, fit_floor, level_floor

UP = np.array([0.0, 1.0, 0.0])


def turn(axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    a = np.radians(degrees)
    return np.eye(3) + np.sin(a) * cross + (1 - np.cos(a)) * cross @ cross


def patch(rng: np.random.Generator, wide: float, long: float, noise: float = 0.0) -> np.ndarray:
    points = rng.uniform([-wide / 2, 0, -long / 2], [wide / 2, 0, long / 2], (400, 3))
    points[:, 1] += rng.normal(0, noise, 400) if noise else 0.0
    return points


def fitted(points: np.ndarray, prior: FloorPrior | None = None, seconds: float = 0.05) -> FloorFit:
    return fit_floor(points, np.full(len(points), seconds), prior or FloorPrior(up=UP))


def tilt_of(fit: FloorFit, up: np.ndarray = UP) -> float:
    return float(np.degrees(np.arccos(np.clip(fit.normal @ up, -1, 1))))


@given(
    degrees=st.floats(-20, 20),
    axis=st.tuples(st.floats(-1, 1), st.just(0.2), st.floats(-1, 1)),
    shift=st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(-5, 5)),
)
@settings(max_examples=20)
def test_an_exact_plane_is_found(
    degrees: float, axis: tuple[float, float, float], shift: tuple[float, float, float]
) -> None:
    rotation = turn((axis[0], 0.0, axis[2] + 1.5), degrees)
    rng = np.random.default_rng(1)
    points = patch(rng, 4, 3) @ rotation.T + shift
    fit = fitted(points, FloorPrior(up=UP, tilt_sigma=np.radians(60)))
    np.testing.assert_allclose(fit.normal, rotation @ UP, atol=2e-3)
    np.testing.assert_allclose(fit.heights(points), 0.0, atol=3e-3)
    assert fit.sources == ("measured tilt", "measured height")
    assert fit.measured.all()


def test_the_prior_pulls_as_much_as_its_sigma_says(rng: np.random.Generator) -> None:
    points = patch(rng, 3, 3, 0.01) @ turn((1, 0, 0), 8).T
    tilts = [
        tilt_of(fitted(points, FloorPrior(up=UP, tilt_sigma=np.radians(sigma))))
        for sigma in (0.0, 0.1, 0.6, 3.0, 10.0)
    ]
    assert tilts[0] == 0.0
    assert tilts == sorted(tilts)
    assert tilts[1] < 2.0
    assert tilts[-1] == pytest.approx(8.0, abs=0.4)


def test_contacts_in_one_line_tilt_the_floor_only_along_it(rng: np.random.Generator) -> None:
    along = rng.uniform(-2, 2, 400)
    flat = np.column_stack([along * 0.6, np.zeros(400), along * 0.8])
    across = np.array([0.8, 0.0, -0.6])
    tilted = (
        flat + UP * along[:, None] * np.tan(np.radians(4)) + across * rng.normal(0, 0.1, (400, 1))
    )
    tilted += UP * (tilted @ across)[:, None] * np.tan(np.radians(15))
    fit = fitted(tilted, FloorPrior(up=UP, tilt_sigma=np.radians(20)))
    assert fit.measured.tolist() == [True, False]
    assert abs(fit.directions[0] @ [0.6, 0, 0.8]) == pytest.approx(1.0, abs=1e-3)
    assert abs(fit.normal @ fit.directions[1]) < 1e-12, "the prior stands, exactly"
    assert tilt_of(fit) == pytest.approx(4.0, abs=0.7)
    assert fit.tilt_sigmas[1] == pytest.approx(np.radians(20))
    assert fit.tilt_sigmas[0] < np.radians(1.5)
    assert fit.sources[0] == "tilt measured one way"


def test_contacts_on_one_spot_leave_the_prior_alone(rng: np.random.Generator) -> None:
    up = turn((1, 0, 1), 12) @ UP
    points = patch(rng, 0.6, 0.6, 0.02) + np.array([3, 1, -2])
    fit = fitted(points, FloorPrior(up=up * 7))
    np.testing.assert_allclose(fit.normal, up, atol=1e-15)
    assert not fit.measured.any()
    assert fit.sources == ("prior tilt", "measured height")
    assert np.median(fit.heights(points)) == pytest.approx(0.0, abs=0.02)


def test_without_evidence_the_prior_is_the_answer() -> None:
    prior = FloorPrior(up=UP, height=-1.5)
    for points in (np.zeros((0, 3)), np.full((4, 3), np.nan)):
        fit = fit_floor(points, np.ones(len(points)), prior)
        assert fit.height == -1.5
        assert fit.sources == ("prior tilt", "prior height")
        assert fit.height_sigma == np.inf
        assert np.isnan(fit.residual)
    assert level_floor(0.2).sources == ("prior tilt", "told height")
    np.testing.assert_array_equal(level_floor(0.2).heights(np.array([5.0, 1.0, 2.0])), 0.8)


def test_a_told_height_stays(rng: np.random.Generator) -> None:
    points = patch(rng, 3, 3, 0.01) + 0.1 * UP
    told = FloorPrior(up=UP, height=0.0, height_sigma=0.0, tilt_sigma=0.0)
    assert fitted(points, told).height == 0.0
    guessed = FloorPrior(up=UP, height=0.0, height_sigma=0.001, tilt_sigma=0.0)
    assert 0.0 < fitted(points, guessed).height < 0.03
    assert fitted(points).height == pytest.approx(0.1, abs=0.01)


def test_a_told_height_is_that_of_the_camera_however_the_floor_tilts(
    rng: np.random.Generator,
) -> None:
    """A camera 1.5 m up that looks 9 degrees down."""
    rotation = turn((1, 0, 0), 9)
    points = (patch(rng, 3, 3, 0.01) + np.array([0.0, -1.5, -5.0])) @ rotation.T
    prior = FloorPrior(up=UP, height=-1.5, height_sigma=0.0, tilt_sigma=np.radians(10))
    fit = fitted(points, prior)
    assert fit.height == pytest.approx(-1.5, abs=1e-9)
    np.testing.assert_allclose(fit.normal, rotation @ UP, atol=0.01)
    assert fit.sources == ("measured tilt", "told height")
    loose = fitted(points, FloorPrior(up=UP, height=-1.3, height_sigma=0.5))
    assert loose.height == pytest.approx(-1.5, abs=0.05)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_what_floats_above_counts_less_than_what_would_lie_below(
    rng: np.random.Generator, share: float
) -> None:
    points = patch(rng, 4, 4, 0.01)
    above = points.copy()
    above[: int(share * 400), 1] += 0.6
    assert abs(fitted(above).heights(np.zeros(3))) < 0.03
    below = points.copy()
    below[: int(share * 400), 1] -= 0.6
    fit = fitted(below)
    assert float(fit.heights(np.array([0, -0.6, 0]))) > -0.05
    plain = above[:, 1].mean()
    assert plain > 0.15, "the mean would float"
    assert fitted(above).share == pytest.approx(1 - share, abs=0.05)


def test_turning_about_the_vertical_turns_the_answer(rng: np.random.Generator) -> None:
    points = patch(rng, 4, 2.5, 0.02) @ turn((1, 0, 0.3), 6).T
    rotation = turn((0, 1, 0), 77)
    fit, turned = fitted(points), fitted(points @ rotation.T + [2, 0, -1])
    np.testing.assert_allclose(turned.normal, rotation @ fit.normal, atol=1e-6)
    np.testing.assert_allclose(turned.tilt_sigmas, fit.tilt_sigmas, rtol=1e-4)


def test_one_person_for_long_does_not_outvote_the_others(rng: np.random.Generator) -> None:
    near, far = patch(rng, 0.5, 0.5, 0.01), patch(rng, 0.5, 0.5, 0.01) + 0.05 * UP
    points = np.concatenate([near, far])
    weights = np.concatenate([np.full(400, 5.0), np.full(400, 0.1)])
    owners = np.repeat([0, 1], 400)
    fair = fit_floor(points, weights, FloorPrior(up=UP), owners)
    assert fair.height == pytest.approx(0.025, abs=0.005)
    assert fit_floor(points, weights, FloorPrior(up=UP)).height < 0.01


def test_more_of_the_same_does_not_make_it_surer_without_end(rng: np.random.Generator) -> None:
    points = patch(rng, 3, 3, 0.02)
    short, long, endless = (fitted(points, seconds=s) for s in (0.001, 0.05, 50.0))
    assert short.height_sigma > long.height_sigma
    assert endless.height_sigma == pytest.approx(long.height_sigma, rel=0.05)
    assert long.height_sigma == pytest.approx(0.01, abs=0.003)


def test_jumps_do_not_lift_the_floor() -> None:
    """Two people who jump most of the time; the control takes every frame as evidence."""
    times = steady(30)
    points = scenes.points_of(lambda t: scenes.jumping(t, (0.3, 1.1, 1.9, 2.7, 3.5), 0.65), times)
    shown = seen(lambda t: scenes.jumping(t, (0.3, 1.1, 1.9, 2.7, 3.5), 0.65), times)
    weights = sole_weights(times, shown.contacts, GROUPS)
    assert weights.sum() > 0.3
    soles = slice(0, 10)
    everything = np.repeat(durations(times)[:, None], 10, axis=1)
    right = fit_floor(
        points[:, soles].reshape(-1, 3), weights[:, soles].reshape(-1), FloorPrior(up=UP)
    )
    wrong = fit_floor(points[:, soles].reshape(-1, 3), everything.reshape(-1), FloorPrior(up=UP))
    assert abs(right.height) < 0.01
    assert abs(wrong.height) > 0.02


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="direction"):
        FloorPrior(up=np.zeros(3))
    with pytest.raises(InputError, match="sigmas"):
        FloorPrior(up=UP, tilt_sigma=-0.1)
