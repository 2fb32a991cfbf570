"""Real Blender opens the BVH and GLB files and finds every joint where motion.npz has it.

Run with ``pytest -m blender``. Blender lives in an environment of its own: the interpreter named
by $CHOREOSCOPE_BLENDER_PYTHON, or .venv-blender, made by scripts/make_blender_environment.py
(a download of 375 MB) when it is not there.
"""

import dataclasses
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from choreoscope.datatypes.mesh import SkinnedMesh
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.bvh import conformed, write_bvh
from choreoscope.formats.glb import write_glb
from choreoscope.formats.motion_npz import read_motion, write_motion
from choreoscope.geometry import kinematics, rotation
from choreoscope.motion.figure import simple_figure
from choreoscope.motion.proportions import default_proportions
from choreoscope.motion.skeletons import house_skeleton
from motions import small_skeleton, uneven_times, wild_motion

pytestmark = pytest.mark.blender

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
TENTH_OF_A_MILLIMETRE = 1e-4
FPS = 60
"""Frames per second of the Blender scene; the films' rates are others."""


@pytest.fixture(scope="session")
def blender_python() -> str:
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


def asked(python: str, path: Path, motion: Motion, frames: np.ndarray, **more: Any) -> Any:
    """Heads of the skeleton's joints in Blender, (frames, J, 3) metres, and the whole answer."""
    question, answer = path.with_suffix(".question.json"), path.with_suffix(".answer.json")
    asking = {"file": str(path), "fps": FPS, "frames": frames.tolist(), **more}
    question.write_text(json.dumps(asking))
    subprocess.run(
        [python, SCRIPTS / "blender_read_joints.py", question, answer],
        check=True,
        capture_output=True,
        timeout=600,
    )
    found = json.loads(answer.read_text())
    heads = np.array(found["heads"])
    assert len(found["joints"]) == len(motion.skeleton.joints)
    return heads[:, [found["joints"].index(name) for name in motion.skeleton.joints]], found


def error_of(python: str, path: Path, motion: Motion, expected: np.ndarray) -> float:
    """Largest joint error over all frames, at the frame offset where it is smallest."""
    ticks = (motion.times - motion.times[0]) * FPS
    if path.suffix == ".bvh":
        ticks = np.arange(motion.frame_count, dtype=float)
    offsets = (0.0, 1.0)
    heads, _ = asked(python, path, motion, np.concatenate([ticks + start for start in offsets]))
    by_offset = heads.reshape(len(offsets), *expected.shape)
    return float(np.linalg.norm(by_offset - expected, axis=-1).max(axis=(1, 2)).min())


def skeleton_named(name: str) -> Skeleton:
    if name == "house":
        return house_skeleton(default_proportions())
    return small_skeleton(turned_rest=name == "turned")


@pytest.mark.parametrize("name", ["house", "small", "turned"])
def test_joints_lie_within_a_tenth_of_a_millimetre(
    tmp_path: Path, blender_python: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written = wild_motion(skeleton_named(name), frames=60)
    write_motion(tmp_path / "motion.npz", written, person="p")
    motion = read_motion(tmp_path / "motion.npz")
    with np.load(tmp_path / "motion.npz") as arrays:
        expected = arrays["joint_positions"].astype(np.float64)
    write_bvh(tmp_path / "a.bvh", motion)
    write_glb(tmp_path / "a.glb", motion, simple_figure(motion.skeleton), name="p")
    for file in ("a.bvh", "a.glb"):
        error = error_of(blender_python, tmp_path / file, motion, expected)
        with capsys.disabled():
            sys.stdout.write(f"\nBlender, {name} skeleton, {file}: {error * 1000:.5f} mm ")
        assert error < TENTH_OF_A_MILLIMETRE


@pytest.mark.parametrize("file", ["a.bvh", "a.glb"])
def test_one_degree_at_one_joint_is_noticed(tmp_path: Path, blender_python: str, file: str) -> None:
    motion = wild_motion(small_skeleton(), frames=20)
    turned = motion.rotations.copy()
    nudge = rotation.from_rotation_vector(np.radians([0.0, 0.0, 1.0]))
    elbow = motion.skeleton.index("left_forearm")
    turned[7, elbow] = rotation.multiply(nudge, turned[7, elbow])
    wrong = dataclasses.replace(motion, rotations=turned)
    if file == "a.bvh":
        write_bvh(tmp_path / file, wrong)
    else:
        write_glb(tmp_path / file, wrong, simple_figure(motion.skeleton), name="p")
    expected = kinematics.of_motion(motion)[0]
    assert error_of(blender_python, tmp_path / file, motion, expected) > 10 * TENTH_OF_A_MILLIMETRE


def test_a_variable_rate_is_exact_in_glb_and_conformed_in_bvh(
    tmp_path: Path, blender_python: str
) -> None:
    motion = wild_motion(small_skeleton(), times=uneven_times(40), rate=Fraction(30))
    write_glb(tmp_path / "a.glb", motion, simple_figure(motion.skeleton), name="p")
    write_bvh(tmp_path / "a.bvh", motion)
    steady, _ = conformed(motion)
    for file, truth in (("a.glb", motion), ("a.bvh", steady)):
        expected = kinematics.of_motion(truth)[0]
        assert error_of(blender_python, tmp_path / file, truth, expected) < TENTH_OF_A_MILLIMETRE


def test_the_figure_bends_as_its_weights_say(tmp_path: Path, blender_python: str) -> None:
    motion = wild_motion(house_skeleton(default_proportions()), frames=12)
    mesh = simple_figure(motion.skeleton)
    write_glb(tmp_path / "a.glb", motion, mesh, name="p")
    rows = [0, 5, 11]
    ticks = (motion.times[rows] - motion.times[0]) * FPS
    _, found = asked(blender_python, tmp_path / "a.glb", motion, ticks, skin_frames=ticks.tolist())
    skin = np.array(found["skin"])
    expected = np.stack([skinned(mesh, motion, row) for row in rows])
    assert skin.shape == expected.shape
    assert np.linalg.norm(skin - expected, axis=-1).max() < TENTH_OF_A_MILLIMETRE


def skinned(mesh: SkinnedMesh, motion: Motion, frame: int) -> np.ndarray:
    """Linear blend skinning, (V, 3), written out."""
    rest, rest_turns = kinematics.rest_joints(motion.skeleton)
    posed, turns = kinematics.of_motion(motion)
    moved = rotation.multiply(turns[frame], rotation.inverse(rest_turns))
    out = np.zeros_like(mesh.vertices)
    for joints, weights in zip(mesh.joints.T, mesh.weights.T, strict=True):
        placed = rotation.rotate(moved[joints], mesh.vertices - rest[joints]) + posed[frame, joints]
        out += weights[:, None] * placed
    return out
