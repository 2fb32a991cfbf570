"""``choreoscope capture``: read the options, run, say where the result lies."""

import dataclasses
import difflib
import os
import sys
from fractions import Fraction
from pathlib import Path

from choreoscope import __version__
from choreoscope.capture.film import CaptureOptions, FilmResult, LensRequest, capture_video
from choreoscope.cli.progress import Teller
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import RunSettings
from choreoscope.viewer.index import ClipEntry, write_index

NOBODY_FOUND = 6
WITH_GAPS = 7
NTSC_ROUNDING = Fraction(6, 1000)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The command's options as typed."""

    film: Path
    out: Path | None
    frames: str | None
    time: str | None
    rate: str | None
    static_camera: bool
    max_people: int | None
    focal_mm: float | None
    sensor_mm: float
    fov: float | None
    camera: Path | None
    camera_name: str | None
    heights: tuple[str, ...]
    people_backend: str
    people_options: tuple[str, ...]
    workers: int | None
    offline: bool
    weights: Path | None
    quiet: bool


def run(request: Request) -> int:
    """Capture and return the exit code (CONVENTIONS.md lists them)."""
    out = request.out or Path(f"{request.film.name.removesuffix(request.film.suffix)}.choreoscope")
    settings = RunSettings(
        workers=request.workers or os.cpu_count() or 1,
        offline=request.offline,
        weights_folder=request.weights,
    )
    with Teller(quiet=request.quiet) as teller:
        result = capture_video(
            request.film, out, options=_options(request), settings=settings, events=teller
        )
    return _tell(result, request, quiet=request.quiet)


def _options(request: Request) -> CaptureOptions:
    return CaptureOptions(
        frames=request.frames,
        seconds=parse_time_range(request.time) if request.time else None,
        rate=parse_rate(request.rate) if request.rate else None,
        static_camera=request.static_camera,
        max_people=request.max_people,
        lens=_lens(request),
        heights=dict(parse_height(text) for text in request.heights),
        people_backend=request.people_backend,
        people_options=dict(parse_option(text) for text in request.people_options),
    )


def _lens(request: Request) -> LensRequest:
    given = {"--camera": request.camera, "--focal-mm": request.focal_mm, "--fov": request.fov}
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise InputError(f"{' and '.join(named)} both say what the lens is; give one of them")
    return LensRequest(
        camera_file=request.camera,
        camera_name=request.camera_name,
        focal_mm=request.focal_mm,
        sensor_mm=request.sensor_mm,
        fov_degrees=request.fov,
    )


def parse_time_range(text: str) -> tuple[Fraction, Fraction]:
    """Read ``"00:45-01:25"``, ``"1:02:03.5-1:03:00"`` or ``"45.5-85"`` as seconds.

    Raises
    ------
    InputError
        If it is no range or ends before it starts.
    """
    first, dash, last = text.partition("-")
    try:
        start, stop = _seconds(first), _seconds(last)
    except ValueError:
        dash = ""
        start = stop = Fraction(0)
    if not dash or start < 0 or stop <= start:
        raise InputError(f"expected a time range such as 00:45-01:25 or 45.5-85, got '{text}'")
    return start, stop


def _seconds(text: str) -> Fraction:
    total = Fraction(0)
    for part in text.strip().split(":"):
        total = total * 60 + Fraction(part)
    return total


def parse_rate(text: str) -> Fraction:
    """Read ``"24"``, ``"23.976"`` or ``"30000/1001"``.

    Raises
    ------
    InputError
        If it is not a number above 0.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise InputError(f"expected a rate such as 24 or 30000/1001, got '{text}'")
    # 23.976, 29.97 and 59.94 are how people write 24, 30 and 60 divided by 1.001.
    exact = Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)
    meant = "." in text and abs(rate - exact) < NTSC_ROUNDING
    return exact if meant else rate


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


def parse_option(text: str) -> tuple[str, str | int | float | bool]:
    """Read ``"NAME=VALUE"``; numbers and true/false become what they look like.

    Raises
    ------
    InputError
        If there is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"expected an option such as detect_every=5, got '{text}'")
    if value in ("true", "false"):
        return name, value == "true"
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def _tell(result: FilmResult, request: Request, *, quiet: bool) -> int:
    page = _list_of_clips(result, request.film.name)
    if not quiet:
        for report in [page] if page else result.reports:
            print(report)
    people = sorted({person for found in result.people.values() for person in found})
    _check_heights(request, people)
    failures = [outcome for clip in result.clips for outcome in clip.failures]
    for outcome in failures:
        if outcome.state == "failed":
            _warn(str(outcome.error))
    if failures:
        return failures[0].exit_code
    if result.undecodable:
        count = len(result.undecodable)
        _warn(f"finished with gaps: {count} frames do not decode ({result.undecodable})")
        return WITH_GAPS
    if not people:
        _warn("nobody was found; the result is valid and empty")
        return NOBODY_FOUND
    return 0


def _list_of_clips(result: FilmResult, film: str) -> Path | None:
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


def _check_heights(request: Request, people: list[str]) -> None:
    unknown = [name for name, _ in map(parse_height, request.heights) if name not in people]
    if unknown:
        near = difflib.get_close_matches(unknown[0], people, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(
            f"--height names {', '.join(unknown)}, but the people are "
            f"{', '.join(people) or 'none'}{hint}"
        )


def _warn(text: str) -> None:
    print(f"choreoscope: {text}", file=sys.stderr)
