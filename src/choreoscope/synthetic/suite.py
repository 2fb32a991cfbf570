"""The fixed set of shots that methods are measured on."""

import dataclasses
from fractions import Fraction
from pathlib import Path

from choreoscope.synthetic.shot import ShotSpec

_SEED = 4000


def suite(count: int = 20, bvh: Path | None = None) -> list[ShotSpec]:
    """List the shots.

    Parameters
    ----------
    count : int
        How many of them, from the first on; after the twentieth they repeat with other seeds.
    bvh : Path or None
        Folder of recorded motion for the shots that want it; None lets dances of our own stand in.

    Returns
    -------
    list of ShotSpec
        Names are unique; equal arguments give equal shots.
    """
    shots = [_shot(number, bvh) for number in range(count)]
    names = [shot.name for shot in shots]
    return [
        dataclasses.replace(shot, name=f"{index:02d}-{name}")
        for index, (shot, name) in enumerate(zip(shots, names, strict=True))
    ]


def _shot(number: int, bvh: Path | None) -> ShotSpec:
    kind = _KINDS[number % len(_KINDS)]
    recorded = bvh if kind.name.startswith("recorded") else None
    return dataclasses.replace(kind, seed=_SEED + number, bvh=recorded)


_KINDS = (
    ShotSpec(name="one-static", camera="static", seconds=8),
    ShotSpec(name="one-walking", camera="walking", seconds=6),
    ShotSpec(name="two-pan", people=2, camera="pan", crossing=True),
    ShotSpec(name="one-kneel", camera="handheld", floor_work=("kneel",), seconds=7),
    ShotSpec(name="recorded-static", camera="static", seconds=6),
    ShotSpec(name="partners-static", people=2, camera="static", partner=True),
    ShotSpec(name="three-crane", people=3, camera="crane", rate=Fraction(25)),
    ShotSpec(name="one-jumps-tilt", camera="tilt", energy=0.9, seconds=7),
    ShotSpec(name="two-enter-static", people=2, camera="static", entering=True, seconds=8),
    ShotSpec(name="recorded-walking", camera="walking", people=2),
    ShotSpec(name="four-static", people=4, camera="static", seconds=5),
    ShotSpec(name="one-zoom", camera="zoom"),
    ShotSpec(name="two-cropped", people=2, camera="handheld", fill=1.7),
    ShotSpec(name="one-sit-pan", camera="pan", floor_work=("sit", "hand"), seconds=9),
    ShotSpec(name="recorded-pan", camera="pan", people=1, rate=Fraction(24)),
    ShotSpec(name="two-panzoom", people=2, camera="pan_zoom", crossing=True),
    ShotSpec(name="three-leave", people=3, camera="handheld", leaving=True, seconds=7),
    ShotSpec(name="child-adult", people=2, children=1, camera="static"),
    ShotSpec(name="short", people=2, camera="walking", seconds=1.2, rate=Fraction(50)),
    ShotSpec(name="four-partners", people=4, camera="crane", partner=True, seconds=5),
)
