"""Whose a pixel is: from the shot's Cryptomatte of people, or from their masks."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from choreoscope.capture.cloud.points import NOBODY
from choreoscope.formats.cryptomatte import read_cryptomatte
from choreoscope.formats.masks_json import read_masks
from choreoscope.geometry.masks import decode

if TYPE_CHECKING:
    from choreoscope.datatypes.people import Mask

LEAST_COVERAGE = 0.02
"""Of a pixel; below, encoders and resizing leave a haze."""
EDGE_PX = 12
"""How far the soft edge of a matte may reach beyond a hard mask."""
SCENE = "Scene"
"""Group of the pixels that are no performer's."""


class Owners:
    """Tells performers apart, frame by frame.

    Parameters
    ----------
    people : dict
        Source frame to its Cryptomatte of people; may be empty.
    masks : dict
        Person to file of masks; used for frames without a Cryptomatte.
    """

    def __init__(self, people: Mapping[int, Path], masks: Mapping[str, Path]) -> None:
        self._people = people
        self._masks: dict[str, dict[int, Mask]] = {}
        for person, path in sorted(masks.items()):
            track = read_masks(path)
            self._masks[person] = dict(zip(track.frames.tolist(), track.masks, strict=True))
        found = set(self._masks)
        for path in list(people.values())[:1]:
            # Every file of a shot bears the same manifest.
            found |= set(read_cryptomatte(path))
        self.persons = tuple(sorted(found))

    @property
    def is_known(self) -> bool:
        """Whether anybody can be told apart."""
        return bool(self.persons)

    def of_frame(
        self, frame: int, size: tuple[int, int], alpha: np.ndarray | None = None
    ) -> np.ndarray:
        """Place in `persons` of whom each pixel belongs to, ``(H, W)`` uint8; 255 for nobody.

        Parameters
        ----------
        size : (int, int)
            Width and height of the depth; owners are brought to it.
        alpha : (H, W) float or None
            Of that size. Masks are hard: where a matte reaches beyond them, its soft edge goes
            to whoever is nearest.

        Raises
        ------
        InputError
            If a file does not read.
        """
        import cv2

        if frame in self._people:
            owner = self._of_coverage(read_cryptomatte(self._people[frame]))
        else:
            owner = self._of_masks(frame)
        if owner is None:
            return np.full((size[1], size[0]), NOBODY, dtype=np.uint8)
        if owner.shape != (size[1], size[0]):
            owner = np.asarray(cv2.resize(owner, size, interpolation=cv2.INTER_NEAREST))
        if frame in self._people or alpha is None:
            return owner
        return _grown(owner, alpha >= LEAST_COVERAGE)

    def _of_coverage(self, coverage: Mapping[str, np.ndarray]) -> np.ndarray | None:
        if not coverage:
            return None
        most = np.full(next(iter(coverage.values())).shape, LEAST_COVERAGE, dtype=np.float32)
        owner = np.full(most.shape, NOBODY, dtype=np.uint8)
        for person, share in coverage.items():
            if person in self.persons:
                more = share > most
                owner[more] = self.persons.index(person)
                most[more] = share[more]
        return owner

    def _of_masks(self, frame: int) -> np.ndarray | None:
        owner: np.ndarray | None = None
        for person, masks in self._masks.items():
            if frame in masks:
                inside = decode(masks[frame])
                if owner is None:
                    owner = np.full(inside.shape, NOBODY, dtype=np.uint8)
                owner[inside & (owner == NOBODY)] = self.persons.index(person)
        return owner


def _grown(owner: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Give pixels of a matte that are nobody's to whoever is nearest."""
    import cv2

    free = owner == NOBODY
    if free.all() or not (free & inside).any():
        return owner
    distance, labels = cv2.distanceTransformWithLabels(
        free.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_label = np.full(int(labels.max()) + 1, NOBODY, dtype=np.uint8)
    by_label[labels[~free]] = owner[~free]
    edge = inside & (distance > 0) & (distance <= EDGE_PX)
    return np.where(edge, by_label[labels], owner)
