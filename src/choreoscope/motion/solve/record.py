"""What a solve leaves behind for people to judge it by: frame by frame, and for the shot."""

from typing import Any

import numpy as np

from choreoscope.datatypes.motion import Motion
from choreoscope.datatypes.residuals import Footing, PersonResiduals
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import place_points, points_of_regressor, pose_body
from choreoscope.motion.solve.solution import PersonSolution, ShotSolution

_SIDES = ("left", "right")


def person_record(person: PersonSolution) -> PersonResiduals:
    """Gather one person's residuals, and root and feet before and after."""
    motion, start = person.motion, person.start
    before = None
    if start is not None and person.start_shape is not None:
        before = footing(person.model, person.start_shape, start)
    return PersonResiduals(
        first_frame=motion.first_frame,
        times=motion.times,
        pixels=person.pixels,
        metres=person.metres,
        before=before,
        after=footing(person.model, person.shape, motion),
        doubts=person.doubts,
        stature=person.stature,
    )


def footing(model: BodyModel, shape: np.ndarray, motion: Motion) -> Footing:
    """Measure where a body is and how its soles stand over the floor ``y = 0``.

    Parameters
    ----------
    model, shape : BodyModel and (S,) float
        The body.
    motion : Motion
        Of that body.
    """
    soles = points_of_regressor(model, model.points["soles"])
    pose = pose_body(model, shape, motion.root_position, motion.rotations)
    places = place_points(soles, shape, pose)
    speeds = _speeds(places[..., [0, 2]], motion.times)
    own = [[at for at, name in enumerate(soles.names) if name.startswith(side)] for side in _SIDES]
    return Footing(
        root=motion.root_position,
        soles=np.stack([places[:, columns, 1].min(axis=1) for columns in own], axis=1),
        speeds=np.stack([speeds[:, columns].min(axis=1) for columns in own], axis=1),
    )


def _speeds(places: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Mean speed ``(T, P)`` of the steps to each frame and from it, m/s.

    Speeds are averaged, not velocities: trembling must not cancel.
    """
    if len(times) == 1:
        return np.zeros(places.shape[:2])
    steps = np.linalg.norm(np.diff(places, axis=0), axis=-1) / np.diff(times)[:, None]
    return np.asarray(
        (np.concatenate([steps[:1], steps]) + np.concatenate([steps, steps[-1:]])) / 2
    )


def shot_record(solution: ShotSolution) -> dict[str, Any]:
    """Gather how the solve of a shot went, as values that JSON can hold.

    Returns
    -------
    dict
        ``method``; ``costs`` and ``first_costs`` by term; ``steps``; ``person_frames``; ``floor``
        with ``sources``, ``spreads`` and ``residual`` in metres and ``tilt_degrees``;
        ``camera_scale_sigma`` and ``focal_sigma``, relative; ``focal`` as a factor;
        ``flight_scales`` by person. Seconds are left out: equal results are equal files.
    """
    report, floor = solution.report, solution.floor
    return {
        "method": "solve",
        "first_costs": dict(report.first_costs),
        "costs": dict(report.costs),
        "steps": report.steps,
        "person_frames": report.person_frames,
        "floor": {
            "sources": list(floor.sources),
            "spreads": [float(metres) for metres in floor.spreads],
            "residual": float(floor.residual),
            "tilt_degrees": solution.tilt_degrees,
        },
        "camera_scale_sigma": report.scale_sigma,
        "focal_sigma": report.focal_sigma,
        "focal": report.focal,
        "flight_scales": {name: list(scales) for name, scales in report.flight_scales.items()},
    }
