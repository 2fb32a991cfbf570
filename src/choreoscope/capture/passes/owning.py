"""Who owns a pixel where crops of several performers overlap, and what the frame's answer is.

Networks see a crop, not a person: a neighbour in the crop is answered too. So the tracks' own
masks decide. Edges of masks are feathered over a few pixels: what is soft (mattes, normals) is
mixed there, what is not (parts, depth) goes to the nearest.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from choreoscope.capture.passes.crops import TURNS, UPRIGHT, Crop, inside, uncropped
from choreoscope.capture.passes.interfaces import Answer, PersonHere
from choreoscope.geometry.masks import decode

FEATHER = 0.01
"""Width of a mask's edge as a share of the longer side of the performer's box."""
FEWEST_PX = 1.0
HAIR = 0.08
"""How far from the mask a matte may still be the performer's, as the same share."""
FULL_CONFIDENCE = 20.0
Patch = tuple[slice, slice]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one crop has of the frame, over the patch it reaches.

    Attributes
    ----------
    crop : Crop
        Whose.
    patch : (slice, slice)
        Rows and columns.
    share : (h, w) float32
        0 to 1; those of all crops sum to 1 where there is any.
    owned : (h, w) bool
        Where this crop is the nearest of all.
    distance : (h, w) float32
        Pixels to the edge of the mask, above 0 inside; infinite without anything to go by.
    feather, hair : float
        Pixels.
    masked : bool
        Whether it has a mask, and not a box or nothing.
    """

    crop: Crop
    patch: Patch
    share: np.ndarray
    owned: np.ndarray
    distance: np.ndarray
    feather: float
    hair: float
    masked: bool

    @property
    def surface(self) -> np.ndarray:
        """Where the performer's body is to be answered, ``(h, w)`` bool: the edge included."""
        found: np.ndarray = self.owned & (self.distance > -2 * self.feather)
        return found

    @property
    def reach(self) -> np.ndarray:
        """How much of a matte counts, ``(h, w)`` float32: 1 near the mask, 0 far from it."""
        if np.isinf(self.distance).any():
            return self.share
        near = np.clip(2 * (self.distance + self.hair) / self.hair, 0, 1)
        found: np.ndarray = self.share * (near * near * (3 - 2 * near)).astype(np.float32)
        return found


def shares(
    crops: Sequence[Crop], people: Mapping[str, PersonHere], size: tuple[int, int]
) -> list[Share]:
    """Divide a frame between the crops of its performers.

    Parameters
    ----------
    crops : sequence of Crop
        Of one frame.
    people : mapping
        Boxes and masks; a performer without a mask owns the box.
    size : (int, int)
        Width and height of the frame.

    Returns
    -------
    list of Share
        One per crop.
    """
    shape = (size[1], size[0])
    total, nearest = np.zeros(shape, np.float32), np.full(shape, -np.inf, np.float32)
    known = []
    for crop in crops:
        patch = crop.patch(size)
        distance, longest = _distance(people.get(crop.person), size, patch)
        feather = max(FEWEST_PX, FEATHER * longest)
        covered = inside(crop, *patch)
        certainty = np.clip(distance / feather, -FULL_CONFIDENCE, FULL_CONFIDENCE)
        weight = np.where(covered, np.exp(certainty), 0).astype(np.float32)
        distance = np.where(covered, distance, -np.inf).astype(np.float32)
        total[patch] += weight
        nearest[patch] = np.maximum(nearest[patch], distance)
        known.append((crop, patch, weight, distance, feather, HAIR * longest))
    found, taken = [], np.zeros(shape, dtype=bool)
    for crop, patch, weight, distance, feather, hair in known:
        owned = (distance >= nearest[patch]) & np.isfinite(nearest[patch]) & ~taken[patch]
        owned |= np.isposinf(distance) & ~taken[patch]
        taken[patch] |= owned
        found.append(
            Share(
                crop=crop,
                patch=patch,
                share=weight / np.maximum(total[patch], np.float32(1e-30)),
                owned=owned,
                distance=distance,
                feather=feather,
                hair=max(2 * FEWEST_PX, hair),
                masked=(here := people.get(crop.person)) is not None and here.mask is not None,
            )
        )
    return found


def _distance(
    here: PersonHere | None, size: tuple[int, int], patch: Patch
) -> tuple[np.ndarray, float]:
    """Pixels to the edge of a mask or box over a patch, above 0 inside; and the longer side."""
    import cv2

    rows, columns = patch
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    if here is None:
        return np.full(shape, np.inf), float(max(size))
    box = here.box_xyxy
    longest = float(max(box[2] - box[0], box[3] - box[1]))
    if here.mask is None or not shape[0] or not shape[1]:
        x = np.arange(columns.start, columns.stop) + 0.5
        y = np.arange(rows.start, rows.stop) + 0.5
        across = np.minimum(x - box[0], box[2] - x)
        down = np.minimum(y - box[1], box[3] - y)
        return np.minimum(across[None], down[:, None]), longest
    own = np.ascontiguousarray(decode(here.mask)[patch]).astype(np.uint8)
    if not own.any():
        return np.full(shape, -float(max(size))), longest
    # Half a pixel: distances are measured to the next pixel's centre, edges lie between two.
    outside = cv2.distanceTransform(1 - own, cv2.DIST_L2, 3) - 0.5
    if own.all():
        return np.full(shape, float(max(size))), longest
    within = cv2.distanceTransform(own, cv2.DIST_L2, 3) - 0.5
    return np.where(own > 0, within, -outside), longest


