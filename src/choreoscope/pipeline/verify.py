"""Everything a result consists of, read again and compared with its records and with the film.

Frames a file must hold, by what one file is for:

========  ==========================================================================================
film      every wanted frame of the film, without those recorded as failed (they do not decode)
clip      every frame of the clip, without those recorded as failed; a file that knows only how
          many it holds must hold so many
window    every frame of the window, without those recorded as failed; none outside of it
frame     that frame
person    frames of the clip and no others; where it is made from one other file per person alone
          (BVH and GLB from the motion), the same ones or as many
========  ==========================================================================================

Pictures must be as large as the film's, or as the stage promises. A file that was edited by hand
has to open; in what it differs from the film is told as a note.
"""

import dataclasses
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from choreoscope.datatypes.artifacts import Manifest, WrittenFile, kind_of
from choreoscope.datatypes.errors import WITH_GAPS, InputError, OutputError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.datatypes.passes import PASSES
from choreoscope.pipeline.condition import opened
from choreoscope.pipeline.digests import sha256_of
from choreoscope.pipeline.events import Events, Progress, StageFinished, ignore
from choreoscope.pipeline.manifest import failed_frames, read_manifest
from choreoscope.pipeline.stage import Contents, Stage
from choreoscope.pipeline.status import StageStatus, Unit, unit_status
from choreoscope.pipeline.strangers import strangers

Sort = Literal["broken", "changed", "gap"]

VERIFY = "verify"
"""Stands where events name a stage."""

BROKEN = OutputError.exit_code
"""Exit codes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is not as it should be.

    Attributes
    ----------
    unit, stage : str
        Where.
    path : str
        The file, relative to the unit's folder; empty where it is no matter of one file.
    sort : {"broken", "changed", "gap"}
        Is not there, does not open or contradicts the film; opens, but is not as it was made;
        frames that were never made or could not be.
    expected, got : str
        In words.
    frames : FrameSet
        Source frames concerned; empty where it is no matter of frames.
    """

    unit: str
    stage: str
    sort: Sort
    expected: str
    got: str
    path: str = ""
    frames: FrameSet = dataclasses.field(default_factory=FrameSet)


@dataclasses.dataclass(slots=True, kw_only=True)
class Findings:
    """What a look at everything found.

    Attributes
    ----------
    faults : list of Fault
        In the order of clips, stages and files.
    notes : list of str
        What is to be known and no fault.
    files, size : int
        Files that were read, and their bytes.
    frames, complete : int
        Source frames of all clips, and those that every stage has made.
    stages : int
        Stages of the clip with most of them.
    """

    faults: list[Fault] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    files: int = 0
    size: int = 0
    frames: int = 0
    complete: int = 0
    stages: int = 0

    @property
    def exit_code(self) -> int:
        """0 all well, 4 something does not read back, 7 nothing but gaps."""
        if any(fault.sort != "gap" for fault in self.faults):
            return BROKEN
        return WITH_GAPS if self.faults else 0


def verify(units: Iterable[Unit], events: Events = ignore) -> Findings:
    """Read everything again; nothing is written.

    Parameters
    ----------
    units : iterable of Unit
        Folders to look through.
    events : callable
        Told `Progress` in bytes and `StageFinished`, under `VERIFY` instead of a stage's name.
    """
    findings = Findings()
    for unit in units:
        _Look(unit, findings, events).run()
    return findings


