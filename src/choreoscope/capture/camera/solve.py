"""From followed background to the camera of every frame: what kind of movement, then the path."""

import dataclasses
from pathlib import Path

import numpy as np

from choreoscope.capture.camera.parallax import LEAST_PX, Parallax, measure_parallax
from choreoscope.capture.camera.structure import (
    StructureError,
    StructureLimits,
    find_structure,
)
from choreoscope.capture.camera.tracking import STILL_PX
from choreoscope.capture.camera.tracks import Background
from choreoscope.capture.camera.travelling import Travel, sway, travel
from choreoscope.capture.camera.turning import Turning, every_frame, solve_turning
from choreoscope.capture.camera.whole_path import PathRows, whole_path
from choreoscope.datatypes.camera import CameraMovement, CameraPath, Lens
from choreoscope.datatypes.frames import FrameRange
from choreoscope.geometry import rotation

ASSUMED_SIGMA = 0.35
"""Of the logarithm of an assumed focal length: a factor of 1.4 either way."""
METADATA_SIGMA = 0.03
"""Of one from the film's metadata: stabilisation crops the picture."""
_VAGUE_FOCAL = 0.1
_ENOUGH_PLACED = 0.5
_SWAY_PX, _SHARP_PX, _BLUNT_PX = 4.0, 0.12, 0.4
"""Parallax below which a sway is tried first, and residuals that it may leave: first, or last."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SolveOrder:
    """What to solve.

    Attributes
    ----------
    frames : FrameRange
        Every frame the path has to have.
    seconds : (T,) float
        Their times.
    lens : Lens
        Given, or assumed.
    movement : {"locked", "pan", "travelling"} or None
        Told by the user; None to find out.
    scratch : Path
        Empty folder for files that may go afterwards.
    limits : StructureLimits
        For structure from motion.
    """

    frames: FrameRange
    seconds: np.ndarray
    lens: Lens
    movement: CameraMovement | None
    scratch: Path
    limits: StructureLimits = dataclasses.field(default_factory=StructureLimits)

    @property
    def focal_sigma(self) -> float:
        """Of the logarithm of the lens's focal length; 0 if it is given."""
        return {"assumed": ASSUMED_SIGMA, "metadata": METADATA_SIGMA}.get(self.lens.source, 0.0)


def solve_camera(background: Background, order: SolveOrder) -> CameraPath:
    """Decide how the camera moved and give its pose in every frame.

    Locked: the background stays within half a small pixel of the first frame's. Otherwise turns
    and zoom are solved first; what they leave over decides between turning on the spot and
    travelling (`parallax`). A sway too small to show parallax counts as turning.
    """
    moved = len(background.keyframes) > 1
    if order.movement == "locked" or not moved:
        return _locked(background, order)
    turning = solve_turning(background, order.lens, order.focal_sigma)
    parallax = measure_parallax(turning.keys, turning.graph)
    travels = parallax.travels if order.movement is None else order.movement == "travelling"
    if order.focal_sigma > 0:
        # A sway bends the focal length of turns, also below what counts as parallax: trust it less.
        turning = solve_turning(
            background, turning.straight.lens, order.focal_sigma, systematic_px=parallax.excess_px
        )
    if travels:
        return _travelling(background, turning, parallax, order)
    if order.movement is None and _stays(background, turning):
        return _locked(background, order)
    return _turning(background, turning, order, _pan_notes(turning, parallax, order))


def _stays(background: Background, turning: Turning) -> bool:
    """Whether the view of every frame is the first one's after all: lights changed, no camera."""
    found = every_frame(turning, background.sightings)
    width, height = background.size
    rays = np.array([[-width / 2, 0.0, 0.0], [width / 2, 0.0, 0.0], [0.0, height / 2, 0.0]])
    rays[:, 2] = turning.straight.focal
    pictured = np.einsum("tij,nj->tni", found.rotations @ found.rotations[:1].mT, rays)
    pictured = pictured[..., :2] / pictured[..., 2:] * found.focals[:, None, None]
    at_first = rays[:, :2] / rays[:, 2:] * found.focals[0]
    return bool(np.linalg.norm(pictured - at_first, axis=-1).max() < 2 * STILL_PX)


