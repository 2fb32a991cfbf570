"""Changes of a shot's evidence in which a term of the solve must hurt, or has nothing to do."""

import dataclasses
from collections.abc import Callable

import numpy as np

from benchmarks.shot_suite_cases import Case, Person
from choreoscope.motion.bodies.points import BodyPoints, place_points, pose_body
from choreoscope.motion.corrections import OFF
from choreoscope.motion.solve.evidence import DepthOrder, PersonEvidence, ShotEvidence
from choreoscope.motion.solve.start import start_pose

Change = Callable[[Case], Case]
EXACT_PIXELS, EXACT_METRES = 0.5, 0.003
"""Sigmas given with exact evidence."""
SLOWER = 4.0
OUTLIERS, OUTLIER_METRES, OUTLIER_PIXELS = 0.05, 0.5, 80.0


def as_it_is(case: Case) -> Case:
    """Change nothing."""
    return case


def every_person(case: Case, change: Callable[[PersonEvidence], PersonEvidence]) -> Case:
    """Change the evidence of everybody."""
    people = tuple(change(one) for one in case.evidence.people)
    return with_evidence(case, people=people)


def with_evidence(case: Case, **fields: object) -> Case:
    """Change fields of the evidence."""
    evidence: ShotEvidence = dataclasses.replace(case.evidence, **fields)  # type: ignore[arg-type]
    return dataclasses.replace(case, evidence=evidence)


def without_pixels(case: Case) -> Case:
    """Show no point in the picture."""
    return every_person(
        case,
        lambda one: dataclasses.replace(one, pixel_sigma=np.full_like(one.pixel_sigma, np.inf)),
    )


def without_places(case: Case) -> Case:
    """Show no point in space, and keep the first guess that is made from them."""
    return every_person(
        case,
        lambda one: dataclasses.replace(
            one,
            place_sigma=np.full_like(one.place_sigma, np.inf),
            start=start_pose(one, case.evidence),
        ),
    )


def exact(case: Case) -> Case:
    """Evidence without noise: every point where it truly is, and nearly sure."""
    return every_person(case, lambda one: _exact_person(case, one))


def _exact_person(case: Case, one: PersonEvidence) -> PersonEvidence:
    rows = one.frames - case.evidence.times.first_frame
    pose = case.camera.camera_from_world[rows]
    world = points_of(case.truth[one.person], one.points, one.frames)
    places = np.einsum("tab,tpb->tpa", pose[:, :3, :3], world) + pose[:, None, :3, 3]
    lens = case.camera.intrinsics[rows]
    shown = np.einsum("tab,tpb->tpa", lens, places)
    return dataclasses.replace(
        one,
        pixels=shown[..., :2] / shown[..., 2:],
        pixel_sigma=np.full_like(one.pixel_sigma, EXACT_PIXELS),
        places=places,
        place_sigma=np.full_like(one.place_sigma, EXACT_METRES),
    )


def points_of(person: Person, points: BodyPoints, frames: np.ndarray) -> np.ndarray:
    """Where points of a person truly are in some frames, ``(N, P, 3)``, world."""
    motion = person.motion
    rows = np.clip(frames - motion.first_frame, 0, motion.frame_count - 1)
    pose = pose_body(person.model, person.shape, motion.root_position[rows], motion.rotations[rows])
    return place_points(points, person.shape, pose)


def arms_hidden(case: Case) -> Case:
    """Hide both arms' points in every other half second."""
    return every_person(case, lambda one: _hidden(case, one, ("elbow", "wrist", "hand", "forearm")))


def _hidden(case: Case, one: PersonEvidence, parts: tuple[str, ...]) -> PersonEvidence:
    columns = np.array([any(part in name for part in parts) for name in one.points.names])
    gone = (case.evidence.times.at(one.frames) % 1.0) < 0.5
    lost = gone[:, None] & columns
    return dataclasses.replace(
        one,
        pixel_sigma=np.where(lost, np.inf, one.pixel_sigma),
        place_sigma=np.where(lost, np.inf, one.place_sigma),
    )


