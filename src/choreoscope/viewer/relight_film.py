"""``choreoscope relight``: normals to a film, under a light that goes round."""

import dataclasses
from collections.abc import Callable, Generator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.capture.cloud.result_source import clips_with, is_result
from choreoscope.capture.external.options import PassSource
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.read_ahead import read_ahead
from choreoscope.formats.video import probe, probe_film
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.viewer.relight import Lighting, Look, Stand, Surface, picture_of, sheet, stand_of
from choreoscope.viewer.relight_lights import NAMED, TURN_SECONDS, LightPath, circling, standing
from choreoscope.viewer.relight_sources import ClipSurfaces, DeliveredSurfaces, SurfaceSource

USUAL_RATE = Fraction(24)
STEADY = 0.9
"""How much of the stand stays from frame to frame: lights must not tremble with the dancers."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RelightOptions:
    """How a preview is made.

    Attributes
    ----------
    look : {"light", "matcap", "normals"}
        Lit, as painted clay, or the normals as colours.
    light : LightPath or None
        Where the key light stands; None lets it circle.
    turn_seconds : float
        Of one turn of the circle.
    lighting : Lighting
        Strengths.
    eight : bool
        Eight pictures side by side instead: from all sides, matcap, normals, moving light.
    frames : FrameRange or None
        Source frames; None takes all.
    """

    look: Look = "light"
    light: LightPath | None = None
    turn_seconds: float = TURN_SECONDS
    lighting: Lighting = dataclasses.field(default_factory=Lighting)
    eight: bool = False
    frames: FrameRange | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RelightInput:
    """What is said of a folder of normals that no capture made."""

    normals: PassSource = dataclasses.field(default_factory=PassSource)
    rate: Fraction | None = None
    fov_degrees: float | None = None
    film: Path | None = None


def relight(
    source: Path | str,
    out: Path | str,
    *,
    options: RelightOptions | None = None,
    given: RelightInput | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Path, ...]:
    """Make a film of normals under a moving light: what ``choreoscope relight`` does.

    Parameters
    ----------
    source : path
        Result folder with the pass ``normals``, or a folder of normals from another program.
    out : path
        The film, .mp4; with several clips, their names are put before the suffix.
    progress : callable
        Told the name, frames done, frames in all.

    Returns
    -------
    tuple of Path
        The films, each re-read.

    Raises
    ------
    InputError
        If there are no normals, or they cannot be right.
    OutputError
        If a film cannot be written or does not read back.
    """
    folder, target = Path(source), Path(out)
    options, given = options or RelightOptions(), given or RelightInput()
    if not is_result(folder):
        video = None if given.film is None else probe(given.film)
        rate = given.rate or (video.rate if video else USUAL_RATE)
        surfaces = DeliveredSurfaces(folder, given.normals, rate, given.fov_degrees, video)
        with closing(surfaces):
            return (_film(surfaces, target, options, progress),)
    clips = clips_with(folder, "normals")
    if not clips:
        raise InputError(
            f"{folder} has no normals yet: capture with a recipe that makes them ('choreoscope "
            "recipes'), or give a folder of normals from another program"
        )
    several = len(clips) > 1
    return tuple(
        _film(
            ClipSurfaces(clip),
            target.with_name(f"{target.stem}.{clip.name}{target.suffix}") if several else target,
            options,
            progress,
        )
        for clip in clips
    )


def _film(
    source: SurfaceSource,
    target: Path,
    options: RelightOptions,
    progress: Callable[[str, int, int], None] | None,
) -> Path:
    frames = _wanted(source, options)
    light = options.light or circling(
        frames.start, len(frames), float(source.rate), options.turn_seconds
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{target.parent} cannot be made ({error.strerror})") from error
    # The suffix tells the muxer and people alike what it is.
    part = target.with_name(f"{target.stem}.part{target.suffix}")
    pictures = _pictures(source, frames, light, options)
    first = next(pictures)
    size = (first.shape[1], first.shape[0])
    try:
        with FilmWriter(
            part, size=size, rate=source.rate, time_base=1 / source.rate, quality=18
        ) as film:
            film.write(first, 0)
            for done, picture in enumerate(pictures, start=1):
                film.write(picture, done)
                if progress is not None:
                    progress(Path(source.name).name, done + 1, len(frames))
        _check(part, len(frames))
        part.replace(target)
    finally:
        pictures.close()
        part.unlink(missing_ok=True)
    return target


def _wanted(source: SurfaceSource, options: RelightOptions) -> FrameRange:
    if options.frames is None:
        return source.frames
    start = max(options.frames.start, source.frames.start)
    stop = min(options.frames.stop, source.frames.stop)
    if start >= stop:
        raise InputError(f"{source.name} has frames {source.frames}, not {options.frames}")
    return FrameRange(start, stop)


def _pictures(
    source: SurfaceSource, frames: FrameRange, light: LightPath, options: RelightOptions
) -> Generator[np.ndarray, None, None]:
    stand: Stand | None = None
    with closing(read_ahead(lambda: source.read(frames))) as reading:
        for frame, surface in reading:
            stand = _steadied(stand, stand_of(surface))
            if options.eight:
                yield _eight(surface, frame, light, stand, options.lighting)
            else:
                yield picture_of(options.look, surface, light.at(frame), stand, options.lighting)


def _steadied(before: Stand | None, now: Stand | None) -> Stand | None:
    if before is None or now is None:
        return now or before
    return Stand(
        middle=STEADY * before.middle + (1 - STEADY) * now.middle,
        reach=STEADY * before.reach + (1 - STEADY) * now.reach,
    )


def _eight(
    surface: Surface, frame: int, light: LightPath, stand: Stand | None, lighting: Lighting
) -> np.ndarray:
    def from_(name: str) -> Callable[[], np.ndarray]:
        return lambda: picture_of("light", surface, standing(name).at(frame), stand, lighting)

    def looking(look: Look) -> Callable[[], np.ndarray]:
        return lambda: picture_of(look, surface, light.at(frame), stand, lighting)

    names = [name for name in NAMED if name != "front"]
    pictures = {"normals": looking("normals"), "matcap": looking("matcap")}
    pictures |= {"moving light": looking("light")}
    return sheet(pictures | {name: from_(name) for name in names})


def _check(path: Path, count: int) -> None:
    try:
        have = probe_film(path).frame_count
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error
    if have != count:
        raise OutputError(f"{path.name}: expected {count} frames, it holds {have}")
