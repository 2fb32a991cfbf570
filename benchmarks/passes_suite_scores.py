"""Scores of one frame of passes against the truth, and the same passes spoilt on purpose."""

import dataclasses
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.capture.passes.proxy_parts import BODY_PARTS, part_of_joints
from choreoscope.datatypes.camera import Lens
from choreoscope.formats.passes import read_ids, write_ids
from choreoscope.geometry.unprojection import rays_of_lens
from choreoscope.motion.metrics.depth import depth_scores
from choreoscope.motion.metrics.masks import boundary_measure, region_similarity
from choreoscope.rendering.soft import Rendered

COLUMNS = {
    "j": "matte J %",
    "f": "matte F %",
    "abs_rel": "depth AbsRel %",
    "floor": "floor AbsRel %",
    "flicker": "flicker %",
    "normals": "normals deg",
    "floor_normals": "floor normals deg",
    "parts": "parts %",
    "ids": "ids %",
    "flow": "flow EPE px",
    "position": "position mm",
}
LARGE = ("j", "f", "parts", "ids")
"""Columns in which more is better."""
_EDGE = 2
"""Pixels from an outline within which nobody can say who owns a pixel."""
_FIRST_JOINT = 10
"""Parts of the truth from here on are joints of bodies."""
_LEAST_PIXELS = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """One frame as back ends answer it; names as in `capture.passes.interfaces.Answer`."""

    alpha: Mapping[str, np.ndarray]
    depth: np.ndarray
    normals: np.ndarray
    parts: np.ndarray
    flow: np.ndarray
    lens: Lens


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One frame as it is.

    Attributes
    ----------
    seen : Rendered
        By the generator's renderer.
    people : tuple of str
        Instance 1 is the first.
    joints : tuple of str
        Of the parts.
    parents : (J,) int
        Of the joints.
    lens : Lens
        The true one.
    """

    seen: Rendered
    people: tuple[str, ...]
    joints: tuple[str, ...]
    parents: np.ndarray
    lens: Lens


def score(passes: Passes, truth: Truth, scratch: Path) -> dict[str, float]:
    """Score one frame; NaN for what cannot be told in it."""
    seen = truth.seen
    performers = seen.instance > 0
    shown = np.any([alpha > 0.5 for alpha in passes.alpha.values()], axis=0)
    both = performers & shown
    floor = (seen.part == 0) & (seen.instance == 0) & ~shown
    figures = dict.fromkeys(COLUMNS, float("nan"))
    figures["j"], figures["f"] = _mattes(passes, truth)
    figures["ids"] = _ids(passes, truth, scratch)
    ground = floor & passes.normals.any(axis=-1)
    if np.count_nonzero(ground) >= _LEAST_PIXELS:
        figures["floor_normals"] = _degrees(passes.normals[ground], seen.normals[ground])
    figures["floor"] = 100 * depth_scores(passes.depth[floor], seen.depth[floor]).abs_rel
    if np.count_nonzero(both) >= _LEAST_PIXELS:
        figures["abs_rel"] = 100 * depth_scores(passes.depth[both], seen.depth[both]).abs_rel
        figures["normals"] = _degrees(passes.normals[both], seen.normals[both])
        figures["parts"] = 100 * float(np.mean(passes.parts[both] == true_parts(truth)[both]))
        if seen.flow is not None:
            apart = np.linalg.norm(passes.flow[both] - seen.flow[both], axis=-1)
            figures["flow"] = float(np.mean(apart))
        figures["position"] = _position_mm(passes, truth, both)
    return figures


def gain(passes: Passes, truth: Truth) -> float:
    """Logarithm of how much too far performers are in one frame; its change is flicker."""
    both = (truth.seen.instance > 0) & (passes.parts >= 0) & np.isfinite(passes.depth)
    if np.count_nonzero(both) < _LEAST_PIXELS:
        return float("nan")
    return float(np.median(np.log(passes.depth[both] / truth.seen.depth[both])))


def true_parts(truth: Truth) -> np.ndarray:
    """Places in `BODY_PARTS` of every pixel; -1 where nobody is."""
    of_joint = part_of_joints(truth.joints, truth.parents)
    at = truth.seen.part - _FIRST_JOINT
    inside = (truth.seen.instance > 0) & (at >= 0)
    return np.where(inside, of_joint[np.where(inside, at, 0)], -1)


def _mattes(passes: Passes, truth: Truth) -> tuple[float, float]:
    j, f = [], []
    for number, person in enumerate(truth.people, start=1):
        true = truth.seen.instance == number
        if np.count_nonzero(true) < _LEAST_PIXELS:
            continue
        own = passes.alpha.get(person, np.zeros(true.shape)) > 0.5
        j.append(region_similarity(own, true))
        f.append(boundary_measure(own, true, tolerance=2.0))
    return (100 * float(np.mean(j)), 100 * float(np.mean(f))) if j else (float("nan"),) * 2


def _ids(passes: Passes, truth: Truth, scratch: Path) -> float:
    """Share of pixels clear of outlines whose owner, read back from a Cryptomatte, is right."""
    from scipy.ndimage import maximum_filter, minimum_filter

    path = scratch / "people.exr"
    write_ids("people", path, passes.alpha, rate=Fraction(25))
    read = read_ids("people", path)
    instance, side = truth.seen.instance, 2 * _EDGE + 1
    clear = minimum_filter(instance, side) == maximum_filter(instance, side)
    right, count = 0, 0
    for number, person in enumerate(truth.people, start=1):
        mine = clear & (instance == number)
        covered = read.get(person, np.zeros(mine.shape))
        right += int(np.count_nonzero(covered[mine] > 0.5))
        count += int(np.count_nonzero(mine))
    return 100 * right / count if count else float("nan")


def _degrees(own: np.ndarray, opencv: np.ndarray) -> float:
    """Mean angle; the truth has OpenCV's axes, the pass OpenGL's."""
    cosine = np.einsum("px,px->p", own, opencv * [1, -1, -1])
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean())


def _position_mm(passes: Passes, truth: Truth, where: np.ndarray) -> float:
    """Mean distance of performers' pixels, each lifted through its own lens."""
    places = []
    for depth, lens in ((passes.depth, passes.lens), (truth.seen.depth, truth.lens)):
        rays, z = rays_of_lens(lens)[where], depth[where][:, None]
        places.append(np.concatenate([rays * z, z], axis=1))
    return 1000 * float(np.nanmean(np.linalg.norm(places[0] - places[1], axis=1)))


