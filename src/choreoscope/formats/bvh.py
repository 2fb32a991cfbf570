"""BVH out: the oldest motion file, read by every animation program.

Conventions written: centimetres, Y up, joints with world-aligned rest axes, Z-X-Y rotation
channels, root ``OFFSET`` zero (half of all readers add it to the root's position channels, the
other half, Blender among them, do not).
"""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.bvh_reader import read_bvh
from choreoscope.geometry import euler, kinematics, rotation

CENTIMETRES = 100.0
FARTHEST_APART = 1e-4
"""Metres by which joints of the written file may differ from the motion."""
_ROTATION_CHANNELS = "Zrotation Xrotation Yrotation"
_STEADY_WITHIN = 1e-3
"""Seconds; Matroska and others round the time stamps of a constant rate to milliseconds."""


def write_bvh(path: Path, motion: Motion) -> str | None:
    """Write a motion as BVH.

    Parameters
    ----------
    path : Path
        File to write, ASCII.
    motion : Motion
        At least one frame; any rest axes.

    Returns
    -------
    str or None
        A sentence for people if the movement had to be conformed to a constant rate.

    Raises
    ------
    InputError
        If the motion has no frames, or times that do not rise.
    """
    if motion.frame_count == 0:
        raise InputError(f"{path.name}: a BVH file needs at least one frame, the motion has none")
    steady, note = conformed(motion)
    lines = _hierarchy(steady.skeleton)
    lines += [
        "MOTION",
        f"Frames: {steady.frame_count}",
        f"Frame Time: {float(1 / steady.rate):.9f}",
    ]
    values = _channel_values(steady)
    lines += [" ".join(f"{value:.6f}" for value in row) for row in values.tolist()]
    path.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
    return note


def check_bvh(path: Path, motion: Motion) -> float:
    """Re-read a file written from `motion` and compare every joint of every frame.

    Returns
    -------
    float
        The largest distance between a joint in the file and in the motion, metres.

    Raises
    ------
    OutputError
        If the file does not read back or a joint is off by more than 0.1 mm.
    """
    steady, _ = conformed(motion)
    try:
        found = read_bvh(path).motion
    except InputError as cause:
        raise OutputError(str(cause)) from cause
    # The file lists joints branch by branch, the skeleton in any order that has parents first.
    order = _depth_first(steady.skeleton)
    names = tuple(safe_names(steady.skeleton.joints)[joint] for joint in order)
    if found.skeleton.joints != names or found.frame_count != steady.frame_count:
        raise OutputError(
            f"{path}: expected {steady.frame_count} frames of {len(names)} joints, got "
            f"{found.frame_count} of {len(found.skeleton.joints)}, or other names"
        )
    wanted, got = kinematics.of_motion(steady)[0][:, order], kinematics.of_motion(found)[0]
    error = float(np.max(np.linalg.norm(wanted - got, axis=-1)))
    if not error <= FARTHEST_APART:
        raise OutputError(f"{path}: joints are up to {error * 1000:.2f} mm off after re-reading")
    return error


def conformed(motion: Motion) -> tuple[Motion, str | None]:
    """Resample to the nominal rate, unless the time stamps already keep to it.

    Rotations are interpolated on the sphere, everything else linearly. Frames whose nearest
    source frame was not seen keep confidence 0.

    Parameters
    ----------
    motion : Motion
        Any time stamps.

    Returns
    -------
    motion : Motion
        Row ``n`` is ``n / rate`` seconds after row 0. The given object if nothing had to be done.
    note : str or None
        A sentence for people if it was resampled.

    Raises
    ------
    InputError
        If times do not rise strictly.
    """
    count = motion.frame_count
    if count == 0:
        return motion, None
    since_start = motion.times - motion.times[0]
    if np.all(np.abs(since_start - np.arange(count) / float(motion.rate)) <= _STEADY_WITHIN):
        return motion, None
    if np.any(np.diff(since_start) <= 0):
        raise InputError("times do not rise strictly, so the movement has no rate to conform to")
    new_count = int(np.floor(since_start[-1] * float(motion.rate) + 1e-6)) + 1
    ticks = np.arange(new_count) / float(motion.rate)
    right = np.clip(np.searchsorted(since_start, ticks, side="right"), 1, count - 1)
    left = right - 1
    share = np.clip((ticks - since_start[left]) / (since_start[right] - since_start[left]), 0, 1)

    def blend(rows: np.ndarray) -> np.ndarray:
        weight = share.reshape(-1, *([1] * (rows.ndim - 1)))
        return np.asarray((1 - weight) * rows[left] + weight * rows[right])

    nearest = np.where(np.rint(share) == 0, left, right)
    steady = dataclasses.replace(
        motion,
        times=motion.times[0] + ticks,
        root_position=blend(motion.root_position),
        rotations=rotation.slerp(motion.rotations[left], motion.rotations[right], share[:, None]),
        confidence=np.where(motion.confidence[nearest] > 0, blend(motion.confidence), 0.0),
        contacts=None if motion.contacts is None else blend(motion.contacts),
    )
    return steady, (
        f"BVH knows one frame time only: {count} frames of varying length were conformed to "
        f"{new_count} frames at {motion.rate} frames per second"
    )


