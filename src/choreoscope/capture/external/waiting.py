"""Waiting for files: until all are there, or the time is over."""

import time
from collections.abc import Callable

from choreoscope.capture.external.delivery import Delivery

Count = tuple[int, int]
"""Files there, files wanted."""


def wait(  # noqa: PLR0913 - the clock is handed in, too
    look: Callable[[], Delivery],
    count: Callable[[Delivery], Count],
    *,
    timeout: float,
    poll: float,
    tell: Callable[[int, int], None],
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Delivery:
    """Look again and again.

    Parameters
    ----------
    look : callable
        Gives what is there now.
    count : callable
        How much of it is wanted, finished and there.
    timeout : float
        Seconds; 0 looks once.
    poll : float
        Seconds between two looks.
    tell : callable
        Told files there and files wanted after every look.

    Returns
    -------
    Delivery
        The last look.
    """
    until = now() + timeout
    while True:
        delivery = look()
        there, wanted = count(delivery)
        tell(there, wanted)
        left = until - now()
        if there >= wanted or left <= 0:
            return delivery
        sleep(min(poll, left))
