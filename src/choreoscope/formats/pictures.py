"""Still pictures of any format the house reads, with all their bits.

Files are read as bytes and decoded from memory: OpenCV's own reader cannot open names outside the
system's code page on Windows.
"""

import io
import struct
import zlib
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.passes import Picture
from choreoscope.formats.exr import read_exr

PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG_LEVEL = 1
"""Fast: at the default level a 16-bit frame takes several times as long for a tenth less."""
TIFF_HEADS = (b"II", b"MM")
JPEG_END = b"\xff\xd9"
JPEG_TAIL = 4096
SUFFIXES = (".png", ".exr", ".tif", ".tiff", ".jpg", ".jpeg")
NAMES = {1: ("Y",), 2: ("Y", "A"), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}
ORDER = {1: [0], 2: [0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}
"""OpenCV gives blue first."""


def read_picture(path: Path) -> Picture:
    """Read a PNG, TIFF, JPEG or EXR as it is: no scaling, no colour conversion.

    Raises
    ------
    InputError
        If the file is absent, empty, cut off, damaged or of another format.
    """
    if path.suffix.lower() == ".exr":
        return read_exr(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error
    return decoded(data, path)


def decoded(data: bytes, path: Path) -> Picture:
    """Decode a PNG, TIFF or JPEG from memory; `path` is only named in errors.

    Raises
    ------
    InputError
        If it cannot be decoded whole.
    """
    import cv2

    if not data:
        raise InputError(f"{path} is empty (0 bytes)")
    _check_whole(data, path)
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise InputError(f"{path} is not a picture that can be read")
    planes = pixels[..., None] if pixels.ndim == 2 else pixels  # noqa: PLR2004 - grey
    count = planes.shape[2]
    if data[:2] in TIFF_HEADS and count == len(NAMES[4]) and planes.dtype == np.uint8:
        # OpenCV multiplies the colours of such a file by their alpha.
        planes = _straight(data, path)
    if count not in NAMES:
        raise InputError(f"{path} has {count} channels; expected 1 to 4")
    if planes.dtype == np.float64:
        planes = planes.astype(np.float32)
    return Picture(
        pixels=np.ascontiguousarray(planes[..., ORDER[count]]),
        channels=NAMES[count],
        format=path.suffix[1:].lower(),
    )


def _straight(data: bytes, path: Path) -> np.ndarray:
    """Decode an 8-bit TIFF with alpha by FFmpeg; ``(H, W, 4)``, blue first like OpenCV's."""
    import av

    try:
        with av.open(io.BytesIO(data), "r", format="tiff_pipe") as container:
            frame = next(container.decode(video=0), None)
    except av.error.FFmpegError as error:
        raise InputError(f"{path} is not a picture that can be read ({error})") from error
    if frame is None:
        raise InputError(f"{path} is not a picture that can be read")
    return frame.to_ndarray(format="bgra")


def _check_whole(data: bytes, path: Path) -> None:
    # A decoder fills what is missing of a cut-off picture with grey and says nothing.
    if data.startswith(PNG_HEAD):
        _check_png(data, path)
    elif data[:2] == b"\xff\xd8" and JPEG_END not in data[-JPEG_TAIL:]:
        raise InputError(f"{path} is cut off; export or copy it again")


def _check_png(data: bytes, path: Path) -> None:
    at = len(PNG_HEAD)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, end = data[at + 4 : at + 8], at + 8 + length
        if end + 4 > len(data):
            break
        (stored,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(data[at + 4 : end]) != stored:
            raise InputError(f"{path} is damaged (its check sum is wrong); export it again")
        if name == b"IEND":
            return
        at = end + 4
    raise InputError(f"{path} is cut off; export or copy it again")


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write a PNG.

    Parameters
    ----------
    pixels : (H, W, 1 or 3) uint8 or uint16
        Grey, or red, green, blue.

    Raises
    ------
    OutputError
        If it cannot be encoded.
    """
    import cv2

    planes = np.ascontiguousarray(pixels[..., ORDER[pixels.shape[2]]])
    fine, data = cv2.imencode(".png", planes, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])
    if not fine:
        raise OutputError(f"{path} cannot be encoded as PNG from {pixels.shape} {pixels.dtype}")
    path.write_bytes(data.tobytes())
