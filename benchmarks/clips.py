"""Every real clip runs to the end with a report; one line each."""

import argparse
import sys
from pathlib import Path

from benchmarks import captures

CLIPS = {
    "demo": "sports2d/demo.mp4",
    "squats": "tfjs_squats/pose_squats.mp4",
    "bedroom": "sam2/bedroom.mp4",
    "juggle": "sam2/05_default_juggle.mp4",
    "phalp_run": "phalp_run/vid.mp4",
    "pose2sim_1": "pose2sim_single/cam01.mp4",
    "pose2sim_2": "pose2sim_single/cam02.mp4",
    "vtest": "opencv_vtest/vtest.avi",
}


def main() -> int:
    """Run all clips into a folder and return 0 when each left a report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo/clips"))
    parser.add_argument("names", nargs="*", default=list(CLIPS))
    arguments = parser.parse_args()
    bad = 0
    for name in arguments.names:
        film = captures.shared_data() / "video" / CLIPS[name]
        run = captures.capture(film, arguments.out / name)
        reports = len(list(run.out.glob("clip-*/report.html")))
        print(
            f"{name:11s} exit {run.code}  {run.frames} frames  {run.people} people  "
            f"{run.wall:6.1f} s  {run.frames / run.wall:5.1f} frames/s  "
            f"peak {run.peak_mb:.0f} MB  {reports} report(s)  {run.errors}",
            flush=True,
        )
        bad += run.code != 0 or reports == 0
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
