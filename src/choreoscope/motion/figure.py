"""A simple figure for any skeleton: a mannequin of rounded tubes that bend at the joints.

Sizes are those of an adult of 1.70 m, scaled to the length of the skeleton's bones. Joints are
recognised by their names (the house's, and the usual ones of Mixamo, CMU and SMPL); bones with
other names become plain capsules.
"""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.mesh import SkinnedMesh
from choreoscope.datatypes.motion import Skeleton
from choreoscope.geometry import kinematics, rotation
from choreoscope.geometry.tubes import lengths_along, tube, vertex_normals
from choreoscope.motion import figure_shapes as shapes

_SHORTEST_BONE = 1e-3
_INFLUENCES = 4


@dataclasses.dataclass(slots=True)
class _Part:
    """One tube: its path, the joints that begin along it, and where."""

    points: np.ndarray
    joints: list[int]
    starts: np.ndarray
    sections: list[tuple[float, float, float]]
    side: np.ndarray
    detail: tuple[float, int, float]


def simple_figure(skeleton: Skeleton) -> SkinnedMesh:
    """Build a mannequin that the skeleton can move.

    Parameters
    ----------
    skeleton : Skeleton
        Any; looks best in a T pose.

    Returns
    -------
    SkinnedMesh
        In the rest pose. At joints inside a limb two joints share the vertices, so elbows and
        knees bend smoothly.

    Raises
    ------
    InputError
        If no bone of the skeleton has a length.
    """
    parts = _Builder(skeleton).parts
    if not parts:
        raise InputError(f"skeleton {skeleton.name}: no bone has a length, so it has no figure")
    vertices, faces, joints, weights = [], [], [], []
    count = 0
    for part in parts:
        spacing, segments, roundness = part.detail
        shape = tube(
            part.points,
            np.array(part.sections),
            part.side,
            spacing=spacing,
            segments=segments,
            roundness=roundness,
        )
        vertices.append(shape.vertices)
        faces.append(shape.faces + count)
        count += len(shape.vertices)
        own, shares = _influences(part, shape.along)
        joints.append(own)
        weights.append(shares)
    corners, triangles = np.concatenate(vertices), np.concatenate(faces)
    return SkinnedMesh(
        vertices=corners,
        normals=vertex_normals(corners, triangles),
        faces=triangles,
        joints=np.concatenate(joints),
        weights=np.concatenate(weights),
    )


