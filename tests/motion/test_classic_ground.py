"""The classic floor on known planes, and where it is known to fail."""

import numpy as np
import pytest

from choreoscope.motion.classic.ground import find_ground

UP = np.array([0.0, 1.0, 0.0])


def tilted(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.array([0.0, np.cos(angle), np.sin(angle)])


def on_plane(normal: np.ndarray, height: float, rng: np.random.Generator) -> np.ndarray:
    flat = rng.uniform(-2, 2, (600, 3))
    return flat + (height - flat @ normal)[:, None] * normal


@pytest.mark.parametrize("degrees", [0.0, 12.0, 40.0])
def test_a_known_plane_is_found(degrees: float) -> None:
    rng = np.random.default_rng(3)
    normal = tilted(degrees)
    toes = on_plane(normal, -1.2, rng) + rng.normal(0, 0.004, (600, 1)) * normal
    toes[::3] += rng.uniform(0.1, 0.6, (200, 1)) * normal
    toes[5] = np.nan
    ground = find_ground(toes, UP)
    assert ground.source == "plane"
    assert np.degrees(np.arccos(min(1.0, ground.up @ normal))) < 0.4
    assert ground.height == pytest.approx(-1.2, abs=0.006)
    mean = toes[np.isfinite(toes).all(axis=1)] @ normal
    assert abs(mean.mean() + 1.2) > 0.05


def test_the_normal_points_up_whichever_way_the_plane_was_drawn() -> None:
    toes = on_plane(tilted(10), 0.5, np.random.default_rng(4))
    assert find_ground(toes, UP).up @ UP > 0.9
    assert find_ground(toes, -UP).up @ UP < -0.9


def test_too_steep_a_plane_gives_way_to_the_prior() -> None:
    toes = on_plane(tilted(75), 0.0, np.random.default_rng(5))
    ground = find_ground(toes, UP)
    assert ground.source == "prior up"
    assert np.array_equal(ground.up, UP)
    assert find_ground(on_plane(tilted(55), 0.0, np.random.default_rng(5)), UP).source == "plane"


def test_a_line_leaves_the_tilt_to_chance() -> None:
    """The recipe's known fault: any plane through a line fits it; ours refuses to tilt there."""
    rng = np.random.default_rng(6)
    line = np.zeros((400, 3))
    line[:, 0] = rng.uniform(-2, 2, 400)
    line += rng.normal(0, 0.01, line.shape)
    tilts = [np.degrees(np.arccos(find_ground(line, UP, seed).up @ UP)) for seed in range(6)]
    assert max(tilts) > 5
    wide = line + rng.uniform(-2, 2, (400, 1)) * np.array([0, 0, 1.0])
    assert np.degrees(np.arccos(find_ground(wide, UP).up @ UP)) < 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_toe(count: int) -> None:
    ground = find_ground(np.full((count, 3), 0.3), UP)
    assert np.array_equal(ground.up, UP)
    assert ground.source == ("prior up" if count else "nothing")
    assert ground.height == pytest.approx(0.3 if count else 0.0, abs=0.003)


def test_all_toes_in_one_place() -> None:
    ground = find_ground(np.full((50, 3), 0.3), UP)
    assert np.array_equal(ground.up, UP)
    assert ground.height == pytest.approx(0.3, abs=0.003)


def test_the_same_draws_every_time() -> None:
    toes = on_plane(tilted(5), 0.0, np.random.default_rng(7))
    assert np.array_equal(find_ground(toes, UP, 1).up, find_ground(toes, UP, 1).up)
