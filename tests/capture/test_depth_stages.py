"""From a back end's numbers to metres on disk: evidence, fit, depth, positions."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from depth_shots import COUNT, SIZE, WALL, DepthJob, empty_shot, stage_shot

from choreoscope.capture.depth.bodies import body_evidence, dense, people_mask
from choreoscope.capture.depth.contacts import contact_evidence
from choreoscope.capture.depth.evidence import NOBODY
from choreoscope.capture.depth.gathering import (
    Sources,
    frames_to_look_at,
    gather,
    measured_evidence,
    spread_out,
)
from choreoscope.capture.passes.interfaces import (
    Answer,
    DepthSpace,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.capture.stages import depth, depth_fit, position, raw_depth
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.depth_fit_json import read_depth_fit
from choreoscope.formats.exr import write_exr
from choreoscope.formats.passes import read_pass, write_pass
from choreoscope.formats.raw_depth import RawDepth, read_raw_depth, write_raw_depth
from choreoscope.synthetic.raw_depth import RawSpec, gains, raw_of_truth

SPEC = RawSpec(space="affine_inverse", seed=2, noise=0.01)


class Network:
    """Says the truth in its own numbers."""

    feeding = Frames()
    model_cpu_seconds = 0.0
    origin = "made network"
    notes = ("a word of the model",)

    def __init__(self, truth: Sequence[np.ndarray], spec: RawSpec) -> None:
        self.depth_space: DepthSpace = spec.space
        self._truth, self._spec = truth, spec
        self._gain = gains(spec, len(truth))

    def start(self, shot: ShotContext) -> None:
        assert shot.film is not None

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        del state
        numbers = [one.frame for one in frames]
        return [
            {"depth": raw_of_truth(self._truth[at], float(self._gain[at]), self._spec, at)}
            for at in numbers
        ], {}


@pytest.fixture
def known_shot(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the stages know a shot without files of it."""

    def told(shot: ShotContext) -> None:
        def context(job: DepthJob) -> ShotContext:
            return dataclasses.replace(shot, film=job.video)

        for module in (depth, depth_fit):
            monkeypatch.setattr(module, "shot_context", context)
        monkeypatch.setattr("choreoscope.capture.passes.running.shot_context", context)

    return told


def errors(folder: Path, truth: Sequence[np.ndarray]) -> tuple[float, float]:
    """Mean relative error and flicker of the depth on disk."""
    off, scales = [], []
    for frame, true in enumerate(truth):
        found = read_pass("depth", folder / "depth" / f"depth.{frame:06d}.exr")[..., 0]
        ratio = found / true
        off.append(np.mean(np.abs(ratio - 1)))
        scales.append(np.log(np.median(ratio)))
    return float(np.mean(off)), float(np.mean(np.abs(np.diff(scales))))


def whole(folder: Path, shot: ShotContext, model: Network, **options: Any) -> DepthJob:
    """Run raw depth, fit and depth."""
    raw_depth.run(DepthJob(folder, shot, None, model))  # type: ignore[arg-type]
    fitting = DepthJob(folder, shot, depth_fit.DepthFitOptions(**options))
    depth_fit.run(fitting)  # type: ignore[arg-type]
    depth.run(DepthJob(folder, shot, depth.DepthOptions()))  # type: ignore[arg-type]
    return fitting


@pytest.mark.parametrize("space", ["affine_inverse", "scale"])
def test_from_numbers_to_metres(tmp_path: Path, known_shot: Any, space: DepthSpace) -> None:
    shot, truth = stage_shot()
    known_shot(shot)
    spec = dataclasses.replace(SPEC, space=space)
    job = whole(tmp_path, shot, Network(truth, spec))
    error, flicker = errors(tmp_path, truth)
    assert error < 0.025
    assert flicker < 0.0045
    fit = read_depth_fit(tmp_path / "depth_fit.json")
    assert (fit.space, fit.fitted, fit.backend) == (space, True, "made network")
    assert {row["kind"] for row in fit.residuals} == {"body", "contact"}
    assert set(fit.offsets_m) == {"P01", "P02"}
    assert any("depth against body" in note for note in job.notes)
    assert "no points of the background: the camera stays in its place" in job.notes
    # The uncertainty means what it says.
    inside = []
    for frame in (0, 9):
        sigma = read_pass("depth_sigma", tmp_path / "depth_sigma" / f"depth_sigma.{frame:06d}.exr")
        found = read_pass("depth", tmp_path / "depth" / f"depth.{frame:06d}.exr")
        inside.append(np.mean(np.abs(found[..., 0] - truth[frame]) < 2 * sigma[..., 0]))
    assert np.mean(inside) > 0.7


