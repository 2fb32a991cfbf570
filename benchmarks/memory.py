"""Memory stays flat: peak of a 139 s film against a 10 s piece of it (limit 1.15)."""

import sys
import tempfile
from pathlib import Path

from benchmarks import captures

MOST_GROWTH = 1.15


def main() -> int:
    """Measure, print, and return 0 when the limit holds."""
    film = captures.shared_data() / "video/intel_one_by_one/one-by-one-person-detection.mp4"
    with tempfile.TemporaryDirectory() as folder:
        short = captures.capture(film, Path(folder) / "short", "--time", "20-30")
        whole = captures.capture(film, Path(folder) / "whole")
    for name, run in (("10 s piece", short), ("whole film", whole)):
        print(
            f"{name}: {run.frames} frames, {run.people} people, {run.wall:.0f} s, "
            f"peak {run.peak_mb:.0f} MB, exit {run.code}"
        )
    growth = whole.peak_mb / short.peak_mb
    print(f"peak of the whole film over the piece: {growth:.3f} (limit {MOST_GROWTH})")
    return 0 if growth <= MOST_GROWTH and short.people and whole.people else 1


if __name__ == "__main__":
    sys.exit(main())
