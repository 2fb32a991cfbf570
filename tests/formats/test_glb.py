"""GLB: structure by the glTF 2.0 rules, joints by an evaluator of its own, and by trimesh."""

import dataclasses
import json
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.datatypes.mesh import SkinnedMesh
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.glb import check_glb, read_glb_motion, write_glb
from choreoscope.geometry import kinematics, rotation
from choreoscope.motion.figure import simple_figure
from choreoscope.motion.proportions import default_proportions
from choreoscope.motion.skeletons import house_skeleton
from motions import small_skeleton, uneven_times, wild_motion

COMPONENTS = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Evaluator:
    """Second reader: the container by its specification, the pose by 4 x 4 matrices."""

    def __init__(self, path: Path) -> None:
        raw = path.read_bytes()
        magic, version, length = struct.unpack("<4sII", raw[:12])
        json_length, json_kind = struct.unpack("<I4s", raw[12:20])
        binary_length, binary_kind = struct.unpack("<I4s", raw[20 + json_length : 28 + json_length])
        assert (magic, version, length) == (b"glTF", 2, len(raw))
        assert (json_kind, binary_kind) == (b"JSON", b"BIN\0")
        assert json_length % 4 == binary_length % 4 == 0
        assert 28 + json_length + binary_length == length
        self.tree: dict[str, Any] = json.loads(raw[20 : 20 + json_length])
        self.blob = raw[28 + json_length :]

    def array(self, number: int) -> np.ndarray:
        accessor = self.tree["accessors"][number]
        view = self.tree["bufferViews"][accessor["bufferView"]]
        width = WIDTHS[accessor["type"]]
        return np.frombuffer(
            self.blob,
            COMPONENTS[accessor["componentType"]],
            accessor["count"] * width,
            view["byteOffset"],
        ).reshape(-1, width)

    def channels(self) -> dict[tuple[int, str], tuple[np.ndarray, np.ndarray]]:
        animation = self.tree["animations"][0]
        out = {}
        for channel in animation["channels"]:
            sampler = animation["samplers"][channel["sampler"]]
            target = channel["target"]
            out[target["node"], target["path"]] = (
                self.array(sampler["input"])[:, 0],
                self.array(sampler["output"]).astype(np.float64),
            )
        return out

    def heads(self, row: int) -> dict[str, np.ndarray]:
        """World positions of all joints at one key."""
        channels = self.channels()
        out: dict[str, np.ndarray] = {}
        waiting = [(self.tree["scenes"][0]["nodes"][0], np.eye(4))]
        while waiting:
            number, parent = waiting.pop()
            node = self.tree["nodes"][number]
            x, y, z, w = channels.get((number, "rotation"), (0, [node["rotation"]] * (row + 1)))[1][
                row
            ]
            local = np.eye(4)
            local[:3, :3] = [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
            moved = channels.get((number, "translation"))
            local[:3, 3] = node["translation"] if moved is None else moved[1][row]
            world = parent @ local
            out[node["name"]] = world[:3, 3]
            waiting += [(child, world) for child in node.get("children", [])]
        return out


@pytest.fixture(scope="module", params=["house", "small", "turned"])
def motion(request: pytest.FixtureRequest) -> Motion:
    skeleton = (
        house_skeleton(default_proportions())
        if request.param == "house"
        else small_skeleton(turned_rest=request.param == "turned")
    )
    return wild_motion(skeleton, frames=12)


@pytest.fixture(scope="module")
def mesh(motion: Motion) -> SkinnedMesh:
    return simple_figure(motion.skeleton)


@pytest.fixture
def path(tmp_path: Path, motion: Motion, mesh: SkinnedMesh) -> Path:
    file = tmp_path / "a.glb"
    write_glb(file, motion, mesh, name="person-01")
    return file


def farthest(evaluator: Evaluator, motion: Motion) -> float:
    expected, _ = kinematics.of_motion(motion)
    worst = 0.0
    for row in range(motion.frame_count):
        heads = evaluator.heads(row)
        found = np.array([heads[name] for name in motion.skeleton.joints])
        worst = max(worst, float(np.linalg.norm(found - expected[row], axis=-1).max()))
    return worst


def test_two_readers_find_every_joint_within_a_tenth_of_a_millimetre(
    path: Path, motion: Motion
) -> None:
    assert farthest(Evaluator(path), motion) < 1e-5
    assert check_glb(path, motion) < 1e-5
    found = read_glb_motion(path)
    assert found.skeleton.joints == motion.skeleton.joints
    assert np.array_equal(found.skeleton.parents, motion.skeleton.parents)
    assert rotation.angle_between(found.rotations, motion.rotations).max() < 1e-6
    assert np.allclose(found.times, motion.times, atol=1e-6)
    assert (found.rate, found.first_frame) == (motion.rate, motion.first_frame)


def test_one_degree_at_one_joint_is_noticed(
    tmp_path: Path, motion: Motion, mesh: SkinnedMesh
) -> None:
    turned = motion.rotations.copy()
    elbow = motion.skeleton.index("left_forearm")
    nudge = rotation.from_rotation_vector(np.radians([0.5, 0.7, 0.5]))
    turned[7, elbow] = rotation.multiply(nudge, turned[7, elbow])
    file = tmp_path / "wrong.glb"
    write_glb(file, dataclasses.replace(motion, rotations=turned), mesh, name="p")
    assert farthest(Evaluator(file), motion) > 1e-3
    with pytest.raises(OutputError, match="mm off"):
        check_glb(file, motion)
    late = dataclasses.replace(motion, times=motion.times * 1.1)
    with pytest.raises(OutputError, match="key times"):
        check_glb(file, late)
    with pytest.raises(OutputError, match="frames and joints"):
        check_glb(file, wild_motion(motion.skeleton, frames=3))


def test_arrays_keep_to_the_rules_of_gltf(path: Path, motion: Motion) -> None:
    found = Evaluator(path)
    assert found.tree["asset"] == {"version": "2.0", "generator": "Choreoscope"}
    assert found.tree["buffers"] == [{"byteLength": len(found.blob)}]
    for number, accessor in enumerate(found.tree["accessors"]):
        view = found.tree["bufferViews"][accessor["bufferView"]]
        values = found.array(number)
        assert view["byteOffset"] % 4 == 0
        assert view["byteLength"] == values.nbytes
        assert view["byteOffset"] + view["byteLength"] <= len(found.blob)
        assert np.isfinite(values.astype(np.float64)).all()
        if "min" in accessor:
            assert accessor["min"] == values.min(axis=0).tolist()
            assert accessor["max"] == values.max(axis=0).tolist()
    skin = found.tree["skins"][0]
    assert skin["joints"] == list(range(len(motion.skeleton.joints)))
    bind = found.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4)
    assert np.array_equal(bind[:, :, 3], np.tile([0, 0, 0, 1.0], (len(bind), 1)))


