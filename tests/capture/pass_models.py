"""Made-up models of passes whose answers are known, and as much of a job as they need."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from choreoscope.capture.passes.interfaces import (
    Answer,
    CropBatch,
    Crops,
    Feeding,
    Frames,
    PassFrame,
    PassState,
    Performer,
    Recurrent,
    ShotContext,
    Windows,
)
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.video import probe
from choreoscope.geometry.masks import encode_patch

SIZE = (12, 8)


def frames_of(numbers: Iterable[int], size: tuple[int, int] = SIZE) -> list[PassFrame]:
    """Frames whose pixels all say their number."""
    return [
        PassFrame(frame=number, picture=np.full((size[1], size[0], 3), number, dtype=np.uint8))
        for number in numbers
    ]


def shot_of(
    count: int, size: tuple[int, int] = SIZE, performers: Mapping[str, Performer] | None = None
) -> ShotContext:
    return ShotContext(
        size=size, rate=Fraction(25), frames=FrameRange(0, count), performers=performers or {}
    )


def performer(
    name: str, boxes: Mapping[int, Sequence[float]], size: tuple[int, int], *, masked: bool = True
) -> Performer:
    """Somebody who fills an ellipse in each box."""
    masks = {}
    for frame, box in boxes.items():
        left, top, right, bottom = (round(value) for value in box)
        patch = np.zeros((bottom - top, right - left), dtype=np.uint8)
        middle = ((right - left - 1) / 2, (bottom - top - 1) / 2)
        y, x = np.mgrid[: patch.shape[0], : patch.shape[1]]
        inside = ((x - middle[0]) / (middle[0] + 0.5)) ** 2 + (
            (y - middle[1]) / (middle[1] + 0.5)
        ) ** 2 <= 1
        masks[frame] = encode_patch(inside, left, top, *size)
    return Performer(
        person=name,
        boxes_xyxy={frame: np.array(box, dtype=float) for frame, box in boxes.items()},
        masks=masks if masked else {},
    )


class Model:
    """Base: counts what it is handed; too much at once is a MemoryError."""

    feeding: Feeding = Frames()
    model_cpu_seconds = 0.0

    def __init__(self, feeding: Feeding | None = None, most: int = 1000) -> None:
        self.feeding = feeding or type(self).feeding
        self.most = most
        self.handed: list[list[int]] = []
        self.begun = 0

    def start(self, shot: ShotContext) -> None:
        assert len(shot.frames)
        self.begun += 1

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        if len(frames) > self.most:
            raise MemoryError
        self.handed.append([frame.frame for frame in frames])
        return self.answer(frames, state)

    def answer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        return [
            {"alpha": grey(frame, frame.picture[0, 0, 0] / 100)} for frame in frames
        ], state or {}


class Running(Model):
    """Recurrent: alpha is an exponential average of the pictures."""

    feeding = Recurrent(chunk=4)

    def answer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        kept = 0.0 if state is None else float(state["kept"])
        out = []
        for frame in frames:
            kept = 0.7 * kept + 0.3 * frame.picture[0, 0, 0] / 100
            out.append({"alpha": grey(frame, kept)})
        return out, {"kept": np.array(kept)}


class Drifting(Model):
    """Windowed: true depth, but each stretch has a scale and an offset of its own."""

    feeding = Windows(length=7, overlap=3)

    def __init__(
        self, feeding: Feeding | None = None, most: int = 1000, depth_space: str = "affine"
    ) -> None:
        super().__init__(feeding, most)
        self.depth_space = depth_space

    def answer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        first = frames[0].frame
        scale = 1 + 0.1 * (first % 5)
        offset = 0.5 * first if self.depth_space == "affine" else 0.0
        out = []
        for frame in frames:
            depth = true_depth(frame) * scale + offset
            # Outliers that a plain least-squares fit would follow.
            depth[0, : 1 + first % 3] = 40.0 + first
            depth[1, 0] = np.nan
            out.append({"depth": depth.astype(np.float32)})
        return out, state or {}


def true_depth(frame: PassFrame) -> np.ndarray:
    height, width = frame.picture.shape[:2]
    return np.linspace(2, 5, height * width).reshape(height, width) + 0.1 * frame.frame


def grey(frame: PassFrame, value: float) -> np.ndarray:
    return np.full(frame.picture.shape[:2], value, dtype=np.float32)


class CropStand:
    """Crop model that answers from the crop's own pixels."""

    model_cpu_seconds = 0.0
    part_names = ("left", "right")

    def __init__(
        self,
        answer: Callable[[CropBatch], Mapping[str, np.ndarray]],
        gives: tuple[str, ...],
        feeding: Crops | None = None,
    ) -> None:
        self.feeding = feeding or Crops(size=(64, 48))
        self.gives = gives
        self._answer = answer
        self.batches: list[tuple[str, ...]] = []

    def start(self, shot: ShotContext) -> None:
        pass

    def infer_crops(self, crops: CropBatch) -> Mapping[str, np.ndarray]:
        self.batches.append(crops.people)
        return self._answer(crops)


class PlayedJob:
    """As much of a job as `run_pass` asks for; what it wrote stays when it is made anew."""

    def __init__(self, folder: Path, film: Path, windows: Sequence[FrameRange], model: Any) -> None:
        self.video = probe(film, rate=Fraction(25))
        self.frames = FrameRange(0, self.video.frame_count)
        self.windows = tuple(windows)
        self.settings = SimpleNamespace(workers=1, processes=1, batch=8)
        self.notes: list[str] = []
        self.done: list[FrameRange] = []
        self.lost: list[tuple[FrameRange, str]] = []
        self._folder, self._model = folder, model

    def model(self) -> Any:
        return self._model

    def inputs(self, kind: str) -> Mapping[str, Path]:
        return {path.stem: path for path in sorted((self._folder / "given" / kind).glob("*"))}

    def previous(self, kind: str) -> Mapping[str, Path]:
        return {path.stem: path for path in sorted((self._folder / kind).glob("*.npz"))}

    def output(self, kind: str, *, frame: int | None = None, window: str | None = None) -> Path:
        (self._folder / kind).mkdir(exist_ok=True)
        if window is not None:
            return self._folder / kind / f"{window}.npz"
        return (
            self._folder
            / kind
            / f"{kind}.{frame:06d}{'.png' if kind in ('alpha', 'foreground') else '.exr'}"
        )

    def progress(self, done: int, total: int, unit: str) -> None:
        assert 0 < done <= total
        assert unit == "frame"

    def note(self, text: str) -> None:
        self.notes.append(text)

    def failed(self, frames: FrameRange, why: str) -> None:
        self.lost.append((frames, why))

    def commit(self, done: FrameRange) -> None:
        self.done.append(done)


def film_of(folder: Path, count: int, size: tuple[int, int] = SIZE) -> Path:
    """A folder of pictures whose pixels all say their number."""
    film = folder / "film"
    film.mkdir()
    for frame in frames_of(range(count), size):
        cv2.imwrite(str(film / f"{frame.frame:04d}.png"), frame.picture)
    return film
