"""Motion vectors from the film's pixels: OpenCV's DIS, forwards and backwards.

T. Kroeger, R. Timofte, D. Dai, L. Van Gool, "Fast optical flow using dense inverse search",
ECCV 2016. Where the two directions contradict each other, something is hidden in one of the two
pictures, and the flow there is taken from the pixels round it (the test is that of N. Sundaram,
T. Brox, K. Keutzer, "Dense point trajectories by GPU-accelerated large displacement optical
flow", ECCV 2010).
"""

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np

from choreoscope.capture.passes.interfaces import (
    Answer,
    Feeding,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier

QUALITIES = ("ultrafast", "fast", "medium")
UNSURE = ("fill", "keep", "unknown")
_SHARE, _FLOOR = 0.01, 0.5
"""Sundaram et al. 2010, equation 5: square pixels the two directions may contradict each other."""
_OUTSIDE = 1e4
_REACH, _ROUNDS = 8, 8
_KNOWN = 1e-3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DisOptions:
    """How flow is sought.

    Attributes
    ----------
    quality : {"medium", "fast", "ultrafast"}
        Preset of OpenCV; each is some four times slower than the next.
    unsure : {"fill", "keep", "unknown"}
        What is written where forward and backward flow contradict each other: the flow of the
        pixels round it, what was found, or NaN.
    """

    quality: Literal["ultrafast", "fast", "medium"] = "medium"
    unsure: Literal["fill", "keep", "unknown"] = "fill"

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES or self.unsure not in UNSURE:
            raise InputError(
                f"dis: quality is {', '.join(QUALITIES)} and unsure {', '.join(UNSURE)}; "
                f"got '{self.quality}' and '{self.unsure}'"
            )


class Dis:
    """Flow between neighbouring pictures; 0 where there is no neighbour. See `PassModel`.

    Parameters
    ----------
    options : DisOptions
        How it is sought.
    threads : int
        Pictures worked on at the same time; the result does not depend on it.
    """

    feeding: Feeding = Frames()
    origin = "dis"

    def __init__(self, options: DisOptions, threads: int = 1) -> None:
        self._options, self._threads = options, threads
        self._pair: tuple[int, np.ndarray, np.ndarray] | None = None
        self._seconds = 0.0

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time of this process spent so far, all threads added."""
        return self._seconds

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next."""
        del shot
        self._pair = None

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        del state
        begun = time.process_time()
        with _one_thread_in_opencv():
            pairs = self._pairs(frames)
        answers: list[Answer] = []
        for frame in frames:
            still = np.zeros((*frame.picture.shape[:2], 2), dtype=np.float32)
            after, before = pairs.get(frame.frame), pairs.get(frame.frame - 1)
            answers.append(
                {
                    "flow": still if after is None else after[0],
                    "flow_back": still if before is None else before[1],
                }
            )
        last = max(pairs, default=None)
        self._pair = None if last is None else (last, *pairs[last])
        self._seconds += time.process_time() - begun
        return answers, {}

    def _pairs(self, frames: Sequence[PassFrame]) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Flow from and to the next picture, by the earlier frame of each two."""
        pictures: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for frame in frames:
            if frame.previous is not None:
                pictures[frame.frame - 1] = (frame.previous, frame.picture)
            if frame.following is not None:
                pictures[frame.frame] = (frame.picture, frame.following)
        found = {}
        if self._pair is not None and self._pair[0] in pictures:
            # The last two of the frames before these are the first two here.
            found[self._pair[0]] = self._pair[1:]
        todo = [frame for frame in pictures if frame not in found]
        with ThreadPoolExecutor(self._threads) as pool:
            results = pool.map(lambda frame: self._between(*pictures[frame]), todo)
            found.update(zip(todo, results, strict=True))
        return found

    def _between(self, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import cv2

        grey = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in (first, second)]
        seeker = cv2.DISOpticalFlow.create(QUALITIES.index(self._options.quality))
        # OpenCV starts from the flow it is handed and writes into it.
        there, back = (
            np.asarray(seeker.calc(one, other, np.zeros((*one.shape, 2), dtype=np.float32)))
            for one, other in (grey, grey[::-1])
        )
        if self._options.unsure == "keep":
            return there, back
        sure = consistent(there, back), consistent(back, there)
        if self._options.unsure == "unknown":
            return np.where(sure[0][..., None], there, np.nan), np.where(
                sure[1][..., None], back, np.nan
            )
        return filled(there, sure[0]), filled(back, sure[1])


def consistent(there: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Find pixels that come back to themselves by the other direction's flow.

    Parameters
    ----------
    there, back : (H, W, 2) float32
        Flow from one picture to the other, and from the other to the one.

    Returns
    -------
    (H, W) bool
        False where the way leads out of the picture.
    """
    import cv2

    height, width = there.shape[:2]
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    met = cv2.remap(
        back,
        columns + there[..., 0],
        rows + there[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(_OUTSIDE, _OUTSIDE),
    )
    apart = np.einsum("ijk,ijk->ij", there + met, there + met)
    size = np.einsum("ijk,ijk->ij", there, there) + np.einsum("ijk,ijk->ij", met, met)
    # Plane by plane: numpy's maximum over an axis of two takes half of all the time here.
    inside = (np.abs(met[..., 0]) < _OUTSIDE / 2) & (np.abs(met[..., 1]) < _OUTSIDE / 2)
    return np.asarray(inside & (apart <= _SHARE * size + _FLOOR))


def filled(flow: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Replace what is not sure by the mean of what is, round it, farther and farther out.

    Parameters
    ----------
    flow : (H, W, 2) float32
        Pixels.
    sure : (H, W) bool
        Where it is kept.

    Returns
    -------
    (H, W, 2) float32
        Unchanged where nothing is sure within reach.
    """
    import cv2

    left, out, reach = np.flatnonzero(~sure), flow.copy(), _REACH
    pixels = out.reshape(-1, 2)
    weight = sure.astype(np.float32)
    held = flow * weight[..., None]
    for _ in range(_ROUNDS):
        if not left.size:
            break
        window = (2 * reach + 1, 2 * reach + 1)
        share, total = (
            cv2.blur(one, window, borderType=cv2.BORDER_REFLECT) for one in (weight, held)
        )
        known = share.ravel()[left] > _KNOWN
        now, left = left[known], left[~known]
        pixels[now] = total.reshape(-1, 2)[now] / share.ravel()[now, None]
        reach *= 2
    return out


@contextlib.contextmanager
def _one_thread_in_opencv() -> Iterator[None]:
    """DIS cuts the picture into as many stripes as there are threads, which shows."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def load(weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]) -> Dis:
    """Make the model; it has no weights."""
    del weights
    return Dis(DisOptions(**options), threads=max(1, settings.workers // settings.processes))


SPEC = BackendSpec(
    task="flow",
    name="dis",
    version=1,
    load=load,
    modules=("cv2",),
    extra="",
    weights=(),
    licence=Licence(name="Apache-2.0", tier=Tier.COMMERCIAL, notice="OpenCV's DIS optical flow"),
    memory_mb=600,
    options=DisOptions,
)
