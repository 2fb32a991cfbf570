"""A small configuration with one key of every kind, and strategies for it."""

from pathlib import Path
from typing import ClassVar, Literal

from hypothesis import strategies as st
from pydantic import Field

from choreoscope.pipeline.config.layers import Given, Layer
from choreoscope.pipeline.config.schema import KeyPath, Section


class Oven(Section):
    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("celsius", "gas_mark"),)

    celsius: float | None = Field(
        default=None, gt=0, lt=500, description="Heat.", json_schema_extra={"unit": "degrees"}
    )
    gas_mark: int | None = Field(default=None, ge=1, le=9, description="Heat in numbers.")
    fan: bool = Field(default=True, description="Whether the fan turns.")


class Topping(Section):
    grams: float = Field(default=10.0, ge=0, description="How much.")
    side: Literal["left", "right", "all"] = Field(default="all", description="Where.")


class Recipe(Section):
    name: str = Field(default="bread", description="What it is called.")
    note: str | None = Field(default=None, description="Anything.")
    book: Path | None = Field(default=None, description="Where it stands.")
    steps: tuple[str, ...] = Field(default=(), description="What to do, in order.")
    oven: Oven = Field(default_factory=Oven, description="The oven.")
    prices: dict[str, float] = Field(default_factory=dict, description="Price by shop.")
    toppings: dict[str, Topping] = Field(default_factory=dict, description="What lies on it.")


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
FLOATS = st.floats(0.001, 499)

TOPPINGS = st.builds(Topping, grams=FLOATS, side=st.sampled_from(["left", "right", "all"]))

RECIPES = st.builds(
    Recipe,
    name=ANY_TEXT,
    note=st.none() | ANY_TEXT,
    book=st.none() | st.sampled_from([Path("/shelf/a book.txt"), Path("/b/é #1: x.md")]),
    steps=st.lists(ANY_TEXT, max_size=3).map(tuple),
    oven=st.builds(Oven, celsius=FLOATS, fan=st.booleans())
    | st.builds(Oven, gas_mark=st.integers(1, 9)),
    prices=st.dictionaries(NAMES, st.floats(-1e12, 1e12), max_size=3),
    toppings=st.dictionaries(NAMES, TOPPINGS, max_size=2),
)

SINGLE_VALUES: dict[KeyPath, st.SearchStrategy[object]] = {
    ("name",): ANY_TEXT,
    ("note",): ANY_TEXT,
    ("oven", "celsius"): FLOATS,
    ("oven", "fan"): st.booleans(),
    ("prices", "corner"): FLOATS,
    ("prices", "market"): FLOATS,
    ("toppings", "seeds", "grams"): FLOATS,
    ("toppings", "seeds", "side"): st.sampled_from(["left", "right"]),
}


@st.composite
def layers(draw: st.DrawFn, origin: str) -> Layer:
    """A layer that gives some of the values."""
    paths = draw(st.sets(st.sampled_from(sorted(SINGLE_VALUES))))
    return Layer(values={path: Given(draw(SINGLE_VALUES[path]), origin) for path in sorted(paths)})
