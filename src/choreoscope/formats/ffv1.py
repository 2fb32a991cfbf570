"""FFV1 in Matroska (RFC 9043): films that come back bit by bit."""

from choreoscope.formats.film_encoding import FilmForm

_OPTIONS = {"level": "3", "slicecrc": "1", "g": "1"}
FFV1_MATTE = FilmForm(
    container="matroska",
    codec="ffv1",
    suffix=".mkv",
    stored="gray16le",
    given="gray16le",
    options=_OPTIONS,
    is_rgb=True,
)
"""One channel of 16 bits: mattes, depth."""
FFV1_COLOUR = FilmForm(
    container="matroska",
    codec="ffv1",
    suffix=".mkv",
    stored="bgra",
    given="rgba",
    options=_OPTIONS,
    is_rgb=True,
)
"""Red, green, blue and straight alpha of 8 bits."""
