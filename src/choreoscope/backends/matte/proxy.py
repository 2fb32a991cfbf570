"""Proxy mattes: silhouettes of the solved bodies; no weights, no pixels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.capture.passes.proxy_options import ProxyOptions
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier


def load(
    weights: Mapping[str, Path],
    settings: RunSettings,
    options: Mapping[str, Any],
) -> Any:  # noqa: ANN401 - the interface of every back end
    """Make the model; it has no weights."""
    del weights
    from choreoscope.capture.passes.proxy_model import ProxyMatte

    return ProxyMatte(
        ProxyOptions(**options), threads=max(1, settings.workers // settings.processes)
    )


SPEC = BackendSpec(
    task="matte",
    name="proxy",
    version=1,
    load=load,
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
