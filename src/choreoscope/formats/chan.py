"""Nuke's ``.chan``: a line per frame with number, place, three angles and vertical field of view.

``frame tx ty tz rx ry rz [vfov]``, degrees; world Y up; the camera looks along -z. The file does
not say in which order the angles turn: Nuke's own default is ZXY, about Z first.
"""

import itertools
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.formats.camera_poses import CV_FROM_GL, FilePoses, pose_of
from choreoscope.geometry import rotation
from choreoscope.geometry.euler import from_euler

ORDERS = tuple("".join(letters) for letters in itertools.permutations("XYZ"))
_WITHOUT_FOV, _WITH_FOV = 7, 8


def read_chan(path: Path, size: tuple[int, int], rotation_order: str = "ZXY") -> FilePoses:
    """Read a ``.chan`` file.

    Parameters
    ----------
    size : (int, int)
        Width and height of the film, pixels; the field of view spans its height.
    rotation_order : str
        Axes in the order in which the object is turned about them, as Nuke's menu lists them.

    Raises
    ------
    InputError
        If the file is absent, a line is not 7 or 8 numbers, or the order is none.
    """
    if rotation_order not in ORDERS:
        raise InputError(
            f"expected a rotation order of {', '.join(ORDERS)}, got '{rotation_order}'"
        )
    rows = _rows(path)
    # Turned about Z first means that the matrix of Z stands last.
    columns = ["XYZ".index(axis) + 4 for axis in reversed(rotation_order)]
    turns = rotation.to_matrix(from_euler(np.radians(rows[:, columns]), rotation_order[::-1]))
    poses = []
    for turn, place in zip(turns, rows[:, 1:4], strict=True):
        camera = CV_FROM_GL @ turn.T
        poses.append(pose_of(camera, -camera @ place))
    try:
        return FilePoses(
            numbers=rows[:, 0].astype(np.int64),
            camera_from_world=np.array(poses),
            intrinsics=_intrinsics(rows[:, 7], size, path) if rows.shape[1] == _WITH_FOV else None,
            distortion=np.zeros(0),
            size=None,
            still=False,
            up="y",
            metres=1.0,
        )
    except InputError as damage:
        raise InputError(f"{path}: {damage}") from damage


def _rows(path: Path) -> np.ndarray:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as damage:
        raise InputError(f"{path}: cannot be read as a .chan file ({damage})") from damage
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError:
            row = []
        if len(row) not in {_WITHOUT_FOV, _WITH_FOV} or (rows and len(row) != len(rows[0])):
            raise InputError(
                f"{path}, line {number}: expected frame, 3 places, 3 angles and perhaps a field of "
                f"view (7 or 8 numbers, the same in every line), got '{line.strip()[:60]}'"
            )
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: no camera in it")
    return np.array(rows, dtype=np.float64)


def _intrinsics(degrees: np.ndarray, size: tuple[int, int], path: Path) -> np.ndarray:
    if np.any((degrees <= 0) | (degrees >= _FLAT_ANGLE)):
        raise InputError(f"{path}: expected fields of view between 0 and 180 degrees")
    width, height = size
    matrices = np.tile(np.eye(3), (len(degrees), 1, 1))
    matrices[:, 0, 0] = matrices[:, 1, 1] = height / 2 / np.tan(np.radians(degrees) / 2)
    matrices[:, 0, 2], matrices[:, 1, 2] = width / 2, height / 2
    return matrices


_FLAT_ANGLE = 180.0
