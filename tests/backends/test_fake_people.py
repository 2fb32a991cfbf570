"""The analytic people: what they show is what they say they are."""

import numpy as np
import pytest

from choreoscope.backends.people.fake import SPEC, FakePeople
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.people import PeopleInFrame

WIDTH, HEIGHT = 640, 480
BONES = [(11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26), (26, 28), (11, 12)]


def made(**options: object) -> FakePeople:
    return SPEC.load({}, RunSettings(), options)


def shown(fake: FakePeople, frames: range) -> list[PeopleInFrame]:
    picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    return list(fake.follow(((frame, picture) for frame in frames), None))


def test_pixels_are_the_projection_of_the_truth() -> None:
    fake = made(people=2)
    for entry in shown(fake, range(60)):
        for person, truth in zip(entry.people, fake.truth(entry.frame, WIDTH, HEIGHT), strict=True):
            rays = truth.points_m @ truth.intrinsics.T
            assert np.allclose(person.points_px, rays[:, :2] / rays[:, 2:])
            hips = truth.points_m[23:25].mean(axis=0)
            assert np.allclose(person.points_m + hips, truth.points_m)
            assert truth.intrinsics[0, 0] == 1.2 * WIDTH


def test_bones_keep_their_lengths_and_feet_touch_the_floor() -> None:
    fake = made(people=1)
    bodies = np.array([fake.truth(frame, WIDTH, HEIGHT)[0].points_m for frame in range(120)])
    for first, second in BONES:
        lengths = np.linalg.norm(bodies[:, first] - bodies[:, second], axis=1)
        assert np.ptp(lengths) < 1e-9
    floor = fake.truth(0, WIDTH, HEIGHT)[0].floor_y
    assert np.allclose(bodies[..., 1].max(axis=1), floor)


def test_left_is_left() -> None:
    """Somebody who faces the camera has the left hand on the picture's right."""
    (truth,) = made(people=1).truth(0, WIDTH, HEIGHT)
    assert truth.points_px[11, 0] > truth.points_px[12, 0]
    assert truth.points_m[0, 2] < truth.points_m[7:9, 2].mean()
    assert np.linalg.norm(truth.hands_m[0, 0] - truth.points_m[15]) < 1e-9
    assert np.linalg.norm(truth.hands_m[1, 0] - truth.points_m[16]) < 1e-9


def test_people_come_go_and_change_numbers() -> None:
    fake = made(people=2, enter_frame=5, away_from=10, away_to=15, breaks=[20])
    numbers = [[p.tracklet for p in entry.people] for entry in shown(fake, range(25))]
    assert numbers[4] == [0]
    assert numbers[5] == [0, 1]
    assert numbers[12] == [1]
    assert len(numbers[15]) == len(numbers[20]) == 2
    assert numbers[15][0] != 0
    assert numbers[15][1] == 1
    assert not set(numbers[20]) & {number for row in numbers[:20] for number in row}


def test_the_mask_is_the_body() -> None:
    fake = made(people=1)
    (entry,) = shown(fake, range(1))
    (person,) = entry.people
    flat = np.repeat(np.arange(len(person.mask.counts)) % 2, person.mask.counts)
    dense = flat.reshape(WIDTH, HEIGHT).T.astype(bool)
    columns, rows = person.points_px[11:].astype(int).T
    assert dense[rows, columns].mean() > 0.9
    assert 0.01 < dense.mean() < 0.2


def test_nobody_is_possible() -> None:
    assert [entry.people for entry in shown(made(people=0), range(3))] == [(), (), ()]


def test_frames_must_come_after_those_of_the_state() -> None:
    fake = made()
    picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    state = next(fake.follow([(7, picture)], None)).state
    assert next(fake.follow([(8, picture)], state)).frame == 8
    assert next(fake.follow([(9, picture)], state)).frame == 9, "frame 8 may not decode"
    with pytest.raises(InputError, match="expected a frame after 7, got 7"):
        next(fake.follow([(7, picture)], state))


@pytest.mark.parametrize(
    ("options", "line"),
    [({"dancers": 2}, "knows no option 'dancers'"), ({"people": -1}, "people >= 0")],
)
def test_wrong_options_are_refused(options: dict[str, int], line: str) -> None:
    with pytest.raises(InputError, match=line):
        made(**options)
