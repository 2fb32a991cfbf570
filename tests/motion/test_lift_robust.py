"""Whatever a detector says, the result is finite, complete and of constant bone lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_people import LENS, frame_times

from choreoscope.datatypes.people import PersonSequence
from choreoscope.motion.lift import LiftOptions, lift_people


def rubbish(seed: int, count: int, kind: str) -> PersonSequence:
    """Sequences no detector should report."""
    rng = np.random.default_rng(seed)
    size = {"tiny": 1e-9, "huge": 1e6}.get(kind, 1.0)
    px = 600 + rng.normal(0, 300, (count, 33, 2)) * size
    metres = rng.normal(0, 0.6, (count, 33, 3)) * size
    visibility = rng.uniform(0, 1, (count, 33))
    hands = rng.normal(0, 0.1, (count, 2, 21, 3)) * size
    if kind == "one point":
        px[:], metres[:], hands[:] = 500.0, 0.0, 0.0
    if kind == "holes":
        for field in (px, metres, hands):
            field[rng.uniform(size=field.shape) < 0.3] = np.nan
        px[rng.uniform(size=px.shape) < 0.05] = np.inf
        visibility[rng.uniform(size=visibility.shape) < 0.2] = np.nan
    if kind == "flat":
        metres[..., 2] = 0.0
        metres[..., 1] = 0.0
    if kind == "blinking":
        visibility[rng.uniform(size=count) < 0.5] = 0.0
    frames = np.sort(rng.choice(3 * count, count, replace=False))
    return PersonSequence(
        person="a",
        frames=frames,
        boxes_xyxy=np.zeros((count, 4)),
        score=rng.uniform(0, 1, count),
        points_px=px,
        points_m=metres,
        visibility=visibility,
        hands_px=np.zeros((count, 2, 21, 2)),
        hands_m=hands,
        hands_score=rng.uniform(0, 1, (count, 2)),
    )


KINDS = ["plain", "tiny", "huge", "one point", "holes", "flat", "blinking"]


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**31),
    count=st.integers(1, 12),
    kind=st.sampled_from(KINDS),
    rate=st.sampled_from([5.0, 24.0, 60.0]),
)
def test_rubbish_in_finite_numbers_out(seed: int, count: int, kind: str, rate: float) -> None:
    sequence = rubbish(seed, count, kind)
    times = frame_times(np.arange(3 * count) / rate)
    result = lift_people([sequence], LENS, times, LiftOptions())
    motion = result.motions["a"]
    assert motion.first_frame == sequence.frames[0]
    assert motion.frame_count == sequence.frames[-1] - sequence.frames[0] + 1
    missing = np.setdiff1d(np.arange(sequence.frames[0], sequence.frames[-1]), sequence.frames)
    assert np.all(motion.confidence[missing - motion.first_frame] == 0.0)
    assert motion.contacts is not None
    assert np.isfinite(motion.contacts).all()
    assert np.isfinite(result.camera.camera_from_world).all()
    assert 0.4 <= result.residuals["a"].stature <= 2.6


@pytest.mark.parametrize("height", [None, 1.5])
def test_many_people_do_not_disturb_one_another(height: float | None) -> None:
    people = [rubbish(seed, 6, "plain") for seed in range(3)]
    named = [
        PersonSequence(
            **{
                field: getattr(person, field)
                for field in person.__dataclass_fields__
                if field != "person"
            },
            person=f"P{number}",
        )
        for number, person in enumerate(people)
    ]
    heights = {} if height is None else {"P1": height}
    times = frame_times(np.arange(18) / 30)
    together = lift_people(named, LENS, times, LiftOptions(heights=heights))
    alone = lift_people(named[1:2], LENS, times, LiftOptions(heights=heights))
    assert list(together.motions) == ["P0", "P1", "P2"]
    np.testing.assert_array_equal(
        together.motions["P1"].rotations[:, 1:25], alone.motions["P1"].rotations[:, 1:25]
    )
