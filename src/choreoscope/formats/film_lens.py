"""Focal length from a film's own metadata, where the camera wrote it."""

import contextlib
from pathlib import Path

from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.video import Video
from choreoscope.geometry.projection import lens_from_focal_mm

KEYS = (
    "com.apple.quicktime.camera.focal_length.35mm_equivalent",
    "com.apple.quicktime.full-frame-rate-playback-intent.focal_length_35mm",
    "focal_length_35mm",
    "FocalLengthIn35mmFormat",
)
_SHORTEST, _LONGEST = 5.0, 2000.0
_DIAGONAL_SHARE = 36.0 / 43.2666
"""Width over diagonal of full frame: 35 mm equivalents compare diagonals, whatever the shape."""


def lens_of_film(video: Video) -> Lens | None:
    """Lens from the focal length in the film's metadata; None where there is none.

    The number is an equivalent for full frame and for the whole sensor: a stabilised film shows
    less of it. Treat it as a good guess.
    """
    import av

    if video.kind != "film":
        return None
    try:
        with av.open(video.path) as container:
            words = dict(container.metadata)
            for stream in container.streams.video:
                words |= dict(stream.metadata)
    except (OSError, av.error.FFmpegError) as error:
        raise InputError(f"{Path(video.path)} can no longer be read ({error})") from error
    return lens_of_words(words, video.width, video.height)


def lens_of_words(words: dict[str, str], width: int, height: int) -> Lens | None:
    """Lens from metadata by name; None where none of `KEYS` holds a sensible length.

    Parameters
    ----------
    width, height : int
        Of the film, pixels.
    """
    for key in KEYS:
        with contextlib.suppress(KeyError, ValueError):
            focal = float(words[key].split()[0])
            if _SHORTEST <= focal <= _LONGEST:
                diagonal = (width**2 + height**2) ** 0.5
                lens = lens_from_focal_mm(focal, width, height)
                factor = diagonal * _DIAGONAL_SHARE / width
                return Lens(
                    width=width,
                    height=height,
                    fx=lens.fx * factor,
                    fy=lens.fy * factor,
                    cx=lens.cx,
                    cy=lens.cy,
                    distortion=lens.distortion,
                    source="metadata",
                )
    return None
