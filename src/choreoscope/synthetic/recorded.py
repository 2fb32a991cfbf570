"""Recorded motion on our bodies: a stretch of a BVH file of any origin becomes a dance."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.bvh_reader import read_bvh
from choreoscope.geometry import rotation
from choreoscope.synthetic.dance import CONTACT_NAMES, Dance
from choreoscope.synthetic.joint_names import map_joints
from choreoscope.synthetic.places import Standing
from choreoscope.synthetic.puppet import Puppet
from choreoscope.synthetic.retarget import Retargeted, levelled, retarget, sole_marks

_LEAST_CONTACT = 0.3
"""Share of the frames in which a sole has to be on the floor: some recordings float."""
_START = 0.3
"""Seconds left out at the beginning of a file: many begin with a frame in T pose."""
_LOW, _SLOW = 0.035, 0.25
"""A sole touches when it is this low (metres) and this slow (m/s)."""


class RecordedSource:
    """Dances from a folder of BVH files, its sub-folders included.

    Parameters
    ----------
    folder : Path
        Where to look.

    Raises
    ------
    InputError
        If there is no BVH file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = sorted(folder.rglob("*.bvh")) if folder.is_dir() else [folder]
        if not self.files or not self.files[0].is_file():
            raise InputError(f"{folder}: expected a folder with BVH files, or one such file")

    def dance(
        self, puppet: Puppet, times: np.ndarray, rng: np.random.Generator, standing: Standing
    ) -> Dance:
        """Take a random stretch of a random file that is long enough.

        Parameters
        ----------
        puppet : Puppet
            The body.
        times : (T,) float
            Seconds from 0.
        rng : numpy.random.Generator
            Source of chance.
        standing : Standing
            Where it is to happen.

        Returns
        -------
        Dance
            Contacts of the feet only, by height and speed.

        Raises
        ------
        InputError
            If no file can be used; the text says why for each.
        """
        refused = []
        for number in rng.permutation(len(self.files)):
            path = self.files[number]
            try:
                motion = _recorded(path)
                joints = map_joints(motion.skeleton)
            except InputError as problem:
                refused.append(str(problem))
                continue
            longest = float(motion.times[-1]) - _START
            if longest < times[-1]:
                refused.append(f"{path.name}: {longest:.1f} s, shorter than the shot")
                continue
            start = _START + rng.uniform(0, longest - times[-1])
            stretch = _cut(motion, start, start + float(times[-1]))
            moved = retarget(stretch, joints, puppet, levelled(motion, joints))
            danced = _danced(moved, puppet, times + start, standing)
            if danced.contacts.any(axis=1).mean() < _LEAST_CONTACT:
                refused.append(f"{path.name}: nobody stands on a level floor")
                continue
            return danced
        raise InputError(f"{self.folder}: no BVH file can be used: {'; '.join(refused)}")


def _recorded(path: Path) -> Motion:
    return _read(path, path.stat().st_mtime_ns, path.stat().st_size)


@functools.lru_cache(maxsize=8)
def _read(path: Path, _changed: int, _size: int) -> Motion:
    """Read a file once for as long as nobody changes it."""
    return read_bvh(path).motion


def _cut(motion: Motion, start: float, stop: float) -> Motion:
    first = max(int(np.searchsorted(motion.times, start)) - 2, 0)
    rows = slice(first, int(np.searchsorted(motion.times, stop)) + 3)
    return dataclasses.replace(
        motion,
        times=motion.times[rows],
        root_position=motion.root_position[rows],
        rotations=motion.rotations[rows],
        confidence=motion.confidence[rows],
    )


def _danced(moved: Retargeted, puppet: Puppet, times: np.ndarray, standing: Standing) -> Dance:
    """Resample, and put it where it is to happen."""
    root = np.stack([np.interp(times, moved.times, column) for column in moved.root.T], axis=-1)
    after = np.clip(np.searchsorted(moved.times, times), 1, len(moved.times) - 1)
    step = moved.times[after] - moved.times[after - 1]
    share = np.clip((times - moved.times[after - 1]) / step, 0.0, 1.0)
    before, then = moved.rotations[after - 1], moved.rotations[after]
    rotations = rotation.slerp(before, then, np.repeat(share[:, None], before.shape[1], axis=1))
    place, wanted = standing.path.at(float(times.mean() - times[0]))
    forward = rotation.rotate(rotations[:, 0], np.array([0.0, 0.0, 1.0])).mean(axis=0)
    angle = wanted - np.arctan2(forward[0], forward[2])
    turn = rotation.from_rotation_vector(np.array([0.0, angle, 0.0]))
    middle = root.mean(axis=0) * (1.0, 0.0, 1.0)
    root = rotation.rotate(turn, root - middle) + np.array([place[0], 0.0, place[1]])
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    marks = sole_marks(puppet, root, rotations)
    speeds = np.linalg.norm(np.gradient(marks, times, axis=0), axis=-1)
    contacts = np.zeros((len(times), len(CONTACT_NAMES)), dtype=bool)
    contacts[:, :4] = (marks[..., 1] < _LOW) & (speeds < _SLOW)
    return Dance(
        root=root,
        rotations=rotation.with_continuous_signs(rotation.normalized(rotations)),
        contacts=contacts,
        flights=(),
        beats=np.zeros(0),
    )
