"""A small dancer and a whole report's data, made without any other part of the house."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from viewer_builders import (
    JPEG,
    MakeData,
    MakeMotion,
    camera_track,
    entry_of,
    film,
    manifest,
)

from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import Licence, Tier
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.viewer.report_data import Decision, ModelUse, ReportData, Thumbnail

_BONES: dict[str, tuple[str, tuple[float, float, float]]] = {
    "pelvis": ("", (0, 0.95, 0)),
    "spine": ("pelvis", (0, 0.15, 0)),
    "chest": ("spine", (0, 0.2, 0)),
    "neck": ("chest", (0, 0.18, 0)),
    "head": ("neck", (0, 0.12, 0)),
    "left_upper_arm": ("chest", (0.18, 0.12, 0)),
    "left_forearm": ("left_upper_arm", (0.28, 0, 0)),
    "left_hand": ("left_forearm", (0.25, 0, 0)),
    "left_thigh": ("pelvis", (0.1, 0, 0)),
    "left_shin": ("left_thigh", (0, -0.44, 0)),
    "left_foot": ("left_shin", (0, -0.44, 0)),
}
_TIPS = {"head": (0, 0.15, 0), "left_hand": (0.17, 0, 0), "left_foot": (0, -0.06, 0.2)}


def _other(name: str) -> str:
    return name.replace("left_", "right_")


@pytest.fixture(scope="session")
def skeleton() -> Skeleton:
    bones = dict(_BONES)
    tips = dict(_TIPS)
    for name, (parent, (x, y, z)) in _BONES.items():
        if name.startswith("left_"):
            bones[_other(name)] = (_other(parent), (-x, y, z))
    for name, (x, y, z) in _TIPS.items():
        tips[_other(name)] = (-x, y, z) if name.startswith("left_") else (x, y, z)
    names = list(bones)
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    rest[:, :3, 3] = [place for _, place in bones.values()]
    mirrored = {name: _other(name) for name in names if name.startswith("left_")}
    mirrored |= {right: left for left, right in mirrored.items()}
    return Skeleton(
        name="test",
        joints=tuple(names),
        parents=np.array([names.index(parent) if parent else -1 for parent, _ in bones.values()]),
        rest_local=rest,
        tips=np.array([tips.get(name, (np.nan,) * 3) for name in names]),
        mirror=np.array([names.index(mirrored.get(name, name)) for name in names]),
    )


@pytest.fixture(scope="session")
def make_motion(skeleton: Skeleton) -> MakeMotion:
    """``make_motion(frames, first, at, unseen)``: a dancer who walks along x and waves."""

    def make(
        frames: int = 40,
        first: int = 0,
        at: tuple[float, float] = (0.0, 0.0),
        unseen: tuple[int, ...] = (),
    ) -> Motion:
        joints = len(skeleton.joints)
        times = (first + np.arange(frames)) / 25.0
        turns = np.zeros((frames, joints, 4))
        turns[..., 0] = 1.0
        swing = 0.6 * np.sin(times * 4)
        for name, sign in (("left_upper_arm", 1.0), ("right_upper_arm", -1.0)):
            joint = skeleton.index(name)
            turns[:, joint, 0] = np.cos(swing / 2)
            turns[:, joint, 3] = sign * np.sin(swing / 2)
        root = np.stack([at[0] + 0.4 * times, np.full(frames, 0.95), np.full(frames, at[1])], -1)
        confidence = np.full((frames, joints), 0.8)
        confidence[list(unseen)] = 0.0
        return Motion(
            skeleton=skeleton,
            rate=Fraction(25),
            first_frame=first,
            times=times,
            root_position=root,
            rotations=turns,
            confidence=confidence,
        )

    return make


@pytest.fixture(scope="session")
def make_data(make_motion: MakeMotion) -> MakeData:
    """``make_data(**changes)``: two people, nothing missing, unless told otherwise."""

    def make(**changes: Any) -> ReportData:
        video = changes.get("video", film())
        frames = changes.get("frames", FrameRange(0, video.frame_count))
        base: dict[str, Any] = {
            "video": video,
            "clip_id": "clip-001",
            "frames": frames,
            "people": (
                entry_of("person-1", make_motion(40)),
                entry_of("person-2", make_motion(25, first=10, at=(1.0, -1.0))),
            ),
            "camera": camera_track(),
            "camera_note": "The lens is assumed.",
            "stages": ("observe", "motion"),
            "manifests": {name: manifest(name, frames) for name in ("observe", "motion")},
            "tier": Tier.COMMERCIAL,
            "made_with": "Choreoscope 0",
            "notes": ("a remark",),
            "decisions": (Decision(person="person-1", text="joined two tracks", score=0.9),),
            "models": (
                ModelUse(
                    name="net.tflite",
                    version="1",
                    task="people",
                    licence=Licence(name="Apache-2.0", tier=Tier.COMMERCIAL, notice="by somebody"),
                ),
            ),
            "thumbnails": (Thumbnail(frame=5, seconds=0.2, jpeg=JPEG, width=4, height=3),),
            "overlay": "overlay.mp4",
        }
        return ReportData(**(base | changes))

    return make
