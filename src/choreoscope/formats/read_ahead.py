"""A few items made ahead of time in a thread of their own."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

AHEAD = 4
"""Items that may lie ready; enough to even out key frames, few enough to keep memory flat."""
PATIENCE = 0.1
"""Seconds between two looks whether anybody still wants the next item."""


class _End:
    """Comes after the last item; carries what went wrong, if anything did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Reader(Generic[Item]):
    """The thread, and the queue between it and the caller."""

    def __init__(self, make: Callable[[], Iterator[Item]]) -> None:
        self._make = make
        self._unwanted = threading.Event()
        self.ready: queue.Queue[Item | _End] = queue.Queue(AHEAD)
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end, whatever it has still to give."""
        self._unwanted.set()
        self._thread.join()

    def _run(self) -> None:
        error: BaseException | None = None
        items = self._make()
        try:
            for item in items:
                if not self._hand_over(item):
                    break
        except BaseException as raised:  # noqa: BLE001 - raised again in the reader's thread
            error = raised
        finally:
            closing = getattr(items, "close", None)
            if closing is not None:
                closing()
        self._hand_over(_End(error))

    def _hand_over(self, item: Item | _End) -> bool:
        while not self._unwanted.is_set():
            try:
                self.ready.put(item, timeout=PATIENCE)
            except queue.Full:
                continue
            return True
        return False


def read_ahead(make: Callable[[], Iterator[Item]]) -> Generator[Item, None, None]:
    """Run an iterator in a background thread, at most `AHEAD` items ahead.

    Parameters
    ----------
    make : callable
        Makes the iterator; called, run and closed in that thread.

    Yields
    ------
    Item
        The same items in the same order; what the iterator raises is raised here.
    """
    reader = _Reader(make)
    try:
        while not isinstance(item := reader.ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        reader.stop()
