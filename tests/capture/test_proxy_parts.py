"""Surfaces cut into parts: nothing of their shape changes, and borders are smooth."""

import numpy as np
import pytest

from choreoscope.capture.passes.proxy_parts import (
    BODY_PARTS,
    PartedSurface,
    cut_into_parts,
    part_of_joints,
    parts_of_house,
)
from choreoscope.motion.bodies.house import house_body
from motions import small_skeleton


def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


@pytest.fixture(scope="module")
def cut() -> PartedSurface:
    return parts_of_house("adult", "low")


def test_the_surface_stays_as_it_is(cut: PartedSurface) -> None:
    model = house_body("adult", "low")
    vertices = cut.vertices(model.template)
    before, after = areas(model.template, model.faces), areas(vertices, cut.faces)
    assert np.count_nonzero(after == 0) == np.count_nonzero(before == 0)
    assert after.sum() == pytest.approx(before.sum(), rel=1e-9)
    edges = np.sort(cut.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    uncut = np.sort(model.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    once = [
        np.count_nonzero(np.unique(e, axis=0, return_counts=True)[1] == 1) for e in (edges, uncut)
    ]
    assert once[0] == once[1], "no edge was torn open"


def test_every_part_is_there_and_sides_are_alike(cut: PartedSurface) -> None:
    model = house_body("adult", "low")
    vertices = cut.vertices(model.template)
    size = areas(vertices, cut.faces)
    middles = vertices[cut.faces].mean(axis=1)
    whole = {name: size[cut.parts == number].sum() for number, name in enumerate(BODY_PARTS)}
    assert min(whole.values()) > 0.005
    for number, name in enumerate(BODY_PARTS):
        if name.startswith("left_"):
            assert whole[name] == pytest.approx(whole["right_" + name[5:]], rel=0.02)
            assert np.all(middles[cut.parts == number, 0] > -0.02), "left is +X at rest"


def test_borders_lie_where_both_parts_hold_the_surface_equally() -> None:
    # The left end is one part's alone, three quarters of the right end are the other's.
    faces = np.array([[0, 1, 2], [2, 1, 3]])
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    joints = np.tile([0, 1], (4, 1))
    weights = np.array([[1.0, 0.0], [0.25, 0.75], [1.0, 0.0], [0.25, 0.75]])
    found = cut_into_parts(faces, joints, weights, np.array([0, 1]))
    places = found.vertices(vertices)
    border = places[len(vertices) :, 0]
    np.testing.assert_allclose(border, 2 / 3)
    size = areas(places, found.faces)
    assert size[found.parts == 0].sum() == pytest.approx(2 / 3)


def test_three_parts_meet_in_one_triangle() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    found = cut_into_parts(
        np.array([[0, 1, 2]]), np.array([[0], [1], [2]]), np.ones((3, 1)), np.array([0, 1, 2])
    )
    size = areas(found.vertices(vertices), found.faces)
    np.testing.assert_allclose([size[found.parts == part].sum() for part in range(3)], 1 / 6)


def test_names_of_joints() -> None:
    skeleton = small_skeleton()
    named = [BODY_PARTS[i] for i in part_of_joints(skeleton.joints, skeleton.parents)]
    assert dict(zip(skeleton.joints, named, strict=True))["chest"] == "torso_upper"
    assert dict(zip(skeleton.joints, named, strict=True))["right_hand"] == "right_hand"
    model = house_body("adult", "low")
    of = dict(zip(model.joints, part_of_joints(model.joints, model.parents), strict=True))
    assert BODY_PARTS[of["left_thumb_2"]] == "left_hand"
    assert BODY_PARTS[of["right_toes"]] == "right_foot"
    assert BODY_PARTS[of["left_clavicle"]] == "torso_upper"


def test_unknown_joints_belong_to_their_parents() -> None:
    found = part_of_joints(["thing", "left_hand", "ribbon"], np.array([-1, 0, 1]))
    assert [BODY_PARTS[i] for i in found] == ["torso_lower", "left_hand", "left_hand"]
