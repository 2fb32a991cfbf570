"""``choreoscope evaluate``: what it compares, prints and refuses."""

import dataclasses
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from choreoscope.cli.main import app
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.datatypes.people import MaskTrack
from choreoscope.formats.bvh import write_bvh
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.masks_json import write_masks
from choreoscope.formats.motion_npz import write_motion
from choreoscope.geometry import rotation
from choreoscope.geometry.masks import encode
from choreoscope.motion.metrics.comparison import GROUPS
from motions import small_skeleton

FRAMES = 60
DOCS = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def dancing(*, at: float = 0.0, first_frame: int = 0, frames: int = FRAMES) -> Motion:
    """A small skeleton that walks, bends its knees and waves."""
    skeleton = small_skeleton()
    times = (np.arange(frames) + first_frame) / 30
    turn = np.zeros((frames, len(skeleton.joints), 3))
    for number, name in enumerate(("left_upper_arm", "right_upper_arm", "left_thigh")):
        turn[:, skeleton.index(name), 2] = np.sin(8 * times + number)
    turn[:, skeleton.index("left_shin"), 0] = 0.4 + 0.3 * np.sin(3 * times)
    return Motion(
        skeleton=skeleton,
        rate=Fraction(30),
        first_frame=first_frame,
        times=times,
        root_position=np.stack([at + 0 * times, 0.95 + 0 * times, 0.8 * times], axis=-1),
        rotations=rotation.from_rotation_vector(turn),
        confidence=np.ones((frames, len(skeleton.joints))),
    )


def camera(frames: int = FRAMES) -> CameraTrack:
    poses = np.tile(np.eye(4), (frames, 1, 1))
    poses[:, :3, :3] = np.diag([1.0, -1.0, -1.0])
    poses[:, 0, 3] = np.linspace(0, 1, frames)
    poses[:, 1, 3], poses[:, 2, 3] = 1.0, 8.0
    inner = np.array([[900.0, 0, 480], [0, 900.0, 270], [0, 0, 1]])
    return CameraTrack(
        width=960,
        height=540,
        intrinsics=np.tile(inner, (frames, 1, 1)),
        camera_from_world=poses,
        distortion=np.zeros(0),
        source="given",
        metric=True,
    )


def folder(place: Path, people: dict[str, Motion], *, seen_by: CameraTrack | None = None) -> Path:
    for name, motion in people.items():
        (place / "people" / name).mkdir(parents=True)
        write_motion(place / "people" / name / "motion.npz", motion, person=name)
    place.mkdir(parents=True, exist_ok=True)
    if seen_by is not None:
        write_camera(place / "camera.json", seen_by)
    return place


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def scores(*arguments: str | Path, code: int = 0) -> dict[str, dict[str, Any]]:
    done = run(*arguments, "--json")
    assert done.exit_code == code, done.output
    record = json.loads(done.stdout)
    assert record["schema"] == 1
    return {score["name"]: score for score in record["scores"]}


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    pair = {"d1": dancing(), "d2": dancing(at=2.0)}
    return folder(tmp_path / "truth", pair, seen_by=camera())


def test_the_truth_against_itself(truth: Path) -> None:
    found = scores(truth, truth)
    for name, score in found.items():
        if name in {"people_matched", "accents", "jitter"}:
            assert score["value"] == score["truth"] > 0
        elif score["better"] == "higher":
            assert score["value"] == pytest.approx(100), name
        elif score["group"] == "feet":
            assert score["value"] == score["truth"]
        else:
            assert score["value"] == pytest.approx(0, abs=1e-4), name
    assert {score["group"] for score in found.values()} == set(GROUPS) - {"tracks", "masks"}


def test_people_are_matched_by_where_they_are_and_not_by_name(truth: Path, tmp_path: Path) -> None:
    swapped = {"P01": dancing(at=2.1), "P02": dancing(at=0.1), "P03": dancing(at=9)}
    result = folder(tmp_path / "result", swapped, seen_by=camera())
    done = run(result, truth, "--json")
    record = json.loads(done.stdout)
    assert record["people"] == {"d1": "P02", "d2": "P01"}
    assert record["not_in_truth"] == ["P03"]
    found = scores(result, truth)
    assert found["world_mpjpe"]["value"] == pytest.approx(100, abs=0.01)
    assert found["root_distance_error"]["value"] == pytest.approx(0, abs=0.01)
    assert found["people_too_many"]["value"] == 1
    assert found["mpjpe"]["people"] == pytest.approx({"d1": 0, "d2": 0}, abs=1e-3)


