"""Linear blend skinning: a surface that follows the joints it is bound to."""

import numpy as np

_FRAMES = 8
"""Frames at a time; keeps the room needed at some 20 MB for 14,000 vertices."""


def skinned(
    vertices: np.ndarray,
    joints: np.ndarray,
    weights: np.ndarray,
    turns: np.ndarray,
    shifts: np.ndarray,
) -> np.ndarray:
    """Move vertices with the joints that hold them, ``sum_k w_k (R_k x + s_k)``.

    Parameters
    ----------
    vertices : (V, 3) or (T, V, 3) float
        In the rest pose, of all frames or of each, metres. Their precision is that of the result.
    joints : (V, K) int
        Joints that move each vertex.
    weights : (V, K) float
        Their shares.
    turns : (T, J, 3, 3) float
        World-from-rest rotation of each joint.
    shifts : (T, J, 3) float
        World place of the rest origin as carried by each joint, metres.

    Returns
    -------
    (T, V, 3) float
        World, metres.

    Notes
    -----
    Blending matrices first (Magnenat-Thalmann et al. 1988) costs one matrix product for many
    frames. Only the result grows with T.
    """
    columns = np.arange(len(joints))[:, None]
    kind = vertices.dtype
    shares = np.zeros((turns.shape[1], len(joints)), dtype=kind)
    np.add.at(shares, (joints, columns), weights)
    affine = np.concatenate([turns, shifts[..., None]], axis=-1, dtype=kind)
    own = np.ascontiguousarray(np.swapaxes(vertices, -1, -2))
    placed = np.zeros((len(turns), len(joints), 3), dtype=kind)
    for start in range(0, len(turns), _FRAMES):
        part = slice(start, start + _FRAMES)
        # Vertices last: every product below then runs along contiguous memory.
        flat = np.moveaxis(affine[part], 1, -1)
        blended = (flat.reshape(-1, turns.shape[1]) @ shares).reshape(-1, 3, 4, len(joints))
        here = own if own.ndim == 2 else own[part, None]  # noqa: PLR2004
        moved = blended[:, :, 3]
        for axis in range(3):
            moved += blended[:, :, axis] * here[..., axis, :]
        placed[part] = np.swapaxes(moved, 1, 2)
    return placed
