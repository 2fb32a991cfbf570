"""Where delivered files lie and what they are called: one pass, one folder."""

from pathlib import Path

LAYERS = "layers"
DIGITS = 4
FIXED = {
    "fg": "fg_premult",
    "flow": "motion_forward",
    "flow_back": "motion_backward",
    "people": "crypto_people",
    "parts": "crypto_parts",
}
"""Names of files that are not those of the passes they are made from."""


def sequence_path(out: Path, shot: str, name: str, number: int, suffix: str) -> Path:
    """Path of one picture: ``<shot>_<name>/<shot>_<name>.1001.exr``; PNG folders end in _png."""
    folder = f"{shot}_{name}" + ("_png" if suffix == ".png" else "")
    return out / folder / f"{shot}_{name}.{number:0{DIGITS}d}{suffix}"


def film_path(out: Path, shot: str, person: str | None, what: str, suffix: str) -> Path:
    """Path of a film: ``<shot>_<person or all>_<what>.mov``."""
    return out / f"{shot}_{person or 'all'}_{what}{suffix}"


def mask_name(person: str) -> str:
    """Name of a performer's matte files."""
    return f"mask_{person}"
