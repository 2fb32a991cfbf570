"""Films in: exact frames and times, rotation, colour, damage, folders of frames."""

import gc
import tracemalloc
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from film_cases import TICKS, number_of, numbered, uneven, write_film
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.video import Video
from choreoscope.formats.video import nominal_rate, probe
from choreoscope.formats.video_reader import FilmReader

COUNT = 90


def read(
    video: Video, start: int, stop: int, *, threads: int = 1, **more: object
) -> dict[int, np.ndarray]:
    with FilmReader(video, threads=threads, **more) as reader:
        return dict(reader.frames(FrameRange(start, stop)))


@pytest.fixture(scope="module", params=["constant.mp4", "uneven.mp4", "uneven.mkv"])
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / request.param
    pts = None if "constant" in request.param else uneven(COUNT)
    return write_film(path, [numbered(frame) for frame in range(COUNT)], pts=pts)


@pytest.mark.parametrize("threads", [1, 2])
def test_every_range_gives_exactly_its_frames(
    film: Path, rng: np.random.Generator, threads: int
) -> None:
    video = probe(film)
    assert video.frame_count == COUNT
    for start in rng.integers(0, COUNT - 3, 12).tolist():
        pictures = read(video, start, start + 3, threads=threads)
        assert list(pictures) == [start, start + 1, start + 2]
        assert [number_of(picture) for picture in pictures.values()] == list(pictures)


def test_times_are_the_films_own(film: Path) -> None:
    video = probe(film)
    truth = uneven(COUNT) if "uneven" in film.name else [512 * frame for frame in range(COUNT)]
    coarse = 0.5e-3 if film.suffix == ".mkv" else 1e-9
    got = video.times(FrameRange(0, COUNT))
    assert got == pytest.approx(np.array(truth) * float(TICKS), abs=coarse + 1e-9)


def test_counting_frames_by_the_rate_would_be_wrong_here(film: Path) -> None:
    video = probe(film)
    by_rate = np.arange(COUNT) / float(video.rate)
    wrong = np.abs(video.times(FrameRange(0, COUNT)) - by_rate).max() > 0.5 / float(video.rate)
    assert wrong == ("uneven" in film.name)


