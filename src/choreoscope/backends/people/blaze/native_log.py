"""The runtime's own chatter kept off the user's screen."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def without_information() -> Iterator[None]:
    """Hold back what C++ code prints to the error stream; pass on all but "INFO:" lines.

    The runtime has no setting for it. For the process's other threads the error stream is held
    back too, so keep the block short.
    """
    sys.stderr.flush()
    try:
        screen = os.dup(2)
    except OSError:
        # A process without an error stream (a window program on Windows) has nothing to hide.
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(screen, 2)
            os.close(screen)
            held.seek(0)
            kept = [line for line in held if not line.startswith(b"INFO:")]
            if kept:
                os.write(2, b"".join(kept))
