"""A filmed shot whose depth is known at every pixel, as the depth stages are handed it."""

import dataclasses
import functools
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from proxy_shots import body_file, camera

from choreoscope.capture.passes.interfaces import Performer, ShotContext
from choreoscope.capture.passes.proxy_options import ProxyOptions
from choreoscope.capture.passes.proxy_scene import FLOOR, ProxyScene
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.video import probe
from choreoscope.geometry import rotation
from choreoscope.geometry.masks import box_xyxy, encode
from choreoscope.motion.bodies.house import house_body
from choreoscope.motion.skeletons import CONTACT_JOINTS

SIZE = (208, 117)
WALL = 7.5
COUNT = 16


def walker(side: float, count: int = COUNT) -> Motion:
    """Somebody who stands and turns, arms down, 3.2 to 4.6 m away, always on both feet."""
    model = house_body("adult", "low")
    skeleton = model.skeleton(np.zeros(2))
    joints = len(skeleton.joints)
    rotations = rotation.identity(count, joints)
    rotations[:, 0] = rotation.from_rotation_vector(
        np.stack([np.zeros(count), np.pi + 0.3 * np.sin(np.arange(count) / 5), np.zeros(count)], 1)
    )
    for name, sign in (("left_upper_arm", -1.0), ("right_upper_arm", 1.0)):
        rotations[:, skeleton.index(name)] = rotation.from_rotation_vector(
            np.array([0.0, 0.0, sign * 1.2])
        )
    hips = model.rest_joints(np.zeros(2))[0]
    places = np.stack(
        [
            np.full(count, side),
            np.zeros(count),
            3.9 + 0.7 * np.sin(np.arange(count) / 8 + side),
        ],
        axis=1,
    )
    return Motion(
        skeleton=skeleton,
        rate=Fraction(25),
        first_frame=0,
        times=np.arange(count) / 25.0,
        root_position=places + hips,
        rotations=rotations,
        confidence=np.ones((count, joints)),
        contacts=np.ones((count, len(CONTACT_JOINTS))),
        contact_joints=CONTACT_JOINTS,
    )


@functools.cache
def stage_shot(people: int = 2, count: int = COUNT) -> tuple[ShotContext, tuple[np.ndarray, ...]]:
    """What is known of the shot, and its true depth: floor, a wall, performers."""
    track = camera(count, height=1.5, pitch=0.15, focal=170.0, size=SIZE)
    shot = ShotContext(
        size=SIZE,
        rate=Fraction(25),
        frames=FrameRange(0, count),
        camera=track,
        performers={
            f"P{number + 1:02d}": Performer(
                person=f"P{number + 1:02d}",
                boxes_xyxy={},
                masks={},
                motion=walker(0.8 * number - 0.4, count),
                body=body_file(f"P{number + 1:02d}"),
            )
            for number in range(people)
        },
    )
    seen = list(ProxyScene(shot, ProxyOptions(detail="low")).pictures(range(count)))
    # The wall stands across the camera's axis, so its depth is the same everywhere.
    truth = tuple(np.minimum(one.depth, np.float32(WALL)) for one in seen)
    performers = {}
    for number, (name, one) in enumerate(sorted(shot.performers.items()), start=FLOOR + 1):
        masks = {frame: encode(picture.instance == number) for frame, picture in enumerate(seen)}
        boxes = {frame: box_xyxy(mask) for frame, mask in masks.items()}
        performers[name] = dataclasses.replace(one, masks=masks, boxes_xyxy=boxes)
    return dataclasses.replace(shot, performers=performers), truth


def empty_shot(count: int = 4) -> ShotContext:
    """Nobody is there."""
    shot, _ = stage_shot()
    track = dataclasses.replace(
        shot.camera,
        intrinsics=shot.camera.intrinsics[:count],
        camera_from_world=shot.camera.camera_from_world[:count],
    )
    return dataclasses.replace(shot, camera=track, performers={}, frames=FrameRange(0, count))


class DepthJob:
    """As much of a job as the depth stages ask for."""

    def __init__(self, folder: Path, shot: ShotContext, options: Any, model: Any = None) -> None:
        film = folder / "film"
        if not film.is_dir():
            film.mkdir()
            for frame in shot.frames:
                picture = np.full((shot.size[1], shot.size[0], 3), frame, dtype=np.uint8)
                cv2.imwrite(str(film / f"{frame:04d}.png"), picture)
        self.video = probe(film, rate=Fraction(25))
        self.frames = shot.frames
        self.windows = (shot.frames,)
        self.options = options
        self.settings = SimpleNamespace(workers=1, processes=1, batch=8)
        self.notes: list[str] = []
        self.lost: list[tuple[FrameRange, str]] = []
        self.done: list[FrameRange] = []
        self._folder, self._model = folder, model

    def model(self) -> Any:
        return self._model

    def input(self, kind: str) -> Path:
        return self._folder / f"{kind}.json"

    def inputs(self, kind: str) -> Mapping[str, Path]:
        found = sorted((self._folder / kind).glob("*"))
        return {path.stem.rpartition(".")[2]: path for path in found}

    def previous(self, kind: str) -> Mapping[str, Path]:
        return self.inputs(kind)

    def output(self, kind: str, *, frame: int | None = None, window: str | None = None) -> Path:
        if frame is None and window is None:
            return self._folder / f"{kind}.json"
        (self._folder / kind).mkdir(exist_ok=True)
        name = f"{window}.npz" if frame is None else f"{kind}.{frame:06d}.exr"
        return self._folder / kind / name

    def progress(self, done: int, total: int, unit: str) -> None:
        assert 0 < done <= total
        assert unit == "frame"

    def note(self, text: str) -> None:
        self.notes.append(text)

    def failed(self, frames: FrameRange, why: str) -> None:
        self.lost.append((frames, why))

    def commit(self, done: FrameRange) -> None:
        self.done.append(done)
