"""The status page of a watch folder: what it says, and that it needs nothing but itself."""

import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from choreoscope.pipeline.watch.live import FilmProgress, Running
from choreoscope.pipeline.watch.records import FilmRecord
from choreoscope.pipeline.watch.view import FilmView, QueueView
from choreoscope.viewer.queue_page import counts_text, left_text, queue_page, write_queue_page

WHEN = dt.datetime(2026, 11, 21, 6, 0, tzinfo=dt.UTC)


def record(film: str, state: str, **fields: object) -> FilmRecord:
    known = {"kind": "film", "order": 1, "result": film}
    return FilmRecord(film=film, state=state, **{**known, **fields})


def view(*films: FilmView, **fields: object) -> QueueView:
    known = {"out": Path("/shoot/out"), "source": Path("/shoot/in"), "is_watching": True}
    return QueueView(films=films, **{**known, **fields})


def page(shown: QueueView) -> str:
    return queue_page(shown, made_with="Choreoscope 0", written=WHEN)


class Reader(HTMLParser):
    """Collects text by the way, and every link and address."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "script" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_every_state_says_what_one_wants_to_know() -> None:
    running = Running(
        clip="clip-001",
        stage="people",
        done=120,
        total=480,
        unit="frames",
        rate=11.6,
        left_seconds=195.0,
    )
    films = (
        FilmView(
            record=record("w/take 7.mov", "working", facts={"length": "20 s"}),
            progress=FilmProgress(seconds=12.0, running=(running,)),
        ),
        FilmView(record=record("r.mov", "ready")),
        FilmView(record=record("s", "waiting")),
        FilmView(record=record("b.mov", "failed", reason="not a film", log="b.mov/log.txt")),
        FilmView(
            record=record(
                "g.mov",
                "gaps",
                facts={"people": "2", "gaps": "3 frames do not decode"},
                report="g.mov/clip-001/report.html",
                seconds=75.0,
                hook="'x' ended with code 3",
            )
        ),
        FilmView(record=record("e.mov", "finished", exit_code=6, facts={"people": "0"})),
        FilmView(record=record("gone.mov", "finished", facts={"people": "1"}), is_here=False),
        FilmView(record=record("n.txt", "skipped", reason="files ending in .txt are no films")),
    )
    read = Reader(page(view(*films)))
    assert not read.open
    for words in (
        "in /shoot/in results in /shoot/out 1 being worked on, 1 in the queue, 1 still arriving,",
        "1 still arriving, 1 failed, 1 finished with gaps, 2 finished",
        "take 7.mov being worked on for 12.0 s 20 s people clip-001",
        "120 of 480 frames · 11.6 frames/s · 3 min left",
        "b.mov failed not a film Log",
        "g.mov finished with gaps 2 people gaps: 3 frames do not decode took 1 min 15 s",
        "The command 'x' ended with code 3 Report",
        "e.mov finished, nobody found 0 people",
        "1 person no longer in the folder",
        "1 thing that is no film n.txt files ending in .txt are no films",
    ):
        assert words in read.text, words
    order = ["Now", "Needs a look", "Next", "Done", "Left aside"]
    places = [read.text.index(title) for title in order]
    assert places == sorted(places)


def test_it_loads_itself_anew_while_something_goes_on_and_no_longer() -> None:
    def seconds(shown: QueueView) -> list[str]:
        return re.findall(r'http-equiv="refresh" content="(\d+)"', page(shown))

    working, done = FilmView(record=record("a", "working")), FilmView(record=record("a", "gaps"))
    assert seconds(view(working)) == ["2"]
    assert seconds(view(done)) == ["30"]
    assert seconds(view(working, is_watching=False)) == []


def test_trouble_and_the_end_are_told() -> None:
    assert "IN is away" in Reader(page(view(trouble="IN is away"))).text
    assert "The watcher has stopped" in Reader(page(view(is_watching=False))).text
    calm = Reader(page(view())).text
    assert "has stopped" not in calm
    assert "No film has come yet" in calm


def test_names_are_text_and_links_lead_there() -> None:
    name = 'a <b>&"%#ü?.mov'
    film = FilmView(record=record(name, "finished", report=f"{name}/clip-001/report.html"))
    read = Reader(page(view(film)))
    assert name in read.text
    assert "a%20%3Cb%3E%26%22%25%23%C3%BC%3F.mov/clip-001/report.html" in read.links


def test_a_name_that_is_no_text_does_not_break_it(tmp_path: Path) -> None:
    film = FilmView(record=record("r\udce9el.mov", "failed", log="r\udce9el.mov/log"))
    text = write_queue_page(view(film, out=tmp_path), made_with="x").read_text("utf-8")
    assert "r\ufffdel.mov" in text
    assert "r%E9el.mov/log" in text


def test_it_loads_nothing() -> None:
    text = page(view(FilmView(record=record("a.mov", "finished", report="a.mov/r.html"))))
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|@import|url\(", text)
    assert set(Reader(text).links) == {"data:,", "a.mov/r.html", "queue/log.txt"}


def test_it_is_written_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    for _ in range(2):
        written = write_queue_page(view(out=tmp_path), made_with="x")
    assert list(tmp_path.iterdir()) == [written] == [tmp_path / "status.html"]
    assert written.read_text("utf-8").endswith("</html>\n")


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        write_queue_page(view(out=tmp_path / "none"), made_with="x")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.2, "1 s left"),
        (59.4, "59 s left"),
        (61.0, "1 min left"),
        (3600.0, "1 h 00 min left"),
        (9000.0, "2 h 30 min left"),
    ],
)
def test_time_left_is_as_coarse_as_it_is_known(seconds: float | None, text: str) -> None:
    assert left_text(seconds) == text


def test_counts() -> None:
    assert counts_text(view()) == "no film yet"
    two = (FilmView(record=record("a", "ready")), FilmView(record=record("b", "skipped")))
    assert counts_text(view(*two)) == "1 in the queue"
