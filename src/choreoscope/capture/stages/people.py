"""People in every frame: the back end's observations, window by window, before identities."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import Field

from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.people import PeopleInFrame, PeopleState
from choreoscope.formats.observations import read_observations, read_state, write_observations
from choreoscope.pipeline.stage import Job, Options, Stage

WINDOW_FRAMES = 64


class PeopleOptions(Options):
    """Choices of the people stage."""

    window_frames: int = Field(
        default=WINDOW_FRAMES, ge=1, description="frames kept at once; a kill loses at most these"
    )


def window_name(window: FrameRange) -> str:
    """File name of a window; sorts in time."""
    return f"{window.start:08d}-{window.stop:08d}"


def run(job: Job) -> None:
    """Make each stretch of missing windows, from the state stored before it."""
    from choreoscope.formats.video_reader import FilmReader

    with FilmReader(job.video, threads=job.settings.workers) as reader:
        for windows in _stretches(job.windows):
            stretch = FrameRange(windows[0].start, windows[-1].stop)
            followed = job.model().follow(reader.frames(stretch), _state_before(job, windows[0]))
            seen = _Progress(job, followed, stretch)
            for window in windows:
                _keep(job, window, seen.until(window.stop), reader.undecodable)


def _stretches(windows: Iterable[FrameRange]) -> list[list[FrameRange]]:
    """Put windows together that follow each other without a gap."""
    stretches: list[list[FrameRange]] = []
    for window in windows:
        if stretches and stretches[-1][-1].stop == window.start:
            stretches[-1].append(window)
        else:
            stretches.append([window])
    return stretches


def _state_before(job: Job, window: FrameRange) -> PeopleState | None:
    finished = job.previous("observations")
    earlier = sorted(name for name in finished if name < window_name(window))
    for name in reversed(earlier):
        # A window without one decodable frame holds no state; the one before it does.
        state = read_state(finished[name])
        if state:
            return state
    return None


def _keep(job: Job, window: FrameRange, seen: list[PeopleInFrame], broken: FrameSet) -> None:
    write_observations(job.output("observations", window=window_name(window)), seen)
    for hole in (broken & FrameSet.of([window])).ranges:
        job.failed(hole, "the film does not decode here")
    job.commit(window)


class _Progress:
    """Cuts the stream of frames into windows and tells how far it is."""

    def __init__(self, job: Job, followed: Iterator[PeopleInFrame], rest: FrameRange) -> None:
        self._job = job
        self._followed = followed
        self._rest = rest
        self._held: PeopleInFrame | None = None

    def until(self, stop: int) -> list[PeopleInFrame]:
        """Take all frames before `stop`; frames that did not decode are left out."""
        taken: list[PeopleInFrame] = []
        while True:
            result = self._held or next(self._followed, None)
            self._held = None
            if result is None:
                return taken
            if result.frame >= stop:
                self._held = result
                return taken
            taken.append(result)
            done = result.frame + 1 - self._job.frames.start
            self._job.progress(done, len(self._job.frames), "frame")
            if result.frame + 1 == stop:
                return taken


def check(kind: str, path: Path) -> None:
    """Read a window back; every array must have its shape."""
    del kind
    read_observations(path)


STAGE = Stage(
    name="people",
    version=1,
    reads=(),
    writes=("observations",),
    options=PeopleOptions,
    run=run,
    check=check,
    task="people",
    granularity="window",
    window_frames=WINDOW_FRAMES,
    meaning="find and follow everybody; body, hands, face and mask in every frame",
)
