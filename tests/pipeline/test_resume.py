"""Killed at any moment and run again: the same bytes, and nothing done twice.

Runs are killed with SIGKILL in a forked process: at random moments, and at every single step at
which the disk changes (a new file, a rename, a removal), which an audit hook counts.
"""

import dataclasses
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_recipe import WINDOW, SeeOptions, WhoOptions, World, fake_kinds, tree, world

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.pipeline.placing import replace_result
from choreoscope.pipeline.stage import Options

__all__ = ["fake_kinds", "world"]

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def in_child(work: Callable[[], object]) -> int:
    """Start `work` in a forked process; its exit status is 0 when it comes to an end."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)


def ended(child: int) -> bool:
    """Wait for a child; tell whether it came to an end by itself."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def changes_the_disk(event: str, path: Path, values: tuple[object, ...]) -> bool:
    match event:
        case "open":
            return isinstance(values[2], int) and bool(values[2] & os.O_CREAT)
        case "os.mkdir":
            return not path.exists()
        case "os.rename" | "os.remove" | "os.rmdir":
            return path.exists()
    return False


def die_at(step: int, folder: Path) -> None:
    """Kill this process just before the disk below `folder` changes for the `step`-th time."""
    left = step

    def watch(event: str, values: tuple[object, ...]) -> None:
        nonlocal left
        path = Path(str(values[0] if values else ""))
        if not path.is_relative_to(folder) or not changes_the_disk(event, path, values):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def killed_at(world: World, step: int, **options: Options) -> bool:
    """Run in a child that is killed at a step; False if the run ended before."""

    def work() -> None:
        die_at(step, world.folder)
        world.run(**options)

    return not ended(in_child(work))


def undisturbed(world: World, name: str, **options: Options) -> dict[str, bytes]:
    fresh = World(folder=world.folder.parent / name)
    assert fresh.run(**options).is_complete
    return tree(fresh.folder)


def test_killed_at_every_step_of_a_first_run(world: World) -> None:
    truth = undisturbed(world, "truth")
    step = 0
    while True:
        step += 1
        trial = World(folder=world.folder.parent / f"trial-{step}")
        killed = killed_at(trial, step)
        assert trial.run().is_complete
        assert tree(trial.folder) == truth, f"killed at step {step}"
        windows = [line for line in trial.called if line.startswith("window")]
        assert len(windows) <= 4 + killed, f"killed at step {step}"
        if not killed:
            break
    assert step > 40, "the hook saw the run's steps"


@pytest.mark.parametrize("back", [False, True])
def test_killed_at_every_step_of_a_changed_run(world: World, *, back: bool) -> None:
    """Fewer people and other windows; afterwards with the new options, or back to the old."""
    old = {"see": SeeOptions(gain=1), "who": WhoOptions(people=3)}
    new = {"see": SeeOptions(gain=2), "who": WhoOptions(people=2)}
    then = old if back else new
    truth = undisturbed(world, "truth", **then)
    step = 0
    killed = True
    while killed:
        step += 3
        trial = World(folder=world.folder.parent / f"trial-{step}")
        trial.run(**old)
        killed = killed_at(trial, step, **new)
        assert trial.run(**then).is_complete
        assert tree(trial.folder) == truth, f"killed at step {step}"
    assert step > 40


