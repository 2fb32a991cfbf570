"""Bodies of the SMPL family from the user's own files: SMPL, SMPL-H, SMPL-X and MANO.

The files are not ours to give and whatever is made with them is for research alone, unless the
user holds another licence. Only arrays are read (`formats.restricted_pickle`).

SMPL: Loper et al. 2015. MANO and SMPL-H: Romero, Tzionas, Black 2017. SMPL-X: Pavlakos et al. 2019.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.formats.restricted_pickle import read_restricted, read_restricted_npz
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.surface import find_points, find_tips

Kind = Literal["smpl", "smplh", "smplx", "mano"]
Naming = Literal["family", "house"]
GENDERS = ("neutral", "female", "male")
MOST_INFLUENCES = 8
"""Joints that move one vertex; the published models use no more than that."""
_BODY = (
    *("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2"),
    *("left_ankle", "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar"),
    *("right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
    *("left_wrist", "right_wrist"),
)
_BODY_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
_LEFT_WRIST, _RIGHT_WRIST, _HEAD = (_BODY.index(n) for n in ("left_wrist", "right_wrist", "head"))
# Pinky before ring.
_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_BONES = {
    "spine1": "spine_low",
    "spine2": "spine_mid",
    "spine3": "spine_high",
    "hip": "thigh",
    "knee": "shin",
    "ankle": "foot",
    "foot": "toes",
    "collar": "clavicle",
    "shoulder": "upper_arm",
    "elbow": "forearm",
    "wrist": "hand",
    "hand": "middle_1",
}


def joint_names(kind: Kind, side: Literal["left", "right"] = "right") -> tuple[str, ...]:
    """Names of a family member's joints, in the order of its files.

    Parameters
    ----------
    kind : {"smpl", "smplh", "smplx", "mano"}
        24, 52, 55 or 16 joints.
    side : {"left", "right"}
        Of the hand that MANO is.
    """
    left, right = _hand("left"), _hand("right")
    tails = {
        "smpl": ("left_hand", "right_hand"),
        "smplh": (*left, *right),
        "smplx": ("jaw", "left_eye", "right_eye", *left, *right),
    }
    return (f"{side}_wrist", *_hand(side)) if kind == "mano" else (*_BODY, *tails[kind])


def house_name(joint: str) -> str:
    """Name that the house skeleton has for a joint of the family.

    SMPL's ``left_foot`` is our ``left_toes`` and its ``left_ankle`` our ``left_foot``; its
    ``left_hand`` lies at the knuckles and becomes ``left_middle_1``. Jaw and eyes keep their names.
    """
    side, _, part = joint.rpartition("_")
    finger = re.fullmatch(r"([a-z]+)([123])", part)
    bone = _BONES.get(part) or (f"{finger[1]}_{finger[2]}" if finger else part)
    return f"{side}_{bone}" if side else bone


def read_body_model(
    path: Path,
    kind: Kind | None = None,
    *,
    gender: str | None = None,
    shapes: int | None = None,
    naming: Naming = "family",
) -> BodyModel:
    """Read a model of the SMPL family.

    Parameters
    ----------
    path : Path
        The .pkl or .npz as published; what it is is seen from its contents.
    kind : {"smpl", "smplh", "smplx", "mano"} or None
        What it has to be. None: whatever it is.
    gender : {"neutral", "female", "male"} or None
        None: as the name of the file or of its folder says. MANO has none.
    shapes : int or None
        Shape values to keep, at least 1; expressions are never kept. None: the first 10, or all
        if there are fewer.
    naming : {"family", "house"}
        Joints named as by SMPL's makers ("left_hip"), or as the house skeleton has them
        ("left_thigh", see `house_name`), by which the shot solve knows how joints may turn.

    Returns
    -------
    BodyModel
        Named "smpl-female", "smplx-neutral", "mano-left", ...; tier "research". T pose as in the
        file, Y up, facing +Z, moved along Y alone so that the lowest vertex is at y = 0 (a hand
        stays where it is). Pose directions are those of the file. Point sets: "tips"; and "soles",
        "contacts" and "mass", which the shot solve needs, if all their points are found
        (`surface.find_points`).

    Raises
    ------
    InputError
        If the file cannot be read, is no body model or another one, misses arrays or has them in
        wrong shapes, does not stand as the family does, or if its gender is not to be known.
    """
    content = _content(path)
    found = _kind(content, path)
    if kind is not None and kind != found:
        raise InputError(f"{path}: it is a {found} model, expected {kind}; give the {kind} file")
    model = _model(content, found, path, shapes)
    name = f"mano-{_side(model)}" if found == "mano" else f"{found}-{_gender(path, gender)}"
    house = tuple(house_name(joint) for joint in model.joints)
    model = dataclasses.replace(model, name=name, joints=house)
    if found == "mano":
        points = find_tips(model)
    else:
        _check_stance(model, path)
        points = find_points(model)
    model = dataclasses.replace(model, points=points)
    return model if naming == "house" else _family_names(model, found)


_Content = Mapping[str, Any]
_NEEDED = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
_SEE = "see docs/smpl.md for the files that are understood"
_ZIP = b"PK\x03\x04"


def _hand(side: str) -> tuple[str, ...]:
    return tuple(f"{side}_{finger}{bone}" for finger in _FINGERS for bone in (1, 2, 3))


def _hand_parents(wrist: int, first: int) -> tuple[int, ...]:
    return tuple(wrist if at % 3 == 0 else first + at - 1 for at in range(15))


def _parents(kind: Kind) -> np.ndarray:
    if kind == "mano":
        return np.array([-1, *_hand_parents(0, 1)])
    tails = {
        "smpl": (_LEFT_WRIST, _RIGHT_WRIST),
        "smplh": (*_hand_parents(_LEFT_WRIST, 22), *_hand_parents(_RIGHT_WRIST, 37)),
        "smplx": (
            *(_HEAD, _HEAD, _HEAD),
            *(*_hand_parents(_LEFT_WRIST, 25), *_hand_parents(_RIGHT_WRIST, 40)),
        ),
    }
    return np.array([*_BODY_PARENTS, *tails[kind]])


def _content(path: Path) -> _Content:
    """Members of the file by name."""
    try:
        with path.open("rb") as stream:
            zipped = stream.read(len(_ZIP)) == _ZIP
    except OSError as missing:
        raise InputError(f"{path}: cannot be opened ({missing.strerror}); {_SEE}") from missing
    content = read_restricted_npz(path) if zipped else read_restricted(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a body model: a {type(content).__name__}; {_SEE}")
    lacking = [name for name in _NEEDED if name not in content]
    if lacking:
        raise InputError(f"{path}: not a body model: it lacks {', '.join(lacking)}; {_SEE}")
    return content


def _kind(content: _Content, path: Path) -> Kind:
    count = _array(content, "kintree_table", (2, None), path, kinds="iuf").shape[1]
    kinds: dict[int, Kind] = {24: "smpl", 52: "smplh", 55: "smplx", 16: "mano"}
    if count not in kinds:
        raise InputError(f"{path}: {count} joints, expected 24, 52, 55 or 16; {_SEE}")
    return kinds[count]


def _array(
    content: _Content, name: str, shape: tuple[int | None, ...], path: Path, *, kinds: str = "f"
) -> np.ndarray:
    """Member of a file, checked."""
    array = np.asarray(content[name])
    fits = array.ndim == len(shape) and all(
        wanted in (None, got) for wanted, got in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in kinds or not np.isfinite(array).all() or not array.size:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise InputError(
            f"{path}: '{name}' is {array.dtype} of shape {array.shape}, "
            f"expected finite numbers of shape ({wanted}); {_SEE}"
        )
    return array


def _model(content: _Content, kind: Kind, path: Path, shapes: int | None) -> BodyModel:
    """All arrays; joints by the family's names, no points yet."""
    _check_tree(content, kind, path)
    template = _array(content, "v_template", (None, 3), path).astype(np.float64)
    count, joints = len(template), len(_parents(kind))
    directions = _shape_directions(content, kind, path, (count, shapes))
    regressor = _array(content, "J_regressor", (joints, count), path)
    if not np.allclose(regressor.sum(axis=1), 1.0, atol=1e-2):
        raise InputError(f"{path}: rows of 'J_regressor' do not sum to 1; {_SEE}")
    places = regressor @ template
    down = np.array([0.0, 0.0 if kind == "mano" else template[:, 1].min(), 0.0])
    skin_joints, skin_weights = _skin(_array(content, "weights", (count, joints), path), path)
    uv, uv_faces = _texture(content, path)
    names = joint_names(kind, "left" if _points_left(places) else "right")
    return BodyModel(
        name=kind,
        tier="research",
        joints=names,
        parents=_parents(kind),
        mirror=np.array([_mirror(names, name) for name in names]),
        template=template - down,
        shape_directions=directions,
        joint_template=places - down,
        joint_directions=np.einsum("jv,vcs->jcs", regressor, directions),
        pose_directions=_array(content, "posedirs", (count, 3, 9 * (joints - 1)), path),
        skin_joints=skin_joints,
        skin_weights=skin_weights,
        faces=_faces(content, "f", count, path),
        uv=uv,
        uv_faces=uv_faces,
        points={},
    )


