"""The camera of every frame: given, or solved from the background away from people."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field

from choreoscope.capture.camera.imported import given_path
from choreoscope.capture.camera.people_masks import PeopleMasks
from choreoscope.capture.camera.solve import SolveOrder, solve_camera
from choreoscope.capture.camera.structure import StructureLimits
from choreoscope.capture.camera.tracking import BackgroundTracker, small_size
from choreoscope.capture.camera.tracks import Background
from choreoscope.datatypes.camera import CameraPath, Lens
from choreoscope.formats.camera_files import CameraFileOrder, read_camera_file
from choreoscope.formats.camera_path_json import read_camera_path, write_camera_path
from choreoscope.formats.camera_poses import UpAxis
from choreoscope.formats.digests import content_digest
from choreoscope.formats.film_lens import lens_of_film
from choreoscope.formats.lens_json import read_lens
from choreoscope.formats.masks_json import read_masks
from choreoscope.formats.sequence import read_sequence
from choreoscope.pipeline.stage import Contents, Job, Options, Stage


class CameraOptions(Options):
    """How the camera moves, or a file that says where it was."""

    movement: Literal["auto", "locked", "pan", "travelling"] = Field(
        default="auto", description="auto looks; else it is taken as told"
    )
    path: str | None = Field(
        default=None,
        description="camera of every frame: .chan, COLMAP folder, .toml, .qca.txt, .json",
    )
    digest: str = Field(
        default="", description="content of that file; filled in when the options are resolved"
    )
    name: str | None = Field(default=None, description="which camera of a file with several")
    up: UpAxis | None = Field(
        default=None, description="axis of the file's world that points upward; None: as usual"
    )
    metres: float | None = Field(
        default=None, gt=0, description="length of the file's unit; None: as usual for its kind"
    )
    first_number: int | None = Field(
        default=None, description="the file's number of the clip's first frame; None: its lowest"
    )
    rotation_order: str = Field(default="ZXY", description="of a .chan, as Nuke's menu lists them")
    structure_seconds: float | None = Field(
        default=None, gt=0, description="most time for structure from motion; None: by keyframes"
    )

    def with_digest(self) -> "CameraOptions":
        """Give the same options with the hash of what the camera file holds now.

        A file that changes has to make the stage run again; its name alone would not.
        """
        if self.path is None:
            return self
        path = Path(self.path)
        files = sorted(path.glob("*.*")) if path.is_dir() else [path]
        readable = [file for file in files if file.is_file()]
        return self.model_copy(update={"digest": content_digest(*readable)})


def run(job: Job) -> None:
    """Write the camera path of the clip."""
    lens, _ = read_lens(job.input("lens"))
    options: CameraOptions = job.options
    found = _imported(job, lens) if options.path else _solved(job, lens)
    for note in found.notes:
        job.note(note)
    write_camera_path(job.output("camera_path"), found)


def _imported(job: Job, lens: Lens) -> CameraPath:
    options: CameraOptions = job.options
    order = CameraFileOrder(
        name=options.name,
        up=options.up,
        metres=options.metres,
        first_number=options.first_number,
        rotation_order=options.rotation_order,
    )
    read = read_camera_file(Path(str(options.path)), job.video, job.frames, lens, order)
    return given_path(read, job.frames, job.video.times(job.frames))


def _solved(job: Job, lens: Lens) -> CameraPath:
    options: CameraOptions = job.options
    if lens.source == "assumed":
        known = lens_of_film(job.video)
        if known is not None:
            job.note(f"focal length {known.fx:.0f} px from the film's metadata")
            lens = known
    with tempfile.TemporaryDirectory(prefix="choreoscope-camera-") as name:
        scratch = Path(name)
        background = _followed(job, scratch / "pictures")
        order = SolveOrder(
            frames=job.frames,
            seconds=job.video.times(job.frames),
            lens=lens,
            movement=None if options.movement == "auto" else options.movement,
            scratch=scratch,
            limits=StructureLimits(
                threads=max(1, job.settings.workers), seconds=options.structure_seconds
            ),
        )
        return solve_camera(background, order)


def _followed(job: Job, pictures: Path) -> Background:
    """Follow the background through the clip, decoding every frame once, small."""
    import cv2

    from choreoscope.formats.video_reader import FilmReader

    video = job.video
    (pictures / "masks").mkdir(parents=True)
    size = small_size(video.width, video.height)
    people = _people(job, size)
    tracker = BackgroundTracker(people.background, pictures)
    seconds = video.times(job.frames)
    with FilmReader(video, threads=job.settings.workers, size=size) as reader:
        for frame, picture in reader.frames(job.frames):
            grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            tracker.add(frame, float(seconds[frame - job.frames.start]), grey)
            job.progress(frame + 1 - job.frames.start, len(job.frames), "frame")
    return tracker.finish()


def _people(job: Job, size: tuple[int, int]) -> PeopleMasks:
    masks = {person: read_masks(path) for person, path in job.inputs("masks").items()}
    tracks = [
        dataclasses.replace(read_sequence(path).sequence.track, person=person)
        for person, path in job.inputs("sequence").items()
    ]
    return PeopleMasks.of(size, (job.video.width, job.video.height), masks, tracks)


def check(kind: str, path: Path) -> None:
    """Read the path back."""
    del kind
    read_camera_path(path)


def contents(kind: str, path: Path) -> Contents:
    """Say how many frames have a camera."""
    del kind
    camera = read_camera_path(path).camera
    return Contents(count=len(camera.intrinsics), size=(camera.width, camera.height))


STAGE = Stage(
    name="camera",
    version=1,
    reads=("identities", "lens"),
    optional=("masks", "sequence"),
    writes=("camera_path",),
    options=CameraOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="locked, turning or travelling; the camera of every frame, given or solved",
)
