"""Which squares of the picture the detector looks at.

The detector finds a person that fills about 0.4 to 0.9 of its square, so squares of several sizes
are needed until the heights of the people are known.
"""

import math
from collections.abc import Sequence

import numpy as np

from choreoscope.backends.people.blaze.crops import Crop

OVERLAP = 0.3
COARSE = 0.75
"""Side of the squares that are always looked at, as a share of the picture's short side; in a
16:9 picture this gives 3 x 2 squares, which found most on the demo clip."""
OTHERS = (1.0, 0.5, 0.35, 0.25)
"""Sides of the other squares, as shares of the short side."""
SMALLEST = 0.1
"""Least side, as a share of the short side: smaller people are not looked for."""
FILL = 0.6
"""Share of a square that a person of known height fills."""
CLOSE = 1.35
"""Sides nearer than this factor find the same people."""
FITTING = 12
"""Most squares of fitting sizes in one look; more are taken in turn."""
EXTRA = 3
"""Squares of the other sizes added at each look; over many looks all are used in turn."""


def grid(width: int, height: int, side: float) -> list[Crop]:
    """Cover the picture with squares that overlap by at least 30 %.

    Returns
    -------
    list of Crop
        Row by row. A picture narrower than a square gets one square, centred on that axis.
    """
    return [Crop(x, y, side) for y in _middles(height, side) for x in _middles(width, side)]


def first_look(width: int, height: int) -> list[Crop]:
    """All sizes, for the first frame of a shot: nothing is known of the people yet."""
    return [*grid(width, height, COARSE * min(width, height)), *_others(width, height)]


def next_look(width: int, height: int, heights: Sequence[float], turn: int) -> list[Crop]:
    """Choose the squares for the next detection.

    Parameters
    ----------
    width, height : int
        Size of the picture.
    heights : sequence of float
        Heights of the people followed, pixels.
    turn : int
        Number of the look; decides which of the other squares are taken this time.

    Returns
    -------
    list of Crop
        The coarse squares, squares fitting the people followed, and a few others.
    """
    coarse = COARSE * min(width, height)
    sides = [coarse]
    fitting: list[Crop] = []
    for tall in sorted(heights, reverse=True):
        side = min(max(tall / FILL, SMALLEST * min(width, height)), float(max(width, height)))
        if all(max(side, known) > CLOSE * min(side, known) for known in sides):
            sides.append(side)
            fitting += grid(width, height, side)
    return [
        *grid(width, height, coarse),
        *_in_turn(fitting, FITTING, turn),
        *_in_turn(_others(width, height), EXTRA, turn),
    ]


def _in_turn(windows: Sequence[Crop], count: int, turn: int) -> list[Crop]:
    if len(windows) <= count:
        return list(windows)
    first = turn * count
    return [windows[(first + step) % len(windows)] for step in range(count)]


def _others(width: int, height: int) -> list[Crop]:
    short = min(width, height)
    whole = Crop(width / 2, height / 2, float(max(width, height)))
    return [whole] + [w for share in OTHERS for w in grid(width, height, share * short)]


def _middles(length: int, side: float) -> list[float]:
    if side >= length:
        return [length / 2]
    count = math.ceil((length - OVERLAP * side) / (side * (1 - OVERLAP)))
    return [float(x) for x in np.linspace(side / 2, length - side / 2, count)]
