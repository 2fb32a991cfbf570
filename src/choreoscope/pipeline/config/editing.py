"""Changing one key of a configuration file; every other byte stays as it is."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.config.flags import typed
from choreoscope.pipeline.config.layers import Given, Layer, resolve
from choreoscope.pipeline.config.reading import (
    MAPPING,
    NULL,
    SEQUENCE,
    compose,
    entries,
    layer_of,
    plain,
    read_text,
)
from choreoscope.pipeline.config.schema import KeyPath, Leaf, shape_at
from choreoscope.pipeline.config.writing import flow, scalar
from choreoscope.pipeline.folder import writing

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

INDENT = 2


def set_key(
    path: Path,
    model: type[BaseModel],
    key: str,
    value: str,
    check: Callable[[list[Layer]], object] | None = None,
) -> None:
    """Change one key in place: comments, order and layout of the file stay.

    Parameters
    ----------
    path : Path
        The file.
    model : type
        Its schema.
    key : str
        Dotted path such as ``"lens.fov_degrees"``.
    value : str
        As typed on a command line; YAML.
    check : callable or None
        Refuses layers that cannot be used, beyond what the schema says.

    Raises
    ------
    InputError
        If there is no such key, the value does not fit, or the file cannot be used.
    OutputError
        If the file cannot be written.
    """
    accept = check or (lambda layers: resolve(model, layers))
    at, shape = shape_at(model, key.split("."), f"'{key}'")
    wanted = typed(shape, value, f"'{key}'")
    # Alone first, because what is wrong with the value is not the fault of a line of the file.
    if isinstance(shape, Leaf):
        accept([Layer(values={at: Given(wanted, "the new value")})])
    changed = replaced(read_text(path), path.name, at, wanted)
    accept([layer_of(changed, path, model)])
    write_whole(path, changed)


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all; one that holds the text already is left alone.

    Raises
    ------
    OutputError
        If the disk refuses.
    """
    data = text.encode("utf-8")
    with writing(path):
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.part")
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def replaced(text: str, name: str, path: KeyPath, value: Any) -> str:  # noqa: ANN401
    """Return a file's text with one value changed, or added to its section.

    Raises
    ------
    InputError
        If the text is not a configuration, or a value stands where a section is needed.
    """
    section: Node = compose(text, name)
    for depth, key in enumerate(path):
        found = next((item for item in entries(section, name) if item[0] == key), None)
        if found is None:
            return _added(text, section, path[depth:], value)
        _, key_node, node = found
        rest = path[depth + 1 :]
        if not rest:
            return _exchanged(text, key_node, node, flow(value))
        if node.tag == NULL:
            return _exchanged(text, key_node, node, flow(_nested(rest, value)))
        if node.tag != MAPPING:
            line = node.start_mark.line + 1
            raise InputError(f"{name}, line {line}: '{key}' has a value where keys are expected")
        if _is_flow(node):
            whole = plain(node, name)
            _put(whole, rest, value)
            return _exchanged(text, key_node, node, flow(whole))
        section = node
    return text


def _nested(path: KeyPath, value: Any) -> Any:  # noqa: ANN401
    for name in reversed(path):
        value = {name: value}
    return value


def _put(whole: dict[str, Any], path: KeyPath, value: Any) -> None:  # noqa: ANN401
    for name in path[:-1]:
        inner = whole.get(name)
        whole[name] = inner if isinstance(inner, dict) else {}
        whole = whole[name]
    whole[path[-1]] = value


def _exchanged(text: str, key: "Node", node: "Node", words: str) -> str:
    """Put words in the place of a value."""
    start, stop = node.start_mark.index, _end(text, node)
    if stop <= start:
        # A key without a value: its value is the emptiness behind the colon.
        colon = text.index(":", key.end_mark.index) + 1
        return f"{text[:colon]} {words}{text[colon:]}"
    if text[key.end_mark.index : start].count("\n"):
        # The value began on a line of its own; it moves up behind the colon, comments in between go
        # with what they were about.
        colon = text.index(":", key.end_mark.index) + 1
        return f"{text[:colon]} {words}{text[stop:]}"
    return f"{text[:start]}{words}{text[stop:]}"


def _is_flow(node: Any) -> bool:  # noqa: ANN401 - scalars have no such mark
    return bool(node.flow_style)


def _end(text: str, node: "Node") -> int:
    """Where a value's own text ends; marks of block values run on over comments."""
    if node.tag in (MAPPING, SEQUENCE) and not _is_flow(node):
        inner = node.value[-1]
        return _end(text, inner[1] if isinstance(inner, tuple) else inner)
    start, stop = int(node.start_mark.index), int(node.end_mark.index)
    return start + len(text[start:stop].rstrip()) if stop > start else start


def _added(text: str, section: "Node", path: KeyPath, value: Any) -> str:  # noqa: ANN401
    """Write a new key below the last one of a block section."""
    last_key, last = section.value[-1]
    column = section.value[0][0].start_mark.column
    lines = _block(path, value, column)
    # An empty value's mark lies behind the comments that follow it; its key's does not.
    end = max(last_key.end_mark.index, _end(text, last) if last.tag != NULL else 0)
    cut = text.find("\n", end)
    if cut < 0:
        return "\n".join([text, *lines]) + "\n"
    return text[: cut + 1] + "\n".join(lines) + "\n" + text[cut + 1 :]


def _block(path: KeyPath, value: Any, column: int) -> list[str]:  # noqa: ANN401
    lines = []
    for depth, name in enumerate(path[:-1]):
        lines.append(f"{' ' * (column + INDENT * depth)}{scalar(name)}:")
    indent = " " * (column + INDENT * (len(path) - 1))
    return [*lines, f"{indent}{scalar(path[-1])}: {flow(value)}"]
