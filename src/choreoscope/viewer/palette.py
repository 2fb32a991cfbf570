"""One colour for each person, the same in every picture and page.

The eight hues were found by a search that maximises the smallest OKLab distance between any two
of them, seen normally and through protanopia, deuteranopia and tritanopia (simulated after
Machado, Oliveira and Fernandes 2009, severity 1), while each keeps a contrast of at least 2 to
white and 3 to near-black. Colour is never the only sign: the person's id always stands beside it.
"""

import dataclasses
import re
from collections.abc import Iterable

Rgb = tuple[int, int, int]
"""Red, green, blue, each 0 to 255, sRGB."""

WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)
_DARK_INK: Rgb = (18, 20, 23)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonColour:
    """A colour with a name that can be read aloud.

    Attributes
    ----------
    name : str
        For example "sky" or "light orange".
    rgb : tuple of three int
        sRGB, 0 to 255.
    """

    name: str
    rgb: Rgb

    @property
    def hex(self) -> str:
        """The colour as a style sheet writes it, for example ``"#3aaeef"``."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)

    @property
    def ink(self) -> Rgb:
        """Near-black or white, whichever reads better on this colour."""
        on_white = contrast(self.rgb, WHITE)
        return WHITE if on_white > contrast(self.rgb, _DARK_INK) else _DARK_INK

    def lighter(self, amount: float) -> Rgb:
        """Mix with white; 0 keeps the colour, 1 is white."""
        return mix(self.rgb, WHITE, amount)

    def darker(self, amount: float) -> Rgb:
        """Mix with black; 0 keeps the colour, 1 is black."""
        return mix(self.rgb, BLACK, amount)


HUES: tuple[PersonColour, ...] = (
    PersonColour(name="sky", rgb=(58, 174, 239)),
    PersonColour(name="orange", rgb=(242, 142, 43)),
    PersonColour(name="magenta", rgb=(184, 43, 157)),
    PersonColour(name="green", rgb=(4, 151, 117)),
    PersonColour(name="coral", rgb=(245, 70, 101)),
    PersonColour(name="violet", rgb=(112, 82, 235)),
    PersonColour(name="mauve", rgb=(195, 138, 186)),
    PersonColour(name="brown", rgb=(150, 107, 8)),
)
_LAPS: tuple[tuple[str, Rgb, float], ...] = (
    ("", WHITE, 0.0),
    ("light ", WHITE, 0.5),
    ("dark ", BLACK, 0.45),
)


def mix(rgb: Rgb, towards: Rgb, amount: float) -> Rgb:
    """Blend two colours in sRGB; `amount` 0 is `rgb`, 1 is `towards`."""
    red, green, blue = (
        round(own + (other - own) * amount) for own, other in zip(rgb, towards, strict=True)
    )
    return red, green, blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    dim, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def natural_order(people: Iterable[str]) -> list[str]:
    """Sort ids so that numbers count: ``p2`` before ``p10``; duplicates are dropped."""
    return sorted(set(people), key=_natural_key)


def colours_for(people: Iterable[str]) -> dict[str, PersonColour]:
    """Give each person a colour that depends only on the set of ids.

    Parameters
    ----------
    people : iterable of str
        Ids of everybody in the clip, in any order.

    Returns
    -------
    dict of str to PersonColour
        In natural order of the ids. The first 24 colours differ; then they repeat.
    """
    return {person: _colour(place) for place, person in enumerate(natural_order(people))}


def _colour(place: int) -> PersonColour:
    lap, hue = divmod(place, len(HUES))
    prefix, towards, amount = _LAPS[lap % len(_LAPS)]
    base = HUES[hue]
    return PersonColour(name=prefix + base.name, rgb=mix(base.rgb, towards, amount))


def _natural_key(person: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.split(r"([0-9]+)", person)
    keyed = tuple(
        (0, int(part), part) if part.isdigit() and part.isascii() else (1, 0, part)
        for part in parts
        if part
    )
    return (*keyed, (2, 0, person))


def _luminance(rgb: Rgb) -> float:
    linear = [_linear(value / 255) for value in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(value: float) -> float:
    # Knee and exponent of the sRGB transfer curve (IEC 61966-2-1).
    knee = 0.04045
    return value / 12.92 if value <= knee else float(((value + 0.055) / 1.055) ** 2.4)
