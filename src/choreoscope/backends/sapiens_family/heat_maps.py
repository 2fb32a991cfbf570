"""Points from heat maps, to a fraction of a pixel.

The maximum of each map, moved by one step of Newton's method on the logarithm of the blurred map
(Zhang et al., "Distribution-Aware Coordinate Representation for Human Pose Estimation", CVPR 2020;
Huang et al., "The Devil is in the Details: Delving into Unbiased Data Processing", CVPR 2020).
"""

import numpy as np

KERNEL = 11
"""Width of the blur in cells, as the authors use it."""
LOWEST, HIGHEST = 1e-3, 50.0
STEEPEST = 1.0
"""Cells a point may be moved: one step cannot be trusted farther."""


def points_of(maps: np.ndarray) -> np.ndarray:
    """Find the points of heat maps.

    Parameters
    ----------
    maps : (B, P, h, w) float32
        One map per point.

    Returns
    -------
    (B, P, 3) float32
        x and y in cells, counted from 0 at the first cell's centre; the map's value there.
    """
    count, points, height, width = maps.shape
    flat = maps.reshape(count * points, height, width)
    best = flat.reshape(len(flat), -1).argmax(axis=1)
    y, x = np.divmod(best, width)
    score = flat.reshape(len(flat), -1)[np.arange(len(flat)), best]
    places = np.stack([x, y], axis=1).astype(np.float64)
    for one, heat in enumerate(flat):
        if score[one] > 0:
            places[one] += _step(_around(heat, int(x[one]), int(y[one])))
    found = np.column_stack([places, score]).astype(np.float32)
    return found.reshape(count, points, 3)


def _around(heat: np.ndarray, x: int, y: int) -> np.ndarray:
    """Logarithm of the blurred map round a cell, (3, 3); its edge goes on outside it."""
    import cv2

    reach = KERNEL // 2 + 1
    padded = cv2.copyMakeBorder(
        heat[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1],
        *(max(0, reach - y), max(0, y + reach + 1 - heat.shape[0])),
        *(max(0, reach - x), max(0, x + reach + 1 - heat.shape[1])),
        cv2.BORDER_CONSTANT,
        value=0,
    )
    blurred = cv2.GaussianBlur(
        padded.astype(np.float32), (KERNEL, KERNEL), 0, borderType=cv2.BORDER_CONSTANT
    )
    core = blurred[reach - 1 : reach + 2, reach - 1 : reach + 2].astype(np.float64)
    # A factor common to the map is no matter to its logarithm's derivatives; the limits are the
    # authors' for maps whose maximum the blur has not lowered.
    core *= float(heat[y, x]) / max(float(core.max()), 1e-12)
    found: np.ndarray = np.log(np.clip(core, LOWEST, HIGHEST))
    return found


def _step(core: np.ndarray) -> np.ndarray:
    gradient = np.array([core[1, 2] - core[1, 0], core[2, 1] - core[0, 1]]) / 2
    across = core[1, 2] - 2 * core[1, 1] + core[1, 0]
    down = core[2, 1] - 2 * core[1, 1] + core[0, 1]
    # Of the seven cells the authors look at.
    mixed = (
        core[2, 2] - core[1, 2] - core[2, 1] + 2 * core[1, 1] - core[1, 0] - core[0, 1] + core[0, 0]
    ) / 2
    hessian = np.array([[across, mixed], [mixed, down]])
    if across >= 0 or np.linalg.det(hessian) <= 0:
        return np.zeros(2)
    return np.clip(-np.linalg.solve(hessian, gradient), -STEEPEST, STEEPEST)
