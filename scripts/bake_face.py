"""The 68 points of a face, found by geometry (part of ``bake_body.py``).

Eyelids and lips are the rims where the skin of the head meets the eye sockets and the mouth; the
nose lies on the middle line; brows keep a distance above the lids; the jaw is the front view's
outline between ears and chin.
"""

# Measures of the body are easier to read in place; anny has no types.
# ruff: noqa: ANN401, D401, PLR2004

from typing import Any

import numpy as np


def face68(surface: Any) -> dict[str, int]:
    """Vertices of "face_0" to "face_67", and of eyes, ears, nose and mouth by name."""
    left, middle = _features(surface)
    mirror = surface.rig.mirror
    found = {f"left_{name}": vertex for name, vertex in left.items()}
    found |= {f"right_{name}": int(mirror[vertex]) for name, vertex in left.items()}
    found |= middle
    return found | {f"face_{point}": found[name] for point, name in enumerate(_order())}


def _features(surface: Any) -> tuple[dict[str, int], dict[str, int]]:
    head = surface.of("head", "neck")
    eye = _rim(surface, "eye_cavity.L")
    lips = _rim(surface, "mouth_cavity")
    left = _eye(surface, eye)
    left["tragus"] = surface.nearest(head, surface.rig.keypoints["left_ear"] @ surface.at)
    inner = surface.at[left["eye_inner"]]
    more, middle = _nose(surface, head, inner, surface.at[lips].mean(axis=0))
    left |= more
    more, lip = _mouth(surface, head, lips)
    left, middle = left | more, middle | lip
    left |= _brow(surface, head, left)
    more, chin = _jaw(surface, head, left, surface.at[lips].mean(axis=0))
    return left | more, middle | chin


def _rim(surface: Any, part: str) -> np.ndarray:
    """Vertices that belong both to a part and to the skin."""
    rig = surface.rig
    inside = np.unique(rig.faces[rig.parts[part]])
    return inside[rig.outer[inside]]


def _between(surface: Any, start: int, end: int, rim: np.ndarray, shares: tuple, up: float) -> list:
    """Rim vertices at shares of the way from start to end, on the upper or lower side."""
    at = surface.at
    chord = np.interp(at[rim, 0], *np.sort([[at[start, 0], at[end, 0]], [0, 0]], axis=1))
    line = at[start, 1] + (at[end, 1] - at[start, 1]) * (at[rim, 0] - at[start, 0]) / (
        at[end, 0] - at[start, 0]
    )
    side = rim[(up * (at[rim, 1] - line) >= -1e-4) & (chord == 0)]
    wanted = [at[start, 0] + share * (at[end, 0] - at[start, 0]) for share in shares]
    return [int(side[np.abs(at[side, 0] - place).argmin()]) for place in wanted]


def _eye(surface: Any, rim: np.ndarray) -> dict[str, int]:
    inner, outer = (surface.farthest(rim, (sign, 0.0, 0.0)) for sign in (-1.0, 1.0))
    top = _between(surface, inner, outer, rim, (1 / 3, 2 / 3), 1.0)
    bottom = _between(surface, inner, outer, rim, (1 / 3, 2 / 3), -1.0)
    front = np.unique(surface.rig.faces[surface.rig.parts["eye_front.L"]])
    return {
        "eye_inner": inner,
        "eye_outer": outer,
        "lid_top_inner": top[0],
        "lid_top_outer": top[1],
        "lid_bottom_inner": bottom[0],
        "lid_bottom_outer": bottom[1],
        "eye_front": surface.farthest(front, (0.0, 0.0, 1.0)),
    }


def _front(surface: Any, head: np.ndarray, place: tuple[float, float]) -> int:
    """Front-facing vertex nearest to a place in the front view."""
    facing = head[surface.normals[head, 2] > 0.0]
    return surface.nearest(facing, np.array([*place, np.nan]))


def _nose(
    surface: Any, head: np.ndarray, inner: np.ndarray, lips: np.ndarray
) -> tuple[dict[str, int], dict[str, int]]:
    at = surface.at
    line = head[np.abs(at[head, 0]) < 1e-3]
    between = line[(at[line, 1] < inner[1]) & (at[line, 1] > lips[1])]
    tip = surface.farthest(between, (0.0, 0.0, 1.0))
    under = between[(at[between, 1] < at[tip, 1]) & (at[between, 2] < at[tip, 2])]
    # The deepest place of the profile under the tip, before the upper lip comes forward again.
    base = surface.farthest(under[at[under, 1] > (at[tip, 1] + lips[1]) / 2], (0.0, 0.0, -1.0))
    heights = np.linspace(inner[1], at[tip, 1], 4)
    bridge = [_front(surface, line, (0.0, height)) for height in heights[:3]]
    middle = {"nose_tip": tip, "nose_base": base}
    middle |= {f"bridge_{number}": vertex for number, vertex in enumerate(bridge)}
    level = (at[base, 1] + at[tip, 1]) / 2
    wing = head[(np.abs(at[head, 1] - level) < 0.006) & (at[head, 0] < 1.3 * inner[0])]
    wing = wing[at[wing, 2] > at[base, 2] - 0.012]
    side = surface.farthest(wing, (1.0, 0.0, 0.0))
    nostril = _front(surface, head, (at[side, 0] / 2, at[base, 1]))
    return {"nose_wing": side, "nostril": nostril}, middle


