"""Events: names that last, records that are JSON, one at a time, and a page that lists them all."""

import dataclasses
import importlib
import json
import math
import pkgutil
import re
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, get_type_hints

import numpy as np
import pytest

import choreoscope.pipeline
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import Licence, Tier
from choreoscope.pipeline import events
from choreoscope.pipeline.events import Event, Note, Progress, StageStarted, json_value, record_of
from choreoscope.pipeline.watch.events import FilmChanged
from choreoscope.pipeline.weights.events import WeightsEvent

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"
COMMON = ["film", "clip", "stage"]
ROW = re.compile(r"^\| (?:`([\w-]+)`)? ?\| (?:`(\w+)`)? ?\|", re.MULTILINE)


def all_events(base: type[Event] = Event) -> list[type[Event]]:
    """Every class of events of the house; those that tests make up are left out."""
    found = [one for kind in base.__subclasses__() for one in all_events(kind)]
    # A class with slots is a copy: the one it was made from lingers.
    is_ours = getattr(sys.modules[base.__module__], base.__name__, None) is base
    is_ours = is_ours and base.__module__.startswith("choreoscope.")
    return [base, *found] if is_ours and base is not Event else found


for module in pkgutil.walk_packages(choreoscope.pipeline.__path__, "choreoscope.pipeline."):
    importlib.import_module(module.name)
EVENTS = all_events()
ANY: dict[Any, Any] = {str: "text", int: 3, float: 1.5, bool: True, tuple[str, ...]: ("a", "b")}


def made(kind: type[Event]) -> Event:
    types = get_type_hints(kind, vars(sys.modules[kind.__module__]))
    values = {
        field.name: ANY[types[field.name]]
        for field in dataclasses.fields(kind)
        if types[field.name] in ANY
    }
    return kind(**{"kind": "note"} | values) if kind is WeightsEvent else kind(**values)


def documented(page: str) -> dict[str, list[str]]:
    """Event name to its fields, as the table in the page has them."""
    table = page.partition("## Every event")[2].partition("## ")[0]
    fields: dict[str, list[str]] = {}
    name = ""
    for event, field in ROW.findall(table):
        if event:
            name = event
            fields[name] = []
        if field:
            fields[name].append(field)
    return fields


def declared() -> dict[str, list[str]]:
    return {
        kind.event_name: [
            field.name for field in dataclasses.fields(kind) if field.name not in COMMON
        ]
        for kind in EVENTS
    }


def test_the_page_lists_every_event_and_field_in_order() -> None:
    assert documented(PAGE.read_text("utf-8")) == declared()


@pytest.mark.parametrize("line", ["| `note` | | |", "| | `batch` | number |"])
def test_a_page_that_lacks_something_is_noticed(line: str) -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    lacking = "\n".join(one for one in lines if not one.startswith(line))
    assert documented(lacking) != declared()


def test_every_event_has_a_name_of_its_own() -> None:
    assert len({kind.event_name for kind in EVENTS}) == len(EVENTS)
    assert all("event_name" in vars(kind) for kind in EVENTS)
    assert {Note, FilmChanged, WeightsEvent} <= set(EVENTS)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_becomes_json_with_its_fields_in_order(kind: type[Event]) -> None:
    event = made(kind)
    record = record_of(event)
    own = [field.name for field in dataclasses.fields(kind) if field.name not in COMMON]
    assert list(record) == ["event", *COMMON, *own]
    assert record["event"] == kind.event_name
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_values_json_has_no_word_for() -> None:
    assert json_value(FrameSet.of([FrameRange(1, 3)])) == "1:3"
    assert json_value(math.nan) is None
    assert json_value(np.float32(math.inf)) is None
    assert json_value(np.int64(7)) == 7
    assert type(json_value(np.int64(7))) is int
    assert json_value(np.float32(0.5)) == 0.5
    assert json_value(Fraction(1, 2)) == 0.5
    assert json_value(value=True) is True
    assert json_value({1: PurePosixPath("a/b")}) == {"1": "a/b"}
    licence = Licence(name="MIT", tier=Tier.ASK, notice="", url="")
    assert json_value(licence) == {"name": "MIT", "tier": "ask", "notice": "", "url": ""}


class Counter:
    """Counts badly when it is called from two threads at once."""

    def __init__(self) -> None:
        self.count = 0
        self.met = 0
        self._busy = False

    def __call__(self, event: Event) -> None:
        del event
        self.met += self._busy
        self._busy = True
        count = self.count
        time.sleep(0.0002)
        self.count = count + 1
        self._busy = False


def from_threads(receiver: events.Events, each: int = 50) -> None:
    def tell() -> None:
        for _ in range(each):
            receiver(Note(text="x"))

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_serialised_events_come_one_at_a_time() -> None:
    counter = Counter()
    from_threads(events.serialised(counter))
    assert (counter.count, counter.met) == (200, 0)


def test_events_that_are_not_serialised_meet() -> None:
    counter = Counter()
    from_threads(counter)
    assert counter.met > 0


def test_a_receiver_may_tell_something_itself() -> None:
    heard: list[Event] = []

    def receive(event: Event) -> None:
        heard.append(event)
        if isinstance(event, StageStarted):
            told(Note(text="begun"))

    told = events.serialised(receive)
    told(StageStarted(missing=1, why=""))
    assert [type(event) for event in heard] == [StageStarted, Note]


def test_the_outer_name_of_a_film_counts() -> None:
    heard: list[Event] = []
    outer = events.of_film("monday/dance.mp4", heard.append)
    inner = events.of_film("dance.mp4", outer)
    inner(Progress(clip="clip-001", stage="people", done=1, total=2, unit="frame"))
    assert heard == [
        Progress(
            film="monday/dance.mp4",
            clip="clip-001",
            stage="people",
            done=1,
            total=2,
            unit="frame",
        )
    ]
