"""The stages mattes and ownership: alpha and Cryptomatte that agree, whoever says whose it is."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pass_models import SIZE, Model, PlayedJob, film_of

from choreoscope.capture.passes.interfaces import Performer, ShotContext
from choreoscope.capture.stages import mattes, ownership
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.delivery.pictures import FramePasses
from choreoscope.formats.passes import read_ids, read_pass, write_pass
from choreoscope.geometry.masks import encode

FRAMES = 3
RATE = Fraction(25)
LEFT = np.zeros((SIZE[1], SIZE[0]), dtype=bool)
LEFT[:, : SIZE[0] // 3] = True
RIGHT = np.fliplr(LEFT)


class Together(Model):
    """One matte for everybody, half covered at the left, whole at the right."""

    def answer(self, frames: Any, state: Any) -> Any:
        alpha = (0.5 * LEFT + RIGHT).astype(np.float32)
        return [{"alpha": alpha} for _ in frames], state or {}


class Apart(Model):
    """Tells P02 apart and nobody else."""

    def answer(self, frames: Any, state: Any) -> Any:
        alpha = RIGHT.astype(np.float32)
        return [{"alpha": alpha, "alpha.P02": alpha} for _ in frames], state or {}


class Coloured(Together):
    """Gives colours free of the background, too."""

    def answer(self, frames: Any, state: Any) -> Any:
        answers, after = super().answer(frames, state)
        red = np.broadcast_to(np.float32([1, 0, 0]), (SIZE[1], SIZE[0], 3))
        return [{**answer, "foreground": red} for answer in answers], after


@pytest.fixture
def shot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ShotContext:
    """P01 at the left in all frames, P02 at the right in all but the last."""
    film_of(tmp_path, FRAMES)
    boxes = {
        "P01": np.array([0.0, 0, SIZE[0] / 3, SIZE[1]]),
        "P02": np.array([SIZE[0] * 2 / 3, 0, SIZE[0], SIZE[1]]),
    }
    people = {
        name: Performer(
            person=name,
            boxes_xyxy=dict.fromkeys(range(seen), boxes[name]),
            masks=dict.fromkeys(range(seen), encode(mask)),
        )
        for name, mask, seen in (("P01", LEFT, FRAMES), ("P02", RIGHT, FRAMES - 1))
    }
    made = ShotContext(size=SIZE, rate=RATE, frames=FrameRange(0, FRAMES), performers=people)
    for stage in (mattes, ownership):
        monkeypatch.setattr(stage, "shot_context", lambda _job: made)
    return made


def played(tmp_path: Path, model: Model) -> PlayedJob:
    job = PlayedJob(tmp_path, tmp_path / "film", [FrameRange(0, FRAMES)], model)
    mattes.run(job)
    for kind in ("alpha", "people"):
        path = job.output(kind, frame=1)
        mattes.check(kind, path)
        assert mattes.contents(kind, path).frames == FrameSet.of([1])
    return job


@pytest.mark.usefixtures("shot")
def test_a_matte_of_all_is_divided(tmp_path: Path) -> None:
    job = played(tmp_path, Together())
    whose = read_ids("people", job.output("people", frame=0))
    assert tuple(whose) == ("P01", "P02")
    assert whose["P01"][2, 1] == pytest.approx(0.5)
    assert whose["P02"][2, -2] == pytest.approx(1)
    assert whose["P01"][2, -2] == 0
    alpha = read_pass("alpha", job.output("alpha", frame=0))[..., 0]
    np.testing.assert_allclose(whose["P01"] + whose["P02"], alpha, atol=2e-5)


@pytest.mark.usefixtures("shot")
def test_who_is_not_there_owns_nothing_yet_has_a_name(tmp_path: Path) -> None:
    job = played(tmp_path, Together())
    last = read_ids("people", job.output("people", frame=FRAMES - 1))
    assert tuple(last) == ("P01", "P02")
    assert not last["P02"].any()


@pytest.mark.usefixtures("shot")
def test_colours_are_kept_where_a_network_gives_them(tmp_path: Path) -> None:
    job = played(tmp_path, Coloured())
    kept = read_pass("foreground", job.output("foreground", frame=1))
    assert (kept == [1, 0, 0]).all()
    paths = {name: job.output(name, frame=1) for name in ("alpha", "people", "foreground")}
    film = np.zeros((SIZE[1], SIZE[0], 3), dtype=np.uint8)
    with_them = FramePasses(paths, size=SIZE).colours(film)
    assert (with_them == [255, 0, 0]).all()
    del paths["foreground"]
    assert not FramePasses(paths, size=SIZE).colours(film).any()


@pytest.mark.usefixtures("shot")
def test_a_model_that_tells_apart_is_believed(tmp_path: Path) -> None:
    job = played(tmp_path, Apart())
    whose = read_ids("people", job.output("people", frame=0))
    np.testing.assert_array_equal(whose["P02"], RIGHT)
    assert not whose["P01"].any()


class Outside(PlayedJob):
    """A job whose mattes came from another program, for some frames."""

    mattes: dict[str, Path]

    def inputs(self, kind: str) -> Any:
        return self.mattes if kind == "alpha" else super().inputs(kind)


@pytest.mark.parametrize("larger", [1, 2])
@pytest.mark.usefixtures("shot")
def test_a_matte_from_outside_is_divided_and_holes_are_told(tmp_path: Path, larger: int) -> None:
    job = Outside(tmp_path, tmp_path / "film", [FrameRange(0, FRAMES)], Together())
    alpha = np.kron(RIGHT, np.ones((larger, larger))).astype(np.float32)
    job.mattes = {}
    for frame in (0, 2):
        path = tmp_path / f"delivered.{frame}.png"
        write_pass("alpha", path, alpha[..., None], rate=RATE)
        job.mattes[f"{frame:06d}"] = path
    ownership.run(job)
    whose = read_ids("people", job.output("people", frame=0))
    np.testing.assert_allclose(whose["P02"], RIGHT, atol=1e-4)
    assert not whose["P01"].any()
    assert not read_ids("people", job.output("people", frame=2))["P02"].any(), "P02 has left"
    assert [str(frames) for frames, _ in job.lost] == ["1:2"]