def test_the_wrong_space_is_far_worse(tmp_path: Path, known_shot: Any) -> None:
    """Control: inverse depth taken for depth."""
    shot, truth = stage_shot()
    known_shot(shot)
    model = Network(truth, SPEC)
    model.depth_space = "affine"
    try:
        whole(tmp_path, shot, model)
    except InputError as refused:
        assert "depth space" in str(refused)  # noqa: PT017
        return
    assert errors(tmp_path, truth)[0] > 0.2


def test_metres_are_taken_as_they_are_unless_asked(tmp_path: Path, known_shot: Any) -> None:
    shot, truth = stage_shot()
    known_shot(shot)
    spec = RawSpec(space="metric", drift=0.0, jitter=0.0, noise=0.0)
    off = [1.15 * one for one in truth]
    job = whole(tmp_path, shot, Network(off, spec))
    assert not read_depth_fit(tmp_path / "depth_fit.json").fitted
    assert any("nothing was fitted" in note for note in job.notes)
    assert errors(tmp_path, truth)[0] == pytest.approx(0.15, abs=1e-3)
    job = whole(tmp_path, shot, Network(off, spec), fit_metric=True)
    fit = read_depth_fit(tmp_path / "depth_fit.json")
    assert fit.fitted
    network = next(row for row in fit.residuals if row["kind"] == "network")
    assert network["left_out_bias"] == pytest.approx(1.15, abs=0.2) or network["bias"] > 0.05
    assert errors(tmp_path, truth)[0] < 0.03


def test_nobody_there(tmp_path: Path, known_shot: Any) -> None:
    shot = empty_shot()
    known_shot(shot)
    truth = [np.full(SIZE[::-1], 5.0, dtype=np.float32)] * 4
    metric = Network(truth, RawSpec(space="metric", drift=0.0, jitter=0.0, noise=0.0))
    whole(tmp_path, shot, metric)
    assert errors(tmp_path, truth)[0] < 1e-6
    relative = Network(truth, RawSpec(space="scale", drift=0.0, jitter=0.0, noise=0.0))
    with pytest.raises(InputError, match="give measured points"):
        whole(tmp_path, shot, relative)
    points = ((0, 20.0, 20.0, 5.0), (1, 99.5, 40.0, 5.0), (2, 40.0, 40.0, 5.0), (77, 1.0, 1.0, 2.0))
    whole(tmp_path, shot, relative, measured=points)
    assert errors(tmp_path, truth)[0] < 1e-3
    with pytest.raises(InputError, match="expected x below 208"):
        measured_evidence([(0, 300.0, 2.0, 1.0)], shot)
    with pytest.raises(ValueError, match="above 0"):
        depth_fit.DepthFitOptions(measured=((0, 1.0, 1.0, -2.0),))


