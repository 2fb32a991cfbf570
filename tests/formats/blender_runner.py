"""Real Blender asked by tests: a script of ``scripts/`` gets a question, and gives an answer.

Blender lives in an environment of its own: the interpreter named by $CHOREOSCOPE_BLENDER_PYTHON,
or .venv-blender, made by scripts/make_blender_environment.py (a download of 375 MB) when it is not
there.
"""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
PATIENCE = 600
"""Seconds; the first start in a fresh environment reads hundreds of megabytes."""


@functools.cache
def blender_python() -> str:
    """Interpreter that can import bpy; made now if need be."""
    named = os.environ.get("CHOREOSCOPE_BLENDER_PYTHON")
    if named:
        return named
    made = subprocess.run(
        [sys.executable, SCRIPTS / "make_blender_environment.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip().splitlines()[-1]


def ask_blender(script: str, question: Mapping[str, Any], folder: Path) -> Any:
    """Run ``scripts/<script>`` as ``<script> QUESTION.json ANSWER.json`` and read its answer.

    Parameters
    ----------
    folder : Path
        Where question and answer are put.
    """
    asking, answering = folder / f"{script}.question.json", folder / f"{script}.answer.json"
    asking.write_text(json.dumps(question), "utf-8")
    answering.unlink(missing_ok=True)
    done = subprocess.run(
        [blender_python(), SCRIPTS / script, asking, answering],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert answering.exists(), (
        f"Blender gave no answer:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    )
    return json.loads(answering.read_text("utf-8"))
