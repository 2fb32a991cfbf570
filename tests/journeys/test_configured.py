"""Captures by configuration: other recipes, the record of a result, going on from it."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.capture.config import Configuration, configured
from choreoscope.capture.film import CaptureOptions, capture_configured, capture_video, load_result
from choreoscope.cli import flags
from choreoscope.datatypes.errors import OutputError
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.pipeline import events
from choreoscope.viewer.report_check import check_report
from results import content

FAKE = ("--people.backend", "fake", "--run.executor", "inline", "--run.processes", "1")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "a dance.mp4"
    texture = np.random.default_rng(1).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    with FilmWriter(
        path, size=(160, 120), rate=Fraction(25), time_base=Fraction(1, 12800)
    ) as writer:
        for frame in range(20):
            writer.write(texture, frame * 512)
    return path


def _configuration(*words: str) -> Configuration:
    return configured([flags.parse([*FAKE, *words])]).values


def _ran(film: Path, out: Path, configuration: Configuration) -> list[str]:
    heard: list[events.Event] = []
    result = capture_configured(film, out, configuration, heard.append)
    assert result.clips[0].is_complete
    names = [type(event).__name__ for event in heard]
    assert names.count("FilmStarted") == names.count("FilmFinished") == 1
    return [event.stage for event in heard if isinstance(event, events.StageStarted)]


def test_dance_data_lives_without_pictures(film: Path, tmp_path: Path) -> None:
    ran = _ran(film, tmp_path, _configuration("--recipe", "dance-data"))
    assert set(ran) == {
        "shots",
        "people",
        "identities",
        "lens",
        "camera",
        "lift",
        "bvh",
        "index",
        "report",
    }
    clip = tmp_path / "clip-001"
    check_report(clip / "report.html")
    page = (clip / "report.html").read_text(encoding="utf-8")
    assert "No overlay film was made." in page
    kinds = {file["kind"] for file in json.loads((clip / "shot.json").read_text())["files"]}
    assert "bvh" in kinds
    assert kinds.isdisjoint({"glb", "overlay", "top_view"})


def test_another_recipe_adds_what_is_missing_and_shows_it(film: Path, tmp_path: Path) -> None:
    _ran(film, tmp_path, _configuration("--recipe", "dance-data"))
    ran = _ran(film, tmp_path, _configuration())
    assert set(ran) == {"glb", "overlay", "views", "index", "report"}
    page = (tmp_path / "clip-001" / "report.html").read_text(encoding="utf-8")
    assert "No overlay film was made." not in page


def test_a_result_loads_back_to_what_it_was_made_with(film: Path, tmp_path: Path) -> None:
    configuration = _configuration(
        *("--recipe", "dance-data", "--people.heights.P01", "1.8", "--lens.fov_degrees", "50"),
        *("--people.options.fake.people", "1", "--run.clip_timeout", "1h", "--film.frames", "2:18"),
        *("--stages.identities.link.gaps_s", "[0.3, 1.0]", "--folders.output", "results"),
    )
    _ran(film, tmp_path, configuration)
    path, loaded = load_result(tmp_path)
    assert path == film
    assert loaded == configuration
    assert _ran(path, tmp_path, loaded) == []


def test_equal_runs_leave_equal_folders(film: Path, tmp_path: Path) -> None:
    words = ("--recipe", "dance-data")
    _ran(film, tmp_path / "one", _configuration(*words))
    _ran(film, tmp_path / "two", _configuration(*words, "--run.workers", "2"))
    assert content(tmp_path / "one") == content(tmp_path / "two")
    # The control: one option of one stage, and the folders differ.
    _ran(film, tmp_path / "two", _configuration(*words, "--stages.lift.smoothing", "false"))
    assert content(tmp_path / "one") != content(tmp_path / "two")


def test_python_and_command_line_make_the_same(film: Path, tmp_path: Path) -> None:
    options = CaptureOptions(
        people_backend="fake",
        heights={"P01": 1.8},
        seconds=(Fraction(1, 5), Fraction(3, 5)),
        people_options={"people": 1, "breaks": (7,)},
    )
    capture_video(film, tmp_path, options=options)
    words = ("--people.heights.P01", "1.8", "--film.time", "0.2-0.6")
    words += ("--people.options.fake", "{people: 1, breaks: [7]}")
    assert _ran(film, tmp_path, _configuration(*words)) == []


def test_passes_that_never_come_are_gaps_and_nothing_else_suffers(
    film: Path, tmp_path: Path
) -> None:
    words = ("--recipe", "pointcloud", "--external.passes.timeout", "0",
             "--external.passes.passes.roughness.pattern", "rough/*.png")  # fmt: skip
    result = capture_configured(film, tmp_path, _configuration(*words))
    clip = result.clips[0]
    assert set(clip.gaps) == {"passes"}
    assert clip.failures == ()
    assert (tmp_path / "clip-001" / "report.html").exists()


def test_which_film_it_is_stands_there_from_the_start(film: Path, tmp_path: Path) -> None:
    class Stopped(Exception):  # noqa: N818
        """Stands for a kill."""

    def stop(event: events.Event) -> None:
        if isinstance(event, events.StageStarted) and event.stage == "people":
            raise Stopped

    configuration = _configuration("--recipe", "dance-data")
    with pytest.raises(Stopped):
        capture_configured(film, tmp_path, configuration, stop)
    assert load_result(tmp_path) == (film, configuration)
    assert json.loads((tmp_path / "film.json").read_text())["clips"] == []
    _ran(film, tmp_path, configuration)
    before = (tmp_path / "film.json").read_bytes()
    assert len(json.loads(before)["clips"]) == 1
    with pytest.raises(Stopped):
        capture_configured(
            film, tmp_path, _configuration("--people.options.fake.people", "1"), stop
        )
    # What was known of its clips stays known.
    assert (tmp_path / "film.json").read_bytes() == before


def test_a_folder_that_cannot_be_written(film: Path, tmp_path: Path) -> None:
    (tmp_path / "choreoscope.yaml").mkdir()
    with pytest.raises(OutputError, match=r"choreoscope\.yaml"):
        capture_configured(film, tmp_path, _configuration())
