"""What the shot solve costs: seconds per 1000 person-frames, and memory as a clip gets longer.

Each length is solved in a process of its own. Limits: 30 s per 1000 person-frames, and no more than
1.25 times the memory for a clip four times as long (its evidence alone grows).
"""

import argparse
import json
import resource
import subprocess
import sys
import time

SHORT, LONG = 15.0, 60.0
_LIMIT_SECONDS, _LIMIT_GROWTH = 30.0, 1.25


def solve(seconds: float) -> dict[str, float]:
    """Solve one made-up dancer and measure this process."""
    import numpy as np

    from choreoscope.motion.solve.options import SolveOptions
    from choreoscope.motion.solve.shot import solve_shot
    from choreoscope.synthetic.evidence import NoiseSpec
    from choreoscope.synthetic.shot import ShotSpec, make_shot
    from choreoscope.synthetic.shot_evidence import shot_evidence

    def evidence(length: float) -> object:
        shot = make_shot(ShotSpec(name="cost", seed=5, seconds=length, camera="handheld"))
        noise = NoiseSpec(points="blazepose33")
        return shot_evidence(shot, noise, np.random.default_rng(5), heights=True)

    # Compiled code is loaded, or made on a fresh machine, before the clock runs.
    solve_shot(evidence(1.0), SolveOptions(iterations=(2,)))
    told = evidence(seconds)
    began = time.perf_counter()
    solution = solve_shot(told)
    wall = time.perf_counter() - began
    return {
        "frames": solution.report.person_frames,
        "seconds_per_1000": 1000 * wall / solution.report.person_frames,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "steps": solution.report.steps,
    }


def main() -> int:
    """Measure both lengths and hold them against the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solve", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.solve:
        print(json.dumps(solve(arguments.solve)))
        return 0
    found = []
    for seconds in (SHORT, LONG):
        command = [sys.executable, "-m", "benchmarks.solve_cost", "--solve", str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        one = json.loads(done.stdout.splitlines()[-1])
        found.append(one)
        print(
            f"{one['frames']:.0f} person-frames: {one['seconds_per_1000']:.1f} s per 1000, "
            f"{one['peak_mb']:.0f} MB at most, {one['steps']:.0f} steps"
        )
    growth = found[1]["peak_mb"] / found[0]["peak_mb"]
    slowest = max(one["seconds_per_1000"] for one in found)
    met = slowest <= _LIMIT_SECONDS, growth <= _LIMIT_GROWTH
    words = {True: "met", False: "NOT met"}
    print(
        f"time  {slowest:.1f} s per 1000 person-frames, at most {_LIMIT_SECONDS}: {words[met[0]]}"
    )
    print(f"memory {growth:.2f} times for 4 x the frames, at most {_LIMIT_GROWTH}: {words[met[1]]}")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
