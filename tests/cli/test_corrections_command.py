"""The command that begins a file of corrections, and checks one."""

import json
import sys
from pathlib import Path

import pytest

from choreoscope.cli.main import main


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["choreoscope", "corrections", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out + captured.err


def test_it_writes_a_template_and_then_checks_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, str(tmp_path))[0] == 0
    file = tmp_path / "corrections.yaml"
    before = file.read_text("utf-8")
    code, text = told(capsys, str(tmp_path))
    assert (code, file.read_text("utf-8")) == (0, before)
    assert "0 corrections" in text


def test_a_mistake_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "corrections.yaml"
    file.write_text("- frames: 0:10\n  swop: [P01, P02]\n", encoding="utf-8")
    code, text = told(capsys, str(tmp_path))
    assert code == 2
    assert "line 2" in text
    assert "swap" in text
    file.write_text("- frames: 0:10\n  swap: [P01, P02]\n", encoding="utf-8")
    assert told(capsys, str(file)) == (0, f"{file}: 1 corrections, all of them readable\n")


def test_frames_are_those_of_the_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "film.json").write_text(json.dumps({"frames": {"in_index": 5}}), encoding="utf-8")
    file = tmp_path / "corrections.yaml"
    file.write_text("- frames: 6:10\n  swap: [P01, P02]\n", encoding="utf-8")
    assert told(capsys, str(tmp_path))[0] == 2


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, str(tmp_path / "none"))[0] == 2
