"""Where every pixel is in the world: depth along the rays of the solved camera."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from choreoscope.capture.passes.deriving import derive_frames
from choreoscope.datatypes.artifacts import frame_name
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.passes import (
    AXES,
    UNIT,
    house_picture,
    look_at_pass,
    values_of,
    write_pass,
)
from choreoscope.geometry.unprojection import in_world, rays_of_lens, unproject
from choreoscope.pipeline.stage import Contents, Job, NoOptions, Stage

WINDOW_FRAMES = 64
WORLD = "world: right-handed, y up, floor y = 0"


class PositionMaker:
    """Lifts frames into the world; rays are made again only where the lens changes.

    Parameters
    ----------
    camera : CameraTrack
        As solved.
    first_frame : int
        Source frame of the camera's first row.
    """

    def __init__(self, camera: CameraTrack, first_frame: int) -> None:
        self._camera, self._first = camera, first_frame
        self._matrix = np.zeros((3, 3))
        self._rays = np.zeros((0, 0, 2), dtype=np.float32)

    def position(self, depth: np.ndarray, frame: int) -> np.ndarray:
        """Place every pixel.

        Parameters
        ----------
        depth : (H, W) float32
            Metres; 0 or NaN where there is none.
        frame : int
            Source frame.

        Returns
        -------
        (H, W, 3) float32
            World, metres; NaN where there is no depth.
        """
        row = frame - self._first
        matrix = self._camera.intrinsics[row]
        if not np.array_equal(matrix, self._matrix):
            size = (self._camera.width, self._camera.height)
            self._rays = rays_of_lens(matrix, self._camera.distortion, size)
            self._matrix = matrix
        known = np.where(depth > 0, depth, np.float32("nan"))
        return in_world(unproject(known, self._rays), self._camera.camera_from_world[row])


def run(job: Job) -> None:
    """Write the missing windows."""
    depths = job.inputs("depth")
    maker = PositionMaker(read_camera(job.input("camera")), job.frames.start)

    def write(frame: int, places: np.ndarray) -> None:
        path = job.output("position", frame=frame)
        write_pass("position", path, places, rate=job.video.rate, header={AXES: WORLD})

    def make(frames: Sequence[int]) -> Iterator[tuple[int, tuple[np.ndarray]]]:
        for frame in frames:
            yield frame, (maker.position(metres_of(depths[frame_name(frame)]), frame),)

    derive_frames(job, depths, make, write, absent="there is no depth here")


def metres_of(path: Path) -> np.ndarray:
    """Read a frame's depth, ``(H, W)`` metres.

    Raises
    ------
    InputError
        If it is of unknown scale: nothing has a place then.
    """
    picture = house_picture("depth", path)
    if picture.header.get(UNIT) == "relative":
        raise InputError(
            f"{path.name} is relative depth, not metres, so nothing has a place in the world; "
            "give near and far, or a unit, where it is taken in"
        )
    return values_of("depth", picture)[..., 0]


def check(kind: str, path: Path) -> None:
    """Read a frame back; one without any depth holds no finite number, and may."""
    try:
        look_at_pass(kind, path)
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error


def contents(kind: str, path: Path) -> Contents:
    """Say what a file holds, for comparing it with the film."""
    seen = look_at_pass(kind, path)
    return Contents(
        frames=FrameSet.of([int(path.stem.rpartition(".")[2])]),
        size=seen.size,
        channels=len(seen.channels),
    )


STAGE = Stage(
    name="position",
    version=1,
    reads=("depth", "camera"),
    writes=("position",),
    options=NoOptions,
    run=run,
    check=check,
    contents=contents,
    granularity="window",
    window_frames=WINDOW_FRAMES,
    windows="independent",
    meaning="place every pixel in the world, by its depth and the solved camera",
)
