"""The sections of a capture's configuration that are the same on every machine."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from choreoscope.capture.external.options import ExternalOptions
from choreoscope.capture.recipes import DEFAULT_RECIPE, PRESETS
from choreoscope.capture.typed import parse_duration, parse_rate, parse_time_range
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import ExecutorName
from choreoscope.geometry.projection import FULL_FRAME_WIDTH_MM
from choreoscope.pipeline.config.schema import Section
from choreoscope.pipeline.watch.options import WatchOptions

FRAMES_EVER = 1 << 40
"""More frames than any film has, where only the form of a range is looked at."""


def _checked_by(parse: Any) -> AfterValidator:  # noqa: ANN401
    def check(text: str) -> str:
        try:
            parse(text)
        except InputError as error:
            raise ValueError(str(error).partition(", got")[0]) from error
        return text

    return AfterValidator(check)


FramesText = Annotated[
    str, _checked_by(lambda text: FrameRange.parse(text, frame_count=FRAMES_EVER))
]
TimeText = Annotated[str, _checked_by(parse_time_range)]
RateText = Annotated[str, _checked_by(parse_rate)]
Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(
        json_schema_extra={
            "expects": "0 for no limit, or a duration such as 45s, 90m or 1h30m",
            "unit": "seconds",
        }
    ),
]
Height = Annotated[float, Field(ge=0.5, le=2.6, json_schema_extra={"unit": "metres"})]


class Folders(Section):
    """Where everything lies."""

    input: Path | None = Field(
        default=None,
        description="Folder of films: looked in when a film's path is not found from the current "
        "folder, and watched by 'choreoscope watch' when no other is named.",
    )
    output: Path | None = Field(
        default=None,
        description="Folder that gets a result folder for each film. null: the current folder; "
        "for 'choreoscope watch' IN.choreoscope beside the watched folder IN.",
    )
    weights: Path | None = Field(
        default=None,
        description="Folder that holds the weight files. null: the cache of 'choreoscope models'.",
    )
    external: Path | None = Field(
        default=None,
        description="Folder that {external} stands for in the section 'external'. "
        "null: the folder 'delivered' in the result folder.",
    )


class FilmSection(Section):
    """Which part of the film."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("frames", "time"),)

    frames: FramesText | None = Field(
        default=None,
        description="Source frames START:STOP, the first is 0, STOP is not included. null: all.",
        json_schema_extra={"expects": "a range such as 100:400"},
    )
    time: TimeText | None = Field(
        default=None,
        description="Piece of the film by time from its first frame. null: all of it.",
        json_schema_extra={"expects": "a range such as 00:45-01:25 or 45.5-85", "unit": "seconds"},
    )
    rate: RateText | None = Field(
        default=None,
        description="Rate of a folder of frames; a film knows its own.",
        json_schema_extra={"expects": "a rate such as 24 or 30000/1001", "unit": "frames/second"},
    )


