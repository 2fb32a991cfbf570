"""Corrections in the lift of a shot, and what it makes of rubbish."""

import dataclasses

import numpy as np
import pytest
from house_people import filmed, grounded, housed
from made_people import (
    LENS,
    dancing,
    even_times,
    frame_times,
    keep,
    noisy,
    seen_from,
    standing,
    turn_by,
)
from solve_cases import assert_finite, points_of
from test_lift_robust import KINDS, rubbish

from choreoscope.datatypes.corrections import PARTS
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.people import PersonSequence
from choreoscope.geometry.projection import project
from choreoscope.motion.corrections import (
    DistrustedSpan,
    FloorCorrection,
    FootSpan,
    FootState,
    LiftCorrections,
)
from choreoscope.motion.floor import Floor
from choreoscope.motion.lift import LiftOptions
from choreoscope.motion.shot_lift import ShotLift, lift_classic, lift_shot, standing_camera
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.summary import camera_facts

TIMES = even_times(1.0, 30)
CAMERA = Floor(pitch=np.radians(6.0), roll=0.0, camera_height=1.5, sources=())
QUICK = SolveOptions(iterations=(2, 2))


def lifted(
    *sequences: PersonSequence, heights: dict[str, float] | None = None, **corrections: object
) -> ShotLift:
    options = LiftOptions(
        heights={"a": 1.70} if heights is None else heights,
        corrections=LiftCorrections.model_validate(corrections),
    )
    path = standing_camera(LENS, len(TIMES))
    return lift_shot(list(sequences), LENS, path, frame_times(TIMES), options, solve=QUICK)


def somebody_standing(name: str = "a", x: float = 0.0) -> PersonSequence:
    person = grounded(standing(TIMES, np.array([x, -4.0])))
    return filmed(housed(seen_from(CAMERA.world_from_camera, TIMES, person)), name=name)


def shuffling(rng: np.random.Generator) -> PersonSequence:
    """Somebody who stands with restless legs, as a poor detector sees it."""
    skeleton, sizes, root, pose = grounded(standing(TIMES, np.array([0.0, -4.0])))
    swing = 0.25 * np.sin(2 * np.pi * 0.8 * TIMES)[:, None] * np.eye(3)[0]
    for side in ("left", "right"):
        pose[:, skeleton.index(f"{side}_thigh")] = turn_by(swing)
        pose[:, skeleton.index(f"{side}_shin")] = turn_by(np.abs(swing))
    seen = seen_from(CAMERA.world_from_camera, TIMES, (skeleton, sizes, root, pose))
    return noisy(filmed(housed(seen)), rng, 2.0, 0.02)


def feet(part: str, first: int, stop: int, state: FootState) -> tuple[FootSpan, ...]:
    return tuple(
        FootSpan(person="a", joint=joint, first=first, stop=stop, state=state)
        for joint in PARTS[part]
    )


def soles(result: ShotLift, side: str) -> np.ndarray:
    names = result.solution.people["a"].model.points["soles"].names
    own = [at for at, name in enumerate(names) if name.startswith(side)]
    return points_of(result.solution, "a", "soles")[:, own]


def contact(result: ShotLift, side: str) -> np.ndarray:
    motion = result.solution.people["a"].motion
    assert motion.contacts is not None
    own = [motion.contact_joints.index(f"{side}_{part}") for part in ("foot", "toes")]
    return np.asarray(motion.contacts[:, own])


def test_a_pin_holds_the_foot_within_a_millimetre_a_frame(rng: np.random.Generator) -> None:
    sequence = shuffling(rng)
    free = lifted(sequence)
    pinned = lifted(sequence, feet=feet("left_foot", 8, 24, "pinned"))
    steps = [
        np.linalg.norm(np.diff(soles(each, "left")[8:24], axis=0), axis=-1)
        for each in (free, pinned)
    ]
    assert steps[1].max() < 0.001
    assert steps[0].max() > 0.003
    assert np.all(contact(pinned, "left")[8:24] == 1.0)
    assert "a: contacts are corrected in 16 frames, feet are pinned in 16" in pinned.notes