class _Look:
    """Looks through one folder."""

    def __init__(self, unit: Unit, findings: Findings, events: Events) -> None:
        self._unit = unit
        self._findings = findings
        self._events = events
        self._status = unit_status(unit)
        frames = self._status.frames
        self._wanted = FrameSet() if frames is None else FrameSet.of([frames])
        self._persons: dict[str, dict[str, FrameSet]] = {}
        self._total = sum(
            file.size
            for stage in self._status.stages
            if stage.manifest
            for file in stage.manifest.files
        )
        self._done = 0
        self._began = time.perf_counter()
        self._files_before = findings.files

    def run(self) -> None:
        """Look at every stage, then at what lies there beside."""
        if self._status.worked_on_by:
            self._findings.notes.append(
                f"{self._unit.name} is being worked on by {self._status.worked_on_by}: what is not "
                f"finished yet counts as missing"
            )
        for stage, status in zip(self._unit.stages, self._status.stages, strict=True):
            self._look_at_stage(stage, status)
        if self._unit.name != "film":
            self._findings.frames += len(self._wanted)
            self._findings.complete += self._status.complete
        self._findings.stages = max(self._findings.stages, len(self._unit.stages))
        self._look_beside()
        self._events(
            StageFinished(
                clip=self._unit.name,
                stage=VERIFY,
                seconds=time.perf_counter() - self._began,
                frames=len(self._wanted),
                failed=0,
                files=self._findings.files - self._files_before,
            )
        )

    def _fault(
        self,
        stage: str,
        sort: Sort,
        expected: str,
        got: str,
        path: str = "",
        frames: FrameSet | None = None,
    ) -> None:
        self._findings.faults.append(
            Fault(
                unit=self._unit.name,
                stage=stage,
                sort=sort,
                expected=expected,
                got=got,
                path=path,
                frames=frames or FrameSet(),
            )
        )

    def _look_at_stage(self, stage: Stage, status: StageStatus) -> None:
        name = stage.name
        if status.is_unreadable:
            path = self._unit.folder.manifest(name).relative_to(self._unit.folder.root).as_posix()
            self._fault(name, "broken", "a readable record", status.why, path, self._wanted)
        elif status.manifest is None:
            got = f"none: {status.why}" if status.why else "none"
            self._fault(name, "gap", "a result", got, frames=self._wanted)
        else:
            self._compare_causes(name, status.manifest)
            for text, why in status.failed.items():
                self._fault(name, "gap", "every frame", why, frames=FrameSet.parse(text))
            if status.not_made:
                got = f"not made{': ' + status.why if status.why else ''}"
                self._fault(name, "gap", "every frame", got, frames=status.not_made)
            for file in status.manifest.files:
                self._look_at_file(stage, status.manifest, file)
            self._look_at_coverage(stage, status.manifest)

    def _compare_causes(self, name: str, manifest: Manifest) -> None:
        frames = manifest.inputs.get("frames", "")
        if self._unit.frames is not None and frames != str(self._unit.frames):
            expected = f"a result for frames {self._unit.frames}"
            self._fault(name, "broken", expected, f"one for {frames or 'unknown frames'}")
        if self._unit.film and manifest.inputs.get("film") != self._unit.film:
            self._fault(name, "broken", "a result of this film", "one of another film")

    def _look_at_file(self, stage: Stage, manifest: Manifest, file: WrittenFile) -> None:
        path = self._unit.folder.root / file.path
        frames = FrameSet.of([file.frames]) if file.frames else FrameSet()
        try:
            size, digest = path.stat().st_size, sha256_of(path)
        except OSError as error:
            got = "no such file" if isinstance(error, FileNotFoundError) else str(error.strerror)
            self._fault(stage.name, "broken", f"{file.size} bytes", got, file.path, frames)
            self._tell(file.size)
            return
        self._findings.files += 1
        self._findings.size += size
        held, fault = opened(stage, self._unit.folder, file)
        is_same = (size, digest) == (file.size, file.sha256)
        differences = [] if fault else list(self._differences(stage, manifest, file, held))
        if fault:
            self._fault(stage.name, "broken", "a file that opens", fault, file.path, frames)
        elif not is_same:
            was = "the bytes that were recorded" if size == file.size else f"{file.size} bytes"
            now = "other bytes, as many" if size == file.size else f"{size}"
            got = "; ".join((now, *(f"it holds {text}" for _, text, _ in differences)))
            self._fault(stage.name, "changed", was, got, file.path, frames)
        elif file.edited:
            texts = "; ".join(f"{got} instead of {expected}" for expected, got, _ in differences)
            self._findings.notes.append(
                f"{self._unit.name}: {file.path} was edited by hand{', ' * bool(texts)}{texts}"
            )
        else:
            for expected, got, concerned in differences:
                self._fault(stage.name, "broken", expected, got, file.path, concerned or frames)
        if file.person is not None and held.frames is not None and not differences:
            self._persons.setdefault(file.kind, {})[file.person] = held.frames
        self._tell(file.size)

    def _differences(
        self, stage: Stage, manifest: Manifest, file: WrittenFile, held: Contents
    ) -> Iterator[tuple[str, str, FrameSet]]:
        """Tell in what a file contradicts the film: expected, got, frames concerned."""
        yield from self._picture_differences(stage, file, held)
        must, may = self._frames_of(manifest, file)
        source = self._source_of(stage, file)
        if source is not None:
            must, may = source, source
        if held.frames is not None:
            lacking, extra = must - held.frames, held.frames - may
            if lacking:
                yield f"frames {must}", f"none for {lacking}", lacking
            if extra:
                yield f"no frames but {may}", f"some for {extra}", extra
        is_countable = source is not None or kind_of(file.kind).per != "person"
        if held.count is not None and is_countable and held.count != len(must):
            yield f"{len(must)} frames", f"{held.count}", FrameSet()

    def _picture_differences(
        self, stage: Stage, file: WrittenFile, held: Contents
    ) -> Iterator[tuple[str, str, FrameSet]]:
        if held.size is not None and self._unit.size is not None:
            promised = self._unit.size
            if stage.picture_size is not None:
                promised = stage.picture_size(*promised)
            if held.size != promised:
                yield f"pictures of {_size(promised)}", _size(held.size), FrameSet()
        channels = len(PASSES[file.kind].channels) if file.kind in PASSES else held.channels
        if held.channels != channels:
            yield f"{channels} channels", f"{held.channels}", FrameSet()

    def _frames_of(self, manifest: Manifest, file: WrittenFile) -> tuple[FrameSet, FrameSet]:
        """Frames a file must hold, and those it may."""
        made = self._wanted - failed_frames(manifest)
        per = kind_of(file.kind).per
        if per == "person":
            return FrameSet(), self._wanted
        if file.frames is None:
            return made, self._wanted
        own = FrameSet.of([file.frames])
        return (own if per == "frame" else own & made), own

    def _source_of(self, stage: Stage, file: WrittenFile) -> FrameSet | None:
        """Frames of the one file per person that this one is made from; None if there is none."""
        if file.person is None or len(stage.reads) != 1:
            return None
        return self._persons.get(stage.reads[0], {}).get(file.person)

    def _look_at_coverage(self, stage: Stage, manifest: Manifest) -> None:
        """Make sure that every frame recorded as made lies in a file."""
        for kind in stage.writes:
            per = kind_of(kind).per
            files = [file for file in manifest.files if file.kind == kind]
            if per in ("window", "frame") and (files or per == "window"):
                lacking = manifest.done - FrameSet.of(file.frames for file in files if file.frames)
                if lacking:
                    expected = f"{kind} for every frame recorded as made"
                    self._fault(stage.name, "broken", expected, "none", frames=lacking)
            elif per in ("clip", "film") and not files and manifest.done:
                self._fault(stage.name, "broken", f"a file of {kind}", "none in the record")

    def _tell(self, size: int) -> None:
        self._done += size
        self._events(
            Progress(
                clip=self._unit.name,
                stage=VERIFY,
                done=self._done,
                total=self._total,
                unit="byte",
            )
        )

    def _look_beside(self) -> None:
        """Tell of files that no record vouches for."""
        listed = {
            file.path
            for stage in self._status.stages
            if stage.manifest
            for file in stage.manifest.files
        }
        own = {stage.name for stage in self._unit.stages}
        for path in sorted(self._unit.folder.manifest("x").parent.glob("*.json")):
            if path.stem not in own:
                listed |= self._listed_by_other(path)
        found = strangers(self._unit.folder.root, listed, self._unit.beside)
        if found:
            shown = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")  # noqa: PLR2004
            self._findings.notes.append(
                f"{self._unit.name}: {len(found)} files that no record vouches for: {shown}"
            )

    def _listed_by_other(self, path: Path) -> set[str]:
        """Files of a stage that is not in the recipe; they are not checked."""
        self._findings.notes.append(
            f"{self._unit.name}: the recipe has no stage '{path.stem}'; its files were not checked"
        )
        try:
            manifest = read_manifest(self._unit.folder, path.stem)
        except InputError:
            return set()
        return {file.path for file in manifest.files} if manifest else set()


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} px"
