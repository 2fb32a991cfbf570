"""What has been told so far, counted: how far each stage, clip and film is, and what is left."""

import collections
import dataclasses
from typing import Literal

from choreoscope.pipeline import events
from choreoscope.pipeline.watch.events import FilmChanged
from choreoscope.pipeline.weights.events import WeightsEvent

PACE_SECONDS = 30.0
"""A rate is taken over so many seconds: long enough to be calm, short enough to be true."""

State = Literal["waiting", "running", "done before", "made", "failed", "not made"]

OVER = ("done before", "made", "failed", "not made")


class Pace:
    """Rate and time left of something that tells how far it is.

    Counted from the first thing told, so that what an earlier run made is no speed of this one.

    Attributes
    ----------
    done, total : int
        How far it is; a `total` of 0 is unknown.
    unit : str
        What is counted; empty before anything is told.
    began : float
        Moment at which something was told first.
    """

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self.unit = ""
        self.began = 0.0
        self._told: collections.deque[tuple[float, int]] = collections.deque()

    def add(self, now: float, done: int, total: int, unit: str) -> None:
        """Take in how far it is at a moment, seconds of any clock that only rises."""
        if done < self.done or unit != self.unit:
            self._told.clear()
        self.began = self.began if self._told else now
        self.done, self.total, self.unit = done, total, unit
        self._told.append((now, done))
        while len(self._told) > 2 and self._told[1][0] < now - PACE_SECONDS:  # noqa: PLR2004
            self._told.popleft()

    def rate(self, now: float) -> float:
        """Units per second; 0 where nothing can be said yet."""
        if not self._told or now <= self._told[0][0]:
            return 0.0
        began, before = self._told[0]
        return (self.done - before) / (now - began)

    def left(self, now: float) -> float | None:
        """Seconds until all is done; None where nothing can be said yet."""
        rate = self.rate(now)
        return (self.total - self.done) / rate if rate > 0 and self.total else None

    @property
    def fraction(self) -> float:
        """How much is done, 0 to 1; 0 where the total is unknown."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


@dataclasses.dataclass(slots=True)
class StageTally:
    """One stage of one clip.

    Attributes
    ----------
    frames, gaps : int
        Source frames that its result holds, and those that could not be made.
    began : float
        Moment at which it started.
    seconds : float
        How long it took.
    """

    state: State = "waiting"
    frames: int = 0
    gaps: int = 0
    began: float = 0.0
    seconds: float = 0.0
    pace: Pace = dataclasses.field(default_factory=Pace)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is done about it in this run."""
        return self.state in OVER


@dataclasses.dataclass(slots=True)
class ClipTally:
    """One clip; `frames` of 0 is unknown."""

    film: str
    clip: str
    frames: int = 0
    stages: dict[str, StageTally] = dataclasses.field(default_factory=dict)
    is_told: bool = False

    @property
    def has_worked(self) -> bool:
        """Whether anything was done about it, beyond finding it finished."""
        return any(one.state not in ("waiting", "done before") for one in self.stages.values())


@dataclasses.dataclass(slots=True, kw_only=True)
class FilmTally:
    """How far a film is.

    Attributes
    ----------
    stages_done, stages : int
        Over all clips.
    frames_done, frames : int
        Source frames; a frame counts in parts, as the stages go over it.
    seconds_left : float or None
        None where nothing can be said yet.
    takes_longer : bool
        Whether some stages are left that have never run, so that it will take longer than that.
    """

    name: str
    stages_done: int
    stages: int
    frames_done: int
    frames: int
    seconds_left: float | None
    takes_longer: bool


