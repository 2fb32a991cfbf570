"""Whether a model's answer about a frame is what `interfaces.Answer` says; one clear error if not.

Values a hair outside their range are numerical noise of a network and are brought back; anything
more is a fault of the back end and must not be written.
"""

from collections.abc import Callable, Mapping

import numpy as np

from choreoscope.capture.passes.interfaces import Answer
from choreoscope.datatypes.errors import BackendFailedError

NOISE = 1e-3
"""How far a share may lie outside 0 to 1."""
UNIT_NOISE = 1e-2
"""How far a normal's length may lie from 1."""
HALF_TURN = 180.0
OF_PEOPLE = ("alpha.", "points.")
METRIC = ("metric", "scale")
Size = tuple[int, int]


def checked(
    answer: Answer, size: Size, frame: int, model: object, gives: str = ""
) -> dict[str, np.ndarray]:
    """Return the answer with noise removed.

    Parameters
    ----------
    answer : mapping
        As a model gave it.
    size : (int, int)
        Width and height of the frame.
    frame : int
        Source frame, for the error.
    model : object
        Asked for its `part_names` and `depth_space`, where it has them.
    gives : str
        A name that has to be there.

    Raises
    ------
    BackendFailedError
        Naming model, frame and array.
    """
    who = f"{type(model).__name__}, frame {frame}"
    if not isinstance(answer, Mapping):
        raise BackendFailedError(f"{who}: expected names and arrays, got {type(answer).__name__}")
    if gives and gives not in answer:
        raise BackendFailedError(f"{who}: expected '{gives}', got {', '.join(answer) or 'nothing'}")
    out = {}
    for name, value in answer.items():
        check = _CHECKS.get(name) or next(
            (_CHECKS[kind] for kind in OF_PEOPLE if name.startswith(kind)), None
        )
        if check is None:
            raise BackendFailedError(f"{who}: answers are not known by the name '{name}'")
        if not isinstance(value, np.ndarray):
            raise BackendFailedError(
                f"{who}: {name}: expected an array, got {type(value).__name__}"
            )
        try:
            out[name] = check(value, size, model)
        except _WrongError as wrong:
            raise BackendFailedError(f"{who}: {name}: {wrong}") from wrong
    return out


class _WrongError(Exception):
    """What an array should be and is not."""


def _of_form(
    value: np.ndarray, size: Size, tail: tuple[int, ...], dtype: type = np.float32
) -> None:
    wanted = (size[1], size[0], *tail)
    if value.shape != wanted or value.dtype != dtype:
        raise _WrongError(
            f"expected {wanted} {np.dtype(dtype).name}, got {value.shape} {value.dtype.name}"
        )


def _share(value: np.ndarray, size: Size, model: object, tail: tuple[int, ...] = ()) -> np.ndarray:
    del model
    _of_form(value, size, tail)
    low, high = float(value.min(initial=0.0)), float(value.max(initial=0.0))
    # NaN compares false with everything, so this refuses it too.
    if not (low >= -NOISE and high <= 1 + NOISE):
        raise _WrongError(f"expected 0 to 1, got {low:g} to {high:g}")
    return np.clip(value, 0.0, 1.0) if low < 0 or high > 1 else value


def _colour(value: np.ndarray, size: Size, model: object) -> np.ndarray:
    return _share(value, size, model, (3,))


def _depth(value: np.ndarray, size: Size, model: object) -> np.ndarray:
    _of_form(value, size, ())
    if np.isinf(value).any():
        raise _WrongError("expected numbers, or NaN where nothing is known, got infinity")
    if getattr(model, "depth_space", "") in METRIC and bool((value <= 0).any()):
        raise _WrongError("expected depth above 0, or NaN where nothing is known")
    return value


def _angle(value: np.ndarray, size: Size, model: object) -> np.ndarray:
    del size, model
    if value.shape != () or not 0 < float(value) < HALF_TURN:
        raise _WrongError(f"expected one angle between 0 and 180 degrees, got {value}")
    return value.astype(np.float32)


def _normals(value: np.ndarray, size: Size, model: object) -> np.ndarray:
    del model
    _of_form(value, size, (3,))
    squared = np.einsum("ijk,ijk->ij", value, value)
    # Lengths within the noise, or nothing at all; NaN is neither.
    sound = (np.abs(squared - 1) <= 2 * UNIT_NOISE) | (squared == 0)
    if not sound.all():
        length = float(np.sqrt(squared[~sound][0]))
        raise _WrongError(f"expected unit vectors, or 0 where there is none, got length {length:g}")
    return value


def _parts(value: np.ndarray, size: Size, model: object) -> np.ndarray:
    _of_form(value, size, (), np.int32)
    known = len(getattr(model, "part_names", ()))
    low, high = int(value.min(initial=-1)), int(value.max(initial=-1))
    if low < -1 or high >= known:
        raise _WrongError(f"expected places in {known} names, or -1, got {low} to {high}")
    return value


def _flow(value: np.ndarray, size: Size, model: object) -> np.ndarray:
    del model
    _of_form(value, size, (2,))
    if np.isinf(value).any():
        raise _WrongError("expected pixels, or NaN where nothing is known, got infinity")
    return value


def _points(value: np.ndarray, size: Size, model: object) -> np.ndarray:
    del size, model
    if value.ndim != 2 or value.shape[1] != 3 or not np.isfinite(value).all():  # noqa: PLR2004
        raise _WrongError(f"expected (P, 3) finite numbers, got {value.shape}")
    return value


_CHECKS: dict[str, Callable[[np.ndarray, Size, object], np.ndarray]] = {
    "alpha": _share,
    "alpha.": _share,
    "foreground": _colour,
    "depth": _depth,
    "fov": _angle,
    "normals": _normals,
    "parts": _parts,
    "flow": _flow,
    "flow_back": _flow,
    "points.": _points,
}
