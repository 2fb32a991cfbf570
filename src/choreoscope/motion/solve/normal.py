"""Normal equations of one person: blocks in time, bordered by what all frames share.

The band (a frame knows the two before it) is eliminated first, the border solved last: the
"arrow" of bundle adjustment (Triggs et al. 2000, section 6) with time in place of cameras.
"""

import dataclasses

import numpy as np

from choreoscope.motion.solve.mechanics import Layout

_HELD = 1e12


@dataclasses.dataclass(slots=True)
class Normal:
    """Second-order model of the cost around the present state.

    Attributes
    ----------
    layout : Layout
        Unknowns.
    matrix : (T, M, M) float
        Pose of each frame with itself and with the border; the border with itself.
    vector : (T, M) float
        Gradient.
    next_1, next_2 : (T - 1, n, n) and (T - 2, n, n) float
        Pose of a later frame (rows) with that of the frame one or two before (columns).
    wide : bool
        Whether `next_2` holds more than 3x3 blocks on its diagonal.
    """

    layout: Layout
    matrix: np.ndarray
    vector: np.ndarray
    next_1: np.ndarray
    next_2: np.ndarray
    wide: bool = False

    @classmethod
    def empty(cls, layout: Layout, frames: int) -> "Normal":
        """Begin with nothing known."""
        width, pose = layout.width, layout.pose
        return cls(
            layout=layout,
            matrix=np.zeros((frames, width, width)),
            vector=np.zeros((frames, width)),
            next_1=np.zeros((max(frames - 1, 0), pose, pose)),
            next_2=np.zeros((max(frames - 2, 0), pose, pose)),
        )

    def add_chain(self, rows: np.ndarray, weight: np.ndarray, residual: np.ndarray) -> None:
        """Add a residual that depends on the frames t, t + 1 [, t + 2] and on the border.

        Parameters
        ----------
        rows : (K, F, R, M) float
            Jacobian with respect to frame t + k, for K = 2 or 3; border columns in rows[0] alone.
        weight : (F, R) float
            Information.
        residual : (F, R) float
            F = T - K + 1.
        """
        pose, count = self.layout.pose, len(residual)
        border = rows[0][..., pose:]
        for k, own in enumerate(rows):
            weighted = own[..., :pose] * weight[..., None]
            turned = np.swapaxes(weighted, -1, -2)
            self.matrix[k : k + count, :pose, :pose] += turned @ own[..., :pose]
            across = turned @ border
            self.matrix[k : k + count, :pose, pose:] += across
            self.matrix[k : k + count, pose:, :pose] += np.swapaxes(across, -1, -2)
            self.vector[k : k + count, :pose] += (turned @ residual[..., None])[..., 0]
            for other in range(k):
                block = turned @ rows[other][..., :pose]
                if k - other == 1:
                    self.next_1[other : other + count] += block
                else:
                    self.next_2[:count] += block
        self.wide = self.wide or len(rows) > 2  # noqa: PLR2004
        turned = np.swapaxes(border * weight[..., None], -1, -2)
        self.matrix[:count, pose:, pose:] += turned @ border
        self.vector[:count, pose:] += (turned @ residual[..., None])[..., 0]


@dataclasses.dataclass(frozen=True, slots=True)
class Eliminated:
    """A person after the band is gone.

    Attributes
    ----------
    step : (T, n) float
        Step of the pose if the border stays.
    follow : (T, n, S + B) float
        How the pose follows a step of the border.
    matrix, vector : (S + B, S + B) and (S + B,) float
        What is left for the border.
    """

    step: np.ndarray
    follow: np.ndarray
    matrix: np.ndarray
    vector: np.ndarray


def eliminate(
    normal: Normal, damping: float, held: np.ndarray, free: np.ndarray | None = None
) -> Eliminated:
    """Solve the band.

    Parameters
    ----------
    normal : Normal
        Of one person.
    damping : float
        Marquardt's: added to the diagonal as a share of it.
    held : (T,) bool
        Frames that must not move.
    free : (S + B,) bool or None
        Border unknowns that may move; the others need no elimination. None: all.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is not positive definite; more damping helps.
    """
    from scipy.linalg import cho_solve_banded, cholesky_banded

    from choreoscope.motion.solve import banding

    pose = normal.layout.pose
    frames = len(normal.matrix)
    bandwidth = (3 * pose if normal.wide else 2 * pose + 3) - 1
    bandwidth = min(bandwidth, frames * pose - 1)
    band = np.zeros((bandwidth + 1, frames * pose))
    banding.pack(normal.matrix, normal.next_1, normal.next_2, band, pose)
    diagonal = band[0].reshape(frames, pose)
    diagonal += damping * diagonal + 1e-9
    diagonal[held] += _HELD
    couple = normal.matrix[:, :pose, pose:]
    moving = np.ones(couple.shape[2], dtype=bool) if free is None else free
    right = np.concatenate([-normal.vector[:, :pose, None], -couple[..., moving]], axis=2)
    factor = cholesky_banded(band, overwrite_ab=True, lower=True, check_finite=False)
    solved = cho_solve_banded(
        (factor, True), right.reshape(frames * pose, -1), overwrite_b=True, check_finite=False
    ).reshape(frames, pose, -1)
    step, follow = solved[..., 0], np.zeros(couple.shape)
    follow[..., moving] = solved[..., 1:]
    matrix = normal.matrix[:, pose:, pose:].sum(axis=0) + np.einsum(
        "tpb,tpc->bc", couple, follow, optimize=True
    )
    vector = normal.vector[:, pose:].sum(axis=0) + np.einsum("tpb,tp->b", couple, step)
    return Eliminated(step=step, follow=follow, matrix=matrix, vector=vector)