def turned_round(motion: Motion) -> Motion:
    """The same movement in a world that faces the other way."""
    about = rotation.from_rotation_vector(np.array([0.0, np.pi, 0.0]))
    turns = motion.rotations.copy()
    turns[:, 0] = rotation.multiply(about, turns[:, 0])
    return dataclasses.replace(
        motion, rotations=turns, root_position=rotation.rotate(about, motion.root_position)
    )


def test_people_are_matched_as_the_camera_sees_them_when_worlds_differ(
    truth: Path, tmp_path: Path
) -> None:
    # In this world the nearer paths are those of the other.
    people = {"P01": turned_round(dancing()), "P02": turned_round(dancing(at=2.0))}
    seen = camera()
    moved = seen.camera_from_world @ np.diag([-1.0, 1.0, -1.0, 1.0])
    result = folder(
        tmp_path / "result", people, seen_by=dataclasses.replace(seen, camera_from_world=moved)
    )
    found = json.loads(run(result, truth, "--json").stdout)
    assert found["people"] == {"d1": "P01", "d2": "P02"}
    by_name = {score["name"]: score["value"] for score in found["scores"]}
    for name in ("scene_mpjpe", "reprojection", "root_distance_error", "ate", "erve"):
        assert by_name[name] == pytest.approx(0, abs=1e-3), name
    assert by_name["world_mpjpe"] > 1000
    # Control: without a camera the nearer paths win.
    (result / "camera.json").unlink()
    assert json.loads(run(result, truth, "--json").stdout)["people"]["d2"] == "P01"


def larger(skeleton: Skeleton, by: float) -> Skeleton:
    rest = skeleton.rest_local.copy()
    rest[:, :3, 3] *= by
    return dataclasses.replace(skeleton, rest_local=rest, tips=skeleton.tips * by)


def test_a_larger_skeleton_is_compared_joint_by_joint(truth: Path, tmp_path: Path) -> None:
    own = dancing()
    grown = dataclasses.replace(
        own, skeleton=larger(own.skeleton, 1.05), root_position=own.root_position * 1.05
    )
    result = folder(tmp_path / "result", {"P01": grown})
    found = scores(result, truth)
    assert found["bone_scale_error"]["value"] == pytest.approx(5, abs=1e-3)
    assert found["world_scale_error"]["value"] == pytest.approx(5, abs=1e-3)
    assert found["w_mpjpe"]["value"] < 0.01
    assert found["metric_w_mpjpe"]["value"] > 20
    assert found["people_matched"]["value"] == 1
    assert found["people_matched"]["truth"] == 2


def test_frames_are_paired_by_their_number(truth: Path, tmp_path: Path) -> None:
    result = folder(tmp_path / "result", {"P01": dancing(first_frame=12, frames=30)})
    found = scores(result, truth)
    assert found["world_mpjpe"]["value"] == pytest.approx(0, abs=1e-3)
    assert found["frames_covered"]["value"] == pytest.approx(50)
    shifted = dataclasses.replace(dancing(frames=30), first_frame=12)
    late = scores(folder(tmp_path / "late", {"P01": shifted}), truth)
    assert late["world_mpjpe"]["value"] > 100


def test_bridged_frames_of_the_truth_are_no_truth(tmp_path: Path) -> None:
    own = dancing()
    seen = own.confidence.copy()
    seen[:20] = 0
    place = own.root_position.copy()
    place[:20] += 1
    truth = dataclasses.replace(own, confidence=seen, root_position=place)
    found = scores(
        folder(tmp_path / "result", {"P01": own}), folder(tmp_path / "truth", {"d": truth})
    )
    assert found["world_mpjpe"]["value"] == pytest.approx(0, abs=1e-3)
    assert found["frames_covered"]["value"] == 100


def test_two_files_of_one_person(tmp_path: Path) -> None:
    own = dancing()
    write_bvh(tmp_path / "own.bvh", own)
    write_motion(tmp_path / "true.npz", own, person="P01")
    found = scores(tmp_path / "own.bvh", tmp_path / "true.npz")
    assert found["world_mpjpe"]["value"] < 0.1
    assert "ate" not in found
    wrong = scores(tmp_path / "own.bvh", tmp_path / "true.npz", "--metres-per-unit", "0.011")
    assert wrong["bone_scale_error"]["value"] == pytest.approx(10, abs=0.1)


