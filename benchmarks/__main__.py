"""Run every benchmark in a process of its own and sum up which limits hold."""

import subprocess
import sys

ALL = (
    "start",
    "demo_people",
    "squats",
    "cost",
    "memory",
    "clips",
    "joints",
    "engine",
    "places",
    "delivery",
    "night",
    "camera",
    "fit",
    "shot_suite",
    "solve_cost",
    "shots_real",
    "passes_suite",
    "mattes",
    "small_networks",
    "depth_alignment",
    "depth_shots",
    "depth_real",
    "pass_writing",
    "lift",
)


def main() -> int:
    """Return the number of benchmarks whose limits do not hold."""
    bad = []
    for name in ALL:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            bad.append(name)
    print(f"limits that do not hold: {', '.join(bad) or 'none'}")
    return len(bad)


if __name__ == "__main__":
    sys.exit(main())
