"""What people see: bars on a terminal, lines elsewhere, a table per clip, nothing when quiet."""

import io
import os
import subprocess
import sys
import threading

import pytest
from rich.cells import cell_len
from rich.console import Console
from told_runs import (
    FILM,
    STAGES,
    Clock,
    clip_started,
    clip_with_trouble,
    film_started,
    finished,
    progress,
    started,
    tell_film,
)

from choreoscope.cli import bars, wording
from choreoscope.cli.progress import Teller
from choreoscope.cli.tally import Tally
from choreoscope.pipeline.events import ClipFinished, Event, FilmFinished, Note, StageSkipped
from choreoscope.pipeline.weights.events import WeightsEvent


def shown(events: list[Event], *, quiet: bool = False, width: int = 80) -> list[str]:
    """Tell events where there is no terminal; return the lines."""
    stream = io.StringIO()
    with Teller(quiet=quiet, console=Console(file=stream, width=width), clock=Clock()) as tell:
        for event in events:
            tell(event)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def whole_film() -> list[Event]:
    events: list[Event] = []
    tell_film(events.append)
    return events


def test_a_clip_with_trouble_line_by_line() -> None:
    assert shown(clip_with_trouble()) == [
        "clip-001 people        lost its worker (attempt 1, frames 50:60): killed by the system",
        "clip-001 people        tried again (attempt 2, frames 50:60, 4 frames at once)",
        "clip-001 people        2.0 s  97 frames, 3 files, 3 frames could not be made",
        "clip-001 lift          failed: no floor",
        "clip-001 bvh           not made: it reads from stage 'lift'",
        "clip-001: not complete after 1:05",
        "  stage   state                   frames   time",
        "  lens    done before",
        "  people  made, 3 frames missing      97  2.0 s",
        "  lift    failed",
        "  bvh     not made",
    ]


def test_a_film_has_a_first_and_a_last_line() -> None:
    lines = shown(whole_film())
    assert lines[0] == f"{FILM}: 2 clips, 200 frames"
    assert lines[-1] == f"{FILM}: 2 clips after 2:10, 2 not complete (clip-001, clip-002)"


def test_a_clip_that_was_done_before_is_one_line() -> None:
    skipped = [StageSkipped(film=FILM, clip="clip-001", stage=name, why="") for name in STAGES]
    end = ClipFinished(film=FILM, clip="clip-001", seconds=0.0, complete=True)
    assert shown([clip_started(), *skipped, end]) == ["clip-001: all 4 stages were done before"]


def test_a_clip_that_is_interrupted_has_its_table() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=80)
    teller = Teller(quiet=False, console=console, clock=Clock())

    def interrupted() -> None:
        with teller as tell:
            for event in (clip_started(), started("lens"), finished("lens"), started("people")):
                tell(event)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert ["clip-001:", "stopped"] in lines
    assert ["people", "stopped"] in lines
    assert ["lift", "not", "begun"] in lines


def test_quiet_prints_nothing_but_problems(capsys: pytest.CaptureFixture[str]) -> None:
    with Teller(quiet=True) as tell:
        tell_film(tell)
        tell(WeightsEvent(kind="note", name="x", text="y"))
        tell.line("nothing")
        tell.result("nothing")
        assert capsys.readouterr() == ("", "")
        tell.problem("no such file: a.mp4", 2)
    assert capsys.readouterr() == ("", "choreoscope: no such file: a.mp4\n")


def test_not_quiet_prints(capsys: pytest.CaptureFixture[str]) -> None:
    with Teller(quiet=False) as tell:
        tell_film(tell)
        tell.result("out/report.html")
    out, err = capsys.readouterr()
    assert out == "out/report.html\n"
    assert "lost its worker" in err


def run_for(seconds: float, step: float = 0.5) -> list[str]:
    """Let a stage tell how far it is for so long, where there is no terminal."""
    stream = io.StringIO()
    clock = Clock()
    total = int(2 * seconds)
    with Teller(quiet=False, console=Console(file=stream), clock=clock) as tell:
        tell(started("people"))
        for done in range(1, total):
            clock.now += step
            tell(progress("people", done, total))
    return stream.getvalue().splitlines()


