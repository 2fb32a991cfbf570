"""Lift at 1080p: frames per second against plain numpy in the same run, files, flat memory."""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.capture.cloud.delivered import camera_standing
from choreoscope.capture.cloud.lifting import LiftFiles, LiftOptions, lift
from choreoscope.capture.cloud.points import DepthLaw, Picked, Sampling, lifted_points
from choreoscope.capture.cloud.sources import SourceFrame
from choreoscope.datatypes.frames import FrameRange
from choreoscope.geometry.projection import lens_from_fov
from choreoscope.geometry.unprojection import rays_of_lens

WIDTH, HEIGHT = 1920, 1080
ROUNDS = 12
SHORT, LONG = 24, 96
LEAST_FACTOR = 1.5
MOST_GROWTH = 1.1
LENS = lens_from_fov(50.0, WIDTH, HEIGHT)
X, Y = np.moveaxis(rays_of_lens(LENS), 2, 0)


def main() -> int:
    """Measure, print, and return 0 when the limits hold."""
    bad = [f"{step} px" for step in (1, 2) if not _against_numpy(step)]
    bad += [] if _memory() else ["memory"]
    print(f"limits that do not hold: {', '.join(bad) or 'none'}")
    return 1 if bad else 0


def frame_of(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth of a wavy wall, a colour picture and a matte of two thirds of it."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    depth = 4 + np.sin(columns / 90 + number / 5) + np.cos(rows / 70)
    colour = np.stack([columns % 256, rows % 256, np.full_like(rows, 90)], axis=-1).astype(np.uint8)
    alpha = (np.abs(columns - WIDTH / 2) < WIDTH / 3).astype(np.float32)
    return depth.astype(np.float32), colour, alpha


def plain(depth: np.ndarray, colour: np.ndarray, alpha: np.ndarray, step: int) -> np.ndarray:
    """Do the same as a script does: whole arrays, one operation after the other, rays given."""
    grid = (slice(step // 2, None, step),) * 2
    x, y, z = X[grid], Y[grid], depth[grid]
    kept = np.isfinite(z) & (z > 0) & (alpha[grid] >= 0.5)
    points = np.stack([x * z, y * z, z], axis=-1)[kept].astype(np.float32)
    colours = colour[grid][kept]
    widths = (points[:, 2] * step / LENS.fx).astype(np.float32)
    assert len(colours) == len(widths)
    return points


def _against_numpy(step: int) -> bool:
    depth, colour, alpha = frame_of(0)
    picked = Picked(depth=depth, rays=rays_of_lens(LENS), colour=colour, alpha=alpha)
    times = {}
    ours = lifted_points(picked, DepthLaw(), Sampling(step=step), LENS.fx)["Cloud"].points
    theirs = plain(depth, colour, alpha, step)
    assert np.abs(ours - theirs).max() < 1e-5
    for threads in (1, 0):
        sampling = Sampling(step=step, threads=threads)
        times[threads] = _fastest(lambda s=sampling: lifted_points(picked, DepthLaw(), s, LENS.fx))
    times[-1] = _fastest(lambda: plain(depth, colour, alpha, step))
    factor = times[-1] / times[1]
    print(
        f"1080p, every {step} px, {len(ours):,} points: {1 / times[1]:.0f} frames/s on one core, "
        f"{1 / times[0]:.0f} on all, numpy {1 / times[-1]:.0f}; {factor:.1f} times as fast "
        f"on one core (limit {LEAST_FACTOR})"
    )
    return factor >= LEAST_FACTOR


def _fastest(work: Callable[[], object]) -> float:
    """Median of several rounds, seconds."""
    spent = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return float(np.median(spent))


class _Made:
    """Frames made on the spot, so that only lifting and writing are measured."""

    name, persons, notes = "made", (), ()
    rate = Fraction(25)

    def __init__(self, count: int) -> None:
        self.frames = FrameRange(0, count)
        self.camera = camera_standing(LENS.intrinsics, (WIDTH, HEIGHT), count, "given")
        self._kept = frame_of(0)

    def read(self, frames: FrameRange) -> Iterator[SourceFrame]:
        """Hand out a frame that changes a little."""
        depth, colour, alpha = self._kept
        for frame in frames:
            # usd-core stores equal arrays once; those of a film differ.
            moved = depth + np.float32(0.01 * frame)
            yield SourceFrame(frame=frame, depth=moved, colour=np.roll(colour, frame), alpha=alpha)


def _memory() -> bool:
    """Peak of a long take against that of a short one; the long one comes second."""
    peaks = []
    for count in (SHORT, LONG):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cloud.usdc"
            made = lift(_Made(count), LiftFiles(points=path), LiftOptions())
            size = path.stat().st_size / 1e6
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
        print(
            f"{count} frames to USD: {count / made.seconds:.1f} frames/s written and re-read, "
            f"{size:.0f} MB, peak {peaks[-1]:.0f} MB"
        )
    growth = peaks[1] / peaks[0]
    print(f"peak of the long take over the short one: {growth:.3f} (limit {MOST_GROWTH})")
    return growth <= MOST_GROWTH


if __name__ == "__main__":
    sys.exit(main())
