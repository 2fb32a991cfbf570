"""Scores of people: pose, world, movement, feet and their places to each other."""

from collections.abc import Callable

import numpy as np

from choreoscope.motion.metrics import accents, feet, people, poses, world
from choreoscope.motion.metrics.means import mean, pooled
from choreoscope.motion.metrics.pairing import Pairing
from choreoscope.motion.metrics.score import Better, Score, of_people

_PAIR = 2


def people_scores(pairing: Pairing) -> list[Score]:
    """Who was found, and how people stand to each other."""
    own, true = pairing.result.joints, pairing.truth.joints
    has_truth = np.isfinite(true).all(axis=-1).any(axis=-1)
    has_both = has_truth & np.isfinite(own).all(axis=-1).any(axis=-1)
    names = list(pairing.people)
    missed, extra = pairing.unmatched
    found = [
        Score(
            name="people_matched",
            group="people",
            unit="",
            value=float(len(names)),
            truth=float(len(names) + len(missed)),
            better="truth",
        ),
        Score(name="people_too_many", group="people", unit="", value=float(len(extra))),
        of_people(
            "frames_covered",
            "people",
            "%",
            {name: 100.0 * has_both[row][has_truth[row]] for row, name in enumerate(names)},
            better="higher",
        ),
    ]
    if len(names) >= _PAIR:
        roots = [_pelves(pairing, side) for side in (own, true)]
        for name, errors in (
            ("root_distance_error", people.root_distance_errors_mm(*roots)),
            ("closest_distance_error", people.closest_distance_errors_mm(own, true)),
        ):
            found.append(Score(name=name, group="people", unit="mm", value=mean(errors)))
    return found


