"""Films with alpha and lossless films: one container, one stream, a frame at every 1 / rate."""

import dataclasses
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import av

BT709, LIMITED, FULL = 1, 1, 2
Given = Literal["rgba64le", "rgba", "gray16le"]
"""Forms of pictures: four or one channels of 16 or 8 bits."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilmForm:
    """A kind of film.

    Attributes
    ----------
    container, codec : str
        As FFmpeg names them.
    suffix : str
        Of the file.
    stored, given : str
        Pixel formats in the file, and of the pictures that are handed over.
    options : dict
        Of the encoder.
    decoder : str or None
        Decoder to read it with where FFmpeg's own choice loses the alpha.
    is_rgb : bool
        Whether the file holds red, green and blue as they are, not Rec. 709 luma and chroma.
    """

    container: str
    codec: str
    suffix: str
    stored: str
    given: Given
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    decoder: str | None = None
    is_rgb: bool = False


class EncodedFilm:
    """Writes one film; a context manager.

    Parameters
    ----------
    path : Path
        Written in place.
    size : (int, int)
        Width and height, pixels.
    rate : Fraction
        Frames per second.
    threads : int
        Of the encoder; the bytes do not depend on it.

    Raises
    ------
    OutputError
        If the file cannot be opened or the disk is full.
    """

    def __init__(
        self,
        path: Path,
        form: FilmForm,
        *,
        size: tuple[int, int],
        rate: Fraction,
        threads: int = 1,
    ) -> None:
        import av

        self._path, self._form, self._size = path, form, size
        self._time_base, self._next = 1 / rate, 0
        try:
            self._container = av.open(str(path), "w", format=form.container)
        except (OSError, av.error.FFmpegError) as error:
            raise OutputError(f"{path} cannot be written ({error})") from error
        self._stream: Any = self._container.add_stream(form.codec, rate=rate)
        context: Any = self._stream.codec_context
        context.width, context.height = size
        context.pix_fmt = form.stored
        context.time_base = self._time_base
        context.thread_count = threads
        context.options = dict(form.options)
        context.color_primaries = context.color_trc = BT709
        if not form.is_rgb:
            context.colorspace, context.color_range = BT709, LIMITED

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._mux(self._stream.encode(None))
        finally:
            self._close()

    def _close(self) -> None:
        import av

        try:
            self._container.close()
        except (OSError, av.error.FFmpegError) as error:
            raise OutputError(f"{self._path} cannot be written ({error})") from error

    def write(self, picture: np.ndarray) -> None:
        """Add the next picture.

        Parameters
        ----------
        picture : (H, W, 4) or (H, W) uint16 or uint8
            As the film's form wants it; colours straight, kept where alpha is 0.

        Raises
        ------
        ShapeError
            If it is of another size or type.
        OutputError
            If the disk is full.
        """
        import av

        width, height = self._size
        channels = () if self._form.given == "gray16le" else (4,)
        dtype = np.uint8 if self._form.given == "rgba" else np.uint16
        if picture.shape != (height, width, *channels) or picture.dtype != dtype:
            raise ShapeError(
                f"{self._path.name}: expected {(height, width, *channels)} {np.dtype(dtype)}, "
                f"got {picture.shape} {picture.dtype}"
            )
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=self._form.given)
        stored = self._converted(frame)
        stored.pts, stored.time_base = self._next, self._time_base
        self._next += 1
        self._mux(self._stream.encode(stored))

    def _converted(self, frame: "av.VideoFrame") -> "av.VideoFrame":
        from av.video.reformatter import VideoReformatter

        if self._form.stored == self._form.given:
            return frame
        if self._form.is_rgb:
            return VideoReformatter().reformat(frame, format=self._form.stored, threads=1)
        return VideoReformatter().reformat(
            frame,
            format=self._form.stored,
            dst_colorspace=BT709,
            dst_color_range=LIMITED,
            threads=1,
        )

    def _mux(self, packets: "Iterable[av.Packet[Any]]") -> None:
        import av

        try:
            for packet in packets:
                self._container.mux(packet)
        except (OSError, av.error.FFmpegError) as error:
            raise OutputError(f"{self._path} cannot be written ({error})") from error


def read_film(path: Path, form: FilmForm) -> Iterator[np.ndarray]:
    """Read a film of a known form, picture by picture, in the form in which they were given.

    Yields
    ------
    (H, W, 4) or (H, W) uint16 or uint8
        Straight colours.

    Raises
    ------
    InputError
        If it cannot be read, or is of another codec.
    """
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            expected = av.codec.Codec(form.codec, "w").canonical_name
            if stream.codec_context.codec.canonical_name != expected:
                raise InputError(
                    f"{path}: expected {expected}, got {stream.codec_context.codec.canonical_name}"
                )
            yield from _decoded(container, stream, form)
    except (OSError, av.error.FFmpegError, IndexError) as error:
        raise InputError(f"{path} is not a film that can be read ({error})") from error


def _decoded(container: Any, stream: Any, form: FilmForm) -> Iterator[np.ndarray]:  # noqa: ANN401
    import av
    from av.video.reformatter import VideoReformatter

    context = stream.codec_context
    if form.decoder is not None:
        context = av.CodecContext.create(form.decoder, "r")
        if stream.codec_context.extradata:
            context.extradata = stream.codec_context.extradata
    context.thread_type = "AUTO"
    for packet in container.demux(stream):
        for frame in context.decode(packet if packet.size else None):
            colours = {} if form.is_rgb else {"src_colorspace": BT709}
            given = VideoReformatter().reformat(frame, format=form.given, threads=1, **colours)
            yield given.to_ndarray()
