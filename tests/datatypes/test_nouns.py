"""The nouns check themselves: shapes that bind across fields, frozen arrays, rules of each."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import Licence, ModelRef, RunSettings, Tier
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.datatypes.people import Mask, PersonSequence, Track
from choreoscope.datatypes.video import Clip, Colour, Video


def made_track(rows: int = 3, **changes: object) -> Track:
    fields = {
        "person": "P01",
        "frames": np.arange(rows),
        "boxes_xyxy": np.zeros((rows, 4)),
        "score": np.ones(rows),
    }
    return Track(**(fields | changes))


def made_video(pts: np.ndarray, rate: Fraction = Fraction(25)) -> Video:
    return Video(
        path="film.mp4",
        kind="film",
        width=64,
        height=48,
        rate=rate,
        pts=pts,
        time_base=Fraction(1, 1000),
        rotation=0,
        codec="h264",
        colour=Colour(
            matrix="bt709", primaries="bt709", transfer="bt709", full_range=False, bits=8
        ),
        audio=None,
        declared_frames=None,
        digest="0",
    )


def chain(joints: int = 2) -> Skeleton:
    return Skeleton(
        name="chain",
        joints=tuple(f"j{number}" for number in range(joints)),
        parents=np.arange(joints) - 1,
        rest_local=np.tile(np.eye(4), (joints, 1, 1)),
        tips=np.full((joints, 3), np.nan),
        mirror=np.arange(joints),
    )


def made_motion(**changes: object) -> Motion:
    rotations = np.zeros((4, 2, 4))
    rotations[..., 0] = 1
    fields = {
        "skeleton": chain(),
        "rate": Fraction(25),
        "first_frame": 0,
        "times": np.arange(4) / 25,
        "root_position": np.zeros((4, 3)),
        "rotations": rotations,
        "confidence": np.ones((4, 2)),
    }
    return Motion(**(fields | changes))


def test_a_letter_binds_across_fields() -> None:
    with pytest.raises(ShapeError, match=r"boxes_xyxy: expected shape \(N 4\) where N = 3"):
        made_track(boxes_xyxy=np.zeros((2, 4)))


def test_a_number_is_a_number() -> None:
    with pytest.raises(ShapeError, match=r"boxes_xyxy: expected shape \(N 4\), got \(3, 5\)"):
        made_track(boxes_xyxy=np.zeros((3, 5)))


def test_the_callers_array_stays_free_and_ours_is_frozen() -> None:
    score = np.ones(3)
    track = made_track(score=score)
    score[0] = 0
    assert track.score[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        track.score[0] = 5


def test_fields_cannot_be_replaced() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        made_track().person = "P02"


def test_text_is_no_number() -> None:
    with pytest.raises(ShapeError, match="score"):
        made_track(score=np.array(["a", "b", "c"]))


def test_frames_of_a_track_rise() -> None:
    with pytest.raises(ShapeError, match="rise"):
        made_track(frames=np.array([0, 2, 2]))


@given(st.lists(st.integers(1, 100), min_size=1, max_size=20))
def test_time_is_exact_whatever_the_intervals(steps: list[int]) -> None:
    pts = np.cumsum([0, *steps])
    video = made_video(pts)
    assert [video.time_of(frame) for frame in range(len(pts))] == [
        Fraction(int(stamp), 1000) for stamp in pts
    ]
    whole = video.times(FrameRange(0, len(pts)))
    assert whole == pytest.approx(pts / 1000)


def test_a_constant_rate_is_told_from_a_varying_one() -> None:
    assert made_video(np.arange(10) * 40).is_constant_rate
    assert not made_video(np.array([0, 40, 80, 200])).is_constant_rate


def test_time_stamps_must_rise() -> None:
    with pytest.raises(InputError, match="do not rise"):
        made_video(np.array([0, 40, 40]))


def test_a_clip_lies_inside_its_film() -> None:
    with pytest.raises(InputError, match="not inside"):
        Clip(id="clip-001", video=made_video(np.arange(5) * 40), frames=FrameRange(2, 9))


def test_runs_fill_the_picture() -> None:
    with pytest.raises(ShapeError, match="runs sum to 5"):
        Mask(height=2, width=3, counts=np.array([2, 3]))


def test_a_motion_holds_no_nan() -> None:
    root = np.zeros((4, 3))
    root[2] = np.nan
    with pytest.raises(ShapeError, match="not finite"):
        made_motion(root_position=root)


def test_quaternions_have_unit_length() -> None:
    with pytest.raises(ShapeError, match="unit length"):
        made_motion(rotations=np.ones((4, 2, 4)))


def test_confidence_lies_between_0_and_1() -> None:
    with pytest.raises(ShapeError, match="between 0 and 1"):
        made_motion(confidence=np.full((4, 2), 1.5))


def test_contacts_name_their_joints() -> None:
    with pytest.raises(ShapeError, match="contacts"):
        made_motion(contacts=np.zeros((4, 2)), contact_joints=("left_foot",))


def test_a_good_motion_is_taken() -> None:
    assert made_motion(contacts=np.zeros((4, 1)), contact_joints=("j1",)).frame_count == 4


def test_parents_come_first() -> None:
    with pytest.raises(ShapeError, match="parents before children"):
        dataclasses.replace(chain(3), parents=np.array([-1, 2, 0]))


def test_mirror_pairs_point_at_each_other() -> None:
    with pytest.raises(ShapeError, match="mirror"):
        dataclasses.replace(chain(3), mirror=np.array([0, 2, 2]))


def test_a_camera_pose_is_rigid() -> None:
    fields = {
        "width": 64,
        "height": 48,
        "intrinsics": np.eye(3)[None] * 50,
        "distortion": np.zeros(0),
        "source": "given",
        "metric": True,
    }
    CameraTrack(camera_from_world=np.eye(4)[None], **fields)
    with pytest.raises(InputError, match="rigid"):
        CameraTrack(camera_from_world=2 * np.eye(4)[None], **fields)


def test_a_model_needs_a_real_hash_and_size() -> None:
    licence = Licence(name="x", tier=Tier.COMMERCIAL, notice="x")
    with pytest.raises(InputError, match="sha256"):
        ModelRef(name="m", version="1", sources=(), sha256="abc", size=3, licence=licence)


def test_at_least_one_worker() -> None:
    with pytest.raises(InputError, match="workers"):
        RunSettings(workers=0)


def test_nobody_is_an_empty_sequence() -> None:
    empty = PersonSequence(
        person="P01",
        frames=np.zeros(0, dtype=int),
        boxes_xyxy=np.zeros((0, 4)),
        score=np.zeros(0),
        points_px=np.zeros((0, 33, 2)),
        points_m=np.zeros((0, 33, 3)),
        visibility=np.zeros((0, 33)),
        hands_px=np.zeros((0, 2, 21, 2)),
        hands_m=np.zeros((0, 2, 21, 3)),
        hands_score=np.zeros((0, 2)),
    )
    assert len(empty.track.frames) == 0
