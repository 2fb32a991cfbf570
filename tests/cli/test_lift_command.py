"""``choreoscope lift`` and ``choreoscope relight``: what they print, make and refuse."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from choreoscope.cli.main import app
from choreoscope.datatypes.errors import InputError
from choreoscope.formats.exr import write_exr
from choreoscope.formats.pictures import write_png
from choreoscope.formats.usd_points import PointsReader
from choreoscope.formats.video import probe_film

WIDTH, HEIGHT, COUNT = 48, 32, 3
DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    """Depth in centimetres, mattes and normals of a wall with a hole."""
    folder = tmp_path / "sl"
    for name in ("Depth", "Alpha", "Normal"):
        (folder / name).mkdir(parents=True)
    alpha = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    alpha[4:-4, 6:-6] = 255
    ramp = np.linspace(300, 500, WIDTH, dtype=np.float32)
    flat = np.full((HEIGHT, WIDTH, 3), [128, 128, 255], dtype=np.uint8)
    flat[:, :20] = [180, 128, 240]
    for frame in range(COUNT):
        depth = np.where(alpha > 0, ramp + frame, np.float32(0)).astype(np.float32)
        write_exr(folder / "Depth" / f"d.{frame:04d}.exr", {"Z": depth})
        write_png(folder / "Alpha" / f"a.{frame:04d}.png", alpha[..., None])
        write_png(folder / "Normal" / f"n.{frame:04d}.png", flat)
    return folder


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_lift_makes_files_and_says_what_it_took_for_granted(delivered: Path) -> None:
    text = run("lift", delivered, "--mesh", "--ply", "ascii", "--step", 1)
    out = delivered.with_name("sl.lift")
    assert str(out / "cloud.usdc") in text
    assert f"{COUNT} frames" in text
    assert "taken for centimetres" in text
    assert "the lens is assumed" in text
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    plys = [f"ply/relief.{1001 + frame}.ply" for frame in range(COUNT)]
    assert names == ["cloud.usdc", "depth_curve.yaml", *plys, "relief.usdc"]
    assert len(PointsReader(out / "cloud.usdc").read(0)["Cloud"].points) == (HEIGHT - 8) * (
        WIDTH - 12
    )


def test_options_of_lift_reach_the_cloud(delivered: Path, tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text("frame,scale,offset\n0,2,0.5\n")
    said = ("--units", "centimetres", "--fov", 60, "--aspect", "16:9", "--start", 1)
    more = ("--curve", tmp_path / "curve.csv", "--frames", "1:3", "--axes", "camera", "--quiet")
    assert run("lift", delivered, "--out", tmp_path / "o", *said, *more) == ""
    reader = PointsReader(tmp_path / "o" / "cloud.usdc")
    assert (reader.first_code, reader.count) == (1, 2)
    points = reader.read(0)["Cloud"].points
    assert -points[:, 2].max() == pytest.approx(2 * 3.25 + 0.5, abs=0.2)
    slope = np.abs(points[:, 0] / points[:, 2]).max()
    assert slope == pytest.approx(np.tan(np.radians(30)) * (WIDTH - 12) / WIDTH, rel=0.05)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--near", 2), "expected both"),
        (("--aspect", "wide"), "16:9 or 1.778"),
        (("--only", "P01"), "nobody is told apart"),
        (("--no-points",), "nothing to make"),
        (("--frames", "7:9"), "has frames 0:3"),
        (("--curve", "none.yaml"), "cannot be read"),
    ],
)
def test_lift_refuses_in_words(delivered: Path, words: tuple[object, ...], text: str) -> None:
    with pytest.raises(InputError, match=text):
        run("lift", delivered, *words)


def test_relight_makes_a_film(delivered: Path) -> None:
    text = run("relight", delivered, "--light", "left", "--rate", 25)
    film = delivered.with_name("sl.relight.mp4")
    assert text.strip() == str(film)
    video = probe_film(film)
    assert (video.frame_count, video.rate) == (COUNT, 25)
    with pytest.raises(InputError, match="expected circle or one of"):
        run("relight", delivered, "--light", "everywhere")


@pytest.mark.parametrize("command", ["lift", "relight"])
def test_every_option_is_in_the_docs(command: str) -> None:
    import typer

    text = (DOCS / f"{command}.md").read_text("utf-8")
    group = typer.main.get_command(app)
    options = group.commands[command].params  # type: ignore[attr-defined]
    named = [opt for one in options for opt in one.opts if opt.startswith("--")]
    assert [opt for opt in named if f"`{opt}" not in text] == []
