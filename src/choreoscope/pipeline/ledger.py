"""The record of one stage's result while it grows; the only place that writes it."""

import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Literal

from choreoscope.datatypes.artifacts import Manifest, WrittenFile
from choreoscope.datatypes.errors import OutputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.pipeline.condition import edit_note
from choreoscope.pipeline.manifest import SCHEMA, write_manifest
from choreoscope.pipeline.placing import Placed, add_window, replace_result
from choreoscope.pipeline.plan import Scope, Standing
from choreoscope.pipeline.source import ensure_unchanged
from choreoscope.pipeline.task import Part, Spent

BEFORE_ALL = -1
SHARE_OF_LOOKING = 50
"""The film is looked at for at most one fiftieth of the time."""


class Ledger:
    """Puts finished parts of one stage into place and keeps its manifest.

    Parts may come from several threads.

    Parameters
    ----------
    scope : Scope
        Recipe, clip, folder.
    standing : Standing
        How the stage stood: a partial window stage keeps what it has.
    """

    def __init__(self, scope: Scope, standing: Standing) -> None:
        self._scope = scope
        self._standing = standing
        self._lock = threading.RLock()
        in_windows = standing.stage.granularity == "window"
        kept = standing.manifest if in_windows and standing.state == "partial" else None
        self._files = {file.path: file for file in kept.files} if kept else {}
        self._done = kept.done if kept else FrameSet()
        self._edited = _edited(standing)
        self._notes = dict.fromkeys(map(edit_note, self._edited), BEFORE_ALL)
        self._notes |= dict.fromkeys(kept.notes if kept else (), BEFORE_ALL)
        self._failed: dict[FrameRange, str] = {}
        for text, why in kept.failed.items() if kept else ():
            for part in (FrameSet.parse(text) - standing.missing).ranges:
                self._failed[part] = why
        self._spent = (
            Spent(kept.seconds, kept.cpu_seconds, kept.model_cpu_seconds) if kept else Spent()
        )
        self._written: Manifest | None = None
        self._look_again_at = 0.0

    @property
    def missing(self) -> FrameSet:
        """Source frames that are neither made nor given up."""
        # Another worker's part may be coming in meanwhile.
        with self._lock:
            return self._scope.wanted - self._done - FrameSet.of(self._failed)

    @property
    def standing(self) -> Standing:
        """How the stage stands now."""
        return dataclasses.replace(
            self._standing, state="partial", manifest=self.manifest(), missing=self.missing
        )

    def place(self, part: Part) -> None:
        """Move a part's files and vouch for them.

        Raises
        ------
        InputError
            If the film has changed since it was probed.
        OSError
            If the disk refuses.
        """
        with self._lock:
            self._look_at_film()
            self._note(part)
            self._failed |= part.failed
            self._spent += part.spent
            if part.is_whole:
                self._replace(part)
            elif part.frames is not None:
                self._add(part, part.frames)

    def fail(self, frames: FrameSet, why: str) -> None:
        """Give frames up."""
        with self._lock:
            self._failed |= dict.fromkeys(frames.ranges, why)

    def finish(self) -> Manifest:
        """Make sure that every frame is accounted for, and that the record says all of it.

        Returns
        -------
        Manifest
            As written.

        Raises
        ------
        InputError
            If the film has changed since it was probed.
        OutputError
            If frames are neither made nor given up.
        """
        name = self._standing.stage.name
        ensure_unchanged(self._scope.clip.video)
        if self.missing:
            raise OutputError(
                f"stage '{name}' ended, yet frames {self.missing} are neither made "
                f"nor reported as failed"
            )
        manifest = self.manifest()
        if manifest != self._written:
            self._write(manifest)
        return manifest

    def manifest(self) -> Manifest:
        """Return the record as it stands."""
        with self._lock:
            causes = self._standing.causes
            return Manifest(
                schema=SCHEMA,
                stage=self._standing.stage.name,
                stage_version=causes.version,
                fingerprint=causes.fingerprint,
                backend=causes.backend,
                options=dict(causes.options),
                inputs=dict(causes.inputs),
                files=tuple(_in_order(self._files)),
                done=self._done,
                failed={str(part): self._failed[part] for part in sorted(self._failed)},
                notes=tuple(sorted(self._notes, key=lambda note: self._notes[note])),
                seconds=self._spent.seconds,
                cpu_seconds=self._spent.cpu,
                model_cpu_seconds=self._spent.model_cpu,
                tier=self._standing.tier,
                origin=self._origin,
            )

    @property
    def _origin(self) -> Literal["computed", "imported", "edited"]:
        if self._standing.stage.outdated is not None:
            return "imported"
        return "edited" if self._edited else "computed"

    def _look_at_film(self) -> None:
        """Make sure it is the same film; a series of many files is not looked at all the time."""
        began = time.monotonic()
        if began >= self._look_again_at:
            ensure_unchanged(self._scope.clip.video)
            now = time.monotonic()
            self._look_again_at = now + SHARE_OF_LOOKING * (now - began)

    def _note(self, part: Part) -> None:
        # Sorted by frame, so that windows finished in another order leave the same record.
        last = self._scope.clip.frames.stop
        at = part.frames.start if part.frames else last
        for note in part.notes:
            self._notes[note] = min(self._notes.get(note, last), at)

    def _replace(self, part: Part) -> None:
        self._done = self._scope.wanted - FrameSet.of(self._failed)
        fresh = self._not_edited(part)
        self._files = {file.path: file for file, _ in fresh} | self._edited
        self._written = self.manifest()
        before = None
        if self._edited:
            kept = tuple(self._edited.values())
            before = dataclasses.replace(self._written, files=kept, done=FrameSet(), failed={})
        replace_result(self._scope.folder, self._written, fresh, before)

    def _not_edited(self, part: Part) -> list[Placed]:
        return [(file, place) for file, place in part.files if file.path not in self._edited]

    def _add(self, part: Part, frames: FrameRange) -> None:
        fresh = self._not_edited(part)
        files = {file.path: file for file, _ in fresh}
        replaced = self._files.keys() & files.keys()
        before = None
        if replaced:
            self._files = {path: self._files[path] for path in self._files.keys() - replaced}
            self._done -= FrameSet.of([frames])
            before = self.manifest()
        self._files |= files
        self._done = (self._done | FrameSet.of([frames])) - FrameSet.of(self._failed)
        self._written = self.manifest()
        add_window(self._scope.folder, self._written, fresh, before)

    def _write(self, manifest: Manifest) -> None:
        write_manifest(self._scope.folder, manifest)
        self._written = manifest


def _edited(standing: Standing) -> dict[str, WrittenFile]:
    """Files edited by hand, by path; what is made is put beside them, never over them."""
    if standing.manifest is None or standing.state == "stale":
        return {}
    return {file.path: file for file in standing.manifest.files if file.edited}


def _in_order(files: Mapping[str, WrittenFile]) -> list[WrittenFile]:
    return sorted(files.values(), key=lambda file: (file.frames or FrameRange(0, 0), file.path))
