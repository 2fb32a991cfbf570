"""Made-up people whose truth is known: house-skeleton poses, and what a perfect detector sees."""

import dataclasses
from fractions import Fraction

import numpy as np

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.motion import Skeleton
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import tip_positions, world_joints
from choreoscope.geometry.projection import lens_from_fov, project
from choreoscope.motion import landmarks
from choreoscope.motion.inverse_kinematics import BONES, FACING_CAMERA, HINGES
from choreoscope.motion.proportions import Proportions, default_proportions
from choreoscope.motion.refinement import place_points, rig_of
from choreoscope.motion.skeletons import FINGERS, SIDES, SPINE, house_skeleton
from choreoscope.motion.world import FrameTimes

LENS = lens_from_fov(50.0, 1280, 720)
X, Y, Z = np.eye(3)
Standing = tuple[Skeleton, Proportions, np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Person:
    """Truth in camera axes."""

    skeleton: Skeleton
    sizes: Proportions
    times: np.ndarray
    root: np.ndarray
    rotations: np.ndarray

    @property
    def joints(self) -> np.ndarray:
        return world_joints(self.skeleton, self.root, self.rotations)[0]


def even_times(seconds: float, rate: float) -> np.ndarray:
    return np.arange(round(seconds * rate)) / rate


def frame_times(times: np.ndarray, first_frame: int = 0) -> FrameTimes:
    return FrameTimes(first_frame=first_frame, seconds=times, rate=Fraction(30))


def wave(
    rng: np.random.Generator, times: np.ndarray, size: float, shape: tuple[int, ...] = ()
) -> np.ndarray:
    """Smooth random curves of about this size, slow enough for anybody."""
    total = np.zeros((len(times), *shape))
    for speed in (0.25, 0.5, 0.8):
        phase, turn = rng.uniform(0, 2 * np.pi, shape), rng.normal(0, 1, shape)
        total += turn * np.sin(2 * np.pi * speed * times.reshape(-1, *[1] * len(shape)) + phase)
    return np.clip(total, -2, 2) * size / 2


def turn_by(vector: np.ndarray) -> np.ndarray:
    return rotation.from_rotation_vector(vector)


def dancing(
    rng: np.random.Generator,
    times: np.ndarray,
    *,
    stature: float = 1.70,
    distance: float = 4.0,
    facing: np.ndarray | None = None,
) -> Person:
    """A person who moves everything a body-point detector can show."""
    sizes = default_proportions(stature)
    skeleton = house_skeleton(sizes)
    pose = np.tile(rotation.identity(len(skeleton.joints)), (len(times), 1, 1))
    base = np.array(FACING_CAMERA) if facing is None else facing
    pose[:, 0] = rotation.multiply(base, turn_by(wave(rng, times, 0.5, (3,))))
    bend = turn_by(wave(rng, times, 0.12, (3,)) * (0.0, 1.0, 1.0))
    for name in SPINE:
        pose[:, skeleton.index(name)] = bend
    nod = turn_by(wave(rng, times, 0.3, (3,)))
    for name in ("neck", "head"):
        pose[:, skeleton.index(name)] = nod
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        for joint, turn in _limbs(rng, times, side, sign).items():
            pose[:, skeleton.index(f"{side}_{joint}")] = turn
    root = np.array([0.0, 0.0, distance]) + wave(rng, times, 0.3, (3,))
    return Person(skeleton=skeleton, sizes=sizes, times=times, root=root, rotations=pose)


def _limbs(
    rng: np.random.Generator, times: np.ndarray, side: str, sign: float
) -> dict[str, np.ndarray]:
    fore, shin = f"{side}_forearm", f"{side}_shin"
    lower_arm = (-sign * 0.8 + wave(rng, times, 0.6))[:, None] * Z
    elbow = turn_by((0.9 + wave(rng, times, 0.35))[:, None] * HINGES[fore])
    roll = turn_by((0.2 + wave(rng, times, 0.8))[:, None] * BONES[fore])
    flex = wave(rng, times, 0.3, (3,)) * (0.0, 1.0, 1.0)
    knee = turn_by((0.8 + wave(rng, times, 0.3))[:, None] * HINGES[shin])
    return {
        "upper_arm": rotation.multiply(turn_by(lower_arm), turn_by(wave(rng, times, 0.5, (3,)))),
        "forearm": rotation.multiply(elbow, roll),
        "hand": turn_by(flex),
        "thigh": turn_by(wave(rng, times, 0.4, (3,)) - (0.4, 0.0, 0.0)),
        "shin": knee,
        "foot": turn_by(wave(rng, times, 0.25, (3,))),
    }


def standing(
    times: np.ndarray, root: np.ndarray, *, stature: float = 1.70, turned: float = 0.0
) -> Standing:
    """Somebody who stands at ease, in a level world: returns skeleton, sizes, local rotations."""
    sizes = default_proportions(stature)
    skeleton = house_skeleton(sizes)
    pose = np.tile(rotation.identity(len(skeleton.joints)), (len(times), 1, 1))
    pose[:, 0] = turn_by(np.array([0.0, turned, 0.0]))
    sway = 0.1 * np.sin(2 * np.pi * 0.5 * times)[:, None]
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        down = (-sign * 1.2 + sway) * Z
        pose[:, skeleton.index(f"{side}_upper_arm")] = turn_by(down)
        elbow = np.tile(0.5 * HINGES[f"{side}_forearm"], (len(times), 1))
        pose[:, skeleton.index(f"{side}_forearm")] = turn_by(elbow)
    place = np.array([root[0], sizes.ankle_height + sizes.thigh + sizes.shin, root[1]])
    return skeleton, sizes, np.tile(place, (len(times), 1)), pose


def seen_from(
    world_from_camera: np.ndarray,
    times: np.ndarray,
    person: Standing,
) -> Person:
    """The same person in the axes of a camera."""
    skeleton, sizes, root, pose = person
    camera_from_world = np.linalg.inv(world_from_camera)
    turned = pose.copy()
    turn = rotation.from_matrix(camera_from_world[:3, :3])
    turned[:, 0] = rotation.multiply(turn, pose[:, 0])
    return Person(
        skeleton=skeleton,
        sizes=sizes,
        times=times,
        root=root @ camera_from_world[:3, :3].T + camera_from_world[:3, 3],
        rotations=turned,
    )


def body_points(person: Person) -> np.ndarray:
    rig = rig_of(person.skeleton, landmarks.default_offsets(person.sizes.stature))
    return place_points(rig, person.root, person.rotations)


def hand_points(person: Person) -> np.ndarray:
    positions, turns = world_joints(person.skeleton, person.root, person.rotations)
    tips = tip_positions(person.skeleton, positions, turns)
    hands = np.zeros((len(person.times), 2, 21, 3))
    for side, name in enumerate(SIDES):
        hands[:, side, 0] = positions[:, person.skeleton.index(f"{name}_hand")]
        for finger, label in enumerate(FINGERS):
            for bone in (1, 2, 3):
                index = person.skeleton.index(f"{name}_{label}_{bone}")
                hands[:, side, 4 * finger + bone] = positions[:, index]
            hands[:, side, 4 * finger + 4] = tips[:, index]
    return hands


def watched(
    person: Person, *, lens: Lens = LENS, name: str = "a", first_frame: int = 0, hands: bool = False
) -> PersonSequence:
    """What a perfect detector reports."""
    points = body_points(person)
    count = len(points)
    fingers = hand_points(person)
    return PersonSequence(
        person=name,
        frames=first_frame + np.arange(count),
        boxes_xyxy=np.zeros((count, 4)),
        score=np.ones(count),
        points_px=project(points, lens),
        points_m=points - points[:, list(landmarks.HIPS)].mean(axis=1, keepdims=True),
        visibility=np.ones(points.shape[:2]),
        hands_px=project(fingers, lens),
        hands_m=fingers - fingers.mean(axis=2, keepdims=True),
        hands_score=np.full((count, 2), 1.0 if hands else 0.0),
    )


def keep(sequence: PersonSequence, rows: np.ndarray) -> PersonSequence:
    """Only these rows."""
    names = [field.name for field in dataclasses.fields(PersonSequence) if field.name != "person"]
    return dataclasses.replace(sequence, **{name: getattr(sequence, name)[rows] for name in names})


def noisy(
    sequence: PersonSequence, rng: np.random.Generator, px: float, m: float
) -> PersonSequence:
    """Independent noise on every point of every frame."""
    return dataclasses.replace(
        sequence,
        points_px=sequence.points_px + rng.normal(0, px, sequence.points_px.shape),
        points_m=sequence.points_m + rng.normal(0, m, sequence.points_m.shape),
    )
