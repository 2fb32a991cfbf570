"""Finding back ends by name: nothing in this house imports one.

A back end is a module of the package ``choreoscope.backends.<task>`` with a `BackendSpec` named
``SPEC``, or an entry point of the group ``choreoscope.backends`` that another package declares,
named ``<task>.<name>``, which loads to a `BackendSpec`.
"""

import difflib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

from choreoscope.datatypes.errors import BackendUnavailableError, InputError
from choreoscope.datatypes.models import BackendSpec, RunSettings
from choreoscope.pipeline.weights import store
from choreoscope.pipeline.weights.events import Events

PACKAGE = "choreoscope.backends"
GROUP = "choreoscope.backends"

# What the import of somebody else's module may raise: one broken plug-in must not hide the others.
IMPORT_FAILURES = (
    ImportError,
    SyntaxError,
    AttributeError,
    NameError,
    LookupError,
    TypeError,
    ValueError,
    RuntimeError,
    OSError,
)


def find_backends(task: str | None = None) -> list[BackendSpec]:
    """Return the back ends of one task, or of all, by task and name; our own come first.

    Broken entry points of other packages are left out here: `backend` reports one when it is
    asked for by name, and `broken_backends` all of them.
    """
    others, _ = _declared_by_others()
    return [spec for spec in (*_own(task), *others) if task in (None, spec.task)]


def broken_backends() -> list[str]:
    """One line for each back end that another package declares and that cannot be used."""
    _, broken = _declared_by_others()
    return broken


def backend(task: str, name: str) -> BackendSpec:
    """Look a back end up.

    Raises
    ------
    InputError
        If there is none of that name, with the nearest name; or if two packages bring one.
    BackendUnavailableError
        If another package declares it and cannot be imported.
    """
    specs = find_backends(task)
    matches = [spec for spec in specs if spec.name == name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InputError(f"two packages bring a back end '{task}.{name}'; uninstall one of them")
    for entry in importlib.metadata.entry_points(group=GROUP):
        if entry.name == f"{task}.{name}":
            _loaded(entry)
    known = [spec.name for spec in specs]
    if not known:
        tasks = sorted({spec.task for spec in find_backends()})
        raise InputError(f"no back end for the task '{task}'; known tasks: {', '.join(tasks)}")
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise InputError(f"no {task} back end '{name}'; {hint}known: {', '.join(known)}")


def missing_modules(spec: BackendSpec) -> tuple[str, ...]:
    """Modules the back end needs that are not installed; nothing is imported to find out."""
    return tuple(
        module
        for module in spec.modules
        if importlib.util.find_spec(module.partition(".")[0]) is None
    )


def install_command(spec: BackendSpec) -> str:
    """Return the exact command that installs what a back end needs."""
    what = f"choreoscope[{spec.extra}]" if spec.extra else "choreoscope"
    return f'python -m pip install "{what}"'


def require(spec: BackendSpec) -> None:
    """Make sure that a back end's modules are installed.

    Raises
    ------
    BackendUnavailableError
        Naming the modules, the extra and the exact command.
    """
    missing = missing_modules(spec)
    if missing:
        part = f" (the extra '{spec.extra}')" if spec.extra else ""
        raise BackendUnavailableError(
            f"back end '{spec.task}.{spec.name}' needs {', '.join(missing)}{part}, "
            f"not installed; next: {install_command(spec)}"
        )


def weights_digest(spec: BackendSpec) -> str:
    """Hash of what the weights must be, independent of their order and of where they lie."""
    listed = sorted((ref.name, ref.sha256) for ref in spec.weights)
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def load(
    spec: BackendSpec,
    settings: RunSettings,
    options: Mapping[str, Any],
    events: Events | None = None,
) -> Any:  # noqa: ANN401 - the object follows the protocol of the spec's task
    """Check the modules, get the weights, load the model.

    Raises
    ------
    BackendUnavailableError
        If modules are missing.
    WeightsError
        If weights are absent and cannot be fetched, or are wrong.
    """
    require(spec)
    weights = store.fetch(spec.weights, settings=settings, events=events)
    return spec.load(weights, settings, options)


def _own(task: str | None) -> Iterator[BackendSpec]:
    package = importlib.import_module(PACKAGE)
    for folder in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
        if not folder.ispkg or task not in (None, folder.name):
            continue
        inner = importlib.import_module(f"{PACKAGE}.{folder.name}")
        for found in sorted(pkgutil.iter_modules(inner.__path__), key=lambda found: found.name):
            if found.ispkg:
                continue
            spec = getattr(importlib.import_module(f"{inner.__name__}.{found.name}"), "SPEC", None)
            if isinstance(spec, BackendSpec):
                yield spec


def _declared_by_others() -> tuple[list[BackendSpec], list[str]]:
    specs, broken = [], []
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            specs.append(_loaded(entry))
        except BackendUnavailableError as error:
            broken.append(str(error))
    return sorted(specs, key=lambda spec: (spec.task, spec.name)), sorted(broken)


def _loaded(entry: importlib.metadata.EntryPoint) -> BackendSpec:
    package = entry.dist.name if entry.dist else "an unknown package"
    try:
        spec = entry.load()
    except IMPORT_FAILURES as error:
        raise BackendUnavailableError(
            f"back end '{entry.name}' of {package} cannot be imported: "
            f"{type(error).__name__}: {error}; update or uninstall {package}"
        ) from error
    if not isinstance(spec, BackendSpec):
        raise BackendUnavailableError(
            f"back end '{entry.name}' of {package}: expected a BackendSpec, "
            f"got {type(spec).__name__}; update or uninstall {package}"
        )
    return spec
