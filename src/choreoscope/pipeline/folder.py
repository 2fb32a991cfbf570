"""A clip's folder: where the engine keeps its own files, and how it writes them.

Everything that is not for users lies under ``work/``.
"""

import contextlib
import dataclasses
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from choreoscope.datatypes.errors import OutputError

REASONS = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EROFS: "the disk is read-only; choose another place with --out",
    errno.EACCES: "no permission to write here, or another program has the file open",
    errno.EPERM: "no permission to write here",
    errno.EFBIG: "the file would be larger than this disk or account allows",
    errno.ENAMETOOLONG: "the name is too long for this disk; choose a shorter --out",
    errno.ENOTDIR: "a file stands where a folder is needed; move it away",
    errno.EEXIST: "a file stands where a folder is needed; move it away",
    errno.EISDIR: "a folder stands where a file is needed; move it away",
    errno.EXDEV: "part of the folder lies on another disk; keep the whole folder on one disk",
}
"""Why writing fails, in words; other errors are no fault of the place."""


@dataclasses.dataclass(frozen=True, slots=True)
class ClipFolder:
    """Places inside the folder of one clip.

    Attributes
    ----------
    root : Path
        The folder users look into.
    """

    root: Path

    @property
    def work(self) -> Path:
        """Everything that is not for users."""
        return self.root / "work"

    @property
    def lock(self) -> Path:
        """Exists while a process works on the folder."""
        return self.work / "lock"

    @property
    def log(self) -> Path:
        """What each run did, and why it failed."""
        return self.work / "log.txt"

    @property
    def temporary(self) -> Path:
        """Files being written; emptied at the start and at the end of every run."""
        return self.work / "tmp"

    def manifest(self, stage: str) -> Path:
        """Record of a stage's result."""
        return self.work / "manifests" / f"{stage}.json"

    def failure(self, stage: str) -> Path:
        """Why a stage's last run made no result; absent after a success."""
        return self.work / "failures" / f"{stage}.json"

    @property
    def aside(self) -> Path:
        """Files that were in the way, in the same subfolders; nothing here is ever removed."""
        return self.work / "set-aside"

    def moving(self, stage: str) -> Path:
        """Paths of files that are being moved in or out; exists only meanwhile."""
        return self.work / "moving" / f"{stage}.json"

    def tidy(self) -> None:
        """Remove what only a run needs.

        Raises
        ------
        OutputError
            If it cannot be removed.
        """
        self.clear_temporary()
        self.remove_empty(self.moving("x").parent)
        self.remove_empty(self.failure("x").parent)

    def clear_temporary(self) -> None:
        """Remove all unfinished files.

        Raises
        ------
        OutputError
            If they cannot be removed.
        """
        with writing(self.temporary):
            if self.temporary.exists():
                shutil.rmtree(self.temporary)

    @property
    def needs_tidying(self) -> bool:
        """Whether a run that was stopped, or one that failed, has left something behind."""
        places = (self.lock, self.temporary, self.moving("x").parent, self.failure("x").parent)
        return any(place.exists() for place in places)

    def remove(self, path: str) -> None:
        """Remove a file (if it is there) and the folders that this leaves empty.

        Parameters
        ----------
        path : str
            Relative to the root.
        """
        (self.root / path).unlink(missing_ok=True)
        self.remove_empty((self.root / path).parent)

    def set_aside(self, path: str) -> str:
        """Move a file out of the way, to where nothing overwrites it.

        Parameters
        ----------
        path : str
            Relative to the root.

        Returns
        -------
        str
            Where it lies now, relative to the root.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        place = self.aside / path
        number = 1
        while place.exists():
            number += 1
            place = (self.aside / path).with_name(f"{number}-{Path(path).name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).replace(place)
        return place.relative_to(self.root).as_posix()

    def remove_empty(self, folder: Path) -> None:
        """Remove `folder` and those above it, up to the root, as far as they are empty."""
        while folder not in (self.root, self.work) and folder.is_relative_to(self.root):
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                # Somebody's file is in it, so it stays.
                return
            folder = folder.parent

    def write_record(self, path: Path, text: str) -> None:
        """Write a small file so that readers see the old one or the new one, never half of it.

        Parameters
        ----------
        path : Path
            Inside the folder.
        text : str
            Whole content.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.temporary.mkdir(parents=True, exist_ok=True)
        temporary = self.temporary / f"{path.parent.name}-{path.name}"
        with temporary.open("wb") as file:
            # A name that is no valid Unicode becomes its JSON escape, so it reads back as it was.
            file.write(text.encode("utf-8", errors="backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def settle(path: Path) -> None:
    """Wait until a file's bytes are on the disk, so that a power cut cannot hollow it out."""
    # Windows flushes only through a handle that may write.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the disk's refusals inside the block into an `OutputError` in words.

    Raises
    ------
    OutputError
        Naming the path and the reason; other `OSError` pass unchanged.
    """
    try:
        yield
    except OSError as error:
        refused = refusal(error, path)
        if refused is None:
            raise
        raise refused from error


def refusal(error: OSError, path: Path) -> OutputError | None:
    """Say in words why the disk refused; None if the error is of another kind."""
    reason = REASONS.get(error.errno or 0)
    if reason is None:
        return None
    return OutputError(f"cannot write {error.filename2 or error.filename or path}: {reason}")
