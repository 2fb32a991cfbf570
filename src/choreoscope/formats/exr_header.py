"""What our EXR files say of themselves: rate, time code, camera, colour, axes, units.

Names are OpenEXR's standard attributes ("Standard Optional Attributes", OpenEXR manual), so that
programs find them; our own are plain words.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from choreoscope.formats.exr import HeaderValue, TimeCode
from choreoscope.formats.luminance_chroma import REC_709

SENSOR_MM = 36.0
"""Width of the sensor that focal lengths in millimetres are given for: full frame."""
LINEAR, DATA = "lin_rec709_scene", "data"
"""Values of ``colorInteropID`` (Academy Software Foundation, Color Interop Forum)."""
WORLD_AXES = "right-handed, x right, y up, floor y = 0, metres"
FLIP = np.diag([1.0, -1.0, 1.0, 1.0])
"""OpenCV's camera axes to OpenEXR's: x right, y up, z forward, left-handed."""
_MM, _HOUR, _MINUTE = 1000, 3600, 60


def time_header(rate: Fraction, number: int, shown: int) -> dict[str, HeaderValue]:
    """Rate, number and time code of a frame.

    Parameters
    ----------
    rate : Fraction
        Frames per second.
    number : int
        Of the file: 1001...
    shown : int
        Frames since the first of the shot, which is 00:00:00:00; no frames are dropped.
    """
    each = max(1, round(rate))
    seconds, frames = divmod(shown, each)
    code = TimeCode(
        seconds // _HOUR % 24, seconds // _MINUTE % _MINUTE, seconds % _MINUTE, frames % 100
    )
    return {"framesPerSecond": rate, "imageCounter": number, "timeCode": code}


def camera_header(
    intrinsics: np.ndarray, camera_from_world: np.ndarray, size: tuple[int, int]
) -> dict[str, HeaderValue]:
    """Describe the camera as OpenEXR has it: for row vectors, so moves stand in the last row.

    ``worldToCamera`` leads to axes x right, y up, z forward (left-handed), ``worldToNDC`` to
    (0, 0) at the upper left and (1, 1) at the lower right corner of the picture. The world is the
    house's own in both, as in a position pass. Lens distortion is not in them.

    Parameters
    ----------
    intrinsics : (3, 3) float
        Pixel-from-camera matrix.
    camera_from_world : (4, 4) float
        OpenCV axes, metres.
    size : (int, int)
        Width and height, pixels.
    """
    width, height = size
    pixels = np.zeros((4, 4))
    pixels[:2, :3] = intrinsics[:2] / np.array([[width], [height]])
    # Depth is of no meaning here, but without it the matrix could not be inverted.
    pixels[2, 3] = pixels[3, 2] = 1.0
    focal = float(intrinsics[0, 0])
    sensor = (SENSOR_MM, SENSOR_MM * height / width * focal / float(intrinsics[1, 1]))
    return {
        "worldToCamera": (FLIP @ camera_from_world).T.astype(np.float32),
        "worldToNDC": (pixels @ camera_from_world).T.astype(np.float32),
        "pinholeFocalLength": focal * SENSOR_MM / width,
        "sensorOverallDimensions": np.array(sensor, dtype=np.float32),
        "worldAxes": WORLD_AXES,
    }


def colour_header(*, is_colour: bool) -> dict[str, HeaderValue]:
    """Say whether the numbers are scene-linear Rec. 709 colour, or data no curve may touch."""
    if not is_colour:
        return {"colorInteropID": DATA}
    return {"colorInteropID": LINEAR, "chromaticities": REC_709}


def header_to_json(header: Mapping[str, HeaderValue]) -> dict[str, Any]:
    """Give attributes as what JSON can hold."""
    return {key: _to_json(value) for key, value in header.items()}


def header_of_json(record: Mapping[str, Any]) -> dict[str, HeaderValue]:
    """Read attributes back."""
    return {key: _of_json(value) for key, value in record.items()}


def _to_json(value: HeaderValue) -> Any:  # noqa: ANN401
    match value:
        case TimeCode():
            return {"time_code": list(value)}
        case Fraction():
            return {"fraction": str(value)}
        case tuple():
            return {"floats": list(value)}
        case np.ndarray():
            return {"array": value.tolist()}
        case _:
            return value


def _of_json(value: Any) -> HeaderValue:  # noqa: ANN401
    match value:
        case {"time_code": [*numbers]}:
            return TimeCode(*numbers)
        case {"fraction": text}:
            return Fraction(text)
        case {"floats": [*numbers]}:
            return tuple(float(number) for number in numbers)
        case {"array": [*numbers]}:
            return np.array(numbers, dtype=np.float32)
        case _:
            kept: str | int | float = value
            return kept
