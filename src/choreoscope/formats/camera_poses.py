"""Poses out of camera files of other programs, before they are brought to a film's frames."""

import dataclasses
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import InputError

UpAxis = Literal["x", "-x", "y", "-y", "z", "-z"]

HOUSE_FROM: dict[str, np.ndarray] = {
    "y": np.eye(3),
    "-y": np.diag([1.0, -1.0, -1.0]),
    "z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    "-z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    "x": np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    "-x": np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
}
"""Turns that bring a right-handed world with this axis upward to ours with Y upward."""

CV_FROM_GL = np.diag([1.0, -1.0, -1.0])
"""Cameras of Nuke, OpenGL, Blender and Qualisys look along -z with y upward."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FilePoses:
    """One camera of a file, in the file's own world and unit.

    Attributes
    ----------
    numbers : (N,) int
        Frame numbers as the file has them, rising; a camera that stands still has one row.
    camera_from_world : (N, 4, 4) float
        OpenCV camera axes; the file's world.
    intrinsics : (N, 3, 3) float or None
        Pixels of a picture of `size`; None where the file has no lens.
    distortion : (D,) float
        OpenCV coefficients.
    size : (int, int) or None
        Width and height the intrinsics belong to; None: those of the film.
    still : bool
        True where the one pose is that of every frame.
    up : str
        Axis that points upward in such files, unless the user says otherwise.
    metres : float or None
        Length of the file's unit; None where it is arbitrary.
    """

    numbers: Int[np.ndarray, "N"]
    camera_from_world: Float[np.ndarray, "N 4 4"]
    intrinsics: Float[np.ndarray, "N 3 3"] | None
    distortion: Float[np.ndarray, "D"]
    size: tuple[int, int] | None
    still: bool
    up: str
    metres: float | None

    def __post_init__(self) -> None:
        check_arrays(self)
        if not len(self.numbers):
            raise InputError("the camera file holds no pose")
        if np.any(np.diff(self.numbers) <= 0):
            raise InputError("the frame numbers of the camera file do not rise")
        if not np.all(np.isfinite(self.camera_from_world)):
            raise InputError("the camera file holds poses that are no numbers")


def in_house_world(poses: np.ndarray, up: str, metres: float) -> np.ndarray:
    """Poses in a right-handed world with Y upward, metres.

    Parameters
    ----------
    poses : (N, 4, 4) float
        Camera from the file's world.
    up : str
        Axis of the file's world that points upward: x, y or z, with a minus sign or without.
    metres : float
        Length of the file's unit.

    Raises
    ------
    InputError
        If `up` is no axis, or the unit is not above 0.
    """
    if up not in HOUSE_FROM:
        raise InputError(f"expected an upward axis of {', '.join(get_args(UpAxis))}, got '{up}'")
    if not metres > 0:
        raise InputError(f"expected a unit above 0 metres, got {metres:g}")
    turned = np.array(poses, dtype=np.float64)
    turned[:, :3, :3] = turned[:, :3, :3] @ HOUSE_FROM[up].T
    turned[:, :3, 3] *= metres
    return turned


def pose_of(turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Build one 4x4 pose.

    Parameters
    ----------
    turn : (3, 3) float
        Camera from world; made exactly orthogonal, files round.
    shift : (3,) float
        Where the world's origin is in camera axes.

    Raises
    ------
    InputError
        If `turn` is no rotation.
    """
    left, strength, right = np.linalg.svd(np.asarray(turn, dtype=np.float64))
    if np.abs(strength - 1.0).max() > _NOT_RIGID or np.linalg.det(left @ right) < 0:
        raise InputError("a camera's rotation is no rotation (stretched or mirrored)")
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = left @ right, shift
    return pose


_NOT_RIGID = 1e-2
