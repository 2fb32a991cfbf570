"""Weights a user brings: nothing is opened before its hash is right, and every refusal helps."""

from pathlib import Path

import pytest

from choreoscope.datatypes.errors import WeightsError
from choreoscope.pipeline.weights.brought import brought, digest_of

WORDS = {"model": "depth.some", "source": "some/model from the hub"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "model"
    place.mkdir()
    (place / "config.json").write_text("{}")
    (place / "model.safetensors").write_bytes(b"weights")
    return place


def test_a_pinned_file_and_a_pinned_folder_are_handed_on(folder: Path) -> None:
    for place in (folder, folder / "model.safetensors"):
        assert brought(str(place), digest_of(place), **WORDS) == place


def test_without_a_hash_the_hash_is_told_and_nothing_else(folder: Path) -> None:
    with pytest.raises(WeightsError, match=digest_of(folder)):
        brought(str(folder), "", **WORDS)


def test_no_place_and_an_empty_place_say_where_to_get_them(tmp_path: Path) -> None:
    for path in ("", str(tmp_path / "absent")):
        with pytest.raises(WeightsError, match="some/model from the hub"):
            brought(path, "0" * 64, **WORDS)


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_any_change_of_what_is_read_is_refused(folder: Path, change: str) -> None:
    pinned = digest_of(folder)
    if change == "content":
        (folder / "model.safetensors").write_bytes(b"Weights")
    elif change == "name":
        (folder / "config.json").rename(folder / "other.json")
    else:
        (folder / "second.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError, match="fetch it again"):
        brought(str(folder), pinned, **WORDS)


def test_files_that_are_never_read_change_nothing(folder: Path) -> None:
    pinned = digest_of(folder)
    (folder / "pytorch_model.bin").write_bytes(b"pickled")
    (folder / "modeling.py").write_text("print('code')")
    assert brought(str(folder), pinned, **WORDS) == folder


def test_a_folder_without_safe_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(WeightsError, match="safetensors"):
        digest_of(tmp_path)
