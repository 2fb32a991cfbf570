"""``choreoscope relight``: normals under a light that moves, to see whether they are right."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def relight(  # noqa: PLR0917 - typer reads options from the parameters
    source: Annotated[
        Path,
        typer.Argument(help="Result folder with normals, or a folder of normals (SwitchLight)."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Film to write. Default: <name of the source>.relight.mp4")
    ] = None,
    look: Annotated[
        Literal["light", "matcap", "normals"],
        typer.Option(help="Lit, as painted clay, or normals as colours."),
    ] = "light",
    light: Annotated[
        str, typer.Option(help="circle, front, left, right, above, below or behind.")
    ] = "circle",
    keys: Annotated[
        Path | None, typer.Option(help="Light keyed by frame (see docs/relight.md).")
    ] = None,
    turn: Annotated[float, typer.Option(min=0.1, help="Seconds of one turn of the light.")] = 6.0,
    eight: Annotated[
        bool, typer.Option("--eight", help="Eight pictures side by side, lit from all sides.")
    ] = False,
    strength: Annotated[float, typer.Option(min=0.0, help="Of the moving light.")] = 1.15,
    rim: Annotated[float, typer.Option(min=0.0, help="Of the light from behind.")] = 0.9,
    gloss: Annotated[float, typer.Option(min=0.0, help="Of the highlight.")] = 0.06,
    frames: Annotated[
        str | None, typer.Option(help="Source frames START:STOP, 0-based, half-open: 100:400")
    ] = None,
    green: Annotated[
        Literal["up", "down"],
        typer.Option(help="Of a folder of normals: where green points; DirectX down."),
    ] = "up",
    signed: Annotated[
        Literal["guess", "yes", "no"],
        typer.Option(help="Of such a folder: yes: -1 to 1 is stored; no: 0 to 1."),
    ] = "guess",
    pattern: Annotated[
        str, typer.Option(help="Normals within such a folder, such as 'n/*.png'.")
    ] = "",
    fov: Annotated[
        float | None, typer.Option(help="Horizontal field of view in degrees, for such a folder.")
    ] = None,
    film: Annotated[
        Path | None, typer.Option(help="Film to be seen dimly behind, for such a folder.")
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Frames per second: 25 or 30000/1001")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Light the normals of a result anew, as a film: the quickest proof that they are right.

    A light that goes round to the right must brighten what faces right, then backs light up at
    the rim, then what faces left. Depth and base colour are used where they are there.
    """
    from choreoscope.capture.external.options import PassSource
    from choreoscope.capture.sections import FRAMES_EVER
    from choreoscope.capture.typed import parse_rate
    from choreoscope.cli.frame_progress import FrameProgress
    from choreoscope.datatypes.frames import FrameRange
    from choreoscope.viewer.relight import Lighting
    from choreoscope.viewer.relight_film import RelightInput, RelightOptions
    from choreoscope.viewer.relight_film import relight as make
    from choreoscope.viewer.relight_lights import read_light, standing

    path = None if light == "circle" else standing(light)
    options = RelightOptions(
        look=look,
        light=read_light(keys) if keys is not None else path,
        turn_seconds=turn,
        lighting=Lighting(strength=strength, rim=rim, gloss=gloss),
        eight=eight,
        frames=None if frames is None else FrameRange.parse(frames, frame_count=FRAMES_EVER),
    )
    given = RelightInput(
        normals=PassSource(pattern=pattern, green=green, signed=signed),
        rate=None if rate is None else parse_rate(rate),
        fov_degrees=fov,
        film=film,
    )
    target = out or source.resolve().with_name(f"{source.resolve().name}.relight.mp4")
    with FrameProgress(quiet=quiet) as progress:
        made = make(source, target, options=options, given=given, progress=progress)
    if not quiet:
        for one in made:
            print(one)
