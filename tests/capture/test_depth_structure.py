"""Depth from the background of a travelling camera, in a room whose planes are known."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import camera_scenes
import cv2
import numpy as np
import pytest
from depth_shots import stage_shot

from choreoscope.capture.depth.bodies import people_mask
from choreoscope.capture.depth.scene_points import (
    ScenePoints,
    points_of_pictures,
    structure_evidence,
    travels,
)
from choreoscope.capture.depth.structure_model import StructureDepth, StructureOptions
from choreoscope.capture.passes.interfaces import PassFrame, Performer, ShotContext
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import RunSettings
from choreoscope.formats.video import probe
from choreoscope.geometry.masks import encode_patch
from choreoscope.geometry.unprojection import rays_of_lens
from choreoscope.pipeline.backends import backend
from choreoscope.rendering.scene import view_of

COUNT = 20
FLOOR_Y = 1.5
"""Of the room, whose y runs down."""
SIZE = camera_scenes.SIZE
ROOM: tuple[camera_scenes.Plane, ...] = (
    ((-5.0, -4.5, 6.0), (10.0, 0.0, 0.0), (0.0, 6.0, 0.0)),
    ((-5.0, 1.5, 6.0), (10.0, 0.0, 0.0), (0.0, 0.0, -5.0)),
    ((-1.3, -0.2, 4.0), (1.0, 0.0, 0.0), (0.0, 1.7, 0.0)),
)
"""Wall, floor and a board before the wall."""


def track_of(path: camera_scenes.Shot) -> CameraTrack:
    """The camera in the house's world: y up, the room's floor at 0."""
    house_from_room = np.diag([1.0, -1.0, -1.0, 1.0])
    house_from_room[1, 3] = FLOOR_Y
    matrices = np.tile(np.eye(4), (COUNT, 1, 1))
    matrices[:, :3, :3] = path.rotations
    matrices[:, :3, 3] = -np.einsum("tij,tj->ti", path.rotations, path.centres)
    lenses = np.tile(np.eye(3), (COUNT, 1, 1))
    lenses[:, 0, 0] = lenses[:, 1, 1] = path.focals
    lenses[:, 0, 2], lenses[:, 1, 2] = SIZE[0] / 2, SIZE[1] / 2
    return CameraTrack(
        width=SIZE[0],
        height=SIZE[1],
        intrinsics=lenses,
        camera_from_world=matrices @ np.linalg.inv(house_from_room),
        distortion=np.zeros(0),
        source="given",
        metric=True,
    )


def room_shot(path: camera_scenes.Shot) -> ShotContext:
    return ShotContext(
        size=SIZE, rate=Fraction(25), frames=FrameRange(0, COUNT), camera=track_of(path)
    )


def track_centre(shot: ShotContext) -> np.ndarray:
    """Where the camera of the first frame stands."""
    matrix = shot.camera.camera_from_world[0]
    return -matrix[:3, :3].T @ matrix[:3, 3]


def film_of(path: camera_scenes.Shot) -> list[np.ndarray]:
    return [cv2.cvtColor(one, cv2.COLOR_GRAY2RGB) for one in camera_scenes.pictures(path, ROOM)]


def true_depth(path: camera_scenes.Shot, frame: int) -> np.ndarray:
    """Depth of the room's planes along the rays of a frame."""
    lens = view_of(track_of(path), frame).lens
    rays = np.concatenate([rays_of_lens(lens), np.ones((*SIZE[::-1], 1))], axis=-1)
    world = rays @ path.rotations[frame]
    nearest = np.full(SIZE[::-1], np.inf)
    for origin, right, down in ROOM:
        normal = np.cross(right, down)
        away = np.array(origin) - path.centres[frame]
        depth = (away @ normal) / (world @ normal)
        on = world * depth[..., None] - away
        inside = np.ones(SIZE[::-1], dtype=bool)
        for side in (np.array(right), np.array(down)):
            share = on @ side / (side @ side)
            inside &= (share >= 0) & (share <= 1)
        nearest = np.where(inside & (depth > 0) & (depth < nearest), depth, nearest)
    return nearest


@pytest.fixture(scope="module")
def travelling() -> tuple[camera_scenes.Shot, ShotContext, list[np.ndarray], ScenePoints]:
    path = camera_scenes.shot(COUNT, x=1.2, z=0.3)
    shot, film = room_shot(path), film_of(path)
    return path, shot, film, found(shot, film)


def found(shot: ShotContext, film: list[np.ndarray]) -> ScenePoints:
    return points_of_pictures(enumerate(film), np.arange(COUNT) / 25.0, shot, SIZE)


Travelling = tuple[camera_scenes.Shot, ShotContext, list[np.ndarray], ScenePoints]


def test_points_lie_where_the_room_is(travelling: Travelling) -> None:
    path, shot, _, scene = travelling
    evidence = structure_evidence(scene, shot, [0, 10, 19])
    assert len(evidence) > 100
    truth = {frame: true_depth(path, frame) for frame in (0, 10, 19)}
    x, y = evidence.pixels.astype(int).T
    seen = np.array(
        [truth[at][row, column] for at, row, column in zip(evidence.frames, y, x, strict=True)]
    )
    off = np.abs(evidence.metres / seen - 1)
    assert np.median(off) < 0.01
    assert np.percentile(off, 90) < 0.08
    assert np.mean(off < 3 * evidence.sigma) > 0.8


