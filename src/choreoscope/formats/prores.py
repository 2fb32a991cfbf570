"""ProRes 4444 with straight alpha: what editing programs take performers in."""

from choreoscope.formats.film_encoding import FilmForm

PRORES = FilmForm(
    container="mov",
    codec="prores_ks",
    suffix=".mov",
    stored="yuva444p10le",
    given="rgba64le",
    # The vendor is Apple's: some programs refuse files of any other.
    options={"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
)
"""Colours of 10 bits, alpha within 0.2 % of what was given."""
