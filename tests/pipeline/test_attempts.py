"""How far the engine goes on when workers die again and again; no process dies here."""

import dataclasses
import itertools
from pathlib import Path

import pytest
import worker_stages
from fake_recipe import World

from choreoscope.datatypes.errors import WorkerLostError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.pipeline.choices import Choices
from choreoscope.pipeline.events import Events
from choreoscope.pipeline.executors.inline import InlineExecutor
from choreoscope.pipeline.executors.interface import Place
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.plan import plan
from choreoscope.pipeline.run import RunResult, run
from choreoscope.pipeline.task import Failure, Task

CLIP = FrameRange(0, 256)
WINDOW = 64


class Deadly(InlineExecutor):
    """Dies of some frames of the stage 'dots', after the windows before them are in place."""

    def __init__(self, deadly: FrameSet) -> None:
        super().__init__(LoadedModels(RunSettings()))
        self.deadly = deadly
        self.losses = 0

    def run(self, task: Task, place: Place, events: Events, deadline: float) -> Failure | None:
        if task.stage_name != "dots":
            return super().run(task, place, events, deadline)
        sound = tuple(
            itertools.takewhile(lambda one: not self.deadly & FrameSet.of([one]), task.windows)
        )
        missing = task.standing.missing & FrameSet.of(sound)
        standing = dataclasses.replace(task.standing, missing=missing)
        part = dataclasses.replace(task, windows=sound, standing=standing)
        failure = super().run(part, place, events, deadline) if sound else None
        if sound == task.windows:
            return failure
        self.losses += 1
        raise WorkerLostError("died")


def made_with(folder: Path, deadly: FrameSet) -> tuple[RunResult, Deadly]:
    world = World(folder=folder, frames=CLIP)
    options = {"dots": worker_stages.Trouble(window_frames=WINDOW)}
    planned = plan(worker_stages.recipe(), world.clip(), folder, Choices(options=options))
    executor = Deadly(deadly)
    return run(planned, RunSettings(), executor=executor), executor


@pytest.mark.parametrize("frame", [0, 63, 64, 100, 255])
def test_one_frame_of_a_window_is_found_by_halves(tmp_path: Path, frame: int) -> None:
    alone = FrameSet.of([FrameRange(frame, frame + 1)])
    result, executor = made_with(tmp_path / "clip", alone)
    assert result.gaps == {"dots": alone}
    # The window twice, then its halves down to the frame.
    assert executor.losses == 8


def test_a_window_full_of_them_is_given_up_and_the_next_is_made(tmp_path: Path) -> None:
    full = FrameSet.of([FrameRange(64, 128)])
    result, executor = made_with(tmp_path / "clip", full)
    assert result.gaps == {"dots": full}
    assert not result.failures
    assert executor.losses == 13


def test_a_worker_that_dies_of_everything_is_not_tried_for_ever(tmp_path: Path) -> None:
    result, executor = made_with(tmp_path / "clip", FrameSet.of([CLIP]))
    assert [outcome.stage for outcome in result.failures] == ["dots", "total"]
    assert executor.losses == 3 * 13
    assert result.outcome("tints").state == "finished"


def test_the_control_loses_nobody(tmp_path: Path) -> None:
    result, executor = made_with(tmp_path / "clip", FrameSet())
    assert result.is_complete
    assert executor.losses == 0
