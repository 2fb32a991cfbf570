"""What a model of passes remembers at the end of a window, as plain arrays in an .npz."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.formats.npz import names_starting, open_arrays, write_arrays

SCHEMA = "choreoscope.pass_state"
VERSION = 1
STATE = "state."


def write_pass_state(path: Path, state: Mapping[str, np.ndarray]) -> None:
    """Write a state; an empty one says that the next window begins anew.

    Raises
    ------
    ShapeError
        If an array holds Python objects.
    """
    write_arrays(path, SCHEMA, VERSION, {STATE + name: value for name, value in state.items()})


def read_pass_state(path: Path) -> dict[str, np.ndarray]:
    """Read a state to the bit.

    Raises
    ------
    InputError
        If it is absent, damaged or of another kind.
    """
    with open_arrays(path, SCHEMA, VERSION) as stored:
        return {name: stored[member] for name, member in names_starting(stored, STATE).items()}


def check_pass_state(path: Path) -> None:
    """Re-read a file just written.

    Raises
    ------
    OutputError
        If it does not read back.
    """
    try:
        read_pass_state(path)
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error
