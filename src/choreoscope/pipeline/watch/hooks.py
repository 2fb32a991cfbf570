"""Commands of the user, run when a film is finished or has failed."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from choreoscope.pipeline.watch.records import FilmRecord

TAIL_BYTES = 2000


def environment_of(record: FilmRecord, source: Path, out: Path) -> dict[str, str]:
    """Return what a command is told about a film."""
    return {
        "CHOREOSCOPE_FILM": str(source / record.film),
        "CHOREOSCOPE_RESULT": str(out / record.result),
        "CHOREOSCOPE_STATE": record.state,
        "CHOREOSCOPE_REASON": record.reason,
    }


def run_hook(line: str, told: Mapping[str, str], seconds: float) -> str:
    """Run a command line without a shell and wait for it.

    Parameters
    ----------
    line : str
        Program and arguments, quoted as for a shell.
    told : dict
        Added to the environment.
    seconds : float
        It is ended, with everything it started, when it takes longer.

    Returns
    -------
    str
        "done", or in one line how it failed.
    """
    words = shlex.split(line, posix=sys.platform != "win32")
    with tempfile.TemporaryFile() as output:
        try:
            # Not through a pipe: something the command leaves behind would keep that open.
            process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
                words,
                env={**os.environ, **told},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"'{line}' could not be started ({error.strerror})"
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"'{line}' took longer than {seconds:g} s and was ended"
        finally:
            _end(process)
        return "done" if code == 0 else f"'{line}' ended with code {code}{_last_line(output)}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command that still runs, with its children."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(output: IO[bytes]) -> str:
    output.seek(0, os.SEEK_END)
    output.seek(max(0, output.tell() - TAIL_BYTES))
    lines = output.read().decode("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f": {said[-1][:200]}" if said else ""