def pose_scores(pairing: Pairing) -> list[Score]:
    """Errors of the pose alone."""
    pelvis, times = pairing.pelvis, pairing.times

    def of(name: str, unit: str, error: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Score:
        return of_people(name, "pose", unit, _each(pairing, error))

    return [
        of("mpjpe", "mm", lambda own, true: poses.mpjpe_mm(own, true, pelvis)),
        of("pa_mpjpe", "mm", poses.pa_mpjpe_mm),
        of(
            "acceleration_error",
            "m/s^2",
            lambda own, true: poses.acceleration_error(
                poses.from_pelvis(own, pelvis), poses.from_pelvis(true, pelvis), times
            ),
        ),
        of_people(
            "bone_scale_error",
            "pose",
            "%",
            _each(
                pairing,
                lambda own, true: np.array(
                    [poses.bone_scale_error_percent(own, true, pairing.parents)]
                ),
            ),
            better="zero",
        ),
        _bone_spread(pairing),
    ]


def world_scores(pairing: Pairing) -> list[Score]:
    """Errors of place, path and scale."""
    pelvis = list(pairing.pelvis)

    def of(name: str, unit: str, error: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Score:
        return of_people(name, "world", unit, _each(pairing, error))

    def roots(
        error: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return lambda own, true: error(own[:, pelvis].mean(axis=1), true[:, pelvis].mean(axis=1))

    scene = world.scene_mpjpe_mm(pairing.result.joints, pairing.truth.joints)
    return [
        of("wa_mpjpe", "mm", world.wa_mpjpe_mm),
        of("w_mpjpe", "mm", world.w_mpjpe_mm),
        of(
            "metric_wa_mpjpe",
            "mm",
            lambda own, true: world.wa_mpjpe_mm(own, true, with_scale=False),
        ),
        of("metric_w_mpjpe", "mm", lambda own, true: world.w_mpjpe_mm(own, true, with_scale=False)),
        of_people("scene_mpjpe", "world", "mm", dict(zip(pairing.people, scene, strict=True))),
        of("world_mpjpe", "mm", world.world_mpjpe_mm),
        of("rte", "%", roots(world.rte_percent)),
        of("root_error", "mm", roots(world.root_error_mm)),
        of(
            "root_error_unaligned",
            "mm",
            roots(lambda own, true: world.root_error_mm(own, true, aligned=False)),
        ),
        _erve(pairing),
        of_people(
            "world_scale_error",
            "world",
            "%",
            _each(pairing, lambda own, true: np.array([world.scale_error_percent(own, true)])),
            better="zero",
        ),
    ]


def movement_scores(pairing: Pairing) -> list[Score]:
    """Smooth where the truth is smooth, sharp where it is sharp."""
    times = pairing.times
    found = [
        of_people(
            "jitter",
            "movement",
            "10 m/s^3",
            _each(pairing, lambda own, _: poses.jitter(own, times)),
            truth=_each(pairing, lambda _, true: poses.jitter(true, times)),
            better="truth",
        )
    ]
    ends = pairing.index((*pairing.parts.hands, *pairing.parts.feet))
    if ends:
        found += _accent_scores(pairing, ends)
    if pairing.parts.legs:
        pops = _each(pairing, lambda own, true: np.array([_pops(pairing, own, true)]))
        counts = {name: float(count[0]) for name, count in pops.items()}
        found.append(
            Score(
                name="knee_pops",
                group="movement",
                unit="",
                value=sum(counts.values()),
                people=counts,
            )
        )
    return found


def feet_scores(pairing: Pairing) -> list[Score]:
    """Feet that stand, on a floor at y = 0; nothing if the skeletons share no feet."""
    own, true, times = pairing.result.soles, pairing.truth.soles, pairing.times
    if not own.shape[2]:
        return []
    names = list(pairing.people)
    touches = [feet.touching(soles, times) for soles in true]

    def both(measure: Callable[[np.ndarray, int], np.ndarray], name: str, unit: str) -> Score:
        values = [
            {person: measure(side[row], row) for row, person in enumerate(names)}
            for side in (own, true)
        ]
        return of_people(name, "feet", unit, values[0], truth=values[1])

    return [
        both(
            lambda soles, row: feet.slide_mm_per_frame(soles, true[row]),
            "foot_slide_per_frame",
            "mm/frame",
        ),
        both(
            lambda soles, row: feet.slide_mm_per_second(soles, true[row], times),
            "foot_slide",
            "mm/s",
        ),
        both(lambda soles, _: feet.penetration_mm(soles), "sole_penetration", "mm"),
        both(lambda soles, row: feet.float_mm(soles, touches[row]), "sole_float", "mm"),
    ]


def _each(
    pairing: Pairing, measure: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """Measure every person: joints of the result, joints of the truth."""
    pairs = zip(pairing.people, pairing.result.joints, pairing.truth.joints, strict=True)
    return {name: measure(own, true) for name, own, true in pairs}


def _pelves(pairing: Pairing, joints: np.ndarray) -> np.ndarray:
    return np.asarray(joints[:, :, list(pairing.pelvis)].mean(axis=2))


def _bone_spread(pairing: Pairing) -> Score:
    """Root of the mean variance of bone lengths."""
    variances = _each(pairing, lambda own, _: poses.bone_length_variance_mm2(own, pairing.parents))
    return Score(
        name="bone_length_spread",
        group="pose",
        unit="mm",
        value=float(np.sqrt(pooled(list(variances.values())))),
        people={name: float(np.sqrt(mean(own))) for name, own in variances.items()},
    )


def _erve(pairing: Pairing) -> Score:
    errors = {
        name: world.erve(
            pairing.result.joints[row][:, list(pairing.pelvis)].mean(axis=1),
            pairing.truth.joints[row][:, list(pairing.pelvis)].mean(axis=1),
            pairing.result.turns[row],
            pairing.truth.turns[row],
            pairing.times,
        )
        for row, name in enumerate(pairing.people)
    }
    return of_people("erve", "world", "mm/s", errors)


def _accent_scores(pairing: Pairing, ends: list[int]) -> list[Score]:
    found = {
        name: accents.accents(own[:, ends], true[:, ends], pairing.times)
        for name, own, true in zip(
            pairing.people, pairing.result.joints, pairing.truth.joints, strict=True
        )
    }

    def of(
        name: str,
        unit: str,
        measure: Callable[[accents.Accents], np.ndarray],
        better: Better = "lower",
    ) -> Score:
        values = {person: measure(own) for person, own in found.items()}
        return of_people(name, "movement", unit, values, better=better)

    counts = {name: float(len(own.seconds)) for name, own in found.items()}
    return [
        Score(
            name="accents",
            group="movement",
            unit="",
            value=sum(counts.values()),
            people=counts,
            better="truth",
            truth=sum(counts.values()),
        ),
        of("accent_retention", "%", lambda own: 100.0 * own.ratio, "higher"),
        of("accents_kept", "%", lambda own: 100.0 * np.minimum(own.ratio, 1.0), "higher"),
        of("accent_timing", "ms", lambda own: 1000.0 * np.abs(own.shift_seconds)),
        of("accent_timing_frames", "frames", lambda own: pairing.rate * np.abs(own.shift_seconds)),
    ]


def _pops(pairing: Pairing, own: np.ndarray, true: np.ndarray) -> float:
    total = 0
    for leg in pairing.parts.legs:
        hip, knee, ankle = pairing.index(leg)
        bends = [
            feet.knee_bend_degrees(joints[:, hip], joints[:, knee], joints[:, ankle])
            for joints in (own, true)
        ]
        total += feet.knee_pops(bends[0], bends[1], pairing.times)
    return float(total)
