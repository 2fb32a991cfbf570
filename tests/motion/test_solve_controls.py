"""Every term has a control experiment: without it, what it is for gets worse."""

import dataclasses
import functools

import numpy as np
from solve_cases import (
    NOISY,
    QUICK,
    Figure,
    body_joints,
    camera_heights,
    dance,
    even,
    figure,
    from_first_camera,
    joint_errors,
    joints_of,
    planted_soles,
    points_of,
    seen,
    shot_of,
    still_camera,
    switched,
    watched,
    with_person,
)

from choreoscope.geometry import rotation
from choreoscope.motion.solve.evidence import DepthOrder, FloorKnowledge, PersonEvidence
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.people_terms import radii
from choreoscope.motion.solve.shot import solve_shot
from choreoscope.motion.solve.solution import ShotSolution

UP = np.array([0.0, 1.0, 0.0])


@functools.cache
def noisy_dance(**terms: bool) -> ShotSolution:
    """A dance as poor detectors see it, solved with some terms off."""
    return solve_shot(seen(dance(), NOISY), switched(**terms))


def planted(solution: ShotSolution) -> tuple[np.ndarray, np.ndarray]:
    """Soles in the world ``(T, 10, 3)``, and which of them truly touch."""
    return points_of(solution, "P01", "soles"), planted_soles(dance().people[0])


def slide(solution: ShotSolution) -> float:
    """Mean speed of truly planted points, m/s."""
    soles, held = planted(solution)
    both = held[1:] & held[:-1]
    speed = np.linalg.norm(np.diff(soles, axis=0), axis=-1) * 24
    return float(speed[both].mean())


def jitter(solution: ShotSolution, truth: np.ndarray, name: str) -> float:
    """Mean acceleration of the joints' errors in camera axes, m/s2."""
    off = from_first_camera(joints_of(solution, name), solution.camera) - truth
    own = body_joints(solution.people[name].model)
    return float(np.linalg.norm(np.diff(off[:, own], 2, axis=0), axis=-1).mean() * 24**2)


def test_without_contacts_feet_slide() -> None:
    with_term, without = slide(noisy_dance()), slide(noisy_dance(contacts=False))
    assert with_term < 0.05
    assert with_term < 0.4 * without


def test_without_the_floor_feet_are_off_it() -> None:
    off = []
    for solution in (noisy_dance(), noisy_dance(floor=False, above_floor=False)):
        soles, held = planted(solution)
        off.append(float(np.abs(soles[..., 1])[held].mean()))
    assert off[0] < 0.01
    assert off[0] < 0.5 * off[1]


def test_without_the_ban_on_it_soles_go_below_the_floor() -> None:
    evidence = dataclasses.replace(
        shot_of(even(0.8), watched(figure(even(0.8), {}))),
        floor=FloorKnowledge(up=UP, up_sigma=0.002, height=0.06, height_sigma=3e-4),
    )
    depth = []
    for above in (True, False):
        solution = solve_shot(evidence, switched(floor=False, above_floor=above))
        depth.append(-float(points_of(solution, "a", "soles")[..., 1].min(axis=1).mean()))
    assert depth[0] < 0.02
    assert depth[0] < 0.5 * depth[1]


def test_without_smoothness_people_tremble() -> None:
    truth = from_first_camera(dance().people[0].joints()[0], dance().camera)
    calm, shaky = (
        jitter(solution, truth, "P01")
        for solution in (noisy_dance(), noisy_dance(smoothness=False))
    )
    assert calm < 0.6 * shaky


def jumper() -> tuple[Figure, np.ndarray]:
    """Somebody who stands, flies for nearly half a second and stands again; and when."""
    times = even(1.25)
    start, stop = 0.4, 0.86
    air = np.clip(times - start, 0, stop - start)
    made = figure(times, {})
    rise = 0.5 * 9.81 * air * (stop - start - air)
    return dataclasses.replace(made, root=made.root + np.outer(rise, UP)), (times > start) & (
        times < stop
    )


def test_without_flight_a_jump_falls_off_its_parabola() -> None:
    made, flying = jumper()
    evidence = shot_of(made.times, watched(made, px=5.0, metres=0.05, rng=np.random.default_rng(3)))
    inside = flying[2:] & flying[1:-1] & flying[:-2]
    off = []
    for flight in (True, False):
        solution = solve_shot(evidence, switched(flight=flight))
        centre = points_of(solution, "a", "mass")[:, 0]
        fall = np.diff(centre, 2, axis=0) * 24**2
        off.append(float(np.linalg.norm(fall[inside] + 9.81 * UP, axis=1).mean()))
        assert len(solution.report.flight_scales["a"]) == 1
    assert off[0] < 1.5
    assert off[0] < 0.5 * off[1]


