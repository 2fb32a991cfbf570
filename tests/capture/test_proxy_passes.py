"""Proxy passes against closed forms: planes, bodies at known places, turning cameras."""

import dataclasses

import numpy as np
import pytest
from proxy_shots import (
    EYE_HEIGHT,
    SIZE,
    answers,
    box_of,
    camera,
    motion,
    pixels_of,
    rays,
    shot,
)

from choreoscope.capture.passes.interfaces import ShotContext
from choreoscope.capture.passes.proxy_model import (
    ProxyDepth,
    ProxyFlow,
    ProxyMatte,
    ProxyModel,
    ProxyNormals,
    ProxyParts,
)
from choreoscope.capture.passes.proxy_options import ProxyOptions
from choreoscope.capture.passes.proxy_parts import BODY_PARTS
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange

OPTIONS = ProxyOptions()
HERE = (0.0, 0.0, 4.0)


def depth(context: ShotContext, frame: int = 0, options: ProxyOptions = OPTIONS) -> np.ndarray:
    return answers(ProxyDepth(options), context, [frame])[0]["depth"]


def normals(context: ShotContext) -> np.ndarray:
    return answers(ProxyNormals(OPTIONS), context)[0]["normals"]


def matte(context: ShotContext, frame: int = 0) -> dict[str, np.ndarray]:
    return dict(answers(ProxyMatte(OPTIONS), context, [frame])[0])


def parts(context: ShotContext) -> np.ndarray:
    return answers(ProxyParts(OPTIONS), context)[0]["parts"]


def middle(labels: np.ndarray, part: str) -> np.ndarray:
    """Mean column and row of a part."""
    rows, columns = np.nonzero(labels == BODY_PARTS.index(part))
    assert len(rows), f"no {part} in the picture"
    return np.array([columns.mean(), rows.mean()])


def test_the_floor_lies_where_the_camera_says() -> None:
    track = camera(pitch=0.3)
    directions = rays(track) @ track.camera_from_world[0, :3, :3]
    exact = np.where(directions[..., 1] < 0, EYE_HEIGHT / -directions[..., 1], np.inf)
    found = depth(shot(track, {}), options=ProxyOptions(floor_metres=50.0))
    np.testing.assert_array_equal(np.isnan(found), exact > 50.0)
    near = exact <= 50.0
    np.testing.assert_allclose(found[near], exact[near], rtol=1e-5)


def test_the_floor_has_an_end_and_can_be_left_out() -> None:
    context = shot(camera(), {})
    assert np.nanmax(depth(context, options=ProxyOptions(floor_metres=12.0))) <= 12.0
    assert np.isnan(depth(context, options=ProxyOptions(floor_metres=0.0))).all()


def test_normals_of_the_floor_are_the_cameras_up() -> None:
    track = camera(pitch=0.4)
    up = track.camera_from_world[0, :3, 1] * [1, -1, -1]
    found = normals(shot(track, {}))
    seen = found.any(axis=-1)
    assert seen.any()
    np.testing.assert_allclose(found[seen], np.broadcast_to(up, found[seen].shape), atol=1e-6)
    assert up[1] > 0.9, "green points up"
    flipped = found[seen] * [1, -1, 1]
    assert np.degrees(np.arccos(flipped @ up)).min() > 40, "a flipped green would be seen"


def test_normals_of_bodies_face_us_and_are_unit() -> None:
    context = shot(camera(), {"P01": motion([HERE])})
    found = normals(context)[matte(context)["alpha"] > 0]
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1.0, atol=1e-5)
    assert np.mean(found[:, 2] > 0) > 0.99


def test_a_body_is_where_it_was_placed() -> None:
    track, moves = camera(), motion([HERE])
    context = shot(track, {"P01": moves})
    inside = matte(context)["alpha.P01"] > 0
    corners = pixels_of(track, moves, "full")
    exact = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    assert np.abs(box_of(inside) - exact).max() <= 1.0
    hips = moves.root_position[0] - [0.0, EYE_HEIGHT, 0.0]
    column, row = (120.0 * hips[:2] / hips[2] * [-1, -1] + np.array(SIZE) / 2).astype(int)
    assert 0.05 < hips[2] - depth(context)[row, column] < 0.25, "skin in front of the joint"


