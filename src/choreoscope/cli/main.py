"""The command ``choreoscope``: parse, call, print; nothing heavy is imported before its time."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from choreoscope import __version__
from choreoscope.cli import corrections as corrections_command
from choreoscope.cli import deliver as deliver_command
from choreoscope.cli import evaluate as evaluate_command
from choreoscope.cli import init, models, repair, status, synth, verify, watch
from choreoscope.cli import lift as lift_command
from choreoscope.cli import relight as relight_command
from choreoscope.cli.flags import KEYS_EPILOG, WithKeys
from choreoscope.datatypes.errors import INTERRUPTED, ChoreoscopeError, InputError

app = typer.Typer(
    help="Film of dancers in, people in 3D out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(models.app, name="models")
app.add_typer(init.app, name="config")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"choreoscope {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Film of dancers in, people in 3D out."""


@app.command(cls=WithKeys, epilog=KEYS_EPILOG)
def capture(  # noqa: PLR0917 - typer reads options from the parameters
    ctx: typer.Context,
    film: Annotated[Path, typer.Argument(help="A film, or a folder of numbered frames.")],
    out: Annotated[
        Path | None, typer.Option(help="Result folder. Default: <name of the film>.choreoscope")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file ('choreoscope init' writes one).")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="What to make (see 'choreoscope recipes').")
    ] = None,
    corrections: Annotated[
        Path | None, typer.Option(help="Corrections. Default: corrections.yaml in the result.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(help="Source frames START:STOP, 0-based, half-open: 100:400")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Time range: 00:45-01:25 or 45.5-85")] = None,
    rate: Annotated[
        str | None, typer.Option(help="Frames per second of a folder of frames: 24 or 30000/1001")
    ] = None,
    static_camera: Annotated[
        bool,
        typer.Option("--static-camera", help="The camera stands still; do not look for moves."),
    ] = False,
    max_people: Annotated[
        int | None, typer.Option(min=1, help="Keep the N people most in the picture.")
    ] = None,
    focal_mm: Annotated[
        float | None, typer.Option(help="Focal length in millimetres (with --sensor-mm).")
    ] = None,
    sensor_mm: Annotated[
        float | None, typer.Option(help="Sensor width in millimetres for --focal-mm. Default: 36")
    ] = None,
    fov: Annotated[float | None, typer.Option(help="Horizontal field of view in degrees.")] = None,
    camera: Annotated[
        Path | None, typer.Option(help="Camera file: camera.json or a calibration .toml/.json")
    ] = None,
    camera_name: Annotated[
        str | None, typer.Option(help="Which camera of the file, where it holds several.")
    ] = None,
    height: Annotated[
        list[str] | None, typer.Option(help="Body height in metres: P01=1.72 (repeatable)")
    ] = None,
    people_backend: Annotated[
        str | None, typer.Option(help="Back end that finds people (see 'choreoscope doctor').")
    ] = None,
    people_option: Annotated[
        list[str] | None, typer.Option(help="Option of that back end: NAME=VALUE (repeatable)")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker threads. Default: one per core.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Open no network connection whatever happens.")
    ] = False,
    weights: Annotated[
        Path | None, typer.Option(help="Folder that holds the weight files.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON, one object per line.")
    ] = False,
) -> None:
    """Make people in 3D of a film: tracks, masks, skeletons, animation files, report.

    The same command again continues where it stopped, does nothing when all is done, and redoes
    only what a changed option touches.
    """
    from choreoscope.cli import capture as command

    raise typer.Exit(
        command.run(
            command.Request(
                film=film,
                out=out,
                config=config,
                keys=tuple(ctx.args),
                short={
                    "--recipe": recipe,
                    "--corrections": corrections,
                    "--frames": frames,
                    "--time": time,
                    "--rate": rate,
                    "--static-camera": static_camera or None,
                    "--max-people": max_people,
                    "--focal-mm": focal_mm,
                    "--sensor-mm": sensor_mm,
                    "--fov": fov,
                    "--camera": camera,
                    "--camera-name": camera_name,
                    "--people-backend": people_backend,
                    "--workers": workers,
                    "--offline": offline or None,
                    "--weights": weights,
                },
                heights=tuple(height or ()),
                people_options=tuple(people_option or ()),
                quiet=quiet,
                as_json=as_json,
            )
        )
    )


app.command()(init.init)
app.command()(init.recipes)
app.command()(corrections_command.corrections)
app.command(cls=WithKeys, epilog=KEYS_EPILOG)(watch.watch)
app.command()(status.status)
app.command()(verify.verify)
app.command()(repair.repair)
app.command()(repair.accept)
app.command()(deliver_command.deliver)
app.command()(synth.synth)
app.command()(evaluate_command.evaluate)
app.command()(lift_command.lift)
app.command()(relight_command.relight)


@app.command()
def stages() -> None:
    """Print the stages of a capture: what each reads and writes, and its options."""
    from choreoscope.cli import tables

    tables.print_stages()


@app.command()
def kinds() -> None:
    """Print every kind of file a result folder holds."""
    from choreoscope.cli import tables

    tables.print_kinds()


@app.command()
def doctor(
    weights: Annotated[
        Path | None, typer.Option(help="Folder that holds the weight files.")
    ] = None,
) -> None:
    """Say what is installed, what is missing, and the exact next command."""
    from choreoscope.cli import doctor as command

    raise typer.Exit(command.doctor(weights))


def _refuse(text: str) -> None:
    """Tell of a command line that cannot be read, as events where they were asked for."""
    if "--json" in sys.argv:
        from choreoscope.cli.json_events import refused

        refused(text, InputError.exit_code)
    else:
        print(f"choreoscope: {text}", file=sys.stderr)


def main() -> None:
    """Run the command line; every known error is one line and an exit code of its own."""
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        _refuse(f"{error} (see 'choreoscope --help')")
        sys.exit(InputError.exit_code)
    except ChoreoscopeError as error:
        print(f"choreoscope: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        print("choreoscope: stopped; the same command continues from here", file=sys.stderr)
    sys.exit(code or 0)