class Tally:
    """Counts events; moments are seconds of one clock that only rises."""

    def __init__(self) -> None:
        self._clips: dict[tuple[str, str], ClipTally] = {}
        self._films: dict[str, events.FilmStarted] = {}
        self._downloads: dict[str, Pace] = {}
        self._spent: dict[tuple[str, str], tuple[float, int]] = {}

    def add(self, event: events.Event, now: float) -> None:
        """Take in one event."""
        match event:
            case WeightsEvent():
                self._weights(event, now)
            case events.FilmStarted():
                self._films[event.film] = event
            case events.ClipStarted():
                self._begin(event)
            case FilmChanged() if event.state != "working":
                # However the work on it ended, nothing more comes.
                self.close(event.film)
            case _ if event.stage:
                self._stage(event, now)

    def _begin(self, event: events.ClipStarted) -> None:
        stages = {name: StageTally() for name in event.stages}
        clip = ClipTally(film=event.film, clip=event.clip, frames=event.frames, stages=stages)
        self._clips[event.film, event.clip] = clip

    def clip(self, event: events.Event) -> ClipTally:
        """Return the clip that an event belongs to."""
        key = (event.film, event.clip)
        if key not in self._clips:
            self._clips[key] = ClipTally(film=event.film, clip=event.clip)
        return self._clips[key]

    def stage(self, event: events.Event) -> StageTally:
        """Return the stage that an event belongs to."""
        return self.clip(event).stages.setdefault(event.stage, StageTally())

    def forget(self, clip: ClipTally) -> None:
        """Drop a clip of which nothing more will be told, unless its film's bar counts it."""
        if clip.film not in self._films:
            self._clips.pop((clip.film, clip.clip), None)

    def close(self, film: str) -> None:
        """Drop a film that is finished, with its clips."""
        self._films.pop(film, None)
        self._clips = {key: clip for key, clip in self._clips.items() if key[0] != film}
        self._spent = {key: spent for key, spent in self._spent.items() if key[0] != film}

    def _stage(self, event: events.Event, now: float) -> None:
        match event:
            case events.StageStarted():
                self.clip(event).stages[event.stage] = StageTally(state="running", began=now)
            case events.Progress():
                tally = self.stage(event)
                if tally.state == "waiting":
                    tally.state, tally.began = "running", now
                tally.pace.add(now, event.done, event.total, event.unit)
            case events.StageFinished():
                self._finish(event)
            case events.StageSkipped():
                self.stage(event).state = "not made" if event.blocked else "done before"
            case events.StageFailed():
                tally = self.stage(event)
                if tally.state == "running":
                    tally.seconds = now - tally.began
                tally.state = "failed"

    def _finish(self, event: events.StageFinished) -> None:
        tally = self.stage(event)
        tally.state, tally.seconds = "made", event.seconds
        tally.frames, tally.gaps = event.frames, event.failed
        seconds, frames = self._spent.get((event.film, event.stage), (0.0, 0))
        self._spent[event.film, event.stage] = (seconds + event.seconds, frames + event.frames)

    def download(self, event: WeightsEvent) -> Pace:
        """Return how far a file is that is being fetched."""
        return self._downloads.get(event.name) or Pace()

    def _weights(self, event: WeightsEvent, now: float) -> None:
        if event.kind == "progress":
            pace = self._downloads.setdefault(event.name, Pace())
            pace.add(now, event.done, event.total, "byte")
        else:
            # Whatever comes next, the wheel or file that was under way is there or given up.
            self._downloads.clear()

    @property
    def clips(self) -> list[ClipTally]:
        """All clips that were told of and not forgotten."""
        return list(self._clips.values())

    @property
    def film_names(self) -> list[str]:
        """Names of the films that are worked on."""
        return list(self._films)

    @property
    def downloads(self) -> dict[str, Pace]:
        """What is being fetched."""
        return dict(self._downloads)

    @property
    def running(self) -> list[tuple[ClipTally, str, StageTally]]:
        """Clip, name and count of each stage that runs."""
        return [
            (clip, name, stage)
            for clip in self.clips
            for name, stage in list(clip.stages.items())
            if stage.state == "running"
        ]

    def film(self, name: str, now: float) -> FilmTally:
        """Say how far a film is."""
        told = self._films[name]
        begun = [self._clips.get((name, clip)) for clip in told.clips]
        waiting = ClipTally(name, "", stages={stage: StageTally() for stage in told.stages})
        clips = [clip or waiting for clip in begun]
        each = told.frames / max(1, len(clips))
        stages = [(clip.frames or each, *one) for clip in clips for one in clip.stages.items()]
        done = sum(frames * _fraction(stage) for frames, _, stage in stages)
        left, takes_longer = self._left(name, stages, now)
        return FilmTally(
            name=name,
            stages_done=sum(stage.is_over for _, _, stage in stages),
            stages=len(stages),
            frames_done=int(done * told.frames / max(1.0, sum(part for part, _, _ in stages))),
            frames=told.frames,
            seconds_left=left,
            takes_longer=takes_longer,
        )

    def _left(
        self, film: str, stages: list[tuple[float, str, StageTally]], now: float
    ) -> tuple[float | None, bool]:
        """Add up what the stages that are not over will take, by what they took elsewhere."""
        total, at_once, known, unknown = 0.0, 0, 0, 0
        for frames, name, stage in stages:
            if stage.is_over:
                continue
            at_once += stage.state == "running"
            left = stage.pace.left(now) if stage.state == "running" else None
            seconds, made = self._spent.get((film, name), (0.0, 0))
            if left is None and made:
                spent = now - stage.began if stage.state == "running" else 0.0
                left = max(0.0, seconds / made * frames - spent)
            known += left is not None
            unknown += left is None
            total += left or 0.0
        return (total / max(1, at_once) if known else None), unknown > 0


def _fraction(stage: StageTally) -> float:
    if stage.is_over:
        return 1.0
    return stage.pace.fraction if stage.state == "running" else 0.0
