"""The way of the main job: a film in, one finished folder per shot out."""

import dataclasses
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from choreoscope.capture.association import JoinOptions
from choreoscope.capture.recipes import mocap_recipe, shots_recipe
from choreoscope.capture.stages.lens import LensOptions
from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.shots import ShotsResult
from choreoscope.datatypes.video import Clip, Video
from choreoscope.formats.shots_json import read_shots
from choreoscope.motion.stages.lift import LiftStageOptions
from choreoscope.pipeline.choices import BackendChoice, Choices, GivenInput
from choreoscope.pipeline.events import Events, ignore
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.plan import plan
from choreoscope.pipeline.run import RunResult, run

FULL_FRAME_MM = 36.0


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
    sensor_mm: float = FULL_FRAME_MM
    fov_degrees: float | None = None

    def lens(self, video: Video) -> Lens | None:
        """Work out the lens for a film; None when nothing is known.

        Raises
        ------
        InputError
            If the file cannot be read, does not fit the film, or a number is absurd.
        """
        from choreoscope.formats.lens_files import read_lens_file
        from choreoscope.geometry.projection import lens_from_focal_mm, lens_from_fov

        size = (video.width, video.height)
        if self.camera_file is not None:
            return read_lens_file(self.camera_file, video, self.camera_name)
        if self.focal_mm is not None:
            return lens_from_focal_mm(self.focal_mm, *size, self.sensor_mm)
        if self.fov_degrees is not None:
            return lens_from_fov(self.fov_degrees, *size)
        return None


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
    from choreoscope.formats.video import probe
    from choreoscope.pipeline.backends import backend

    options = options or CaptureOptions()
    settings = settings or RunSettings()
    root = Path(out)
    video = probe(Path(film), rate=options.rate)
    wanted = _wanted(video, options)
    people = backend("people", options.people_backend)
    lens = options.lens.lens(video)
    _make_folder(root)
    shots, given = _shots(video, wanted, root, settings, events)
    choices = Choices(
        options={
            "identities": JoinOptions(max_people=options.max_people),
            "lens": LensOptions.of(lens, static_camera=options.static_camera),
            "lift": LiftStageOptions(heights=dict(options.heights)),
        },
        backends={"people": BackendChoice(spec=people, options=dict(options.people_options))},
        given=(given,),
    )
    models = LoadedModels(settings, events)
    clips = []
    for number, shot in enumerate(shots.shots, start=1):
        clip = Clip(id=f"clip-{number:03d}", video=video, frames=shot.frames)
        planned = plan(mocap_recipe(), clip, root / clip.id, choices, events=events)
        clips.append(run(planned, settings, events, models=models))
    _write_index(root, video, shots, [clip.clip for clip in clips])
    return FilmResult(
        out=root,
        clips=tuple(clips),
        people={clip.clip: _people(clip) for clip in clips},
        undecodable=shots.undecodable,
    )


def _wanted(video: Video, options: CaptureOptions) -> FrameRange:
    if options.frames is not None and options.seconds is not None:
        raise InputError("--frames and --time both say which piece of the film; give one of them")
    if options.frames is not None:
        return FrameRange.parse(options.frames, frame_count=video.frame_count)
    if options.seconds is None:
        return FrameRange(0, video.frame_count)
    start, stop = options.seconds
    inside = [frame for frame in range(video.frame_count) if start <= video.time_of(frame) < stop]
    if not inside:
        last = float(video.time_of(video.frame_count - 1))
        raise InputError(
            f"no frame lies between {float(start):g} and {float(stop):g} s; "
            f"the film's last frame is at {last:g} s"
        )
    return FrameRange(inside[0], inside[-1] + 1)


def _make_folder(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the result folder {root} cannot be made ({error.strerror})") from error


def _shots(
    video: Video, wanted: FrameRange, root: Path, settings: RunSettings, events: Events
) -> tuple[ShotsResult, GivenInput]:
    """Go through the whole film once; its record lies in the film's own folder."""
    clip = Clip(id="film", video=video, frames=wanted)
    result = run(plan(shots_recipe(), clip, root, events=events), settings, events)
    outcome = result.outcome("shots")
    if outcome.error is not None and outcome.error.__cause__ is not None:
        raise outcome.error.__cause__
    if outcome.manifest is None:
        raise InputError(f"{video.path}: its shots could not be found")
    given = GivenInput.of_manifest("shots", folder=root, manifest=outcome.manifest)
    return read_shots(given.files[""]), given


def _people(clip: RunResult) -> tuple[str, ...]:
    folder = clip.folder.root / "people"
    outcome = clip.outcome("identities")
    if outcome.manifest is None or not folder.is_dir():
        return ()
    return tuple(sorted({file.person for file in outcome.manifest.files if file.person}))


def _write_index(root: Path, video: Video, shots: ShotsResult, clips: list[str]) -> None:
    """Describe the film in ``film.json``."""
    record = {
        "schema": 1,
        "film": Path(video.path).name,
        "kind": video.kind,
        "size": [video.width, video.height],
        "rate": str(video.rate),
        "constant_rate": video.is_constant_rate,
        "rotation": video.rotation,
        "codec": video.codec,
        "colour": dataclasses.asdict(video.colour),
        "sound": dataclasses.asdict(video.audio) if video.audio else None,
        "frames": {
            "declared": video.declared_frames,
            "in_index": video.frame_count,
            "decoded": len(shots.decoded),
            "undecodable": str(shots.undecodable),
        },
        "clips": [
            {"id": name, "frames": [shot.frames.start, shot.frames.stop], "camera": shot.movement}
            for name, shot in zip(clips, shots.shots, strict=True)
        ],
        "digest": video.digest,
    }
    temporary = root / "film.json.part"
    temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    temporary.replace(root / "film.json")
