"""Made-up skeletons and movements that are hard on file formats."""

from fractions import Fraction

import numpy as np

from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.geometry import rotation

_BONES = (
    # name, parent, offset from the parent (metres), tip, other side
    ("hips", "", (0.0, 0.95, 0.0), None, "hips"),
    ("spine", "hips", (0.0, 0.12, -0.01), None, "spine"),
    ("chest", "spine", (0.0, 0.25, 0.0), None, "chest"),
    ("neck", "chest", (0.0, 0.18, 0.0), None, "neck"),
    ("head", "neck", (0.0, 0.1, 0.02), (0.0, 0.2, 0.0), "head"),
    ("left_upper_arm", "chest", (0.17, 0.12, 0.0), None, "right_upper_arm"),
    ("left_forearm", "left_upper_arm", (0.28, 0.0, 0.0), None, "right_forearm"),
    ("left_hand", "left_forearm", (0.25, 0.0, 0.0), (0.17, 0.0, 0.0), "right_hand"),
    ("right_upper_arm", "chest", (-0.17, 0.12, 0.0), None, "left_upper_arm"),
    ("right_forearm", "right_upper_arm", (-0.28, 0.0, 0.0), None, "left_forearm"),
    ("right_hand", "right_forearm", (-0.25, 0.0, 0.0), (-0.17, 0.0, 0.0), "left_hand"),
    ("left_thigh", "hips", (0.09, -0.06, 0.0), None, "right_thigh"),
    ("left_shin", "left_thigh", (0.0, -0.42, 0.0), None, "right_shin"),
    ("left_foot", "left_shin", (0.0, -0.41, 0.0), (0.0, -0.05, 0.16), "right_foot"),
    ("right_thigh", "hips", (-0.09, -0.06, 0.0), None, "left_thigh"),
    ("right_shin", "right_thigh", (0.0, -0.42, 0.0), None, "left_shin"),
    ("right_foot", "right_shin", (0.0, -0.41, 0.0), (0.0, -0.05, 0.16), "left_foot"),
)


def small_skeleton(*, turned_rest: bool = False) -> Skeleton:
    """Return 17 joints in a T pose facing +Z; with `turned_rest` the rest axes point anywhere."""
    names = tuple(bone[0] for bone in _BONES)
    parents = np.array([-1, *(names.index(bone[1]) for bone in _BONES[1:])])
    offsets = np.array([bone[2] for bone in _BONES])
    tips = np.array([bone[3] or (np.nan,) * 3 for bone in _BONES])
    world = rotation.identity(len(names))
    if turned_rest:
        world = random_rotations(np.random.default_rng(5), len(names))
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    for joint, parent in enumerate(parents):
        from_world = rotation.identity() if parent < 0 else rotation.inverse(world[parent])
        rest[joint, :3, :3] = rotation.to_matrix(rotation.multiply(from_world, world[joint]))
        rest[joint, :3, 3] = rotation.rotate(from_world, offsets[joint])
    return Skeleton(
        name="small",
        joints=names,
        parents=parents,
        rest_local=rest,
        tips=rotation.rotate(rotation.inverse(world), tips),
        mirror=np.array([names.index(bone[4]) for bone in _BONES]),
    )


def random_rotations(rng: np.random.Generator, *leading: int) -> np.ndarray:
    """Draw ``(*leading, 4)`` rotations evenly over all there are."""
    return rotation.normalized(rng.normal(size=(*leading, 4)))


def wild_motion(
    skeleton: Skeleton,
    *,
    frames: int = 40,
    rate: Fraction = Fraction(30000, 1001),
    times: np.ndarray | None = None,
    seed: int = 3,
) -> Motion:
    """Smooth movement with many whole turns, gimbal locks and flipped quaternion signs."""
    rng = np.random.default_rng(seed)
    joints = len(skeleton.joints)
    speed = rng.uniform(-6.0, 6.0, size=(joints, 3))
    phase = rng.uniform(-2.0, 2.0, size=(joints, 3))
    clock = np.arange(frames) / float(rate) if times is None else times - times[0]
    turn = np.sin(clock[:, None, None] * speed + phase) * 2.5
    turn[:, 0, 1] += 9.0 * clock
    signs = np.where(rng.random((frames, joints, 1)) < 0.3, -1.0, 1.0)
    return Motion(
        skeleton=skeleton,
        rate=rate,
        first_frame=12,
        times=clock + 0.4 if times is None else times,
        root_position=np.stack(
            [2.0 * np.sin(clock), 0.9 + 0.2 * np.cos(7 * clock), 1.3 * clock - 4.0], axis=-1
        ),
        rotations=rotation.from_rotation_vector(turn) * signs,
        confidence=rng.random((frames, joints)),
        contacts=rng.random((frames, 2)),
        contact_joints=(skeleton.joints[-1], skeleton.joints[joints // 2]),
    )


def uneven_times(frames: int, seed: int = 8) -> np.ndarray:
    """Rising time stamps of a film whose frames last between 17 and 50 ms, in 1/90000 s."""
    steps = np.random.default_rng(seed).integers(1500, 4500, size=frames)
    return np.cumsum(steps) / 90000.0
