"""The stage `cloud`, performers told apart, and result folders lifted by hand."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from deliveries import HEIGHT, WIDTH, made_film, matte, metres, plate

from choreoscope import lift_depth
from choreoscope.capture.cloud.delivered import camera_standing
from choreoscope.capture.cloud.lifting import LiftOptions
from choreoscope.capture.cloud.owners import Owners
from choreoscope.capture.cloud.points import NOBODY, Sampling
from choreoscope.capture.film_record import begin_record
from choreoscope.capture.stages.cloud import STAGE, CloudOptions
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.people import MaskTrack
from choreoscope.datatypes.video import Clip, Video
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.cryptomatte import write_cryptomatte
from choreoscope.formats.masks_json import write_masks
from choreoscope.formats.passes import write_pass
from choreoscope.formats.usd_points import PointsReader
from choreoscope.geometry.masks import encode
from choreoscope.geometry.projection import lens_from_fov
from choreoscope.pipeline.choices import Choices, GivenInput
from choreoscope.pipeline.plan import plan
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.run import RunResult, run

FIRST, COUNT = 6, 4
LENS = lens_from_fov(50.0, WIDTH, HEIGHT)
SPLIT = 24


def halves(frame: int) -> dict[str, np.ndarray]:
    """Two performers: the left and the right part of the dancer; the frame after has one."""
    left = matte(frame).copy()
    left[:, SPLIT:] = False
    right = matte(frame) & ~left
    return {"P01": left, "P02": right if frame != FIRST + 1 else right & False}


@pytest.fixture
def film(tmp_path: Path) -> Video:
    return made_film(tmp_path / "dance.mp4")


@pytest.fixture
def clip(tmp_path: Path, film: Video) -> Path:
    """A result folder with depth in all frames but the last, mattes and masks."""
    root = tmp_path / "result"
    folder = root / "clip-001"
    (folder / "work").mkdir(parents=True)
    begin_record(root, film)
    record = json.loads((root / "film.json").read_text())
    record["clips"] = [{"id": "clip-001", "frames": [FIRST, FIRST + COUNT], "camera": "locked"}]
    (root / "film.json").write_text(json.dumps(record))
    camera = camera_standing(LENS.intrinsics, (WIDTH, HEIGHT), COUNT, "given")
    write_camera(folder / "camera.json", camera)
    tracks: dict[str, list[np.ndarray]] = {"P01": [], "P02": []}
    for frame in range(FIRST, FIRST + COUNT):
        for person, inside in halves(frame).items():
            tracks[person].append(inside)
        place = made(folder, "alpha", frame)
        write_pass("alpha", place, matte(frame)[..., None].astype(np.float32), rate=film.rate)
        if frame < FIRST + COUNT - 1:
            depth = metres(frame)[..., None].astype(np.float32)
            write_pass("depth", made(folder, "depth", frame), depth, rate=film.rate)
    for person, dense in tracks.items():
        path = folder / "people" / person / "masks.json"
        path.parent.mkdir(parents=True)
        frames = np.arange(FIRST, FIRST + COUNT)
        track = MaskTrack(frames=frames, masks=tuple(encode(one) for one in dense))
        write_masks(path, person, track, (HEIGHT, WIDTH))
    return folder


def made(folder: Path, name: str, frame: int) -> Path:
    path = folder / "passes" / name / f"{name}.{frame:06d}.{'png' if name == 'alpha' else 'exr'}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def given(clip: Path, *, masks: bool = True) -> tuple[GivenInput, ...]:
    frames = range(FIRST, FIRST + COUNT)
    files = {
        kind: {
            f"{frame:06d}": path for frame in frames if (path := made(clip, kind, frame)).exists()
        }
        for kind in ("depth", "alpha")
    }
    files["camera"] = {"": clip / "camera.json"}
    files["masks"] = (
        {p: clip / "people" / p / "masks.json" for p in ("P01", "P02")} if masks else {}
    )
    return tuple(GivenInput(kind=k, files=of, fingerprint=k) for k, of in files.items())


def capture(clip: Path, film: Video, out: Path, *, masks: bool = True, **said: object) -> RunResult:
    inputs = ("depth", "alpha", "camera", "masks")
    recipe = Recipe(name="cloud", stages=(STAGE,), inputs=inputs)
    options = CloudOptions.model_validate({"step": 1, **said})
    choices = Choices(options={"cloud": options}, given=given(clip, masks=masks))
    shot = Clip(id="clip-001", video=film, frames=FrameRange(FIRST, FIRST + COUNT))
    result = run(plan(recipe, shot, out, choices), RunSettings(workers=1))
    result.raise_first()
    return result


def test_the_stage_lifts_the_performers(clip: Path, film: Video, tmp_path: Path) -> None:
    result = capture(clip, film, tmp_path / "out")
    reader = PointsReader(tmp_path / "out" / "cloud" / "cloud.usdc")
    assert reader.groups == ("P01", "P02", "Scene")
    assert (reader.first_code, reader.count) == (1001, COUNT)
    for index in range(COUNT):
        clouds = reader.read(index, in_world=False)
        inside = halves(FIRST + index)
        is_there = index < COUNT - 1
        soft = matte(FIRST + index) & ~inside["P01"] & ~inside["P02"]
        # Where a performer's mask is missing, the matte near the other's mask goes to the other.
        counted = sum(len(one.points) for one in clouds.values())
        assert counted == matte(FIRST + index).sum() * is_there
        assert len(clouds["P01"].points) >= inside["P01"].sum() * is_there
        if not soft.any() and is_there:
            assert len(clouds["P02"].points) == inside["P02"].sum()
            depth = metres(FIRST + index)[inside["P01"]]
            assert -clouds["P01"].points[:, 2] == pytest.approx(depth, abs=1e-4)
    manifest = result.outcomes[0].manifest
    assert manifest is not None
    assert any("1 of 4 frames have no depth" in note for note in manifest.notes)
    assert any("1 of 4 frames of the cloud are empty" in note for note in manifest.notes)


def test_colours_are_the_films(clip: Path, film: Video, tmp_path: Path) -> None:
    capture(clip, film, tmp_path / "out", masks=False)
    cloud = PointsReader(tmp_path / "out" / "cloud" / "cloud.usdc").read(2)["Cloud"]
    level = plate(FIRST + 2)[30, 0, 0] / 255
    assert np.median(cloud.colours) == pytest.approx(((level + 0.055) / 1.055) ** 2.4, rel=0.1)


def test_options_reach_the_cloud(clip: Path, film: Video, tmp_path: Path) -> None:
    keys = [[FIRST, 2.0, 0.5]]
    capture(clip, film, tmp_path / "a", alpha=0, depth_keys=keys, start=1, only=["P01"])
    reader = PointsReader(tmp_path / "a" / "cloud" / "cloud.usdc")
    assert reader.groups == ("P01",)
    assert reader.first_code == 1
    deepest = -reader.read(0, in_world=False)["P01"].points[:, 2].min()
    assert deepest > 2 * metres(FIRST).min() + 0.5
    capture(clip, film, tmp_path / "b", masks=False, alpha=0)
    whole = PointsReader(tmp_path / "b" / "cloud" / "cloud.usdc").read(0)
    assert len(whole["Cloud"].points) == WIDTH * HEIGHT
    with pytest.raises(ValueError, match="must rise"):
        CloudOptions.model_validate({"depth_keys": [[3, 1, 0], [2, 1, 0]]})


def test_a_result_folder_is_lifted_by_hand(clip: Path, tmp_path: Path) -> None:
    options = LiftOptions(sampling=Sampling(step=1), only=("P02",))
    (made_of_film,) = lift_depth(clip.parent, tmp_path / "out", options=options)
    (made_of_clip,) = lift_depth(clip, tmp_path / "one", options=options)
    assert made_of_film.files.points == tmp_path / "out" / "clip-001" / "cloud.usdc"
    assert made_of_clip.files.points == tmp_path / "one" / "cloud.usdc"
    assert made_of_film.frames == FrameRange(FIRST, FIRST + COUNT)
    assert made_of_film.points == made_of_clip.points > 0
    for path in (clip / "passes" / "depth").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="has no depth yet"):
        lift_depth(clip.parent, tmp_path / "out")


def test_a_film_that_has_gone_leaves_grey_points(clip: Path, film: Video, tmp_path: Path) -> None:
    Path(film.path).rename(tmp_path / "elsewhere.mp4")
    (lifted,) = lift_depth(clip, tmp_path / "out", options=LiftOptions(sampling=Sampling(step=4)))
    assert any("grey" in note for note in lifted.notes)


def test_owners_by_cryptomatte(tmp_path: Path) -> None:
    left = np.zeros((6, 8), dtype=np.float32)
    left[:, :4] = 1.0
    left[:, 3] = 0.4
    right = np.zeros_like(left)
    right[:, 3] = 0.6
    right[2, 5] = 0.01
    write_cryptomatte(
        tmp_path / "p.exr", "CryptoPerson", {"P01": left, "P02": right}, rate=Fraction(25)
    )
    owners = Owners({3: tmp_path / "p.exr"}, {})
    assert owners.persons == ("P01", "P02")
    owner = owners.of_frame(3, (8, 6))
    assert (owner[:, :3] == 0).all()
    assert (owner[:, 3] == 1).all()
    assert (owner[:, 4:] == NOBODY).all()
    assert (owners.of_frame(4, (8, 6)) == NOBODY).all()
    assert owners.of_frame(3, (16, 12)).shape == (12, 16)
