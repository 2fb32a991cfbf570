"""The mannequin: a body's size and shape on any skeleton, bending smoothly at the joints."""

import dataclasses

import numpy as np
import pytest
import trimesh

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.mesh import SkinnedMesh
from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import kinematics
from choreoscope.motion.figure import simple_figure
from choreoscope.motion.proportions import default_proportions
from choreoscope.motion.skeletons import house_skeleton
from motions import small_skeleton


def house(stature: float = 1.7) -> Skeleton:
    return house_skeleton(default_proportions(stature))


@pytest.mark.parametrize("stature", [1.1, 1.7, 2.0])
def test_it_is_as_tall_as_the_person_and_stands_on_the_floor(stature: float) -> None:
    mesh = simple_figure(house(stature))
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert low[1] == pytest.approx(0.0, abs=0.006)
    assert high[1] == pytest.approx(stature, abs=0.01)
    assert 2000 <= len(mesh.vertices) <= 5500


def test_it_has_the_bulk_of_a_body_and_not_of_sticks() -> None:
    mesh = simple_figure(house())
    body = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    litres = sum(part.volume for part in body.split(only_watertight=True)) * 1000
    # Parts overlap, so the sum is somewhat more than the 60 to 70 litres of a person.
    assert 50 < litres < 90
    at_chest = np.abs(mesh.vertices[:, 1] - 1.2) < 0.03
    torso = mesh.vertices[at_chest & (np.abs(mesh.vertices[:, 0]) < 0.2)]
    assert np.ptp(torso[:, 0]) > 1.2 * np.ptp(torso[:, 2]) > 0.15


def test_left_and_right_are_alike() -> None:
    mesh = simple_figure(house())
    mirrored = mesh.vertices * [-1, 1, 1]
    nearest = trimesh.proximity.ProximityQuery(
        trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    ).vertex(mirrored)[0]
    assert nearest.max() < 0.01


def test_the_face_looks_forward() -> None:
    mesh = simple_figure(house())
    skeleton = house()
    head = mesh.vertices[(mesh.joints[:, 0] == skeleton.index("head")) & (mesh.weights[:, 0] > 0.9)]
    nose = np.abs(head[:, 0]) < 0.02
    assert head[nose, 2].max() > head[~nose, 2].max() + 0.01
    # Control: nothing like it at the back.
    assert head[nose, 2].min() > head[~nose, 2].min() - 0.01


@pytest.mark.parametrize("name", ["house", "small", "turned"])
def test_every_part_is_closed_and_turned_outward(name: str) -> None:
    skeleton = house() if name == "house" else small_skeleton(turned_rest=name == "turned")
    mesh = simple_figure(skeleton)
    body = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert body.is_watertight
    assert body.is_winding_consistent
    assert all(part.volume > 0 for part in body.split())
    corners = mesh.vertices[mesh.faces]
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.all(np.sum(outward * mesh.normals[mesh.faces].sum(axis=1), axis=1) > -1e-9)


def test_rest_axes_do_not_change_the_figure() -> None:
    plain, turned = simple_figure(small_skeleton()), simple_figure(small_skeleton(turned_rest=True))
    assert np.allclose(plain.vertices, turned.vertices, atol=1e-9)
    assert np.array_equal(plain.joints, turned.joints)


def test_every_bone_moves_something_and_elbows_are_shared() -> None:
    skeleton = house()
    mesh = simple_figure(skeleton)
    moved = {int(joint) for joint in mesh.joints[mesh.weights > 0.5]}
    assert moved == set(range(len(skeleton.joints)))
    heads, _ = kinematics.rest_joints(skeleton)
    for lower, upper in (("left_forearm", "left_upper_arm"), ("right_shin", "right_thigh")):
        near = np.linalg.norm(mesh.vertices - heads[skeleton.index(lower)], axis=1) < 0.06
        share = np.where(mesh.joints == skeleton.index(lower), mesh.weights, 0).sum(axis=1)[near]
        other = np.where(mesh.joints == skeleton.index(upper), mesh.weights, 0).sum(axis=1)[near]
        assert np.allclose(share + other, 1)
        assert share.min() < 0.2
        assert share.max() > 0.8
        assert len(np.unique(share[(share > 0.02) & (share < 0.98)].round(6))) >= 3


def test_unknown_names_and_coinciding_joints_still_give_a_figure() -> None:
    skeleton = small_skeleton()
    places = skeleton.rest_local.copy()
    places[skeleton.index("spine"), :3, 3] = 0.0
    odd = dataclasses.replace(skeleton, joints=tuple(f"n{n}" for n in range(17)), rest_local=places)
    for each in (odd, dataclasses.replace(skeleton, rest_local=places)):
        mesh = simple_figure(each)
        assert np.ptp(mesh.vertices[:, 1]) > 1.5
        assert trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).is_watertight


def test_a_skeleton_without_bones_has_no_figure() -> None:
    point = Skeleton(
        name="point",
        joints=("only",),
        parents=np.array([-1]),
        rest_local=np.eye(4)[None],
        tips=np.full((1, 3), np.nan),
        mirror=np.array([0]),
    )
    with pytest.raises(InputError, match="point: no bone has a length"):
        simple_figure(point)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("weights", np.full((3, 4), 0.3), "sum to 1"),
        ("faces", np.array([[0, 1, 3]]), "do not exist"),
        ("joints", np.full((3, 4), -1), "not be negative"),
        ("normals", np.full((3, 3), np.nan), "not finite"),
        ("vertices", np.zeros((2, 3)), "expected shape"),
    ],
)
def test_a_skinned_mesh_checks_itself(field: str, value: np.ndarray, words: str) -> None:
    good = SkinnedMesh(
        vertices=np.zeros((3, 3)),
        normals=np.tile([0.0, 1.0, 0.0], (3, 1)),
        faces=np.array([[0, 1, 2]]),
        joints=np.zeros((3, 4), dtype=int),
        weights=np.tile([1.0, 0, 0, 0], (3, 1)),
    )
    with pytest.raises(ShapeError, match=words):
        dataclasses.replace(good, **{field: value})
