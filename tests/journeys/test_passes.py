"""Film passes from one end to the other: made, made again, taken in instead, delivered."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from choreoscope.capture.config import Configuration, configured
from choreoscope.capture.film import FilmResult, capture_configured
from choreoscope.capture.repair import repair
from choreoscope.capture.result_folder import open_result
from choreoscope.cli import flags, main
from choreoscope.datatypes.passes import PASSES
from choreoscope.delivery import deliver
from choreoscope.formats.passes import check_pass, read_ids, read_pass
from choreoscope.formats.usd_points import check_usd_points
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.pipeline import events
from choreoscope.pipeline.verify import verify

FAKE = ("--people.backend", "fake", "--run.executor", "inline", "--run.processes", "1")
FRAMES, SIZE = 12, (160, 120)
CUT = 18
COMPUTED = ("alpha", "people", "depth", "depth_sigma", "position", "normals", "parts", "flow",
            "flow_back")  # fmt: skip


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "a dance.mp4"
    texture = np.random.default_rng(1).integers(0, 255, (*SIZE[::-1], 3), dtype=np.uint8)
    with FilmWriter(path, size=SIZE, rate=Fraction(25), time_base=Fraction(1, 12800)) as writer:
        for frame in range(FRAMES):
            writer.write(texture, frame * 512)
    return path


def configuration(*words: str) -> Configuration:
    return configured([flags.parse([*FAKE, *words])]).values


def ran(film: Path, out: Path, *words: str) -> tuple[FilmResult, list[str]]:
    heard: list[events.Event] = []
    result = capture_configured(film, out, configuration(*words), heard.append)
    return result, [one.stage for one in heard if isinstance(one, events.StageStarted)]


@pytest.fixture(scope="module")
def everything(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("everything") / "result"
    result, stages = ran(film, out, "--recipe", "everything")
    assert result.clips[0].is_complete
    assert {"mattes", "raw_depth", "depth_fit", "depth", "cloud"} <= set(stages)
    return out


def paths(out: Path, name: str) -> list[Path]:
    return sorted((out / "clip-001" / "passes" / name).iterdir())


def test_every_pass_has_every_frame_and_reads_back(everything: Path) -> None:
    for name in COMPUTED:
        files = paths(everything, name)
        suffix = PASSES[name].suffix
        assert [file.name for file in files] == [
            f"{name}.{frame:06d}{suffix}" for frame in range(FRAMES)
        ]
        for file in files:
            assert check_pass(name, file).size == SIZE
    check_usd_points(everything / "clip-001" / "cloud" / "cloud.usdc")


def test_passes_agree_with_each_other(everything: Path) -> None:
    alpha = read_pass("alpha", paths(everything, "alpha")[6])[..., 0]
    people = read_ids("people", paths(everything, "people")[6])
    assert sorted(people) == ["P01", "P02"]
    np.testing.assert_allclose(sum(people.values()), alpha, atol=1e-4)
    depth = read_pass("depth", paths(everything, "depth")[6])[..., 0]
    bodies = np.linalg.norm(read_pass("normals", paths(everything, "normals")[6]), axis=2) > 0
    assert (depth[bodies] > 0).all()
    parts = read_ids("parts", paths(everything, "parts")[6])
    inside = alpha > 0.9
    assert sum(part[inside].sum() for part in parts.values()) > 0.5 * inside.sum()
    # The dancers of the fake stand some 4.5 m before the camera.
    assert 3 < np.median(depth[inside & bodies]) < 7


def test_the_report_shows_passes_and_cloud(everything: Path) -> None:
    page = (everything / "clip-001" / "report.html").read_text("utf-8")
    for name in COMPUTED:
        assert f'href="passes/{name}/"' in page
    assert 'id="passes"' in page
    assert "cloud/cloud.usdc" in page


def test_the_same_again_makes_nothing_and_a_lost_frame_is_made_alone(
    everything: Path, film: Path
) -> None:
    assert ran(film, everything, "--recipe", "everything")[1] == []
    assert not verify(open_result(everything).units).faults
    lost = paths(everything, "depth")[5]
    before = {file: file.read_bytes() for file in paths(everything, "depth")}
    lost.unlink()
    (fault,) = verify(open_result(everything).units).faults
    assert (fault.stage, "5" in str(fault)) == ("depth", True)
    heard: list[events.Event] = []
    repair(everything, events=heard.append)
    assert {one.stage for one in heard if isinstance(one, events.StageStarted)} == {"depth"}
    assert {file: file.read_bytes() for file in paths(everything, "depth")} == before


def test_a_matte_from_outside_replaces_ours_and_is_divided(film: Path, tmp_path: Path) -> None:
    delivered = tmp_path / "made"
    (delivered / "alpha").mkdir(parents=True)
    for frame in range(FRAMES):
        cv2.imwrite(
            str(delivered / "alpha" / f"{frame:04d}.png"), np.full(SIZE[::-1], 255, np.uint8)
        )
    words = ("--recipe", "passes", "--external.roto.timeout", "0",
             "--external.roto.folder", str(delivered), "--external.roto.quiet_seconds", "0",
             "--external.roto.passes.alpha.pattern", "alpha/*.png")  # fmt: skip
    result, stages = ran(film, tmp_path / "result", *words)
    assert result.clips[0].is_complete, result.clips[0].failures
    assert "mattes" not in stages
    assert {"roto", "ownership", "depth"} <= set(stages)
    people = read_ids("people", paths(tmp_path / "result", "people")[0])
    total = sum(people.values())
    assert total.max() == pytest.approx(1, abs=1e-4)
    assert total.min() == 0, "nobody owns the far wall"


def test_a_network_without_weights_says_what_to_do(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["capture", str(film), "--out", str(tmp_path / "result"), "--recipe", "passes", *FAKE]
    words += ["--passes.depth.backend", "depth_anything_v2_small", "--quiet"]
    monkeypatch.setattr("sys.argv", ["choreoscope", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 3
    assert "weights" in capsys.readouterr().err
    # What does not need it is there all the same.
    assert len(paths(tmp_path / "result", "alpha")) == FRAMES


def test_a_result_is_delivered_whole(everything: Path, tmp_path: Path) -> None:
    (shot,) = deliver(everything, tmp_path / "out", workers=0)
    assert not shot.missing
    assert any(file.suffix == ".exr" and ".1001." in file.name for file in shot.folder.rglob("*"))
    assert any(file.suffix == ".mov" for file in shot.folder.rglob("*"))


def test_a_cut_begins_everything_anew(tmp_path: Path) -> None:
    film = tmp_path / "cut.mp4"
    rng = np.random.default_rng(3)
    first = cv2.resize(rng.integers(0, 255, (15, 20, 3), np.uint8), SIZE)
    second = 255 - np.roll(first, 40, axis=1)
    with FilmWriter(film, size=SIZE, rate=Fraction(25), time_base=Fraction(1, 12800)) as writer:
        for frame in range(2 * CUT):
            writer.write(np.roll(first if frame < CUT else second, frame, axis=1), frame * 512)
    result, _ = ran(film, tmp_path / "result", "--recipe", "passes")
    assert [clip.is_complete for clip in result.clips] == [True, True]
    folders = [tmp_path / "result" / clip.clip / "passes" for clip in result.clips]
    for folder, start in zip(folders, (0, CUT), strict=True):
        names = sorted(file.name for file in (folder / "flow").iterdir())
        assert names == [f"flow.{frame:06d}.exr" for frame in range(start, start + CUT)]
    # Nothing moves into the next shot or out of the one before.
    last = read_pass("flow", folders[0] / "flow" / f"flow.{CUT - 1:06d}.exr")
    begun = read_pass("flow_back", folders[1] / "flow_back" / f"flow_back.{CUT:06d}.exr")
    assert not last.any()
    assert not begun.any()
    inside = read_pass("flow", folders[1] / "flow" / f"flow.{CUT + 3:06d}.exr")
    assert np.median(inside[..., 0]) == pytest.approx(1, abs=0.3)
