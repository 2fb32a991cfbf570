"""Top and side view: things are where they should be, in the right colour."""

from pathlib import Path

import numpy as np
import pytest
from viewer_builders import MakeMotion, camera_track

from choreoscope.datatypes.errors import OutputError
from choreoscope.datatypes.motion import Motion
from choreoscope.viewer import side_view as side
from choreoscope.viewer.board import INK, Board, png_bytes
from choreoscope.viewer.palette import colours_for
from choreoscope.viewer.side_view import side_view
from choreoscope.viewer.top_view import top_view
from choreoscope.viewer.views import check_picture, side_view_png, top_view_png

COLOURS = colours_for(["p1", "p2"])


def near(picture: np.ndarray, rgb: tuple[int, int, int], tolerance: int = 12) -> np.ndarray:
    return np.all(np.abs(picture.astype(int) - np.array(rgb)) <= tolerance, axis=-1)


def middle_of(mask: np.ndarray) -> np.ndarray:
    assert mask.any()
    return np.argwhere(mask).mean(axis=0)[::-1]


def test_seen_from_above_nothing_is_mirrored(make_motion: MakeMotion) -> None:
    # The camera looks along -z: on the page, +x is right and -z is up.
    motions = {"p1": make_motion(at=(-2.0, 0.0)), "p2": make_motion(at=(2.0, -3.0))}
    picture = top_view(motions, camera_track(), COLOURS)
    left, right = (middle_of(near(picture, COLOURS[p].rgb)) for p in ("p1", "p2"))
    assert left[0] < right[0] - 100
    assert left[1] > right[1] + 100


def test_the_plan_turns_with_the_camera(make_motion: MakeMotion) -> None:
    motions = {"p1": make_motion(at=(-2.0, 0.0)), "p2": make_motion(at=(2.0, 0.0))}
    plain = top_view(motions, None, COLOURS)
    first, second = (middle_of(near(plain, COLOURS[p].rgb)) for p in ("p1", "p2"))
    assert first[0] < second[0] - 100
    behind = camera_track()
    pose = behind.camera_from_world.copy()
    pose[:, :3, :3] = np.diag([-1.0, -1.0, 1.0])
    pose[:, :3, 3] = (0, 1.5, 6)
    object.__setattr__(behind, "camera_from_world", pose)
    turned = top_view(motions, behind, COLOURS)
    first, second = (middle_of(near(turned, COLOURS[p].rgb)) for p in ("p1", "p2"))
    assert first[0] > second[0] + 100


def test_metres_have_the_same_length_in_both_directions(make_motion: MakeMotion) -> None:
    motions = {"p1": make_motion(1, at=(0.0, 0.0)), "p2": make_motion(1, at=(2.0, -2.0))}
    picture = top_view(motions, None, COLOURS)
    first, second = (middle_of(near(picture, COLOURS[p].rgb)) for p in ("p1", "p2"))
    assert abs((second - first)[0]) == pytest.approx(abs((second - first)[1]), rel=0.25)


def test_a_far_camera_does_not_shrink_the_paths(make_motion: MakeMotion) -> None:
    motions = {"p1": make_motion()}
    far = top_view(motions, camera_track(eye=(0, 2, 300)), COLOURS)
    near_by = top_view(motions, None, COLOURS)
    # The path itself needs about as much ink in both.
    ratio = near(far, COLOURS["p1"].rgb).sum() / near(near_by, COLOURS["p1"].rgb).sum()
    assert 0.8 < ratio < 1.25


def test_bridged_stretches_are_drawn_lighter(make_motion: MakeMotion) -> None:
    seen = top_view({"p1": make_motion()}, None, COLOURS)
    gap = top_view({"p1": make_motion(unseen=tuple(range(8, 32)))}, None, COLOURS)
    assert near(gap, COLOURS["p1"].rgb).sum() < near(seen, COLOURS["p1"].rgb).sum()


def test_a_jump_is_seen_from_the_side(make_motion: MakeMotion) -> None:
    low = make_motion()
    high = make_motion()
    root = high.root_position.copy()
    root[:, 1] += 0.5
    object.__setattr__(high, "root_position", root)

    def clearance(motion: Motion) -> float:
        picture = side_view({"p1": motion}, camera_track(), COLOURS)
        figures = near(picture, COLOURS["p1"].rgb) | near(picture, COLOURS["p1"].darker(0.28))
        floor = np.flatnonzero(near(picture[:, 1170], INK, 30)).mean()
        return float(floor - np.argwhere(figures[:, 90:])[:, 0].max())

    assert clearance(low) == pytest.approx(0, abs=4)
    assert clearance(high) == pytest.approx(0.5 * side._PIXELS_PER_METRE, abs=4)


