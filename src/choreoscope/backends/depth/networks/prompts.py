"""Coarse metric depth that prompts a finer one: a phone's LiDAR, or the solved bodies and floor."""

import re
from pathlib import Path
from typing import Protocol

import numpy as np

from choreoscope.backends.torch_models.pictures import resized
from choreoscope.capture.passes.interfaces import PassFrame, ShotContext
from choreoscope.capture.passes.proxy_options import ProxyOptions
from choreoscope.datatypes.errors import InputError

SUFFIXES = (".png", ".exr", ".tif", ".tiff")
LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")
LONG_SIDE = 256
"""Pixels; a phone's LiDAR gives 256 x 192, and the network was trained on that."""


class Prompts(Protocol):
    """Coarse metric depth of each frame."""

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next."""
        ...

    def of(self, frame: PassFrame) -> np.ndarray:
        """Return metres ``(h, w)`` float32, 0 or NaN where unknown."""
        ...


class LidarFolder:
    """Depth maps in a folder, one for each frame, numbered by the last number in their names.

    Parameters
    ----------
    folder : Path
        Of PNG or TIFF files with whole numbers, or EXR files in metres.
    first : int
        Number of the film's frame 0.
    unit_metres : float
        Metres that a whole number stands for.

    Raises
    ------
    InputError
        If it is no folder, or holds no such files.
    """

    def __init__(self, folder: Path, first: int, unit_metres: float) -> None:
        self._folder, self._first, self._unit = folder, first, unit_metres
        try:
            files = sorted(folder.iterdir())
        except OSError as error:
            raise InputError(
                f"depth prompts: {folder} cannot be read ({error.strerror})"
            ) from error
        self._files: dict[int, Path] = {}
        for file in files:
            number = LAST_NUMBER.search(file.stem)
            if number and file.suffix.lower() in SUFFIXES:
                self._files[int(number[1])] = file
        if not self._files:
            raise InputError(f"depth prompts: {folder} holds no numbered {', '.join(SUFFIXES)}")

    def start(self, shot: ShotContext) -> None:
        """Make sure that every frame has its file.

        Raises
        ------
        InputError
            If some have none.
        """
        missing = [frame for frame in shot.frames if frame + self._first not in self._files]
        if missing:
            raise InputError(
                f"depth prompts: {self._folder} has no file for {len(missing)} frames of the shot, "
                f"the first is frame {missing[0]} (number {missing[0] + self._first}); "
                f"set the option 'first' to the number of the film's frame 0"
            )

    def of(self, frame: PassFrame) -> np.ndarray:
        """Read a frame's file.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        from choreoscope.formats.pictures import read_picture

        pixels = read_picture(self._files[frame.frame + self._first]).pixels[..., 0]
        scale = self._unit if np.issubdtype(pixels.dtype, np.integer) else 1.0
        return pixels.astype(np.float32) * np.float32(scale)


class ProxyPrompts:
    """Depth of the solved bodies and floor, as coarse as a phone's."""

    def __init__(self, threads: int) -> None:
        from choreoscope.capture.passes.proxy_model import ProxyDepth

        self._proxy = ProxyDepth(ProxyOptions(), threads=threads)

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot.

        Raises
        ------
        InputError
            If it has no solved camera.
        """
        self._proxy.start(shot)

    def of(self, frame: PassFrame) -> np.ndarray:
        """Render a frame and make it coarse; where any of a coarse pixel is unknown, all of it."""
        answers, _ = self._proxy.infer([frame], None)
        depth = np.asarray(answers[0]["depth"], dtype=np.float32)
        scale = LONG_SIDE / max(depth.shape)
        size = (max(1, round(depth.shape[0] * scale)), max(1, round(depth.shape[1] * scale)))
        return resized(depth, size, "nearest")


def filled(prompt: np.ndarray) -> np.ndarray:
    """Give unknown pixels the depth of the nearest known one, and make sure that depths differ.

    The network brings the prompt to 0 to 1 by its extremes, so equal ones would divide by zero;
    the official processor moves the first pixel likewise.

    Parameters
    ----------
    prompt : (h, w) float32
        Metres; 0, negative or NaN where unknown.

    Raises
    ------
    InputError
        If nothing is known.
    """
    from scipy.ndimage import distance_transform_edt

    is_unknown = ~(np.isfinite(prompt) & (prompt > 0))
    if is_unknown.all():
        raise InputError("depth prompts: a frame's depth is unknown everywhere")
    found: np.ndarray = prompt.astype(np.float32)
    if is_unknown.any():
        nearest = distance_transform_edt(is_unknown, return_distances=False, return_indices=True)
        found = found[tuple(nearest)]
    if found.min() == found.max():
        found[0, 0] += np.float32(1e-6) * max(np.float32(1.0), found[0, 0])
    return found
