"""A configuration's shape: sections of keys, each key with meaning, unit, choices and default."""

import dataclasses
import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, RootModel, TypeAdapter
from pydantic.fields import FieldInfo

from choreoscope.datatypes.errors import InputError

KeyPath = tuple[str, ...]
"""Names from the top of the configuration down to a key."""


class Section(BaseModel):
    """Base of configuration sections; any other frozen pydantic model serves as well.

    Attributes
    ----------
    one_of : tuple of tuple of str
        Groups of keys that say the same thing in different ways. Within one layer only one key of
        a group may be given, and one in a higher layer takes the place of those in lower ones.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=(), coerce_numbers_to_str=True
    )

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A single value.

    Attributes
    ----------
    annotation : Any
        Its type.
    metadata : tuple
        Constraints, as pydantic keeps them.
    unit, expects : str
        Unit; what may be given, in words, where the type does not say it.
    choices : tuple of str
        Values to choose from, beyond those of the type.
    """

    annotation: Any
    metadata: tuple[Any, ...] = ()
    unit: str = ""
    expects: str = ""
    choices: tuple[str, ...] = ()

    @property
    def is_path(self) -> bool:
        """Whether it names a file or a folder."""
        return Path in _alternatives(self.annotation)

    @property
    def is_switch(self) -> bool:
        """Whether it is true or false."""
        return bool in _alternatives(self.annotation)

    @property
    def allowed(self) -> tuple[str, ...]:
        """Values to choose from; empty where there are too many to list."""
        listed = [
            str(choice)
            for one in _alternatives(self.annotation)
            if get_origin(one) is Literal
            for choice in get_args(one)
        ]
        return self.choices or tuple(listed)

    def adapter(self) -> TypeAdapter[Any]:
        """Return what checks a value."""
        kind: Any = self.annotation
        if self.metadata:
            kind = Annotated[(kind, *self.metadata)]
        return TypeAdapter(kind, config=_LENIENT if _is_plain(self.annotation) else None)


_LENIENT = ConfigDict(coerce_numbers_to_str=True)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A mapping whose keys the user makes up, all values of one shape.

    Attributes
    ----------
    names : tuple of str
        Keys there may be; empty for any.
    """

    inner: "Shape"
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A section."""

    model: type[BaseModel]

    def shape(self, name: str) -> "Shape":
        """Shape of one of its keys."""
        return shape_of_field(self.model.model_fields[name])

    def one_of(self) -> tuple[tuple[str, ...], ...]:
        """Return the groups of keys of which one may be given."""
        groups: tuple[tuple[str, ...], ...] = getattr(self.model, "one_of", ())
        return groups


Shape = Leaf | Named | Keys


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a configuration, for lists and documents.

    Attributes
    ----------
    path : tuple of str
        Names from the top.
    shape : Shape
        A `Leaf`, or a `Named` for mappings.
    meaning : str
        What it is for.
    default : Any
        The value when nobody gives one.
    """

    path: KeyPath
    shape: Leaf | Named
    meaning: str
    default: Any

    @property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(self.path)


def shape_of_field(field: FieldInfo) -> Shape:
    """Shape of a model's field."""
    return _described(shape_of(field.annotation, tuple(field.metadata)), field)


