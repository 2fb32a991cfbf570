"""A folder of numbered pictures as a film."""

import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.video import Colour, Video, stamp_of
from choreoscope.formats.digests import content_digest

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
SHOWN = 8
BYTE = 255


def probe_sequence(folder: Path, rate: Fraction | None) -> Video:
    """Describe a folder of numbered pictures, padded or not.

    Raises
    ------
    InputError
        If there are no pictures, the rate is not given, numbers are missing or doubled, pictures
        differ in size or the first does not open.
    """
    numbered = _numbered(folder)
    if rate is None:
        raise InputError(f"{folder} is a folder of frames: say how fast they run, e.g. --rate 24")
    _check_numbers(folder, [number for number, _ in numbered])
    files = [path for _, path in numbered]
    # Before anything is read: what changes while it is read must not look unchanged.
    stamp = stamp_of(files)
    height, width, bits = _first(files[0])
    # A picture that cannot be opened is a frame that does not decode, not one of another size.
    odd = [
        path.name
        for path in files
        if (size := _header_size(path)) is not None and sorted(size) != sorted((height, width))
    ]
    if odd:
        raise InputError(
            f"{folder}: pictures must have one size; {files[0].name} is {width}x{height}, "
            f"unlike {', '.join(odd[:SHOWN])}"
        )
    return Video(
        path=str(folder.resolve()),
        kind="sequence",
        width=width,
        height=height,
        rate=rate,
        pts=np.arange(len(files), dtype=np.int64),
        time_base=1 / rate,
        rotation=0,
        codec=files[0].suffix[1:].lower(),
        colour=Colour(
            matrix="rgb", primaries="bt709", transfer="iec61966-2-1", full_range=True, bits=bits
        ),
        audio=None,
        declared_frames=None,
        files=tuple(path.name for path in files),
        digest=content_digest(*files),
        stamp=stamp,
    )


def read_picture(path: Path, size: tuple[int, int]) -> np.ndarray | None:
    """Read one picture as ``(H, W, 3)`` uint8 RGB of the given width and height.

    A picture that cannot be decoded gives None.
    """
    import cv2

    picture = _decoded(path)
    if picture is None:
        return None
    if picture.shape[1::-1] != size:
        shrinks = size[0] < picture.shape[1]
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(picture, size, interpolation=way))
    return picture


def _decoded(path: Path) -> np.ndarray | None:
    """RGB, turned upright by its EXIF tag."""
    import cv2

    try:
        # Not cv2.imread: it cannot open names outside the system's code page on Windows.
        data = np.fromfile(path, dtype=np.uint8)
    except OSError:
        return None
    if not data.size:
        return None
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if picture is None:
        return None
    if picture.dtype == np.uint16:
        picture = (picture // (BYTE + 2)).astype(np.uint8)
    return np.ascontiguousarray(picture[..., ::-1])


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    pictures = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
    if not pictures:
        raise InputError(f"{folder} holds no pictures ({', '.join(SUFFIXES)})")
    numbers = [re.search(r"(\d+)(?!.*\d)", path.stem) for path in pictures]
    bare = [path.name for path, found in zip(pictures, numbers, strict=True) if found is None]
    if bare:
        raise InputError(f"{folder}: pictures without a frame number: {', '.join(bare[:SHOWN])}")
    pairs = zip(pictures, numbers, strict=True)
    return sorted((int(found[1]), path) for path, found in pairs if found is not None)


def _check_numbers(folder: Path, numbers: list[int]) -> None:
    doubled = sorted(number for number, count in Counter(numbers).items() if count > 1)
    if doubled:
        raise InputError(f"{folder}: more than one picture for frame {doubled[0]}")
    missing = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if missing:
        shown = ", ".join(str(number) for number in missing[:SHOWN])
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise InputError(f"{folder}: frames are missing: {shown}{more}; a hole would shift time")


def _first(path: Path) -> tuple[int, int, int]:
    import cv2

    picture = _decoded(path)
    if picture is None:
        raise InputError(f"{path} is not a picture that can be read")
    deep = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    return (
        picture.shape[0],
        picture.shape[1],
        16 if deep is not None and deep.dtype == np.uint16 else 8,
    )


def _header_size(path: Path) -> tuple[int, int] | None:
    """Height and width without decoding; None where there is no picture."""
    import av

    try:
        # Without this option FFmpeg takes a % in the name for a pattern.
        with av.open(str(path), format="image2", options={"pattern_type": "none"}) as container:
            stream = container.streams.video[0]
            return (stream.height, stream.width) if stream.width else None
    except av.error.FFmpegError:
        return None