def test_without_a_terminal_a_long_stage_tells_every_few_seconds() -> None:
    lines = run_for(60)
    assert 8 <= len(lines) <= 12
    assert lines[0] == "clip-001 people        9 %  11/120 frames  2.00/s  0:54 left"


def test_a_short_stage_does_not() -> None:
    assert run_for(4) == []


def test_a_stage_of_hours_does_not_fill_the_file() -> None:
    assert 20 < len(run_for(7200)) < 130


def test_downloads_are_told_without_a_terminal_too() -> None:
    stream = io.StringIO()
    clock = Clock()
    with Teller(quiet=False, console=Console(file=stream), clock=clock) as tell:
        for done in range(20):
            clock.now += 1
            event = WeightsEvent(
                kind="progress", name="a-1-py3.whl", done=done * 10**6, total=35 * 10**6
            )
            tell(event)
    first = " ".join(stream.getvalue().splitlines()[0].split())
    assert first == "a-1 14 % 5.0/35.0 MB 1.0 MB/s 0:30 left"


def test_a_note_of_a_stage_and_one_of_none() -> None:
    told: list[Event] = [Note(clip="clip-001", stage="people", text="x"), Note(text="y")]
    assert shown(told) == ["clip-001 people        note: x", "note: y"]


def test_two_films_at_once_are_named() -> None:
    told = [film_started(film="a.mp4"), film_started(film="b.mp4"), finished("bvh", film="b.mp4")]
    assert shown(told)[-1] == "b.mp4 clip-001 bvh     2.0 s  100 frames, 3 files"


def test_names_do_not_command_the_terminal() -> None:
    line = shown([Note(clip="a\x1b[2Jb\nc", stage="people", text="one\ntwo\x07")])
    assert line == ["a?[2Jb c people        note: one two?"]


def busy_bars(clock: Clock) -> list[bars.Bar]:
    tally = Tally()
    tally.add(film_started(), clock.now)
    for number in (1, 2):
        tally.add(clip_started(f"clip-00{number}"), clock.now)
        tally.add(started("people", f"clip-00{number}"), clock.now)
    for step in range(5):
        clock.now += 1
        tally.add(progress("people", 10 * step, clip="clip-001"), clock.now)
        tally.add(progress("people", 15 * step, clip="clip-002"), clock.now)
    return bars.bars(tally, clock.now)


@pytest.mark.parametrize("width", [30, 40, 50, 64, 80, 120])
def test_bars_fit_the_screen_whatever_the_names(width: int) -> None:
    found = busy_bars(Clock())
    found.append(
        bars.Bar(
            name="日本舞踊 take 17 final é " * 4,
            done=10**6,
            total=10**7,
            count="1000000/10000000 frames",
            speed="123.4/s",
            left="12:34:56 left",
        )
    )
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    console.print(bars.drawn(found, width))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert all(cell_len(line) <= width for line in lines)


def test_a_bar_says_how_far_how_fast_and_how_long() -> None:
    stream = io.StringIO()
    Console(file=stream, width=80).print(bars.drawn(busy_bars(Clock()), 80))
    first, second, film = (line.split() for line in stream.getvalue().splitlines())
    assert first[:2] == ["clip-001", "people"]
    assert first[-5:] == ["40/100", "frames", "10.0/s", "0:06", "left"]
    assert second[-5:] == ["60/100", "frames", "15.0/s", "0:03", "left"]
    assert film[-6:] == ["25/200", "frames", "0/8", "stages", ">0:04", "left"]


def test_where_rows_are_few_the_film_stays() -> None:
    found = busy_bars(Clock())
    assert [bar.is_film for bar in bars.that_fit(found, 2)] == [False, True]
    assert [bar.is_film for bar in bars.that_fit(found, 1)] == [True]
    assert [bar.is_film for bar in bars.that_fit(found, 0)] == [True]
    assert bars.that_fit(found, 3) == found


@pytest.mark.parametrize(
    ("text", "cells", "short"),
    [
        ("dance.mp4", 9, "dance.mp4"),
        ("a long name.mp4", 9, "a lo….mp4"),
        ("日本舞踊の映画", 9, "日本…映画"),
        ("dance", 1, "d"),
    ],
)
def test_names_are_cut_in_the_middle(text: str, cells: int, short: str) -> None:
    assert wording.shortened(text, cells) == short
    assert cell_len(short) <= cells


