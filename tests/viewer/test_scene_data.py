"""The 3D view's data: small, and exact when read back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from viewer_builders import MakeMotion, camera_track

from choreoscope.datatypes.frames import FrameRange
from choreoscope.viewer.figure import figure_points
from choreoscope.viewer.palette import colours_for
from choreoscope.viewer.scene_data import (
    MOST_BYTES,
    MOST_FRAMES,
    scene_of,
    stride_for,
    unpack_person,
)

COLOURS = colours_for(["p1", "p2", "p3"])


@settings(max_examples=15)
@given(x=st.floats(-900, 900), z=st.floats(-900, 900), frames=st.integers(1, 60))
def test_points_read_back_within_a_millimetre(
    make_motion: MakeMotion, x: float, z: float, frames: int
) -> None:
    motion = make_motion(frames, at=(x, z))
    clip = FrameRange(0, frames)
    scene = scene_of({"p1": motion}, None, COLOURS, clip, np.arange(frames) / 25)
    person = unpack_person(json.loads(json.dumps(scene))["people"][0])
    assert person.points.shape == figure_points(motion).shape
    assert np.abs(person.points - figure_points(motion)).max() < 1e-3


def test_the_measure_sees_two_millimetres(make_motion: MakeMotion) -> None:
    motion = make_motion(10)
    scene = scene_of({"p1": motion}, None, COLOURS, FrameRange(0, 10), np.arange(10) / 25)
    person = unpack_person(scene["people"][0] | {"step": scene["people"][0]["step"] * 1.01})
    assert np.abs(person.points - figure_points(motion)).max() > 1e-3


def test_rows_belong_to_the_right_frames(make_motion: MakeMotion) -> None:
    motion = make_motion(20, first=13, unseen=(4,))
    scene = scene_of({"p1": motion}, None, COLOURS, FrameRange(10, 40), np.arange(30) / 25)
    person = unpack_person(scene["people"][0])
    assert person.first == 3
    assert len(person.points) == 20
    assert person.confidence[4] == 0
    assert person.confidence[5] == pytest.approx(0.8, abs=0.003)


def test_a_motion_that_starts_before_the_clip_is_cut(make_motion: MakeMotion) -> None:
    motion = make_motion(20, first=5)
    scene = scene_of({"p1": motion}, None, COLOURS, FrameRange(10, 40), np.arange(30) / 25)
    person = unpack_person(scene["people"][0])
    assert person.first == 0
    assert np.allclose(person.points, figure_points(motion)[5:], atol=1e-3)


def test_low_but_real_confidence_never_reads_as_filled_in(make_motion: MakeMotion) -> None:
    motion = make_motion(3)
    object.__setattr__(motion, "confidence", np.full_like(motion.confidence, 1e-5))
    scene = scene_of({"p1": motion}, None, COLOURS, FrameRange(0, 3), np.arange(3) / 25)
    assert (unpack_person(scene["people"][0]).confidence > 0).all()


def test_long_clips_are_thinned(make_motion: MakeMotion) -> None:
    frames = 2 * MOST_FRAMES + 5
    motion = make_motion(frames)
    clip = FrameRange(0, frames)
    assert stride_for({"p1": motion}, clip) == 3
    scene = scene_of({"p1": motion}, camera_track(frames), COLOURS, clip, np.arange(frames) / 25)
    person = unpack_person(scene["people"][0])
    assert len(person.points) == -(-frames // 3)
    assert np.allclose(person.points, figure_points(motion)[::3], atol=1e-3)


def test_short_clips_keep_every_frame(make_motion: MakeMotion) -> None:
    assert stride_for({"p1": make_motion(40)}, FrameRange(0, 40)) == 1
    assert stride_for({}, FrameRange(0, 1)) == 1


def test_crowds_are_thinned_too(make_motion: MakeMotion) -> None:
    motions = {f"p{k}": make_motion(1500) for k in range(20)}
    stride = stride_for(motions, FrameRange(0, 1500))
    assert stride > 1
    colours = colours_for(motions)
    scene = scene_of(motions, None, colours, FrameRange(0, 1500), np.arange(1500) / 25)
    assert len(json.dumps(scene)) < 1.4 * MOST_BYTES


def test_a_thousand_frames_of_three_people_stay_below_five_megabytes(
    make_motion: MakeMotion,
) -> None:
    motions = {f"p{k}": make_motion(1000) for k in (1, 2, 3)}
    scene = scene_of(motions, camera_track(), COLOURS, FrameRange(0, 1000), np.arange(1000) / 25)
    assert scene["frames"]["stride"] == 1
    # 64 points (the house skeleton with tips) instead of this test's 19.
    assert len(json.dumps(scene)) * 64 / 19 < 4_500_000


def test_people_of_one_build_share_a_figure(make_motion: MakeMotion) -> None:
    motions = {"p1": make_motion(2), "p2": make_motion(2)}
    scene = scene_of(motions, None, COLOURS, FrameRange(0, 2), np.arange(2) / 25)
    assert len(scene["figures"]) == 1
    assert [person["colour"] for person in scene["people"]] == [
        COLOURS["p1"].hex,
        COLOURS["p2"].hex,
    ]
