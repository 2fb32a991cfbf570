"""Frames through models of every feeding: order, batches, state, joints between stretches."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pass_models import (
    SIZE,
    Drifting,
    Model,
    PlayedJob,
    Running,
    film_of,
    frames_of,
    performer,
    shot_of,
    true_depth,
)

from choreoscope.capture.passes.batches import Source
from choreoscope.capture.passes.interfaces import Frames, PassFrame, Recurrent, Windows
from choreoscope.capture.passes.running import feeder_of, run_frames, run_pass
from choreoscope.capture.passes.windowed import robust_line
from choreoscope.datatypes.errors import BackendFailedError, InputError, OutputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.pass_state_npz import (
    check_pass_state,
    read_pass_state,
    write_pass_state,
)

COUNT = 20
Run = Callable[..., dict[int, np.ndarray]]


def values(model: Any, count: int = COUNT, **more: Any) -> dict[int, np.ndarray]:
    name = "depth" if isinstance(model, Drifting) else "alpha"
    found = run_frames(model, frames_of(range(count)), shot_of(count), **more)
    return {frame: answer[name] for frame, answer in found}


def test_independent_frames_come_back_in_order_in_batches() -> None:
    model = Model(Frames(batch=6))
    found = values(model, batch=8)
    assert list(found) == list(range(COUNT))
    assert [round(float(one[0, 0]) * 100) for one in found.values()] == list(range(COUNT))
    assert [len(batch) for batch in model.handed] == [6, 6, 6, 2]
    assert model.begun == 1
    model = Model(Frames(batch=6))
    values(model, batch=4)
    assert max(map(len, model.handed)) == 4


def test_too_much_at_once_is_halved_and_remembered() -> None:
    model = Model(Frames(batch=8), most=3)
    assert len(values(model)) == COUNT
    assert max(map(len, model.handed)) == 2
    assert [frame for batch in model.handed for frame in batch] == list(range(COUNT))


@pytest.mark.parametrize("model", [Model(most=0), Running(most=0), Drifting(most=6)])
def test_too_much_in_the_smallest_is_an_error_with_advice(model: Model) -> None:
    with pytest.raises(BackendFailedError, match=r"frame 0: memory does not suffice .* choose a"):
        values(model)


def test_recurrent_answers_do_not_depend_on_the_chunk() -> None:
    one = values(Running(Recurrent(chunk=1)))
    for chunk, most in ((4, 99), (8, 3), (20, 99)):
        other = values(Running(Recurrent(chunk=chunk), most=most))
        assert all(np.array_equal(one[frame], other[frame]) for frame in one)


def test_recurrent_states_are_primed_backwards_once() -> None:
    plain, primed = values(Running()), Running(Recurrent(chunk=4, prime=3))
    found = values(primed)
    assert primed.handed[0] == [2, 1, 0]
    assert primed.handed[1:3] == [[0, 1, 2], [3, 4, 5, 6]]
    assert not np.array_equal(found[0], plain[0])
    state = {"kept": np.array(0.5)}
    again = Running(Recurrent(chunk=4, prime=3))
    values(again, state=state)
    assert again.handed[0] == [0, 1, 2, 3], "a run that goes on is not primed again"


def test_little_is_held_in_memory() -> None:
    taken = 0

    def film() -> Any:
        nonlocal taken
        for frame in frames_of(range(COUNT)):
            taken += 1
            yield frame

    for model, ahead in ((Model(Frames(batch=4)), 4), (Running(), 4), (Drifting(), 7)):
        taken = 0
        shot = shot_of(COUNT)
        for done, _ in enumerate(run_frames(model, film(), shot), start=1):
            assert taken <= done + ahead


@pytest.mark.parametrize("space", ["affine", "scale"])
def test_stretches_are_aligned_to_the_first(space: str) -> None:
    found = values(Drifting(depth_space=space))
    frames = frames_of(range(COUNT))
    sound = np.ones((SIZE[1], SIZE[0]), dtype=bool)
    sound[:2] = False
    for frame in frames:
        np.testing.assert_allclose(found[frame.frame][sound], true_depth(frame)[sound], rtol=1e-5)
    blended = values(Drifting(Windows(length=7, overlap=3, join="blend"), depth_space=space))
    worst = max(np.abs(blended[frame.frame] - true_depth(frame))[sound].max() for frame in frames)
    assert worst > 0.3, "without alignment the drift must show"


def test_the_fade_leaves_no_step() -> None:
    class Steps(Drifting):
        def answer(self, frames: Any, state: Any) -> Any:
            first = frames[0].frame
            flat = np.full((SIZE[1], SIZE[0]), 1.0 + first / 100, dtype=np.float32)
            return [{"depth": flat} for _ in frames], state or {}

    found = values(Steps(Windows(length=8, overlap=4, join="blend")))
    steps = np.diff([float(one[0, 0]) for one in found.values()])
    assert steps.max() <= 2 * 0.04 / 5 + 1e-6
    hard = values(Steps(Windows(length=8, overlap=0, join="blend")))
    assert np.diff([float(one[0, 0]) for one in hard.values()]).max() > 0.07


@pytest.mark.parametrize("count", [1, 2, 7, 8, 11, 12])
def test_short_shots_are_whole(count: int) -> None:
    assert list(values(Drifting(), count)) == list(range(count))


def test_a_robust_line_ignores_half_minus_one(rng: np.random.Generator) -> None:
    raw = rng.uniform(1, 5, 400)
    known = 2.5 * raw - 0.7 + rng.normal(0, 0.01, 400)
    known[:160] = rng.uniform(-50, 50, 160)
    found = robust_line(raw, known, offset_too=True)
    assert found is not None
    np.testing.assert_allclose(found, (2.5, -0.7), atol=0.02)
    plain = np.polyfit(raw, known, 1)
    assert np.abs(plain - (2.5, -0.7)).max() > 0.1
    scale_only = robust_line(raw, np.where(known == known[0], 7, 3 * raw), offset_too=False)
    assert scale_only is not None
    np.testing.assert_allclose(scale_only, (3, 0), atol=1e-6)
    assert robust_line(raw, -raw, offset_too=True) is None
    assert robust_line(np.ones(9), raw[:9], offset_too=True) is None


MODELS = {
    "frames": Model,
    "recurrent": Running,
    "primed": lambda: Running(Recurrent(chunk=4, prime=3)),
    "windows": Drifting,
    "wide": lambda: Drifting(Windows(length=9, overlap=7)),
    "long": lambda: Drifting(Windows(length=40, overlap=5)),
}


def played(folder: Path, film: Path, windows: list[FrameRange], model: Any) -> PlayedJob:
    job = PlayedJob(folder, film, windows, model)

    def write(frame: int, answer: Any) -> None:
        np.save(job.output("kept", frame=frame), next(iter(answer.values())))

    run_pass(job, write, state_kind="matte_state", shot=shot_of(COUNT))  # type: ignore[arg-type]
    return job


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "kept").glob("*"))}


@pytest.mark.parametrize("kind", MODELS)
def test_a_run_stopped_and_resumed_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    film = film_of(tmp_path, COUNT)
    edges = [0, 5, 9, 10, 16, COUNT]
    windows = [FrameRange(a, b) for a, b in itertools.pairwise(edges)]
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for folder in (whole, pieces):
        folder.mkdir()
    assert played(whole, film, windows, MODELS[kind]()).done == windows
    for window in windows:
        played(pieces, film, [window], MODELS[kind]())
    assert len(written(whole)) == COUNT
    assert written(whole) == written(pieces)
    states = [read_pass_state(path) for path in sorted((whole / "matte_state").glob("*"))]
    again = [read_pass_state(path) for path in sorted((pieces / "matte_state").glob("*"))]
    assert len(states) == len(windows)
    for one, other in zip(states, again, strict=True):
        assert {name: value.tobytes() for name, value in one.items()} == {
            name: value.tobytes() for name, value in other.items()
        }


def test_forgetting_the_state_is_seen(tmp_path: Path) -> None:
    film = film_of(tmp_path, COUNT)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for folder in (whole, pieces):
        folder.mkdir()
    played(whole, film, [FrameRange(0, 10), FrameRange(10, COUNT)], Running())
    played(pieces, film, [FrameRange(10, COUNT)], Running())
    later = {name: value for name, value in written(whole).items() if name in written(pieces)}
    assert later != written(pieces)


def test_frames_that_do_not_decode_are_told(tmp_path: Path) -> None:
    film = film_of(tmp_path, COUNT)
    for broken in (8, 9):
        (film / f"{broken:04d}.png").write_bytes(b"no picture")
    windows = [FrameRange(0, 9), FrameRange(9, COUNT)]
    job = played(tmp_path, film, windows, Running())
    assert [frames for frames, _ in job.lost] == [FrameRange(8, 9), FrameRange(9, 10)]
    assert job.done == windows
    assert len(written(tmp_path)) == COUNT - 2


def test_neighbours_end_at_the_shot_and_at_holes(tmp_path: Path) -> None:
    class Looking(Model):
        def answer(self, frames: Any, state: Any) -> Any:
            for frame in frames:
                seen[frame.frame] = [
                    None if one is None else int(one[0, 0, 0])
                    for one in (frame.previous, frame.following)
                ]
            return super().answer(frames, state)

    seen: dict[int, list[int | None]] = {}
    film = film_of(tmp_path, 7)
    (film / "0004.png").write_bytes(b"no picture")
    job = PlayedJob(tmp_path, film, [FrameRange(0, 2), FrameRange(3, 7)], Looking())
    run_pass(job, lambda *_: None, shot=shot_of(7), neighbours=True)  # type: ignore[arg-type]
    assert seen == {0: [None, 1], 1: [0, 2], 3: [2, None], 5: [None, 6], 6: [5, None]}


def test_a_stage_without_state_refuses_models_that_need_one(tmp_path: Path) -> None:
    job = PlayedJob(tmp_path, film_of(tmp_path, 2), [FrameRange(0, 2)], Running())
    with pytest.raises(BackendFailedError, match="Running goes through frames in order"):
        run_pass(job, lambda *_: None, shot=shot_of(2))  # type: ignore[arg-type]


def picture_of(value: float, *, tail: tuple[int, ...] = (), dtype: Any = np.float32) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], *tail), value, dtype=dtype)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"alpha": picture_of(1.5)}, "alpha: expected 0 to 1"),
        ({"alpha": picture_of(np.nan)}, "alpha: expected 0 to 1"),
        ({"alpha": picture_of(0.5, dtype=np.float64)}, r"expected \(8, 12\) float32"),
        ({"alpha": picture_of(0.5)[:-1]}, r"got \(7, 12\)"),
        ({"alpha.p1": picture_of(-0.2)}, r"alpha\.p1: expected 0 to 1"),
        ({"normals": picture_of(0.9, tail=(3,))}, "normals: expected unit vectors"),
        ({"depth": picture_of(np.inf)}, "got infinity"),
        ({"depth": picture_of(-1.0)}, "expected depth above 0"),
        ({"parts": picture_of(2, dtype=np.int32)}, "expected places in 2 names"),
        ({"fov": np.array(200.0)}, "expected one angle"),
        ({"shine": picture_of(0.5)}, "not known by the name 'shine'"),
        ({"alpha": 0.5}, "expected an array, got float"),
    ],
)
def test_answers_that_are_not_what_they_should_be_are_refused(
    answer: dict[str, Any], why: str
) -> None:
    class Wrong(Model):
        depth_space = "metric"
        part_names = ("left", "right")

        def answer(self, frames: Any, state: Any) -> Any:
            return [answer for _ in frames], state or {}

    with pytest.raises(BackendFailedError, match=why):
        list(run_frames(Wrong(), frames_of([3]), shot_of(5)))


def test_a_wanted_name_must_be_there_and_answers_are_counted() -> None:
    with pytest.raises(BackendFailedError, match="frame 0: expected 'normals', got alpha"):
        list(run_frames(Model(), frames_of([0]), shot_of(1), gives="normals"))

    class Short(Model):
        def answer(self, frames: Any, state: Any) -> Any:
            return [], state or dict.fromkeys(frames[:0])

    with pytest.raises(BackendFailedError, match="expected 1 answers, got 0"):
        list(run_frames(Short(), frames_of([0]), shot_of(1)))


def test_noise_of_a_network_is_cut_off() -> None:
    class Noisy(Model):
        def answer(self, frames: Any, state: Any) -> Any:
            return [{"alpha": picture_of(1.0005)} for _ in frames], state or {}

    [(_, answer)] = run_frames(Noisy(), frames_of([0]), shot_of(1))
    assert answer["alpha"].max() == 1


def balls(flip: tuple[int, int, int]) -> type[Model]:
    class Balls(Model):
        def answer(self, frames: Any, state: Any) -> Any:
            out = []
            for frame in frames:
                y, x = np.mgrid[:60, :60] + 0.5
                flat = np.stack([(x - 30) / 20, (30 - y) / 20], axis=-1)
                high = 1 - (flat**2).sum(-1)
                normals = np.concatenate([flat, np.sqrt(np.maximum(high, 0))[..., None]], -1)
                normals[high <= 0] = 0
                out.append({"normals": (normals * flip).astype(np.float32)})
                assert frame.people
            return out, state or {}

    return Balls


@pytest.mark.parametrize(
    ("flip", "told"),
    [((1, 1, 1), ""), ((-1, 1, 1), "x to"), ((1, -1, 1), "y up"), ((1, 1, -1), "z to the viewer")],
)
def test_normals_with_other_axes_are_refused(flip: tuple[int, int, int], told: str) -> None:
    size = (60, 60)
    one = performer("p1", dict.fromkeys(range(4), (10, 10, 50, 50)), size)
    shot = shot_of(4, size, {"p1": one})
    frames = [
        PassFrame(
            frame=frame, picture=np.zeros((60, 60, 3), np.uint8), people=shot.people_in(frame)
        )
        for frame in range(4)
    ]
    if not told:
        assert len(list(run_frames(balls(flip)(), frames, shot))) == 4
        return
    with pytest.raises(BackendFailedError, match=f"expected normals with {told}"):
        list(run_frames(balls(flip)(), frames, shot))


def test_states_read_back_to_the_bit(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "state.npz"
    state = {"r1": rng.normal(size=(1, 4, 2)).astype(np.float16), "n": np.array(3)}
    write_pass_state(path, state)
    found = read_pass_state(path)
    assert {name: value.dtype for name, value in found.items()} == {
        name: value.dtype for name, value in state.items()
    }
    assert all(np.array_equal(found[name], state[name]) for name in state)
    check_pass_state(path)
    write_pass_state(path, {})
    assert read_pass_state(path) == {}
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="cannot be read"):
        read_pass_state(path)
    with pytest.raises(OutputError, match="does not read back"):
        check_pass_state(path)


def test_a_source_gives_nothing_beyond_its_stop() -> None:
    source = Source(frames_of([0, 1, 5, 6]))
    assert [frame.frame for frame in source.until(4)] == [0, 1]
    assert [frame.frame for frame in source.until(6)] == [5]
    with pytest.raises(BackendFailedError, match="expected a feeding"):
        feeder_of(type("Odd", (), {"feeding": 3})(), shot_of(1), batch=1, state={})
