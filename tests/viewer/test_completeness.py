"""Frames strips: every missing frame shows, and only those."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from viewer_builders import MakeData, MakeMotion, entry_of, manifest

from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.viewer.completeness import (
    FILLED_IN,
    NO_MOTION,
    NO_RESULT,
    NOT_MADE,
    NOT_SEEN,
    Row,
    person_row,
    rows_of,
    stage_row,
    verdict_of,
)

CLIP = FrameRange(10, 50)


def covered(row: Row) -> list[int]:
    return [frame for run in row.runs for frame in run.frames]


def test_a_finished_stage_lacks_nothing() -> None:
    row = stage_row("s", manifest("s", CLIP), CLIP)
    assert not row.frames_that_are("missing")
    assert covered(row) == list(CLIP)


def test_a_stage_without_record_lacks_everything() -> None:
    row = stage_row("s", None, CLIP)
    assert row.frames_that_are("missing") == FrameSet.of([CLIP])
    assert row.runs[0].reason == NO_RESULT


def test_failed_frames_carry_their_reason() -> None:
    record = manifest(
        "s",
        CLIP,
        done=FrameSet.of([FrameRange(10, 20), FrameRange(23, 45)]),
        failed={"20:21": "does not decode", "3:5": "outside the clip"},
    )
    row = stage_row("s", record, CLIP)
    missing = [(str(run.frames), run.reason) for run in row.runs if run.state == "missing"]
    assert missing == [("20:21", "does not decode"), ("21:23", NOT_MADE), ("45:50", NOT_MADE)]


@given(done=st.sets(st.integers(0, 60)))
def test_missing_is_what_is_wanted_and_not_done(done: set[int]) -> None:
    record = manifest("s", CLIP, done=FrameSet.of(done))
    row = stage_row("s", record, CLIP)
    assert row.frames_that_are("missing") == FrameSet.of([CLIP]) - FrameSet.of(done)
    assert covered(row) == list(CLIP)


def test_a_person_between_entrance_and_exit(make_motion: MakeMotion) -> None:
    motion = make_motion(20, first=15, unseen=(5, 6))
    row = person_row(entry_of("p", motion), CLIP)
    assert [(str(run.frames), run.state) for run in row.runs] == [
        ("10:15", "absent"),
        ("15:20", "done"),
        ("20:22", "bridged"),
        ("22:35", "done"),
        ("35:50", "absent"),
    ]
    assert row.runs[2].reason == FILLED_IN


def test_a_person_who_was_seen_but_does_not_move(make_motion: MakeMotion) -> None:
    motion = make_motion(5, first=20)
    row = person_row(entry_of("p", motion, np.array([18, 19, 20, 21, 22, 23, 24, 30])), CLIP)
    missing = [(str(run.frames), run.reason) for run in row.runs if run.state == "missing"]
    assert missing == [("18:20", NO_MOTION), ("25:30", NOT_SEEN), ("30:31", NO_MOTION)]


def test_a_person_without_motion_is_missing_throughout() -> None:
    row = person_row(entry_of("p", None, np.array([12, 14])), CLIP)
    assert row.frames_that_are("missing") == FrameSet.of([FrameRange(12, 15)])


def test_a_person_never_seen_in_the_clip() -> None:
    row = person_row(entry_of("p", None, np.array([70, 71])), CLIP)
    assert [run.state for run in row.runs] == ["absent"]


def test_verdict_counts_frames_once(make_data: MakeData, make_motion: MakeMotion) -> None:
    whole = make_data()
    verdict = verdict_of(whole, rows_of(whole))
    assert (verdict.people, verdict.complete, verdict.total) == (2, 40, 40)
    holes = make_data(
        people=(entry_of("p", make_motion(40, unseen=(7,))),),
        manifests={
            "observe": manifest("observe", FrameRange(0, 40), done=FrameSet.of([FrameRange(0, 38)]))
        },
        stages=("observe",),
    )
    verdict = verdict_of(holes, rows_of(holes))
    assert (verdict.complete, str(verdict.missing), str(verdict.bridged)) == (38, "38:40", "7:8")


def test_stages_that_never_ran_are_rows_too(make_data: MakeData) -> None:
    data = make_data(stages=("observe", "motion", "overlay"))
    rows = {row.label: row for row in rows_of(data)}
    assert len(rows["overlay"].frames_that_are("missing")) == 40
    assert not rows["observe"].frames_that_are("missing")
