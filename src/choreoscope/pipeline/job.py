"""One run of one stage: what the stage is handed, and what it hands on when it commits."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from choreoscope.datatypes.artifacts import Manifest, kind_of
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.video import Video
from choreoscope.pipeline.choices import files_of
from choreoscope.pipeline.events import Progress
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.placing import Output, checked, path_of
from choreoscope.pipeline.task import Channel, Part, Spent, Task

SECONDS_BETWEEN_PROGRESS = 0.1


class StageJob:
    """The engine's `pipeline.stage.Job`.

    Parameters
    ----------
    task : Task
        What is to be made.
    models : LoadedModels
        Where the back end comes from.
    channel : Channel
        Where events and finished parts go.
    """

    def __init__(self, task: Task, models: LoadedModels, channel: Channel) -> None:
        self._task = task
        self._scope = task.scope
        self._standing = task.standing
        self._stage = task.standing.stage
        self._models = models
        self._channel = channel
        self._inputs: dict[str, dict[str, Path]] = {}
        self._outputs: dict[str, Output] = {}
        self._held: tuple[FrameRange, list[Output]] | None = None
        self._told = float("-inf")
        self._model: Any = None
        kept = self._standing.manifest
        in_windows = self._stage.granularity == "window"
        is_partial = in_windows and self._standing.state == "partial"
        self._files = {file.path: file for file in kept.files} if kept and is_partial else {}
        self._done = FrameSet()
        self._failed: dict[FrameRange, str] = {}
        self._fresh_failed: dict[FrameRange, str] = {}
        self._notes: dict[str, None] = {}
        self._fresh_notes: list[str] = []
        self._last = _Clock(0.0)

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
    def folder(self) -> Path:
        """The clip's folder."""
        return self._scope.folder.root

    @property
    def options(self) -> Any:  # noqa: ANN401
        """The stage's resolved options."""
        return self._standing.options

    @property
    def settings(self) -> RunSettings:
        """Workers and the like."""
        return self._task.settings

    @property
    def missing(self) -> FrameSet:
        """Frames still to be made."""
        if self._stage.granularity == "clip":
            return self._scope.wanted - FrameSet.of(self._failed)
        return self._standing.missing - self._done - FrameSet.of(self._failed)

    @property
    def windows(self) -> tuple[FrameRange, ...]:
        """Windows to make, in order."""
        return self._task.windows

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
            self._last.model_cpu = _model_cpu(self._model)
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
        declared = (*self._stage.reads, *self._stage.optional)
        if kind not in declared:
            raise InputError(
                f"stage '{self._stage.name}' wants {kind}, but declares that it reads "
                f"{', '.join(declared) or 'nothing'}"
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
            standing = self._task.earlier[feeder.name]
            # What an optional feeder made before it failed is not a result.
            if standing.state == "done" and standing.manifest is not None:
                found |= files_of(kind, self._scope.folder.root, standing.manifest.files)
        return found

    def previous(self, kind: str) -> Mapping[str, Path]:
        """Files already committed by this window stage, by window, in the order of their frames."""
        self._place_held()
        in_order = sorted(self._files.values(), key=lambda file: file.frames or FrameRange(0, 0))
        return files_of(kind, self._scope.folder.root, in_order)

    def output(
        self,
        kind: str,
        *,
        person: str | None = None,
        window: str | None = None,
        frame: int | None = None,
    ) -> Path:
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
        path = path_of(kind, person, window, frame)
        if path not in self._outputs:
            temporary = self._task.temporary / path
            temporary.parent.mkdir(parents=True, exist_ok=True)
            self._outputs[path] = Output(
                kind=kind,
                path=path,
                temporary=temporary,
                person=person,
                window=window,
                frame=frame,
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
        self._held = (done, self._in_order())
        self._outputs = {}
        if self._missing_after(done):
            self._place_held()

    def progress(self, done: int, total: int, unit: str) -> None:
        """Tell how far it is; passed on a few times a second."""
        now = time.monotonic()
        if done < total and now - self._told < SECONDS_BETWEEN_PROGRESS:
            return
        self._told = now
        self._channel.tell(
            Progress(clip=self.clip_id, stage=self._stage.name, done=done, total=total, unit=unit)
        )

    def note(self, text: str) -> None:
        """Add a sentence for the manifest and the report; said twice, it is kept once."""
        sentence = _one_line(text)
        if sentence not in self._notes:
            self._notes[sentence] = None
            self._fresh_notes.append(sentence)

    def failed(self, frames: FrameRange, why: str) -> None:
        """Record source frames that could not be made, with a one-line reason.

        Raises
        ------
        InputError
            If the frames lie outside the clip.
        """
        self._check_inside(frames)
        self._failed[frames] = self._fresh_failed[frames] = _one_line(why)

    def manifests(self) -> Mapping[str, Manifest]:
        """Manifests of the stages this one depends on, by name, those of given inputs included."""
        found = {
            one.manifest.stage: one.manifest for one in self._scope.choices.given if one.manifest
        }
        for stage in self._scope.recipe.ancestors(self._stage):
            standing = self._task.earlier[stage.name]
            if standing.state == "done" and standing.manifest is not None:
                found[stage.name] = standing.manifest
        return found

    def finish(self) -> None:
        """Check that everything is there and hand on what is left.

        Raises
        ------
        OutputError
            If frames are neither made nor reported as failed, or a file is absent, empty or does
            not read back; nothing of it is moved then.
        """
        if self._stage.granularity == "window":
            self._finish_windows()
            return
        outputs = self._in_order()
        written = {output.kind for output in outputs}
        whole = [kind for kind in self._stage.writes if kind_of(kind).per in ("clip", "film")]
        absent = [kind for kind in whole if kind not in written]
        if absent and self.missing:
            raise OutputError(f"stage '{self._stage.name}' wrote no {', '.join(absent)}")
        self._hand_on(None, outputs, is_whole=True)

    def _finish_windows(self) -> None:
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
        if self._held:
            self._place_held()
        else:
            self._hand_on(None, [])

    def _in_order(self) -> list[Output]:
        """Sort outputs by path: threads may ask for them in any order, records have one."""
        return [self._outputs[path] for path in sorted(self._outputs)]

    def _missing_after(self, done: FrameRange) -> FrameSet:
        return self.missing - FrameSet.of([done])

    def _place_held(self) -> None:
        if self._held is None:
            return
        frames, outputs = self._held
        self._held = None
        self._hand_on(frames, outputs)
        self._done |= FrameSet.of([frames])

    def _hand_on(
        self, frames: FrameRange | None, outputs: list[Output], *, is_whole: bool = False
    ) -> None:
        files = checked(self._stage, outputs, frames)
        self._channel.place(
            Part(
                frames=frames,
                files=tuple(zip(files, (output.temporary for output in outputs), strict=True)),
                failed=self._fresh_failed,
                notes=tuple(self._fresh_notes),
                spent=self._last.since(_model_cpu(self._model)),
                is_whole=is_whole,
            )
        )
        self._files |= {file.path: file for file in files}
        self._fresh_failed, self._fresh_notes = {}, []

    def _check_inside(self, frames: FrameRange) -> None:
        if not (FrameSet.of([frames]) and not FrameSet.of([frames]) - self._scope.wanted):
            raise InputError(
                f"stage '{self._stage.name}' speaks of frames {frames}; the clip has {self.frames}"
            )


class _Clock:
    """What was spent since it was last asked."""

    def __init__(self, model_cpu: float) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self.model_cpu = model_cpu

    def since(self, model_cpu: float) -> Spent:
        """Return the seconds since the last call, and start anew."""
        wall, cpu = time.perf_counter(), time.process_time()
        spent = Spent(wall - self._wall, cpu - self._cpu, model_cpu - self.model_cpu)
        self._wall, self._cpu, self.model_cpu = wall, cpu, model_cpu
        return spent


def _model_cpu(model: Any) -> float:  # noqa: ANN401
    return float(getattr(model, "model_cpu_seconds", 0.0))


def _one_line(text: str) -> str:
    return " ".join(text.split())
