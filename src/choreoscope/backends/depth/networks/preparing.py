"""Pictures as a depth network was trained on them, read from the folder of its weights."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.torch_models.pictures import (
    Kernel,
    kept_aspect,
    normalised,
    planar,
    reflected,
    resized,
    resized_corners,
    shrunk,
    unit,
)
from choreoscope.backends.torch_models.weights import read_json
from choreoscope.datatypes.errors import WeightsError

KERNELS: dict[int, Kernel] = {2: "linear", 3: "cubic"}
"""Pillow's numbers of its filters, as the files of processors have them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """From a picture to a network's input, and from its output back to the picture's size.

    Attributes
    ----------
    size : (int, int)
        Height and width aimed at.
    keep_aspect : bool
        Whether the size is only aimed at; False squashes.
    multiple : int
        Of which both sides are multiples.
    mean, std : (float, float, float)
        Of the normalisation, for colours 0 to 1.
    kernel : {"linear", "cubic"}
        Of the shrinking.
    averaged : bool
        Whether shrinking averages (Pillow) or only samples (PyTorch without antialias, linear).
    mirrored : bool
        Whether the picture is widened by its mirror image before it is resized, corner centres
        to corner centres, as ZoeDepth does it against artefacts at the border.
    """

    size: tuple[int, int]
    keep_aspect: bool
    multiple: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    kernel: Kernel = "cubic"
    averaged: bool = True
    mirrored: bool = False

    @classmethod
    def of(cls, folder: Path, usual: "Preparation", side: int = 0) -> "Preparation":
        """Read it from ``preprocessor_config.json``; what is not there is as usual.

        Parameters
        ----------
        folder : Path
            Of the weights.
        usual : Preparation
            For folders without the file.
        side : int
            Instead of the height and width aimed at; 0 leaves them.

        Raises
        ------
        WeightsError
            If the file asks for something that is not known here.
        """
        path = folder / "preprocessor_config.json"
        said = read_json(path) if path.exists() else {}
        own = dataclasses.replace(
            usual,
            size=(side, side) if side else _size(said.get("size"), usual.size),
            keep_aspect=bool(said.get("keep_aspect_ratio", usual.keep_aspect)),
            multiple=int(said.get("ensure_multiple_of") or usual.multiple),
            mean=tuple(said.get("image_mean") or usual.mean),
            std=tuple(said.get("image_std") or usual.std),
        )
        if said.get("size_divisor") and said.get("do_pad"):
            raise WeightsError(f"{path} asks for padding to multiples, which is not known here")
        resample = said.get("resample")
        if resample is None:
            return own
        if resample not in KERNELS:
            raise WeightsError(
                f"{path} asks for filter {resample}; expected {' or '.join(map(str, KERNELS))}"
            )
        return dataclasses.replace(own, kernel=KERNELS[resample])

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the network's input for a picture's height and width."""
        if self.keep_aspect:
            return kept_aspect(size, self.size, self.multiple)
        height, width = (max(1, round(side / self.multiple)) * self.multiple for side in self.size)
        return height, width

    def prepared(self, picture: np.ndarray) -> np.ndarray:
        """Make the network's input ``(3, h, w)`` float32 of a picture ``(H, W, 3)`` uint8."""
        size = self.size_for(picture.shape[:2])
        if self.mirrored:
            wide = reflected(unit(picture), *mirror_widths(picture.shape[:2]))
            found = resized_corners(wide, self.size_for(wide.shape[:2]))
        elif self.averaged:
            found = shrunk(picture, size, self.kernel) / np.float32(255)
        else:
            found = resized(unit(picture), size, "linear")
        return planar(normalised(found, self.mean, self.std))

    def restored(self, answer: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Bring an answer ``(h, w)`` to a picture's height and width; float32.

        Linear on purpose, though the official processors take the cubic: that rings at the edge
        of a performer, by up to a tenth of the step there, and depths are numbers, not looks.
        """
        answer = np.ascontiguousarray(answer, dtype=np.float32)
        if not self.mirrored:
            return resized(answer, size, "linear")
        rows, columns = mirror_widths(size)
        wide = resized(answer, (size[0] + 2 * rows, size[1] + 2 * columns), "linear")
        return wide[rows : rows + size[0], columns : columns + size[1]]


def mirror_widths(size: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns by which ZoeDepth widens a picture on each side."""
    rows, columns = (int(3 * math.sqrt(side / 2)) for side in size[:2])
    return rows, columns


def _size(said: Any, usual: tuple[int, int]) -> tuple[int, int]:  # noqa: ANN401
    if isinstance(said, int):
        return said, said
    if isinstance(said, dict) and {"height", "width"} <= said.keys():
        return int(said["height"]), int(said["width"])
    return usual
