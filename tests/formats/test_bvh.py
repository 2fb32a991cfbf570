"""BVH: written files are right for two independent readers; real dialects are understood."""

import dataclasses
import re
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.bvh import check_bvh, conformed, safe_names, write_bvh
from choreoscope.formats.bvh_reader import read_bvh
from choreoscope.geometry import kinematics, rotation
from motions import small_skeleton, uneven_times, wild_motion

with warnings.catch_warnings():
    # It imports glm by a name that glm is about to drop.
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    import bvhio

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 0 94 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Arm
  {
    OFFSET 10 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 5 0 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.033333
1 2 3 0 0 0 90 0 0
4 5 6 0 90 0 0 0 0
"""


def seen_by_bvhio(path: Path, motion: Motion) -> np.ndarray:
    """(T, J, 3) joint positions in metres as the second reader finds them."""
    root = bvhio.readAsHierarchy(str(path))
    nodes = {node.Name: node for node, _, _ in root.layout()}
    positions = np.zeros((motion.frame_count, len(motion.skeleton.joints), 3))
    for frame in range(motion.frame_count):
        root.loadPose(frame)
        for joint, name in enumerate(motion.skeleton.joints):
            positions[frame, joint] = tuple(nodes[name].PositionWorld)
    return positions * 0.01


@pytest.fixture(params=[False, True], ids=["world-aligned", "turned-rest"])
def motion(request: pytest.FixtureRequest) -> Motion:
    return wild_motion(small_skeleton(turned_rest=request.param))


def farthest(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=-1).max())


def test_two_readers_find_every_joint_within_a_tenth_of_a_millimetre(
    tmp_path: Path, motion: Motion
) -> None:
    path = tmp_path / "a.bvh"
    assert write_bvh(path, motion) is None
    expected, _ = kinematics.of_motion(motion)
    assert farthest(seen_by_bvhio(path, motion), expected) < 1e-5
    assert check_bvh(path, motion) < 1e-6
    found = read_bvh(path)
    assert found.notes == ()
    assert found.motion.skeleton.joints == motion.skeleton.joints
    assert np.array_equal(found.motion.skeleton.mirror, motion.skeleton.mirror)
    assert found.motion.rate == motion.rate


def test_one_degree_at_one_joint_is_noticed(tmp_path: Path, motion: Motion) -> None:
    turned = motion.rotations.copy()
    elbow = motion.skeleton.index("left_forearm")
    nudge = rotation.from_rotation_vector(np.radians([0.0, 0.0, 1.0]))
    turned[7, elbow] = rotation.multiply(nudge, turned[7, elbow])
    path = tmp_path / "a.bvh"
    write_bvh(path, dataclasses.replace(motion, rotations=turned))
    with pytest.raises(OutputError, match="mm off"):
        check_bvh(path, motion)
    assert farthest(seen_by_bvhio(path, motion), kinematics.of_motion(motion)[0]) > 1e-4


def test_tips_become_end_sites(tmp_path: Path, motion: Motion) -> None:
    path = tmp_path / "a.bvh"
    write_bvh(path, motion)
    found = read_bvh(path).motion
    tips = [kinematics.tip_positions(m.skeleton, *kinematics.of_motion(m)) for m in (found, motion)]
    assert np.allclose(tips[0], tips[1], atol=1e-6, equal_nan=True)
    assert np.isfinite(tips[0][:, motion.skeleton.index("head")]).all()


def test_channels_run_on_without_jumps(tmp_path: Path) -> None:
    """A body that spins three times round has no step of a half turn in any channel."""
    spin = np.linspace(0, 6 * np.pi, 60)
    skeleton = small_skeleton()
    still = wild_motion(skeleton, frames=60)
    turns = rotation.identity(60, 17)
    turns[:, 0] = rotation.from_rotation_vector(spin[:, None] * np.array([0.1, 1.0, 0.2]))
    path = tmp_path / "a.bvh"
    write_bvh(path, dataclasses.replace(still, rotations=turns))
    rows = np.array([line.split() for line in path.read_text().splitlines()[-60:]], dtype=float)
    assert np.abs(np.diff(rows[:, 3:], axis=0)).max() < 25.0
    assert rows[-1, 5] > 1000.0


def test_the_text_keeps_to_the_customs(tmp_path: Path, motion: Motion) -> None:
    path = tmp_path / "a.bvh"
    write_bvh(path, motion)
    text = path.read_bytes().decode("ascii")
    assert "ROOT hips\n{\n\tOFFSET 0.000000 0.000000 0.000000\n" in text
    assert "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation" in text
    assert "Frames: 40\nFrame Time: 0.033366667\n" in text
    assert text.count("{") == text.count("}") == 17 + 5
    assert "\r" not in text


def test_a_variable_rate_is_conformed_and_said(tmp_path: Path) -> None:
    motion = wild_motion(small_skeleton(), times=uneven_times(40), rate=Fraction(30))
    path = tmp_path / "a.bvh"
    note = write_bvh(path, motion)
    steady, _ = conformed(motion)
    assert note is not None
    assert f"40 frames of varying length were conformed to {steady.frame_count} frames" in note
    assert steady.times[-1] <= motion.times[-1] < steady.times[-1] + 1 / 30
    assert check_bvh(path, motion) < 1e-6
    assert farthest(seen_by_bvhio(path, steady), kinematics.of_motion(steady)[0]) < 1e-5


def test_conforming_reads_between_frames() -> None:
    """A turn and a walk at even speed stay even, whatever the time stamps."""
    times = uneven_times(40)
    motion = wild_motion(small_skeleton(), times=times, rate=Fraction(25))
    turns = rotation.identity(40, 17)
    turns[:, 3] = rotation.from_rotation_vector(times[:, None] * np.array([0.0, 0.0, 2.0]))
    walk = times[:, None] * np.array([1.0, 0.0, 0.5])
    hidden = motion.confidence.copy()
    hidden[10:14] = 0.0
    moved = dataclasses.replace(
        motion, rotations=turns, root_position=walk, confidence=np.maximum(hidden, 0.0)
    )
    steady, _ = conformed(moved)
    assert np.allclose(np.diff(steady.times), 1 / 25)
    assert np.allclose(steady.root_position, steady.times[:, None] * [1.0, 0.0, 0.5])
    expected = rotation.from_rotation_vector(steady.times[:, None] * np.array([0.0, 0.0, 2.0]))
    assert rotation.angle_between(steady.rotations[:, 3], expected).max() < 1e-7
    inside = (steady.times > times[10]) & (steady.times < times[13])
    assert inside.any()
    assert np.all(steady.confidence[inside] == 0)


def test_time_stamps_rounded_to_milliseconds_are_left_alone() -> None:
    times = np.round(np.arange(400) * 1001 / 30000, 3)
    motion = wild_motion(small_skeleton(), frames=400, times=times)
    assert conformed(motion) == (motion, None)
    late = times + np.linspace(0, 0.002, 400)
    assert conformed(dataclasses.replace(motion, times=late))[1] is not None


def test_one_frame_is_enough_and_none_is_refused(tmp_path: Path) -> None:
    motion = wild_motion(small_skeleton(), frames=1)
    write_bvh(tmp_path / "a.bvh", motion)
    assert check_bvh(tmp_path / "a.bvh", motion) < 1e-6
    none = dataclasses.replace(
        motion,
        **{name: getattr(motion, name)[:0] for name in ("times", "root_position", "rotations")},
        confidence=motion.confidence[:0],
        contacts=None,
        contact_joints=(),
    )
    with pytest.raises(InputError, match="at least one frame"):
        write_bvh(tmp_path / "b.bvh", none)


def test_names_become_safe_and_stay_unique() -> None:
    names = ("mixamorig:Hips", "mixamorig Hips", "Zoë", "", "L.hand", "a-1")
    assert safe_names(names) == [
        "mixamorig_Hips",
        "mixamorig_Hips_2",
        "Zo_",
        "joint",
        "L.hand",
        "a-1",
    ]


# --- reading --------------------------------------------------------------------------------------


def read(tmp_path: Path, text: str | bytes) -> tuple[Motion, tuple[str, ...]]:
    path = tmp_path / "given.bvh"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    found = read_bvh(path)
    return found.motion, found.notes


def test_a_small_file_means_what_it_says(tmp_path: Path) -> None:
    motion, notes = read(tmp_path, SMALL)
    positions, _ = kinematics.of_motion(motion)
    tips = kinematics.tip_positions(motion.skeleton, *kinematics.of_motion(motion))
    assert notes == ()
    assert motion.rate == 30
    assert np.allclose(positions[0], [[0.01, 0.02, 0.03], [0.11, 0.02, 0.03]])
    assert np.allclose(tips[0, 1], [0.11, 0.07, 0.03])
    assert np.allclose(positions[1, 1], [0.14, 0.05, 0.06])


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("Frames: 2", "Frames: 3", "declares 3 frames and holds 2"),
        ("4 5 6 0 90 0 0 0 0\n", "4 5 6 0 90 0 0 0 0\n7 8", r"cut short \(2 of 9 numbers\)"),
        ("JOINT Arm", "JOINT Hips", "second joint named Hips was renamed Hips_2"),
        ("\n", "\r\n", None),
        ("  ", "\t", None),
        ("Frame Time:", "Frame time :\t", None),
        ("JOINT Arm\n  {", "joint Arm{", None),
        ("JOINT Arm", "JOINT Left Arm", None),
        ("JOINT Arm", "JOINT rig:Arm", None),
        ("HIERARCHY", "\ufeffHierarchy", None),
        ("0 0 0 90 0 0", "0 0 0\n90 0 0", None),
        ("OFFSET 0 94 0", "OFFSET 0 0 0", None),
    ],
)
def test_dialects_are_understood(tmp_path: Path, old: str, new: str, note: str | None) -> None:
    plain, _ = read(tmp_path, SMALL)
    motion, notes = read(tmp_path, SMALL.replace(old, new))
    assert np.array_equal(kinematics.of_motion(motion)[0], kinematics.of_motion(plain)[0])
    assert np.array_equal(motion.skeleton.tips, plain.skeleton.tips, equal_nan=True)
    assert (note is None and not notes) or re.search(str(note), " ".join(notes))


def test_every_order_and_number_of_channels_is_composed_as_listed(tmp_path: Path) -> None:
    text = SMALL.replace(
        "CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 2 Yrotation Zrotation"
    )
    text = text.replace("90 0 0\n4", "90 90\n4").replace("0 90 0 0 0 0", "0 90 0 0 0")
    motion, _ = read(tmp_path, text)
    expected = rotation.multiply(
        rotation.from_rotation_vector([0, np.pi / 2, 0]),
        rotation.from_rotation_vector([0, 0, np.pi / 2]),
    )
    assert rotation.angle_between(motion.rotations[0, 1], expected) < 1e-9


def test_position_channels_of_joints_replace_the_offset(tmp_path: Path) -> None:
    six = "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
    text = SMALL.replace("CHANNELS 3 Zrotation Xrotation Yrotation", six)
    head = text.partition("0.033333\n")[0] + "0.033333\n"
    still = head + "1 2 3 0 0 0 7 0 0 90 0 0\n4 5 6 0 90 0 7 0 0 0 0 0\n"
    motion, notes = read(tmp_path, still)
    assert notes == ()
    assert np.allclose(motion.skeleton.rest_local[1, :3, 3], [0.07, 0, 0])
    motion, notes = read(tmp_path, still.replace("90 0 7", "90 0 9"))
    assert "Arm: its X position varies" in notes[0]


@pytest.mark.parametrize(
    ("word", "rate"),
    [
        (".03333", Fraction(30)),
        ("0.0333333", Fraction(30)),
        ("0.033366667", Fraction(30000, 1001)),
        ("0.008342", Fraction(120000, 1001)),
        (".0083333", Fraction(120)),
        ("0.04", Fraction(25)),
        ("1e-2", Fraction(100)),
        ("0.033", Fraction(30)),
        ("0.03", Fraction(100, 3)),
        ("0.4", Fraction(5, 2)),
        ("2", Fraction(1, 2)),
        ("0.037123", Fraction(1000000, 37123).limit_denominator(1001)),
    ],
)
def test_rounded_frame_times_name_a_plain_rate(tmp_path: Path, word: str, rate: Fraction) -> None:
    motion, _ = read(tmp_path, SMALL.replace("0.033333", word))
    assert motion.rate == rate


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("HIERARCHY", "HI", "not a BVH file"),
        ("MOTION", "", "not a BVH file"),
        ("ROOT", "JOINT", "exactly one ROOT"),
        ("JOINT", "ROOT", "exactly one ROOT"),
        ("}\nMOTION", "MOTION", "never closed"),
        ("}\nMOTION", "}}\nMOTION", "expected ROOT, JOINT, End Site"),
        ("OFFSET 10 0 0", "OFFSET 10 0", "OFFSET: expected a number, got 'CHANNELS'"),
        ("OFFSET 10", "OFFSET nan", "expected a finite number"),
        ("CHANNELS 3 Z", "CHANNELS three Z", "expected CHANNELS and a number"),
        (
            "CHANNELS 3 Zrotation",
            "CHANNELS 3 Wrotation",
            "unknown channel 'Wrotation' of joint Arm",
        ),
        ("Frames:", "Frmes:", "expected 'Frames: N'"),
        ("0.033333", "0", "Frame Time: expected seconds above 0"),
        ("0.033333", "soon", "Frame Time: expected seconds, got 'soon'"),
        ("1 2 3", "1 2", "frame 0: expected 9 numbers, got 8"),
        ("1 2 3", "1 x 3", "no number"),
        ("1 2 3", "1 inf 3", "frame 0: a value is not finite"),
        ("1 2 3 0 0 0 90 0 0\n4 5 6 0 90 0 0 0 0\n", "", "no complete frame"),
    ],
)
def test_broken_files_are_refused_in_words(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SMALL
    with pytest.raises(InputError, match=rf"given\.bvh: .*{words}"):
        read(tmp_path, SMALL.replace(old, new, 1))


def test_things_that_are_no_bvh_at_all(tmp_path: Path, rng: np.random.Generator) -> None:
    for raw in (b"", rng.bytes(500), b"HIERARCHY\nMOTION\nFrames: 1\nFrame Time: 1\n"):
        with pytest.raises(InputError):
            read(tmp_path, raw)
    for path in (tmp_path, tmp_path / "absent.bvh"):
        with pytest.raises(InputError, match=path.name):
            read_bvh(path)


def test_cut_files_never_crash(tmp_path: Path) -> None:
    for length in range(0, len(SMALL), 3):
        try:
            motion, _ = read(tmp_path, SMALL[:length])
        except InputError:
            continue
        assert motion.frame_count in (1, 2)


@pytest.mark.data
def test_every_real_dialect_is_read(shared_data: Path) -> None:
    files = sorted(shared_data.glob("mocap/**/*.bvh"))
    assert len(files) >= 18
    for path in files:
        found = read_bvh(path)
        assert found.motion.frame_count > 60
        cut_or_padded = path.name == "Boxing_Toes.bvh"
        assert found.notes == (
            ("the file declares 3069 frames and holds 3070",) if cut_or_padded else ()
        )


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        "animated_drawings/cmu1/jumping_jacks.bvh",
        "animated_drawings/fair1/dab.bvh",
        "bvh_python/test_freebvh.bvh",
        "bvh_python/test_mocapbank.bvh",
        "fairmotion/sinusoidal.bvh",
    ],
)
def test_real_dialects_are_read_as_the_second_reader_reads_them(
    shared_data: Path, name: str
) -> None:
    path = shared_data / "mocap" / name
    motion = read_bvh(path).motion
    expected = seen_by_bvhio(path, motion)
    assert farthest(expected, kinematics.of_motion(motion)[0]) < 1e-5
