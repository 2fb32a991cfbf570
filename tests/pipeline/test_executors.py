"""One suite for every place where stages run, and what happens to workers that misbehave."""

import contextlib
import dataclasses
import itertools
import subprocess
import sys
import sysconfig
import threading
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import worker_stages
from fake_recipe import World, tree
from worker_stages import Trouble

from choreoscope.datatypes.errors import BackendUnavailableError, InputError, WorkerLostError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import ExecutorName, Limits, RunSettings
from choreoscope.pipeline.choices import Choices
from choreoscope.pipeline.events import Event, Retried, StageFailed, WorkerLost
from choreoscope.pipeline.executors.choose import executor_for
from choreoscope.pipeline.executors.interface import Executor
from choreoscope.pipeline.plan import plan
from choreoscope.pipeline.run import RunResult, run

pytest.importorskip("ray", reason='needs: python -m pip install "choreoscope[cluster]"')

FRAMES = FrameRange(5, 69)
BAD = 30
SETTINGS = RunSettings(workers=2, processes=2, limits=Limits(silence_seconds=20))

Run = Callable[..., tuple[RunResult, list[Event]]]


def run_in(
    folder: Path,
    executor: Executor | None,
    settings: RunSettings,
    *,
    frames: FrameRange = FRAMES,
    **options: Trouble,
) -> tuple[RunResult, list[Event]]:
    world = World(folder=folder, frames=frames)
    heard: list[Event] = []
    planned = plan(worker_stages.recipe(), world.clip(), folder, Choices(options=options))
    return run(planned, settings, heard.append, executor=executor), heard


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("calm") / "clip"
    result, _ = run_in(folder, None, RunSettings())
    assert result.is_complete
    return tree(folder)


