"""body.npz: the few numbers of a body come back, and what is none is refused in words."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.artifacts import kind_of
from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.formats.body_npz import SCHEMA, BodyFile, check_body, read_body, write_body
from choreoscope.formats.npz import write_arrays

PAGE = Path(__file__).resolve().parents[2] / "docs" / "body_npz.md"


@pytest.fixture
def body() -> BodyFile:
    return BodyFile(
        person="Zoë",
        model="house-adult",
        shape=np.array([0.5, -1.25, 1e-9]),
        scale=1.02,
        stature=1.7,
        tier="commercial",
    )


def test_everything_comes_back_exactly(tmp_path: Path, body: BodyFile) -> None:
    path, again = tmp_path / "body.npz", tmp_path / "again.npz"
    write_body(path, body)
    write_body(again, body)
    found = check_body(path)
    for field in dataclasses.fields(BodyFile):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(body, field.name))
    assert path.read_bytes() == again.read_bytes()
    write_body(again, dataclasses.replace(body, scale=1.021))
    assert path.read_bytes() != again.read_bytes()


def test_a_mean_body_has_no_shape_values(tmp_path: Path, body: BodyFile) -> None:
    write_body(tmp_path / "mean.npz", dataclasses.replace(body, shape=np.zeros(0)))
    assert read_body(tmp_path / "mean.npz").shape.shape == (0,)


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 0.0},
        {"stature": float("nan")},
        {"shape": np.array([np.nan])},
        {"shape": np.zeros((2, 2))},
        {"tier": "free"},
    ],
)
def test_no_nonsense_is_ever_written(body: BodyFile, change: dict[str, object]) -> None:
    with pytest.raises(ShapeError):
        dataclasses.replace(body, **change)


def test_what_is_no_body_is_refused(tmp_path: Path, body: BodyFile) -> None:
    path = tmp_path / "body.npz"
    with pytest.raises(InputError, match="cannot be read"):
        read_body(path)
    path.write_bytes(b"PK something else")
    with pytest.raises(OutputError, match=SCHEMA):
        check_body(path)
    write_arrays(path, SCHEMA, 2, {})
    with pytest.raises(InputError, match="got version 2"):
        read_body(path)
    write_arrays(path, SCHEMA, 1, {"person": np.array("a")})
    with pytest.raises(InputError, match=r"body\.npz"):
        read_body(path)
    write_body(path, body)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(OutputError):
        check_body(path)


def test_it_has_its_place_and_its_page(tmp_path: Path, body: BodyFile) -> None:
    assert kind_of("body").path == "people/{person}/body.npz"
    path = tmp_path / "body.npz"
    write_body(path, body)
    with np.load(path) as stored:
        for key in stored.files:
            assert f"| `{key}` |" in PAGE.read_text(encoding="utf-8"), key
