"""The plan of the house, as tests: imports, cost of importing, side effects, tables in the docs."""

import functools
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import choreoscope

REPOSITORY = Path(__file__).resolve().parent.parent
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(choreoscope.__path__, "choreoscope.")
)
_IMPORTS = re.compile(r"^from (\S+) import", re.MULTILINE)
_COMPILES = re.compile(r"^(?:from|import) numba\b", re.MULTILINE)
HEAVY = (
    "cv2",
    "av",
    "scipy",
    "ai_edge_litert",
    "scenedetect",
    "pygltflib",
    "torch",
    "jinja2",
    "pxr",
    "OpenEXR",
    "onnxruntime",
    "transformers",
    "diffusers",
)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_imports(name: str) -> None:
    importlib.import_module(name)


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def _source(name: str) -> str:
    path = REPOSITORY / "src" / Path(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text(encoding="utf-8")


@functools.cache
def _compiled_modules() -> frozenset[str]:
    """Find modules of compiled kernels, and those built on them: imported in functions alone."""
    sources = {name: _source(name) for name in MODULES}
    imports = {name: set(_IMPORTS.findall(source)) for name, source in sources.items()}
    found = {name for name, source in sources.items() if _COMPILES.search(source)}
    while more := {name for name, own in imports.items() if own & found} - found:
        found |= more
    return frozenset(found)


def test_importing_everything_but_kernels_loads_no_heavy_library() -> None:
    light = [name for name in MODULES if name not in _compiled_modules()]
    loaded = _loaded_after("\n".join(f"import {name}" for name in light))
    assert loaded.isdisjoint((*HEAVY, "numba")), loaded & {*HEAVY, "numba"}


def test_only_kernels_are_compiled() -> None:
    rooms = ("fit.kernel", "solve.kernels", "solve.banding", "rendering.soft_", "cloud.kernels")
    assert all(any(room in name for room in rooms) for name in _compiled_modules())


def test_the_heavy_check_can_fail() -> None:
    assert not _loaded_after("import av").isdisjoint(HEAVY)


def test_the_command_line_loads_neither_numpy_nor_pydantic_models_of_ours() -> None:
    loaded = _loaded_after("import choreoscope.cli.main")
    assert "numpy" not in loaded
    assert loaded.isdisjoint(HEAVY)


def test_importing_everything_leaves_logging_and_environment_alone() -> None:
    code = (
        "import logging, os\nbefore = (list(logging.root.handlers), dict(os.environ))\n"
        + "\n".join(f"import {name}" for name in MODULES)
        + "\nassert before == (list(logging.root.handlers), dict(os.environ))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


@pytest.mark.parametrize("name", sorted((REPOSITORY / "src").rglob("*.py")), ids=lambda p: p.name)
def test_files_are_short(name: Path) -> None:
    assert len(name.read_text(encoding="utf-8").splitlines()) <= 400, name


def test_no_catch_all_rooms() -> None:
    forbidden = {"utils", "helpers", "common", "misc", "core"}
    assert not [name for name in MODULES if name.rpartition(".")[2] in forbidden]


def test_public_names_are_those_of_the_stub() -> None:
    stub = (REPOSITORY / "src" / "choreoscope" / "__init__.pyi").read_text()
    named = set(re.findall(r" as (\w+)$", stub, re.MULTILINE)) | {"__version__"}
    assert named == set(choreoscope.__all__)
    for name in choreoscope.__all__:
        assert getattr(choreoscope, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'capture_film'"):
        _ = choreoscope.capture_film


def test_importing_the_package_costs_nothing() -> None:
    assert "numpy" not in _loaded_after("import choreoscope")
