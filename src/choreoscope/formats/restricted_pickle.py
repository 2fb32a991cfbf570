"""Arrays out of other people's pickles, read without running anything that is in them.

A pickle is a program: it names functions and calls them. This reader answers every name it knows
with an inert class of its own, which only remembers what it was given, and refuses all others
(BODIES.md, section 3.3). Only when the program is over are arrays made of what was remembered, and
their sizes are checked before room is made for them. Neither chumpy nor scipy is needed.
"""

import io
import math
import pickle  # noqa: TID251 -- the one restricted reader; here every global is an inert class
import pickletools
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.formats.inert_arrays import GLOBALS, RefusedError, Unfolding, shown, sizes_of

LARGEST_FILE = 1 << 30
"""Bytes. The largest published model, SMPL-X with 400 directions, has half of that."""
LARGEST_CONTENT = 2 << 30
"""Bytes of all arrays of one file together."""
MOST_STEPS = 5_000_000
"""Opcodes of one pickle."""
_ADVICE = "get it again from its makers, or save its arrays with numpy.savez and give that file"


def read_restricted(source: Path | bytes) -> object:
    """Read a pickle of numbers, texts, containers and arrays.

    Understood are numpy arrays and scalars as written by numpy 1 and 2 under Python 2 and 3,
    arrays of chumpy (``Ch`` and ``Select``) and sparse matrices of scipy, which become dense.

    Parameters
    ----------
    source : Path or bytes
        File, or what is in it.

    Returns
    -------
    dict, list, tuple, array, number, text, bytes or None
        Nested as in the file; sets become lists. Arrays are read-only and of native byte order.

    Raises
    ------
    InputError
        If the file is absent, damaged or too large, or asks for anything else than the above:
        other classes and functions, arrays of Python objects, references to outside. Nothing of
        the file has run.
    """
    name = "pickle" if isinstance(source, bytes) else str(source)
    try:
        content = source if isinstance(source, bytes) else _content(source)
        _check_steps(content)
        return Unfolding(LARGEST_CONTENT).plain(_InertUnpickler(io.BytesIO(content)).load())
    except RefusedError as refusal:
        raise InputError(f"{name}: {refusal}; nothing in it was run; {_ADVICE}") from refusal
    except _DAMAGE as damage:
        raise InputError(f"{name}: not a whole pickle ({_line(damage)}); {_ADVICE}") from damage


def read_restricted_npz(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of an .npz that hold no Python objects; others are left where they are.

    Parameters
    ----------
    path : Path
        Written by ``numpy.savez`` or ``numpy.savez_compressed``.

    Returns
    -------
    dict of str to array
        By member name. Arrays are read-only and of native byte order.

    Raises
    ------
    InputError
        If the file is absent, damaged or too large.
    """
    try:
        arrays = {}
        unfolding = Unfolding(LARGEST_CONTENT)
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".npy"):
                    with archive.open(member) as entry:
                        array = _npy(entry, unfolding)
                    if array is not None:
                        arrays[member.filename.removesuffix(".npy")] = array
    except RefusedError as refusal:
        raise InputError(f"{path}: {refusal}; nothing in it was run; {_ADVICE}") from refusal
    except _DAMAGE as damage:
        raise InputError(f"{path}: not a whole .npz ({_line(damage)}); {_ADVICE}") from damage
    return arrays


_DAMAGE = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
)


def _line(damage: BaseException) -> str:
    """Say what went wrong in one short line."""
    return " ".join(f"{type(damage).__name__}: {damage}".split())[:160]


def _content(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise RefusedError(f"it has {size} bytes, more than the {LARGEST_FILE} of any body model")
    return path.read_bytes()


_OUTSIDE = ("PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER")
_NUMBERED = ("PUT", "BINPUT", "LONG_BINPUT")


def _check_steps(content: bytes) -> None:
    """Read through a pickle once without obeying it.

    The unpickler makes room for a length or a memo number before it sees whether there is anything.
    """
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content), start=1):
        if opcode.name in _OUTSIDE:
            raise RefusedError(f"it refers to something outside itself ({opcode.name})")
        if count > MOST_STEPS:
            raise RefusedError(f"it takes more than {MOST_STEPS} steps")
        if opcode.name in _NUMBERED and int(argument or 0) > count:
            raise RefusedError(f"it numbers step {count} as {argument}")


class _InertUnpickler(pickle.Unpickler):
    """Obeys a pickle whose every global is an inert class."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, encoding="latin1")

    def find_class(self, module_name: str, global_name: str, /) -> type:
        """Look a global up in the table; nothing is ever imported."""
        found = GLOBALS.get((module_name, global_name))
        if found is None:
            wanted = shown(f"{module_name}.{global_name}")
            raise RefusedError(f"it asks for {wanted}, which is no array and could run code")
        return found

    def persistent_load(self, pid: object) -> object:
        """Refuse."""
        raise RefusedError(f"it refers to something outside itself ({shown(pid)})")


def _npy(entry: Any, unfolding: Unfolding) -> np.ndarray | None:  # noqa: ANN401
    """Array of one .npy, None if it holds Python objects."""
    version = np.lib.format.read_magic(entry)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, fortran, kind = readers[version](entry)
    if kind.hasobject or kind.names is not None:
        return None
    need = math.prod(sizes_of(shape)) * kind.itemsize
    unfolding.check(need)
    # One byte more than promised: the checksum is compared at the end, and a longer one is refused.
    return unfolding.filled(shape, kind, entry.read(need) + entry.read(1), fortran=fortran)
