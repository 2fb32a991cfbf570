"""Crops in the framework: batches, who owns a pixel, what a frame's answer is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import proxy_shots
import pytest
from crop_cases import BODIES, FRAME, HEADS, SIZE, answered, context, shift_of, textured
from pass_models import CropStand, performer, shot_of

from choreoscope.capture.passes import crops as crops_module
from choreoscope.capture.passes.crops import (
    TURNS,
    plan_crops,
    whole_frame,
)
from choreoscope.capture.passes.interfaces import CropBatch, Crops, ShotContext
from choreoscope.datatypes.errors import BackendFailedError
from choreoscope.geometry.masks import decode


def scores(batch: CropBatch) -> dict[str, np.ndarray]:
    """Part 1 of the performer p1, part 2 of others; background nowhere or everywhere."""
    out = np.zeros((len(batch.people), 3, 32, 24), dtype=np.float32)
    for row, person in enumerate(batch.people):
        out[row, 1 if person == "p1" else 2] = 5.0
        out[row, 0, :16] = 9.0
    return {"scores": out}


TOUCHING = {"p1": {0: (100, 60, 160, 200)}, "p2": {0: (160, 50, 230, 210)}}


def test_masks_decide_whose_part_it_is() -> None:
    shot = context(TOUCHING)
    [answer] = answered(CropStand(scores, ("parts",)), shot)
    parts = answer["parts"]
    for place, name in enumerate(("p1", "p2")):
        mask = decode(shot.performers[name].masks[0])
        assert (parts[mask] == place).all(), "background is no answer inside a mask"
    nobody = ~np.logical_or(*(decode(one.masks[0]) for one in shot.performers.values()))
    assert (parts[nobody] == -1).all(), "nothing is a part outside"


def test_without_a_mask_the_network_says_where_somebody_is() -> None:
    shot = context({"p1": {0: (100, 60, 160, 200)}}, masked=False)
    [answer] = answered(CropStand(scores, ("parts",)), shot)
    crop = plan_crops(shot, Crops(size=(64, 48)))["p1"][0]
    middle = int(crop.frame_from_crop[1, 2] + 31.5 / crop.crop_from_frame[1, 1])
    column = answer["parts"][:, 130]
    assert (column[70 : middle - 4] == -1).all()
    assert (column[middle + 4 : 190] == 0).all()


def test_overlapping_masks_go_to_the_deeper_one() -> None:
    shot = context({"p1": {0: (100, 60, 180, 200)}, "p2": {0: (130, 60, 210, 200)}})
    parts = answered(CropStand(scores, ("parts",)), shot)[0]["parts"]
    both = np.logical_and(*(decode(one.masks[0]) for one in shot.performers.values()))
    x = np.nonzero(both)[1]
    assert ((parts[both] == 0) == (x < 155)).mean() > 0.97


def constant(name: str, value: Sequence[float]) -> Any:
    def answer(batch: CropBatch) -> dict[str, np.ndarray]:
        shape = (len(batch.people), 32, 24, *np.shape(value))
        return {name: np.broadcast_to(np.float32(value), shape).astype(np.float32)}

    return answer


@pytest.mark.parametrize(("head", "turn"), [("left", 1), ("down", 2), ("right", 3)])
def test_normals_are_turned_back(head: str, turn: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crops_module, "heads_of", lambda *_: {0: np.array(HEADS[head])})
    box = BODIES["standing" if head == "down" else "lying"]
    shot = context({"p1": {0: box}})
    model = CropStand(constant("normals", (0.0, 0.8, 0.6)), ("normals",))
    assert plan_crops(shot, model.feeding)["p1"][0].turn == turn
    monkeypatch.setattr("choreoscope.capture.passes.facing.FRAMES", 99)
    normals = answered(model, shot)[0]["normals"]
    middle = normals[(box[1] + box[3]) // 2, (box[0] + box[2]) // 2]
    towards_head = np.array(HEADS[head]) * [1, -1] / np.linalg.norm(HEADS[head])
    np.testing.assert_allclose(middle, [*(0.8 * towards_head), 0.6], atol=0.1)
    assert not np.array_equal(TURNS[turn], np.eye(2))
    mask = decode(shot.performers["p1"].masks[0])
    np.testing.assert_allclose(np.linalg.norm(normals[mask], axis=-1), 1, atol=1e-5)
    assert not normals[5, 5].any()


def own_value(name: str, values: Mapping[str, float]) -> Any:
    def answer(batch: CropBatch) -> dict[str, np.ndarray]:
        out = np.zeros((len(batch.people), 32, 24), dtype=np.float32)
        for row, person in enumerate(batch.people):
            out[row] = values[person]
        return {name: out}

    return answer


def test_depth_goes_to_the_owner_and_is_never_mixed() -> None:
    shot = context(TOUCHING)
    model = CropStand(own_value("depth", {"p1": 3.0, "p2": 5.0}), ("depth",))
    depth = answered(model, shot)[0]["depth"]
    assert set(np.unique(depth[np.isfinite(depth)])) == {3.0, 5.0}
    for name, metres in (("p1", 3.0), ("p2", 5.0)):
        assert (depth[decode(shot.performers[name].masks[0])] == metres).all()
    assert np.isnan(depth[5, 5])


def test_mattes_are_one_per_performer_and_reach_beyond_the_mask() -> None:
    shot = context(TOUCHING)
    answer = answered(CropStand(own_value("alpha", {"p1": 1.0, "p2": 1.0}), ("alpha",)), shot)[0]
    assert set(answer) == {"alpha", "alpha.p1", "alpha.p2"}
    np.testing.assert_allclose(answer["alpha.p1"] + answer["alpha.p2"], answer["alpha"], atol=1e-5)
    for name, other in (("p1", "p2"), ("p2", "p1")):
        mask = decode(shot.performers[name].masks[0])
        deep = cv2.erode(mask.astype(np.uint8), np.ones((15, 15))) > 0
        assert answer[f"alpha.{name}"][deep].min() > 0.95
        assert answer[f"alpha.{other}"][deep].max() < 0.05
    assert answer["alpha"][130, 96] > 0.9, "hair beside the mask"
    assert answer["alpha"][130, 60] == 0, "but not far from it"


def test_crops_are_packed_over_frames_and_performers() -> None:
    boxes = {
        name: dict.fromkeys(range(5), (x, 60, x + 50, 200))
        for name, x in (("p1", 20), ("p2", 130), ("p3", 220))
    }
    shot = context(boxes, 5)
    model = CropStand(
        own_value("alpha", dict.fromkeys(boxes, 0.5)), ("alpha",), Crops(size=(64, 48), batch=4)
    )
    whole = answered(model, shot)
    assert [len(batch) for batch in model.batches] == [4, 4, 4, 3]
    assert len(whole) == 5
    small = CropStand(own_value("alpha", dict.fromkeys(boxes, 0.5)), ("alpha",), model.feeding)
    for one, other in zip(whole, answered(small, shot, batch=1), strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert {len(batch) for batch in small.batches} == {1}


def test_too_many_crops_are_halved() -> None:
    def greedy(batch: CropBatch) -> dict[str, np.ndarray]:
        if len(batch.people) > limit:
            raise MemoryError
        return own_value("alpha", {"p1": 0.5, "p2": 0.5})(batch)

    limit = 1
    shot = context(TOUCHING)
    assert answered(CropStand(greedy, ("alpha",)), shot)[0]["alpha"].max() == pytest.approx(0.5)
    limit = 0
    with pytest.raises(BackendFailedError, match="frame 0: memory does not suffice"):
        answered(CropStand(greedy, ("alpha",)), shot)


def test_frames_without_anybody_are_empty() -> None:
    def nobody(batch: CropBatch) -> dict[str, np.ndarray]:
        raise AssertionError(batch.people)

    shot = context({"p1": {5: BODIES["standing"]}}, 3)
    for gives in (("alpha", "foreground"), ("normals",), ("parts",), ("depth",), ("points",)):
        for answer in answered(CropStand(nobody, gives), shot):
            for name, value in answer.items():
                if name == "depth":
                    assert np.isnan(value).all()
                elif name == "parts":
                    assert (value == -1).all()
                else:
                    assert not value.any()
            assert set(answer) == set(gives) - {"points"}


def test_the_whole_frame_stands_in_where_nobody_is_tracked() -> None:
    shot = shot_of(1, FRAME)
    picture = textured()

    def mirror(batch: CropBatch) -> dict[str, np.ndarray]:
        assert batch.people == ("",)
        assert batch.pictures.shape == (1, *SIZE, 3)
        return {"alpha": batch.pictures[..., 0]}

    model = CropStand(mirror, ("alpha",), Crops(size=SIZE, whole_frame=True))
    alpha = answered(model, shot, picture)[0]["alpha"]
    crop = whole_frame(FRAME, SIZE)
    linear = crop.crop_from_frame[:, :2]
    assert linear[0, 0] == pytest.approx(linear[1, 1], rel=0.01), "padded, not squashed"
    assert shift_of(alpha, picture[..., 0] / 255) < 0.5
    assert np.abs(alpha - picture[..., 0] / 255).mean() < 0.05
    model = CropStand(mirror, ("alpha",), Crops(size=SIZE))
    assert not answered(model, shot, picture)[0]["alpha"].any()


def test_points_come_back_to_the_frame() -> None:
    shot = context({"p1": {0: BODIES["standing"]}})
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[100:103, 140:143] = 255

    def brightest(batch: CropBatch) -> dict[str, np.ndarray]:
        grey = batch.pictures[..., 0].astype(np.float64)
        y, x = np.mgrid[: grey.shape[1], : grey.shape[2]] + 0.5
        total = grey.sum((1, 2))
        places = [(grey * x).sum((1, 2)) / total, (grey * y).sum((1, 2)) / total]
        return {"points": np.stack([*places, np.ones(len(grey))], axis=-1)[:, None]}

    [answer] = answered(CropStand(brightest, ("points",)), shot, picture)
    np.testing.assert_allclose(answer["points.p1"][0], (141.5, 101.5, 1), atol=0.2)


def test_focal_length_follows_the_crop() -> None:
    track = proxy_shots.camera(1, focal=300.0, size=FRAME)
    people = {"p1": performer("p1", {0: BODIES["very small"]}, FRAME)}
    shot = shot_of(1, FRAME, people)
    seen: list[float] = []

    def look(batch: CropBatch) -> dict[str, np.ndarray]:
        seen.append(float(batch.focal_px[0]))
        return own_value("alpha", {"p1": 1.0})(batch)

    answered(CropStand(look, ("alpha",)), shot)
    with_lens = ShotContext(
        size=FRAME, rate=shot.rate, frames=shot.frames, camera=track, performers=people
    )
    answered(CropStand(look, ("alpha",)), with_lens)
    crop = plan_crops(shot, Crops(size=(64, 48)))["p1"][0]
    assert np.isnan(seen[0])
    assert seen[1] == pytest.approx(300 * crop.scale)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"alpha": np.zeros((2, 4, 3), np.float32)}, "about 1 crops"),
        ({"alpha": np.full((1, 4, 3), np.nan, np.float32)}, "finite numbers"),
        ({"shine": np.zeros((1, 4, 3), np.float32)}, "not known by the name 'shine'"),
    ],
)
def test_wrong_answers_about_crops_are_refused(answer: Any, why: str) -> None:
    shot = context({"p1": {0: BODIES["standing"]}})
    with pytest.raises(BackendFailedError, match=why):
        answered(CropStand(lambda _: answer, ("alpha",)), shot)