def test_without_robust_losses_outliers_win() -> None:
    shot, clean = dance(), seen(dance(), NOISY)
    rng = np.random.default_rng(2)
    person = clean.people[0]
    wild = rng.uniform(size=person.pixel_sigma.shape) < 0.1
    evidence = with_person(
        clean,
        pixels=person.pixels + wild[..., None] * rng.normal(0, 120, person.pixels.shape),
        places=person.places + wild[..., None] * rng.normal(0, 0.6, person.places.shape),
    )
    tough, soft = (
        float(np.median(joint_errors(solve_shot(evidence, switched(robust=on)), shot)))
        for on in (True, False)
    )
    assert tough < 0.6 * soft


def test_without_heights_stature_drifts_to_the_prior() -> None:
    times = even(0.6)
    person = watched(figure(times, {}, stature=1.92))
    told, guessed = (
        solve_shot(shot_of(times, person), switched(heights=on)).people["a"].stature
        for on in (True, False)
    )
    assert abs(told - 1.92) < 0.01
    assert guessed < 1.92 - 0.03


def two(apart: float, behind: float, believed: float) -> tuple[Figure, list[PersonEvidence]]:
    """`b` stands beside and behind `a`, and is believed to be shorter, and so nearer, than true."""
    times = even(0.5)
    made = figure(times, {})
    other = dataclasses.replace(made, root=made.root + np.array([apart, 0.0, -behind]))
    second = dataclasses.replace(watched(other, name="b"), height=believed, height_sigma=0.02)
    return made, [watched(made), second]


def overlap(solution: ShotSolution) -> float:
    """How far joints of the two are inside each other at most, metres."""
    model = solution.people["a"].model
    size = radii(model.joints)
    a, b = joints_of(solution, "a"), joints_of(solution, "b")
    gap = np.linalg.norm(a[:, :, None] - b[:, None], axis=-1)
    counts = (size[:, None] > 0) & (size > 0)
    return float(np.maximum(size[:, None] + size - gap, 0)[:, counts].max())


def test_without_bodies_kept_apart_they_pass_through_each_other() -> None:
    _, people = two(0.12, 0.35, 1.60)
    evidence = shot_of(even(0.5), *people)
    # The floor would tell the depths as well.
    airy = {"order": False, "floor": False, "above_floor": False}
    # The first of several rounds lets bodies pass; one round alone does not.
    inside = [
        overlap(
            solve_shot(
                evidence,
                dataclasses.replace(switched(apart=on, **airy), iterations=(4, 4, 6)),
            )
        )
        for on in (True, False)
    ]
    assert inside[1] > 0.03
    assert inside[0] < 0.5 * inside[1]
    touching = dataclasses.replace(evidence, touching=frozenset({frozenset("ab")}))
    together = dataclasses.replace(switched(**airy), iterations=(4, 4, 6))
    partners = overlap(solve_shot(touching, together))
    assert abs(partners - inside[1]) < 1e-6


def test_without_the_order_of_masks_people_swap_their_depths() -> None:
    _, people = two(0.9, 0.35, 1.50)
    seen_order = DepthOrder(front="a", behind="b", frames=np.arange(12), weight=np.ones(12))
    evidence = shot_of(even(0.5), *people, orders=(seen_order,))
    ahead = []
    for order in (True, False):
        solution = solve_shot(evidence, switched(order=order, floor=False, above_floor=False))
        roots = [
            from_first_camera(joints_of(solution, name), solution.camera)[:, 0, 2].mean()
            for name in "ab"
        ]
        ahead.append(float(roots[1] - roots[0]))
    assert ahead[0] > 0
    assert ahead[1] < -0.05


def hit() -> Figure:
    """An arm that flies up within an eighth of a second and stops dead."""
    times = np.arange(40) / 48
    lifted = 1.9 / (1 + np.exp(-(times - 0.4) / 0.02))
    return figure(times, {"left_upper_arm": np.outer(lifted - 1.2, [0.0, 0.0, 1.0])})


