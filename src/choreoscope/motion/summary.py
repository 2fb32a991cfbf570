"""What a solved shot has to tell: numbers for ``fit.json`` and sentences for the report."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from choreoscope.datatypes.camera import CameraPath, Lens
from choreoscope.motion.bodies.points import place_points, points_of_regressor, pose_body
from choreoscope.motion.fitting import Fit
from choreoscope.motion.proportions import PRIOR_STATURE
from choreoscope.motion.solve.solution import PersonSolution, ShotSolution

_STANDS = 0.5


def camera_facts(solution: ShotSolution) -> tuple[float, float, float]:
    """Height of the first camera over the floor, metres; how far it looks down, and is rolled."""
    first = np.linalg.inv(solution.camera.camera_from_world[0])
    up = first[1, :3]
    pitch = float(np.arcsin(np.clip(-up[2], -1.0, 1.0)))
    return float(first[1, 3]), pitch, float(np.arctan2(-up[0], -up[1]))


def floor_record(solution: ShotSolution) -> dict[str, Any]:
    """Where the floor lies below the first camera."""
    height, pitch, roll = camera_facts(solution)
    return {
        "camera_height": height,
        "pitch_degrees": math.degrees(pitch),
        "roll_degrees": math.degrees(roll),
    }


def fit_record(person: PersonSolution, fit: Fit, height_source: str) -> dict[str, Any]:
    """How well one person agrees with what was seen."""
    return {
        "pixels": _median(person.pixels),
        "metres": _median(person.metres),
        "stature": person.stature,
        "detector_stature": fit.measured.detector_stature,
        "slide": slide_speed(person),
        "height_source": height_source,
    }


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else math.nan


def slide_speed(person: PersonSolution) -> float:
    """Median horizontal speed of the slowest point of standing feet, m/s; NaN without contacts."""
    motion, model = person.motion, person.model
    if motion.contacts is None or motion.frame_count < 2:  # noqa: PLR2004
        return math.nan
    soles = points_of_regressor(model, model.points["soles"])
    pose = pose_body(model, person.shape, motion.root_position, motion.rotations)
    places = place_points(soles, person.shape, pose)[..., [0, 2]]
    speed = np.linalg.norm(np.diff(places, axis=0), axis=-1) / np.diff(motion.times)[:, None]
    found = []
    for side in ("left", "right"):
        for start, joint in (("heel", "foot"), ("ball", "toes")):
            own = [i for i, n in enumerate(soles.names) if n.startswith(f"{side}_{start}")]
            column = motion.contact_joints.index(f"{side}_{joint}")
            held = motion.contacts[:, column] >= _STANDS
            both = held[1:] & held[:-1]
            found.append(speed[both][:, own].min(axis=1))
    every = np.concatenate(found)
    return float(np.median(every)) if len(every) else math.nan


def solve_notes(
    solution: ShotSolution, fits: Mapping[str, Fit], path: CameraPath, lens: Lens
) -> list[str]:
    """Sentences for people: what was assumed, what was measured, what not to trust."""
    notes = []
    for name, person in solution.people.items():
        measured = fits[name].measured
        if measured.assumed:
            notes.append(
                f"{name}: height assumed, {person.stature:.2f} m "
                f"(detector {measured.detector_stature:.2f} m, prior {PRIOR_STATURE:.2f} m); "
                f"distances and sizes scale with it, give --height {name}=METRES to fix it"
            )
        if person.doubts:
            frames = ", ".join(f"{one.start}-{one.stop - 1}" for one in person.doubts)
            notes.append(f"{name}: do not trust frames {frames}")
    if lens.source == "assumed" and path.camera.source == "assumed":
        notes.append(
            f"lens assumed, focal length {lens.fx:.0f} px; distances scale with it, "
            "give --focal-mm, --fov or --camera to fix it"
        )
    if solution.people:
        notes.append(_floor_note(solution))
    if not path.trusted:
        notes.append(
            "the camera's movement could not be explained; world paths are not to be trusted"
        )
    elif path.movement == "travelling" and not path.camera.metric:
        notes.append(
            "the camera's path is as long as people's heights and resting feet make it: "
            f"{100 * solution.report.scale_sigma:.1f} % by these alone"
        )
    return notes


def _floor_note(solution: ShotSolution) -> str:
    height, pitch, roll = camera_facts(solution)
    floor = solution.floor
    if "measured height" not in floor.sources and "told height" not in floor.sources:
        return "no foot at rest was seen: the floor is guessed below the lowest feet"
    tilt = f"{math.degrees(pitch):.1f} degrees down, {math.degrees(roll):.1f} sideways"
    spread = " by ".join(f"{metres:.1f}" for metres in floor.spreads)
    means = {
        "prior tilt": f"not from the contacts, which spread over {spread} m only",
        "measured tilt": f"from contacts spread over {spread} m",
        "tilt measured one way": f"one way from contacts spread over {spread} m",
    }
    source = next((text for name, text in means.items() if name in floor.sources), "as told")
    return f"floor {height:.2f} m below the camera; tilt of the camera {tilt}, {source}"
