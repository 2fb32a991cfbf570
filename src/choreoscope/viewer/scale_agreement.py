"""Whether everything that speaks of sizes says the same: statures, detector, jumps, camera."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from choreoscope.viewer.palette import PersonColour
from choreoscope.viewer.report_data import PersonEntry, ReportData

_LEAST_SPAN = 1.25
_MOST_SPAN = 4.0
_TICKS = (0.25, 0.33, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0)
_LEFT_ALONE = 1e-4
"""A relative sigma below this is that of something held."""
_TERMS = {
    "pixels": "points in the picture",
    "places": "3D estimates",
    "posture": "usual postures and limits of joints",
    "smoothness": "smooth movement",
    "standing": "contacts that do not slide",
    "floor": "contacts on the floor, nothing below it",
    "flight": "falling as gravity wants it",
    "build": "stature and build",
    "order": "who is before whom",
    "apart": "bodies that do not overlap",
    "shared": "gravity, lens and camera as believed",
}
_FLOOR = {
    "prior tilt": "level as believed before anybody stood on it",
    "measured tilt": "its tilt corrected by the contacts",
    "tilt measured one way": "its tilt corrected by the contacts in one direction",
    "prior height": "height guessed",
    "told height": "height as told",
    "measured height": "height measured",
}
_LEANS = 0.05
_KNOWN = {
    "given": "as given",
    "corrected": "corrected by hand",
    "assumed": "assumed",
}


def scale_fields(data: ReportData, colours: Mapping[str, PersonColour]) -> dict[str, Any]:
    """Gather marks of each person on one axis, 1 where sizes agree, and sentences of the shot."""
    spoken = {entry.person: _marks(entry, data.solve) for entry in data.people}
    ratios = [mark["ratio"] for marks in spoken.values() for mark in marks]
    reach = max([_LEAST_SPAN, *(max(ratio, 1 / ratio) * 1.04 for ratio in ratios)])
    span = math.log(min(reach, _MOST_SPAN))
    return {
        "people": [
            {
                "person": entry.person,
                "colour": colours[entry.person].hex,
                "stature": f"{entry.height_m:.2f} m",
                "known": _KNOWN.get(entry.height_source, entry.height_source),
                "marks": [
                    {**mark, "left": _place(mark["ratio"], span)} for mark in spoken[entry.person]
                ],
                "words": _words(spoken[entry.person]),
            }
            for entry in data.people
            if entry.height_m
        ],
        "ticks": [
            {"left": _place(tick, span), "label": f"{tick:g}"}
            for tick in _TICKS
            if abs(math.log(tick)) <= span
        ],
        "sentences": _sentences(data.solve),
        "terms": _terms(data.solve),
    }


def _marks(entry: PersonEntry, solve: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List what else speaks of a person's size, as a ratio to the size used."""
    marks: list[dict[str, Any]] = []
    detector = entry.facts.get("detector_stature")
    if detector and entry.height_m:
        marks.append(
            {
                "kind": "detector",
                "ratio": detector / entry.height_m,
                "text": f"detector's own metres {detector:.2f} m",
            }
        )
    jumps = solve.get("flight_scales", {}).get(entry.person, [])
    marks += [
        {"kind": "jump", "ratio": scale, "text": "jump"} for scale in jumps if scale and scale > 0
    ]
    return marks


def _words(marks: Sequence[Mapping[str, Any]]) -> str:
    parts = [
        f"{mark['text']} ({_percent(mark['ratio'])})"
        for mark in marks
        if mark["kind"] == "detector"
    ]
    jumps = [_percent(mark["ratio"]) for mark in marks if mark["kind"] == "jump"]
    if jumps:
        parts.append(
            f"{len(jumps)} {'jump' if len(jumps) == 1 else 'jumps'}, "
            f"gravity asks for {', '.join(jumps)}"
        )
    return "; ".join(parts) or "nothing else speaks of the size"


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %".replace("-", "\N{MINUS SIGN}")


def _place(ratio: float, span: float) -> str:
    share = 0.5 + 0.5 * math.log(ratio) / span
    return f"{100 * min(max(share, 0.0), 1.0):.2f}"


def _sentences(solve: Mapping[str, Any]) -> list[str]:
    if not solve:
        return []
    found = [_floor(solve.get("floor", {}))]
    size, focal_sigma = (solve.get(name) or 0.0 for name in ("camera_scale_sigma", "focal_sigma"))
    if size > _LEFT_ALONE:
        found.append(
            f"The camera's path has the size that people's heights and resting feet give it, "
            f"known to {100 * size:.1f} %."
        )
    else:
        found.append("The camera stands still, or its path came in metres: its size was held.")
    if focal_sigma > _LEFT_ALONE:
        found.append(
            f"The focal length was changed by {_percent_fine(solve.get('focal') or 1.0)}, "
            f"known to {100 * focal_sigma:.1f} %."
        )
    else:
        found.append("The focal length was held as it came.")
    if not any(solve.get("flight_scales", {}).values()):
        found.append("Nobody jumps: gravity says nothing of the sizes.")
    found.append(_effort(solve))
    return found


def _floor(floor: Mapping[str, Any]) -> str:
    spreads = " by ".join(f"{metres:.1f} m" for metres in floor.get("spreads", ()) if metres)
    spread = f", contacts spread over {spreads}" if spreads else ""
    residual = floor.get("residual")
    rest = "" if residual is None else f", half of them within {1000 * residual:.0f} mm of it"
    lean = floor.get("tilt_degrees") or 0.0
    leans = f" It leans by {lean:.1f}° against that belief." if lean >= _LEANS else ""
    sources = ", ".join(_FLOOR.get(name, name) for name in floor.get("sources", ()))
    return f"Floor: {sources}{spread}{rest}.{leans}"


def _percent_fine(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %".replace("-", "\N{MINUS SIGN}")


def _effort(solve: Mapping[str, Any]) -> str:
    first, last = (
        sum(one for one in solve.get(name, {}).values() if one) for name in ("first_costs", "costs")
    )
    return (
        f"{solve.get('steps', 0)} steps over {solve.get('person_frames', 0)} frames of people took "
        f"the sum of all terms from {first:,.0f} to {last:,.0f}."
    )


def _terms(solve: Mapping[str, Any]) -> list[dict[str, str]]:
    """Costs at the end, greatest first, with their share of the greatest in per cent."""
    costs = {name: cost for name, cost in solve.get("costs", {}).items() if cost is not None}
    most = max(costs.values(), default=0.0)
    if most <= 0:
        return []
    return [
        {
            "label": _TERMS.get(name, name),
            "cost": f"{cost:,.1f}",
            "width": f"{100 * max(cost, 0.0) / most:.2f}",
        }
        for name, cost in sorted(costs.items(), key=lambda one: -one[1])
    ]
