"""Layers of a configuration: flags beat file beats preset beats defaults, key by key."""

import dataclasses
import difflib
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.config.schema import (
    Key,
    KeyPath,
    Keys,
    Leaf,
    Named,
    Shape,
    expectation,
    keys_of,
    shape_at,
)

DEFAULT = "default"
"""Origin of a value that no layer gives."""
NOT_THERE = object()
"""Default of a key whose section is only there when somebody gives it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Given:
    """A value somebody gave.

    Attributes
    ----------
    value : Any
        As read: None, bool, int, float, str, list or dict. For a section in a mapping: an empty
        dict says that it is there, None that it is not.
    origin : str
        Where: a file and its line, a flag, a preset.
    """

    value: Any
    origin: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The values one source gives.

    Attributes
    ----------
    values : dict
        Path to value; paths as the schema spells them.
    """

    values: Mapping[KeyPath, Given] = dataclasses.field(default_factory=dict)


Model = TypeVar("Model", bound=BaseModel)


@dataclasses.dataclass(frozen=True, slots=True)
class Resolved(Generic[Model]):
    """A configuration and where each of its values comes from.

    Attributes
    ----------
    values : pydantic model
        The configuration.
    given : dict
        Path to what was given; every other key is at its default.
    """

    values: Model
    given: Mapping[KeyPath, Given]

    def origin(self, path: KeyPath) -> str:
        """Say where a key's value comes from; for a mapping, from everywhere it does."""
        own = [one.origin for at, one in self.given.items() if at[: len(path)] == path]
        # A key of a section in a mapping is there because the section is.
        above = [path[:length] for length in range(len(path), 0, -1)]
        own = own or [self.given[at].origin for at in above if at in self.given][:1]
        return ", ".join(dict.fromkeys(own)) or DEFAULT

    def explained(self) -> Iterator[tuple[Key, Any, str]]:
        """Every key with its value and where that comes from, in the order of the schema.

        Sections in mappings are opened, so that each of their keys has a line of its own, without
        a default (`NOT_THERE`), because the section is not there by default.
        """
        yield from self._explained(keys_of(type(self.values)), self.values, ())

    def _explained(
        self, keys: Iterable[Key], within: BaseModel, under: KeyPath
    ) -> Iterator[tuple[Key, Any, str]]:
        for key in keys:
            value = value_at(within, key.path)
            path = (*under, *key.path)
            inner = key.shape.inner if isinstance(key.shape, Named) else None
            if isinstance(inner, Keys) and value:
                for name, section in value.items():
                    own = (
                        dataclasses.replace(one, default=NOT_THERE) for one in keys_of(inner.model)
                    )
                    yield from self._explained(own, section, (*path, name))
            else:
                yield dataclasses.replace(key, path=path), value, self.origin(path)


def value_at(model: BaseModel, path: Iterable[str]) -> Any:  # noqa: ANN401
    """Look a value up by its path."""
    found: Any = model
    for name in path:
        found = found[name] if isinstance(found, Mapping) else getattr(found, name)
    return found


def based(shape: Shape, value: Any, base: Path) -> Any:  # noqa: ANN401
    """Make a relative path absolute; every other value stays as it is.

    So does a path that begins with a placeholder such as ``{out}``, to be filled in later.
    """
    is_path = isinstance(shape, Leaf) and shape.is_path
    if is_path and isinstance(value, str) and value and not value.startswith("{"):
        return os.path.abspath(base / Path(value).expanduser())  # noqa: PTH100 - without links
    return value


def merged(model: type[BaseModel], layers: Sequence[Layer]) -> dict[KeyPath, Given]:
    """Lay layers over each other, the lowest first.

    Raises
    ------
    InputError
        If one layer gives two keys of a group of which it may give one.
    """
    total: dict[KeyPath, Given] = {}
    for layer in layers:
        for path, given in layer.values.items():
            shape = shape_at(model, path, given.origin)[1]
            if isinstance(shape, Keys) and given.value is not None:
                # A section of that name is wanted, whatever is said inside it.
                if not any(at[: len(path)] == path for at in total):
                    total[path] = given
                continue
            # A whole value or null replaces what lower layers say inside it.
            _forget(total, path)
            total.pop(path, None)
            if not isinstance(shape, Keys):
                total[path] = given
        _settle_groups(model, layer, total)
    return total


