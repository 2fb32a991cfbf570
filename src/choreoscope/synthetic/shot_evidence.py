"""Evidence of a made-up shot in the form the shot solve takes."""

import dataclasses

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.geometry import rotation
from choreoscope.motion.solve.evidence import FloorKnowledge, PersonEvidence, ShotEvidence
from choreoscope.motion.solve.options import PRIOR_STATURE
from choreoscope.synthetic.evidence import NoiseSpec, Observed, drifting, observe
from choreoscope.synthetic.shot import Shot

_PATH_MEMORY = 0.5


def shot_evidence(
    shot: Shot, noise: NoiseSpec, rng: np.random.Generator, *, heights: bool = False
) -> ShotEvidence:
    """Let detectors and a camera solve look at a shot.

    Parameters
    ----------
    shot : Shot
        The truth.
    noise : NoiseSpec
        How bad they are.
    rng : numpy.random.Generator
        Source of chance.
    heights : bool
        Whether the true statures are told.

    Returns
    -------
    ShotEvidence
        The camera's world is that of the camera in frame 0; the length of its path is in unknown
        units where it travels. Children are told to be children.
    """
    people_chance, camera_chance = rng.spawn(2)
    seen = observe(shot, noise, people_chance)
    camera, up = camera_evidence(shot, noise, camera_chance)
    statures = [person.stature if heights else None for person in shot.people]
    return ShotEvidence(
        people=tuple(
            person_evidence(one, shot, noise, height)
            for one, height in zip(seen, statures, strict=True)
            if len(one.frames)
        ),
        camera=camera,
        times=shot.times,
        floor=FloorKnowledge(up=up, up_sigma=max(noise.gravity, 0.002)),
        focal_sigma=noise.focal,
        touching=frozenset({frozenset({"P01", "P02"})}) if shot.spec.partner else frozenset(),
    )


def person_evidence(
    seen: Observed, shot: Shot, noise: NoiseSpec, height: float | None
) -> PersonEvidence:
    """Bind what is said of one person to the body it is to be fitted with."""
    person = next(one for one in shot.people if one.person == seen.person)
    return PersonEvidence(
        person=seen.person,
        model=person.model,
        points=seen.points,
        frames=seen.frames,
        pixels=seen.pixels,
        pixel_sigma=seen.pixel_sigma,
        places=seen.places,
        place_sigma=seen.place_sigma,
        depth_ratio=max(noise.depth_ratio, 1.0),
        height=PRIOR_STATURE if height is None else height,
        height_sigma=0.10 if height is None else 0.005,
    )


def camera_evidence(
    shot: Shot, noise: NoiseSpec, rng: np.random.Generator
) -> tuple[CameraTrack, np.ndarray]:
    """Make what a camera solve would leave.

    Parameters
    ----------
    shot : Shot
        The truth.
    noise : NoiseSpec
        How bad it is.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    camera : CameraTrack
        Its world has the axes and the place of the camera in frame 0. A camera that stands keeps
        one place exactly; one that travels is known up to scale, so that `metric` is False.
    up : (3,) float
        Against gravity in that world, unit.
    """
    truth, times = shot.camera, shot.times.seconds
    first = np.linalg.inv(truth.camera_from_world[0])
    path = truth.camera_from_world @ first
    places = -np.einsum("tba,tb->ta", path[:, :3, :3], path[:, :3, 3])
    travels = shot.filming.movement == "travelling"
    turns = path[:, :3, :3]
    if shot.filming.movement != "locked":
        off = noise.camera_turn * drifting(rng, times, _PATH_MEMORY, (3,))
        turns = rotation.to_matrix(rotation.from_rotation_vector(off - off[0])) @ turns
    if travels:
        length = float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())
        wrong = noise.camera_place * length * drifting(rng, times, _PATH_MEMORY, (3,))
        unknown = float(np.exp(rng.uniform(-1.0, 1.0)))
        places = unknown * (places + wrong - wrong[0])
    else:
        places = np.zeros(places.shape)
    matrices = np.tile(np.eye(4), (len(times), 1, 1))
    matrices[:, :3, :3] = turns
    matrices[:, :3, 3] = -np.einsum("tab,tb->ta", turns, places)
    intrinsics = truth.intrinsics.copy()
    intrinsics[:, [0, 1], [0, 1]] *= np.exp(noise.focal * rng.normal())
    tilt = rotation.from_rotation_vector(noise.gravity * rng.normal(0, 1, 3))
    up = rotation.rotate(tilt, truth.camera_from_world[0, :3, 1])
    camera = dataclasses.replace(
        truth,
        intrinsics=intrinsics,
        camera_from_world=matrices,
        source="solved" if travels else "given",
        metric=not travels,
    )
    return camera, up
