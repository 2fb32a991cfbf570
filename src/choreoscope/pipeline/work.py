"""Doing a task: the same few lines wherever a stage runs."""

import errno
import time
from pathlib import Path

from choreoscope.datatypes.errors import ChoreoscopeError, OutputError, TimedOutError
from choreoscope.pipeline.events import Event
from choreoscope.pipeline.folder import refusal
from choreoscope.pipeline.job import StageJob
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.task import Channel, Failure, Part, Task

OUT_OF_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Refusals that can only come from writing, whatever file the error names."""


def work(task: Task, models: LoadedModels, channel: Channel) -> Failure | None:
    """Run a stage; whatever it raises becomes a record.

    Raises
    ------
    TimedOutError
        Passed on from the channel.
    """
    try:
        job = StageJob(task, models, channel)
        task.standing.stage.run(job)
        job.finish()
    except TimedOutError:
        raise
    except OSError as error:
        refused = refused_by_disk(task.scope.folder.root, error)
        return Failure.of(refused or error)
    except OutputError as error:
        # Writers wrap what the disk says; people are told what to do about it.
        cause = error.__cause__
        refused = (
            refused_by_disk(task.scope.folder.root, cause) if isinstance(cause, OSError) else None
        )
        return Failure.of(refused or error)
    except ChoreoscopeError as error:
        return Failure.of(error)
    except Exception as error:  # noqa: BLE001 - the one place where anything a stage raises ends
        return Failure.of(error)
    return None


def refused_by_disk(root: Path, error: OSError) -> OutputError | None:
    """Tell a disk that cannot be written from a film that cannot be read.

    Parameters
    ----------
    root : Path
        The clip's folder.
    """
    ours = isinstance(error.filename, str) and str(root) in error.filename
    if not ours and error.errno not in OUT_OF_ROOM:
        return None
    refused = refusal(error, root)
    if refused is not None:
        refused.__cause__ = error
    return refused


class TimedChannel:
    """Passes everything on until a deadline has passed, then stops the stage.

    Parameters
    ----------
    channel : Channel
        Where everything goes.
    deadline : float
        On `time.monotonic`.
    """

    def __init__(self, channel: Channel, deadline: float) -> None:
        self._channel = channel
        self._deadline = deadline

    def tell(self, event: Event) -> None:
        """Hand an event up.

        Raises
        ------
        TimedOutError
            When the deadline has passed.
        """
        self._look_at_clock()
        self._channel.tell(event)

    def place(self, part: Part) -> None:
        """Have a part put into place.

        Raises
        ------
        TimedOutError
            When the deadline has passed; what was finished in time is kept.
        """
        self._channel.place(part)
        if not part.is_whole:
            self._look_at_clock()

    def _look_at_clock(self) -> None:
        if time.monotonic() > self._deadline:
            raise TimedOutError("took longer than allowed")