def _locked(background: Background, order: SolveOrder) -> CameraPath:
    width = background.size[0]
    if background.keyframes and order.movement == "locked":
        note = "camera locked by the user; the background was seen to move"
    elif background.keyframes:
        note = "camera locked: what changes in the background goes back to where it was"
    elif background.bare:
        note = (
            "too little background to see whether the camera moves (people or bare walls fill the "
            "picture): taken as locked; give movement or a camera file if it is not"
        )
    else:
        note = (
            f"camera locked: the background strays by {background.drift_px:.2f} px at most "
            f"(pictures {width} px wide)"
        )
    nothing = np.zeros(0)
    rows = PathRows(
        frames=nothing.astype(int),
        camera_from_first=np.zeros((0, 4, 4)),
        focal_factors=nothing,
        residual_px=nothing,
    )
    told = order.movement == "locked"
    return whole_path(
        rows,
        order.frames,
        order.seconds,
        order.lens,
        still_until=order.frames.stop,
        movement="locked",
        focal_sigma=order.focal_sigma,
        trusted=told or not background.bare,
        notes=(note,),
    )


def _turning(
    background: Background, turning: Turning, order: SolveOrder, notes: list[str]
) -> CameraPath:
    found = every_frame(turning, background.sightings)
    poses = np.tile(np.eye(4), (len(found.frames), 1, 1))
    poses[:, :3, :3] = found.rotations
    cut = int(turning.piece.max()) if len(turning.piece) else 0
    for piece in range(1, cut + 1):
        first = turning.keys[int(np.flatnonzero(turning.piece == piece)[0])].frame
        notes.append(
            f"the background was lost before frame {first} and not found again: "
            "the view after it is joined as if the camera had not turned meanwhile"
        )
    reached = float(np.degrees(_largest_turn(found.rotations)))
    zoom = found.focals / found.focals[0] if len(found.focals) else np.ones(1)
    moves = f"turns by up to {reached:.1f} degrees"
    if turning.zooms:
        moves += (
            f" and zooms from {zoom.min():.2f} to {zoom.max():.2f} times its first focal length"
        )
    notes.insert(0, f"camera {moves}, {background.size[0]} px wide pictures explained within "
                    f"{turning.graph.residual:.2f} px")  # fmt: skip
    scale = order.lens.width / background.size[0]
    return whole_path(
        PathRows(
            frames=found.frames,
            camera_from_first=poses,
            focal_factors=found.focals / turning.straight.focal,
            residual_px=found.residuals * scale,
        ),
        order.frames,
        order.seconds,
        _unbent_lens(turning, order.lens),
        still_until=background.still_until,
        movement="pan",
        focal_sigma=turning.graph.focal_sigma,
        trusted=cut == 0,
        notes=tuple(notes),
    )


def _unbent_lens(turning: Turning, lens: Lens) -> Lens:
    """Give the lens a distortion that was found, as it has to be for the focal length found."""
    found = turning.straight.lens
    source = "solved" if lens.source in {"assumed", "metadata"} else lens.source
    factor = float(turning.graph.focals[0]) / turning.straight.focal
    bending = found.distortion.copy()
    if not np.array_equal(bending, lens.distortion):
        # k1 belongs to (distance from the axis / focal length) squared.
        bending *= factor**2
    return dataclasses.replace(lens, distortion=bending, source=source)


def _largest_turn(rotations: np.ndarray) -> float:
    if not len(rotations):
        return 0.0
    quaternions = rotation.from_matrix(rotations)
    return float(rotation.angle_between(quaternions, quaternions[:1]).max())


def _pan_notes(turning: Turning, parallax: Parallax, order: SolveOrder) -> list[str]:
    notes = []
    if parallax.excess_px > LEAST_PX / 2:
        notes.append(
            f"near things move {parallax.excess_px:.2f} px against far ones, too little to follow "
            "a change of place: any sway of the camera is left out of its path"
        )
    sigma = turning.graph.focal_sigma
    if order.focal_sigma > 0 and sigma > _VAGUE_FOCAL:
        notes.append(
            f"the camera turns too little to tell its focal length (within {sigma:.0%}): "
            "give --focal-mm, --fov or --camera"
        )
    if turning.straight.lens.distortion.any() and not order.lens.distortion.any():
        notes.append("the lens bends straight lines; one coefficient was found for it")
    return notes


