"""Choices of the classic recipe: which of its faults are kept, and what it is told of scale."""

import dataclasses
from typing import Literal

FaultChoice = Literal["kept", "mended"]
Distance = Literal["pixels", "delivered"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Faults of the recipe, one switch each; True keeps the fault.

    Attributes
    ----------
    kernels_in_frames : bool
        Kernels have one tap per frame and another set from 40 frames/s on. Mended: in seconds.
    last_about_origin : bool
        The last pass over the root's path scales about the world's origin, which is where the
        first camera stood. Mended: about each frame's camera.
    first_person_floor : bool
        Only the first listed person's toes make the floor. Mended: everybody's.
    across_teleports : bool
        Gaps are bridged straight across the cuts that were just found. Mended: who is gone holds
        the last pose up to the cut and the next one after it.
    image_up : bool
        Up is the first picture's up. Mended: what is known of gravity.
    """

    kernels_in_frames: bool = True
    last_about_origin: bool = True
    first_person_floor: bool = True
    across_teleports: bool = True
    image_up: bool = True


KEPT = Faults()
MENDED = Faults(
    kernels_in_frames=False,
    last_about_origin=False,
    first_person_floor=False,
    across_teleports=False,
    image_up=False,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClassicOptions:
    """Choices.

    Attributes
    ----------
    faults : Faults
        `KEPT` or `MENDED`, or any mixture.
    camera_scale : float
        The camera's path is made this much larger, where the evidence does not call it metric.
        The recipe had the scale from a depth network; here it is told, error included.
    distance : {"pixels", "delivered"}
        Where each frame's distance comes from: from size and pixels in closed form, as the
        recipe's network had it, or from the places as they were delivered, which must then be
        about the camera.
    repair_depth, smooth, settle_root : bool
        Steps 4, 5 and 6, and 9. All False: every frame as delivered, `frames_only`.
    seed : int
        Of the floor's draws.
    """

    faults: Faults = MENDED
    camera_scale: float = 1.0
    distance: Distance = "pixels"
    repair_depth: bool = True
    smooth: bool = True
    settle_root: bool = True
    seed: int = 0


def frames_only(camera_scale: float = 1.0, distance: Distance = "pixels") -> ClassicOptions:
    """Options that leave every frame to itself: one shape per person, no filter, classic floor."""
    return ClassicOptions(
        camera_scale=camera_scale,
        distance=distance,
        repair_depth=False,
        smooth=False,
        settle_root=False,
    )