def test_a_contact_can_be_taken_away_and_given() -> None:
    sequence = somebody_standing()
    assert np.all(contact(lifted(sequence), "right") >= 0.5)
    off = lifted(sequence, feet=feet("right_foot", 10, 20, "off"))
    assert np.all(contact(off, "right")[10:20] == 0.0)
    assert np.all(contact(off, "right")[:9] >= 0.5)
    assert np.all(contact(off, "left")[:9] >= 0.5)
    on = lifted(sequence, feet=feet("left_heel", 5, 15, "on"))
    assert np.all(contact(on, "left")[5:15, 0] == 1.0)


def test_of_two_entries_about_one_contact_the_later_one_holds() -> None:
    both = (*feet("left_foot", 0, 30, "pinned"), *feet("left_foot", 10, 20, "off"))
    result = lifted(somebody_standing(), feet=both)
    held = contact(result, "left")
    assert np.all(held[10:20] == 0.0)
    assert np.all(held[:10] == 1.0)
    assert "a: contacts are corrected in 30 frames, feet are pinned in 20" in result.notes
    assert_finite(result.solution)


def test_a_foot_pinned_where_the_film_shows_it_walk_leaves_finite_numbers_and_a_doubt(
    rng: np.random.Generator,
) -> None:
    skeleton, sizes, root, pose = grounded(standing(TIMES, np.array([-1.5, -4.0])))
    root[:, 0] += 3.0 * TIMES
    seen = seen_from(CAMERA.world_from_camera, TIMES, (skeleton, sizes, root, pose))
    sequence = noisy(filmed(housed(seen)), rng, 1.0, 0.01)
    result = lifted(sequence, feet=feet("left_foot", 0, 30, "pinned"))
    assert_finite(result.solution)
    person = result.solution.people["a"]
    path = np.linalg.norm(np.diff(soles(result, "left"), axis=0), axis=-1)
    assert path.max() < 0.02
    agreeing = lifted(sequence).solution.people["a"]
    assert np.nanmedian(person.pixels) > 5 * np.nanmedian(agreeing.pixels)
    assert person.motion.confidence.mean() < 0.7 * agreeing.motion.confidence.mean()


def test_a_corrected_height_is_met_and_wins_with_a_note() -> None:
    sequence = somebody_standing()
    result = lifted(sequence, heights={"a": 1.90})
    assert result.solution.people["a"].stature == pytest.approx(1.90, abs=0.01)
    options = LiftOptions(heights={"a": 1.90}, corrections=LiftCorrections(heights={"a": 1.55}))
    path = standing_camera(LENS, len(TIMES))
    told = lift_shot([sequence], LENS, path, frame_times(TIMES), options, solve=QUICK)
    assert told.solution.people["a"].stature == pytest.approx(1.55, abs=0.01)
    assert "a: height 1.55 m from the corrections, not 1.90 m as given" in told.notes


def floor_points(camera: Floor) -> tuple[tuple[float, float, float], ...]:
    world = np.array([[-1.0, 0.0, -3.0], [1.2, 0.0, -4.0], [0.3, 0.0, -8.0], [-2.0, 0.0, -6.0]])
    camera_from_world = np.linalg.inv(camera.world_from_camera)
    points = world @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    return tuple((float(x), float(y), float(z)) for x, y, z in points)


def test_a_floor_is_taken_from_its_points() -> None:
    tilted = Floor(pitch=np.radians(12.0), roll=np.radians(-4.0), camera_height=1.7, sources=())
    told = FloorCorrection(points=floor_points(tilted))
    result = lifted(somebody_standing(), floor=told)
    height, pitch, roll = camera_facts(result.solution)
    assert height == pytest.approx(1.7, abs=0.005)
    assert np.degrees(pitch) == pytest.approx(12.0, abs=0.1)
    assert np.degrees(roll) == pytest.approx(-4.0, abs=0.1)
    free = camera_facts(lifted(somebody_standing()).solution)
    assert free[0] < 1.6
    assert np.degrees(free[1]) < 9


