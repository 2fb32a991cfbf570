"""The Sports2D demo clip against positions checked by eye; exits non-zero below the bar.

The bar: man in 22 of 23 sampled frames, woman in 16 of 16, no wrong position, one id each for the
whole clip, no third person.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.captures import shared_data
from benchmarks.followed_people import followed_people
from benchmarks.people_scores import DEMO_TRUTH, people_of_result, score_positions


def main() -> int:
    """Run back end and joining, or read a finished result, and print the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--film", type=Path, help="the clip; found in the shared data by default")
    parser.add_argument("--result", type=Path, help="score this finished clip folder instead")
    arguments = parser.parse_args()
    if arguments.result:
        people = people_of_result(arguments.result)
    else:
        film = arguments.film or shared_data() / "video" / "sports2d" / "demo.mp4"
        people, joined = followed_people(film)
        for decision in joined.decisions:
            print(f"  {decision.kind:9s} {decision.tracklets} {decision.reason}")
    score = score_positions(people, DEMO_TRUTH)
    for who, (hits, asked) in score.found.items():
        print(f"{who:6s} found in {hits} of {asked} frames, as {', '.join(score.names[who])}")
    for name, (first, last, rows) in score.persons.items():
        print(f"{name:6s} frames {first} to {last}, {rows} rows")
    print(f"wrong positions: {len(score.wrong)}")
    for failure in score.failures:
        print(f"BELOW THE BAR: {failure}")
    return 1 if score.failures else 0


if __name__ == "__main__":
    sys.exit(main())
