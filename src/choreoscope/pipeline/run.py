"""Running a plan: each stage that is not done, in order; what fails stops only what needs it."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Mapping
from typing import Literal

from choreoscope.datatypes.artifacts import Manifest
from choreoscope.datatypes.errors import (
    ChoreoscopeError,
    OutputError,
    StageFailedError,
    TimedOutError,
)
from choreoscope.datatypes.frames import FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.attempts import Undertaking, see_through
from choreoscope.pipeline.choices import backend_name
from choreoscope.pipeline.edits import adopt_edits
from choreoscope.pipeline.events import (
    ClipFinished,
    ClipStarted,
    Events,
    Note,
    StageFailed,
    StageFinished,
    StageSkipped,
    StageStarted,
    ignore,
    serialised,
)
from choreoscope.pipeline.executors.inline import InlineExecutor
from choreoscope.pipeline.executors.interface import Executor
from choreoscope.pipeline.folder import ClipFolder, writing
from choreoscope.pipeline.ledger import Ledger
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.lock import locked
from choreoscope.pipeline.log import logged
from choreoscope.pipeline.manifest import failed_frames
from choreoscope.pipeline.placing import drop_result, finish_moving
from choreoscope.pipeline.plan import Plan, Scope, Standing
from choreoscope.pipeline.task import Failure
from choreoscope.pipeline.work import refused_by_disk


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
    executor: Executor | None = None,
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
        Workers, time-outs and the like; never change results.
    events : callable
        Told what happens, one event at a time, maybe from several threads.
    models : LoadedModels or None
        Keeps back ends loaded from clip to clip; for runs in this process alone.
    executor : Executor or None
        Where stages run; in this process if None.

    Raises
    ------
    InputError
        If another process works on the folder.
    OutputError
        If the folder cannot be written at all.
    """
    scope = plan.scope
    place = executor or InlineExecutor(models or LoadedModels(settings, events))
    telling = logged(scope.folder, serialised(events))
    began = time.perf_counter()
    telling(_started(plan))
    if plan.is_finished and not scope.folder.needs_tidying:
        outcomes = tuple(_skipped(scope, standing, telling) for standing in plan.standings)
    else:
        runner = _Runner(scope, settings, place, telling)
        with locked(scope.folder):
            try:
                scope.folder.clear_temporary()
                outcomes = tuple(runner.settle(standing) for standing in plan.standings)
            finally:
                with contextlib.suppress(OutputError):
                    # The next run clears it; an error here would hide the one that matters.
                    scope.folder.tidy()
    result = RunResult(clip=scope.clip.id, folder=scope.folder, outcomes=outcomes)
    telling(_finished(result, time.perf_counter() - began))
    return result


class _Runner:
    """Goes through the stages of one clip."""

    def __init__(
        self, scope: Scope, settings: RunSettings, executor: Executor, events: Events
    ) -> None:
        self._scope = scope
        self._settings = settings
        self._executor = executor
        self._events = events
        self._earlier: dict[str, Standing] = {}
        self._deadline = time.monotonic() + settings.limits.of_clip

    def settle(self, planned: Standing) -> StageOutcome:
        """Make one stage's result if it is not there."""
        name = planned.stage.name
        with writing(self._scope.folder.work):
            finish_moving(self._scope.folder, name)
        standing = self._scope.assess(planned.stage, self._earlier, ignore)
        standing = adopt_edits(self._scope, standing, self._events)
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
        made = self._run(standing)
        if isinstance(made, Failure):
            return self._failed(standing, made)
        _forget_failure(self._scope.folder, name)
        gaps = failed_frames(made)
        self._events(
            StageFinished(
                clip=clip,
                stage=name,
                seconds=time.perf_counter() - began,
                frames=len(made.done),
                failed=len(gaps),
                files=len(made.files),
                notes=made.notes,
            )
        )
        return StageOutcome(stage=name, state="finished", gaps=gaps, manifest=made)

    def _run(self, standing: Standing) -> Manifest | Failure:
        """Make a result; what goes wrong on this side of the work becomes a record, too."""
        stage = standing.stage
        limit = self._settings.limits.of_stage(stage.name)
        try:
            if stage.granularity == "window" and standing.state != "partial":
                drop_result(self._scope.folder, stage.name)
            ledger = Ledger(self._scope, standing)
            undertaking = Undertaking(
                scope=self._scope,
                standing=standing,
                earlier=dict(self._earlier),
                settings=self._settings,
                executor=self._executor,
                ledger=ledger,
                events=self._events,
                deadline=min(self._deadline, time.monotonic() + limit),
            )
            return see_through(undertaking) or ledger.finish()
        except TimedOutError as error:
            return Failure.of(error, self._limit_passed(limit))
        except ChoreoscopeError as error:
            return Failure.of(error)
        except OSError as error:
            return Failure.of(refused_by_disk(self._scope.folder.root, error) or error)

    def _limit_passed(self, of_stage: float) -> str:
        of_clip = self._settings.limits.of_clip
        if time.monotonic() >= self._deadline:
            return f"stopped: the clip took longer than the {of_clip:g} s allowed (clip time-out)"
        return f"stopped: it took longer than the {of_stage:g} s allowed (stage time-out)"

    def _failed(self, standing: Standing, made: Failure) -> StageOutcome:
        name = standing.stage.name
        clip = self._scope.clip.id
        failure = StageFailedError(clip=clip, stage=name, cause=made.line)
        failure.__cause__ = made.cause
        outcome = StageOutcome(stage=name, state="failed", why=made.line, error=failure)
        try:
            _record_failure(self._scope.folder, outcome)
            self._scope.folder.clear_temporary()
        except (OSError, OutputError) as refused:
            text = f"the failure could not be recorded: {refused}"
            self._events(Note(clip=clip, stage=name, text=text))
        self._events(StageFailed(clip=clip, stage=name, cause=made.line, trace=made.trace))
        return outcome


def _started(plan: Plan) -> ClipStarted:
    chosen = (backend_name(choice) for choice in plan.scope.choices.backends.values())
    return ClipStarted(
        clip=plan.scope.clip.id,
        stages=tuple(standing.stage.name for standing in plan.standings),
        frames=len(plan.scope.wanted),
        backends=tuple(name for name in chosen if name),
    )


def _finished(result: RunResult, seconds: float) -> ClipFinished:
    return ClipFinished(
        clip=result.clip,
        seconds=seconds,
        complete=result.is_complete,
        failed_stages=tuple(outcome.stage for outcome in result.failures),
    )


def _skipped(scope: Scope, standing: Standing, events: Events) -> StageOutcome:
    name = standing.stage.name
    manifest = standing.manifest
    gaps = failed_frames(manifest) if manifest is not None else FrameSet()
    events(StageSkipped(clip=scope.clip.id, stage=name, why=standing.why))
    return StageOutcome(stage=name, state="skipped", why=standing.why, gaps=gaps, manifest=manifest)


def _record_failure(folder: ClipFolder, outcome: StageOutcome) -> None:
    """Write why a stage failed, for programs; people read the log."""
    record = {"stage": outcome.stage, "cause": outcome.why, "exit_code": outcome.exit_code}
    folder.write_record(
        folder.failure(outcome.stage), json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    )


def _forget_failure(folder: ClipFolder, stage: str) -> None:
    with writing(folder.failure(stage)):
        folder.failure(stage).unlink(missing_ok=True)
