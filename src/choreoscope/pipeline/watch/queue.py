"""The folder of the queue: records, locks, progress, and the queue's own log.

Whoever changes a record holds the film's lock and reads the record again under it, so any number
of watchers on any number of machines share one queue.
"""

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.pipeline.folder import writing
from choreoscope.pipeline.lock import holding
from choreoscope.pipeline.watch.names import places
from choreoscope.pipeline.watch.records import FilmRecord, of_text, to_text

MAX_LOG_BYTES = 5_000_000

Signature = tuple[int, int, int]


class DamagedRecordError(InputError):
    """A record that cannot be read."""


class QueueFolder:
    """The records of one folder of results.

    Parameters
    ----------
    out : Path
        Folder of all results.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out / "queue"
        self._known: dict[str, tuple[Signature, FilmRecord]] = {}

    @property
    def log(self) -> Path:
        """What was told, line by line."""
        return self.folder / "log.txt"

    def lock(self, key: str) -> Path:
        """Exists while somebody works on the film or changes its record."""
        return self.folder / "locks" / key

    def progress(self, key: str) -> Path:
        """How far the work on the film is; exists only meanwhile."""
        return self.folder / "progress" / f"{key}.json"

    def record(self, key: str) -> Path:
        """Return where the film's record is kept."""
        return self.folder / f"{key}.json"

    def make(self) -> None:
        """Make the folders; that of the results too, but none above it.

        Raises
        ------
        OutputError, OSError
            If they cannot be made. A missing folder above may be a drive that is not there, and
            must not be made on the wrong disk.
        """
        with writing(self.out):
            for folder in (self.out, self.folder, self.folder / "locks", self.folder / "progress"):
                folder.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def holding(self, key: str) -> Iterator[None]:
        """Hold a film's lock.

        Raises
        ------
        HeldError
            If somebody else holds it.
        OutputError, OSError
            If the folder cannot be written.
        """
        with holding(self.lock(key)):
            yield

    def read(self, key: str) -> FilmRecord | None:
        """Read a film's record; None if there is none.

        Raises
        ------
        DamagedRecordError
            If it cannot be read.
        InputError
            If a newer Choreoscope wrote it.
        OSError
            If the folder cannot be reached.
        """
        path = self.record(key)
        try:
            record = of_text(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise DamagedRecordError(f"{path} is damaged ({error})") from error
        if key not in {place.key for place in places(record.film)}:
            raise DamagedRecordError(f"{path} is the record of {record.film}, under another name")
        return record

    def read_all(self) -> tuple[Mapping[str, FilmRecord], list[str]]:
        """Read every record that has changed since the last time.

        Returns
        -------
        records : dict
            By key.
        damaged : list of str
            Keys of those that cannot be read.
        """
        known, damaged = {}, []
        with os.scandir(self.folder) as listing:
            entries = [entry for entry in listing if entry.name.endswith(".json")]
        for entry in entries:
            key = entry.name.removesuffix(".json")
            if entry.name.startswith(".") or entry.name == _SOURCE_NAME:
                continue
            try:
                found = entry.stat()
                signature = (found.st_mtime_ns, found.st_size, found.st_ino)
                before = self._known.get(key)
                if before is not None and before[0] == signature:
                    known[key] = before
                elif (record := self.read(key)) is not None:
                    known[key] = (signature, record)
            except FileNotFoundError:
                continue
            except DamagedRecordError:
                damaged.append(key)
        self._known = known
        return {key: record for key, (_, record) in known.items()}, damaged

    def write(self, key: str, record: FilmRecord) -> None:
        """Write a film's record; the film's lock is held.

        Raises
        ------
        OutputError, OSError
            If the folder cannot be written.
        """
        write_whole(self.record(key), to_text(record), lasting=True)

    def set_aside(self, key: str) -> Path:
        """Move a damaged record out of the way; the film's lock is held."""
        folder = self.folder / "damaged"
        folder.mkdir(exist_ok=True)
        aside = folder / f"{key}.json"
        number = 1
        while aside.exists():
            number += 1
            aside = folder / f"{key}-{number}.json"
        self.record(key).rename(aside)
        return aside

    def note_source(self, source: Path) -> None:
        """Keep which folder is watched, for those who only look at the queue."""
        record = {"schema": 1, "source": str(source)}
        write_whole(self.folder / _SOURCE_NAME, json.dumps(record) + "\n", lasting=False)

    def source(self) -> Path | None:
        """Return which folder is watched; None where that is not known."""
        try:
            return Path(json.loads((self.folder / _SOURCE_NAME).read_text("utf-8"))["source"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep_in_log(self, text: str) -> None:
        """Add a line to the queue's log; a log that cannot be written stops nothing."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        with contextlib.suppress(OSError):
            if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
                self.log.replace(self.log.with_name("log.old.txt"))
            with self.log.open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(f"{now} {text}\n")


_SOURCE_NAME = "source.json"


def write_whole(path: Path, text: str, *, lasting: bool) -> None:
    """Write a small file so that readers see the old one or the new one, never half of it.

    Parameters
    ----------
    path : Path
        Its folder exists.
    lasting : bool
        Whether to wait until it is on the disk, so that a power cut cannot hollow it out.

    Raises
    ------
    OutputError, OSError
        If it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with writing(path):
            with temporary.open("wb") as file:
                # A name that is no valid Unicode becomes its JSON escape and reads back as it was.
                file.write(text.encode("utf-8", errors="backslashreplace"))
                if lasting:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
    except (OSError, OutputError):
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
