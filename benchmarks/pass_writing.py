"""Writing 1080p passes: the pool against OpenEXR's own single call, on one core and on two.

Every file is new and re-read before it counts, so the single call is one write and one read. All is
measured in turns within one run, and the fastest round of each counts, because a busy machine only
ever adds time. Limits: per core (processor seconds of all processes) at least 0.9 of the single
call's speed; two workers by the clock at least 0.85 of two processes that do nothing but call
OpenEXR side by side, which is what the machine has to give just then; memory of 4 x the frames at
most 1.1 times.
"""

import argparse
import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

SIZE = (1080, 1920)
ROUNDS, FILES = 4, 10
SHORT, LONG = 16, 64
_LEAST_SPEED, _LEAST_SCALING, _MOST_GROWTH = 0.9, 0.85, 1.1
COMPRESSIONS = ("zips", "zip", "piz", "pxr24", "dwaa", "none")
MEGABYTE = 1e6


def layers(seed: int = 0) -> dict[str, np.ndarray]:
    """Make a frame as a delivery lays it out: noisy depth, normals, a foreground, a matte."""
    rng = np.random.default_rng(seed)
    height, width = SIZE
    columns, rows = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    inside = np.clip(40 * (0.5 - np.hypot(columns, rows * 0.7)), 0, 1).astype(np.float32)
    depth = (4 + columns + rng.normal(0, 0.002, SIZE)) * (inside > 0)
    planes = {"depth.Z": depth.astype(np.float32), "mask_P01.A": inside.astype(np.float16)}
    for at, axis in enumerate("XYZ"):
        bent = np.sin(3 * columns + at) * np.cos(2 * rows) + rng.normal(0, 0.01, SIZE)
        planes[f"N.{axis}"] = (bent * inside).astype(np.float16)
    for at, name in enumerate("RGB"):
        lit = 0.4 + 0.3 * np.sin(20 * columns + at) + rng.normal(0, 0.02, SIZE)
        planes[name] = (lit * inside).astype(np.float16)
    return planes | {"A": inside.astype(np.float16)}


@dataclasses.dataclass(frozen=True)
class Cost:
    """Seconds per file: by the clock, and of all processors together."""

    wall: float
    cpu: float


