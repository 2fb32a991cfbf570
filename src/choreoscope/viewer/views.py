"""The two pictures of a clip in metres, as PNG files."""

from collections.abc import Mapping
from pathlib import Path

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import OutputError
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.body_npz import BodyFile
from choreoscope.viewer.board import png_bytes
from choreoscope.viewer.palette import PersonColour
from choreoscope.viewer.side_view import side_view
from choreoscope.viewer.top_view import top_view


def top_view_png(
    motions: Mapping[str, Motion],
    camera: CameraTrack | None,
    colours: Mapping[str, PersonColour],
) -> bytes:
    """Paths on the floor from above as PNG; see `top_view.top_view`."""
    return png_bytes(top_view(motions, camera, colours))


def side_view_png(
    motions: Mapping[str, Motion],
    camera: CameraTrack | None,
    colours: Mapping[str, PersonColour],
    bodies: Mapping[str, BodyFile] | None = None,
) -> bytes:
    """Figures at a few moments as PNG; see `side_view.side_view`."""
    return png_bytes(side_view(motions, camera, colours, bodies))


def check_picture(path: Path) -> None:
    """Re-read a written picture.

    Raises
    ------
    OutputError
        If the file does not decode as a picture.
    """
    import cv2

    if cv2.imread(str(path), cv2.IMREAD_COLOR) is None:
        raise OutputError(f"{path}: expected a picture, but it does not decode")
