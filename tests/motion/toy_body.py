"""A body of bars: 20 joints, a few hundred vertices, small enough for finite differences."""

import numpy as np

from choreoscope.motion.bodies.model import BodyModel, Regressor

_JOINTS = {
    "pelvis": (None, (0.0, 0.95, 0.0)),
    "spine": ("pelvis", (0.0, 0.2, 0.0)),
    "chest": ("spine", (0.0, 0.2, 0.0)),
    "head": ("chest", (0.0, 0.2, 0.02)),
    "clavicle": ("chest", (0.06, 0.1, 0.0)),
    "upper_arm": ("clavicle", (0.12, 0.0, 0.0)),
    "forearm": ("upper_arm", (0.28, 0.0, 0.0)),
    "hand": ("forearm", (0.25, 0.0, 0.0)),
    "thigh": ("pelvis", (0.1, -0.05, 0.0)),
    "shin": ("thigh", (0.0, -0.42, 0.0)),
    "foot": ("shin", (0.0, -0.40, 0.0)),
    "toes": ("foot", (0.0, -0.05, 0.14)),
}
_AXIAL = ("pelvis", "spine", "chest", "head")
_ENDS = {"head": (0, 0.2, 0), "hand": (0.17, 0, 0), "toes": (0, 0, 0.08)}
_RINGS, _AROUND, _THICK = 4, 6, 0.05


def toy_body(shapes: int = 4, seed: int = 1) -> BodyModel:
    """Build it; joints move with shape as smoothly as vertices do."""
    names, parents, places = _tree()
    vertices, joints, weights, faces = _bars(names, parents, places)
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(shapes, 3, 10)) * 0.03
    bones = np.arange(len(names))
    return BodyModel(
        name="toy",
        tier="commercial",
        joints=names,
        parents=parents,
        mirror=np.array([names.index(_other(name)) for name in names]),
        template=vertices,
        shape_directions=_directions(vertices, mixing),
        joint_template=places,
        joint_directions=_directions(places, mixing),
        skin_joints=joints,
        skin_weights=weights,
        faces=faces,
        uv=np.zeros((0, 2)),
        points={
            "middles": Regressor(
                names=tuple(f"{name}_middle" for name in names),
                vertices=np.array([np.flatnonzero(joints[:, 0] == bone)[:12] for bone in bones]),
                weights=np.full((len(names), 12), 1 / 12),
            )
        },
    )


def _directions(places: np.ndarray, mixing: np.ndarray) -> np.ndarray:
    """Smooth displacements: a size, and waves along the body."""
    x, y, z = places.T
    basis = np.stack(
        [np.sin(4 * y), np.cos(4 * y), x, y, z, np.abs(x), x * y, y * y, z * y, np.ones_like(x)], -1
    )
    waves = np.einsum("scb,vb->vcs", mixing, basis)
    waves[..., 0] = 0.05 * (places - [0, 0.9, 0])
    return waves


def _other(name: str) -> str:
    side, _, rest = name.partition("_")
    return {"left": f"right_{rest}", "right": f"left_{rest}"}.get(side, name)


def _tree() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    names: list[str] = []
    parents: list[int] = []
    places: list[np.ndarray] = []
    for side in ("", "left_", "right_"):
        mirror = np.array([-1.0 if side == "right_" else 1.0, 1.0, 1.0])
        for name, (parent, offset) in _JOINTS.items():
            if (name in _AXIAL) == bool(side):
                continue
            full = parent if parent in _AXIAL or parent is None else side + parent
            parents.append(names.index(full) if full else -1)
            names.append(side + name)
            start = places[parents[-1]] if full else np.zeros(3)
            places.append(start + mirror * offset)
    return tuple(names), np.array(parents), np.array(places)


def _bars(
    names: tuple[str, ...], parents: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rings of vertices along every bone, blended with the parent near its beginning."""
    vertices, joints, weights, faces = [], [], [], []
    for bone, name in enumerate(names):
        kids = np.flatnonzero(parents == bone)
        end = _ENDS.get(name.split("_", 1)[-1] if "_" in name else name)
        end = np.array(end) * (-1 if name.startswith("right_hand") else 1) if end else None
        end = places[kids[0]] - places[bone] if end is None else end
        side = np.cross(end, [0.3, 0.2, 1.0])
        side /= np.linalg.norm(side)
        up = np.cross(end, side) / np.linalg.norm(end)
        for ring in range(_RINGS):
            along = (ring + 0.5) / _RINGS
            base = len(vertices)
            for step in range(_AROUND):
                angle = 2 * np.pi * step / _AROUND
                rim = np.cos(angle) * side + 0.7 * np.sin(angle) * up
                vertices.append(places[bone] + along * end + _THICK * rim)
                blend = 0.4 if ring == 0 and parents[bone] >= 0 else 0.0
                joints.append([bone, max(parents[bone], 0)])
                weights.append([1 - blend, blend])
                if ring + 1 < _RINGS:
                    following = (step + 1) % _AROUND
                    faces.append([base + step, base + following, base + step + _AROUND])
    return np.array(vertices), np.array(joints), np.array(weights), np.array(faces)
