"""Where well-known programs put their passes: patterns by pass, tried in the order given.

SwitchLight Studio exports one folder of pictures or one film per pass, named after the pass, and
lets the user choose the rest of the name; so the patterns only insist on the pass.
"""

from collections.abc import Mapping

SEPARATOR = "|"
"""Between alternatives of a pattern."""

_WORDS: Mapping[str, tuple[str, ...]] = {
    "alpha": ("**alpha", "**matte"),
    "base_color": ("**basecolor", "**base_color", "**base color", "**albedo"),
    "normals": ("**normal", "**normals"),
    "depth": ("**depth",),
    "roughness": ("**roughness",),
    "specular": ("**specular",),
    "metallic": ("**metallic",),
    "occlusion": ("**occlusion",),
    "flow": ("**flow",),
}
_STILLS = ("png", "exr", "tif", "tiff", "jpg", "jpeg")
_FILMS = ("mp4", "mov", "mkv")


def _patterns(words: tuple[str, ...]) -> str:
    """Pictures in a folder of that name, pictures of that name, then films."""
    first = [f"{word}/*.{suffix}" for suffix in _STILLS for word in words]
    second = [f"{word}[._-]#.{suffix}" for suffix in _STILLS for word in words]
    films = [f"{word}.{suffix}" for suffix in _FILMS for word in words]
    films += [f"{word}/*.{suffix}" for suffix in _FILMS for word in words]
    return SEPARATOR.join((*first, *second, *films))


PRESETS: Mapping[str, Mapping[str, str]] = {
    "switchlight": {name: _patterns(words) for name, words in _WORDS.items()},
}
"""Preset to pass to pattern."""
