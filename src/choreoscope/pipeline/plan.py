"""Plans: which stages of a recipe have to run on a clip, on which frames, and why."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from choreoscope.datatypes.artifacts import Manifest, WrittenFile
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.datatypes.video import Clip
from choreoscope.pipeline.choices import (
    BackendChoice,
    Choices,
    GivenInput,
    backend_name,
    check_choices,
    resolved,
    worst_tier,
)
from choreoscope.pipeline.condition import Condition, adopted, look_at
from choreoscope.pipeline.events import Events, Note, StagePlanned, ignore
from choreoscope.pipeline.fingerprint import Causes, canonical_json, differences
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.manifest import causes_of, contribution, failed_frames, read_manifest
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.stage import Options, Stage

State = Literal["done", "partial", "stale", "missing", "blocked"]

ABSENT = "absent"
"""Stands for the result of an optional feeder that could not be made."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one stage stands, by the evidence on disk.

    Attributes
    ----------
    stage, options, backend : Stage, Options, BackendChoice or None
        What would run.
    state : {"done", "partial", "stale", "missing", "blocked"}
        Done; some windows there; made from other causes; not there; cannot be made.
    why : str
        One line: what changed, what is missing, what it waits for.
    causes : Causes
        What the result would follow from.
    missing : FrameSet
        Source frames to be made.
    tier : str
        Licence tier of the result: the worst of its inputs' and the back end's.
    manifest : Manifest or None
        What is on disk, files edited by hand as they are now; without those that are to be made
        again because they are gone or damaged.
    edits : tuple of WrittenFile
        Files edited by hand since their record was written (`pipeline.edits` writes it).
    aside : tuple of str
        Damaged files, in the way of what is to be made again.
    """

    stage: Stage
    options: Options
    backend: BackendChoice | None
    state: State
    why: str
    causes: Causes
    missing: FrameSet
    tier: str
    manifest: Manifest | None
    edits: tuple[WrittenFile, ...] = ()
    aside: tuple[str, ...] = ()

    @property
    def is_made_elsewhere(self) -> bool:
        """Whether the result on disk was imported or edited by hand."""
        takes_in = self.stage.outdated is not None
        return self.manifest is not None and self.manifest.origin != "computed" and not takes_in

    @property
    def is_imported(self) -> bool:
        """Whether the result as a whole comes from outside, so that no part of it can be made."""
        by_hand = self.manifest is not None and any(file.edited for file in self.manifest.files)
        return self.is_made_elsewhere and not by_hand

    @property
    def to_run(self) -> bool:
        """Whether the stage has to and can run."""
        return self.state in ("partial", "stale", "missing")

    @property
    def contribution(self) -> str:
        """What it adds to the fingerprints of its readers, now or once it has run."""
        if self.manifest is not None and (self.state == "done" or self.is_made_elsewhere):
            return contribution(self.manifest)
        return self.causes.fingerprint


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A recipe on a clip: everything needed to tell how its stages stand.

    Attributes
    ----------
    film : dict
        Fingerprint inputs that come from the film; see `film_inputs`.
    deep : bool
        Whether files are hashed again, instead of only being there with the right size.
    """

    recipe: Recipe
    clip: Clip
    folder: ClipFolder
    choices: Choices
    film: Mapping[str, str]
    deep: bool

    @property
    def wanted(self) -> FrameSet:
        """All source frames of the clip."""
        return FrameSet.of([self.clip.frames])

    def assess(self, stage: Stage, earlier: Mapping[str, Standing], events: Events) -> Standing:
        """Tell how a stage stands, given how those before it do."""
        options = self.choices.options.get(stage.name, stage.options())
        backend = self._backend(stage)
        feeders = [earlier[feeder.name] for feeder in self.recipe.feeders(stage)]
        reads = {*stage.reads, *stage.optional}
        given = [one for one in self.choices.given if one.kind in reads]
        standing = Standing(
            stage=stage,
            options=options,
            backend=backend,
            state="missing",
            why="no result yet",
            causes=Causes(
                stage=stage.name,
                version=stage.version,
                backend=backend_name(backend),
                options=resolved(stage, options, backend),
                inputs=self._inputs(stage, feeders, given),
            ),
            missing=self.wanted,
            tier=worst_tier(
                [
                    *(feeder.tier for feeder in feeders if feeder.state != "blocked"),
                    *(one.tier for one in given),
                ],
                backend,
            ),
            manifest=self._read(stage, events),
        )
        return _held_up(self._judged(standing), feeders)

    def assess_again(self, standing: Standing) -> Standing:
        """Tell how a stage stands after its record was changed; its causes are as they were."""
        fresh = dataclasses.replace(
            standing,
            state="missing",
            why="no result yet",
            missing=self.wanted,
            manifest=self._read(standing.stage, ignore),
        )
        return self._judged(fresh)

    def _backend(self, stage: Stage) -> BackendChoice | None:
        if stage.task is None:
            return None
        try:
            return self.choices.backends[stage.task]
        except KeyError:
            raise InputError(
                f"stage '{stage.name}' needs a back end for '{stage.task}', and none was chosen"
            ) from None

    def _inputs(
        self, stage: Stage, feeders: list[Standing], given: list[GivenInput]
    ) -> dict[str, str]:
        inputs = dict(self.film)
        if stage.granularity == "window":
            inputs["window"] = str(stage.window_frames)
        for feeder in feeders:
            absent = feeder.state == "blocked" and not needs(stage, feeder.stage)
            inputs[f"stage {feeder.stage.name}"] = ABSENT if absent else feeder.contribution
        return inputs | {f"input {one.kind}": one.fingerprint for one in given}

    def _read(self, stage: Stage, events: Events) -> Manifest | None:
        try:
            return read_manifest(self.folder, stage.name)
        except InputError as error:
            path = self.folder.manifest(stage.name)
            text = f"{path}: {error}; the stage counts as not done"
            events(Note(clip=self.clip.id, stage=stage.name, text=text))
            return None

    def _judged(self, standing: Standing) -> Standing:
        if standing.manifest is None:
            return standing
        seen = look_at(standing.stage, self.folder, standing.manifest.files, deep=self.deep)
        manifest = adopted(standing.manifest, seen.edited)
        standing = dataclasses.replace(
            standing,
            manifest=manifest,
            edits=seen.edited,
            aside=tuple(file.path for file in seen.damaged),
        )
        if manifest.fingerprint != standing.causes.fingerprint:
            changes = differences(causes_of(manifest), standing.causes)
            why = "; ".join(changes) or "its recorded causes are not those of its fingerprint"
            return self._protected(dataclasses.replace(standing, state="stale", why=why), seen)
        lost = {file.path: file for file in (*seen.gone, *seen.damaged)}
        if not lost:
            return self._counted(standing, "a part was never made")
        why = f"{next(iter(lost))} is gone or not as it was written"
        if len(lost) > 1:
            why += f", and {len(lost) - 1} more"
        standing = dataclasses.replace(standing, why=why)
        if standing.is_imported or any(file.edited for file in seen.damaged):
            return self._protected(standing, seen)
        gone = FrameSet.of(file.frames for file in lost.values() if file.frames is not None)
        kept = dataclasses.replace(
            manifest,
            files=tuple(file for file in manifest.files if file.path not in lost),
            done=manifest.done - gone,
        )
        standing = dataclasses.replace(standing, manifest=kept)
        return self._counted(standing, why) if standing.stage.granularity == "window" else standing

    def _counted(self, standing: Standing, why: str) -> Standing:
        manifest = standing.manifest
        if manifest is None:
            return standing
        failed = failed_frames(manifest)
        missing = self.wanted - manifest.done
        is_kept = standing.is_made_elsewhere and standing.stage.granularity == "clip"
        again = self.choices.retry_failed and not is_kept
        missing -= failed & self.choices.hopeless if again else failed
        if missing & failed:
            why = "frames that failed are tried again"
        news = self._news(standing)
        if news:
            kept = dataclasses.replace(manifest, done=manifest.done - news)
            standing = dataclasses.replace(standing, manifest=kept)
            missing |= news
            why = f"files were delivered for {len(news)} frames"
        if missing:
            return dataclasses.replace(standing, state="partial", why=why, missing=missing)
        gaps = f"{len(failed)} frames could not be made" if failed else ""
        return dataclasses.replace(standing, state="done", why=gaps, missing=FrameSet())

    def _news(self, standing: Standing) -> FrameSet:
        """Frames for which another program delivered something since they were taken in."""
        stage = standing.stage
        if stage.outdated is None:
            return FrameSet()
        try:
            found = stage.outdated(stage, standing.options, self.folder.root, self.clip)
        except InputError:
            # What is wrong with the delivery is told when the stage runs, and recorded.
            return self.wanted
        return found & self.wanted

    def _protected(self, standing: Standing, seen: Condition) -> Standing:
        """Let nothing overwrite what was made outside the engine."""
        manifest = standing.manifest
        if manifest is None:
            return standing
        absent = {file.path for file in seen.gone}
        by_hand = [file.path for file in manifest.files if file.edited and file.path not in absent]
        if not by_hand and not standing.is_imported:
            return standing
        more = f" and {len(by_hand) - 1} more" if len(by_hand) > 1 else ""
        made = f"edited by hand ({by_hand[0]}{more})" if by_hand else manifest.origin
        delete = by_hand[0] if by_hand else self.folder.manifest(standing.stage.name)
        why = (
            f"its result was {made}, and since then: {standing.why}; "
            f"it is never overwritten: delete {self.folder.root / delete} to have it computed anew"
        )
        return dataclasses.replace(standing, state="blocked", why=why)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be done on a clip: the standings of the recipe's stages, in order."""

    scope: Scope
    standings: tuple[Standing, ...]

    @property
    def is_finished(self) -> bool:
        """Whether every stage's result is there, and nothing about it is still to be recorded."""
        return all(one.state == "done" and not one.edits for one in self.standings)

    def standing(self, stage: str) -> Standing:
        """Look a stage's standing up by the stage's name."""
        found = self.scope.recipe.stage(stage)
        return next(standing for standing in self.standings if standing.stage is found)


