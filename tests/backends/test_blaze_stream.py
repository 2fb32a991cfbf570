"""Following people in a made-up world: who is found, kept, lost, found again; and the threads."""

import math
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from blaze_stand_ins import SIDE, WIDTH, NoNets, World

from choreoscope.backends.people.blaze.follow import Limits
from choreoscope.backends.people.blaze.state import Memory
from choreoscope.backends.people.blaze.stream import IN_FLIGHT, stream
from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.people import PeopleInFrame

LIMITS = Limits()


def followed(
    world: World, start: int, stop: int, *, workers: int = 2, memory: Memory | None = None
) -> list[PeopleInFrame]:
    return list(stream(world.frames(start, stop), memory, [NoNets()] * workers, LIMITS))


def tracklets(seen: list[PeopleInFrame]) -> list[list[int]]:
    return [[person.tracklet for person in entry.people] for entry in seen]


def flat(seen: list[PeopleInFrame]) -> list[object]:
    return [
        (
            entry.frame,
            [(p.tracklet, p.points_px.tobytes()) for p in entry.people],
            [(name, array.tobytes()) for name, array in entry.state.items()],
        )
        for entry in seen
    ]


def walk(frames: int, *, until: int = 10**9) -> dict[int, list[tuple[float, float, float]]]:
    """Two people; the second one leaves the world at `until`."""
    return {
        frame: [(200 + 6.0 * frame, 300.0, 0.0), (900.0, 400.0, 0.1)][: 2 if frame < until else 1]
        for frame in range(frames)
    }


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(walk(40))
    made.install(monkeypatch)
    return made


def test_two_people_keep_their_numbers(world: World) -> None:
    seen = followed(world, 0, 40)
    assert tracklets(seen) == [[0, 1]] * 40
    hips = np.array([[p.points_px[23] for p in entry.people] for entry in seen])
    first = np.array([places[0][:2] for places in world.places.values()])
    assert np.allclose(hips[:, 0], first) or np.allclose(hips[:, 1], first)


def test_somebody_new_is_found_at_the_next_look(world: World) -> None:
    world.places = {frame: walk(40)[frame][: 1 if frame < 12 else 2] for frame in range(40)}
    found = tracklets(followed(world, 0, 40))
    assert found[:15] == [[0]] * 15
    assert found[15:] == [[0, 1]] * 25


def test_somebody_hidden_for_a_while_keeps_the_number(world: World) -> None:
    world.places = {
        frame: [place for place in places[1:] if not 11 <= frame < 20]
        for frame, places in walk(40).items()
    }
    assert tracklets(followed(world, 0, 40)) == [[0]] * 11 + [[]] * 9 + [[0]] * 20


def test_somebody_gone_for_long_comes_back_as_another(world: World) -> None:
    world.places = {
        frame: [(900.0, 400.0, 0.0)] if not 8 <= frame < 35 else [] for frame in range(60)
    }
    found = tracklets(followed(world, 0, 60))
    assert found[7] == [0]
    assert found[59] == [1]


def test_a_somersault_is_followed_all_round(world: World) -> None:
    """The made-up network, like the real one, sees only bodies that are upright in the crop."""
    turns = {
        frame: 0.0 if frame < 10 else min((frame - 10) * math.radians(24), 2 * math.pi)
        for frame in range(40)
    }
    world.places = {frame: [(600 + 8.0 * frame, 300.0, turns[frame])] for frame in range(40)}
    assert tracklets(followed(world, 0, 40)) == [[0]] * 40


def test_two_tracklets_never_sit_on_one_body(world: World) -> None:
    world.places = {
        frame: [(400 + 8.0 * frame, 300.0, 0.0), (620.0, 300.0, 0.0)][: 2 if frame < 24 else 1]
        for frame in range(40)
    }
    for entry in followed(world, 0, 40):
        hips = [tuple(p.points_px[23].tolist()) for p in entry.people]
        assert len(set(hips)) == len(hips)


def test_workers_and_timing_change_nothing(world: World) -> None:
    wanted = flat(followed(world, 0, 30))
    world.delays = {"observe": 0.004, "read_pose": 0.001}
    assert flat(followed(world, 0, 30, workers=1)) == wanted
    world.delays = {"detect": 0.001}
    assert flat(followed(world, 0, 30, workers=4)) == wanted
    assert flat(followed(world, 1, 30)) != wanted[1:]


@pytest.mark.parametrize("cut", [1, 5, 6, 13, 29])
def test_a_run_cut_anywhere_goes_on_the_same(world: World, cut: int) -> None:
    world.places = walk(30, until=12)
    first = followed(world, 0, cut)
    rest = followed(world, cut, 30, memory=Memory.of(first[-1].state))
    assert flat([*first, *rest]) == flat(followed(world, 0, 30))


def test_a_foreign_state_is_refused() -> None:
    with pytest.raises(ShapeError, match="followed"):
        Memory.of({"frame": np.array(3)})


def test_no_more_frames_are_held_than_promised(world: World) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    taken = given = 0

    def watched() -> Iterator[tuple[int, np.ndarray]]:
        nonlocal taken
        for item in world.frames(0, 40):
            alive.append(weakref.ref(item[1]))
            taken += 1
            yield item

    bound = LIMITS.detect_every + IN_FLIGHT
    for _ in stream(watched(), None, [NoNets()] * 2, LIMITS):
        given += 1
        assert taken - given <= bound
        # One more may be in the hands of a worker, one in those of the reader.
        assert sum(ref() is not None for ref in alive) <= bound + 2
    assert given == 40


def test_closing_half_way_ends_all_threads(world: World) -> None:
    world.delays = {"read_pose": 0.002}
    before = threading.active_count()
    going = stream(world.frames(0, 40), None, [NoNets()] * 3, LIMITS)
    next(going)
    assert threading.active_count() > before
    going.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("where", ["detect", "read_pose", "observe"])
def test_an_error_in_a_worker_comes_out(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"broken {where}")

    monkeypatch.setattr(world, where, broken)
    world.install(monkeypatch)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match=f"broken {where}"):
        followed(world, 0, 40)
    assert threading.active_count() == before


def test_an_error_of_the_reader_comes_out(world: World) -> None:
    def torn() -> Iterator[tuple[int, np.ndarray]]:
        yield from world.frames(0, 12)
        raise OSError("torn film")

    before = threading.active_count()
    with pytest.raises(OSError, match="torn film"):
        list(stream(torn(), None, [NoNets()] * 2, LIMITS))
    assert threading.active_count() == before


def test_no_frames_give_no_answers() -> None:
    assert list(stream(iter(()), None, [NoNets()], LIMITS)) == []


def test_somebody_walking_out_is_let_go(world: World) -> None:
    world.places = {
        frame: [(900.0 + 20 * frame, 400.0, 0.0)] if 900 + 20 * frame < WIDTH + SIDE else []
        for frame in range(60)
    }
    seen = tracklets(followed(world, 0, 60))
    assert seen[10] == [0]
    assert seen[-1] == []


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"detect_every": 0}, "detect_every must be 1 or more, got 0"),
        ({"person_score": 1.5}, "person_score must lie between 0 and 1, got 1.5"),
        ({"tiles": 3}, "no option 'tiles'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, float], line: str) -> None:
    with pytest.raises(InputError, match=line):
        Limits.of(options)
