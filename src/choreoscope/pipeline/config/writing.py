"""Writing configurations as YAML: every key, each below its meaning, unit, choices and default."""

import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from choreoscope.pipeline.config.schema import (
    KeyPath,
    Keys,
    Leaf,
    Named,
    Shape,
    expectation,
    shape_of_field,
)

WIDTH = 100
BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*( [A-Za-z0-9_./+-]+)*")
"""Texts that need no quotes, but for the words YAML 1.2 takes for something else."""
WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def commented(values: BaseModel, title: str, leave_out: Collection[KeyPath] = frozenset()) -> str:
    """Write a whole configuration.

    Parameters
    ----------
    values : pydantic model
        What to write.
    title : str
        Lines for the head of the file.
    leave_out : collection of paths
        Sections not to be written, because they do not matter for these values.

    Returns
    -------
    str
        YAML 1.2; the same values give the same text.
    """
    lines = [f"# {line}".rstrip() for line in title.splitlines()]
    return "\n".join([*lines, *_section(values, (), leave_out)]) + "\n"


def _section(values: BaseModel, path: KeyPath, leave_out: Collection[KeyPath]) -> Iterator[str]:
    for name, field in type(values).model_fields.items():
        at = (*path, name)
        if at in leave_out:
            continue
        if not path:
            yield ""
        yield from _entry(getattr(values, name), field, at, leave_out)


def _entry(
    value: Any,  # noqa: ANN401
    field: FieldInfo,
    path: KeyPath,
    leave_out: Collection[KeyPath],
) -> Iterator[str]:
    shape = shape_of_field(field)
    indent = "  " * (len(path) - 1)
    yield from comment(field, shape, indent)
    yield from _value(value, shape, path, leave_out)


def _value(
    value: Any,  # noqa: ANN401
    shape: Shape,
    path: KeyPath,
    leave_out: Collection[KeyPath],
) -> Iterator[str]:
    indent, name = "  " * (len(path) - 1), scalar(path[-1])
    if isinstance(shape, Leaf):
        yield f"{indent}{name}: {flow(plain_value(shape, value))}"
        return
    if isinstance(shape, Named):
        entries = getattr(value, "root", value)
        below = [
            line
            for key, one in entries.items()
            for line in _value(one, shape.inner, (*path, key), leave_out)
        ]
    else:
        below = list(_section(value, path, leave_out))
    yield f"{indent}{name}:" if below else f"{indent}{name}: {{}}"
    yield from below


def comment(field: FieldInfo, shape: Shape, indent: str) -> Iterator[str]:
    """Lines above a key: meaning; unit, what may be given, default."""
    if field.description:
        yield from _wrapped(field.description, indent)
    if isinstance(shape, Keys):
        return
    yield from _wrapped(facts(field, shape), indent)


def facts(field: FieldInfo, shape: Shape) -> str:
    """Say unit, what may be given and default in one line."""
    default = flow(plain_value(shape, field.get_default(call_default_factory=True)))
    if isinstance(shape, Leaf):
        may = expectation(shape)
        words = f"{shape.unit}: {may}" if shape.unit else may
    else:
        words = f"name: {_inner(shape)}"
    return f"[{words}; default: {default}]"


def _inner(shape: Shape) -> str:
    if isinstance(shape, Named):
        inner = shape.inner
        if isinstance(inner, Leaf):
            return f"{inner.unit}: {expectation(inner)}" if inner.unit else expectation(inner)
        if isinstance(inner, Keys):
            return f"a section with {', '.join(inner.model.model_fields)}"
    return "values"


def plain_value(shape: Shape, value: Any) -> Any:  # noqa: ANN401
    """Turn a value of a configuration into plain ones, paths into text."""
    if isinstance(shape, Leaf):
        return shape.adapter().dump_python(value, mode="json")
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    inner = shape.inner if isinstance(shape, Named) else shape
    return {name: plain_value(inner, one) for name, one in value.items()}


def _wrapped(text: str, indent: str) -> list[str]:
    head = f"{indent}# "
    return textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=head,
        subsequent_indent=head,
        break_long_words=False,
        break_on_hyphens=False,
    )


def flow(value: Any) -> str:  # noqa: ANN401
    """Write a plain value on one line of YAML."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{scalar(str(key))}: {flow(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value)


def scalar(value: Any) -> str:  # noqa: ANN401
    """Write a single value so that YAML 1.2 reads the same one back."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if BARE.fullmatch(text) and text.lower() not in WORDS:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    code = ord(letter)
    for mark, digits in (("x", 2), ("u", 4), ("U", 8)):
        if code < 16**digits:
            return f"\\{mark}{code:0{digits}x}"
    return letter