def plan(
    recipe: Recipe,
    clip: Clip,
    folder: Path,
    choices: Choices | None = None,
    *,
    deep: bool = False,
    events: Events = ignore,
) -> Plan:
    """Work out what is missing; nothing is written.

    Parameters
    ----------
    recipe : Recipe
        Stages in order.
    clip : Clip
        The shot.
    folder : Path
        The clip's folder; need not exist.
    choices : Choices or None
        Options, back ends and given inputs; all defaults if None.
    deep : bool
        Hash every file again (reads everything) instead of comparing sizes.
        Of files that open, one of another size than recorded counts as edited by hand; one of
        the same size is left alone until somebody says what it is (`edits.accept`).
    events : callable
        Receives a `StagePlanned` per stage, and a `Note` per manifest that cannot be read.

    Raises
    ------
    InputError
        If options name an unknown stage or are of another stage's type, a back end is not
        chosen, or an input is not given.
    """
    chosen = choices or Choices()
    check_choices(recipe, chosen)
    scope = Scope(
        recipe=recipe,
        clip=clip,
        folder=ClipFolder(folder),
        choices=chosen,
        film=film_inputs(clip),
        deep=deep,
    )
    standings: dict[str, Standing] = {}
    for stage in recipe.stages:
        standing = standings[stage.name] = scope.assess(stage, standings, events)
        events(
            StagePlanned(
                clip=clip.id,
                stage=stage.name,
                state=standing.state,
                missing=len(standing.missing),
                why=standing.why,
            )
        )
    return Plan(scope=scope, standings=tuple(standings.values()))


