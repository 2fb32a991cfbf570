"""What one score is: its name, unit, values, and which way is better."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from choreoscope.motion.metrics.means import pooled

Group = Literal["people", "pose", "world", "movement", "feet", "image", "camera", "tracks", "masks"]
Better = Literal["lower", "higher", "zero", "truth"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One line of a comparison.

    Attributes
    ----------
    name : str
        Unique, for programs.
    group : str
        What it is about.
    unit : str
        Of the value; empty for a plain number.
    value : float
        Of everybody, frames pooled; NaN where nothing could be compared.
    people : mapping of str to float
        The same of each person of the truth; empty where it is about all.
    truth : float or None
        The truth's own value, where it has one.
    better : {"lower", "higher", "zero", "truth"}
        Which way is better; "truth": nearer to the truth's own.
    """

    name: str
    group: Group
    unit: str
    value: float
    people: Mapping[str, float] = dataclasses.field(default_factory=dict)
    truth: float | None = None
    better: Better = "lower"

    @property
    def per_clip(self) -> float:
        """Mean of the people's own values, each counted once."""
        return pooled([np.array(list(self.people.values()))])


def of_people(
    name: str,
    group: Group,
    unit: str,
    values: Mapping[str, Sequence[float] | np.ndarray],
    *,
    truth: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    better: Better = "lower",
) -> Score:
    """Make a score of values per frame and person: pooled for all, averaged for each."""
    return Score(
        name=name,
        group=group,
        unit=unit,
        value=pooled(list(values.values())),
        people={person: pooled([own]) for person, own in values.items()},
        truth=None if truth is None else pooled(list(truth.values())),
        better=better,
    )
