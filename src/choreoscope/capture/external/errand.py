"""What is to be taken in for one clip, where it lies, and what has changed there since."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from choreoscope.capture.external.decisions import Decision
from choreoscope.capture.external.delivery import Delivery, Finder, Source, Stillness
from choreoscope.capture.external.missing import clip_root, roots
from choreoscope.capture.external.options import ExternalOptions, PassSource
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.video import Video
from choreoscope.formats.external_json import Taken, WindowRecord, read_window

GROWING = "it is still being written"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be taken in for one clip.

    Attributes
    ----------
    stage : str
        Name of the stage.
    known : tuple of str
        Passes the stage can write.
    options : ExternalOptions
        What the user said.
    folder : Path
        The clip's folder.
    clip_id : str
        Its name.
    frames : FrameRange
        Source frames of the clip.
    video : Video
        The film.
    """

    stage: str
    known: tuple[str, ...]
    options: ExternalOptions
    folder: Path
    clip_id: str
    frames: FrameRange
    video: Video

    @property
    def passes(self) -> dict[str, PassSource]:
        """Passes to wait for.

        Raises
        ------
        InputError
            If the user names one that the stage does not write.
        """
        passes = self.options.expected(self.known)
        other = [name for name in passes if name not in self.known]
        if other:
            raise InputError(
                f"stage '{self.stage}' takes in {', '.join(self.known)}, not {', '.join(other)}"
            )
        return passes

    @property
    def names(self) -> dict[str, str]:
        """What names in braces stand for."""
        path = Path(self.video.path)
        film = path.stem if self.video.kind == "film" else path.name
        return {"film": film, "clip": self.clip_id, "stage": self.stage}

    @property
    def delivery_folder(self) -> Path:
        """Where the other program puts its files."""
        out = self.folder.parent
        places = {"external": "{out}/delivered", **self.names, "out": str(out)}
        text = str(self.options.folder)
        for name, value in places.items():
            text = text.replace(f"{{{name}}}", value)
        path = Path(text).expanduser()
        return path if path.is_absolute() else out / path

    def finder(self, quiet: float, before: Mapping[str, Decision]) -> Finder:
        """Return what looks for files."""
        settled = {name: decision.numberings for name, decision in before.items()}
        return Finder(self.passes, self.names, Stillness(quiet), settled)

    def look(self, finder: Finder) -> Delivery:
        """See what is there now."""
        main = clip_root(self.delivery_folder, self.frames, self.video.frame_count)
        return finder.look((main, *roots(self.folder, self.stage)))


def decided(records: Iterable[WindowRecord]) -> dict[str, Decision]:
    """Gather what earlier runs decided; the earliest decision stays."""
    found: dict[str, Decision] = {}
    for record in records:
        for name, fields in record.decisions.items():
            fresh = Decision.of_record(fields)
            old = found.get(name, fresh)
            found[name] = Decision(
                numberings={**fresh.numberings, **old.numberings},
                background=old.background or fresh.background,
                signed=fresh.signed if old.signed is None else old.signed,
                depth=old.depth or fresh.depth,
            )
    return found


def is_same(taken: Taken | None, source: Source | None) -> bool:
    """Whether a frame's file is the one it was taken from, or has only gone since."""
    if taken is None or taken.fault:
        return False
    return (
        source is None
        or source.is_growing
        or (source.file.stamp == taken.file.stamp and source.picture == taken.picture)
    )


def gaps_of(record: WindowRecord, passes: Iterable[str]) -> dict[int, str]:
    """Frames of a window that lack something, and what, in words."""
    expected = tuple(passes)
    gaps: dict[int, str] = {}
    for frame in record.frames:
        absent, faults = [], []
        for name in expected:
            taken = record.taken.get(name, {}).get(frame)
            if taken is None:
                absent.append(name)
            elif taken.fault:
                faults.append(f"{name}: {taken.fault} ({taken.file.path})")
        if absent or faults:
            gaps[frame] = "; ".join(([f"no {', '.join(absent)}"] if absent else []) + faults)
    return gaps


def outdated_frames(errand: Errand) -> FrameSet:
    """Frames for which something has been delivered since they were taken in.

    New files for frames with gaps, and files that were changed; files that have only gone do not
    count. Nothing is read but names, sizes and times.

    Raises
    ------
    InputError
        If two files claim the same frame.
    """
    kind_folder = errand.folder / "work" / "external" / errand.stage
    records = [read_window(path) for path in sorted(kind_folder.glob("*.json"))]
    finder = errand.finder(0.0, decided(records))
    delivery = errand.look(finder)
    taken = {
        (name, frame): one
        for record in records
        for name, frames in record.taken.items()
        for frame, one in frames.items()
    }
    return FrameSet.of(
        frame
        for name, sources in delivery.sources.items()
        for frame, source in sources.items()
        if _is_news(taken.get((name, frame)), source)
    )


def _is_news(taken: Taken | None, source: Source) -> bool:
    if taken is None:
        return True
    return taken.file.stamp != source.file.stamp or (
        taken.fault == GROWING or (not taken.fault and taken.picture != source.picture)
    )
