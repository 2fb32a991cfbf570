"""Laws of fitting raw depth: units, order, outliers, signs, and how the gain may move."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from choreoscope.capture.depth.alignment import align, balance
from choreoscope.capture.depth.evidence import KINDS, NOBODY, DepthEvidence, joined, joined_with
from choreoscope.capture.depth.fitting import FitChoices, fit_shot
from choreoscope.capture.depth.performers import offsets
from choreoscope.capture.depth.residuals import pixel_noise, residuals
from choreoscope.capture.depth.smoothing import Smoothness, Splines, smooth_curve
from choreoscope.capture.depth.spaces import INVERSE, RawLine, space_named
from choreoscope.capture.passes.interfaces import DepthSpace
from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.synthetic.raw_depth import RawSpec, gains, make_trial, raw_of_truth

SPACES: tuple[DepthSpace, ...] = ("metric", "scale", "affine", "affine_inverse", "scale_inverse")
every_space = pytest.mark.parametrize("space", SPACES)
STILL = RawSpec(drift=0.0, jitter=0.0, noise=0.0)


def known(
    metres: np.ndarray, frames: np.ndarray | None = None, sigma: float = 0.02
) -> DepthEvidence:
    count = len(metres)
    number = np.zeros(count, dtype=int) if frames is None else frames
    pixels = np.stack([np.arange(count) + 0.5, np.full(count, 0.5)], axis=1)
    return DepthEvidence.of("structure", number, pixels, metres, sigma)


def clean(space: DepthSpace, seed: int, count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """True metres and raw depth without any fault."""
    truth = np.random.default_rng(seed).uniform(2.0, 9.0, count)
    spec = dataclasses.replace(STILL, space=space)
    return truth, raw_of_truth(truth, 1.0, spec, 0).astype(np.float64)


@every_space
def test_faultless_depth_comes_back(space: DepthSpace) -> None:
    truth, raw = clean(space, 1)
    found = align(raw, known(truth), space)
    # The weak prior on the offset leaves its mark in the fifth digit.
    np.testing.assert_allclose(found.line.metres(raw), truth, rtol=1e-4)
    assert found.line.scale > 0
    assert found.weights.min() > 0.9


@every_space
@given(seed=st.integers(0, 40), factor=st.floats(0.01, 100.0))
@settings(max_examples=10)
def test_metres_scale_with_the_evidence(space: DepthSpace, seed: int, factor: float) -> None:
    truth, raw = clean(space, seed)
    noisy = truth * np.exp(0.05 * np.random.default_rng(seed).normal(size=len(truth)))
    one, other = align(raw, known(noisy), space), align(raw, known(factor * noisy), space)
    np.testing.assert_allclose(other.line.metres(raw), factor * one.line.metres(raw), rtol=1e-6)


@every_space
@given(seed=st.integers(0, 40), share=st.floats(0.0, 0.3))
@settings(max_examples=15)
def test_outliers_up_to_thirty_per_cent_do_not_move_it(
    space: DepthSpace, seed: int, share: float
) -> None:
    truth, raw = clean(space, seed, 200)
    rng = np.random.default_rng(seed + 1000)
    seen = truth * np.exp(0.02 * rng.normal(size=200))
    wrong = rng.permutation(200) < share * 200
    # All to one side: the worst that can be.
    seen[wrong] *= rng.uniform(1.5, 4.0, int(wrong.sum()))
    found = align(raw, known(seen), space)
    assert np.median(np.abs(found.line.metres(raw) / truth - 1)) < 0.02
    assert found.weights[wrong].max(initial=0.0) < 0.3


def test_plain_least_squares_is_moved_by_them() -> None:
    """Control of the law above."""
    truth, raw = clean("affine", 3, 200)
    seen = truth.copy()
    seen[:60] *= 3.0
    line = np.polyfit(raw, seen, 1)
    assert np.median(np.abs(np.polyval(line, raw) / truth - 1)) > 0.2


@given(order=st.permutations(list(range(60))))
@settings(max_examples=10)
def test_the_order_of_samples_does_not_matter(order: list[int]) -> None:
    trial = make_trial(RawSpec(seed=5), frames=2, places=4)
    some = np.arange(60)
    one, raw = joined_with([(trial.evidence.taken(some), trial.raw[some])])
    shuffled = np.array(order)
    other, moved = joined_with([(trial.evidence.taken(shuffled), trial.raw[shuffled])])
    np.testing.assert_array_equal(raw, moved)
    first, second = (
        align(values, part, "affine_inverse") for part, values in ((one, raw), (other, moved))
    )
    assert (first.line.scale, first.line.offset) == (second.line.scale, second.line.offset)


@every_space
def test_depth_that_runs_the_wrong_way_is_refused_or_flat(space: DepthSpace) -> None:
    """The factor stays above 0 whatever happens."""
    truth, raw = clean(space, 2)
    turned = raw.max() + raw.min() - raw
    try:
        found = align(turned, known(truth), space)
    except InputError:
        return
    assert found.line.scale > 0
    assert np.median(np.abs(found.line.metres(turned) / truth - 1)) > 0.1


@every_space
def test_the_farthest_raw_value_stays_finite(space: DepthSpace) -> None:
    truth, raw = clean(space, 4)
    low, high = float(raw.min()), float(raw.max())
    wide = (low - 3 * (high - low), high + 3 * (high - low))
    found = align(raw, known(truth), space, wide)
    ends = found.line.metres(np.array([wide[0], wide[1], 0.0, -1e9, 1e9, np.nan, np.inf]))
    assert np.isfinite(ends[:5]).all()
    assert (ends[:5] > 0).all()
    assert np.isnan(ends[5:]).all()


def test_one_depth_alone_cannot_bend_the_line() -> None:
    """Evidence at one distance: the offset stays near 0 instead of anywhere."""
    raw = 1.0 / np.full(50, 4.0) * 10
    raw = raw + 1e-3 * np.random.default_rng(0).normal(size=50)
    found = align(raw, known(np.full(50, 4.0)), "affine_inverse")
    far = found.line.metres(np.array([10 / 8.0]))
    assert 4.0 < far[0] < 60.0
    # And it knows that it does not know.
    assert found.sigma(np.array([10 / 8.0]))[0] > 10 * found.sigma(raw[:1])[0]


def test_neither_many_pixels_nor_one_band_rule() -> None:
    near, far = np.full(4000, 3.0), np.full(60, 8.0)
    many = known(np.concatenate([near, far]))
    weights = balance(many)
    assert weights[4000:].min() == 1.0
    assert weights[:4000].sum() < 1000


def test_a_measured_point_is_never_thrown_out() -> None:
    truth, raw = clean("scale", 6)
    said = DepthEvidence.of(
        "measured", np.array([0]), np.array([[0.5, 9.5]]), np.array([1.3 * truth[0]]), 0.01
    )
    evidence, values = joined_with([(known(truth), raw), (said, raw[:1])])
    found = align(values, evidence, "scale")
    assert found.weights[evidence.of_kind("measured")] > 0


def test_too_few_places_are_told() -> None:
    with pytest.raises(InputError, match="2 places of known distance have raw depth, 3 are needed"):
        align(np.array([1.0, 2.0, np.nan]), known(np.array([1.0, 2.0, 3.0])), "scale")
    with pytest.raises(InputError, match="0 places"):
        fit_shot(np.zeros(0), DepthEvidence.none(), "affine", FrameRange(0, 5))


def curve_of(values: np.ndarray, rows: np.ndarray, count: int, sigma: float) -> np.ndarray:
    many = np.full(len(rows), sigma)
    return smooth_curve(rows, values, many, count, Smoothness(size=0.1)).values


def test_splines_sum_to_one_and_hold_straight_lines() -> None:
    for count in (1, 2, 12, 13, 77):
        splines = Splines(count, 12)
        np.testing.assert_allclose(splines.values.sum(axis=1), 1.0, atol=1e-12)
        places = np.arange(splines.width) - 1.0
        np.testing.assert_allclose(splines.at(places), np.arange(count) / 12, atol=1e-12)


def test_a_slow_drift_is_followed_and_noise_is_not() -> None:
    rng = np.random.default_rng(8)
    rows = np.repeat(np.arange(120), 10)
    drift = 0.04 * np.sin(2 * np.pi * np.arange(120) / 90)
    noise = 0.05 * rng.normal(size=1200)
    followed = curve_of(drift[rows] + noise, rows, 120, 0.05)
    assert np.sqrt(np.mean((followed - drift) ** 2)) < 0.008
    assert np.abs(curve_of(noise, rows, 120, 0.05)).max() < 0.012


def test_the_curve_never_jumps_with_a_frame() -> None:
    """A whole frame that is 30 % off moves the curve by a fraction of that: no shift per frame."""
    rows = np.repeat(np.arange(96), 12)
    values = np.where(rows == 48, 0.3, 0.0)
    found = curve_of(values, rows, 96, 0.03)
    assert np.abs(np.diff(found)).max() < 0.003
    assert np.abs(found).max() < 0.03


def test_outside_the_samples_the_curve_knows_less() -> None:
    rows = np.repeat(np.arange(30), 10)
    found = smooth_curve(rows, np.zeros(300), np.full(300, 0.05), 200, Smoothness(size=0.1))
    assert found.sigma[199] > 3 * found.sigma[15]
    nothing = smooth_curve(rows[:0], np.zeros(0), np.zeros(0), 50, Smoothness(size=0.1))
    np.testing.assert_allclose(nothing.values, 0.0)
    assert nothing.sigma.min() > 0.02


@pytest.mark.parametrize(("space", "seeds"), [("affine", (2,)), ("affine_inverse", (1, 2, 3))])
def test_the_shot_is_fitted_as_well_as_promised(space: DepthSpace, seeds: tuple[int, ...]) -> None:
    errors, flickers, worse = [], [], []
    for seed in seeds:
        outliers = {1: 0.2, 2: 0.25, 3: 0.3}[seed]
        trial = make_trial(RawSpec(space=space, seed=seed), 80, outliers, places=150)
        count = len(trial.truth)
        fit = fit_shot(trial.raw, trial.evidence, space, FrameRange(0, count))
        ratio = fit.metres(trial.pictures, np.arange(count)[:, None]) / trial.truth
        errors.append(np.mean(np.abs(ratio - 1)))
        flickers.append(np.mean(np.abs(np.diff(np.median(np.log(ratio), axis=1)))))
        wrong: DepthSpace = "affine" if space in INVERSE else "affine_inverse"
        try:
            other = fit_shot(trial.raw, trial.evidence, wrong, FrameRange(0, count))
            off = other.metres(trial.pictures, np.arange(count)[:, None]) / trial.truth
            worse.append(np.mean(np.abs(off - 1)))
        except InputError:
            worse.append(np.inf)
    assert np.mean(errors) < 0.020
    assert np.mean(flickers) < 0.0036 + 0.001  # fewer places: their own noise flickers too
    assert np.mean(worse) > 4 * np.mean(errors)


def test_the_gain_is_smooth_and_can_be_switched_off() -> None:
    trial = make_trial(RawSpec(seed=1), frames=60, places=4)
    fit = fit_shot(trial.raw, trial.evidence, "affine_inverse", FrameRange(0, 60))
    assert np.abs(np.diff(fit.gain.values, n=2)).max() < 0.002
    still = fit_shot(
        trial.raw,
        trial.evidence,
        "affine_inverse",
        FrameRange(0, 60),
        choices=FitChoices(gain=False),
    )
    assert not still.gain.values.any()
    drift = np.log(trial.gain)
    found = -fit.gain.values
    assert np.corrcoef(drift, found)[0, 1] > 0.9


def test_what_is_left_out_is_still_right_and_a_lie_is_seen() -> None:
    trial = make_trial(RawSpec(seed=2, space="scale"), frames=40, places=4)
    frames = FrameRange(0, 40)
    fit = fit_shot(trial.raw, trial.evidence, "scale", frames)
    rows = {row.kind: row for row in residuals(fit, trial.raw, trial.evidence)}
    assert set(rows) == {"body", "contact", "structure"}
    for row in rows.values():
        assert row.left_out == "kind"
        assert abs(row.left_out_bias) < 0.03
        assert 0.02 < row.outliers < 0.4
    assert 0.01 <= pixel_noise(tuple(rows.values()), trial.evidence) < 0.06
    body = trial.evidence.of_kind("body")
    lying = dataclasses.replace(
        trial.evidence, metres=np.where(body, 1.25 * trial.evidence.metres, trial.evidence.metres)
    )
    fit = fit_shot(trial.raw, lying, "scale", frames)
    told = {row.kind: row for row in residuals(fit, trial.raw, lying)}
    assert told["body"].left_out_bias > 0.15


def test_one_kind_alone_is_judged_by_frames_it_has_not_seen() -> None:
    trial = make_trial(RawSpec(seed=3, space="scale"), frames=60, places=4)
    body = trial.evidence.of_kind("body")
    evidence, raw = trial.evidence.taken(body), trial.raw[body]
    fit = fit_shot(raw, evidence, "scale", FrameRange(0, 60))
    (row,) = residuals(fit, raw, evidence)
    assert row.left_out == "frames"
    assert abs(row.left_out_bias) < 0.03


def test_performers_are_set_back_where_their_feet_are() -> None:
    rng = np.random.default_rng(3)
    rows = np.repeat(np.arange(60), 10)
    truth = rng.uniform(3.0, 5.0, 600)
    off = 0.25 + 0.1 * np.sin(rows / 20)
    person = DepthEvidence.of(
        "contact", rows, rng.uniform(0, 99, (600, 2)), truth, 0.02, person="P01"
    )
    room = known(rng.uniform(2, 9, 400), rng.integers(0, 60, 400))
    evidence, raw = joined_with([(person, truth - off), (room, room.metres)])
    fit = fit_shot(raw, evidence, "scale", FrameRange(0, 60), choices=FitChoices(gain=False))
    # The scene alone: the person is what is looked at.
    fit = dataclasses.replace(
        fit, alignment=align(np.where(evidence.owners == NOBODY, raw, np.nan), evidence, "scale")
    )
    moved = offsets(fit, raw, evidence, 12)
    expected = 0.25 + 0.1 * np.sin(np.arange(60) / 20)
    np.testing.assert_allclose(moved["P01"].values, expected, atol=0.03)
    assert offsets(fit, raw[:0], evidence.taken(np.arange(0)), 12) == {}


def test_evidence_keeps_to_its_word() -> None:
    assert len(joined([])) == 0
    with pytest.raises(InputError, match="no evidence of kind"):
        DepthEvidence.of("guess", np.zeros(1), np.zeros((1, 2)), np.ones(1), 0.1)  # type: ignore[arg-type]
    part = DepthEvidence.of(
        "body", np.arange(3), np.zeros((3, 2)), np.array([1.0, np.nan, -2.0]), 0.1, person="P02"
    )
    assert len(part) == 1
    both = joined(
        [
            part,
            DepthEvidence.of("body", np.arange(1), np.zeros((1, 2)), np.ones(1), 0.1, person="P01"),
        ]
    )
    assert both.people == ("P01", "P02")
    assert both.of_person("P02").sum() == 1
    assert not both.of_person("P03").any()
    for field, value in (("metres", -1.0), ("kinds", len(KINDS)), ("owners", 2)):
        broken = np.full(2, value, dtype=getattr(both, field).dtype)
        with pytest.raises(ShapeError):
            dataclasses.replace(both, **{field: broken})


def test_spaces_have_names() -> None:
    assert [space_named(space) for space in SPACES] == list(SPACES)
    with pytest.raises(InputError, match="no depth space 'disparity'"):
        space_named("disparity")
    line = RawLine(space="metric")
    values = np.array([1.5, np.nan], dtype=np.float32)
    np.testing.assert_array_equal(line.metres(values), values)
    assert line.metres(values).dtype == np.float32


def test_made_raw_depth_drifts_slowly() -> None:
    gain = gains(RawSpec(seed=4), 200)
    assert 0.02 < np.abs(np.log(gain)).max() < 0.1
    assert np.abs(np.diff(np.log(gain))).mean() < 0.005
    assert np.isnan(raw_of_truth(np.array([np.inf, 0.0]), 1.0, RawSpec(), 0)).all()
