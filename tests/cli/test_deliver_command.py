"""The command deliver: what it prints, where it writes, how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from choreoscope.cli.main import app
from choreoscope.datatypes.errors import WITH_GAPS, InputError
from delivered_results import made_result

runner = CliRunner()


def test_it_names_files_layers_and_holes(tmp_path: Path) -> None:
    made = made_result(tmp_path / "dance.choreoscope")
    words = ["deliver", str(made.folder), "--what", "layers,png", "--passes", "depth,masks,flow"]
    words += ["--workers", "0", "--start", "1", "--frames", "3:5", "--out", str(tmp_path / "out")]
    fine = runner.invoke(app, words)
    assert fine.exit_code == 0, fine.output
    assert "2 frames from 1 at 24000/1001 per second" in fine.output
    assert "masks: mask_P01.A mask_P02.A" in fine.output
    assert "flow: forward.u forward.v" in fine.output
    shot = tmp_path / "out" / "dance-film"
    assert (shot / "dance-film_layers" / "dance-film_layers.0002.exr").exists()
    sorted((made.clip / "passes" / "depth").iterdir())[1].unlink()
    holed = runner.invoke(app, [*words, "--quiet"])
    assert holed.exit_code == WITH_GAPS
    assert "dance-film: depth lacks 1 of 2 frames: 2" in holed.output
    assert "frames from" not in holed.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--what", "exr,gif"], "--what: expected any of exr"),
        (["--green", "blue"], "--green: expected any of gl, dx, got 'blue'"),
    ],
)
def test_what_cannot_be_delivered_is_refused(tmp_path: Path, words: list[str], said: str) -> None:
    refused = runner.invoke(app, ["deliver", str(tmp_path), *words])
    assert isinstance(refused.exception, InputError)
    assert said in str(refused.exception)


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "choreoscope", "deliver", str(tmp_path), "--frames", "4"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--frames: expected START:STOP" in done.stderr
    assert len(done.stderr.splitlines()) == 1
