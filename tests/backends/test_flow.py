"""Motion vectors from pixels: shifts that are known, what is hidden, the shot's ends."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from choreoscope.backends.flow.dis import Dis, DisOptions, consistent, filled, load
from choreoscope.capture.passes.interfaces import Answer, PassFrame, ShotContext
from choreoscope.capture.stages import flow as stage
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import RunSettings
from choreoscope.formats.passes import read_pass
from choreoscope.formats.pictures import read_picture
from choreoscope.formats.video import probe

SHAPE = (72, 96)
SHIFT = np.array([3.0, -2.0])
"""Of each picture against the one before: to the right and up."""


def pictures(count: int, seed: int = 3) -> list[np.ndarray]:
    """A texture that moves evenly."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, 255, (SHAPE[0] + 64, SHAPE[1] + 64, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), 2.5)
    smooth = (smooth - smooth.min()) / np.ptp(smooth) * 255
    found = []
    for number in range(count):
        move = np.array([[1, 0, SHIFT[0] * number - 32], [0, 1, SHIFT[1] * number - 32]])
        found.append(cv2.warpAffine(smooth, move, SHAPE[::-1]).astype(np.uint8))
    return found


def frames(seen: Sequence[np.ndarray], first: int = 0) -> list[PassFrame]:
    """As `run_pass` hands them over."""
    return [
        PassFrame(
            frame=first + at,
            picture=one,
            previous=seen[at - 1] if at else None,
            following=seen[at + 1] if at + 1 < len(seen) else None,
        )
        for at, one in enumerate(seen)
    ]


def context(count: int) -> ShotContext:
    return ShotContext(size=SHAPE[::-1], rate=Fraction(25), frames=FrameRange(0, count))


def asked(model: Dis, seen: Sequence[PassFrame], batch: int = 8) -> list[Answer]:
    model.start(context(len(seen)))
    return [
        one
        for at in range(0, len(seen), batch)
        for one in model.infer(seen[at : at + batch], None)[0]
    ]


def error(flow: np.ndarray, way: np.ndarray) -> float:
    """Mean end-point error, pixels, away from the picture's edge."""
    return float(np.linalg.norm(flow[10:-10, 10:-10] - way, axis=-1).mean())


def test_a_picture_that_moves() -> None:
    found = asked(Dis(DisOptions()), frames(pictures(3)))
    assert error(found[0]["flow"], SHIFT) < 0.1
    assert error(found[1]["flow_back"], -SHIFT) < 0.1
    assert error(found[0]["flow"][..., ::-1], SHIFT) > 3, "x and y exchanged would be seen"
    assert found[0]["flow"].dtype == np.float32


def test_beside_the_ends_nothing_moves() -> None:
    found = asked(Dis(DisOptions()), frames(pictures(2)))
    assert not found[0]["flow_back"].any()
    assert not found[1]["flow"].any()
    alone = asked(Dis(DisOptions()), frames(pictures(1)))
    assert not alone[0]["flow"].any()


def test_neither_batches_nor_threads_show() -> None:
    seen = frames(pictures(4))
    together = asked(Dis(DisOptions(), threads=2), seen)
    for batch in (1, 3):
        for one, other in zip(together, asked(Dis(DisOptions()), seen, batch), strict=True):
            for name in ("flow", "flow_back"):
                np.testing.assert_array_equal(one[name], other[name])


def test_a_new_shot_begins_anew() -> None:
    model = Dis(DisOptions(unsure="keep"))
    asked(model, frames(pictures(2)))
    still = frames([pictures(1, seed=8)[0]] * 2)
    np.testing.assert_allclose(asked(model, still)[0]["flow"], 0.0, atol=1e-3)


def test_the_threads_of_opencv_are_left_as_they_were() -> None:
    before = cv2.getNumThreads()
    asked(Dis(DisOptions()), frames(pictures(2)))
    assert cv2.getNumThreads() == before