@given(
    st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60000, 1001)]),
    st.integers(200, 600),
    st.integers(0, 1000),
)
def test_the_nominal_rate_survives_millisecond_clocks(
    rate: Fraction, count: int, seed: int
) -> None:
    exact = np.arange(count) / float(rate) * 1000
    jitter = np.random.default_rng(seed).uniform(-0.5, 0.5, count)
    assert nominal_rate(np.round(exact + 0.2 * jitter).astype(int), Fraction(1, 1000), None) == rate


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_the_display_rotation_is_applied_once(tmp_path: Path, turn: int) -> None:
    picture = numbered(5)
    stored = np.ascontiguousarray(np.rot90(picture, turn // 90))
    film = write_film(tmp_path / "turned.mp4", [stored] * 3, rotation=-turn % 360)
    video = probe(film)
    assert (video.width, video.height) == (160, 96)
    assert video.rotation == turn
    upright = read(video, 0, 1)[0]
    assert np.abs(upright.astype(int) - picture).mean() < 4
    if turn:
        flipped = np.rot90(upright, 2)
        assert np.abs(flipped.astype(int) - picture).mean() > 20


COLOURS = np.array([[200, 40, 40], [40, 180, 60], [40, 60, 200], [128, 128, 128]], dtype=np.uint8)


def _patches(size: tuple[int, int] = (96, 160)) -> np.ndarray:
    return np.repeat(np.repeat(COLOURS[None], size[0], 0), size[1] // 4, 1)


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("full", [1, 2])
@pytest.mark.parametrize("size", [None, (80, 48)])
def test_colours_come_back(
    tmp_path: Path, matrix: int, full: int, size: tuple[int, int] | None
) -> None:
    film = write_film(
        tmp_path / "c.mp4", [_patches()] * 2, colorspace=matrix, color_range=full,
        color_primaries=matrix, color_trc=matrix,
    )  # fmt: skip
    video = probe(film)
    assert video.colour.full_range == (full == 2)
    picture = read(video, 0, 1, size=size)[0]
    quarter = picture.shape[1] // 4
    for index, colour in enumerate(COLOURS):
        got = picture[picture.shape[0] // 2, index * quarter + quarter // 2].astype(int)
        assert np.abs(got - colour).max() <= 3


def test_the_wrong_matrix_would_be_noticed(tmp_path: Path) -> None:
    film = write_film(tmp_path / "c.mp4", [_patches()] * 2, colorspace=5, color_range=1)
    with_601 = read(probe(film), 0, 1)[0].astype(int)
    import dataclasses

    video = probe(film)
    other = dataclasses.replace(video, colour=dataclasses.replace(video.colour, matrix="bt709"))
    assert np.abs(read(other, 0, 1)[0] - with_601).max() > 8


def test_ten_bits(tmp_path: Path) -> None:
    film = write_film(
        tmp_path / "ten.mkv", [_patches()] * 2, codec="ffv1", pix_fmt="yuv420p10le",
        extra={"bf": "0"}, colorspace=1, color_range=1,
    )  # fmt: skip
    video = probe(film)
    assert video.colour.bits == 10
    assert np.abs(read(video, 0, 1)[0][48, 20].astype(int) - COLOURS[0]).max() <= 3


@pytest.mark.parametrize("name", ["half.mp4", "half.mkv", "half.avi"])
def test_a_film_cut_off_half_way(tmp_path: Path, name: str) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    noise = np.random.default_rng(2).integers(0, 255, (96, 160, 3), dtype=np.uint8)
    pictures = [np.where(numbered(frame) > 200, 230, noise // 3) for frame in range(60)]
    whole = write_film(
        tmp_path / name.replace("half", "whole"),
        [picture.astype(np.uint8) for picture in pictures],
        codec=codec,
        faststart=name.endswith("mp4"),
        extra={"bf": "0"} if codec == "mpeg4" else {},
    )
    data = whole.read_bytes()
    cut = tmp_path / name
    cut.write_bytes(data[: len(data) * 6 // 10])
    video = probe(cut)
    with FilmReader(video) as reader:
        pictures_back = dict(reader.frames(FrameRange(0, video.frame_count)))
        lost = len(reader.undecodable)
    assert 20 <= len(pictures_back) < 60
    assert len(pictures_back) + lost == video.frame_count
    assert lost or (video.declared_frames or 60) > video.frame_count


def test_damage_in_the_middle_costs_only_some_frames(film: Path, tmp_path: Path) -> None:
    if film.suffix != ".mp4":
        pytest.skip("one container is enough")
    data = bytearray(film.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    video = probe(broken)
    with FilmReader(video) as reader:
        pictures = dict(reader.frames(FrameRange(0, video.frame_count)))
        assert len(pictures) + len(reader.undecodable) == video.frame_count
    assert len(pictures) > COUNT // 2


def test_an_mp4_without_its_index_says_so(tmp_path: Path) -> None:
    whole = write_film(tmp_path / "whole.mp4", [numbered(frame) for frame in range(40)])
    data = whole.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="no index"):
        probe(tmp_path / "cut.mp4")


def test_the_file_is_free_once_a_reader_is_closed(film: Path) -> None:
    video = probe(film)
    reader = FilmReader(video)
    frames = reader.frames(FrameRange(0, 10))
    next(frames)
    reader.close()
    assert next(frames, None) is None


def test_memory_does_not_grow_with_the_film(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        film = write_film(tmp_path / f"{count}.mp4", [numbered(f % 200) for f in range(count)])
        video = probe(film)
        gc.collect()
        tracemalloc.start()
        with FilmReader(video) as reader:
            for _ in reader.frames(FrameRange(0, count)):
                pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    picture = 96 * 160 * 3
    assert peak(300) < peak(30) + 3 * picture


def _folder(folder: Path, numbers: list[int], pattern: str = "{:d}.png") -> Path:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        data = cv2.imencode(".png", numbered(number)[..., ::-1])[1]
        (folder / pattern.format(number)).write_bytes(data.tobytes())
    return folder


@pytest.mark.parametrize("pattern", ["{:d}.png", "shot é_{:04d}.png", "100%d v2.{:d}.png"])
def test_a_folder_of_frames_in_order_of_its_numbers(tmp_path: Path, pattern: str) -> None:
    folder = _folder(tmp_path / "a folder", list(range(8, 13)), pattern)
    video = probe(folder, rate=Fraction(24))
    assert (video.frame_count, video.width, video.height) == (5, 160, 96)
    assert [number_of(picture) for picture in read(video, 0, 5).values()] == list(range(8, 13))
    assert video.time_of(3) == Fraction(3, 24)


def test_a_hole_in_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="frames are missing: 3, 4"):
        probe(_folder(tmp_path / "f", [1, 2, 5]), rate=Fraction(24))


def test_an_odd_size_is_named(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "f", [1, 2, 3])
    small = cv2.imencode(".png", np.zeros((10, 10, 3), np.uint8))[1]
    (folder / "2.png").write_bytes(small.tobytes())
    with pytest.raises(InputError, match=r"unlike 2\.png"):
        probe(folder, rate=Fraction(24))


def test_sixteen_bit_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    deep = np.full((20, 30, 3), 51400, dtype=np.uint16)
    (folder / "1.png").write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    video = probe(folder, rate=Fraction(24))
    assert video.colour.bits == 16
    assert read(video, 0, 1)[0][5, 5].tolist() == [200, 200, 200]


def test_a_broken_picture_is_a_missing_frame(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "f", [1, 2, 3])
    data = (folder / "2.png").read_bytes()
    (folder / "2.png").write_bytes(data[:60])
    video = probe(folder, rate=Fraction(24))
    with FilmReader(video) as reader:
        assert list(dict(reader.frames(FrameRange(0, 3)))) == [0, 2]
        assert list(reader.undecodable) == [1]


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no pictures"):
        probe(tmp_path, rate=Fraction(24))


def test_a_film_has_its_own_rate(film: Path) -> None:
    with pytest.raises(InputError, match="--rate is for folders"):
        probe(film, rate=Fraction(24))
