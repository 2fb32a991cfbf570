"""MoGe-2 by a stand-in for its module, and by the real one where it is installed."""

import sys
import types
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from depth_cases import HEIGHT, WIDTH, shot_of, soft_frames
from tiny_depth import options, shake

from choreoscope.backends.depth import moge2
from choreoscope.backends.normals import moge2 as moge2_normals
from choreoscope.backends.torch_models import moge
from choreoscope.datatypes.errors import BackendUnavailableError, InputError, WeightsError
from choreoscope.datatypes.models import RunSettings, Tier

torch = pytest.importorskip("torch")

ONE = RunSettings(workers=1)


class StandIn(torch.nn.Module):
    """A floor seen from 1.5 m above it, in the real module's axes and shapes."""

    def __init__(self, normals: bool) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))
        if normals:
            self.normal_head = torch.nn.Linear(1, 1)
        self.asked: dict[str, Any] = {}

    def infer(self, image: Any, **asked: Any) -> dict[str, Any]:
        self.asked = asked | {"image": image}
        count, _, height, width = image.shape
        fov = asked["fov_x"]
        fov = torch.full((count,), 60.0) if fov is None else fov
        focal = 0.5 / torch.tan(torch.deg2rad(fov) / 2)
        rows = (torch.arange(height) + 0.5) / width - 0.5 * height / width
        depth = torch.where(rows > 0, 1.5 * focal[:, None] / rows.clamp(min=1e-6), torch.inf)
        depth = depth[:, :, None].expand(count, height, width) * self.scale
        found = {"depth": depth, "intrinsics": torch.zeros(count, 3, 3), "mask": depth < 1e9}
        found["intrinsics"][:, 0, 0] = focal
        if hasattr(self, "normal_head"):
            # The floor's upward normal, y pointing down.
            up = torch.tensor([0.0, -1.0, 0.0]).expand(count, height, width, 3)
            found["normal"] = torch.where(found["mask"][..., None], up, torch.zeros(3))
        return found


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("moge.model.v2")
    module.MoGeModel = StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "utils3d", types.ModuleType("utils3d"))
    monkeypatch.setitem(sys.modules, "moge", types.ModuleType("moge"))
    monkeypatch.setitem(sys.modules, "moge.model", types.ModuleType("moge.model"))
    monkeypatch.setitem(sys.modules, "moge.model.v2", module)


def written(folder: Path, config: Mapping[str, Any], network: Any) -> dict[str, Any]:
    path = folder / "model.pt"
    torch.save({"model_config": dict(config), "model": network.state_dict()}, path)
    return options(path)


def brought(folder: Path, *, normals: bool = True) -> dict[str, Any]:
    return written(folder, {"normals": normals}, StandIn(normals))


