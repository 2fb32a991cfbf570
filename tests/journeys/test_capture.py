"""The main job on a small made film with the analytic back end: whole, and resumed."""

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.capture.film import CaptureOptions, FilmResult, capture_video
from choreoscope.capture.recipes import mocap_recipe
from choreoscope.datatypes.artifacts import kind_of
from choreoscope.datatypes.models import RunSettings
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.pipeline import events
from results import content

FRAMES = 100
FAKE = CaptureOptions(people_backend="fake")


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "a dance é.mp4"
    rng = np.random.default_rng(1)
    texture = rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)
    with FilmWriter(
        path, size=(160, 120), rate=Fraction(25), time_base=Fraction(1, 12800)
    ) as writer:
        for frame in range(FRAMES):
            writer.write(texture, frame * 512)
    return path


def _capture(
    film: Path, out: Path, options: CaptureOptions = FAKE, workers: int = 1
) -> tuple[FilmResult, list[str]]:
    """Run, and name the stages that really ran."""
    heard: list[events.Event] = []
    result = capture_video(
        film, out, options=options, settings=RunSettings(workers=workers), events=heard.append
    )
    return result, [event.stage for event in heard if isinstance(event, events.StageStarted)]


@pytest.fixture(scope="session")
def finished(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("result")
    result, ran = _capture(film, out)
    assert result.clips[0].is_complete
    assert len(ran) == 12
    return out


def test_every_kind_of_file_is_there(finished: Path) -> None:
    clip = finished / "clip-001"
    people = [person["id"] for person in json.loads((clip / "shot.json").read_text())["people"]]
    assert people == ["P01", "P02"]
    made = [kind_of(name) for stage in mocap_recipe().stages for name in stage.writes]
    assert len(made) > 10
    for kind in made:
        if kind.per == "clip":
            assert (clip / kind.path).stat().st_size
        elif kind.per == "person":
            for person in people:
                assert (clip / kind.path.format(person=person)).stat().st_size


def test_nothing_in_the_folder_is_unaccounted_for(finished: Path) -> None:
    clip = finished / "clip-001"
    listed = {
        file["path"]
        for manifest in (clip / "work" / "manifests").glob("*.json")
        for file in json.loads(manifest.read_text())["files"]
    }
    found = {
        path.relative_to(clip).as_posix()
        for path in clip.rglob("*")
        if path.is_file() and path.parent.name != "manifests"
    }
    assert found - listed == {"work/log.txt"}
    assert listed <= found


def test_the_same_command_again_does_nothing(film: Path, finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (finished / "clip-001").rglob("*.*")}
    _, ran = _capture(film, finished)
    assert ran == []
    assert before == {p: p.stat().st_mtime_ns for p in (finished / "clip-001").rglob("*.*")}


def test_workers_do_not_matter(film: Path, finished: Path) -> None:
    assert _capture(film, finished, workers=2)[1] == []


def test_a_changed_option_redoes_only_what_follows(film: Path, finished: Path) -> None:
    taller = dataclasses.replace(FAKE, heights={"P01": 1.9})
    _, ran = _capture(film, finished, taller)
    assert set(ran) == {"lift", "bvh", "glb", "views", "index", "report"}
    _, ran = _capture(film, finished)
    assert "lift" in ran
    assert "people" not in ran


def test_a_lost_file_is_made_again(film: Path, finished: Path) -> None:
    lost = finished / "clip-001" / "people" / "P01" / "P01.bvh"
    before = lost.read_bytes()
    lost.unlink()
    _, ran = _capture(film, finished)
    assert "bvh" in ran
    assert "people" not in ran
    assert lost.read_bytes() == before


def test_two_runs_give_the_same_bytes(film: Path, finished: Path, tmp_path: Path) -> None:
    _capture(film, tmp_path, workers=3)
    assert content(tmp_path) == content(finished)


def test_the_comparison_of_bytes_can_fail(finished: Path, film: Path, tmp_path: Path) -> None:
    _capture(film, tmp_path, dataclasses.replace(FAKE, heights={"P01": 1.9}))
    assert content(tmp_path) != content(finished)


def test_a_piece_of_the_film_keeps_source_frames(film: Path, tmp_path: Path) -> None:
    piece = dataclasses.replace(FAKE, seconds=(Fraction(1), Fraction(2)))
    _capture(film, tmp_path, piece)
    shot = json.loads((tmp_path / "clip-001" / "shot.json").read_text())
    assert shot["frames"] == [25, 50]
    with np.load(tmp_path / "clip-001" / "people" / "P01" / "motion.npz") as motion:
        assert int(motion["first_frame"]) >= 25
        assert motion["times"][0] == pytest.approx(int(motion["first_frame"]) / 25)


def test_nobody_is_a_valid_result(film: Path, tmp_path: Path) -> None:
    nobody = dataclasses.replace(FAKE, people_options={"people": 0})
    result, _ = _capture(film, tmp_path, nobody)
    assert result.clips[0].is_complete
    assert result.people == {"clip-001": ()}
    assert (tmp_path / "clip-001" / "report.html").exists()


def test_every_shot_becomes_a_clip(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    scenes = [rng.integers(0, 255, (120, 160, 3), dtype=np.uint8) for _ in range(2)]
    path = tmp_path / "two shots.mp4"
    with FilmWriter(
        path, size=(160, 120), rate=Fraction(25), time_base=Fraction(1, 12800)
    ) as writer:
        for frame in range(60):
            writer.write(scenes[frame // 30], frame * 512)
    result, _ = _capture(path, tmp_path / "out")
    assert [clip.clip for clip in result.clips] == ["clip-001", "clip-002"]
    film = json.loads((tmp_path / "out" / "film.json").read_text())
    assert [clip["frames"] for clip in film["clips"]] == [[0, 30], [30, 60]]
    assert len(result.reports) == 2
