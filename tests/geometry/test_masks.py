"""Run-length masks against dense pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from choreoscope.datatypes.errors import ShapeError
from choreoscope.geometry import masks

pictures = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))


@given(pictures)
def test_decode_undoes_encode(dense: np.ndarray) -> None:
    assert np.array_equal(masks.decode(masks.encode(dense)), dense)


@given(pictures)
def test_runs_are_minimal_and_alternate(dense: np.ndarray) -> None:
    counts = masks.encode(dense).counts
    assert counts.sum() == dense.size
    assert (counts[1:] > 0).all()


@given(pictures, st.integers(-5, 12), st.integers(-5, 12), st.integers(1, 12), st.integers(1, 12))
def test_a_patch_equals_the_dense_picture(
    patch: np.ndarray, x0: int, y0: int, width: int, height: int
) -> None:
    big = np.zeros((height + 45, width + 45), dtype=bool)
    big[15 + y0 : 15 + y0 + patch.shape[0], 15 + x0 : 15 + x0 + patch.shape[1]] = patch
    dense = big[15 : 15 + height, 15 : 15 + width]
    encoded = masks.encode_patch(patch, x0, y0, width, height)
    assert np.array_equal(encoded.counts, masks.encode(dense).counts)
    assert np.array_equal(masks.decode(encoded), dense)


@given(pictures)
def test_area_and_box(dense: np.ndarray) -> None:
    mask = masks.encode(dense)
    assert masks.area(mask) == dense.sum()
    box = masks.box_xyxy(mask)
    if not dense.any():
        assert np.isnan(box).all()
        return
    rows, columns = np.nonzero(dense)
    expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert box.tolist() == expected


@given(pictures)
def test_the_part_inside_the_box(dense: np.ndarray) -> None:
    patch, (left, top) = masks.decode_inside(masks.encode(dense))
    again = np.zeros_like(dense)
    again[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    assert np.array_equal(again, dense)
    assert not patch.size or (patch.any(axis=0)[[0, -1]].all() and patch.any(axis=1)[[0, -1]].all())


@given(st.data())
def test_overlap_is_that_of_the_pictures(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))
    first, second = (data.draw(hnp.arrays(bool, shape)) for _ in range(2))
    union = (first | second).sum()
    expected = (first & second).sum() / union if union else 0.0
    got = masks.intersection_over_union(masks.encode(first), masks.encode(second))
    assert got == pytest.approx(expected)


def test_unlike_sizes_cannot_be_compared() -> None:
    with pytest.raises(ShapeError, match="cannot be compared"):
        masks.intersection_over_union(
            masks.encode(np.ones((2, 3), bool)), masks.encode(np.ones((3, 2), bool))
        )


def test_row_order_would_be_noticed() -> None:
    dense = np.zeros((3, 4), dtype=bool)
    dense[0] = True
    assert masks.encode(dense).counts.tolist() == [0, 1, 2, 1, 2, 1, 2, 1, 2]
    assert masks.encode(dense).counts.tolist() != masks.encode(dense.T).counts.tolist()
