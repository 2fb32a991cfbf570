"""Crops: coordinates there and back, pixels read where they are, shrinking without aliasing."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.backends.people.blaze.crops import Crop, sample
from choreoscope.backends.people.blaze.detector import body_crop

crops = st.builds(
    Crop,
    st.floats(-500, 2500),
    st.floats(-500, 2500),
    st.floats(1, 3000),
    st.floats(-7, 7),
)


@given(crops, st.integers(1, 512))
def test_there_and_back(crop: Crop, size: int) -> None:
    points = np.random.default_rng(1).uniform(-size, 2 * size, (20, 2))
    back = crop.from_picture(crop.to_picture(points, size), size)
    assert np.allclose(back, points, atol=1e-6 * size)


@given(crops)
def test_the_middle_of_the_crop_is_where_it_says(crop: Crop) -> None:
    assert np.allclose(crop.to_picture(np.array([[0.5, 0.5]]), 1), [[crop.x, crop.y]])
    sides = np.linalg.norm(np.diff(crop.corners(), axis=0), axis=1)
    assert np.allclose(sides, crop.side)


def test_a_crop_of_its_own_size_copies_pixels_exactly(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)
    assert np.array_equal(sample(picture, Crop(40, 30, 32), 32), picture[14:46, 24:56])


def test_a_quarter_turn_turns_the_pixels(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    turned = sample(picture, Crop(32, 32, 32, np.pi / 2), 32).astype(int)
    wanted = np.rot90(picture[16:48, 16:48]).astype(int)
    assert np.abs(turned - wanted).max() <= 1
    assert np.abs(turned - np.rot90(wanted, 2)).max() > 50


@pytest.mark.parametrize("side", [100.0, 300.0, 611.0])
def test_a_spot_is_found_again_at_its_place(side: float) -> None:
    """Half-pixel mistakes would show as a shift of the spot's middle."""
    picture = np.zeros((700, 700, 3), dtype=np.uint8)
    x, y = 333.0, 371.0
    cv2.circle(picture, (round(x), round(y)), round(side / 20), (255, 255, 255), -1)
    crop = Crop(x + side / 10, y - side / 7, side, 0.6)
    grey = sample(picture, crop, 64)[..., 0].astype(float)
    rows, columns = np.indices(grey.shape) + 0.5
    found = np.array([[(grey * columns).sum(), (grey * rows).sum()]]) / grey.sum()
    there = crop.to_picture(found, 64)[0]
    # The drawn circle's middle is the centre of its middle pixel.
    assert np.linalg.norm(there - [x + 0.5, y + 0.5]) < max(0.1, side / 64 / 10)


def test_strong_shrinking_averages(rng: np.random.Generator) -> None:
    noise = rng.integers(0, 2, (900, 900, 1), dtype=np.uint8).repeat(3, axis=2) * 255
    shrunk = sample(noise, Crop(450, 450, 800), 50)
    assert np.abs(shrunk.astype(float) - 127.5).mean() < 15
    kept = sample(noise, Crop(450, 450, 50), 50)
    assert np.abs(kept.astype(float) - 127.5).mean() > 100


def test_outside_the_picture_is_black() -> None:
    picture = np.full((40, 40, 3), 200, dtype=np.uint8)
    assert not sample(picture, Crop(-500, -500, 90), 16).any()
    assert not sample(picture, Crop(-5000, 20, 4000), 16).any()


def test_the_body_is_upright_in_its_crop() -> None:
    crop = body_crop((100.0, 100.0), (150.0, 100.0))
    head = crop.from_picture(np.array([[150.0, 100.0]]), 1)[0]
    assert crop.side == pytest.approx(125)
    assert head == pytest.approx([0.5, 0.1])