def test_eight_figures_stand_side_by_side(make_motion: MakeMotion) -> None:
    picture = side_view({"p1": make_motion()}, camera_track(), COLOURS)
    figures = near(picture, COLOURS["p1"].rgb) | near(picture, COLOURS["p1"].darker(0.28))
    # The feet of one figure are 20 cm apart, those of neighbours 1.5 m.
    row = round(side._TITLE + side._HEAD + (2.0 - 0.06) * side._PIXELS_PER_METRE)
    feet = np.flatnonzero(figures[row, 90:])
    assert (np.diff(feet) > 0.5 * side._PIXELS_PER_METRE).sum() + 1 == 8


def test_moments_avoid_frames_that_were_not_seen() -> None:
    unseen = np.zeros(80, dtype=bool)
    unseen[3:7] = True
    rows = side._moments(unseen)
    assert len(rows) == 8
    assert not unseen[rows].any()
    assert unseen[side._moments(np.ones(80, dtype=bool))].any()
    assert list(side._moments(np.zeros(1, dtype=bool))) == [0]
    assert list(side._moments(np.zeros(3, dtype=bool))) == [0, 1, 2]


def test_pictures_of_nobody_and_of_one_frame(make_motion: MakeMotion) -> None:
    for motions in ({}, {"p1": make_motion(1)}):
        for picture in (
            top_view(motions, camera_track(), COLOURS),
            side_view(motions, camera_track(), COLOURS),
            top_view(motions, None, COLOURS),
            side_view(motions, None, COLOURS),
        ):
            assert picture.shape[1:] == (1200, 3)
            assert picture.dtype == np.uint8


def test_somebody_lost_in_space_keeps_the_pictures_small(make_motion: MakeMotion) -> None:
    lost = make_motion()
    root = lost.root_position.copy()
    root[20:] = (5000.0, 900.0, -7000.0)
    object.__setattr__(lost, "root_position", root)
    for view in (top_view, side_view):
        assert view({"p1": lost}, camera_track(), COLOURS).shape[0] < 1600


def test_many_people_leave_a_word(make_motion: MakeMotion) -> None:
    motions = {f"p{k}": make_motion(3) for k in range(11)}
    colours = colours_for(motions)
    eight = side_view(dict(list(motions.items())[:8]), None, colours)
    assert side_view(motions, None, colours).shape == eight.shape
    assert not np.array_equal(side_view(motions, None, colours), eight)


def test_png_files_read_back_and_repeat(make_motion: MakeMotion, tmp_path: Path) -> None:
    motions = {"p1": make_motion()}
    for make in (top_view_png, side_view_png):
        path = tmp_path / "view.png"
        path.write_bytes(make(motions, camera_track(), COLOURS))
        check_picture(path)
        assert path.read_bytes() == make(motions, camera_track(), COLOURS)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(OutputError, match="does not decode"):
        check_picture(path)


def test_a_capsule_covers_its_ends_and_not_more() -> None:
    board = Board(100, 60)
    board.capsule(np.array([[20.0, 30.0], [80.0, 30.0]]), (10.0, 5.0), (0, 0, 0))
    dark = board.finished().sum(axis=-1) < 100
    ys, xs = np.nonzero(dark)
    assert abs(xs.min() - 10) <= 1
    assert abs(xs.max() - 84) <= 1
    assert abs(ys.min() - 20) <= 1
    truth = np.pi * (100 + 25) / 2 + 60 * 15
    assert dark.sum() == pytest.approx(truth, rel=0.05)


def test_dashes_leave_gaps() -> None:
    line = np.array([[10.0, 20.0], [190.0, 20.0]])
    inks = []
    for dashed in (False, True):
        board = Board(200, 40)
        board.line(line, (0, 0, 0), 2.0, dashed=dashed)
        inks.append(int((board.finished().sum(axis=-1) < 300).sum()))
    assert 0.3 * inks[0] < inks[1] < 0.8 * inks[0]


def test_png_of_a_picture_is_lossless() -> None:
    import cv2

    picture = np.random.default_rng(3).integers(0, 255, (12, 9, 3), dtype=np.uint8)
    coded = np.frombuffer(png_bytes(picture), dtype=np.uint8)
    assert np.array_equal(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1], picture)
