"""A person's body as a mesh: bound to the person's own skeleton, bending as the model does."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.errors import ShapeError
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.body_npz import BodyFile, write_body
from choreoscope.formats.glb import check_glb, write_glb
from choreoscope.formats.motion_npz import write_motion
from choreoscope.geometry import kinematics, rotation
from choreoscope.geometry.tubes import vertex_normals
from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.motion.bodies.points import place_points, points_of_vertices, pose_body
from choreoscope.motion.body_figure import body_figure, figure_of_person, model_of, skinned
from choreoscope.motion.proportions import default_proportions
from choreoscope.motion.skeletons import house_skeleton
from choreoscope.motion.stages import glb


def body_of(kind: str = "adult", stature: float = 1.7, scale: float = 1.0) -> BodyFile:
    model = house_body(kind, "low")
    shape = shape_of_stature(model, stature / scale)
    return BodyFile(
        person="P01",
        model=model.name,
        shape=shape,
        scale=scale,
        stature=model.stature(shape, scale),
        tier=model.tier,
    )


def skeleton_of(body: BodyFile) -> Skeleton:
    return house_body(body.model.removeprefix("house-"), "low").skeleton(body.shape, body.scale)


def wild(skeleton: Skeleton, frames: int = 5) -> Motion:
    rng = np.random.default_rng(3)
    joints = len(skeleton.joints)
    return Motion(
        skeleton=skeleton,
        rate=Fraction(25),
        first_frame=0,
        times=np.arange(frames) / 25,
        root_position=rng.normal(0, 1, (frames, 3)),
        rotations=rotation.from_rotation_vector(rng.normal(0, 0.5, (frames, joints, 3))),
        confidence=np.ones((frames, joints)),
    )


@pytest.mark.parametrize(("kind", "stature"), [("adult", 1.6), ("adult", 1.9), ("child", 1.2)])
@pytest.mark.parametrize("scale", [1.0, 1.04])
def test_it_is_the_person_of_that_stature(kind: str, stature: float, scale: float) -> None:
    body = body_of(kind, stature, scale)
    skeleton = skeleton_of(body)
    mesh, real = figure_of_person(skeleton, body, "low")
    assert real
    assert np.ptp(mesh.vertices[:, 1]) == pytest.approx(stature, abs=0.01)
    places, _ = kinematics.rest_joints(skeleton)
    assert (places.min(axis=0) > mesh.vertices.min(axis=0)).all()
    assert (places.max(axis=0) < mesh.vertices.max(axis=0)).all()


def test_it_bends_as_the_model_says(rng: np.random.Generator) -> None:
    """Against the solver's own forward pass, which knows nothing of meshes."""
    body = body_of(scale=1.0)
    model, motion = house_body("adult", "low"), wild(skeleton_of(body))
    mesh, _ = figure_of_person(motion.skeleton, body, "low")
    found = skinned(mesh, motion, np.arange(5))
    pose = pose_body(model, body.shape, motion.root_position, motion.rotations)
    four = np.sort(model.skin_weights, axis=1)[:, ::-1][:, 4:].sum(axis=1) < 1e-6
    chosen = rng.choice(np.flatnonzero(four), 60)
    truth = place_points(points_of_vertices(model, chosen), body.shape, pose)
    np.testing.assert_allclose(found[:, chosen], truth, atol=5e-4)
    every = np.arange(0, len(model.template), 7)
    all_truth = place_points(points_of_vertices(model, every), body.shape, pose)
    apart = np.linalg.norm(found[:, every] - all_truth, axis=-1)
    assert np.quantile(apart, 0.99) < 0.01, "four joints are enough"
    lazy = dataclasses.replace(motion, rotations=rotation.identity(5, len(motion.skeleton.joints)))
    assert np.abs(skinned(mesh, lazy, np.arange(5))[:, chosen] - truth).max() > 0.1


def test_rest_pose_is_the_mesh_itself() -> None:
    body = body_of()
    skeleton = skeleton_of(body)
    mesh, _ = figure_of_person(skeleton, body, "low")
    still = dataclasses.replace(
        wild(skeleton, 1),
        root_position=skeleton.rest_local[None, 0, :3, 3],
        rotations=rotation.identity(1, len(skeleton.joints)),
    )
    np.testing.assert_allclose(skinned(mesh, still, np.array([0]))[0], mesh.vertices, atol=1e-12)
    assert skinned(mesh, still, np.zeros(0, dtype=int)).shape == (0, len(mesh.vertices), 3)


