"""What one worker does: a whole film of one performer or of all, written and re-read."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.delivery.block import film_pictures
from choreoscope.delivery.pictures import FramePasses
from choreoscope.delivery.planes import checker_board
from choreoscope.formats.ffv1 import FFV1_COLOUR, FFV1_MATTE
from choreoscope.formats.film_encoding import EncodedFilm, FilmForm, read_film
from choreoscope.formats.pass_writer import UNFINISHED
from choreoscope.formats.pool_worker import Report
from choreoscope.formats.prores import PRORES
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.formats.vp9_alpha import VP9_ALPHA

BYTE, FULL = 255, 65535
FORMS: dict[str, tuple[FilmForm, str]] = {
    "prores": (PRORES, "straight"),
    "vp9": (VP9_ALPHA, "alpha"),
    "ffv1": (FFV1_COLOUR, "straight_lossless"),
    "ffv1_matte": (FFV1_MATTE, "matte_lossless"),
}
"""Forms of films with alpha, and what their names end in."""
PREVIEW, PREVIEW_NAME, PREVIEW_SUFFIX = "preview", "checker", ".mp4"
NEAR_ENOUGH = 0.01
"""Mean alpha may differ by so much when a film is read again."""
PREVIEW_QUALITY = 18


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmOrder:
    """An order to make a film, as JSON carries it.

    Attributes
    ----------
    form : str
        Of `FORMS`, or "preview".
    person : str or None
        Whose; None for all.
    frames : list of dict
        For each: ``source`` and ``paths``, as in a `Block`; may repeat a source frame.
    """

    path: str
    form: str
    person: str | None
    film: str
    rate: str
    size: tuple[int, int]
    threads: int
    frames: list[dict[str, Any]]


def deliver_film(
    arguments: Mapping[str, Any], planes: Mapping[str, np.ndarray], report: Report
) -> dict[str, Any]:
    """Write a film under another name, re-read it, then give it its name.

    Returns
    -------
    dict
        ``path`` and ``size`` in bytes.

    Raises
    ------
    InputError
        If a pass or the film does not read.
    OutputError
        If the film cannot be written or does not read back.
    """
    del planes
    order = FilmOrder(**arguments)
    path = Path(order.path)
    temporary = path.with_name(path.name + UNFINISHED)
    if order.form == PREVIEW:
        _write_preview(order, temporary, report)
    else:
        _write_alpha(order, temporary, report)
    size = temporary.stat().st_size
    temporary.replace(path)
    return {"path": str(path), "size": size}


def _write_alpha(order: FilmOrder, path: Path, report: Report) -> None:
    form, _ = FORMS[order.form]
    means: list[float] = []
    size, rate = (order.size[0], order.size[1]), Fraction(order.rate)
    with EncodedFilm(path, form, size=size, rate=rate, threads=order.threads) as film:
        for rgb, alpha in _pictures(order):
            film.write(_GIVEN[form.given](rgb, alpha))
            means.append(float(alpha.mean()))
            report(1)
    _check(path, form, means)


def _write_preview(order: FilmOrder, path: Path, report: Report) -> None:
    rate = Fraction(order.rate)
    board = checker_board((order.size[0], order.size[1]))
    size, base = (order.size[0], order.size[1]), 1 / rate
    with FilmWriter(path, size=size, rate=rate, time_base=base, quality=PREVIEW_QUALITY) as film:
        for at, (rgb, alpha) in enumerate(_pictures(order)):
            shown = board + (rgb - board) * alpha[..., None]
            film.write(np.rint(shown).astype(np.uint8), at)
            report(1)
    count = _frames_in(path)
    if count != len(order.frames):
        raise OutputError(f"{path}: {count} of {len(order.frames)} frames read back")


def _pictures(order: FilmOrder) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Film picture and soft matte of every frame; what is missing is black, or clear."""
    size = (order.size[0], order.size[1])
    waiting = list(order.frames)
    sources = [one["source"] for one in waiting]
    for source, rgb in film_pictures(Path(order.film), sources, Fraction(order.rate)):
        picture = np.zeros((*size[::-1], 3), np.uint8) if rgb is None else rgb
        if picture.shape[1::-1] != size:
            raise InputError(
                f"{order.film}: expected {size[0]}x{size[1]} pixels as in the result, got "
                f"{picture.shape[1]}x{picture.shape[0]}; is it another film?"
            )
        while waiting and waiting[0]["source"] == source:
            paths = {name: Path(path) for name, path in waiting.pop(0)["paths"].items()}
            passes = FramePasses(paths, size=size)
            yield passes.colours(picture), passes.matte(order.person)


def _of_16_bits(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    wide = rgb.astype(np.uint16) * (FULL // BYTE)
    return np.dstack([wide, _integers(alpha, FULL, np.uint16)])


def _of_8_bits(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.dstack([rgb, _integers(alpha, BYTE, np.uint8)])


def _matte_alone(_: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return _integers(alpha, FULL, np.uint16)


def _integers(alpha: np.ndarray, full: int, dtype: type[np.unsignedinteger[Any]]) -> np.ndarray:
    return np.asarray(np.rint(np.clip(alpha, 0, 1) * full), dtype=dtype)


_GIVEN: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "rgba64le": _of_16_bits,
    "rgba": _of_8_bits,
    "gray16le": _matte_alone,
}


def _check(path: Path, form: FilmForm, means: list[float]) -> None:
    count = 0
    try:
        for expected, picture in zip(means, read_film(path, form), strict=True):
            alpha = picture if picture.ndim == 2 else picture[..., 3]  # noqa: PLR2004
            count += 1
            if abs(float(alpha.mean()) / np.iinfo(alpha.dtype).max - expected) > NEAR_ENOUGH:
                raise OutputError(f"{path}: the alpha of picture {count} reads back as another")
    except (ValueError, InputError) as error:
        raise OutputError(
            f"{path} does not read back: {count} of {len(means)} pictures ({error})"
        ) from error


def _frames_in(path: Path) -> int:
    import av

    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))
