"""Numbers in deliveries: which frame, which unit, how far."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from deliveries import (
    FRAMES,
    HEIGHT,
    WIDTH,
    Delivery,
    Shot,
    dance,
    delivery,
    gaps,
    matte,
    metres,
    png,
    quick_disk,
    reasons,
    shot,
    stored_depth,
    whole,
)

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.exr import write_exr
from choreoscope.formats.external_json import read_window
from choreoscope.formats.motion_npz import write_motion
from choreoscope.formats.passes import read_pass
from choreoscope.formats.pictures import read_picture
from choreoscope.pipeline.choices import Choices, GivenInput
from choreoscope.pipeline.plan import plan
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.run import run
from motions import small_skeleton, wild_motion

__all__ = ["dance", "delivery", "quick_disk", "shot", "whole"]
"""Fixtures: used by being here."""


HALF_STEP = 5.7 / 2048
"""Metres; half floats between 256 and 512 cm are a quarter of a centimetre apart."""
ROW_RAMP = np.mgrid[:HEIGHT, :WIDTH][0] / HEIGHT


def test_an_empty_matte_makes_flat_passes_right(shot: Shot, delivery: Delivery) -> None:
    png(delivery.file("Alpha", 5, "png"), np.zeros((HEIGHT, WIDTH), np.uint8))
    write_exr(delivery.file("Depth", 5, "exr"), {"Z": np.zeros((HEIGHT, WIDTH), "f4")})
    manifest = shot.take()
    assert not manifest.failed
    assert np.all(read_pass("depth", shot.made("depth", 5)) == 0)


@pytest.mark.parametrize(
    ("first", "said"), [(0, None), (1, None), (1001, None), (86400, None), (5, 5), (0, "source")]
)
def test_numbers_may_begin_anywhere(shot: Shot, first: int, said: int | str | None) -> None:
    Delivery(shot.delivered, first=first).alpha()
    shot.passes = ("alpha",)
    told = {"passes": {"alpha": {"first_number": said}}} if said is not None else {}
    manifest = shot.take(**told)
    assert not manifest.failed
    assert np.array_equal(read_pass("alpha", shot.made("alpha", 9))[..., 0], matte(9))
    guessed = [note for note in manifest.notes if "frame numbers guessed" in note]
    assert bool(guessed) == (said is None)


def test_a_wrong_declaration_is_seen(shot: Shot) -> None:
    Delivery(shot.delivered, first=1001).alpha()
    shot.passes = ("alpha",)
    manifest = shot.take(passes={"alpha": {"first_number": 0}})
    assert gaps(manifest) == FrameSet.of([shot.frames])
    assert any("set first_number" in note for note in manifest.notes)


@pytest.mark.parametrize("covers", ["clip", "film"])
def test_a_clip_that_is_part_of_the_film(shot: Shot, covers: str) -> None:
    shot.frames = FrameRange(12, 30)
    shot.passes = ("alpha",)
    frames = range(12, 30) if covers == "clip" else range(FRAMES)
    Delivery(shot.delivered, first=0).alpha(frames)
    assert not shot.take().failed
    assert np.array_equal(read_pass("alpha", shot.made("alpha", 15))[..., 0], matte(15))


def test_a_gap_at_the_end_does_not_shift_numbers(shot: Shot) -> None:
    delivery = Delivery(shot.delivered, first=1)
    delivery.alpha(range(1, FRAMES))
    shot.passes = ("alpha",)
    manifest = shot.take()
    assert gaps(manifest) == FrameSet.of([0])
    assert np.array_equal(read_pass("alpha", shot.made("alpha", 9))[..., 0], matte(9))


@pytest.mark.parametrize(
    ("unit", "is_declared"),
    [
        ("metres", True),
        ("metres", False),
        ("centimetres", True),
        ("centimetres", False),
        # From the numbers alone they cannot be told from centimetres.
        ("millimetres", True),
    ],
)
def test_depth_in_any_length_becomes_metres(shot: Shot, unit: str, is_declared: bool) -> None:
    delivery = Delivery(shot.delivered, depth=unit)
    delivery.depths(dtype=np.float16 if unit == "centimetres" else np.float32)
    shot.passes = ("depth",)
    told = {"passes": {"depth": {"unit": unit}}} if is_declared else {}
    manifest = shot.take(**told)
    for frame in (0, FRAMES - 1):
        depth = read_pass("depth", shot.made("depth", frame))[..., 0]
        assert np.abs(depth - metres(frame))[matte(frame)].max() < HALF_STEP
        assert np.all(depth[~matte(frame)] == 0)
    assert any("taken for" in note for note in manifest.notes) != is_declared


def test_a_wrong_unit_is_seen(shot: Shot) -> None:
    """Control: declared wrongly, 427 metres away is refused only when absurd, never hidden."""
    Delivery(shot.delivered, depth="millimetres").depths()
    shot.passes = ("depth",)
    manifest = shot.take(passes={"depth": {"unit": "metres"}})
    assert gaps(manifest) == FrameSet.of([shot.frames])
    assert "is the unit right?" in reasons(manifest)


def test_normalised_depth_with_near_and_far(shot: Shot) -> None:
    delivery = Delivery(shot.delivered, depth="normalised")
    delivery.alpha()
    delivery.depths()
    shot.passes = ("alpha", "depth")
    shot.take(passes={"alpha": {}, "depth": {"near": 4.0, "far": 6.0}})
    depth = read_pass("depth", shot.made("depth", 8))[..., 0]
    assert np.abs(depth - metres(8))[matte(8)].max() < 1e-5
    assert read_picture(shot.made("depth", 8)).header["unit"] == "metres"


def test_normalised_depth_without_them_stays_relative_and_says_so(shot: Shot) -> None:
    delivery = Delivery(shot.delivered, depth="normalised")
    delivery.alpha()
    delivery.depths()
    shot.passes = ("alpha", "depth")
    manifest = shot.take()
    assert read_picture(shot.made("depth", 8)).header["unit"] == "relative"
    assert any("relative, not metres" in note for note in manifest.notes)
    depth = read_pass("depth", shot.made("depth", 8))[..., 0]
    assert np.abs(depth - stored_depth("normalised")(8)).max() < 1e-6


def solved(shot: Shot, folder: Path) -> Choices:
    """A camera, and a dancer whose root is where the matte's middle is, 12 cm behind its front."""
    focal, frames = 64.0, np.arange(FRAMES)
    x = 20.5 + frames / 2
    distance = np.array([metres(f)[24, round(20 + f / 2)] for f in frames]) + 0.12
    intrinsics = np.array([[focal, 0, 32], [0, focal, 24], [0, 0, 1]])
    # The camera looks along the world's -z, y up: OpenCV's axes are turned about x by 180 degrees.
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    camera = CameraTrack(
        width=WIDTH,
        height=HEIGHT,
        intrinsics=np.tile(intrinsics, (FRAMES, 1, 1)),
        camera_from_world=np.tile(pose, (FRAMES, 1, 1)),
        distortion=np.zeros(0),
        source="given",
        metric=True,
    )
    root = np.stack([(x - 32) / focal * distance, -0.5 / focal * distance, -distance], axis=-1)
    wild = wild_motion(small_skeleton(), frames=FRAMES, rate=shot.video.rate)
    motion = dataclasses.replace(
        wild, first_frame=0, root_position=root, confidence=np.ones_like(wild.confidence)
    )
    folder.mkdir()
    write_camera(folder / "camera.json", camera)
    write_motion(folder / "motion.npz", motion, person="P01")
    files = {"camera": {"": folder / "camera.json"}, "motion": {"P01": folder / "motion.npz"}}
    given = tuple(GivenInput(kind=kind, files=of, fingerprint=kind) for kind, of in files.items())
    return Choices(options={"switchlight": shot.options()}, given=given)


