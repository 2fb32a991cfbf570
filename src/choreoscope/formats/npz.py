"""Named arrays in one .npz: the same arrays give the same bytes, and nothing is ever unpickled."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, ShapeError

_DAMAGE = (zipfile.BadZipFile, zlib.error, ShapeError)


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
    with path.open("wb") as stream:
        np.savez_compressed(stream, **{name: members[name] for name in sorted(members)})


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
        with np.load(path, allow_pickle=False) as stored:
            if not isinstance(stored, np.lib.npyio.NpzFile) or str(stored["schema"]) != schema:
                raise InputError(f"{path}: expected a file of schema {schema}; {advice}")
            got = int(stored["schema_version"])
            if got != version:
                raise InputError(
                    f"{path}: expected version {version} of {schema}, got {got}; {advice}"
                )
            yield stored
    except (OSError, EOFError, KeyError, ValueError, IndexError, *_DAMAGE) as damage:
        raise InputError(f"{path}: cannot be read as {schema} ({damage}); {advice}") from damage


def names_starting(stored: Iterable[str], prefix: str) -> dict[str, str]:
    """Member names that begin with `prefix`, by the name that is left without it."""
    return {name[len(prefix) :]: name for name in stored if name.startswith(prefix)}
