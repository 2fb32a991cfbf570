"""The people of `made_people` on the house body, so that a lift can give them back exactly."""

import dataclasses

import numpy as np
from made_people import LENS, Person, Standing, watched

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry.projection import project
from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import place_points, points_of_regressor, pose_body
from choreoscope.motion.proportions import Proportions

_CHILD_BELOW = 1.45


def body_of(sizes: Proportions) -> tuple[BodyModel, np.ndarray]:
    """The house body of somebody that tall."""
    model = house_body("child" if sizes.stature < _CHILD_BELOW else "adult", "low")
    return model, shape_of_stature(model, sizes.stature)


def housed(person: Person) -> Person:
    """The same pose on the house body."""
    model, shape = body_of(person.sizes)
    return dataclasses.replace(person, skeleton=model.skeleton(shape))


def points_of(person: Person, name: str = "blazepose33") -> np.ndarray:
    """A point set of the house body, ``(T, P, 3)``, camera axes."""
    model, shape = body_of(person.sizes)
    pose = pose_body(model, shape, person.root, person.rotations)
    return place_points(points_of_regressor(model, model.points[name]), shape, pose)


def filmed(
    person: Person, *, lens: Lens = LENS, name: str = "a", first_frame: int = 0, hands: bool = False
) -> PersonSequence:
    """What a perfect detector reports of somebody with the house body."""
    points = points_of(person)
    return dataclasses.replace(
        watched(person, lens=lens, name=name, first_frame=first_frame, hands=hands),
        points_px=project(points, lens),
        points_m=points - points[:, 23:25].mean(axis=1, keepdims=True),
    )


def grounded(person: Standing) -> Standing:
    """Somebody who stands in a level world, lowered onto the soles of the house body."""
    skeleton, sizes, root, pose = person
    model, shape = body_of(sizes)
    placed = pose_body(model, shape, root, pose)
    soles = place_points(points_of_regressor(model, model.points["soles"]), shape, placed)
    low = np.array([0.0, float(soles[..., 1].min()), 0.0])
    return skeleton, sizes, root - low, pose