def test_what_comes_back_elsewhere_is_not_consistent() -> None:
    there = np.zeros((20, 30, 2), dtype=np.float32)
    there[..., 0] = 2.0
    back = -there
    back[5:10, 12:20] = (9.0, 9.0)
    found = consistent(there, back)
    expected = np.ones((20, 30), dtype=bool)
    expected[5:10, 10:18] = False
    expected[:, 28:] = False
    np.testing.assert_array_equal(found, expected)


def test_holes_take_the_flow_round_them() -> None:
    flow = np.full((40, 60, 2), 5.0, dtype=np.float32)
    sure = np.ones((40, 60), dtype=bool)
    sure[10:30, 15:45] = False
    flow[~sure] = -70.0
    np.testing.assert_allclose(filled(flow, sure), 5.0, rtol=1e-4)
    nothing = np.zeros_like(sure)
    np.testing.assert_array_equal(filled(flow, nothing), flow)


def test_a_thing_that_hides_the_ground() -> None:
    ground, thing = pictures(1)[0], pictures(1, seed=9)[0]
    seen = []
    for number in range(2):
        one = ground.copy()
        left = 30 + 8 * number
        one[20:50, left : left + 24] = thing[20:50, 30:54]
        seen.append(one)
    unknown, kept, smoothed = (
        asked(Dis(DisOptions(unsure=choice)), frames(seen))[0]["flow"]  # type: ignore[arg-type]
        for choice in ("unknown", "keep", "fill")
    )
    hidden = np.isnan(unknown[..., 0])
    assert hidden[22:48, 54:62].mean() > 0.2, "the ground that the thing moves over"
    assert hidden[:, :20].mean() < 0.05
    np.testing.assert_array_equal(kept[~hidden], smoothed[~hidden])
    assert np.isfinite(smoothed).all()


@pytest.mark.parametrize("wrong", [{"quality": "best"}, {"unsure": "drop"}])
def test_options_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="dis: quality is"):
        load({}, RunSettings(), wrong)


class PlayedJob:
    """As much of a job as the stage asks for."""

    def __init__(self, folder: Path, film: Path, windows: Sequence[FrameRange]) -> None:
        self.video = probe(film, rate=Fraction(25))
        self.frames = FrameRange(0, self.video.frame_count)
        self.windows = tuple(windows)
        self.settings = SimpleNamespace(workers=1, processes=1, batch=4)
        self.notes: list[str] = []
        self.done: list[FrameRange] = []
        self._folder, self._model = folder, Dis(DisOptions())

    def model(self) -> Dis:
        return self._model

    def inputs(self, _: str) -> Mapping[str, Path]:
        return {}

    def output(self, kind: str, *, frame: int) -> Path:
        return self._folder / f"{kind}.{frame:06d}.exr"

    def progress(self, done: int, total: int, unit: str) -> None:
        assert 0 < done <= total
        assert unit == "frame"

    def note(self, text: str) -> None:
        self.notes.append(text)

    def commit(self, done: FrameRange) -> None:
        self.done.append(done)


def test_the_stage_looks_one_frame_beyond_its_windows(tmp_path: Path) -> None:
    film = tmp_path / "film"
    film.mkdir()
    for number, picture in enumerate(pictures(5)):
        cv2.imwrite(str(film / f"{number:04d}.png"), picture[..., ::-1])
    windows = [FrameRange(1, 2), FrameRange(3, 5)]
    job = PlayedJob(tmp_path, film, windows)
    stage.run(job)  # type: ignore[arg-type]
    assert job.done == windows
    assert sorted(int(path.stem[-6:]) for path in tmp_path.glob("flow.*.exr")) == [1, 3, 4]
    for frame in (1, 3):
        path = job.output("flow", frame=frame)
        stage.check("flow", path)
        assert error(read_pass("flow", path), SHIFT) < 0.1
        assert error(read_pass("flow_back", job.output("flow_back", frame=frame)), -SHIFT) < 0.1
    assert not read_pass("flow", job.output("flow", frame=4)).any(), "the shot ends here"
    header = read_picture(job.output("flow", frame=1)).header
    assert header["origin"] == "dis"
    assert "y down" in header["axes"]
    held = stage.contents("flow", job.output("flow", frame=3))
    assert held.size == SHAPE[::-1]
    assert held.frames is not None
    assert list(held.frames) == [3]