def test_normalised_depth_takes_its_metres_from_the_people(shot: Shot, tmp_path: Path) -> None:
    delivery = Delivery(shot.delivered, depth="normalised")
    delivery.alpha()
    delivery.depths()
    shot.passes = ("alpha", "depth")
    recipe = Recipe(name="passes", stages=(shot.stage,), inputs=("camera", "motion"))
    planned = plan(recipe, shot.clip, shot.folder, solved(shot, tmp_path / "solved"))
    manifest = run(planned, RunSettings(workers=1)).outcomes[0].manifest
    assert manifest is not None
    assert any("fitted to the people's own depth" in note for note in manifest.notes)
    for frame in (0, 20, 39):
        depth = read_pass("depth", shot.made("depth", frame))[..., 0]
        assert np.abs(depth - metres(frame))[matte(frame)].max() < 0.03
        assert read_picture(shot.made("depth", frame)).header["unit"] == "metres"


def test_the_guess_is_kept_when_the_rest_comes(shot: Shot) -> None:
    """What comes later would look normalised by itself; it is not judged by itself."""
    delivery = Delivery(shot.delivered)
    delivery.depths(range(20))
    shot.passes = ("depth",)
    shot.take()
    for frame in range(20, FRAMES):
        near = np.where(matte(frame), 0.2 + 0.01 * ROW_RAMP, 0).astype(np.float32)
        write_exr(delivery.file("Depth", frame, "exr"), {"Z": near})
    shot.take_again()
    depth = read_pass("depth", shot.made("depth", 30))[..., 0]
    assert 0 < depth[matte(30)].max() < 0.01
    record = read_window(next((shot.folder / "work/external/switchlight").glob("*.json")))
    assert record.decisions["depth"]["depth"]["unit"] == "centimetres"


def test_depth_keys(shot: Shot) -> None:
    Delivery(shot.delivered).depths()
    shot.passes = ("depth",)
    shot.take(depth_keys=[[10, 1.0, 0.0], [20, 1.2, -0.5]])
    for frame, scale, offset in ((0, 1.0, 0.0), (15, 1.1, -0.25), (39, 1.2, -0.5)):
        depth = read_pass("depth", shot.made("depth", frame))[..., 0]
        wanted = scale * metres(frame) + offset
        assert np.abs(depth - wanted)[matte(frame)].max() < 1e-4
