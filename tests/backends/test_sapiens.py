"""The Sapiens family from random weights: loaded as saved, prepared as published, sides right."""

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_sapiens

from choreoscope.backends.sapiens_family.heat_maps import points_of
from choreoscope.backends.sapiens_family.names import PARTS_V1, PARTS_V2, mirrored
from choreoscope.backends.sapiens_family.network import MEAN_V1, STD_V1, SapiensNetwork
from choreoscope.capture.passes.interfaces import (
    CropBatch,
    PassFrame,
    PersonHere,
    ShotContext,
)
from choreoscope.datatypes.errors import InputError, WeightsError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.backends import backend
from choreoscope.pipeline.weights.brought import digest_of

SIZE = tiny_sapiens.SIZE


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Load a back end from tiny weights, written once."""
    known: dict[tuple[str, str], dict[str, Any]] = {}

    def load(task: str, name: str, **more: Any) -> Any:
        if (task, name) not in known:
            folder = tmp_path_factory.mktemp(f"{task}_{name}")
            known[task, name] = tiny_sapiens.BUILDERS[task, name](folder)
        return backend(task, name).load({}, RunSettings(workers=1), known[task, name] | more)

    return load


def crops(size: tuple[int, int] = SIZE, count: int = 2, *, mirror: bool = False) -> CropBatch:
    pictures = np.random.default_rng(2).uniform(0, 1, (count, *size, 3)).astype(np.float32)
    pictures = pictures[:, :, ::-1] if mirror else pictures
    return CropBatch(
        pictures=np.ascontiguousarray(pictures),
        focal_px=np.array([900.0, 1200.0][:count]),
        people=("p1", "p2")[:count],
    )


def test_saved_weights_are_the_loaded_ones(opened: Callable[..., Any]) -> None:
    loaded = opened("parts", "sapiens2").network.module.state_dict()
    made = tiny_sapiens.network(kind="Sapiens2ForSemanticSegmentation", labels=29).state_dict()
    assert set(made) == set(loaded)
    for name, value in made.items():
        np.testing.assert_array_equal(loaded[name].numpy(), value.numpy())


def test_crops_are_prepared_by_the_published_numbers() -> None:
    network = SapiensNetwork(None, SIZE, MEAN_V1, STD_V1, dict)
    grey = np.full((1, 2, 2, 3), 100 / 255, dtype=np.float32)
    np.testing.assert_allclose(
        network.prepared(grey)[0, :, 0, 0],
        (100 - np.array([123.5, 116.5, 103.5])) / [58.5, 57, 57.5],
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    ("task", "name"), [one for one in tiny_sapiens.BUILDERS if one != ("depth", "sapiens")]
)
def test_shapes_and_determinism(opened: Callable[..., Any], task: str, name: str) -> None:
    model = opened(task, name)
    batch = crops(model.feeding.size)
    answer, again = model.infer_crops(batch), model.infer_crops(batch)
    for key, value in answer.items():
        assert value.dtype == np.float32
        assert len(value) == 2
        np.testing.assert_array_equal(value, again[key])
    assert model.model_cpu_seconds > 0
    apart = [
        model.infer_crops(
            CropBatch(
                pictures=batch.pictures[row : row + 1],
                focal_px=batch.focal_px[row : row + 1],
                people=batch.people[row : row + 1],
            )
        )
        for row in range(2)
    ]
    for key, value in answer.items():
        together = np.concatenate([one[key] for one in apart])
        np.testing.assert_allclose(value, together, atol=2e-4)


def test_names_and_sides() -> None:
    assert len(PARTS_V1) == 27
    assert len(PARTS_V2) == 28
    assert PARTS_V2[1] == "eyeglass"
    for names in (PARTS_V1, PARTS_V2):
        assert len(set(names)) == len(names)
        places = mirrored(names)
        assert [places[place] for place in places] == list(range(len(names)))
        for place, other in enumerate(places):
            assert (other != place) == names[place].startswith(("left_", "right_"))
    # The published pairs of Sapiens2, counted with the background.
    pairs = {(5, 14), (6, 15), (7, 16), (8, 17), (9, 18), (10, 19), (11, 20), (12, 21)}
    found = {(1 + one, 1 + other) for one, other in enumerate(mirrored(PARTS_V2)) if one < other}
    assert found == pairs


SWAPS: dict[tuple[str, str], Callable[[Mapping[str, np.ndarray]], np.ndarray]] = {
    ("parts", "sapiens2"): lambda answer: answer["scores"][
        :, [0, *(1 + place for place in mirrored(PARTS_V2))], :, ::-1
    ],
    ("parts", "sapiens"): lambda answer: answer["scores"][
        :, [0, *(1 + place for place in mirrored(PARTS_V1))], :, ::-1
    ],
    ("normals", "sapiens2"): lambda answer: answer["normals"][:, :, ::-1] * [-1, 1, 1],
    ("matte", "sapiens2"): lambda answer: answer["alpha"][:, :, ::-1],
    ("depth", "sapiens2_pointmap"): lambda answer: answer["depth"][:, :, ::-1],
}


@pytest.mark.parametrize(("task", "name"), SWAPS)
def test_averaging_with_the_mirror_makes_sides_alike(
    opened: Callable[..., Any], task: str, name: str
) -> None:
    key = {"parts": "scores", "matte": "alpha"}.get(task, task)

    def parted(model: Any) -> float:
        size = model.feeding.size
        plain = model.infer_crops(crops(size))[key]
        turned = SWAPS[task, name](model.infer_crops(crops(size, mirror=True)))
        both = np.isfinite(plain) & np.isfinite(turned)
        return float(np.abs(plain - turned)[both].max())

    assert parted(opened(task, name, mirror=True)) < 1e-3
    assert parted(opened(task, name)) > 1e-2, "a random network is not symmetric by itself"


def test_mirrored_points_keep_their_sides(opened: Callable[..., Any]) -> None:
    def parted(model: Any) -> float:
        heat, turned = (
            model.network.run(crops(mirror=way).pictures, model._back)["heat"]
            for way in (False, True)
        )
        return float(np.abs(heat - turned[:, [0, 2, 1, 3, 7, 5, 6, 4], :, ::-1]).max())

    assert parted(opened("pose2d", "sapiens2", mirror=True)) < 1e-3
    assert parted(opened("pose2d", "sapiens2")) > 1e-2


def test_foregrounds_are_not_premultiplied(opened: Callable[..., Any]) -> None:
    model = opened("matte", "sapiens2")
    batch = crops()
    raw = model.network.run(batch.pictures)
    answer = model.infer_crops(batch)
    carried = np.moveaxis(raw["foregrounds"], 1, -1)
    again = answer["foreground"] * answer["alpha"][..., None]
    unclipped = answer["foreground"] < 1
    np.testing.assert_allclose(again[unclipped], carried[unclipped], atol=1e-5)
    assert (answer["foreground"] >= carried - 1e-6).all()


def test_metres_follow_the_known_focal_length(opened: Callable[..., Any]) -> None:
    model = opened("depth", "sapiens2_pointmap")
    batch = crops()
    raw = model.network.run(batch.pictures)["pointmaps"][:, 2]
    metres = model.infer_crops(batch)["depth"]
    expected = raw * (batch.focal_px / 768)[:, None, None]
    known = np.isfinite(metres)
    assert known.any()
    np.testing.assert_allclose(metres[known], expected[known], rtol=1e-5)
    assert (expected[~known] <= 0.05).all()
    shot = ShotContext(size=(9, 9), rate=Fraction(25), frames=FrameRange(0, 1))
    with pytest.raises(InputError, match="focal length"):
        model.start(shot)


def test_first_generation_depth_is_of_performers_only(opened: Callable[..., Any]) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (90, 160, 3)).astype(np.uint8)
    box = PersonHere(box_xyxy=np.array([30.0, 20.0, 70.0, 80.0]), mask=None)
    model = opened("depth", "sapiens")
    frames = [
        PassFrame(frame=0, picture=picture, people={"p1": box}),
        PassFrame(frame=1, picture=picture),
    ]
    answers, state = model.infer(frames, None)
    depth = answers[0]["depth"]
    assert state == {}
    assert depth.shape == (90, 160)
    assert depth.dtype == np.float32
    assert np.isfinite(depth[20:80, 30:70]).all()
    assert np.isfinite(depth).sum() == 60 * 40
    assert np.isnan(answers[1]["depth"]).all()
    everything = opened("depth", "sapiens", whole_frame=True)
    assert np.isfinite(everything.infer(frames[1:], None)[0][0]["depth"]).all()


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    parts, settings = backend("parts", "sapiens2"), RunSettings(workers=1)
    normals = tiny_sapiens.BUILDERS["normals", "sapiens2"](tmp_path / "normals")
    with pytest.raises(WeightsError, match="are missing or have other shapes"):
        parts.load({}, settings, normals)
    few = tiny_sapiens.sapiens2(tmp_path / "few", kind="Sapiens2ForSemanticSegmentation", labels=28)
    with pytest.raises(WeightsError, match="expected scores of 29 classes, got 28"):
        parts.load({}, settings, few).infer_crops(crops())
    one_sided = tiny_sapiens.sapiens2(
        tmp_path / "sides", kind="Sapiens2ForPoseEstimation", labels=tiny_sapiens.POINTS
    )
    with pytest.raises(WeightsError, match="each other's mirror image"):
        backend("pose2d", "sapiens2").load({}, settings, one_sided | {"mirror": True})


def test_crops_are_as_large_as_the_folder_says(tmp_path: Path) -> None:
    spec, settings = backend("normals", "sapiens2"), RunSettings(workers=1)
    chosen = tiny_sapiens.BUILDERS["normals", "sapiens2"](tmp_path)
    assert spec.load({}, settings, chosen).feeding.size == SIZE

    def sized(height: int) -> dict[str, Any]:
        said = {"size": {"height": height, "width": 32}}
        place = Path(chosen["weights"])
        (place / "preprocessor_config.json").write_text(json.dumps(said))
        return chosen | {"sha256": digest_of(place)}

    model = spec.load({}, settings, sized(96))
    assert model.feeding.size == (96, 32)
    count, height, width, axes = model.infer_crops(crops((96, 32)))["normals"].shape
    assert (count, height / width, axes) == (2, 3, 3)
    with pytest.raises(WeightsError, match="crops of 90x32 are not whole patches"):
        spec.load({}, settings, sized(90))


@pytest.mark.parametrize("place", [(20.3, 11.7), (8.0, 30.0), (40.45, 25.5)])
def test_heat_maps_are_read_to_a_fraction_of_a_cell(place: tuple[float, float]) -> None:
    y, x = np.mgrid[:64, :48]
    squared = (x - place[0]) ** 2 + (y - place[1]) ** 2
    heat = np.exp(-squared / (2 * 3.0**2)).astype(np.float32)
    found = points_of(heat[None, None])[0, 0]
    np.testing.assert_allclose(found[:2], place, atol=0.03)
    assert found[2] == pytest.approx(1, abs=0.06)
    best = np.array(np.unravel_index(heat.argmax(), heat.shape))[::-1]
    coarse = np.abs(best - place).max()
    assert np.abs(found[:2] - place).max() <= coarse + 0.03


def test_empty_and_flat_heat_maps_do_no_harm() -> None:
    maps = np.stack([np.zeros((16, 12)), np.full((16, 12), 0.5), -np.ones((16, 12))])
    found = points_of(maps[None].astype(np.float32))
    assert np.isfinite(found).all()
