"""Drawing on a frame: near the joints, inside the picture, faint where unsure."""

import time
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.viewer.overlay import (
    PersonDrawing,
    draw_people,
    draw_stamp,
    outline_of,
    overlay_size,
)
from choreoscope.viewer.palette import colours_for

COLOUR = colours_for(["p1"])["p1"]
WIDTH, HEIGHT = 480, 270


def standing(centre: tuple[float, float] = (240, 135), tall: float = 200) -> np.ndarray:
    """Points of somebody who stands upright, pixels."""
    points = np.zeros((33, 2))
    points[:11] = (0, -0.45)
    for left, (x, y) in {
        11: (0.12, -0.32),
        13: (0.16, -0.15),
        15: (0.17, 0.0),
        17: (0.18, 0.03),
        19: (0.17, 0.04),
        21: (0.16, 0.02),
        23: (0.07, 0.02),
        25: (0.08, 0.25),
        27: (0.08, 0.46),
        29: (0.08, 0.49),
        31: (0.12, 0.5),
    }.items():
        points[left], points[left + 1] = (x, y), (-x, y)
    return points * tall + np.array(centre)


def drawing(**changes: Any) -> PersonDrawing:
    points = changes.get("points_px", standing())
    finite = points[np.isfinite(points).all(axis=1)]
    box = np.concatenate([finite.min(axis=0) - 8, finite.max(axis=0) + 8])
    base: dict[str, Any] = {
        "person": "p1",
        "colour": COLOUR,
        "box_xyxy": box,
        "points_px": points,
        "visibility": np.full(33, 0.9),
        "hands_px": np.full((2, 21, 2), np.nan),
    }
    return PersonDrawing(**(base | changes))


def blank() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)


def changed(people: list[PersonDrawing], scale: float = 1.0) -> np.ndarray:
    frame = blank()
    assert draw_people(frame, people, scale) is frame
    return np.abs(frame.astype(int) - 128).sum(axis=-1)


def test_pixels_change_near_joints_and_not_far_away() -> None:
    points = standing()
    difference = changed([drawing(points_px=points)])
    for joint in (11, 12, 13, 14, 23, 24, 25, 26, 27, 28):
        x, y = points[joint].astype(int)
        assert difference[y - 2 : y + 3, x - 2 : x + 3].max() > 60
    assert difference[:, :100].max() == 0
    assert difference[:, -100:].max() == 0


def test_nobody_changes_nothing() -> None:
    assert changed([]).max() == 0


def test_scale_moves_the_drawing() -> None:
    points = standing()
    small = changed([drawing(points_px=points)], scale=0.5)
    x, y = (points[25] * 0.5).astype(int)
    assert small[y - 2 : y + 3, x - 2 : x + 3].max() > 60
    assert small[HEIGHT // 2 + 20 :, :].max() == 0


def test_half_pixel_convention() -> None:
    # A joint at the centre of pixel (100, 60), by our count (100.5, 60.5), marks that pixel most.
    points = np.full((33, 2), np.nan)
    points[13] = (100.5, 60.5)
    frame = blank()
    box = np.full(4, np.nan)
    draw_people(frame, [drawing(points_px=points, box_xyxy=box)], 1.0)
    weight = np.abs(frame.astype(float) - 128).sum(axis=-1)
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    assert (weight * (xs + 0.5)).sum() / weight.sum() == pytest.approx(100.5, abs=0.05)
    assert (weight * (ys + 0.5)).sum() / weight.sum() == pytest.approx(60.5, abs=0.05)


def test_left_and_right_are_told_apart() -> None:
    points = standing()
    frame = blank()
    draw_people(frame, [drawing(points_px=points)], 1.0)

    def shin(joint: int) -> float:
        x, y = ((points[joint] + points[joint + 2]) / 2).astype(int)
        return float(frame[y, x].astype(int).sum())

    assert shin(25) > shin(26) + 100


def test_unsure_limbs_are_fainter() -> None:
    points = standing()
    visibility = np.full(33, 0.9)
    visibility[[25, 27]] = 0.1
    x, y = ((points[25] + points[27]) / 2).astype(int)
    sure = changed([drawing(points_px=points)])[y - 3 : y + 4, x - 3 : x + 4].sum()
    unsure = changed([drawing(points_px=points, visibility=visibility)])
    assert 0 < unsure[y - 3 : y + 4, x - 3 : x + 4].sum() < 0.6 * sure


def test_bridged_people_are_fainter() -> None:
    points = standing()
    x, y = ((points[25] + points[27]) / 2).astype(int)
    window = (slice(y - 3, y + 4), slice(x - 3, x + 4))
    assert changed([drawing(bridged=True)])[window].sum() < 0.6 * changed([drawing()])[window].sum()


def test_hands_are_drawn_where_seen() -> None:
    hands = np.full((2, 21, 2), np.nan)
    hands[0] = np.stack([np.linspace(400, 430, 21), np.linspace(40, 60, 21)], axis=-1)
    assert changed([drawing(hands_px=hands)])[35:65, 395:435].max() > 60
    assert changed([drawing()])[35:65, 395:435].max() == 0


def test_mask_outline_is_tinted() -> None:
    dense = np.zeros((60, 40), dtype=np.uint8)
    dense[5:55, 5:35] = 1
    outline = outline_of(dense, corner=(30.0, 20.0))
    assert len(outline) == 1
    low, high = outline[0].min(axis=0), outline[0].max(axis=0)
    assert np.allclose(low, (35.5, 25.5))
    assert np.allclose(high, (64.5, 74.5))
    difference = changed([drawing(outline=outline)])
    assert 0 < difference[50, 50] < difference[50, 34:37].max()
    assert difference[50, 20] == 0


def test_an_empty_mask_has_no_outline() -> None:
    assert outline_of(np.zeros((5, 5), dtype=bool)) == ()


@given(
    centre=st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)),
    tall=st.floats(1, 4000),
    scale=st.floats(0.05, 4),
)
def test_any_place_and_size_can_be_drawn(
    centre: tuple[float, float], tall: float, scale: float
) -> None:
    assert changed([drawing(points_px=standing(centre, tall))], scale).shape == (HEIGHT, WIDTH)


