"""Where the volume of a body is, joint by joint (part of ``bake_body.py``)."""

# Measures of the body are easier to read in place; anny has no types.
# ruff: noqa: ANN401

from typing import Any

import numpy as np
from scipy.spatial import cKDTree

STEP = 0.012
NEIGHBOURS = 12


def mass_moments(surface: Any) -> tuple[np.ndarray, np.ndarray]:
    """Share ``(J,)`` of the volume and its first moment ``(J, 3)`` that follow each joint.

    The body is filled with a grid (rays along Z, inside between an odd and an even crossing); a
    cell follows the joints that the skin around it follows. Density is taken as uniform.
    """
    cells = filled(surface.at, surface.rig.faces[surface.rig.outer[surface.rig.faces].all(axis=1)])
    gap, near = cKDTree(surface.at[surface.skin]).query(cells, k=NEIGHBOURS)
    share = 1.0 / np.maximum(gap, 1e-3) ** 2
    share /= share.sum(axis=1, keepdims=True)
    follows = np.einsum("ck,ckj->cj", share, surface.dense[surface.skin[near]])
    print(f"volume: {1e3 * len(cells) * STEP**3:.1f} litres")
    return follows.sum(axis=0) / len(cells), follows.T @ cells / len(cells)


def filled(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Centres of the grid cells inside a mesh, ``(C, 3)``."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    depths = np.arange(low[2], high[2], STEP) + STEP / 2
    # An irrational shift keeps rays off the edges of a symmetric mesh.
    columns = np.arange(low[0], high[0], STEP) + STEP / np.pi
    rows = np.arange(low[1], high[1], STEP) + STEP / np.e
    parity = np.zeros((len(columns), len(rows), len(depths)), dtype=bool)
    for a, b, c in vertices[faces]:
        corners = np.stack([a, b, c])
        x0, x1 = np.searchsorted(columns, (corners[:, 0].min(), corners[:, 0].max()))
        y0, y1 = np.searchsorted(rows, (corners[:, 1].min(), corners[:, 1].max()))
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        for x in range(x0, x1):
            for y in range(y0, y1):
                p, q = columns[x], rows[y]
                one = ((b[0] - p) * (c[1] - q) - (b[1] - q) * (c[0] - p)) / area
                two = ((c[0] - p) * (a[1] - q) - (c[1] - q) * (a[0] - p)) / area
                if one >= 0 and two >= 0 and one + two <= 1:
                    depth = one * a[2] + two * b[2] + (1 - one - two) * c[2]
                    parity[x, y] ^= depths > depth
    x, y, z = np.nonzero(parity)
    return np.stack([columns[x], rows[y], depths[z]], axis=1)
