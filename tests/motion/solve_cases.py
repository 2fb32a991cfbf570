"""Made shots for the tests of the shot solve, small enough for many solves, and what to measure."""

import dataclasses
import functools
from fractions import Fraction

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import of_motion, world_joints
from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import (
    BodyPoints,
    place_points,
    points_of_regressor,
    pose_body,
)
from choreoscope.motion.skeletons import FINGERS
from choreoscope.motion.solve.evidence import (
    FloorKnowledge,
    PersonEvidence,
    ShotEvidence,
    StartPose,
)
from choreoscope.motion.solve.options import SolveOptions, Terms
from choreoscope.motion.solve.setup import Stage, moving_joints, track_of
from choreoscope.motion.solve.shot import solve_shot
from choreoscope.motion.solve.solution import ShotSolution
from choreoscope.motion.solve.start import start_pose
from choreoscope.motion.solve.state import Track
from choreoscope.motion.world import FrameTimes
from choreoscope.synthetic.evidence import NoiseSpec
from choreoscope.synthetic.shot import Shot, ShotSpec, make_shot
from choreoscope.synthetic.shot_evidence import shot_evidence
from choreoscope.synthetic.truth import TruePerson

QUICK = SolveOptions(iterations=(3, 2))
RATE = Fraction(24)
NOISY = NoiseSpec(
    points="joints", drops=0.0, swaps=0.0, gaps=0.0, depth_bias=0.0, gravity=0.005, misjudged=0.0
)
_FOCAL = 900.0


@functools.cache
def dance(camera: str = "static", *, seed: int = 4, seconds: float = 1.0, people: int = 1) -> Shot:
    """A second of dancing without jumps."""
    return make_shot(
        ShotSpec(seed=seed, seconds=seconds, rate=RATE, camera=camera, people=people, jumps=False)
    )


def seen(shot: Shot, noise: NoiseSpec | None = None, *, seed: int = 0) -> ShotEvidence:
    """What detectors say of it, statures told; without noise unless asked for."""
    noise = noise or NoiseSpec.none("joints")
    return shot_evidence(shot, noise, np.random.default_rng(seed), heights=True)


@functools.cache
def solved(camera: str = "static", people: int = 1) -> ShotSolution:
    """The quick solution of a dance without noise."""
    return solve_shot(seen(dance(camera, people=people)), QUICK)


def switched(options: SolveOptions = QUICK, **terms: bool) -> SolveOptions:
    """Other terms."""
    return dataclasses.replace(options, terms=dataclasses.replace(options.terms, **terms))


def only(*names: str) -> Terms:
    """These terms and no others."""
    off = {field.name: False for field in dataclasses.fields(Terms)}
    return Terms(**{**off, **dict.fromkeys(names, True)})


def with_person(evidence: ShotEvidence, at: int = 0, **changes: object) -> ShotEvidence:
    """Change what is said of one person."""
    people = list(evidence.people)
    people[at] = dataclasses.replace(people[at], **changes)
    return dataclasses.replace(evidence, people=tuple(people))


def body_joints(model: BodyModel) -> list[int]:
    """All but fingers."""
    return [at for at, name in enumerate(model.joints) if not any(f in name for f in FINGERS)]


def from_first_camera(places: np.ndarray, camera: CameraTrack) -> np.ndarray:
    """World places in the axes of the first camera."""
    first = camera.camera_from_world[0]
    return np.asarray(places @ first[:3, :3].T + first[:3, 3])


def joint_errors(solution: ShotSolution, shot: Shot, at: int = 0) -> np.ndarray:
    """Distances ``(T, J)`` from the truth, metres, worlds joined at the first camera alone."""
    person = shot.people[at]
    motion = solution.people[person.person].motion
    found = from_first_camera(of_motion(motion)[0], solution.camera)
    truth = from_first_camera(person.joints()[0], shot.camera)
    rows = slice(motion.first_frame, motion.first_frame + motion.frame_count)
    own = body_joints(person.model)
    return np.asarray(np.linalg.norm(found - truth[rows], axis=-1)[:, own])


def camera_heights(camera: CameraTrack) -> np.ndarray:
    """Of the camera over the floor in every frame, metres."""
    return camera_places(camera)[:, 1]


def camera_places(camera: CameraTrack) -> np.ndarray:
    """Camera in the world, ``(T, 3)``."""
    matrix = camera.camera_from_world
    return -np.einsum("tba,tb->ta", matrix[:, :3, :3], matrix[:, :3, 3])


def joints_of(solution: ShotSolution, name: str = "P01") -> np.ndarray:
    """Joints in the solved world, ``(T, J, 3)``."""
    return of_motion(solution.people[name].motion)[0]


def points_of(solution: ShotSolution, name: str, points: str) -> np.ndarray:
    """A point set in the solved world, ``(T, P, 3)``."""
    person = solution.people[name]
    motion = person.motion
    chosen = points_of_regressor(person.model, person.model.points[points])
    pose = pose_body(person.model, person.shape, motion.root_position, motion.rotations)
    return place_points(chosen, person.shape, pose)


def planted_soles(person: TruePerson) -> np.ndarray:
    """Which points of "soles" truly touch, ``(T, 10)`` bool."""
    names = person.model.points["soles"].names
    columns = []
    for name in names:
        side, _, end = name.partition("_")
        part = "heel" if end.startswith("heel") else "ball"
        columns.append(person.touches(f"{side}_{part}"))
    return np.stack(columns, axis=1)


