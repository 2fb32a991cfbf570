"""Corrections replayed on a made film whose people are known: what is made again, what comes."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.backends.people.fake import FakePeople, Scene
from choreoscope.capture.config import Configuration, configured
from choreoscope.capture.film import FilmResult, capture_configured
from choreoscope.datatypes.errors import InputError
from choreoscope.formats.people_json import read_people
from choreoscope.formats.sequence import read_sequence
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.pipeline import events
from choreoscope.pipeline.config.layers import Given, Layer
from results import content

FRAMES, SIZE = 60, (160, 120)
# P01 is away in the middle and comes back as another tracklet.
SCENE = {"people": 2, "away_from": 20, "away_to": 24}
AFTER_LIFT = {"lift", "bvh", "index", "report"}
AFTER_IDENTITIES = {"identities", "camera", *AFTER_LIFT}
AFTER_LENS = {"lens", "camera", *AFTER_LIFT}


def configuration(scene: dict[str, int], **values: object) -> Configuration:
    """The shortest recipe on the analytic back end; double underscores stand for dots."""
    told = {tuple(key.split("__")): Given(value, "test") for key, value in values.items()}
    told[("recipe",)] = Given("dance-data", "test")
    told[("people", "backend")] = Given("fake", "test")
    told[("run", "executor")] = Given("inline", "test")
    told |= {
        ("people", "options", "fake", key): Given(value, "test") for key, value in scene.items()
    }
    return configured([Layer(values=told)]).values


FAKE = configuration(SCENE)


def write_film(path: Path, scenes: int = 1) -> Path:
    rng = np.random.default_rng(1)
    places = [rng.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8) for _ in range(scenes)]
    with FilmWriter(path, size=SIZE, rate=Fraction(25), time_base=Fraction(1, 12800)) as writer:
        for frame in range(FRAMES):
            writer.write(places[frame * scenes // FRAMES], frame * 512)
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("films") / "dance.mp4")


def run(
    film: Path, out: Path, corrections: str | None = None, options: Configuration = FAKE
) -> tuple[FilmResult, list[tuple[str, str]]]:
    """Capture with this text beside the result; the stages that really ran, by clip."""
    if corrections is not None:
        out.mkdir(exist_ok=True)
        (out / "corrections.yaml").write_text(corrections, encoding="utf-8")
    heard: list[events.Event] = []
    result = capture_configured(film, out, options, events=heard.append)
    started = [one for one in heard if isinstance(one, events.StageStarted)]
    return result, [(one.clip, one.stage) for one in started]


def ran(film: Path, out: Path, corrections: str, options: Configuration = FAKE) -> set[str]:
    result, started = run(film, out, corrections, options)
    assert result.clips[0].is_complete
    return {stage for _, stage in started}


@pytest.fixture(scope="module")
def finished(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("result") / "plain"
    result, _ = run(film, out)
    assert result.people == {"clip-001": ("P01", "P02")}
    return out


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A finished result of one's own."""
    copy = tmp_path / "result"
    shutil.copytree(finished, copy)
    return copy


def clip(out: Path) -> Path:
    return out / "clip-001"


def seen(out: Path, person: str) -> dict[int, np.ndarray]:
    """Pixels of a person's body points by frame."""
    sequence = read_sequence(clip(out) / "people" / person / "landmarks.npz").sequence
    return dict(zip(sequence.frames.tolist(), sequence.points_px, strict=True))


def true_person(frame: int, points: np.ndarray) -> int:
    truth = FakePeople(Scene(**SCENE)).truth(frame, *SIZE)
    (same,) = [one.person for one in truth if np.allclose(one.points_px, points, atol=0.01)]
    return same


SWAP = "- frames: 30:40\n  note: they cross\n  author: Kim\n  swap: [P01, P02]\n"


def test_a_file_without_entries_is_no_file(film: Path, out: Path) -> None:
    assert ran(film, out, "# nothing yet\n") == set()
    assert ran(film, out, "- frames: '0:20'\n  depth: [{frame: 3, scale: 2}]\n") == set()


