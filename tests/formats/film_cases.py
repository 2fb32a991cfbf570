"""Small films whose every frame carries its own number, written for tests."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT, BITS = 160, 96, 8
TICKS = Fraction(1, 12800)


def numbered(frame: int) -> np.ndarray:
    """A picture that says its number in eight bars; its left half is brighter than its right."""
    picture = np.full((HEIGHT, WIDTH, 3), 40, dtype=np.uint8)
    picture[60:, : WIDTH // 2] = 120
    for bit in range(BITS):
        if frame >> bit & 1:
            picture[10:50, 4 + 19 * bit : 19 + 19 * bit] = 230
    return picture


def number_of(picture: np.ndarray) -> int:
    """Read the number back."""
    height, width = picture.shape[:2]
    y = int(0.3 * height)
    spots = [int((4 + 19 * bit + 7) / WIDTH * width) for bit in range(BITS)]
    return sum(1 << bit for bit, x in enumerate(spots) if picture[y, x].mean() > 135)


def write_film(
    path: Path,
    pictures: Sequence[np.ndarray],
    *,
    pts: Sequence[int] | None = None,
    codec: str = "libx264",
    rotation: int = 0,
    faststart: bool = False,
    **context: Any,
) -> Path:
    """Write a film; `pts` in ticks of 1/12800 s (25 frames/s where not given)."""
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=25)
        height, width = pictures[0].shape[:2]
        stream.width, stream.height = width, height
        stream.pix_fmt = context.pop("pix_fmt", "yuv420p")
        stream.codec_context.time_base = TICKS
        stream.codec_context.options = {"g": "24", "bf": "2", "crf": "12"} | context.pop(
            "extra", {}
        )
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            matrix = context.get("colorspace", 5)
            full = context.get("color_range", 1)
            frame = frame.reformat(
                format=stream.pix_fmt, dst_colorspace=matrix, dst_color_range=full
            )
            frame.pts = pts[index] if pts is not None else index * 512
            frame.time_base = TICKS
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def uneven(count: int) -> list[int]:
    """Time stamps of a film whose rate varies wildly."""
    steps = np.random.default_rng(5).choice([256, 512, 768, 1536], count)
    return np.concatenate([[0], np.cumsum(steps)[:-1]]).tolist()


def add_sound(film: Path, out: Path, codec: str, bursts: Sequence[float], seconds: float) -> Path:
    """Copy a film and add sound: silence but for 50 ms tones at the given seconds."""
    rate = 48000
    wave = np.zeros(round(seconds * rate), dtype=np.float32)
    for start in bursts:
        span = slice(round(start * rate), round((start + 0.05) * rate))
        wave[span] = 0.8 * np.sin(np.arange(span.stop - span.start) * 2 * np.pi * 1000 / rate)
    with av.open(str(film)) as source, av.open(str(out), "w") as container:
        pictures = container.add_stream_from_template(source.streams.video[0])
        sound = container.add_stream(codec, rate=rate, layout="mono")
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = pictures
                container.mux(packet)
        resampler = av.AudioResampler(sound.format, "mono", rate, frame_size=1024)
        block = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        block.sample_rate, block.pts = rate, 0
        for part in (*resampler.resample(block), *resampler.resample(None)):
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
    return out


def first_burst(film: Path) -> float:
    """Seconds at which the first tone is heard."""
    with av.open(str(film)) as container:
        sound = container.streams.audio[0]
        for block in container.decode(sound):
            loud = np.abs(block.to_ndarray().astype(np.float64)).max(axis=0) > 0.2
            if loud.any():
                start = float(block.pts * sound.time_base)
                return start + int(np.argmax(loud)) / block.sample_rate
    raise AssertionError("no tone is heard")
