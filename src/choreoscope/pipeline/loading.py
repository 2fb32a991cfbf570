"""Back ends while they are loaded: each one once for a whole run, at its first use."""

from collections.abc import Callable, Mapping
from typing import Any

from choreoscope.datatypes.models import BackendSpec, RunSettings
from choreoscope.pipeline.choices import BackendChoice
from choreoscope.pipeline.events import Events, ignore
from choreoscope.pipeline.fingerprint import canonical_json

Loader = Callable[[BackendSpec, RunSettings, Mapping[str, Any], Events], Any]


class LoadedModels:
    """Loads back ends at first use and keeps them, also from clip to clip.

    Parameters
    ----------
    settings : RunSettings
        Handed to each back end.
    events : callable
        Told about weights that have to be fetched first.
    load : callable or None
        Loads one; `pipeline.backends.load` if None.
    """

    def __init__(
        self, settings: RunSettings, events: Events = ignore, load: Loader | None = None
    ) -> None:
        self._settings = settings
        self._events = events
        self._load = load or _load
        self._models: dict[str, Any] = {}

    def get(self, choice: BackendChoice) -> Any:  # noqa: ANN401
        """Return the loaded back end.

        Raises
        ------
        BackendUnavailableError
            If modules or weights are missing.
        """
        spec = choice.spec
        key = f"{spec.task}/{spec.name} {canonical_json(choice.options)}"
        if key not in self._models:
            self._models[key] = self._load(spec, self._settings, choice.options, self._events)
        return self._models[key]


def _load(
    spec: BackendSpec, settings: RunSettings, options: Mapping[str, Any], events: Events
) -> Any:  # noqa: ANN401
    from choreoscope.pipeline.backends import load

    return load(spec, settings, options, events)
