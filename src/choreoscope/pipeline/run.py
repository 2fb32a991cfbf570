"""Running a plan: each stage that is not done, in order; what fails stops only what needs it."""

import contextlib
import dataclasses
import datetime as dt
import errno
import json
import time
import traceback
from collections.abc import Mapping
from typing import Literal

from choreoscope.datatypes.artifacts import Manifest
from choreoscope.datatypes.errors import ChoreoscopeError, OutputError, StageFailedError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.events import (
    Events,
    Note,
    StageFailed,
    StageFinished,
    StageSkipped,
    StageStarted,
    ignore,
)
from choreoscope.pipeline.folder import ClipFolder, refusal, writing
from choreoscope.pipeline.job import StageJob
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.lock import locked
from choreoscope.pipeline.manifest import failed_frames
from choreoscope.pipeline.placing import drop_result, finish_moving
from choreoscope.pipeline.plan import Plan, Scope, Standing

OUT_OF_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Refusals that can only come from writing, whatever file the error names."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StageOutcome:
    """What became of one stage.

    Attributes
    ----------
    state : {"skipped", "finished", "failed", "blocked"}
        Done before; made now; made no result; not run because something it reads is not there.
    why : str
        One line; empty where there is nothing to say.
    gaps : FrameSet
        Source frames that could not be made.
    error : StageFailedError or None
        For failed and blocked stages; its ``__cause__`` is what was raised, if anything was.
    manifest : Manifest or None
        The result's record.
    """

    stage: str
    state: Literal["skipped", "finished", "failed", "blocked"]
    why: str = ""
    gaps: FrameSet = dataclasses.field(default_factory=FrameSet)
    error: StageFailedError | None = None
    manifest: Manifest | None = None

    @property
    def exit_code(self) -> int:
        """Exit code of what was raised, so that missing weights are not taken for a bug."""
        if self.error is None:
            return 0
        cause = self.error.__cause__
        return cause.exit_code if isinstance(cause, ChoreoscopeError) else self.error.exit_code


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What became of a clip: one outcome per stage, in order."""

    clip: str
    folder: ClipFolder
    outcomes: tuple[StageOutcome, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every stage has a result for every frame."""
        return not self.failures and not self.gaps

    @property
    def failures(self) -> tuple[StageOutcome, ...]:
        """Stages without a result: those that failed, and those blocked by a result they need.

        The ones that failed come first, because they are the reason for the others.
        """
        order = ("failed", "blocked")
        return tuple(one for state in order for one in self.outcomes if one.state == state)

    @property
    def gaps(self) -> Mapping[str, FrameSet]:
        """Stage name to the source frames it could not make."""
        return {one.stage: one.gaps for one in self.outcomes if one.gaps}

    def outcome(self, stage: str) -> StageOutcome:
        """Look a stage's outcome up by the stage's name."""
        return next(one for one in self.outcomes if one.stage == stage)

    def raise_first(self) -> None:
        """Raise for the first stage without a result, if there is one.

        Raises
        ------
        StageFailedError
            From what the stage raised.
        """
        if self.failures and self.failures[0].error is not None:
            raise self.failures[0].error


def run(
    plan: Plan,
    settings: RunSettings,
    events: Events = ignore,
    *,
    models: LoadedModels | None = None,
) -> RunResult:
    """Make everything a plan lacks.

    Stages are looked at again just before they run, so that a plan may be old. A stage that
    raises is recorded in ``work/failures`` and ``work/log.txt``; those that do not depend on it
    go on.

    Parameters
    ----------
    plan : Plan
        From `plan.plan`.
    settings : RunSettings
        Workers and the like; never change results.
    events : callable
        Told what happens, in this thread.
    models : LoadedModels or None
        Keeps back ends loaded from clip to clip; if None, they are loaded for this run.

    Raises
    ------
    InputError
        If another process works on the folder.
    OutputError
        If the folder cannot be written at all.
    """
    scope = plan.scope
    if plan.is_finished and not scope.folder.needs_tidying:
        outcomes = tuple(_skipped(scope, standing, events) for standing in plan.standings)
        return RunResult(clip=scope.clip.id, folder=scope.folder, outcomes=outcomes)
    runner = _Runner(scope, settings, models or LoadedModels(settings, events), events)
    with locked(scope.folder):
        try:
            scope.folder.clear_temporary()
            outcomes = tuple(runner.settle(standing) for standing in plan.standings)
        finally:
            with contextlib.suppress(OutputError):
                # The next run clears it; an error here would hide the one that matters.
                scope.folder.tidy()
    return RunResult(clip=scope.clip.id, folder=scope.folder, outcomes=outcomes)


