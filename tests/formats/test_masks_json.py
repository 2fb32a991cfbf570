"""Masks on disk, re-read by the COCO tools."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.people import MaskTrack
from choreoscope.formats.masks_json import compressed, read_masks, runs, write_masks
from choreoscope.geometry import masks

pictures = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


@given(st.lists(st.integers(0, 10_000_000), max_size=30))
def test_the_text_form_loses_nothing(counts: list[int]) -> None:
    assert runs(compressed(np.array(counts, dtype=np.int64))).tolist() == counts


@given(pictures)
def test_the_coco_tools_read_the_same_picture(dense: np.ndarray) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    text = compressed(masks.encode(dense).counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        again = coco.decode({"size": list(dense.shape), "counts": text.encode("ascii")})
    assert np.array_equal(again.astype(bool), dense)


def test_a_file_comes_back(tmp_path: Path, rng: np.random.Generator) -> None:
    frames = np.array([3, 4, 9])
    pictures = [rng.random((20, 30)) > 0.5 for _ in frames]
    track = MaskTrack(frames=frames, masks=tuple(masks.encode(picture) for picture in pictures))
    write_masks(tmp_path / "masks.json", "P01", track, (20, 30))
    again = read_masks(tmp_path / "masks.json")
    assert again.frames.tolist() == [3, 4, 9]
    for mask, picture in zip(again.masks, pictures, strict=True):
        assert np.array_equal(masks.decode(mask), picture)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    track = MaskTrack(frames=np.array([0]), masks=(masks.encode(np.eye(5, dtype=bool)),))
    write_masks(path, "P01", track, (5, 5))
    path.write_text(path.read_text()[:-12])
    with pytest.raises(InputError, match="does not hold masks"):
        read_masks(path)
