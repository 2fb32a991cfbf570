"""How a body's points hang on its pose: the tables that the compiled loops need."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import BodyPoints, Pose, place_points

if TYPE_CHECKING:
    from choreoscope.motion.solve import kernels


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which unknowns a person has in every frame, and the width of the border.

    Attributes
    ----------
    joints : (A,) int
        Joints that turn.
    shapes, borders : int
        Unknowns of the person's shape, and shared by the shot.
    """

    joints: np.ndarray
    shapes: int
    borders: int

    @property
    def pose(self) -> int:
        """Unknowns per frame: the root's place, then three turns per joint."""
        return 3 + 3 * len(self.joints)

    @property
    def width(self) -> int:
        """Unknowns per frame and all borders."""
        return self.pose + self.shapes + self.borders


@dataclasses.dataclass(frozen=True, slots=True)
class Pull:
    """What a term says about points.

    Attributes
    ----------
    cost : float
        Half of the sum of robust squared residuals.
    weight, force : (T, P, 3, 3) and (T, P, 3) float
        Information, and information times residual; world axes.
    cross : (T, P, B, 3) float or None
        Information between points and border unknowns.
    border, border_force : (B, B) and (B,) float or None
        Of the border with itself.
    nuisance, nuisance_weight, nuisance_prior : (T, P, 3, Q), (T, P, 3, 3), (Q,) float, or None
        How points would have to move like unknowns of the frame alone, which are eliminated; the
        share of `weight` that knows of them; and their own information.
    """

    cost: float
    weight: np.ndarray
    force: np.ndarray
    cross: np.ndarray | None = None
    border: np.ndarray | None = None
    border_force: np.ndarray | None = None
    nuisance: np.ndarray | None = None
    nuisance_weight: np.ndarray | None = None
    nuisance_prior: np.ndarray | None = None

    def plus(self, other: "Pull") -> "Pull":
        """Both at once, so that Jacobians are made once; only `other` may have a nuisance."""
        return dataclasses.replace(
            other,
            cost=self.cost + other.cost,
            weight=self.weight + other.weight,
            force=self.force + other.force,
            cross=self.cross,
            border=self.border,
            border_force=self.border_force,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hinges:
    """Points of one body with the joints that move each of them."""

    points: BodyPoints
    lever: np.ndarray
    shape_lever: np.ndarray
    first_mover: np.ndarray
    mover_joint: np.ndarray
    mover_column: np.ndarray
    below: np.ndarray
    shape: np.ndarray
    layout: Layout

    def place(self, pose: Pose) -> np.ndarray:
        """World places ``(T, P, 3)``, metres."""
        return place_points(self.points, self.shape, pose)

    def pull_back(self, pose: Pose, pull: Pull, into: tuple[np.ndarray, np.ndarray]) -> None:
        """Add information and force on points to the normal equations.

        Parameters
        ----------
        pose : Pose
            T frames.
        pull : Pull
            On these points; the gradient of its nuisance must be 0.
        into : tuple of (T, M, M) and (T, M) float
            Matrices and gradients, changed in place; M is the layout's width.
        """
        from choreoscope.motion.solve import kernels

        frames, count = pull.force.shape[:2]
        none, knows = np.zeros((frames, count, 3, 0)), np.zeros((frames, count, 3, 3))
        cross = np.zeros((frames, count, 0, 3)) if pull.cross is None else pull.cross
        pulls = kernels.Pulls(
            weight=np.ascontiguousarray(pull.weight),
            force=np.ascontiguousarray(pull.force),
            cross=np.ascontiguousarray(cross),
            nuisance=none if pull.nuisance is None else np.ascontiguousarray(pull.nuisance),
            nuisance_weight=(
                knows
                if pull.nuisance_weight is None
                else np.ascontiguousarray(pull.nuisance_weight)
            ),
            nuisance_prior=np.zeros(0) if pull.nuisance_prior is None else pull.nuisance_prior,
        )
        kernels.accumulate(self._posed(pose), pulls, *into)
        if pull.border is not None and pull.border_force is not None:
            matrix, vector = into
            start = self.layout.pose + self.layout.shapes
            matrix[0, start:, start:] += pull.border
            vector[0, start:] += pull.border_force

    def pull_back_speeds(
        self,
        pose: Pose,
        seconds: np.ndarray,
        weight: np.ndarray,
        speed: np.ndarray,
        into: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """Add information on the speeds of points to the normal equations.

        Parameters
        ----------
        pose : Pose
            T frames.
        seconds : (T - 1,) float
            Between frames.
        weight, speed : (T - 1, P) and (T - 1, P, 3) float
            Information, and metres per second.
        into : tuple of (T, M, M), (T, M) and (T - 1, n, n) float
            Matrices, gradients and blocks between frames, changed in place.
        """
        from choreoscope.motion.solve import kernels

        steps = kernels.Steps(seconds=seconds, weight=weight, speed=speed)
        kernels.accumulate_speeds(self._posed(pose), steps, *into)

    def jacobians(self, pose: Pose, wanted: np.ndarray) -> np.ndarray:
        """Jacobians ``(T, P, 3, M)`` of the points that are wanted ``(T, P)``; 0 elsewhere."""
        from choreoscope.motion.solve import kernels

        result = np.zeros((*wanted.shape, 3, self.layout.width))
        kernels.jacobians(self._posed(pose), wanted, result)
        return result

    def _posed(self, pose: Pose) -> "kernels.Posed":
        from choreoscope.motion.solve import kernels

        return kernels.Posed(
            turns=pose.turns,
            places=pose.places,
            shape_places=pose.shape_places,
            joints=self.points.joints,
            mass=self.points.mass,
            lever=self.lever,
            shape_lever=self.shape_lever,
            first_mover=self.first_mover,
            mover_joint=self.mover_joint,
            mover_column=self.mover_column,
            below=self.below,
            shape_start=self.layout.pose,
        )


def hinges(model: BodyModel, points: BodyPoints, shape: np.ndarray, layout: Layout) -> Hinges:
    """Prepare points for one shape.

    Parameters
    ----------
    model : BodyModel
        The body.
    points : BodyPoints
        Points of it.
    shape : (S,) float
        Standard deviations.
    layout : Layout
        Which joints turn.
    """
    below = descendants(model.parents)
    rest = model.rest_joints(shape)
    count = len(shape)
    moment = points.moment + points.shape_moment[..., :count] @ shape
    heavy = points.mass[..., None]
    directions = model.joint_directions[points.joints][..., :count]
    present = (np.abs(points.mass) + np.linalg.norm(points.moment, axis=-1)) > 0
    moved = np.zeros((len(points), len(layout.joints)), dtype=bool)
    for slot in range(points.joints.shape[1]):
        # A point fixed to a joint's own centre does not move when that joint turns; the column
        # would be 0 and is left in place for simplicity.
        moved |= below[layout.joints][:, points.joints[:, slot]].T & present[:, slot, None]
    first = np.concatenate([[0], np.cumsum(moved.sum(axis=1))])
    order = np.nonzero(moved)[1]
    return Hinges(
        points=points,
        lever=moment - heavy * rest[points.joints],
        shape_lever=np.ascontiguousarray(
            points.shape_moment[..., :count] - heavy[..., None] * directions
        ),
        first_mover=first,
        mover_joint=np.asarray(layout.joints)[order],
        mover_column=3 + 3 * order,
        below=below,
        shape=shape,
        layout=layout,
    )


def descendants(parents: np.ndarray) -> np.ndarray:
    """Whether joint k is joint j or hangs below it, ``(J, J)`` bool."""
    below = np.eye(len(parents), dtype=bool)
    for joint in range(len(parents) - 1, 0, -1):
        below[parents[joint]] |= below[joint]
    return below
