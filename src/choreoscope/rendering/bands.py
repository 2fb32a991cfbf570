"""Work split over threads; which thread does what never shows in the result."""

import functools
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_BANDS_PER_THREAD = 4
_FEWEST = 8


def over(count: int, work: Callable[[tuple[int, int]], None], threads: int) -> None:
    """Call ``work((start, stop))`` for parts that together are 0 up to `count`.

    Parameters
    ----------
    count : int
        Rows or triangles.
    work : callable
        Compiled, lets other threads run, and writes to its own part alone.
    threads : int
        1 does everything in the caller's thread.
    """
    bands = min(threads * _BANDS_PER_THREAD, max(count // _FEWEST, 1))
    if threads == 1 or bands == 1:
        work((0, count))
        return
    edges = [count * i // bands for i in range(bands + 1)]
    list(_pool(threads, os.getpid()).map(work, itertools.pairwise(edges)))


def thread_count() -> int:
    """Threads to take when nobody says: one per processor."""
    return os.cpu_count() or 1


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:  # noqa: ARG001 - threads die in forks
    return ThreadPoolExecutor(threads, thread_name_prefix="raster")
