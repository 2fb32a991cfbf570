"""Arrays the compiled rounds work on, made from a body, its points and what was seen."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import BodyPoints
from choreoscope.motion.fit.targets import FitOptions, FitTargets, RayTargets

if TYPE_CHECKING:
    from choreoscope.motion.fit.kernel_points import Bound, Evidence, Tree, Work
    from choreoscope.motion.fit.kernel_start import Parts

_AT_THE_JOINT = 0.01
"""Metres from a joint within which a point also belongs to the part above it."""
_TRUNK_DECAY = 0.3
"""How much less a point says about the trunk per joint that lies between."""


@dataclasses.dataclass(frozen=True, slots=True)
class BoundPoints:
    """Points with their joints in ascending order, ready for any shape."""

    used: np.ndarray
    joints: np.ndarray
    mass: np.ndarray
    lever: np.ndarray
    lever_directions: np.ndarray
    first_share: np.ndarray
    shares: np.ndarray
    first_pair: np.ndarray
    pair_joints: np.ndarray
    pairs: np.ndarray

    def at(self, shape: np.ndarray, *, moving: bool) -> "Bound":
        """Levers at one shape; `moving` keeps their derivatives."""
        from choreoscope.motion.fit.kernel_points import Bound

        directions = self.lever_directions if moving else self.lever_directions[..., :0]
        return Bound(
            self.used,
            self.joints,
            self.mass,
            _plain(self.lever + self.lever_directions @ shape),
            _plain(directions),
            self.first_share,
            self.shares,
            self.first_pair,
            self.pair_joints,
            self.pairs,
        )


def bind(model: BodyModel, points: BodyPoints) -> BoundPoints:
    """Sort each point's joints and turn moments into levers about them."""
    idle = (points.mass == 0) & ~np.any(points.moment, axis=-1)
    idle &= ~np.any(points.shape_moment, axis=(-1, -2))
    order = np.argsort(np.where(idle, len(model.joints), points.joints), axis=1, kind="stable")
    rows = np.arange(len(points))[:, None]
    joints, mass = _plain(points.joints[rows, order]), _plain(points.mass[rows, order])
    used = np.asarray((~idle).sum(axis=1))
    point, share = np.nonzero(np.arange(joints.shape[1]) < used[:, None])
    by_joint = np.argsort(joints[point, share], kind="stable")
    shares = np.stack([point, share], axis=1)[by_joint]
    held = joints[shares[:, 0], shares[:, 1]]
    pairs, pair_joints, first_pair = _pairs(joints, used)
    return BoundPoints(
        used=used,
        joints=joints,
        mass=mass,
        lever=points.moment[rows, order] - mass[..., None] * model.joint_template[joints],
        lever_directions=points.shape_moment[rows, order]
        - mass[..., None, None] * model.joint_directions[joints],
        first_share=np.searchsorted(held, np.arange(len(model.joints) + 1)),
        shares=_plain(shares),
        first_pair=first_pair,
        pair_joints=pair_joints,
        pairs=pairs,
    )


def _plain(array: np.ndarray) -> np.ndarray:
    """Copy in one layout that may be written to: kernels are compiled anew for any other."""
    return np.array(array, order="C")


