"""Descriptions of back ends whose weights the user brings."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from choreoscope.backends.torch_models.weights import Brought, read_options
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings

Chosen = TypeVar("Chosen", bound=Brought)


def brought_spec(  # noqa: PLR0913 - the fields of the description
    task: str,
    name: str,
    opened: Callable[[RunSettings, Chosen], Any],
    *,
    options: type[Chosen],
    modules: tuple[str, ...],
    extra: str,
    licence: Licence,
    memory_mb: int,
    version: int = 1,
) -> BackendSpec:
    """Describe a back end that fetches no weights itself.

    Parameters
    ----------
    opened : callable
        ``opened(settings, chosen)`` makes the model, from options of the type `options`.
    task, name, options, modules, extra, licence, memory_mb, version
        See `BackendSpec`.
    """
    return BackendSpec(
        task=task,
        name=name,
        version=version,
        # Not a closure: descriptions travel to worker processes.
        load=functools.partial(_load, opened, options, name),
        modules=modules,
        extra=extra,
        weights=(),
        licence=licence,
        memory_mb=memory_mb,
        options=options,
    )


def _load(
    opened: Callable[[RunSettings, Chosen], Any],
    options: type[Chosen],
    name: str,
    weights: Mapping[str, Path],
    settings: RunSettings,
    given: Mapping[str, Any],
) -> Any:  # noqa: ANN401 - the interface of every back end
    del weights
    return opened(settings, read_options(options, given, name))