def test_after_a_swap_each_track_shows_the_other(film: Path, out: Path) -> None:
    assert ran(film, out, SWAP) == AFTER_IDENTITIES
    for person, own in (("P01", 0), ("P02", 1)):
        for frame, points in seen(out, person).items():
            expected = 1 - own if 30 <= frame < 40 else own
            assert true_person(frame, points) == expected
    decisions = read_people(clip(out) / "work" / "people.json").decisions
    assert (
        decisions[-1]["reason"] == "by hand, swap P01 with P02 over frames 30:40: they cross (Kim)"
    )
    assert "they cross (Kim)" in (clip(out) / "report.html").read_text(encoding="utf-8")


def test_swapping_twice_gives_the_same_tracks(film: Path, finished: Path, out: Path) -> None:
    run(film, out, SWAP + SWAP)
    for name in ("landmarks.npz", "masks.json", "motion.npz"):
        for person in ("P01", "P02"):
            place = Path("clip-001") / "people" / person / name
            assert (out / place).read_bytes() == (finished / place).read_bytes()
    run(film, out, SWAP)
    place = Path("clip-001") / "people" / "P01" / "landmarks.npz"
    assert (out / place).read_bytes() != (finished / place).read_bytes()
    # Taken back, everything is as if it had never been said.
    run(film, out, "")
    assert content(clip(out)) == content(clip(finished))


def test_a_name_is_the_folder_and_the_id_in_every_file(film: Path, out: Path) -> None:
    assert ran(film, out, "- rename: {P01: anna}\n- height: {anna: 1.8}\n") == AFTER_IDENTITIES
    people = clip(out) / "people"
    assert sorted(folder.name for folder in people.iterdir()) == ["P02", "anna"]
    assert (people / "anna" / "anna.bvh").exists()
    with np.load(people / "anna" / "motion.npz") as motion:
        assert str(motion["person"]) == "anna"
    shot = json.loads((clip(out) / "shot.json").read_text(encoding="utf-8"))
    assert [(one["id"], one["stature"]) for one in shot["people"]] == [
        ("anna", pytest.approx(1.8, abs=0.01)),
        ("P02", pytest.approx(shot["people"][1]["stature"])),
    ]
    assert shot["people"][0]["height_source"] == "corrected"


def test_a_merge_of_people_seen_together_fails_clearly(film: Path, out: Path) -> None:
    result, _ = run(film, out, "- merge: [P01, P02]\n")
    error = result.clips[0].outcome("identities").error
    assert "P01 and P02 are both seen in 56 frames (0:20, 24:60)" in str(error)
    result, _ = run(film, out, "- rename: {P09: anna}\n")
    error = result.clips[0].outcome("identities").error
    assert "there is no 'P09' here; there is P01, P02" in str(error)


def test_pieces_of_one_person_are_merged(film: Path, out: Path) -> None:
    text = "- frames: '24:60'\n  rename: {P01: guest}\n"
    result, _ = run(film, out, text)
    assert result.people["clip-001"] == ("P01", "P02", "guest")
    assert sorted(seen(out, "P01")) == list(range(20))
    result, _ = run(film, out, text + "- merge: [guest, P01]\n")
    assert result.people["clip-001"] == ("P01", "P02")
    assert sorted(seen(out, "P01")) == [*range(20), *range(24, 60)]


def test_each_entry_makes_again_what_depends_on_it(film: Path, out: Path) -> None:
    # What else the lift is told is in one slice with the pin: see test_corrected_options.
    text = ""
    for entry, expected in (
        ("- frames: 30:50\n  pin: {person: P02, part: right_foot}\n", AFTER_LIFT),
        ("- focal_px: 200\n", AFTER_LENS),
        ("- depth: [{frame: 3, scale: 2}]\n", set()),
        ("# a remark\n", set()),
        (SWAP, AFTER_IDENTITIES),
    ):
        text += entry
        assert ran(film, out, text) == expected


