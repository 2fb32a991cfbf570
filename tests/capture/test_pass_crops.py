"""Crops round performers: where they lie, what is cut, what comes back."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import proxy_shots
import pytest
from crop_cases import BODIES, FEEDING, FRAME, HEADS, SIZE, context, shift_of, textured
from pass_models import performer, shot_of
from scipy import ndimage

from choreoscope.capture.passes import crops as crops_module
from choreoscope.capture.passes.crops import (
    HEAD_LEFT,
    HEAD_RIGHT,
    UPRIGHT,
    UPSIDE_DOWN,
    Crop,
    crop_round,
    cut,
    heads_of,
    plan_crops,
    uncropped,
)
from choreoscope.capture.passes.smoothing import averaged, largest_near, switched


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("part", [1, 2])
def test_there_and_back_is_less_than_half_a_pixel(
    body: str, head: str, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crops_module, "heads_of", lambda *_: {0: np.array(HEADS[head])})
    box = BODIES[body]
    shot = context({"p1": {0: box}})
    crop = plan_crops(shot, FEEDING)["p1"][0]
    picture = textured()
    seen = cut(picture, crop)[..., 0]
    answer = cv2.resize(seen, (SIZE[1] // part, SIZE[0] // part), interpolation=cv2.INTER_AREA)
    left, top, right, bottom = box
    rows, columns = slice(top, bottom), slice(left, right)
    back = uncropped(answer, crop, rows, columns)
    truth = picture[rows, columns, 0] / 255
    assert shift_of(truth, back) < 0.15, "half a pixel is what the house allows"
    # At a coarser grid fine texture is gone, but nothing has moved.
    assert np.abs(back - truth).mean() < (0.006 if part == 1 or crop.scale > 2 else 0.05)


def test_a_pixel_beside_is_seen() -> None:
    crop = plan_crops(context({"p1": {0: BODIES["standing"]}}), FEEDING)["p1"][0]
    picture = textured()
    seen = cut(picture, crop)[..., 0]
    rows, columns = slice(40, 200), slice(120, 180)
    moved = uncropped(np.roll(seen, 2, axis=1), crop, rows, columns)
    assert shift_of(picture[rows, columns, 0] / 255, moved) > 0.5


def test_a_crop_is_the_authors_own_warp() -> None:
    box = np.array([100.3, 35.1, 171.9, 190.2])
    centre, height = (box[:2] + box[2:]) / 2, 1.25 * (box[3] - box[1])
    crop = crop_round(centre, height, SIZE, person="p1")
    picture = textured()

    def sampled(low: np.ndarray, step: np.ndarray) -> np.ndarray:
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        places = [y * step[1] + low[1], x * step[0] + low[0]]
        return np.stack(
            [
                ndimage.map_coordinates(
                    picture[..., one].astype(float), places, order=1, mode="grid-constant"
                )
                for one in range(3)
            ],
            axis=-1,
        )

    extent = np.array([height * 0.75, height])
    theirs = sampled(centre - extent / 2, extent / (np.array([SIZE[1], SIZE[0]]) - 1)) / 255
    ours = cut(picture, crop)
    # 0.009 in normalised units is what an OpenCV warp can do: its places have 1/32 pixel.
    assert np.abs(ours - theirs).max() < 0.009 * 0.23 * 3
    assert np.abs(ours - theirs).mean() < 0.009 * 0.23
    step = extent / np.array([SIZE[1], SIZE[0]])
    half = sampled(centre - extent / 2 + step / 2 - 0.5, step) / 255
    assert np.abs(ours - half).mean() > 5 * np.abs(ours - theirs).mean()


def test_outside_the_frame_is_black_and_nobody_is_squashed() -> None:
    crop = plan_crops(context({"p1": {0: BODIES["cut by the left edge"]}}), FEEDING)["p1"][0]
    seen = cut(np.full((240, 320, 3), 200, np.uint8), crop)
    assert (seen[:, 0] == 0).all()
    assert seen[128, 150].min() > 0.7
    linear = crop.crop_from_frame[:, :2]
    assert np.linalg.norm(linear[:, 0]) == pytest.approx(np.linalg.norm(linear[:, 1]), rel=2e-3)


def test_large_frames_are_averaged_not_picked() -> None:
    size = (1600, 1200)
    stripes = np.zeros((1200, 1600, 3), np.uint8)
    stripes[:, ::2] = 255
    shot = shot_of(1, size, {"p1": performer("p1", {0: (300, 40, 1000, 1160)}, size)})
    crop = plan_crops(shot, FEEDING)["p1"][0]
    assert crop.scale < 0.25
    seen = cut(stripes, crop)
    inner = seen[60:200, 60:130]
    assert inner.std() < 0.08
    assert inner.mean() == pytest.approx(0.5, abs=0.02)
    ramp = np.repeat(np.arange(1600)[None, :, None] / 1600 * 255, 1200, 0).repeat(3, 2)
    back = uncropped(
        cut(ramp.astype(np.uint8), crop)[..., 0], crop, slice(400, 800), slice(400, 900)
    )
    truth = (ramp.astype(np.uint8) / 255)[400:800, 400:900, 0]
    assert abs((back - truth).mean()) * 1600 < 0.5


def jitter(count: int = 50, *, rate: float = 3.0, seed: int = 5) -> dict[int, np.ndarray]:
    draw = np.random.default_rng(seed)
    boxes = {}
    for frame in range(count):
        middle = np.array([60 + rate * frame, 120.0])
        half = np.array([25 + 5 * np.sin(frame / 3), 70 + 4 * np.sin(frame / 4)])
        low, high = middle - half + draw.normal(0, 2, 2), middle + half + draw.normal(0, 2, 2)
        boxes[frame] = np.concatenate([low, high])
    return boxes


def placed(plan: Mapping[int, Crop]) -> np.ndarray:
    """Centre and scale of each crop, (T, 3)."""
    middle = np.array([(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2])
    return np.array(
        [
            [*(one.frame_from_crop[:, :2] @ middle + one.frame_from_crop[:, 2]), one.scale]
            for one in (plan[frame] for frame in sorted(plan))
        ]
    )


def test_crops_do_not_jitter_and_cut_nobody() -> None:
    boxes = jitter()
    shot = context({"p1": boxes}, 50, masked=False)
    plan = plan_crops(shot, FEEDING)["p1"]
    found = placed(plan)
    raw = np.array([(box[:2] + box[2:]) / 2 for box in boxes.values()])
    jerk = np.abs(np.diff(raw, 2, axis=0)).mean()
    assert np.abs(np.diff(found[:, :2], 2, axis=0)).mean() < jerk / 8
    assert np.abs(np.diff(np.log(found[:, 2]))).max() < 0.01, "the size is nearly constant"
    tall = np.array([box[3] - box[1] for box in boxes.values()])
    assert np.abs(np.diff(np.log(tall))).max() > 0.05, "the boxes' is not"
    for frame, box in boxes.items():
        corners = np.array([box[:2], box[2:]])
        matrix = plan[frame].crop_from_frame
        inside = corners @ matrix[:, :2].T + matrix[:, 2]
        assert (inside > 0).all()
        assert (inside < [SIZE[1], SIZE[0]]).all()
    # Where the person is is not told too early or too late.
    np.testing.assert_allclose(found[10:40, 0], 60 + 3.0 * np.arange(10, 40), atol=1.5)


def test_time_reversed_crops_are_the_same() -> None:
    boxes = jitter()
    back = {49 - frame: box for frame, box in boxes.items()}
    one, other = (
        placed(plan_crops(context({"p1": own}, 50, masked=False), FEEDING)["p1"])
        for own in (boxes, back)
    )
    np.testing.assert_allclose(one, other[::-1], atol=1e-9)


def test_somebody_who_returns_begins_anew() -> None:
    boxes = dict.fromkeys(range(10), (20, 40, 60, 160))
    boxes |= dict.fromkeys(range(60, 70), (250, 100, 280, 160))
    plan = plan_crops(context({"p1": boxes}, 80), FEEDING)["p1"]
    assert sorted(plan) == sorted(boxes)
    found = placed(plan)
    np.testing.assert_allclose(found[:10, 0], 40, atol=1e-6)
    np.testing.assert_allclose(found[10:, 0], 265, atol=1e-6)
    assert np.ptp(found[:10, 2]) < 1e-9


def test_masks_beyond_the_box_widen_it() -> None:
    box, wide = (100, 60, 140, 180), performer("p1", {0: (60, 60, 200, 180)}, FRAME)
    shot = shot_of(
        1,
        FRAME,
        {
            "p1": crops_module.Performer(
                person="p1", boxes_xyxy={0: np.array(box, float)}, masks=wide.masks
            )
        },
    )
    assert placed(plan_crops(shot, FEEDING)["p1"])[0, 0] == pytest.approx(130)


@pytest.mark.parametrize(
    ("box", "head", "turn"),
    [
        ((60, 150, 220, 200), (-60, 5), HEAD_LEFT),
        ((60, 150, 220, 200), (60, 5), HEAD_RIGHT),
        ((60, 150, 220, 200), None, UPRIGHT),
        ((60, 150, 130, 200), (-60, 5), UPRIGHT),
        ((120, 40, 180, 200), (5, 60), UPSIDE_DOWN),
        ((120, 40, 180, 200), (5, -60), UPRIGHT),
    ],
)
def test_heads_are_turned_up(
    box: Sequence[float], head: Any, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = {} if head is None else {0: np.array(head)}
    monkeypatch.setattr(crops_module, "heads_of", lambda *_: ways)
    crop = plan_crops(context({"p1": {0: box}}), FEEDING)["p1"][0]
    assert crop.turn == turn
    if head is not None and turn != UPRIGHT:
        way = crop.crop_from_frame[:, :2] @ np.array(head)
        assert way[1] < -abs(way[0]), "the head is on top of the crop"
    if turn in (HEAD_LEFT, HEAD_RIGHT):
        monkeypatch.setattr(crops_module, "heads_of", lambda *_: {})
        plain = plan_crops(context({"p1": {0: box}}), FEEDING)["p1"][0]
        assert crop.scale > 1.3 * plain.scale


@pytest.mark.parametrize(
    ("turn", "way"),
    [
        ((0.0, np.pi, 0.0), (0, -1)),
        ((0.0, 0.0, np.pi / 2), (1, 0)),
        ((0.0, 0.0, -np.pi / 2), (-1, 0)),
        ((0.0, 0.0, np.pi), (0, 1)),
    ],
)
def test_the_solve_tells_where_the_head_is(turn: Any, way: Any) -> None:
    shot = proxy_shots.shot(
        proxy_shots.camera(1), {"p1": proxy_shots.motion([(0.0, 0.3, 5.0)], turn)}
    )
    found = heads_of(shot.performers["p1"], shot)[0]
    assert found @ way > 0.9 * np.linalg.norm(found)


def test_smoothing_laws() -> None:
    line = np.arange(40.0)[:, None]
    np.testing.assert_allclose(averaged(line, 2.0)[8:32], line[8:32], atol=1e-9)
    holes = line.copy()
    holes[5:8] = np.nan
    assert np.isfinite(averaged(holes, 2.0)).all()
    assert np.isnan(averaged(np.full((9, 1), np.nan), 1.0)).all()
    peaks = np.array([0, 0, 5.0, 0, 0, np.nan, 1, 0])
    np.testing.assert_array_equal(largest_near(peaks, 1), [0, 5, 5, 5, 0, 1, 1, 1])
    wave = np.array([0, 2, 1.4, 1.0, 1.4, 2, np.nan, 1.3])
    np.testing.assert_array_equal(
        switched(wave, 1.6, 1.2), [False, True, True, False, False, True, True, True]
    )
