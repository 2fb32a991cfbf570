"""``choreoscope watch``: films dropped into a folder become finished results beside it."""

from pathlib import Path
from typing import Annotated

import typer


def watch(  # noqa: PLR0917 - typer reads options from the parameters
    ctx: typer.Context,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="IN",
            help="Folder that films, or folders of numbered frames, are dropped into. "
            "Default: folders.input of the configuration.",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file (see 'choreoscope init').")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of all results. Default: folders.output of the configuration, "
            "or IN.choreoscope beside IN."
        ),
    ] = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="End when everything that lies there has been worked on."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON, one object per line.")
    ] = False,
    helper: Annotated[
        bool, typer.Option("--helper", hidden=True, help="End when the input stream ends.")
    ] = False,
) -> None:
    """Watch a folder: make everything of every film that lies in it or comes.

    It may be stopped at any moment; the same command goes on. status.html beside the results
    shows the queue live. Every key of the configuration is a flag: --watch.still_seconds 30
    """
    from choreoscope.cli import watching

    raise typer.Exit(
        watching.run(
            watching.Request(
                source=source,
                config=config,
                out=out,
                once=once,
                quiet=quiet,
                as_json=as_json,
                is_helper=helper,
                flags=tuple(ctx.args),
            )
        )
    )


def queue_lines(out: Path) -> list[str]:
    """Return the queue of a folder of results as lines of text.

    Raises
    ------
    InputError
        If there is no queue, or a newer Choreoscope wrote it.
    """
    from choreoscope.cli import queue_text

    return queue_text.queue_lines(out)
