"""Putting a worker's part into place, on the side of the one who owns the folder."""

from choreoscope.datatypes.errors import ChoreoscopeError
from choreoscope.pipeline.executors.interface import Place
from choreoscope.pipeline.task import Failure, Part, Task
from choreoscope.pipeline.work import refused_by_disk


def placed(task: Task, place: Place, part: Part) -> Failure | None:
    """Put a part into place; a refusal becomes a record, which the worker is told of."""
    try:
        place(part)
    except OSError as error:
        return Failure.of(refused_by_disk(task.scope.folder.root, error) or error)
    except ChoreoscopeError as error:
        return Failure.of(error)
    return None
