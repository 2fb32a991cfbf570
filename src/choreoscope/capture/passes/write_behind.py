"""Writing frames while the next are computed.

The library that writes EXR files lets other threads run meanwhile, and writing a frame of a pass
takes about as long as making it.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

MOST_WAITING = 1
"""Frames that wait to be written, besides those being written; bounds memory."""


class WriteBehind:
    """Threads that do what they are told; a context manager.

    What is handed to them must not be changed afterwards, and in which order it is done is not
    known.

    Parameters
    ----------
    workers : int
        Threads the stage may use; with one, everything is done at once by the caller.
    """

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, "write") if workers > 1 else None
        self._most = workers + MOST_WAITING
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)

    def do(self, call: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401
        """Have something done; waits while too much is to be done already.

        Raises
        ------
        Exception
            Whatever an earlier call raised.
        """
        if self._threads is None:
            call(*arguments)
            return
        while len(self._waiting) >= self._most:
            self._waiting.popleft().result()
        self._waiting.append(self._threads.submit(call, *arguments))

    def settle(self) -> None:
        """Wait until everything is done.

        Raises
        ------
        Exception
            Whatever a call raised.
        """
        while self._waiting:
            self._waiting.popleft().result()
