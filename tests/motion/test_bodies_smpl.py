import dataclasses
import pickle  # noqa: TID251 -- these tests write the files that the restricted reader is for
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import solve_cases
from smpl_files import Content, content_of, dense_of, write

from choreoscope.datatypes.errors import InputError
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.house import house_body
from choreoscope.motion.bodies.mass import mass_regressor
from choreoscope.motion.bodies.points import (
    place_points,
    points_of_joints,
    points_of_regressor,
    points_of_vertices,
    pose_body,
)
from choreoscope.motion.bodies.smpl import Kind, house_name, joint_names, read_body_model
from choreoscope.motion.bodies.surface import find_points
from choreoscope.motion.solve.setup import ground_points
from choreoscope.motion.solve.shot import solve_shot

COUNTS: dict[Kind, int] = {"smpl": 24, "smplh": 52, "smplx": 55, "mano": 16}


FILES: tuple[tuple[Kind, str, str], ...] = (
    ("smpl", "basicModel_f_lbs_10_207_0_v1.0.0.pkl", "smpl-female"),
    ("smplh", "SMPLH_MALE.pkl", "smplh-male"),
    ("smplh", "female/model.npz", "smplh-female"),
    ("smplx", "SMPLX_NEUTRAL.npz", "smplx-neutral"),
    ("smplx", "SMPLX_MALE.pkl", "smplx-male"),
    ("mano", "MANO_RIGHT.pkl", "mano-right"),
)


@pytest.mark.parametrize(("kind", "file", "name"), FILES)
def test_arrays_of_every_layout(kind: Kind, file: str, name: str, tmp_path: Path) -> None:
    content = content_of(kind)
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    model = read_body_model(write(path, content), kind)
    assert (model.name, model.tier, len(model.joints)) == (name, "research", COUNTS[kind])
    down = 0.0 if kind == "mano" else content["v_template"][:, 1].min()
    assert np.allclose(model.template, content["v_template"] - [0, down, 0], atol=1e-12)
    assert kind == "mano" or abs(model.template[:, 1].min()) < 1e-12
    places = content["J_regressor"].toarray() @ content["v_template"]
    assert np.allclose(model.joint_template, places - [0, down, 0], atol=1e-12)
    assert np.array_equal(model.shape_directions, content["shapedirs"][..., :10])
    assert np.array_equal(model.pose_directions, content["posedirs"])
    assert np.array_equal(model.faces, content["f"])
    assert np.array_equal(model.parents[1:], content["kintree_table"][0, 1:])
    assert model.parents[0] == -1
    shape = np.arange(10) / 10
    shaped = content["v_template"] + content["shapedirs"][..., :10] @ shape
    joints = content["J_regressor"].toarray() @ shaped
    assert np.allclose(model.rest_joints(shape), joints - [0, down, 0], atol=1e-12)


@pytest.mark.parametrize("kind", ["smpl", "smplh", "smplx"])
def test_sides_and_names(kind: Kind, tmp_path: Path) -> None:
    path = write(tmp_path / "neutral.pkl", content_of(kind))
    model = read_body_model(path)
    for joint, other in enumerate(model.mirror):
        assert model.mirror[other] == joint
        left, right = model.joint_template[joint], model.joint_template[other]
        assert np.allclose(left * [-1, 1, 1], right, atol=0.02), model.joints[joint]
        assert ("left" in model.joints[joint]) == (left[0] > 0.01), model.joints[joint]
    house = read_body_model(path, naming="house")
    shared = [name for name in house_body().joints if name in house.joints]
    assert len(shared) == {"smpl": 24, "smplh": 52, "smplx": 52}[kind]
    parents = {n: house.joints[p] for n, p in zip(house.joints[1:], house.parents[1:], strict=True)}
    ours = house_body()
    for name in shared[1:]:
        assert parents[name] == ours.joints[ours.parents[ours.joints.index(name)]], name


def test_a_left_hand_is_told_from_a_right_one(tmp_path: Path) -> None:
    content = content_of("mano")
    right = read_body_model(write(tmp_path / "a.pkl", content))
    content["v_template"] = content["v_template"] * [-1, 1, 1]
    left = read_body_model(write(tmp_path / "b.pkl", content))
    assert (right.name, left.name) == ("mano-right", "mano-left")
    assert left.joints[:2] == ("left_wrist", "left_index1")
    assert right.points["tips"].names[0].startswith("right_")
    assert len(right.points["tips"].names) == 5


