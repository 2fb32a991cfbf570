"""What holds for a whole delivery, decided once and kept with the result."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from choreoscope.capture.external.delivery import Delivery, Source
from choreoscope.capture.external.numbering import Numbering
from choreoscope.capture.external.options import PassSource
from choreoscope.capture.external.reading import Reader, values_of
from choreoscope.capture.external.units import (
    Background,
    DepthMeaning,
    Sample,
    background_of,
    depth_meaning,
)
from choreoscope.datatypes.errors import InputError

LOOKED_AT = 12
"""Frames of each pass, evenly spread; each is read once more when it is taken in."""
MOST_PIXELS = 250_000
BELOW_ZERO = -0.01

People = dict[int, list[tuple[float, float, float]]]
"""Source frame to (x, y, metres) of every person's middle."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What holds for one pass.

    Attributes
    ----------
    numberings : dict
        Root to how its files are numbered.
    background : Background or None
        For normals and depth; None until there is a picture.
    signed : bool or None
        Whether normals are stored as -1 to 1.
    depth : DepthMeaning or None
        How depth becomes metres.
    """

    numberings: Mapping[str, Numbering]
    background: Background | None = None
    signed: bool | None = None
    depth: DepthMeaning | None = None

    def record(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Decision":
        """Read what `record` gave.

        Raises
        ------
        InputError
            If it is something else.
        """
        try:
            background, depth = record["background"], record["depth"]
            return cls(
                numberings={
                    root: Numbering(**fields) for root, fields in record["numberings"].items()
                },
                background=background
                and Background(**{**background, "value": tuple(background["value"])}),
                signed=record["signed"],
                depth=depth and DepthMeaning(**depth),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"a record of an external stage is damaged ({error}); run the capture again"
            ) from error


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What decisions are made from, beside the delivery.

    Attributes
    ----------
    passes : dict
        Pass to what the user said.
    size : (int, int)
        Width and height of the film.
    people : dict
        Where the people are; empty when nobody is solved.
    """

    passes: Mapping[str, PassSource]
    size: tuple[int, int]
    people: People


def decide(
    delivery: Delivery,
    before: Mapping[str, Decision],
    given: Circumstances,
    reader: Reader,
) -> tuple[dict[str, Decision], list[str]]:
    """Decide what is not decided yet.

    Returns
    -------
    decisions : dict
        By pass; what was decided before stays.
    notes : list of str
        What was guessed, for people.
    """
    decisions: dict[str, Decision] = {}
    notes: list[str] = []
    for name, said in given.passes.items():
        known = before.get(name, Decision(numberings={}))
        fresh = {
            root: one
            for root, one in delivery.numberings[name].items()
            if root not in known.numberings
        }
        if "" in fresh and said.first_number == "guess":
            notes.append(f"{name}: frame numbers guessed: {fresh[''].how}")
        known = dataclasses.replace(known, numberings={**known.numberings, **fresh})
        if name in ("normals", "depth"):
            samples = list(_samples(name, delivery, given, reader))
            if name == "normals":
                known = _normals(known, samples, said)
            else:
                known = _depth(known, samples, said, given.people, notes)
        decisions[name] = known
    return decisions, notes


def _normals(known: Decision, samples: Sequence[Sample], said: PassSource) -> Decision:
    if known.background is not None or not samples:
        return known
    signed = said.signed == "yes"
    if said.signed == "guess":
        lowest = min(float(np.nanmin(one.values, initial=0.0)) for one in samples)
        signed = lowest < BELOW_ZERO
    return dataclasses.replace(known, background=background_of(samples, said), signed=signed)


def _depth(
    known: Decision,
    samples: Sequence[Sample],
    said: PassSource,
    people: People,
    notes: list[str],
) -> Decision:
    if known.depth is not None or not samples:
        return known
    background = background_of(samples, said)
    meaning = depth_meaning(samples, background, said, people)
    if meaning is None:
        return known
    if meaning.is_guess:
        notes.append(f"depth: taken for {meaning.unit} ({meaning.how}); declare unit to be sure")
    if meaning.result == "relative":
        notes.append(f"depth: relative, not metres ({meaning.how})")
    return dataclasses.replace(known, background=background, depth=meaning)


def _samples(
    name: str, delivery: Delivery, given: Circumstances, reader: Reader
) -> Iterator[Sample]:
    sources = {f: one for f, one in delivery.sources[name].items() if not one.is_growing}
    frames = sorted(sources)
    step = max(1, math.ceil(math.sqrt(given.size[0] * given.size[1] / MOST_PIXELS)))
    for at in sorted({round(i) for i in np.linspace(0, len(frames) - 1, LOOKED_AT)}):
        if at >= len(frames) or at < 0:
            continue
        frame = frames[at]
        try:
            picture = reader.picture(sources[frame])
            values = values_of(name, picture, given.passes[name], given.size)
        except InputError:
            # It becomes a gap, with this reason, when it is taken in.
            continue
        alpha = _alpha(frame, delivery, given, reader)
        yield Sample(
            frame=frame,
            values=values[::step, ::step],
            alpha=None if alpha is None else alpha[::step, ::step],
            step=step,
            is_coarse=picture.is_whole_numbers,
        )


def _alpha(
    frame: int, delivery: Delivery, given: Circumstances, reader: Reader
) -> np.ndarray | None:
    source: Source | None = delivery.sources.get("alpha", {}).get(frame)
    if source is None or source.is_growing:
        return None
    try:
        picture = reader.picture(source)
        return values_of("alpha", picture, given.passes["alpha"], given.size)[..., 0]
    except InputError:
        return None
