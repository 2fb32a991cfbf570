"""Configuration sections from dataclasses: fields with their meaning from the docstring."""

import dataclasses
import inspect
import re
import typing
from typing import Any

from pydantic import BaseModel, Field, create_model, model_validator

from choreoscope.datatypes.errors import ChoreoscopeError, InputError
from choreoscope.pipeline.config.schema import Section

ATTRIBUTE = re.compile(r"^(\w+(?:, \w+)*) : ")


def section_of(options: type) -> type[BaseModel]:
    """Make a section of a pydantic model (itself) or of a dataclass.

    A dataclass brings its types and defaults; meanings come from the Attributes part of its
    numpydoc docstring; what its ``__post_init__`` refuses is refused by the section.
    """
    if issubclass(options, BaseModel):
        return options
    hints = typing.get_type_hints(options)
    meanings = attribute_meanings(options)
    fields: dict[str, Any] = {
        field.name: (
            hints[field.name],
            Field(default=_default(field), description=meanings.get(field.name, "")),
        )
        for field in dataclasses.fields(_dataclass(options))
    }
    validators: dict[str, Any] = {
        "_is_accepted": model_validator(mode="after")(_acceptance(options))
    }
    return create_model(
        options.__name__,
        __base__=Section,
        __doc__=options.__doc__,
        __validators__=validators,
        **fields,
    )


def _dataclass(options: Any) -> Any:  # noqa: ANN401
    if not dataclasses.is_dataclass(options):
        raise InputError(f"{options.__name__} must be a dataclass or a pydantic model")
    return options


def _default(field: "dataclasses.Field[Any]") -> Any:  # noqa: ANN401
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return ... if field.default is dataclasses.MISSING else field.default


def _acceptance(options: type) -> Any:  # noqa: ANN401
    def is_accepted(section: BaseModel) -> BaseModel:
        values = {name: getattr(section, name) for name in type(section).model_fields}
        try:
            options(**values)
        except ChoreoscopeError as error:
            raise ValueError(str(error)) from error
        return section

    return is_accepted


def attribute_meanings(options: type) -> dict[str, str]:
    """Read the Attributes part of a numpydoc docstring, and of its bases': name to meaning."""
    found: dict[str, str] = {}
    for base in reversed(options.__mro__):
        found |= _meanings_in(base.__doc__ or "")
    return found


def _meanings_in(docstring: str) -> dict[str, str]:
    lines = inspect.cleandoc(docstring).splitlines()
    if "Attributes" not in lines:
        return {}
    meanings: dict[str, list[str]] = {}
    names: list[str] = []
    for line in lines[lines.index("Attributes") + 2 :]:
        match = ATTRIBUTE.match(line)
        if match:
            names = match[1].split(", ")
        elif line and not line.startswith(" "):
            break
        else:
            for name in names:
                meanings.setdefault(name, []).append(line.strip())
    return {name: " ".join(filter(None, said)) for name, said in meanings.items()}