def test_frames_without_depth_and_keys_by_hand(tmp_path: Path, known_shot: Any) -> None:
    shot, _ = stage_shot()
    known_shot(shot)
    for frame in range(COUNT):
        raw = np.full(SIZE[::-1], np.nan if frame == 1 else 4.0, dtype=np.float32)
        job = DepthJob(tmp_path, shot, None)
        if frame != 5:
            made = RawDepth(raw=raw, space="metric", origin="made")
            write_raw_depth(job.output("raw_depth", frame=frame), made, Fraction(25))
    depth_fit.run(DepthJob(tmp_path, shot, depth_fit.DepthFitOptions()))  # type: ignore[arg-type]
    job = DepthJob(tmp_path, shot, depth.DepthOptions(depth_keys=((0, 2.0, 0.0), (10, 1.0, -1.0))))
    depth.run(job)  # type: ignore[arg-type]
    assert [(span.start, span.stop) for span, _ in job.lost] == [(5, 6)]
    assert job.done == [shot.frames]
    empty = tmp_path / "depth" / "depth.000001.exr"
    depth.check("depth", empty)
    assert not read_pass("depth", empty).any()
    first = read_pass("depth", tmp_path / "depth" / "depth.000000.exr")
    last = read_pass("depth", tmp_path / "depth" / "depth.000012.exr")
    assert (first == 8.0).all()
    assert (last == 3.0).all()
    assert depth.contents("depth", empty).frames == FrameSet.of([1])
    with pytest.raises(ValueError, match="must rise"):
        depth.DepthOptions(depth_keys=((3, 1.0, 0.0), (3, 1.0, 0.0)))
    with pytest.raises(ValueError, match="above 0"):
        depth.DepthOptions(depth_keys=((3, 0.0, 0.0),))


def test_performers_stand_where_they_were_solved(tmp_path: Path, known_shot: Any) -> None:
    """The network sets one performer half a metre too far; the fit sets her back."""
    shot, truth = stage_shot()
    known_shot(shot)
    masks = [dense(shot.performers["P01"].masks[frame]) for frame in range(COUNT)]
    wrong = [one + np.float32(0.5) * own for one, own in zip(truth, masks, strict=True)]
    still = RawSpec(space="scale", drift=0.0, jitter=0.0, noise=0.0)
    raw_depth.run(DepthJob(tmp_path, shot, None, Network(wrong, still)))  # type: ignore[arg-type]
    depth_fit.run(DepthJob(tmp_path, shot, depth_fit.DepthFitOptions()))  # type: ignore[arg-type]
    middles = {}
    for performers in ("network", "body", "none"):
        options = depth.DepthOptions(performers=performers)
        depth.run(DepthJob(tmp_path, shot, options))  # type: ignore[arg-type]
        off = []
        for frame in (3, 9, 14):
            found = read_pass("depth", tmp_path / "depth" / f"depth.{frame:06d}.exr")[..., 0]
            off.append(np.median((found - truth[frame])[masks[frame]]))
        middles[performers] = abs(float(np.mean(off)))
    assert middles["network"] < 0.12
    assert middles["body"] < 0.02
    assert middles["none"] > 0.2


def test_positions_lie_on_floor_and_wall(tmp_path: Path) -> None:
    shot, truth = stage_shot()
    write_camera(tmp_path / "camera.json", shot.camera)
    job = DepthJob(tmp_path, shot, None)
    job.windows = (FrameRange(0, 3),)
    for frame in (0, 2):
        hole = truth[frame].copy()
        hole[:10] = 0.0
        out = job.output("depth", frame=frame)
        write_pass("depth", out, hole[..., None], rate=Fraction(25))
    position.run(job)  # type: ignore[arg-type]
    assert [(span.start, span.stop) for span, _ in job.lost] == [(1, 2)]
    path = tmp_path / "position" / "position.000002.exr"
    position.check("position", path)
    placed = read_pass("position", path)
    assert np.isnan(placed[:10]).all()
    assert position.contents("position", path).size == SIZE
    nobody = truth[2] < WALL - 0.01
    nobody &= ~people_mask(list(shot.performers.values()), 2, SIZE)
    np.testing.assert_allclose(placed[nobody][:, 1], 0.0, atol=2e-3)
    # Control: with the camera upside down nothing lies on the floor.
    turned = placed * [1, -1, 1] + [0, 3.0, 0]
    assert np.abs(turned[nobody][:, 1]).min() > 1.0
    relative = tmp_path / "relative.exr"
    write_pass("depth", relative, hole[..., None], rate=Fraction(25), header={"unit": "relative"})
    with pytest.raises(InputError, match="relative depth, not metres"):
        position.metres_of(relative)
    write_exr(tmp_path / "else.exr", {"R": np.zeros((2, 2), dtype=np.float32)})
    with pytest.raises(OutputError, match="does not read back"):
        position.check("position", tmp_path / "else.exr")


