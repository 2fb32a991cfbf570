"""Inert stand-ins for what arrays are called in pickles, and the arrays made of them.

Half of `restricted_pickle`: what a file may name, and what becomes of it. No stand-in does anything
while the file is read; afterwards each is turned into an array whose size was checked before.
"""

import math
import re
from typing import Any, Self

import numpy as np

DEEPEST = 64
"""Containers within containers."""
_MOST_AXES = 8


class RefusedError(Exception):
    """What a file asks for and does not get."""


class _Inert:
    """Stands for a thing of the file and remembers what it was made of.

    Every class handed to the unpickler has ``__setstate__``: a file that tries to change the class
    itself then calls it without an instance, which fails, instead of setting attributes.
    """

    __slots__ = ("arguments", "state")

    arguments: tuple[Any, ...]
    state: Any

    def __new__(cls, *arguments: object) -> Self:
        made = super().__new__(cls)
        made.arguments, made.state = arguments, None
        return made

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Array(_Inert): ...


class _ArrayOfBuffer(_Inert): ...


class _Scalar(_Inert): ...


class _NumberType(_Inert): ...


class _Text(_Inert): ...


class _NoBytes(_Inert): ...


class _Mark(_Inert): ...


class _Set(_Inert): ...


class _Chumpy(_Inert): ...


class _Select(_Inert): ...


class _Columns(_Inert): ...


class _Rows(_Inert): ...


class _Coordinates(_Inert): ...


_SPARSE = {"csc_matrix": _Columns, "csr_matrix": _Rows, "coo_matrix": _Coordinates}
_REBUILT = (_Chumpy, _Select, *_SPARSE.values())


class _Rebuilt(_Inert):
    """``copyreg._reconstructor``: an object without its state, for our own classes only."""

    __slots__ = ()

    def __new__(cls, *arguments: object) -> _Inert:  # type: ignore[misc]
        kind = arguments[0] if arguments else None
        if kind not in _REBUILT:
            raise RefusedError(f"it rebuilds an object of {shown(kind)}")
        return next(own for own in _REBUILT if own is kind)()


def _globals() -> dict[tuple[str, str], type[_Inert]]:
    """Everything a file may name."""
    known: dict[tuple[str, str], type[_Inert]] = {
        ("numpy", "ndarray"): _Mark,
        ("numpy", "dtype"): _NumberType,
        ("_codecs", "encode"): _Text,
        ("chumpy.ch", "Ch"): _Chumpy,
        ("chumpy.reordering", "Select"): _Select,
    }
    for core in ("numpy.core", "numpy._core"):
        known[f"{core}.multiarray", "_reconstruct"] = _Array
        known[f"{core}.multiarray", "scalar"] = _Scalar
        known[f"{core}.numeric", "_frombuffer"] = _ArrayOfBuffer
    for builtin in ("__builtin__", "builtins"):
        # chumpy keeps a set of what has changed; an empty array of numpy has empty bytes.
        known |= {(builtin, "object"): _Mark, (builtin, "set"): _Set, (builtin, "bytes"): _NoBytes}
    for registry in ("copy_reg", "copyreg"):
        known[registry, "_reconstructor"] = _Rebuilt
    for matrix, stand_in in _SPARSE.items():
        layout = matrix.removesuffix("_matrix")
        for module in (f"scipy.sparse.{layout}", f"scipy.sparse._{layout}"):
            known |= {(module, f"{layout}_{kind}"): stand_in for kind in ("matrix", "array")}
    return known


GLOBALS = _globals()


def shown(value: object) -> str:
    """Name a thing of the file in a few characters; containers by their type alone.

    Writing a container out could take for ever: a list may hold another one twice, and so on.
    """
    return ascii(value[:80]) if isinstance(value, str) else type(value).__name__


_TYPE_CODES = re.compile(r"\?|b1|[iufcSU]\d{1,9}")
_BYTE_ORDERS = ("<", ">", "|", "=")


