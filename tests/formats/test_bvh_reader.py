"""Reading BVH: real dialects are understood, broken files are refused in words."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from bvh_second_reader import seen_by_bvhio

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.bvh_reader import read_bvh
from choreoscope.geometry import kinematics, rotation

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
    assert np.abs(expected - kinematics.of_motion(motion)[0]).max() < 1e-5
