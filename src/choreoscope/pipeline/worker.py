"""A worker process: takes tasks from the process that started it, until that one is gone.

Started as ``python -m choreoscope.pipeline.worker`` by `pipeline.executors.pool`, with whatever
Python a back end's own environment has; it needs the same version of Choreoscope there.
"""

import faulthandler
import os
import queue
import signal
import sys
import threading
from multiprocessing.connection import Client, Connection
from typing import Any

from choreoscope import __version__
from choreoscope.datatypes.errors import OutputError
from choreoscope.pipeline.events import Event
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.task import Part, Task
from choreoscope.pipeline.work import work

ADDRESS, KEY, PATHS = "CHOREOSCOPE_WORKER_ADDRESS", "CHOREOSCOPE_WORKER_KEY", "CHOREOSCOPE_PATHS"
OWNER_GONE = 3

Message = tuple[str, Any]


class _Line:
    """The connection to the owner, read by a thread so that its end is noticed at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._received: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._sending = threading.Lock()
        threading.Thread(target=self._listen, name="owner", daemon=True).start()

    def send(self, word: str, what: object = None) -> None:
        """Send one message."""
        with self._sending:
            self._connection.send((word, what))

    def receive(self) -> Message:
        """Wait for the next message."""
        return self._received.get()

    def _listen(self) -> None:
        while True:
            try:
                self._received.put(self._connection.recv())
            except (EOFError, OSError):
                # Nobody wants the result any more, and another run may own the folder by now.
                os._exit(OWNER_GONE)


class _RemoteChannel:
    """The worker's end of the channel."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    def tell(self, event: Event) -> None:
        """Hand an event up."""
        self._line.send("event", event)

    def place(self, part: Part) -> None:
        """Have a part put into place.

        Raises
        ------
        OutputError
            If the owner could not.
        """
        self._line.send("place", part)
        word, what = self._line.receive()
        if word == "refused":
            raise OutputError(str(what))


def serve(connection: Connection) -> None:
    """Do one task after the other; back ends stay loaded."""
    line = _Line(connection)
    channel = _RemoteChannel(line)
    models: LoadedModels | None = None
    settings_of_models = None
    line.send("ready", __version__)
    while True:
        word, task = line.receive()
        if word != "task" or not isinstance(task, Task):
            return
        if models is None or settings_of_models != task.settings:
            settings_of_models = task.settings
            models = LoadedModels(task.settings, channel.tell)
        failure = work(task, models, channel)
        line.send("done", failure.without_error if failure else None)


def main() -> None:
    """Connect to the owner and serve it."""
    # Ctrl-C goes to the whole group of processes; the owner decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    address = os.environ.pop(ADDRESS)
    key = bytes.fromhex(os.environ.pop(KEY))
    for path in os.environ.pop(PATHS, "").split(os.pathsep):
        if path and path not in sys.path:
            sys.path.append(path)
    serve(Client(address, authkey=key))


if __name__ == "__main__":
    main()
