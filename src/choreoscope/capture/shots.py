"""Where shots begin and whether the camera moves, from one pass over small pictures.

Cuts are proposed by PySceneDetect's adaptive content detector and then checked: when the
structure of the picture is the same shortly before and shortly after, it was a flash, a lens flare
or the sun coming out, not a cut. The check compares blocks by normalised correlation, which
changes of light leave as it is. Dissolves and cuts to the same view of the same camera are not
found.
"""

import dataclasses
from collections import deque
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from pydantic import Field

from choreoscope.capture.background import BackgroundMotion, same_place
from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.shots import Movement, Shot, ShotsResult
from choreoscope.pipeline.stage import Options

SMALL_SIDE = 256
"""Longer side in pixels of the pictures `ShotFinder` is meant to be fed with (160 to 320 work)."""


class ShotOptions(Options):
    """How shots are found."""

    cut_ratio: float = Field(
        default=2.5, gt=1.0, description="How many times more a cut changes than its neighbours do."
    )
    cut_change: float = Field(
        default=8.0, gt=0.0, description="Least mean change of hue, saturation, value (0-255)."
    )
    shortest_shot_s: float = Field(
        default=0.4, ge=0.0, description="A shorter change of the whole picture is a flash (s)."
    )
    same_blocks: float = Field(
        default=0.3, gt=0.0, le=1.0, description="Share of textured blocks that must stay the same."
    )
    still_speed: float = Field(
        default=0.01, gt=0.0, description="Fastest still background, picture widths per second."
    )


class CutCorrections(Options):
    """Cuts put right by hand: first frames of shots, inside the frames looked at."""

    add: tuple[int, ...] = ()
    remove: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Picture:
    frame: int
    seconds: float
    small: np.ndarray


class ShotFinder:
    """Fed with small pictures one by one; keeps about a second of them.

    Parameters
    ----------
    width : int
        Width in pixels of the full picture.
    time_base : Fraction
        Unit of the time stamps in seconds.
    options : ShotOptions
        Thresholds.
    """

    def __init__(self, width: int, time_base: Fraction, options: ShotOptions) -> None:
        from scenedetect.detectors import AdaptiveDetector

        self._width = width
        self._time_base = time_base
        self._options = options
        self._detector = AdaptiveDetector(
            adaptive_threshold=options.cut_ratio,
            min_content_val=options.cut_change,
            min_scene_len=0,
        )
        self._motion = BackgroundMotion()
        self._recent: deque[_Picture] = deque()
        self._candidates: deque[int] = deque()
        self._cuts: list[int] = []
        self._frames: list[int] = []
        self._pts: list[int] = []

    def add(self, frame: int, pts: int, small: np.ndarray) -> None:
        """Take the next decoded frame.

        Parameters
        ----------
        frame : int
            Source frame; rises.
        pts : int
            Its time stamp.
        small : (h, w, 3) uint8
            RGB, the whole picture reduced to about `SMALL_SIDE`.

        Raises
        ------
        ShapeError
            If frames do not rise or the size of the picture changes.
        """
        from scenedetect.common import FrameTimecode

        if self._frames and frame <= self._frames[-1]:
            raise ShapeError(f"ShotFinder: frame {frame} came after frame {self._frames[-1]}")
        if self._recent and small.shape != self._recent[-1].small.shape:
            raise ShapeError(f"ShotFinder: picture of {small.shape} came after another size")
        seconds = float(pts * self._time_base)
        # The detector only counts frames (its own shortest-shot rule is off), so any rate will do.
        count = FrameTimecode(len(self._frames), 25.0)
        self._frames.append(frame)
        self._pts.append(pts)
        self._recent.append(_Picture(frame, seconds, small))
        self._motion.add(frame, seconds, small)
        bgr = np.ascontiguousarray(small[..., ::-1])
        for found in self._detector.process_frame(count, bgr):
            self._candidates.append(self._frames[found.frame_num])
        self._judge_candidates(at_end=False)

    def finish(self, wanted: FrameRange, corrections: CutCorrections | None = None) -> ShotsResult:
        """Say what was found.

        Parameters
        ----------
        wanted : FrameRange
            Frames the index of the film promises; those that did not come are undecodable.
        corrections : CutCorrections or None
            Cuts put right by hand.

        Raises
        ------
        InputError
            If a cut is to be removed that was not found.
        """
        self._judge_candidates(at_end=True)
        decoded = FrameSet.of(self._frames)
        cuts = _corrected(self._cuts, corrections or CutCorrections())
        starts = [wanted.start, *cuts] if self._frames else []
        stops = [*starts[1:], wanted.stop]
        return ShotsResult(
            decoded=decoded,
            undecodable=FrameSet.of([wanted]) - decoded,
            pts=np.array(self._pts, dtype=np.int64),
            time_base=self._time_base,
            shots=tuple(
                self._shot(FrameRange(start, stop))
                for start, stop in zip(starts, stops, strict=False)
            ),
        )

    def _judge_candidates(self, *, at_end: bool) -> None:
        """Decide on candidates of which enough later pictures are known, and forget old ones."""
        span = self._options.shortest_shot_s
        newest = self._recent[-1].seconds if self._recent else 0.0
        while self._candidates:
            frame = self._candidates[0]
            before = [picture for picture in self._recent if picture.frame < frame]
            after = [picture for picture in self._recent if picture.frame >= frame]
            if newest - after[0].seconds < span and not at_end:
                break
            self._candidates.popleft()
            if not self._same_structure(before, after):
                self._cuts.append(frame)
        oldest = newest - 2.0 * span
        if self._candidates:
            first = next(p.seconds for p in self._recent if p.frame >= self._candidates[0])
            oldest = min(oldest, first - span)
        # The detector reports a cut a few frames late: keep a handful whatever their time.
        while len(self._recent) > _FEWEST_KEPT and self._recent[0].seconds < oldest:
            self._recent.popleft()

    def _same_structure(self, before: list[_Picture], after: list[_Picture]) -> bool:
        span = self._options.shortest_shot_s
        cut = after[0].seconds
        earlier = _spread(
            [picture for picture in before if cut - picture.seconds <= span] or before[-1:]
        )
        later = _spread([picture for picture in after if picture.seconds - cut <= span])
        return any(
            same_place(first.small, second.small) >= self._options.same_blocks
            for first in earlier
            for second in later
        )

    def _shot(self, frames: FrameRange) -> Shot:
        speeds = self._motion.speeds(frames)
        if len(speeds) == 0:
            return Shot(frames=frames, movement="unknown", speed_px_s=None)
        speed = float(np.quantile(speeds, 0.9))
        movement: Movement = "moving" if speed > self._options.still_speed else "still"
        return Shot(frames=frames, movement=movement, speed_px_s=round(speed * self._width, 2))


_FEWEST_KEPT = 8


def _corrected(found: Sequence[int], corrections: CutCorrections) -> list[int]:
    strange = sorted(set(corrections.remove) - set(found))
    if strange:
        known = ", ".join(str(cut) for cut in found) or "none"
        raise InputError(
            f"corrections: there is no cut at frame {strange[0]} to remove; cuts found: {known}"
        )
    return sorted((set(found) - set(corrections.remove)) | set(corrections.add))


def _spread(pictures: list[_Picture]) -> list[_Picture]:
    """First, middle and last."""
    chosen = {0, len(pictures) // 2, len(pictures) - 1}
    return [pictures[index] for index in sorted(chosen)]
