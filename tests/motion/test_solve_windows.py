"""Long clips: windows agree with the whole, memory stays flat, people come and go between them."""

import dataclasses
import functools

import numpy as np
import pytest
from solve_cases import (
    NOISY,
    QUICK,
    assert_finite,
    camera_heights,
    dance,
    even,
    figure,
    joint_errors,
    joints_of,
    seen,
    shot_of,
    track_at_start,
    watched,
    with_person,
)

from choreoscope.motion.solve import windows
from choreoscope.motion.solve.mechanics import Layout
from choreoscope.motion.solve.normal import Normal
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.shot import solve_shot
from choreoscope.motion.solve.solution import ShotSolution

LONG = {"seed": 4, "seconds": 2.0}
FULL = SolveOptions()
CUT = dataclasses.replace(FULL, window=16, overlap=6)
FRAMES = 48


@functools.cache
def held_at_once(cut: bool) -> tuple[ShotSolution, tuple[int, ...]]:
    """The solution, and how many frames each normal matrix had."""
    sizes: list[int] = []
    made = Normal.empty.__func__  # type: ignore[attr-defined]

    def noted(layout: Layout, frames: int) -> Normal:
        sizes.append(frames)
        return made(Normal, layout, frames)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Normal, "empty", staticmethod(noted))
        solution = solve_shot(seen(dance(**LONG), NOISY), CUT if cut else FULL)
    return solution, tuple(sizes)


def test_windows_give_nearly_the_same_as_all_at_once() -> None:
    (parts, _), (whole, _) = held_at_once(cut=True), held_at_once(cut=False)
    shot = dance(**LONG)
    assert parts.people["P01"].motion.frame_count == FRAMES
    apart = np.linalg.norm(joints_of(parts) - joints_of(whole), axis=-1)
    assert np.median(apart) < 0.025
    assert apart.max() < 0.1
    np.testing.assert_allclose(
        camera_heights(parts.camera), camera_heights(whole.camera), atol=0.01
    )
    errors = [joint_errors(solution, shot) for solution in (parts, whole)]
    assert np.median(errors[0]) < 0.01 + 1.3 * np.median(errors[1])
    assert_finite(parts)


def test_there_is_no_seam_where_two_windows_meet() -> None:
    (parts, _), (whole, _) = held_at_once(cut=True), held_at_once(cut=False)
    off = np.linalg.norm(joints_of(parts) - joints_of(whole), axis=-1).mean(axis=1)
    jumps = np.abs(np.diff(off))
    seams = [stop - 1 for _, stop, _ in windows.stretches(tracks(), CUT)[:-1]]
    rest = np.setdiff1d(np.arange(FRAMES - 1), [*seams, *(seam - 1 for seam in seams)])
    around = max(jumps[seam - 1 : seam + 1].max() for seam in seams)
    assert around < 2 * jumps[rest].max() + 1e-3


def test_memory_is_that_of_a_window() -> None:
    (_, parts), (_, whole) = held_at_once(cut=True), held_at_once(cut=False)
    assert max(parts) <= CUT.window + CUT.overlap + 2
    assert max(whole) == FRAMES


def tracks() -> dict[str, windows.Track]:
    return {"P01": track_at_start(seen(dance(**LONG)))}


def test_stretches_cover_every_frame_once() -> None:
    whole = tracks()
    for window, overlap in ((16, 6), (7, 3), (47, 1), (46, 1), (300, 10)):
        options = SolveOptions(window=window, overlap=overlap)
        found = windows.stretches(whole, options)
        kept = [frame for start, keep, _ in found for frame in range(start, keep)]
        assert kept == list(range(FRAMES))
        assert all(keep <= stop <= FRAMES for _, keep, stop in found)
        assert all(stop - start <= window + overlap for start, _, stop in found)
        assert windows.is_short(whole, options) == (window + overlap >= FRAMES)


def test_a_sample_is_no_larger_than_a_window_and_holds_everybody() -> None:
    evidence = seen(dance(people=2, **LONG))
    brief = evidence.people[1]
    rows = slice(20, 26)
    short = with_person(
        evidence,
        1,
        frames=brief.frames[rows],
        pixels=brief.pixels[rows],
        pixel_sigma=brief.pixel_sigma[rows],
        places=brief.places[rows],
        place_sigma=brief.place_sigma[rows],
    )
    both = {f"P0{at + 1}": track_at_start(short, at) for at in (0, 1)}
    options = SolveOptions(window=16, overlap=4)
    pieces = windows.sample(both, options)
    assert {piece.person for piece in pieces.values()} == {"P01", "P02"}
    assert sum(len(p.times) for p in pieces.values() if p.person == "P01") <= options.window
    solution = solve_shot(short, dataclasses.replace(QUICK, window=16, overlap=4))
    motion = solution.people["P02"].motion
    assert (motion.first_frame, motion.frame_count) == (20, 6)
    assert_finite(solution)


def test_ten_seconds_between_two_sightings_are_bridged() -> None:
    times = even(11.0)
    person = watched(figure(times, {}))
    rows = np.r_[:12, len(times) - 12 : len(times)]
    evidence = with_person(
        shot_of(times, person),
        frames=rows,
        pixels=person.pixels[rows],
        pixel_sigma=person.pixel_sigma[rows],
        places=person.places[rows],
        place_sigma=person.place_sigma[rows],
    )
    solution = solve_shot(evidence, SolveOptions(iterations=(2,), window=60, overlap=8))
    found = solution.people["a"]
    assert_finite(solution)
    assert np.all(found.motion.confidence[12:-12] == 0)
    assert np.all(found.motion.confidence[:12].max(axis=1) > 0)
    assert [(one.start, one.stop) for one in found.doubts] == [(12, len(times) - 12)]
    drift = np.linalg.norm(found.motion.root_position - found.motion.root_position[0], axis=1)
    assert drift.max() < 0.3