def test_without_adapting_to_speed_accents_are_worn_down() -> None:
    made = hit()
    person = watched(made, px=2.0, metres=0.02, rng=np.random.default_rng(4))
    joint = made.model.joints.index("left_upper_arm")
    kept = []
    true = rotation.angle_between(made.rotations[1:, joint], made.rotations[:-1, joint]).max()
    for adaptive in (True, False):
        solution = solve_shot(
            shot_of(made.times, person), switched(adaptive=adaptive, robust=False)
        )
        turns = solution.people["a"].motion.rotations[:, joint]
        kept.append(float(rotation.angle_between(turns[1:], turns[:-1]).max() / true))
    assert kept[0] > 0.9
    assert kept[1] < kept[0] - 0.05


def test_without_limits_knees_bend_the_wrong_way() -> None:
    times = even(0.6)
    made = figure(times, {})
    person = watched(made, px=6.0, metres=0.06, rng=np.random.default_rng(8))
    knees = [made.model.joints.index(f"{side}_shin") for side in ("left", "right")]
    worst = []
    for limits in (True, False):
        motion = solve_shot(shot_of(times, person), switched(limits=limits)).people["a"].motion
        worst.append(float(rotation.to_rotation_vector(motion.rotations[:, knees])[..., 0].min()))
    assert worst[0] > -0.25
    assert worst[1] < 1.5 * worst[0]


def test_without_the_prior_what_is_hardly_known_strays() -> None:
    times = even(0.6)
    made = figure(times, {})
    person = watched(made, px=3.0, metres=0.05, rng=np.random.default_rng(8))
    twist = [made.model.joints.index(name) for name in ("spine_low", "spine_mid", "spine_high")]
    size = []
    for prior in (True, False):
        motion = solve_shot(shot_of(times, person), switched(prior=prior)).people["a"].motion
        turns = rotation.to_rotation_vector(motion.rotations[:, twist])
        size.append(float(np.sqrt((turns**2).mean())))
    assert size[0] < 0.9 * size[1]


def test_without_pixels_people_stray_and_without_places_they_flatten() -> None:
    made = figure(even(0.6), {"left_thigh": np.array([-1.2, 0.0, 0.0])})
    truth = from_first_camera(made.joints(), still_camera(1))
    own = body_joints(made.model)

    def errors(**terms: bool) -> np.ndarray:
        person = watched(made, px=2.0, metres=0.02, rng=np.random.default_rng(1))
        solution = solve_shot(shot_of(made.times, person), switched(**terms))
        return from_first_camera(joints_of(solution, "a"), solution.camera)[:, own] - truth[:, own]

    both, no_pixels, no_places = errors(), errors(pixels=False), errors(places=False)
    assert np.abs(both[:, 0, :2]).mean() < np.abs(no_pixels[:, 0, :2]).mean()
    relative = [off - off[:, :1] for off in (both, no_places)]
    assert np.abs(relative[0][..., 2]).mean() < np.abs(relative[1][..., 2]).mean()


def test_contacts_told_by_hand_win() -> None:
    times = even(0.8)
    made = figure(times, {})
    free = watched(made)
    off = dataclasses.replace(free, feet=np.tile([0, 0, -1, -1], (len(times), 1)))
    pinned = dataclasses.replace(free, feet=np.tile([-1, -1, 2, 2], (len(times), 1)))
    columns = [
        solve_shot(shot_of(times, person), SolveOptions(iterations=(2,))).people["a"].motion
        for person in (free, off, pinned)
    ]
    names = columns[0].contact_joints
    left = [at for at, name in enumerate(names) if name in ("left_foot", "left_toes")]
    right = [at for at, name in enumerate(names) if name in ("right_foot", "right_toes")]
    assert columns[0].contacts[:, left].min() >= 0.5
    assert np.all(columns[1].contacts[:, left] == 0)
    assert columns[1].contacts[:, right].min() >= 0.5
    assert np.all(columns[2].contacts[:, right] == 1)


def test_a_person_may_stand_higher_than_the_floor_only_without_being_pulled_down() -> None:
    """Somebody on a box of 60 cm stays there, beside somebody on the floor."""
    times = even(0.8)
    made = figure(times, {})
    box = dataclasses.replace(made, root=made.root + np.array([1.0, 0.6, 0.0]))
    solution = solve_shot(shot_of(times, watched(made), watched(box, name="b")), QUICK)
    heights = {
        name: float(np.median(points_of(solution, name, "soles")[..., 1].min(axis=1)))
        for name in "ab"
    }
    assert abs(heights["a"]) < 0.02
    assert abs(heights["b"] - 0.6) < 0.06
    assert abs(camera_heights(solution.camera)[0] - 1.5) < 0.03
