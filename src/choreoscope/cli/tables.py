"""Tables printed from the code itself."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.table import Table

from choreoscope.datatypes.artifacts import KINDS

if TYPE_CHECKING:
    from choreoscope.capture.config import Configuration
    from choreoscope.pipeline.config.layers import Resolved

WIDE = 250


def print_kinds() -> None:
    """Print the table of artifact kinds."""
    table = _table("What a clip's folder holds", "kind", "one per", "path", "meaning")
    for kind in KINDS.values():
        table.add_row(kind.name, kind.per, kind.path, kind.meaning)
    Console().print(table)


def print_stages() -> None:
    """Print the stages of every recipe, then every option of each."""
    from choreoscope.capture.recipes import known_stages

    stages = known_stages()
    table = _table("Stages of a capture, in order", "stage", "reads", "writes", "meaning")
    choices = _table("Their options", "stage", "option", "default", "meaning")
    for stage in stages:
        name = f"{stage.name} v{stage.version}"
        reads = [*stage.reads, *(f"({kind})" for kind in stage.optional)]
        table.add_row(name, ", ".join(reads), ", ".join(stage.writes), stage.meaning)
        for option, field in _options(stage.options):
            default = str(field.get_default(call_default_factory=True))
            choices.add_row(stage.name, option, default, field.description or "")
    console = Console()
    console.print(table)
    console.print(choices)


def print_recipes() -> None:
    """Print every recipe with its stages and what it makes."""
    from choreoscope.capture.recipes import PRESETS, clip_recipe

    table = _table("Recipes: --recipe NAME", "recipe", "makes", "stages", "waits for")
    for preset in PRESETS.values():
        stages = ", ".join(stage.name for stage in clip_recipe(preset.name).stages)
        awaits = "; ".join(f"{stage}: {', '.join(own)}" for stage, own in preset.awaits.items())
        table.add_row(preset.name, preset.meaning, stages, awaits)
    Console().print(table)


def print_configuration(resolved: "Resolved[Configuration]", *, changed_only: bool) -> None:
    """Print every key with its value and where that comes from."""
    from choreoscope.pipeline.config.writing import flow, plain_value

    table = _table("Configuration", "key", "value", "from", "meaning")
    for key, value, origin in resolved.explained():
        if value != key.default or not changed_only:
            table.add_row(key.name, flow(plain_value(key.shape, value)), origin, key.meaning)
    # A table that is not looked at but searched keeps its lines whole.
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)


def _options(model: type[BaseModel], under: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every single option, those of nested models with their path."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _options(inner, f"{under}{name}.")
        else:
            yield f"{under}{name}", field


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