Spoil = Callable[[Passes], Passes]


def _flipped_green(passes: Passes) -> Passes:
    normals = passes.normals * np.array([1, -1, 1], dtype=np.float32)
    return dataclasses.replace(passes, normals=normals)


def _swapped_sides(passes: Passes) -> Passes:
    other = [
        BODY_PARTS.index(
            name.replace("left_", "?").replace("right_", "left_").replace("?", "right_")
        )
        for name in BODY_PARTS
    ]
    swapped = np.where(passes.parts >= 0, np.array(other)[passes.parts], -1)
    return dataclasses.replace(passes, parts=swapped)


def _inverse(passes: Passes) -> Passes:
    return dataclasses.replace(passes, depth=1 / passes.depth)


def _swapped_ids(passes: Passes) -> Passes:
    names = list(passes.alpha)
    turned = [*names[1:], *names[:1]]
    return dataclasses.replace(
        passes, alpha={name: passes.alpha[other] for name, other in zip(names, turned, strict=True)}
    )


def _swapped_flow(passes: Passes) -> Passes:
    return dataclasses.replace(passes, flow=passes.flow[..., ::-1])


def _wrong_lens(passes: Passes) -> Passes:
    lens = passes.lens
    wider = dataclasses.replace(lens, fx=0.8 * lens.fx, fy=0.8 * lens.fy)
    return dataclasses.replace(passes, lens=wider)


def _moved_matte(passes: Passes) -> Passes:
    return dataclasses.replace(
        passes, alpha={name: np.roll(alpha, 8, axis=1) for name, alpha in passes.alpha.items()}
    )


CONTROLS: dict[str, tuple[str, Spoil]] = {
    "green flipped": ("normals", _flipped_green),
    "green flipped, seen on the floor": ("floor_normals", _flipped_green),
    "left and right swapped": ("parts", _swapped_sides),
    "1 / depth taken as depth": ("abs_rel", _inverse),
    "ids swapped": ("ids", _swapped_ids),
    "x and y of flow swapped": ("flow", _swapped_flow),
    "lens 20 % too wide": ("position", _wrong_lens),
    "mattes moved by 8 px": ("j", _moved_matte),
}
"""What is spoilt, and the column that has to show it."""
