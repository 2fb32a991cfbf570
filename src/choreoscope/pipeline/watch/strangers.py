"""Taking turns with other watchers, and noticing those that have died far away."""

import contextlib
import platform
from collections.abc import Callable, Iterator

from choreoscope.pipeline.lock import HeldError, Holder
from choreoscope.pipeline.watch.queue import QueueFolder
from choreoscope.pipeline.watch.telling import Telling

SILENT_SECONDS = 600.0
"""A lock of another machine without a sign of life for so long is told; it is never broken."""


class Strangers:
    """Takes films' locks, or finds out who holds them.

    Parameters
    ----------
    clock : callable
        Seconds of a monotonic clock.
    """

    def __init__(self, queue: QueueFolder, telling: Telling, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._telling = telling
        self._clock = clock
        self._met: dict[str, tuple[tuple[Holder, str], float]] = {}

    @contextlib.contextmanager
    def turn(self, key: str) -> Iterator[bool]:
        """Hold a film's lock for the length of the block, if nobody else does.

        Yields
        ------
        bool
            Whether it is held by us.

        Raises
        ------
        OutputError, OSError
            If the folder cannot be written.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._queue.holding(key))
            except HeldError as error:
                self._meet(key, error.holder)
                yield False
                return
            self._met.pop(key, None)
            self._telling.over(f"lock {key}")
            yield True

    def _meet(self, key: str, holder: Holder | None) -> None:
        """Watch the holder of a lock for signs of life, by our own clock."""
        if holder is None or holder.host == platform.node():
            return
        now = self._clock()
        sign = (holder, self._sign_of_life(key))
        known = self._met.get(key)
        if known is None or known[0] != sign:
            self._met[key] = (sign, now)
            self._telling.over(f"lock {key}")
        elif now - known[1] >= SILENT_SECONDS:
            self._telling.once(
                f"lock {key}",
                f"process {holder.pid} on {holder.host} holds {key} and has given no sign of life "
                f"for {SILENT_SECONDS / 60:.0f} minutes; if that machine no longer works on it, "
                f"delete {self._queue.lock(key)}",
            )

    def _sign_of_life(self, key: str) -> str:
        try:
            return self._queue.progress(key).read_text("utf-8", errors="replace")
        except OSError:
            return ""
