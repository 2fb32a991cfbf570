"""Errors a user can read: what was expected, what was got, what to do next.

Every error carries the exit code the command line ends with, so that scripts can tell
bad input from a missing model or an unfinished run.
"""

from typing import ClassVar

NOBODY_FOUND = 6
"""Exit code of a result that is valid and empty."""
WITH_GAPS = 7
"""Exit code of a result in which some frames are missing."""
INTERRUPTED = 130
"""Exit code after Ctrl-C."""


class ChoreoscopeError(Exception):
    """Base of every error Choreoscope raises on purpose."""

    exit_code: ClassVar[int] = 1


class InputError(ChoreoscopeError):
    """Something the user gave cannot be used, and the user can mend it."""

    exit_code: ClassVar[int] = 2


class ShapeError(ChoreoscopeError):
    """An array has another shape or type than its field promises."""


class BackendUnavailableError(ChoreoscopeError):
    """A back end lacks a module, weights or a licence; the text names the next command."""

    exit_code: ClassVar[int] = 3


class WeightsError(BackendUnavailableError):
    """A weight file is absent, cannot be fetched, or is not the file it should be."""


class OutputError(ChoreoscopeError):
    """A result cannot be written, or what was written does not read back."""

    exit_code: ClassVar[int] = 4


class BackendFailedError(ChoreoscopeError):
    """A back end is there, but gives nothing that can be used."""

    exit_code: ClassVar[int] = 5


class TimedOutError(ChoreoscopeError):
    """Something took longer than it was allowed to."""

    exit_code: ClassVar[int] = 5


class WorkerLostError(ChoreoscopeError):
    """A worker process ended by itself or was killed by the system."""

    exit_code: ClassVar[int] = 5


class StageFailedError(ChoreoscopeError):
    """A stage did not make everything it had to.

    Parameters
    ----------
    clip, stage : str
        Where it happened.
    cause : str
        One line, for people.
    """

    exit_code: ClassVar[int] = 5

    def __init__(self, *, clip: str, stage: str, cause: str) -> None:
        super().__init__(f"{clip}: stage '{stage}' failed: {cause}")
        self.clip = clip
        self.stage = stage
        self.cause = cause
