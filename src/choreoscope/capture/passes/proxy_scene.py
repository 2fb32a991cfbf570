"""The solved bodies and the floor as a scene before the solved camera: what proxy passes show.

World: right-handed, Y up, metres, floor y = 0. Everything is known in closed form from the
solve's own files: no pixel of the film is looked at.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from choreoscope.capture.passes.interfaces import Performer, ShotContext
from choreoscope.capture.passes.proxy_bodies import ProxyBody, present_rows, proxy_body
from choreoscope.capture.passes.proxy_options import ProxyOptions
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion
from choreoscope.rendering.scene import Mesh, Scene, View, quad, view_of
from choreoscope.rendering.soft import Rendered, render

FLOOR = 0
"""Instance of the floor; performers follow from 1 on, in the order of `ProxyScene.people`."""
NOTHING = -1
_FULL_FROM = 0.1
"""Bodies taller than this share of the picture's longer side are worth their full surface."""
_WIDER = 2.0
"""The floor's square reaches this much farther than its last visible distance."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Actor:
    """One performer made ready."""

    body: ProxyBody
    motion: Motion
    present: np.ndarray

    def row(self, frame: int) -> int | None:
        """Row of the motion that belongs to a frame, None outside it."""
        row = frame - self.motion.first_frame
        return row if 0 <= row < self.motion.frame_count else None

    def is_there(self, frame: int) -> bool:
        """Whether the performer is shown in a frame."""
        row = self.row(frame)
        return row is not None and bool(self.present[row])


class ProxyScene:
    """A shot's bodies, floor and camera.

    Parameters
    ----------
    shot : ShotContext
        With its solved camera.
    options : ProxyOptions
        What is shown.
    parted : bool
        Whether surfaces are cut into `proxy_parts.BODY_PARTS`.
    threads : int
        Of the renderer; the result does not depend on it.

    Raises
    ------
    InputError
        If the shot has no solved camera.
    """

    def __init__(
        self, shot: ShotContext, options: ProxyOptions, *, parted: bool = False, threads: int = 1
    ) -> None:
        if shot.camera is None:
            raise InputError(
                "proxy passes need the solved camera, and this recipe solves none; "
                "choose a recipe with a solve, or another back end for this pass"
            )
        self._shot, self._options, self._threads = shot, options, threads
        self._camera = shot.camera
        self._actors = {
            person: self._actor(performer, parted=parted)
            for person, performer in sorted(shot.performers.items())
            if performer.motion is not None
        }
        self.people = tuple(self._actors)
        self.notes = (
            *(
                f"proxy: {person} was not solved and is not shown"
                for person in sorted(set(shot.performers) - set(self._actors))
            ),
            *(
                f"proxy: {person} is a simple figure, as no body of the house fits"
                for person, actor in self._actors.items()
                if not actor.body.real
            ),
        )

    def pictures(self, frames: Sequence[int], *, flow: bool = False) -> Iterator[Rendered]:
        """Render frames of the shot, in the order given.

        Parameters
        ----------
        frames : sequence of int
            Source frames of the shot; neighbours cost least.
        flow : bool
            Whether motion to the next frame and from the one before is made; None beside the
            shot's ends.

        Yields
        ------
        Rendered
            Without colour; instance 0 is the floor, 1 the first of `people`; -1 nothing.
        """
        placed = {
            person: self._placed(actor, frames, flow=flow) for person, actor in self._actors.items()
        }
        for frame in frames:
            meshes = [self._floor(frame)] if self._options.floor_metres > 0 else []
            for number, (person, actor) in enumerate(self._actors.items(), start=1):
                if actor.is_there(frame):
                    meshes.append(_mesh(actor, placed[person], frame, number, flow=flow))
            seen = render(
                Scene(meshes=tuple(meshes)),
                self._view(frame),
                samples=0,
                next_view=self._view(frame + 1)
                if flow and frame + 1 in self._shot.frames
                else None,
                earlier_view=(
                    self._view(frame - 1) if flow and frame - 1 in self._shot.frames else None
                ),
                threads=self._threads,
            )
            self._end_floor(seen)
            yield seen

    def _actor(self, performer: Performer, *, parted: bool) -> _Actor:
        motion = performer.motion
        if motion is None:
            raise InputError(f"proxy: {performer.person} has no motion")
        detail = self._options.detail
        if detail == "auto":
            limit = _FULL_FROM * max(self._shot.size)
            detail = "full" if self._tallest(motion) > limit else "low"
        return _Actor(
            body=proxy_body(motion.skeleton, performer.body, detail, parted=parted),
            motion=motion,
            present=present_rows(motion, self._options.bridge_seconds),
        )

    def _tallest(self, motion: Motion) -> float:
        """Greatest height in the picture, pixels: of a person of two metres where the root is."""
        frames = np.arange(motion.first_frame, motion.first_frame + motion.frame_count)
        inside = (frames >= self._shot.frames.start) & (frames < self._shot.frames.stop)
        if not inside.any():
            return 0.0
        rows = frames[inside] - self._shot.frames.start
        matrices = self._camera.camera_from_world[rows]
        roots = motion.root_position[inside]
        depth = np.einsum("tx,tx->t", matrices[:, 2, :3], roots) + matrices[:, 2, 3]
        focal = self._camera.intrinsics[rows, 1, 1]
        return float((_TALL * focal / np.maximum(depth, _TALL / 4)).max())

    def _placed(self, actor: _Actor, frames: Sequence[int], *, flow: bool) -> dict[int, np.ndarray]:
        """Vertices by row of the motion."""
        near = (-1, 0, 1) if flow else (0,)
        wanted = {
            row
            for frame in frames
            if actor.is_there(frame)
            for step in near
            if (row := actor.row(frame + step)) is not None
        }
        rows = np.array(sorted(wanted), dtype=np.int64)
        return dict(zip(rows.tolist(), actor.body.place(actor.motion, rows), strict=True))

    def _view(self, frame: int) -> View:
        return view_of(self._camera, frame - self._shot.frames.start)

    def _floor(self, frame: int) -> Mesh:
        """Make a square below the camera that reaches beyond what is shown of it."""
        matrix = self._camera.camera_from_world[frame - self._shot.frames.start]
        eye = -matrix[:3, :3].T @ matrix[:3, 3]
        half = _WIDER * self._options.floor_metres
        square = quad(
            np.array([eye[0] - half, 0.0, eye[2] - half]),
            np.array([2 * half, 0.0, 0.0]),
            np.array([0.0, 0.0, 2 * half]),
        )
        return Mesh(
            vertices=square["vertices"],
            faces=square["faces"],
            colours=np.full((1, 3), 0.5),
            instance=FLOOR,
            parts=np.full(2, NOTHING),
            smooth=False,
            culled="back",
        )

    def _end_floor(self, seen: Rendered) -> None:
        """Take away what is beyond the floor's end, in place."""
        beyond = (seen.instance == FLOOR) & (seen.depth > self._options.floor_metres)
        if beyond.any():
            seen.depth[beyond] = np.inf
            seen.normals[beyond] = 0.0
            seen.instance[beyond] = NOTHING


_TALL = 2.0
"""Metres: taller than all but a few, so that nobody who is large gets the coarse surface."""


def _mesh(
    actor: _Actor, placed: dict[int, np.ndarray], frame: int, number: int, *, flow: bool
) -> Mesh:
    row = frame - actor.motion.first_frame
    return Mesh(
        vertices=placed[row],
        # At the ends of the motion, where there is no other row, the body is held still.
        next_vertices=placed.get(row + 1, placed[row]) if flow else None,
        earlier_vertices=placed.get(row - 1, placed[row]) if flow else None,
        faces=actor.body.faces,
        colours=np.full((1, 3), 0.5),
        instance=number,
        parts=actor.body.parts,
        culled="back",
    )
