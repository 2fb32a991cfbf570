"""What a solve leaves behind: numbers that can be worked out by hand."""

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from solve_cases import solved

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.motion import Motion
from choreoscope.datatypes.residuals import PersonResiduals
from choreoscope.formats.fit_json import read_fit, write_fit
from choreoscope.formats.npz import write_arrays
from choreoscope.formats.residuals_npz import read_residuals, write_residuals
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.motion.bodies.points import place_points, points_of_regressor, pose_body
from choreoscope.motion.solve.record import person_record, shot_record
from choreoscope.motion.solve.solution import PersonSolution

FRAMES, FIRST = 12, 30
TIMES = np.cumsum(np.full(FRAMES, 0.04) + 0.01 * (np.arange(FRAMES) % 2))
MODEL = house_body("adult", "low")
SHAPE = shape_of_stature(MODEL, 1.75)


def standing(
    slide: tuple[float, float] = (0.0, 0.0), lift: float = 0.0, count: int = FRAMES
) -> Motion:
    """Stand with the lowest point of the soles at `lift`, gliding at `slide` m/s along x and z."""
    turns = rotation.identity(count, len(MODEL.joints))
    soles = points_of_regressor(MODEL, MODEL.points["soles"])
    pose = pose_body(MODEL, SHAPE, np.zeros((1, 3)), turns[:1])
    low = float(place_points(soles, SHAPE, pose)[0, :, 1].min())
    root = np.tile([0.0, lift - low, 0.0], (count, 1))
    root[:, 0] = slide[0] * TIMES[:count]
    root[:, 2] = slide[1] * TIMES[:count]
    return Motion(
        skeleton=MODEL.skeleton(SHAPE),
        rate=Fraction(25),
        first_frame=FIRST,
        times=TIMES[:count],
        root_position=root,
        rotations=turns,
        confidence=np.ones((count, len(MODEL.joints))),
    )


def person(start: Motion | None, motion: Motion | None = None) -> PersonSolution:
    motion = standing() if motion is None else motion
    return PersonSolution(
        motion=motion,
        model=MODEL,
        shape=SHAPE,
        stature=1.75,
        pixels=np.where(np.arange(motion.frame_count) == 3, np.nan, 2.5),
        metres=np.full(motion.frame_count, 0.02),
        doubts=(FrameRange(FIRST + 2, FIRST + 5),) if motion.frame_count > 5 else (),
        start=start,
        start_shape=None if start is None else SHAPE,
    )


def test_a_first_guess_that_slides_is_recorded_at_its_speed() -> None:
    record = person_record(person(standing(slide=(0.3, -0.4), lift=-0.02)))
    assert record.before is not None
    np.testing.assert_allclose(record.before.speeds, 0.5, atol=1e-9)
    np.testing.assert_allclose(record.before.soles.min(axis=1), -0.02, atol=1e-9)
    np.testing.assert_allclose(record.after.speeds, 0.0, atol=1e-9)
    np.testing.assert_allclose(record.after.soles.min(axis=1), 0.0, atol=1e-9)


def test_a_foot_that_trembles_in_place_is_not_at_rest() -> None:
    motion = standing()
    shaken = motion.root_position.copy()
    shaken[1::2, 0] += 0.01
    record = person_record(person(dataclasses.replace(motion, root_position=shaken)))
    assert record.before is not None
    steps = 0.01 / np.diff(TIMES)
    np.testing.assert_allclose(record.before.speeds[1:-1, 0], (steps[1:] + steps[:-1]) / 2)


def test_a_foot_that_turns_on_its_ball_stands() -> None:
    soles = MODEL.points["soles"].names
    ball = points_of_regressor(MODEL, MODEL.points["soles"])
    motion = standing()
    turns = motion.rotations.copy()
    angles = np.linspace(0.0, 1.0, FRAMES)
    turns[:, 0] = rotation.from_rotation_vector(np.outer(angles, [0.0, 1.0, 0.0]))
    pose = pose_body(MODEL, SHAPE, motion.root_position, turns)
    held = place_points(ball, SHAPE, pose)[:, soles.index("left_ball_inner")]
    root = motion.root_position + (held[:1] - held) * [1.0, 0.0, 1.0]
    moved = dataclasses.replace(motion, root_position=root, rotations=turns)
    record = person_record(person(moved))
    assert record.before is not None
    np.testing.assert_allclose(record.before.speeds[:, 0], 0.0, atol=1e-9)
    assert (record.before.speeds[:, 1] > 0.1).all()


