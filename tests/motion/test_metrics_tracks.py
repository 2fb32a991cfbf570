"""Tracking scores: against py-motmetrics, and HOTA against its paper and counts by hand."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from choreoscope.datatypes.people import Mask, MaskTrack, Track
from choreoscope.geometry.masks import encode
from choreoscope.motion.metrics import overlaps, tracks
from choreoscope.motion.metrics.overlaps import FrameOverlap, Overlaps

SIZE = np.array([40.0, 90.0])


def timeline(rows: list[str], *, similarity: float = 1.0) -> Overlaps:
    """One true person per row, all frames; letters are names of the result, dots are misses."""
    names = sorted({letter for row in rows for letter in row if letter != "."})
    frames = []
    for column in range(len(rows[0])):
        seen = sorted({names.index(row[column]) for row in rows if row[column] != "."})
        alike = np.zeros((len(rows), len(seen)))
        for number, row in enumerate(rows):
            if row[column] != ".":
                alike[number, seen.index(names.index(row[column]))] = similarity
        frames.append(
            FrameOverlap(truth=np.arange(len(rows)), result=np.array(seen, int), similarity=alike)
        )
    return Overlaps(truth_count=len(rows), result_count=len(names), frames=tuple(frames))


def test_a_perfect_result_has_full_marks() -> None:
    found = timeline(["aaaaaa", "bbbbbb"])
    clear, hota = tracks.clear_scores(found), tracks.hota_scores(found)
    assert (clear.mota, clear.motp, clear.switches, clear.fragmentations) == (1, 1, 0, 0)
    assert tracks.identity_scores(found).idf1 == 1
    assert (hota.hota, hota.detection, hota.association, hota.localisation) == (1, 1, 1, 1)


def test_hota_of_a_switch_in_the_middle() -> None:
    # Each half: 5 true positives of the pair; the truth is there for 10 frames, the result for 5,
    # so its association is 5 / (10 + 5 - 5) = 1/2 for every match (equation 9 of the paper).
    hota = tracks.hota_scores(timeline(["aaaaabbbbb"]))
    assert hota.detection == 1
    assert hota.association == pytest.approx(0.5)
    assert hota.hota == pytest.approx(np.sqrt(0.5))
    clear = tracks.clear_scores(timeline(["aaaaabbbbb"]))
    assert (clear.switches, clear.mota) == (1, pytest.approx(0.9))
    assert tracks.identity_scores(timeline(["aaaaabbbbb"])).idf1 == pytest.approx(0.5)


def test_hota_trades_detection_and_association() -> None:
    # Figure 1 of the paper in small: full detection by many names against half of it by one.
    many = tracks.hota_scores(timeline(["abcd"]))
    assert (many.detection, many.association) == (1, pytest.approx(1 / 4))
    half = tracks.hota_scores(timeline(["aa.."]))
    assert (half.detection, half.association) == (pytest.approx(0.5), pytest.approx(0.5))
    assert many.hota == pytest.approx(half.hota)


def test_hota_counts_false_alarms() -> None:
    # A result that is there twice as long as the truth: 4 matches, 4 false alarms.
    frames = [
        FrameOverlap(truth=np.array([0]), result=np.array([0]), similarity=np.ones((1, 1)))
    ] * 4 + [
        FrameOverlap(truth=np.zeros(0, int), result=np.array([0]), similarity=np.ones((0, 1)))
    ] * 4
    hota = tracks.hota_scores(Overlaps(truth_count=1, result_count=1, frames=tuple(frames)))
    assert hota.detection == pytest.approx(0.5)
    assert hota.association == pytest.approx(0.5)


def test_hota_sweeps_its_thresholds() -> None:
    hota = tracks.hota_scores(timeline(["aaaa"], similarity=0.62))
    # Matched at 0.05 ... 0.60: 12 of the 19 thresholds.
    assert np.allclose(hota.hota_by_alpha, np.arange(19) < 12)
    assert hota.hota == pytest.approx(12 / 19)
    exactly = tracks.hota_scores(timeline(["aaaa"], similarity=0.6))
    assert exactly.hota == pytest.approx(12 / 19)
    assert hota.localisation == pytest.approx((12 * 0.62 + 7) / 19)


def test_hota_prefers_pairs_that_agree_over_the_clip() -> None:
    # In the last frame b lies a little better on the person that a has followed all along.
    first = FrameOverlap(truth=np.array([0]), result=np.array([0]), similarity=np.array([[0.9]]))
    last = FrameOverlap(
        truth=np.array([0]), result=np.array([0, 1]), similarity=np.array([[0.8, 0.85]])
    )
    found = Overlaps(truth_count=1, result_count=2, frames=(first,) * 9 + (last,))
    at_half = tracks.hota_scores(found, alphas=(0.5,))
    assert at_half.association == pytest.approx(1)
    assert at_half.detection == pytest.approx(10 / 11)


def test_gaps_are_fragments_and_a_held_name_is_no_switch() -> None:
    clear = tracks.clear_scores(timeline(["aa..aaa.a.", "b.bbbbbbbb"]))
    assert clear.switches == 0
    assert clear.fragmentations == 3
    assert clear.misses == 5


def test_nobody_at_all() -> None:
    nothing = Overlaps(truth_count=0, result_count=0, frames=())
    assert np.isnan(tracks.clear_scores(nothing).mota)
    assert np.isnan(tracks.identity_scores(nothing).idf1)
    assert np.isnan(tracks.hota_scores(nothing).hota)
    lost = timeline(["....", "...."])
    assert tracks.clear_scores(lost).mota == 0
    assert tracks.hota_scores(lost).hota == 0
    assert tracks.identity_scores(lost).idf1 == 0


def wandering(seed: int) -> tuple[list[Track], list[Track]]:
    """Truth and a result with gaps, false alarms, swapped and broken names, jittering boxes."""
    rng = np.random.default_rng(seed)
    truth, pieces = [], []
    for person in range(4):
        frames = np.flatnonzero(rng.random(40) < 0.9)
        middle = rng.uniform(0, 160, 2) + np.cumsum(rng.normal(size=(40, 2)) * 4, axis=0)
        boxes = np.concatenate([middle, middle + SIZE], axis=1)
        truth.append(track(f"t{person}", frames, boxes[frames]))
        found = rng.random(40) < 0.85
        wrong = boxes + rng.normal(size=boxes.shape) * 6
        pieces.append((found, wrong))
    result = []
    cut = rng.integers(5, 35, size=2)
    for person in range(4):
        # Names 0 and 1 swap at a cut; person 2 gets a new name at another.
        other = {0: 1, 1: 0}.get(person, person)
        before, after = pieces[person], pieces[other]
        use = np.arange(40) < cut[0]
        found = np.where(use, before[0], after[0])
        boxes = np.where(use[:, None], before[1], after[1])
        if person == 2:
            late = found & (np.arange(40) >= cut[1])
            result.append(track("r9", np.flatnonzero(late), boxes[late]))
            found = found & (np.arange(40) < cut[1])
        result.append(track(f"r{person}", np.flatnonzero(found), boxes[found]))
    ghost = rng.uniform(0, 200, size=(40, 2))
    here = rng.random(40) < 0.2
    result.append(
        track("ghost", np.flatnonzero(here), np.concatenate([ghost, ghost + SIZE], 1)[here])
    )
    return truth, result


def track(name: str, frames: np.ndarray, boxes: np.ndarray) -> Track:
    return Track(person=name, frames=frames, boxes_xyxy=boxes, score=np.ones(len(frames)))


def by_motmetrics(found: Overlaps) -> dict[str, Any]:
    """The same scores by py-motmetrics."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import motmetrics

        book = motmetrics.MOTAccumulator(auto_id=True)
        for frame in found.frames:
            apart = np.where(frame.similarity >= 0.5, 1 - frame.similarity, np.nan)
            book.update(frame.truth, frame.result, apart)
        names = ["mota", "motp", "idf1", "idp", "idr", "num_switches", "num_fragmentations"]
        names += ["num_misses", "num_false_positives"]
        table = motmetrics.metrics.create().compute(book, metrics=names, name="clip")
        return dict(table.loc["clip"])


