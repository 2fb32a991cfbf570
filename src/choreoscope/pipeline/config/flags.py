"""Keys as flags: ``--lens.fov_degrees 62``, dashes and underscores being equal."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.config.layers import Given, Layer, based
from choreoscope.pipeline.config.reading import plain
from choreoscope.pipeline.config.schema import (
    KeyPath,
    Keys,
    Leaf,
    Shape,
    expectation,
    shape_at,
    shape_of_field,
)

SWITCH_WORDS = ("true", "false")


def is_key_flag(model: type[BaseModel], word: str) -> bool:
    """Whether an argument names a key: by a dotted path, or the name of one at the top."""
    name = word.partition("=")[0]
    if not name.startswith("--"):
        return False
    field = model.model_fields.get(name[2:].replace("-", "_"))
    return "." in name or (field is not None and not isinstance(shape_of_field(field), Keys))


def split(
    model: type[BaseModel], words: Sequence[str], leave: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Part a command's arguments into key flags with their values, and all others.

    Parameters
    ----------
    leave : collection of str
        Flags that the command knows itself.

    Raises
    ------
    InputError
        If a flag names no key or lacks its value.
    """
    flags: list[str] = []
    others: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            others += [word, *waiting]
            break
        if word.partition("=")[0] not in leave and is_key_flag(model, word):
            flags.append(_whole(model, word, waiting))
        else:
            others.append(word)
    return flags, others


def _whole(model: type[BaseModel], word: str, waiting: list[str]) -> str:
    """Take the value of a flag from the words that follow; gives ``--key=value``."""
    name, equals, _ = word.partition("=")
    if equals:
        return word
    shape = shape_at(model, name[2:].split("."), name)[1]
    if isinstance(shape, Leaf) and shape.is_switch:
        follows = bool(waiting) and waiting[0].lower() in SWITCH_WORDS
        return f"{name}={waiting.pop(0) if follows else 'true'}"
    if not waiting:
        what = expectation(shape) if isinstance(shape, Leaf) else "a mapping such as {name: value}"
        raise InputError(f"{name}: expected {what} behind it, got nothing")
    return f"{name}={waiting.pop(0)}"


def parse(model: type[BaseModel], words: Sequence[str], base: Path) -> Layer:
    """Read key flags.

    Parameters
    ----------
    words : sequence of str
        Arguments, all of them key flags and their values.
    base : Path
        Folder that relative paths count from.

    Raises
    ------
    InputError
        If one is no key flag or its value does not fit.
    """
    flags, others = split(model, words)
    if others:
        raise InputError(
            f"'{others[0]}' is neither an option nor a key such as --lens.fov_degrees 62"
        )
    values: dict[KeyPath, Given] = {}
    for flag in flags:
        name, _, value = flag.partition("=")
        given(model, values, name, name[2:].split("."), value, base)
    return Layer(values=values)


def given(
    model: type[BaseModel],
    values: dict[KeyPath, Given],
    flag: str,
    path: Sequence[str],
    value: str,
    base: Path,
) -> None:
    """Add one flag to a layer's values.

    Raises
    ------
    InputError
        If there is no such key, or the value does not fit.
    """
    at, shape = shape_at(model, path, flag)
    whole = typed(shape, value, flag)
    if isinstance(shape, Leaf):
        values[at] = Given(based(shape, whole, base), flag)
        return
    if not whole and isinstance(shape, Keys):
        values[at] = Given(whole, flag)
    # A mapping is given key by key, so that it adds to what the file says.
    for name, one in (whole or {}).items():
        given(model, values, flag, (*at, name), _again(one), base)


def _again(value: Any) -> str:  # noqa: ANN401
    from choreoscope.pipeline.config.writing import flow

    return flow(value)


def typed(shape: Shape, value: str, where: str) -> Any:  # noqa: ANN401
    """Turn what was typed into a plain value: YAML, or the text itself where text is wanted.

    Raises
    ------
    InputError
        If it is neither.
    """
    read = _yaml(value)
    if not isinstance(shape, Leaf):
        if read is None or isinstance(read, dict):
            return read
        raise InputError(f"{where}: expected a mapping such as {{name: value}}, got '{value}'")
    for candidate in (read, value):
        if _fits(shape, candidate):
            return candidate
    return read


def _fits(leaf: Leaf, value: Any) -> bool:  # noqa: ANN401
    try:
        leaf.adapter().validate_python(value)
    except ValidationError:
        return False
    return True


def _yaml(value: str) -> Any:  # noqa: ANN401
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        node = YAML(typ="rt", pure=True).compose(value)
        return None if node is None else plain(node, "flag")
    except (YAMLError, InputError, ValueError):
        return value
