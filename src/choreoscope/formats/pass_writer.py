"""Pictures written by a pool: each re-read before it gets its name, errors told, order kept."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.formats.exr import LOSSY, Compression, HeaderValue, open_exr, write_exr
from choreoscope.formats.exr_header import header_of_json, header_to_json
from choreoscope.formats.pictures import read_picture, write_png
from choreoscope.formats.pool_worker import Report
from choreoscope.formats.work_pool import WorkPool

PNG_PLANE = "png"
UNFINISHED = ".part"
"""Ends the name of a file that is not yet whole."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPicture:
    """A file that has been written and re-read."""

    path: Path
    size: int


def checked_exr(
    path: Path,
    channels: Mapping[str, np.ndarray],
    header: Mapping[str, HeaderValue] | None = None,
    *,
    compression: Compression = "zips",
) -> int:
    """Write an EXR under another name, re-read it, then give it its name.

    Lossless files must hold the same bits, others the same channels with finite numbers in the
    same places.

    Returns
    -------
    int
        Bytes on disk.

    Raises
    ------
    OutputError
        If it cannot be written or does not read back.
    """
    temporary = path.with_name(path.name + UNFINISHED)
    write_exr(temporary, channels, header, compression=compression)
    try:
        found = open_exr(temporary).channels
    except InputError as error:
        raise OutputError(f"{path} does not read back: {error}") from error
    if set(found) != set(channels):
        raise OutputError(f"{path} does not read back: it holds {', '.join(sorted(found))}")
    for name, plane in channels.items():
        if not _is_same(found[name], plane, exact=compression not in LOSSY):
            raise OutputError(f"{path} does not read back: channel {name} is another")
    return _named(temporary, path)


def checked_png(path: Path, pixels: np.ndarray) -> int:
    """Write a PNG under another name, re-read it, then give it its name.

    Returns
    -------
    int
        Bytes on disk.

    Raises
    ------
    OutputError
        If it cannot be written or does not read back.
    """
    temporary = path.with_name(path.name + UNFINISHED)
    try:
        write_png(temporary, pixels)
        same = np.array_equal(read_picture(temporary).pixels, pixels)
    except (InputError, OSError) as error:
        raise OutputError(f"{path} cannot be written ({error})") from error
    if not same:
        raise OutputError(f"{path} does not read back: its pixels are others")
    return _named(temporary, path)


def _named(temporary: Path, path: Path) -> int:
    try:
        size = temporary.stat().st_size
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror or error})") from error
    return size


def _is_same(found: np.ndarray, written: np.ndarray, *, exact: bool) -> bool:
    if found.shape != written.shape or found.dtype != written.dtype:
        return False
    if exact:
        # As whole numbers: a NaN is not equal to itself.
        return np.array_equal(_bits_of(found), _bits_of(written))
    return bool(np.array_equal(np.isfinite(found), np.isfinite(written)))


def _bits_of(plane: np.ndarray) -> np.ndarray:
    """Bits of a plane as whole numbers, as wide as they divide it: that compares fastest."""
    flat = np.ascontiguousarray(plane).reshape(-1)
    return flat.view("u8" if flat.nbytes % 8 == 0 else f"u{flat.dtype.itemsize}")


class PassWriter:
    """Writes pictures while the caller makes the next ones; a context manager.

    Parameters
    ----------
    workers : int or None
        Processes; None takes one per core, 0 writes in the caller's own thread.
    written : callable or None
        Called with each `WrittenPicture`, in the order in which they were given.

    Raises
    ------
    OutputError
        From any call and at the end of the block, about a picture given earlier.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        written: Callable[[WrittenPicture], None] | None = None,
    ) -> None:
        self._written = written
        self._pool = WorkPool(workers, done=self._tell)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.__exit__(kind, value, trace)

    def _tell(self, record: dict[str, Any]) -> None:
        if self._written is not None:
            self._written(WrittenPicture(path=Path(record["path"]), size=record["size"]))

    def exr(
        self,
        path: Path,
        channels: Mapping[str, np.ndarray],
        header: Mapping[str, HeaderValue] | None = None,
        *,
        compression: Compression = "zips",
    ) -> None:
        """Have an EXR written; the planes must not be changed afterwards. As `checked_exr`."""
        arguments = {
            "path": str(path),
            "header": header_to_json(header or {}),
            "compression": compression,
        }
        self._pool.order(f"{__name__}:written_exr", arguments, channels)

    def png(self, path: Path, pixels: np.ndarray) -> None:
        """Have a PNG written; the pixels must not be changed afterwards. As `checked_png`."""
        self._pool.order(f"{__name__}:written_png", {"path": str(path)}, {PNG_PLANE: pixels})


def written_exr(
    arguments: Mapping[str, Any], planes: Mapping[str, np.ndarray], report: Report
) -> dict[str, Any]:
    """Write an EXR as a worker does."""
    path, header = Path(arguments["path"]), header_of_json(arguments["header"])
    size = checked_exr(path, planes, header, compression=arguments["compression"])
    report(1)
    return {"path": str(path), "size": size}


def written_png(
    arguments: Mapping[str, Any], planes: Mapping[str, np.ndarray], report: Report
) -> dict[str, Any]:
    """Write a PNG as a worker does."""
    path = Path(arguments["path"])
    size = checked_png(path, planes[PNG_PLANE])
    report(1)
    return {"path": str(path), "size": size}
