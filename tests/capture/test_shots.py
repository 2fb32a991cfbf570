"""Cuts and background movement on made films whose truth is known."""

import functools
import time

import numpy as np
import pytest
from made_films import TIME_BASE, place, play, view

from choreoscope.capture.background import background_shift, same_place
from choreoscope.capture.shots import ShotFinder, ShotOptions
from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.frames import FrameRange, FrameSet

TRUSTING = ShotOptions(same_blocks=1.0, shortest_shot_s=0.0)
"""Believes every cut that PySceneDetect proposes: the control of the checks."""


@functools.cache
def dance_frame(seed: int, frame: int) -> np.ndarray:
    return view(place(seed), dancer=0.5 + 0.4 * np.sin(frame / 4), noise=1 + frame)


def dancing(seed: int, count: int, start: int = 0) -> list[np.ndarray]:
    return [dance_frame(seed, start + index) for index in range(count)]


@pytest.mark.parametrize("rate", [5.0, 25.0, 60.0])
def test_hard_cuts_are_found_to_the_frame(rate: float) -> None:
    found = play(dancing(1, 30) + dancing(2, 40) + dancing(3, 30), rate=rate)
    assert found.cuts == (30, 70)
    assert [str(shot.frames) for shot in found.shots] == ["0:30", "30:70", "70:100"]


def test_cut_back_to_the_first_place_counts() -> None:
    found = play(dancing(1, 30) + dancing(2, 30) + dancing(1, 30, 60))
    assert found.cuts == (30, 60)


def test_film_may_begin_anywhere() -> None:
    found = play(dancing(1, 30) + dancing(2, 30), first=1000)
    assert found.cuts == (1030,)
    assert found.decoded == FrameSet.of([FrameRange(1000, 1060)])


@pytest.mark.parametrize("length", [1, 2, 5])
def test_flash_is_no_cut(length: int) -> None:
    film = dancing(1, 60)
    for index in range(30, 30 + length):
        film[index] = np.clip(film[index].astype(int) // 8 + 223, 0, 255).astype(np.uint8)
    assert play(film).cuts == ()
    assert play(film, options=TRUSTING).cuts != ()


def test_whole_picture_gone_for_an_instant_is_no_cut() -> None:
    film = dancing(1, 60)
    film[30] = np.full_like(film[30], 255)
    film[31] = np.zeros_like(film[31])
    assert play(film).cuts == ()


def test_sun_that_comes_out_is_no_cut() -> None:
    bright = [np.clip(picture * 0.55 + 90, 0, 255).astype(np.uint8) for picture in dancing(1, 30)]
    film = dancing(1, 30) + bright
    assert play(film).cuts == ()
    assert play(film, options=TRUSTING).cuts == (30,)


def test_fast_dancer_and_whip_pan_are_no_cuts() -> None:
    here = place(4)
    leaps = [view(here, dancer=0.5 + 0.5 * np.sin(i * 1.3), noise=i + 1) for i in range(40)]
    assert play(leaps).cuts == ()
    whip = [view(here, x=-200 + 25 * max(0, min(i - 12, 14))) for i in range(40)]
    assert play(whip).cuts == ()


def test_punch_in_is_a_cut() -> None:
    import cv2

    wide = dancing(5, 30)
    close = [cv2.resize(picture[36:108, 64:192], (256, 144)) for picture in dancing(5, 30, 30)]
    assert play(wide + close).cuts == (30,)


def test_still_camera_is_still_though_somebody_dances() -> None:
    shot = play(dancing(6, 60)).shots[0]
    assert shot.movement == "still"
    assert shot.speed_px_s is not None
    assert shot.speed_px_s < 8.0


@pytest.mark.parametrize("rate", [25.0, 50.0])
def test_pan_is_moving_at_its_speed(rate: float) -> None:
    here = place(7)
    per_s = 15.0
    film = [view(here, x=per_s * i / rate, dancer=0.5, noise=i + 1) for i in range(int(2 * rate))]
    shot = play(film, rate=rate).shots[0]
    assert shot.movement == "moving"
    # 15 small pixels a second in pictures reduced from 1920 to 256.
    assert shot.speed_px_s == pytest.approx(per_s * 1920 / 256, rel=0.1)


def test_movement_is_told_shot_by_shot() -> None:
    here = place(8)
    pan = [view(here, x=1.5 * i, noise=i + 1) for i in range(40)]
    found = play(dancing(9, 40) + pan)
    assert [shot.movement for shot in found.shots] == ["still", "moving"]


def test_bare_wall_is_unknown() -> None:
    found = play([np.full((144, 256, 3), 90, dtype=np.uint8)] * 20)
    assert found.cuts == ()
    assert found.shots[0].movement == "unknown"
    assert found.shots[0].speed_px_s is None


def test_frames_that_do_not_decode_are_told() -> None:
    found = play(dancing(1, 50), skip=lambda frame: frame in {7, 8, 20}, wanted=60)
    assert str(found.undecodable) == "7:9, 20:21, 50:60"
    assert len(found.pts) == len(found.decoded) == 47
    assert found.shots[0].frames == FrameRange(0, 60)


def test_no_frame_at_all() -> None:
    found = ShotFinder(1920, TIME_BASE, ShotOptions()).finish(FrameRange(0, 10))
    assert found.shots == ()
    assert found.cuts == ()
    assert len(found.undecodable) == 10


def test_one_frame() -> None:
    found = play(dancing(1, 1))
    assert [str(shot.frames) for shot in found.shots] == ["0:1"]


def test_frames_must_rise_and_keep_their_size() -> None:
    finder = ShotFinder(1920, TIME_BASE, ShotOptions())
    picture = view(place(1))
    finder.add(5, 0, picture)
    with pytest.raises(ShapeError, match="frame 5 came after frame 5"):
        finder.add(5, 40, picture)
    with pytest.raises(ShapeError, match="another size"):
        finder.add(6, 40, picture[:100])


def test_little_is_kept_and_little_time_is_needed() -> None:
    finder = ShotFinder(1920, TIME_BASE, ShotOptions())
    film = dancing(1, 50)
    began = time.process_time()
    for frame in range(300):
        finder.add(frame, frame * 40, film[frame % 50])
    assert (time.process_time() - began) / 300 < 0.008
    assert len(finder._recent) <= 40


def test_same_place_ignores_light_and_sees_another_place() -> None:
    here, there = view(place(1), dancer=0.3), view(place(2))
    darker = (here * 0.4).astype(np.uint8)
    assert same_place(here, darker) > 0.9
    assert same_place(here, view(place(1), x=12, y=5, dancer=0.6)) > 0.6
    assert same_place(here, there) < 0.1
    assert same_place(here, here[:, ::-1]) < 0.1
    bare = np.full_like(here, 100)
    assert same_place(bare, bare) == 1.0
    assert same_place(bare, here) == 0.0


def test_background_shift_is_the_true_one() -> None:
    import cv2

    here = place(3)
    one, two = (cv2.cvtColor(view(here, x=x, y=y), cv2.COLOR_RGB2GRAY) for x, y in ((0, 0), (3, 4)))
    assert background_shift(one, two) == pytest.approx(5.0, abs=0.1)
    assert background_shift(one, one) == pytest.approx(0.0, abs=0.01)
    assert background_shift(np.zeros_like(one), two) is None
