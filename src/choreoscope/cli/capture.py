"""``choreoscope capture``: read the options, run, say where the result lies."""

import dataclasses
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from choreoscope import __version__
from choreoscope.capture.config import Configuration, configure
from choreoscope.capture.film import FilmResult, capture_configured
from choreoscope.cli import flags
from choreoscope.cli.json_events import Telling, teller
from choreoscope.datatypes.errors import NOBODY_FOUND, WITH_GAPS, InputError
from choreoscope.viewer.index import ClipEntry, write_index

if TYPE_CHECKING:
    from choreoscope.pipeline.config.layers import Layer


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The command's options as typed.

    Attributes
    ----------
    keys : tuple of str
        Key flags.
    short : dict
        Short flag to value; None where it was not given.
    """

    film: Path
    out: Path | None
    config: Path | None
    keys: tuple[str, ...]
    short: dict[str, Any]
    heights: tuple[str, ...]
    people_options: tuple[str, ...]
    quiet: bool
    as_json: bool = False


SHORT = {
    "--recipe": "recipe",
    "--corrections": "corrections",
    "--frames": "film.frames",
    "--time": "film.time",
    "--rate": "film.rate",
    "--static-camera": "lens.static_camera",
    "--max-people": "people.max_people",
    "--focal-mm": "lens.focal_mm",
    "--sensor-mm": "lens.sensor_mm",
    "--fov": "lens.fov_degrees",
    "--camera": "lens.camera",
    "--camera-name": "lens.camera_name",
    "--people-backend": "people.backend",
    "--workers": "run.workers",
    "--offline": "run.offline",
    "--weights": "folders.weights",
}
"""Short flag to the key it stands for."""


def run(request: Request) -> int:
    """Capture and return the exit code (CONVENTIONS.md lists them)."""
    with teller(quiet=request.quiet, as_json=request.as_json) as tell:
        configuration = configure(request.config, _layer(request)).values
        out = request.out or result_folder(request.film, configuration)
        result = capture_configured(request.film, out, configuration, tell)
        return tell_result(result, request.film.name, configuration, tell)


def result_folder(film: Path, configuration: Configuration) -> Path:
    """Name the result folder of a film when nobody else does."""
    name = f"{film.name.removesuffix(film.suffix)}.choreoscope"
    return (configuration.folders.output or Path()) / name


def _layer(request: Request) -> "Layer":
    short = [(flag, SHORT[flag], value) for flag, value in request.short.items()]
    for text in request.heights:
        name, height = parse_height(text)
        short.append(("--height", f"people.heights.{name}", height))
    if not request.people_options:
        return flags.parse(request.keys, short)
    # Which back end the options are for, only all layers together say.
    backend = configure(request.config, flags.parse(request.keys, short)).values.people.backend
    return flags.parse(request.keys, [*short, *_back_end_options(request, backend)])


def _back_end_options(request: Request, backend: str) -> Iterator[tuple[str, str, Any]]:
    for text in request.people_options:
        name, value = parse_option(text)
        yield "--people-option", f"people.options.{backend}.{name}", value


def parse_height(text: str) -> tuple[str, float]:
    """Read ``"P01=1.72"``.

    Raises
    ------
    InputError
        If it has no name or the height is not that of a person.
    """
    name, _, number = text.partition("=")
    try:
        height = float(number)
    except ValueError:
        height = 0.0
    if not name or not 0.5 <= height <= 2.6:  # noqa: PLR2004 - metres, smallest to tallest people
        raise InputError(f"expected a height in metres such as P01=1.72, got '{text}'")
    return name, height


def parse_option(text: str) -> tuple[str, str]:
    """Read ``"NAME=VALUE"``.

    Raises
    ------
    InputError
        If there is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"expected an option such as detect_every=5, got '{text}'")
    return name, value


def tell_result(result: FilmResult, film: str, configuration: Configuration, tell: Telling) -> int:
    """Tell what a run has made and what it lacks; return the exit code.

    Parameters
    ----------
    film : str
        Name of the film.
    """
    page = list_of_clips(result, film)
    reports = [page] if page else list(result.reports)
    for report in reports:
        tell.result(str(report))
    people = sorted({person for found in result.people.values() for person in found})
    _check_heights(configuration, people)
    code = _problems(result, people, tell)
    tell.ended(code, result.clips, reports, str(result.undecodable) if result.undecodable else "")
    return code


def _problems(result: FilmResult, people: list[str], tell: Telling) -> int:
    failures = [outcome for clip in result.clips for outcome in clip.failures]
    for outcome in failures:
        if outcome.state == "failed":
            tell.problem(str(outcome.error), outcome.exit_code)
    if failures:
        return failures[0].exit_code
    gaps = [
        f"{clip.clip}: stage '{stage}' lacks {len(frames)} frames ({frames})"
        for clip in result.clips
        for stage, frames in clip.gaps.items()
        if frames - result.undecodable
    ]
    for text in gaps:
        tell.problem(f"finished with gaps: {text}", WITH_GAPS)
    if result.undecodable:
        count = len(result.undecodable)
        text = f"finished with gaps: {count} frames do not decode ({result.undecodable})"
        tell.problem(text, WITH_GAPS)
    if gaps or result.undecodable:
        return WITH_GAPS
    if not people:
        tell.problem("nobody was found; the result is valid and empty", NOBODY_FOUND)
        return NOBODY_FOUND
    return 0


def list_of_clips(result: FilmResult, film: str) -> Path | None:
    """Write a page that lists the clips where a film has more than one."""
    if len(result.clips) < 2:  # noqa: PLR2004 - a single clip has its report
        return None
    page = result.out / "index.html"
    entries = [
        ClipEntry(
            clip_id=clip.clip,
            report=f"{clip.clip}/report.html",
            summary=f"{len(result.people[clip.clip])} people"
            + ("" if clip.is_complete else ", incomplete: see its report"),
        )
        for clip in result.clips
    ]
    write_index(page, film, entries, made_with=f"Choreoscope {__version__}")
    return page


def _check_heights(configuration: Configuration, people: list[str]) -> None:
    unknown = [name for name in configuration.people.heights if name not in people]
    if unknown:
        near = difflib.get_close_matches(unknown[0], people, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(
            f"--height names {', '.join(unknown)}, but the people are "
            f"{', '.join(people) or 'none'}{hint}"
        )