def shape_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> Shape:  # noqa: ANN401
    """Shape of a type: model, mapping from text, or single value."""
    if get_origin(annotation) is Annotated:
        kind, *more = get_args(annotation)
        fields = [one for one in more if isinstance(one, FieldInfo)]
        plain = [one for one in more if not isinstance(one, FieldInfo)]
        plain += [one for field in fields for one in field.metadata]
        shape = shape_of(kind, (*plain, *metadata))
        for field in fields:
            shape = _described(shape, field)
        return shape
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        return shape_of(annotation.model_fields["root"].annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Keys(model=annotation)
    if get_origin(annotation) in (dict, Mapping):
        key, value = get_args(annotation)
        names = tuple(map(str, get_args(key))) if get_origin(key) is Literal else ()
        return Named(inner=shape_of(value), names=names)
    return Leaf(annotation=annotation, metadata=metadata)


def _described(shape: Shape, field: FieldInfo) -> Shape:
    """Add what a field says about unit and choices."""
    extra = field.json_schema_extra
    if not isinstance(shape, Leaf) or not isinstance(extra, Mapping):
        return shape
    choices = extra.get("choices", ())
    return dataclasses.replace(
        shape,
        unit=str(extra.get("unit", "")),
        expects=str(extra.get("expects", "")),
        choices=tuple(map(str, choices)) if isinstance(choices, list | tuple) else (),
    )


def keys_of(model: type[BaseModel], under: KeyPath = ()) -> Iterator[Key]:
    """Every key of a configuration, depth first; mappings count as one key."""
    for name, field in model.model_fields.items():
        shape = shape_of_field(field)
        path = (*under, name)
        if isinstance(shape, Keys):
            yield from keys_of(shape.model, path)
        else:
            yield Key(
                path=path,
                shape=shape,
                meaning=field.description or "",
                default=field.get_default(call_default_factory=True),
            )


def shape_at(model: type[BaseModel], path: Iterable[str], where: str) -> tuple[KeyPath, Shape]:
    """Find a key by its path, dashes and underscores being equal.

    Parameters
    ----------
    where : str
        Begins the error's line.

    Returns
    -------
    path : tuple of str
        The path as the schema spells it.
    shape : Shape
        What lies there.

    Raises
    ------
    InputError
        If there is no such key, with the nearest name.
    """
    shape: Shape = Keys(model=model)
    found: KeyPath = ()
    for name in path:
        if isinstance(shape, Named):
            if shape.names and name not in shape.names:
                raise unknown_key(model, (*found, name), shape.names, where)
            found, shape = (*found, name), shape.inner
        elif isinstance(shape, Keys):
            spelled = _spelled(name, shape.model.model_fields)
            if spelled is None:
                raise unknown_key(model, (*found, name), shape.model.model_fields, where)
            found, shape = (*found, spelled), shape.shape(spelled)
        else:
            raise InputError(
                f"{where}: {'.'.join(found)} is a single value, it has no key '{name}'"
            )
    return found, shape


def _spelled(name: str, known: Iterable[str]) -> str | None:
    plain = name.replace("-", "_")
    return next((one for one in known if one.replace("-", "_") == plain), None)


def unknown_key(
    model: type[BaseModel], path: KeyPath, siblings: Iterable[str], where: str
) -> InputError:
    """Say that a key does not exist, with the nearest name beside it or anywhere."""
    known = list(siblings)
    name, above = path[-1], ".".join(path[:-1])
    near = difflib.get_close_matches(name.replace("-", "_"), known, n=1, cutoff=0.6)
    elsewhere = [key.name for key in keys_of(model) if name == key.path[-1]]
    place = f"'{above}' has" if above else "there is"
    nearest = [".".join((*path[:-1], one)) for one in near]
    # The very name in another section is a better guess than a name that is only alike.
    guesses = [*elsewhere, *nearest]
    hint = f"did you mean '{guesses[0]}'?" if guesses else f"known: {', '.join(known)}"
    return InputError(f"{where}: {place} no key '{name}'; {hint}")


def expectation(leaf: Leaf) -> str:
    """Say in words what a value may be: ``a number, above 0, or null``."""
    kinds = [kind for kind in _alternatives(leaf.annotation) if kind is not type(None)]
    words = leaf.expects or " or ".join(dict.fromkeys(map(_words, kinds)))
    if leaf.allowed and not leaf.expects:
        words = f"one of {', '.join(leaf.allowed)}"
    parts = [words, *_limits(leaf.metadata)]
    if len(kinds) < len(_alternatives(leaf.annotation)):
        parts.append("or null")
    return ", ".join(parts) if len(parts) > 1 else words


_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    Any: "any value",
}


def _words(kind: Any) -> str:  # noqa: ANN401
    if kind in _WORDS:
        return _WORDS[kind]
    if get_origin(kind) in (list, tuple, set, frozenset):
        inner = [one for one in get_args(kind) if one is not Ellipsis]
        if len(inner) > 1 and get_origin(kind) is tuple:
            return f"a list of {len(inner)} values: {', '.join(map(_words, inner))}"
        return f"a list, each {_words(inner[0])}" if inner else "a list"
    return getattr(kind, "__name__", str(kind))


_LIMITS = {"ge": "{} or more", "gt": "above {}", "le": "at most {}", "lt": "below {}"}


def _limits(metadata: Iterable[Any]) -> Iterator[str]:
    for one in metadata:
        for name, words in _LIMITS.items():
            limit = getattr(one, name, None)
            if limit is not None:
                yield words.format(f"{limit:g}")


def _alternatives(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(one for part in get_args(annotation) for one in _alternatives(part))
    return (annotation,)


def _is_plain(annotation: Any) -> bool:  # noqa: ANN401
    """Whether a type checker may be told how to treat it; models know for themselves."""
    return not any(
        isinstance(one, type) and issubclass(one, BaseModel) for one in _alternatives(annotation)
    )
