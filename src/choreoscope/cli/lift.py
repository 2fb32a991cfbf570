"""``choreoscope lift``: depth into space, as point clouds and relief meshes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from choreoscope.capture.cloud.lifting import Lifted

Units = Literal["guess", "metres", "centimetres", "millimetres", "normalised"]


def lift(  # noqa: PLR0917 - typer reads options from the parameters
    source: Annotated[
        Path,
        typer.Argument(help="Result folder with depth, or a folder of depth files (SwitchLight)."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write. Default: <name of the source>.lift")
    ] = None,
    mesh: Annotated[
        bool, typer.Option("--mesh", help="Write relief.usdc: surfaces cut at depth steps.")
    ] = False,
    points: Annotated[bool, typer.Option("--points/--no-points", help="Write cloud.usdc.")] = True,
    ply: Annotated[
        Literal["ascii", "binary"] | None,
        typer.Option(help="Write one PLY per frame; openFrameworks reads only ascii."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Performer to keep, such as P01 (repeatable).")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(help="Source frames START:STOP, 0-based, half-open: 100:400")
    ] = None,
    step: Annotated[int, typer.Option(min=1, help="Take every N-th pixel.")] = 2,
    alpha: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Leave out pixels with less alpha; 0 takes all.")
    ] = 0.5,
    jump: Annotated[
        float, typer.Option(help="Largest step in depth inside a mesh, share of the depth.")
    ] = 0.03,
    axes: Annotated[
        Literal["world", "camera"],
        typer.Option(help="camera: as seen from a camera that never moves."),
    ] = "world",
    start: Annotated[int, typer.Option(help="Number of the first frame written.")] = 1001,
    curve: Annotated[
        Path | None, typer.Option(help="Scale and offset keyed by frame (see docs/lift.md).")
    ] = None,
    scale: Annotated[float, typer.Option(help="Depth is multiplied by this.")] = 1.0,
    offset: Annotated[float, typer.Option(help="Metres added to depth.")] = 0.0,
    inverse: Annotated[
        bool, typer.Option("--inverse", help="Numbers are inverse: 1 / (scale * number + offset).")
    ] = False,
    from_centre: Annotated[
        bool,
        typer.Option("--range", help="Depth counts along the ray, not along the camera's axis."),
    ] = False,
    units: Annotated[
        Units, typer.Option(help="Of a folder of depth files; normalised goes with --near, --far.")
    ] = "guess",
    near: Annotated[
        float | None, typer.Option(help="Normalised depth: metres where it is 0 (with --far).")
    ] = None,
    far: Annotated[
        float | None, typer.Option(help="Normalised depth: metres where it is 1.")
    ] = None,
    white_is_near: Annotated[
        bool, typer.Option("--white-is-near", help="Normalised depth: 1 is near, 0 is far.")
    ] = False,
    pattern: Annotated[
        str, typer.Option(help="Depth files within the folder, such as 'z/*.exr'.")
    ] = "",
    fov: Annotated[
        float | None, typer.Option(help="Horizontal field of view in degrees, for such a folder.")
    ] = None,
    aspect: Annotated[
        str | None, typer.Option(help="Width over height of what the lens saw: 16:9 or 1.778")
    ] = None,
    camera: Annotated[
        Path | None, typer.Option(help="camera.json for such a folder, instead of --fov.")
    ] = None,
    film: Annotated[
        Path | None, typer.Option(help="Film that gives the colours of such a folder.")
    ] = None,
    mattes: Annotated[
        Path | None, typer.Option(help="Folder of mattes. Default: those beside the depth.")
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Frames per second: 25 or 30000/1001")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Lift depth into space through the lens: animated point cloud, relief mesh, PLY.

    Every point lies on the ray of its pixel, so the cloud seen through the film's camera is the
    film. The USD files open in Blender, Unreal, Houdini and Maya; docs/lift.md says how to
    animate scale and offset there.
    """
    from choreoscope.capture.cloud.command import LiftInput, LiftWanted, lift_depth
    from choreoscope.capture.cloud.curves import read_curve
    from choreoscope.capture.cloud.lifting import LiftOptions
    from choreoscope.capture.cloud.points import DepthLaw, Sampling
    from choreoscope.capture.external.options import PassSource
    from choreoscope.capture.sections import FRAMES_EVER
    from choreoscope.capture.typed import parse_rate
    from choreoscope.cli.frame_progress import FrameProgress
    from choreoscope.datatypes.errors import InputError
    from choreoscope.datatypes.frames import FrameRange

    if (near is None) != (far is None) or (near is not None and far is not None and near >= far):
        raise InputError(f"--near, --far: expected both, near below far, got {near} and {far}")
    said = PassSource(pattern=pattern, unit=units, near=near, far=far, white_is_near=white_is_near)
    given = LiftInput(
        depth=said,
        fov_degrees=fov,
        aspect=None if aspect is None else _aspect(aspect),
        camera=camera,
        film=film,
        alpha=mattes,
        rate=None if rate is None else parse_rate(rate),
    )
    options = LiftOptions(
        law=DepthLaw(
            scale=scale,
            offset=offset,
            inverse=inverse,
            measure="range" if from_centre else "planar",
        ),
        curve=None if curve is None else read_curve(curve),
        sampling=Sampling(step=step, least_alpha=alpha),
        only=tuple(only or ()),
        in_world=axes == "world",
        largest_jump=jump,
        frames=None if frames is None else FrameRange.parse(frames, frame_count=FRAMES_EVER),
        first_code=start,
    )
    target = out or source.resolve().with_name(f"{source.resolve().name}.lift")
    with FrameProgress(quiet=quiet) as progress:
        made = lift_depth(
            source,
            target,
            options=options,
            wanted=LiftWanted(points=points, mesh=mesh, ply=ply),
            given=given,
            progress=progress,
        )
    if not quiet:
        for one in made:
            _tell(one)


def _tell(made: "Lifted") -> None:
    """Say what was made, and what a person should know about it."""
    files = made.files
    for path in (files.points, files.relief, files.ply):
        if path is not None:
            print(path)
    count = len(made.frames)
    what = f"{made.triangles / count:,.0f} triangles" if files.relief else ""
    what = what or f"{made.points / count:,.0f} points"
    print(
        f"  {count} frames, {what} a frame, {', '.join(made.groups)}, "
        f"{count / max(made.seconds, 1e-9):.1f} frames/s"
    )
    empty = f"{made.empty} frames are empty" if made.empty else ""
    for note in (*made.notes, *filter(None, [empty])):
        print(f"  {note}")


def _aspect(text: str) -> float:
    """Read ``16:9`` or ``1.778``."""
    from choreoscope.datatypes.errors import InputError

    width, _, height = text.partition(":")
    try:
        value = float(width) / float(height or 1)
    except (ValueError, ZeroDivisionError):
        value = 0.0
    if not value > 0:
        raise InputError(f"--aspect: expected width over height, 16:9 or 1.778, got '{text}'")
    return value