@pytest.mark.parametrize("distortion", [(-0.15, 0.03, 0.0, 0.0), (0.12, 0.0, 0.01, -0.01)])
def test_the_lens_bends_proxies_as_it_bends_the_film(distortion: tuple[float, ...]) -> None:
    # A body that fills the picture: there the lens bends by pixels.
    moves, size = motion([(0.2, 0.0, 1.9)]), (480, 270)
    bent = camera(size=size, focal=180.0, distortion=distortion)
    straight = camera(size=size, focal=180.0)
    corners = pixels_of(bent, moves, "full")
    exact = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    inside = matte(shot(bent, {"P01": moves}))["alpha"] > 0
    # The picture cuts nothing off but the feet; fingers thinner than a pixel may be missed.
    kept = exact.clip(0, [*size, *size])
    assert np.abs(box_of(inside) - kept).max() <= 1.5
    control = box_of(matte(shot(straight, {"P01": moves}))["alpha"] > 0)
    assert np.abs(control - kept).max() > 4, "a pinhole would be seen"


def test_left_and_right_are_the_performers() -> None:
    towards = parts(shot(camera(), {"P01": motion([HERE])}))
    assert middle(towards, "left_hand")[0] > middle(towards, "right_hand")[0] + 20
    away = parts(shot(camera(), {"P01": motion([HERE], turn=(0.0, 0.0, 0.0))}))
    assert middle(away, "left_hand")[0] < middle(away, "right_hand")[0] - 20


def test_parts_lie_in_order_and_nowhere_but_on_people() -> None:
    context = shot(camera(), {"P01": motion([HERE])})
    labels = parts(context)
    heights = [
        middle(labels, part)[1]
        for part in ("head", "neck", "torso_upper", "torso_lower", "left_thigh", "left_shin")
    ]
    assert heights == sorted(heights)
    np.testing.assert_array_equal(labels >= 0, matte(context)["alpha"] > 0)


def test_upside_down() -> None:
    labels = parts(shot(camera(), {"P01": motion([(0.0, 0.2, 4.0)], turn=(0.0, 0.0, np.pi))}))
    assert middle(labels, "head")[1] > middle(labels, "torso_lower")[1]
    assert middle(labels, "torso_lower")[1] > middle(labels, "left_shin")[1]


def test_lying() -> None:
    context = shot(
        camera(height=2.0, pitch=0.5), {"P01": motion([(0, -0.7, 4.0)], turn=(0, 0, np.pi / 2))}
    )
    # The T pose's lower arm is in the floor, which hides it.
    labels = parts(context)
    assert abs(middle(labels, "head")[0] - middle(labels, "torso_lower")[0]) > 15
    assert np.isfinite(depth(context)[labels >= 0]).all()


def test_cut_by_the_frame() -> None:
    context = shot(camera(), {"P01": motion([(0.2, 0.0, 1.2)])})
    inside = matte(context)["alpha"] > 0
    assert inside.mean() > 0.2
    assert inside[0].any(), "cut above"
    assert inside[-1].any(), "cut below"
    found = depth(context)[inside]
    assert found.min() > 0.5
    assert found.max() < 1.7


def test_very_small() -> None:
    track, moves = camera(), motion([(1.0, 0.0, 30.0)])
    inside = matte(shot(track, {"P01": moves}))["alpha"] > 0
    left, top, right, bottom = box_of(inside)
    corners = pixels_of(track, moves)
    assert abs(bottom - top - np.ptp(corners[:, 1])) <= 1.5
    assert bottom - top < 9
    assert abs((left + right) / 2 - np.mean(corners[:, 0])) <= 1.0