def _check_tree(content: _Content, kind: Kind, path: Path) -> None:
    """Compare the joint tree with the family's; the root's parent may be 2^32 - 1."""
    tree = [[int(value) for value in row] for row in np.asarray(content["kintree_table"])]
    expected = _parents(kind)
    same = tree[0][1:] == expected[1:].tolist() and tree[1] == list(range(len(expected)))
    if not same or 0 <= tree[0][0] < len(expected):
        raise InputError(f"{path}: 'kintree_table' is not the joint tree of {kind}; {_SEE}")


_SHAPES_BEFORE_EXPRESSIONS = {20: 10, 400: 300}


def _shape_directions(
    content: _Content, kind: Kind, path: Path, sizes: tuple[int, int | None]
) -> np.ndarray:
    count, wanted = sizes
    stored = _array(content, "shapedirs", (count, 3, None), path)
    have = stored.shape[2]
    if kind == "smplx":
        have = _SHAPES_BEFORE_EXPRESSIONS.get(have, have)
    keep = min(10, have) if wanted is None else wanted
    if not 1 <= keep <= have:
        raise InputError(f"{path}: expected 1 to {have} shape values, asked for {keep}")
    return stored[..., :keep].astype(np.float64)


def _skin(weights: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Strongest joints of each vertex and their shares, summing to 1."""
    if weights.min() < -_SLIGHT or not np.allclose(weights.sum(axis=1), 1.0, atol=1e-2):
        raise InputError(f"{path}: rows of 'weights' are not shares that sum to 1; {_SEE}")
    most = min(MOST_INFLUENCES, int((weights > _SLIGHT).sum(axis=1).max()))
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :most]
    shares = np.take_along_axis(weights, joints, axis=1).astype(np.float64).clip(min=0.0)
    return joints, shares / shares.sum(axis=1, keepdims=True)


_SLIGHT = 1e-6


def _faces(content: _Content, name: str, count: int, path: Path) -> np.ndarray:
    faces = _array(content, name, (None, 3), path, kinds="iu").astype(np.int64)
    if faces.min() < 0 or faces.max() >= count:
        raise InputError(f"{path}: '{name}' names corners outside 0 to {count - 1}; {_SEE}")
    return faces


def _texture(content: _Content, path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Texture coordinates, where there are some that fit the faces."""
    if "vt" not in content or "ft" not in content:
        return np.zeros((0, 2)), None
    uv = _array(content, "vt", (None, 2), path).astype(np.float64)
    return uv, _faces(content, "ft", len(uv), path)


def _mirror(names: tuple[str, ...], name: str) -> int:
    """Joint of the other side; a single hand has none but itself."""
    swapped = re.sub("^(left|right)", lambda side: _OTHER[side[0]], name)
    return names.index(swapped if swapped in names else name)


_OTHER = {"left": "right", "right": "left"}


def _points_left(places: np.ndarray) -> bool:
    """Whether the fingers of a lone hand are on the +X side of its wrist, as a left hand's are."""
    return bool(places[1:, 0].mean() > places[0, 0])


def _side(model: BodyModel) -> str:
    return model.joints[0].partition("_")[0]


def _gender(path: Path, told: str | None) -> str:
    """As told, or as the name of the file says, or else that of its folder."""
    letters = {"f": "female", "m": "male", "n": "neutral"}
    for words in ([told] if told is not None else [], _words(path.stem), _words(path.parent.name)):
        found = {letters.get(word, word) for word in words} & set(GENDERS)
        if len(found) == 1:
            return found.pop()
        if told is not None or found:
            break
    raise InputError(
        f"{path}: cannot tell its gender from '{told or path.name}'; say which of "
        f"{', '.join(GENDERS)} it is, or put that word into the file's name"
    )


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z]+", name.lower())


def _check_stance(model: BodyModel, path: Path) -> None:
    """Y up, left at +X, toes towards +Z."""
    at = {name: model.joint_template[joint] for joint, name in enumerate(model.joints)}
    upright = at["head"][1] - at["left_foot"][1]
    across = at["left_thigh"][0] - at["right_thigh"][0]
    ahead = at["left_toes"][2] - at["left_foot"][2]
    if min(upright, across, ahead) <= 0:
        raise InputError(
            f"{path}: expected a body with Y up, its left at +X and its toes towards +Z, as "
            "published; got another stance, so use the original file"
        )


def _family_names(model: BodyModel, kind: Kind) -> BodyModel:
    """Take the names of the family back, in the set "tips" too."""
    names = joint_names(kind, "left" if model.joints[0].startswith("left") else "right")
    back = dict(zip(model.joints, names, strict=True))
    points = dict(model.points)
    if "tips" in points:
        tips = points["tips"]
        points["tips"] = dataclasses.replace(tips, names=tuple(back[name] for name in tips.names))
    return dataclasses.replace(model, joints=names, points=points)
