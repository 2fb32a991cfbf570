"""The synthetic shots of the suite: what is true, and what the methods are told."""

import dataclasses

import numpy as np

from benchmarks.captures import shared_data
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.motion import Motion
from choreoscope.geometry.kinematics import of_motion
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import (
    BodyPoints,
    place_points,
    points_of_regressor,
    pose_body,
)
from choreoscope.motion.solve.evidence import ShotEvidence
from choreoscope.synthetic.evidence import NoiseSpec
from choreoscope.synthetic.shot import make_shot
from choreoscope.synthetic.shot_evidence import shot_evidence
from choreoscope.synthetic.suite import suite

SHOTS = 20
ENDS = ("left_hand", "right_hand", "left_toes", "right_toes")
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One body in motion.

    Attributes
    ----------
    model : BodyModel
        Whose `shape` it is.
    shape : (S,) float
        Standard deviations.
    motion : Motion
        World.
    """

    model: BodyModel
    shape: np.ndarray
    motion: Motion

    def soles(self) -> np.ndarray:
        """Points on the soles' skin, ``(T, K, 3)``, world, metres."""
        points: BodyPoints = points_of_regressor(self.model, self.model.points["soles"])
        pose = pose_body(self.model, self.shape, self.motion.root_position, self.motion.rotations)
        return place_points(points, self.shape, pose)

    def joints(self) -> np.ndarray:
        """All joints, ``(T, J, 3)``, world, metres."""
        return of_motion(self.motion)[0]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One shot.

    Attributes
    ----------
    name : str
        What kind of shot.
    seed : int
        Of everything random in it.
    evidence : ShotEvidence
        What the methods are told; no heights.
    truth : dict of str to Person
        By person id.
    camera : CameraTrack
        The true one, metric, in the true world.
    path_scale : float
        True size of the evidence's camera path: what it must be multiplied with.
    statures : dict of str to float
        True standing heights, metres.
    """

    name: str
    seed: int
    evidence: ShotEvidence
    truth: dict[str, Person]
    camera: CameraTrack
    path_scale: float
    statures: dict[str, float]

    @property
    def person_frames(self) -> int:
        """Rows of evidence of all persons together."""
        return sum(len(one.frames) for one in self.evidence.people)

    def with_heights(self) -> "Case":
        """Return the same shot with everybody's height told."""
        people = tuple(
            dataclasses.replace(one, height=self.statures[one.person])
            for one in self.evidence.people
        )
        return dataclasses.replace(self, evidence=dataclasses.replace(self.evidence, people=people))


def compared_joints(names: tuple[str, ...]) -> np.ndarray:
    """Columns of the joints that are compared: fingers are in no method's evidence."""
    return np.array(
        [i for i, name in enumerate(names) if not any(finger in name for finger in _FINGERS)]
    )


def case(index: int) -> Case:
    """Make one shot of the suite and what detectors say of it."""
    recorded = shared_data() / "mocap"
    spec = suite(index + 1, bvh=recorded if recorded.is_dir() else None)[index]
    shot = make_shot(spec)
    evidence = shot_evidence(shot, NoiseSpec(), np.random.default_rng([spec.seed, 1]))
    return Case(
        name=spec.name,
        seed=spec.seed,
        evidence=evidence,
        truth={
            one.person: Person(model=one.model, shape=one.shape, motion=one.motion)
            for one in shot.people
            if any(one.person == seen.person for seen in evidence.people)
        },
        camera=shot.camera,
        path_scale=_path_scale(shot.camera, evidence.camera),
        statures={one.person: one.stature for one in shot.people},
    )


def shortened(whole: Case, frames: int) -> Case:
    """Keep the first rows of everybody's evidence, to warm up with."""
    fields = ("frames", "pixels", "pixel_sigma", "places", "place_sigma")
    people = tuple(
        dataclasses.replace(one, **{name: getattr(one, name)[:frames] for name in fields})
        for one in whole.evidence.people
    )
    return dataclasses.replace(whole, evidence=dataclasses.replace(whole.evidence, people=people))


def _path_scale(truth: CameraTrack, told: CameraTrack) -> float:
    """Find the factor from the told path to the true one, least squares; 1 if it stands."""
    own, aim = (_places(camera) - _places(camera)[:1] for camera in (told, truth))
    turn = truth.camera_from_world[0, :3, :3]
    size = float(np.sum(own**2))
    return float(np.sum(own * (aim @ turn.T))) / size if size > 0 else 1.0


def _places(camera: CameraTrack) -> np.ndarray:
    turns, moves = camera.camera_from_world[:, :3, :3], camera.camera_from_world[:, :3, 3]
    return np.asarray(-np.einsum("tba,tb->ta", turns, moves))
