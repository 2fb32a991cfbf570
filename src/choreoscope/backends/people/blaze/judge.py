"""Whether a pose is a person, and whether two poses are one person.

The landmark network answers for any crop, and now and then it is sure of a tree. Limits were
measured on the poses of two people in 230 frames and on 50 false ones among them.
"""

import math
from collections.abc import Sequence

import numpy as np

from choreoscope.backends.people.blaze.crops import Crop
from choreoscope.backends.people.blaze.detector import Detection
from choreoscope.backends.people.blaze.landmarks import Pose
from choreoscope.backends.people.blaze.state import Followed

GROWTH = 2.0
"""Change of the crop from one frame to the next; true people stay between 0.92 and 1.12."""
MARGIN = 0.25
"""How far out of the picture hips may lie, as a share of the crop."""

SHRUNK = 0.88
CUT, CUT_BORDER, SIDE_BORDER = 0.15, 0.02, 0.12
"""Share of points near the picture's side, and what near means for points and for the hips, as
shares of the crop. The woman who walks out of the demo clip shrinks to 0.83 in four frames."""

START_SCORE = 0.8
"""99 of 100 true poses score above 0.93, but half of the false ones score above 0.95 too."""
SEEN = 0.5
START_POINTS = 8
START_ON_MASK = 0.65
"""Share of the visible points on the mask: true people 0.71 to 1, half of the false ones less."""
START_STEADY = 0.028
START_STEADY_LEANING = 0.015
STEADY = 0.035
"""Limits of `unsteadiness`: to start, to start leaning, and to be taken for somebody lost."""
LEANING = 0.4
SPINNING = 0.04
"""Radians, and radians for each frame."""

SAME_POINTS = 0.06
COVERED = 0.5
SAME_HIPS = 0.07
"""How near points or hips of one body lie (shares of the crop), and how much masks overlap. With
hips, 0.15 hid people who walk side by side."""
NEAR = 0.3
RESCALED = 1.5
"""How far somebody lost may have come, and by how much their size may have changed."""


def plausible(pose: Pose, shape: tuple[int, ...], least_score: float) -> bool:
    """Whether a pose may be a person: scored, of steady size, hips in or near the picture."""
    height, width = shape[:2]
    x, y = pose.hips
    margin = MARGIN * pose.crop.side
    growth = pose.next_crop.side / pose.crop.side
    return bool(
        pose.score > least_score
        and 1 / GROWTH < growth < GROWTH
        and -margin < x < width + margin
        and -margin < y < height + margin
    )


def squeezed(pose: Pose, one: Followed, shape: tuple[int, ...]) -> bool:
    """Whether a body cut off by the picture's side was made to fit into what is left of it.

    Somebody walking out seems to shrink all at once, and their feet come up to their hips.
    """
    if pose.pixels_per_metre > SHRUNK * one.scale:
        return False
    width = shape[1]
    points = pose.points_px[:, 0]
    near = CUT_BORDER * pose.crop.side
    cut = ((points < near) | (points > width - near)).mean() > CUT
    x = float(pose.hips[0])
    return bool(cut or min(x, width - x) < SIDE_BORDER * pose.crop.side)


def convincing(pose: Pose, shape: tuple[int, ...]) -> bool:
    """Whether a pose may start or resume a tracklet.

    It must be sure, with enough points seen, those on the mask, and the hips not out of the
    picture at a side: somebody coming in is read wrongly until they are in.
    """
    seen = pose.visibility > SEEN
    return bool(
        pose.score > START_SCORE
        and 0 < pose.hips[0] < shape[1]
        and seen.sum() >= START_POINTS
        and pose.person_at(pose.points_px[seen]).mean() > START_ON_MASK
    )


def disturbed(crop: Crop, sign: int) -> Crop:
    """Return a crop a little beside, of other size and turned: a true pose does not depend on it.

    Parameters
    ----------
    crop : Crop
        The crop that shows the body well.
    sign : {1, -1}
        Two ways to disturb it.
    """
    shift = sign * 0.05 * crop.side
    return Crop(
        crop.x + shift,
        crop.y - shift,
        (1.12 if sign > 0 else 0.9) * crop.side,
        crop.angle + sign * 0.15,
    )


def unsteadiness(pose: Pose, others: Sequence[Pose]) -> float:
    """Return how far a pose moves when its crop is disturbed, as a share of the crop.

    True poses: 0.003 to 0.02, in a somersault up to 0.035. Clothes on a chair, trees, bodies read
    upside down: mostly above 0.04. One when a disturbed crop shows nobody at all.
    """
    if any(other.score < START_SCORE for other in others):
        return 1.0
    return float(np.mean([apart(pose, other) for other in others]))


def steady_enough(pose: Pose, moved: float) -> bool:
    """Whether a pose that moved so much under disturbance may start a tracklet.

    Clothes left lying are mostly read as people who lean, so those must be steadier.
    """
    leaning = turned(pose.crop.angle, 0.0) > LEANING
    return moved < (START_STEADY_LEANING if leaning else START_STEADY)


def apart(one: Pose, other: Pose) -> float:
    """Return the median distance of the points of two poses, as a share of the larger crop."""
    distances = np.linalg.norm(one.points_px - other.points_px, axis=1)
    return float(np.median(distances)) / max(one.crop.side, other.crop.side)


def covered(one: Pose, other: Pose) -> bool:
    """Whether most of the mask of one lies on the mask of the other."""
    for first, second in ((one, other), (other, one)):
        points = first.mask_points()
        if len(points) and second.person_at(points).mean() > COVERED:
            return True
    return False


def explained(found: Detection, pose: Pose) -> bool:
    """Whether a detection is somebody whose pose is known already."""
    reach = SAME_HIPS * max(pose.crop.side, found.crop.side)
    return bool(
        math.dist(pose.hips, found.hips) < reach or pose.person_at(np.array([found.hips]))[0]
    )


def tumbling(one: Followed) -> bool:
    """Whether a body leans or turns so much that its next crop may be turned wrongly."""
    return turned(one.crop.angle, 0.0) > LEANING or abs(one.spin) > SPINNING


def within_reach(one: Followed, pose: Pose) -> bool:
    """Whether a lost person can have come as far as this pose, and is as large."""
    speed = math.hypot(*one.velocity)
    reach = NEAR * max(one.crop.side, pose.crop.side) + speed * one.missed
    change = pose.pixels_per_metre / one.scale
    return bool(math.dist(one.expected[:2], pose.hips) < reach and 1 / RESCALED < change < RESCALED)


def turned(first: float, second: float) -> float:
    """Return the angle between two directions, radians, 0 to pi."""
    return abs((first - second + math.pi) % (2 * math.pi) - math.pi)