def test_touching() -> None:
    context = shot(
        camera(), {"P01": motion([(0.25, 0.0, 4.0)]), "P02": motion([(-0.25, 0.0, 4.0)])}
    )
    found = matte(context)
    one, two = found["alpha.P01"], found["alpha.P02"]
    assert not (one * two).any(), "a pixel has one owner"
    np.testing.assert_array_equal(one + two, found["alpha"])
    # x to the left of the picture, as the camera looks along +Z with Y up.
    assert box_of(one > 0)[0] < box_of(two > 0)[0]
    assert (np.diff(one - two, axis=1) == -2).any(), "neighbours without a gap"


def test_the_nearer_performer_hides_the_other() -> None:
    near, far = motion([(0.0, 0.0, 3.0)]), motion([(0.0, 0.0, 5.0)])
    both = matte(shot(camera(), {"P01": far, "P02": near}))
    alone = matte(shot(camera(), {"P02": near}))
    np.testing.assert_array_equal(both["alpha.P02"], alone["alpha.P02"])


def test_nobody_there() -> None:
    context = shot(camera(), {})
    bare = ProxyOptions(floor_metres=0.0)
    assert not answers(ProxyMatte(bare), context)[0]["alpha"].any()
    assert (answers(ProxyParts(bare), context)[0]["parts"] == -1).all()
    assert not answers(ProxyNormals(bare), context)[0]["normals"].any()
    assert np.isnan(answers(ProxyDepth(bare), context)[0]["depth"]).all()
    assert not answers(ProxyFlow(bare), context)[0]["flow"].any()


def test_who_leaves_and_returns_is_gone_in_between() -> None:
    # Seen, lost for 3 frames (0.12 s), seen, away for 20 frames (0.8 s), back.
    seen = [True] * 3 + [False] * 3 + [True] * 4 + [False] * 20 + [True] * 3
    context = shot(camera(33), {"P01": motion([HERE] * 33, seen=seen)})
    there = [bool(matte(context, frame)["alpha"].any()) for frame in (0, 4, 9, 10, 29, 30, 32)]
    assert there == [True, True, True, False, False, True, True]


def test_before_and_after_the_motion_nobody_is_there() -> None:
    late = dataclasses.replace(motion([HERE]), first_frame=2)
    context = shot(camera(4), {"P01": late})
    assert [bool(matte(context, frame)["alpha"].any()) for frame in range(4)] == [0, 0, 1, 0]


def test_a_clip_that_begins_late_in_the_film() -> None:
    context = shot(camera(2, pan=0.05), {"P01": motion([HERE] * 2)})
    moved = {
        name: dataclasses.replace(one, motion=dataclasses.replace(one.motion, first_frame=700))
        for name, one in context.performers.items()
        if one.motion is not None
    }
    late = dataclasses.replace(context, frames=FrameRange(700, 702), performers=moved)
    np.testing.assert_array_equal(depth(late, 701), depth(context, 1))
    assert not answers(ProxyFlow(OPTIONS), late, [701])[0]["flow"].any(), "the last frame"


def test_off_the_bodies_a_camera_that_stands_sees_nothing_move() -> None:
    places = [(0.1 * frame, 0.0, 4.0) for frame in range(3)]
    context = shot(camera(3), {"P01": motion(places)})
    model = ProxyFlow(OPTIONS)
    found = answers(model, context, [0, 1, 2])
    inside = [matte(context, frame)["alpha"] > 0 for frame in range(3)]
    assert np.abs(found[1]["flow"][~inside[1]]).max() < 1e-9
    assert not found[0]["flow_back"].any(), "nothing is before the first frame"
    assert not found[2]["flow"].any(), "nothing is after the last"
    # World +X is to the left here, so x falls; backwards it rises.
    way = 120.0 * 0.1 / depth(context, 1)[inside[1]]
    np.testing.assert_allclose(found[1]["flow"][inside[1]][:, 0], -way, atol=1e-3)
    np.testing.assert_allclose(found[1]["flow_back"][inside[1]][:, 0], way, atol=1e-3)
    assert np.abs(found[1]["flow"][inside[1]][:, 1]).max() < 1e-3, "x is x"


