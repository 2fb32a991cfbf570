"""Recipes: stages put in order by what they read and write."""

import dataclasses
import importlib
from collections.abc import Iterable

from choreoscope.datatypes.artifacts import kind_of
from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.stage import Stage


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """An ordered set of stages.

    Attributes
    ----------
    name : str
        For people.
    stages : tuple of Stage
        Given in any order; kept so that every stage comes after those that write what it reads.
        Stages that do not depend on one another stay in the order given.
    inputs : tuple of str
        Artifact kinds that are handed in from outside instead of being written by a stage.

    Raises
    ------
    InputError
        If two stages share a name or write the same kind, a kind is unknown or comes from
        nowhere, stages wait for one another, or a window stage writes whole-clip files.
    """

    name: str
    stages: tuple[Stage, ...]
    inputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._check_names()
        writers = self._writers()
        for stage in self.stages:
            self._check_reads(stage, writers)
            self._check_windows(stage)
        object.__setattr__(self, "stages", self._in_order(writers))

    def stage(self, name: str) -> Stage:
        """Look a stage up by its name.

        Raises
        ------
        InputError
            If the recipe has no such stage.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = ", ".join(stage.name for stage in self.stages)
        raise InputError(f"recipe '{self.name}' has no stage '{name}'; it has: {known}")

    def feeders(self, stage: Stage) -> tuple[Stage, ...]:
        """Stages that write what `stage` reads, the optional kinds included, in order."""
        read = {*stage.reads, *stage.optional}
        return tuple(other for other in self.stages if read & set(other.writes))

    def ancestors(self, stage: Stage) -> tuple[Stage, ...]:
        """Every stage that `stage` depends on, directly or not, in order."""
        found: set[str] = set()
        waiting = [stage]
        while waiting:
            for feeder in self.feeders(waiting.pop()):
                if feeder.name not in found:
                    found.add(feeder.name)
                    waiting.append(feeder)
        return tuple(other for other in self.stages if other.name in found)

    def _check_names(self) -> None:
        seen: set[str] = set()
        for stage in self.stages:
            if stage.name in seen:
                raise InputError(f"recipe '{self.name}' has two stages named '{stage.name}'")
            if not stage.name.replace("-", "_").isidentifier():
                raise InputError(
                    f"recipe '{self.name}': stage name '{stage.name}' must be letters, digits, "
                    f"'-' and '_', because it names files"
                )
            seen.add(stage.name)

    def _writers(self) -> dict[str, Stage]:
        writers: dict[str, Stage] = {}
        for kind in self.inputs:
            kind_of(kind)
        for stage in self.stages:
            for kind in stage.writes:
                kind_of(kind)
                if kind in self.inputs:
                    raise InputError(
                        f"recipe '{self.name}': '{kind}' is an input, "
                        f"yet stage '{stage.name}' writes it"
                    )
                if kind in writers:
                    raise InputError(
                        f"recipe '{self.name}': stages '{writers[kind].name}' and "
                        f"'{stage.name}' both write '{kind}'"
                    )
                writers[kind] = stage
        return writers

    def _check_reads(self, stage: Stage, writers: dict[str, Stage]) -> None:
        for kind in stage.optional:
            kind_of(kind)
        for kind in stage.reads:
            kind_of(kind)
            if kind not in writers and kind not in self.inputs:
                raise InputError(
                    f"recipe '{self.name}': stage '{stage.name}' reads '{kind}', "
                    f"which no stage writes and which is not an input"
                )

    def _check_windows(self, stage: Stage) -> None:
        if stage.granularity != "window":
            return
        whole = [kind for kind in stage.writes if kind_of(kind).per not in ("window", "frame")]
        if whole:
            # A whole-clip file beside windows would have no manifest entry until the last window.
            raise InputError(
                f"recipe '{self.name}': window stage '{stage.name}' may write only kinds "
                f"per window or frame, not {', '.join(whole)}"
            )

    def _in_order(self, writers: dict[str, Stage]) -> tuple[Stage, ...]:
        ordered: list[Stage] = []
        waiting = list(self.stages)
        while waiting:
            names = {stage.name for stage in waiting}
            ready = next((s for s in waiting if not _awaited(s, writers) & names), None)
            if ready is None:
                raise InputError(f"recipe '{self.name}': {_circle(waiting, writers)}")
            ordered.append(ready)
            waiting.remove(ready)
        return tuple(ordered)


def _awaited(stage: Stage, writers: dict[str, Stage]) -> set[str]:
    return {writers[kind].name for kind in (*stage.reads, *stage.optional) if kind in writers}


def _circle(waiting: list[Stage], writers: dict[str, Stage]) -> str:
    names = {stage.name: stage for stage in waiting}
    path = [waiting[0].name]
    while True:
        following = min(_awaited(names[path[-1]], writers) & names.keys())
        if following in path:
            circle = [*path[path.index(following) :], following]
            return f"stages wait for one another in a circle: {' reads from '.join(circle)}"
        path.append(following)


def load_stages(names: Iterable[str]) -> tuple[Stage, ...]:
    """Import stages by name, because the lower rooms may not import the upper ones.

    Parameters
    ----------
    names : iterable of str
        Module names, each with a ``STAGE`` at module level.

    Raises
    ------
    InputError
        If there is no such module, or it has no ``STAGE``.
    """
    return tuple(_load_stage(name) for name in names)


def _load_stage(name: str) -> Stage:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise InputError(f"no stage module '{name}' ('{error.name}' does not exist)") from error
    stage = getattr(module, "STAGE", None)
    if not isinstance(stage, Stage):
        raise InputError(f"module '{name}' has no STAGE; a stage file ends with STAGE = Stage(...)")
    return stage
