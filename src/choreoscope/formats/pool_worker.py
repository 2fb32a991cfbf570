"""One worker of a `WorkPool`: reads orders from its input, answers on its output.

Orders and answers are lines of JSON; planes lie in a file that both processes look into.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np

from choreoscope.formats.shared_planes import shared_planes

PACKAGE = "choreoscope."

Report = Callable[[int], None]
"""Tells how much more is done; called by long work as it goes."""
Work = Callable[[Mapping[str, Any], Mapping[str, np.ndarray], Report], dict[str, Any]]
"""What a worker can be asked to do: arguments and planes in, a record out."""


def work_of(call: str) -> Work:
    """Find a function of the house by its name, ``module:function``.

    Raises
    ------
    ValueError
        If it is none of the house's.
    """
    module, _, name = call.partition(":")
    if not module.startswith(PACKAGE):
        raise ValueError(f"a pool works for {PACKAGE}* only, not for {module}")
    found: Work = getattr(importlib.import_module(module), name)
    return found


def serve(orders: IO[bytes], answers: IO[bytes]) -> None:
    """Do what is asked until the input ends."""

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()

    for line in orders:
        order = json.loads(line)
        try:
            planes = shared_planes(order["planes"])
            work = work_of(order["call"])
            result = work(order["arguments"], planes, lambda more: say({"more": more}))
        except Exception as error:  # noqa: BLE001 - raised again in the process that ordered it
            say({"error": str(error) or type(error).__name__, "type": type(error).__name__})
        else:
            say({"result": result})


def main() -> None:
    """Serve on the standard streams; whatever libraries print goes to the error stream."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
