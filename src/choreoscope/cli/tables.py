"""Tables printed from the code itself."""

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.table import Table

from choreoscope.datatypes.artifacts import KINDS


def print_kinds() -> None:
    """Print the table of artifact kinds."""
    table = _table("What a clip's folder holds", "kind", "one per", "path", "meaning")
    for kind in KINDS.values():
        table.add_row(kind.name, kind.per, kind.path, kind.meaning)
    Console().print(table)


def print_stages() -> None:
    """Print the stages of the capture recipe, then every option of each."""
    from choreoscope.capture.recipes import mocap_recipe, shots_recipe

    stages = (*shots_recipe().stages, *mocap_recipe().stages)
    table = _table("Stages of a capture, in order", "stage", "reads", "writes", "meaning")
    choices = _table("Their options", "stage", "option", "default", "meaning")
    for stage in stages:
        name = f"{stage.name} v{stage.version}"
        table.add_row(name, ", ".join(stage.reads), ", ".join(stage.writes), stage.meaning)
        for option, field in _options(stage.options):
            default = str(field.get_default(call_default_factory=True))
            choices.add_row(stage.name, option, default, field.description or "")
    console = Console()
    console.print(table)
    console.print(choices)


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