@pytest.mark.usefixtures("stand_in")
def test_depth_with_the_cameras_field_of_view(tmp_path: Path) -> None:
    model = moge2.SPEC.load({}, ONE, brought(tmp_path))
    frames = soft_frames(2)
    model.start(shot_of(2, source="given"))
    answers, _ = model.infer(frames, None)
    assert model.depth_space == "scale"
    assert model.origin == "moge2"
    asked = model.network.module.asked
    assert asked["fov_x"].tolist() == pytest.approx([np.degrees(2 * np.arctan(45 / 80))] * 2)
    assert not asked["use_fp16"]
    assert asked["image"].shape == (2, 3, HEIGHT, WIDTH)
    assert 0 <= asked["image"].min() < asked["image"].max() <= 1
    depth = answers[0]["depth"]
    rows = np.arange(HEIGHT) + 0.5 - HEIGHT / 2
    assert depth[HEIGHT - 1] == pytest.approx(1.5 * 80 / rows[-1], rel=1e-5)
    assert np.isnan(depth[: HEIGHT // 2]).all()
    assert answers[0]["fov"] == pytest.approx(58.716, abs=1e-2)
    # Control: without the camera the network takes its own guess.
    model.start(shot_of(2))
    guessed = model.infer(frames, None)[0][0]
    assert guessed["fov"] == pytest.approx(60.0, abs=1e-3)
    assert np.nanmax(np.abs(guessed["depth"] - depth)) > 0.01


@pytest.mark.usefixtures("stand_in")
def test_normals_are_turned_to_the_houses_axes(tmp_path: Path) -> None:
    model = moge2_normals.SPEC.load({}, ONE, brought(tmp_path))
    model.start(shot_of(1, source="given"))
    normals = model.infer(soft_frames(1), None)[0][0]["normals"]
    assert normals.dtype == np.float32
    floor, sky = normals[HEIGHT // 2 + 1 :], normals[: HEIGHT // 2]
    # The floor looks up; left in the network's axes it would look down.
    assert floor.reshape(-1, 3).mean(axis=0) == pytest.approx([0, 1, 0], abs=1e-6)
    assert not sky.any()


@pytest.mark.usefixtures("stand_in")
def test_files_that_are_not_its_own_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no normals"):
        moge2_normals.SPEC.load({}, ONE, brought(tmp_path, normals=False))
    lost = written(tmp_path, {"normals": True}, StandIn(normals=False))
    with pytest.raises(WeightsError, match="2 weights of MoGe-2 are missing"):
        moge2.SPEC.load({}, ONE, lost)
    torch.save({"model": {}}, tmp_path / "model.pt")
    with pytest.raises(WeightsError, match="no MoGe-2 file"):
        moge2.SPEC.load({}, ONE, options(tmp_path / "model.pt"))
    # What asks to run code is not unpacked at all.
    torch.save({"model_config": print, "model": {}}, tmp_path / "model.pt")
    with pytest.raises(WeightsError, match="no MoGe-2 file"):
        moge2.SPEC.load({}, ONE, options(tmp_path / "model.pt"))
    with pytest.raises(InputError, match="detail must be 0 to 9"):
        moge2.SPEC.load({}, ONE, brought(tmp_path) | {"detail": 10})
    assert moge2.SPEC.licence.tier == Tier.COMMERCIAL


def test_a_missing_module_is_named_with_the_command(tmp_path: Path) -> None:
    given = brought(tmp_path)
    if moge.is_there("moge"):
        pytest.skip("has it")
    with pytest.raises(BackendUnavailableError, match=r"moge, utils3d.*dlr-moge==2\.0\.0"):
        moge2.SPEC.load({}, ONE, given)


def tiny() -> dict[str, Any]:
    """The real network's description, as small as its own encoder allows."""

    def stack(into: list[int], out: list[int | None]) -> dict[str, Any]:
        return {
            "dim_in": into,
            "dim_res_blocks": [32] * 5,
            "dim_out": out,
            "resamplers": ["bilinear"] * 4,
        }

    return {
        "encoder": {"backbone": "dinov2_vits14", "intermediate_layers": [1, 3], "dim_out": 16},
        "neck": stack([18, 2, 2, 2, 2], [32] * 5),
        "points_head": stack([32] * 5, [None] * 4 + [3]),
        "mask_head": stack([32] * 5, [None] * 4 + [1]),
        "normal_head": stack([32] * 5, [None] * 4 + [3]),
        "scale_head": {"dims": [384, 16, 1]},
        "remap_output": "exp",
        "num_tokens_range": [16, 40],
    }


def test_the_real_module(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        real = pytest.importorskip("moge.model.v2", exc_type=ImportError)
        network = shake(real.MoGeModel(**tiny()))
    given = written(tmp_path, tiny(), network)
    for module, name, shape in (
        (moge2, "depth", (HEIGHT, WIDTH)),
        (moge2_normals, "normals", (HEIGHT, WIDTH, 3)),
    ):
        model = module.SPEC.load({}, ONE, given)
        model.start(shot_of(2, source="given"))
        frames = soft_frames(2)
        together = model.infer(frames, None)[0][1][name]
        alone = model.infer(frames[1:], None)[0][0][name]
        assert together.shape == shape
        scale = np.nanmax(np.abs(together))
        assert np.nanmax(np.abs(together - alone)) < 1e-5 * scale