def _pairs(joints: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of shares of one point, sorted by their joints, and where each two joints begin."""
    width = joints.shape[1]
    left, right = np.triu_indices(width)
    point, which = np.nonzero(right < used[:, None])
    pairs = np.stack([point, left[which], right[which]], axis=1)
    both = np.stack([joints[point, left[which]], joints[point, right[which]]], axis=1)
    order = np.lexsort((both[:, 1], both[:, 0]))
    pairs, both = pairs[order], both[order]
    changes = np.any(np.diff(both, axis=0, prepend=-1) != 0, axis=1)
    starts = np.flatnonzero(changes)
    return _plain(pairs), _plain(both[starts]), np.append(starts, len(pairs))


def no_points(model: BodyModel) -> BoundPoints:
    """Bind nothing."""
    return bind(
        model,
        BodyPoints(
            names=(),
            joints=np.zeros((0, 1), dtype=np.int64),
            mass=np.zeros((0, 1)),
            moment=np.zeros((0, 1, 3)),
            shape_moment=np.zeros((0, 1, 3, model.shape_count)),
        ),
    )


def ancestors(parents: np.ndarray) -> np.ndarray:
    """``(J, J)`` bool: is the first joint the second one or above it."""
    above = np.eye(len(parents), dtype=bool)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            above[:, joint] |= above[:, parent]
    return above


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One body and one track's evidence."""

    model: BodyModel
    options: FitOptions
    free: np.ndarray
    above: np.ndarray
    slot: np.ndarray
    coupled: np.ndarray
    first: np.ndarray
    bound: tuple[BoundPoints, BoundPoints]
    seen: "Evidence"

    def tree(self, shape: np.ndarray, *, moving: bool) -> "Tree":
        """Joints at one shape; `moving` keeps derivatives."""
        from choreoscope.motion.fit.kernel_points import Tree

        parents = self.model.parents
        rest = self.model.rest_joints(shape)
        up = np.maximum(parents, 0)
        directions = self.model.joint_directions - self.model.joint_directions[up]
        return Tree(
            parents.astype(np.int64),
            self.slot,
            self.free,
            self.above,
            self.coupled,
            self.first,
            _plain(rest - rest[up]),
            _plain(directions if moving else directions[..., :0]),
        )

    def bounds(self, shape: np.ndarray, *, moving: bool) -> tuple["Bound", "Bound"]:
        """Points of both kinds at one shape."""
        return self.bound[0].at(shape, moving=moving), self.bound[1].at(shape, moving=moving)

    def work(self, *, moving: bool) -> "Work":
        """Room for one thread."""
        from choreoscope.motion.fit.kernel_points import Work

        joints = len(self.model.joints)
        shapes = self.model.shape_count if moving else 0
        borders = shapes + 1 if moving else 0
        size = 3 * joints + 4
        points = max(len(bound.used) for bound in self.bound)
        widest = max(bound.joints.shape[1] for bound in self.bound)
        return Work(
            turns=np.zeros((joints, 3, 3)),
            places=np.zeros((joints, 3)),
            place_directions=np.zeros((joints, 3, shapes)),
            arms=np.zeros((points, widest, 4)),
            moved=np.zeros((points, 3, borders)),
            spots=np.zeros((points, 3)),
            forces=np.zeros((points, 3)),
            weights=np.zeros(points),
            pairs=np.zeros((joints, joints, 4, 4)),
            pulls=np.zeros((joints, 4, 3)),
            border_pulls=np.zeros((joints, 4, 3, borders)),
            normal=np.zeros((size, size)),
            gradient=np.zeros(size),
            border=np.zeros((size, borders)),
            corner=np.zeros((borders, borders)),
            corner_gradient=np.zeros(borders),
            chain=np.zeros(size, dtype=np.int64),
            rows=np.zeros((5, size)),
        )

    def parts(self, shape: np.ndarray) -> "Parts":
        """Which points tell the turn of which joint at the start."""
        from choreoscope.motion.fit.kernel_start import Parts

        bound = self.bound[0]
        lever = bound.lever + bound.lever_directions @ shape
        rest_joints = self.model.rest_joints(shape)
        count = len(self.model.joints)
        shares = np.zeros((count + 1, len(bound.used)))
        points = np.arange(len(bound.used))
        distance = _joints_from_trunk(np.array(self.model.parents), self.above)
        for column in range(bound.joints.shape[1]):
            live = column < bound.used
            joint, mass = bound.joints[:, column], np.where(live, bound.mass[:, column], 0.0)
            np.add.at(shares, (joint, points), mass)
            near = np.linalg.norm(lever[:, column], axis=1) < _AT_THE_JOINT * np.abs(mass)
            near &= joint > 0
            np.add.at(shares, (np.array(self.model.parents)[joint[near]], points[near]), mass[near])
            shares[count] += mass * _TRUNK_DECAY ** distance[joint]
        shares = np.clip(shares, 0.0, None)
        at, who = np.nonzero(shares > _AT_THE_JOINT)
        rest = (lever + bound.mass[..., None] * rest_joints[bound.joints]).sum(axis=1)
        return Parts(
            np.searchsorted(at, np.arange(count + 2)), _plain(who), shares[at, who], _plain(rest)
        )

    def spread(
        self, frames: np.ndarray, task: Callable[[np.ndarray, "Work"], None], *, moving: bool
    ) -> None:
        """Run `task` on shares of the frames, each in a thread with room of its own."""
        shares = [share for share in np.array_split(frames, self.options.threads) if len(share)]
        if not shares:
            return
        rooms = [self.work(moving=moving) for _ in shares]
        if len(shares) == 1:
            task(shares[0], rooms[0])
            return
        with ThreadPoolExecutor(max_workers=len(shares)) as pool:
            for done in [pool.submit(task, *pair) for pair in zip(shares, rooms, strict=True)]:
                done.result()


def make_problem(
    model: BodyModel, targets: FitTargets | None, rays: RayTargets | None, options: FitOptions
) -> Problem:
    """Gather everything that does not change during the fit."""
    parents = np.array(model.parents, dtype=np.int64)
    above = ancestors(parents)
    free = np.array([options.joints is None or name in options.joints for name in model.joints])
    bound = (
        bind(model, targets.points) if targets else no_points(model),
        bind(model, rays.points) if rays else no_points(model),
    )
    slot = _elimination_order(parents)
    coupled = _coupled(above, free, bound)
    return Problem(
        model=model,
        options=options,
        free=free,
        above=above,
        slot=slot,
        coupled=_plain(coupled),
        first=_first_columns(slot, coupled),
        bound=bound,
        seen=_evidence(targets, rays),
    )


def _evidence(targets: FitTargets | None, rays: RayTargets | None) -> "Evidence":
    from choreoscope.motion.fit.kernel_points import Evidence

    frames = len(targets.sigma) if targets else len(rays.sigma) if rays else 0
    return Evidence(
        places=_plain(np.nan_to_num(targets.places)) if targets else np.zeros((frames, 0, 3)),
        weights=targets.weights if targets else np.zeros((frames, 0)),
        rays=_plain(np.nan_to_num(rays.rays)) if rays else np.zeros((frames, 0, 2)),
        ray_weights=rays.weights if rays else np.zeros((frames, 0)),
        cameras=_plain(rays.camera_from_world[:, :3]) if rays else np.zeros((frames, 3, 4)),
    )


def _elimination_order(parents: np.ndarray) -> np.ndarray:
    """Place of each joint among the unknowns: whole limbs together, tips first, the root last.

    So rows of the normal equations begin late, and a Cholesky factor keeps those zeros.
    """
    children: list[list[int]] = [[] for _ in parents]
    for joint, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(joint)
    order, waiting = [], [0]
    while waiting:
        joint = waiting.pop()
        order.append(joint)
        waiting.extend(children[joint])
    slot = np.zeros(len(parents), dtype=np.int64)
    slot[order[::-1]] = np.arange(len(parents))
    return slot


def _coupled(
    above: np.ndarray, free: np.ndarray, bound: tuple[BoundPoints, BoundPoints]
) -> np.ndarray:
    """``(J, J)`` bool: do two free joints move a common point."""
    count = len(free)
    together = np.zeros((count, count), dtype=bool)
    for points in bound:
        live = np.arange(points.joints.shape[1]) < points.used[:, None]
        movers = np.zeros((len(points.used), count), dtype=bool)
        for column in range(points.joints.shape[1]):
            rows = np.flatnonzero(live[:, column])
            movers[rows] |= above[:, points.joints[rows, column]].T
        together |= (movers.T.astype(np.float64) @ movers.astype(np.float64)) > 0
    return np.asarray(together & free[:, None] & free)


def _first_columns(slot: np.ndarray, coupled: np.ndarray) -> np.ndarray:
    """First column of each row of the lower triangle that can be other than zero."""
    count = len(slot)
    first = np.zeros(3 * count + 4, dtype=np.int64)
    for joint in range(count):
        partners = np.append(slot[coupled[joint]], slot[joint])
        first[3 * slot[joint] : 3 * slot[joint] + 3] = 3 * partners.min()
    return first


def _joints_from_trunk(parents: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Joints between each one and the line from the root to the greatest fork above it."""
    forks = np.bincount(parents[1:], minlength=len(parents)) > 1
    sizes = np.where(forks, above.sum(axis=1), 0)
    sizes[0] = 0
    trunk = above[:, int(np.argmax(sizes))] if sizes.any() else above[:, 0]
    distance = np.zeros(len(parents), dtype=np.int64)
    for joint in range(1, len(parents)):
        distance[joint] = 0 if trunk[joint] else distance[parents[joint]] + 1
    return distance
