"""``choreoscope init``, ``recipes`` and ``config``: files of configuration, written and changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from choreoscope.cli.flags import KEYS_EPILOG, WithKeys

if TYPE_CHECKING:
    from choreoscope.capture.config import Configuration
    from choreoscope.pipeline.config.layers import Resolved

TITLE = """\
Configuration of Choreoscope: everything that can be chosen, with its default.
Use it: choreoscope capture FILM --config {name}
Each key below has its meaning, what it may be, and its default. Relative folders count from the
folder of this file. A key may be left out or changed; an unknown one is an error. Every key is
also a flag, as in --lens.fov_degrees 62, and flags beat this file.
"""

app = typer.Typer(
    help="Look at configurations, check and change them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(help="Configuration file.")]


def init(
    file: Annotated[Path, typer.Argument(help="File to write.")] = Path("shot.yaml"),
    recipe: Annotated[
        str | None, typer.Option(help="Recipe to begin with (see 'choreoscope recipes').")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there; nothing of it is kept.")
    ] = False,
) -> None:
    """Write a configuration file with every key, its meaning, unit, choices and default."""
    from choreoscope.capture.config import configure, text_of
    from choreoscope.cli.flags import parse
    from choreoscope.datatypes.errors import InputError
    from choreoscope.pipeline.config.editing import write_whole

    resolved = configure(None, parse((), [("--recipe", "recipe", recipe)]))
    there = file.exists()
    if there and not force:
        raise InputError(
            f"{file} is there already; change one key with 'choreoscope config set {file} KEY "
            "VALUE', or replace all of it with --force"
        )
    write_whole(file, text_of(resolved.values, TITLE.format(name=file.name)))
    print(f"{file} {'replaced, nothing of the old file is kept' if there else 'written'}")


def recipes() -> None:
    """Print the recipes: which stages each runs, and what it makes."""
    from choreoscope.cli import tables

    tables.print_recipes()


@app.command(cls=WithKeys, epilog=KEYS_EPILOG)
def show(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Configuration file.")] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only keys that are not at their default.")
    ] = False,
) -> None:
    """Print every key, its value and where that comes from: flag, line of the file, recipe."""
    from choreoscope.cli import tables

    tables.print_configuration(_resolved(ctx, file), changed_only=changed)


@app.command(cls=WithKeys, epilog=KEYS_EPILOG)
def check(ctx: typer.Context, file: File) -> None:
    """Read a configuration file and say whether it can be used."""
    recipe = _resolved(ctx, file).values.recipe
    print(f"{file}: ok, recipe {recipe}")


@app.command("set")
def change(
    file: File,
    key: Annotated[str, typer.Argument(help="Dotted path: lens.fov_degrees")],
    value: Annotated[str, typer.Argument(help="New value; null for none.")],
) -> None:
    """Change one key in place; comments, order and layout of the file stay."""
    from choreoscope.capture.config import configuration_type, configured
    from choreoscope.pipeline.config.editing import set_key

    set_key(file, configuration_type(), key, value, lambda layers: configured(layers).values)
    print(f"{file}: {key} is now {value}")


def _resolved(ctx: typer.Context, file: Path | None) -> "Resolved[Configuration]":
    from choreoscope.capture.config import configure
    from choreoscope.cli.flags import parse

    return configure(file, parse(ctx.args))
