"""A camera that travels: keyframes from structure from motion, every frame from its own points."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from choreoscope.capture.camera.bundle import Bundle, Sights, refined
from choreoscope.capture.camera.links import Straight
from choreoscope.capture.camera.structure import Structure
from choreoscope.capture.camera.tracks import Background, Sighting
from choreoscope.capture.camera.turning import Turning, directions_of, every_frame
from choreoscope.datatypes.camera import Lens
from choreoscope.geometry import rotation

_FEWEST = 10
_LEAST_SPREAD, _SURE_SPREAD = np.radians(0.05), np.radians(0.4)
"""Of the directions a point is seen from: never less, never asked for more."""
_OF_COMMON_SPREAD = 0.3
_LARGEST_ERROR_PX = 2.0
_WORST_FRAME_PX = 3.0
_ROUNDS = 12
_AHEAD, _FEWEST_VIEWS = 0.2, 3
_VIEWS = 40
"""Frames refined together, spread over the shot."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Points of the background in space.

    Attributes
    ----------
    ids : (P,) int
        Their numbers, rising.
    points : (P, 3) float
        In the unit and axes of the structure.
    """

    ids: np.ndarray
    points: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FramePoses:
    """Frames whose pose could be solved.

    Attributes
    ----------
    frames : (N,) int
        Source frames.
    camera_from_world : (N, 4, 4) float
        In the unit and axes of the structure.
    residuals : (N,) float
        Median distances, straightened pixels.
    """

    frames: np.ndarray
    camera_from_world: np.ndarray
    residuals: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """A travelling camera, solved.

    Attributes
    ----------
    poses : FramePoses
        Every frame that could be placed.
    scene : Scene
        Points of the background.
    lens : Lens
        Refined with everything else, or the given one.
    focal_sigma : float
        Of the logarithm of its focal length.
    """

    poses: FramePoses
    scene: Scene
    lens: Lens
    focal_sigma: float


def travel(background: Background, structure: Structure, prior: Lens, sigma: float) -> Travel:
    """Place every sighted frame, after a last refinement by points followed through many frames.

    Parameters
    ----------
    prior : Lens
        The lens before anything was solved.
    sigma : float
        Of the logarithm of its focal length; 0 holds it.
    """
    straight = Straight(structure.lens, background.size)
    poses = dict(zip(structure.frames.tolist(), structure.camera_from_world, strict=True))
    keys = [key for key in background.key_sightings if key.frame in poses]
    scene = triangulated(straight, keys, [poses[key.frame] for key in keys])
    placed = _every_pose(straight, scene, background.sightings, poses)
    if not len(placed.frames):
        return Travel(poses=placed, scene=scene, lens=structure.lens, focal_sigma=sigma)
    views, starts = _spread(background, placed.frames, placed.camera_from_world)
    # From many frames, not from keyframes alone, each point is known better.
    scene = triangulated(straight, views, starts)
    return _finished(background, structure.lens, prior, sigma, (views, starts, scene))


def sway(background: Background, turning: Turning, prior: Lens, sigma: float) -> Travel:
    """Solve a camera that hardly leaves its place from its turns alone, without COLMAP.

    Everything begins at one distance and the camera in one place; for small movements that is
    near enough (Yu and Gallup 2014, "3D Reconstruction from Accidental Motion").
    """
    turns = every_frame(turning, background.sightings)
    poses = np.tile(np.eye(4), (len(turns.frames), 1, 1))
    poses[:, :3, :3] = turns.rotations
    views, starts = _spread(background, turns.frames, poses)
    ids, rays = directions_of(turning)
    seen = np.concatenate([view.ids for view in views])
    known = seen[np.isin(seen, ids)]
    views_of = np.bincount(np.searchsorted(ids, known), minlength=len(ids))
    ahead = (rays @ starts[0][2, :3] > _AHEAD) & (views_of >= _FEWEST_VIEWS)
    factor = float(turning.graph.focals[0]) / turning.straight.focal
    lens = dataclasses.replace(
        turning.straight.lens,
        fx=turning.straight.lens.fx * factor,
        fy=turning.straight.lens.fy * factor,
        distortion=prior.distortion,
    )
    scene = Scene(ids=ids[ahead], points=rays[ahead])
    return _finished(background, lens, prior, sigma, (views, starts, scene))


def _spread(
    background: Background, frames: np.ndarray, poses: np.ndarray
) -> tuple[list[Sighting], list[np.ndarray]]:
    """Choose views to refine together, with their poses."""
    count = len(frames)
    chosen = np.unique(np.linspace(0, count - 1, min(_VIEWS, count)).astype(int))
    by_frame = {sighting.frame: sighting for sighting in background.sightings}
    return [by_frame[int(frames[index])] for index in chosen], list(poses[chosen])


def _finished(
    background: Background,
    lens: Lens,
    prior: Lens,
    sigma: float,
    start: tuple[list[Sighting], list[np.ndarray], Scene],
) -> Travel:
    """Refine views, points and focal length, then place every frame."""
    views, poses, scene = start
    straight = Straight(lens, background.size)
    bundle = refined(
        Bundle(np.array(poses), scene.points, straight.focal, sigma),
        _sights(straight, scene, views),
        straight.focal * prior.fx / lens.fx,
    )
    factor = bundle.focal / straight.focal
    found = dataclasses.replace(
        lens,
        fx=lens.fx * factor,
        fy=lens.fy * factor,
        distortion=lens.distortion * (factor**2 if sigma > 0 else 1.0),
    )
    better = {view.frame: pose for view, pose in zip(views, bundle.poses, strict=True)}
    scene = Scene(ids=scene.ids, points=bundle.points)
    every = _every_pose(Straight(found, background.size), scene, background.sightings, better)
    return Travel(poses=every, scene=scene, lens=found, focal_sigma=bundle.sigma)


def _every_pose(
    straight: Straight,
    scene: Scene,
    sightings: Sequence[Sighting],
    poses: Mapping[int, np.ndarray],
) -> FramePoses:
    """Place frames one after the other, from the nearest one that is placed already."""
    frames, found, residuals = [], [], []
    guess = next(iter(poses.values()))
    for sighting in sightings:
        guess = poses.get(sighting.frame, guess)
        placed = _placed(straight, scene, sighting, guess)
        if placed is None:
            continue
        guess, off = placed
        frames.append(sighting.frame)
        found.append(guess)
        residuals.append(off)
    return FramePoses(
        frames=np.array(frames, dtype=np.int64),
        camera_from_world=np.array(found).reshape(-1, 4, 4),
        residuals=np.array(residuals, dtype=np.float64),
    )


def _sights(straight: Straight, scene: Scene, views: Sequence[Sighting]) -> Sights:
    """All points of the scene in all views."""
    rows = []
    for number, view in enumerate(views):
        where = np.minimum(np.searchsorted(scene.ids, view.ids), max(len(scene.ids) - 1, 0))
        known = scene.ids[where] == view.ids if len(scene.ids) else np.zeros(len(where), bool)
        rows.append((np.full(known.sum(), number), where[known], straight.of(view.points[known])))
    view_of, point_of, seen = (np.concatenate(part) for part in zip(*rows, strict=True))
    return Sights(view_of, point_of, seen)


def triangulated(
    straight: Straight, keys: Sequence[Sighting], poses: Sequence[np.ndarray]
) -> Scene:
    """Points seen in two or more placed keyframes (linear, all views at once), bad ones dropped.

    Hartley and Sturm 1997, "Triangulation", the linear homogeneous method.
    """
    sizes = [len(key.ids) for key in keys]
    ids, place = np.unique(
        np.concatenate([np.zeros(0, np.int64), *(key.ids for key in keys)]), return_inverse=True
    )
    view = np.repeat(np.arange(len(keys)), sizes)
    seen = np.concatenate([np.zeros((0, 2)), *(straight.points(key) for key in keys)])
    flat = seen / straight.focal
    matrices = np.array([pose[:3] for pose in poses]).reshape(-1, 3, 4)
    rows = flat[:, :, None] * matrices[view][:, 2:3] - matrices[view][:, :2]
    normal = np.zeros((len(ids), 4, 4))
    np.add.at(normal, place, np.einsum("nri,nrj->nij", rows, rows))
    vectors = np.linalg.eigh(normal)[1][:, :, 0]
    safe = np.where(np.abs(vectors[:, 3:]) > 1e-9, vectors[:, 3:], 1e-9)  # noqa: PLR2004
    points = vectors[:, :3] / safe
    return _trusted(straight, Scene(ids=ids, points=points), (view, place, seen), matrices)


def _trusted(
    straight: Straight,
    scene: Scene,
    sights: tuple[np.ndarray, np.ndarray, np.ndarray],
    matrices: np.ndarray,
) -> Scene:
    """Keep points in front of all their views, seen where they should be, from unlike sides."""
    view, place, seen = sights
    if not len(scene.ids):
        return scene
    local = np.einsum("nij,nj->ni", matrices[view][:, :, :3], scene.points[place])
    local += matrices[view][:, :, 3]
    depth = local[:, 2]
    error = np.linalg.norm(
        local[:, :2] / np.maximum(depth, 1e-9)[:, None] * straight.focal - seen, axis=1
    )
    bad = (depth <= 0) | (error > _LARGEST_ERROR_PX)
    ruined = np.bincount(place, weights=bad, minlength=len(scene.ids)) > 0
    rays = np.einsum("nji,nj->ni", matrices[view][:, :, :3], local)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    views = np.bincount(place, minlength=len(scene.ids))
    total = np.zeros((len(scene.ids), 3))
    np.add.at(total, place, rays)
    # Unit vectors add up to less than their number by about half the square of their spread.
    spread = np.sqrt(np.maximum(0.0, 2.0 * (1.0 - np.linalg.norm(total, axis=1) / views)))
    good = ~ruined & (views > 1)
    if good.any():
        # A camera that hardly leaves its place sees everything from nearly one side.
        common = _OF_COMMON_SPREAD * float(np.percentile(spread[good], 75))
        good &= spread > np.clip(common, _LEAST_SPREAD, _SURE_SPREAD)
    return Scene(ids=scene.ids[good], points=scene.points[good])


def _placed(
    straight: Straight, scene: Scene, sighting: Sighting, guess: np.ndarray
) -> tuple[np.ndarray, float] | None:
    """Pose of a frame by Gauss-Newton with robust weights; None where points are too few."""
    if not len(scene.ids):
        return None
    where = np.minimum(np.searchsorted(scene.ids, sighting.ids), len(scene.ids) - 1)
    known = scene.ids[where] == sighting.ids
    if known.sum() < _FEWEST:
        return None
    points, seen = scene.points[where[known]], straight.of(sighting.points[known])
    pose, off = guess.copy(), np.full(len(points), np.inf)
    for _ in range(_ROUNDS):
        local = points @ pose[:3, :3].T + pose[:3, 3]
        depth = np.maximum(local[:, 2:], 1e-6)
        flat = local[:, :2] / depth
        error = flat * straight.focal - seen
        off = np.linalg.norm(error, axis=1)
        weights = 1.0 / (1.0 + (off / max(0.3, 2.5 * float(np.median(off)))) ** 2) ** 2
        jacobian = straight.focal * _pose_jacobian(flat, depth[:, 0])
        matrix = np.einsum("nri,nrj,n->ij", jacobian, jacobian, weights)
        matrix += 1e-9 * np.diag(np.diag(matrix))
        step = -np.linalg.solve(matrix, np.einsum("nri,nr,n->i", jacobian, error, weights))
        turn = rotation.to_matrix(rotation.from_rotation_vector(step[:3]))
        pose[:3] = np.concatenate([turn @ pose[:3, :3], (turn @ pose[:3, 3:])], axis=1)
        pose[:3, 3] += step[3:]
        if np.abs(step).max() < 1e-9:  # noqa: PLR2004
            break
    median = float(np.median(off))
    return (pose, median) if median < _WORST_FRAME_PX else None


def _pose_jacobian(flat: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Differentiate x/z and y/z by a left turn and a shift of the camera, ``(n, 2, 6)``."""
    x, y = flat.T
    jacobian = np.zeros((len(flat), 2, 6))
    jacobian[:, 0, :3] = np.stack([-x * y, 1 + x * x, -y], axis=1)
    jacobian[:, 1, :3] = np.stack([-1 - y * y, x * y, x], axis=1)
    jacobian[:, 0, 3] = jacobian[:, 1, 4] = 1.0 / depth
    jacobian[:, :, 5] = -flat / depth[:, None]
    return jacobian
