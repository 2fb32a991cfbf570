"""The configuration of a capture: every choice of every stage, folders, run settings."""

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, create_model

from choreoscope.capture.recipes import DEFAULT_RECIPE, known_stages, preset
from choreoscope.capture.sections import (
    PASS_TASKS,
    Configuration,
    PassesSection,
    PassTaskSection,
    PeopleSection,
)
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import ExecutorName
from choreoscope.pipeline.backends import backend, find_backends
from choreoscope.pipeline.choices import BackendChoice
from choreoscope.pipeline.config.dataclass_models import section_of
from choreoscope.pipeline.config.layers import Given, Layer, Resolved, resolve
from choreoscope.pipeline.config.reading import read_layer
from choreoscope.pipeline.config.schema import KeyPath, Section
from choreoscope.pipeline.config.writing import commented
from choreoscope.pipeline.stage import Options, Stage

__all__ = [
    "CORRECTIONS",
    "SAID_ELSEWHERE",
    "Configuration",
    "automatic_processes",
    "backend_choices",
    "configuration_type",
    "configure",
    "configured",
    "preset_layer",
    "stage_options",
    "text_of",
]

SAID_ELSEWHERE: Mapping[str, frozenset[str]] = {
    "identities": frozenset({"max_people"}),
    "lens": frozenset({"fx", "fy", "cx", "cy", "distortion", "source", "static_camera"}),
    "camera": frozenset({"digest"}),
    "lift": frozenset({"heights"}),
    "depth": frozenset({"depth_keys"}),
}
"""Options of stages that follow from the sections `lens` and `people` and from corrections, so
that there is one place to say each thing."""

CORRECTIONS = "corrections"
"""Option of stages that is filled from the file of corrections alone."""


@functools.cache
def configuration_type() -> type[Configuration]:
    """Make the configuration with the keys of all stages and of all installed back ends."""
    passes = {
        task: _section(_task_section(PassTaskSection, task, default, meaning), meaning)
        for task, (default, meaning) in PASS_TASKS.items()
    }
    stages = {
        stage.name: _section(kind, f"{stage.name}: {stage.meaning}.")
        for stage in known_stages()
        if (kind := _stage_section(stage)) is not None
    }
    parts = {
        "people": _task_section(
            PeopleSection,
            "people",
            PeopleSection().backend,
            _meaning(PeopleSection, "backend"),
        ),
        "passes": _with(PassesSection, passes),
        "stages": _with(Section, stages, "Stages"),
    }
    return _with(
        Configuration,
        {name: _section(kind, _meaning(Configuration, name)) for name, kind in parts.items()},
    )


def _task_section(base: type[Section], task: str, default: str, meaning: str) -> type[Any]:
    """Add the back ends there are of a task, and their options, to its section."""
    specs = find_backends(task)
    options = {
        spec.name: _section(
            dict[str, Any] if spec.options is None else section_of(spec.options),
            f"Options of the back end {spec.name}.",
        )
        for spec in specs
    }
    return _with(
        base,
        {
            "options": _section(
                _with(Section, options, "BackendOptions"), _meaning(base, "options")
            ),
            "backend": (
                str,
                Field(
                    default=default,
                    description=meaning,
                    json_schema_extra={"choices": [spec.name for spec in specs]},
                ),
            ),
        },
    )


def _with(base: type[Any], fields: Mapping[str, Any], name: str = "") -> type[Any]:
    made: type[Any] = create_model(
        name or base.__name__, __base__=base, __doc__=base.__doc__, **fields
    )
    return made


def _section(kind: Any, description: str) -> tuple[Any, Any]:  # noqa: ANN401
    factory = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else dict
    return kind, Field(default_factory=factory, description=description)


def _meaning(section: type[BaseModel], name: str) -> str:
    return section.model_fields[name].description or ""


def _stage_section(stage: Stage) -> type[BaseModel] | None:
    """Make the section of a stage; None where nothing is left to say."""
    elsewhere = SAID_ELSEWHERE.get(stage.name, frozenset()) | {CORRECTIONS}
    own = {
        name: field for name, field in stage.options.model_fields.items() if name not in elsewhere
    }
    if not own:
        return None
    if len(own) == len(stage.options.model_fields):
        return stage.options
    fields = {name: (field.annotation, field) for name, field in own.items()}
    return _with(Section, fields, stage.options.__name__)


