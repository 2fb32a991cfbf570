"""What one worker does: a few frames in a row, every file of them written and re-read."""

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.video import Video
from choreoscope.delivery.names import LAYERS, sequence_path
from choreoscope.delivery.options import FILM_NEEDED, NEEDS, DeliveryOptions
from choreoscope.delivery.pictures import FramePasses, layered, png_of, single
from choreoscope.delivery.source import ORIGIN
from choreoscope.formats.exr import Compression, HeaderValue
from choreoscope.formats.exr_header import camera_header, colour_header, time_header
from choreoscope.formats.pass_writer import checked_exr, checked_png
from choreoscope.formats.passes import UNIT
from choreoscope.formats.pool_worker import Report
from choreoscope.formats.video import probe
from choreoscope.formats.video_reader import FilmReader

COLOURS = ("fg", "base_color")
IDENTITIES = ("people", "parts")
_KEPT = {"depth": (ORIGIN, UNIT), "depth_sigma": (ORIGIN, UNIT)}
"""What is said of a delivered pass as its own files say it; of all others the origin alone."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An order to deliver some frames, as JSON carries it.

    Attributes
    ----------
    frames : list of dict
        For each: ``source`` (film frame), ``number`` (of the file), ``shown`` (frames since the
        first), ``paths`` (pass to file), ``intrinsics`` and ``camera_from_world`` or None.
    names : tuple of str
        What to deliver; keys of `NEEDS`.
    ids : dict
        Names in the Cryptomattes of the shot.
    told : dict
        What the passes' own files say of themselves.
    span : (float, float) or None
        Metres that are white and black in a depth PNG.
    """

    out: str
    shot: str
    film: str | None
    rate: str
    size: tuple[int, int]
    tier: str
    ids: dict[str, list[str]]
    told: dict[str, dict[str, str]]
    names: tuple[str, ...]
    span: tuple[float, float] | None
    options: dict[str, Any]
    frames: list[dict[str, Any]]


def deliver_block(
    arguments: Mapping[str, Any], planes: Mapping[str, np.ndarray], report: Report
) -> dict[str, Any]:
    """Write every picture of some frames.

    Returns
    -------
    dict
        ``files``: list of (path relative to the delivery, bytes); ``no_picture``: numbers of
        frames whose film picture does not decode.

    Raises
    ------
    InputError
        If a pass does not read.
    OutputError
        If a file cannot be written or does not read back.
    """
    del planes
    block = Block(**arguments)
    options = DeliveryOptions.of_record(block.options)
    files: list[tuple[str, int]] = []
    no_picture: list[int] = []
    for record, rgb in _with_pictures(block):
        if rgb is None and block.film is not None and _wants_film(block):
            no_picture.append(record["number"])
        frame = FramePasses(
            {name: Path(path) for name, path in record["paths"].items()},
            size=_size(block),
            rgb=rgb,
            camera_from_world=_matrix(record["camera_from_world"]),
        )
        for path, size in _frame_files(block, options, record, frame):
            files.append((path.relative_to(block.out).as_posix(), size))
        report(1)
    return {"files": files, "no_picture": no_picture}


def _frame_files(
    block: Block, options: DeliveryOptions, record: Mapping[str, Any], frame: FramePasses
) -> Iterator[tuple[Path, int]]:
    for name in block.names:
        if not set(NEEDS[name]) <= set(record["paths"]):
            continue
        if "exr" in options.what:
            yield from _single_files(name, block, options, record, frame)
        if "png" in options.what:
            for file, pixels in png_of(name, frame, options, block.span).items():
                path = _path(block, file, record, ".png")
                yield path, checked_png(path, pixels)
    if "layers" in options.what:
        planes, header = layered(block.names, block.ids, frame, options)
        header |= _header(block, record, is_colour="fg" in block.names)
        compression = options.lossless() if _has_ids(block.names) else options.compression
        header |= _origins(block)
        path = _path(block, LAYERS, record, ".exr")
        yield path, checked_exr(path, planes, header, compression=compression)


def _single_files(
    name: str,
    block: Block,
    options: DeliveryOptions,
    record: Mapping[str, Any],
    frame: FramePasses,
) -> Iterator[tuple[Path, int]]:
    compression: Compression = options.lossless() if name in IDENTITIES else options.compression
    general = _header(block, record, is_colour=name in COLOURS)
    # Relative depth must not be called metres, nor a proxy a measurement.
    told = {key: text for need in NEEDS[name] for key, text in block.told.get(need, {}).items()}
    kept = {key: told[key] for key in _KEPT.get(name, (ORIGIN,)) if key in told}
    for file, (planes, own) in single(name, frame, options).items():
        path = _path(block, file, record, ".exr")
        yield path, checked_exr(path, planes, general | own | kept, compression=compression)


def _origins(block: Block) -> dict[str, HeaderValue]:
    made = {name: told[ORIGIN] for name, told in block.told.items() if ORIGIN in told}
    return {ORIGIN: "; ".join(f"{name}: {by}" for name, by in made.items())} if made else {}


def _header(block: Block, record: Mapping[str, Any], *, is_colour: bool) -> dict[str, HeaderValue]:
    header = time_header(Fraction(block.rate), record["number"], record["shown"])
    header |= colour_header(is_colour=is_colour)
    header["licenceTier"] = block.tier
    intrinsics, pose = _matrix(record["intrinsics"]), _matrix(record["camera_from_world"])
    if intrinsics is not None and pose is not None:
        header |= camera_header(intrinsics, pose, _size(block))
    return header


def _with_pictures(block: Block) -> Iterator[tuple[dict[str, Any], np.ndarray | None]]:
    """Every frame of the block with the film's picture, None where it is not needed or is lost."""
    if block.film is None or not _wants_film(block):
        for record in block.frames:
            yield record, None
        return
    waiting = list(block.frames)
    sources = [one["source"] for one in waiting]
    for source, rgb in film_pictures(Path(block.film), sources, Fraction(block.rate)):
        while waiting and waiting[0]["source"] == source:
            yield waiting.pop(0), rgb


def film_pictures(
    film: Path, sources: Iterable[int], rate: Fraction
) -> Iterator[tuple[int, np.ndarray | None]]:
    """Pictures of source frames in rising order, each once; None where one does not decode.

    Parameters
    ----------
    rate : Fraction
        Of a folder of frames; a film knows its own.
    """
    waiting = deque(sorted(set(sources)))
    if not waiting:
        return
    video = _probed(film, film.stat().st_mtime_ns, rate if film.is_dir() else None)
    with FilmReader(video) as reader:
        for frame, rgb in reader.frames(FrameRange(waiting[0], waiting[-1] + 1)):
            while waiting and waiting[0] < frame:
                yield waiting.popleft(), None
            if waiting and waiting[0] == frame:
                yield waiting.popleft(), rgb
    for lost in waiting:
        yield lost, None


@lru_cache(maxsize=1)
def _probed(film: Path, changed: int, rate: Fraction | None) -> Video:
    """Describe a film once for all blocks of a worker."""
    del changed
    return probe(film, rate=rate)


def _wants_film(block: Block) -> bool:
    return any(name in FILM_NEEDED for name in block.names)


def _has_ids(names: tuple[str, ...]) -> bool:
    return any(name in IDENTITIES for name in names)


def _path(block: Block, name: str, record: Mapping[str, Any], suffix: str) -> Path:
    return sequence_path(Path(block.out), block.shot, name, record["number"], suffix)


def _size(block: Block) -> tuple[int, int]:
    return block.size[0], block.size[1]


def _matrix(rows: list[list[float]] | None) -> np.ndarray | None:
    return None if rows is None else np.array(rows)
