"""The way of the main job: a film in, one finished folder per shot out."""

import dataclasses
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

from choreoscope.capture.choosing import (
    FilmChoices,
    lens_of,
    opened,
    recipe_of,
    run_settings,
    shots_choices,
    wanted_frames,
)
from choreoscope.capture.config import Configuration, configured
from choreoscope.capture.corrections import corrections_for
from choreoscope.capture.film_record import (
    begin_record,
    load_result,
    write_configuration,
    write_record,
)
from choreoscope.capture.recipes import shots_recipe
from choreoscope.datatypes.corrections import Corrections
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.shots import ShotsResult
from choreoscope.datatypes.video import Clip, Video
from choreoscope.formats.shots_json import read_shots
from choreoscope.geometry.projection import FULL_FRAME_WIDTH_MM
from choreoscope.pipeline.backends import backend
from choreoscope.pipeline.choices import GivenInput
from choreoscope.pipeline.config.layers import Given, Layer
from choreoscope.pipeline.events import (
    Events,
    FilmFinished,
    FilmStarted,
    ignore,
    of_film,
    serialised,
)
from choreoscope.pipeline.executors.choose import executor_for
from choreoscope.pipeline.executors.interface import Executor
from choreoscope.pipeline.plan import plan
from choreoscope.pipeline.run import RunResult, run

