"""The guard between a people back end and the engine: nonsense is named, and stays alone."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from choreoscope.capture.guard import STARTS_PER_WINDOW, Answers, PeopleGuard
from choreoscope.capture.observation_check import fault_of_person
from choreoscope.datatypes.errors import (
    BackendFailedError,
    BackendUnavailableError,
    InputError,
    ShapeError,
)
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.people import Mask, PeopleInFrame, PeopleState, PersonObservation
from choreoscope.formats.observations import read_observations, write_observations
from people_cases import person

WIDTH, HEIGHT = 40, 30
WINDOW = 10
FRAMES = FrameRange(0, 40)
NAME = "people back end Scripted"
Script = Callable[[int, list[PeopleInFrame]], Iterable[Any]]


def sound_person(tracklet: int = 0) -> PersonObservation:
    box = np.array([5.0, 5.0, 20.0, 25.0])
    mask = Mask(height=HEIGHT, width=WIDTH, counts=np.array([100, 50, HEIGHT * WIDTH - 150]))
    return dataclasses.replace(
        person(3, face=True),
        tracklet=tracklet,
        box_xyxy=box,
        mask=mask,
        hands_px=np.zeros((2, 21, 2)),
        hands_m=np.zeros((2, 21, 3)),
    )


def answer(frame: int, *people: PersonObservation) -> PeopleInFrame:
    return PeopleInFrame(frame=frame, people=people, state={"frame": np.array(frame)})


class Scripted:
    """Answers each frame soundly; a script may make something else of some answers."""

    point_set = "blazepose33"
    model_cpu_seconds = 0.0

    def __init__(self, script: dict[int, Script] | None = None, ahead: int = 0) -> None:
        self.script = script or {}
        self.ahead = ahead
        self.started: list[tuple[int | None, int | None]] = []

    def follow(
        self, frames: Iterable[tuple[int, np.ndarray]], state: PeopleState | None
    ) -> Iterator[Any]:
        source = (number for number, _ in frames)
        ready = list(itertools.islice(source, self.ahead + 1))
        after = None if state is None else int(state["frame"])
        self.started.append((after, ready[0] if ready else None))
        while ready:
            frame = ready.pop(0)
            right = [answer(frame, sound_person(0), sound_person(1))]
            yield from self.script.get(frame, lambda _, right: right)(frame, right)
            ready += itertools.islice(source, 1)


def film(frames: FrameRange, broken: set[int] | None = None) -> Iterator[tuple[int, np.ndarray]]:
    for frame in frames:
        if frame not in (broken or set()):
            yield frame, np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)


def guarded(
    model: Any, *, start: int = 0, state: PeopleState | None = None, broken: set[int] | None = None
) -> tuple[list[Answers], str]:
    """Ask for all windows from `start` on."""
    rest = FrameRange(start, FRAMES.stop)
    size = (WIDTH, HEIGHT)
    guard = PeopleGuard(model, lambda frames: film(frames, broken), rest, state, size)
    windows = [guard.window(window, lambda _: None) for window in rest.windows(WINDOW)]
    return windows, guard.finish()


def failures(windows: list[Answers]) -> dict[str, str]:
    return {str(frames): why for window in windows for frames, why in window.failures}


def seen(windows: list[Answers]) -> list[int]:
    return [entry.frame for window in windows for entry in window.seen]


def raises(error: Exception, times: int = 10**6) -> Script:
    left = [times]

    def script(_: int, right: list[PeopleInFrame]) -> Iterable[PeopleInFrame]:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return right

    return script


@pytest.mark.parametrize("ahead", [0, 3])
def test_a_sound_back_end_is_passed_on_untouched(ahead: int) -> None:
    windows, extra = guarded(Scripted(ahead=ahead))
    assert (seen(windows), failures(windows), extra) == (list(FRAMES), {}, "")
    assert all(len(entry.people) == 2 for window in windows for entry in window.seen)
    assert [window.seen[-1].state["frame"] for window in windows] == [9, 19, 29, 39]


BAD_PEOPLE: dict[str, tuple[dict[str, Any], str]] = {
    "nan": ({"points_px": np.full((33, 2), np.nan)}, "points_px: expected finite numbers where"),
    "inf": ({"points_m": np.full((33, 3), np.inf)}, "points_m: expected finite numbers where"),
    "other points": (
        {
            "points_px": np.zeros((17, 2)),
            "points_m": np.zeros((17, 3)),
            "visibility": np.zeros(17),
        },
        r"points_px: expected shape (33, 2), got (17, 2)",
    ),
    "certainty": ({"visibility": np.full(33, 1.2)}, "visibility: expected 0 to 1, got 1.2"),
    "uncertainty": ({"score": float("nan")}, "score: expected 0 to 1, got nan"),
    "hand score": ({"hands_score": np.array([0, -1.0])}, "hands_score: expected 0 to 1, got -1.0"),
    "box": ({"box_xyxy": np.array([9.0, 1, 2, 3])}, "box_xyxy: expected left <= right and top"),
    "no box": ({"box_xyxy": np.array([np.nan, 1, 2, 3])}, "box_xyxy: expected 4 finite pixels"),
    "half a hand": (
        {"hands_px": np.concatenate([np.full((1, 21, 2), np.nan), np.zeros((1, 21, 2))])},
        "the left hand finite or all NaN",
    ),
    "a certain hand that is not there": (
        {
            "hands_px": np.full((2, 21, 2), np.nan),
            "hands_m": np.full((2, 21, 3), np.nan),
            "hands_score": np.array([0.0, 0.9]),
        },
        "expected at most 0.5 for a right hand without points, got 0.9",
    ),
    "face": ({"face_px": np.full((468, 2), np.nan)}, "face_px: expected finite pixels or no face"),
    "clothes": ({"appearance": np.full(6, np.nan)}, "appearance: expected finite shares"),
    "mask": (
        {"mask": Mask(height=WIDTH, width=HEIGHT, counts=np.array([WIDTH * HEIGHT]))},
        f"mask: expected {WIDTH}x{HEIGHT} pixels, got {HEIGHT}x{WIDTH}",
    ),
    "runs": (
        {"mask": Mask(height=HEIGHT, width=WIDTH, counts=np.array([WIDTH * HEIGHT + 5, -5]))},
        "mask: expected runs of 0 pixels or more, got -5",
    ),
}


@pytest.mark.parametrize("name", BAD_PEOPLE)
def test_nonsense_about_one_person_is_named_and_the_other_stays(name: str) -> None:
    values, line = BAD_PEOPLE[name]
    bad = dataclasses.replace(sound_person(7), **values)
    model = Scripted({12: lambda frame, _: [answer(frame, bad, sound_person(1))]})
    windows, _ = guarded(model)
    (why,) = failures(windows).values()
    assert list(failures(windows)) == ["12:13"]
    assert why.startswith(f"{NAME}, person 7: ")
    assert line in why
    assert seen(windows) == list(FRAMES)
    assert [one.tracklet for one in windows[1].seen[2].people] == [1]
    assert model.started == [(None, 0)], "the back end need not be started anew"


def test_what_is_not_seen_may_be_nan() -> None:
    hidden = np.ones(33)
    hidden[5] = 0
    points = np.zeros((33, 2))
    points[5] = np.nan
    one = dataclasses.replace(
        sound_person(),
        visibility=hidden,
        points_px=points,
        hands_px=np.full((2, 21, 2), np.nan),
        hands_m=np.full((2, 21, 3), np.nan),
        hands_score=np.array([0.3, 0.0]),
    )
    assert fault_of_person(one, 33, WIDTH, HEIGHT) == ""


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (lambda frame, _: [answer(frame, sound_person(1), sound_person(1))], "one person per"),
        (
            lambda frame, _: [
                answer(frame, dataclasses.replace(sound_person(), appearance=np.ones(9) / 9))
            ],
            "appearance: expected 6 shares as before, got 9",
        ),
        (lambda frame, _: [answer(frame, "somebody")], "expected a PersonObservation, got str"),
    ],
)
def test_people_who_do_not_go_together_are_left_out(script: Script, line: str) -> None:
    windows, _ = guarded(Scripted({3: script}))
    assert line in failures(windows)["3:4"]
    assert len(seen(windows)) >= 39


@pytest.mark.parametrize(
    "error", [ShapeError("PersonObservation.x: expected"), ValueError("no"), InputError("odd")]
)
def test_a_frame_at_which_it_raises_is_tried_twice_and_left_out(error: Exception) -> None:
    model = Scripted({12: raises(error), 30: raises(error)})
    windows, _ = guarded(model)
    line = f"{NAME} raised {type(error).__name__}: {error}"
    assert failures(windows) == {"12:13": line, "30:31": line}
    assert seen(windows) == [frame for frame in FRAMES if frame not in (12, 30)]
    assert model.started == [(None, 0), (11, 12), (11, 13), (29, 30), (29, 31)]


def test_what_happens_once_costs_nothing() -> None:
    windows, _ = guarded(Scripted({12: raises(ValueError("cosmic ray"), times=1)}))
    assert (seen(windows), failures(windows)) == (list(FRAMES), {})


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("nothing", "answered with a str; expected a PeopleInFrame"),
        (
            PeopleInFrame(frame=12, people=(), state={"memory": [1]}),  # type: ignore[dict-item]
            "gave 'memory' in its state as list; expected a plain array",
        ),
        (
            PeopleInFrame(frame=12, people=(), state={"x": np.array([None])}),
            "gave 'x' in its state as ndarray; expected a plain array",
        ),
        (PeopleInFrame(frame="12", people=(), state={}), "numbered a frame with a str"),  # type: ignore[arg-type]
    ],
)
def test_answers_of_another_kind_are_left_out(given: Any, line: str) -> None:
    windows, _ = guarded(Scripted({12: lambda *_: [given]}))
    assert line in failures(windows)["12:13"]
    assert seen(windows) == [frame for frame in FRAMES if frame != 12]


@pytest.mark.parametrize("ahead", [0, 3])
@pytest.mark.parametrize("frame", [0, 12, 19])
def test_a_frame_without_an_answer_is_recorded(frame: int, ahead: int) -> None:
    windows, _ = guarded(Scripted({frame: lambda *_: []}, ahead))
    assert failures(windows) == {f"{frame}:{frame + 1}": f"{NAME} gave no answer for this frame"}
    assert seen(windows) == [one for one in FRAMES if one != frame]


def test_frames_answered_twice_are_the_end_of_trust_in_the_window() -> None:
    windows, _ = guarded(Scripted({12: lambda _, right: [*right, *right]}))
    assert failures(windows) == {"13:20": f"{NAME} answered frame 12 out of turn, where 13 was due"}
    assert seen(windows) == [*range(13), *range(20, 40)]


def test_frames_in_another_order_are_the_end_of_trust_in_the_window() -> None:
    swapped = {12: lambda *_: [], 13: lambda _, right: [*right, answer(12)]}
    windows, _ = guarded(Scripted(swapped))
    assert failures(windows) == {
        "12:13": f"{NAME} gave no answer for this frame",
        "14:20": f"{NAME} answered frame 12 out of turn, where 14 was due",
    }


def test_frames_nobody_asked_for_are_the_end_of_trust_in_the_window() -> None:
    windows, _ = guarded(Scripted({12: lambda *_: [answer(1000)]}))
    assert list(failures(windows)) == ["12:20"]


def test_a_stray_answer_at_the_end_of_a_window_is_noted() -> None:
    windows, extra = guarded(Scripted({19: lambda _, right: [*right, *right]}))
    assert (seen(windows), failures(windows), extra) == (list(FRAMES), {}, "")
    assert "more answers than there are frames" in windows[2].notes[0]
    _, extra = guarded(Scripted({39: lambda _, right: [*right, *right]}))
    assert "more answers than there are frames" in extra


def test_one_that_ends_early_loses_the_window_and_is_asked_again() -> None:
    class Short(Scripted):
        def follow(self, frames: Any, state: Any) -> Iterator[Any]:
            for count, one in enumerate(super().follow(frames, state)):
                if count == 13:
                    return
                yield one

    windows, _ = guarded(Short())
    line = "people back end Short ended before the film"
    assert failures(windows) == dict.fromkeys(["13:20", "33:40"], line)
    assert seen(windows) == [*range(13), *range(20, 33)]


def test_frames_that_do_not_decode_are_not_its_fault() -> None:
    broken = {0, 9, 10, 11, 39}
    model = Scripted(ahead=2)
    windows, extra = guarded(model, broken=broken)
    assert (failures(windows), extra, len(model.started)) == ({}, "", 1)
    assert seen(windows) == [frame for frame in FRAMES if frame not in broken]


def test_one_that_always_raises_costs_a_bounded_number_of_starts() -> None:
    model = Scripted({frame: raises(ValueError("no")) for frame in FRAMES})
    windows, _ = guarded(model)
    assert seen(windows) == []
    assert len(model.started) <= (STARTS_PER_WINDOW + 1) * len(windows)
    assert {frame for window in windows for frame in window.failed} == set(FRAMES)


SCRIPTS: dict[str, dict[int, Script]] = {
    "raises": {frame: raises(ValueError("no")) for frame in (0, 9, 10, 19, 20, 21)},
    "skips": dict.fromkeys((9, 10, 19, 25), lambda *_: []),
    "twice": dict.fromkeys((9, 12, 20), lambda _, right: [*right, *right]),
    "nan": dict.fromkeys(
        (9, *range(10, 20), 29),
        lambda frame, _: [answer(frame, dataclasses.replace(sound_person(), score=2.0))],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_stopped_between_any_windows_it_ends_the_same(name: str, tmp_path: Path) -> None:
    """A faulty back end, too, must give the same bytes when it is resumed."""
    whole, _ = guarded(Scripted(SCRIPTS[name]))
    for cut in (1, 2, 3):
        states = [entry.state for window in whole[:cut] for entry in window.seen]
        again, _ = guarded(
            Scripted(SCRIPTS[name]), start=cut * WINDOW, state=states[-1] if states else None
        )
        for number, (first, second) in enumerate(zip(whole[cut:], again, strict=True)):
            assert first.failed == second.failed
            paths = [tmp_path / f"{cut}-{number}-{which}.npz" for which in "ab"]
            write_observations(paths[0], first.seen)
            write_observations(paths[1], second.seen)
            assert paths[0].read_bytes() == paths[1].read_bytes()
            assert len(read_observations(paths[0])) == len(first.seen)


@pytest.mark.parametrize("error", [BackendUnavailableError("no weights"), MemoryError()])
def test_what_the_next_frame_would_meet_too_is_passed_on(error: Exception) -> None:
    with pytest.raises(type(error)):
        guarded(Scripted({12: raises(error)}))


def test_what_the_film_raises_is_not_the_back_ends_fault() -> None:
    def gone(frames: FrameRange) -> Iterator[tuple[int, np.ndarray]]:
        yield from film(FrameRange(frames.start, 12))
        raise InputError("the film has gone")

    guard = PeopleGuard(Scripted(), gone, FRAMES, None, (WIDTH, HEIGHT))
    guard.window(FrameRange(0, WINDOW), lambda _: None)
    with pytest.raises(InputError, match="the film has gone"):
        guard.window(FrameRange(WINDOW, 2 * WINDOW), lambda _: None)


def test_an_unknown_order_of_points_is_refused_at_once() -> None:
    model = Scripted()
    model.point_set = "coco17"
    with pytest.raises(BackendFailedError, match="expected a point set of blazepose33, got 'coco1"):
        guarded(model)


def test_it_is_closed_and_may_complain_about_it() -> None:
    class Clinging(Scripted):
        def follow(self, frames: Any, state: Any) -> Iterator[Any]:
            try:
                yield from super().follow(frames, state)
            finally:
                raise ValueError("not yet")

    windows, _ = guarded(Clinging())
    assert seen(windows) == list(FRAMES)


def test_looking_costs_little() -> None:
    one = sound_person()
    began = time.perf_counter()
    for _ in range(300):
        fault_of_person(one, 33, WIDTH, HEIGHT)
    assert (time.perf_counter() - began) / 300 < 0.001
