"""Proxies as back ends: the same for every task but for the model."""

import functools
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.capture.passes.proxy_options import ProxyOptions
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier


def proxy_spec(task: str, model: str, *, version: int = 1) -> BackendSpec:
    """Describe the proxy of a task; nothing of the renderer is imported before it is loaded.

    Parameters
    ----------
    task : str
        What it makes.
    model : str
        Name of the class in `capture.passes.proxy_model`.
    version : int
        Raised where the answers change.
    """
    return BackendSpec(
        task=task,
        name="proxy",
        version=version,
        # Not a closure: descriptions travel to worker processes.
        load=functools.partial(_load, model),
        modules=(),
        extra="",
        weights=(),
        licence=Licence(
            name="Apache-2.0",
            tier=Tier.COMMERCIAL,
            notice="rendered from the solved bodies and floor",
        ),
        memory_mb=400,
        options=ProxyOptions,
    )


def _load(
    model: str, weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> Any:  # noqa: ANN401 - the interface of every back end
    del weights
    made = getattr(importlib.import_module("choreoscope.capture.passes.proxy_model"), model)
    threads = max(1, settings.workers // settings.processes)
    return made(ProxyOptions(**options), threads=threads)
