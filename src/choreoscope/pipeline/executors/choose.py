"""The executor a user asks for."""

import contextlib
from collections.abc import Iterator

from choreoscope.datatypes.errors import BackendUnavailableError
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.events import Events, ignore
from choreoscope.pipeline.executors.interface import Executor
from choreoscope.pipeline.loading import LoadedModels


@contextlib.contextmanager
def executor_for(settings: RunSettings, events: Events = ignore) -> Iterator[Executor]:
    """Offer the executor that the settings name for the length of a block.

    Parameters
    ----------
    events : callable
        Told about weights that are fetched in this process.

    Raises
    ------
    BackendUnavailableError
        If what it needs is not installed, or nobody has the accelerators asked for.
    InputError
        If settings contradict each other.
    """
    with contextlib.closing(_made(settings, events)) as executor:
        yield executor


def _made(settings: RunSettings, events: Events) -> Executor:
    if settings.executor == "ray":
        from choreoscope.pipeline.executors.ray import RayExecutor

        return RayExecutor(settings)
    _demand_gpus(settings)
    if settings.executor == "pool":
        from choreoscope.pipeline.executors.pool import PoolExecutor

        return PoolExecutor(settings)
    from choreoscope.pipeline.executors.inline import InlineExecutor

    return InlineExecutor(LoadedModels(settings, events))


def _demand_gpus(settings: RunSettings) -> None:
    wanted = settings.gpus * settings.processes
    there = gpus_here() if wanted else 0
    if wanted > there:
        raise BackendUnavailableError(
            f"{settings.processes} worker processes with {settings.gpus:g} GPUs each ask for "
            f"{wanted:g}, and this machine has {there}; lower --run.gpus or --run.processes"
        )


def gpus_here() -> int:
    """Count this machine's accelerators that a driver answers for; no library is loaded."""
    import shutil
    import subprocess

    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    listing = subprocess.run(  # noqa: S603 - the driver's own tool
        [tool, "--list-gpus"], capture_output=True, text=True, check=False, timeout=60
    )
    return sum(line.startswith("GPU ") for line in listing.stdout.splitlines())