def test_times_and_rates_as_people_write_them() -> None:
    durations = [wording.duration(seconds) for seconds in (0, 7.4, 754, 3723, 183_600)]
    assert durations == ["0:00", "0:07", "12:34", "1:02:03", "2 d 3 h"]
    rates = [wording.rate_text(rate, "frame") for rate in (0, 123.4, 12.34, 1.234, 0.25, 0.005)]
    assert rates == ["", "123/s", "12.3/s", "1.23/s", "4.0 s each", "3:20 each"]
    assert wording.rate_text(2.5e6, "byte") == "2.5 MB/s"
    assert wording.count_text(1, 0, "frame") == "1 frame"
    assert wording.count_text(1, 2, "person") == "1/2 people"


def tell_from_threads(tell: Teller) -> None:
    names = [f"clip-{number:03d}" for number in range(1, 7)]

    def one(clip: str) -> None:
        for event in clip_with_trouble(clip):
            tell(event)
            for done in range(20):
                tell(progress("people", done, clip=clip) if event.stage == "people" else event)

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_clips_told_by_several_threads_keep_their_lines_whole() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, color_system=None)
    with Teller(quiet=False, console=console) as tell:
        tell(film_started(clips=6, frames=600))
        tell_from_threads(tell)
    text = stream.getvalue()
    for number in range(1, 7):
        assert text.count(f"clip-{number:03d}: not complete after 1:05") == 1


PROGRAM = """
import sys, time
from told_runs import *
from choreoscope.cli.progress import Teller
with Teller(quiet=sys.argv[1] == "quiet") as tell:
    tell(film_started())
    tell(clip_started())
    tell(started("people"))
    for done in range(0, 100, 10):
        tell(progress("people", done))
        time.sleep(0.04)
        if done == 50:
            tell.result("made/meanwhile.html")
    tell(finished("people"))
    tell(FilmFinished(film=FILM, seconds=1.0, clips=("clip-001", "clip-002")))
"""


def on_a_terminal(width: int, mode: str = "loud", term: str = "xterm") -> str:
    """Run a program on a pseudo-terminal; return all that it wrote there."""
    import fcntl
    import pty
    import struct
    import termios

    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, width, 0, 0))
    folder = os.path.dirname(__file__)  # noqa: PTH120 - goes into a search path
    left_out = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {"TERM": term, "PYTHONPATH": folder}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, mode], stderr=theirs, stdout=theirs, env=environment
    )
    os.close(theirs)
    heard = bytearray()
    while True:
        try:
            piece = os.read(mine, 65536)
        except OSError:
            break
        if not piece:
            break
        heard += piece
    os.close(mine)
    assert process.wait() == 0
    return heard.decode()


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals of POSIX")
def test_on_a_real_terminal_bars_come_and_go() -> None:
    text = on_a_terminal(60)
    assert "━" in text
    assert "/100 frames" in text
    assert "clip-001 people" in text
    assert "2.0 s  100 frames, 3 files" in text
    hidden, again = text.rfind("\x1b[?25l"), text.rfind("\x1b[?25h")
    assert 0 <= hidden < again
    assert "━" not in text[again:]
    before, _, after = text.partition("made/meanwhile.html")
    assert before.rfind("━") < before.rfind("\x1b[?25h")
    assert "━" in after


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize(("mode", "term"), [("quiet", "xterm"), ("loud", "dumb")])
def test_no_bars_when_quiet_or_on_a_dumb_terminal(mode: str, term: str) -> None:
    text = on_a_terminal(60, mode, term)
    assert "━" not in text
    assert "\x1b" not in text
    assert bool(text) == (mode == "loud")


def test_a_film_of_one_clip_has_no_last_line_of_its_own() -> None:
    end = FilmFinished(film=FILM, seconds=3.0, clips=("clip-001",))
    assert shown([film_started(clips=1, frames=1), end]) == [f"{FILM}: 1 clip, 1 frame"]
