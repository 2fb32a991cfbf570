"""Scores of people found against what is known of two clips; all functions take sequences."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from choreoscope.datatypes.people import PersonSequence
from choreoscope.formats.sequence import read_sequence

HIPS = [23, 24]
DEMO_TRUTH = Path(__file__).resolve().parent / "truth" / "sports2d_demo.json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PositionScore:
    """How a result agrees with hand-checked hip positions.

    Attributes
    ----------
    found : dict of str to (int, int)
        For each true person, sampled frames found and sampled frames in all.
    names : dict of str to tuple of str
        For each true person, the ids that were given to him or her in the sampled frames.
    wrong : tuple of (str, int)
        Id and frame of every position that belongs to nobody.
    persons : dict of str to (int, int, int)
        First frame, last frame and rows of every person.
    """

    found: Mapping[str, tuple[int, int]]
    names: Mapping[str, tuple[str, ...]]
    wrong: tuple[tuple[str, int], ...]
    persons: Mapping[str, tuple[int, int, int]]

    @property
    def failures(self) -> list[str]:
        """What the first issue's bar asks and this result does not give; empty when all is met."""
        bars = {"man": 22, "woman": 16}
        failed = [
            f"{who} found in {self.found[who][0]} of {self.found[who][1]} frames, {bar} asked"
            for who, bar in bars.items()
            if self.found[who][0] < bar
        ]
        failed += [
            f"{who} has ids {', '.join(names)}"
            for who, names in self.names.items()
            if len(names) > 1
        ]
        if self.wrong:
            failed.append(f"wrong positions: {', '.join(f'{n} at {f}' for n, f in self.wrong)}")
        if len(self.persons) != len(bars):
            failed.append(f"{len(self.persons)} persons, {len(bars)} asked")
        return failed


def score_positions(people: Sequence[PersonSequence], truth_file: Path) -> PositionScore:
    """Compare the middles of the hips with a file of `benchmarks/truth`."""
    truth = json.loads(truth_file.read_text(encoding="utf-8"))
    limit = float(truth["tolerance_px"])
    places = _places(people)
    found: dict[str, tuple[int, int]] = {}
    names: dict[str, tuple[str, ...]] = {}
    for who, wanted in truth["people"].items():
        hits = {
            int(frame): [
                name
                for name, place in places.get(int(frame), {}).items()
                if math.dist(place, true) <= limit
            ]
            for frame, true in wanted.items()
        }
        found[who] = (sum(bool(near) for near in hits.values()), len(wanted))
        names[who] = tuple(sorted({name for near in hits.values() for name in near}))
    sampled = {int(frame) for wanted in truth["people"].values() for frame in wanted}
    wrong = [
        (name, frame)
        for frame in sorted(sampled)
        for name, place in places.get(frame, {}).items()
        if not _belongs(truth, frame, place)
    ]
    return PositionScore(
        found=found,
        names=names,
        wrong=tuple(wrong),
        persons={
            person.person: (int(person.frames[0]), int(person.frames[-1]), len(person.frames))
            for person in people
        },
    )


def _places(people: Sequence[PersonSequence]) -> dict[int, dict[str, tuple[float, float]]]:
    places: dict[int, dict[str, tuple[float, float]]] = {}
    for person in people:
        hips = person.points_px[:, HIPS].mean(axis=1)
        for frame, (x, y) in zip(person.frames.tolist(), hips.tolist(), strict=True):
            places.setdefault(frame, {})[person.person] = (x, y)
    return places


def _belongs(truth: Mapping[str, object], frame: int, place: tuple[float, float]) -> bool:
    key = str(frame)
    people, leaving = truth["people"], truth["leaving"]
    known = [(wanted[key], truth["tolerance_px"]) for wanted in people.values() if key in wanted]
    if key in leaving["places"]:
        known.append((leaving["places"][key], leaving["tolerance_px"]))
    return any(math.dist(place, true) <= limit for true, limit in known)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LandmarkScore:
    """Distance to reference landmarks over all frames and points: median and 90th percentile."""

    frames: int
    frames_asked: int
    median_px: float
    p90_px: float
    median_cm: float
    p90_cm: float

    @property
    def failures(self) -> list[str]:
        """What the first issue's bar asks and this result does not give; empty when all is met."""
        failed = []
        if self.frames < self.frames_asked:
            failed.append(f"seen in {self.frames} of {self.frames_asked} frames")
        if self.median_px > 10.0:
            failed.append(f"median {self.median_px:.1f} px, 10 asked")
        if self.median_cm > 3.0:
            failed.append(f"median {self.median_cm:.1f} cm, 3 asked")
        return failed


def score_landmarks(person: PersonSequence, pixels_file: Path, metres_file: Path) -> LandmarkScore:
    """Compare with the reference landmarks of TensorFlow.js: pixels, and metres about the hips."""
    pixels = np.array(json.loads(pixels_file.read_text(encoding="utf-8")))[..., :2]
    metres = np.array(json.loads(metres_file.read_text(encoding="utf-8")))[..., :3]
    rows = person.frames < len(pixels)
    frames = person.frames[rows]
    off_px = np.linalg.norm(person.points_px[rows] - pixels[frames], axis=-1)
    off_m = np.linalg.norm(person.points_m[rows] - metres[frames], axis=-1)
    return LandmarkScore(
        frames=len(frames),
        frames_asked=len(pixels),
        median_px=float(np.median(off_px)),
        p90_px=float(np.quantile(off_px, 0.9)),
        median_cm=float(np.median(off_m) * 100),
        p90_cm=float(np.quantile(off_m, 0.9) * 100),
    )


def people_of_result(folder: Path) -> list[PersonSequence]:
    """Read everybody of a clip folder that ``choreoscope capture`` wrote."""
    files = sorted(folder.glob("people/*/landmarks.npz"))
    return [read_sequence(path).sequence for path in files]
