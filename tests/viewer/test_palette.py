"""Colours: distinct to every eye, the same for the same people, readable."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.viewer.palette import (
    BLACK,
    HUES,
    WHITE,
    PersonColour,
    colours_for,
    contrast,
    natural_order,
)

# Machado, Oliveira, Fernandes 2009, severity 1, linear RGB.
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def oklab(rgb: tuple[int, int, int], eye: np.ndarray) -> np.ndarray:
    # Ottosson 2020.
    coded = np.array(rgb) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    mixed = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return mixed @ np.cbrt(cones @ np.clip(eye @ linear, 0, 1))


def closest(colours: list[PersonColour], eye: np.ndarray) -> float:
    seen = [oklab(colour.rgb, eye) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))


@pytest.mark.parametrize("eye", EYES)
def test_eight_hues_differ_to_every_eye(eye: str) -> None:
    assert closest(list(HUES), EYES[eye]) > 0.08


def test_the_measure_finds_hues_that_look_alike() -> None:
    red_and_green = [
        PersonColour(name="a", rgb=(190, 90, 40)),
        PersonColour(name="b", rgb=(110, 130, 40)),
    ]
    assert closest(red_and_green, EYES["normal"]) > 0.1
    assert closest(red_and_green, EYES["deuteranopia"]) < 0.08


def test_hues_stand_out_from_light_and_dark() -> None:
    for colour in HUES:
        assert contrast(colour.rgb, WHITE) > 2
        assert contrast(colour.rgb, (19, 21, 24)) > 3
        assert contrast(colour.rgb, colour.ink) > 3.5


def test_contrast_ends() -> None:
    assert contrast(WHITE, BLACK) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1


def test_twenty_four_people_get_twenty_four_colours() -> None:
    colours = colours_for(f"p{k}" for k in range(24))
    assert len({colour.rgb for colour in colours.values()}) == 24
    assert len({colour.name for colour in colours.values()}) == 24
    repeated = colours_for(f"p{k}" for k in range(25))
    assert len({colour.rgb for colour in repeated.values()}) == 24


def test_numbers_in_ids_count() -> None:
    assert natural_order(["p10", "p2", "p1", "p2"]) == ["p1", "p2", "p10"]


@given(st.lists(st.text(max_size=5), max_size=12), st.randoms(use_true_random=False))
def test_colours_do_not_depend_on_order(people: list[str], shuffler: object) -> None:
    shuffled = list(people)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert colours_for(people) == colours_for(shuffled)


def test_hex_names_the_colour() -> None:
    assert PersonColour(name="x", rgb=(1, 171, 255)).hex == "#01abff"
