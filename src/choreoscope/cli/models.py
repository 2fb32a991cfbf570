"""``choreoscope models list|fetch|verify``: the weight files, and the demo clip."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from choreoscope.datatypes.models import ModelRef

app = typer.Typer(
    help="Weight files: what is needed, where it is, fetch it, check it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

WIDE = 200

Weights = Annotated[Path | None, typer.Option(help="Folder that holds the weight files.")]


@app.command("list")
def list_files(weights: Weights = None) -> None:
    """Print every known file: size, licence, tier, where it is, who uses it."""
    from rich.console import Console
    from rich.table import Table

    from choreoscope.datatypes.models import RunSettings
    from choreoscope.pipeline.weights.store import cache_folder, placement

    settings = RunSettings(weights_folder=weights)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("name", "version", "MB", "licence", "tier", "where", "used by"):
        justify: Literal["left", "right"] = "right" if column == "MB" else "left"
        table.add_column(column, justify=justify, no_wrap=column != "used by")
    for ref, users in _known().values():
        place = placement(ref, settings=settings)
        table.add_row(
            ref.name,
            ref.version,
            f"{ref.size / 1e6:.1f}",
            ref.licence.name,
            str(ref.licence.tier),
            f"{place.where}: wrong" if place.wrong else place.where,
            ", ".join(users),
        )
    # a table that is not looked at but searched keeps its lines whole
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)
    print(f"cache: {cache_folder()}")


@app.command()
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names from 'models list'. Default: all that the defaults need."),
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="Everything this back end needs, for example blazepose.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Copy the files, with their licences, into this folder.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Open no network connection: check and copy only.")
    ] = False,
    weights: Weights = None,
) -> None:
    """Fetch weight files into the cache; every file is checked by size and sha256."""
    from choreoscope.cli.progress import Teller
    from choreoscope.datatypes.models import RunSettings
    from choreoscope.pipeline.weights import store

    settings = RunSettings(offline=offline, weights_folder=weights)
    with Teller(quiet=False) as teller:
        paths = store.fetch(_wanted(names or [], backend), settings=settings, events=teller)
    for path in paths.values():
        print(_copied(path, to) if to else path)


@app.command()
def verify(weights: Weights = None) -> None:
    """Take the hash of every file that is there again; end with an error if one is wrong."""
    from choreoscope.datatypes.errors import WeightsError
    from choreoscope.datatypes.models import RunSettings
    from choreoscope.pipeline.weights.store import placement

    settings = RunSettings(weights_folder=weights)
    bad = []
    for ref, _ in _known().values():
        place = placement(ref, settings=settings)
        print(f"{ref.name}: {place.wrong or 'ok'} ({place.path})" if place.path else _absent(ref))
        if place.wrong:
            bad.append(str(place.path))
    if bad:
        raise WeightsError(
            f"{len(bad)} wrong: {', '.join(bad)}; next: delete what is wrong in a folder of your "
            "own, then 'choreoscope models fetch' replaces what is wrong in the cache"
        )


def _absent(ref: "ModelRef") -> str:
    return f"{ref.name}: absent (next: choreoscope models fetch {ref.name})"


def _known() -> "dict[str, tuple[ModelRef, tuple[str, ...]]]":
    """Every file by name, with those who use it."""
    from choreoscope.pipeline.backends import find_backends
    from choreoscope.pipeline.weights.demo import DEMO_CLIP

    known: dict[str, tuple[ModelRef, tuple[str, ...]]] = {}
    for spec in find_backends():
        for ref in spec.weights:
            _, users = known.get(ref.name, (ref, ()))
            known[ref.name] = (ref, (*users, f"{spec.name} ({spec.task})"))
    known[DEMO_CLIP.name] = (DEMO_CLIP, ("make demo",))
    return known


def _wanted(names: list[str], backend: str | None) -> "list[ModelRef]":
    """Return the files asked for; without a choice, those of all back ends the core can run."""
    from choreoscope.pipeline.backends import find_backends

    if not names and not backend:
        return [ref for spec in find_backends() if not spec.extra for ref in spec.weights]
    wanted = [_named(name) for name in names]
    if backend:
        task, _, name = backend.rpartition(".")
        wanted += _weights_of(task, name)
    return wanted


def _named(name: str) -> "ModelRef":
    import difflib

    from choreoscope.datatypes.errors import InputError

    known = _known()
    if name in known:
        return known[name][0]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise InputError(f"no weights named '{name}'; {hint}known: {', '.join(known)}")


def _weights_of(task: str, name: str) -> "tuple[ModelRef, ...]":
    from choreoscope.datatypes.errors import InputError
    from choreoscope.pipeline.backends import backend, find_backends

    if task:
        return backend(task, name).weights
    tasks = sorted({spec.task for spec in find_backends() if spec.name == name})
    if not tasks:
        known = ", ".join(f"{spec.task}.{spec.name}" for spec in find_backends())
        raise InputError(f"no back end '{name}'; known: {known}")
    return tuple(ref for task in tasks for ref in backend(task, name).weights)


def _copied(path: Path, folder: Path) -> Path:
    """Copy a file and its licence text; whole or not at all."""
    import shutil

    from choreoscope.datatypes.errors import OutputError
    from choreoscope.pipeline.weights.store import licence_file

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in (licence_file(path), path):
            target = folder / source.name
            if source.exists() and not (target.exists() and target.samefile(source)):
                part = target.with_name(f"{target.name}.part")
                shutil.copyfile(source, part)
                part.replace(target)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from error
    return folder / path.name
