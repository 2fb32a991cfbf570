"""Bad input, each with one clear line and an exit code of its own; options as typed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.capture.typed import parse_rate, parse_time_range
from choreoscope.cli import main as command_line
from choreoscope.cli.capture import parse_height, parse_option
from choreoscope.datatypes.errors import InputError
from choreoscope.formats.video_writer import FilmWriter

Command = Callable[..., tuple[int, list[str]]]
FAKE = ("--people-backend", "fake", "--quiet")


def made_film(path: Path, frames: int = 12, size: tuple[int, int] = (96, 64)) -> Path:
    texture = np.random.default_rng(3).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    with FilmWriter(path, size=size, rate=Fraction(25), time_base=Fraction(1, 12800)) as writer:
        for frame in range(frames):
            writer.write(np.roll(texture, frame, axis=1), frame * 512)
    return path


@pytest.fixture
def choreoscope(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Run the command in this process; gives exit code and the lines of its error stream."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", ["choreoscope", *(str(one) for one in arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        return int(ended.value.code or 0), capsys.readouterr().err.strip().splitlines()

    return run


def test_a_good_film_ends_with_0(choreoscope: Command, tmp_path: Path) -> None:
    film = made_film(tmp_path / "a film with spaces - é.mp4")
    assert choreoscope("capture", film, *FAKE) == (0, [])
    assert (tmp_path / "a film with spaces - é.choreoscope/clip-001/report.html").exists()


def test_no_such_file(choreoscope: Command) -> None:
    code, lines = choreoscope("capture", "nowhere.mp4", *FAKE)
    assert code == 2
    assert len(lines) == 1
    assert "no such file" in lines[0]


def test_an_empty_file(choreoscope: Command, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    code, lines = choreoscope("capture", "empty.mp4", *FAKE)
    assert (code, len(lines)) == (2, 1)
    assert "empty" in lines[0]


def test_not_a_film(choreoscope: Command, tmp_path: Path) -> None:
    (tmp_path / "letter.mp4").write_text("Dear dancer, " * 200)
    code, lines = choreoscope("capture", "letter.mp4", *FAKE)
    assert (code, len(lines)) == (2, 1)
    assert "not a film" in lines[0]


def test_sound_alone(choreoscope: Command, tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        block = av.AudioFrame.from_ndarray(
            np.zeros((2, 1024), dtype=np.float32), format="fltp", layout="stereo"
        )
        block.sample_rate = 44100
        for number in range(20):
            block.pts = number * 1024
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    code, lines = choreoscope("capture", "song.m4a", *FAKE)
    assert (code, len(lines)) == (2, 1)
    assert "sound but no picture" in lines[0]


def test_a_film_cut_off_half_way_uses_what_decodes_and_says_so(
    choreoscope: Command, tmp_path: Path
) -> None:
    whole = made_film(tmp_path / "whole.mp4", frames=60, size=(320, 240))
    data = whole.read_bytes()
    (tmp_path / "half.mp4").write_bytes(data[: len(data) * 6 // 10])
    code, lines = choreoscope("capture", "half.mp4", *FAKE)
    assert code == 7
    assert len(lines) == 1
    assert "finished with gaps" in lines[0]
    report = (tmp_path / "half.choreoscope/clip-001/report.html").read_text()
    assert "does not decode" in report or "header promises" in report


def test_nobody_is_told_and_the_result_is_there(choreoscope: Command, tmp_path: Path) -> None:
    made_film(tmp_path / "film.mp4")
    code, lines = choreoscope("capture", "film.mp4", *FAKE, "--people-option", "people=0")
    assert code == 6
    assert lines == ["choreoscope: nobody was found; the result is valid and empty"]
    assert (tmp_path / "film.choreoscope/clip-001/report.html").exists()


def test_an_output_that_cannot_be_written(choreoscope: Command, tmp_path: Path) -> None:
    made_film(tmp_path / "film.mp4")
    (tmp_path / "taken").write_text("a file, not a folder")
    code, lines = choreoscope("capture", "film.mp4", "--out", "taken", *FAKE)
    assert (code, len(lines)) == (4, 1)
    assert "taken" in lines[0]


def test_a_corrupt_weight_file(choreoscope: Command, tmp_path: Path) -> None:
    made_film(tmp_path / "film.mp4")
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("pose_detection", "pose_landmark_full", "hand_landmark_full", "face_landmark"):
        (folder / f"{name}.tflite").write_bytes(b"not a model")
    code, lines = choreoscope("capture", "film.mp4", "--weights", folder, "--quiet")
    assert code == 3
    assert any("pose_detection.tflite" in line for line in lines)
    assert len(lines) == 1


def test_no_weights_and_no_network(
    choreoscope: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_film(tmp_path / "film.mp4")
    monkeypatch.setenv("CHOREOSCOPE_CACHE", str(tmp_path / "cache"))
    code, lines = choreoscope("capture", "film.mp4", "--offline", "--quiet")
    assert (code, len(lines)) == (3, 1)
    assert "offline" in lines[0]


def test_two_lenses_at_once(choreoscope: Command, tmp_path: Path) -> None:
    made_film(tmp_path / "film.mp4")
    code, lines = choreoscope("capture", "film.mp4", "--fov", "50", "--focal-mm", "35", *FAKE)
    assert (code, len(lines)) == (2, 1)
    assert "--focal-mm and --fov" in lines[0]


def test_a_height_of_somebody_who_is_not_there(choreoscope: Command, tmp_path: Path) -> None:
    made_film(tmp_path / "film.mp4")
    code, lines = choreoscope("capture", "film.mp4", "--height", "P1=1.7", *FAKE)
    assert (code, len(lines)) == (2, 1)
    assert "did you mean P01" in lines[0]


def test_an_unknown_option_names_itself(choreoscope: Command) -> None:
    code, lines = choreoscope("capture", "film.mp4", "--heigth", "P01=1.7")
    assert (code, len(lines)) == (2, 1)
    assert "--heigth" in lines[0]


def test_an_unknown_back_end_names_the_nearest(choreoscope: Command, tmp_path: Path) -> None:
    made_film(tmp_path / "film.mp4")
    code, lines = choreoscope("capture", "film.mp4", "--people-backend", "blazpose")
    assert (code, len(lines)) == (2, 1)
    assert "did you mean 'blazepose'" in lines[0]


def test_a_folder_of_frames_needs_a_rate(choreoscope: Command, tmp_path: Path) -> None:
    import cv2

    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(8, 12):
        cv2.imwrite(str(folder / f"shot {number}.png"), np.full((64, 96, 3), number * 9, np.uint8))
    code, lines = choreoscope("capture", folder, *FAKE)
    assert code == 2
    assert "--rate" in lines[0]
    assert choreoscope("capture", folder, "--rate", "24", *FAKE)[0] == 0
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    film = made_film(tmp_path / "film.mp4", frames=100)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "choreoscope", "capture", str(film)]
    command += ["--out", str(out), *FAKE, "--people-option", "delay_seconds=0.1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (out / "clip-001" / "work" / "lock").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, heard = process.communicate(timeout=20)
    assert process.returncode == 130
    assert heard.strip().splitlines() == [
        "choreoscope: stopped; the same command continues from here"
    ]


def test_times_rates_heights_and_options_as_typed() -> None:
    assert parse_time_range("00:45-01:25") == (45, 85)
    assert parse_time_range("1:00:00.5-1:00:01") == (Fraction(7201, 2), 3601)
    assert parse_rate("30000/1001") == Fraction(30000, 1001)
    assert parse_rate("23.976") == Fraction(24000, 1001)
    assert parse_rate("29.97") == Fraction(30000, 1001)
    assert parse_rate("24") == 24
    assert parse_height("P01=1.72") == ("P01", 1.72)
    assert parse_option("people=2") == ("people", "2")
    assert parse_option("late=a=b") == ("late", "a=b")


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_time_range, "10"),
        (parse_time_range, "20-10"),
        (parse_time_range, "a-b"),
        (parse_rate, "0"),
        (parse_rate, "fast"),
        (parse_height, "1.72"),
        (parse_height, "P01=172"),
        (parse_option, "people"),
    ],
)
def test_what_cannot_be_read_is_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(InputError, match="expected"):
        parse(text)