def spent() -> tuple[float, float]:
    """Clock and processor seconds of this process and of those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(one.ru_utime + one.ru_stime for one in used)


def single_call(planes: Mapping[str, np.ndarray]) -> Cost:
    """Cost of OpenEXR alone in one thread: one write, one read."""
    import OpenEXR

    OpenEXR.set_global_thread_count(0)
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = spent()
        for at in range(FILES):
            path = str(Path(folder) / f"{at}.exr")
            header = {"compression": OpenEXR.ZIPS_COMPRESSION, "type": OpenEXR.scanlineimage}
            with OpenEXR.File(header, dict(planes)) as file:
                file.write(path)
            with OpenEXR.File(path, separate_channels=True) as file:
                assert len(file.channels()) == len(planes)
        after = spent()
    return Cost(wall=(after[0] - wall) / FILES, cpu=(after[1] - cpu) / FILES)


def side_by_side() -> Cost:
    """Cost of two processes that call OpenEXR at the same time."""
    command = [sys.executable, "-m", "benchmarks.pass_writing", "--single"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found = [json.loads(one.communicate()[0].splitlines()[-1]) for one in both]
    wall = 1 / sum(1 / one["wall"] for one in found)
    return Cost(wall=wall, cpu=sum(one["cpu"] for one in found) / 2)


def pooled(planes: Mapping[str, np.ndarray], workers: int) -> Cost:
    """Cost of the pool, without that of starting its processes."""
    few, many = (_pool_run(planes, workers, count) for count in (2 * workers, 2 * workers + FILES))
    return Cost(wall=many.wall, cpu=(many.cpu - few.cpu) / FILES)


def _pool_run(planes: Mapping[str, np.ndarray], workers: int, count: int) -> Cost:
    """Seconds per file by the clock after the first, and processor seconds of the whole run."""
    from choreoscope.formats.pass_writer import PassWriter

    told: list[float] = []
    _, before = spent()
    with (
        tempfile.TemporaryDirectory() as folder,
        PassWriter(workers, written=lambda _: told.append(time.perf_counter())) as writer,
    ):
        for at in range(count):
            writer.exr(Path(folder) / f"{at}.exr", planes)
    warm = 2 * workers
    wall = (told[-1] - told[warm - 1]) / max(1, count - warm)
    return Cost(wall=wall, cpu=spent()[1] - before)


def peak(count: int) -> dict[str, float]:
    """Write so many different frames, and say how much memory this and its workers took."""
    from choreoscope.formats.pass_writer import PassWriter

    planes = layers()
    with tempfile.TemporaryDirectory() as folder, PassWriter(2) as writer:
        for at in range(count):
            fresh = {name: plane + plane.dtype.type(at % 2) for name, plane in planes.items()}
            writer.exr(Path(folder) / f"{at}.exr", fresh)
    return {
        name: resource.getrusage(who).ru_maxrss / 1024
        for name, who in (("self", resource.RUSAGE_SELF), ("worker", resource.RUSAGE_CHILDREN))
    }


def sizes(folder: Path, planes: Mapping[str, np.ndarray]) -> None:
    """Print what each compression costs and saves."""
    from choreoscope.formats.exr import write_exr

    print(f"{len(planes)} channels, 1920 x 1080; MB and seconds per file, one thread:")
    for compression in COMPRESSIONS:
        began = time.perf_counter()
        write_exr(folder / "size.exr", planes, compression=compression)  # type: ignore[arg-type]
        took = time.perf_counter() - began
        size = (folder / "size.exr").stat().st_size / MEGABYTE
        print(f"  {compression:6} {size:6.1f} MB {took:6.2f} s")


def fastest(work: Mapping[str, Callable[[], Cost]]) -> dict[str, Cost]:
    """Best cost of each, measured in turns."""
    rounds = [{name: one() for name, one in work.items()} for _ in range(ROUNDS)]
    return {
        name: Cost(
            wall=min(found[name].wall for found in rounds),
            cpu=min(found[name].cpu for found in rounds),
        )
        for name in work
    }


def main() -> int:
    """Measure, print, and return 0 when the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--single", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        print(json.dumps(peak(arguments.peak)))
        return 0
    if arguments.single:
        print(json.dumps(dataclasses.asdict(single_call(layers()))))
        return 0
    planes = layers()
    with tempfile.TemporaryDirectory() as folder:
        sizes(Path(folder), planes)
    found = fastest(
        {
            "single call": lambda: single_call(planes),
            "one worker": lambda: pooled(planes, 1),
            "two calls side by side": side_by_side,
            "two workers": lambda: pooled(planes, 2),
        }
    )
    for what, cost in found.items():
        print(f"{what}: {cost.wall:.3f} s per file by the clock, {cost.cpu:.3f} s of processors")
    speed = found["single call"].cpu / found["one worker"].cpu
    scaling = found["two calls side by side"].wall / found["two workers"].wall
    against_one = found["one worker"].wall / found["two workers"].wall
    print(f"two workers are {against_one:.2f} times as fast as one by the clock")
    grown = [peaks_of(count) for count in (SHORT, LONG)]
    growth = max(grown[1][who] / grown[0][who] for who in grown[0])
    for count, one in zip((SHORT, LONG), grown, strict=True):
        print(f"{count} frames: {one['self']:.0f} MB here, {one['worker']:.0f} MB in a worker")
    limits = {
        f"speed per core {speed:.2f} of OpenEXR's single call, at least {_LEAST_SPEED}": (
            speed >= _LEAST_SPEED
        ),
        f"two workers {scaling:.2f} of two calls side by side, at least {_LEAST_SCALING}": (
            scaling >= _LEAST_SCALING
        ),
        f"memory {growth:.2f} times for 4 x the frames, at most {_MOST_GROWTH}": (
            growth <= _MOST_GROWTH
        ),
    }
    for text, met in limits.items():
        print(f"{text}: {'met' if met else 'NOT met'}")
    return 0 if all(limits.values()) else 1


def peaks_of(count: int) -> dict[str, float]:
    """Peaks of a process of its own."""
    command = [sys.executable, "-m", "benchmarks.pass_writing", "--peak", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
