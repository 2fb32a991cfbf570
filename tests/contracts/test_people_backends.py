"""What every back end that follows people must keep to; a new one is tested by existing."""

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from choreoscope.capture.interfaces import PeopleEstimator
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import BackendSpec, RunSettings
from choreoscope.datatypes.people import PeopleInFrame
from choreoscope.formats.video import probe
from choreoscope.formats.video_reader import FilmReader
from choreoscope.pipeline.backends import find_backends, missing_modules

FIRST, LAST = 60, 72
MOST_AHEAD = 16
Frames = list[tuple[int, np.ndarray]]


@pytest.fixture(scope="module", params=find_backends("people"), ids=lambda spec: spec.name)
def spec(request: pytest.FixtureRequest) -> BackendSpec:
    missing = missing_modules(request.param)
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    return request.param


@pytest.fixture(scope="module")
def weights(spec: BackendSpec, request: pytest.FixtureRequest) -> dict[str, Path]:
    if not spec.weights:
        return {}
    folder = request.getfixturevalue("weights_folder")
    return {ref.name: folder / ref.name for ref in spec.weights}


@pytest.fixture(scope="module")
def film(demo_clip: Path) -> Frames:
    """A dozen frames with two people in them, at half size."""
    video = probe(demo_clip)
    with FilmReader(video, size=(video.width // 2, video.height // 2)) as reader:
        return list(reader.frames(FrameRange(FIRST, LAST)))


def loaded(spec: BackendSpec, weights: dict[str, Path], workers: int = 2) -> PeopleEstimator:
    return spec.load(weights, RunSettings(workers=workers), {})


@pytest.fixture(scope="module")
def seen(spec: BackendSpec, weights: dict[str, Path], film: Frames) -> list[PeopleInFrame]:
    return list(loaded(spec, weights).follow(film, None))


def same(first: Any, second: Any) -> bool:
    """Whether two lists of frames hold the same numbers to the bit, states included."""
    return [flat(one) for one in first] == [flat(one) for one in second]


def flat(entry: PeopleInFrame) -> list[object]:
    arrays = [entry.frame]
    for person in entry.people:
        arrays += [person.tracklet, person.score]
        for field in dataclasses.fields(person):
            value = getattr(person, field.name)
            if isinstance(value, np.ndarray):
                arrays.append(value.tobytes())
        arrays.append(None if person.mask is None else person.mask.counts.tobytes())
    arrays += [(key, np.asarray(value).tobytes()) for key, value in sorted(entry.state.items())]
    return arrays


def test_one_answer_per_frame_in_order(seen: list[PeopleInFrame]) -> None:
    assert [entry.frame for entry in seen] == list(range(FIRST, LAST))
    assert sum(len(entry.people) for entry in seen) >= LAST - FIRST


def test_numbers_mean_what_they_should(seen: list[PeopleInFrame], film: Frames) -> None:
    height, width = film[0][1].shape[:2]
    for entry in seen:
        for person in entry.people:
            assert 0 <= person.score <= 1
            assert ((person.visibility >= 0) & (person.visibility <= 1)).all()
            assert np.isfinite(person.points_px).all()
            assert np.isfinite(person.points_m).all()
            assert np.abs(person.points_m[23:25].mean(axis=0)).max() < 0.05
            assert 0.3 < np.ptp(person.points_m, axis=0).max() < 2.6
            assert person.appearance.sum() == pytest.approx(1.0, abs=1e-3)
            clear = person.points_px[person.visibility > 0.5]
            box = person.box_xyxy
            slack = 0.1 * (box[2:] - box[:2]).max()
            assert ((clear >= box[:2] - slack) & (clear <= box[2:] + slack)).mean() > 0.9
            lost = np.isnan(person.hands_px).any(axis=(1, 2))
            assert (person.hands_score[lost] <= 0.5).all()
            assert np.array_equal(np.isnan(person.hands_m).all(axis=(1, 2)), lost)
            assert np.abs(np.nan_to_num(person.hands_m).mean(axis=1)).max() < 1e-3
            assert person.face_px is None or np.isfinite(person.face_px).all()
            if person.mask is not None:
                assert (person.mask.width, person.mask.height) == (width, height)


def test_no_tracklet_twice_in_a_frame(seen: list[PeopleInFrame]) -> None:
    for entry in seen:
        numbers = [person.tracklet for person in entry.people]
        assert len(set(numbers)) == len(numbers)


def test_workers_change_nothing(
    spec: BackendSpec, weights: dict[str, Path], film: Frames, seen: list[PeopleInFrame]
) -> None:
    assert same(list(loaded(spec, weights, workers=1).follow(film, None)), seen)
    assert same(list(loaded(spec, weights, workers=3).follow(film, None)), seen)


def test_a_run_cut_in_two_gives_the_same(
    spec: BackendSpec, weights: dict[str, Path], film: Frames, seen: list[PeopleInFrame]
) -> None:
    model = loaded(spec, weights)
    half = list(model.follow(film[:7], None))
    rest = list(model.follow(film[7:], half[-1].state))
    assert same([*half, *rest], seen)


def test_the_comparison_can_fail(
    spec: BackendSpec, weights: dict[str, Path], film: Frames, seen: list[PeopleInFrame]
) -> None:
    later = [(frame + 1, picture) for frame, picture in film]
    assert not same(list(loaded(spec, weights).follow(later, None)), seen)


def test_an_empty_picture_holds_nobody(spec: BackendSpec, weights: dict[str, Path]) -> None:
    if not spec.weights:
        pytest.skip("a fake does not look at pixels")
    grey = [(frame, np.full((240, 320, 3), 128, dtype=np.uint8)) for frame in range(6)]
    assert not any(entry.people for entry in loaded(spec, weights).follow(grey, None))


@pytest.mark.parametrize("size", [(1, 1), (9, 60), (60, 9)])
def test_tiny_pictures_do_no_harm(
    spec: BackendSpec, weights: dict[str, Path], size: tuple[int, int]
) -> None:
    picture = np.zeros((*size, 3), dtype=np.uint8)
    assert len(list(loaded(spec, weights).follow([(0, picture), (1, picture)], None))) == 2


def test_little_is_read_ahead_and_closing_is_clean(
    spec: BackendSpec, weights: dict[str, Path], film: Frames
) -> None:
    taken = 0

    def endless() -> Iterator[tuple[int, np.ndarray]]:
        nonlocal taken
        while True:
            yield FIRST + taken, film[taken % len(film)][1]
            taken += 1

    following = loaded(spec, weights).follow(endless(), None)
    for count in range(1, 5):
        next(following)
        assert taken <= count + MOST_AHEAD
    before = threading.active_count()
    following.close()
    assert threading.active_count() <= before
    again = loaded(spec, weights).follow(iter(film[:1]), None)
    assert [entry.frame for entry in again] == [FIRST]


def test_time_in_models_is_counted(
    spec: BackendSpec, weights: dict[str, Path], film: Frames
) -> None:
    model = loaded(spec, weights)
    list(model.follow(film[:2], None))
    before = model.model_cpu_seconds
    list(model.follow(film[2:4], None))
    assert model.model_cpu_seconds >= before >= 0
    assert before > 0 or not spec.weights
