import numpy as np
import pytest
import touch_scenes as scenes
from hypothesis import given, settings
from hypothesis import strategies as st
from touch_scenes import GROUPS, NAMES, RATES, Spans, seen, steady, uneven

from choreoscope.motion.touch.contacts import ContactLimits, contact_groups, detect_contacts
from choreoscope.motion.touch.floor import level_floor

NEAR = 0.08
SCENES = (
    scenes.walking,
    scenes.jumping,
    scenes.kneeling,
    scenes.on_hands,
    scenes.turning,
    scenes.sliding,
    scenes.climbing,
)
END = 4.5


def between(swings: Spans) -> Spans:
    edges = [0.0, *(edge for swing in swings for edge in swing), END]
    return list(zip(edges[::2], edges[1::2], strict=True))


def agree(found: Spans, wanted: Spans, off: float = NEAR) -> None:
    assert len(found) == len(wanted), (found, wanted)
    np.testing.assert_allclose(found, wanted, atol=off)


@pytest.mark.parametrize("rate", RATES)
def test_walking_feet_are_planted_between_their_swings(rate: float) -> None:
    walk = seen(scenes.walking, steady(rate))
    for side, swings in scenes.WALK_SWINGS.items():
        for part in ("heel", "ball"):
            agree(walk.spans(f"{side}_{part}"), between(swings))
    assert walk.contacts.names == tuple(GROUPS)
    assert not any("hand" in s.name or "knee" in s.name for s in walk.contacts.spans)


@pytest.mark.parametrize("rate", RATES)
def test_a_jump_is_no_contact_not_even_at_its_top(rate: float) -> None:
    jump = seen(scenes.jumping, steady(rate))
    for part in ("left_heel", "right_ball"):
        agree(jump.spans(part), [(0, 1.0), (1.5, 2.2), (2.7, END)])
    np.testing.assert_allclose(jump.contacts.support, 0.0, atol=0.005)


@pytest.mark.parametrize("rate", RATES)
def test_knees_and_hands_on_the_floor(rate: float) -> None:
    kneel = seen(scenes.kneeling, steady(rate))
    agree(kneel.spans("left_knee"), [(1.43, 3.07)])
    agree(kneel.spans("left_ball"), [(0, END)])
    assert len(kneel.spans("left_heel")) == 2
    hands = seen(scenes.on_hands, steady(rate))
    agree(hands.spans("right_hand"), [(1.43, 3.07)])
    assert not hands.spans("right_elbow")


@pytest.mark.parametrize("rate", RATES)
def test_in_a_pirouette_the_ball_stands_and_the_heel_does_not(rate: float) -> None:
    turn = seen(scenes.turning, steady(rate))
    agree(turn.spans("left_ball"), [(0, END)])
    agree(turn.spans("left_heel"), [(0, 1.0), (3.0, END)])
    raised = (turn.times > 1.1) & (turn.times < 2.9)
    right = turn.contacts.chance[raised][:, turn.contacts.names.index("right_ball")]
    assert (right < 0.01).all(), "a foot held still at the knee stands on nothing"


def test_the_spot_that_stands_is_the_one_the_foot_turns_about() -> None:
    turn = seen(scenes.turning, steady(60))
    middle = (turn.times > 1.2) & (turn.times < 2.8)
    columns = list(GROUPS["left_ball"])
    spot = np.einsum(
        "tk,tkc->tc", turn.contacts.shares[middle][:, columns], turn.points[middle][:, columns]
    )
    plain = turn.points[middle][:, columns].mean(axis=1)
    assert np.ptp(spot, axis=0).max() < 0.03 < np.ptp(plain, axis=0).max()
    np.testing.assert_allclose(turn.contacts.shares[:, columns].sum(axis=1), 1.0, atol=1e-9)


def test_a_foot_that_slides_is_near_the_floor_but_not_planted() -> None:
    slide = seen(scenes.sliding, steady(30))
    agree(slide.spans("right_ball"), [(0, 1.0), (2.0, END)])
    moving = (slide.times > 1.1) & (slide.times < 1.9)
    part = slide.contacts.names.index("right_ball")
    assert (slide.contacts.chance[moving, part] < 0.1).all()
    assert (slide.contacts.near[moving, part] > 0.5).all()


