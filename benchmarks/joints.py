"""Joints of a finished capture as real Blender sees them, against motion.npz (limit 0.1 mm)."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.captures import REPOSITORY

LIMIT_MM = 0.1
FPS = 60


def blender_python() -> str:
    """Interpreter of the environment Blender lives in; made when it is not there."""
    script = REPOSITORY / "scripts" / "make_blender_environment.py"
    made = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True)
    return made.stdout.strip().splitlines()[-1]


def error_mm(python: str, path: Path, motion: Path) -> float:
    """Largest distance of a joint in a file from the motion's, millimetres, at the best offset."""
    with np.load(motion) as arrays:
        expected, times = arrays["joint_positions"].astype(np.float64), arrays["times"]
        names = arrays["joints"].tolist()
    ticks = (
        (times - times[0]) * FPS if path.suffix == ".glb" else np.arange(len(times), dtype=float)
    )
    asked = np.concatenate([ticks, ticks + 1])
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "q.json", Path(folder) / "a.json"
        question.write_text(json.dumps({"file": str(path), "fps": FPS, "frames": asked.tolist()}))
        script = REPOSITORY / "scripts" / "blender_read_joints.py"
        subprocess.run([python, script, question, answer], check=True, capture_output=True)
        found = json.loads(answer.read_text())
    heads = np.array(found["heads"])[:, [found["joints"].index(name) for name in names]]
    both = heads.reshape(2, *expected.shape)
    return float(np.linalg.norm(both - expected, axis=-1).max(axis=(1, 2)).min() * 1000)


def main() -> int:
    """Measure every person's files, print, and return 0 when the limit holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", type=Path, nargs="?", default=Path("demo/result"))
    result = parser.parse_args().result.resolve()
    python = blender_python()
    worst = -1.0
    for motion in sorted(result.glob("clip-*/people/*/motion.npz")):
        for path in sorted((*motion.parent.glob("*.bvh"), *motion.parent.glob("*.glb"))):
            error = error_mm(python, path, motion)
            worst = max(worst, error)
            print(f"Blender, {path.relative_to(result)}: {error:.4f} mm (limit {LIMIT_MM})")
    if worst < 0:
        print(f"no motion below {result}; run 'make demo' first")
    return 0 if 0 <= worst <= LIMIT_MM else 1


if __name__ == "__main__":
    sys.exit(main())