def test_what_the_lift_was_told_is_what_comes(film: Path, out: Path) -> None:
    text = (
        "- frames: 30:50\n  pin: {person: P02, part: right_foot}\n"
        "- frames: 5:15\n  contact: {person: P01, part: left_foot, is: off}\n"
        "- height: {P01: 1.66}\n"
        "- frames: 50:60\n  distrust: {person: P02}\n"
        "- floor: {points: [[0, 1.3, 3], [1, 1.3, 3], [0, 1.3, 5]]}\n"
    )
    flags = configuration(SCENE, people__heights__P01=1.9)
    run(film, out, text, flags)
    with np.load(clip(out) / "people" / "P02" / "motion.npz") as motion:
        names = motion["joints"].tolist()
        foot = motion["joint_positions"][
            30:50, [names.index("right_foot"), names.index("right_toes")]
        ]
        assert np.ptp(foot, axis=0).max() < 0.001
        assert np.all(motion["contacts"][30:50, 2:4] == 1.0)
        assert np.all(motion["confidence"][50:] == 0.0)
        assert motion["confidence"][49].max() > 0
    with np.load(clip(out) / "people" / "P01" / "motion.npz") as motion:
        assert np.all(motion["contacts"][5:15, :2] == 0.0)
    shot = json.loads((clip(out) / "shot.json").read_text(encoding="utf-8"))
    assert shot["floor"]["camera_height"] == pytest.approx(1.3, abs=0.005)
    assert shot["people"][0]["stature"] == pytest.approx(1.66, abs=0.01)
    notes = " ".join(shot["notes"])
    assert "P01: height 1.66 m from the corrections, not 1.90 m as given" in notes
    assert "P02: what was seen in frames 50:60 is distrusted" in notes


def test_without_a_pin_the_foot_moves(finished: Path) -> None:
    with np.load(clip(finished) / "people" / "P02" / "motion.npz") as motion:
        foot = motion["joint_positions"][30:50, motion["joints"].tolist().index("right_foot")]
        assert np.ptp(foot, axis=0).max() > 0.05


def test_a_focal_length_is_met_and_wins(film: Path, out: Path) -> None:
    flags = configuration(SCENE, lens__focal_mm=50.0)
    run(film, out, "- focal_mm: 24\n  sensor_mm: 36\n", flags)
    shot = json.loads((clip(out) / "shot.json").read_text(encoding="utf-8"))
    assert shot["lens"]["source"] == "corrections"
    assert shot["lens"]["fx"] == pytest.approx(24 / 36 * 160)
    assert "focal length 107 px from the corrections, not 222 px (given)" in shot["notes"]


def test_cuts_make_the_clips_expected(tmp_path: Path) -> None:
    film, out = write_film(tmp_path / "two.mp4", scenes=2), tmp_path / "out"
    nobody = configuration({"people": 0})

    def frames() -> list[list[int]]:
        record = json.loads((out / "film.json").read_text(encoding="utf-8"))
        return [one["frames"] for one in record["clips"]]

    run(film, out, None, nobody)
    assert frames() == [[0, 30], [30, 60]]
    _, started = run(film, out, "- cuts: {add: [45]}\n", nobody)
    assert frames() == [[0, 30], [30, 45], [45, 60]]
    # The first shot is as it was, so nothing of it is made again.
    assert {name for name, _ in started} == {"film", "clip-002", "clip-003"}
    run(film, out, "- cuts: {remove: [30]}\n", nobody)
    assert frames() == [[0, 60]]
    with pytest.raises(InputError, match="no cut at frame 31 to remove; cuts found: 30"):
        run(film, out, "- cuts: {remove: [31]}\n", nobody)


def test_an_entry_of_another_shot_leaves_a_clip_alone(tmp_path: Path) -> None:
    film, out = write_film(tmp_path / "two.mp4", scenes=2), tmp_path / "out"
    alone = configuration({"people": 1})
    run(film, out, None, alone)
    _, started = run(film, out, "- frames: '40:60'\n  height: {P01: 1.6}\n", alone)
    assert {name for name, _ in started} == {"clip-002"}
    assert {stage for _, stage in started} == AFTER_LIFT


def test_a_bad_file_stops_the_run_before_anything_is_made(film: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"corrections\.yaml, line 2: entry: unknown key 'swp'"):
        run(film, tmp_path / "out", "# mine\n- swp: [P01, P02]\n")
    with pytest.raises(InputError, match="line 1: frames: frames 50:70 lie outside the film"):
        run(film, tmp_path / "out", "- frames: 50:70\n  focal_px: 900\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["corrections.yaml"]
