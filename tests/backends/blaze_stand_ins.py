"""A made-up world for the follower: people are known, networks are looked up instead of run."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from choreoscope.backends.people.blaze import follow, stream
from choreoscope.backends.people.blaze.crops import Crop
from choreoscope.backends.people.blaze.detector import Detection
from choreoscope.backends.people.blaze.landmarks import Pose
from choreoscope.datatypes.people import PersonObservation

SIDE = 200.0
WIDTH, HEIGHT = 1280, 720
Place = tuple[float, float, float]
"""Hips in pixels, and the lean of the body in radians."""


def pose_at(place: Place, crop: Crop, *, score: float = 1.0, side: float = SIDE) -> Pose:
    """A body with its hips at a place, as a crop that sees it would give it."""
    x, y, angle = place
    own = Crop(x, y, side, angle)
    points = own.to_picture(np.random.default_rng(7).uniform(0.3, 0.7, (33, 2)), 1)
    points[[23, 24]] = (x, y)
    mask = np.full((256, 256), -5.0, dtype=np.float32)
    cells = np.indices((256, 256)).reshape(2, -1).T[:, ::-1] + 0.5
    inside = np.abs(own.from_picture(crop.to_picture(cells, 256), 1) - 0.5).max(axis=1) < 0.22
    mask.reshape(-1)[inside] = 5.0
    return Pose(
        crop=crop,
        next_crop=own,
        score=score,
        points_px=points,
        points_m=np.zeros((33, 3)),
        visibility=np.full(33, 0.9),
        pixels_per_metre=side / 2,
        pixels=np.zeros((256, 256, 3), dtype=np.uint8),
        mask_logits=mask,
    )


class World:
    """Where everybody is in each frame; the number of the frame is written into the picture."""

    def __init__(self, places: Mapping[int, Sequence[Place]]) -> None:
        self.places = places
        self.blind_to_turns = math.pi / 4
        self.delays: dict[str, float] = {}
        self.observed: list[int] = []

    def frames(self, start: int, stop: int) -> Iterator[tuple[int, np.ndarray]]:
        for frame in range(start, stop):
            picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
            picture[0, 0, 0] = frame
            yield frame, picture

    def everybody(self, picture: np.ndarray) -> Sequence[Place]:
        return self.places.get(int(picture[0, 0, 0]), ())

    def detect(
        self,
        net: Any,  # noqa: ARG002 - called as the real one is
        picture: np.ndarray,
        window: Crop,
        threshold: float,  # noqa: ARG002
    ) -> list[Detection]:
        """See the upright people in a window."""
        time.sleep(self.delays.get("detect", 0))
        out = []
        for x, y, angle in self.everybody(picture):
            near = max(abs(x - window.x), abs(y - window.y)) < window.side / 2
            if near and abs(angle) < self.blind_to_turns:
                head = (x - 10, y - 60, x + 10, y - 40)
                out.append(Detection(0.9, head, (x, y), (x, y - SIDE / 2.5)))
        return out

    def read_pose(
        self,
        net: Any,  # noqa: ARG002
        picture: np.ndarray,
        crop: Crop,
    ) -> Pose:
        """See the nearest body whose head is up in the crop."""
        time.sleep(self.delays.get("read_pose", 0))
        seen = [
            (math.dist((x, y), crop[:2]), (x, y, angle))
            for x, y, angle in self.everybody(picture)
            if math.dist((x, y), crop[:2]) < 0.3 * crop.side
            and math.cos(angle - crop.angle) > math.cos(self.blind_to_turns)
        ]
        if not seen:
            return pose_at((crop.x, crop.y, crop.angle), crop, score=0.0)
        return pose_at(min(seen)[1], crop)

    def observe(
        self,
        nets: Any,  # noqa: ARG002
        picture: np.ndarray,
        tracklet: int,
        pose: Pose,
    ) -> PersonObservation:
        time.sleep(self.delays.get("observe", 0))
        self.observed.append(int(picture[0, 0, 0]))
        return PersonObservation(
            tracklet=tracklet,
            box_xyxy=np.zeros(4),
            score=pose.score,
            points_px=pose.points_px,
            points_m=pose.points_m,
            visibility=pose.visibility,
            hands_px=np.full((2, 21, 2), np.nan),
            hands_m=np.full((2, 21, 3), np.nan),
            hands_score=np.zeros(2),
            face_px=None,
            appearance=np.ones(1),
            mask=None,
        )

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(follow, "detect", self.detect)
        monkeypatch.setattr(follow, "read_pose", self.read_pose)
        monkeypatch.setattr(stream, "observe", self.observe)


class NoNets:
    """Stands where the networks would."""

    detector = body = hand = face = None