class Unfolding:
    """Turns stand-ins into arrays, each once, within a number of bytes."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._done: dict[int, object] = {}
        self._open: set[int] = set()

    def plain(self, value: object) -> object:
        """Give the value with all stand-ins in it replaced."""
        if value is None or isinstance(value, str | bytes | bytearray | int | float | complex):
            return value
        key = id(value)
        if key not in self._done:
            if key in self._open or len(self._open) >= DEEPEST:
                raise RefusedError(f"it holds itself, or is nested more than {DEEPEST} deep")
            self._open.add(key)
            self._done[key] = self._unfolded(value)
            self._open.remove(key)
        return self._done[key]

    def check(self, count: int) -> None:
        """Look whether there is room for some bytes.

        Raises
        ------
        RefusedError
            If there is less.
        """
        if count > self._room:
            raise RefusedError(f"its arrays need {count} bytes, more than the {self._room} left")

    def _charge(self, count: int) -> None:
        self.check(count)
        self._room -= count

    def _unfolded(self, value: object) -> object:
        if isinstance(value, dict):
            return {self.plain(key): self.plain(own) for key, own in value.items()}
        if isinstance(value, tuple):
            return tuple(self.plain(own) for own in value)
        if isinstance(value, list | set | frozenset):
            return [self.plain(own) for own in value]
        makers: dict[type, Any] = {
            _Array: self._array,
            _ArrayOfBuffer: self._array_of_buffer,
            _Scalar: self._scalar,
            _NumberType: self._number_type,
            _Text: self._bytes,
            _NoBytes: self._bytes,
            _Set: self._set,
            _Chumpy: self._chumpy,
            _Select: self._select,
            _Columns: self._compressed,
            _Rows: self._compressed,
            _Coordinates: self._coordinates,
        }
        maker = makers.get(type(value))
        if maker is None:
            raise RefusedError(f"it holds a bare {shown(value)}")
        return maker(value)

    def _bytes(self, value: object) -> bytes:
        """Bytes of a text of Python 2 or of ``encode(text, "latin1")``."""
        if isinstance(value, _NoBytes) and not any(value.arguments):
            return b""
        if isinstance(value, _Text):
            text, encoding = value.arguments
            if encoding != "latin1" or not isinstance(text, str):
                raise RefusedError(f"it encodes as {shown(encoding)}")
            value = text
        if isinstance(value, str):
            self._charge(len(value))
            return value.encode("latin1")
        if isinstance(value, bytes | bytearray):
            return bytes(value)
        raise RefusedError("it holds an array of Python objects")

    def _number_type(self, value: object) -> np.dtype[Any]:
        if not isinstance(value, _NumberType):
            raise RefusedError("it holds an array without a type")
        code = value.arguments[0]
        if not isinstance(code, str) or not _TYPE_CODES.fullmatch(code):
            kind = "Python objects" if shown(code).startswith("'O") else shown(code)
            raise RefusedError(f"it holds an array of {kind}")
        made = np.dtype(code)
        if value.state is None:
            return made
        order, parts, names = value.state[1:4]
        if order not in _BYTE_ORDERS or parts is not None or names is not None:
            raise RefusedError("it holds an array of records")
        return made.newbyteorder(order)

    def filled(
        self, shape: object, kind: np.dtype[Any], content: bytes, *, fortran: bool
    ) -> np.ndarray:
        """Array of bytes, once its declared size is known to be that of the bytes.

        Raises
        ------
        RefusedError
            If it is not, or too large.
        """
        sizes = sizes_of(shape)
        need = math.prod(sizes) * kind.itemsize
        self._charge(need)
        if need != len(content):
            raise RefusedError(
                f"its array of shape {sizes} needs {need} bytes and has {len(content)}"
            )
        flat = np.frombuffer(content, kind) if need else np.zeros(0, kind)
        array = flat.reshape(sizes, order="F" if fortran else "C")
        array = array.astype(kind.newbyteorder("="), copy=False)
        array.flags.writeable = False
        return array

    def _array(self, value: _Inert) -> np.ndarray:
        if not isinstance(value.state, tuple):
            raise RefusedError("it holds an array without contents")
        shape, kind, fortran, content = value.state[-4:]
        kind = self._number_type(kind)
        return self.filled(shape, kind, self._bytes(content), fortran=bool(fortran))

    def _array_of_buffer(self, value: _Inert) -> np.ndarray:
        content, kind, shape, order = value.arguments
        kind = self._number_type(kind)
        return self.filled(shape, kind, self._bytes(content), fortran=order == "F")

    def _scalar(self, value: _Inert) -> object:
        kind, content = value.arguments
        kind = self._number_type(kind)
        return self.filled((), kind, self._bytes(content), fortran=False)[()]

    def _set(self, value: _Inert) -> object:
        return [self.plain(own) for own in value.arguments[0]] if value.arguments else []

    def _own(self, value: _Inert, name: str) -> np.ndarray:
        """Array among the attributes of a stand-in."""
        if not isinstance(value.state, dict) or name not in value.state:
            kind = type(value).__name__.strip("_").lower()
            raise RefusedError(f"it holds a {kind} array without its '{name}'")
        array = np.asarray(self.plain(value.state[name]))
        if array.dtype.kind not in "biufc":
            raise RefusedError(f"it holds '{name}' of an array that are no numbers")
        return array

    def _chumpy(self, value: _Inert) -> np.ndarray:
        return self._own(value, "x")

    def _select(self, value: _Inert) -> np.ndarray:
        whole, chosen = self._own(value, "a"), self._own(value, "idxs")
        self._charge(chosen.size * whole.itemsize)
        picked = whole.ravel()[chosen]
        shape = value.state.get("preferred_shape")
        shaped = picked if shape is None else picked.reshape(sizes_of(self.plain(shape)))
        return np.asarray(shaped)

    def _compressed(self, value: _Inert) -> np.ndarray:
        """Dense form of compressed columns or rows."""
        across, starts = self._own(value, "indices"), self._own(value, "indptr")
        counts = np.diff(starts)
        if counts.size and (counts.min() < 0 or starts[0] != 0 or starts[-1] != len(across)):
            raise RefusedError("it holds a sparse matrix whose columns do not fit its contents")
        along = np.repeat(np.arange(len(counts)), counts)
        by_rows = isinstance(value, _Rows)
        return self._dense(value, *((along, across) if by_rows else (across, along)))

    def _coordinates(self, value: _Inert) -> np.ndarray:
        if "coords" in value.state:
            rows, columns = (np.asarray(own) for own in _pair(self.plain(value.state["coords"])))
        else:
            rows, columns = self._own(value, "row"), self._own(value, "col")
        return self._dense(value, rows, columns)

    def _dense(self, value: _Inert, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        height, width = sizes_of(_pair(self.plain(value.state["_shape"])))
        content = self._own(value, "data")
        self._charge(height * width * content.itemsize)
        if rows.min(initial=0) < 0 or columns.min(initial=0) < 0:
            raise RefusedError("it holds a sparse matrix with places below 0")
        dense = np.zeros((height, width), content.dtype)
        np.add.at(dense, (rows, columns), content)
        return dense


def sizes_of(shape: object) -> tuple[int, ...]:
    """Check a shape.

    Raises
    ------
    RefusedError
        If it is none.
    """
    sizes = shape if isinstance(shape, tuple | list) else (shape,)
    whole = all(isinstance(size, int | np.integer) and size >= 0 for size in sizes)
    if not whole or len(sizes) > _MOST_AXES:
        raise RefusedError("it holds an array of impossible shape")
    return tuple(int(size) for size in sizes)


def _pair(value: object) -> tuple[object, object]:
    first, second = value if isinstance(value, tuple | list) else (value, None)
    return first, second
