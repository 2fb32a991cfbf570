"""Reading configuration files: YAML 1.2, every value with its line."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.config.layers import Given, Layer, based
from choreoscope.pipeline.config.schema import (
    KeyPath,
    Keys,
    Leaf,
    Named,
    Shape,
    expectation,
    shape_at,
)

if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode, Node

MAPPING, SEQUENCE, NULL = (f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "null"))
WHOLE, REAL, SWITCH = (f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool"))
TEXTS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")


def read_layer(path: Path, model: type[BaseModel]) -> Layer:
    """Read a configuration file; relative paths in it count from its folder.

    Raises
    ------
    InputError
        If there is no such file or it is no YAML mapping; for an unknown or repeated key, with
        file, line and the nearest name.
    """
    return layer_of(read_text(path), path, model)


def layer_of(text: str, path: Path, model: type[BaseModel]) -> Layer:
    """Do the same with the text of a file that need not be there.

    Raises
    ------
    InputError
        As `read_layer`.
    """
    root = compose(text, path.name)
    values: dict[KeyPath, Given] = {}
    _Walk(path, model, values).section(root, ())
    return Layer(values=values)


def read_text(path: Path) -> str:
    """Read a file as UTF-8.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(
            f"no such file: {path}; 'choreoscope init {path.name}' writes one"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8 (byte {error.start})") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def compose(text: str, name: str) -> "MappingNode":
    """Parse YAML into nodes that know their lines; nothing is constructed.

    Raises
    ------
    InputError
        If it is not YAML, empty, or not a mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.nodes import MappingNode

    try:
        root = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise InputError(_broken(text, name, error)) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{name}: not YAML: {' '.join(str(error).split())}") from error
    if root is None or root.tag == NULL:
        raise InputError(f"{name}: holds no key; 'choreoscope init --force {name}' writes all")
    if not isinstance(root, MappingNode):
        raise InputError(f"{_at(name, root)}: expected 'key: value' lines, got {_shown(root)}")
    return root


def _broken(text: str, name: str, error: Any) -> str:  # noqa: ANN401
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return f"{name}: not YAML: {error.problem}"
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in str(error.problem):
        return f"{name}, line {mark.line + 1}: a tab; YAML indents with spaces only"
    context = f" {error.context}" if error.context else ""
    return f"{name}, line {mark.line + 1}: not YAML:{context} {error.problem}".rstrip()


def _at(name: str, node: "Node") -> str:
    return f"{name}, line {node.start_mark.line + 1}"


def _shown(node: "Node") -> str:
    if node.tag == MAPPING:
        return "a section"
    return "a list" if node.tag == SEQUENCE else f"'{node.value}'"


def entries(node: "Node", name: str) -> Iterator[tuple[str, "Node", "Node"]]:
    """Keys of a mapping as text, with the nodes of key and value.

    Raises
    ------
    InputError
        If a key is given twice or is no plain word.
    """
    seen: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key.value, str):
            raise InputError(f"{_at(name, key)}: expected a name before ':', got {_shown(key)}")
        if key.value in seen:
            raise InputError(
                f"{_at(name, key)}: '{key.value}' is there twice, first in line {seen[key.value]}"
            )
        seen[key.value] = key.start_mark.line + 1
        yield key.value, key, value


def plain(node: "Node", name: str) -> Any:  # noqa: ANN401
    """Value of a node as None, bool, number, text, list or dict; dates stay text.

    Raises
    ------
    InputError
        If it has a tag of another kind.
    """
    if node.tag == MAPPING:
        return {key: plain(value, name) for key, _, value in entries(node, name)}
    if node.tag == SEQUENCE:
        return [plain(one, name) for one in node.value]
    if node.tag == NULL:
        return None
    if node.tag in (WHOLE, REAL, SWITCH):
        return _number(node)
    if node.tag in TEXTS:
        return str(node.value)
    raise InputError(f"{_at(name, node)}: the tag {node.tag} is not for configurations")


def _number(node: "Node") -> bool | int | float | str:
    """Read a number or a switch as YAML 1.2 does; what only YAML 1.1 takes for one is text."""
    text = str(node.value).lower().replace("_", "")
    if node.tag == SWITCH:
        return {"true": True, "false": False}.get(text, str(node.value))
    if text.lstrip("+-") in (".inf", ".nan"):
        return float(text.replace(".", ""))
    try:
        if node.tag == WHOLE:
            return int(text, 0 if text.lstrip("+-")[:2] in ("0x", "0o") else 10)
        return float(text)
    except ValueError:
        return str(node.value)


class _Walk:
    """Goes through nodes and schema side by side."""

    def __init__(self, path: Path, model: type[BaseModel], values: dict[KeyPath, Given]) -> None:
        self._name = path.name
        self._base = path.parent
        self._model = model
        self._values = values

    def section(self, node: "Node", path: KeyPath) -> None:
        """Take the values of a mapping; one left empty gives none."""
        if node.tag == NULL:
            return
        if node.tag != MAPPING:
            what = ".".join(path)
            raise InputError(
                f"{_at(self._name, node)}: {what}: expected keys below it, got {_shown(node)}"
            )
        for key, key_node, value in entries(node, self._name):
            where = _at(self._name, key_node)
            self._value(value, *shape_at(self._model, (*path, key), where), where)

    def _value(self, node: "Node", path: KeyPath, shape: Shape, where: str) -> None:
        if isinstance(shape, Keys) and self._is_named(path) and not node.value:
            self._values[path] = Given(None if node.tag == NULL else {}, where)
        elif not isinstance(shape, Leaf):
            self.section(node, path)
        else:
            value = plain(node, self._name)
            if isinstance(value, dict) and "Any" not in str(shape.annotation):
                raise InputError(
                    f"{where}: {'.'.join(path)}: expected {expectation(shape)}, got a section"
                )
            self._values[path] = Given(based(shape, value, self._base), where)

    def _is_named(self, path: KeyPath) -> bool:
        return isinstance(shape_at(self._model, path[:-1], "")[1], Named)