def test_one_frame_stands_still() -> None:
    record = person_record(person(None, standing(count=1)))
    assert record.before is None
    np.testing.assert_array_equal(record.after.speeds, np.zeros((1, 2)))


def test_residuals_doubts_and_stature_are_the_solution_s() -> None:
    own = person(None)
    record = person_record(own)
    np.testing.assert_array_equal(record.pixels, own.pixels)
    np.testing.assert_array_equal(record.metres, own.metres)
    assert (record.doubts, record.stature, record.first_frame) == (own.doubts, 1.75, FIRST)


def test_a_record_reads_back(tmp_path: Path) -> None:
    for start in (None, standing(slide=(0.3, 0.0))):
        record = person_record(person(start))
        write_residuals(tmp_path / "r.npz", record, person="P01")
        again = read_residuals(tmp_path / "r.npz")
        _same(record, again)
        first = (tmp_path / "r.npz").read_bytes()
        write_residuals(tmp_path / "r.npz", again, person="P01")
        assert (tmp_path / "r.npz").read_bytes() == first


def _same(one: PersonResiduals, other: PersonResiduals) -> None:
    for name in ("times", "pixels", "metres"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.doubts, one.stature) == (other.doubts, other.stature)
    assert (one.before is None) == (other.before is None)
    for mine, theirs in ((one.before, other.before), (one.after, other.after)):
        if mine is not None and theirs is not None:
            for name in ("root", "soles", "speeds"):
                np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))


def test_a_file_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    write_residuals(tmp_path / "r.npz", person_record(person(None)), person="P01")
    with np.load(tmp_path / "r.npz") as stored:
        arrays = {name: stored[name] for name in stored if not name.startswith("schema")}
    write_arrays(tmp_path / "r.npz", "choreoscope.residuals", 1, arrays | {"more": np.zeros(1)})
    with pytest.raises(InputError, match="more"):
        read_residuals(tmp_path / "r.npz")


def test_what_makes_no_sense_is_refused() -> None:
    record = person_record(person(standing()))
    with pytest.raises(ShapeError, match="not inside"):
        dataclasses.replace(record, doubts=(FrameRange(FIRST, FIRST + FRAMES + 1),))
    with pytest.raises(ShapeError, match="stature"):
        dataclasses.replace(record, stature=0.0)
    with pytest.raises(ShapeError, match="rise"):
        dataclasses.replace(record, times=record.times[::-1].copy())
    with pytest.raises(ShapeError, match="finite"):
        dataclasses.replace(record.after, soles=np.full((FRAMES, 2), np.nan))


def test_a_solved_dance_keeps_its_first_guess_and_its_figures() -> None:
    solution = solved()
    one = solution.people["P01"]
    assert one.start is not None
    assert one.start_shape is not None
    assert one.start.frame_count == one.motion.frame_count
    # Without noise the first guess is already near the result, in the same world.
    off = np.linalg.norm(one.start.root_position - one.motion.root_position, axis=1)
    assert 0 < np.median(off) < 0.3
    record = shot_record(solution)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["steps"] == solution.report.steps
    assert sum(record["costs"].values()) < record["first_costs"]["all"]
    assert set(record["flight_scales"]) == {"P01"}


def test_the_record_of_a_solve_goes_through_its_file(tmp_path: Path) -> None:
    record = shot_record(solved())
    write_fit(tmp_path / "fit.json", {}, {}, record)
    assert read_fit(tmp_path / "fit.json")["solve"] == record
    record["floor"]["residual"] = float("nan")
    record["floor"]["spreads"] = [float("inf"), 1.0]
    write_fit(tmp_path / "fit.json", {}, {}, record)
    again = read_fit(tmp_path / "fit.json")["solve"]["floor"]
    assert (again["residual"], again["spreads"]) == (None, [None, 1.0])


def test_a_file_from_before_there_was_a_record_reads(tmp_path: Path) -> None:
    write_fit(tmp_path / "fit.json", {"camera_height": 1.5}, {"P01": {"stature": 1.7}})
    assert "solve" not in json.loads((tmp_path / "fit.json").read_text(encoding="utf-8"))
    assert read_fit(tmp_path / "fit.json")["solve"] == {}
