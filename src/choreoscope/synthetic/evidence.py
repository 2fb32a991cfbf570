"""What imperfect detectors would say of a made-up shot.

Faults are those of measured back ends: noise that grows where something hides a point, sizes and
depths that wobble from frame to frame and are biased over a whole shot, limbs that drop out or
change sides, frames without anybody; and sigmas that are stated, but not exactly true.
"""

import dataclasses

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import (
    BodyPoints,
    joined,
    points_of_joints,
    points_of_vertices,
)
from choreoscope.motion.skeletons import FINGERS
from choreoscope.synthetic.shot import Shot
from choreoscope.synthetic.truth import point_set
from choreoscope.synthetic.visibility import hidden, in_camera, in_pixels, inside

POINT_SETS = ("blazepose33", "joints", "nlf")
"""Keypoints of BlazePose; 24 body joints; those with vertices spread over the skin."""
_VERTICES = 64
_FEWEST = 5
_MIRRORED_WITHIN = 0.02
_QUICK, _SLOW = 0.08, 0.6
"""Seconds over which errors stay alike: of single points, of whole frames."""
_LIMBS = {
    "left_arm": ("left_upper_arm", "left_forearm", "left_hand"),
    "right_arm": ("right_upper_arm", "right_forearm", "right_hand"),
    "left_leg": ("left_shin", "left_foot", "left_toes"),
    "right_leg": ("right_shin", "right_foot", "right_toes"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NoiseSpec:
    """How bad evidence is. Every number may be 0; all of them 0 gives the truth.

    Attributes
    ----------
    points : str
        One of `POINT_SETS`.
    pixel : float
        Sigma of a point in plain sight, pixels in a picture 1280 wide.
    place : float
        Sigma of a 3D point across the line of sight, metres; `depth_ratio` times that along it.
    depth_ratio : float
        As said.
    hidden_factor : float
        Times larger where a point is hidden or outside the picture.
    scale_jitter : float
        Relative sigma of each frame's size, correlated over 0.6 s.
    turn : float
        Sigma of each frame's turn as a whole, radians, correlated over 0.6 s.
    depth_bias, depth_wobble : float
        Relative sigma of the distance: of the whole shot, and from frame to frame.
    drops, swaps, gaps : float
        Limbs lost, pairs of limbs exchanged, and stretches without the person, per second.
    misjudged : float
        Sigma of the logarithm of stated over true sigmas.
    focal : float
        Relative sigma of the focal length told.
    camera_turn, camera_place : float
        Sigma of the camera's path: radians, and share of its length.
    gravity : float
        Sigma of each tilt of the up direction told, radians.
    """

    points: str = "nlf"
    pixel: float = 2.0
    place: float = 0.025
    depth_ratio: float = 2.0
    hidden_factor: float = 2.5
    scale_jitter: float = 0.02
    turn: float = 0.03
    depth_bias: float = 0.04
    depth_wobble: float = 0.02
    drops: float = 0.15
    swaps: float = 0.05
    gaps: float = 0.05
    misjudged: float = 0.3
    focal: float = 0.0
    camera_turn: float = 0.001
    camera_place: float = 0.002
    gravity: float = 0.02

    def __post_init__(self) -> None:
        if self.points not in POINT_SETS:
            raise InputError(f"evidence: expected one of {', '.join(POINT_SETS)}: {self.points}")
        numbers = [v for v in dataclasses.asdict(self).values() if not isinstance(v, str)]
        if min(numbers) < 0:
            raise InputError("evidence: no amount of noise is below 0")

    @classmethod
    def none(cls, points: str = "nlf") -> "NoiseSpec":
        """No noise at all; hidden points are seen as well as others."""
        zeros = {f.name: 0.0 for f in dataclasses.fields(cls) if f.name != "points"}
        return cls(points=points, **{**zeros, "depth_ratio": 1.0, "hidden_factor": 1.0})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is said of one person, one row per frame in which anything is said.

    Attributes
    ----------
    person : str
        Id of the true person.
    points : BodyPoints
        Which P points.
    frames : (N,) int
        Rising.
    pixels : (N, P, 2) float
        Undistorted.
    pixel_sigma : (N, P) float
        As stated, pixels; infinite where not seen.
    places : (N, P, 3) float
        Camera axes, metres.
    place_sigma : (N, P) float
        As stated, metres, across the line of sight; infinite where not seen.
    visibility : (N, P) float
        1 in plain sight, 0.3 hidden, 0.05 outside the picture, 0 lost.
    exact : (N, P, 3) float
        The true places, camera axes, metres.
    """

    person: str
    points: BodyPoints
    frames: np.ndarray
    pixels: np.ndarray
    pixel_sigma: np.ndarray
    places: np.ndarray
    place_sigma: np.ndarray
    visibility: np.ndarray
    exact: np.ndarray


def chosen_points(model: BodyModel, name: str) -> BodyPoints:
    """One of `POINT_SETS` of a body.

    The vertices are spread by farthest-point sampling over the left half and mirrored.
    """
    if name == "blazepose33":
        return point_set(model, name)
    names = tuple(joint for joint in model.joints if not any(finger in joint for finger in FINGERS))
    joints = points_of_joints(model, names)
    if name == "joints":
        return joints
    return joined(joints, points_of_vertices(model, _spread(model.template, _VERTICES)))


def _spread(template: np.ndarray, count: int) -> np.ndarray:
    left = np.flatnonzero(template[:, 0] > _MIRRORED_WITHIN)
    chosen = [int(left[np.argmax(template[left, 1])])]
    gap = np.full(len(left), np.inf)
    while 2 * len(chosen) < count:
        gap = np.minimum(gap, np.linalg.norm(template[left] - template[chosen[-1]], axis=1))
        chosen.append(int(left[np.argmax(gap)]))
    other = [
        int(np.argmin(np.linalg.norm(template - template[one] * (-1, 1, 1), axis=1)))
        for one in chosen
    ]
    return np.array([*chosen, *other])


def mirrored_points(points: BodyPoints) -> np.ndarray:
    """Point on the other side ``(P,)``; those without one name themselves."""
    rest = points.moment.sum(axis=1)
    gap = np.linalg.norm(rest[:, None] - rest * (-1, 1, 1), axis=-1)
    partner = np.argmin(gap, axis=1)
    own = np.arange(len(rest))
    found = np.where(gap[own, partner] < _MIRRORED_WITHIN, partner, own)
    return np.where(found[found] == own, found, own)


def limbs_of(points: BodyPoints, model: BodyModel) -> dict[str, np.ndarray]:
    """Which points ``(P,)`` belong to each arm and leg."""
    main = points.joints[np.arange(len(points)), np.argmax(points.mass, axis=1)]
    names = [model.joints[joint] for joint in main]
    hand = {f"{side}_arm": f"{side}_" for side in ("left", "right")}
    return {
        limb: np.array(
            [
                name in joints
                or (
                    limb in hand and name.startswith(hand[limb]) and any(f in name for f in FINGERS)
                )
                for name in names
            ]
        )
        for limb, joints in _LIMBS.items()
    }


def observe(shot: Shot, noise: NoiseSpec, rng: np.random.Generator) -> list[Observed]:
    """Let detectors look at a shot.

    Parameters
    ----------
    shot : Shot
        The truth.
    noise : NoiseSpec
        How bad they are.
    rng : numpy.random.Generator
        Source of chance; everybody has a stream of his or her own.

    Returns
    -------
    list of Observed
        In the order of the people; rows in which fewer than 5 points are in the picture are left
        out, as are gaps.
    """
    streams = rng.spawn(len(shot.people))
    return [_observed(shot, number, noise, chance) for number, chance in enumerate(streams)]


def drifting(
    rng: np.random.Generator, times: np.ndarray, memory: float, shape: tuple[int, ...] = ()
) -> np.ndarray:
    """Gaussian noise ``(T, *shape)`` of unit variance that forgets itself within `memory` seconds.

    An Ornstein-Uhlenbeck process, exact for any spacing of times.
    """
    fresh = rng.normal(0, 1, (len(times), *shape))
    keep = np.exp(-np.diff(times) / memory)
    for row, share in enumerate(keep, start=1):
        fresh[row] = share * fresh[row - 1] + np.sqrt(1 - share**2) * fresh[row]
    return fresh


def _observed(shot: Shot, number: int, noise: NoiseSpec, rng: np.random.Generator) -> Observed:
    person, camera, times = shot.people[number], shot.camera, shot.times.seconds
    points = chosen_points(person.model, noise.points)
    exact = in_camera(person.points(points), camera)
    pixels = in_pixels(exact, camera)
    shown = inside(pixels, camera)
    covered = hidden(exact, number, shot.people, camera)
    count = exact.shape[:2]
    worse = np.where(covered | ~shown, noise.hidden_factor, 1.0)
    stated = np.exp(noise.misjudged * rng.normal(0, 1, count))
    pixel_sigma = noise.pixel * camera.width / 1280 * worse
    place_sigma = noise.place * worse
    pixels = np.nan_to_num(pixels) + pixel_sigma[..., None] * _mixed(rng, times, (count[1], 2))
    places = _misplaced(exact, noise, rng, times)
    error = place_sigma[..., None] * _mixed(rng, times, (count[1], 3))
    ray = exact / np.linalg.norm(exact, axis=-1, keepdims=True)
    along = np.sum(error * ray, axis=-1, keepdims=True) * ray
    places = places + error + (noise.depth_ratio - 1) * along
    visibility = np.where(shown, np.where(covered, 0.3, 1.0), 0.05)
    lost = _lost(points, person.model, noise, rng, times)
    sides = _sides(points, person.model, noise, rng, times)
    pixels = np.take_along_axis(pixels, sides[..., None], axis=1)
    places = np.take_along_axis(places, sides[..., None], axis=1)
    kept = (shown.sum(axis=1) >= _FEWEST) & ~_spells(rng, times, noise.gaps, 0.1, 0.5)
    floor_px, floor_m = 0.25, 0.002
    return Observed(
        person=person.person,
        points=points,
        frames=np.flatnonzero(kept),
        pixels=pixels[kept],
        pixel_sigma=np.where(lost | ~shown, np.inf, np.maximum(pixel_sigma * stated, floor_px))[
            kept
        ],
        places=places[kept],
        place_sigma=np.where(lost, np.inf, np.maximum(place_sigma * stated, floor_m))[kept],
        visibility=np.where(lost, 0.0, visibility)[kept],
        exact=exact[kept],
    )


def _mixed(rng: np.random.Generator, times: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Half of the variance fresh in every frame, half lasting a moment; unit variance."""
    fresh = rng.normal(0, 1, (len(times), *shape))
    return np.asarray((fresh + drifting(rng, times, _QUICK, shape)) / np.sqrt(2))


def _misplaced(
    exact: np.ndarray, noise: NoiseSpec, rng: np.random.Generator, times: np.ndarray
) -> np.ndarray:
    """Whole bodies too large or small, turned, too far or near."""
    middle = exact.mean(axis=1, keepdims=True)
    size = np.exp(noise.scale_jitter * drifting(rng, times, _SLOW))
    turn = rotation.from_rotation_vector(noise.turn * drifting(rng, times, _SLOW, (3,)))
    far = noise.depth_bias * rng.normal() + noise.depth_wobble * drifting(rng, times, _SLOW)
    own = rotation.rotate(turn[:, None], exact - middle) * size[:, None, None]
    return np.asarray(own + middle * np.exp(far)[:, None, None])


def _spells(
    rng: np.random.Generator, times: np.ndarray, per_second: float, least: float, most: float
) -> np.ndarray:
    """Frames in which something is the case now and then, for `least` to `most` seconds."""
    found = np.zeros(len(times), dtype=bool)
    for _ in range(rng.poisson(per_second * float(times[-1] - times[0]))):
        start = rng.uniform(times[0], times[-1])
        found |= (times >= start) & (times <= start + rng.uniform(least, most))
    return found


def _lost(
    points: BodyPoints,
    model: BodyModel,
    noise: NoiseSpec,
    rng: np.random.Generator,
    times: np.ndarray,
) -> np.ndarray:
    lost = np.zeros((len(times), len(points)), dtype=bool)
    for members in limbs_of(points, model).values():
        away = _spells(rng, times, noise.drops / len(_LIMBS), 0.1, 0.6)
        lost |= away[:, None] & members
    return lost


def _sides(
    points: BodyPoints,
    model: BodyModel,
    noise: NoiseSpec,
    rng: np.random.Generator,
    times: np.ndarray,
) -> np.ndarray:
    """Which point is taken for which, ``(T, P)``."""
    other, own = mirrored_points(points), np.arange(len(points))
    limbs = limbs_of(points, model)
    taken = np.tile(own, (len(times), 1))
    for part in ("arm", "leg"):
        members = limbs[f"left_{part}"] | limbs[f"right_{part}"]
        wrong = _spells(rng, times, noise.swaps / 2, 0.07, 0.25)
        taken = np.where(wrong[:, None] & members, other, taken)
    return taken
