"""Surfaces of solved performers, ready to be placed in any frame."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Literal

import numpy as np

from choreoscope.capture.passes.proxy_parts import (
    PartedSurface,
    cut_into_parts,
    part_of_joints,
    parts_of_house,
)
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.body_npz import BodyFile
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.posing import posed_vertices
from choreoscope.motion.body_figure import body_of_skeleton, model_of, skinned
from choreoscope.motion.figure import simple_figure

Place = Callable[[Motion, np.ndarray], np.ndarray]
"""Vertices ``(N, V, 3)`` of rows ``(N,)`` of a motion, world, metres."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProxyBody:
    """One performer's surface.

    Attributes
    ----------
    faces : (F, 3) int
        Counter-clockwise seen from outside.
    parts : (F,) int or None
        Places in `proxy_parts.BODY_PARTS`; None if the surface is not cut into parts.
    place : callable
        See `Place`.
    real : bool
        Whether it is the performer's own body and not a simple figure.
    """

    faces: np.ndarray
    parts: np.ndarray | None
    place: Place
    real: bool


def proxy_body(
    skeleton: Skeleton, body: BodyFile | None, detail: Literal["full", "low"], *, parted: bool
) -> ProxyBody:
    """Take the body of a performer, or a mannequin where none of the house's fits the skeleton.

    Parameters
    ----------
    skeleton : Skeleton
        Of the performer's motion.
    body : BodyFile or None
        As solved.
    detail : {"full", "low"}
        Of the house's bodies.
    parted : bool
        Whether the surface is cut into body parts.
    """
    model = model_of(body, detail)
    if model is None or body is None or not body_of_skeleton(model, body, skeleton):
        return _figure(skeleton, parted=parted)
    kind = model.name.removeprefix("house-")
    return _cut(
        ProxyBody(faces=model.faces, parts=None, place=_posing(model, body), real=True),
        parts_of_house(kind, detail) if parted else None,
    )


def present_rows(motion: Motion, bridge_seconds: float) -> np.ndarray:
    """Rows in which the performer is seen, or missed so briefly that he or she stays.

    Parameters
    ----------
    motion : Motion
        T rows; confidence 0 where the person was not seen.
    bridge_seconds : float
        Longest time between two sightings that is bridged.

    Returns
    -------
    (T,) bool
    """
    present = np.asarray((motion.confidence > 0).any(axis=1))
    seen = np.flatnonzero(present)
    for before, after in itertools.pairwise(seen):
        if after > before + 1 and motion.times[after] - motion.times[before] <= bridge_seconds:
            present[before:after] = True
    return present


def _posing(model: BodyModel, body: BodyFile) -> Place:
    def place(motion: Motion, rows: np.ndarray) -> np.ndarray:
        return posed_vertices(
            model, body.shape, motion.root_position[rows], motion.rotations[rows], body.scale
        )

    return place


def _figure(skeleton: Skeleton, *, parted: bool) -> ProxyBody:
    mesh = simple_figure(skeleton)
    whole = ProxyBody(
        faces=mesh.faces,
        parts=None,
        place=lambda motion, rows: skinned(mesh, motion, rows),
        real=False,
    )
    if not parted:
        return whole
    joints = part_of_joints(skeleton.joints, skeleton.parents)
    return _cut(whole, cut_into_parts(mesh.faces, mesh.joints, mesh.weights, joints))


def _cut(whole: ProxyBody, surface: PartedSurface | None) -> ProxyBody:
    if surface is None:
        return whole

    def place(motion: Motion, rows: np.ndarray) -> np.ndarray:
        vertices = whole.place(motion, rows)
        return np.stack([surface.vertices(one) for one in vertices]) if len(rows) else vertices

    return ProxyBody(faces=surface.faces, parts=surface.parts, place=place, real=whole.real)
