"""``choreoscope doctor``: what is installed, what is missing, and the exact next command."""

import dataclasses
import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from choreoscope import __version__
from choreoscope.datatypes.errors import BackendUnavailableError, WeightsError
from choreoscope.datatypes.models import BackendSpec, RunSettings
from choreoscope.pipeline import backends
from choreoscope.pipeline.weights import store

DEFAULT_BACKEND = ("people", "blazepose")
HEADLESS = "opencv-python-headless"
OTHER_OPENCV = ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
MODULES = {
    HEADLESS: "cv2",
    "ai-edge-litert": "ai_edge_litert.interpreter",
    # Installed packages tell their requirements in the index's spelling: lower case, dashes.
    "openexr": "OpenEXR",
    "ruamel-yaml": "ruamel.yaml",
    "scenedetect-headless": "scenedetect",
    "usd-core": "pxr",
}
"""Modules whose name is not that of their distribution."""

WIDE = 400

ROOM_GB = 1.0
"""Free space below which a capture of a few minutes may not fit."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the examination.

    Attributes
    ----------
    state : {"ok", "look", "bad"}
        ``bad``: the default capture cannot run.
    next_step : str
        The exact command or action; empty when nothing is to be done.
    """

    state: Literal["ok", "look", "bad"]
    subject: str
    text: str
    next_step: str = ""


def doctor(weights: Path | None = None) -> int:
    """Print the findings; opens no connection and changes nothing but a probe file in the cache.

    Returns
    -------
    int
        0 when the default capture can run, else `BackendUnavailableError.exit_code`.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    findings = examine(RunSettings(weights_folder=weights))
    table = Table(box=None, show_header=False, pad_edge=False)
    styles = {"ok": "green", "look": "yellow", "bad": "red"}
    for finding in findings:
        state = Text(finding.state, style=styles[finding.state])
        table.add_row(state, Text(finding.subject), Text(finding.text))
    # output that is not looked at but searched keeps its lines whole
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(table)
    for step in dict.fromkeys(finding.next_step for finding in findings if finding.next_step):
        console.print(f"next: {step}", markup=False, highlight=False, soft_wrap=True)
    ready = all(finding.state != "bad" for finding in findings)
    print("the default capture can run" if ready else "the default capture cannot run yet")
    return 0 if ready else BackendUnavailableError.exit_code


def examine(settings: RunSettings) -> list[Finding]:
    """Look at everything the default capture needs, and at all back ends."""
    return [
        Finding(
            state="ok",
            subject="python",
            text=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        ),
        Finding(state="ok", subject="choreoscope", text=__version__),
        *_dependencies(),
        *_opencv_clash(),
        *_encoders(),
        *_back_ends(settings),
        *_machine(),
    ]


def _dependencies() -> Iterator[Finding]:
    try:
        declared = importlib.metadata.requires("choreoscope") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding(
            state="look",
            subject="choreoscope",
            text="runs from its source folder without being installed",
            next_step="python -m pip install --editable .",
        )
        return
    for requirement in sorted(line for line in declared if "extra ==" not in line):
        yield _dependency(requirement)


def _dependency(requirement: str) -> Finding:
    """Find a distribution's version and really import it: a broken wheel shows only then."""
    pinned = requirement.partition(";")[0].strip()
    found = re.match(r"[A-Za-z0-9._-]+", pinned)
    name = found.group() if found else pinned
    module = MODULES.get(name, name.replace("-", "_"))
    try:
        version = importlib.metadata.version(name)
        importlib.import_module(module)
    except importlib.metadata.PackageNotFoundError:
        problem = f"not installed (wanted: {pinned})"
        step = f'python -m pip install "{pinned}"'
    except (ImportError, OSError) as error:
        problem = f"installed, but cannot be imported: {error}"
        step = f'python -m pip install --force-reinstall "{pinned}"'
    else:
        return Finding(state="ok", subject=name, text=version)
    return Finding(state="bad", subject=name, text=problem, next_step=step)


