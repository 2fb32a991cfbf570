"""Time as people read it."""


def time_code(seconds: float) -> str:
    """Write seconds as ``MM:SS.mmm``, with hours in front from one hour on.

    Parameters
    ----------
    seconds : float
        From the film's first frame; negative values get a minus sign.
    """
    millis = round(abs(seconds) * 1000)
    sign = "-" if seconds < 0 and millis else ""
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    front = f"{hours}:" if hours else ""
    return f"{sign}{front}{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def duration_text(seconds: float) -> str:
    """Write a length of time in words, for example ``"7.7 s"`` or ``"2 min 19 s"``."""
    minute = 60
    if seconds < minute:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), minute)
    hours, minutes = divmod(minutes, minute)
    if hours:
        return f"{hours} h {minutes} min {rest} s"
    return f"{minutes} min {rest} s"
