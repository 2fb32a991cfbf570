"""Films with alpha: what comes back, and how readers that we did not write see them."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.formats.ffv1 import FFV1_COLOUR, FFV1_MATTE
from choreoscope.formats.film_encoding import EncodedFilm, FilmForm, read_film
from choreoscope.formats.prores import PRORES
from choreoscope.formats.vp9_alpha import VP9_ALPHA

RATE = Fraction(24000, 1001)
SIZE = (96, 64)
FORMS = {"prores": PRORES, "vp9": VP9_ALPHA, "matte": FFV1_MATTE, "colour": FFV1_COLOUR}


def pictures(form: FilmForm, count: int = 3) -> list[np.ndarray]:
    """Ramps of colour with a soft disc as alpha; bright colour lies under alpha 0, too."""
    columns, rows = np.meshgrid(np.linspace(0, 1, SIZE[0]), np.linspace(0, 1, SIZE[1]))
    found = []
    for at in range(count):
        alpha = np.clip(3 - 8 * np.hypot(columns - 0.4 - 0.05 * at, rows - 0.5), 0, 1)
        if form.given == "gray16le":
            found.append(np.rint(alpha * 65535).astype(np.uint16))
            continue
        full, dtype = (65535, np.uint16) if form.given == "rgba64le" else (255, np.uint8)
        rgba = np.dstack([0.1 + 0.8 * columns, 0.9 - 0.8 * rows, 0.2 + 0.5 * columns, alpha])
        found.append(np.rint(rgba * full).astype(dtype))
    return found


def written(path: Path, form: FilmForm, threads: int = 1) -> list[np.ndarray]:
    given = pictures(form)
    with EncodedFilm(path, form, size=SIZE, rate=RATE, threads=threads) as film:
        for picture in given:
            film.write(picture)
    return given


@pytest.mark.parametrize(
    ("name", "colour_error", "alpha_error"),
    [("prores", 0.02, 0.002), ("vp9", 0.08, 0.03), ("colour", 0, 0), ("matte", None, 0)],
)
def test_films_come_back(
    tmp_path: Path, name: str, colour_error: float | None, alpha_error: float
) -> None:
    form = FORMS[name]
    path = tmp_path / f"film{form.suffix}"
    given = written(path, form)
    found = list(read_film(path, form))
    assert len(found) == len(given)
    full = float(np.iinfo(given[0].dtype).max)
    for one, other in zip(given, found, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        gap = np.abs(one / full - other / full)
        if colour_error is None:
            assert gap.max() <= alpha_error
        else:
            # Everywhere: colour is kept where alpha is 0.
            assert gap[..., :3].max() <= colour_error
            assert gap[..., 3].max() <= alpha_error
    # Control: another picture would be noticed.
    assert np.abs(given[0] / full - found[2] / full).max() > 0.1


@pytest.mark.parametrize(
    ("name", "codec", "stored"),
    [
        ("prores", "prores", "yuva444p12le"),
        ("vp9", "vp9", "yuv420p"),
        ("matte", "ffv1", "gray16le"),
        ("colour", "ffv1", "bgra"),
    ],
)
def test_rate_codec_and_tags(tmp_path: Path, name: str, codec: str, stored: str) -> None:
    form = FORMS[name]
    path = tmp_path / f"film{form.suffix}"
    written(path, form)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.codec.canonical_name, context.pix_fmt) == (codec, stored)
        assert stream.average_rate == RATE
        # Rec. 709: of the lights in all films, of luma and chroma where there are any.
        assert context.color_primaries == context.color_trc == 1
        if not form.is_rgb:
            assert (context.colorspace, context.color_range) == (1, 1)
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([at / float(RATE) for at in range(3)], abs=1e-3)
    if name == "prores":
        assert context.profile == "4444"


def test_prores_has_straight_alpha_in_other_readers(tmp_path: Path) -> None:
    given = written(tmp_path / "film.mov", PRORES)
    with av.open(str(tmp_path / "film.mov")) as container:
        frame = next(container.decode(video=0))
    alpha = np.frombuffer(frame.planes[3], np.uint16).reshape(SIZE[1], -1)[:, : SIZE[0]]
    assert np.abs(alpha / 4095 - given[0][..., 3] / 65535).max() < 0.002
    # Straight: bright colour where alpha is 0.
    luma = np.frombuffer(frame.planes[0], np.uint16).reshape(SIZE[1], -1)[:, : SIZE[0]]
    assert luma[alpha == 0].max() > 2000


def test_the_usual_decoder_of_vp9_loses_the_alpha_and_ours_does_not(tmp_path: Path) -> None:
    written(tmp_path / "film.webm", VP9_ALPHA)
    with av.open(str(tmp_path / "film.webm")) as container:
        assert container.streams.video[0].metadata["alpha_mode"] == "1"
        assert next(container.decode(video=0)).format.name == "yuv420p"
    found = next(read_film(tmp_path / "film.webm", VP9_ALPHA))
    assert found[..., 3].min() == 0
    assert found[..., 3].max() == 255


def test_the_bytes_do_not_depend_on_threads(tmp_path: Path) -> None:
    for threads in (1, 2):
        written(tmp_path / f"{threads}.mov", PRORES, threads)
    first, second = (list(read_film(tmp_path / f"{at}.mov", PRORES)) for at in (1, 2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_wrong_pictures_and_files_are_refused(tmp_path: Path) -> None:
    with (
        EncodedFilm(tmp_path / "a.mov", PRORES, size=SIZE, rate=RATE) as film,
        pytest.raises(ShapeError, match=r"expected \(64, 96, 4\) uint16"),
    ):
        film.write(np.zeros((64, 96, 4), np.uint8))
    with pytest.raises(OutputError, match="cannot be written"):
        written(tmp_path / "absent" / "a.mov", PRORES)
    written(tmp_path / "b.mkv", FFV1_COLOUR)
    with pytest.raises(InputError, match="expected prores, got ffv1"):
        list(read_film(tmp_path / "b.mkv", PRORES))
    (tmp_path / "c.mov").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a film that can be read"):
        list(read_film(tmp_path / "c.mov", PRORES))
