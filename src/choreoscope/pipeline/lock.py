"""One process at a time works on a clip's folder."""

import contextlib
import dataclasses
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.folder import ClipFolder, writing

PATIENCE_SECONDS = 2.0
"""How long a lock may stay unreadable: its owner is between making and filling it."""
ASIDE = ".stale-"
"""Comes after a lock's name, and before the number of the process that moves it aside."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who works on a folder.

    Attributes
    ----------
    pid : int
        Process number.
    host : str
        Name of the machine.
    started : str
        When the process began, as its system tells it; empty where it does not. Tells a process
        from a later one that was given the same number.
    """

    pid: int
    host: str
    started: str

    @property
    def is_gone(self) -> bool:
        """Whether the process is known to have ended; unknown for other machines."""
        if self.host != platform.node():
            return False
        return not _is_alive(self.pid) or _started(self.pid) != self.started


class HeldError(InputError):
    """Somebody else holds the lock.

    Attributes
    ----------
    holder : Holder or None
        Who; None where the lock cannot be read.
    """

    def __init__(self, text: str, holder: Holder | None) -> None:
        super().__init__(text)
        self.holder = holder


@contextlib.contextmanager
def locked(folder: ClipFolder) -> Iterator[None]:
    """Hold the folder for the length of the block.

    The lock of a process that has ended on this machine is taken over.

    Raises
    ------
    HeldError
        If another process works on it, with its number.
    OutputError
        If the folder cannot be written.
    """
    with writing(folder.lock):
        folder.work.mkdir(parents=True, exist_ok=True)
    with holding(folder.lock):
        yield


@contextlib.contextmanager
def holding(lock: Path) -> Iterator[None]:
    """Hold a lock file, whose folder exists, for the length of the block.

    The lock of a process that has ended on this machine is taken over.

    Raises
    ------
    HeldError
        If another process holds it, with its number.
    OutputError
        If the lock cannot be written.
    """
    with writing(lock):
        _take(lock, own_holder())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            # A disk that has become read-only keeps the lock; its owner is then seen to be gone.
            lock.unlink()


def living_holder(lock: Path) -> Holder | None:
    """Return who holds a lock; None where nobody does, or the holder has ended."""
    try:
        holder = _holder_of(lock.read_text("utf-8", errors="replace"))
    except OSError:
        return None
    return None if holder is None or holder.is_gone else holder


def own_holder() -> Holder:
    """Return what this process writes into its locks."""
    return Holder(pid=os.getpid(), host=platform.node(), started=_started(os.getpid()))


def _take(lock: Path, own: Holder) -> None:
    text = json.dumps(dataclasses.asdict(own))
    while True:
        try:
            descriptor = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            _judge(lock)
            continue
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
        except OSError:
            lock.unlink()
            raise
        _sweep(lock)
        return


def _sweep(lock: Path) -> None:
    """Remove stale locks that were moved aside by a process killed before it removed them."""
    for aside in lock.parent.glob(f"{lock.name}{ASIDE}*"):
        mover = aside.name.removeprefix(f"{lock.name}{ASIDE}")
        with contextlib.suppress(FileNotFoundError):
            holder = _holder_of(aside.read_text("utf-8", errors="replace"))
            is_nobodys = holder is None or holder.is_gone
            if is_nobodys and mover.isdecimal() and not _is_alive(int(mover)):
                aside.unlink()


def _judge(lock: Path) -> None:
    """Remove a dead owner's lock; raise for a living one's."""
    found = _patiently_read(lock)
    if found is None:
        return
    holder = _holder_of(found)
    if holder is not None and not holder.is_gone:
        raise HeldError(_refusal(lock, holder), holder)
    remove_stale(lock, found)


def remove_stale(lock: Path, found: str) -> None:
    """Remove the lock whose text was judged stale, and no other.

    Two processes may judge the same lock: the slower one would remove the quicker one's new
    lock. So it is moved aside first, looked at, and given back if it is not the one judged.

    Raises
    ------
    HeldError
        If another process has taken the lock over meanwhile.
    """
    aside = lock.with_name(f"{lock.name}{ASIDE}{os.getpid()}")
    try:
        lock.replace(aside)
    except FileNotFoundError:
        return
    taken = aside.read_text("utf-8", errors="replace")
    if taken == found:
        aside.unlink()
        return
    aside.rename(lock)
    holder = _holder_of(taken)
    raise HeldError(_refusal(lock, holder), holder)


def _patiently_read(lock: Path) -> str | None:
    """Text of the lock; None if it is gone."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            text = lock.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return None
        if _holder_of(text) is not None or time.monotonic() > deadline:
            return text
        time.sleep(0.05)


def _holder_of(text: str) -> Holder | None:
    try:
        record = json.loads(text)
        return Holder(
            pid=int(record["pid"]), host=str(record["host"]), started=str(record["started"])
        )
    except (ValueError, KeyError, TypeError):
        return None


def _refusal(lock: Path, holder: Holder | None) -> str:
    who = f"process {holder.pid} on {holder.host}" if holder else "another process"
    advice = "wait for it, or stop it"
    if holder and holder.host != platform.node():
        advice = f"wait for it; if that machine no longer works on it, delete {lock}"
    return f"{lock.parent.parent} is being worked on by {who}; {advice}"


def _started(pid: int) -> str:
    """When a process began, in the kernel's clock ticks since boot; empty where unknown."""
    try:
        record = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return ""
    # The name in brackets may hold blanks; the start time is the 20th field after it.
    return record.rpartition(")")[2].split()[19]


if sys.platform == "win32":
    import ctypes

    STILL_ACTIVE = 259
    QUERY_LIMITED_INFORMATION = 0x1000

    def _is_alive(pid: int) -> bool:
        # os.kill(pid, 0) would send Ctrl-C here.
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(QUERY_LIMITED_INFORMATION, False, pid)  # noqa: FBT003
        if not handle:
            return False
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == STILL_ACTIVE

else:

    def _is_alive(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
