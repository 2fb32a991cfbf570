"""Every term of the solve switched off in turn, and for each a control."""

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np

from benchmarks import shot_suite_controls as controls
from benchmarks.shot_suite_cases import SHOTS, Case, case
from benchmarks.shot_suite_controls import Change
from benchmarks.shot_suite_methods import solve, without
from benchmarks.shot_suite_pool import quiet_pool
from benchmarks.shot_suite_scores import COLUMNS, Score, pooled, score
from benchmarks.shot_suite_tables import number
from choreoscope.datatypes.errors import ChoreoscopeError
from choreoscope.motion.solve.options import SolveOptions, Terms

MOST_SHOTS = 3
"""Shots per term: the first that suit it."""
MOST_CHANGE = 0.02
"""Relative change of a control's column that still counts as nothing."""
TITLE = "# Every term of the solve, switched off"
INTRODUCTION = """\
Made by `python -m benchmarks.shot_suite --ablation`. Up to {shots} shots of the suite for each
term. Left: what gets worse without it. Right: a control in which it must do nothing (at most
{change:.0%} of change) or hurt."""
HEAD = (
    "| term | shots | measure | with | without | helps | control | with | without | must | holds |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)


def anybody(case: Case) -> bool:
    """Any shot with somebody in it."""
    return bool(case.truth)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One term on trial.

    Attributes
    ----------
    term : str
        Switch of the solve.
    column : str
        What must get worse without it.
    situation : callable
        Evidence in which the term has work to do.
    suits : callable
        Whether a shot is of use.
    control : callable
        Evidence in which it must do nothing, or hurt.
    told : str
        The control in words.
    verdict : {"nothing", "hurts"}
        What must happen there.
    """

    term: str
    column: str
    situation: Change = controls.as_it_is
    suits: Callable[[Case], bool] = anybody
    control: Change = controls.exact
    told: str = "evidence without noise"
    verdict: Literal["nothing", "hurts"] = "nothing"


def several(shot: Case) -> bool:
    """Whether there is more than one person."""
    return len(shot.truth) > 1


def travelling(shot: Case) -> bool:
    """Whether the camera's path has a size that is not known."""
    centres = np.linalg.inv(shot.camera.camera_from_world)[:, :3, 3]
    return not shot.evidence.camera.metric and float(np.ptp(centres, axis=0).max()) > 0.3


def jumping(shot: Case) -> bool:
    """Whether somebody's soles are all 8 cm above the floor at some time."""
    return any(person.soles()[..., 1].min(axis=1).max() > 0.08 for person in shot.truth.values())


TRIALS = (
    Trial(
        term="pixels",
        column="root",
        control=controls.without_pixels,
        told="no pixel in the evidence",
    ),
    Trial(
        term="places",
        column="w",
        control=controls.without_places,
        told="no 3D point in the evidence",
    ),
    Trial(term="prior", column="w", situation=controls.arms_hidden),
    Trial(term="limits", column="w", situation=controls.arms_hidden),
    Trial(term="smoothness", column="jitter"),
    Trial(
        term="adaptive",
        column="accents",
        control=controls.slowed_down,
        told="everybody moves four times slower",
    ),
    Trial(
        term="contacts",
        column="slide",
        control=controls.feet_never_down,
        told="feet said never to touch",
    ),
    Trial(
        term="floor",
        column="above",
        control=controls.feet_never_down,
        told="feet said never to touch",
    ),
    Trial(term="above_floor", column="below"),
    Trial(
        term="flight",
        column="root",
        suits=jumping,
        control=controls.slowed_down,
        told="slow motion sold as real time",
        verdict="hurts",
    ),
    Trial(
        term="heights",
        column="scale",
        situation=controls.heights_told,
        control=controls.heights_too_large,
        told="heights told 15 % too large",
        verdict="hurts",
    ),
    Trial(
        term="order",
        column="pairs",
        suits=several,
        situation=controls.ordered,
        control=controls.order_reversed,
        told="order told the wrong way round",
        verdict="hurts",
    ),
    Trial(
        term="apart",
        column="pairs",
        suits=several,
        control=controls.free_to_touch,
        told="all may touch",
    ),
    Trial(term="robust", column="w", situation=controls.with_outliers),
    Trial(
        term="camera_scale",
        column="scale",
        suits=travelling,
        control=controls.metric_camera,
        told="size of the path told",
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Column of a trial with and without its term, in its situation and in its control."""

    trial: Trial
    shots: int
    on: float
    off: float
    control_on: float
    control_off: float

    @property
    def helps(self) -> bool:
        """Whether things get worse without the term."""
        return self.worse(self.off, self.on)

    @property
    def controlled(self) -> bool:
        """Whether the control shows what it must."""
        if self.trial.verdict == "hurts":
            return self.worse(self.control_on, self.control_off)
        size = max(abs(self.control_off), 1e-6)
        return abs(self.control_on - self.control_off) <= MOST_CHANGE * size

    def worse(self, one: float, other: float) -> bool:
        """Whether `one` is worse than `other` in the trial's column."""
        return one < other if self.trial.column == "accents" else one > other


def judged(term: str) -> Verdict:
    """Run one trial."""
    trial = next(one for one in TRIALS if one.term == term)
    found: list[tuple[Score, Score, Score, Score]] = []
    for index in range(SHOTS):
        shot = case(index)
        if not trial.suits(shot):
            continue
        found.append(
            (
                *_with_and_without(trial, trial.situation(shot)),
                *_with_and_without(trial, trial.control(shot)),
            )
        )
        if len(found) == MOST_SHOTS:
            break
    columns = [pooled(list(column)) for column in zip(*found, strict=True)] or [np.nan] * 4
    return Verdict(trial, len(found), *columns)


def _with_and_without(trial: Trial, shot: Case) -> tuple[Score, Score]:
    """Scores with the term and without it; a shot that cannot be solved counts for neither."""
    try:
        on = score(shot, *solve(shot, SolveOptions()))[trial.column]
        off = score(shot, *solve(shot, without(trial.term)))[trial.column]
    except ChoreoscopeError as error:
        print(f"{trial.term}, {shot.name}: {error}", flush=True)
        return (float("nan"), 0.0), (float("nan"), 0.0)
    return on, off


def ablation_markdown(workers: int) -> list[str]:
    """Lines of the page of terms."""
    missing = {field.name for field in dataclasses.fields(Terms)} - {one.term for one in TRIALS}
    lines = [TITLE, "", INTRODUCTION.format(shots=MOST_SHOTS, change=MOST_CHANGE), "", *HEAD]
    with quiet_pool(workers) as pool:
        for verdict in pool.map(judged, [trial.term for trial in TRIALS]):
            lines.append(_line(verdict))
            print(lines[-1], flush=True)
    if missing:
        lines += ["", f"Not on trial: {', '.join(sorted(missing))}."]
    return lines


def _line(verdict: Verdict) -> str:
    trial = verdict.trial
    cells = (
        trial.term,
        str(verdict.shots),
        COLUMNS[trial.column],
        number(verdict.on),
        number(verdict.off),
        "yes" if verdict.helps else "**no**",
        trial.told,
        number(verdict.control_on),
        number(verdict.control_off),
        "do nothing" if trial.verdict == "nothing" else "hurt",
        "yes" if verdict.controlled else "**no**",
    )
    return "| " + " | ".join(cells) + " |"