def assert_finite(solution: ShotSolution) -> None:
    """No number of a solution is not one; residuals may be unknown."""
    for person in solution.people.values():
        motion = person.motion
        for values in (motion.root_position, motion.rotations, motion.confidence, person.shape):
            assert np.isfinite(values).all()
        assert motion.contacts is not None
        assert np.isfinite(motion.contacts).all()
        assert np.isfinite(person.stature)
        np.testing.assert_allclose(np.linalg.norm(motion.rotations, axis=-1), 1.0, atol=1e-6)
    assert np.isfinite(solution.camera.camera_from_world).all()
    assert np.isfinite(solution.camera.intrinsics).all()
    report = solution.report
    numbers = [*report.costs.values(), report.scale_sigma, report.focal_sigma, report.focal]
    assert np.isfinite(numbers).all()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """Somebody made by hand before a camera that stands 1.5 m high, first camera = world axes."""

    model: BodyModel
    shape: np.ndarray
    times: np.ndarray
    root: np.ndarray
    rotations: np.ndarray

    def places(self, points: BodyPoints) -> np.ndarray:
        """World places of points."""
        pose = pose_body(self.model, self.shape, self.root, self.rotations)
        return place_points(points, self.shape, pose)

    def joints(self) -> np.ndarray:
        """World places of all joints."""
        return world_joints(self.model.skeleton(self.shape), self.root, self.rotations)[0]


def figure(times: np.ndarray, turns: dict[str, np.ndarray], *, stature: float = 1.70) -> Figure:
    """Somebody who stands upright on y = 0, 4 m away, with the arms down and these turns."""
    model = house_body("child" if stature < 1.45 else "adult", "low")
    shape = shape_of_stature(model, stature)
    vectors = np.zeros((len(times), len(model.joints), 3))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        vectors[:, model.joints.index(f"{side}_upper_arm"), 2] = -sign * 1.2
        vectors[:, model.joints.index(f"{side}_forearm"), 1] = -sign * 0.4
    for name, vector in turns.items():
        vectors[:, model.joints.index(name)] = vector
    rotations = rotation.from_rotation_vector(vectors)
    root = np.tile([0.0, 0.0, -4.0], (len(times), 1))
    made = Figure(model=model, shape=shape, times=times, root=root, rotations=rotations)
    soles = made.places(points_of_regressor(model, model.points["soles"]))
    return dataclasses.replace(made, root=root - [0.0, soles[0, :, 1].min(), 0.0])


def still_camera(frames: int, focal: float = _FOCAL) -> CameraTrack:
    """Upright, 1.5 m above the world's origin, looking along -Z."""
    matrix = np.diag([1.0, -1.0, -1.0, 1.0])
    matrix[1, 3] = 1.5
    lens = np.array([[focal, 0, 640], [0, focal, 360], [0, 0, 1.0]])
    return CameraTrack(
        width=1280,
        height=720,
        intrinsics=np.tile(lens, (frames, 1, 1)),
        camera_from_world=np.tile(matrix, (frames, 1, 1)),
        distortion=np.zeros(0),
        source="given",
        metric=True,
    )


def watched(
    made: Figure,
    *,
    name: str = "a",
    px: float = 0.0,
    metres: float = 0.0,
    rng: np.random.Generator | None = None,
    height: float | None = None,
) -> PersonEvidence:
    """What is seen of a figure; the stated sigmas are 2 px and 2 cm whatever the noise."""
    rng = rng or np.random.default_rng(0)
    points = points_of_regressor(made.model, made.model.points["blazepose33"])
    camera = still_camera(len(made.times))
    places = from_first_camera(made.places(points), camera)
    pixels = _FOCAL * places[..., :2] / places[..., 2:] + [640.0, 360.0]
    told = places + metres * rng.normal(size=places.shape)
    return PersonEvidence(
        person=name,
        model=made.model,
        points=points,
        frames=np.arange(len(places)),
        pixels=pixels + px * rng.normal(size=pixels.shape),
        pixel_sigma=np.full(pixels.shape[:2], 2.0),
        places=told - told[:, 23:25].mean(axis=1, keepdims=True),
        place_sigma=np.full(pixels.shape[:2], 0.02),
        height=made.model.stature(made.shape) if height is None else height,
        height_sigma=0.005,
    )


def shot_of(times: np.ndarray, *people: PersonEvidence, **known: object) -> ShotEvidence:
    """A shot before the still camera."""
    return ShotEvidence(
        people=people,
        camera=still_camera(len(times)),
        times=FrameTimes(first_frame=0, seconds=times, rate=RATE),
        floor=FloorKnowledge(up=np.array([0.0, 1.0, 0.0]), up_sigma=0.02),
        **known,  # type: ignore[arg-type]
    )


def even(seconds: float) -> np.ndarray:
    """Time stamps."""
    return np.arange(round(seconds * float(RATE))) / float(RATE)


def exact_start(made: Figure) -> StartPose:
    """The truth as first guess."""
    matrix = still_camera(1).camera_from_world[0]
    turned = made.rotations.copy()
    turned[:, 0] = rotation.multiply(rotation.from_matrix(matrix[:3, :3]), turned[:, 0])
    return StartPose(
        shape=made.shape,
        root=made.root @ matrix[:3, :3].T + matrix[:3, 3],
        rotations=turned,
        confidence=np.ones(turned.shape[:2]),
    )


def track_at_start(evidence: ShotEvidence, at: int = 0) -> Track:
    """One person of a shot as the solve begins with it."""
    person = evidence.people[at]
    return track_of(person, evidence, Stage.of(evidence), start_pose(person, evidence), 1.0)


def random_turns(
    model: BodyModel, rng: np.random.Generator, frames: int, size: float
) -> dict[str, np.ndarray]:
    """Turns of every joint but the root, for `figure`."""
    return {
        model.joints[joint]: size * rng.normal(size=(frames, 3))
        for joint in moving_joints(model)
        if joint
    }
