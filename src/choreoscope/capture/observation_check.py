"""What a people back end may say about one person, and the first thing that is not so.

Networks return NaN, other people's code returns other shapes: whatever is wrong is said in one
line, with field, expected and got.
"""

import numpy as np

from choreoscope.datatypes.people import Mask, PersonObservation

POINT_SETS = {"blazepose33": 33}
"""Number of body points by name of their order."""
LARGEST = 1e7
"""Pixels, metres: what is above is no measurement, and would not fit into the files."""
HAND_IS_THERE = 0.5
"""From this score on a hand has to have points."""


def fault_of_person(person: object, points: int, width: int, height: int) -> str:
    """Say what is wrong with an observation.

    Parameters
    ----------
    person : object
        What the back end gave as a `PersonObservation`.
    points : int
        Body points of the back end's point set.
    width, height : int
        Of the picture, pixels.

    Returns
    -------
    str
        One line without the frame; empty when all is well.
    """
    if not isinstance(person, PersonObservation):
        return f"expected a PersonObservation, got {type(person).__name__}"
    if len(person.points_px) != points:
        return f"points_px: expected shape ({points}, 2), got {person.points_px.shape}"
    return (
        _fault_of_numbers(person)
        or _fault_of_points(person)
        or _fault_of_hands(person)
        or _fault_of_mask(person.mask, width, height)
    )


def _fault_of_numbers(person: PersonObservation) -> str:
    box = person.box_xyxy
    if not _are_numbers(box):
        return f"box_xyxy: expected 4 finite pixels, got {box.tolist()}"
    if box[0] > box[2] or box[1] > box[3]:
        return f"box_xyxy: expected left <= right and top <= bottom, got {box.tolist()}"
    if not 0 <= person.score <= 1:
        return f"score: expected 0 to 1, got {person.score}"
    for name, values in (("visibility", person.visibility), ("hands_score", person.hands_score)):
        # Written so that NaN is not inside.
        inside = (values >= 0) & (values <= 1)
        if not inside.all():
            return f"{name}: expected 0 to 1, got {values[~inside][0]}"
    if not (_are_numbers(person.appearance) and person.appearance.min(initial=0.0) >= 0):
        return "appearance: expected finite shares of 0 or more, got others"
    return ""


def _fault_of_points(person: PersonObservation) -> str:
    for name, values in (("points_px", person.points_px), ("points_m", person.points_m)):
        if _are_numbers(values):
            continue
        wrong = ~np.all(np.abs(values) < LARGEST, axis=1) & (person.visibility > 0)
        if wrong.any():
            point = int(np.argmax(wrong))
            return (
                f"{name}: expected finite numbers where visibility is above 0, "
                f"got {values[point].tolist()} at point {point}"
            )
    if person.face_px is not None and not _are_numbers(person.face_px):
        return "face_px: expected finite pixels or no face at all, got others"
    return ""


def _fault_of_hands(person: PersonObservation) -> str:
    if _are_numbers(person.hands_px) and _are_numbers(person.hands_m):
        return ""
    for side, name in enumerate(("left", "right")):
        pixels, metres = person.hands_px[side], person.hands_m[side]
        if _are_numbers(pixels) and _are_numbers(metres):
            continue
        if not (np.isnan(pixels).all() and np.isnan(metres).all()):
            return f"hands_px, hands_m: expected the {name} hand finite or all NaN, got a mixture"
        if person.hands_score[side] > HAND_IS_THERE:
            return (
                f"hands_score: expected at most {HAND_IS_THERE} for a {name} hand without points, "
                f"got {person.hands_score[side]}"
            )
    return ""


def _fault_of_mask(mask: Mask | None, width: int, height: int) -> str:
    if mask is None:
        return ""
    if (mask.width, mask.height) != (width, height):
        return f"mask: expected {width}x{height} pixels, got {mask.width}x{mask.height}"
    if mask.counts.min(initial=0) < 0:
        return f"mask: expected runs of 0 pixels or more, got {mask.counts.min()}"
    return ""


def _are_numbers(values: np.ndarray) -> bool:
    # NaN fails this comparison, so no second pass is needed.
    return bool((np.abs(values) < LARGEST).all())