def test_masks_and_tracks(truth: Path, tmp_path: Path) -> None:
    result = folder(
        tmp_path / "result", {"P01": dancing(), "P02": dancing(at=2.0)}, seen_by=camera()
    )
    pictures = np.zeros((3, 54, 96), dtype=bool)
    pictures[0, 10:40, 10:30], pictures[1, 10:40, 60:80] = True, True
    right = MaskTrack(frames=np.arange(4), masks=(encode(pictures[0]),) * 4)
    other = MaskTrack(frames=np.arange(4), masks=(encode(pictures[1]),) * 4)
    half = MaskTrack(frames=np.arange(2), masks=(encode(pictures[1]),) * 2)
    for place, own in (
        (truth / "people" / "d1", right),
        (truth / "people" / "d2", other),
        (result / "people" / "P01", right),
        (result / "people" / "P02", half),
    ):
        write_masks(place / "masks.json", place.name, own, (54, 96))
    found = scores(result, truth, "--only", "masks", "--only", "tracks")
    assert {score["group"] for score in found.values()} == {"masks", "tracks"}
    assert found["j"]["people"] == {"d1": 100, "d2": 50}
    assert found["mota"]["value"] == pytest.approx(75)
    assert found["idf1"]["value"] == pytest.approx(100 * 12 / 14)
    assert found["id_switches"]["value"] == 0


def test_the_table_has_units_and_people(truth: Path, tmp_path: Path) -> None:
    result = folder(tmp_path / "result", {"P01": dancing(at=2.1), "P02": dancing(at=0.1)})
    done = run(result, truth)
    assert done.exit_code == 0
    assert "P02 is d1, P01 is d2" in done.output
    assert re.search(r"metric_w_mpjpe\s+0\S*\s+\S+\s+\S+\s+mm\s+lower", done.output)
    assert "left out: camera: needs a camera.json on both sides" in done.output
    few = run(result, truth, "--only", "feet").output
    assert "foot_slide" in few
    assert "mpjpe" not in few


def test_nobody_in_the_result(truth: Path, tmp_path: Path) -> None:
    empty = folder(tmp_path / "empty", {}, seen_by=camera())
    found = scores(empty, truth, code=6)
    assert (found["people_matched"]["value"], found["people_matched"]["truth"]) == (0, 2)
    assert found["ate"]["value"] == pytest.approx(0, abs=1e-6)


def refused(*arguments: str | Path) -> str:
    done = run(*arguments)
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    text = str(done.exception)
    assert "\n" not in text
    return text


def test_what_cannot_be_compared_is_one_clear_line(truth: Path, tmp_path: Path) -> None:
    assert "no such file or folder" in refused(tmp_path / "absent", truth)
    (tmp_path / "hollow").mkdir()
    assert "expected people/<person>/motion.npz" in refused(tmp_path / "hollow", truth)
    assert "--only legs: expected one of people" in refused(truth, truth, "--only", "legs")
    slower = dataclasses.replace(dancing(), rate=Fraction(24))
    text = refused(folder(tmp_path / "slow", {"P01": slower}), truth)
    assert "24 frames per second and the truth at 30" in text
    later = folder(tmp_path / "later", {"P01": dancing(first_frame=900)})
    assert "no frame has a person in both" in refused(later, truth)
    own = dancing()
    names = tuple(f"j{number}" for number in range(len(own.skeleton.joints)))
    odd = dataclasses.replace(own, skeleton=dataclasses.replace(own.skeleton, joints=names))
    assert "share 0 names of joints" in refused(folder(tmp_path / "odd", {"P01": odd}), truth)
    two = tmp_path / "film"
    for name in ("clip-001", "clip-002"):
        folder(two / name, {"P01": own})
    assert "holds 2 clips (clip-001, clip-002)" in refused(two, truth)
    (truth / "people" / "d1" / "motion.npz").write_bytes(b"nothing")
    assert "cannot be read as motion.npz" in refused(truth, truth)


def test_the_folder_of_one_clip_or_of_a_made_shot_is_found(truth: Path, tmp_path: Path) -> None:
    film = tmp_path / "film"
    film.mkdir()
    folder(film / "clip-001", {"P01": dancing()})
    assert scores(film, truth.parent / "truth")["mpjpe"]["value"] == pytest.approx(0, abs=1e-3)
    assert scores(film, tmp_path)["mpjpe"]["value"] == pytest.approx(0, abs=1e-3)


def test_the_page_explains_every_score(truth: Path) -> None:
    page = DOCS.read_text(encoding="utf-8")
    names = set(scores(truth, truth))
    names |= {"hota", "deta", "assa", "idf1", "mota", "motp", "id_switches", "fragmentations"}
    names |= {"j", "f"}
    missing = [name for name in sorted(names) if f"`{name}`" not in page]
    assert not missing