@pytest.fixture(scope="module", params=["inline", "pool", "ray"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with executor_for(dataclasses.replace(SETTINGS, executor=request.param)) as made:
        yield made


in_workers = pytest.mark.parametrize("executor", ["pool", "ray"], indirect=True)


def test_the_bytes_are_the_same_everywhere(
    executor: Executor, calm: dict[str, bytes], tmp_path: Path
) -> None:
    result, _ = run_in(tmp_path / "clip", executor, SETTINGS)
    assert result.is_complete
    assert tree(tmp_path / "clip") == calm


def test_the_comparison_can_fail(calm: dict[str, bytes], tmp_path: Path) -> None:
    run_in(tmp_path / "clip", None, RunSettings(), dots=Trouble(window_frames=9))
    assert tree(tmp_path / "clip") != calm


def test_what_a_stage_raises_is_told_alike(executor: Executor, tmp_path: Path) -> None:
    result, heard = run_in(tmp_path / "clip", executor, SETTINGS, dots=Trouble(at=BAD, how="raise"))
    assert [outcome.stage for outcome in result.failures] == ["dots", "total"]
    assert result.failures[0].why == "the trouble you asked for"
    assert result.failures[0].exit_code == InputError.exit_code
    assert result.outcome("tints").state == "finished"
    failed = next(event for event in heard if isinstance(event, StageFailed))
    assert "InputError" in failed.trace
    again, _ = run_in(tmp_path / "clip", executor, SETTINGS, dots=Trouble(at=BAD, how="bug"))
    assert again.failures[0].why == "ZeroDivisionError: a bug"
    assert again.failures[0].exit_code == 5


@pytest.mark.parametrize(
    ("executor", "how", "stage"),
    [
        *itertools.product(["pool"], ["abort", "kill", "exit"], ["dots", "tints"]),
        # A worker of Ray takes seconds to start again; the other stage dies once, further down.
        ("ray", "kill", "dots"),
    ],
    indirect=["executor"],
)
def test_a_worker_that_always_dies_at_a_frame_costs_that_frame(
    executor: Executor, tmp_path: Path, how: str, stage: str
) -> None:
    result, heard = run_in(
        tmp_path / "clip", executor, SETTINGS, **{stage: Trouble(at=BAD, how=how)}
    )
    assert result.gaps == {stage: FrameSet.of([FrameRange(BAD, BAD + 1)])}
    assert not result.failures
    assert any(isinstance(event, WorkerLost) for event in heard)


@in_workers
@pytest.mark.parametrize("stage", ["dots", "tints", "total"])
def test_a_worker_that_dies_once_changes_nothing(
    executor: Executor, calm: dict[str, bytes], tmp_path: Path, stage: str
) -> None:
    at = FRAMES.start if stage == "total" else BAD
    once = Trouble(at=at, how="kill", times=1, tally=str(tmp_path / "tally"))
    result, heard = run_in(tmp_path / "clip", executor, SETTINGS, **{stage: once})
    assert result.is_complete
    assert [type(e) for e in heard if isinstance(e, WorkerLost | Retried)] == [WorkerLost, Retried]
    files = {path: data for path, data in tree(tmp_path / "clip").items() if "work/m" not in path}
    assert files == {path: data for path, data in calm.items() if "work/m" not in path}


@in_workers
def test_a_stage_that_always_dies_fails_and_the_others_go_on(
    executor: Executor, tmp_path: Path
) -> None:
    result, _ = run_in(
        tmp_path / "clip", executor, SETTINGS, total=Trouble(at=FRAMES.start, how="abort")
    )
    (failure,) = result.failures
    assert failure.stage == "total"
    assert isinstance(failure.error and failure.error.__cause__, WorkerLostError)


@in_workers
def test_a_batch_that_is_too_large_is_halved(executor: Executor, tmp_path: Path) -> None:
    """Memory runs out above two frames at once."""
    two_windows = FrameRange(FRAMES.start, FRAMES.start + 2 * worker_stages.WINDOW)
    trouble = Trouble(largest_batch=2)
    result, heard = run_in(tmp_path / "clip", executor, SETTINGS, frames=two_windows, tints=trouble)
    assert result.is_complete
    assert {event.batch for event in heard if isinstance(event, Retried)} == {4, 2}


def test_a_worker_that_hangs_costs_its_frame(tmp_path: Path) -> None:
    impatient = dataclasses.replace(SETTINGS, executor="pool", limits=Limits(silence_seconds=1.5))
    hang = Trouble(at=BAD, how="hang", window_frames=2)
    with executor_for(impatient) as executor:
        result, heard = run_in(tmp_path / "clip", executor, impatient, dots=hang)
    assert result.gaps == {"dots": FrameSet.of([FrameRange(BAD, BAD + 1)])}
    lost = [event for event in heard if isinstance(event, WorkerLost)]
    assert all("no sign of life for 1.5 s" in event.why for event in lost)


def test_patience_is_not_lost_with_a_slow_worker(tmp_path: Path) -> None:
    """Control: slower than the limit on the whole, yet never silent for so long."""
    impatient = dataclasses.replace(SETTINGS, executor="pool", limits=Limits(silence_seconds=1.5))
    with executor_for(impatient) as executor:
        result, heard = run_in(tmp_path / "clip", executor, impatient, dots=Trouble(pause=0.05))
    assert result.is_complete
    assert not [event for event in heard if isinstance(event, WorkerLost)]


@pytest.mark.parametrize("name", ["inline", "pool"])
def test_a_stage_has_its_time(name: ExecutorName, tmp_path: Path) -> None:
    """What was committed in time is kept, the others go on, and the next run continues."""
    hasty = dataclasses.replace(
        SETTINGS, executor=name, limits=Limits(stage_seconds=60, by_stage={"dots": 2.0})
    )
    slow = Trouble(pause=0.1)
    with executor_for(hasty) as executor:
        result, _ = run_in(tmp_path / "clip", executor, hasty, dots=slow)
        assert [outcome.stage for outcome in result.failures] == ["dots", "total"]
        assert result.failures[0].why == (
            "stopped: it took longer than the 2 s allowed (stage time-out)"
        )
        assert result.outcome("tints").state == "finished"
        kept = [path for path in tree(tmp_path / "clip") if path.startswith("work/dots")]
        assert kept
        assert len(kept) < 8
        unhurried = dataclasses.replace(hasty, limits=Limits())
        again, _ = run_in(tmp_path / "clip", executor, unhurried, dots=slow)
    assert again.is_complete


@pytest.mark.parametrize("name", ["inline", "pool"])
def test_a_clip_has_its_time(name: ExecutorName, tmp_path: Path) -> None:
    hasty = dataclasses.replace(SETTINGS, executor=name, limits=Limits(clip_seconds=2.0))
    began = time.monotonic()
    with executor_for(hasty) as executor:
        result, _ = run_in(tmp_path / "clip", executor, hasty, dots=Trouble(pause=0.25))
    assert time.monotonic() - began < 6
    assert "clip time-out" in result.failures[0].why
    assert result.outcome("tints").state == "failed"


def test_gpus_that_nobody_has_are_refused() -> None:
    for name in ("inline", "pool", "ray"):
        greedy = dataclasses.replace(SETTINGS, executor=name, gpus=4096.0)
        began = time.monotonic()
        with pytest.raises(BackendUnavailableError, match="GPUs"), executor_for(greedy):
            pass
        assert time.monotonic() - began < 30


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes as Linux shows them")
def test_a_worker_ends_with_its_owner(tmp_path: Path) -> None:
    """Kill the owner alone: the worker must not go on writing."""
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "import test_executors as t, dataclasses, pathlib\n"
        "s = dataclasses.replace(t.SETTINGS, executor='pool')\n"
        "with t.executor_for(s) as e:\n"
        "    t.run_in(pathlib.Path(sys.argv[1]), e, s, dots=t.Trouble(pause=0.2))\n"
    )
    here = str(Path(__file__).parent)
    owner = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "clip"), here])
    try:
        until(lambda: bool(list(tmp_path.rglob("000005-*"))))
        (worker,) = children_of(owner.pid)
        assert is_alive(worker)
    finally:
        owner.kill()
        owner.wait()
    until(lambda: not is_alive(worker))


