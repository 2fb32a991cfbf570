"""Scores of one method on one shot, each with how many values it is the mean of."""

import numpy as np

from benchmarks.shot_suite_cases import ENDS, Case, Person, compared_joints
from choreoscope.motion.metrics.accents import accents
from choreoscope.motion.metrics.feet import (
    float_mm,
    penetration_mm,
    slide_mm_per_second,
    touching,
)
from choreoscope.motion.metrics.people import root_distance_errors_mm
from choreoscope.motion.metrics.poses import jitter
from choreoscope.motion.metrics.world import (
    root_error_mm,
    scale_error_percent,
    scene_mpjpe_mm,
    w_mpjpe_mm,
)

Score = tuple[float, float]
"""Mean and number of values."""
COLUMNS = {
    "w": "metric W-MPJPE mm",
    "root": "root error mm",
    "scene": "scene MPJPE mm",
    "slide": "foot slide mm/s",
    "accents": "accents kept %",
    "timing": "accents off ms",
    "pairs": "pairwise mm",
    "scale": "scale error %",
    "below": "below floor mm",
    "above": "float mm",
    "jitter": "jitter m/s3",
    "true_jitter": "truth's",
    "seconds": "cpu-s per 1000",
}


def score(case: Case, solved: dict[str, Person], seconds: float) -> dict[str, Score]:
    """Measure everything.

    Parameters
    ----------
    case : Case
        The truth.
    solved : dict of str to Person
        What a method made of it, its own world.
    seconds : float
        The processor took.

    Returns
    -------
    dict of str to (float, float)
        By name of `COLUMNS`.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}
    scene: list[tuple[np.ndarray, np.ndarray]] = []
    seen = {one.person: one.frames for one in case.evidence.people}
    for person, truth in case.truth.items():
        own = solved.get(person)
        if own is not None:
            joints = _on_true_rows(own, truth, own.joints(), seen[person])
            soles = _on_true_rows(own, truth, own.soles(), seen[person])
            scene.append((joints, truth.joints()))
            _of_person(parts, truth, joints, soles)
    if scene:
        _of_scene(parts, case, scene)
    result = {name: _mean(values) for name, values in parts.items()}
    per_thousand = 1000 * seconds / max(case.person_frames, 1) if seconds else float("nan")
    result["seconds"] = (per_thousand, float(case.person_frames))
    return result


def _of_person(
    parts: dict[str, list[np.ndarray]],
    truth: Person,
    joints: np.ndarray,
    soles: np.ndarray,
) -> None:
    true_joints, true_soles, times = truth.joints(), truth.soles(), truth.motion.times
    chosen = compared_joints(truth.motion.skeleton.joints)
    parts["w"].append(w_mpjpe_mm(joints[:, chosen], true_joints[:, chosen], with_scale=False))
    parts["root"].append(root_error_mm(joints[:, 0], true_joints[:, 0]))
    parts["slide"].append(slide_mm_per_second(soles, true_soles, times))
    parts["below"].append(penetration_mm(soles))
    parts["above"].append(float_mm(soles, touching(true_soles, times)))
    ends = [truth.motion.skeleton.index(name) for name in ENDS]
    found = accents(joints[:, ends], true_joints[:, ends], times)
    parts["accents"].append(100 * np.minimum(found.ratio, 1.0))
    parts["timing"].append(1000 * np.abs(found.shift_seconds))
    parts["jitter"].append(jitter(joints[:, chosen], times))
    parts["true_jitter"].append(jitter(true_joints[:, chosen], times))


def _of_scene(
    parts: dict[str, list[np.ndarray]],
    case: Case,
    scene: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    chosen = compared_joints(next(iter(case.truth.values())).motion.skeleton.joints)
    first = min(person.motion.first_frame for person in case.truth.values())
    stop = max(one.motion.first_frame + one.motion.frame_count for one in case.truth.values())
    laid = np.full((2, len(scene), stop - first, len(chosen), 3), np.nan)
    for row, (person, both) in enumerate(zip(case.truth.values(), scene, strict=False)):
        at = person.motion.first_frame - first
        for side in range(2):
            laid[side, row, at : at + len(both[side])] = both[side][:, chosen]
    parts["scene"].append(scene_mpjpe_mm(laid[0], laid[1]))
    parts["scale"].append(np.abs(np.array([scale_error_percent(laid[0], laid[1])])))
    if len(scene) > 1:
        parts["pairs"].append(root_distance_errors_mm(laid[0, :, :, 0], laid[1, :, :, 0]))


def _on_true_rows(own: Person, truth: Person, values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Rows of the truth's frames; NaN where nobody was seen: bridges are not scored."""
    wide = np.full((truth.motion.frame_count, *values.shape[1:]), np.nan)
    rows = np.arange(len(values)) + own.motion.first_frame - truth.motion.first_frame
    inside = (rows >= 0) & (rows < len(wide))
    wide[rows[inside]] = values[inside]
    wide[np.setdiff1d(np.arange(len(wide)), seen - truth.motion.first_frame)] = np.nan
    return wide


def _mean(values: list[np.ndarray]) -> Score:
    heap = np.concatenate([np.ravel(one) for one in values]) if values else np.zeros(0)
    heap = heap[np.isfinite(heap)]
    return (float(heap.mean()), float(len(heap))) if len(heap) else (float("nan"), 0.0)


def pooled(scores: list[Score]) -> float:
    """Mean over all values of all shots."""
    known = [(value, count) for value, count in scores if count > 0 and np.isfinite(value)]
    total = sum(count for _, count in known)
    return sum(value * count for value, count in known) / total if total else float("nan")
