"""Contacts, flights and floor of a whole body that dances, against what its maker says."""

import numpy as np
import pytest

from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.motion.bodies.points import joined, place_points, points_of_regressor, pose_body
from choreoscope.motion.touch.contacts import (
    TOUCHING,
    Contacts,
    contact_groups,
    detect_contacts,
    sole_weights,
)
from choreoscope.motion.touch.flight import GRAVITY, flights
from choreoscope.motion.touch.floor import FloorPrior, fit_floor, level_floor
from choreoscope.synthetic.dance import CONTACT_NAMES, Dance, DanceStyle, Path, make_dance
from choreoscope.synthetic.puppet import puppet_of_body

RATE, SECONDS = 30.0, 10.0
EDGE = 2
"""Rows to each side of a change of truth that are not counted."""


class Danced:
    def __init__(self, style: DanceStyle, noise: float, seed: int = 4) -> None:
        model = house_body("adult", "low")
        shape = shape_of_stature(model, 1.7)
        sets = [points_of_regressor(model, model.points[n]) for n in ("soles", "contacts", "mass")]
        skin = joined(*sets)
        self.times = np.arange(round(RATE * SECONDS)) / RATE
        path = Path(
            moments=np.array([0.0, 5.0, 10.0]),
            places=np.array([[0.0, 0.0], [2.0, 0.5], [0.5, -2.0]]),
            facing=np.array([0.0, 1.0, 3.0]),
        )
        rng = np.random.default_rng(seed)
        self.dance: Dance = make_dance(puppet_of_body(model, shape), self.times, rng, path, style)
        pose = pose_body(model, shape, self.dance.root, self.dance.rotations)
        points = place_points(skin, shape, pose)
        self.centre = points[:, -1, 1]
        self.points = points[:, :-1] + rng.normal(0, noise, points[:, :-1].shape)
        self.groups = contact_groups(skin.names[:-1])
        trust = np.ones(self.points.shape[:2])
        self.contacts: Contacts = detect_contacts(
            self.times, self.points, self.groups, trust, level_floor()
        )

    def errors(self, part: str) -> tuple[float, float]:
        """Share of rows wrongly in contact, and wrongly not, away from changes."""
        truth = self.dance.contacts[:, CONTACT_NAMES.index(part)]
        name = part.replace("palm", "hand")
        found = self.contacts.chance[:, self.contacts.names.index(name)] >= TOUCHING
        change = np.convolve(np.abs(np.diff(truth.astype(int), prepend=truth[0])), np.ones(5))
        sure = change[EDGE : EDGE + len(truth)] == 0
        return float((found & ~truth)[sure].mean()), float((truth & ~found)[sure].mean())


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_feet_of_a_dance_with_jumps(noise: float) -> None:
    danced = Danced(DanceStyle(energy=0.9), noise)
    for part in ("left_heel", "left_ball", "right_heel", "right_ball"):
        assert danced.dance.contacts[:, CONTACT_NAMES.index(part)].mean() > 0.3
        wrongly, missed = danced.errors(part)
        assert wrongly < 0.02, part
        assert missed < 0.01, part


def test_every_jump_is_a_flight_and_tells_the_scale() -> None:
    danced = Danced(DanceStyle(energy=0.9), 0.005)
    seen = np.ones(len(danced.times))
    found = flights(danced.times, danced.contacts, danced.centre, seen)
    truth = [span for span in danced.dance.flights if span[0] > 0 and span[1] < SECONDS - 0.1]
    assert len(found) == len(truth) > 1
    for flight, span in zip(found, truth, strict=True):
        np.testing.assert_allclose(flight.seconds, span, atol=0.1)
        assert flight.fall == pytest.approx(GRAVITY, rel=0.03)


def test_the_floor_under_a_dance() -> None:
    danced = Danced(DanceStyle(energy=0.9), 0.01)
    weights = sole_weights(danced.times, danced.contacts, danced.groups)
    prior = FloorPrior(up=np.array([0.05, 1.0, -0.08]))
    points = danced.points.reshape(-1, 3)
    fit = fit_floor(points, weights.reshape(-1), prior)
    assert fit.measured.all()
    assert np.degrees(np.arccos(fit.normal[1])) < 0.7
    assert abs(fit.heights(np.array([1.0, 0.0, -0.5]))) < 0.015
    lifted = danced.points[:, :10, 1].mean()
    assert lifted > 0.015, "feet are not on the floor all the time"


def test_a_hand_and_a_knee_on_the_floor() -> None:
    danced = Danced(DanceStyle(floor_work=("kneel", "hand"), jumps=False), 0.005)
    touched = 0
    for part in ("left_knee", "right_knee", "left_palm", "right_palm"):
        if danced.dance.contacts[:, CONTACT_NAMES.index(part)].any():
            wrongly, missed = danced.errors(part)
            assert wrongly < 0.06, part
            assert missed < 0.01, part
            touched += 1
    assert touched > 0
