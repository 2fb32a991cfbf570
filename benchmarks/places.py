"""A real film of four shots captured in this process, in worker processes and on Ray."""

import sys
import tempfile
from pathlib import Path

from benchmarks import captures
from benchmarks.night import hashes
from benchmarks.night_films import even, pictures, write

SHOTS = (
    ("phalp_run/vid.mp4", 60),
    ("tfjs_squats/pose_squats.mp4", 60),
    ("sports2d/demo.mp4", 60),
    ("tfjs_squats/pose_1.mp4", 60),
)
LEAST_SPEED_UP = {"pool": 1.2, "ray": 0.8}
"""Against one process with one thread. Ray starts for ten seconds before it does anything."""


def main() -> int:
    """Measure, print, and return 0 when bytes are the same and the limits hold."""
    import cv2

    data = captures.shared_data() / "video"
    frames = []
    for name, count in SHOTS:
        frames += [cv2.resize(picture, (640, 640)) for picture in pictures(data / name, count)]
    bad: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "four shots.mp4"
        write(film, frames, even(len(frames)))
        taken, found = {}, {}
        for place, processes in (("inline", 1), ("pool", 2), ("ray", 2)):
            options = ["--run.executor", place, "--run.processes", str(processes)]
            run = captures.capture(
                film, Path(folder) / place, *options, "--run.workers", str(processes)
            )
            taken[place], found[place] = run.wall, hashes(Path(folder) / place)
            print(
                f"{place}: {run.frames} frames, {run.wall:.1f} s, {run.cpu:.1f} s of processor, "
                f"exit {run.code}, {taken['inline'] / run.wall:.2f} times inline"
            )
    if not found["inline"] == found["pool"] == found["ray"] != {}:
        bad.append("equal bytes")
    bad += [
        place for place, least in LEAST_SPEED_UP.items() if taken["inline"] / taken[place] < least
    ]
    print(f"limits that do not hold: {', '.join(bad) or 'none'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
