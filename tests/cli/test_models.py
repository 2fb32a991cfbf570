"""``choreoscope models``: what it prints, copies and refuses."""

import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from choreoscope.cli import models
from choreoscope.cli.progress import Teller
from choreoscope.cli.wording import line_of
from choreoscope.datatypes.errors import InputError, OutputError, WeightsError
from choreoscope.datatypes.models import BackendSpec, Licence, ModelRef, Tier
from choreoscope.pipeline import backends
from choreoscope.pipeline.weights.events import WeightsEvent

CONTENT = {"a.bin": b"first", "b.bin": b"second", "extra.bin": b"third"}
LICENCE = Licence(name="MIT", tier=Tier.COMMERCIAL, notice="made by nobody")


def made_ref(name: str) -> ModelRef:
    content = CONTENT[name]
    return ModelRef(
        name=name,
        version="7",
        sources=(),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        licence=LICENCE,
    )


def made_spec(name: str, files: tuple[str, ...], extra: str = "") -> BackendSpec:
    return BackendSpec(
        task="people",
        name=name,
        version=1,
        load=lambda *_: None,
        modules=(),
        extra=extra,
        weights=tuple(made_ref(file) for file in files),
        licence=LICENCE,
        memory_mb=1,
    )


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of two files, and two back ends, one of which needs an extra."""
    monkeypatch.delenv("CHOREOSCOPE_WEIGHTS", raising=False)
    monkeypatch.delenv("CHOREOSCOPE_OFFLINE", raising=False)
    monkeypatch.setenv("CHOREOSCOPE_CACHE", str(tmp_path / "cache"))
    specs = [
        made_spec("walker", ("a.bin", "b.bin")),
        made_spec("runner", ("a.bin", "extra.bin"), extra="torch"),
    ]
    monkeypatch.setattr(backends, "find_backends", lambda _task=None: specs)
    folder = tmp_path / "cache" / "weights"
    folder.mkdir(parents=True)
    for name in ("a.bin", "b.bin"):
        (folder / name).write_bytes(CONTENT[name])
    (folder / "a.bin.LICENSE.txt").write_text("Do as you like.")
    return folder


def run(*words: str) -> Result:
    return CliRunner().invoke(models.app, words)


def line_with(result: Result, word: str) -> str:
    return next(line for line in result.stdout.splitlines() if word in line)


def test_list_says_what_is_needed_where_it_is_and_who_uses_it(cache: Path) -> None:
    (cache / "b.bin").write_bytes(b"sEcond")
    result = run("list")
    assert result.exit_code == 0, result.output
    first = line_with(result, "a.bin")
    for word in ("7", "MIT", "commercial", "cache", "walker (people), runner (people)"):
        assert word in first
    assert "cache: wrong" in line_with(result, "b.bin")
    assert "absent" in line_with(result, "extra.bin")
    assert "make demo" in line_with(result, "demo-clip.mp4")
    assert "4.0" in line_with(result, "demo-clip.mp4")


def test_fetch_without_a_choice_means_what_the_core_can_run(cache: Path) -> None:
    result = run("fetch", "--offline")
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == [str(cache / "a.bin"), str(cache / "b.bin")]


@pytest.mark.parametrize("name", ["runner", "people.runner"])
def test_fetch_for_a_back_end(name: str) -> None:
    result = run("fetch", "--backend", name, "--offline")
    assert isinstance(result.exception, WeightsError)
    assert "extra.bin" in str(result.exception)


def test_fetch_copies_files_with_their_licence(tmp_path: Path) -> None:
    folder = tmp_path / "to go"
    for _ in range(2):
        result = run("fetch", "a.bin", "--offline", "--to", str(folder))
        assert result.stdout.strip() == str(folder / "a.bin")
    assert {path.name for path in folder.iterdir()} == {"a.bin", "a.bin.LICENSE.txt"}
    assert (folder / "a.bin").read_bytes() == CONTENT["a.bin"]
    again = run("fetch", "a.bin", "--weights", str(folder), "--to", str(folder))
    assert again.exit_code == 0


def test_fetch_to_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("fetch", "a.bin", "--to", str(tmp_path / "file"))
    assert isinstance(result.exception, OutputError)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("fetch", "a.bim"), "did you mean 'a.bin'?"),
        (("fetch", "--backend", "swimmer"), "known: people.walker, people.runner"),
    ],
)
def test_unknown_names(words: tuple[str, ...], text: str) -> None:
    result = run(*words)
    assert isinstance(result.exception, InputError)
    assert text in str(result.exception)


def test_verify_ends_well_only_when_nothing_is_wrong(cache: Path) -> None:
    result = run("verify")
    assert result.exit_code == 0, result.output
    assert line_with(result, "a.bin").startswith("a.bin: ok")
    assert "absent" in line_with(result, "extra.bin")
    (cache / "b.bin").write_bytes(b"sEcond")
    result = run("verify")
    assert isinstance(result.exception, WeightsError)
    assert str(cache / "b.bin") in str(result.exception)
    assert "expected sha256" in line_with(result, "b.bin")


def test_verify_looks_into_the_users_folder(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"other")
    result = run("verify", "--weights", str(tmp_path))
    assert isinstance(result.exception, WeightsError)
    assert str(tmp_path / "a.bin") in str(result.exception)


def test_the_teller_shows_licences_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    licence = WeightsEvent(
        kind="licence", name="a.bin", text="x.whl (35.6 MB)", total=5_000_000, licence=LICENCE
    )
    with Teller(quiet=False) as teller:
        teller(licence)
        for done in (0, 50, 100):
            teller(WeightsEvent(kind="progress", name="x.whl", done=done, total=100))
        teller(WeightsEvent(kind="note", name="x.whl", text="by pip: [no] luck"))
        teller(WeightsEvent(kind="done", name="a.bin", done=5, total=5))
    shown = capsys.readouterr().err
    assert "a.bin: 5.0 MB, MIT, tier 'commercial', made by nobody; from x.whl (35.6 MB)" in shown
    assert "x.whl: by pip: [no] luck" in shown
    assert "a.bin: fetched and checked" in shown
    assert line_of(WeightsEvent(kind="progress", name="x")) is None