def skinned_by_hand(content: Content, shape: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Loper et al. 2015, equations 2 to 10, by 4x4 matrices and dense weights."""
    rest = content["v_template"] + content["shapedirs"][..., : len(shape)] @ shape
    joints = content["J_regressor"] @ rest
    turns = rotation.to_matrix(rotation.from_rotation_vector(vectors))
    rest = rest + content["posedirs"] @ (turns[1:] - np.eye(3)).ravel()
    world = np.zeros((len(joints), 4, 4))
    for joint, parent in enumerate(content["kintree_table"][0].astype(np.int64)):
        local = np.eye(4)
        local[:3, :3] = turns[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if joint else 0)
        world[joint] = world[parent] @ local if joint else local
    world[:, :3, 3] -= np.einsum("jab,jb->ja", world[:, :3, :3], joints)
    blended = np.einsum("vj,jab->vab", content["weights"], world)
    return np.einsum("vab,vb->va", blended[:, :3, :3], rest) + blended[:, :3, 3]


@pytest.mark.parametrize("kind", COUNTS)
def test_forward_pass_against_the_published_formula(
    kind: Kind, tmp_path: Path, rng: np.random.Generator
) -> None:
    content = content_of(kind)
    model = read_body_model(write(tmp_path / "male.pkl", content))
    shape = rng.normal(size=10)
    vectors = 0.5 * rng.normal(size=(len(model.joints), 3))
    turns = rotation.from_rotation_vector(vectors)
    assert model.pose_directions is not None
    bends = (rotation.to_matrix(turns)[1:] - np.eye(3)).ravel()
    bent = dataclasses.replace(model, template=model.template + model.pose_directions @ bends)
    pose = pose_body(model, shape, model.rest_joints(shape)[:1], turns[None])
    points = points_of_vertices(bent, np.arange(len(model.template)))
    got = place_points(points, shape, pose)[0]
    expected = skinned_by_hand(content, shape, vectors)
    shift = np.array([0, content["v_template"][:, 1].min() if kind != "mano" else 0, 0])
    assert np.abs(got - (expected - shift)).max() < 5e-4
    assert np.abs(got - (expected - shift)).mean() < 2e-5
    # The order of pose directions matters: columns first would be seen.
    wrong = (rotation.to_matrix(turns)[1:] - np.eye(3)).transpose(0, 2, 1).ravel()
    assert np.abs(content["posedirs"] @ (wrong - bends)).max() > 2e-3


def test_few_influences_change_little(tmp_path: Path) -> None:
    content = content_of("smplx")
    rng = np.random.default_rng(3)
    many = content["weights"] + rng.dirichlet(np.full(55, 0.05), len(content["weights"])) * 0.02
    content["weights"] = many / many.sum(axis=1, keepdims=True)
    model = read_body_model(write(tmp_path / "male.pkl", content))
    dense = np.zeros_like(many)
    np.put_along_axis(dense, model.skin_joints, model.skin_weights, axis=1)
    assert model.skin_joints.shape[1] == 8
    assert np.allclose(dense.sum(axis=1), 1, atol=1e-12)
    assert 0 < np.abs(dense - content["weights"]).sum(axis=1).max() < 0.02


def test_how_many_shapes(tmp_path: Path) -> None:
    path = write(tmp_path / "smpl_female.pkl", content_of("smpl"))
    assert read_body_model(path, shapes=30).shape_count == 30
    assert read_body_model(path, shapes=3).shape_count == 3
    small = write(tmp_path / "smplx_male.npz", content_of("smplx"))
    with pytest.raises(InputError, match="expected 1 to 10 shape values, asked for 11"):
        read_body_model(small, shapes=11)
    with pytest.raises(InputError, match="asked for 0"):
        read_body_model(path, shapes=0)


def test_texture_where_there_is_one(tmp_path: Path) -> None:
    content = content_of("smplx")
    assert read_body_model(write(tmp_path / "m_male.npz", content)).uv_faces is None
    content |= {"vt": np.random.default_rng(1).random((50, 2)), "ft": content["f"] % 50}
    model = read_body_model(write(tmp_path / "male.npz", content))
    assert np.array_equal(model.uv, content["vt"])
    assert np.array_equal(np.asarray(model.uv_faces), content["ft"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"weights": None}, "lacks weights"),
        ({"v_template": np.zeros((5, 2))}, r"'v_template' is float64 of shape \(5, 2\)"),
        ({"posedirs": "short"}, "'posedirs'.*expected finite numbers of shape"),
        ({"shapedirs": np.zeros((3, 3, 10))}, "'shapedirs'"),
        ({"J_regressor": np.zeros((24, 7))}, "'J_regressor'"),
        ({"J_regressor": "zeros"}, "do not sum to 1"),
        ({"weights": "zeros"}, "shares that sum to 1"),
        ({"f": np.full((4, 3), 99_999)}, "names corners outside"),
        ({"f": np.zeros((4, 3))}, "'f' is float64"),
        ({"v_template": "nan"}, "finite"),
        ({"kintree_table": np.zeros((2, 24), np.int64)}, "joint tree of smpl"),
        ({"kintree_table": np.zeros((2, 23), np.int64)}, "23 joints, expected 24, 52, 55 or 16"),
        ({"kintree_table": "text"}, "'kintree_table'"),
        ({"v_template": "z up"}, "Y up"),
    ],
)
def test_what_is_wrong_is_told(change: Content, told: str, tmp_path: Path) -> None:
    content = dense_of(content_of("smpl"))
    (name, value), *_ = change.items()
    odd = {
        "short": content["posedirs"][..., 1:],
        "zeros": np.zeros_like(content.get(name, 0)),
        "nan": np.where(np.arange(3) > 1, np.nan, content["v_template"]),
        "z up": content["v_template"][:, [0, 2, 1]],
    }
    content[name] = odd.get(value, value) if isinstance(value, str) else value
    if value is None:
        del content[name]
    with pytest.raises(InputError, match=told) as error:
        read_body_model(write(tmp_path / "male.pkl", content))
    assert "\n" not in str(error.value)


def test_which_file_it_is(tmp_path: Path) -> None:
    content = content_of("smpl")
    path = write(tmp_path / "model.pkl", content)
    for wrong in (None, "tall"):
        with pytest.raises(InputError, match="cannot tell its gender"):
            read_body_model(path, gender=wrong)
    assert read_body_model(path, gender="female").name == "smpl-female"
    with pytest.raises(InputError, match="cannot tell its gender"):
        read_body_model(write(tmp_path / "male_or_female.pkl", content))
    with pytest.raises(InputError, match="it is a smpl model, expected smplx"):
        read_body_model(path, "smplx", gender="male")
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(InputError, match="not a body model: a list"):
        read_body_model(tmp_path / "list.pkl")
    with pytest.raises(InputError, match=r"absent\.pkl: cannot be opened"):
        read_body_model(tmp_path / "absent.pkl")
    for file in ("cut.pkl", "cut.npz"):
        whole = write(tmp_path / file, content).read_bytes()
        (tmp_path / file).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="not a whole"):
            read_body_model(tmp_path / file)


def enclosed_centre(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Centre of the volume of a closed mesh, by the divergence theorem."""
    corners = vertices[faces]
    parts = np.linalg.det(corners)
    return np.asarray((parts[:, None] * corners.sum(axis=1)).sum(axis=0) / 4 / parts.sum())


@pytest.mark.parametrize("kind", ["adult", "child"])
def test_centre_of_mass_is_that_of_the_volume(kind: str, rng: np.random.Generator) -> None:
    model = house_body(kind, "low")
    regressor = mass_regressor(model)
    assert regressor is not None
    assert regressor.weights.min() > 0
    still = np.zeros(1)
    turns = rotation.from_rotation_vector(0.3 * rng.normal(size=(6, len(model.joints), 3)))
    turns[0] = rotation.identity(len(model.joints))
    pose = pose_body(model, still, np.zeros((6, 3)), turns)
    placed = place_points(points_of_regressor(model, regressor), still, pose)[:, 0]
    skin = place_points(points_of_vertices(model, np.arange(len(model.template))), still, pose)
    true = np.array([enclosed_centre(vertices, model.faces) for vertices in skin])
    gaps = np.linalg.norm(placed - true, axis=1)
    assert gaps[0] < 1e-3
    assert gaps.max() < 0.02
    assert np.linalg.norm(skin.mean(axis=1) - true, axis=1).max() > 0.05
    assert (
        mass_regressor(dataclasses.replace(model, faces=model.faces[: len(model.faces) // 2]))
        is None
    )


def test_points_found_are_where_those_of_our_body_are() -> None:
    model = house_body("adult", "full")
    found = find_points(model)
    for name in ("tips", "soles", "contacts"):
        ours = model.points[name]
        places = dict(zip(ours.names, ours(model.template), strict=True))
        assert set(found[name].names) == set(places)
        for point, place in zip(found[name].names, found[name](model.template), strict=True):
            assert np.linalg.norm(place - places[point]) < 0.045, point


@pytest.mark.parametrize("kind", ["smpl", "smplh", "smplx"])
@pytest.mark.parametrize("naming", ["family", "house"])
def test_the_shot_solve_can_stand_it_on_a_floor(kind: Kind, naming: Any, tmp_path: Path) -> None:
    model = read_body_model(write(tmp_path / "male.pkl", content_of(kind)), naming=naming)
    ours = house_body()
    ground = ground_points(model)
    assert set(ground.names) == {*ours.points["soles"].names, *ours.points["contacts"].names}
    soles = model.points["soles"](model.template)
    assert soles[:, 1].max() < 0.03
    sides = np.array([1 if name.startswith("left") else -1 for name in ground.names])
    at = place_points(
        ground,
        np.zeros(10),
        pose_body(
            model,
            np.zeros(10),
            model.joint_template[:1],
            rotation.identity(1, len(model.joints)),
        ),
    )[0]
    assert (at[:, 0] * sides > 0).all()
    assert model.points["mass"](model.template)[0, 1] == pytest.approx(1.05, abs=0.05)
    skeleton = model.skeleton(np.zeros(10))
    assert np.isfinite(skeleton.tips[skeleton.index(model.points["tips"].names[0])]).all()
    assert set(model.points["tips"].names) <= set(model.joints)


def test_a_body_without_feet_says_so(tmp_path: Path) -> None:
    content = content_of("smpl")
    toes = [joint_names("smpl").index(f"{side}_foot") for side in ("left", "right")]
    weights = content["weights"].copy()
    weights[:, 0] += weights[:, toes].sum(axis=1)
    weights[:, toes] = 0
    content["weights"] = weights
    model = read_body_model(write(tmp_path / "male.pkl", content))
    assert set(model.points) == {"tips"}
    with pytest.raises(InputError, match="no point set 'soles'"):
        ground_points(model)


@pytest.mark.parametrize("naming", ["family", "house"])
def test_a_shot_is_solved_with_it(naming: Any, tmp_path: Path) -> None:
    shot = solve_cases.dance("static")
    evidence = solve_cases.seen(shot)
    person = evidence.people[0]
    model = read_body_model(write(tmp_path / "male.pkl", content_of("smplx")), naming=naming)
    own = {house_name(name) if naming == "family" else name: name for name in model.joints}
    told = dataclasses.replace(
        person,
        model=model,
        points=points_of_joints(model, tuple(own[name] for name in person.points.names)),
        height=model.stature(shot.people[0].shape),
        start=None,
    )
    solution = solve_shot(dataclasses.replace(evidence, people=(told,)), solve_cases.QUICK)
    found = solve_cases.joints_of(solution)
    motion = solution.people["P01"].motion
    joints = [motion.skeleton.joints.index(own[name]) for name in person.points.names]
    truth = shot.people[0].joints()[0]
    places = [shot.people[0].model.joints.index(name) for name in person.points.names]
    gaps = (
        solve_cases.from_first_camera(found, solution.camera)[:, joints]
        - solve_cases.from_first_camera(truth, shot.camera)[:, places]
    )
    # Nearly all of it is depth: one per cent of the distance.
    assert np.linalg.norm(gaps, axis=-1).mean() < 0.08
    # Its joints are means of skin, off by up to 3 mm, and the distance makes more of that.
    assert np.linalg.norm(gaps - gaps.mean(axis=1, keepdims=True), axis=-1).mean() < 0.006
    assert motion.contacts is not None
    assert motion.contacts.any()


def test_joints_in_their_published_order() -> None:
    smplh, smplx = joint_names("smplh"), joint_names("smplx")
    order = ("index", "middle", "pinky", "ring", "thumb")
    assert joint_names("smpl")[:4] == ("pelvis", "left_hip", "right_hip", "spine1")
    assert joint_names("smpl")[-4:] == ("left_wrist", "right_wrist", "left_hand", "right_hand")
    assert smplh[22:52:3] == tuple(f"{side}_{f}1" for side in ("left", "right") for f in order)
    assert smplx[22:25] == ("jaw", "left_eye", "right_eye")
    assert smplx[25:] == smplh[22:]
    assert joint_names("mano", "left") == ("left_wrist", *smplh[22:37])
    assert house_name("left_ankle") == "left_foot"
    assert house_name("left_foot") == "left_toes"
    assert house_name("right_ring3") == "right_ring_3"
