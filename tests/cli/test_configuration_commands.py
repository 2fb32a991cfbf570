"""``init``, ``recipes``, ``config`` and key flags of ``capture``, as typed."""

import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.capture.config import configure
from choreoscope.capture.film import load_result
from choreoscope.cli import main as command_line
from choreoscope.formats.video_writer import FilmWriter

Command = Callable[..., tuple[int, str, list[str]]]
FAKE = ("--quiet", "--run.executor", "inline", "--people.backend", "fake")


@pytest.fixture
def choreoscope(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Run the command in this process; gives exit code, output, and lines of the error stream."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")

    def run(*arguments: str | Path) -> tuple[int, str, list[str]]:
        monkeypatch.setattr(sys, "argv", ["choreoscope", *(str(one) for one in arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err.strip().splitlines()

    return run


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "films" / "a dance.mp4"
    path.parent.mkdir()
    texture = np.random.default_rng(3).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    with FilmWriter(path, size=(96, 64), rate=Fraction(25), time_base=Fraction(1, 12800)) as writer:
        for frame in range(12):
            writer.write(np.roll(texture, frame, axis=1), frame * 512)
    return path


def test_init_writes_every_default_and_does_not_overwrite(
    choreoscope: Command, tmp_path: Path
) -> None:
    assert choreoscope("init") == (0, "shot.yaml written\n", [])
    path = tmp_path / "shot.yaml"
    assert configure(path).values == configure().values
    path.write_text("recipe: mocap  # mine\n", encoding="utf-8")
    code, _, lines = choreoscope("init")
    assert (code, len(lines)) == (2, 1)
    assert "--force" in lines[0]
    assert path.read_text(encoding="utf-8") == "recipe: mocap  # mine\n"
    code, said, _ = choreoscope("init", "--force", "--recipe", "relight")
    assert (code, said) == (0, "shot.yaml replaced, nothing of the old file is kept\n")
    assert list(configure(path).values.external) == ["switchlight"]


def test_init_names_the_nearest_recipe(choreoscope: Command, tmp_path: Path) -> None:
    code, _, lines = choreoscope("init", "--recipe", "relihgt")
    assert (code, len(lines)) == (2, 1)
    assert "did you mean 'relight'" in lines[0]
    assert not list(tmp_path.iterdir())


def test_recipes_are_listed(choreoscope: Command) -> None:
    code, said, _ = choreoscope("recipes")
    assert code == 0
    for name in ("mocap", "passes", "relight", "pointcloud", "dance-data", "everything"):
        assert name in said


def test_a_key_is_changed_and_shown(choreoscope: Command, tmp_path: Path) -> None:
    choreoscope("init")
    before = (tmp_path / "shot.yaml").read_text(encoding="utf-8").splitlines()
    assert choreoscope("config", "set", "shot.yaml", "lens.fov_degrees", "62")[0] == 0
    after = (tmp_path / "shot.yaml").read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("  fov_degrees: null", "  fov_degrees: 62")]
    line = after.index("  fov_degrees: 62") + 1
    _, said, _ = choreoscope("config", "show", "shot.yaml", "--run.offline", "--changed")
    rows = {row.split()[0]: row for row in said.splitlines() if row.strip()}
    assert f"shot.yaml, line {line}" in rows["lens.fov_degrees"]
    assert "62.0" in rows["lens.fov_degrees"]
    assert "--run.offline" in rows["run.offline"]
    assert set(rows) == {"Configuration", "key", "lens.fov_degrees", "run.offline"}
    _, said, _ = choreoscope("config", "show", "--recipe", "relight", "--changed")
    rows = {row.split()[0]: row for row in said.splitlines() if row.strip()}
    assert "recipe relight" in rows["external.switchlight.passes.alpha.pattern"]
    assert "--recipe" in rows["recipe"]
    assert choreoscope("config", "check", "shot.yaml")[:2] == (0, "shot.yaml: ok, recipe mocap\n")


def test_capture_takes_a_file_and_flags(choreoscope: Command, film: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings" / "shot.yaml"
    settings.parent.mkdir()
    settings.write_text(
        "recipe: dance-data\nfolders: {input: ../films, output: ../results}\n"
        "people: {heights: {P01: 1.6}, options: {fake: {people: 1}}}\nlens: {focal_mm: 30}\n",
        encoding="utf-8",
    )
    words = ("--config", settings, *FAKE, "--lens.fov-degrees", "60", "--height", "P01=1.9")
    code, _, lines = choreoscope("capture", film.name, *words)
    assert (code, lines) == (0, [])
    out = tmp_path / "results" / "a dance.choreoscope"
    assert not (out / "clip-001" / "overlay.mp4").exists()
    assert (out / "clip-001" / "people" / "P01" / "P01.bvh").exists()
    path, configuration = load_result(out)
    assert path == film
    assert configuration.people.heights == {"P01": 1.9}
    assert configuration.people.backend == "fake"
    assert (configuration.lens.focal_mm, configuration.lens.fov_degrees) == (None, 60)
    assert configuration.folders.input == film.parent
    assert configuration.recipe == "dance-data"
    written = (out / "choreoscope.yaml").stat().st_mtime_ns
    assert choreoscope("capture", film.name, *words)[0] == 0
    assert (out / "choreoscope.yaml").stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--lens.fov", "50"), "--lens.fov: 'lens' has no key 'fov'"),
        (("--lens.fov_degrees",), "expected a number"),
        (("--lens.fov_degrees", "400"), "--lens.fov_degrees: expected a number, above 0, below"),
        (("--config", "nowhere.yaml"), "no such file: nowhere.yaml; 'choreoscope init"),
        (("--recipe", "mokap"), "did you mean 'mocap'"),
        (("--people-option", "peoplee=1"), "did you mean 'people.options.fake.people'"),
        (("--fov", "50", "--lens.camera", "x.toml"), "--lens.camera and --fov"),
        (("--frames", "0:5", "--time", "0-1"), "--frames and --time"),
        (("--people.options.fake.people", "-1"), "expected people >= 0"),
        (("stray", "--lens.fov_degrees", "50"), "stray"),
    ],
)
def test_bad_keys_are_one_line(
    choreoscope: Command, film: Path, words: tuple[str, ...], said: str
) -> None:
    code, _, lines = choreoscope("capture", film, *FAKE, *words)
    assert (code, len(lines)) == (2, 1)
    assert said in lines[0]


def test_a_film_before_or_behind_key_flags(choreoscope: Command, film: Path) -> None:
    flags = ("--people.options.fake.people", "1", "--lens.static_camera", "--recipe=dance-data")
    assert choreoscope("capture", *flags, film, *FAKE)[0] == 0


def test_a_folder_that_is_no_result(choreoscope: Command, tmp_path: Path) -> None:
    from choreoscope.datatypes.errors import InputError

    del choreoscope
    with pytest.raises(InputError, match="expected the result folder of a film"):
        load_result(tmp_path)


def test_help_is_quick_and_speaks_of_keys() -> None:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "choreoscope", "capture", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "--lens.fov_degrees 62" in " ".join(done.stdout.split())
    assert time.perf_counter() - began < 5.0
    code = "import sys, choreoscope.cli.main; print('pydantic' in sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "False"
