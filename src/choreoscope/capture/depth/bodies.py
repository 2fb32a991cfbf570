"""How far the front of the solved bodies is: evidence on torso and thighs, and whole pictures."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from choreoscope.capture.depth.evidence import DepthEvidence, joined
from choreoscope.capture.passes.interfaces import Performer, ShotContext
from choreoscope.capture.passes.proxy_options import ProxyOptions
from choreoscope.capture.passes.proxy_parts import BODY_PARTS
from choreoscope.capture.passes.proxy_scene import FLOOR, ProxyScene
from choreoscope.datatypes.people import Mask
from choreoscope.geometry.masks import decode_inside
from choreoscope.rendering.soft import Rendered

TORSO, THIGHS = ("torso_upper", "torso_lower"), ("left_thigh", "right_thigh")
TORSO_SIGMA, THIGH_SIGMA = 0.06, 0.08
"""Clothes hang round thighs; hair, hands and skirts say nothing and are left out."""
_LONGEST_SIDE = 480
_SAMPLES = 40
"""Of one performer in one frame."""
_ERODED = 0.02
"""Share of the box's height by which masks are drawn in: at the edge depth is mixed."""


def body_evidence(shot: ShotContext, frames: Sequence[int], *, threads: int = 1) -> DepthEvidence:
    """Sample the front of every solved body where its performer's own mask agrees.

    Parameters
    ----------
    shot : ShotContext
        With camera; performers without motion or mask give nothing.
    frames : sequence of int
        Source frames to look at.
    threads : int
        Of the renderer.
    """
    if shot.camera is None or not any(one.motion for one in shot.performers.values()):
        return DepthEvidence.none()
    small = resized(shot, _LONGEST_SIDE)
    scale = shot.size[0] / small.size[0]
    # Bridged frames were never measured: what stands there is a guess.
    options = ProxyOptions(detail="low", floor_metres=0.0, bridge_seconds=0.0)
    scene = ProxyScene(small, options, parted=True, threads=threads)
    parts = []
    for frame, seen in zip(frames, scene.pictures(frames), strict=True):
        for number, person in enumerate(scene.people, start=FLOOR + 1):
            mask = shot.performers[person].masks.get(frame)
            if mask is not None:
                parts.append(_sampled(seen, number, mask, scale, frame, person))
    return joined(parts)


def front_pictures(
    shot: ShotContext, frames: Sequence[int], *, threads: int = 1
) -> Iterator[tuple[Rendered, tuple[str, ...]]]:
    """Render the solved bodies alone at the film's size; instance 1 is the first person."""
    scene = ProxyScene(shot, ProxyOptions(floor_metres=0.0), threads=threads)
    for seen in scene.pictures(frames):
        yield seen, scene.people


def resized(shot: ShotContext, longest_side: int) -> ShotContext:
    """Give the same shot with a camera of fewer pixels; masks stay as they are."""
    factor = min(1.0, longest_side / max(shot.size))
    size = (max(16, round(shot.size[0] * factor)), max(16, round(shot.size[1] * factor)))
    if shot.camera is None:
        return dataclasses.replace(shot, size=size)
    scale = np.array([size[0] / shot.size[0], size[1] / shot.size[1], 1.0])
    camera = dataclasses.replace(
        shot.camera,
        width=size[0],
        height=size[1],
        intrinsics=shot.camera.intrinsics * scale[:, None],
    )
    return dataclasses.replace(shot, size=size, camera=camera)


def people_mask(performers: Sequence[Performer], frame: int, size: tuple[int, int]) -> np.ndarray:
    """Everybody's own pixels, boxes where there is no mask, ``(H, W)`` bool."""
    covered = np.zeros((size[1], size[0]), dtype=bool)
    for one in performers:
        here = one.here(frame)
        if here is not None and here.mask is not None:
            covered |= dense(here.mask)
        elif here is not None and np.isfinite(here.box_xyxy).all():
            left, top, right, bottom = np.rint(np.maximum(here.box_xyxy, 0)).astype(int)
            covered[top:bottom, left:right] = True
    return covered


def dense(mask: Mask) -> np.ndarray:
    """Whole picture of a mask, ``(H, W)`` bool; only the part it lies in is unpacked."""
    picture = np.zeros((mask.height, mask.width), dtype=bool)
    patch, (left, top) = decode_inside(mask)
    picture[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    return picture


def _sampled(
    seen: Rendered, number: int, mask: Mask, scale: float, frame: int, person: str
) -> DepthEvidence:
    """Take samples evenly over the inner torso and thighs of one performer."""
    import cv2

    height, width = seen.depth.shape
    own = cv2.resize(dense(mask).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    inside = ((own > 0.99) & (seen.instance == number)).astype(np.uint8)  # noqa: PLR2004
    rows = np.flatnonzero(inside.any(axis=1))
    if not len(rows):
        return DepthEvidence.none()
    reach = max(1, round(_ERODED * float(np.ptp(rows) + 1)))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.uint8)
    inner = cv2.erode(inside, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    parts = []
    for names, sigma in ((TORSO, TORSO_SIGMA), (THIGHS, THIGH_SIGMA)):
        wanted = np.isin(seen.part, [BODY_PARTS.index(name) for name in names])
        y, x = np.nonzero(inner & wanted)
        chosen = np.unique(np.linspace(0, len(y) - 1, min(len(y), _SAMPLES // 2)).astype(int))
        y, x = y[chosen], x[chosen]
        parts.append(
            DepthEvidence.of(
                "body",
                np.full(len(x), frame),
                np.stack([x + 0.5, y + 0.5], axis=1) * scale,
                seen.depth[y, x].astype(np.float64),
                sigma,
                person=person,
            )
        )
    return joined(parts)
