"""From evidence to the state the solve begins with: one world, one row per frame."""

import dataclasses

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import (
    BodyPoints,
    joined,
    points_of_joints,
    points_of_regressor,
)
from choreoscope.motion.corrections import FREE, ON, PINNED
from choreoscope.motion.smoothing import bridge_rotations, bridge_values
from choreoscope.motion.solve.evidence import PersonEvidence, ShotEvidence, StartPose
from choreoscope.motion.solve.mechanics import Layout
from choreoscope.motion.solve.state import BORDERS, Track, View

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_FOOT_COLUMNS = {"left_foot": 0, "left_toes": 1, "right_foot": 2, "right_toes": 3}


def moving_joints(model: BodyModel) -> np.ndarray:
    """Joints the shot solve turns: all but fingers, face and eyes."""
    left_out = (*_FINGERS, "jaw", "eye")
    return np.array(
        [at for at, name in enumerate(model.joints) if not any(part in name for part in left_out)]
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """The world in which a shot is solved: Y up as believed, origin at the first camera.

    Attributes
    ----------
    turn : (3, 3) float
        Solve world from the world of the camera's path.
    origin : (3,) float
        Of the solve world, in that of the path.
    """

    turn: np.ndarray
    origin: np.ndarray

    @classmethod
    def of(cls, evidence: ShotEvidence) -> "Stage":
        """Put it up for a shot."""
        up = evidence.floor.up / np.linalg.norm(evidence.floor.up)
        first = evidence.camera.camera_from_world[0]
        origin = -first[:3, :3].T @ first[:3, 3]
        level = rotation.to_matrix(rotation.between(up, np.array([0.0, 1.0, 0.0])))
        return cls(turn=level, origin=origin)

    def view(self, evidence: ShotEvidence, rows: np.ndarray) -> View:
        """Camera in some of the clip's rows."""
        camera = evidence.camera
        matrix = camera.camera_from_world[rows]
        centre = -np.einsum("tba,tb->ta", matrix[:, :3, :3], matrix[:, :3, 3])
        lens = camera.intrinsics[rows]
        return View(
            turn=matrix[:, :3, :3] @ self.turn.T,
            centre=(centre - self.origin) @ self.turn.T,
            focal=np.stack([lens[:, 0, 0], lens[:, 1, 1]], axis=-1),
            middle=lens[:, :2, 2].copy(),
        )


def ground_points(model: BodyModel) -> BodyPoints:
    """Points that can touch the floor.

    Raises
    ------
    InputError
        If the body does not say where its soles are.
    """
    sets = [model.points[name] for name in ("soles", "contacts") if name in model.points]
    if "soles" not in model.points:
        raise InputError(
            f"body {model.name}: it has no point set 'soles', so feet cannot be put on a floor; "
            "use a house body"
        )
    return joined(*(points_of_regressor(model, one) for one in sets))


def track_of(
    evidence: PersonEvidence, shot: ShotEvidence, stage: Stage, start: StartPose, scale: float
) -> Track:
    """Begin with one person.

    Parameters
    ----------
    evidence : PersonEvidence
        At least one row.
    shot : ShotEvidence
        For camera and times.
    stage : Stage
        World.
    start : StartPose
        First guess.
    scale : float
        Size of the camera's path.

    Returns
    -------
    Track
        One row per source frame; frames without the person are bridged, with no information.
    """
    frames = evidence.frames
    first, count = int(frames[0]), int(frames[-1] - frames[0] + 1)
    at = frames - first
    known = np.zeros(count, dtype=bool)
    known[at] = True
    rows = np.arange(first, first + count) - shot.times.first_frame
    times, view = shot.times.seconds[rows], stage.view(shot, rows)
    model, joints = evidence.model, moving_joints(evidence.model)
    turn = rotation.from_matrix(np.swapaxes(view.turn, -1, -2))[at]
    world = np.einsum("tba,tb->ta", view.turn[at], start.root) + scale * view.centre[at]
    turned = start.rotations.copy()
    turned[:, 0] = rotation.multiply(turn, turned[:, 0])
    ground = ground_points(model)
    told, pinned = _told(evidence, ground, count, at)

    def spread(values: np.ndarray) -> np.ndarray:
        whole = np.zeros((count, *values.shape[1:]))
        whole[at] = values
        return whole

    rotations = rotation.identity(count, len(model.joints))
    rotations[at] = turned
    root = bridge_values(times, spread(world), known)
    rotations = bridge_rotations(
        times, rotations, np.repeat(known[:, None], rotations.shape[1], axis=1)
    )
    return Track(
        person=evidence.person,
        model=model,
        layout=Layout(joints=joints, shapes=len(start.shape), borders=len(BORDERS)),
        seen=evidence.points,
        ground=ground,
        mass=points_of_regressor(model, model.points["mass"]),
        joints=points_of_joints(model, tuple(model.joints[joint] for joint in joints)),
        first_frame=first,
        times=times,
        view=view,
        pixels=spread(np.where(np.isfinite(evidence.pixels), evidence.pixels, 0.0)),
        pixel_information=spread(_information(evidence.pixel_sigma)),
        places=spread(np.where(np.isfinite(evidence.places), evidence.places, 0.0)),
        place_information=spread(_information(evidence.place_sigma)),
        depth_ratio=evidence.depth_ratio,
        told=told,
        pinned=pinned,
        height=evidence.height,
        height_sigma=evidence.height_sigma,
        shape=np.array(start.shape),
        root=root,
        rotations=rotations,
        rest=rotations.copy(),
        rest_root=root.copy(),
        rest_shape=np.array(start.shape),
        confidence=spread(start.confidence),
        touching=np.zeros((count, len(ground))),
        support=np.zeros((count, len(ground))),
        flying=np.zeros(count, dtype=bool),
    )


def _information(sigma: np.ndarray) -> np.ndarray:
    seen = np.isfinite(sigma)
    return np.where(seen, 1 / np.square(np.where(seen, sigma, 1.0)), 0.0)


def _told(
    evidence: PersonEvidence, ground: BodyPoints, count: int, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Look up what is known by hand of every ground point: 1, 0 or NaN; whether it is pinned."""
    told = np.full((count, len(ground)), np.nan)
    pinned = np.zeros((count, len(ground)), dtype=bool)
    if evidence.feet is None:
        return told, pinned
    for column, name in enumerate(ground.names):
        side, _, end = name.partition("_")
        part = "foot" if end.startswith("heel") else "toes"
        if not end.startswith(("heel", "ball", "toe")):
            continue
        states = evidence.feet[:, _FOOT_COLUMNS[f"{side}_{part}"]]
        told[at, column] = np.where(states == FREE, np.nan, (states >= ON) * 1.0)
        pinned[at, column] = states == PINNED
    return told, pinned