def test_closing_stops_what_is_under_way(tmp_path: Path) -> None:
    """As Ctrl-C does while another thread works: at once, and nothing is recorded as failed."""
    settings = dataclasses.replace(SETTINGS, executor="pool")
    ended: list[BaseException] = []

    def work() -> None:
        try:
            run_in(tmp_path / "clip", executor, settings, dots=Trouble(pause=0.5))
        except KeyboardInterrupt as error:
            ended.append(error)

    with executor_for(settings) as executor:
        working = threading.Thread(target=work)
        working.start()
        until(lambda: bool(list(tmp_path.rglob("000005-*"))))
        executor.close()
        working.join(10)
    assert ended
    assert not list((tmp_path / "clip").glob("work/failures/*"))
    assert not (tmp_path / "clip" / "work" / "lock").exists()


def children_of(pid: int) -> list[int]:
    children = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = place.read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid:
                children.append(int(place.parent.name))
    return children


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie nobody has asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def environment(folder: Path, *, with_us: bool) -> Path:
    """Make an environment of its own; its packages are borrowed, not installed."""
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if with_us:
        inner = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        source = Path(worker_stages.__file__).parents[2] / "src"
        borrowed = [sysconfig.get_path("purelib"), str(source), str(Path(__file__).parent)]
        (Path(inner) / "borrowed.pth").write_text("\n".join(borrowed))
    return python


def test_a_back_end_may_have_an_environment_of_its_own(
    tmp_path: Path, calm: dict[str, bytes]
) -> None:
    python = environment(tmp_path / "own", with_us=True)
    # Stages without a back end run for the task "" here.
    settings = dataclasses.replace(SETTINGS, executor="pool", interpreters={"": python})
    with executor_for(settings) as executor:
        result, _ = run_in(tmp_path / "clip", executor, settings)
    assert result.is_complete
    assert tree(tmp_path / "clip") == calm


def test_an_environment_without_us_is_told(tmp_path: Path) -> None:
    python = environment(tmp_path / "empty", with_us=False)
    settings = dataclasses.replace(SETTINGS, executor="pool", interpreters={"": python})
    with executor_for(settings) as executor:
        result, _ = run_in(tmp_path / "clip", executor, settings)
    assert "is Choreoscope" in result.failures[0].why
    assert result.failures[0].exit_code == BackendUnavailableError.exit_code
    absent = dataclasses.replace(settings, interpreters={"": tmp_path / "no-python"})
    with executor_for(absent) as executor:
        result, _ = run_in(tmp_path / "clip", executor, absent)
    assert "cannot start" in result.failures[0].why


def test_ray_has_one_environment_for_all(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, executor="ray", interpreters={"look": tmp_path})
    with pytest.raises(InputError, match="environment of their own"), executor_for(settings):
        pass
