"""Tables printed from the code itself."""

from rich.console import Console
from rich.table import Table

from choreoscope.datatypes.artifacts import KINDS


def print_kinds() -> None:
    """Print the table of artifact kinds."""
    table = Table(title="What a clip's folder holds", title_justify="left")
    for column in ("kind", "one per", "path", "meaning"):
        table.add_column(column, overflow="fold")
    for kind in KINDS.values():
        table.add_row(kind.name, kind.per, kind.path, kind.meaning)
    Console().print(table)


def print_stages() -> None:
    """Print the stages of the capture recipe with their options."""
    from choreoscope.capture.recipes import mocap_recipe, shots_recipe

    table = Table(title="Stages of a capture, in order", title_justify="left")
    for column in ("stage", "version", "task", "reads", "writes", "options", "meaning"):
        table.add_column(column, overflow="fold")
    for stage in (*shots_recipe().stages, *mocap_recipe().stages):
        options = ", ".join(
            f"{name}={field.default!r}" for name, field in stage.options.model_fields.items()
        )
        table.add_row(
            stage.name,
            str(stage.version),
            stage.task or "",
            " ".join(stage.reads),
            " ".join(stage.writes),
            options,
            stage.meaning,
        )
    Console().print(table)
