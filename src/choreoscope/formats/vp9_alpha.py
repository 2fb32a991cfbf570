"""VP9 with alpha in WebM: what browsers play over a page."""

from choreoscope.formats.film_encoding import FilmForm

VP9_ALPHA = FilmForm(
    container="webm",
    codec="libvpx-vp9",
    suffix=".webm",
    stored="yuva420p",
    given="rgba",
    options={"crf": "20", "b": "0", "deadline": "good", "cpu-used": "4"},
    # FFmpeg's own decoder drops the alpha and says nothing.
    decoder="libvpx-vp9",
)
"""8 bits, compressed with loss."""
