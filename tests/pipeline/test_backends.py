"""Back ends are found by name, in our own folders and in other packages."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from weights_cases import CONTENT, LICENCE, lonely_environment, made_ref

from choreoscope.datatypes.errors import BackendUnavailableError, InputError, WeightsError
from choreoscope.datatypes.models import BackendSpec, ModelRef, RunSettings
from choreoscope.pipeline import backends

SPEC_SOURCE = """
    from choreoscope.datatypes.models import BackendSpec, Licence, Tier
    SPEC = BackendSpec(
        task={task!r}, name={name!r}, version=1, load=dict, modules=(), extra="", weights=(),
        licence=Licence(name="MIT", tier=Tier.COMMERCIAL, notice=""), memory_mb=1,
    )
"""


def made_spec(
    weights: tuple[ModelRef, ...] = (), modules: tuple[str, ...] = (), extra: str = ""
) -> BackendSpec:
    return BackendSpec(
        task="people",
        name="maker",
        version=1,
        load=lambda weights, settings, options: (weights, settings, options),
        modules=modules,
        extra=extra,
        weights=weights,
        licence=LICENCE,
        memory_mb=1,
    )


def write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source))


def declare(folder: Path, package: str, entries: dict[str, str]) -> None:
    about = folder / f"{package}-1.0.dist-info"
    write(about / "METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = "".join(f"{name} = {target}\n" for name, target in entries.items())
    write(about / "entry_points.txt", f"[choreoscope.backends]\n{lines}")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of made-up back ends, and other packages that declare some."""
    folder = tmp_path / "made_up_backends"
    for task, names in {"people": ("walker", "fake"), "depth": ("fake",)}.items():
        write(folder / task / "__init__.py", "")
        for name in names:
            write(folder / task / f"{name}.py", SPEC_SOURCE.format(task=task, name=name))
    write(folder / "__init__.py", "")
    write(folder / "people" / "weights.py", "NOT_A_SPEC = 1")
    write(folder / "people" / "parts" / "__init__.py", "raise RuntimeError('a folder of parts')")
    write(folder / "loose.py", "raise RuntimeError('not in the folder of a task')")
    write(tmp_path / "nice_package.py", SPEC_SOURCE.format(task="people", name="guest"))
    write(tmp_path / "bad_package.py", "import a_module_nobody_has\nSPEC = 1")
    declare(tmp_path, "nice_package", {"people.guest": "nice_package:SPEC"})
    broken = {"people.bad": "bad_package:SPEC", "depth.odd": "nice_package:__name__"}
    declare(tmp_path, "bad_package", broken)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(backends, "PACKAGE", "made_up_backends")
    yield tmp_path
    for name in list(sys.modules):
        if name.partition(".")[0] in ("made_up_backends", "nice_package", "bad_package"):
            del sys.modules[name]


@pytest.mark.usefixtures("house")
def test_back_ends_are_found_in_folders_and_other_packages() -> None:
    names = [(spec.task, spec.name) for spec in backends.find_backends()]
    own = [("depth", "fake"), ("people", "fake"), ("people", "walker")]
    assert names == [*own, ("people", "guest")]
    assert [spec.name for spec in backends.find_backends("depth")] == ["fake"]
    assert backends.find_backends("music") == []
    assert backends.backend("people", "guest").name == "guest"


@pytest.mark.usefixtures("house")
def test_one_task_does_not_import_the_others() -> None:
    backends.find_backends("depth")
    assert "made_up_backends.people" not in sys.modules
    assert "made_up_backends.depth.fake" in sys.modules


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    ("task", "name", "text"),
    [
        (
            "people",
            "wlaker",
            r"no people back end 'wlaker'; did you mean 'walker'\? known: fake, w",
        ),
        ("people", "zzz", r"no people back end 'zzz'; known: fake, walker, guest"),
        ("peple", "fake", r"no back end for the task 'peple'; known tasks: depth, people"),
    ],
)
def test_an_unknown_name_is_met_with_the_nearest(task: str, name: str, text: str) -> None:
    with pytest.raises(InputError, match=text):
        backends.backend(task, name)


@pytest.mark.usefixtures("house")
def test_a_broken_package_is_reported_when_asked_for() -> None:
    with pytest.raises(
        BackendUnavailableError, match=r"'people\.bad' of bad_package .*a_module_nobody_has"
    ):
        backends.backend("people", "bad")
    with pytest.raises(BackendUnavailableError, match="expected a BackendSpec, got str"):
        backends.backend("depth", "odd")
    assert len(backends.broken_backends()) == 2


def test_two_packages_with_one_name_are_an_error(house: Path) -> None:
    declare(house, "third_package", {"people.walker": "made_up_backends.people.walker:SPEC"})
    with pytest.raises(InputError, match=r"two packages bring .*'people\.walker'"):
        backends.backend("people", "walker")


def test_missing_modules_name_the_extra_and_the_command() -> None:
    modules = ("json", "a_module_nobody_has.inner", "numpy.linalg")
    spec = made_spec(modules=modules, extra="torch")
    assert backends.missing_modules(spec) == ("a_module_nobody_has.inner",)
    with pytest.raises(BackendUnavailableError) as caught:
        backends.require(spec)
    assert 'python -m pip install "choreoscope[torch]"' in str(caught.value)
    assert "the extra 'torch'" in str(caught.value)
    backends.require(made_spec(modules=("json",)))


@given(order=st.permutations(range(4)))
def test_the_weights_digest_knows_the_files_and_not_their_order(order: list[int]) -> None:
    refs = [made_ref(name=f"{n}.bin", content=CONTENT[: n + 1]) for n in range(4)]
    digest = backends.weights_digest(made_spec(tuple(refs)))
    assert backends.weights_digest(made_spec(tuple(refs[n] for n in order))) == digest
    other = (*refs[:3], made_ref(name="3.bin", content=b"other"))
    assert backends.weights_digest(made_spec(other)) != digest
    renamed = (*refs[:3], made_ref(name="4.bin", content=CONTENT[:4]))
    assert backends.weights_digest(made_spec(renamed)) != digest


def test_loading_checks_modules_then_gets_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lonely_environment(monkeypatch, tmp_path / "cache")
    settings = RunSettings(offline=True, weights_folder=tmp_path)
    spec = made_spec((made_ref(),))
    with pytest.raises(WeightsError, match=r"net\.bin"):
        backends.load(spec, settings, {})
    (tmp_path / "net.bin").write_bytes(CONTENT)
    loaded = backends.load(spec, settings, {"detect_every": 5})
    assert loaded == ({"net.bin": tmp_path / "net.bin"}, settings, {"detect_every": 5})
    with pytest.raises(BackendUnavailableError, match="a_module_nobody_has"):
        backends.load(made_spec(modules=("a_module_nobody_has",)), settings, {})


def test_the_house_keeps_its_rules_about_back_ends() -> None:
    specs = backends.find_backends()
    assert len({(spec.task, spec.name) for spec in specs}) == len(specs)
    files: dict[str, str] = {}
    for spec in specs:
        assert spec.licence.notice
        for ref in spec.weights:
            assert files.setdefault(ref.name, ref.sha256) == ref.sha256
            assert ref.sources


def test_finding_back_ends_imports_no_model_library() -> None:
    code = (
        "import sys; from choreoscope.pipeline.backends import find_backends; find_backends();"
        "heavy = {'cv2', 'av', 'scipy', 'ai_edge_litert', 'torch'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