def film_inputs(clip: Clip) -> dict[str, str]:
    """Name what a result takes from the film: its content, its timing and the clip's frames.

    Timing is not in the content's digest: a folder of frames gets its rate from the user.
    """
    video = clip.video
    timing = canonical_json(
        {
            "rate": video.rate,
            "time_base": video.time_base,
            "pts": hashlib.sha256(np.asarray(video.pts, dtype="<i8").tobytes()).hexdigest(),
            "size": [video.width, video.height],
            "rotation": video.rotation,
        }
    )
    return {
        "film": video.digest,
        "timing": hashlib.sha256(timing.encode("ascii")).hexdigest(),
        "frames": str(clip.frames),
    }


def needs(stage: Stage, feeder: Stage) -> bool:
    """Whether a stage cannot do without another's result."""
    return bool(set(stage.reads) & set(feeder.writes))


def _held_up(standing: Standing, feeders: list[Standing]) -> Standing:
    """Block what cannot be made because something it reads cannot."""
    held = [
        feeder.stage.name
        for feeder in feeders
        if feeder.state == "blocked" and needs(standing.stage, feeder.stage)
    ]
    if not held or not standing.to_run:
        return standing
    why = f"it reads from stage '{held[0]}', which has no usable result"
    return dataclasses.replace(standing, state="blocked", why=why)
