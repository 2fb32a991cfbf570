"""A delivery from another program: found, checked, converted, asked for where it lacks."""

import json
import os
import shutil
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from deliveries import (
    FRAMES,
    HEIGHT,
    WIDTH,
    Delivery,
    Shot,
    colour,
    dance,
    delivery,
    film,
    gaps,
    matte,
    metres,
    plate,
    png,
    quick_disk,
    reasons,
    sets,
    shot,
    snapshot,
    stored_depth,
    surface,
    whole,
)

from choreoscope.datatypes.errors import InputError, StageFailedError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.formats.exr import write_exr
from choreoscope.formats.passes import read_pass
from choreoscope.formats.pictures import read_picture

__all__ = ["dance", "delivery", "quick_disk", "shot", "whole"]
"""Fixtures: used by being here."""


def test_a_whole_delivery_is_taken_in(shot: Shot, delivery: Delivery) -> None:
    before = snapshot(delivery.folder)
    manifest = shot.take()
    assert manifest.done == FrameSet.of([shot.frames])
    assert not manifest.failed
    assert not sets(shot)
    assert snapshot(delivery.folder) == before
    for name in shot.passes:
        assert len([file for file in manifest.files if file.kind == name]) == FRAMES
    for frame in (0, 17, FRAMES - 1):
        inside = matte(frame)
        assert np.array_equal(read_pass("alpha", shot.made("alpha", frame))[..., 0], inside)
        depth = read_pass("depth", shot.made("depth", frame))[..., 0]
        assert np.abs(depth - metres(frame))[inside].max() < 1e-5
        assert np.all(depth[~inside] == 0)
        normals = read_pass("normals", shot.made("normals", frame))
        assert np.abs(normals - surface(frame))[inside].max() < 1e-3
        assert np.all(normals[~inside] == 0)
    assert any("depth: taken for centimetres" in note for note in manifest.notes)
    assert not shot.news()


def test_base_colour_comes_from_the_right_picture_of_the_film(
    shot: Shot, delivery: Delivery
) -> None:
    del delivery
    shot.take()
    for frame in (0, 9, FRAMES - 1):
        made = read_pass("base_color", shot.made("base_color", frame))
        core = cv2.erode(matte(frame).astype(np.uint8), np.ones((7, 7))) > 0
        lower = core & (np.mgrid[:HEIGHT, :WIDTH][0] > 28)
        assert np.abs(made[lower] - np.array([180, 90, 60]) / 255).max() < 0.06
        other = read_pass("base_color", shot.made("base_color", (frame + 20) % FRAMES))
        assert np.abs(other[lower] - np.array([180, 90, 60]) / 255).max() > 0.3


def test_gaps_in_one_pass_are_told_asked_for_and_merged(shot: Shot, delivery: Delivery) -> None:
    lost = (3, 4, 5, 21)
    for frame in lost:
        delivery.file("Depth", frame, "exr").unlink()
    manifest = shot.take()
    assert gaps(manifest) == FrameSet.of(lost)
    assert set(manifest.failed.values()) == {"no depth; see missing/switchlight"}
    assert shot.made("alpha", 4).exists()
    assert not shot.made("depth", 4).exists()

    (asked,) = sets(shot)
    plates = sorted((asked / "plate").iterdir())
    assert [path.name for path in plates] == [f"plate.{n}.png" for n in (1001, 1002, 1003, 1004)]
    shown = [int(read_picture(path).pixels[30, 5, 0]) for path in plates]
    assert np.abs(np.array(shown) - [plate(frame)[30, 5, 0] for frame in lost]).max() <= 2
    record = json.loads((asked / "missing.json").read_text())
    numbers = {int(n): frame for n, frame in record["source_frame_of_number"].items()}
    assert numbers == dict(zip((1001, 1002, 1003, 1004), lost, strict=True))

    assert not shot.news()
    for number, frame in numbers.items():
        path = asked / "results" / "depth" / f"depth.{number}.exr"
        write_exr(path, {"Z": stored_depth("centimetres")(frame)})
    results = snapshot(asked / "results")
    assert shot.news() == FrameSet.of(lost)
    manifest = shot.take_again()
    assert manifest.done == FrameSet.of([shot.frames])
    for frame in lost:
        depth = read_pass("depth", shot.made("depth", frame))[..., 0]
        assert np.abs(depth - metres(frame))[matte(frame)].max() < 1e-5
    # What we wrote has gone, what the artist wrote has not.
    assert not (asked / "plate").exists()
    assert not (asked / "README.txt").exists()
    assert snapshot(asked / "results") == results
    assert not shot.news()


