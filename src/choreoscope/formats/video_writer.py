"""H.264 films: true time stamps, tagged colours, the source's sound, the same bytes every time."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from choreoscope.datatypes.errors import OutputError, ShapeError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.video import Video

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import av
    from av.audio.stream import AudioStream

BT709 = 1
LIMITED = 1
ENCODER_THREADS = 2
"""Fixed: the number of threads decides where slices end, and so the bytes."""
KEY_FRAME_SECONDS = 2
COPIED = ("aac", "mp3", "ac3", "eac3", "opus", "alac")
"""Sound that an MP4 holds as it is; everything else becomes AAC."""


class FilmWriter:
    """Writes one MP4; a context manager.

    Parameters
    ----------
    path : Path
        Written in place.
    size : (int, int)
        Width and height of the pictures; an odd one loses its last row or column, which H.264
        with halved colours cannot hold.
    rate : Fraction
        Nominal frames per second.
    time_base : Fraction
        Unit of the time stamps in seconds.
    sound_of : Video or None
        Film whose sound goes along.
    frames : FrameRange or None
        Which frames of that film these are; the sound is cut to them.
    quality : int
        x264's constant rate factor; lower is better and larger.

    Raises
    ------
    OutputError
        If the file cannot be opened or the disk is full.
    """

    def __init__(  # noqa: PLR0913 - what a film is made of
        self,
        path: Path,
        *,
        size: tuple[int, int],
        rate: Fraction,
        time_base: Fraction,
        sound_of: Video | None = None,
        frames: FrameRange | None = None,
        quality: int = 23,
    ) -> None:
        import av

        self._path = path
        self._size = (size[0] // 2 * 2, size[1] // 2 * 2)
        self._time_base = time_base
        self._sound_of = sound_of if sound_of is not None and sound_of.audio else None
        self._frames = frames
        self._first: int | None = None
        try:
            self._container = av.open(
                str(path), "w", format="mp4", options={"movflags": "+faststart"}
            )
        except (OSError, av.error.FFmpegError) as error:
            raise OutputError(f"{path} cannot be written ({error})") from error
        self._stream = self._container.add_stream("libx264", rate=rate)
        context = self._stream.codec_context
        context.width, context.height = self._size
        context.pix_fmt = "yuv420p"
        context.time_base = time_base
        context.thread_count = ENCODER_THREADS
        context.options = {"preset": "superfast", "crf": str(quality), "x264-params": "log-level=0"}
        context.gop_size = max(1, round(KEY_FRAME_SECONDS * rate))
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        self._sound = _SoundCopy(self._container, self._sound_of) if self._sound_of else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
        self._container.close()

    def write(self, rgb: np.ndarray, pts: int) -> None:
        """Add a picture.

        Parameters
        ----------
        rgb : (H, W, 3) uint8
            Of the size given.
        pts : int
            Time stamp in units of the time base; the first picture's becomes 0.

        Raises
        ------
        ShapeError
            If the picture has another size.
        OutputError
            If the disk is full.
        """
        import av
        from av.video.reformatter import VideoReformatter

        width, height = self._size
        if rgb.shape[0] // 2 * 2 != height or rgb.shape[1] // 2 * 2 != width:
            raise ShapeError(f"{self._path.name}: a picture of {rgb.shape}, expected {self._size}")
        if self._first is None:
            self._first = pts
        cut = np.ascontiguousarray(rgb[:height, :width])
        picture = av.VideoFrame.from_ndarray(cut, format="rgb24")
        yuv = VideoReformatter().reformat(
            picture, format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED, threads=1
        )
        yuv.pts = pts - self._first
        yuv.time_base = self._time_base
        self._mux(self._stream.encode(yuv))

    def _mux(self, packets: "Iterable[av.Packet[Any]]") -> None:
        import av

        try:
            for packet in packets:
                self._container.mux(packet)
        except (OSError, av.error.FFmpegError) as error:
            raise OutputError(f"{self._path} cannot be written ({error})") from error

    def _finish(self) -> None:
        self._mux(self._stream.encode(None))
        if self._sound is not None and self._sound_of is not None and self._frames is not None:
            start = int(self._sound_of.pts[self._frames.start]) * self._sound_of.time_base
            last = self._frames.stop - 1
            stop = int(self._sound_of.pts[last]) * self._sound_of.time_base
            self._mux(self._sound.packets(start, stop + 1 / self._sound_of.rate))


class _SoundCopy:
    """The sound of a film between two moments, as it is where MP4 can hold it, else as AAC."""

    def __init__(self, container: "av.container.OutputContainer", source: Video) -> None:
        import av

        self._source = source
        codec = source.audio.codec if source.audio else ""
        self._copies = codec in COPIED
        if self._copies:
            with av.open(source.path) as film:
                self._stream: AudioStream = container.add_stream_from_template(
                    film.streams.audio[0]
                )
        else:
            rate = source.audio.sample_rate if source.audio else 48000
            self._stream = container.add_stream("aac", rate=rate)

    def packets(self, start: Fraction, stop: Fraction) -> "Iterator[av.Packet[Any]]":
        """Packets of the seconds from `start` up to `stop`, `start` becoming 0."""
        import av

        with av.open(self._source.path) as film:
            sound = film.streams.audio[0]
            if start > 0:
                film.seek(int(start / _base(sound)), stream=sound, backward=True)
            yield from (self._copied if self._copies else self._encoded)(film, start, stop)

    def _copied(
        self, film: "av.container.InputContainer", start: Fraction, stop: Fraction
    ) -> "Iterator[av.Packet[Any]]":
        import av

        sound = film.streams.audio[0]
        base = _base(sound)
        try:
            for packet in film.demux(sound):
                if packet.pts is None or not packet.size or packet.pts * base < start:
                    continue
                if packet.pts * base >= stop:
                    return
                shift = round(start / base)
                packet.pts -= shift
                packet.dts = packet.pts
                packet.stream = self._stream
                yield packet
        except av.error.FFmpegError:
            # Sound of a film that was cut off ends where the film does.
            return

    def _encoded(
        self, film: "av.container.InputContainer", start: Fraction, stop: Fraction
    ) -> "Iterator[av.Packet[Any]]":
        import av

        sound = film.streams.audio[0]
        base = _base(sound)
        resampler = av.AudioResampler("fltp", self._stream.layout, self._stream.rate)
        try:
            for block in film.decode(sound):
                if block.pts is None or block.pts * base < start:
                    continue
                if block.pts * base >= stop:
                    break
                block.pts -= round(start / base)
                for part in resampler.resample(block):
                    yield from self._stream.encode(part)
        except av.error.FFmpegError:
            pass
        yield from self._stream.encode(None)


def _base(sound: "AudioStream") -> Fraction:
    """Return the unit of a sound track's time stamps; tracks without one count samples."""
    return sound.time_base or Fraction(1, sound.rate)
