"""Cameras of a Qualisys calibration (``.qca.txt``, XML): lens and place of each video camera.

Lens numbers are in 1/64 pixel. The 3x3 ``transform`` is camera from world for a camera that looks
along -z, the place is in millimetres, Z up: checked against Pose2Sim's conversion of the same
cameras. Distortion coefficients have no unit and are taken as they are (Pose2Sim divides them by
64 like the lengths, which leaves next to no distortion).
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.formats.camera_poses import CV_FROM_GL, FilePoses, pose_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SUBPIXELS = 64.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QualisysCamera:
    """One camera: lens in pixels of `size`, pose in millimetres, Z up."""

    matrix: np.ndarray
    distortion: np.ndarray
    size: tuple[int, int]
    pose: np.ndarray

    @property
    def poses(self) -> FilePoses:
        """As a camera that stands still."""
        return FilePoses(
            numbers=np.zeros(1, dtype=np.int64),
            camera_from_world=self.pose[None],
            intrinsics=self.matrix[None],
            distortion=self.distortion,
            size=self.size,
            still=True,
            up="z",
            metres=0.001,
        )


def is_qualisys(path: Path) -> bool:
    """Whether a file is named like a Qualisys calibration."""
    return path.name.lower().endswith((".qca.txt", ".qca", ".xml"))


def read_qualisys(path: Path) -> dict[str, QualisysCamera]:
    """Read all cameras, by serial.

    Raises
    ------
    InputError
        If the file is absent, damaged or holds no camera.
    """
    from xml.etree.ElementTree import ParseError, fromstring

    try:
        text = path.read_text(encoding="utf-8")
        # Entities can make a small file huge; a calibration has none.
        root = fromstring(text.replace("<!ENTITY", "<refused"))  # noqa: S314
        cameras = {
            str(element.get("serial", number)): _camera(element)
            for number, element in enumerate(root.iter("camera"), start=1)
        }
    except (OSError, ValueError, KeyError, ParseError, InputError) as damage:
        raise InputError(f"{path}: cannot be read as a Qualisys calibration ({damage})") from damage
    if not cameras:
        raise InputError(f"{path}: no camera in this Qualisys calibration")
    return cameras


def _camera(element: "Element") -> QualisysCamera:
    lens, place, view = (_numbers(element, tag) for tag in ("intrinsic", "transform", "fov_video"))
    turn = np.array([[place[f"r{row}{column}"] for column in (1, 2, 3)] for row in (1, 2, 3)])
    camera = CV_FROM_GL @ turn
    centre = np.array([place["x"], place["y"], place["z"]])
    corner = (view["left"], view["top"])
    matrix = np.eye(3)
    matrix[0, 0], matrix[1, 1] = lens["focalLengthU"] / SUBPIXELS, lens["focalLengthV"] / SUBPIXELS
    matrix[0, 2] = lens["centerPointU"] / SUBPIXELS - corner[0]
    matrix[1, 2] = lens["centerPointV"] / SUBPIXELS - corner[1]
    bending = np.array(
        [
            lens["radialDistortion1"],
            lens["radialDistortion2"],
            lens["tangentalDistortion1"],
            lens["tangentalDistortion2"],
            lens["radialDistortion3"],
        ]
    )
    return QualisysCamera(
        matrix=matrix,
        distortion=bending if bending.any() else np.zeros(0),
        size=(int(view["right"] - view["left"]) + 1, int(view["bottom"] - view["top"]) + 1),
        pose=pose_of(camera, -camera @ centre),
    )


def _numbers(element: "Element", tag: str) -> dict[str, float]:
    found = element.find(tag)
    if found is None:
        raise InputError(f"a camera has no '{tag}'")
    numbers = {}
    for key, value in found.attrib.items():
        try:
            numbers[key] = float(value)
        except ValueError:
            continue
    return numbers