def test_answers_merged_by_another_map_would_be_wrong(shot: Shot, delivery: Delivery) -> None:
    """Control of the test above: the frames are told apart by their depth."""
    del delivery
    shot.take()
    first = read_pass("depth", shot.made("depth", 3))[..., 0]
    assert np.abs(first - metres(21))[matte(3) & matte(21)].max() > 0.1


@pytest.mark.parametrize("begin", [0, 1, 1001])
def test_answers_may_begin_at_other_numbers(shot: Shot, delivery: Delivery, begin: int) -> None:
    for frame in (10, 30):
        delivery.file("Depth", frame, "exr").unlink()
    shot.take()
    (asked,) = sets(shot)
    for at, frame in enumerate((10, 30)):
        path = asked / "results" / "Depth" / f"any_{begin + at:05d}.exr"
        path.parent.mkdir(exist_ok=True)
        write_exr(path, {"Z": stored_depth("centimetres")(frame)})
    assert not shot.take_again().failed
    for frame in (10, 30):
        depth = read_pass("depth", shot.made("depth", frame))[..., 0]
        assert np.abs(depth - metres(frame))[matte(frame)].max() < 1e-5


def test_a_late_pass(shot: Shot, delivery: Delivery) -> None:
    held = shot.out / "held"
    (delivery.folder / "Normal").rename(held)
    manifest = shot.take()
    assert gaps(manifest) == FrameSet.of([shot.frames])
    assert "no normals" in reasons(manifest)
    (asked,) = sets(shot)
    assert len(list((asked / "plate").iterdir())) == FRAMES
    depth_before = shot.made("depth", 7).stat().st_mtime_ns

    held.rename(delivery.folder / "Normal")
    manifest = shot.take_again()
    assert manifest.done == FrameSet.of([shot.frames])
    assert not manifest.failed
    assert not shot.missing.exists()
    # The other passes were not taken again.
    assert shot.made("depth", 7).stat().st_mtime_ns == depth_before