def test_the_kill_tests_can_fail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with the old manifest left in place, going back finds half-replaced files."""

    def careless(folder: object, manifest: object, files: object) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", lambda *_, **__: None)
            replace_result(folder, manifest, files)

    old, new = {"who": WhoOptions(people=3)}, {"who": WhoOptions(people=4)}
    truth = undisturbed(world, "truth", **old)
    monkeypatch.setattr("choreoscope.pipeline.ledger.replace_result", careless)
    wrong = 0
    for step in range(1, 30):
        trial = World(folder=world.folder.parent / f"trial-{step}")
        trial.run(**old)
        killed_at(trial, step, **new)
        trial.run(**old)
        wrong += tree(trial.folder) != truth
    assert wrong


def test_killed_again_and_again(world: World) -> None:
    truth = undisturbed(world, "truth")
    kills = 0
    while killed_at(world, 32):
        kills += 1
        assert kills < 100
    assert kills > 2
    assert tree(world.folder) == truth


def test_killed_at_random_moments(world: World, rng: np.random.Generator) -> None:
    """No window is made twice but the one in flight."""
    world.frames = FrameRange(0, 600)
    long = World(folder=world.folder.parent / "truth", frames=world.frames)
    long.run()
    truth = tree(long.folder)
    long.forget_calls()
    world.in_window = lambda: time.sleep(0.004)
    kills = 0
    for pause in rng.uniform(0.005, 0.04, size=500):
        child = in_child(world.run)
        time.sleep(pause)
        os.kill(child, signal.SIGKILL)
        if ended(child):
            break
        kills += 1
    assert kills >= 15
    world.in_window = lambda: None
    world.run()
    assert tree(world.folder) == truth
    windows = [line for line in world.called if line.startswith("window")]
    assert set(windows) == {f"window {window}" for window in world.frames.windows(WINDOW)}
    assert len(windows) <= 60 + kills


def test_timings_add_up_over_resumed_windows(world: World) -> None:
    def stop_in_third(windows: list[int]) -> None:
        windows.append(0)
        if len(windows) == 3:
            raise InputError("stop")

    seen: list[int] = []
    world.in_window = lambda: stop_in_third(seen)
    world.run()
    world.in_window = lambda: None
    manifest = world.run().outcome("see").manifest
    assert manifest is not None
    # Model seconds of the 10 + 10 frames kept, and of the 17 made by the second run; the half
    # window in flight is lost with its work.
    assert manifest.model_cpu_seconds == pytest.approx(0.25 * 37)


def test_two_runs_at_once(world: World) -> None:
    hold, release = os.pipe()
    ready, tell = os.pipe()

    def wait() -> None:
        world.before["who"] = lambda _: os.write(tell, b"x") and os.read(hold, 1) and None
        world.run()

    child = in_child(wait)
    os.read(ready, 1)
    try:
        with pytest.raises(InputError, match=rf"is being worked on by process {child} on "):
            world.run()
    finally:
        os.write(release, b"x")
    assert ended(child)
    world.forget_calls()
    assert world.run().is_complete
    assert world.called == []


def test_the_lock_of_a_killed_run_is_taken_over(world: World) -> None:
    assert killed_at(world, 30)
    assert (world.folder / "work/lock").exists()
    assert world.run().is_complete
    assert not (world.folder / "work/lock").exists()


def test_ctrl_c_leaves_nothing_half_written(world: World) -> None:
    ready, tell = os.pipe()

    def interrupted() -> None:
        world.in_window = lambda: os.write(tell, b"x") and time.sleep(0.01)
        try:
            world.run()
        except KeyboardInterrupt:
            return
        raise AssertionError

    child = in_child(interrupted)
    for _ in range(3):
        os.read(ready, 1)
    os.kill(child, signal.SIGINT)
    assert ended(child)
    left = set(tree(world.folder))
    assert not [name for name in left if "tmp" in name or "lock" in name or "failures" in name]
    assert "work/seen/0005-0015.txt" in left
    manifest = world.plan().standing("see")
    assert manifest.state == "partial"
    world.run()
    assert tree(world.folder) == undisturbed(world, "truth")


def test_a_hole_in_the_middle_is_filled_even_by_a_stage_that_goes_on_to_the_end(
    world: World,
) -> None:
    world.run()
    before = tree(world.folder)
    (world.folder / "work/seen/0015-0025.txt").unlink()
    recipe = world.recipe()
    see = recipe.stage("see").run

    class Onward:
        """Claims that everything from the hole on is missing, so that windows come twice."""

        def __init__(self, job: object) -> None:
            self._job = job

        def __getattr__(self, name: str) -> object:
            return getattr(self._job, name)

        @property
        def missing(self) -> FrameRange:
            return FrameRange(15, 42)

    stages = tuple(
        dataclasses.replace(stage, run=lambda job: see(Onward(job)))
        if stage.name == "see"
        else stage
        for stage in recipe.stages
    )
    world.forget_calls()
    assert world.run(recipe=dataclasses.replace(recipe, stages=stages)).is_complete
    assert world.called == ["see", "window 15:25", "window 25:35", "window 35:42"]
    assert tree(world.folder) == before
