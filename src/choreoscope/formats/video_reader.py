"""Frames of a film or a folder, streamed, frame-exact, upright, as 8-bit RGB."""

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.video import Video
from choreoscope.formats.image_sequence import read_picture
from choreoscope.formats.read_ahead import read_ahead
from choreoscope.formats.video import MATRICES, packets_of, upright_turn

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

Pictures = Generator[tuple[int, np.ndarray], None, None]

HD_WIDTH = 1280
LIMITED, FULL = 1, 2
CODES = {name: code for code, name in MATRICES.items()}
SWSCALE = {6: 5, 10: 9, 0: 1}
"""Matrices that swscale knows under another number: both names of BT.601, both of BT.2020."""


class FilmReader:
    """Reads the frames of one film; a context manager.

    Parameters
    ----------
    video : Video
        As `probe` described it.
    threads : int
        Decoder threads; 0 lets FFmpeg choose. From 2 on, pictures are also decoded ahead of time.
    size : (int, int) or None
        Width and height the upright picture is scaled to while it is converted.
    """

    def __init__(
        self, video: Video, *, threads: int = 0, size: tuple[int, int] | None = None
    ) -> None:
        self._video = video
        self._threads = threads
        self._size = size or (video.width, video.height)
        self._undecodable = FrameSet()
        self._running: Pictures | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; an unfinished iteration ends."""
        running, self._running = self._running, None
        if running is not None:
            running.close()

    @property
    def undecodable(self) -> FrameSet:
        """Frames asked for so far that did not decode; complete once the iteration has ended."""
        return self._undecodable

    def frames(self, frames: FrameRange) -> Iterator[tuple[int, np.ndarray]]:
        """Go through consecutive frames.

        Yields
        ------
        (frame, picture)
            Source frame number and ``(H, W, 3)`` uint8 RGB, upright. Frames that do not decode
            are left out and remembered in `undecodable`.

        Raises
        ------
        InputError
            If the file has gone.
        """
        self.close()
        known = self._of_folder(frames) if self._video.kind == "sequence" else self._of_film(frames)
        # With threads to spare the next pictures are decoded while the caller works on this one.
        ready = read_ahead(lambda: known) if self._threads > 1 else known
        self._running = self._watched(ready, frames)
        return self._running

    def _watched(self, known: Pictures, frames: FrameRange) -> Pictures:
        expected = frames.start
        with contextlib.closing(known):
            for frame, picture in known:
                self._miss(expected, frame)
                expected = frame + 1
                yield frame, picture
        self._miss(expected, frames.stop)

    def _miss(self, start: int, stop: int) -> None:
        if stop > start:
            self._undecodable = self._undecodable | FrameSet.of([FrameRange(start, stop)])

    def _of_folder(self, frames: FrameRange) -> Pictures:
        folder = Path(self._video.path)
        for frame in frames:
            picture = read_picture(folder / self._video.files[frame], self._size)
            if picture is not None:
                yield frame, picture

    def _of_film(self, frames: FrameRange) -> Pictures:
        from av.video.reformatter import VideoReformatter

        wanted = {int(self._video.pts[frame]): frame for frame in frames}
        reformatter = VideoReformatter()
        for picture in self._decoded(frames):
            # Identity by time stamp: counting goes wrong where a frame does not decode.
            frame = wanted.get(picture.pts) if picture.pts is not None else None
            if frame is not None:
                yield frame, self._upright(picture, reformatter)

    def _decoded(self, frames: FrameRange) -> Iterator["VideoFrame"]:
        import av

        first, last = (int(self._video.pts[f]) for f in (frames.start, frames.stop - 1))
        try:
            container = av.open(self._video.path)
        except (OSError, av.error.FFmpegError) as error:
            raise InputError(f"{self._video.path} can no longer be read ({error})") from error
        with container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            stream.thread_count = self._threads
            if frames.start > 0:
                container.seek(first, stream=stream, backward=True, any_frame=False)
            for picture in _pictures(container, stream):
                yield picture
                if picture.pts is not None and picture.pts >= last:
                    return

    def _upright(self, picture: "VideoFrame", reformatter: "VideoReformatter") -> np.ndarray:
        from av.video.reformatter import Interpolation

        turns = upright_turn(picture) // 90
        width, height = self._size if turns % 2 == 0 else self._size[::-1]
        rgb = reformatter.reformat(
            picture,
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=_matrix(self._video),
            dst_colorspace=CODES["bt709"],
            src_color_range=FULL if self._video.colour.full_range else LIMITED,
            dst_color_range=FULL,
            interpolation=Interpolation.BILINEAR if width >= picture.width else Interpolation.AREA,
            threads=1,
        ).to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, -turns)) if turns else rgb


def _matrix(video: Video) -> int:
    """Swscale's number of the colour matrix; an untagged film's follows from its size."""
    code = CODES.get(video.colour.matrix)
    if video.colour.matrix == "unknown" or code is None:
        # Players do the same: standard definition was BT.601, anything larger is BT.709.
        return CODES["bt709"] if max(video.width, video.height) >= HD_WIDTH else CODES["smpte170m"]
    return SWSCALE.get(code, code)


def _pictures(container: "InputContainer", stream: "VideoStream") -> Iterator["VideoFrame"]:
    """Everything that decodes; broken data is passed over."""
    import av

    for packet in packets_of(container, stream):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
    try:
        # Where the packets broke off nobody has emptied the decoder yet.
        yield from stream.decode(None)
    except av.error.FFmpegError:
        return