def test_frames_that_cannot_be_used_are_gaps_with_their_reason(
    shot: Shot, delivery: Delivery
) -> None:
    png(delivery.file("Alpha", 2, "png"), np.full((HEIGHT // 2, WIDTH), 255, np.uint8))
    whole_file = delivery.file("Alpha", 6, "png").read_bytes()
    delivery.file("Alpha", 6, "png").write_bytes(whole_file[: len(whole_file) // 2])
    exr = delivery.file("Depth", 8, "exr").read_bytes()
    delivery.file("Depth", 8, "exr").write_bytes(exr[: len(exr) // 2])
    delivery.file("Depth", 9, "exr").write_bytes(b"")
    write_exr(delivery.file("Depth", 11, "exr"), {"Z": np.full((HEIGHT, WIDTH), np.nan, "f4")})
    write_exr(delivery.file("Depth", 12, "exr"), {"Z": np.full((HEIGHT, WIDTH), 500.0, "f4")})
    png(delivery.file("Normal", 14, "png"), np.full((HEIGHT, WIDTH, 3), 40000, np.uint16))
    manifest = shot.take()
    assert gaps(manifest) == FrameSet.of([2, 6, 8, 9, 11, 12, 14])
    told = reasons(manifest)
    for words in (
        "2:3: alpha: 64x24 pixels instead of 64x48 (Alpha/Alpha_0002.png)",
        "6:7: alpha: the file is cut off",
        "8:9: depth: the file is cut off",
        "9:10: depth: the file is not an EXR",
        "11:12: depth: not a single finite number",
        "12:13: depth: every pixel has the same value 500",
        "14:15: normals: every pixel has the same value",
    ):
        assert words in told
    # Without its matte a frame's other passes are still there.
    assert shot.made("depth", 2).exists()
    # A frame that is still as bad is no news; mended, it is.
    assert not shot.news()
    delivery.alpha([2, 6])
    assert shot.news() == FrameSet.of([2, 6])
    assert gaps(shot.take_again()) == FrameSet.of([8, 9, 11, 12, 14])


def test_a_redelivered_frame_is_taken_again_and_nothing_else(
    shot: Shot, delivery: Delivery
) -> None:
    shot.take()
    times = {f: shot.made("depth", f).stat().st_mtime_ns for f in range(FRAMES)}
    nearer = stored_depth("centimetres")(13) * 0.5
    write_exr(delivery.file("Depth", 13, "exr"), {"Z": nearer})
    assert shot.news() == FrameSet.of([13])
    shot.take_again()
    depth = read_pass("depth", shot.made("depth", 13))[..., 0]
    assert np.abs(depth - 0.5 * metres(13))[matte(13)].max() < 1e-5
    changed = [f for f in range(FRAMES) if shot.made("depth", f).stat().st_mtime_ns != times[f]]
    assert changed == [13]


def test_a_redelivery_that_cannot_be_used_takes_nothing_away(
    shot: Shot, delivery: Delivery
) -> None:
    delivery.file("Alpha", 36, "png").unlink()
    shot.take()
    good = shot.made("depth", 13).read_bytes()
    delivery.file("Depth", 13, "exr").write_bytes(b"half a file")
    manifest = shot.take_again()
    assert gaps(manifest) == FrameSet.of([13, 36])
    assert shot.made("depth", 13).read_bytes() == good
    # The other window was not touched, and what it lacks is still asked for.
    (asked,) = sets(shot)
    assert len(list((asked / "plate").iterdir())) == 2
    delivery.depths([13])
    assert gaps(shot.take_again()) == FrameSet.of([36])


def test_missing_frames_may_be_answered_with_a_film(shot: Shot, delivery: Delivery) -> None:
    delivery.colours(30)
    shot.take()
    (asked,) = sets(shot)
    film(asked / "results" / "base_color" / "again.mp4", map(colour, range(30, FRAMES)))
    assert not shot.take_again().failed
    made = read_pass("base_color", shot.made("base_color", 35))
    wanted = colour(35) / 255
    core = cv2.erode(matte(35).astype(np.uint8), np.ones((7, 7))) > 0
    lower = core & (np.mgrid[:HEIGHT, :WIDTH][0] > 28)
    assert np.abs(made - wanted)[lower].max() < 0.06


def test_files_taken_in_may_go(shot: Shot, delivery: Delivery) -> None:
    shot.take()
    delivery.file("Depth", 13, "exr").unlink()
    delivery.file("Alpha", 14, "png").write_bytes(delivery.file("Alpha", 15, "png").read_bytes())
    assert shot.news() == FrameSet.of([14])
    manifest = shot.take_again()
    assert not manifest.failed
    assert shot.made("depth", 13).exists()


def test_waiting_ends_when_the_last_file_comes(shot: Shot, whole: Path) -> None:
    shot.passes = ("alpha",)
    shutil.copytree(whole / "Alpha", shot.delivered / "Alpha")
    held = shot.delivered / "Alpha" / "Alpha_0039.png"
    held.rename(shot.out / "held.png")
    later = threading.Timer(0.4, lambda: (shot.out / "held.png").rename(held))
    later.start()
    began = time.monotonic()
    manifest = shot.take(timeout=30)
    later.join()
    assert not manifest.failed
    assert 0.3 < time.monotonic() - began < 10


def test_waiting_ends_at_the_time_out(shot: Shot, whole: Path) -> None:
    shot.passes = ("alpha",)
    shutil.copytree(whole / "Alpha", shot.delivered / "Alpha")
    (shot.delivered / "Alpha" / "Alpha_0039.png").unlink()
    began = time.monotonic()
    manifest = shot.take(timeout="0.5s")
    assert gaps(manifest) == FrameSet.of([39])
    assert 0.5 <= time.monotonic() - began < 5


def test_a_growing_file_is_not_taken_half(shot: Shot, delivery: Delivery) -> None:
    """The file opens as a picture all the time; only its time says that it is not finished."""
    shot.passes = ("alpha",)
    old = time.time() - 100
    for path in (delivery.folder / "Alpha").iterdir():
        os.utime(path, (old, old))
    os.utime(delivery.file("Alpha", 4, "png"))
    manifest = shot.take(quiet_seconds=50)
    assert gaps(manifest) == FrameSet.of([4])
    assert "still being written" in reasons(manifest)
    assert shot.news() == FrameSet.of([4])
    assert not shot.take_again(quiet_seconds=0).failed


def test_nothing_delivered_at_all(shot: Shot) -> None:
    manifest = shot.take()
    assert gaps(manifest) == FrameSet.of([shot.frames])
    assert "no alpha, base_color, normals, depth" in reasons(manifest)
    assert len(sets(shot)) == 1


def test_a_film_that_is_cut_off_is_told(shot: Shot, delivery: Delivery) -> None:
    path = delivery.folder / "dance_BaseColor.mp4"
    path.write_bytes(path.read_bytes()[:200])
    manifest = shot.take()
    assert gaps(manifest) == FrameSet.of([shot.frames])
    assert "base_color: the film holds no picture" in reasons(manifest)


def test_a_film_with_too_few_pictures(shot: Shot, delivery: Delivery) -> None:
    delivery.colours(30)
    manifest = shot.take()
    assert gaps(manifest) == FrameSet.of([FrameRange(30, FRAMES)])
    assert "no base_color" in reasons(manifest)


def test_two_files_for_one_frame_are_refused(shot: Shot, delivery: Delivery) -> None:
    source = delivery.file("Alpha", 4, "png")
    (source.parent / "other_0004.png").write_bytes(source.read_bytes())
    with pytest.raises(StageFailedError, match="two files for frame 4 of alpha"):
        shot.take()


def test_frames_handed_out_follow_what_is_missing(shot: Shot, delivery: Delivery) -> None:
    for frame in (10, 11, 30):
        delivery.file("Depth", frame, "exr").unlink()
    shot.take()
    (first,) = sets(shot)
    delivery.depths([11])
    shot.take_again()
    (second,) = sets(shot)
    assert second != first
    assert len(list((second / "plate").iterdir())) == 2
    # One answer is there: the set is being worked on and stays, though it shrinks.
    write_exr(
        second / "results" / "depth" / "depth.1001.exr", {"Z": stored_depth("centimetres")(10)}
    )
    manifest = shot.take_again()
    assert gaps(manifest) == FrameSet.of([30])
    assert sets(shot) == [second]
    assert len(list((second / "plate").iterdir())) == 2
    # A set that was taken elsewhere is still understood when its results come home.
    late = first / "results" / "depth" / "depth.1003.exr"
    late.parent.mkdir(parents=True)
    write_exr(late, {"Z": stored_depth("centimetres")(30)})
    assert not shot.take_again().failed
    depth = read_pass("depth", shot.made("depth", 30))[..., 0]
    assert np.abs(depth - metres(30))[matte(30)].max() < 1e-5


def test_another_folder_or_time_out_makes_nothing_anew(shot: Shot, delivery: Delivery) -> None:
    shot.take()
    moved = shot.out / "elsewhere"
    shutil.move(delivery.folder, moved)
    result = shot.run(folder=str(moved), timeout=5)
    assert [outcome.state for outcome in result.outcomes] == ["skipped"]
    assert not shot.news(folder=str(moved))
    assert not shot.news(folder="{out}/elsewhere")
    # Control: where nothing of it lies, there is no news either, but what is there is news.
    (shot.out / "other").mkdir()
    shutil.copytree(moved, shot.out / "other" / "clip-001")
    delivered = Delivery(shot.out / "other" / "clip-001")
    delivered.depths([7])
    assert shot.news(folder="{out}/other/{clip}") == FrameSet.of([7])
    # Control: what changes the result does.
    result = shot.run(folder=str(moved), passes={"depth": {"unit": "centimetres"}})
    assert [outcome.state for outcome in result.outcomes] == ["finished"]


def test_a_pass_the_stage_does_not_know(shot: Shot) -> None:
    with pytest.raises(StageFailedError, match=r"takes in alpha, .*, not flow"):
        shot.take(passes={"flow": {}})


def test_unknown_passes_are_refused() -> None:
    from choreoscope.capture.stages.external import external_stage

    with pytest.raises(InputError, match="no pass 'colour'"):
        external_stage("roto", ("colour",))
