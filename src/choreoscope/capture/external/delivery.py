"""What another program has delivered so far: which file is which frame of which pass."""

import dataclasses
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from choreoscope.capture.external.numbering import Numbering, Wanted, declared, guessed
from choreoscope.capture.external.options import PassSource
from choreoscope.capture.external.patterns import Match, Pattern
from choreoscope.datatypes.errors import InputError
from choreoscope.formats.external_json import SourceFile
from choreoscope.formats.video import probe_film

SHOWN = 3
DEEPEST = 8
"""Folders within folders; a link to a folder above would go on for ever."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A folder that files are looked for in.

    Attributes
    ----------
    name : str
        Empty for the delivery itself, else the name of a set of missing frames.
    folder : Path
        Need not exist.
    frames : tuple of int
        Source frames it is for, in order.
    wanted : Wanted
        For guessing numbers.
    """

    name: str
    folder: Path
    frames: tuple[int, ...] | range
    wanted: Wanted


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A frame of a pass as delivered.

    Attributes
    ----------
    full : Path
        Where the file lies.
    picture : int or None
        Number of the picture in a film file.
    is_growing : bool
        Whether it may still be being written.
    """

    file: SourceFile
    full: Path
    picture: int | None
    is_growing: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Everything there at one moment.

    Attributes
    ----------
    sources : dict
        Pass to source frame to file.
    numberings : dict
        Pass to root to how it is numbered.
    unusable : dict
        Pass to film file that cannot be read, and why.
    notes : tuple of str
        What a person should know.
    """

    sources: Mapping[str, Mapping[int, Source]]
    numberings: Mapping[str, Mapping[str, Numbering]]
    unusable: Mapping[str, tuple[Source, str]]
    notes: tuple[str, ...]


