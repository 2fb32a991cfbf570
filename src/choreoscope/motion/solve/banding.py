"""Compiled: blocks in time to the lower band that LAPACK wants."""

from numba import njit, prange


@njit(cache=True, parallel=True)
def pack(matrix, next_1, next_2, band, pose):
    """Write blocks to ``band (bandwidth + 1, T * pose)``: row d, column i is entry (i + d, i)."""
    frames = matrix.shape[0]
    deepest = band.shape[0]
    for frame in prange(frames):
        start = frame * pose
        for column in range(pose):
            at = start + column
            for row in range(column, pose):
                band[row - column, at] = matrix[frame, row, column]
            if frame + 1 < frames:
                for row in range(pose):
                    depth = pose + row - column
                    if depth < deepest:
                        band[depth, at] = next_1[frame, row, column]
            if frame + 2 < frames:
                for row in range(pose):
                    depth = 2 * pose + row - column
                    if depth < deepest:
                        band[depth, at] = next_2[frame, row, column]