def test_the_full_body_has_texture_coordinates_and_one_surface() -> None:
    model = house_body("adult", "full")
    mesh = body_figure(model, np.zeros(3))
    assert mesh.uv is not None
    assert len(model.template) < len(mesh.vertices) < 1.15 * len(model.template)
    assert ((mesh.uv >= 0) & (mesh.uv <= 1)).all()
    own = mesh.vertices[mesh.faces]
    np.testing.assert_array_equal(own, model.rest_vertices(np.zeros(3))[model.faces])
    assert model.uv_faces is not None
    np.testing.assert_array_equal(mesh.uv[mesh.faces], model.uv[model.uv_faces])
    assert (mesh.weights > 0).sum(axis=1).max() == 4
    whole = vertex_normals(model.rest_vertices(np.zeros(3)), model.faces)
    seams = len(mesh.vertices) - len(model.template)
    assert seams > 100
    # On both sides of a seam the normals are those of the closed surface.
    nearest = {tuple(place): normal for place, normal in zip(model.template, whole, strict=True)}
    for place, normal in zip(mesh.vertices[::97], mesh.normals[::97], strict=True):
        np.testing.assert_allclose(normal, nearest[tuple(place)])


@pytest.mark.parametrize("detail", ["low", "full"])
def test_normals_point_outward(detail: str) -> None:
    mesh = body_figure(house_body("adult", "low" if detail == "low" else "full"), np.zeros(0))
    corners = mesh.vertices[mesh.faces]
    volume = np.einsum("fa,fa->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert 0.04 < volume < 0.12
    middle = mesh.vertices.mean(axis=0)
    chest = np.abs(mesh.vertices[:, 1] - 1.3) < 0.05
    outward = np.sum((mesh.vertices - middle)[chest] * mesh.normals[chest] * [1, 0, 1], axis=1)
    assert (outward > 0).mean() > 0.85


def test_without_a_body_that_fits_there_is_a_mannequin() -> None:
    body = body_of()
    skeleton = skeleton_of(body)
    plain, _ = figure_of_person(skeleton, None, "low")
    for other in (
        dataclasses.replace(body, model="smpl-neutral"),
        dataclasses.replace(body, model="house-giant"),
        dataclasses.replace(body, scale=1.05),
        dataclasses.replace(body, shape=np.zeros(99)),
    ):
        mesh, real = figure_of_person(skeleton, other, "low")
        assert not real
        np.testing.assert_array_equal(mesh.vertices, plain.vertices)
    assert not figure_of_person(house_skeleton(default_proportions(1.7)), body, "low")[1]
    assert model_of(None, "low") is None


def test_a_mesh_of_another_skeleton_is_refused() -> None:
    body = body_of()
    mesh, _ = figure_of_person(skeleton_of(body), body, "low")
    joints = mesh.joints.copy()
    joints[0, 0] = 99
    with pytest.raises(ShapeError, match="joints"):
        skinned(dataclasses.replace(mesh, joints=joints), wild(skeleton_of(body)), np.array([0]))


def test_as_glb_it_plays_the_motion(tmp_path: Path) -> None:
    body = body_of("child", 1.25)
    motion = wild(skeleton_of(body), 4)
    mesh, _ = figure_of_person(motion.skeleton, body, "full")
    path = tmp_path / "P01.glb"
    write_glb(path, motion, mesh, name="P01")
    assert check_glb(path, motion) < 1e-4
    assert path.stat().st_size < 1_200_000


class OneJob:
    """As much of a job as the stage asks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []

    def inputs(self, kind: str) -> dict[str, Path]:
        return {path.stem: path for path in sorted((self.folder / kind).glob("*.npz"))}

    def output(self, kind: str, *, person: str) -> Path:
        return self.folder / f"{person}.{kind}"

    def progress(self, done: int, total: int, unit: str) -> None:
        assert (0 < done <= total, unit) == (True, "person")

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_the_stage_takes_the_body_of_those_who_have_one(tmp_path: Path) -> None:
    job = OneJob(tmp_path)
    for kind in ("motion", "body"):
        (tmp_path / kind).mkdir()
    for person in ("P01", "P02", "P03"):
        motion = wild(skeleton_of(body_of()))
        write_motion(tmp_path / "motion" / f"{person}.npz", motion, person=person)
    write_body(tmp_path / "body" / "P01.npz", body_of())
    write_body(tmp_path / "body" / "P03.npz", dataclasses.replace(body_of(), model="smpl-male"))
    glb.run(job)  # type: ignore[arg-type]
    assert job.notes == ["P03: the GLB shows a mannequin, its body is a smpl-male"]
    texture = {
        person: b"TEXCOORD_0" in (tmp_path / f"{person}.glb").read_bytes()
        for person in ("P01", "P02", "P03")
    }
    assert texture == {"P01": True, "P02": False, "P03": False}
    assert "body" in glb.STAGE.optional
