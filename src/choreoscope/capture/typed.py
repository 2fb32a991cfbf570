"""What people type for times, rates and durations."""

import re
from fractions import Fraction

from choreoscope.datatypes.errors import InputError

NTSC_ROUNDING = Fraction(6, 1000)
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def parse_time_range(text: str) -> tuple[Fraction, Fraction]:
    """Read ``"00:45-01:25"``, ``"1:02:03.5-1:03:00"`` or ``"45.5-85"`` as seconds.

    Raises
    ------
    InputError
        If it is no range or ends before it starts.
    """
    first, dash, last = text.partition("-")
    try:
        start, stop = _seconds(first), _seconds(last)
    except (ValueError, ZeroDivisionError):
        dash = ""
        start = stop = Fraction(0)
    if not dash or start < 0 or stop <= start:
        raise InputError(f"expected a time range such as 00:45-01:25 or 45.5-85, got '{text}'")
    return start, stop


def _seconds(text: str) -> Fraction:
    total = Fraction(0)
    for part in text.strip().split(":"):
        total = total * 60 + Fraction(part)
    return total


def parse_rate(text: str) -> Fraction:
    """Read ``"24"``, ``"23.976"`` or ``"30000/1001"``.

    Raises
    ------
    InputError
        If it is not a number above 0.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise InputError(f"expected a rate such as 24 or 30000/1001, got '{text}'")
    # 23.976, 29.97 and 59.94 are how people write 24, 30 and 60 divided by 1.001.
    exact = Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)
    meant = "." in text and abs(rate - exact) < NTSC_ROUNDING
    return exact if meant else rate


def parse_duration(value: object) -> float:
    """Read ``90``, ``"90"``, ``"45s"``, ``"90m"``, ``"1h30m"`` as seconds.

    Raises
    ------
    ValueError
        If it is none of these, so that a pydantic field can use it.
    """
    text = str(value).strip().lower()
    match = DURATION.fullmatch(text)
    if match and text:
        hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return 3600 * hours + 60 * minutes + seconds
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError("expected seconds, or a duration such as 45s, 90m or 1h30m")
    return seconds