def test_a_platform_carries_and_says_how_high_it_is() -> None:
    climb = seen(scenes.climbing, steady(30))
    spans = [span for span in climb.contacts.spans if span.name.endswith("ball")]
    np.testing.assert_allclose([span.height for span in spans], [0, 0.4, 0, 0.4], atol=0.01)
    agree(climb.spans("left_ball"), [(0, 1.0), (1.5, END)])
    on_floor = climb.contacts.on_floor()
    assert (on_floor[climb.times > 2.2] == 0).all()
    early = climb.times < 0.9
    np.testing.assert_allclose(on_floor[early], climb.contacts.chance[early], atol=1e-9)


def test_who_is_held_by_a_partner_is_not_on_the_floor() -> None:
    times = steady(30)
    carried = np.zeros((len(times), 1, 3))
    carried[:, 0, 1] = 1.1
    still = seen(scenes.standing, times, carried).contacts
    assert {round(span.height, 3) for span in still.spans} == {1.1}
    assert (still.on_floor() == 0).all()
    carried[:, 0, 0] = times * 1.0
    moving = seen(scenes.standing, times, carried).contacts
    assert not moving.spans
    assert (moving.chance < 0.1).all()


@pytest.mark.parametrize("scene", SCENES)
def test_uneven_time_stamps_give_the_same_contacts(scene: scenes.Scene) -> None:
    plain = seen(scene, steady(60))
    rng = np.random.default_rng(5)
    other = seen(scene, uneven(rng))
    for name in GROUPS:
        agree(other.spans(name), plain.spans(name), 0.06)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("rate", [24.0, 30.0, 120.0])
def test_the_frame_rate_changes_nothing(scene: scenes.Scene, rate: float) -> None:
    plain, other = seen(scene, steady(60)), seen(scene, steady(rate))
    for name in GROUPS:
        agree(other.spans(name), plain.spans(name), 0.06)


@pytest.mark.parametrize("scene", SCENES)
def test_a_person_whose_height_is_wrong_and_drifts_touches_the_same(scene: scenes.Scene) -> None:
    times = steady(30)
    plain = seen(scene, times)
    off = np.zeros((len(times), 1, 3))
    off[:, 0, 1] = -0.15 + 0.03 * np.sin(times)
    biased = seen(scene, times, off)
    for name in GROUPS:
        agree(biased.spans(name), plain.spans(name), 0.05)


@pytest.mark.parametrize("rate", [30.0, 60.0])
@pytest.mark.parametrize("scene", SCENES)
def test_a_centimetre_of_noise_moves_contacts_by_little(
    rng: np.random.Generator, scene: scenes.Scene, rate: float
) -> None:
    times = steady(rate)
    plain = seen(scene, times)
    noisy = seen(scene, times, rng.normal(0, 0.01, (len(times), len(NAMES), 3)))
    for name in GROUPS:
        agree(noisy.spans(name), plain.spans(name), 0.1)


def test_speeds_from_single_frames_would_not_survive_that_noise(rng: np.random.Generator) -> None:
    times = steady(60)
    raw = np.diff(rng.normal(0, 0.01, (len(times), 3)), axis=0) * 60
    assert np.median(np.linalg.norm(raw, axis=-1)) > ContactLimits().leave_speed


@given(
    angle=st.floats(-np.pi, np.pi),
    shift=st.tuples(st.floats(-9, 9), st.floats(-9, 9)),
    which=st.integers(0, len(SCENES) - 1),
)
@settings(max_examples=15)
def test_turning_and_moving_the_world_changes_nothing(
    angle: float, shift: tuple[float, float], which: int
) -> None:
    times = steady(30)
    plain = seen(SCENES[which], times)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    moved = plain.points @ turn.T + [shift[0], 0.0, shift[1]]
    trust = np.ones(moved.shape[:2])
    other = detect_contacts(times, moved, GROUPS, trust, level_floor())
    np.testing.assert_allclose(other.chance, plain.contacts.chance, atol=1e-6)


@pytest.mark.parametrize("scene", SCENES)
def test_backwards_in_time_the_contacts_are_the_same(scene: scenes.Scene) -> None:
    times = steady(30)
    plain = seen(scene, times)
    trust = np.ones(plain.points.shape[:2])
    back = detect_contacts(times, plain.points[::-1], GROUPS, trust, level_floor())
    np.testing.assert_allclose(back.chance[::-1], plain.contacts.chance, atol=1e-3)


