"""What has been told, counted: rates, time left, how far a film is."""

import pytest
from told_runs import (
    FILM,
    STAGES,
    Clock,
    clip_started,
    film_started,
    finished,
    progress,
    started,
    tell_film,
)

from choreoscope.cli.tally import Pace, Tally
from choreoscope.pipeline.events import Event, StageSkipped
from choreoscope.pipeline.watch.events import FilmChanged


def counted(events: list[Event], clock: Clock) -> Tally:
    tally = Tally()
    for event in events:
        tally.add(event, clock.now)
    return tally


def test_a_rate_leaves_out_what_an_earlier_run_made() -> None:
    pace = Pace()
    for second in range(5):
        pace.add(float(second), 1000 + 10 * second, 2000, "frame")
    assert pace.rate(4.0) == pytest.approx(10.0)
    assert pace.left(4.0) == pytest.approx(96.0)
    assert pace.rate(8.0) == pytest.approx(5.0)


def test_a_rate_is_that_of_the_last_half_minute() -> None:
    pace = Pace()
    for second in range(100):
        pace.add(float(second), second if second < 50 else 50 + 10 * (second - 50), 9999, "frame")
    assert pace.rate(99.0) == pytest.approx(10.0)


def test_nothing_is_said_of_a_rate_that_is_not_known() -> None:
    pace = Pace()
    assert (pace.rate(1.0), pace.left(1.0)) == (0.0, None)
    pace.add(1.0, 5, 0, "frame")
    pace.add(2.0, 6, 0, "frame")
    assert pace.rate(2.0) == 1.0
    assert pace.left(2.0) is None


def test_a_stage_that_begins_again_has_a_new_rate() -> None:
    pace = Pace()
    pace.add(0.0, 0, 100, "frame")
    pace.add(10.0, 90, 100, "frame")
    pace.add(11.0, 10, 100, "frame")
    assert pace.rate(11.0) == 0.0
    pace.add(12.0, 12, 100, "frame")
    assert pace.rate(12.0) == pytest.approx(2.0)


def test_a_film_counts_stages_and_frames_over_all_clips() -> None:
    clock = Clock()
    events = [film_started(), clip_started(), finished("lens"), started("people")]
    tally = counted([*events, progress("people", 50)], clock)
    film = tally.film(FILM, clock.now)
    assert (film.stages_done, film.stages) == (1, 8)
    # One of eight passes and half of another, each over 100 of 200 frames.
    assert (film.frames_done, film.frames) == (int(200 * 1.5 / 8), 200)
    done = [StageSkipped(film=FILM, clip="clip-001", stage=name, why="") for name in STAGES]
    film = counted([film_started(clips=1), clip_started(), *done], clock).film(FILM, clock.now)
    assert (film.stages_done, film.frames_done) == (4, 200)


def test_the_time_left_of_a_film_follows_from_the_clips_before() -> None:
    clock = Clock()
    first = [finished(name, seconds=4.0) for name in STAGES]
    tally = counted([film_started(clips=3, frames=300), clip_started(), *first], clock)
    film = tally.film(FILM, clock.now)
    assert film.seconds_left == pytest.approx(32.0)
    assert not film.takes_longer
    tally = counted([film_started(clips=3, frames=300), clip_started(), *first[:2]], clock)
    film = tally.film(FILM, clock.now)
    assert film.seconds_left == pytest.approx(16.0)
    assert film.takes_longer


def test_nothing_is_remembered_of_films_that_are_over() -> None:
    clock = Clock()
    told: list[Event] = []
    tell_film(told.append)
    tally = counted(told, clock)
    assert tally.film_names
    tally.add(FilmChanged(film=FILM, state="failed", reason="x"), clock.now)
    assert (tally.film_names, tally.clips, tally.running) == ([], [], [])
