"""What is known of how far things are in a shot, sample by sample, whoever says so."""

import dataclasses
from collections.abc import Iterable
from typing import Literal, Self

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import InputError, ShapeError

EvidenceKind = Literal["body", "contact", "structure", "measured", "network"]
KINDS: tuple[EvidenceKind, ...] = ("body", "contact", "structure", "measured", "network")
"""Front of the solved bodies; floor round standing feet; background points of a travelling
camera; distances measured by the user; a metric network's own metres as a weak prior."""
NOBODY = -1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthEvidence:
    """Places of the film whose depth is known.

    Attributes
    ----------
    frames : (N,) int
        Source frames.
    pixels : (N, 2) float
        Where, film pixels; (0, 0) is the image corner.
    metres : (N,) float, > 0
        Depth along camera z.
    sigma : (N,) float, > 0
        One standard deviation of it, share of the depth.
    kinds : (N,) int
        Place in `KINDS`.
    people : tuple of str
        Performers the samples may belong to.
    owners : (N,) int
        Place in `people`, `NOBODY` for the scene.
    """

    frames: Int[np.ndarray, "N"]
    pixels: Float[np.ndarray, "N 2"]
    metres: Float[np.ndarray, "N"]
    sigma: Float[np.ndarray, "N"]
    kinds: Int[np.ndarray, "N"]
    owners: Int[np.ndarray, "N"]
    people: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_arrays(self)
        if np.any(~(self.metres > 0)) or np.any(~(self.sigma > 0)):
            raise ShapeError("DepthEvidence: expected metres and sigma above 0")
        if np.any((self.kinds < 0) | (self.kinds >= len(KINDS))):
            raise ShapeError(f"DepthEvidence.kinds: expected 0 to {len(KINDS) - 1}")
        if np.any((self.owners < NOBODY) | (self.owners >= len(self.people))):
            raise ShapeError("DepthEvidence.owners: names people that are not listed")

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def none(cls) -> Self:
        """Nothing is known."""
        whole = np.zeros(0, dtype=np.int64)
        return cls(
            frames=whole,
            pixels=np.zeros((0, 2)),
            metres=np.zeros(0),
            sigma=np.zeros(0),
            kinds=whole,
            owners=whole,
        )

    @classmethod
    def of(
        cls,
        kind: EvidenceKind,
        frames: np.ndarray,
        pixels: np.ndarray,
        metres: np.ndarray,
        sigma: np.ndarray | float,
        *,
        person: str = "",
    ) -> Self:
        """Put samples of one kind, and of one performer or of none, together.

        Samples whose depth is not finite and above 0 are left out.

        Raises
        ------
        InputError
            If there is no such kind.
        """
        if kind not in KINDS:
            raise InputError(f"no evidence of kind '{kind}'; known: {', '.join(KINDS)}")
        good = np.isfinite(metres) & (metres > 0) & np.isfinite(pixels).all(axis=1)
        count = int(good.sum())
        return cls(
            frames=np.asarray(frames, dtype=np.int64)[good],
            pixels=np.asarray(pixels, dtype=np.float64)[good],
            metres=np.asarray(metres, dtype=np.float64)[good],
            sigma=np.broadcast_to(np.asarray(sigma, dtype=np.float64), good.shape)[good],
            kinds=np.full(count, KINDS.index(kind)),
            owners=np.full(count, 0 if person else NOBODY),
            people=(person,) if person else (),
        )

    def taken(self, chosen: np.ndarray) -> "DepthEvidence":
        """Take some samples, by a mask or by their places."""
        return dataclasses.replace(
            self,
            frames=self.frames[chosen],
            pixels=self.pixels[chosen],
            metres=self.metres[chosen],
            sigma=self.sigma[chosen],
            kinds=self.kinds[chosen],
            owners=self.owners[chosen],
        )

    def of_kind(self, kind: EvidenceKind) -> np.ndarray:
        """Which samples are of a kind, ``(N,)`` bool."""
        return np.asarray(self.kinds == KINDS.index(kind))

    def of_person(self, person: str) -> np.ndarray:
        """Which samples lie on a performer, ``(N,)`` bool."""
        if person not in self.people:
            return np.zeros(len(self), dtype=bool)
        return np.asarray(self.owners == self.people.index(person))


def joined(parts: Iterable[DepthEvidence]) -> DepthEvidence:
    """Put evidence together, in the order that `order_of` gives."""
    return joined_with((part, np.zeros(len(part))) for part in parts)[0]


def joined_with(
    parts: Iterable[tuple[DepthEvidence, np.ndarray]],
) -> tuple[DepthEvidence, np.ndarray]:
    """Put evidence together, and a value beside each sample with it."""
    known = [(part, values) for part, values in parts if len(part)]
    if not known:
        return DepthEvidence.none(), np.zeros(0)
    people = tuple(sorted({person for part, _ in known for person in part.people}))
    owners = [
        np.array([*(people.index(person) for person in part.people), NOBODY])[part.owners]
        for part, _ in known
    ]
    whole = DepthEvidence(
        frames=np.concatenate([part.frames for part, _ in known]),
        pixels=np.concatenate([part.pixels for part, _ in known]),
        metres=np.concatenate([part.metres for part, _ in known]),
        sigma=np.concatenate([part.sigma for part, _ in known]),
        kinds=np.concatenate([part.kinds for part, _ in known]),
        owners=np.concatenate(owners),
        people=people,
    )
    order = order_of(whole)
    return whole.taken(order), np.concatenate([values for _, values in known])[order]


def order_of(evidence: DepthEvidence) -> np.ndarray:
    """Order that depends on the samples alone, so that no sum depends on who gathered first."""
    return np.lexsort(
        (
            evidence.sigma,
            evidence.metres,
            evidence.owners,
            evidence.kinds,
            evidence.pixels[:, 0],
            evidence.pixels[:, 1],
            evidence.frames,
        )
    )
