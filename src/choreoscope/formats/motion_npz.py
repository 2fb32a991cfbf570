"""``motion.npz``: one person's movement as plain numpy arrays, made to be read without us.

The keys are explained for users in ``docs/motion_npz.md``; a test keeps that page and this file
in step. The same motion always gives the same bytes.
"""

import dataclasses
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.formats.npz import write_arrays
from choreoscope.geometry import kinematics

SCHEMA = "choreoscope.motion"
SCHEMA_VERSION = 1
WORLD = "right-handed, Y up, metres, floor at y = 0, quaternions wxyz"
_FARTHEST_APART = 1e-4
"""Metres by which the stored joint positions may differ from those of the rotations."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MotionFile:
    """Everything a ``motion.npz`` holds.

    Attributes
    ----------
    motion : Motion
        The movement.
    person : str
        Stable id of the person in the clip's folder.
    notes : tuple of str
        Sentences for people about how the movement was made.
    """

    motion: Motion
    person: str
    notes: tuple[str, ...]


def write_motion(path: Path, motion: Motion, *, person: str, notes: Sequence[str] = ()) -> None:
    """Write a motion with its skeleton and, for convenience, all joint positions.

    Parameters
    ----------
    path : Path
        Written as named, whatever the ending.
    motion : Motion
        World: right-handed, Y up, metres.
    person : str
        Id of the person.
    notes : sequence of str
        Sentences for people.
    """
    skeleton = motion.skeleton
    positions, _ = kinematics.of_motion(motion)
    no_contacts = np.zeros((motion.frame_count, 0))
    arrays = {
        "world": np.array(WORLD),
        "person": np.array(person),
        "notes": np.array(tuple(notes), dtype=np.str_),
        "skeleton_name": np.array(skeleton.name),
        "joints": np.array(skeleton.joints, dtype=np.str_),
        "parents": skeleton.parents.astype(np.int64),
        "rest_local": skeleton.rest_local.astype(np.float64),
        "tips": skeleton.tips.astype(np.float64),
        "mirror": skeleton.mirror.astype(np.int64),
        "rate": np.array([motion.rate.numerator, motion.rate.denominator], dtype=np.int64),
        "first_frame": np.array(motion.first_frame, dtype=np.int64),
        "times": motion.times.astype(np.float64),
        "root_position": motion.root_position.astype(np.float64),
        "rotations": motion.rotations.astype(np.float64),
        "confidence": motion.confidence.astype(np.float64),
        "contacts": (no_contacts if motion.contacts is None else motion.contacts).astype(
            np.float64
        ),
        "contact_joints": np.array(motion.contact_joints, dtype=np.str_),
        "joint_positions": positions.astype(np.float32),
    }
    write_arrays(Path(path), SCHEMA, SCHEMA_VERSION, arrays)


def read_motion(path: Path) -> Motion:
    """Read the motion of a ``motion.npz``; see `read_motion_file` for the rest of it.

    Raises
    ------
    InputError
        If the file is not a motion file, is damaged, or comes from a newer Choreoscope.
    """
    return read_motion_file(path).motion


def read_motion_file(path: Path) -> MotionFile:
    """Read a ``motion.npz`` with person and notes.

    Raises
    ------
    InputError
        If the file is not a motion file, is damaged, or comes from a newer Choreoscope.
    """
    arrays = _load(Path(path))
    version = arrays.get("schema_version")
    if version is None or version.shape != () or str(arrays.get("schema")) != SCHEMA:
        raise InputError(f"{path}: not a Choreoscope motion file (schema is not {SCHEMA})")
    if int(version) > SCHEMA_VERSION:
        raise InputError(
            f"{path}: written by a newer Choreoscope (motion schema {int(version)}, this one reads "
            f"up to {SCHEMA_VERSION}); update Choreoscope"
        )
    try:
        return _assembled(arrays)
    except KeyError as missing:
        raise InputError(f"{path}: motion file lacks the array {missing}") from None
    except (ShapeError, ValueError, TypeError, ZeroDivisionError) as cause:
        raise InputError(f"{path}: damaged motion file: {cause}") from cause


def check_motion(path: Path) -> MotionFile:
    """Re-read a file just written and compare its positions with its rotations.

    Raises
    ------
    OutputError
        If it does not read back, or stored joint positions are not those of the rotations.
    """
    try:
        found = read_motion_file(path)
    except InputError as cause:
        raise OutputError(str(cause)) from cause
    stored = _load(Path(path)).get("joint_positions")
    positions, _ = kinematics.of_motion(found.motion)
    if stored is None or stored.shape != positions.shape:
        raise OutputError(f"{path}: joint_positions is not an array of shape {positions.shape}")
    apart = float(np.max(np.abs(stored - positions), initial=0.0))
    if not apart <= _FARTHEST_APART:
        raise OutputError(
            f"{path}: joint_positions differ from the rotations by {apart * 1000:.2f} mm"
        )
    return found


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        # Not numpy.load, which answers a lone array or a pickle in ways of its own.
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    # zipfile answers unknown compression, versions and passwords with RuntimeError.
    except (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as cause:
        raise InputError(f"{path}: cannot be read as motion.npz: {cause}") from cause


def _assembled(arrays: Mapping[str, np.ndarray]) -> MotionFile:
    skeleton = Skeleton(
        name=str(arrays["skeleton_name"]),
        joints=tuple(str(name) for name in arrays["joints"]),
        parents=arrays["parents"],
        rest_local=arrays["rest_local"],
        tips=arrays["tips"],
        mirror=arrays["mirror"],
    )
    numerator, denominator = (int(number) for number in arrays["rate"])
    contact_joints = tuple(str(name) for name in arrays["contact_joints"])
    motion = Motion(
        skeleton=skeleton,
        rate=Fraction(numerator, denominator),
        first_frame=int(arrays["first_frame"]),
        times=arrays["times"],
        root_position=arrays["root_position"],
        rotations=arrays["rotations"],
        confidence=arrays["confidence"],
        contacts=arrays["contacts"] if contact_joints else None,
        contact_joints=contact_joints,
    )
    return MotionFile(
        motion=motion,
        person=str(arrays["person"]),
        notes=tuple(str(note) for note in arrays["notes"]),
    )