def test_the_figure_keeps_to_the_rules_of_gltf(path: Path, motion: Motion) -> None:
    found = Evaluator(path)
    (part,) = found.tree["meshes"][0]["primitives"]
    attributes = {name: found.array(number) for name, number in part["attributes"].items()}
    count = len(attributes["POSITION"])
    assert "min" in found.tree["accessors"][part["attributes"]["POSITION"]]
    assert all(len(values) == count for values in attributes.values())
    assert found.array(part["indices"]).max() == count - 1
    assert found.tree["accessors"][part["indices"]]["count"] % 3 == 0
    assert attributes["JOINTS_0"].dtype == np.uint8
    assert attributes["JOINTS_0"].max() < len(motion.skeleton.joints)
    assert np.all(attributes["JOINTS_0"][attributes["WEIGHTS_0"] == 0] == 0)
    assert np.allclose(attributes["WEIGHTS_0"].sum(axis=1), 1, atol=1e-6)
    assert np.allclose(np.linalg.norm(attributes["NORMAL"], axis=1), 1, atol=1e-5)
    assert {view.get("target") for view in found.tree["bufferViews"]} == {None, 34962, 34963}
    assert "translation" not in found.tree["nodes"][-1]


def test_keys_rise_from_zero_and_turn_the_short_way(path: Path, motion: Motion) -> None:
    channels = Evaluator(path).channels()
    assert sorted(key for key in channels if key[1] == "translation") == [(0, "translation")]
    assert len(channels) == len(motion.skeleton.joints) + 1
    for (_, what), (times, values) in channels.items():
        assert times[0] == 0
        assert np.all(np.diff(times) > 0)
        if what == "rotation":
            assert np.allclose(np.linalg.norm(values, axis=1), 1, atol=1e-6)
            assert np.all(np.sum(values[1:] * values[:-1], axis=1) >= 0)