class LensSection(Section):
    """What is known of lens and camera; all null: the lens is assumed, and the report says so."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("camera", "focal_mm", "fov_degrees"),)

    camera: Path | None = Field(
        default=None, description="Camera file: camera.json or a calibration .toml or .json."
    )
    camera_name: str | None = Field(
        default=None, description="Which camera of that file, where it holds several."
    )
    focal_mm: float | None = Field(
        default=None,
        gt=0,
        description="Focal length; goes with sensor_mm.",
        json_schema_extra={"unit": "millimetres"},
    )
    sensor_mm: float = Field(
        default=FULL_FRAME_WIDTH_MM,
        gt=0,
        description="Width of the sensor for focal_mm.",
        json_schema_extra={"unit": "millimetres"},
    )
    fov_degrees: float | None = Field(
        default=None,
        gt=0,
        lt=180,
        description="Horizontal field of view.",
        json_schema_extra={"unit": "degrees"},
    )
    static_camera: bool = Field(
        default=False, description="The camera stands still; do not look for movement."
    )


class PeopleSection(Section):
    """Who is in the film, and what finds them."""

    backend: str = Field(default="blazepose", description="Back end that finds people.")
    max_people: int | None = Field(
        default=None, ge=1, description="Keep only so many people, those most in the picture."
    )
    heights: dict[str, Height] = Field(
        default_factory=dict,
        description="Body height by person, as in {P01: 1.72}; others: 1.70 m, give or take 10 cm.",
    )
    options: Section = Field(
        default_factory=Section, description="Options of the back ends, each below its own name."
    )


PASS_TASKS: dict[str, tuple[str, str]] = {
    "matte": ("people_masks", "Back end that makes mattes."),
    "depth": ("proxy", "Back end that makes depth; proxy: the solved bodies and floor."),
    "normals": ("proxy", "Back end that makes normals; proxy: the solved bodies and floor."),
    "parts": ("proxy", "Back end that tells body parts; proxy: the solved bodies."),
    "flow": ("dis", "Back end that makes motion vectors; proxy: the solved bodies and floor."),
}
"""Tasks of the passes: the back end by default, and what it does."""


class PassTaskSection(Section):
    """What makes one pass."""

    backend: str = Field(default="", description="Back end.")
    options: Section = Field(
        default_factory=Section, description="Options of the back ends, each below its own name."
    )


class PassesSection(Section):
    """What makes the film passes, those that the recipe has."""


class RunSection(Section):
    """How fast and where; never changes what a result is."""

    executor: ExecutorName = Field(
        default="pool",
        description="Where stages run: in this process (inline), in worker processes that may "
        "crash without harm (pool), on a Ray cluster (ray).",
    )
    processes: int = Field(
        default=0, ge=0, description="Worker processes. 0: automatic, by the number of cores."
    )
    workers: int = Field(
        default=0, ge=0, description="Threads, over all processes. 0: one per core."
    )
    batch: int = Field(
        default=8, ge=1, description="Frames that a back end may take at once, where it can."
    )
    gpus: float = Field(
        default=0.0,
        ge=0,
        description="Accelerators that each worker process needs; refused where there are none.",
    )
    offline: bool = Field(default=False, description="Open no network connection whatever happens.")
    stage_timeout: Seconds = Field(
        default=0.0, description="Longest time for one stage of one clip."
    )
    clip_timeout: Seconds = Field(
        default=0.0, description="Longest time for all stages of one clip."
    )
    silence_timeout: Seconds = Field(
        default=300.0, description="Longest time a worker process may give no sign of life."
    )
    timeouts: dict[str, Seconds] = Field(
        default_factory=dict,
        description="Longest time by stage, instead of stage_timeout, as in {people: 2h}.",
    )
    interpreters: dict[str, Path] = Field(
        default_factory=dict,
        description="Python of an environment of its own, by task, for back ends whose "
        "requirements cannot live beside ours, as in {people: envs/people/bin/python}.",
    )


class Configuration(Section):
    """Everything a user can say about a capture; `configuration_type` has all keys."""

    recipe: str = Field(
        default=DEFAULT_RECIPE,
        description="Which stages run, and what they are preset to ('choreoscope recipes').",
        json_schema_extra={"choices": list(PRESETS)},
    )
    folders: Folders = Field(
        default_factory=Folders,
        description="Folders. Relative ones count from the folder of this file.",
    )
    film: FilmSection = Field(
        default_factory=FilmSection, description="Which part of the film; one way of saying it."
    )
    lens: LensSection = Field(
        default_factory=LensSection,
        description="The lens: a camera file, a focal length or a field of view. "
        "All null: it is assumed, and the report says so.",
    )
    people: PeopleSection = Field(
        default_factory=PeopleSection, description="Who is in the film, and what finds them."
    )
    passes: PassesSection = Field(
        default_factory=PassesSection,
        description="What makes the film passes, those that the recipe has.",
    )
    corrections: Path | None = Field(
        default=None,
        description="File of corrections. null: corrections.yaml in the result folder, if there.",
    )
    external: dict[str, ExternalOptions] = Field(
        default_factory=dict,
        description="Stages done by hand in another program (SwitchLight, say), each below a name "
        "of your own: where its passes come from and how long to wait for them. "
        "{name: {}} has all defaults; 'choreoscope config show' lists them.",
    )
    run: RunSection = Field(
        default_factory=RunSection,
        description="How fast and where; never changes what a result is.",
    )
    watch: WatchOptions = Field(
        default_factory=WatchOptions, description="How 'choreoscope watch' works."
    )
    stages: Section = Field(
        default_factory=Section,
        description="Options of the stages, those the sections above do not speak of. Stages "
        "that are not in the recipe do not run, whatever stands here.",
    )
