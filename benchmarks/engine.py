"""What the engine itself costs, and what worker processes and Ray are worth on two cores."""

import concurrent.futures
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.engine_stages import WINDOW, digest_of, light_recipe, passes_recipe, work_recipe
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import ExecutorName, RunSettings
from choreoscope.datatypes.video import Clip, Colour, Video
from choreoscope.pipeline.executors.choose import executor_for
from choreoscope.pipeline.executors.interface import Executor
from choreoscope.pipeline.plan import plan
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.run import run

FRAMES = 100_000
MOST_MS_PER_FRAME_STAGE = 1.0
MOST_SECONDS_TO_PLAN = 2.0
MOST_SECONDS_TO_RESUME = 2.0
PASS_FRAMES = 4_000
WORK_FRAMES = 64 * 48
TWO = 2
MOST_OVER_PLAIN = {"pool": 1.15, "ray": 1.3}
"""Times the time of the standard library's process pool, which knows no manifests."""


def clip_of(frames: int) -> Clip:
    """Describe a film that is nowhere."""
    colour = Colour(matrix="bt709", primaries="bt709", transfer="bt709", full_range=False, bits=8)
    video = Video(
        path="nowhere.mp4",
        kind="film",
        width=64,
        height=48,
        rate=Fraction(25),
        pts=np.arange(frames) * 40,
        time_base=Fraction(1, 1000),
        rotation=0,
        codec="h264",
        colour=colour,
        audio=None,
        declared_frames=frames,
        digest="nowhere",
    )
    return Clip(id="clip-001", video=video, frames=FrameRange(0, frames))


def seconds_of(what: Callable[[], object]) -> float:
    """Time a call."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def overhead(folder: Path) -> list[str]:
    """Measure the engine on stages that do next to nothing; return what does not hold."""
    clip, recipe = clip_of(FRAMES), light_recipe()
    planning = seconds_of(lambda: plan(recipe, clip, folder))
    making = seconds_of(lambda: run(plan(recipe, clip, folder), RunSettings()))
    per_frame = making / FRAMES / len(recipe.stages) * 1000
    again = seconds_of(lambda: run(plan(recipe, clip, folder), RunSettings()))
    deep = seconds_of(lambda: plan(recipe, clip, folder, deep=True))
    print(f"{FRAMES} frames, {len(recipe.stages)} stages")
    print(f"first plan: {planning:.3f} s (limit {MOST_SECONDS_TO_PLAN:g} s)")
    print(
        f"engine per frame and stage: {per_frame:.3f} ms (limit {MOST_MS_PER_FRAME_STAGE:g} ms); "
        f"all of it: {making:.0f} s"
    )
    print(f"the finished shot again: {again:.3f} s (limit {MOST_SECONDS_TO_RESUME:g} s)")
    print(f"the same with every file hashed: {deep:.2f} s")
    limits = {
        "plan": planning <= MOST_SECONDS_TO_PLAN,
        "per frame and stage": per_frame <= MOST_MS_PER_FRAME_STAGE,
        "resume": again <= MOST_SECONDS_TO_RESUME,
    }
    return [name for name, holds in limits.items() if not holds]


def files_per_frame(folder: Path) -> list[str]:
    """Measure a stage with five files for each frame; return what does not hold."""
    clip, recipe = clip_of(PASS_FRAMES), passes_recipe()
    making = seconds_of(lambda: run(plan(recipe, clip, folder), RunSettings()))
    per_file = making / PASS_FRAMES / 5 * 1000
    again = seconds_of(lambda: run(plan(recipe, clip, folder), RunSettings()))
    print(
        f"{PASS_FRAMES} frames with 5 files each: {per_file:.2f} ms per file "
        f"(limit {MOST_MS_PER_FRAME_STAGE:g} ms), the finished stage again: {again:.2f} s"
    )
    return [] if per_file <= MOST_MS_PER_FRAME_STAGE else ["files per frame"]


def once(
    recipe: Recipe, clip: Clip, folder: Path, executor: Executor, settings: RunSettings
) -> float:
    """Time a whole run from nothing."""
    return seconds_of(lambda: run(plan(recipe, clip, folder), settings, executor=executor))


def places(folder: Path) -> list[str]:
    """Compare the three places where stages run with a plain pool of the standard library."""
    recipe = work_recipe()
    plain = plain_pool()
    print(f"concurrent.futures, no engine: {plain:.2f} s on {TWO} workers")
    taken: dict[str, float] = {}
    bytes_of: dict[str, list[bytes]] = {}
    for name in ("inline", "pool", "ray"):
        settings = RunSettings(workers=TWO, processes=TWO, executor=_name(name))
        began = time.perf_counter()
        with executor_for(settings) as executor:
            once(recipe, clip_of(128), folder / f"{name}-warm", executor, settings)
            start = time.perf_counter() - began
            taken[name] = once(recipe, clip_of(WORK_FRAMES), folder / name, executor, settings)
        windows = sorted((folder / name / "work" / "bench_work").glob("*.txt"))
        bytes_of[name] = [path.read_bytes() for path in windows]
        print(
            f"{name}: {taken[name]:.2f} s for {WORK_FRAMES} frames, "
            f"{taken['inline'] / taken[name]:.2f} times as fast as inline, "
            f"{taken[name] / plain:.2f} times as long as the plain pool "
            f"(start and first windows {start:.1f} s)"
        )
    bad = [
        f"cost of {name}" for name, most in MOST_OVER_PLAIN.items() if taken[name] > most * plain
    ]
    if not bytes_of["inline"] == bytes_of["pool"] == bytes_of["ray"] != []:
        bad.append("equal bytes")
    return bad


def plain_pool() -> float:
    """Time the same work on the standard library's processes, already started."""
    windows = FrameRange(0, WORK_FRAMES).windows(WINDOW)
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(TWO, mp_context=spawn) as pool:
        list(pool.map(digest_of, FrameRange(0, 128).windows(WINDOW)))
        return seconds_of(lambda: list(pool.map(digest_of, windows)))


def _name(text: str) -> ExecutorName:
    if text not in ("inline", "pool", "ray"):
        raise ValueError(text)
    return text


def main() -> int:
    """Measure, print, and return 0 when the limits hold."""
    # One thread for each multiplication, so that two workers are compared with one core.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        bad = overhead(Path(folder) / "light")
        bad += files_per_frame(Path(folder) / "passes") + places(Path(folder))
    print(f"limits that do not hold: {', '.join(bad) or 'none'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
