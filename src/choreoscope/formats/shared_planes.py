"""Pictures handed to another process without being copied through a pipe: a mapped file."""

import contextlib
import functools
import mmap
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import OutputError

MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - Linux's disk in memory; file names in it are made safely
ALIGN = 64
"""Bytes; planes begin at multiples, so that copying them is fast."""


class SharedPlanes:
    """A file that one process fills and another looks into; grows as needed."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._map: mmap.mmap | None = None

    def fill(self, planes: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Put planes in; whatever was in the file before is lost.

        Returns
        -------
        dict
            What `shared_planes` in the other process needs; JSON can hold it.

        Raises
        ------
        OutputError
            If there is no room for it.
        """
        described: list[tuple[str, str, list[int], int]] = []
        at = 0
        for name, plane in planes.items():
            described.append((name, plane.dtype.str, list(plane.shape), at))
            at += -(-plane.nbytes // ALIGN) * ALIGN
        if not at:
            return {"file": "", "planes": described}
        target = self._room(at)
        for (_, _, _, start), plane in zip(described, planes.values(), strict=True):
            view = np.frombuffer(target, dtype=plane.dtype, count=plane.size, offset=start)
            np.copyto(view.reshape(plane.shape), plane)
        return {"file": str(self._path), "planes": described}

    def hide(self) -> None:
        """Take the file's name away, once the other process looks into it.

        Then nothing is left behind even if this process is killed. Systems that do not let go of
        the name of an open file keep it until `close`.
        """
        if self._path is not None:
            with contextlib.suppress(PermissionError):
                self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the file."""
        held, self._map = self._map, None
        if held is not None:
            # A view that is still alive keeps the mapping until it is collected.
            with contextlib.suppress(BufferError):
                held.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def _room(self, size: int) -> mmap.mmap:
        if self._map is not None and len(self._map) >= size:
            return self._map
        self.close()
        places = [MEMORY_DISK] if MEMORY_DISK.is_dir() else []
        for place in (*places, Path(tempfile.gettempdir())):
            try:
                return self._made(place, size)
            except OSError as error:
                self.close()
                refused = error
        raise OutputError(f"no room for {size >> 20} MB of pictures in {place} ({refused})")

    def _made(self, place: Path, size: int) -> mmap.mmap:
        handle, name = tempfile.mkstemp(prefix="choreoscope-", suffix=".planes", dir=place)
        self._path = Path(name)
        try:
            if sys.platform == "linux":
                # A file with holes on a full disk would end the process at the first write.
                os.posix_fallocate(handle, 0, size)
            else:
                os.ftruncate(handle, size)
            self._map = mmap.mmap(handle, size)
        finally:
            os.close(handle)
        return self._map


@functools.lru_cache(maxsize=1)
def _opened(file: Path) -> mmap.mmap:
    """Map a file once for all that is put into it: finding its pages again takes time."""
    with file.open("rb") as handle:
        return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)


def shared_planes(record: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Look into planes that another process has put into a file.

    They are read-only, and good until the other process fills the file again.
    """
    if not record["file"]:
        return {
            name: np.zeros(shape, np.dtype(dtype)) for name, dtype, shape, _ in record["planes"]
        }
    content = _opened(Path(record["file"]))
    return {
        name: np.frombuffer(
            content, np.dtype(dtype), count=int(np.prod(shape, dtype=np.int64)), offset=at
        ).reshape(shape)
        for name, dtype, shape, at in record["planes"]
    }
