"""The 3D view's data: every person's points, packed small, and how to read them back.

Each person's points are stored as the root's position (float32) and the offsets from it in steps
of the same length (int16), little endian, base64. A step is far below a tenth of a millimetre
for anything of human size. `scene.js` reads exactly this.
"""

import base64
import dataclasses
import math
from collections.abc import Container, Iterable, Mapping
from typing import Any

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.body_npz import BodyFile
from choreoscope.viewer.figure import figure_of, figure_points, trail_joints
from choreoscope.viewer.palette import PersonColour
from choreoscope.viewer.scene_bodies import BYTES_PER_JOINT, pack_body, pack_skin, real_bodies

MOST_FRAMES = 2000
MOST_BYTES = 3_000_000
"""Of packed points, before base64 makes a third more of it."""
_LONGEST = 32767


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PackedPerson:
    """One person as read back from a page.

    Attributes
    ----------
    first : int
        Index of the first row among the kept frames.
    points : (M, P, 3) float
        World, metres.
    confidence : (M,) float
        0 where filled in, else 1/255 to 1.
    """

    person: str
    first: int
    points: np.ndarray
    confidence: np.ndarray


def stride_for(
    motions: Mapping[str, Motion], frames: FrameRange, with_body: Container[str] = ()
) -> int:
    """How many source frames one kept frame stands for, so that the page stays small."""
    by_count = math.ceil(len(frames) / MOST_FRAMES)
    total = sum(
        motion.frame_count * _bytes_per_row(motion.skeleton, has_body=person in with_body)
        for person, motion in motions.items()
    )
    return max(1, by_count, math.ceil(total / MOST_BYTES))


def scene_of(
    motions: Mapping[str, Motion],
    camera: CameraTrack | None,
    colours: Mapping[str, PersonColour],
    frames: FrameRange,
    times: np.ndarray,
    bodies: Mapping[str, BodyFile] | None = None,
) -> dict[str, Any]:
    """Pack a clip for the 3D view.

    Parameters
    ----------
    motions : mapping of str to Motion
        By person.
    camera : CameraTrack or None
        One pose per clip frame, or a single one.
    colours : mapping of str to PersonColour
        For every person of `motions`.
    frames : FrameRange
        The clip's source frames.
    times : (len(frames),) float
        Seconds of the clip's frames from its first frame.
    bodies : mapping of str to BodyFile or None
        Bodies of those who have one; the others are drawn as jointed figures.

    Returns
    -------
    dict
        Ready for JSON.
    """
    meshes = real_bodies(motions, bodies or {})
    stride = stride_for(motions, frames, meshes)
    kept = np.arange(frames.start, frames.stop, stride)
    figures: list[dict[str, Any]] = []
    people, skins = [], _Skins()
    for person, motion in motions.items():
        figure = _figure_json(motion.skeleton)
        if figure not in figures:
            figures.append(figure)
        packed = _pack(person, motion, kept)
        packed["figure"] = figures.index(figure)
        packed["colour"] = colours[person].hex
        if person in meshes:
            packed["body"] = pack_body(motion, meshes[person], _rows(motion, kept)[1])
            packed["body"]["skin"] = skins.number(pack_skin(motion, meshes[person]))
        people.append(packed)
    return {
        "frames": {
            "start": frames.start,
            "count": len(frames),
            "stride": stride,
            "times": _base64(np.asarray(times[::stride], dtype="<f4")),
        },
        "figures": figures,
        "skins": skins.packed,
        "people": people,
        "camera": _camera_json(camera, stride),
        "floor": _floor(motions, people),
    }


def unpack_person(packed: Mapping[str, Any]) -> PackedPerson:
    """Read one person back, as the page's script does."""
    rows, points = int(packed["count"]), int(packed["points"])
    root = _numbers(packed["root"], "<f4").reshape(rows, 1, 3)
    local = _numbers(packed["local"], "<i2").reshape(rows, points, 3)
    return PackedPerson(
        person=str(packed["id"]),
        first=int(packed["first"]),
        points=root + local * float(packed["step"]),
        confidence=_numbers(packed["seen"], "u1") / 255.0,
    )


class _Skins:
    """Skins of bodies, each once."""

    def __init__(self) -> None:
        self.packed: list[dict[str, Any]] = []

    def number(self, skin: dict[str, Any]) -> int:
        if skin not in self.packed:
            self.packed.append(skin)
        return self.packed.index(skin)


def _rows(motion: Motion, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the kept frames the motion has, and its rows there."""
    rows = kept - motion.first_frame
    inside = np.flatnonzero((rows >= 0) & (rows < motion.frame_count))
    return inside, rows[inside]


def _pack(person: str, motion: Motion, kept: np.ndarray) -> dict[str, Any]:
    inside, rows = _rows(motion, kept)
    points = figure_points(motion)[rows]
    root = points[:, :1].astype("<f4")
    local = points - root
    largest = float(np.abs(local).max(initial=0.0))
    step = max(largest, 1e-6) / _LONGEST
    confidence = motion.confidence[rows]
    level = np.maximum(1.0, confidence.mean(axis=1) * 255)
    level[np.all(confidence == 0, axis=1)] = 0.0
    return {
        "id": person,
        "first": int(inside[0]) if len(inside) else 0,
        "count": len(rows),
        "points": points.shape[1],
        "step": step,
        "root": _base64(root),
        "local": _base64(np.rint(local / step).astype("<i2")),
        "seen": _base64(np.rint(level).astype("u1")),
    }


def _figure_json(skeleton: Skeleton) -> dict[str, Any]:
    figure = figure_of(skeleton)
    return {
        "trails": trail_joints(skeleton),
        "ends": figure.ends.tolist(),
        "radii": np.round(figure.radii, 4).tolist(),
        "sides": figure.sides.tolist(),
    }


def _camera_json(camera: CameraTrack | None, stride: int) -> dict[str, Any] | None:
    if camera is None or len(camera.camera_from_world) == 0:
        return None
    poses = camera.camera_from_world[:, :3, :]
    kept = poses[::stride] if len(poses) > 1 and np.ptp(poses, axis=0).max() > 0 else poses[:1]
    focal = camera.intrinsics[0, 1, 1]
    return {
        "width": camera.width,
        "height": camera.height,
        "focal": round(float(focal), 3),
        "centre": [round(float(value), 3) for value in camera.intrinsics[0, :2, 2]],
        "count": len(kept),
        "poses": _base64(kept.astype("<f4")),
    }


def _floor(motions: Mapping[str, Motion], people: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Where to look: the middle of the paths, how far they reach, how high heads come."""
    heights = [
        float(np.percentile(unpack_person(packed).points[..., 1].max(axis=1), 98))
        for packed in people
        if packed["count"]
    ]
    spots = [motion.root_position[:, (0, 2)] for motion in motions.values()]
    together = np.concatenate(spots) if spots else np.zeros((1, 2))
    low, high = np.percentile(together, (1, 99), axis=0)
    reach = float(np.clip(np.max(high - low) / 2 + 1.5, 2.0, 40.0))
    middle = (low + high) / 2
    return {
        "x": round(float(middle[0]), 3),
        "z": round(float(middle[1]), 3),
        "reach": round(reach, 3),
        "top": round(float(np.clip(max(heights, default=0.0), 1.8, 30.0)), 3),
    }


def _bytes_per_row(skeleton: Skeleton, *, has_body: bool) -> int:
    points = int(figure_of(skeleton).ends.max(initial=0)) + 1
    return points * 6 + 13 + has_body * BYTES_PER_JOINT * len(skeleton.joints)


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _numbers(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=kind)
