"""Cameras as USD: in the stage's metres, Y up, animated where the film's camera is.

USD counts focal length and apertures in tenths of a stage unit: with metres, a 35 mm lens is
0.35. Programs that take the number for millimetres would make it a lens of 3.5 m.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import OutputError
from choreoscope.geometry.projection import FULL_FRAME_WIDTH_MM

TENTHS_PER_MM = 0.01
"""Tenths of a metre in a millimetre."""
NEAR, FAR = 0.05, 1000.0


def usd_matrices(camera: CameraTrack) -> np.ndarray:
    """World from camera as USD wants it, ``(T, 4, 4)``: row vectors, camera looking along -z."""
    turn = np.swapaxes(camera.camera_from_world[:, :3, :3], 1, 2)
    eye = -np.einsum("tij,tj->ti", turn, camera.camera_from_world[:, :3, 3])
    placed = np.tile(np.eye(4), (len(turn), 1, 1))
    # Rows are the images of the camera's right, up and backward axes.
    placed[:, :3, :3] = np.swapaxes(turn * np.array([1.0, -1.0, -1.0]), 1, 2)
    placed[:, 3, :3] = eye
    return placed


def define_camera(stage: Any, path: str, camera: CameraTrack, first_code: int) -> Any:  # noqa: ANN401
    """Define a camera's lens on a stage whose unit is the metre; it stands where its parent does.

    Parameters
    ----------
    stage : Usd.Stage
        Where.
    path : str
        Of the prim.
    camera : CameraTrack
        Focal length and principal point of every frame. Distortion cannot be told in USD.
    first_code : int
        Time code of the first row.

    Returns
    -------
    UsdGeom.Camera
    """
    from pxr import Gf, UsdGeom

    prim = UsdGeom.Camera.Define(stage, path)
    width = FULL_FRAME_WIDTH_MM * TENTHS_PER_MM
    fx, fy = camera.intrinsics[:, 0, 0], camera.intrinsics[:, 1, 1]
    cx, cy = camera.intrinsics[:, 0, 2], camera.intrinsics[:, 1, 2]
    height = width * camera.height / camera.width * fx / fy
    for attribute, values in (
        (prim.CreateFocalLengthAttr(), width * fx / camera.width),
        (prim.CreateHorizontalApertureAttr(), np.full_like(fx, width)),
        (prim.CreateVerticalApertureAttr(), height),
        # The window lies to the left of the axis when the principal point is right of the middle.
        (prim.CreateHorizontalApertureOffsetAttr(), width * (0.5 - cx / camera.width)),
        (prim.CreateVerticalApertureOffsetAttr(), height * (cy / camera.height - 0.5)),
    ):
        if np.all(values == values[0]):
            attribute.Set(float(values[0]))
            continue
        for index, value in enumerate(values):
            attribute.Set(float(value), float(first_code + index))
    prim.CreateClippingRangeAttr().Set(Gf.Vec2f(NEAR, FAR))
    return prim


def write_usd_camera(
    path: Path, camera: CameraTrack, rate: Fraction, *, first_code: int = 1001
) -> None:
    """Write a file that holds nothing but the film's camera, ``/World/Camera``.

    Parameters
    ----------
    path : Path
        Ends in .usdc or .usda.
    camera : CameraTrack
        One row per frame.
    rate : Fraction
        Frames per second.
    first_code : int
        Time code of the first frame.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    from pxr import Gf, Tf, Usd, UsdGeom

    try:
        stage = Usd.Stage.CreateInMemory()
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        stage.SetTimeCodesPerSecond(float(rate))
        stage.SetFramesPerSecond(float(rate))
        stage.SetStartTimeCode(first_code)
        stage.SetEndTimeCode(first_code + max(len(camera.intrinsics), 1) - 1)
        stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/World").GetPrim())
        placed = define_camera(stage, "/World/Camera", camera, first_code).AddTransformOp()
        for index, matrix in enumerate(usd_matrices(camera)):
            placed.Set(Gf.Matrix4d(matrix.tolist()), float(first_code + index))
        stage.GetRootLayer().Export(str(path))
    except Tf.ErrorException as error:
        raise OutputError(f"{path} cannot be written ({error})") from error
