"""``choreoscope deliver``: a result's passes as other programs take them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

import typer

if TYPE_CHECKING:
    from choreoscope.delivery import Delivered, DeliveryOptions

SHOWN = 12
MEGABYTE = 1_000_000


def deliver(  # noqa: PLR0917 - typer reads options from the parameters
    result: Annotated[Path, typer.Argument(help="Result folder of a film, or of a clip.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to. Default: <result>.delivery")
    ] = None,
    what: Annotated[
        str,
        typer.Option(help="Of exr, layers, png, prores, vp9, ffv1, preview, with commas."),
    ] = "exr,layers,prores,preview",
    passes: Annotated[
        str | None,
        typer.Option(
            help="Which, with commas: fg, alpha, masks, depth, depth_inv, normals, position, flow, "
            "flow_back, people, parts... Default: all there are but depth_inv."
        ),
    ] = None,
    start: Annotated[int, typer.Option(help="Number of the first frame: 1001, or 1.")] = 1001,
    frames: Annotated[
        str | None, typer.Option(help="Source frames START:STOP, 0-based, half-open: 100:400")
    ] = None,
    normal_space: Annotated[str, typer.Option(help="camera or world.")] = "camera",
    green: Annotated[
        str, typer.Option(help="Green of normals: gl (up) or dx (down; DirectX, Unreal).")
    ] = "gl",
    normal_range: Annotated[
        str, typer.Option("--range", help="Normals in EXR: signed (-1 to 1) or unit (0 to 1).")
    ] = "signed",
    compression: Annotated[
        str, typer.Option(help="Of EXR: zips, zip, piz, rle, pxr24, dwaa or none.")
    ] = "zips",
    near: Annotated[
        float | None, typer.Option(help="Metres that are white in depth PNG. Default: measured.")
    ] = None,
    far: Annotated[
        float | None, typer.Option(help="Metres that are black in depth PNG. Default: measured.")
    ] = None,
    film: Annotated[
        Path | None, typer.Option(help="The film, if it lies elsewhere than when it was captured.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that write. Default: one per core.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Write the passes of a result for Blender, Nuke, After Effects, Resolve, Unreal...

    Every file is re-read before it gets its name. Ends with exit code 7 and the names of missing
    frames where a pass has holes.
    """
    from choreoscope.datatypes.errors import WITH_GAPS
    from choreoscope.delivery import DeliveryOptions
    from choreoscope.delivery import deliver as delivered

    options = DeliveryOptions(
        what=cast("Any", _listed(what)),
        passes=None if passes is None else _listed(passes),
        start=start,
        frames=_frames(frames),
        normal_space=cast("Any", normal_space),
        green=cast("Any", green),
        normal_range=cast("Any", normal_range),
        compression=cast("Any", compression),
        near=near,
        far=far,
    )
    with _Bar(quiet=quiet) as bar:
        shots = delivered(
            result, out, options=options, film=film, workers=workers, progress=bar.show
        )
    for shot in shots if not quiet else ():
        _tell(shot, options)
    gaps = [shot for shot in shots if shot.missing]
    for shot in gaps:
        _tell_gaps(shot)
    raise typer.Exit(WITH_GAPS if gaps else 0)


class _Bar:
    """How far it is, how fast, and how long it will take; silent without a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("deliver"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} pictures"),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True, quiet=quiet)
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("deliver", total=1, speed="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, done: int, total: int) -> None:
        """Show how much is done."""
        speed = self._progress.tasks[0].finished_speed or self._progress.tasks[0].speed
        told = "" if speed is None else f"{speed:.1f}/s"
        self._progress.update(self._task, completed=done, total=total, speed=told)


def _tell(shot: "Delivered", options: "DeliveryOptions") -> None:
    from choreoscope.delivery.listing import channel_names

    first, count = options.start, len(shot.frames)
    size = sum(shot.files.values()) / MEGABYTE
    print(
        f"{shot.folder}: {count} frames from {first} at {shot.source.rate} per second, "
        f"{size:.1f} MB, licence tier {shot.source.tier}"
    )
    for name, bytes_ in sorted(shot.files.items()):
        print(f"  {name}  {bytes_ / MEGABYTE:.1f} MB")
    if "layers" in options.what:
        print("layers, as to be typed in Fusion and Resolve:")
        for name, channels in channel_names(shot.names, shot.source.ids).items():
            print(f"  {name}: {' '.join(channels)}")
    for note in shot.notes:
        print(f"note: {note}")


def _tell_gaps(shot: "Delivered") -> None:
    import sys

    for name, numbers in shot.missing.items():
        named = ", ".join(str(number) for number in numbers[:SHOWN])
        more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
        print(
            f"choreoscope: {shot.source.shot}: {name} lacks {len(numbers)} of "
            f"{len(shot.frames)} frames: {named}{more}",
            file=sys.stderr,
        )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _frames(text: str | None) -> tuple[int, int] | None:
    from choreoscope.datatypes.errors import InputError

    if text is None:
        return None
    first, _, last = text.partition(":")
    if not (first.isdigit() and last.isdigit()):
        raise InputError(f"--frames: expected START:STOP, for example 100:400, got '{text}'")
    return int(first), int(last)