def test_twice_the_path_is_twice_the_depth(travelling: Travelling) -> None:
    """Control: the scale is the camera's, not a guess."""
    _, shot, film, scene = travelling
    grown = shot.camera.camera_from_world.copy()
    grown[:, :3, 3] *= 2.0
    twice = dataclasses.replace(
        shot, camera=dataclasses.replace(shot.camera, camera_from_world=grown)
    )
    far = np.linalg.norm(found(twice, film).points - track_centre(twice), axis=1)
    near = np.linalg.norm(scene.points - track_centre(shot), axis=1)
    assert np.median(far) / np.median(near) == pytest.approx(2.0, rel=0.02)


def test_pictures_of_depth(travelling: Travelling) -> None:
    path, shot, film, scene = travelling
    model = StructureDepth(StructureOptions())
    with pytest.raises(InputError, match="start"):
        model.infer([], None)
    model.take(scene, shot)
    answers, _ = model.infer([PassFrame(frame=10, picture=film[10])], None)
    depth, truth = answers[0]["depth"], true_depth(path, 10)
    assert depth.shape == SIZE[::-1]
    assert depth.dtype == np.float32
    known = np.isfinite(truth)
    assert np.isfinite(depth[known]).mean() > 0.99
    off = np.abs(depth[known] / truth[known] - 1)
    assert np.median(off) < 0.02
    assert np.mean(off) < 0.12
    # Control: in a mirrored picture the room is elsewhere.
    assert np.mean(np.abs(depth[:, ::-1][known] / truth[known] - 1)) > 2 * np.mean(off)
    assert "proxy" in model.notes[0]
    assert model.depth_space == "metric"
    assert model.model_cpu_seconds > 0


def test_cameras_that_do_not_serve_are_refused() -> None:
    still = room_shot(camera_scenes.shot(COUNT, pan=5.0))
    assert not travels(still.camera)
    with pytest.raises(InputError, match="stays in its place"):
        found(still, [])
    moving = room_shot(camera_scenes.shot(COUNT, x=1.0))
    assert travels(moving.camera)
    unscaled = dataclasses.replace(moving, camera=dataclasses.replace(moving.camera, metric=False))
    with pytest.raises(InputError, match="scale is unknown"):
        found(unscaled, [])
    with pytest.raises(InputError, match="solves none"):
        found(dataclasses.replace(moving, camera=None), [])
    bare = [np.full((*SIZE[::-1], 3), 90, dtype=np.uint8)] * COUNT
    with pytest.raises(InputError, match="points of the background could be placed"):
        found(moving, bare)


def test_a_person_who_fills_the_picture_hides_the_background(travelling: Travelling) -> None:
    """Points on people are not followed: where everything is a person there are none."""
    _, shot, film, _ = travelling
    whole = encode_patch(np.ones(SIZE[::-1], dtype=bool), 0, 0, *SIZE)
    person = Performer(
        person="P01",
        boxes_xyxy={frame: np.array([0.0, 0, *SIZE]) for frame in range(COUNT)},
        masks=dict.fromkeys(range(COUNT), whole),
    )
    with pytest.raises(InputError, match="only 0 points"):
        found(dataclasses.replace(shot, performers={"P01": person}), film)


def test_the_back_end_looks_through_the_film(travelling: Travelling, tmp_path: Path) -> None:
    _, shot, film, _ = travelling
    for number, picture in enumerate(film):
        cv2.imwrite(str(tmp_path / f"{number:04d}.png"), picture)
    model = backend("depth", "structure").load({}, RunSettings(workers=1), {"floor": False})
    with pytest.raises(InputError, match="none was given"):
        model.start(shot)
    model.start(dataclasses.replace(shot, film=probe(tmp_path, rate=Fraction(25))))
    answers, _ = model.infer([PassFrame(frame=0, picture=film[0])], None)
    assert np.isfinite(answers[0]["depth"]).all()
    with pytest.raises(InputError, match="longest_side"):
        StructureOptions(longest_side=1)
    with pytest.raises(InputError, match="above 0"):
        StructureOptions(reach=0.0)


def test_bodies_stand_before_the_background(travelling: Travelling) -> None:
    _, _, film, scene = travelling
    people, truth = stage_shot(people=1)
    model = StructureDepth(StructureOptions())
    # The room's points with the other shot's camera and dancer: only the dancer is looked at.
    model.take(scene, people)
    picture = cv2.resize(film[0], people.size)
    answers, _ = model.infer([PassFrame(frame=0, picture=picture)], None)
    inside = people_mask(list(people.performers.values()), 0, people.size)
    off = np.abs(answers[0]["depth"][inside] / truth[0][inside] - 1)
    # The other detail of the same body covers a few pixels of the edge less.
    assert np.mean(off < 0.03) > 0.9
