"""``choreoscope synth``: a made-up shot of dancers whose truth is known, for tests and tuning."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from choreoscope.synthetic.shot import Shot, ShotSpec

PASSES = ("depth", "normals", "masks", "parts", "flow")
_FILES_PER_PERSON, _OTHER_FILES = 3, 2


def synth(  # noqa: PLR0917 - typer reads options from the parameters
    out: Annotated[Path, typer.Argument(help="Folder to write; must be new or empty.")],
    people: Annotated[int, typer.Option(help="How many, 1 to 4.")] = 1,
    seconds: Annotated[float, typer.Option(help="Length of the shot.")] = 6.0,
    camera: Annotated[
        str,
        typer.Option(
            help="static, pan, tilt, walking, crane, handheld, zoom or pan_zoom.",
        ),
    ] = "static",
    seed: Annotated[int, typer.Option(help="Of everything left to chance.")] = 0,
    size: Annotated[str, typer.Option(help="Picture in pixels, WIDTHxHEIGHT.")] = "1280x720",
    rate: Annotated[str, typer.Option(help="Frames per second: 25 or 30000/1001")] = "30",
    bvh: Annotated[
        Path | None, typer.Option(help="Folder of BVH files to take the motion from.")
    ] = None,
    floor_work: Annotated[
        str, typer.Option(help="Of kneel, hand and sit, with commas: what goes to the floor.")
    ] = "",
    jumps: Annotated[bool, typer.Option("--jumps/--no-jumps", help="Does anybody jump.")] = True,
    partner: Annotated[
        bool, typer.Option("--partner", help="The first two dance together.")
    ] = False,
    children: Annotated[int, typer.Option(help="How many of the people are children.")] = 0,
    passes: Annotated[
        str, typer.Option(help=f"Of {', '.join(PASSES)}, with commas: rendered beside the film.")
    ] = "",
    film: Annotated[
        bool, typer.Option("--film/--no-film", help="Whether pictures are rendered at all.")
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Make a film of dancers who do not exist, with all that is true about it.

    Writes film.mp4 and a folder truth/: motion and BVH of everybody, the camera, contacts, points
    in the world and in the picture. The same options give the same shot.
    """
    from choreoscope.synthetic.shot import ShotSpec, make_shot

    wanted = _listed(passes, PASSES, "--passes")
    spec = ShotSpec(
        name=out.name,
        seed=seed,
        people=people,
        seconds=seconds,
        rate=_rate(rate),
        size=_size(size),
        camera=camera,
        bvh=bvh,
        jumps=jumps,
        floor_work=_listed(floor_work, ("kneel", "hand", "sit"), "--floor-work"),
        partner=partner,
        children=children,
        detail="full",
    )
    _check_empty(out)
    shot = make_shot(spec)
    _write(out, shot, wanted, film=film, quiet=quiet)
    if not quiet:
        print(f"{out}: {_told(spec, shot)}")


def _write(out: Path, shot: "Shot", passes: tuple[str, ...], *, film: bool, quiet: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from choreoscope.synthetic.writing import write_truth

    console = Console(stderr=True, quiet=quiet)
    with Progress(console=console, transient=True) as progress:
        files = _OTHER_FILES + _FILES_PER_PERSON * len(shot.people)
        task = progress.add_task("truth", total=files)
        for path in write_truth(out / "truth", shot):
            progress.update(task, advance=1, description=path.name)
        if film:
            _film(out, shot, passes, progress)


def _film(out: Path, shot: "Shot", passes: tuple[str, ...], progress: "Progress") -> None:
    from choreoscope.synthetic.film import film_shot

    task = progress.add_task("film", total=len(shot.times.seconds))
    film_shot(
        out,
        shot,
        passes=passes,
        progress=lambda done, total: progress.update(task, completed=done, total=total),
    )


def _told(spec: "ShotSpec", shot: "Shot") -> str:
    heights = ", ".join(f"{one.person} {one.stature:.2f} m" for one in shot.people)
    frames = len(shot.times.seconds)
    return f"{frames} frames at {spec.rate} per second, camera {spec.camera}, {heights}"


def _check_empty(out: Path) -> None:
    from choreoscope.datatypes.errors import InputError

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: expected a new or empty folder to write the shot to")


def _listed(text: str, known: tuple[str, ...], option: str) -> tuple[str, ...]:
    from choreoscope.datatypes.errors import InputError

    words = tuple(word.strip() for word in text.split(",") if word.strip())
    unknown = [word for word in words if word not in known]
    if unknown:
        raise InputError(f"{option}: expected any of {', '.join(known)}, got '{unknown[0]}'")
    return words


def _size(text: str) -> tuple[int, int]:
    from choreoscope.datatypes.errors import InputError

    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()) or int(width) % 2 or int(height) % 2:
        raise InputError(f"--size: expected even WIDTHxHEIGHT, for example 1280x720, got '{text}'")
    return int(width), int(height)


def _rate(text: str) -> Fraction:
    from choreoscope.datatypes.errors import InputError

    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InputError(
            f"--rate: expected frames per second, 25 or 30000/1001, got '{text}'"
        ) from None
