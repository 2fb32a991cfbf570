"""Centre of mass of a body as a weighted mean of its skin, from the volume that the skin encloses.

The skin is cut into wedges from the bones; a wedge has half the volume of its base times its
height, its centre lies two thirds out, and it follows the joints that its base follows. The volume
and the centre of all of it are known exactly from the divergence theorem, which shows whether the
wedges fit the body, and puts right by how much they miss the centre. Density is taken as uniform.
"""

import numpy as np

from choreoscope.motion.bodies.model import BodyModel, Regressor

_SAMPLES = 1500
_LEVER = 0.1
"""Metres by which a wrong share of a joint counts."""
_WHOLE = 1e3
_NEGLIGIBLE = 1e-5
_MOST_OPEN = 0.005
_VOLUME_AGREES = 1.3
_CENTRE_AGREES = 0.05


def mass_regressor(model: BodyModel) -> Regressor | None:
    """Point that weighs and balances like the body's volume, joint by joint.

    Parameters
    ----------
    model : BodyModel
        A surface that is closed but for small holes.

    Returns
    -------
    Regressor or None
        Of the one point "mass", few vertices with positive weights. None if the mesh has large
        holes, or if wedges and divergence theorem disagree by more than 30 % of the volume or 5 cm.
    """
    volume, centre = _enclosed(model)
    dense = np.zeros((len(model.template), len(model.joints)))
    np.put_along_axis(dense, model.skin_joints, model.skin_weights, axis=1)
    wedges, middles = _wedges(model)
    total = float(wedges.sum())
    if _open(model) or volume <= 0 or not 1 / _VOLUME_AGREES < total / volume < _VOLUME_AGREES:
        return None
    shares = dense * (wedges / total)[:, None]
    mass, moment = shares.sum(axis=0), shares.T @ middles
    missing = centre - moment.sum(axis=0)
    if np.linalg.norm(missing) > _CENTRE_AGREES:
        return None
    return _balanced(model, dense, mass, moment + mass[:, None] * missing)


def _enclosed(model: BodyModel) -> tuple[float, np.ndarray]:
    """Volume and its centre by the divergence theorem, cubic metres and metres."""
    origin = model.template.mean(axis=0)
    corners = model.template[model.faces] - origin
    parts = np.linalg.det(corners) / 6
    volume = float(parts.sum())
    first = (parts[:, None] * corners.sum(axis=1)).sum(axis=0) / 4
    return volume, first / volume + origin if volume else origin


def _face_areas(model: BodyModel) -> np.ndarray:
    """Area times normal of each face, ``(F, 3)``, square metres."""
    corners = model.template[model.faces]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2


def _open(model: BodyModel) -> bool:
    """Whether more than eye sockets are missing: the areas of a closed surface sum to 0."""
    areas = _face_areas(model)
    missing = np.linalg.norm(areas.sum(axis=0))
    return bool(missing > _MOST_OPEN * np.linalg.norm(areas, axis=1).sum())


def _wedges(model: BodyModel) -> tuple[np.ndarray, np.ndarray]:
    """Volume ``(V,)`` between each bit of skin and its bone, and its centre ``(V, 3)``."""
    areas = np.zeros_like(model.template)
    np.add.at(areas, model.faces, _face_areas(model)[:, None] / 3)
    rows = np.arange(len(model.template))
    owner = model.skin_joints[rows, model.skin_weights.argmax(axis=1)]
    inner = model.template.copy()
    nearest = np.full(len(rows), np.inf)
    for own, start, end in _bones(model):
        at = np.flatnonzero(owner == own)
        along = end - start
        gap = model.template[at] - start
        share = np.clip(gap @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
        foot = start + share[:, None] * along
        apart = np.linalg.norm(model.template[at] - foot, axis=1)
        closer = apart < nearest[at]
        inner[at[closer]], nearest[at[closer]] = foot[closer], apart[closer]
    lever = model.template - inner
    volumes = np.einsum("vc,vc->v", areas, lever).clip(min=0.0) / 2
    return volumes, inner + lever * (2 / 3)


def _bones(model: BodyModel) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Segments by the joint whose skin may lie around them, ends beyond the last joints too."""
    places = model.joint_template
    bones = []
    for joint, parent in enumerate(model.parents):
        if parent >= 0:
            bones += [(own, places[parent], places[joint]) for own in (joint, int(parent))]
        if joint not in model.parents:
            own = model.skin_joints[:, 0] == joint
            beyond = model.template[own].mean(axis=0) if own.any() else places[joint]
            bones.append((joint, places[joint], 2 * beyond - places[joint]))
    return bones


def _balanced(
    model: BodyModel, dense: np.ndarray, mass: np.ndarray, moment: np.ndarray
) -> Regressor | None:
    """Few vertices whose shares and moments at every joint are the given ones."""
    from scipy.optimize import nnls

    chosen = np.arange(0, len(dense), max(1, len(dense) // _SAMPLES))
    own = dense[chosen]
    rows = [own.T * _LEVER, *((own * model.template[chosen, axis, None]).T for axis in range(3))]
    matrix = np.concatenate([*rows, np.full((1, len(chosen)), _WHOLE)])
    wanted = np.concatenate([mass * _LEVER, *moment.T, [_WHOLE]])
    weights, _ = nnls(matrix, wanted, maxiter=30 * len(chosen))
    kept = weights > _NEGLIGIBLE
    if not kept.any():
        return None
    return Regressor(
        names=("mass",),
        vertices=chosen[kept][None],
        weights=(weights[kept] / weights[kept].sum())[None],
    )