def _mouth(
    surface: Any, head: np.ndarray, rim: np.ndarray
) -> tuple[dict[str, int], dict[str, int]]:
    at, mirror = surface.at, surface.rig.mirror
    corner = surface.farthest(rim, (1.0, 0.0, 0.0))
    width = 2 * at[corner, 0]
    other = int(mirror[corner])
    left, middle = {"mouth_corner": corner, "mouth_corner_inner": corner}, {}
    for name, up, thick in (("top", 1.0, 0.15), ("bottom", -1.0, 0.19)):
        centre, side = _between(surface, other, corner, rim, (0.5, 0.75), up)
        middle[f"lip_{name}_inner"] = centre
        left[f"lip_{name}_inner_side"] = side
        edge = at[centre, 1] + up * thick * width
        middle[f"lip_{name}"] = _front(surface, head, (0.0, edge))
        for share, name_side in ((1 / 6, "near"), (1 / 3, "far")):
            bow = 1.0 - (share / 0.5) ** 2
            height = at[corner, 1] + (edge - at[corner, 1]) * (0.15 + 0.85 * bow)
            left[f"lip_{name}_{name_side}"] = _front(surface, head, (share * width, height))
    return left, middle


def _brow(surface: Any, head: np.ndarray, left: dict[str, int]) -> dict[str, int]:
    at = surface.at
    inner, outer = at[left["eye_inner"]], at[left["eye_outer"]]
    wide = outer[0] - inner[0]
    top = at[left["lid_top_inner"], 1]
    xs = np.linspace(inner[0] - 0.1 * wide, outer[0] + 0.35 * wide, 5)
    rise = (0.42, 0.56, 0.62, 0.56, 0.36)
    return {
        f"brow_{number}": _front(surface, head, (x, top + share * wide))
        for number, (x, share) in enumerate(zip(xs, rise, strict=True))
    }


def _jaw(
    surface: Any, head: np.ndarray, left: dict[str, int], lips: np.ndarray
) -> tuple[dict[str, int], dict[str, int]]:
    """Outline of the front view from the ear's height to the chin, in equal steps."""
    at = surface.at
    ear = at[left["tragus"]]
    line = head[(np.abs(at[head, 0]) < 1e-3) & (at[head, 1] < lips[1] - 0.02)]
    chin = surface.farthest(line, (0.0, -0.5, 1.0))
    face = head[(at[head, 2] > ear[2] + 0.012) & (at[head, 1] > at[chin, 1] - 0.012)]
    face = face[(at[face, 0] > 0) & (at[face, 1] < ear[1] + 0.01)]
    angles = np.radians(np.linspace(0, 88, 60))
    outline = [surface.farthest(face, (np.cos(a), -np.sin(a), 0.0)) for a in angles]
    path = np.vstack([at[list(dict.fromkeys(outline)), :2], at[chin, :2]])
    along = np.append(0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1)))
    steps = np.linspace(0, along[-1], 9)[:8]
    places = np.stack([np.interp(steps, along, path[:, axis]) for axis in range(2)], axis=1)
    found = {}
    for number, place in enumerate(places):
        gap = np.linalg.norm(at[face, :2] - place, axis=1) - 0.15 * (at[face, 2] - ear[2])
        found[f"jaw_{number}"] = int(face[gap.argmin()])
    return found, {"chin": chin}


def _order() -> list[str]:
    """Sources of the 68 points: from the person's right to the left, as published."""
    brows = [f"right_brow_{n}" for n in (4, 3, 2, 1, 0)] + [f"left_brow_{n}" for n in range(5)]
    jaw = [f"right_jaw_{n}" for n in range(8)] + ["chin"]
    jaw += [f"left_jaw_{n}" for n in reversed(range(8))]
    nose = [f"bridge_{n}" for n in range(3)] + ["nose_tip", "right_nose_wing", "right_nostril"]
    nose += ["nose_base", "left_nostril", "left_nose_wing"]
    eyes = [f"right_{n}" for n in ("eye_outer", "lid_top_outer", "lid_top_inner", "eye_inner")]
    eyes += [f"right_lid_bottom_{n}" for n in ("inner", "outer")]
    eyes += [f"left_{n}" for n in ("eye_inner", "lid_top_inner", "lid_top_outer", "eye_outer")]
    eyes += [f"left_lid_bottom_{n}" for n in ("outer", "inner")]
    outer = ["right_mouth_corner", "right_lip_top_far", "right_lip_top_near", "lip_top"]
    outer += ["left_lip_top_near", "left_lip_top_far", "left_mouth_corner"]
    outer += ["left_lip_bottom_far", "left_lip_bottom_near", "lip_bottom"]
    outer += ["right_lip_bottom_near", "right_lip_bottom_far"]
    inner = ["right_mouth_corner_inner", "right_lip_top_inner_side", "lip_top_inner"]
    inner += ["left_lip_top_inner_side", "left_mouth_corner_inner"]
    inner += ["left_lip_bottom_inner_side", "lip_bottom_inner", "right_lip_bottom_inner_side"]
    return jaw + brows + nose + eyes + outer + inner
