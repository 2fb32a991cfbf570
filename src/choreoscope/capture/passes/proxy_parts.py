"""Body parts of a surface: named classes from skin weights, cut along smooth lines."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays

_MIDDLE = ("head", "neck", "torso_upper", "torso_lower")
_LIMBS = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
BODY_PARTS = (*_MIDDLE, *(f"{side}_{limb}" for side in ("left", "right") for limb in _LIMBS))
"""Classes of the house; left and right are the performer's own.

The upper torso reaches from the lowest ribs to the shoulders, collar bones included; the lower
one is belly, hips and seat. Fingers belong to hands, toes to feet.
"""
_OF_MIDDLE = {
    "pelvis": "torso_lower",
    "hips": "torso_lower",
    "spine": "torso_lower",
    "spine_low": "torso_lower",
    "spine_mid": "torso_upper",
    "spine_high": "torso_upper",
    "chest": "torso_upper",
    "clavicle": "torso_upper",
    "neck": "neck",
    "head": "head",
    "jaw": "head",
}
_OF_LIMB = {
    "upper_arm": "upper_arm",
    "forearm": "forearm",
    "hand": "hand",
    "thumb": "hand",
    "index": "hand",
    "middle": "hand",
    "ring": "hand",
    "pinky": "hand",
    "thigh": "thigh",
    "shin": "shin",
    "foot": "foot",
    "toes": "foot",
}
_TRIANGLE = 3


def part_of_joints(joints: Sequence[str], parents: np.ndarray) -> np.ndarray:
    """Class of what each joint moves.

    Parameters
    ----------
    joints : sequence of str, length J
        Names, parents first; those of the house skeleton are known.
    parents : (J,) int
        -1 for the root.

    Returns
    -------
    (J,) int
        Places in `BODY_PARTS`. A joint of another name belongs to what its parent belongs to, an
        unknown root to the lower torso.
    """
    found: list[int] = []
    for joint, parent in zip(joints, parents, strict=True):
        part = _named(joint)
        if part is None:
            part = BODY_PARTS[found[parent]] if parent >= 0 else "torso_lower"
        found.append(BODY_PARTS.index(part))
    return np.array(found, dtype=np.int64)


def _named(joint: str) -> str | None:
    side, _, rest = joint.partition("_")
    own = rest if side in ("left", "right") else joint
    stem = own.rstrip("_0123456789")
    if stem in _OF_MIDDLE:
        return _OF_MIDDLE[stem]
    limb = _OF_LIMB.get(stem)
    return f"{side}_{limb}" if limb is not None and side in ("left", "right") else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PartedSurface:
    """The same surface with its triangles cut so that each lies in one part.

    Attributes
    ----------
    corners : (N, 3) int
        Vertices of the uncut surface each new vertex lies between.
    shares : (N, 3) float
        How much of each; they sum to 1. The first V rows are the old vertices.
    faces : (F, 3) int
        Numbers of new vertices.
    parts : (F,) int
        Places in `BODY_PARTS`.
    """

    corners: Int[np.ndarray, "N 3"]
    shares: Float[np.ndarray, "N 3"]
    faces: Int[np.ndarray, "F 3"]
    parts: Int[np.ndarray, "F"]

    def __post_init__(self) -> None:
        check_arrays(self)

    def vertices(self, placed: np.ndarray) -> np.ndarray:
        """Give places ``(N, 3)`` of the new vertices from those of the old, ``(V, 3)``."""
        old = len(placed)
        cut = np.einsum("nk,nkx->nx", self.shares[old:], placed[self.corners[old:]])
        return np.concatenate([placed, cut])


def cut_into_parts(
    faces: np.ndarray, skin_joints: np.ndarray, skin_weights: np.ndarray, parts: np.ndarray
) -> PartedSurface:
    """Cut triangles where two parts hold the surface equally.

    Parameters
    ----------
    faces : (F, 3) int
        Of the uncut surface, V vertices.
    skin_joints, skin_weights : (V, K) int, float
        Joints that move each vertex, and their shares.
    parts : (J,) int
        Class of each joint.

    Returns
    -------
    PartedSurface
        Nothing of its shape changes: new vertices lie on old edges and inside old triangles.

    Notes
    -----
    A vertex belongs to the part that holds most of it. Along an edge between two parts, the
    border lies where their shares, blended linearly, are equal: it does not follow triangles.
    """
    held = np.zeros((len(skin_joints), len(BODY_PARTS)))
    rows = np.arange(len(skin_joints))[:, None]
    np.add.at(held, (rows, parts[skin_joints]), skin_weights)
    own = held.argmax(axis=1)
    of_face = own[faces]
    kinds = np.array([len(set(row)) for row in of_face.tolist()], dtype=np.int64)
    cutter = _Cutter(held, own)
    made = [faces[kinds == 1]]
    labels = [of_face[kinds == 1, 0]]
    for split, some in ((cutter.in_two, faces[kinds == 2]), (cutter.in_three, faces[kinds == 3])):  # noqa: PLR2004
        for face in some.tolist():
            for triangle, part in split(face):
                made.append(np.array([triangle]))
                labels.append(np.array([part]))
    return PartedSurface(
        corners=np.concatenate([np.repeat(rows, _TRIANGLE, axis=1), cutter.corners]),
        shares=np.concatenate([np.tile([1.0, 0.0, 0.0], (len(own), 1)), cutter.shares]),
        faces=np.concatenate(made),
        parts=np.concatenate(labels),
    )


_Cut = list[tuple[tuple[int, int, int], int]]
_NEAREST = 0.02
"""A cut keeps this share of the edge away from its ends, so that no triangle becomes a line."""


class _Cutter:
    """Makes new vertices, each once."""

    def __init__(self, held: np.ndarray, own: np.ndarray) -> None:
        self._held, self._own = held, own
        self._made: dict[tuple[int, ...], int] = {}
        self._corners: list[tuple[int, int, int]] = []
        self._shares: list[tuple[float, float, float]] = []

    @property
    def corners(self) -> np.ndarray:
        return np.array(self._corners, dtype=np.int64).reshape(-1, _TRIANGLE)

    @property
    def shares(self) -> np.ndarray:
        return np.array(self._shares, dtype=np.float64).reshape(-1, _TRIANGLE)

    def in_two(self, face: Sequence[int]) -> _Cut:
        """Cut off the corner that is alone in its part."""
        parts = [int(self._own[corner]) for corner in face]
        at = next(i for i in range(_TRIANGLE) if parts.count(parts[i]) == 1)
        a, b, c = (face[(at + i) % _TRIANGLE] for i in range(_TRIANGLE))
        ab, ac = self._between(a, b), self._between(a, c)
        alone, both = int(self._own[a]), int(self._own[b])
        return [((a, ab, ac), alone), ((ab, b, c), both), ((ab, c, ac), both)]

    def in_three(self, face: Sequence[int]) -> _Cut:
        """Cut from the middle to the three edges."""
        a, b, c = face
        sides = {(i, j): self._between(i, j) for i, j in ((a, b), (b, c), (c, a))}
        middle = self._new(tuple(sorted(face)), (a, b, c), (1 / 3, 1 / 3, 1 / 3))
        cut: _Cut = []
        for here, after, before in ((a, b, c), (b, c, a), (c, a, b)):
            part = int(self._own[here])
            cut.append(((here, sides[here, after], middle), part))
            cut.append(((here, middle, sides[before, here]), part))
        return cut

    def _between(self, i: int, j: int) -> int:
        """Make the vertex where the parts of `i` and `j` hold the edge equally."""
        low, high = min(i, j), max(i, j)
        first, second = self._own[low], self._own[high]
        here = float(self._held[low, first] - self._held[low, second])
        there = float(self._held[high, second] - self._held[high, first])
        t = here / (here + there) if here + there > 0 else 0.5
        t = min(max(t, _NEAREST), 1 - _NEAREST)
        return self._new((low, high), (low, high, high), (1 - t, t, 0.0))

    def _new(
        self,
        key: tuple[int, ...],
        corners: tuple[int, int, int],
        shares: tuple[float, float, float],
    ) -> int:
        if key not in self._made:
            self._made[key] = len(self._own) + len(self._corners)
            self._corners.append(corners)
            self._shares.append(shares)
        return self._made[key]


@functools.lru_cache(maxsize=4)
def parts_of_house(kind: str, detail: str) -> PartedSurface:
    """Cut one of our bodies; the same for all its shapes."""
    from choreoscope.motion.bodies.house import house_body

    model = house_body(kind, "full" if detail == "full" else "low")
    joints = part_of_joints(model.joints, model.parents)
    return cut_into_parts(model.faces, model.skin_joints, model.skin_weights, joints)
