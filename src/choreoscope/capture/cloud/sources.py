"""Where depth comes from: the files of a clip, or a folder another program wrote."""

import dataclasses
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np

from choreoscope.capture.cloud.owners import Owners
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.video import Video
from choreoscope.formats.passes import read_pass
from choreoscope.formats.video_reader import FilmReader

GREY = 168
"""Colour of points where no film is at hand."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SourceFrame:
    """One frame as it is lifted.

    Attributes
    ----------
    frame : int
        Source frame.
    depth : (H, W) float32
        Metres, or what the user says how to turn into metres; 0 where there is none.
    colour : (H, W, 3) uint8
        sRGB.
    alpha : (H, W) float32 or None
        0 to 1.
    owner : (H, W) uint8 or None
        Whose each pixel is; see `Owners`.
    """

    frame: int
    depth: np.ndarray
    colour: np.ndarray
    alpha: np.ndarray | None = None
    owner: np.ndarray | None = None


class LiftSource(Protocol):
    """Frames of depth with all that belongs to them."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    @property
    def rate(self) -> Fraction:
        """Frames per second."""
        ...

    @property
    def frames(self) -> FrameRange:
        """Source frames, with or without depth."""
        ...

    @property
    def camera(self) -> CameraTrack:
        """One row per frame of `frames`, for pictures of the depth's size."""
        ...

    @property
    def persons(self) -> tuple[str, ...]:
        """Performers that can be told apart."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know."""
        ...

    def read(self, frames: FrameRange) -> Iterator[SourceFrame]:
        """Read frames in order; those without depth come as pictures of zeros."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClipFiles:
    """Files of one clip.

    Attributes
    ----------
    depth, alpha, people, base_color : dict
        Source frame to file.
    masks : dict
        Person to file.
    video : Video or None
        The film, for colours; None takes the base colour, or grey.
    """

    depth: Mapping[int, Path]
    alpha: Mapping[int, Path] = dataclasses.field(default_factory=dict)
    people: Mapping[int, Path] = dataclasses.field(default_factory=dict)
    base_color: Mapping[int, Path] = dataclasses.field(default_factory=dict)
    masks: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    video: Video | None = None


class ClipSource:
    """Depth of a clip as the house stores it, in metres.

    Parameters
    ----------
    name : str
        For messages.
    files : ClipFiles
        What there is.
    camera : CameraTrack
        One row per frame of `frames`.
    frames : FrameRange
        Source frames of the clip.
    rate : Fraction
        Frames per second.

    Raises
    ------
    InputError
        If there is no depth at all, or the camera has another number of frames.
    """

    def __init__(
        self,
        name: str,
        files: ClipFiles,
        camera: CameraTrack,
        frames: FrameRange,
        rate: Fraction,
    ) -> None:
        if not files.depth:
            raise InputError(f"{name} has no depth; make or take in the pass 'depth' first")
        if len(camera.intrinsics) != len(frames):
            raise InputError(
                f"{name}: the camera has {len(camera.intrinsics)} frames, the clip {len(frames)}"
            )
        self.name, self.frames, self.rate, self.camera = name, frames, rate, camera
        self._files = files
        self._owners = Owners(files.people, files.masks)
        self.persons = self._owners.persons
        missing = sum(frame not in files.depth for frame in frames)
        notes = [f"{missing} of {len(frames)} frames have no depth"] if missing else []
        if files.video is None and not files.base_color:
            notes.append("the film is not at hand: points are grey")
        self.notes: tuple[str, ...] = tuple(notes)

    def read(self, frames: FrameRange) -> Iterator[SourceFrame]:
        """Read frames in order; those without depth come as pictures of zeros.

        Raises
        ------
        InputError
            If a file does not read, or has another size than the camera.
        """
        size = (self.camera.width, self.camera.height)
        for frame, colour in self._colours(frames, size):
            depth = _plane("depth", self._files.depth.get(frame), size)
            alpha = _plane("alpha", self._files.alpha.get(frame), size)
            yield SourceFrame(
                frame=frame,
                depth=np.zeros(size[::-1], dtype=np.float32) if depth is None else depth,
                colour=colour,
                alpha=alpha,
                owner=self._owners.of_frame(frame, size, alpha) if self._owners.is_known else None,
            )

    def _colours(
        self, frames: FrameRange, size: tuple[int, int]
    ) -> Iterator[tuple[int, np.ndarray]]:
        grey = np.full((size[1], size[0], 3), GREY, dtype=np.uint8)
        if self._files.video is None:
            for frame in frames:
                path = self._files.base_color.get(frame)
                yield frame, grey if path is None else _bytes(read_pass("base_color", path), size)
            return
        following = frames.start
        with FilmReader(self._files.video, threads=2, size=size) as reader:
            for frame, picture in reader.frames(frames):
                # Frames that do not decode are passed over by the reader.
                for lost in range(following, frame):
                    yield lost, grey
                yield frame, picture
                following = frame + 1
        for lost in range(following, frames.stop):
            yield lost, grey


def _plane(name: str, path: Path | None, size: tuple[int, int]) -> np.ndarray | None:
    if path is None:
        return None
    values = read_pass(name, path)[..., 0]
    if values.shape != size[::-1]:
        raise InputError(
            f"{path}: {values.shape[1]}x{values.shape[0]} pixels, the camera has "
            f"{size[0]}x{size[1]}"
        )
    return np.asarray(values)


def _bytes(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    import cv2

    picture: np.ndarray = np.rint(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)
    if picture.shape[:2] != size[::-1]:
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return picture