class Stillness:
    """Tells files that are still growing from finished ones.

    A file whose last change is `quiet` seconds ago is finished. Where the clock of the disk and
    ours disagree, it has to be seen unchanged for that long.

    Parameters
    ----------
    quiet : float
        Seconds.
    now, wall : callable
        Seconds from any moment on; seconds since 1970.
    """

    def __init__(
        self,
        quiet: float,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._quiet = quiet
        self._now = now
        self._wall = wall
        self._seen: dict[tuple[str, str], tuple[int, int, float, bool]] = {}

    def is_still(self, file: SourceFile) -> bool:
        """Whether a file has stopped changing."""
        key, now = (file.root, file.path), self._now()
        before = self._seen.get(key)
        if before is None or before[:2] != (file.size, file.mtime_ns):
            self._seen[key] = (file.size, file.mtime_ns, now, before is not None)
        _, _, since, was_seen_changing = self._seen[key]
        if now - since >= self._quiet:
            return True
        # A copy may bear the original's time from its first byte on.
        age = self._wall() - file.mtime_ns / 1e9
        return not was_seen_changing and age >= self._quiet


class Finder:
    """Looks for deliveries, as often as asked.

    Parameters
    ----------
    passes : dict
        Pass to what the user said about it.
    names : dict
        What ``{film}`` and the like stand for in patterns.
    stillness : Stillness
        Which files are finished.
    settled : dict
        Pass to root to numbering, as decided in an earlier run.
    """

    def __init__(
        self,
        passes: Mapping[str, PassSource],
        names: Mapping[str, str],
        stillness: Stillness,
        settled: Mapping[str, Mapping[str, Numbering]] | None = None,
    ) -> None:
        self._passes = passes
        self._stillness = stillness
        self._settled = settled or {}
        self._patterns = {name: Pattern(one.pattern, names) for name, one in passes.items()}
        # In a folder of missing frames, a pass's own folder will do as well.
        self._answers = {
            name: Pattern(f"{one.pattern}|{name}/*|{name}.*", names) for name, one in passes.items()
        }
        self._matches: dict[tuple[str, str], tuple[tuple[str, Match], ...]] = {}
        self._lengths: dict[tuple[str, str, int, int], int | str] = {}

    def look(self, roots: tuple[Root, ...]) -> Delivery:
        """See what is there now; of two files for a frame the newer one counts.

        Raises
        ------
        InputError
            If two files of one folder claim the same frame of a pass.
        """
        sources: dict[str, dict[int, Source]] = {name: {} for name in self._passes}
        numberings: dict[str, dict[str, Numbering]] = {name: {} for name in self._passes}
        unusable: dict[str, tuple[Source, str]] = {}
        notes: list[str] = []
        for root in roots:
            found = self._found(root, unusable)
            for name, numbering in self._numbered(root, found).items():
                numberings[name][root.name] = numbering
                stray = _assign(sources[name], found[name], numbering.first, root)
                all_stray = len(stray) == len(found[name])
                if stray and (all_stray or not numbering.is_certain):
                    notes.append(_stray(name, stray, numbering, root))
        return Delivery(
            sources=sources, numberings=numberings, unusable=unusable, notes=tuple(notes)
        )

    def _found(
        self, root: Root, unusable: dict[str, tuple[Source, str]]
    ) -> dict[str, dict[int, Source]]:
        """Pass to number to file."""
        by_pass: dict[str, list[tuple[Match, SourceFile]]] = defaultdict(list)
        for file in files_below(root):
            for name, match in self._matched(root, file.path):
                by_pass[name].append((match, file))
        found: dict[str, dict[int, Source]] = {}
        for name, matches in by_pass.items():
            best = min((match.number is None, match.alternative) for match, _ in matches)
            chosen = [
                (match, file)
                for match, file in matches
                if (match.number is None, match.alternative) == best
            ]
            _check_doubles(name, root, chosen)
            if best[0]:
                numbered = self._of_film(name, root, chosen[0][1], unusable)
            else:
                numbered = {
                    match.number: self._source(root, file, None)
                    for match, file in chosen
                    if match.number is not None
                }
            found[name] = numbered
        return found

    def _matched(self, root: Root, path: str) -> tuple[tuple[str, Match], ...]:
        # A delivery of 100,000 frames is looked at again and again; names do not change.
        key = ("" if not root.name else "answer", path)
        if key not in self._matches:
            patterns = self._answers if root.name else self._patterns
            pairs = ((name, pattern.match(path)) for name, pattern in patterns.items())
            self._matches[key] = tuple((name, match) for name, match in pairs if match)
        return self._matches[key]

    def _source(self, root: Root, file: SourceFile, picture: int | None) -> Source:
        return Source(
            file=file,
            full=root.folder / file.path,
            picture=picture,
            is_growing=not self._stillness.is_still(file),
        )

    def _of_film(
        self, name: str, root: Root, file: SourceFile, unusable: dict[str, tuple[Source, str]]
    ) -> dict[int, Source]:
        source = self._source(root, file, None)
        if source.is_growing:
            unusable[name] = (source, "it is still being written")
            return {}
        length = self._lengths.get(file.stamp)
        if length is None:
            try:
                length = probe_film(source.full).frame_count
            except InputError as error:
                length = str(error).replace(str(source.full), "the film")
            self._lengths[file.stamp] = length
        if isinstance(length, str):
            unusable[name] = (source, length)
            return {}
        return {at: dataclasses.replace(source, picture=at) for at in range(length)}

    def _numbered(
        self, root: Root, found: Mapping[str, Mapping[int, Source]]
    ) -> dict[str, Numbering]:
        numberings: dict[str, Numbering] = {}
        agreed: list[int] = [] if not root.name else [root.wanted.start]
        for name, files in found.items():
            known = self._known(name, root)
            numbering = known or guessed(files, root.wanted, agreed)
            if numbering is not None:
                numberings[name] = numbering
                if numbering.is_certain and next(iter(files.values())).picture is None:
                    agreed.append(numbering.first)
        for name, numbering in numberings.items():
            if not numbering.is_certain and self._known(name, root) is None:
                # Passes that came later in the round may know better.
                better = guessed(found[name], root.wanted, agreed)
                numberings[name] = better or numbering
        return numberings

    def _known(self, name: str, root: Root) -> Numbering | None:
        said = self._passes[name].first_number
        if not root.name and said != "guess":
            return declared(said, root.wanted)
        return self._settled.get(name, {}).get(root.name)


def _assign(
    taken: dict[int, Source], found: Mapping[int, Source], first: int, root: Root
) -> list[int]:
    """Give files to frames; return numbers that belong to none."""
    stray = []
    for number, source in found.items():
        if not 0 <= number - first < len(root.frames):
            stray.append(number)
            continue
        frame = root.frames[number - first]
        there = taken.get(frame)
        if there is None or there.file.mtime_ns <= source.file.mtime_ns:
            taken[frame] = source
    return sorted(stray)


def _stray(name: str, stray: list[int], numbering: Numbering, root: Root) -> str:
    shown = ", ".join(map(str, stray[:SHOWN])) + (", ..." if len(stray) > SHOWN else "")
    last = numbering.first + len(root.frames) - 1
    return (
        f"{name}: numbers {shown} lie outside {numbering.first} to {last} and were left; if the "
        f"numbers begin elsewhere, set first_number"
    )


def _check_doubles(name: str, root: Root, chosen: list[tuple[Match, SourceFile]]) -> None:
    by_number: dict[int | None, str] = {}
    for match, file in chosen:
        other = by_number.setdefault(match.number, file.path)
        if other != file.path:
            what = "film" if match.number is None else f"frame {match.number}"
            raise InputError(
                f"{root.folder}: two files for {what} of {name}: {other} and {file.path}; "
                f"take one away or make the pattern narrower"
            )


def files_below(root: Root) -> list[SourceFile]:
    """List all files of a folder but hidden ones; nothing if it is not there."""
    found: list[SourceFile] = []
    waiting = [(root.folder, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        if depth < DEEPEST:
                            waiting.append((Path(entry.path), depth + 1))
                    else:
                        found.append(_described(root, entry))
        except OSError:
            # Not there yet, or taken away while we look: the next look tells.
            continue
    return sorted(found, key=lambda file: file.path)


def _described(root: Root, entry: "os.DirEntry[str]") -> SourceFile:
    facts = entry.stat()
    return SourceFile(
        root=root.name,
        path=Path(entry.path).relative_to(root.folder).as_posix(),
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
    )
