"""Descriptions of the Sapiens back ends, one way for each generation."""

import functools
from collections.abc import Callable
from typing import Any

from choreoscope.backends.sapiens_family.network import (
    SapiensNetwork,
    Tensors,
    hub_sapiens,
    script_sapiens,
)
from choreoscope.backends.sapiens_family.options import (
    MODULES,
    SAPIENS1,
    SAPIENS2,
    SCRIPT_MODULES,
    SapiensOptions,
)
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.datatypes.models import BackendSpec, RunSettings

Model = Callable[[SapiensNetwork, SapiensOptions], Any]


def hub_spec(
    task: str,
    names: tuple[str, str],
    model: Model,
    *,
    kind: str,
    take: Callable[[Any], Tensors],
    memory_mb: int = 6000,
) -> BackendSpec:
    """Describe a back end of the second generation, whose weights are a hub folder.

    Parameters
    ----------
    names : (str, str)
        Of the back end, and of a published checkpoint.
    model : callable
        Makes the model of its network and options.
    kind, take
        See `hub_sapiens`.
    task, memory_mb
        See `BackendSpec`.
    """
    open_network = functools.partial(hub_sapiens, names=names, kind=kind, take=take)
    return brought_spec(
        task,
        names[0],
        # Not closures: descriptions travel to worker processes.
        functools.partial(_opened, model, open_network),
        options=SapiensOptions,
        modules=MODULES,
        extra="torch",
        licence=SAPIENS2,
        memory_mb=memory_mb,
    )


def script_spec(
    task: str, names: tuple[str, str], model: Model, *, take: Callable[[Any], Tensors]
) -> BackendSpec:
    """Describe a back end of the first generation, whose weights are a TorchScript file.

    Parameters
    ----------
    task, names, model, take
        See `hub_spec`.
    """
    open_network = functools.partial(script_sapiens, names=names, take=take)
    return brought_spec(
        task,
        names[0],
        functools.partial(_opened, model, open_network),
        options=SapiensOptions,
        modules=SCRIPT_MODULES,
        extra="torch",
        licence=SAPIENS1,
        memory_mb=8000,
    )


def _opened(
    model: Model,
    open_network: Callable[[RunSettings, SapiensOptions], SapiensNetwork],
    settings: RunSettings,
    chosen: SapiensOptions,
) -> Any:  # noqa: ANN401 - a `Model`'s
    return model(open_network(settings, chosen), chosen)
