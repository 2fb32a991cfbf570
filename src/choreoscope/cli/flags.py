"""Every key of the configuration as a flag: ``--lens.fov_degrees 62``."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

if TYPE_CHECKING:
    from choreoscope.pipeline.config.layers import Layer

KEYS_EPILOG = (
    "Every key of the configuration is a flag as well, by its dotted path: --lens.fov_degrees 62, "
    "--people.heights.P01 1.72, --run.executor inline. 'choreoscope config show' lists all keys "
    "with their meaning. Flags beat the file (--config), the file beats the recipe, the recipe "
    "beats the defaults."
)


class WithKeys(TyperCommand):
    """A command that takes key flags, wherever they stand; it finds them in ``ctx.args``.

    Use: ``app.command(cls=WithKeys, epilog=KEYS_EPILOG)``, and a parameter ``ctx: typer.Context``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own
        """Take the key flags out before typer reads the rest.

        Raises
        ------
        InputError
            If one names no key or lacks its value.
        """
        own = {name for parameter in self.params for name in parameter.opts}
        keys, others = separated(args, own)
        super().parse_args(ctx, others)
        ctx.args = rest = [*keys, *ctx.args]
        return rest


TOP_KEYS = frozenset({"--recipe", "--corrections", "--external"})


def separated(words: Sequence[str], own: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """Part arguments into key flags, each as ``--key=value``, and all others.

    Parameters
    ----------
    own : collection of str
        Flags that the command knows itself.

    Raises
    ------
    InputError
        If a flag names no key or lacks its value.
    """
    # The names of all keys cost half a second, so nobody pays who gives no such flag.
    if not any(map(_may_be_key, words)):
        return [], list(words)
    from choreoscope.capture.config import configuration_type
    from choreoscope.pipeline.config.flags import split

    return split(configuration_type(), words, own)


def _may_be_key(word: str) -> bool:
    name = word.partition("=")[0]
    return name.startswith("--") and ("." in name or name in TOP_KEYS)


def parse(extra_args: Sequence[str], aliases: Iterable[tuple[str, str, Any]] = ()) -> "Layer":
    """Read key flags into a layer for `capture.config.configure`.

    Parameters
    ----------
    extra_args : sequence of str
        Arguments that are key flags and their values.
    aliases : iterable of (flag, key, value)
        Short flags, each with the dotted path it stands for; those with value None were not given.

    Raises
    ------
    InputError
        If one names no key, with the nearest name, or its value does not fit.
    """
    from choreoscope.capture.config import configuration_type
    from choreoscope.pipeline.config.flags import given, parse
    from choreoscope.pipeline.config.layers import Given, Layer

    kind = configuration_type()
    values: dict[tuple[str, ...], Given] = {}
    for flag, key, value in aliases:
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            given(kind, values, flag, key.split("."), text, Path.cwd())
    return Layer(values=values | dict(parse(kind, extra_args, Path.cwd()).values))
