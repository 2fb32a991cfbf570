"""Make an environment of its own for Blender as a Python module, and print its interpreter.

    python scripts/make_blender_environment.py [FOLDER]     (default: .venv-blender beside src/)

Blender wants exactly Python 3.11 and numpy 1, so it never shares our environment. The download is
about 375 MB. It needs no display, but links some X libraries; on Debian and Ubuntu:

    apt-get install libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1
"""

import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("bpy==5.0.1", "numpy<2")
PYTHON = (3, 11)


def interpreter_of(folder: Path) -> Path:
    """Path of the interpreter inside an environment's folder."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def base_python() -> str:
    """Find a Python 3.11.

    Raises
    ------
    SystemExit
        If there is none.
    """
    if sys.version_info[:2] == PYTHON:
        return sys.executable
    found = shutil.which("python3.11")
    if found is None:
        raise SystemExit(
            "Blender as a module needs Python 3.11: install python3.11, then run again"
        )
    return found


def make(folder: Path) -> Path:
    """Create the environment unless Blender already starts in it.

    Parameters
    ----------
    folder : Path
        Where the environment lies.

    Returns
    -------
    Path
        Its interpreter.

    Raises
    ------
    SystemExit
        If pip fails or Blender does not start.
    """
    python = interpreter_of(folder)
    if not python.exists() or _version(python).returncode != 0:
        subprocess.run([base_python(), "-m", "venv", "--clear", folder], check=True)  # noqa: S603
        install = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *PACKAGES]
        if subprocess.run(install, check=False).returncode != 0:  # noqa: S603
            raise SystemExit(f"pip could not install {' '.join(PACKAGES)} into {folder}")
    started = _version(python)
    if started.returncode != 0:
        raise SystemExit(
            f"Blender does not start in {folder}: {started.stderr.strip().splitlines()[-1]}\n"
            f"Install the system libraries named at the top of {Path(__file__).name}."
        )
    return python


def _version(python: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [python, "-c", "import bpy; print(bpy.app.version_string)"],
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    default = Path(__file__).resolve().parent.parent / ".venv-blender"
    print(make(Path(sys.argv[1]) if len(sys.argv) > 1 else default))
