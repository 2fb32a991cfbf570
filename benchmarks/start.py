"""Start-up: ``choreoscope --help`` in a process of its own (limit 0.35 s, best of seven)."""

import subprocess
import sys
import time

LIMIT = 0.35


def main() -> int:
    """Measure, print, and return 0 when the limit holds."""
    spent = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "choreoscope", "--help"], check=True, stdout=subprocess.DEVNULL
        )
        spent.append(time.perf_counter() - began)
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    bare = time.perf_counter() - bare
    print(f"choreoscope --help: {min(spent):.2f} s (limit {LIMIT}; bare Python {bare:.2f} s)")
    return 0 if min(spent) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
