"""Flags beat file beats preset beats defaults, key by key; keys as flags."""

from pathlib import Path

import pytest
from config_cases import ANY_TEXT, Recipe, layers
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.config.flags import parse, split
from choreoscope.pipeline.config.layers import DEFAULT, Given, Layer, resolve, value_at
from choreoscope.pipeline.config.schema import KeyPath, Leaf, keys_of, shape_at

HERE = Path("/here")
NAMES = ("preset", "file", "flags")


@given(layers("preset"), layers("file"), layers("flags"))
def test_the_highest_layer_that_gives_a_key_decides(
    preset: Layer, file: Layer, flags: Layer
) -> None:
    three = (preset, file, flags)
    resolved = resolve(Recipe, three)
    plain = Recipe()
    for path in {path for layer in three for path in layer.values} | {("note",), ("oven", "fan")}:
        givers = [layer for layer in three if path in layer.values]
        if givers:
            wanted, origin = givers[-1].values[path].value, givers[-1].values[path].origin
        else:
            wanted, origin = value_at(plain, path), DEFAULT
        assert value_at(resolved.values, path) == wanted
        assert resolved.origin(path) == origin


def test_the_law_of_layers_can_fail() -> None:
    low = Layer(values={("name",): Given("a", "low")})
    high = Layer(values={("name",): Given("b", "high")})
    assert resolve(Recipe, [low, high]).values.name == "b"
    assert resolve(Recipe, [high, low]).values.name == "a"


def test_a_mapping_is_laid_over_key_by_key_and_a_section_in_it_can_be_taken_away() -> None:
    low = parse(Recipe, ["--prices={corner: 1, market: 2}", "--toppings={a: {}, b: {}}"], HERE)
    high = parse(Recipe, ["--prices.market=3", "--toppings.a=null"], HERE)
    resolved = resolve(Recipe, [low, high]).values
    assert resolved.prices == {"corner": 1, "market": 3}
    assert list(resolved.toppings) == ["b"]


def test_one_of_a_group_replaces_the_other_in_lower_layers() -> None:
    low = parse(Recipe, ["--oven.celsius=200", "--oven.fan=false"], HERE)
    high = parse(Recipe, ["--oven.gas_mark=4"], HERE)
    oven = resolve(Recipe, [low, high]).values.oven
    assert (oven.celsius, oven.gas_mark, oven.fan) == (None, 4, False)
    with pytest.raises(InputError, match=r"--oven\.celsius and --oven\.gas_mark"):
        resolve(Recipe, [parse(Recipe, ["--oven.celsius=200", "--oven.gas_mark=4"], HERE)])
    none = parse(Recipe, ["--oven.celsius=200", "--oven.gas_mark=null"], HERE)
    assert resolve(Recipe, [none]).values.oven.celsius == 200


def test_every_key_explains_where_its_value_comes_from() -> None:
    layer = parse(Recipe, ["--oven.celsius", "200", "--toppings.seeds.grams", "3"], HERE)
    told = {
        key.name: (value, origin) for key, value, origin in resolve(Recipe, [layer]).explained()
    }
    assert told["oven.celsius"] == (200, "--oven.celsius")
    assert told["oven.fan"] == (True, "default")
    assert told["toppings.seeds.grams"] == (3, "--toppings.seeds.grams")
    assert told["toppings.seeds.side"] == ("all", "default")


@pytest.mark.parametrize("key", list(keys_of(Recipe)), ids=lambda key: key.name)
def test_every_key_has_a_flag(key: object) -> None:
    path: KeyPath = key.path  # type: ignore[attr-defined]
    flag = "--" + ".".join(path)
    samples = {"name": "x", "note": "x", "book": "x", "steps": "[x]", "celsius": "3"}
    samples |= {"gas_mark": "3", "fan": "false", "prices": "{a: 3}", "toppings": "{a: {}}"}
    for words in ([flag, samples[path[-1]]], [f"{flag}={samples[path[-1]]}"]):
        layer = parse(Recipe, words, HERE)
        assert {at[: len(path)] for at in layer.values} == {path}
        resolve(Recipe, [layer])


@given(ANY_TEXT)
def test_a_text_comes_through_as_typed(text: str) -> None:
    """But for null, which is how nothing is said."""
    layer = parse(Recipe, ["--name", text], HERE)
    quoted = text.strip()[:1] in "'\"[{!&*|>%@`#" or ": " in text or " #" in text
    if not quoted and text.strip() == text and text.lower() not in {"null", "~", ""}:
        assert str(resolve(Recipe, [layer]).values.name) == text
    else:
        assert layer.values[("name",)] is not None


@pytest.mark.parametrize("text", ["no", "1:30", "2024-01-02", "007", "a: b", "[", "'", "x # y"])
def test_texts_that_look_like_something_else(text: str) -> None:
    wanted = {"x # y": "x", "007": "7"}.get(text, text)
    assert resolve(Recipe, [parse(Recipe, ["--name", text], HERE)]).values.name == wanted


def test_flags_stand_anywhere_and_leave_the_others() -> None:
    words = ["film", "--oven.fan", "--quiet", "--oven.celsius", "200", "--out", "x.y", "--name=a"]
    flags, others = split(Recipe, words)
    assert flags == ["--oven.fan=true", "--oven.celsius=200", "--name=a"]
    assert others == ["film", "--quiet", "--out", "x.y"]
    assert split(Recipe, ["--oven.fan", "false", "x"]) == (["--oven.fan=false"], ["x"])
    assert split(Recipe, ["--", "--oven.fan"]) == ([], ["--", "--oven.fan"])
    assert split(Recipe, ["--name", "x"], {"--name"}) == ([], ["--name", "x"])


def test_dashes_and_underscores_are_equal() -> None:
    layer = parse(Recipe, ["--oven.gas-mark", "3"], HERE)
    assert list(layer.values) == [("oven", "gas_mark")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--oven.celsiuss", "3"], "--oven.celsiuss: 'oven' has no key 'celsiuss'; did you mean"),
        (["--ofen.celsius", "3"], "did you mean 'oven'"),
        (
            ["--oven.celsius"],
            "--oven.celsius: expected a number, above 0, below 500, or null behind",
        ),
        (["--oven.celsius", "hot"], "--oven.celsius: expected a number"),
        (["--oven.celsius", "-3"], "got -3"),
        (["--oven", "3"], "neither an option nor a key"),
        (["--oven.fan.speed", "3"], "single value"),
        (["--prices", "3"], "--prices: expected a mapping such as {name: value}, got '3'"),
        (["stray"], "neither an option nor a key"),
    ],
)
def test_flags_that_cannot_be_used(words: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve(Recipe, [parse(Recipe, words, HERE)])
    assert said in str(caught.value)


def test_relative_paths_of_flags_count_from_the_current_folder() -> None:
    resolved = resolve(Recipe, [parse(Recipe, ["--book", "b/c.txt"], HERE)])
    assert resolved.values.book == HERE / "b" / "c.txt"


@given(st.sampled_from(list(keys_of(Recipe))))
def test_keys_are_found_by_their_path(key: object) -> None:
    path: KeyPath = key.path  # type: ignore[attr-defined]
    found, shape = shape_at(Recipe, path, "here")
    assert found == path
    assert isinstance(shape, Leaf) == (path[-1] not in {"prices", "toppings"})
