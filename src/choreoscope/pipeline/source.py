"""Whether the film is still the one that was probed; results of two films must not mix."""

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.video import Video, stamp_of


def ensure_unchanged(video: Video) -> None:
    """Look at size and time of the film's files: a few microseconds for each.

    Call it before results are put into place, so that nothing made from a film that was written
    to or exchanged meanwhile is vouched for. What was placed before is of the old content, and
    the digest in its fingerprint says so.

    Raises
    ------
    InputError
        If the film has changed since it was probed, or is gone.
    """
    if video.stamp is None:
        return
    try:
        now = stamp_of(video.paths)
    except OSError as error:
        raise InputError(
            f"{video.path} has gone while it was worked on ({error.strerror}); "
            f"put it back and run the same command again"
        ) from error
    if now != video.stamp:
        size = f"{video.stamp[0]} bytes before, {now[0]} now" if now[0] != video.stamp[0] else ""
        raise InputError(
            f"{video.path} has changed while it was worked on "
            f"({size or 'same size, but written to'}); what was made of it since is not kept: "
            f"run the same command again when it is complete"
        )
