"""A film, a camera, what was seen and done: pieces of a report's data."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from choreoscope.datatypes.artifacts import Manifest, WrittenFile
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.motion import Motion
from choreoscope.datatypes.people import PersonSequence
from choreoscope.datatypes.video import Audio, Colour, Video
from choreoscope.formats.body_npz import BodyFile
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.viewer.report_data import PersonEntry, ReportData

MakeMotion = Callable[..., Motion]
MakeData = Callable[..., ReportData]


def film(frames: int = 40, path: str = "/films/duet.mp4") -> Video:
    return Video(
        path=path,
        kind="film",
        width=640,
        height=360,
        rate=Fraction(25),
        pts=np.arange(frames) * 512,
        time_base=Fraction(1, 12800),
        rotation=0,
        codec="h264",
        colour=Colour(
            matrix="bt709", primaries="bt709", transfer="bt709", full_range=False, bits=8
        ),
        audio=Audio(codec="aac", sample_rate=48000, channels=2, seconds=1.6),
        declared_frames=frames,
        digest="0" * 64,
    )


def camera_track(frames: int = 1, *, eye: tuple[float, float, float] = (0, 1.5, 6)) -> CameraTrack:
    """Looks along -z; x to the right."""
    turn = np.diag([1.0, -1.0, -1.0])
    pose = np.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = -turn @ np.array(eye)
    lens = np.array([[600.0, 0, 320], [0, 600, 180], [0, 0, 1]])
    return CameraTrack(
        width=640,
        height=360,
        intrinsics=np.tile(lens, (frames, 1, 1)),
        camera_from_world=np.tile(pose, (frames, 1, 1)),
        distortion=np.zeros(0),
        source="assumed",
        metric=True,
    )


def sequence_of(person: str, frames: np.ndarray) -> PersonSequence:
    n = len(frames)
    return PersonSequence(
        person=person,
        frames=np.asarray(frames),
        boxes_xyxy=np.zeros((n, 4)),
        score=np.ones(n),
        points_px=np.zeros((n, 33, 2)),
        points_m=np.zeros((n, 33, 3)),
        visibility=np.full((n, 33), 0.7),
        hands_px=np.full((n, 2, 21, 2), np.nan),
        hands_m=np.full((n, 2, 21, 3), np.nan),
        hands_score=np.full((n, 2), 0.5),
    )


def dressed(
    stature: float,
    kind: str = "adult",
    *,
    frames: int = 8,
    first: int = 0,
    unseen: tuple[int, ...] = (),
) -> tuple[Motion, BodyFile]:
    """Somebody on the house's body who lowers and waves the arms, facing +z."""
    model = house_body(kind, "low")
    shape = shape_of_stature(model, stature)
    skeleton = model.skeleton(shape)
    times = (first + np.arange(frames)) / 25.0
    vectors = np.zeros((frames, len(skeleton.joints), 3))
    for name, sign in (("left_upper_arm", -1.0), ("right_upper_arm", 1.0)):
        vectors[:, skeleton.index(name), 2] = sign * (0.9 + 0.3 * np.sin(times * 4))
    confidence = np.full((frames, len(skeleton.joints)), 0.8)
    confidence[list(unseen)] = 0.0
    motion = Motion(
        skeleton=skeleton,
        rate=Fraction(25),
        first_frame=first,
        times=times,
        root_position=np.tile(skeleton.rest_local[0, :3, 3], (frames, 1)),
        rotations=rotation.from_rotation_vector(vectors),
        confidence=confidence,
    )
    body = BodyFile(
        person="p", model=model.name, shape=shape, scale=1.0, stature=stature, tier=model.tier
    )
    return motion, body


def entry_of(
    person: str,
    motion: Motion | None,
    frames: np.ndarray | None = None,
    body: BodyFile | None = None,
) -> PersonEntry:
    if frames is None:
        assert motion is not None
        seen = np.any(motion.confidence > 0, axis=1)
        frames = motion.first_frame + np.flatnonzero(seen)
    return PersonEntry(
        sequence=sequence_of(person, frames),
        motion=motion,
        height_m=1.7,
        height_source="assumed",
        body=body,
        files=(
            WrittenFile(
                kind="glb",
                path=f"people/{person}/{person}.glb",
                size=12345,
                sha256="0" * 64,
                person=person,
            ),
        ),
    )


def manifest(stage: str, frames: FrameRange, **changes: Any) -> Manifest:
    base: dict[str, Any] = {
        "stage": stage,
        "stage_version": 1,
        "fingerprint": "f" * 64,
        "backend": None,
        "options": {},
        "inputs": {},
        "files": (),
        "done": FrameSet.of([frames]),
        "failed": {},
        "notes": (),
        "seconds": 1.5,
        "cpu_seconds": 2.5,
        "model_cpu_seconds": 1.25,
        "tier": "commercial",
    }
    return Manifest(**(base | changes))


JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