def safe_names(names: Sequence[str]) -> list[str]:
    """Names without the characters (colons, spaces, accents) that break parsers, still unique."""
    safe: list[str] = []
    for name in names:
        base = re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "joint"
        unique, number = base, 2
        while unique in safe:
            unique, number = f"{base}_{number}", number + 1
        safe.append(unique)
    return safe


def _hierarchy(skeleton: Skeleton) -> list[str]:
    heads, world = kinematics.rest_joints(skeleton)
    tips = rotation.rotate(world, skeleton.tips)
    names = safe_names(skeleton.joints)
    lines = ["HIERARCHY"]
    open_joints: list[int] = []
    for joint in _depth_first(skeleton):
        parent = int(skeleton.parents[joint])
        while open_joints and open_joints[-1] != parent:
            lines.append("\t" * (len(open_joints) - 1) + "}")
            open_joints.pop()
        indent = "\t" * len(open_joints)
        offset = np.zeros(3) if parent < 0 else heads[joint] - heads[parent]
        channels = (
            f"6 Xposition Yposition Zposition {_ROTATION_CHANNELS}"
            if parent < 0
            else f"3 {_ROTATION_CHANNELS}"
        )
        lines += [
            f"{indent}{'ROOT' if parent < 0 else 'JOINT'} {names[joint]}",
            f"{indent}{{",
            f"{indent}\tOFFSET {_triple(offset)}",
            f"{indent}\tCHANNELS {channels}",
        ]
        open_joints.append(joint)
        if joint not in skeleton.parents:
            # Readers want an end even where the bone's length is unknown.
            end = tips[joint] if np.isfinite(tips[joint]).all() else np.zeros(3)
            lines += [f"{indent}\tEnd Site", f"{indent}\t{{"]
            lines += [f"{indent}\t\tOFFSET {_triple(end)}", f"{indent}\t}}"]
    lines += ["\t" * depth + "}" for depth in reversed(range(len(open_joints)))]
    return lines


def _depth_first(skeleton: Skeleton) -> list[int]:
    order: list[int] = []
    waiting = [0]
    while waiting:
        joint = waiting.pop()
        order.append(joint)
        waiting += [int(child) for child in np.nonzero(skeleton.parents == joint)[0][::-1]]
    return order


def _channel_values(motion: Motion) -> np.ndarray:
    skeleton = motion.skeleton
    _, posed = kinematics.of_motion(motion)
    _, rest = kinematics.rest_joints(skeleton)
    # BVH joints rest with world-aligned axes, so channels hold turns of the world's axes.
    turned = rotation.multiply(posed, rotation.inverse(rest))
    parents = turned[:, skeleton.parents]
    parents[:, 0] = rotation.IDENTITY
    local = rotation.multiply(rotation.inverse(parents), turned)
    angles = np.degrees(euler.to_continuous_euler(local, "ZXY"))[:, _depth_first(skeleton)]
    return np.concatenate(
        [motion.root_position * CENTIMETRES, angles.reshape(motion.frame_count, -1)], axis=1
    )


def _triple(metres: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in metres * CENTIMETRES)
