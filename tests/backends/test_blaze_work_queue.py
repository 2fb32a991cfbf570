"""The queue: urgent first, errors and cancelled tasks reach whoever waits."""

import threading
from concurrent.futures import CancelledError

import pytest

from choreoscope.backends.people.blaze.work_queue import Urgency, WorkQueue


def test_the_most_urgent_goes_first_and_equals_in_order() -> None:
    done: list[str] = []
    gate = threading.Event()
    with WorkQueue([None]) as work:
        first = work.submit(Urgency.BODY, lambda _: gate.wait())
        tasks = [
            work.submit(urgency, lambda _, name=name: done.append(name))
            for urgency, name in (
                (Urgency.DETAIL, "detail 1"),
                (Urgency.DETAIL, "detail 2"),
                (Urgency.DETECTION, "detection"),
                (Urgency.BODY, "body"),
            )
        ]
        gate.set()
        for task in [first, *tasks]:
            task.result(timeout=5)
    assert done == ["body", "detection", "detail 1", "detail 2"]


def test_each_thread_has_its_own_tools() -> None:
    both = threading.Barrier(2)

    def own(tools: str) -> str:
        both.wait(timeout=5)
        return tools

    with WorkQueue(["one", "two"]) as work:
        tasks = [work.submit(Urgency.BODY, own) for _ in range(2)]
        assert {task.result(timeout=5) for task in tasks} == {"one", "two"}


def test_an_error_reaches_who_waits_and_the_thread_goes_on() -> None:
    with WorkQueue([None]) as work:
        broken = work.submit(Urgency.BODY, lambda _: 1 / 0)
        fine = work.submit(Urgency.BODY, lambda _: 7)
        with pytest.raises(ZeroDivisionError):
            broken.result(timeout=5)
        assert fine.result(timeout=5) == 7


def test_leaving_ends_the_threads_and_cancels_what_waits() -> None:
    gate = threading.Event()
    before = threading.active_count()
    with WorkQueue([None]) as work:
        running = work.submit(Urgency.BODY, lambda _: gate.wait(0.2))
        waiting = work.submit(Urgency.DETAIL, lambda _: 7)
    assert threading.active_count() == before
    assert running.done()
    with pytest.raises(CancelledError):
        waiting.result(timeout=1)
    with pytest.raises(CancelledError):
        work.submit(Urgency.BODY, lambda _: 7).result(timeout=1)
