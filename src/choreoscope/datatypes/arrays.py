"""Arrays that check themselves: shape letters in annotations bind across one object.

A field annotated ``Float[np.ndarray, "N 33 2"]`` must be a float array of that shape, and
``N`` must be the same number in every field of the object. Accepted arrays are copied and made
read-only, because a read-only view would not freeze the caller's array.
"""

import dataclasses
import types
import typing
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import ShapeError


def check_arrays(instance: Any) -> None:  # noqa: ANN401
    """Check, copy and freeze every annotated array field of a frozen dataclass.

    Call it first in ``__post_init__``. Fields whose annotation allows ``None`` may be ``None``.

    Raises
    ------
    ShapeError
        Naming class, field, expected shape and the shape got.
    """
    letters: dict[str, int] = {}
    for field in dataclasses.fields(instance):
        declared = _array_annotation(field.type)
        value = getattr(instance, field.name)
        if declared is None or value is None:
            continue
        where = f"{type(instance).__name__}.{field.name}"
        array = _converted(value, declared, where)
        _bind(array.shape, declared.dim_str.split(), letters, where)
        array.flags.writeable = False
        object.__setattr__(instance, field.name, array)


def _array_annotation(annotation: Any) -> Any:  # noqa: ANN401
    options = (
        typing.get_args(annotation)
        if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
        else (annotation,)
    )
    return next((option for option in options if hasattr(option, "dim_str")), None)


def _converted(value: Any, declared: Any, where: str) -> np.ndarray:  # noqa: ANN401
    array = np.array(value)
    names = declared.dtypes
    if str(array.dtype) in names:
        return array
    wants_float = "float64" in names
    wants_int = "int64" in names
    if wants_float and array.dtype.kind in "iu":
        return array.astype(np.float64)
    if wants_int and array.dtype.kind in "iu":
        return array.astype(np.int64)
    if array.size == 0 and array.dtype == np.float64:
        return array.astype(np.float64 if wants_float else names[-1])
    raise ShapeError(f"{where}: expected {declared.__name__}, got an array of {array.dtype}")


def _bind(shape: tuple[int, ...], wanted: list[str], letters: dict[str, int], where: str) -> None:
    text = " ".join(wanted)
    if len(shape) != len(wanted):
        raise ShapeError(f"{where}: expected shape ({text}), got {shape}")
    for size, letter in zip(shape, wanted, strict=True):
        known = int(letter) if letter.isdigit() else letters.setdefault(letter, size)
        if known != size:
            note = "" if letter.isdigit() else f" where {letter} = {known} in an earlier field"
            raise ShapeError(f"{where}: expected shape ({text}){note}, got {shape}")
