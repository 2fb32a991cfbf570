"""Runs of the whole command, measured from outside: wall time, processor time, peak memory."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one ``choreoscope capture`` cost.

    Attributes
    ----------
    wall, cpu : float
        Seconds; processor time of the process and its children.
    model_cpu : float
        Seconds of processor time inside model calls, from the manifests.
    peak_mb : float
        Largest resident memory of any of its processes, MB of 2**20 bytes.
    """

    code: int
    wall: float
    cpu: float
    model_cpu: float
    peak_mb: float
    frames: int
    people: int
    out: Path
    errors: str


def shared_data() -> Path:
    """Folder of real clips ($CHOREOSCOPE_DATA, or shared/data beside the repository)."""
    named = os.environ.get("CHOREOSCOPE_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def capture(film: Path, out: Path, *options: str) -> Run:
    """Run the command in a process of its own and measure it."""
    command = [sys.executable, "-m", "choreoscope", "capture", str(film)]
    command += ["--out", str(out), "--quiet", *options]
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    heard: list[str] = []
    listener = threading.Thread(target=lambda: heard.extend(process.stderr or ()))
    listener.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    listener.join()
    shots = [json.loads(path.read_text()) for path in sorted(out.glob("clip-*/shot.json"))]
    manifests = [json.loads(path.read_text()) for path in out.glob("**/work/manifests/*.json")]
    return Run(
        code=process.returncode,
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        model_cpu=sum(manifest["model_cpu_seconds"] for manifest in manifests),
        peak_mb=usage.ru_maxrss / 1024,
        frames=sum(shot["frames"][1] - shot["frames"][0] for shot in shots),
        people=sum(len(shot["people"]) for shot in shots),
        out=out,
        errors="".join(heard).strip(),
    )