def test_the_tilt_is_taken_from_the_horizon_and_the_height_from_the_feet() -> None:
    far = np.array([[-1e6, CAMERA.camera_height, -5e6], [2e6, CAMERA.camera_height, -5e6]])
    camera_from_world = np.linalg.inv(CAMERA.world_from_camera)
    seen = project(far @ camera_from_world[:3, :3].T + camera_from_world[:3, 3], LENS)
    horizon = tuple((float(x), float(y)) for x, y in seen)
    height, pitch, roll = camera_facts(
        lifted(somebody_standing(), floor=FloorCorrection(horizon=horizon)).solution
    )
    assert np.degrees(pitch) == pytest.approx(6.0, abs=0.2)
    assert roll == pytest.approx(0.0, abs=5e-3)
    assert height == pytest.approx(1.5, abs=0.06)


def test_a_floor_told_above_everybodys_head_leaves_finite_numbers() -> None:
    above = Floor(pitch=np.radians(6.0), roll=0.0, camera_height=0.05, sources=())
    higher = filmed(
        housed(
            seen_from(
                Floor(
                    pitch=np.radians(6.0), roll=0.0, camera_height=4.0, sources=()
                ).world_from_camera,
                TIMES,
                grounded(standing(TIMES, np.array([0.0, -6.0]))),
            )
        )
    )
    result = lifted(higher, floor=FloorCorrection(points=floor_points(above)))
    assert_finite(result.solution)
    with pytest.raises(InputError, match="not below the camera"):
        lifted(higher, floor=FloorCorrection(points=((0, -1, 3), (1, -1, 4), (0, -1, 5))))


def test_what_is_distrusted_has_no_say(rng: np.random.Generator) -> None:
    sequence = filmed(housed(dancing(rng, TIMES)))
    spans = (DistrustedSpan(person="a", first=10, stop=18),)
    found = []
    for seed in (1, 2):
        noise = np.random.default_rng(seed)
        points = np.array(sequence.points_px)
        points[10:18] += noise.normal(0, 150, points[10:18].shape)
        spoilt = dataclasses.replace(sequence, points_px=points)
        found.append(lifted(spoilt, distrust=spans).solution.people["a"].motion)
    one, other = found
    np.testing.assert_array_equal(one.rotations, other.rotations)
    np.testing.assert_array_equal(one.root_position, other.root_position)
    assert np.all(one.confidence[10:18] == 0.0)
    assert np.all(one.confidence[:10].max(axis=1) > 0)


def test_somebody_distrusted_from_end_to_end(rng: np.random.Generator) -> None:
    spans = (DistrustedSpan(person="a", first=0, stop=30),)
    result = lifted(filmed(housed(dancing(rng, TIMES))), distrust=spans)
    assert np.all(result.solution.people["a"].motion.confidence == 0.0)
    assert_finite(result.solution)


def test_strangers_are_refused_by_naming_who_is_there() -> None:
    with pytest.raises(InputError, match=r"there is no .bob. in this clip.*there is a "):
        lifted(
            somebody_standing(),
            feet=(FootSpan(person="bob", joint="left_foot", first=0, stop=5, state="on"),),
        )
    with pytest.raises(InputError, match="height is given for 'bob', who is not in this clip"):
        lifted(somebody_standing(), heights={"bob": 1.7})


@pytest.mark.parametrize("kind", KINDS)
def test_rubbish_in_finite_numbers_out(kind: str) -> None:
    sequence = rubbish(3, 9, kind)
    times = frame_times(np.arange(27) / 24)
    path = standing_camera(LENS, 27)
    result = lift_shot([sequence], LENS, path, times, LiftOptions(), solve=QUICK)
    motion = result.solution.people["a"].motion
    assert motion.first_frame == sequence.frames[0]
    assert motion.frame_count == sequence.frames[-1] - sequence.frames[0] + 1
    missing = np.setdiff1d(np.arange(sequence.frames[0], sequence.frames[-1]), sequence.frames)
    assert np.all(motion.confidence[missing - motion.first_frame] == 0.0)
    assert_finite(result.solution)


def test_the_named_alternative_lifts_the_same_evidence() -> None:
    sequence = keep(somebody_standing(), np.arange(30))
    path = standing_camera(LENS, len(TIMES))
    people, camera, _ = lift_classic(
        [sequence], LENS, path, frame_times(TIMES), LiftOptions(heights={"a": 1.70})
    )
    assert people["a"].motion.frame_count == 30
    assert np.isfinite(people["a"].motion.root_position).all()
    assert len(camera.intrinsics) == 30
