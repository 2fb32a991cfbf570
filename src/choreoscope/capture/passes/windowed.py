"""Overlapping stretches of frames, each brought to the one before and faded into it.

Where stretches lie depends on the shot alone, so a run that is stopped and resumed makes the same
ones: it repeats the stretch before the frame where it goes on, with the scale and offset stored
for it, and continues from there.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from choreoscope.capture.passes.batches import Pairs, Source, asked
from choreoscope.capture.passes.interfaces import (
    Answer,
    PassFrame,
    PassModel,
    PassState,
    ShotContext,
    Windows,
)
from choreoscope.datatypes.errors import BackendFailedError
from choreoscope.datatypes.frames import FrameRange

SAMPLES = 40_000
"""Pixels the scale and offset are fitted to."""
ROUNDS = 30
TUKEY = 4.685
"""Residuals, in standard deviations, beyond which a pixel does not count."""
MAD = 1.4826
WITH_OFFSET = ("affine", "affine_inverse")
MODEL = "model."


@dataclasses.dataclass(slots=True)
class _Stretch:
    """One stretch as the model answered it, already brought to the one before.

    Attributes
    ----------
    start : int
        Its first source frame.
    answers : dict
        By source frame.
    scale, offset : float
        What was done to its depth.
    state_in, state_out : PassState or None
        The model's own state before and after.
    """

    start: int
    answers: dict[int, Answer]
    scale: float
    offset: float
    state_in: PassState | None
    state_out: PassState | None


class WindowsFeeder:
    """Hands over stretches and joins their answers.

    Parameters
    ----------
    model : PassModel
        Looks at whole stretches.
    feeding : Windows
        How long they are and how they are joined.
    shot : ShotContext
        Stretches are counted from its first frame.
    state : PassState
        As `state` was at the frame to go on from; empty at the start of the shot.
    """

    def __init__(
        self, model: PassModel, feeding: Windows, shot: ShotContext, state: PassState
    ) -> None:
        self._model = model
        self._feeding = feeding
        self._shot = shot
        self._step = feeding.length - feeding.overlap
        beyond = len(shot.frames) - feeding.length
        self._last = max(0, math.ceil(beyond / self._step))
        self._held: list[PassFrame] = []
        self._before: _Stretch | None = None
        self._now: _Stretch | None = None
        self._stored = state
        self._done = shot.frames.start

    def needed(self, frames: FrameRange) -> FrameRange:
        """From the stretch that is repeated to the end of the one that holds the last frame."""
        self._done = frames.start
        begin = self._start_of(self._index_of(frames.start))
        first = int(self._stored["start"]) if self._stored else begin
        last = self._start_of(self._index_of(max(frames.start, frames.stop - 1)))
        return FrameRange(first, min(last + self._feeding.length, self._shot.frames.stop))

    @property
    def state(self) -> PassState:
        """Where the stretch before the next frame lies, and how it was brought in line."""
        before = self._before_of(self._done)
        if before is None:
            return {}
        own = {MODEL + name: np.asarray(value) for name, value in (before.state_in or {}).items()}
        return {
            "start": np.array(before.start, dtype=np.int64),
            "scale": np.array(before.scale),
            "offset": np.array(before.offset),
            **own,
        }

    def answers(self, source: Source, stop: int) -> Pairs:
        """Answer up to `stop`; frames beyond it are read as far as its stretch reaches."""
        if self._stored:
            self._repeat(source)
        while self._done < stop:
            index = self._index_of(self._done)
            if self._now is None or self._now.start != self._start_of(index):
                self._before = self._now
                self._now = self._stretch(index, source)
            end = stop if index == self._last else min(stop, self._start_of(index + 1))
            for frame in [held for held in self._held if self._done <= held.frame < end]:
                yield frame, self._joined(frame.frame)
            self._done = end

    def _before_of(self, frame: int) -> _Stretch | None:
        """Return the stretch before the one a frame is answered by, if there is one."""
        start = self._start_of(self._index_of(frame))
        if self._now is not None and self._now.start != start:
            return self._now
        return self._before

    def _index_of(self, frame: int) -> int:
        return min((frame - self._shot.frames.start) // self._step, self._last)

    def _start_of(self, index: int) -> int:
        return self._shot.frames.start + index * self._step

    def _repeat(self, source: Source) -> None:
        """Make the stored stretch again."""
        stored, self._stored = self._stored, {}
        own: PassState = {
            name.removeprefix(MODEL): value
            for name, value in stored.items()
            if name.startswith(MODEL)
        }
        start = int(stored["start"])
        raw, after = self._raw(start, source, own or None)
        scale, offset = float(stored["scale"]), float(stored["offset"])
        answers = {frame: _moved(answer, scale, offset) for frame, answer in raw.items()}
        self._now = _Stretch(start, answers, scale, offset, own or None, after)

    def _stretch(self, index: int, source: Source) -> _Stretch:
        before = self._before
        state = before.state_out if before else None
        start = self._start_of(index)
        raw, after = self._raw(start, source, state)
        scale, offset = 1.0, 0.0
        if before is not None and self._feeding.join == "align":
            shared = sorted(set(raw) & set(before.answers))
            pairs = [(raw[frame], before.answers[frame]) for frame in shared]
            # Where nothing can be fitted, what held for the stretch before is the best guess.
            scale, offset = _fitted(self._model, pairs) or (before.scale, before.offset)
        answers = {frame: _moved(answer, scale, offset) for frame, answer in raw.items()}
        return _Stretch(start, answers, scale, offset, state, after)

    def _raw(
        self, start: int, source: Source, state: PassState | None
    ) -> tuple[dict[int, Answer], PassState | None]:
        for _ in source.until(start):
            # Frames before the stretch: where a run goes on without anything stored.
            pass
        self._held = [frame for frame in self._held if frame.frame >= start]
        self._held += source.until(start + self._feeding.length)
        if not self._held:
            return {}, state
        try:
            found, after = asked(self._model, self._held, state)
        except MemoryError as error:
            raise BackendFailedError(
                f"{type(self._model).__name__}, frame {self._held[0].frame}: memory does not "
                f"suffice for {len(self._held)} frames at once, and its answers depend on how many "
                f"there are; choose a smaller model, working size or window"
            ) from error
        answers = dict(zip((frame.frame for frame in self._held), found, strict=True))
        return answers, after or None

    def _joined(self, frame: int) -> Answer:
        now, before = self._now, self._before
        if now is None:
            raise BackendFailedError(f"frame {frame} was asked for before its stretch")
        fade = min(self._feeding.overlap, self._step)
        into = frame - now.start
        if before is None or into >= fade or frame not in before.answers:
            return now.answers[frame]
        return _mixed(before.answers[frame], now.answers[frame], (into + 1) / (fade + 1))


def _moved(answer: Answer, scale: float, offset: float) -> Answer:
    if "depth" not in answer or (scale, offset) == (1.0, 0.0):
        return answer
    moved = answer["depth"] * np.float32(scale) + np.float32(offset)
    return {**answer, "depth": moved}


def _mixed(first: Answer, second: Answer, share: float) -> Answer:
    """Fade from the first to the second; where one knows nothing the other counts."""
    out = {}
    for name, new in second.items():
        old = first.get(name)
        if old is None or old.shape != new.shape or new.dtype.kind != "f":
            out[name] = new if share > 0.5 or old is None else old  # noqa: PLR2004
            continue
        mixed = (1 - np.float32(share)) * old + np.float32(share) * new
        mixed = np.where(np.isnan(old), new, np.where(np.isnan(new), old, mixed))
        if name == "normals":
            length = np.linalg.norm(mixed, axis=-1, keepdims=True)
            mixed = np.where(length > 0, mixed / np.maximum(length, np.float32(1e-12)), 0)
        out[name] = mixed.astype(new.dtype)
    return out


def _fitted(
    model: PassModel, pairs: Sequence[tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]]
) -> tuple[float, float] | None:
    """Scale and offset that bring new depths to known ones; None where they cannot be told."""
    flat = [(raw["depth"].ravel(), known["depth"].ravel()) for raw, known in pairs]
    if not flat:
        return None
    raw, known = (np.concatenate(side).astype(np.float64) for side in zip(*flat, strict=True))
    both = np.flatnonzero(np.isfinite(raw) & np.isfinite(known))
    both = both[:: max(1, len(both) // SAMPLES)]
    offset_too = getattr(model, "depth_space", "metric") in WITH_OFFSET
    return robust_line(raw[both], known[both], offset_too=offset_too)


def robust_line(
    raw: np.ndarray, known: np.ndarray, *, offset_too: bool
) -> tuple[float, float] | None:
    """Fit ``known = scale * raw + offset`` with Tukey's weights, scale above 0.

    Starts from medians, which half of the pixels may contradict (Tukey's biweight, Huber:
    Robust Statistics, 1981).

    Parameters
    ----------
    raw, known : (N,) float
        Finite numbers.
    offset_too : bool
        Whether there may be an offset; 0 otherwise.

    Returns
    -------
    (scale, offset) or None
        None if there are too few numbers, or they are all alike.
    """
    if len(raw) < 2:  # noqa: PLR2004
        return None
    start = _start(raw, known, offset_too=offset_too)
    if start is None:
        return None
    scale, offset = start
    for _ in range(ROUNDS):
        residual = known - scale * raw - offset
        sigma = MAD * float(np.median(np.abs(residual))) + 1e-9 * float(np.abs(known).max())
        weight = np.clip(1 - (residual / (TUKEY * max(sigma, 1e-30))) ** 2, 0, None) ** 2
        total = weight.sum()
        middle_raw = float(weight @ raw / total) if offset_too else 0.0
        middle_known = float(weight @ known / total) if offset_too else 0.0
        across = raw - middle_raw
        spread = float(weight @ across**2)
        if spread <= 0:
            break
        scale = float(weight @ (across * (known - middle_known))) / spread
        offset = middle_known - scale * middle_raw
    if not (np.isfinite(scale) and np.isfinite(offset)) or scale <= 0:
        return None
    return scale, offset


def _start(raw: np.ndarray, known: np.ndarray, *, offset_too: bool) -> tuple[float, float] | None:
    if not offset_too:
        usable = np.abs(raw) > 0
        if not usable.any():
            return None
        return float(np.median(known[usable] / raw[usable])), 0.0
    middle_raw, middle_known = float(np.median(raw)), float(np.median(known))
    # Slopes between pixels far apart in raw depth: the median of many is Theil and Sen's line.
    order = np.argsort(raw, kind="stable")
    half = len(order) // 2
    low, high = order[:half], order[-half:]
    run = raw[high] - raw[low]
    far = run > 0
    if not far.any():
        return None
    scale = float(np.median((known[high] - known[low])[far] / run[far]))
    if scale <= 0:
        return None
    return scale, middle_known - scale * middle_raw
