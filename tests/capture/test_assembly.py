"""Gathering a person's rows from windows gives back exactly those rows."""

from pathlib import Path

import numpy as np
import pytest

from choreoscope.capture.assembly import assemble
from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.people import PeopleInFrame
from choreoscope.formats.observations import read_observations, read_rows, write_observations
from people_cases import person


def windows() -> list[list[PeopleInFrame]]:
    """Four frames in two windows: one, two, none and two people."""
    people = [[1], [2, 3], [], [4, 5]]
    frames = [
        PeopleInFrame(
            frame=10 + index,
            people=tuple(person(seed, face=seed == 3, mask=seed != 4) for seed in seeds),
            state={},
        )
        for index, seeds in enumerate(people)
    ]
    return [frames[:2], frames[2:]]


def test_rows_keep_their_numbers_through_the_disk(tmp_path: Path) -> None:
    paths = [tmp_path / "0.npz", tmp_path / "1.npz"]
    for path, window in zip(paths, windows(), strict=True):
        write_observations(path, window)
    rows = read_rows(paths)
    chosen = {"P01": np.array([0, 2, 4]), "P02": np.array([1, 3])}
    people = assemble(chosen, (read_observations(path) for path in paths))
    for name, numbers in chosen.items():
        sequence = people[name].sequence
        assert sequence.person == name
        np.testing.assert_array_equal(sequence.frames, rows.frames[numbers])
        np.testing.assert_array_equal(sequence.points_px, rows.points_px[numbers])
        np.testing.assert_array_equal(sequence.boxes_xyxy, rows.boxes_xyxy[numbers])


def test_masks_and_faces_only_where_there_are_some() -> None:
    people = assemble({"P01": np.array([0, 2, 4]), "P02": np.array([3])}, windows())
    assert people["P01"].masks.frames.tolist() == [10, 11, 13]
    assert people["P01"].extras.face_frames.tolist() == [11]
    np.testing.assert_array_equal(people["P01"].extras.face_px[0], person(3, face=True).face_px)
    first = person(1).mask
    assert first is not None
    np.testing.assert_array_equal(people["P01"].masks.masks[0].counts, first.counts)
    assert people["P02"].masks.masks == ()
    assert len(people["P02"].extras.face_px) == 0
    assert people["P01"].extras.appearance.sum() == pytest.approx(1.0)


def test_nobody() -> None:
    assert assemble({}, windows()) == {}
    assert assemble({}, []) == {}


def test_rows_that_are_not_there_are_told() -> None:
    with pytest.raises(ShapeError, match="row 7 was asked for, the windows hold 5 rows"):
        assemble({"P01": np.array([0, 7])}, windows())
