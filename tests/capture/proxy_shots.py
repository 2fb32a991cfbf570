"""Shots whose bodies, floor and camera are known, as a pass model is told of them."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from choreoscope.capture.passes.interfaces import (
    Answer,
    PassFrame,
    PassModel,
    Performer,
    ShotContext,
)
from choreoscope.datatypes.camera import CameraTrack, Lens
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.body_npz import BodyFile
from choreoscope.geometry import rotation
from choreoscope.geometry.projection import project
from choreoscope.motion.bodies.house import house_body
from choreoscope.motion.bodies.posing import posed_vertices

SIZE = (160, 90)
SHAPE = np.zeros(2)
EYE_HEIGHT = 1.2


def camera(
    frames: int = 1,
    *,
    height: float = EYE_HEIGHT,
    pitch: float = 0.0,
    pan: float = 0.0,
    focal: float = 120.0,
    size: tuple[int, int] = SIZE,
    distortion: Sequence[float] = (),
) -> CameraTrack:
    """At x = z = 0, looking along +Z and down by `pitch`, turned right by `pan` each frame."""
    matrices = np.tile(np.eye(4), (frames, 1, 1))
    level = np.diag([-1.0, -1.0, 1.0])
    down = rotation.to_matrix(rotation.from_rotation_vector(np.array([pitch, 0.0, 0.0])))
    for frame in range(frames):
        aside = rotation.to_matrix(rotation.from_rotation_vector(np.array([0.0, -pan * frame, 0])))
        matrices[frame, :3, :3] = down @ aside @ level
        matrices[frame, :3, 3] = -matrices[frame, :3, :3] @ [0.0, height, 0.0]
    width, tall = size
    one = np.array([[focal, 0.0, width / 2], [0.0, focal, tall / 2], [0.0, 0.0, 1.0]])
    return CameraTrack(
        width=width,
        height=tall,
        intrinsics=np.tile(one, (frames, 1, 1)),
        camera_from_world=matrices,
        distortion=np.array(distortion, dtype=np.float64),
        source="given",
        metric=True,
    )


def motion(
    places: Sequence[tuple[float, float, float]],
    turn: tuple[float, float, float] = (0.0, np.pi, 0.0),
    *,
    seen: Sequence[bool] | None = None,
) -> Motion:
    """Somebody in T pose, floor points of the body's origin by frame; by default facing us."""
    model = house_body("adult", "low")
    skeleton = model.skeleton(SHAPE)
    count, joints = len(places), len(skeleton.joints)
    rotations = np.tile(rotation.identity(), (count, joints, 1)).reshape(count, joints, 4)
    root = rotation.from_rotation_vector(np.array(turn))
    rotations[:, 0] = root
    hips = model.rest_joints(SHAPE)[0]
    confidence = np.ones((count, joints))
    if seen is not None:
        confidence[~np.array(seen)] = 0.0
    return Motion(
        skeleton=skeleton,
        rate=Fraction(25),
        first_frame=0,
        times=np.arange(count) / 25.0,
        root_position=np.array(places) + hips,
        rotations=rotations,
        confidence=confidence,
    )


def shot(
    track: CameraTrack, people: dict[str, Motion | None], *, bodies: bool = True
) -> ShotContext:
    """What a model is told."""
    return ShotContext(
        size=(track.width, track.height),
        rate=Fraction(25),
        frames=FrameRange(0, len(track.intrinsics)),
        camera=track,
        performers={
            name: Performer(
                person=name,
                boxes_xyxy={},
                masks={},
                motion=moves,
                body=body_file(name) if bodies and moves is not None else None,
            )
            for name, moves in people.items()
        },
    )


def body_file(person: str) -> BodyFile:
    return BodyFile(
        person=person,
        model="house-adult",
        shape=SHAPE,
        scale=1.0,
        stature=house_body("adult", "low").stature(SHAPE),
        tier="commercial",
    )


def answers(model: PassModel, context: ShotContext, frames: Sequence[int] = (0,)) -> list[Answer]:
    """Begin the shot and ask about some frames; no picture is looked at."""
    blank = np.zeros((context.size[1], context.size[0], 3), dtype=np.uint8)
    model.start(context)
    return model.infer([PassFrame(frame=frame, picture=blank) for frame in frames], None)[0]


def lens(track: CameraTrack) -> Lens:
    matrix = track.intrinsics[0]
    return Lens(
        width=track.width,
        height=track.height,
        fx=float(matrix[0, 0]),
        fy=float(matrix[1, 1]),
        cx=float(matrix[0, 2]),
        cy=float(matrix[1, 2]),
        distortion=track.distortion,
        source="given",
    )


def rays(track: CameraTrack) -> np.ndarray:
    """``(H, W, 3)`` of a pinhole's pixels, z = 1, camera axes."""
    one = lens(dataclasses.replace(track, distortion=np.zeros(0)))
    u, v = np.meshgrid(np.arange(one.width) + 0.5, np.arange(one.height) + 0.5)
    return np.stack([(u - one.cx) / one.fx, (v - one.cy) / one.fy, np.ones_like(u)], axis=-1)


def pixels_of(track: CameraTrack, moves: Motion, detail: str = "low") -> np.ndarray:
    """Where the vertices of the first frame's body are in the picture, ``(V, 2)``."""
    model = house_body("adult", "full" if detail == "full" else "low")
    placed = posed_vertices(model, SHAPE, moves.root_position[:1], moves.rotations[:1])[0]
    matrix = track.camera_from_world[0]
    return project(placed @ matrix[:3, :3].T + matrix[:3, 3], lens(track))


def box_of(inside: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom of what is true, pixel edges."""
    rows, columns = np.nonzero(inside)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