def _influences(part: _Part, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints ``(V, 4)`` and weights ``(V, 4)``: each joint takes over round its own place."""
    starts = part.starts
    room = np.diff(np.append(starts, lengths_along(part.points)[-1]))
    sections = np.array(part.sections)
    share = np.zeros((len(along), len(part.joints) + 1))
    share[:, 0] = 1.0
    for number in range(1, len(part.joints)):
        radius = np.interp(starts[number], sections[:, 0], sections[:, 1])
        reach = max(min(1.1 * radius, 0.48 * room[number - 1], 0.48 * room[number]), 1e-6)
        x = np.clip((along - starts[number] + reach) / (2 * reach), 0.0, 1.0)
        share[:, number] = x * x * (3 - 2 * x)
    weights = np.clip(share[:, :-1] - share[:, 1:], 0.0, 1.0)
    order = np.argsort(-weights, axis=1, kind="stable")[:, :_INFLUENCES]
    chosen = np.take_along_axis(weights, order, axis=1)
    chosen = np.pad(chosen, ((0, 0), (0, _INFLUENCES - chosen.shape[1])))
    names = np.array(part.joints)[order]
    names = np.pad(names, ((0, 0), (0, _INFLUENCES - names.shape[1])))
    return np.where(chosen > 0, names, 0), chosen / chosen.sum(axis=1, keepdims=True)


class _Builder:
    """Cuts a skeleton into limbs and gives each its shape."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.heads, turns = kinematics.rest_joints(skeleton)
        self.tips = self.heads + rotation.rotate(turns, skeleton.tips)
        self.children: list[list[int]] = [
            [int(child) for child in np.nonzero(skeleton.parents == joint)[0]]
            for joint in range(len(skeleton.joints))
        ]
        self.roles = self._roles()
        self.scale = self._longest_way() / shapes.LONGEST_WAY or 1.0
        self.left = self._left()
        self.up = np.array([0.0, 1.0, 0.0])
        self.front = np.cross(self.left, self.up)
        self.parts: list[_Part] = []
        for joint in range(len(skeleton.joints)):
            if not self._continues(joint):
                self._limb(joint)

    def _roles(self) -> list[str]:
        roles: list[str] = []
        for name, parent in zip(self.skeleton.joints, self.skeleton.parents, strict=True):
            low = name.lower()
            role = next((role for role, words in shapes.ROLES if re.search(words, low)), "other")
            above = roles[parent] if parent >= 0 else ""
            # "shoulder" below a collar bone starts the arm, "foot" below an ankle the toes.
            role = {("clavicle", "clavicle"): "upper_arm", ("foot", "foot"): "toes"}.get(
                (above, role), role
            )
            roles.append(role)
        return roles

    def _longest_way(self) -> float:
        """Measure the body along its bones, which no rest pose changes."""
        way = np.zeros(len(self.heads))
        for joint, parent in enumerate(self.skeleton.parents[1:], start=1):
            way[joint] = way[parent] + np.linalg.norm(self.heads[joint] - self.heads[parent])
        to_tip = np.linalg.norm(self.tips - self.heads, axis=1)
        return float(np.max(way + np.where(np.isfinite(to_tip), to_tip, 0.0)))

    def _left(self) -> np.ndarray:
        own = np.arange(len(self.heads))
        across = [
            self.heads[joint] - self.heads[other]
            for joint, other in zip(own, self.skeleton.mirror, strict=True)
            if other != joint and "left" in self.skeleton.joints[joint].lower()
        ]
        total = np.sum(across, axis=0) * (1.0, 0.0, 1.0) if across else np.zeros(3)
        length = float(np.linalg.norm(total))
        return total / length if length > _SHORTEST_BONE else np.array([1.0, 0.0, 0.0])

    def _family(self, joint: int) -> str:
        return shapes.FAMILIES.get(self.roles[joint], self.roles[joint])

    def _continues(self, joint: int) -> bool:
        """Whether the joint is a bend of its parent's limb and not the start of another."""
        parent = int(self.skeleton.parents[joint])
        if parent < 0 or self._family(joint) != self._family(parent):
            return False
        same = [c for c in self.children[parent] if self._family(c) == self._family(joint)]
        return same[0] == joint and self._family(joint) not in ("head", "hand")

    def _limb(self, start: int) -> None:
        joints = [start]
        while following := [c for c in self.children[joints[-1]] if self._continues(c)]:
            joints.append(following[0])
        family = self._family(start)
        special = {"trunk": self._trunk, "head": self._head, "hand": self._hand, "foot": self._foot}
        shape = special.get(family)
        if shape is not None:
            shape(joints)
            return
        buried = (
            self.roles[start] == "finger" and "thumb" not in self.skeleton.joints[start].lower()
        )
        if self.roles[start] != "clavicle" and not buried:
            self._link(start)
        self._plain(joints)

    def _end(self, joint: int) -> np.ndarray:
        """Return where the bone ends: at its tip, else where its children begin."""
        if np.isfinite(self.tips[joint]).all():
            return np.asarray(self.tips[joint])
        if self.children[joint]:
            return np.asarray(self.heads[self.children[joint]].mean(axis=0))
        return np.asarray(self.heads[joint])

    def _add(
        self,
        points: Sequence[np.ndarray],
        joints: Sequence[int],
        sections: Sequence[tuple[float, float, float]],
        side: np.ndarray,
    ) -> None:
        """Add a tube whose sections are given at shares of the whole path."""
        kept = [points[0]]
        for point in points[1:]:
            if np.linalg.norm(point - kept[-1]) > _SHORTEST_BONE:
                kept.append(point)
        if len(kept) == 1:
            return
        detail = shapes.DETAIL.get(self.roles[joints[0]], shapes.DETAIL["other"])
        path = np.array(kept)
        lengths = lengths_along(path)
        apart = np.linalg.norm(path[:, None] - self.heads[list(joints)], axis=2)
        self.parts.append(
            _Part(
                points=path,
                joints=list(joints),
                starts=lengths[np.argmin(apart, axis=0)],
                sections=[
                    (u * float(lengths[-1]), w * self.scale, d * self.scale) for u, w, d in sections
                ],
                side=side,
                detail=(detail[0] * self.scale, *detail[1:]),
            )
        )

    def _plain(self, joints: list[int]) -> None:
        points = [*self.heads[joints], self._end(joints[-1])]
        lengths = lengths_along(np.array(points))
        total = float(lengths[-1])
        if total < _SHORTEST_BONE:
            return
        sections: list[tuple[float, float, float]] = []
        for joint, begin, end in zip(joints, lengths[:-1], lengths[1:], strict=True):
            plain = min(0.035, 0.2 * (end - begin) / self.scale)
            shape = shapes.BONE_SECTIONS.get(
                self.roles[joint], ((0.0, plain, plain), (1.0, plain, plain))
            )
            for share, width, depth in shape:
                place = float(begin + share * (end - begin)) / total
                if not sections or place > sections[-1][0] + 1e-6:
                    sections.append((place, width, depth))
        thumb = 1.15 if "thumb" in self.skeleton.joints[joints[0]].lower() else 1.0
        sections = [(u, thumb * w, thumb * d) for u, w, d in sections]
        side = self.left if self._family(joints[0]) == "leg" else self.up
        self._add(points, joints, sections, side)

    def _link(self, start: int) -> None:
        """Fill the way from the parent's place to a limb that starts beside it."""
        parent = int(self.skeleton.parents[start])
        if parent < 0:
            return
        radius = shapes.LINK_RADII.get(self._family(start), 0.02)
        ends = ((0.0, radius, radius), (1.0, radius, radius))
        self._add([self.heads[parent], self.heads[start]], [parent], ends, self.up)

    def _trunk(self, joints: list[int]) -> None:
        torso = [joint for joint in joints if self.roles[joint] == "torso"] or joints[:1]
        necks = joints[len(torso) :]
        spine = np.array([*self.heads[torso], self._next(joints, len(torso))])
        height = float(lengths_along(spine)[-1])
        if height < _SHORTEST_BONE:
            return
        direction = (spine[-1] - spine[0]) / height
        bottom = spine[0] + shapes.BELOW_PELVIS * height * direction
        points = [bottom, *spine]
        if necks:
            points += [*self.heads[necks[1:]], self._next(joints, len(joints))]
        total = float(lengths_along(np.array(points))[-1])
        shares = [
            ((u - shapes.BELOW_PELVIS) * height / total, w, d) for u, w, d in shapes.TRUNK_SECTIONS
        ]
        if necks:
            shares[-1] = (min(shares[-1][0], 0.95), *shares[-1][1:])
            shares.append((1.0, shapes.NECK_RADIUS, shapes.NECK_RADIUS))
        self._add(points, joints, shares, self.left)

    def _next(self, joints: list[int], number: int) -> np.ndarray:
        """Place of the joint after the first `number` of a trunk."""
        if number < len(joints):
            return np.asarray(self.heads[joints[number]])
        heads = [c for c in self.children[joints[-1]] if self._family(c) == "head"]
        return np.asarray(self.heads[heads[0]]) if heads else self._end(joints[-1])

    def _head(self, joints: list[int]) -> None:
        place, top = self.heads[joints[0]], self._end(joints[0])
        length = float(np.linalg.norm(top - place))
        axis = (top - place) / length if length > _SHORTEST_BONE else self.up
        chin = place - self.scale * (shapes.CHIN_BELOW * axis - shapes.CHIN_FORWARD * self.front)
        crown = top - 0.3 * self.scale * shapes.HEAD_SECTIONS[-1][1] * axis
        self._add([chin, crown], joints, shapes.HEAD_SECTIONS, self.left)
        bridge = place + self.scale * (0.045 * axis + 0.082 * self.front)
        nose = place + self.scale * (0.010 * axis + 0.104 * self.front)
        self._add([bridge, nose], joints, ((0.0, 0.007, 0.007), (1.0, 0.012, 0.010)), self.left)

    def _hand(self, joints: list[int]) -> None:
        joint = joints[0]
        names = self.skeleton.joints
        rays = [c for c in self.children[joint] if "thumb" not in names[c].lower()]
        rays = [c for c in rays if self.roles[c] == "finger"]
        if not rays:
            self._add(
                [self.heads[joint], self._end(joint)], joints, shapes.MITTEN_SECTIONS, self.front
            )
            return
        knuckles = self.heads[rays]
        middle = knuckles.mean(axis=0)
        spread = knuckles - middle
        widest = spread[int(np.argmax(np.linalg.norm(spread, axis=1)))]
        half = float(np.linalg.norm(widest)) / self.scale + 0.009
        sections = ((0.0, 0.025, 0.018), (0.55, half, 0.015), (1.0, half, 0.0105))
        self._add([self.heads[joint], middle], joints, sections, widest)

    def _foot(self, joints: list[int]) -> None:
        ankle, end = self.heads[joints[0]], self._end(joints[-1])
        ball = self.heads[joints[1]] if len(joints) > 1 else end
        parent = int(self.skeleton.parents[joints[0]])
        above = self.heads[parent] if parent >= 0 else ankle + self.up
        length = float(np.linalg.norm(ankle - above))
        down = (ankle - above) / length if length > _SHORTEST_BONE else -self.up
        drop = float((ball - ankle) @ down)
        ahead = ball - ankle - drop * down
        reach = float(np.linalg.norm(ahead))
        if reach < _SHORTEST_BONE:
            self._plain(joints)
            return
        heel = ankle + drop * down - 0.28 * ahead
        instep = ankle + 0.45 * drop * down + 0.35 * ahead
        # The sole lies a little below the ball joint, whatever the thickness of the foot.
        depths = np.interp([0.0, 0.75, 1.0], *np.array(shapes.FOOT_SECTIONS)[:, [0, 2]].T)
        raised = [
            point - (depth * self.scale - shapes.SOLE_BELOW_BALL * drop) * down
            for point, depth in zip((heel, ball, end), depths, strict=True)
        ]
        self._add(raised, joints, shapes.FOOT_SECTIONS, np.cross(down, ahead))
        ends = ((0.0, 0.034, 0.036), (1.0, 0.032, 0.030))
        self._add([ankle, instep], joints[:1], ends, self.left)