def test_evidence_agrees_with_the_truth() -> None:
    shot, truth = stage_shot()
    body = body_evidence(shot, [0, 9])
    contact = contact_evidence(shot, [0, 9])
    for evidence, most in ((body, 0.02), (contact, 0.06)):
        assert len(evidence) > 20
        x, y = evidence.pixels.astype(int).T
        seen = np.array(
            [truth[at][row, column] for at, row, column in zip(evidence.frames, y, x, strict=True)]
        )
        assert np.percentile(np.abs(evidence.metres / seen - 1), 90) < most
    assert body.people == ("P01", "P02")
    assert (contact.owners == NOBODY).sum() > (contact.owners != NOBODY).sum() > 0
    assert len(body_evidence(empty_shot(), [0])) == 0
    assert len(contact_evidence(empty_shot(), [0])) == 0
    blind = dataclasses.replace(shot, camera=None)
    assert len(gather(blind, Sources(), None)[0]) == 0


def moved_on(shot: ShotContext, by: int) -> ShotContext:
    """The same shot, later in the film."""
    performers = {
        name: dataclasses.replace(
            one,
            masks={frame + by: mask for frame, mask in one.masks.items()},
            boxes_xyxy={frame + by: box for frame, box in one.boxes_xyxy.items()},
            motion=dataclasses.replace(one.motion, first_frame=by),
        )
        for name, one in shot.performers.items()
    }
    frames = FrameRange(shot.frames.start + by, shot.frames.stop + by)
    return dataclasses.replace(shot, performers=performers, frames=frames)


def test_a_shot_that_begins_later_in_the_film() -> None:
    shot, _ = stage_shot()
    early, _ = gather(shot, Sources(), None)
    late, _ = gather(moved_on(shot, 70), Sources(), None)
    np.testing.assert_array_equal(late.frames, early.frames + 70)
    np.testing.assert_array_equal(late.metres, early.metres)
    np.testing.assert_array_equal(late.pixels, early.pixels)


def test_frames_in_which_somebody_was_not_seen_say_nothing() -> None:
    shot, _ = stage_shot()
    one = shot.performers["P01"]
    confidence = one.motion.confidence.copy()
    confidence[4:9] = 0.0
    gone = dataclasses.replace(one, motion=dataclasses.replace(one.motion, confidence=confidence))
    left = dataclasses.replace(shot, performers={**shot.performers, "P01": gone})
    evidence, _ = gather(left, Sources(), None)
    own = set(evidence.frames[evidence.of_person("P01")].tolist())
    assert own == set(range(COUNT)) - set(range(4, 9))
    other = set(evidence.frames[evidence.of_person("P02")].tolist())
    assert other == set(range(COUNT))


def test_which_frames_are_looked_at() -> None:
    assert frames_to_look_at(FrameRange(5, 8)) == [5, 6, 7]
    long = frames_to_look_at(FrameRange(0, 5000), [(3, 0.0, 0.0, 1.0), (9999, 0.0, 0.0, 1.0)])
    assert len(long) == 1251
    assert 3 in long
    assert spread_out([], 4) == []
    assert spread_out([7], 4) == [7]
    assert spread_out(range(100), 3) == [0, 50, 99]


def test_raw_depth_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "raw_depth.000003.exr"
    raw = np.array([[1.5, np.nan]], dtype=np.float32)
    write_raw_depth(path, RawDepth(raw=raw, space="affine", origin="made"), Fraction(25))
    raw_depth.check("raw_depth", path)
    back = read_raw_depth(path)
    np.testing.assert_array_equal(back.raw, raw)
    assert (back.space, back.origin) == ("affine", "made")
    assert raw_depth.contents("raw_depth", path).frames == FrameSet.of([3])
    write_exr(path, {"Z": raw})
    with pytest.raises(OutputError, match="does not read back"):
        raw_depth.check("raw_depth", path)


def test_no_raw_depth_at_all(tmp_path: Path, known_shot: Any) -> None:
    shot, _ = stage_shot()
    known_shot(shot)
    with pytest.raises(InputError, match="no raw depth of a single frame"):
        depth_fit.run(DepthJob(tmp_path, shot, depth_fit.DepthFitOptions()))  # type: ignore[arg-type]