def test_flow_of_a_pan_is_a_homography() -> None:
    track = camera(2, pan=0.02, pitch=0.2)
    context = shot(track, {"P01": motion([HERE] * 2)})
    turn = track.camera_from_world[1, :3, :3] @ track.camera_from_world[0, :3, :3].T
    there = rays(track) @ turn.T
    pixels = 120.0 * there[..., :2] / there[..., 2:] + np.array(SIZE) / 2
    here = 120.0 * rays(track)[..., :2] + np.array(SIZE) / 2
    found = answers(ProxyFlow(OPTIONS), context, [0])[0]["flow"]
    np.testing.assert_allclose(found, pixels - here, atol=2e-3)
    assert found[..., 0].max() < 0, "turning right moves the picture to the left"


@pytest.mark.parametrize("kind", [ProxyDepth, ProxyNormals, ProxyParts, ProxyMatte, ProxyFlow])
def test_neither_batches_nor_threads_show(kind: type[ProxyModel]) -> None:
    places = [(0.1 * frame, 0.0, 3.0) for frame in range(4)]
    context = shot(camera(4, pan=0.01), {"P01": motion(places)})
    together = answers(kind(OPTIONS, threads=2), context, range(4))
    alone = [answers(kind(OPTIONS), context, [frame])[0] for frame in range(4)]
    for one, other in zip(together, alone, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_without_a_body_a_simple_figure_stands_in_and_it_is_said() -> None:
    moves = motion([HERE])
    model = ProxyParts(OPTIONS)
    labels = answers(model, shot(camera(), {"P01": moves, "P02": None}, bodies=False))[0]["parts"]
    assert middle(labels, "left_hand")[0] > middle(labels, "right_hand")[0] + 20
    assert middle(labels, "head")[1] < middle(labels, "left_shin")[1]
    said = "; ".join(model.notes)
    assert "not from the film" in said
    assert "P01 is a simple figure" in said
    assert "P02 was not solved" in said


def test_small_people_get_the_coarse_surface_and_it_hardly_shows() -> None:
    track = camera(size=(640, 360), focal=480.0)

    def inside(place: tuple[float, float, float], detail: str) -> np.ndarray:
        options = ProxyOptions(detail=detail)  # type: ignore[arg-type]
        context = shot(track, {"P01": motion([place])})
        return answers(ProxyMatte(options), context)[0]["alpha"] > 0

    far, near = (0.0, 0.0, 20.0), (0.0, 0.0, 5.0)
    np.testing.assert_array_equal(inside(far, "auto"), inside(far, "low"))
    np.testing.assert_array_equal(inside(near, "auto"), inside(near, "full"))
    low, full = inside(far, "low"), inside(far, "full")
    assert np.count_nonzero(low ^ full) < 0.06 * np.count_nonzero(full)


def test_a_shot_without_a_solved_camera_is_refused_in_words() -> None:
    context = dataclasses.replace(shot(camera(), {}), camera=None)
    with pytest.raises(InputError, match="solved camera"):
        ProxyDepth(OPTIONS).start(context)
    with pytest.raises(InputError, match="before infer"):
        ProxyDepth(OPTIONS).infer([], None)


@pytest.mark.parametrize(
    "wrong", [{"detail": "high"}, {"floor_metres": -1.0}, {"bridge_seconds": float("nan")}]
)
def test_options_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        ProxyOptions(**wrong)  # type: ignore[arg-type]


def test_a_motion_of_another_skeleton_is_no_reason_to_fail() -> None:
    moves = motion([HERE])
    longer = moves.skeleton.rest_local.copy()
    longer[1:, :3, 3] *= 1.1
    other = dataclasses.replace(moves.skeleton, rest_local=longer)
    model = ProxyMatte(OPTIONS)
    context = shot(camera(), {"P01": dataclasses.replace(moves, skeleton=other)})
    assert answers(model, context)[0]["alpha"].any()
    assert any("simple figure" in note for note in model.notes)
