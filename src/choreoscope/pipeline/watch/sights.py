"""What lies in the watched folder now: films, series of frames, and what is neither."""

import dataclasses
import fnmatch
import hashlib
import os
import re
import stat as modes
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from choreoscope.pipeline.watch.names import natural_key
from choreoscope.pipeline.watch.options import WatchOptions

UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart")
OF_SYSTEMS = (
    *("thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("lost+found", "@eadir", "#recycle", "__macosx"),
)

PICTURES = "(pictures)"
"""Stands for all pictures of a folder that is no series."""

Kind = Literal["film", "series", "other"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """By what one sees that a film has changed.

    Attributes
    ----------
    size : int
        Bytes, of all files of a series together.
    modified_ns : int
        Time of change as its disk tells it, the newest of a series. Only ever compared with
        itself: clocks are set back, and network drives have their own.
    files : int
        Number of files.
    listing : str
        Digest of names, sizes and times of a series; empty for a film.
    """

    size: int
    modified_ns: int
    files: int = 1
    listing: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Something that lies in the folder.

    Attributes
    ----------
    film : str
        Path below the watched folder, with forward slashes.
    stamp : Stamp or None
        None for what is no film.
    why : str
        Why it is no film.
    """

    film: str
    kind: Kind
    stamp: Stamp | None = None
    why: str = ""


def is_ignored(name: str) -> bool:
    """Whether a name is that of a hidden, unfinished or system's file."""
    plain = name.casefold()
    return (
        plain.startswith((".", "~$")) or plain.endswith(("~", *UNFINISHED)) or plain in OF_SYSTEMS
    )


def look_around(source: Path, options: WatchOptions, leave: Path) -> list[Sight]:
    """List everything below a folder, in natural order of the paths.

    Parameters
    ----------
    leave : Path
        Resolved folder of the results, which may lie inside.

    Raises
    ------
    OSError
        If the folder itself cannot be listed.
    """
    eye = _Eye(options, leave)
    sights = eye.folder(source, "", _entries(source), (source.resolve(),))
    return sorted(sights, key=lambda sight: natural_key(sight.film))


def stamp_of(path: Path, kind: Kind) -> Stamp:
    """Stamp of one film or series.

    Raises
    ------
    OSError
        If it is gone or cannot be reached.
    """
    if kind == "series":
        return _series_stamp(_entries(path))
    found = path.stat()
    return Stamp(size=found.st_size, modified_ns=found.st_mtime_ns)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as listing:
        return list(listing)


def _series_stamp(entries: list[os.DirEntry[str]]) -> Stamp:
    """Stamp of all files: one that is still being copied under another name counts as well."""
    digest = hashlib.sha256()
    size = newest = count = 0
    for entry in sorted(entries, key=lambda entry: entry.name):
        if entry.name.casefold() in (*OF_SYSTEMS, ".ds_store") or entry.is_dir():
            continue
        found = entry.stat()
        size, newest, count = size + found.st_size, max(newest, found.st_mtime_ns), count + 1
        line = f"{entry.name}\0{found.st_size}\0{found.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", errors="backslashreplace"))
    return Stamp(size=size, modified_ns=newest, files=count, listing=digest.hexdigest()[:16])


class _Eye:
    """Goes through the folders."""

    def __init__(self, options: WatchOptions, leave: Path) -> None:
        self._options = options
        self._leave = leave

    def folder(
        self, path: Path, relative: str, entries: list[os.DirEntry[str]], above: tuple[Path, ...]
    ) -> Iterator[Sight]:
        """List one folder whose entries are known; `above` are the folders it lies in."""
        pictures = 0
        for entry in entries:
            name = f"{relative}{entry.name}"
            if is_ignored(entry.name) or self._matches(name, self._options.exclude):
                continue
            if _is_folder(entry):
                yield from self._inner(path / entry.name, name, above)
            elif self._has_suffix(entry.name, self._options.picture_suffixes):
                pictures += 1
            else:
                yield from self._file(entry, name)
        if pictures:
            yield Sight(
                film=f"{relative}{PICTURES}",
                kind="other",
                why="pictures beside films: a series needs a folder of its own",
            )

    def _inner(self, path: Path, relative: str, above: tuple[Path, ...]) -> Iterator[Sight]:
        try:
            real = path.resolve()
            if real == self._leave or real in above:
                # The results, or a link that leads back up.
                return
            entries = _entries(path)
            if self._is_series(entries):
                yield from self._series(path, relative, entries)
                return
        except OSError as error:
            why = f"this folder may not be read ({error.strerror}); check its permissions"
            yield Sight(film=relative, kind="other", why=why)
            return
        yield from self.folder(path, f"{relative}/", entries, (*above, real))

    def _is_series(self, entries: list[os.DirEntry[str]]) -> bool:
        """Whether there are numbered pictures and no film among them."""
        names = [entry.name for entry in entries if not is_ignored(entry.name)]
        if any(self._has_suffix(name, self._options.suffixes) for name in names):
            return False
        pictures = (
            name for name in names if self._has_suffix(name, self._options.picture_suffixes)
        )
        return any(re.search(r"\d", Path(name).stem) for name in pictures)

    def _series(
        self, path: Path, relative: str, entries: list[os.DirEntry[str]]
    ) -> Iterator[Sight]:
        if self._matches(relative, self._options.include):
            yield Sight(film=relative, kind="series", stamp=_series_stamp(entries))
        for entry in entries:
            if _is_folder(entry) and not is_ignored(entry.name):
                if (path / entry.name).resolve() == self._leave:
                    continue
                why = "a folder inside a series of frames is not looked into"
                yield Sight(film=f"{relative}/{entry.name}", kind="other", why=why)

    def _file(self, entry: os.DirEntry[str], name: str) -> Iterator[Sight]:
        if not self._matches(name, self._options.include):
            return
        try:
            found = entry.stat()
        except OSError as error:
            if entry.is_symlink():
                yield Sight(film=name, kind="other", why="a link that leads nowhere")
            elif not isinstance(error, FileNotFoundError):
                why = f"it may not be looked at ({error.strerror}); check its permissions"
                yield Sight(film=name, kind="other", why=why)
            return
        if not modes.S_ISREG(found.st_mode):
            yield Sight(film=name, kind="other", why="neither a file nor a folder")
        elif self._has_suffix(entry.name, self._options.suffixes):
            stamp = Stamp(size=found.st_size, modified_ns=found.st_mtime_ns)
            yield Sight(film=name, kind="film", stamp=stamp)
        else:
            suffix = Path(entry.name).suffix
            why = f"files ending in {suffix} are no films" if suffix else "no film by its name"
            yield Sight(film=name, kind="other", why=why)

    @staticmethod
    def _has_suffix(name: str, suffixes: tuple[str, ...]) -> bool:
        return Path(name).suffix.lower() in suffixes

    @staticmethod
    def _matches(relative: str, patterns: tuple[str, ...]) -> bool:
        name = relative.rpartition("/")[2]
        return any(
            fnmatch.fnmatch(text.casefold(), pattern.casefold())
            for pattern in patterns
            for text in (name, relative)
        )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