def test_trimesh_opens_the_figure_in_its_rest_pose(path: Path, mesh: SkinnedMesh) -> None:
    scene = trimesh.load_scene(path)
    (body,) = scene.geometry.values()
    assert len(body.faces) == len(mesh.faces)
    assert np.allclose(scene.bounds, [mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)])


def test_a_variable_rate_keeps_its_own_times(tmp_path: Path) -> None:
    motion = wild_motion(small_skeleton(), times=uneven_times(40), rate=Fraction(30))
    file = tmp_path / "a.glb"
    write_glb(file, motion, simple_figure(motion.skeleton), name="p")
    times = Evaluator(file).channels()[0, "translation"][0]
    assert np.allclose(times, motion.times - motion.times[0], atol=1e-6)
    assert np.ptp(np.diff(times)) > 0.01
    assert check_glb(file, motion) < 1e-5


def test_the_same_motion_gives_the_same_bytes(
    tmp_path: Path, path: Path, motion: Motion, mesh: SkinnedMesh
) -> None:
    write_glb(tmp_path / "again", motion, mesh, name="person-01")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_one_frame_is_enough_and_none_is_refused(tmp_path: Path) -> None:
    motion = wild_motion(small_skeleton(), frames=1)
    mesh = simple_figure(motion.skeleton)
    write_glb(tmp_path / "a.glb", motion, mesh, name="p")
    assert check_glb(tmp_path / "a.glb", motion) < 1e-5
    none = dataclasses.replace(
        motion,
        **{name: getattr(motion, name)[:0] for name in ("times", "root_position", "rotations")},
        confidence=motion.confidence[:0],
        contacts=None,
        contact_joints=(),
    )
    still = dataclasses.replace(
        wild_motion(small_skeleton(), frames=3), times=np.array([1.0, 1.0, 1.1])
    )
    for bad, words in ((none, "at least one frame"), (still, "rise strictly")):
        with pytest.raises(InputError, match=words):
            write_glb(tmp_path / "b.glb", bad, mesh, name="p")
    assert not (tmp_path / "b.glb").exists()


def test_a_mesh_of_another_skeleton_is_refused(tmp_path: Path, mesh: SkinnedMesh) -> None:
    chain = Skeleton(
        name="two",
        joints=("a", "b"),
        parents=np.array([-1, 0]),
        rest_local=np.tile(np.eye(4), (2, 1, 1)),
        tips=np.full((2, 3), np.nan),
        mirror=np.array([0, 1]),
    )
    with pytest.raises(ShapeError, match="joints that the skeleton lacks"):
        write_glb(tmp_path / "a.glb", wild_motion(chain, frames=2), mesh, name="p")


def test_other_and_damaged_files_are_refused(tmp_path: Path, path: Path) -> None:
    raw = path.read_bytes()
    no_binary = raw.replace(b'"count":12', b'"count":99')
    bent = raw[:-20000] + bytes(20000)
    other = b"glTF" + struct.pack("<II", 2, 28) + struct.pack("<I4s", 8, b"JSON") + b"{}      "
    for content in (b"", b"text", raw[:100], raw[: len(raw) // 2], no_binary, other):
        file = tmp_path / "bad.glb"
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.glb"):
            read_glb_motion(file)
    (tmp_path / "bad.glb").write_bytes(bent)
    with pytest.raises(OutputError):
        check_glb(tmp_path / "bad.glb", wild_motion(small_skeleton(), frames=12))
    with pytest.raises(InputError, match="no such file"):
        read_glb_motion(tmp_path / "absent.glb")
