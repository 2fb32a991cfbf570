"""From a configuration to what the engine is handed: recipe, choices, settings, film, lens."""

import dataclasses
import os
from pathlib import Path
from typing import Any

from choreoscope.capture.config import (
    Configuration,
    automatic_processes,
    backend_choices,
    stage_options,
)
from choreoscope.capture.corrections import corrected_options, depth_keys, shots_of_clip
from choreoscope.capture.external.options import ExternalOptions
from choreoscope.capture.recipes import clip_recipe
from choreoscope.capture.stages import switchlight
from choreoscope.capture.stages.camera import CameraOptions
from choreoscope.capture.stages.external import external_stage
from choreoscope.capture.stages.lens import LensOptions
from choreoscope.capture.typed import parse_rate, parse_time_range
from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.corrections import Corrections
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import Limits, RunSettings
from choreoscope.datatypes.passes import PASSES
from choreoscope.datatypes.shots import ShotsResult
from choreoscope.datatypes.video import Video
from choreoscope.pipeline.choices import Choices, GivenInput
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.stage import Options

EXPORTED = tuple(kind for kind in switchlight.STAGE.writes if kind in PASSES)
"""Passes of a stage done outside that names none."""


def run_settings(configuration: Configuration) -> RunSettings:
    """Return the engine's settings; what is 0 for automatic is filled in for this machine."""
    run = configuration.run
    return RunSettings(
        workers=run.workers or os.cpu_count() or 1,
        offline=run.offline,
        weights_folder=configuration.folders.weights,
        executor=run.executor,
        processes=run.processes or automatic_processes(run.executor),
        batch=run.batch,
        gpus=run.gpus,
        limits=Limits(
            clip_seconds=run.clip_timeout,
            stage_seconds=run.stage_timeout,
            silence_seconds=run.silence_timeout,
            by_stage=dict(run.timeouts),
        ),
        interpreters=dict(run.interpreters),
    )


def recipe_of(configuration: Configuration) -> Recipe:
    """Make the stages of the recipe and those done outside.

    Raises
    ------
    InputError
        If there is no such recipe, or two stages take in the same pass.
    """
    outside = tuple(
        external_stage(name, tuple(options.passes) or EXPORTED)
        for name, options in configuration.external.items()
    )
    return clip_recipe(configuration.recipe, outside)


def outside_options(configuration: Configuration) -> dict[str, ExternalOptions]:
    """Options of the stages done outside, the folder they share filled in."""
    base = str(configuration.folders.external or "{out}/delivered")
    return {
        name: options.model_copy(
            update={"folder": Path(str(options.folder).replace("{external}", base))}
        )
        for name, options in configuration.external.items()
    }


def opened(film: Path, configuration: Configuration) -> Video:
    """Probe the film; one not found from here is looked for in the folder `folders.input`.

    Raises
    ------
    InputError
        If it is no film.
    """
    from choreoscope.formats.video import probe

    folder, rate = configuration.folders.input, configuration.film.rate
    place = film
    if folder is not None and not film.exists() and (folder / film).exists():
        place = folder / film
    return probe(place, rate=None if rate is None else parse_rate(rate))


def wanted_frames(video: Video, configuration: Configuration) -> FrameRange:
    """Source frames to be captured.

    Raises
    ------
    InputError
        If none of the film's frames lies in the range.
    """
    film = configuration.film
    if film.frames is not None:
        return FrameRange.parse(film.frames, frame_count=video.frame_count)
    if film.time is None:
        return FrameRange(0, video.frame_count)
    start, stop = parse_time_range(film.time)
    inside = [frame for frame in range(video.frame_count) if start <= video.time_of(frame) < stop]
    if not inside:
        last = float(video.time_of(video.frame_count - 1))
        raise InputError(
            f"no frame lies between {float(start):g} and {float(stop):g} s; "
            f"the film's last frame is at {last:g} s"
        )
    return FrameRange(inside[0], inside[-1] + 1)


def lens_of(video: Video, configuration: Configuration) -> Lens | None:
    """Work out the lens for a film; None when nothing is known.

    Raises
    ------
    InputError
        If the camera file cannot be read or does not fit the film.
    """
    from choreoscope.formats.lens_files import read_lens_file
    from choreoscope.geometry.projection import lens_from_focal_mm, lens_from_fov

    lens, size = configuration.lens, (video.width, video.height)
    if lens.camera is not None:
        return read_lens_file(lens.camera, video, lens.camera_name)
    if lens.focal_mm is not None:
        return lens_from_focal_mm(lens.focal_mm, *size, lens.sensor_mm)
    if lens.fov_degrees is not None:
        return lens_from_fov(lens.fov_degrees, *size)
    return None


def shots_choices(
    configuration: Configuration, recipe: Recipe, corrections: Corrections, wanted: FrameRange
) -> Choices:
    """Choices for the stages that look at the whole film.

    Parameters
    ----------
    wanted : FrameRange
        Source frames that are looked at.

    Raises
    ------
    InputError
        If corrections contradict each other.
    """
    options = {stage.name: stage_options(configuration, stage) for stage in recipe.stages}
    return Choices(options=corrected_options(options, corrections, wanted, recipe))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmChoices:
    """What is chosen for a film, from which each of its clips takes what concerns it.

    Attributes
    ----------
    lens : Lens or None
        From `lens_of`.
    shots, given : ShotsResult, GivenInput
        The shots of the film, and their file for the stages.
    retry_failed : bool
        Whether frames that decode, yet could not be made before, are tried again.
    """

    configuration: Configuration
    recipe: Recipe
    lens: Lens | None
    corrections: Corrections
    shots: ShotsResult
    given: GivenInput
    retry_failed: bool = False

    def of_clip(self, frames: FrameRange) -> Choices:
        """Choices for the stages of one clip.

        Raises
        ------
        InputError
            If there is no back end of the name, or corrections contradict each other.
        """
        people = self.configuration.people
        elsewhere: dict[str, dict[str, Any]] = {
            "identities": {"max_people": people.max_people},
            "lens": self._lens_fields(),
            "lift": {"heights": dict(people.heights)},
        }
        options: dict[str, Options] = {
            stage.name: stage_options(self.configuration, stage, **elsewhere.get(stage.name, {}))
            for stage in self.recipe.stages
            if stage.name not in self.configuration.external
        }
        if "camera" in options:
            options["camera"] = self._camera_options(options["camera"])
        outside = outside_options(self.configuration)
        keys = depth_keys(self.corrections, frames)
        if keys:
            outside = {
                name: own.model_copy(update={"depth_keys": keys}) for name, own in outside.items()
            }
            if "depth" in options:
                options["depth"] = options["depth"].model_copy(update={"depth_keys": keys})
        options |= outside
        chosen = backend_choices(self.configuration)
        wanted = {stage.task for stage in self.recipe.stages}
        return Choices(
            options=corrected_options(options, self.corrections, frames, self.recipe),
            backends={task: one for task, one in chosen.items() if task in wanted},
            given=(shots_of_clip(self.given, self.shots, frames),),
            retry_failed=self.retry_failed,
            hopeless=self.shots.undecodable,
        )

    def _camera_options(self, given: Options) -> Options:
        """Hold a camera that is said to stand still, and note what a camera file holds now."""
        if not isinstance(given, CameraOptions):
            return given
        if self.configuration.lens.static_camera and given.movement == "auto":
            given = given.model_copy(update={"movement": "locked"})
        return given.with_digest()

    def _lens_fields(self) -> dict[str, Any]:
        static = self.configuration.lens.static_camera
        return dict(LensOptions.of(self.lens, static_camera=static))
