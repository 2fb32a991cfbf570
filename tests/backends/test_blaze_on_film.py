"""The back end on real film: found, not found, kept through a somersault, left and right."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.backends.people.blazepose import SPEC
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.people import PeopleInFrame
from choreoscope.formats.video import probe
from choreoscope.formats.video_reader import FilmReader

pytestmark = [pytest.mark.weights, pytest.mark.slow]

MAN = {160: (783, 272), 170: (891, 206), 180: (978, 338), 190: (1069, 666)}
"""Hips, pixels, read off the film by eye."""
LEANS = {168: 98, 172: 178, 176: 240, 182: 340, 188: 349}
"""Degrees by which the body is turned, read off the film by eye."""


def followed(film: Path, frames: FrameRange, weights_folder: Path) -> list[PeopleInFrame]:
    paths = {ref.name: weights_folder / ref.name for ref in SPEC.weights}
    model = SPEC.load(paths, RunSettings(workers=2), {})
    with FilmReader(probe(film)) as reader:
        return list(model.follow(reader.frames(frames), None))


@pytest.fixture(scope="module")
def somersault(demo_clip: Path, weights_folder: Path) -> list[PeopleInFrame]:
    return followed(demo_clip, FrameRange(130, 200), weights_folder)


def test_the_man_is_where_he_is_and_keeps_his_number(somersault: list[PeopleInFrame]) -> None:
    numbers = set()
    for entry in somersault:
        if entry.frame in MAN:
            apart = {
                person.tracklet: np.linalg.norm(
                    person.points_px[23:25].mean(axis=0) - MAN[entry.frame]
                )
                for person in entry.people
            }
            nearest = min(apart, key=lambda number: apart[number])
            assert apart[nearest] < 90
            numbers.add(nearest)
    assert len(numbers) == 1


def test_he_is_followed_upside_down(somersault: list[PeopleInFrame]) -> None:
    seen = 0
    for entry in somersault:
        for person in entry.people:
            if entry.frame not in LEANS or person.points_px[23, 0] < 700:
                continue
            up = person.points_px[11:13].mean(axis=0) - person.points_px[23:25].mean(axis=0)
            lean = np.degrees(np.arctan2(up[0], -up[1]))
            assert abs((lean - LEANS[entry.frame] + 180) % 360 - 180) < 75
            seen += 1
    assert seen >= 4


def test_there_are_two_people_and_nobody_else(somersault: list[PeopleInFrame]) -> None:
    assert {person.tracklet for entry in somersault for person in entry.people} == {0, 1}


@pytest.mark.data
@pytest.mark.parametrize(
    ("clip", "stop", "people"),
    [("phalp_run/vid.mp4", 60, 1), ("pose2sim_single/cam01.mp4", 40, 2)],
)
def test_things_are_not_people(
    shared_data: Path, weights_folder: Path, clip: str, stop: int, people: int
) -> None:
    """A crate of toys, clothes on chairs; the second film has a bystander."""
    seen = followed(shared_data / "video" / clip, FrameRange(0, stop), weights_folder)
    assert {person.tracklet for entry in seen for person in entry.people} == set(range(people))
    assert sum(len(entry.people) for entry in seen) == people * stop


@pytest.mark.data
def test_close_by_hands_and_face_are_read(shared_data: Path, weights_folder: Path) -> None:
    film = shared_data / "video" / "tfjs_squats" / "pose_squats.mp4"
    assert probe(film).rate == Fraction(5)
    seen = followed(film, FrameRange(0, 20), weights_folder)
    people = [person for entry in seen for person in entry.people]
    assert len(people) == 20
    for person in people:
        assert person.face_px is not None
        nose = person.points_px[0]
        assert np.linalg.norm(person.face_px[1] - nose) < 25
        for side in range(2):
            if person.hands_score[side] > 0.5:
                wrist = person.points_px[15 + side]
                assert np.linalg.norm(person.hands_px[side, 0] - wrist) < 60
    assert np.mean([(person.hands_score > 0.5).sum() for person in people]) > 1.6