def _forget(total: dict[KeyPath, Given], path: KeyPath) -> None:
    for inside in [at for at in total if at[: len(path)] == path and len(at) > len(path)]:
        del total[inside]
    for length in range(1, len(path)):
        total.pop(path[:length], None)


def _settle_groups(model: type[BaseModel], layer: Layer, total: dict[KeyPath, Given]) -> None:
    for section in {path[:-1] for path in layer.values}:
        shape = shape_at(model, section, "")[1]
        for group in shape.one_of() if isinstance(shape, Keys) else ():
            mine = [name for name in group if _says(layer.values, (*section, name))]
            if len(mine) > 1:
                both = " and ".join(layer.values[(*section, name)].origin for name in mine)
                paths = " and ".join(".".join((*section, name)) for name in mine)
                raise InputError(f"{both}: {paths} say the same thing twice; give one of them")
            for other in group if mine else ():
                if other != mine[0]:
                    total.pop((*section, other), None)


def _says(values: Mapping[KeyPath, Given], path: KeyPath) -> bool:
    return path in values and values[path].value is not None


def resolve(model: type[Model], layers: Sequence[Layer]) -> Resolved[Model]:
    """Build the configuration.

    Parameters
    ----------
    layers : sequence of Layer
        The lowest first.

    Raises
    ------
    InputError
        If a value is of the wrong type or out of range: where, expected what, got what.
    """
    given = merged(model, layers)
    tree: dict[str, Any] = {}
    for path, one in given.items():
        shape = shape_at(model, path, one.origin)[1]
        if isinstance(shape, Leaf):
            _check_plain(shape, path, one)
        place = tree
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = one.value
    try:
        return Resolved(model.model_validate(tree), given)
    except ValidationError as error:
        raise _in_words(model, given, error) from error


def _check_plain(leaf: Leaf, path: KeyPath, given: Given) -> None:
    """Refuse what pydantic would quietly turn into a number."""
    listed = given.value if isinstance(given.value, list) else [given.value]
    for value in listed:
        endless = isinstance(value, float) and not math.isfinite(value)
        switch = (
            isinstance(value, bool) and not leaf.is_switch and "Any" not in str(leaf.annotation)
        )
        if endless or switch:
            raise InputError(_wrong(leaf, path, given))


def _wrong(leaf: Leaf, path: KeyPath, given: Given) -> str:
    hint = ""
    if isinstance(given.value, str):
        near = difflib.get_close_matches(given.value, leaf.allowed, n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else ""
    shown = f"{given.value!r}"
    name = ".".join(path)
    # A flag's origin is its name already.
    where = given.origin if given.origin.endswith(name) else f"{given.origin}: {name}"
    return f"{where}: expected {expectation(leaf)}, got {shown}{hint}"


def _in_words(
    model: type[BaseModel], given: Mapping[KeyPath, Given], error: ValidationError
) -> InputError:
    details = error.errors(include_url=False)
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    first = details[0]
    place = tuple(map(str, first["loc"]))
    path = next((place[:n] for n in range(len(place), 0, -1) if place[:n] in given), None)
    reason = str(first["msg"]).removeprefix("Value error, ")
    if path is None:
        inside = [one.origin for at, one in given.items() if at[: len(place)] == place]
        where = inside[0] if inside else "configuration"
        return InputError(f"{where}: {'.'.join(place) or 'together'}: {reason}{more}")
    shape = shape_at(model, path, given[path].origin)[1]
    if isinstance(shape, Leaf) and first["type"] != "value_error":
        return InputError(_wrong(shape, path, given[path]) + more)
    if isinstance(shape, Leaf | Named):
        name = ".".join(path)
        return InputError(
            f"{given[path].origin}: {name}: {reason}, got {given[path].value!r}{more}"
        )
    return InputError(f"{given[path].origin}: {'.'.join(path)}: {reason}{more}")
