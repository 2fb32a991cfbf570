"""Films described without decoding them: one pass over the packets gives every time stamp.

PyAV only. The header's frame count and rate are kept as claims; what counts is the index.
"""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.video import Audio, Colour, Video, stamp_of
from choreoscope.formats.digests import content_digest
from choreoscope.formats.image_sequence import probe_sequence

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

EDGE = 4 << 20
BITS_OF_8 = 8
COMMON_RATES = tuple(
    Fraction(rate) for rate in (10, 12, 15, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
) + tuple(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120))
"""Rates cameras really have; a measured rate this near to one of them is taken to be it."""
NEAR_ENOUGH = 2e-4
QUARTER_TURN = 90
MATRICES = {0: "rgb", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m"}
MATRICES |= {9: "bt2020nc", 10: "bt2020c"}
PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020"}
PRIMARIES |= {11: "smpte431", 12: "smpte432"}
TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear"}
TRANSFERS |= {13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "hlg"}
"""Code points of ITU-T H.273, named as FFmpeg prints them."""
FULL_RANGE = 2


def probe(path: Path, *, rate: Fraction | None = None) -> Video:
    """Describe a film, or a folder of numbered frames.

    Parameters
    ----------
    path : Path
        File or folder.
    rate : Fraction or None
        Frames per second of a folder; a film brings its own.

    Raises
    ------
    InputError
        If it cannot be used; the text says why and what to do.
    """
    if path.is_dir():
        return probe_sequence(path, rate)
    if rate is not None:
        raise InputError(f"{path.name} is a film and has its own rate; --rate is for folders")
    return probe_film(path)


def probe_film(path: Path) -> Video:
    """Describe a film file.

    Raises
    ------
    InputError
        If there is no such file, it is empty, no film, holds sound alone, is an incomplete copy
        without an index, or its first picture does not decode.
    """
    import av

    _check_file(path)
    # Before anything is read: what changes while it is read must not look unchanged.
    stamp = stamp_of([path])
    try:
        with av.open(str(path)) as container:
            pts = _index(container, _video_stream(container, path), path)
            audio = _audio(container)
        with av.open(str(path)) as container:
            first = _first_picture(container, path)
            video = _described(path, container.streams.video[0], first, pts, audio)
    except av.error.FFmpegError as error:
        raise InputError(_why_not_a_film(path, error)) from error
    return dataclasses.replace(video, stamp=stamp)


def upright_turn(frame: "VideoFrame") -> int:
    """Degrees clockwise (0, 90, 180, 270) by which a decoded picture has to be turned."""
    # PyAV gives FFmpeg's display rotation, which counts anticlockwise.
    return round(-frame.rotation / QUARTER_TURN) % 4 * QUARTER_TURN


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except PermissionError:
        raise InputError(f"{path} may not be read; check its permissions") from None
    if size == 0:
        raise InputError(f"{path} is empty (0 bytes); copy it again")


def _why_not_a_film(path: Path, error: "av.error.FFmpegError") -> str:
    with path.open("rb") as file:
        head = file.read(64)
    if head[4:8] == b"ftyp" and b"moov" not in _edges(path):
        return (
            f"{path} has no index (its 'moov' part is missing): "
            f"the recording or the copy is incomplete; copy it again"
        )
    return f"{path} is not a film that can be read ({error.strerror or error})"


def _edges(path: Path) -> bytes:
    """First and last 4 MB, where an MP4's index lies if there is one."""
    with path.open("rb") as file:
        head = file.read(EDGE)
        file.seek(max(0, path.stat().st_size - EDGE))
        return head + file.read()


def _video_stream(container: "InputContainer", path: Path) -> "VideoStream":
    streams = [s for s in container.streams.video if s.codec_context is not None]
    if not streams:
        what = "holds sound but no picture" if container.streams.audio else "holds no picture"
        raise InputError(f"{path} {what}; choreoscope needs a film")
    return streams[0]


def _index(container: "InputContainer", stream: "VideoStream", path: Path) -> np.ndarray:
    stamps = {
        packet.pts
        for packet in packets_of(container, stream)
        if packet.size and packet.pts is not None and not packet.is_discard
    }
    if not stamps:
        raise InputError(f"{path} holds no picture with a time stamp")
    return np.array(sorted(stamps), dtype=np.int64)


def packets_of(container: "InputContainer", stream: "VideoStream") -> Iterator["av.Packet[Any]"]:
    """Packets of a stream up to where the file breaks off."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            # A film cut off in the middle: everything up to here counts.
            return
        if packet is None:
            return
        yield packet


def _first_picture(container: "InputContainer", path: Path) -> "VideoFrame":
    import av

    stream = container.streams.video[0]
    for packet in packets_of(container, stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        if frames:
            return frames[0]
    raise InputError(f"{path}: no picture can be decoded (codec {stream.codec_context.name})")


def _described(
    path: Path, stream: "VideoStream", first: "VideoFrame", pts: np.ndarray, audio: Audio | None
) -> Video:
    turn = upright_turn(first)
    sideways = turn % 180 != 0
    time_base = stream.time_base or Fraction(1, 1000)
    return Video(
        path=str(path.resolve()),
        kind="film",
        width=first.height if sideways else first.width,
        height=first.width if sideways else first.height,
        rate=nominal_rate(pts, time_base, stream.average_rate or stream.guessed_rate),
        pts=pts,
        time_base=time_base,
        rotation=turn,
        codec=stream.codec_context.name,
        colour=_colour(stream, first),
        audio=audio,
        declared_frames=stream.frames or None,
        digest=content_digest(path),
    )


def nominal_rate(pts: np.ndarray, time_base: Fraction, guess: Fraction | None) -> Fraction:
    """Frames per second from the time stamps; a rate cameras have when it is that near.

    Parameters
    ----------
    pts : (N,) int
        Strictly rising, in units of `time_base` seconds.
    guess : Fraction or None
        What the header says; used alone when there is one frame.
    """
    if len(pts) < 2:  # noqa: PLR2004 - no interval
        return guess or Fraction(25)
    measured = (len(pts) - 1) / (int(pts[-1] - pts[0]) * time_base)
    # A coarse clock (1 ms in Matroska) blurs the mean by at most one tick over the whole film.
    blur = max(NEAR_ENOUGH, 1.0 / float(pts[-1] - pts[0]))
    known = (*COMMON_RATES, *([guess] if guess else []))
    nearest = min(known, key=lambda rate: abs(measured / rate - 1))
    near = abs(float(measured / nearest) - 1) < blur
    return nearest if near else measured.limit_denominator(1001)


def _colour(stream: "VideoStream", first: "VideoFrame") -> Colour:
    context = stream.codec_context
    bits = max(component.bits for component in first.format.components)
    return Colour(
        matrix=MATRICES.get(int(context.colorspace), "unknown"),
        primaries=PRIMARIES.get(int(context.color_primaries), "unknown"),
        transfer=TRANSFERS.get(int(context.color_trc), "unknown"),
        full_range=int(context.color_range) == FULL_RANGE or first.format.name.startswith("yuvj"),
        bits=max(bits, BITS_OF_8),
    )


def _audio(container: "InputContainer") -> Audio | None:
    if not container.streams.audio:
        return None
    stream = container.streams.audio[0]
    length = stream.duration * stream.time_base if stream.duration and stream.time_base else None
    if length is None:
        length = Fraction(container.duration or 0, 1_000_000)
    return Audio(
        codec=stream.codec_context.name,
        sample_rate=stream.codec_context.sample_rate or 0,
        channels=stream.codec_context.channels or 0,
        seconds=float(length),
    )
