"""Named arrays in one .npz: the same arrays give the same bytes, and nothing is ever unpickled."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib.npyio import NpzFile

from choreoscope.datatypes.errors import InputError, ShapeError


def write_arrays(path: Path, schema: str, version: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays with the name and version of their schema.

    Members are sorted by name and carry no time stamp, so equal arrays give equal bytes.

    Parameters
    ----------
    path : Path
        Written in place; the caller moves it to its final name.
    schema : str
        Stored as member ``schema``, for example "choreoscope.observations".
    version : int
        Stored as member ``schema_version``.
    arrays : mapping of str to array
        Any dtype but objects.

    Raises
    ------
    ShapeError
        If an array holds Python objects.
    """
    members = {"schema": np.array(schema), "schema_version": np.array(version, dtype=np.int64)}
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise ShapeError(f"{path.name}: member '{name}' holds Python objects, expected numbers")
        members[name] = np.asarray(array)
    # Written member by member: numpy's own writer would pickle, and its options changed in 2.x.
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, members[name], allow_pickle=False)


_NO_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


@contextmanager
def open_arrays(path: Path, schema: str, version: int) -> Iterator[Mapping[str, np.ndarray]]:
    """Open a file of `write_arrays`; a member is read from disk when it is asked for.

    Raises
    ------
    InputError
        If the file is absent, damaged, of another schema or of a newer version, or if a member
        that is asked for does not exist.
    """
    advice = "remove it and run the same command again"
    try:
        # numpy leaves a file open that it opened itself and could not read.
        with path.open("rb") as stream, _archive(stream) as stored:
            _check_schema(stored, schema, version)
            yield stored
    except _DAMAGE as damage:
        raise InputError(f"{path}: cannot be read as {schema} ({damage}); {advice}") from damage


_DAMAGE = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    IndexError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
    ShapeError,
)


def _archive(stream: BinaryIO) -> NpzFile:
    stored = np.load(stream, allow_pickle=False)
    if not isinstance(stored, NpzFile):
        raise ShapeError("it is one bare array")
    return stored


def _check_schema(stored: NpzFile, schema: str, version: int) -> None:
    got = str(stored["schema"]), int(stored["schema_version"])
    if got != (schema, version):
        raise ShapeError(
            f"expected version {version} of {schema}, got version {got[1]} of {got[0]}"
        )


def names_starting(stored: Iterable[str], prefix: str) -> dict[str, str]:
    """Member names that begin with `prefix`, by the name that is left without it."""
    return {name[len(prefix) :]: name for name in stored if name.startswith(prefix)}
