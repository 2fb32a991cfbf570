"""Recorded motion keeps its directions on our bodies, whatever the file's names and rest pose."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.bvh import write_bvh
from choreoscope.formats.bvh_reader import read_bvh
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import of_motion, world_joints
from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.synthetic.joint_names import map_joints
from choreoscope.synthetic.puppet import Puppet, puppet_of_body
from choreoscope.synthetic.retarget import levelled, retarget, sole_marks
from choreoscope.synthetic.shot import ShotSpec, make_shot

MIXAMO = {"hips": "mixamorig:Hips", "thigh": "UpLeg", "shin": "Leg", "foot": "Foot",
          "toes": "ToeBase", "collar": "Shoulder", "arm": "Arm", "fore": "ForeArm",
          "hand": "Hand"}  # fmt: skip
CLASSIC = {"hips": "Hips", "thigh": "Hip", "shin": "Knee", "foot": "Ankle", "toes": "Toe",
           "collar": "Collar", "arm": "Shoulder", "fore": "Elbow", "hand": "Wrist"}  # fmt: skip
BONES = (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))


@pytest.fixture(scope="module")
def puppet() -> Puppet:
    model = house_body("adult", "low")
    return puppet_of_body(model, shape_of_stature(model, 1.7))


def stranger(names: dict[str, str], *, arms_down: bool = True) -> Skeleton:
    """Somebody 190 units tall with other proportions, arms down at rest, one spine joint."""
    arm = np.array([0.0, -1.0, 0.0]) if arms_down else np.array([1.0, 0.0, 0.0])
    joints: list[tuple[str, str, np.ndarray]] = [
        (names["hips"], "", np.array([0.0, 1.0, 0.0])),
        ("Chest", names["hips"], np.array([0.0, 0.3, 0.0])),
        ("Neck", "Chest", np.array([0.0, 0.25, 0.0])),
        ("Head", "Neck", np.array([0.0, 0.12, 0.03])),
    ]
    for side, out in (("Left", 1.0), ("Right", -1.0)):
        mirror = np.array([out, 1.0, 1.0])
        for part, parent, place in (
            ("thigh", names["hips"], np.array([0.11, 0.0, 0.0])),
            ("shin", "thigh", np.array([0.0, -0.5, 0.0])),
            ("foot", "shin", np.array([0.0, -0.43, 0.0])),
            ("toes", "foot", np.array([0.0, -0.05, 0.15])),
            ("collar", "Chest", np.array([0.04, 0.2, 0.0])),
            ("arm", "collar", np.array([0.15, 0.0, 0.0])),
            ("fore", "arm", 0.35 * arm),
            ("hand", "fore", 0.22 * arm),
        ):
            own_parent = parent if parent in {names["hips"], "Chest"} else side + names[parent]
            joints.append((side + names[part], own_parent, place * mirror))
    order = [name for name, _, _ in joints]
    rest = np.tile(np.eye(4), (len(joints), 1, 1))
    rest[:, :3, 3] = [place for _, _, place in joints]
    return Skeleton(
        name="stranger",
        joints=tuple(order),
        parents=np.array([order.index(parent) if parent else -1 for _, parent, _ in joints]),
        rest_local=rest,
        tips=np.full((len(joints), 3), np.nan),
        mirror=np.arange(len(joints)),
    )


def moving(skeleton: Skeleton, seconds: float = 3.0, rate: int = 60) -> Motion:
    rng = np.random.default_rng(4)
    times = np.arange(round(seconds * rate)) / rate
    phase = rng.uniform(0, 6, (1, len(skeleton.joints), 3))
    swing = 0.35 * np.sin(2 * np.pi * 0.6 * times[:, None, None] + phase)
    root = np.array([0.3, 0.98, 0.2]) + 0.1 * np.sin(times)[:, None]
    return Motion(
        skeleton=skeleton,
        rate=Fraction(rate),
        first_frame=0,
        times=times,
        root_position=root,
        rotations=rotation.from_rotation_vector(swing),
        confidence=np.ones((len(times), len(skeleton.joints))),
    )


def directions(motion: Motion, numbers: dict[str, int]) -> np.ndarray:
    places, _ = of_motion(motion)
    ways = [
        places[:, numbers[f"{side}_{end}"]] - places[:, numbers[f"{side}_{start}"]]
        for side in ("left", "right")
        for start, end in BONES
    ]
    found = np.stack(ways, axis=1)
    return np.asarray(found / np.linalg.norm(found, axis=-1, keepdims=True))


def on_house(motion: Motion, puppet: Puppet) -> Motion:
    moved = retarget(motion, map_joints(motion.skeleton), puppet)
    return dataclasses.replace(
        motion,
        skeleton=puppet.skeleton,
        root_position=moved.root,
        rotations=moved.rotations,
        confidence=np.ones(moved.rotations.shape[:2]),
    )


@pytest.mark.parametrize("names", [MIXAMO, CLASSIC], ids=["mixamo", "classic"])
@pytest.mark.parametrize("arms_down", [True, False])
def test_bones_keep_their_directions(
    names: dict[str, str], arms_down: bool, puppet: Puppet
) -> None:
    source = moving(stranger(names, arms_down=arms_down))
    ours = {name: index for index, name in enumerate(puppet.skeleton.joints)}
    wanted = directions(source, map_joints(source.skeleton).joints)
    got = directions(on_house(source, puppet), ours)
    np.testing.assert_allclose(got, wanted, atol=1e-6)
    # Control: turns copied joint by joint do not do that where rest poses differ.
    copied = np.tile(rotation.identity(len(puppet.skeleton.joints)), (len(wanted), 1, 1))
    for name, number in map_joints(source.skeleton).joints.items():
        copied[:, ours[name]] = source.rotations[:, number]
    places, _ = world_joints(puppet.skeleton, source.root_position, copied)
    arm = places[:, ours["left_forearm"]] - places[:, ours["left_upper_arm"]]
    along = np.sum(arm * wanted[:, 0], axis=-1) / np.linalg.norm(arm, axis=-1)
    assert (along.mean() < 0.5) == arms_down


def test_files_with_z_up_and_in_any_unit_come_out_alike(puppet: Puppet) -> None:
    source = moving(stranger(MIXAMO))
    lying = rotation.from_rotation_vector(np.array([np.pi / 2, 0.0, 0.0]))
    turned = source.rotations.copy()
    turned[:, 0] = rotation.multiply(lying, turned[:, 0])
    rest = source.skeleton.rest_local.copy()
    rest[:, :3, 3] *= 40
    z_up = dataclasses.replace(
        source,
        skeleton=dataclasses.replace(source.skeleton, rest_local=rest),
        root_position=40 * rotation.rotate(lying, source.root_position),
        rotations=turned,
    )
    one, other = on_house(source, puppet), on_house(z_up, puppet)
    np.testing.assert_allclose(one.root_position, other.root_position, atol=1e-9)
    assert rotation.angle_between(one.rotations, other.rotations).max() < 1e-6


def test_soles_are_on_the_floor_and_strides_scale_with_the_legs(puppet: Puppet) -> None:
    source = moving(stranger(MIXAMO))
    house = on_house(source, puppet)
    marks = sole_marks(puppet, house.root_position, house.rotations)
    assert -0.03 < marks[..., 1].min() < 0.03
    ratio = np.ptp(house.root_position[:, 0]) / np.ptp(source.root_position[:, 0])
    assert ratio == pytest.approx(puppet.leg / 0.93, rel=1e-6)


def standing(motion: Motion) -> Motion:
    """The same with legs and root at rest."""
    arms = [
        any(part in joint for part in ("Shoulder", "Elbow")) for joint in motion.skeleton.joints
    ]
    turns = np.where(np.array(arms)[:, None], motion.rotations, rotation.identity())
    root = np.tile(motion.root_position[0], (motion.frame_count, 1))
    return dataclasses.replace(motion, rotations=turns, root_position=root)


def test_a_folder_becomes_shots(tmp_path: Path) -> None:
    source = moving(stranger(CLASSIC))
    write_bvh(tmp_path / "floats.bvh", source)
    with pytest.raises(InputError, match=r"floats\.bvh: nobody stands on a level floor"):
        make_shot(ShotSpec(seed=1, seconds=1.5, bvh=tmp_path))
    write_bvh(tmp_path / "one.bvh", standing(source))
    spec = ShotSpec(seed=1, people=2, seconds=1.5, rate=Fraction(24), bvh=tmp_path)
    shot = make_shot(spec)
    assert shot.people[0].motion.frame_count == 36
    assert not shot.people[0].flights
    apart = shot.people[0].motion.root_position[:, 0] - shot.people[1].motion.root_position[:, 0]
    assert np.abs(apart).min() > 0.5
    again = make_shot(spec)
    np.testing.assert_array_equal(shot.people[1].motion.rotations, again.people[1].motion.rotations)


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a folder with BVH files"):
        make_shot(ShotSpec(bvh=tmp_path))
    write_bvh(tmp_path / "short.bvh", moving(stranger(CLASSIC), seconds=1.0))
    with pytest.raises(InputError, match=r"short\.bvh: 0\.7 s, shorter than the shot"):
        make_shot(ShotSpec(bvh=tmp_path, seconds=2))
    chair = dataclasses.replace(
        stranger(CLASSIC), joints=tuple(f"part{n}" for n in range(len(stranger(CLASSIC).joints)))
    )
    write_bvh(tmp_path / "short.bvh", moving(chair))
    with pytest.raises(InputError, match="found no pelvis, head"):
        make_shot(ShotSpec(bvh=tmp_path, seconds=1))


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        "bvh11_cmu131/131_03.bvh",
        "fairmotion/01_01.bvh",
        "animated_drawings/fair1/dab.bvh",
        "animated_drawings/rokoko/jesse_dance.bvh",
        "bvh_python/test_freebvh.bvh",
        "bvh_python/test_mocapbank.bvh",
        "assimp/Boxing_Toes.bvh",
    ],
)
def test_real_files_keep_their_directions(name: str, shared_data: Path, puppet: Puppet) -> None:
    motion = read_bvh(shared_data / "mocap" / name).motion
    rows = slice(0, 400)
    motion = dataclasses.replace(
        motion,
        times=motion.times[rows],
        root_position=motion.root_position[rows],
        rotations=motion.rotations[rows],
        confidence=motion.confidence[rows],
    )
    house = on_house(motion, puppet)
    ours = {name: index for index, name in enumerate(puppet.skeleton.joints)}
    joints = map_joints(motion.skeleton)
    wanted = rotation.rotate(levelled(motion, joints), directions(motion, joints.joints))
    np.testing.assert_allclose(directions(house, ours), wanted, atol=1e-6)
    places, _ = of_motion(house)
    heads = places[:, ours["head"], 1] - places[:, ours["pelvis"], 1]
    assert heads.max() > 0.4
