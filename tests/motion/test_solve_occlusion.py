"""Depth order from masks that cut each other."""

import numpy as np

from choreoscope.datatypes.people import MaskTrack, PersonSequence
from choreoscope.geometry.masks import encode
from choreoscope.motion.solve.occlusion import depth_orders

WIDTH, HEIGHT = 80, 60


def figure(left: int, right: int) -> np.ndarray:
    dense = np.zeros((HEIGHT, WIDTH), dtype=bool)
    dense[10:50, left:right] = True
    return dense


def somebody(name: str, left: int, right: int, frames: int = 3) -> PersonSequence:
    x, y = np.meshgrid(np.linspace(left + 1, right - 1, 6), np.linspace(12, 48, 5))
    points = np.stack([x.ravel(), y.ravel()], axis=-1)
    count = len(points)
    return PersonSequence(
        person=name,
        frames=np.arange(frames) + 100,
        boxes_xyxy=np.tile([float(left), 10.0, float(right), 50.0], (frames, 1)),
        score=np.ones(frames),
        points_px=np.tile(points, (frames, 1, 1)),
        points_m=np.zeros((frames, count, 3)),
        visibility=np.ones((frames, count)),
        hands_px=np.full((frames, 2, 21, 2), np.nan),
        hands_m=np.full((frames, 2, 21, 3), np.nan),
        hands_score=np.zeros((frames, 2)),
    )


def track(dense: np.ndarray, frames: int = 3) -> MaskTrack:
    return MaskTrack(frames=np.arange(frames) + 100, masks=(encode(dense),) * frames)


def test_whose_points_lie_under_the_other_mask_is_behind() -> None:
    people = [somebody("a", 10, 40), somebody("b", 30, 60)]
    front, whole = figure(30, 60), figure(10, 40)
    (order,) = depth_orders(people, {"a": track(whole & ~front), "b": track(front)})
    assert (order.front, order.behind) == ("b", "a")
    assert order.frames.tolist() == [100, 101, 102]
    assert np.all((order.weight > 0.3) & (order.weight <= 1))
    (turned,) = depth_orders(people, {"a": track(whole), "b": track(front & ~whole)})
    assert (turned.front, turned.behind) == ("a", "b")


def test_masks_that_only_touch_say_nothing() -> None:
    people = [somebody("a", 10, 40), somebody("b", 40, 70)]
    assert depth_orders(people, {"a": track(figure(10, 40)), "b": track(figure(40, 70))}) == ()


def test_masks_that_overlap_undecided_say_nothing() -> None:
    people = [somebody("a", 10, 40), somebody("b", 20, 50)]
    masks = {"a": track(figure(10, 35)), "b": track(figure(25, 50))}
    assert depth_orders(people, masks) == ()


def test_people_without_masks_take_no_part() -> None:
    people = [somebody("a", 10, 40), somebody("b", 30, 60)]
    assert depth_orders(people, {"a": track(figure(10, 30))}) == ()