__all__ = [
    "CaptureOptions",
    "FilmResult",
    "LensRequest",
    "capture_configured",
    "capture_video",
    "load_result",
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LensRequest:
    """What a user knows about the lens; nothing at all is fine.

    Attributes
    ----------
    camera_file : Path or None
        Calibration or camera file; `camera_name` picks one of several.
    focal_mm, sensor_mm : float
        Focal length and sensor width, millimetres.
    fov_degrees : float or None
        Horizontal field of view.
    """

    camera_file: Path | None = None
    camera_name: str | None = None
    focal_mm: float | None = None
    sensor_mm: float = FULL_FRAME_WIDTH_MM
    fov_degrees: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOptions:
    """Everything a user can say that changes the result.

    Attributes
    ----------
    frames : str or None
        Source frames as ``"100:400"``.
    seconds : (Fraction, Fraction) or None
        Time range from the film's first frame.
    rate : Fraction or None
        Frames per second of a folder of frames.
    heights : dict
        Person id to body height in metres.
    """

    frames: str | None = None
    seconds: tuple[Fraction, Fraction] | None = None
    rate: Fraction | None = None
    static_camera: bool = False
    max_people: int | None = None
    lens: LensRequest = dataclasses.field(default_factory=LensRequest)
    heights: Mapping[str, float] = dataclasses.field(default_factory=dict)
    people_backend: str = "blazepose"
    people_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmResult:
    """What became of a film.

    Attributes
    ----------
    out : Path
        Result folder.
    clips : tuple of RunResult
        One per shot.
    people : dict
        Clip id to the ids of the people found.
    undecodable : FrameSet
        Source frames that do not decode.
    """

    out: Path
    clips: tuple[RunResult, ...]
    people: Mapping[str, tuple[str, ...]]
    undecodable: FrameSet

    @property
    def reports(self) -> tuple[Path, ...]:
        """Report pages that were made."""
        pages = (clip.folder.root / "report.html" for clip in self.clips)
        return tuple(page for page in pages if page.exists())


def capture_video(
    film: Path | str,
    out: Path | str,
    *,
    options: CaptureOptions | None = None,
    settings: RunSettings | None = None,
    events: Events = ignore,
) -> FilmResult:
    """Make people in 3D of a film; the same call again continues or does nothing.

    Parameters
    ----------
    film : path
        A film, or a folder of numbered frames.
    out : path
        Result folder; made if absent.
    events : callable
        Told what happens (`pipeline.events`).

    Raises
    ------
    InputError
        If film or options cannot be used.
    OutputError
        If the result folder cannot be written.
    StageFailedError
        If the film itself cannot be gone through; failures of later stages are in the result.
    """
    settings = settings or RunSettings()
    configuration = _configuration(options or CaptureOptions(), settings)
    return _capture(Path(film), Path(out), configuration, settings, events)


def capture_configured(
    film: Path | str,
    out: Path | str,
    configuration: Configuration,
    events: Events = ignore,
    *,
    retry_failed: bool = False,
) -> FilmResult:
    """Do what `capture_video` does, as a configuration says; the one entry of every command.

    Parameters
    ----------
    film, out : path
        As for `capture_video`; a film that is not found is looked for in ``folders.input``.
    configuration : Configuration
        Resolved (`capture.config.configure`, or `load_result` of an earlier result).
    events : callable
        Told what happens.
    retry_failed : bool
        Whether frames that decode, yet could not be made before, are tried again.

    Raises
    ------
    InputError
        If film or configuration cannot be used.
    OutputError
        If the result folder cannot be written.
    StageFailedError
        If the film itself cannot be gone through; failures of later stages are in the result.
    """
    settings = run_settings(configuration)
    return _capture(
        Path(film), Path(out), configuration, settings, events, retry_failed=retry_failed
    )


def _capture(
    film: Path,
    root: Path,
    configuration: Configuration,
    settings: RunSettings,
    events: Events,
    *,
    retry_failed: bool = False,
) -> FilmResult:
    began = time.perf_counter()
    video = opened(film, configuration)
    events = of_film(Path(video.path).name, serialised(events))
    whole = Clip(id="film", video=video, frames=wanted_frames(video, configuration))
    lens = lens_of(video, configuration)
    corrections = corrections_for(root, configuration.corrections, video)
    recipe = recipe_of(configuration)
    _make_folder(root)
    write_configuration(root, configuration)
    begin_record(root, video)
    with executor_for(settings, events) as executor:
        engine = _Engine(settings, executor, events)
        shots, given = _shots(configuration, corrections, whole, root, engine)
        choices = FilmChoices(
            configuration=configuration,
            recipe=recipe,
            lens=lens,
            corrections=corrections,
            shots=shots,
            given=given,
            retry_failed=retry_failed,
        )
        results = _clips(choices, video, root, engine)
    write_record(root, video, shots, [result.clip for result in results])
    events(
        FilmFinished(
            seconds=time.perf_counter() - began,
            clips=tuple(result.clip for result in results),
            incomplete=tuple(result.clip for result in results if not result.is_complete),
        )
    )
    return FilmResult(
        out=root,
        clips=results,
        people={result.clip: _people(result) for result in results},
        undecodable=shots.undecodable,
    )


def _clips(
    choices: FilmChoices, video: Video, root: Path, engine: "_Engine"
) -> tuple[RunResult, ...]:
    """Run the recipe on every shot, as many at a time as there are workers."""
    clips = [
        Clip(id=f"clip-{number:03d}", video=video, frames=shot.frames)
        for number, shot in enumerate(choices.shots.shots, start=1)
    ]
    engine.events(
        FilmStarted(
            clips=tuple(clip.id for clip in clips),
            stages=tuple(stage.name for stage in choices.recipe.stages),
            frames=sum(len(clip.frames) for clip in clips),
        )
    )
    at_once = min(engine.executor.slots, len(clips))
    threads = max(1, engine.settings.workers // at_once)
    settings = dataclasses.replace(engine.settings, workers=threads)

    def made(clip: Clip) -> RunResult:
        own = choices.of_clip(clip.frames)
        planned = plan(choices.recipe, clip, root / clip.id, own, events=engine.events)
        return run(planned, settings, engine.events, executor=engine.executor)

    if at_once == 1:
        return tuple(map(made, clips))
    with ThreadPoolExecutor(at_once, thread_name_prefix="clip") as several:
        try:
            return tuple(several.map(made, clips))
        except BaseException:
            # Otherwise Ctrl-C would wait for the clips that other threads work on.
            several.shutdown(wait=False, cancel_futures=True)
            engine.executor.close()
            raise


@dataclasses.dataclass(frozen=True, slots=True)
class _Engine:
    settings: RunSettings
    executor: Executor
    events: Events


def _configuration(options: CaptureOptions, settings: RunSettings) -> Configuration:
    """Say in a configuration what was said in Python."""
    name = options.people_backend
    # Looked up first: options of a back end that does not exist would be told by their keys.
    backend("people", name)
    lens, limits = options.lens, settings.limits
    seconds = None if options.seconds is None else "-".join(map(str, options.seconds))
    said: dict[str, Any] = {
        "film.frames": options.frames,
        "film.time": seconds,
        "film.rate": None if options.rate is None else str(options.rate),
        "lens.camera": None if lens.camera_file is None else str(lens.camera_file.absolute()),
        "lens.camera_name": lens.camera_name,
        "lens.focal_mm": lens.focal_mm,
        "lens.sensor_mm": lens.sensor_mm,
        "lens.fov_degrees": lens.fov_degrees,
        "lens.static_camera": options.static_camera,
        "people.backend": name,
        "people.max_people": options.max_people,
        "folders.weights": settings.weights_folder and str(settings.weights_folder.absolute()),
        "run.executor": settings.executor,
        "run.processes": settings.processes,
        "run.workers": settings.workers,
        "run.batch": settings.batch,
        "run.gpus": settings.gpus,
        "run.offline": settings.offline,
        "run.stage_timeout": limits.stage_seconds,
        "run.clip_timeout": limits.clip_seconds,
        "run.silence_timeout": limits.silence_seconds,
    }
    values = {tuple(key.split(".")): Given(value, key) for key, value in said.items()}
    mappings: dict[tuple[str, ...], Mapping[str, Any]] = {
        ("people", "heights"): options.heights,
        ("people", "options", name): options.people_options,
        ("run", "timeouts"): limits.by_stage,
        ("run", "interpreters"): {task: str(path) for task, path in settings.interpreters.items()},
    }
    for path, entries in mappings.items():
        where = ".".join(path)
        values |= {(*path, key): Given(value, where) for key, value in entries.items()}
    return configured([Layer(values=values)]).values


def _make_folder(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the result folder {root} cannot be made ({error.strerror})") from error


def _shots(
    configuration: Configuration,
    corrections: Corrections,
    whole: Clip,
    root: Path,
    engine: _Engine,
) -> tuple[ShotsResult, GivenInput]:
    """Go through the whole film once; its record lies in the film's own folder."""
    recipe = shots_recipe()
    choices = shots_choices(configuration, recipe, corrections, whole.frames)
    planned = plan(recipe, whole, root, choices, events=engine.events)
    result = run(planned, engine.settings, engine.events, executor=engine.executor)
    outcome = result.outcome("shots")
    if outcome.error is not None and outcome.error.__cause__ is not None:
        raise outcome.error.__cause__
    if outcome.manifest is None:
        raise InputError(f"{whole.video.path}: its shots could not be found")
    given = GivenInput.of_manifest("shots", folder=root, manifest=outcome.manifest)
    return read_shots(given.files[""]), given


def _people(clip: RunResult) -> tuple[str, ...]:
    folder = clip.folder.root / "people"
    outcome = clip.outcome("identities")
    if outcome.manifest is None or not folder.is_dir():
        return ()
    return tuple(sorted({file.person for file in outcome.manifest.files if file.person}))
