"""One run of one stage: what the stage is handed, and what becomes of what it writes."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.datatypes.artifacts import Manifest, WrittenFile, kind_of
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.video import Video
from choreoscope.pipeline.choices import files_of
from choreoscope.pipeline.events import Events, Progress
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.manifest import SCHEMA, write_manifest
from choreoscope.pipeline.placing import Output, add_window, checked, path_of, replace_result
from choreoscope.pipeline.plan import Scope, Standing

SECONDS_BETWEEN_PROGRESS = 0.1


@dataclasses.dataclass(slots=True)
class _Spent:
    """Wall, processor and model seconds of a result, those of earlier runs included."""

    seconds: float
    cpu: float
    model_cpu: float


class StageJob:
    """The engine's `pipeline.stage.Job`.

    Parameters
    ----------
    scope : Scope
        Recipe, clip, folder and choices.
    standing : Standing
        How the stage stands; its missing frames are to be made.
    earlier : dict
        Stage name to standing, of the stages before.
    models : LoadedModels
        Where the back end comes from.
    settings : RunSettings
        Handed on to the stage.
    events : callable
        Told about progress.
    """

    def __init__(
        self,
        scope: Scope,
        standing: Standing,
        earlier: Mapping[str, Standing],
        models: LoadedModels,
        settings: RunSettings,
        events: Events,
    ) -> None:
        self._scope = scope
        self._standing = standing
        self._stage = standing.stage
        self._earlier = earlier
        self._models = models
        self._settings = settings
        self._events = events
        self._inputs: dict[str, dict[str, Path]] = {}
        self._outputs: dict[str, Output] = {}
        self._held: tuple[FrameRange, list[Output]] | None = None
        self._told = float("-inf")
        self._model: Any = None
        self._model_cpu_before = 0.0
        in_windows = self._stage.granularity == "window"
        self._resume(standing.manifest if in_windows and standing.state == "partial" else None)
        self._began = (time.perf_counter(), time.process_time())

    def _resume(self, kept: Manifest | None) -> None:
        self._files = {file.path: file for file in kept.files} if kept else {}
        self._done = kept.done if kept else FrameSet()
        self._notes = list(kept.notes) if kept else []
        self._failed: dict[FrameRange, str] = {}
        for text, why in kept.failed.items() if kept else ():
            for part in (FrameSet.parse(text) - self._standing.missing).ranges:
                self._failed[part] = why
        self._before = (
            _Spent(kept.seconds, kept.cpu_seconds, kept.model_cpu_seconds)
            if kept
            else _Spent(0.0, 0.0, 0.0)
        )

    @property
    def video(self) -> Video:
        """The film."""
        return self._scope.clip.video

    @property
    def frames(self) -> FrameRange:
        """The source frames of the clip."""
        return self._scope.clip.frames

    @property
    def clip_id(self) -> str:
        """Name of the clip."""
        return self._scope.clip.id

    @property
    def options(self) -> Any:  # noqa: ANN401
        """The stage's resolved options."""
        return self._standing.options

    @property
    def settings(self) -> RunSettings:
        """Workers and the like."""
        return self._settings

    @property
    def missing(self) -> FrameSet:
        """Frames still to be made."""
        return self._scope.wanted - self._done - FrameSet.of(self._failed)

    def model(self) -> Any:  # noqa: ANN401
        """Return the back end, loaded at the first call.

        Raises
        ------
        BackendUnavailableError
            If modules or weights are missing.
        InputError
            If the stage names no task.
        """
        if self._standing.backend is None:
            raise InputError(f"stage '{self._stage.name}' has no task, so it has no back end")
        if self._model is None:
            self._model = self._models.get(self._standing.backend)
            self._model_cpu_before = _model_cpu(self._model)
        return self._model

    def input(self, kind: str, *, person: str | None = None, window: str | None = None) -> Path:
        """Path of an input artifact.

        Raises
        ------
        InputError
            If there is none, or the stage does not declare that it reads this kind.
        """
        files = self.inputs(kind)
        key = person or window or ""
        if key not in files:
            known = ", ".join(name or "one for the whole clip" for name in files) or "none"
            raise InputError(
                f"stage '{self._stage.name}' wants {kind} of '{key}'; there is: {known}"
            )
        return files[key]

    def inputs(self, kind: str) -> Mapping[str, Path]:
        """All files of a kind: by person, by window in order, or under the empty text.

        Raises
        ------
        InputError
            If the stage does not declare that it reads this kind.
        """
        if kind not in self._stage.reads:
            raise InputError(
                f"stage '{self._stage.name}' wants {kind}, but declares that it reads "
                f"{', '.join(self._stage.reads) or 'nothing'}"
            )
        if kind not in self._inputs:
            self._inputs[kind] = self._find_inputs(kind)
        return self._inputs[kind]

    def _find_inputs(self, kind: str) -> dict[str, Path]:
        for given in self._scope.choices.given:
            if given.kind == kind:
                return dict(given.files)
        found: dict[str, Path] = {}
        for feeder in self._scope.recipe.feeders(self._stage):
            manifest = self._earlier[feeder.name].manifest
            if manifest is not None:
                found |= files_of(kind, self._scope.folder.root, manifest.files)
        return found

    def previous(self, kind: str) -> Mapping[str, Path]:
        """Files already committed by this window stage, by window, in the order of their frames."""
        self._place_held()
        return files_of(kind, self._scope.folder.root, _in_order(self._files))

    def output(self, kind: str, *, person: str | None = None, window: str | None = None) -> Path:
        """Temporary path to write an artifact to; the engine moves it into place.

        Raises
        ------
        InputError
            If the stage does not declare that it writes this kind, or a name is not usable.
        """
        if kind not in self._stage.writes:
            raise InputError(
                f"stage '{self._stage.name}' writes {kind}, but declares that it writes "
                f"{', '.join(self._stage.writes)}"
            )
        path = path_of(kind, person, window)
        if path not in self._outputs:
            temporary = self._scope.folder.temporary / self._stage.name / path
            temporary.parent.mkdir(parents=True, exist_ok=True)
            self._outputs[path] = Output(
                kind=kind, path=path, temporary=temporary, person=person, window=window
            )
        return self._outputs[path].temporary

    def commit(self, done: FrameRange) -> None:
        """Keep what a window stage wrote for these frames, even if killed later.

        Raises
        ------
        InputError
            If the stage works on whole clips, or the frames lie outside the clip.
        OutputError
            If a file is absent, empty or does not read back.
        """
        if self._stage.granularity != "window":
            raise InputError(f"stage '{self._stage.name}' works on whole clips; nothing to commit")
        self._check_inside(done)
        self._place_held()
        # The window that completes the stage is placed when the stage returns, so that a
        # complete manifest also holds the notes and failures told after the last window.
        self._held = (done, list(self._outputs.values()))
        self._outputs = {}
        if self._missing_after(done):
            self._place_held()

    def progress(self, done: int, total: int, unit: str) -> None:
        """Tell how far it is; passed on a few times a second."""
        now = time.monotonic()
        if done < total and now - self._told < SECONDS_BETWEEN_PROGRESS:
            return
        self._told = now
        self._events(
            Progress(clip=self.clip_id, stage=self._stage.name, done=done, total=total, unit=unit)
        )

    def note(self, text: str) -> None:
        """Add a sentence for the manifest and the report; said twice, it is kept once."""
        sentence = _one_line(text)
        if sentence not in self._notes:
            self._notes.append(sentence)

    def failed(self, frames: FrameRange, why: str) -> None:
        """Record source frames that could not be made, with a one-line reason.

        Raises
        ------
        InputError
            If the frames lie outside the clip.
        """
        self._check_inside(frames)
        self._failed[frames] = _one_line(why)

    def manifests(self) -> Mapping[str, Manifest]:
        """Manifests of the stages this one depends on, by name, those of given inputs included."""
        found = {
            one.manifest.stage: one.manifest for one in self._scope.choices.given if one.manifest
        }
        for stage in self._scope.recipe.ancestors(self._stage):
            standing = self._earlier[stage.name]
            if standing.state == "done" and standing.manifest is not None:
                found[stage.name] = standing.manifest
        return found

    def finish(self) -> Manifest:
        """Check that everything is there and put it, or what is left of it, into place.

        Returns
        -------
        Manifest
            The record of the finished result, as written.

        Raises
        ------
        OutputError
            If frames are neither made nor reported as failed, or a file is absent, empty or does
            not read back; nothing of it is moved then.
        """
        if self._stage.granularity == "window":
            return self._finish_windows()
        outputs = list(self._outputs.values())
        self._done = self._scope.wanted - FrameSet.of(self._failed)
        written = {output.kind for output in outputs}
        whole = [kind for kind in self._stage.writes if kind_of(kind).per in ("clip", "film")]
        absent = [kind for kind in whole if kind not in written]
        if absent and self._done:
            raise OutputError(f"stage '{self._stage.name}' wrote no {', '.join(absent)}")
        self._files = {file.path: file for file in checked(self._stage, outputs, None)}
        manifest = self._manifest()
        replace_result(self._scope.folder, manifest, outputs)
        return manifest

    def _finish_windows(self) -> Manifest:
        if self._outputs:
            raise OutputError(
                f"stage '{self._stage.name}' did not commit {', '.join(self._outputs)}"
            )
        left = self._missing_after(self._held[0]) if self._held else self.missing
        if left:
            raise OutputError(
                f"stage '{self._stage.name}' ended, yet frames {left} are neither made "
                f"nor reported as failed"
            )
        manifest = self._place_held()
        if manifest is None:
            manifest = self._manifest()
            write_manifest(self._scope.folder, manifest)
        return manifest

    def _missing_after(self, done: FrameRange) -> FrameSet:
        return self.missing - FrameSet.of([done])

    def _place_held(self) -> Manifest | None:
        if self._held is None:
            return None
        frames, outputs = self._held
        self._held = None
        files = checked(self._stage, outputs, frames)
        replaced = self._files.keys() & {file.path for file in files}
        before = None
        if replaced:
            self._files = {path: self._files[path] for path in self._files.keys() - replaced}
            self._done -= FrameSet.of([frames])
            before = self._manifest()
        self._files |= {file.path: file for file in files}
        self._done = (self._done | FrameSet.of([frames])) - FrameSet.of(self._failed)
        manifest = self._manifest()
        add_window(self._scope.folder, manifest, outputs, before)
        return manifest

    def _check_inside(self, frames: FrameRange) -> None:
        if not (FrameSet.of([frames]) and not FrameSet.of([frames]) - self._scope.wanted):
            raise InputError(
                f"stage '{self._stage.name}' speaks of frames {frames}; the clip has {self.frames}"
            )

    def _manifest(self) -> Manifest:
        causes = self._standing.causes
        spent = self._spent()
        return Manifest(
            schema=SCHEMA,
            stage=self._stage.name,
            stage_version=causes.version,
            fingerprint=causes.fingerprint,
            backend=causes.backend,
            options=dict(causes.options),
            inputs=dict(causes.inputs),
            files=tuple(_in_order(self._files)),
            done=self._done,
            failed={str(part): self._failed[part] for part in sorted(self._failed)},
            notes=tuple(self._notes),
            seconds=spent.seconds,
            cpu_seconds=spent.cpu,
            model_cpu_seconds=spent.model_cpu,
            tier=self._standing.tier,
        )

    def _spent(self) -> _Spent:
        wall, cpu = self._began
        model_cpu = _model_cpu(self._model) - self._model_cpu_before
        return _Spent(
            self._before.seconds + time.perf_counter() - wall,
            self._before.cpu + time.process_time() - cpu,
            self._before.model_cpu + model_cpu,
        )


def _in_order(files: Mapping[str, WrittenFile]) -> list[WrittenFile]:
    return sorted(files.values(), key=lambda file: (file.frames or FrameRange(0, 0), file.path))


def _model_cpu(model: Any) -> float:  # noqa: ANN401
    return float(getattr(model, "model_cpu_seconds", 0.0))


def _one_line(text: str) -> str:
    return " ".join(text.split())