@settings(max_examples=12)
@given(seed=st.integers(0, 2**31))
def test_as_py_motmetrics(seed: int) -> None:
    truth, result = wandering(seed)
    found = overlaps.overlaps_of_boxes(result, truth)
    expected = by_motmetrics(found)
    clear, identity = tracks.clear_scores(found), tracks.identity_scores(found)
    assert clear.mota == pytest.approx(expected["mota"])
    # py-motmetrics gives the mean distance.
    assert clear.motp == pytest.approx(1 - expected["motp"])
    assert clear.switches == expected["num_switches"]
    assert clear.fragmentations == expected["num_fragmentations"]
    assert clear.misses == expected["num_misses"]
    assert clear.false_alarms == expected["num_false_positives"]
    assert identity.idf1 == pytest.approx(expected["idf1"])
    assert identity.precision == pytest.approx(expected["idp"])
    assert identity.recall == pytest.approx(expected["idr"])
    assert clear.switches > 0
    assert 0 < clear.mota < 1


@given(seed=st.integers(0, 2**31))
def test_names_mean_nothing(seed: int) -> None:
    truth, result = wandering(seed)
    first = tracks.hota_scores(overlaps.overlaps_of_boxes(result, truth))
    second = tracks.hota_scores(overlaps.overlaps_of_boxes(result[::-1], truth[::-1]))
    assert first.hota == pytest.approx(second.hota)
    assert 0 < first.hota < 1
    assert first.association == pytest.approx(second.association)


def test_overlap_of_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [3, 3, 3, 3.0]])
    found = overlaps.box_overlaps(boxes, boxes)
    assert np.allclose(np.diag(found), [1, 1, 1, 0])
    assert found[0, 1] == pytest.approx(1 / 3)
    assert found[0, 2] == 0


def test_masks_and_places_as_tracks() -> None:
    left, empty = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    left[:, :4] = True

    def masks(*pictures: np.ndarray) -> MaskTrack:
        made: tuple[Mask, ...] = tuple(encode(picture) for picture in pictures)
        return MaskTrack(frames=np.arange(len(made)), masks=made)

    truth = {"a": masks(left, left, left)}
    found = overlaps.overlaps_of_masks({"x": masks(left, left, empty)}, truth)
    clear = tracks.clear_scores(found)
    assert (clear.matches, clear.misses, clear.false_alarms) == (2, 1, 0)

    path = np.zeros((4, 3))
    path[3] = np.nan
    away = overlaps.overlaps_of_places({"x": path + 0.3}, {"a": path}, within=1.0)
    assert len(away.frames) == 3
    assert away.frames[0].similarity[0, 0] == pytest.approx(1 - 0.3 * np.sqrt(3))
