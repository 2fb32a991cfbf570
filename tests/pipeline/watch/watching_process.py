"""A watcher as a process of its own, whose work is to add a line to a file.

Arguments: folder, result folder, file, name, seconds per film, and "once" or "forever".
"""

import os
import sys
import time
from pathlib import Path

from choreoscope.pipeline.events import Events
from choreoscope.pipeline.watch.options import WatchOptions
from choreoscope.pipeline.watch.verdict import Verdict
from choreoscope.pipeline.watch.watcher import Watcher

SOURCE, OUT, LINES, NAME, SECONDS, HOW_LONG = sys.argv[1:]


def note(text: str) -> None:
    descriptor = os.open(LINES, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


def process(film: Path, _out: Path, _events: Events) -> Verdict:
    note(f"begin {film.name} {NAME}")
    time.sleep(float(SECONDS))
    note(f"end {film.name} {NAME}")
    return Verdict(state="finished")


watcher = Watcher(
    Path(SOURCE),
    Path(OUT),
    WatchOptions(still_seconds=0.1, poll_seconds=0.05, free_megabytes=0),
    process=process,
    probe=lambda _film: {},
)
try:
    watcher.run(once=HOW_LONG == "once")
except KeyboardInterrupt:
    note(f"stopped {NAME}")
