"""Frames of a job through a model of passes: windows, crops, batches and state.

Whatever a model's `feeding`, frames come back in order, one answer each, at the size of the frame
and checked. A window that is committed holds the state to go on from, so a run that is stopped and
resumed gives the same answers.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from choreoscope.capture.passes.answers import checked
from choreoscope.capture.passes.batches import Feeder, FramesFeeder, RecurrentFeeder, Source
from choreoscope.capture.passes.crop_feeding import CropsFeeder
from choreoscope.capture.passes.facing import FacingCheck
from choreoscope.capture.passes.interfaces import (
    Answer,
    Crops,
    Frames,
    PassFrame,
    PassState,
    Recurrent,
    ShotContext,
    Windows,
)
from choreoscope.capture.passes.shot import shot_context
from choreoscope.capture.passes.windowed import WindowsFeeder
from choreoscope.capture.passes.write_behind import WriteBehind
from choreoscope.datatypes.errors import BackendFailedError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.formats.pass_state_npz import read_pass_state, write_pass_state
from choreoscope.pipeline.stage import Job

BATCH = 8
Write = Callable[[int, Answer], None]
Film = Iterable[tuple[int, np.ndarray]]


def run_pass(
    job: Job,
    write: Write,
    *,
    state_kind: str | None = None,
    shot: ShotContext | None = None,
    neighbours: bool = False,
    gives: str = "",
) -> None:
    """Ask the job's model about every frame that is missing, window by window.

    Parameters
    ----------
    job : Job
        Of a window stage.
    write : callable
        ``write(frame, answer)``, called once for each frame that decodes; writes the outputs of
        that frame, maybe in another thread while others are computed and written.
    state_kind : str or None
        Kind under which each window's state is stored, and which the stage then has to write.
        Without one only models whose frames do not depend on one another can be used.
    shot : ShotContext or None
        What the model may know; gathered from the job's inputs if None.
    neighbours : bool
        Whether the model gets the pictures before and after, as flow models do.
    gives : str
        A name every answer must have, for example "normals".

    Raises
    ------
    BackendFailedError
        If an answer is not what it should be, memory does not suffice for one frame, or the model
        needs a state and the stage keeps none.
    """
    from choreoscope.formats.video_reader import FilmReader

    model, shot = job.model(), shot or shot_context(job)
    if state_kind is None and isinstance(model.feeding, Recurrent | Windows):
        raise BackendFailedError(
            f"{type(model).__name__} goes through frames in order, and this stage makes them in "
            f"any; choose a back end that looks at single frames"
        )
    model.start(shot)
    workers = job.settings.workers
    with FilmReader(job.video, threads=workers) as reader, WriteBehind(workers) as behind:
        for windows in stretches(job.windows):
            state = _state_before(job, state_kind, windows[0])
            feeder = feeder_of(model, shot, batch=job.settings.batch, state=state)
            wanted = feeder.needed(FrameRange(windows[0].start, windows[-1].stop))
            source = Source(_film(reader.frames, shot, wanted, neighbours=neighbours))
            asking = _Asking(feeder, model, gives)
            for window in windows:
                for frame, answer in asking.until(source, window.stop):
                    behind.do(write, frame, answer)
                    job.progress(frame + 1 - job.frames.start, len(job.frames), "frame")
                behind.settle()
                if state_kind is not None:
                    write_pass_state(
                        job.output(state_kind, window=window_name(window)), feeder.state
                    )
                for hole in (reader.undecodable & FrameSet.of([window])).ranges:
                    job.failed(hole, "the film does not decode here")
                job.commit(window)
    for note in getattr(model, "notes", ()):
        job.note(note)


def run_frames(
    model: Any,  # noqa: ANN401 - a PassModel or a CropModel
    frames: Iterable[PassFrame],
    shot: ShotContext,
    *,
    state: PassState | None = None,
    batch: int = BATCH,
    gives: str = "",
) -> Iterator[tuple[int, Answer]]:
    """Ask a model about frames that are at hand, without a job.

    Parameters
    ----------
    model : PassModel or CropModel
        Told of the shot first.
    frames : iterable of PassFrame
        In order, without more than the model takes at once being read ahead.
    shot : ShotContext
        What the model may know.
    state : PassState or None
        After the frame before; None to begin anew.
    batch : int
        At most so many at once.
    gives : str
        A name every answer must have.

    Yields
    ------
    (frame, answer)
        In order, checked.

    Raises
    ------
    BackendFailedError
        If an answer is not what it should be, or memory does not suffice for one frame.
    """
    model.start(shot)
    source = Source(frames)
    feeder = feeder_of(model, shot, batch=batch, state=state or {})
    first = source.peek()
    if first is not None:
        feeder.needed(FrameRange(first.frame, shot.frames.stop))
        yield from _Asking(feeder, model, gives).until(source, shot.frames.stop)


def feeder_of(
    model: Any,  # noqa: ANN401 - a PassModel or a CropModel
    shot: ShotContext,
    *,
    batch: int,
    state: PassState,
) -> Feeder:
    """Choose how a model is fed.

    Raises
    ------
    BackendFailedError
        If it asks for something unknown.
    """
    feeding = model.feeding
    match feeding:
        case Frames():
            return FramesFeeder(model, feeding, batch)
        case Crops():
            return CropsFeeder(model, feeding, batch, shot)
        case Recurrent():
            return RecurrentFeeder(model, feeding, batch, state)
        case Windows():
            return WindowsFeeder(model, feeding, shot, state)
    raise BackendFailedError(
        f"{type(model).__name__}: expected a feeding of frames, crops, a recurrent or windows, "
        f"got {feeding!r}"
    )


def window_name(window: FrameRange) -> str:
    """File name of a window; sorts in time."""
    return f"{window.start:08d}-{window.stop:08d}"


def stretches(windows: Iterable[FrameRange]) -> list[list[FrameRange]]:
    """Put windows together that follow each other without a gap."""
    found: list[list[FrameRange]] = []
    for window in windows:
        if found and found[-1][-1].stop == window.start:
            found[-1].append(window)
        else:
            found.append([window])
    return found


class _Asking:
    """Asks one feeder, and looks at every answer."""

    def __init__(self, feeder: Feeder, model: object, gives: str) -> None:
        self._feeder = feeder
        self._model = model
        self._gives = gives
        # What is rendered has the house's axes; its bodies need not fill the tracks' masks.
        rendered = getattr(model, "origin", "") == "proxy"
        self._facing = None if rendered else FacingCheck(type(model).__name__)

    def until(self, source: Source, stop: int) -> Iterator[tuple[int, Answer]]:
        for frame, answer in self._feeder.answers(source, stop):
            size = (frame.picture.shape[1], frame.picture.shape[0])
            sound = checked(answer, size, frame.frame, self._model, self._gives)
            if self._facing is not None and "normals" in sound:
                self._facing.look(frame.frame, sound["normals"], frame.people)
            yield frame.frame, sound


def _state_before(job: Job, kind: str | None, window: FrameRange) -> PassState:
    if kind is None or window.start == job.frames.start:
        return {}
    finished: Mapping[str, Any] = job.previous(kind)
    earlier = [name for name in finished if name < window_name(window)]
    return read_pass_state(finished[max(earlier)]) if earlier else {}


def _film(
    read: Callable[[FrameRange], Film], shot: ShotContext, wanted: FrameRange, *, neighbours: bool
) -> Iterator[PassFrame]:
    if not neighbours:
        for frame, picture in read(wanted):
            yield PassFrame(frame=frame, picture=picture, people=shot.people_in(frame))
        return
    # The shot ends at cuts: nothing is read across them.
    first = max(wanted.start - 1, shot.frames.start)
    last = min(wanted.stop + 1, shot.frames.stop)
    for before, here, after in _threes(read(FrameRange(first, last))):
        frame, picture = here
        if frame in wanted:
            yield PassFrame(
                frame=frame,
                picture=picture,
                people=shot.people_in(frame),
                previous=before[1] if before and before[0] == frame - 1 else None,
                following=after[1] if after and after[0] == frame + 1 else None,
            )


Numbered = tuple[int, np.ndarray]


def _threes(film: Film) -> Iterator[tuple[Numbered | None, Numbered, Numbered | None]]:
    """Every frame with the ones before and after it."""
    held: Sequence[Numbered | None] = (None, None)
    for found in itertools.chain(film, [None]):
        before, here = held
        if here is not None:
            yield before, here, found
        held = (here, found)
