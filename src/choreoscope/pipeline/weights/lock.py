"""One process at a time works on a folder; the system lets go when the process dies."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

POLL_SECONDS = 0.2


@contextlib.contextmanager
def folder_lock(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold ``folder``'s lock for the length of the block.

    Parameters
    ----------
    folder : Path
        Existing folder; ``.lock`` is made in it and stays.
    waiting : callable
        Called once if somebody else holds it.

    Raises
    ------
    OSError
        If the lock's file cannot be opened.
    """
    with (folder / ".lock").open("ab") as file:
        told = False
        while not _take(file):
            if not told:
                waiting()
                told = True
            time.sleep(POLL_SECONDS)
        yield


if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _take(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
