"""Configuration files: written and read back, broken in every way, changed in place."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from config_cases import ANY_TEXT, RECIPES, Oven, Recipe
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.config.editing import replaced, set_key, write_whole
from choreoscope.pipeline.config.layers import resolve
from choreoscope.pipeline.config.reading import compose, layer_of, plain, read_layer
from choreoscope.pipeline.config.schema import keys_of
from choreoscope.pipeline.config.writing import commented, flow

BOOK = """\
# my bread

name: rye          # the dark one
steps:
  - knead
  # not too long
  - bake
oven:
  # degrees
  celsius: 220

  fan: true
prices: {corner: 2.5}
"""


def loaded(text: str) -> Recipe:
    return resolve(Recipe, [layer_of(text, Path("/kitchen/book.yaml"), Recipe)]).values


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        loaded(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(RECIPES)
def test_what_is_written_is_read_back(recipe: Recipe) -> None:
    assert loaded(commented(recipe, "A recipe")) == recipe


@given(RECIPES, RECIPES)
def test_different_recipes_give_different_texts(one: Recipe, other: Recipe) -> None:
    assert (commented(one, "") == commented(other, "")) == (one == other)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
))  # fmt: skip
def test_one_line_of_yaml_holds_any_plain_value(value: object) -> None:
    line = f"key: {flow(value)}\n"
    assert line.count("\n") == 1
    assert plain(compose(line, "x"), "x") == {"key": value}


def test_every_key_is_there_below_its_meaning_unit_choices_and_default() -> None:
    text = commented(Recipe(), "A recipe")
    for key in keys_of(Recipe):
        assert f"{'  ' * (len(key.path) - 1)}{key.path[-1]}:" in text
        assert key.meaning in text
    assert "# [degrees: a number, above 0, below 500, or null; default: null]" in text
    assert "# [true or false; default: true]" in text
    assert "# [name: a number; default: {}]" in text


def test_yaml_1_2_takes_no_for_a_word_and_true_for_a_switch() -> None:
    assert loaded("name: no").name == "no"
    assert loaded("name: 1:30").name == "1:30"
    assert loaded("name: 2024-01-02").name == "2024-01-02"
    assert loaded("name: 12").name == "12"
    assert loaded("oven: {fan: false}").oven.fan is False
    # The control: without quotes true is no text.
    assert "expected text, got True" in refusal("name: true")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("nme: x\n", 1, "did you mean 'name'"),
        ("# c\n\nname: x\noven:\n  celsiuss: 3\n", 5, "did you mean 'oven.celsius'"),
        ("toppings:\n  seeds:\n    gram: 3\n", 3, "did you mean 'toppings.seeds.grams'"),
        ("celsius: 3\n", 1, "did you mean 'oven.celsius'"),
        ("name: a\nname: b\n", 2, "twice, first in line 1"),
        ("oven:\n  fan: true\n  fan: true\n", 3, "twice, first in line 2"),
        ("oven:\n\tfan: true\n", 2, "a tab; YAML indents with spaces"),
        ("- a\n- b\n", 1, "expected 'key: value' lines, got a list"),
        ("just words\n", 1, "expected 'key: value' lines, got 'just words'"),
        ("name: [a\n", 2, "not YAML"),
        ("name: 'a\n", 2, "not YAML"),
        ("name: a: b\n", 1, "not YAML"),
        ("name: a\n---\nname: b\n", 2, "not YAML"),
        ("name: *else\n", 1, "not YAML"),
        ("name: !!python/name:os.system x\n", 1, "tag"),
        ("? [a]\n: b\n", 1, "expected a name before ':'"),
        ("name: a\noven: hot\n", 2, "expected keys below it, got 'hot'"),
        ("name: {a: b}\n", 1, "expected text, got a section"),
        ("\noven:\n  celsius: hot\n", 3, "expected a number, above 0, below 500, or null"),
        ("oven:\n  celsius: -4\n", 2, "got -4"),
        ("oven:\n  celsius: true\n", 2, "got True"),
        ("oven:\n  celsius: .nan\n", 2, "got nan"),
        ("oven:\n  gas_mark: 2.5\n", 2, "expected a whole number, 1 or more, at most 9"),
        ("oven:\n  fan: perhaps\n", 2, "expected true or false"),
        ("toppings:\n  seeds:\n    side: lfet\n", 3, "did you mean 'left'"),
        ("prices:\n  corner: cheap\n", 2, "prices.corner: expected a number, got 'cheap'"),
        ("oven:\n  celsius: 200\n  gas_mark: 4\n", 2, "give one of them"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_line(text: str, line: int, words: str) -> None:
    said = refusal(text)
    assert f"line {line}" in said, said
    assert words in said


@pytest.mark.parametrize("text", ["", "\n\n", "# only words\n", "null\n", "---\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert "holds no key" in refusal(text)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(InputError, match="not a text file in UTF-8"):
        read_layer(path, Recipe)
    path.write_bytes(b"name: a\x00b\n")
    with pytest.raises(InputError, match="not YAML"):
        read_layer(path, Recipe)
    with pytest.raises(InputError, match="no such file"):
        read_layer(tmp_path / "other.yaml", Recipe)
    with pytest.raises(InputError, match="cannot be read"):
        read_layer(tmp_path, Recipe)
    path.write_bytes(b"\xef\xbb\xbfname: rye\r\nnote: x\r\n")
    assert resolve(Recipe, [read_layer(path, Recipe)]).values.name == "rye"


def test_relative_paths_count_from_the_folder_of_the_file() -> None:
    assert loaded("book: shelf/a.txt").book == Path("/kitchen/shelf/a.txt")
    assert loaded("book: ../a.txt").book == Path("/a.txt")
    assert loaded("book: /else/a.txt").book == Path("/else/a.txt")
    assert loaded('book: "{out}/a.txt"').book == Path("{out}/a.txt")


def test_a_named_section_may_have_all_defaults_or_none() -> None:
    assert list(loaded("toppings: {seeds: {}}").toppings) == ["seeds"]
    assert loaded("toppings:\n").toppings == {}


CHANGES = st.sampled_from([
    ("name", "wheat"), ("name", "no: yes"), ("note", "# quite"), ("steps", ["a", "b"]),
    ("oven.celsius", 180.5), ("oven.fan", False), ("prices.corner", 3), ("prices.market", 4),
    ("toppings.seeds.grams", 5), ("toppings", {"salt": {"grams": 1}}), ("book", "/shelf/x.txt"),
])  # fmt: skip


def _set(tree: dict[str, Any], path: list[str], value: object) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value


@given(st.lists(CHANGES, min_size=1, max_size=4))
def test_an_edit_changes_its_key_and_no_other_line(changes: list[tuple[str, object]]) -> None:
    text = BOOK
    for key, value in changes:
        wanted = plain(compose(text, "x"), "x")
        _set(wanted, key.split("."), value)
        after = replaced(text, "x", tuple(key.split(".")), value)
        assert plain(compose(after, "x"), "x") == wanted
        loaded(after)
        kept = [line for line in text.splitlines() if line in after.splitlines()]
        # The list of steps is three lines with a comment of its own; everything else is one line.
        assert len(text.splitlines()) - len(kept) <= (4 if key == "steps" else 1)
        assert all(part in after for part in ("# my bread", "# the dark one", "  # degrees\n"))
        text = after


def test_an_edit_in_words() -> None:
    assert replaced(BOOK, "x", ("oven", "celsius"), 180) == BOOK.replace("220", "180")
    assert replaced(BOOK, "x", ("name",), "no") == BOOK.replace("rye ", '"no" ')
    assert replaced(BOOK, "x", ("oven", "gas_mark"), 4) == BOOK.replace(
        "fan: true\n", "fan: true\n  gas_mark: 4\n"
    )
    assert replaced(BOOK, "x", ("note",), "x") == BOOK + "note: x\n"
    assert replaced(BOOK, "x", ("toppings", "seeds", "grams"), 3.0) == (
        BOOK + "toppings:\n  seeds:\n    grams: 3.0\n"
    )
    assert replaced(BOOK, "x", ("prices", "market"), 1) == BOOK.replace(
        "{corner: 2.5}", "{corner: 2.5, market: 1}"
    )
    assert replaced("name:  # c\nnote: x", "x", ("name",), "z") == "name: z  # c\nnote: x"
    assert replaced("name: x", "x", ("note",), "z") == "name: x\nnote: z\n"
    assert replaced("oven:\n# c\nname: x\n", "x", ("oven", "fan"), False) == (  # noqa: FBT003
        "oven: {fan: false}\n# c\nname: x\n"
    )
    block = "note: |\n  long\n  words\n# c\nname: x\n"
    assert replaced(block, "x", ("note",), "z") == "note: z\n# c\nname: x\n"


def test_a_key_is_set_in_the_file_or_the_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    path.write_text(BOOK, encoding="utf-8")
    set_key(path, Recipe, "oven.fan", "false")
    assert path.read_text(encoding="utf-8") == BOOK.replace("fan: true", "fan: false")
    before = path.read_bytes()
    for key, value, words in (
        ("oven.fun", "false", "did you mean 'oven.fan'"),
        ("oven.celsius", "900", "got 900"),
        ("oven.gas_mark", "4", "give one of them"),
        ("name.first", "x", "single value"),
    ):
        with pytest.raises(InputError, match=words):
            set_key(path, Recipe, key, value)
        assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["book.yaml"]


def test_the_same_text_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a" / "book.yaml"
    write_whole(path, BOOK)
    before = path.stat().st_mtime_ns
    write_whole(path, BOOK)
    assert path.stat().st_mtime_ns == before
    write_whole(path, BOOK + "\n")
    assert path.read_text(encoding="utf-8") == BOOK + "\n"


def test_a_section_can_come_from_a_dataclass() -> None:
    from choreoscope.pipeline.config.dataclass_models import attribute_meanings, section_of

    @dataclasses.dataclass(frozen=True)
    class Pan:
        """A pan.

        Attributes
        ----------
        width, depth : float
            Size, centimetres. Wide
            ones are heavy.
        lid : bool
            Whether it has one.

        Notes
        -----
        height : float
            No attribute.
        """

        width: float = 20.0
        depth: float = 5.0
        lid: bool = False

        def __post_init__(self) -> None:
            if self.width <= self.depth:
                raise InputError("a pan is wider than deep")

    assert attribute_meanings(Pan) == {
        "width": "Size, centimetres. Wide ones are heavy.",
        "depth": "Size, centimetres. Wide ones are heavy.",
        "lid": "Whether it has one.",
    }
    kind = section_of(Pan)
    assert [key.name for key in keys_of(kind)] == ["width", "depth", "lid"]
    assert kind().model_dump() == {"width": 20.0, "depth": 5.0, "lid": False}
    with pytest.raises(InputError, match="wider than deep"):
        resolve(kind, [layer_of("depth: 30\n", Path("/x.yaml"), kind)])
    assert section_of(Oven) is Oven