def test_wild_and_missing_points_are_left_out() -> None:
    points = standing()
    points[13] = (1e12, -1e12)
    points[14] = np.nan
    points[27] = np.inf
    difference = changed([drawing(points_px=points)])
    assert difference[:, :100].max() == 0


def test_only_the_picture_is_written() -> None:
    room = np.full((HEIGHT + 40, WIDTH + 40, 3), 128, dtype=np.uint8)
    inside = room[20:-20, 20:-20]
    person = drawing(points_px=standing((5, 5)))
    draw_people(inside, [person], 1.0)
    draw_stamp(inside, frame=12, seconds=0.5)
    edge = room.copy()
    edge[20:-20, 20:-20] = 128
    assert (edge == 128).all()
    assert (inside != 128).any()


@pytest.mark.parametrize(
    ("film", "overlay"),
    [
        ((1920, 1080), (960, 540)),
        ((1080, 1920), (540, 960)),
        ((1768, 994), (960, 540)),
        ((641, 359), (640, 360)),
        ((1, 5000), (2, 960)),
        ((320, 240), (320, 240)),
    ],
)
def test_overlay_sizes(film: tuple[int, int], overlay: tuple[int, int]) -> None:
    assert overlay_size(*film) == overlay


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_overlay_size_is_even_and_small(width: int, height: int) -> None:
    size = overlay_size(width, height)
    assert all(side % 2 == 0 and 2 <= side <= 960 for side in size)


def test_stamp_is_written_in_the_lower_left() -> None:
    frame = blank()
    draw_stamp(frame, frame=1234, seconds=61.5)
    difference = np.abs(frame.astype(int) - 128).sum(axis=-1)
    assert difference[HEIGHT - 40 :, :200].max() > 200
    assert difference[: HEIGHT - 60].max() == 0


def test_drawing_is_cheap() -> None:
    # The budget is 4 ms of processor time for each person; twice that allows for a slow machine.
    frame = np.zeros((540, 960, 3), dtype=np.uint8)
    hands = np.random.default_rng(1).uniform(300, 340, (2, 21, 2))
    dense = np.zeros((400, 200), dtype=np.uint8)
    cv2.ellipse(dense, (100, 200), (90, 190), 0, 0, 360, 1, -1)
    person = drawing(points_px=standing((480, 270), 450), hands_px=hands, outline=outline_of(dense))
    draw_people(frame, [person], 1.0)
    start = time.process_time()
    for _ in range(20):
        draw_people(frame, [person], 1.0)
    assert (time.process_time() - start) / 20 < 0.008
