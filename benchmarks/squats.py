"""The squats of TensorFlow.js against their reference landmarks; exits non-zero below the bar.

The bar: median over all frames and points within 10 px and 3 cm.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.captures import shared_data
from benchmarks.followed_people import followed_people
from benchmarks.people_scores import people_of_result, score_landmarks


def main() -> int:
    """Run back end and joining, or read a finished result, and print the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--result", type=Path, help="score this finished clip folder instead")
    arguments = parser.parse_args()
    folder = shared_data() / "video" / "tfjs_squats"
    if arguments.result:
        people = people_of_result(arguments.result)
    else:
        people, _ = followed_people(folder / "pose_squats.mp4")
    if len(people) != 1:
        print(f"BELOW THE BAR: {len(people)} persons, 1 asked")
        return 1
    score = score_landmarks(
        people[0], folder / "pose_squats.full.json", folder / "pose_squats_3d.full.json"
    )
    print(f"{score.frames} of {score.frames_asked} frames")
    print(f"pixels       median {score.median_px:.1f}, 90% within {score.p90_px:.1f}")
    print(f"centimetres  median {score.median_cm:.1f}, 90% within {score.p90_cm:.1f}")
    for failure in score.failures:
        print(f"BELOW THE BAR: {failure}")
    return 1 if score.failures else 0


if __name__ == "__main__":
    sys.exit(main())
