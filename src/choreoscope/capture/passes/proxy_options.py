"""Choices of the passes that are rendered from the solved bodies; nothing heavy stands here."""

import dataclasses
from typing import Literal

from choreoscope.datatypes.errors import InputError

Detail = Literal["auto", "full", "low"]
Outline = Literal["mask", "body"]
OUTLINES = ("mask", "body")
DETAILS = ("auto", "full", "low")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProxyOptions:
    """What is rendered.

    Attributes
    ----------
    detail : {"auto", "full", "low"}
        How fine the bodies' surfaces are; auto takes the coarse one for performers who are small
        in the picture throughout the shot.
    floor_metres : float
        The floor ends at this distance from the camera; 0 for no floor.
    bridge_seconds : float
        A performer stays in the picture through gaps of the tracking up to this long.
    outline : {"mask", "body"}
        Where depth, normals and parts of a performer end: carried on to the edge of the own
        pixels in the film (hair, clothes), or at the body's own outline.
    """

    detail: Detail = "auto"
    floor_metres: float = 100.0
    bridge_seconds: float = 0.5
    outline: Outline = "mask"

    def __post_init__(self) -> None:
        if self.detail not in DETAILS:
            raise InputError(f"proxy: detail is {', '.join(DETAILS)}; got '{self.detail}'")
        if self.outline not in OUTLINES:
            raise InputError(f"proxy: outline is {', '.join(OUTLINES)}; got '{self.outline}'")
        if not (self.floor_metres >= 0 and self.bridge_seconds >= 0):
            raise InputError(
                "proxy: expected floor_metres and bridge_seconds of 0 or more, got "
                f"{self.floor_metres} and {self.bridge_seconds}"
            )
