"""Cost of a whole capture: over its model calls, and with two workers against one.

Limits: processor time at most 1.3 times the sum of the model calls; two workers at least
1.6 times faster than one on two cores.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import captures

MOST_CPU_OVER_MODELS = 1.3
LEAST_SPEED_UP = 1.6


def main() -> int:
    """Measure, print, and return 0 when both limits hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = captures.shared_data() / "video" / "sports2d" / "demo.mp4"
    parser.add_argument("--film", type=Path, default=default)
    film = parser.parse_args().film
    with tempfile.TemporaryDirectory() as folder:
        one = captures.capture(film, Path(folder) / "one", "--workers", "1")
        two = captures.capture(film, Path(folder) / "two", "--workers", "2")
    for name, run in (("1 worker", one), ("2 workers", two)):
        print(
            f"{film.name}, {name}: {run.frames} frames, {run.people} people, "
            f"{run.wall:.1f} s, {run.frames / run.wall:.1f} frames/s, {run.cpu:.1f} cpu-s, "
            f"{run.model_cpu:.1f} cpu-s in models, peak {run.peak_mb:.0f} MB, exit {run.code}"
        )
    over = two.cpu / two.model_cpu
    faster = one.wall / two.wall
    print(f"processor time over model calls: {over:.2f} (limit {MOST_CPU_OVER_MODELS})")
    print(f"two workers against one: {faster:.2f} times faster (limit {LEAST_SPEED_UP})")
    good = over <= MOST_CPU_OVER_MODELS and faster >= LEAST_SPEED_UP
    return 0 if good and one.code == two.code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
