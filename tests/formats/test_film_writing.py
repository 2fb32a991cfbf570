"""Films out: the same bytes, true time stamps, colour tags, sound that stays in step."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from film_cases import TICKS, add_sound, first_burst, number_of, numbered, uneven, write_film

from choreoscope.datatypes.errors import OutputError, ShapeError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.sound import is_silent
from choreoscope.formats.video import probe
from choreoscope.formats.video_reader import FilmReader
from choreoscope.formats.video_writer import FilmWriter


def written(path: Path, pts: list[int], size: tuple[int, int] = (160, 96)) -> Path:
    with FilmWriter(path, size=size, rate=Fraction(25), time_base=TICKS) as writer:
        for frame, stamp in enumerate(pts):
            writer.write(numbered(frame)[: size[1], : size[0]], stamp)
    return path


def test_two_films_of_the_same_pictures_are_the_same_bytes(tmp_path: Path) -> None:
    stamps = [512 * frame for frame in range(30)]
    first, second = written(tmp_path / "a.mp4", stamps), written(tmp_path / "b.mp4", stamps)
    assert first.read_bytes() == second.read_bytes()
    other = written(tmp_path / "c.mp4", [2 * stamp for stamp in stamps])
    assert first.read_bytes() != other.read_bytes()


def test_uneven_time_stamps_are_kept(tmp_path: Path) -> None:
    stamps = [stamp + 7000 for stamp in uneven(40)]
    video = probe(written(tmp_path / "a.mp4", stamps))
    assert video.times(FrameRange(0, 40)) == pytest.approx(
        (np.array(stamps) - stamps[0]) * float(TICKS)
    )
    with FilmReader(video) as reader:
        numbers = [number_of(picture) for _, picture in reader.frames(FrameRange(0, 40))]
    assert numbers == list(range(40))


def test_colours_are_tagged(tmp_path: Path) -> None:
    colour = probe(written(tmp_path / "a.mp4", [0, 512])).colour
    assert (colour.matrix, colour.primaries, colour.transfer) == ("bt709", "bt709", "bt709")
    assert not colour.full_range


def test_an_odd_size_loses_a_line(tmp_path: Path) -> None:
    video = probe(written(tmp_path / "a.mp4", [0, 512], size=(159, 95)))
    assert (video.width, video.height) == (158, 94)


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ShapeError, match="expected"),
        FilmWriter(tmp_path / "a.mp4", size=(64, 64), rate=Fraction(25), time_base=TICKS) as writer,
    ):
        writer.write(numbered(0), 0)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "no" / "a.mp4"
    with pytest.raises(OutputError, match="cannot be written"):
        written(path, [512 * frame for frame in range(60)])


@pytest.mark.parametrize(("codec", "suffix"), [("aac", ".mp4"), ("flac", ".mkv")])
def test_sound_stays_in_step_when_a_piece_is_cut_out(
    tmp_path: Path, codec: str, suffix: str
) -> None:
    film = write_film(tmp_path / "film.mp4", [numbered(frame) for frame in range(100)])
    heard = add_sound(film, tmp_path / f"heard{suffix}", codec, [0.3, 2.4], 4.0)
    video = probe(heard)
    assert video.audio is not None
    piece = FrameRange(50, 90)
    with FilmWriter(
        tmp_path / "piece.mp4",
        size=(160, 96),
        rate=video.rate,
        time_base=video.time_base,
        sound_of=video,
        frames=piece,
    ) as writer:
        for frame in piece:
            writer.write(numbered(frame), int(video.pts[frame]))
    cut = probe(tmp_path / "piece.mp4")
    assert cut.frame_count == 40
    assert first_burst(tmp_path / "piece.mp4") == pytest.approx(0.4, abs=0.04)
    assert first_burst(heard) == pytest.approx(0.3, abs=0.04)


def test_silence_is_told_from_sound_and_from_no_track(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", [numbered(frame) for frame in range(50)])
    silent = add_sound(film, tmp_path / "silent.mp4", "aac", [], 2.0)
    heard = add_sound(film, tmp_path / "heard.mp4", "aac", [1.0], 2.0)
    assert is_silent(probe(film)) is None
    assert is_silent(probe(silent)) is True
    assert is_silent(probe(heard)) is False
