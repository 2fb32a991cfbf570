"""``choreoscope doctor``: findings, the next command, and the exit code."""

import dataclasses
import hashlib
import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest

from choreoscope.cli import doctor
from choreoscope.datatypes.models import BackendSpec, Licence, ModelRef, RunSettings, Tier
from choreoscope.pipeline import backends

LICENCE = Licence(name="MIT", tier=Tier.COMMERCIAL, notice="made up")
NET = ModelRef(
    name="net.bin",
    version="1",
    sources=(),
    sha256=hashlib.sha256(b"net").hexdigest(),
    size=3,
    licence=LICENCE,
)


def made_spec(name: str, modules: tuple[str, ...] = ("json",), extra: str = "") -> BackendSpec:
    return BackendSpec(
        task="people",
        name=name,
        version=1,
        load=lambda *_: None,
        modules=modules,
        extra=extra,
        weights=(NET,),
        licence=LICENCE,
        memory_mb=1,
    )


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which the default capture can run."""
    monkeypatch.delenv("CHOREOSCOPE_WEIGHTS", raising=False)
    monkeypatch.setenv("CHOREOSCOPE_CACHE", str(tmp_path))
    monkeypatch.setattr(backends, "find_backends", lambda: [made_spec("blazepose")])
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "net.bin").write_bytes(b"net")
    return folder


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that distributions are installed (a version) or not (None)."""
    real = importlib.metadata.version

    def with_versions(**versions: str | None) -> None:
        def version(name: str) -> str:
            found = versions.get(name.replace("-", "_"), real)
            if found is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return real(name) if callable(found) else found

        monkeypatch.setattr(importlib.metadata, "version", version)

    return with_versions


def finding(subject: str) -> doctor.Finding:
    return next(found for found in doctor.examine(RunSettings()) if found.subject == subject)


def test_a_machine_that_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.doctor() == 0
    shown = capsys.readouterr().out
    for word in ("python", "numpy", "av", "h264 encoder", "people.blazepose", "cores", "gpu"):
        assert word in shown
    assert "the default capture can run" in shown
    assert "bad" not in shown


@dataclasses.dataclass(frozen=True)
class Brings:
    """Options of a back end whose weights the user brings."""

    weights: str = ""


def test_weights_to_be_brought_are_not_called_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = dataclasses.replace(made_spec("mine"), weights=(), options=Brings)
    plain = dataclasses.replace(made_spec("plain"), weights=())
    monkeypatch.setattr(backends, "find_backends", lambda: [made_spec("blazepose"), mine, plain])
    assert "docs/models.md" in finding("people.mine").text
    assert finding("people.plain").text.startswith("ready")
    assert doctor.doctor() == 0


def test_absent_weights_name_the_command(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cache / "net.bin").unlink()
    assert doctor.doctor() == 3
    shown = capsys.readouterr().out
    assert "next: choreoscope models fetch --backend people.blazepose" in shown
    assert "cannot run yet" in shown


def test_a_wrong_file_in_the_users_folder_has_to_be_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "net.bin").write_bytes(b"ten")
    assert doctor.doctor(mine) == 3
    assert f"next: delete {mine / 'net.bin'}, then" in capsys.readouterr().out
    assert doctor.doctor(tmp_path / "typo") == 3
    assert "expected a folder of weights" in " ".join(capsys.readouterr().out.split())


def test_an_optional_back_end_that_is_not_ready_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = made_spec("other", ("a_module_nobody_has",), extra="torch")
    monkeypatch.setattr(backends, "find_backends", lambda: [made_spec("blazepose"), other])
    assert doctor.doctor() == 0
    assert 'next: python -m pip install "choreoscope[torch]"' in capsys.readouterr().out


@pytest.mark.parametrize("specs", [[], [made_spec("blazepose", ("a_module_nobody_has",))]])
def test_without_the_default_back_end_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, specs: list[BackendSpec]
) -> None:
    monkeypatch.setattr(backends, "find_backends", lambda: specs)
    assert finding("people.blazepose").state == "bad"
    assert "pip install" in finding("people.blazepose").next_step
    assert doctor.doctor() == 3


def test_a_broken_plug_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "broken_backends", lambda: ["'people.bad' is broken"])
    assert finding("back end").text == "'people.bad' is broken"
    assert doctor.doctor() == 0


def test_an_absent_dependency_names_the_command(pretend: Callable[..., None]) -> None:
    pretend(jinja2=None)
    found = finding("jinja2")
    assert found.state == "bad"
    assert found.next_step.startswith('python -m pip install "jinja2>=')
    assert doctor.doctor() == 3


def test_a_dependency_that_does_not_import_is_reinstalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.MODULES, "jinja2", "a_module_nobody_has")
    assert finding("jinja2").state == "bad"
    assert "--force-reinstall" in finding("jinja2").next_step


def test_two_opencvs_clash(pretend: Callable[..., None]) -> None:
    assert all(found.subject != "opencv" for found in doctor.examine(RunSettings()))
    pretend(opencv_python="4.14.0", opencv_contrib_python="4.14.0")
    assert finding("opencv").state == "look"
    assert finding("opencv").next_step == (
        "python -m pip uninstall --yes opencv-python opencv-contrib-python "
        "opencv-python-headless && "
        'python -m pip install "opencv-python-headless>=4.14,<6"'
    )
    assert doctor.doctor() == 0


def test_a_cache_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHOREOSCOPE_CACHE", str(tmp_path / "file"))
    assert finding("cache").state == "look"
    assert "CHOREOSCOPE_CACHE" in finding("cache").next_step
