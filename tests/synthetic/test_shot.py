"""Shots as a whole: who is there, how tall, where; the suite; what is refused."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from choreoscope.datatypes.errors import InputError
from choreoscope.synthetic.cameras import KINDS
from choreoscope.synthetic.shot import ShotSpec, make_shot
from choreoscope.synthetic.suite import suite
from choreoscope.synthetic.visibility import hidden, in_camera, in_pixels, inside


def test_people_have_heights_as_asked_and_bodies_of_their_own() -> None:
    shot = make_shot(ShotSpec(seed=3, people=4, children=1, seconds=1, heights=(1.6, 1.9)))
    adults, child = shot.people[:3], shot.people[3]
    assert all(1.6 <= person.stature <= 1.9 for person in adults)
    assert 1.0 < child.stature < 1.45
    assert child.model.name != adults[0].model.name
    assert len({round(person.stature, 3) for person in shot.people}) == 4
    for person in shot.people:
        assert person.model.stature(person.shape) == pytest.approx(person.stature)


def test_times_and_motions_have_one_row_per_frame() -> None:
    shot = make_shot(ShotSpec(seconds=1.5, rate=Fraction(24000, 1001)))
    assert len(shot.times.seconds) == 36
    assert shot.times.seconds[1] == pytest.approx(1001 / 24000)
    assert shot.people[0].motion.frame_count == len(shot.camera.intrinsics) == 36
    assert shot.people[0].contacts.shape == (36, len(shot.people[0].contact_names))


def test_vertices_come_in_chunks_and_in_either_detail() -> None:
    person = make_shot(ShotSpec(seconds=0.5)).people[0]
    whole = person.vertices()
    chunks = [skin for _, skin in person.vertex_chunks(frames=4)]
    np.testing.assert_allclose(np.concatenate(chunks), whole)
    # The skin's own keypoints are those that are placed without it.
    np.testing.assert_allclose(
        person.model.points["blazepose33"](whole), person.point_set("blazepose33"), atol=2e-3
    )


def test_partners_are_close_and_their_hands_meet() -> None:
    shot = make_shot(ShotSpec(seed=5, people=2, partner=True, seconds=5))
    one, two = (person.motion.root_position[:, [0, 2]] for person in shot.people)
    apart = np.linalg.norm(one - two, axis=-1)
    assert apart.min() > 0.4
    assert apart.max() < 1.3
    hands = [
        person.joints()[0][:, person.model.joints.index(name)]
        for person, name in zip(shot.people, ("left_hand", "right_hand"), strict=True)
    ]
    assert np.linalg.norm(hands[0] - hands[1], axis=-1).min() < 0.25
    alone = make_shot(ShotSpec(seed=5, people=2, seconds=5))
    one, two = (person.motion.root_position[:, [0, 2]] for person in alone.people)
    assert np.linalg.norm(one - two, axis=-1).min() > 0.8


def test_partners_hide_each_other() -> None:
    shot = make_shot(ShotSpec(seed=5, people=2, partner=True, seconds=2))
    points = [in_camera(person.point_set("coco17"), shot.camera) for person in shot.people]
    covered = [hidden(own, n, shot.people, shot.camera).mean() for n, own in enumerate(points)]
    assert 0.02 < max(covered) < 0.9
    alone = hidden(points[0], 0, shot.people[:1], shot.camera).mean()
    assert alone < max(covered)


@pytest.mark.parametrize("which", ["entering", "leaving"])
def test_people_come_in_and_go_out(which: str) -> None:
    plain = ShotSpec(seed=2, people=2, seconds=8)
    shot = make_shot(dataclasses.replace(plain, **{which: True}))
    seen = in_camera(shot.people[1].point_set("coco17"), shot.camera)
    there = inside(in_pixels(seen, shot.camera), shot.camera).mean(axis=1) > 0.5
    first, last = there[:10].all(), there[-10:].all()
    assert (first, last) == ((False, True) if which == "entering" else (True, False))


def test_the_suite_covers_what_it_has_to() -> None:
    shots = suite()
    assert len(shots) == 20
    assert len({shot.name for shot in shots}) == len({shot.seed for shot in shots}) == 20
    assert {shot.camera for shot in shots} == set(KINDS)
    assert {shot.people for shot in shots} == {1, 2, 3, 4}
    assert {work for shot in shots for work in shot.floor_work} == {"kneel", "hand", "sit"}
    for wanted in ("partner", "entering", "leaving", "crossing", "children", "jumps"):
        assert any(getattr(shot, wanted) for shot in shots), wanted
    assert min(shot.seconds for shot in shots) < 2
    assert len({shot.rate for shot in shots}) > 2
    assert suite() == shots


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"people": 5}, "1 to 4 people"),
        ({"people": 0}, "1 to 4 people"),
        ({"seconds": 0.0}, "hold none"),
        ({"floor_work": ("roll",)}, "kneel, hand, sit"),
        ({"partner": True}, "at least 2"),
        ({"children": 2}, "2 children among 1"),
        ({"size": (8, 8)}, "shows nothing"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], text: str) -> None:
    with pytest.raises(InputError, match=text):
        ShotSpec(**wrong)