class _Runner:
    """Goes through the stages of one clip."""

    def __init__(
        self, scope: Scope, settings: RunSettings, models: LoadedModels, events: Events
    ) -> None:
        self._scope = scope
        self._settings = settings
        self._models = models
        self._events = events
        self._earlier: dict[str, Standing] = {}

    def settle(self, planned: Standing) -> StageOutcome:
        """Make one stage's result if it is not there."""
        name = planned.stage.name
        with writing(self._scope.folder.work):
            finish_moving(self._scope.folder, name)
        standing = self._scope.assess(planned.stage, self._earlier, ignore)
        if standing.state == "done":
            _forget_failure(self._scope.folder, name)
            outcome = _skipped(self._scope, standing, self._events)
        elif standing.state == "blocked":
            outcome = self._blocked(standing)
        else:
            outcome = self._made(standing)
        if outcome.error is not None:
            standing = dataclasses.replace(standing, state="blocked", why=outcome.why)
        elif outcome.manifest is not None:
            standing = dataclasses.replace(standing, state="done", manifest=outcome.manifest)
        self._earlier[name] = standing
        return outcome

    def _blocked(self, standing: Standing) -> StageOutcome:
        name = standing.stage.name
        self._events(
            StageSkipped(clip=self._scope.clip.id, stage=name, why=standing.why, blocked=True)
        )
        error = StageFailedError(clip=self._scope.clip.id, stage=name, cause=standing.why)
        return StageOutcome(stage=name, state="blocked", why=standing.why, error=error)

    def _made(self, standing: Standing) -> StageOutcome:
        name = standing.stage.name
        clip = self._scope.clip.id
        missing = len(standing.missing)
        self._events(StageStarted(clip=clip, stage=name, missing=missing, why=standing.why))
        began = time.perf_counter()
        try:
            manifest = self._run(standing)
        except ChoreoscopeError as error:
            return self._failed(standing, str(error), error)
        except OSError as error:
            refused = self._refused(error)
            return self._failed(standing, str(refused or _named(error)), refused or error)
        except Exception as error:  # noqa: BLE001 - the one place where anything a stage raises ends
            return self._failed(standing, _named(error), error)
        _forget_failure(self._scope.folder, name)
        gaps = failed_frames(manifest)
        self._events(
            StageFinished(
                clip=clip,
                stage=name,
                seconds=time.perf_counter() - began,
                frames=len(manifest.done),
                failed=len(gaps),
                files=len(manifest.files),
            )
        )
        return StageOutcome(stage=name, state="finished", gaps=gaps, manifest=manifest)

    def _run(self, standing: Standing) -> Manifest:
        folder = self._scope.folder
        stage = standing.stage
        if stage.granularity == "window" and standing.state != "partial":
            drop_result(folder, stage.name)
        job = StageJob(
            self._scope, standing, self._earlier, self._models, self._settings, self._events
        )
        stage.run(job)
        return job.finish()

    def _refused(self, error: OSError) -> OutputError | None:
        """Tell a disk that cannot be written from a film that cannot be read."""
        root = self._scope.folder.root
        ours = isinstance(error.filename, str) and str(root) in error.filename
        if not ours and error.errno not in OUT_OF_ROOM:
            return None
        refused = refusal(error, root)
        if refused is not None:
            refused.__cause__ = error
        return refused

    def _failed(self, standing: Standing, cause: str, error: Exception) -> StageOutcome:
        name = standing.stage.name
        clip = self._scope.clip.id
        line = " ".join(cause.split())
        failure = StageFailedError(clip=clip, stage=name, cause=line)
        failure.__cause__ = error
        outcome = StageOutcome(stage=name, state="failed", why=line, error=failure)
        try:
            _record_failure(self._scope.folder, outcome)
            self._scope.folder.clear_temporary()
        except (OSError, OutputError) as refused:
            text = f"the failure could not be recorded: {refused}"
            self._events(Note(clip=clip, stage=name, text=text))
        self._events(StageFailed(clip=clip, stage=name, cause=line))
        return outcome


def _skipped(scope: Scope, standing: Standing, events: Events) -> StageOutcome:
    name = standing.stage.name
    manifest = standing.manifest
    gaps = failed_frames(manifest) if manifest is not None else FrameSet()
    events(StageSkipped(clip=scope.clip.id, stage=name, why=standing.why))
    return StageOutcome(stage=name, state="skipped", why=standing.why, gaps=gaps, manifest=manifest)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _record_failure(folder: ClipFolder, outcome: StageOutcome) -> None:
    """Write why a stage failed: one line for programs, the traceback for people."""
    cause = outcome.error.__cause__ if outcome.error else None
    record = {"stage": outcome.stage, "cause": outcome.why, "exit_code": outcome.exit_code}
    folder.write_record(
        folder.failure(outcome.stage), json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    )
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with folder.log.open("a", encoding="utf-8") as log:
        log.write(f"{now} stage '{outcome.stage}' failed: {outcome.why}\n")
        log.writelines(traceback.format_exception(cause))


def _forget_failure(folder: ClipFolder, stage: str) -> None:
    with writing(folder.failure(stage)):
        folder.failure(stage).unlink(missing_ok=True)