@pytest.mark.parametrize("slower", [2.0, 4.0])
def test_slow_motion_stretches_contacts_in_time(slower: float) -> None:
    """A foot at 1 m/s, filmed at half and a quarter of the speed, still moves: same intervals."""
    times = steady(60)
    fast = seen(scenes.walking, times)
    slow = seen(lambda t: scenes.walking(t / slower), steady(60, 4.5 * slower))
    for name in ("left_ball", "right_heel"):
        agree([(a / slower, b / slower) for a, b in slow.spans(name)], fast.spans(name), 0.08)


def test_hysteresis_keeps_a_contact_whole_that_one_threshold_breaks() -> None:
    def restless(times: np.ndarray) -> dict[str, np.ndarray]:
        points = scenes.standing(times)
        shift = np.stack([0.04 * np.sin(2 * np.pi * 1.4 * times), 0 * times, 0 * times], axis=-1)
        return {name: place + shift for name, place in points.items()}

    times = steady(60)
    assert len(seen(restless, times).spans("left_ball")) == 1
    hard = ContactLimits(leave_speed=0.25, leave_height=0.04, shortest_gap=0.0)
    assert len(seen(restless, times, limits=hard).spans("left_ball")) > 3


def test_a_light_tap_is_shorter_than_a_contact_may_be() -> None:
    def tapping(times: np.ndarray) -> dict[str, np.ndarray]:
        height = np.minimum(0.2, 1.2 * np.abs(times - 2.0))
        return scenes.standing(times) | scenes.foot("left", scenes.place(times, 0.1, height, 0.0))

    assert not seen(tapping, steady(60)).spans("left_ball")
    patient = ContactLimits(shortest=0.0, enter_speed=9.0, leave_speed=9.0)
    assert seen(tapping, steady(60), limits=patient).spans("left_ball")


def test_what_is_not_seen_touches_nothing(rng: np.random.Generator) -> None:
    times = steady(30)
    trust = np.ones((len(times), len(NAMES)))
    hidden = (times > 1.0) & (times < 2.5)
    trust[hidden, :5] = 0.0
    shift = np.zeros((len(times), len(NAMES), 3))
    shift[hidden, :5] = np.nan
    found = seen(scenes.standing, times, shift, trust)
    inside = (times > 1.15) & (times < 2.35)
    assert (found.contacts.chance[inside][:, [0, 2]] == 0).all()
    assert np.isfinite(found.contacts.chance).all()
    agree(found.spans("left_heel"), [(0, 1.0), (2.5, END)], 0.15)
    dropped = rng.uniform(size=trust.shape) > 0.3
    agree(seen(scenes.standing, times, 0.0, dropped * 1.0).spans("right_ball"), [(0, END)], 0.12)


def test_depth_noise_along_the_view_can_be_left_out(rng: np.random.Generator) -> None:
    times = steady(30)
    camera = np.array([0.0, 1.2, 5.0])
    points = scenes.points_of(scenes.standing, times)
    rays = points - camera
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    wander = np.cumsum(rng.normal(0, 0.025, len(times)))
    shift = rays * wander[:, None, None] * [1, 0, 1]
    across = seen(scenes.standing, times, shift, limits=ContactLimits(camera=camera))
    assert across.contacts.chance[:, 0].mean() > 0.9
    assert seen(scenes.standing, times, shift).contacts.chance[:, 0].mean() < 0.7


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_short_clips_work(count: int) -> None:
    found = seen(scenes.standing, steady(30)[:count])
    assert (found.contacts.chance[:, 0] >= 0.5).all()
    assert np.isfinite(found.contacts.support).all()


def test_nobody_seen_at_all() -> None:
    times = steady(30)
    found = seen(scenes.standing, times, 0.0, np.zeros((len(times), len(NAMES))))
    assert (found.contacts.chance == 0).all()
    assert not found.contacts.spans
    assert np.isnan(found.contacts.support).all()


def test_groups_come_from_the_names_of_points() -> None:
    assert contact_groups(("left_toe_tip", "nose", "left_ball_inner")) == {"left_ball": (2, 0)}
    assert len(GROUPS) == 12
    assert contact_groups(()) == {}
    none = detect_contacts(steady(30), np.zeros((135, 1, 3)), {}, np.ones((135, 1)), level_floor())
    assert none.chance.shape == (135, 0)