def frame_answer(
    answers: Sequence[Mapping[str, np.ndarray]],
    owners: Sequence[Share],
    gives: Sequence[str],
    size: tuple[int, int],
) -> Answer:
    """Put the answers about a frame's crops together.

    Parameters
    ----------
    answers : sequence of mapping
        What the network said about each crop, without the batch axis.
    owners : sequence of Share
        The same crops.
    gives : sequence of str
        Names of what is wanted; without a crop they are answered as empty.
    size : (int, int)
        Width and height of the frame.
    """
    out: dict[str, np.ndarray] = {}
    for name in gives:
        out.update(
            _JOINS[name]([own.get(_SOURCE.get(name, name)) for own in answers], owners, size)
        )
    return out


Said = Sequence[np.ndarray | None]
Size = tuple[int, int]


def _pairs(said: Said, owners: Sequence[Share]) -> list[tuple[np.ndarray, Share]]:
    """Answers on their patches."""
    return [
        (uncropped(value, one.crop, *one.patch), one)
        for value, one in zip(said, owners, strict=True)
        if value is not None
    ]


def _alpha(said: Said, owners: Sequence[Share], size: Size) -> Answer:
    whole = np.zeros((size[1], size[0]), dtype=np.float32)
    out = {"alpha": whole}
    for value, one in _pairs(said, owners):
        part = np.clip(value, 0, 1) * one.reach
        whole[one.patch] += part
        if one.crop.person:
            own = np.zeros_like(whole)
            own[one.patch] = part
            out[f"alpha.{one.crop.person}"] = own
    np.clip(whole, 0, 1, out=whole)
    return out


def _foreground(said: Said, owners: Sequence[Share], size: Size) -> Answer:
    whole = np.zeros((size[1], size[0], 3), dtype=np.float32)
    for value, one in _pairs(said, owners):
        whole[one.patch] += np.clip(value, 0, 1) * one.share[..., None]
    return {"foreground": np.clip(whole, 0, 1)}


def _normals(said: Said, owners: Sequence[Share], size: Size) -> Answer:
    whole = np.zeros((size[1], size[0], 3), dtype=np.float32)
    body = np.zeros((size[1], size[0]), dtype=bool)
    for value, one in _pairs(said, owners):
        if one.crop.turn != UPRIGHT:
            # A crop only shifts, scales and turns by quarters; normals have their y upwards.
            back = TURNS[one.crop.turn].T * [[1, -1], [-1, 1]]
            value[..., :2] = value[..., :2] @ back.T.astype(np.float32)
        whole[one.patch] += value * one.share[..., None]
        body[one.patch] |= one.surface
    length = np.linalg.norm(whole, axis=-1)
    body &= length > 1e-6  # noqa: PLR2004
    whole[body] /= length[body, None]
    whole[~body] = 0
    return {"normals": whole}


def _depth(said: Said, owners: Sequence[Share], size: Size) -> Answer:
    whole = np.full((size[1], size[0]), np.nan, dtype=np.float32)
    for value, one in _pairs(said, owners):
        patch = whole[one.patch]
        patch[one.surface] = value[one.surface]
    return {"depth": whole}


def _parts(said: Said, owners: Sequence[Share], size: Size) -> Answer:
    whole = np.full((size[1], size[0]), -1, dtype=np.int32)
    for value, one in zip(said, owners, strict=True):
        own = one.owned & (one.distance > 0)
        if value is None or not own.any():
            continue
        inner = _bounds(own)
        place = tuple(
            slice(outer.start + part.start, outer.start + part.stop)
            for outer, part in zip(one.patch, inner, strict=True)
        )
        # A mask knows where the performer is; then the network only says which part.
        first = 1 if one.masked else 0
        label, best = (
            np.zeros(own[inner].shape, np.int32),
            np.full(own[inner].shape, -np.inf, np.float32),
        )
        for part in range(first, len(value)):
            # Plane by plane: all classes of a large frame at once would not fit beside others.
            score = uncropped(value[part], one.crop, place[0], place[1])
            better = score > best
            label[better], best[better] = part - 1, score[better]
        patch = whole[place]
        patch[own[inner]] = label[own[inner]]
    return {"parts": whole}


def _bounds(inside: np.ndarray) -> Patch:
    """Smallest patch that holds everything inside."""
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _points(said: Said, owners: Sequence[Share], size: Size) -> Answer:
    del size
    out = {}
    for value, one in zip(said, owners, strict=True):
        if value is not None:
            matrix = one.crop.frame_from_crop
            # Points count from the corner of the picture, crops from the first pixel's centre.
            places = (value[:, :2] - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
            out[f"points.{one.crop.person or 'frame'}"] = np.column_stack([
                places, value[:, 2]
            ]).astype(np.float32)  # fmt: skip
    return out


_JOINS = {
    "alpha": _alpha,
    "foreground": _foreground,
    "normals": _normals,
    "depth": _depth,
    "parts": _parts,
    "points": _points,
}
_SOURCE = {"parts": "scores"}
CROP_ANSWERS = tuple(_SOURCE.get(name, name) for name in _JOINS)