def with_outliers(case: Case) -> Case:
    """Put one point in twenty somewhere else, as sure of it as of the others."""
    rng = np.random.default_rng([case.seed, 5])

    def spoiled(one: PersonEvidence) -> PersonEvidence:
        wrong = rng.random(one.place_sigma.shape) < OUTLIERS
        away = rng.normal(0, 1, one.places.shape)
        return dataclasses.replace(
            one,
            places=one.places + OUTLIER_METRES * away * wrong[..., None],
            pixels=one.pixels + OUTLIER_PIXELS * away[..., :2] * wrong[..., None],
        )

    return every_person(case, spoiled)


def slowed_down(case: Case) -> Case:
    """Shoot at four times the rate and play it as if it were not: bodies fall too slowly."""
    times = case.evidence.times
    slower = dataclasses.replace(
        times, seconds=times.seconds * SLOWER, rate=times.rate / int(SLOWER)
    )
    truth = {
        name: dataclasses.replace(
            person,
            motion=dataclasses.replace(
                person.motion,
                times=person.motion.times * SLOWER,
                rate=person.motion.rate / int(SLOWER),
            ),
        )
        for name, person in case.truth.items()
    }
    return dataclasses.replace(with_evidence(case, times=slower), truth=truth)


def feet_never_down(case: Case) -> Case:
    """Say by hand that no sole ever touches the floor."""
    return every_person(
        case,
        lambda one: dataclasses.replace(one, feet=np.full((len(one.frames), 4), OFF)),
    )


def heights_too_large(case: Case) -> Case:
    """Tell everybody's height, 15 % too large."""
    return every_person(
        case, lambda one: dataclasses.replace(one, height=1.15 * case.statures[one.person])
    )


def heights_told(case: Case) -> Case:
    """Tell everybody's true height."""
    return case.with_heights()


def ordered(case: Case) -> Case:
    """Tell who stands before whom in every frame in which that is clear by 20 cm."""
    return with_evidence(case, orders=tuple(_orders(case, reverse=False)))


def order_reversed(case: Case) -> Case:
    """Tell who stands before whom, the wrong way round."""
    return with_evidence(case, orders=tuple(_orders(case, reverse=True)))


def _orders(case: Case, *, reverse: bool) -> list[DepthOrder]:
    found = []
    names = sorted(case.truth)
    depth = {name: _depths(case, name) for name in names}
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            frames = np.array(sorted(set(depth[first]) & set(depth[second])), dtype=np.int64)
            gap = np.array([depth[second][frame] - depth[first][frame] for frame in frames])
            for sign, pair in ((1, (first, second)), (-1, (second, first))):
                clear = frames[sign * gap > 0.2]
                front, behind = pair[::-1] if reverse else pair
                if len(clear):
                    found.append(
                        DepthOrder(
                            front=front, behind=behind, frames=clear, weight=np.ones(len(clear))
                        )
                    )
    return found


def _depths(case: Case, name: str) -> dict[int, float]:
    motion = case.truth[name].motion
    frames = motion.first_frame + np.arange(motion.frame_count)
    pose = case.camera.camera_from_world[frames - case.evidence.times.first_frame]
    depth = np.einsum("tb,tb->t", pose[:, 2, :3], motion.root_position) + pose[:, 2, 3]
    return dict(zip(frames.tolist(), depth.tolist(), strict=True))


def free_to_touch(case: Case) -> Case:
    """Mark every pair as partners who may touch."""
    names = [one.person for one in case.evidence.people]
    pairs = frozenset(frozenset((a, b)) for a in names for b in names if a != b)
    return with_evidence(case, touching=pairs)


def metric_camera(case: Case) -> Case:
    """Tell the true size of the camera's path."""
    camera = dataclasses.replace(
        case.evidence.camera,
        camera_from_world=_scaled(case.evidence.camera.camera_from_world, case.path_scale),
        metric=True,
    )
    return with_evidence(case, camera=camera)


def _scaled(camera_from_world: np.ndarray, factor: float) -> np.ndarray:
    scaled = camera_from_world.copy()
    scaled[:, :3, 3] *= factor
    return scaled