def _travelling(
    background: Background, turning: Turning, parallax: Parallax, order: SolveOrder
) -> CameraPath:
    folder = order.scratch / "structure"
    folder.mkdir()
    hold = order.lens.source != "assumed"
    lens = order.lens if hold or turning.zooms else _with_focal(turning, order.lens)
    sigma = 0.0 if hold else order.focal_sigma
    found, note = None, ""
    if parallax.excess_px < _SWAY_PX:
        found, note = _swayed(background, turning, order, sigma, _SHARP_PX)
    try:
        if found is None:
            structure = find_structure(background, lens, folder, order.limits, hold=hold)
            found = _checked(background, travel(background, structure, order.lens, sigma))
            note = (
                f"{len(structure.frames)} of {len(background.keyframes)} keyframes placed by "
                f"structure from motion ({structure.points} points, {structure.error_px:.2f} px)"
            )
    except StructureError as why:
        found, note = _swayed(background, turning, order, sigma, _BLUNT_PX)
        if found is None:
            told = (
                f"do not trust this camera: it travels (near things move "
                f"{parallax.excess_px:.1f} px against far ones), but {why}; only its turns were "
                "solved, as if it stayed in place"
            )
            path = _turning(background, turning, order, [told])
            return dataclasses.replace(path, trusted=False)
    note = f"camera travels: {note}, {len(found.poses.frames)} frames in all; scale unknown"
    scale = order.lens.width / background.size[0]
    return whole_path(
        PathRows(
            frames=found.poses.frames,
            camera_from_first=found.poses.camera_from_world,
            focal_factors=np.ones(len(found.poses.frames)),
            residual_px=found.poses.residuals * scale,
        ),
        order.frames,
        order.seconds,
        found.lens,
        still_until=background.still_until,
        movement="travelling",
        focal_sigma=order.focal_sigma if hold else found.focal_sigma,
        trusted=True,
        notes=(note,),
    )


def _with_focal(turning: Turning, lens: Lens) -> Lens:
    """Begin from the focal length of the turns: the prior's, as far as a sway hides the truth."""
    factor = float(turning.graph.focals[0]) / turning.straight.focal
    return dataclasses.replace(lens, fx=lens.fx * factor, fy=lens.fy * factor)


def _swayed(
    background: Background, turning: Turning, order: SolveOrder, sigma: float, least_px: float
) -> tuple[Travel | None, str]:
    """Solve a camera that hardly leaves its place without structure from motion, if that fits."""
    if turning.zooms:
        return None, ""
    try:
        found = _checked(background, sway(background, turning, order.lens, sigma))
    except (StructureError, np.linalg.LinAlgError):
        return None, ""
    off = float(np.median(found.poses.residuals))
    if not off < least_px:
        return None, ""
    return (
        found,
        f"it sways; solved from its turns on ({len(found.scene.ids)} points, {off:.2f} px)",
    )


def _checked(background: Background, found: Travel) -> Travel:
    """Poses of all frames in metres of a guess: the middle of the scene is 5 m away at first.

    Raises
    ------
    StructureError
        If less than half of the frames can be placed.
    """
    poses, scene = found.poses, found.scene
    if len(poses.frames) < _ENOUGH_PLACED * len(background.sightings):
        raise StructureError(
            f"the structure places only {len(poses.frames)} of {len(background.sightings)} frames"
        )
    first = poses.camera_from_world[0]
    depth = float(np.median(scene.points @ first[2, :3] + first[2, 3]))
    relative = poses.camera_from_world @ np.linalg.inv(first)
    relative[:, :3, 3] *= TYPICAL_DISTANCE / max(depth, 1e-9)
    return dataclasses.replace(found, poses=dataclasses.replace(poses, camera_from_world=relative))


TYPICAL_DISTANCE = 5.0
"""Metres to the middle of the background: only keeps numbers sane until the scale is known."""
