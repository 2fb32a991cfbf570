"""Default mattes and whose they are: mended, bridged, edged; shares that add up."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.backends.matte.people_masks import PeopleMaskOptions, PeopleMasks
from choreoscope.capture.passes.guided_filter import guided
from choreoscope.capture.passes.interfaces import PassFrame, Performer, PersonHere, ShotContext
from choreoscope.capture.passes.mended_masks import bridged, mended
from choreoscope.capture.passes.ownership import divided
from choreoscope.datatypes.frames import FrameRange
from choreoscope.geometry.masks import encode
from choreoscope.motion.metrics.masks import boundary_measure, region_similarity

SIZE = (160, 120)
BACKDROP, SHIRT = (60, 90, 60), (190, 60, 50)


def ellipse(
    centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0
) -> np.ndarray:
    """Somebody, as a filled ellipse; (H, W) float coverage with a true soft edge."""
    fine = 4
    y, x = np.mgrid[: SIZE[1] * fine, : SIZE[0] * fine] / fine + 0.5 / fine
    dx, dy = x - centre[0], y - centre[1]
    across = dx * np.cos(turn) + dy * np.sin(turn)
    along = dy * np.cos(turn) - dx * np.sin(turn)
    inside = (across / radii[0]) ** 2 + (along / radii[1]) ** 2 <= 1
    return inside.reshape(SIZE[1], fine, SIZE[0], fine).mean(axis=(1, 3))


def picture(*bodies: np.ndarray) -> np.ndarray:
    out = np.broadcast_to(np.array(BACKDROP, float), (SIZE[1], SIZE[0], 3)).copy()
    for number, body in enumerate(bodies):
        colour = np.roll(np.array(SHIRT, float), number)
        out = out * (1 - body[..., None]) + colour * body[..., None]
    return np.rint(out).astype(np.uint8)


def coarse(body: np.ndarray, step: int = 2) -> np.ndarray:
    """What a network of low resolution says of a body: blocks."""
    small = body[: SIZE[1] // step * step, : SIZE[0] // step * step]
    blocks = small.reshape(SIZE[1] // step, step, SIZE[0] // step, step).mean(axis=(1, 3))
    whole = np.zeros((SIZE[1], SIZE[0]), dtype=bool)
    grown = np.kron(blocks >= 0.5, np.ones((step, step), bool))
    whole[: grown.shape[0], : grown.shape[1]] = grown
    return whole


def box_of(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1.0, rows[-1] + 1.0])


def performer(name: str, masks: Mapping[int, np.ndarray]) -> Performer:
    return Performer(
        person=name,
        boxes_xyxy={frame: box_of(mask) for frame, mask in masks.items()},
        masks={frame: encode(mask) for frame, mask in masks.items()},
    )


def mattes(
    pictures: Mapping[int, np.ndarray],
    *people: Performer,
    options: PeopleMaskOptions | None = None,
) -> list[dict[str, np.ndarray]]:
    model = PeopleMasks(options or PeopleMaskOptions())
    shot = ShotContext(
        size=SIZE,
        rate=Fraction(25),
        frames=FrameRange(min(pictures), max(pictures) + 1),
        performers={one.person: one for one in people},
    )
    model.start(shot)
    frames = [PassFrame(frame=frame, picture=one) for frame, one in pictures.items()]
    return [dict(answer) for answer in model.infer(frames, None)[0]]


BODIES = {
    "standing": ellipse((80, 60), (16, 48)),
    "cropped": ellipse((80, 100), (18, 50)),
    "lying": ellipse((80, 90), (55, 14)),
    "upside down": ellipse((80, 60), (14, 46), turn=np.pi),
    "aslant": ellipse((60, 60), (12, 44), turn=0.8),
    "at the corner": ellipse((2, 4), (30, 40)),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_edge_comes_nearer_to_the_truth(body: np.ndarray) -> None:
    mask = coarse(body)
    (answer,) = mattes({0: picture(body)}, performer("P01", {0: mask}))
    alpha, truth = answer["alpha"], body >= 0.5
    assert region_similarity(alpha >= 0.5, truth) > region_similarity(mask, truth)
    assert boundary_measure(alpha >= 0.5, truth) >= boundary_measure(mask, truth)
    assert np.abs(alpha - body).sum() < 0.8 * np.abs(mask - body).sum()


def test_a_very_small_performer_keeps_a_matte() -> None:
    body = ellipse((80, 60), (3, 8))
    (answer,) = mattes({0: picture(body)}, performer("P01", {0: body >= 0.5}))
    assert region_similarity(answer["alpha"] >= 0.5, body >= 0.5) > 0.85


def test_touching_performers_share_and_do_not_leak() -> None:
    left, right = ellipse((64, 60), (16, 45)), ellipse((96, 60), (16, 45))
    (answer,) = mattes(
        {0: picture(left, right)},
        performer("P01", {0: coarse(left)}),
        performer("P02", {0: coarse(right)}),
    )
    first, second = answer["alpha.P01"], answer["alpha.P02"]
    assert (first + second).max() <= 1 + 1e-6
    np.testing.assert_allclose(first + second, answer["alpha"], atol=1e-6)
    assert region_similarity(first >= 0.5, left >= 0.5) > 0.93
    assert first[(right >= 0.99) & (left == 0)][30:].mean() < 0.02
    swapped = region_similarity(second >= 0.5, left >= 0.5)
    assert swapped < 0.1, "swapped names must be seen"


def test_the_check_sees_a_shift_of_five_pixels() -> None:
    body = BODIES["standing"]
    (answer,) = mattes({0: picture(body)}, performer("P01", {0: coarse(body)}))
    alpha = answer["alpha"] >= 0.5
    assert boundary_measure(alpha, body >= 0.5) > 0.95
    assert boundary_measure(np.roll(alpha, 5, axis=1), body >= 0.5) < 0.6


def test_nobody_gives_an_empty_matte() -> None:
    (answer,) = mattes({0: picture()})
    assert list(answer) == ["alpha"]
    assert not answer["alpha"].any()


def test_who_leaves_and_returns_is_away_meanwhile_but_a_blink_is_bridged() -> None:
    bodies = {frame: ellipse((40 + 6 * frame, 60), (14, 40)) for frame in range(12)}
    there = [0, 1, 3, 4, 10, 11]
    pictures = {frame: picture(body) for frame, body in bodies.items()}
    person = performer("P01", {frame: bodies[frame] >= 0.5 for frame in there})
    answers = mattes(pictures, person)
    assert region_similarity(answers[2]["alpha"] >= 0.5, bodies[2] >= 0.5) > 0.9
    assert not any(answers[frame]["alpha"].any() for frame in (5, 6, 7, 8, 9))
    never = mattes(pictures, person, options=PeopleMaskOptions(bridge=0))
    assert not never[2]["alpha"].any()


def test_what_was_bridged_is_told() -> None:
    body = BODIES["standing"]
    model = PeopleMasks(PeopleMaskOptions())
    person = performer("P01", {0: body >= 0.5, 2: body >= 0.5})
    shot = ShotContext(
        size=SIZE, rate=Fraction(25), frames=FrameRange(0, 3), performers={"P01": person}
    )
    model.start(shot)
    model.infer([PassFrame(frame=frame, picture=picture(body)) for frame in range(3)], None)
    (note,) = model.notes
    assert "P01" in note
    assert "first 1" in note
    assert bridged(person, 3, 3) is None, "an open end is no gap"


def test_islands_go_holes_close_and_the_gap_below_an_arm_stays() -> None:
    mask = BODIES["standing"] >= 0.5
    hurt = mask.copy()
    hurt[5:9, 5:9] = True
    hurt[60:62, 80:82] = False
    np.testing.assert_array_equal(mended(hurt), mask)
    ring = mask.copy()
    ring[50:70, 75:85] = False
    np.testing.assert_array_equal(mended(ring), ring)


def test_options_switch_each_step_off() -> None:
    body = BODIES["standing"]
    mask = coarse(body)
    mask[60:62, 80:82] = False
    plain = PeopleMaskOptions(bridge=0, mend=False, edge=False)
    (answer,) = mattes({0: picture(body)}, performer("P01", {0: mask}), options=plain)
    np.testing.assert_array_equal(answer["alpha"], mask)


def test_an_even_picture_leaves_a_matte_where_it_is() -> None:
    matte = (BODIES["standing"] >= 0.5).astype(np.float32)
    even = np.full((SIZE[1], SIZE[0], 3), 120, dtype=np.uint8)
    assert region_similarity(guided(even, matte, 3, 1e-4) >= 0.5, matte >= 0.5) > 0.98


def here(mask: np.ndarray) -> PersonHere:
    return PersonHere(box_xyxy=box_of(mask), mask=encode(mask))


@given(
    st.lists(
        st.tuples(st.integers(20, 140), st.integers(20, 100), st.integers(4, 30)),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 2**31),
)
def test_shares_add_up_and_order_does_not_matter(
    places: list[tuple[int, int, int]], seed: int
) -> None:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    masks = [(x - cx) ** 2 + (y - cy) ** 2 <= r**2 for cx, cy, r in places]
    people = {f"P{number:02d}": here(mask) for number, mask in enumerate(masks)}
    alpha = np.random.default_rng(seed).uniform(0, 1, (SIZE[1], SIZE[0])).astype(np.float32)
    own = divided(alpha, people)
    total = sum(own.values())
    assert (total <= alpha + 1e-5).all()
    inside = np.logical_or.reduce(masks)
    np.testing.assert_allclose(total[inside], alpha[inside], atol=1e-5)
    again = divided(alpha, dict(reversed(people.items())))
    for name, share in own.items():
        np.testing.assert_allclose(share, again[name], atol=1e-6)
    for mask, share in zip(masks, own.values(), strict=True):
        radius = np.sqrt(mask.sum() / np.pi)
        box = box_of(mask)
        away = np.hypot(x + 0.5 - box[[0, 2]].mean(), y + 0.5 - box[[1, 3]].mean())
        assert not share[away > radius * 1.25 + 8].any(), "nobody owns what is far away"


def test_without_a_mask_the_box_claims() -> None:
    alpha = np.ones((SIZE[1], SIZE[0]), dtype=np.float32)
    own = divided(alpha, {"P01": PersonHere(box_xyxy=np.array([20.0, 20, 60, 90]), mask=None)})
    assert own["P01"][50, 40] == 1
    assert own["P01"][50, 120] == 0
    assert divided(alpha, {}) == {}
