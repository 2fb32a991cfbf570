"""The fake that misbehaves: at the frames it is told to, and as often as it is told to."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from choreoscope.backends.people.fake import SPEC
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.people import PeopleInFrame

PICTURE = np.zeros((48, 64, 3), dtype=np.uint8)


def answers(batch: int = 8, **options: object) -> list[PeopleInFrame]:
    fake = SPEC.load({}, RunSettings(batch=batch), options)
    return list(fake.follow(((frame, PICTURE) for frame in range(6)), None))


def frames(**options: object) -> list[int]:
    return [entry.frame for entry in answers(**options)]


def dying(name: str) -> Callable[..., NoReturn]:
    def die(*_: Any) -> NoReturn:
        raise SystemExit(name)

    return die


@pytest.fixture(autouse=True)
def survivors(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("abort", "_exit", "kill"):
        monkeypatch.setattr(os, name, dying(name))
    monkeypatch.setattr(time, "sleep", dying("sleep"))


@pytest.mark.parametrize(
    ("option", "way"),
    [("abort_at", "abort"), ("exit_at", "_exit"), ("memory_at", "kill"), ("hang_at", "sleep")],
)
def test_it_ends_the_process_at_that_frame(option: str, way: str) -> None:
    with pytest.raises(SystemExit, match=way):
        answers(**{option: [3]})
    assert len(answers(**{option: [7]})) == 6, "control: a frame that is not there"


def test_a_small_batch_fits_into_memory() -> None:
    assert len(answers(batch=2, memory_at=[3], abort_above_batch=2)) == 6
    with pytest.raises(SystemExit, match="kill"):
        answers(batch=4, memory_at=[3], abort_above_batch=2)


def test_it_goes_wrong_so_many_times_and_no_more(tmp_path: Path) -> None:
    counted = tmp_path / "attempts"
    options: dict[str, Any] = {"raise_at": [3], "attempts": 2, "attempts_file": str(counted)}
    for _ in range(2):
        with pytest.raises(RuntimeError, match="told to raise at frame 3"):
            answers(**options)
    assert len(answers(**options)) == 6
    assert counted.read_bytes() == b"xx"
    with pytest.raises(InputError, match="given together"):
        answers(raise_at=[3], attempts=2)


def test_answers_come_too_few_too_many_and_in_another_order() -> None:
    assert frames(skip_at=[2]) == [0, 1, 3, 4, 5]
    assert frames(twice_at=[2]) == [0, 1, 2, 2, 3, 4, 5]
    assert frames(out_of_order_at=[2]) == [0, 1, 3, 2, 4, 5]
    assert frames(short=4) == [0, 1, 2, 3]
    assert frames() == [0, 1, 2, 3, 4, 5]


def test_answers_are_nonsense() -> None:
    spoilt = answers(nan_at=[1], wrong_shape_at=[2])
    assert np.isnan(spoilt[1].people[0].points_px).all()
    assert spoilt[2].people[0].points_px.shape == (17, 2)
    for entry in (spoilt[0], spoilt[3]):
        assert np.isfinite(entry.people[0].points_px).all()
        assert entry.people[0].points_px.shape == (33, 2)
    assert np.isfinite(spoilt[1].people[1].points_px).all()
