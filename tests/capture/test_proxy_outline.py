"""Proxies reach the edge of their performers' own pixels, and no farther."""

import cv2
import numpy as np
import pytest

from choreoscope.capture.passes.interfaces import PersonHere
from choreoscope.capture.passes.proxy_options import ProxyOptions
from choreoscope.capture.passes.proxy_outline import FARTHEST, carry_on
from choreoscope.capture.passes.proxy_scene import FLOOR
from choreoscope.datatypes.errors import InputError
from choreoscope.geometry.masks import encode
from choreoscope.rendering.soft import Rendered

SIZE = (90, 120)
PEOPLE = ("P01", "P02")
BODY = np.zeros(SIZE, dtype=bool)
BODY[20:80, 40:56] = True
OTHER = np.zeros(SIZE, dtype=bool)
OTHER[20:80, 66:80] = True


def scene() -> Rendered:
    """A floor behind two bodies, each with numbers of its own."""
    instance = np.full(SIZE, FLOOR, dtype=np.int32)
    instance[BODY], instance[OTHER] = FLOOR + 1, FLOOR + 2
    depth = np.full(SIZE, 9.0, dtype=np.float32)
    depth[BODY], depth[OTHER] = 4.0, 5.0
    normals = np.zeros((*SIZE, 3), dtype=np.float32)
    normals[..., 1] = -1
    normals[BODY], normals[OTHER] = (1, 0, 0), (-1, 0, 0)
    return Rendered(
        colour=np.zeros((*SIZE, 3), dtype=np.uint8),
        depth=depth,
        normals=normals,
        instance=instance,
        part=np.where(BODY, 3, -1).astype(np.int32),
    )


def here(mask: np.ndarray) -> PersonHere:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.array([columns[0], rows[0], columns[-1] + 1.0, rows[-1] + 1.0])
    return PersonHere(box_xyxy=box, mask=encode(mask))


def wider(mask: np.ndarray, by: int) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((1, 2 * by + 1), dtype=np.uint8)) > 0


def test_hair_and_clothes_lie_where_the_body_does() -> None:
    seen, dressed = scene(), wider(BODY, 5)
    carry_on(seen, PEOPLE, {"P01": here(dressed)})
    assert (seen.depth[dressed] == 4).all()
    assert (seen.normals[dressed] == [1, 0, 0]).all()
    assert (seen.part[dressed] == 3).all()
    assert (seen.instance[dressed] == FLOOR + 1).all()
    # A soft matte reaches a little beyond its mask; the floor farther out stays.
    assert (seen.depth[~wider(dressed, 3) & ~OTHER & (np.arange(90) > 85)[:, None]] == 9).all()
    assert (seen.depth[:, :25] == 9).all()


def test_normals_that_turn_away_along_the_outline_leave_no_streaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def drawn_out() -> np.ndarray:
        seen = scene()
        # At its outline, the body's normals differ from row to row as its pixels cut it.
        seen.normals[20:80:2, 40:56] = (0, 0, 1)
        own = seen.normals[BODY].copy()
        carry_on(seen, PEOPLE, {"P01": here(wider(BODY, 5))})
        assert (seen.normals[BODY] == own).all()
        rows = seen.normals[25:75, 36]
        assert np.allclose(np.linalg.norm(rows, axis=-1), 1, atol=1e-5)
        return np.abs(np.diff(rows, axis=0)).max(axis=-1)

    assert drawn_out().max() < 0.5
    # Control: each pixel drawn out for itself.
    monkeypatch.setattr("choreoscope.capture.passes.proxy_outline._smooth", lambda *_: None)
    assert drawn_out().min() == 1


def test_without_a_mask_bodies_end_where_they_end() -> None:
    seen = scene()
    carry_on(seen, PEOPLE, {})
    carry_on(seen, PEOPLE, {"P01": PersonHere(box_xyxy=np.array([30.0, 10, 70, 85]), mask=None)})
    np.testing.assert_array_equal(seen.depth, scene().depth)


def test_another_performers_body_is_left_alone() -> None:
    seen = scene()
    carry_on(seen, PEOPLE, {"P01": here(BODY | OTHER), "P02": here(OTHER)})
    assert (seen.depth[OTHER] == 5).all()
    assert (seen.instance[OTHER] == FLOOR + 2).all()


def test_a_mask_that_lies_far_off_is_not_filled() -> None:
    """Control: the solve is wrong there, and a body smeared over the picture would hide it."""
    seen, mask = scene(), BODY.copy()
    mask[2:10, 5:100] = True
    carry_on(seen, PEOPLE, {"P01": here(mask)})
    assert (seen.depth[2:10, 5:20] == 9).all()
    assert FARTHEST * 95 < 20


@pytest.mark.parametrize("edge", [np.s_[:, :30], np.s_[:, 95:], np.s_[70:, :], np.s_[:12, :]])
def test_bodies_at_the_frames_edge(edge: tuple[slice, slice]) -> None:
    body = np.zeros(SIZE, dtype=bool)
    body[edge] = True
    seen = scene()
    seen.instance[:] = np.where(body, FLOOR + 1, FLOOR)
    seen.depth[:] = np.where(body, 4, 9)
    dressed = wider(body, 2)
    carry_on(seen, PEOPLE, {"P01": here(dressed)})
    assert (seen.depth[dressed] == 4).all()
    assert (seen.depth[body] == 4).all()


def test_an_unknown_outline_is_refused() -> None:
    with pytest.raises(InputError, match="outline is mask, body"):
        ProxyOptions(outline="hair")  # type: ignore[arg-type]
