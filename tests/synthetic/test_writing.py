"""Truth as files, and the command that makes them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from choreoscope.cli.main import main
from choreoscope.formats.bvh import check_bvh
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.motion_npz import read_motion
from choreoscope.formats.npz import open_arrays
from choreoscope.synthetic.shot import ShotSpec, make_shot
from choreoscope.synthetic.writing import SCHEMA, SCHEMA_VERSION, write_truth

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process: exit code, output, errors."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["choreoscope", "synth", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run_command


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    shot = make_shot(ShotSpec(seed=2, people=2, seconds=1, camera="walking"))
    files = list(write_truth(tmp_path / "truth", shot))
    assert len(files) == 2 + 3 * 2
    assert all(path.stat().st_size for path in files)
    camera = read_camera(tmp_path / "truth" / "camera.json")
    np.testing.assert_allclose(camera.camera_from_world, shot.camera.camera_from_world, atol=1e-9)
    motion = read_motion(tmp_path / "truth" / "P02.motion.npz")
    np.testing.assert_array_equal(motion.rotations, shot.people[1].motion.rotations)
    assert check_bvh(tmp_path / "truth" / "P01.bvh", shot.people[0].motion) < 1e-3
    with open_arrays(tmp_path / "truth" / "P01.truth.npz", SCHEMA, SCHEMA_VERSION) as stored:
        np.testing.assert_array_equal(stored["contacts"], shot.people[0].contacts)
        assert stored["blazepose33_pixels"].shape == (30, 33, 2)
        assert stored["coco17_visible"].mean() > 0.5
        assert stored["hands_world"].shape == (30, 2, 21, 3)
    told = json.loads((tmp_path / "truth" / "shot.json").read_text())
    assert told["camera"]["movement"] == "travelling"
    assert [one["person"] for one in told["people"]] == ["P01", "P02"]


def test_the_command_writes_truth(tmp_path: Path, run: Run) -> None:
    code, told, wrong = run(
        str(tmp_path / "new"), "--seconds", "0.5", "--no-film", "--size", "320x240"
    )
    assert code == 0, wrong
    assert "15 frames" in told
    assert (tmp_path / "new" / "truth" / "P01.bvh").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--camera", "drone"), "expected one of static, pan"),
        (("--people", "9"), "1 to 4 people, got 9"),
        (("--size", "big"), "--size: expected even WIDTHxHEIGHT"),
        (("--rate", "0/0"), "--rate: expected frames per second"),
        (("--passes", "depth,smell"), "--passes: expected any of"),
        (("--bvh", "nowhere"), "expected a folder with BVH files"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_line(
    tmp_path: Path, run: Run, options: tuple[str, str], text: str
) -> None:
    code, _, wrong = run(str(tmp_path / "new"), "--no-film", "--seconds", "0.5", *options)
    assert code == 2
    assert text in wrong
    assert len(wrong.strip().splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, run: Run) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    code, _, wrong = run(str(tmp_path), "--no-film", "--seconds", "0.5")
    assert code == 2
    assert "new or empty folder" in wrong