def configure(file: Path | None = None, flags: Layer | None = None) -> Resolved[Configuration]:
    """Resolve a configuration: flags beat file beats recipe beats defaults.

    Parameters
    ----------
    file : Path or None
        YAML file.
    flags : Layer or None
        What the command line gives (`pipeline.config.flags.parse`).

    Raises
    ------
    InputError
        If file, flag, recipe or back end cannot be used.
    """
    kind = configuration_type()
    layers = [read_layer(file, kind)] if file is not None else []
    if flags is not None:
        layers.append(flags)
    return configured(layers, kind)


def configured(
    layers: list[Layer], kind: type[Configuration] | None = None
) -> Resolved[Configuration]:
    """Resolve layers, the lowest first, over the recipe they name.

    Raises
    ------
    InputError
        If a value, the recipe or the back end cannot be used.
    """
    kind = kind or configuration_type()
    named = [layer.values[("recipe",)] for layer in layers if ("recipe",) in layer.values]
    resolved = resolve(kind, [preset_layer(named[-1] if named else None), *layers])
    for task, path in TASKS.items():
        try:
            backend(task, _section_of_task(resolved.values, task).backend)
        except InputError as error:
            key = (*path, "backend")
            raise InputError(f"{resolved.origin(key)}: {'.'.join(key)}: {error}") from error
    return resolved


TASKS: Mapping[str, KeyPath] = {
    "people": ("people",),
    **{task: ("passes", task) for task in PASS_TASKS},
}
"""Where a back end is chosen for each task."""


def _section_of_task(configuration: Configuration, task: str) -> Any:  # noqa: ANN401
    section: Any = configuration
    for name in TASKS[task]:
        section = getattr(section, name)
    return section


def preset_layer(named: Given | None) -> Layer:
    """Return what a recipe presets.

    Raises
    ------
    InputError
        If there is no such recipe.
    """
    name = DEFAULT_RECIPE if named is None else str(named.value)
    try:
        chosen = preset(name)
    except InputError as error:
        raise InputError(f"{named.origin}: {error}" if named else str(error)) from error
    origin = f"recipe {name}"
    return Layer(
        values={tuple(key.split(".")): Given(value, origin) for key, value in chosen.values.items()}
    )


def stage_options(configuration: Configuration, stage: Stage, **derived: Any) -> Options:  # noqa: ANN401
    """Options of a stage as the configuration has them.

    Parameters
    ----------
    **derived
        Options that other sections decide (`SAID_ELSEWHERE`).
    """
    section = getattr(configuration.stages, stage.name, None)
    own = {} if section is None else dict(section)
    return stage.options(**own, **derived)


def backend_choices(configuration: Configuration) -> dict[str, BackendChoice]:
    """Look up the chosen back end of every task, with all its options.

    Raises
    ------
    InputError
        If there is none of a name.
    """
    choices = {}
    for task in TASKS:
        chosen = _section_of_task(configuration, task)
        section = getattr(chosen.options, chosen.backend)
        options = dict(section) if isinstance(section, Mapping) else section.model_dump()
        choices[task] = BackendChoice(spec=backend(task, chosen.backend), options=options)
    return choices


def text_of(configuration: Configuration, title: str) -> str:
    """Write a configuration as commented YAML; options of back ends not chosen are left out."""
    leave_out: set[KeyPath] = set()
    for task, path in TASKS.items():
        chosen = _section_of_task(configuration, task)
        others = set(type(chosen.options).model_fields) - {chosen.backend}
        leave_out |= {(*path, "options", name) for name in others}
    return commented(configuration, title, leave_out)


def automatic_processes(executor: ExecutorName, cores: int | None = None) -> int:
    """Worker processes when nobody says how many: half the cores, at most four.

    Each holds its own networks, and the decoder and the encoder want cores too.
    """
    if executor == "inline":
        return 1
    return max(1, min(4, (cores or os.cpu_count() or 1) // 2))