def _opencv_clash() -> Iterator[Finding]:
    others = [name for name in OTHER_OPENCV if _is_installed(name)]
    if others and _is_installed(HEADLESS):
        names = " ".join(others)
        yield Finding(
            state="look",
            subject="opencv",
            text=f"{names} and {HEADLESS} overwrite each other's files (the module cv2)",
            next_step=f"python -m pip uninstall --yes {names} {HEADLESS} && "
            f'python -m pip install "{HEADLESS}>=4.14,<6"',
        )


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _encoders() -> Iterator[Finding]:
    try:
        from av.codec import Codec
    except ImportError:
        return  # reported among the dependencies
    for codec, use in (("h264", "overlay film"), ("aac", "its sound")):
        try:
            encoder = Codec(codec, "w").name
        except ValueError:
            yield Finding(
                state="bad",
                subject=f"{codec} encoder",
                text=f"not in this build of av ({use} cannot be written)",
                next_step='python -m pip install --force-reinstall --only-binary av "av>=17.1,<20"',
            )
        else:
            yield Finding(state="ok", subject=f"{codec} encoder", text=f"{encoder} ({use})")


def _back_ends(settings: RunSettings) -> Iterator[Finding]:
    specs = backends.find_backends()
    if DEFAULT_BACKEND not in [(spec.task, spec.name) for spec in specs]:
        yield Finding(
            state="bad",
            subject=".".join(DEFAULT_BACKEND),
            text="the default back end is not there",
            next_step='python -m pip install --force-reinstall --no-deps "choreoscope"',
        )
    for spec in specs:
        yield _back_end(spec, settings)
    for line in backends.broken_backends():
        yield Finding(state="look", subject="back end", text=line)


def _back_end(spec: BackendSpec, settings: RunSettings) -> Finding:
    subject = f"{spec.task}.{spec.name}"
    state: Literal["look", "bad"] = "bad" if (spec.task, spec.name) == DEFAULT_BACKEND else "look"
    missing = backends.missing_modules(spec)
    if missing:
        text = f"needs {', '.join(missing)}, not installed"
        step = backends.install_command(spec)
        return Finding(state=state, subject=subject, text=text, next_step=step)
    try:
        places = {ref.name: store.placement(ref, settings=settings) for ref in spec.weights}
    except WeightsError as error:
        return Finding(state=state, subject=subject, text=str(error))
    problems = [
        f"{place.path}: {place.wrong}" if place.wrong else f"{name} is absent"
        for name, place in places.items()
        if not place.usable
    ]
    if problems:
        own = [str(p.path) for p in places.values() if p.where == "folder" and p.wrong]
        fetch = f"choreoscope models fetch --backend {subject}"
        return Finding(
            state=state,
            subject=subject,
            text=f"weights: {', '.join(problems)}",
            next_step=f"delete {', '.join(own)}, then {fetch}" if own else fetch,
        )
    if _is_brought(spec):
        text = f"installed; its weights are yours to bring, docs/models.md ({spec.licence.name})"
        return Finding(state="ok", subject=subject, text=text)
    count = f", {len(places)} weight files checked" if places else ""
    return Finding(state="ok", subject=subject, text=f"ready{count} (licence {spec.licence.name})")


def _is_brought(spec: BackendSpec) -> bool:
    """Whether the user brings the weights by the options of the back end."""
    options = spec.options
    return dataclasses.is_dataclass(options) and "weights" in {
        field.name for field in dataclasses.fields(options)
    }


def _machine() -> Iterator[Finding]:
    cache = store.cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        probe = cache / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        yield Finding(
            state="look",
            subject="cache",
            text=f"{cache} cannot be written: {error.strerror}",
            next_step="set CHOREOSCOPE_CACHE to a folder that can be written",
        )
    else:
        yield Finding(state="ok", subject="cache", text=f"{cache} can be written")
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    yield Finding(
        state="ok" if free >= ROOM_GB else "look",
        subject="free disk",
        text=f"{free:.1f} GB in the current folder",
    )
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    yield Finding(state="ok", subject="cores", text=str(cores))
    yield Finding(state="ok", subject="gpu", text="none needed, none used by the default back ends")
