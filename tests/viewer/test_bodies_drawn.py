"""People with a body are drawn with it: on the page of figures, and packed for the 3D view."""

import json
from pathlib import Path

import numpy as np
import pytest
from viewer_builders import MakeData, MakeMotion, camera_track, dressed, entry_of

from choreoscope.datatypes.frames import FrameRange
from choreoscope.motion.body_figure import figure_of_person, skinned
from choreoscope.viewer.board import PAPER
from choreoscope.viewer.palette import colours_for
from choreoscope.viewer.report import write_report
from choreoscope.viewer.report_check import check_report
from choreoscope.viewer.scene_bodies import bent
from choreoscope.viewer.scene_data import MOST_BYTES, scene_of, stride_for, unpack_person
from choreoscope.viewer.side_view import side_view
from choreoscope.viewer.surface import surface_of
from choreoscope.viewer.views import side_view_png

COLOURS = colours_for(["p1", "p2", "p3"])
TOP = 82
"""Below the title and the coloured tag of the first person, pixels."""


def ink_of(picture: np.ndarray) -> np.ndarray:
    """Pixels of a figure in the colour of the first person, any shade."""
    red, green, blue = (picture[..., k].astype(int) for k in range(3))
    return (blue > green + 15) & (green > red + 5)


def test_the_page_shows_the_body_at_its_height() -> None:
    motion, body = dressed(1.75, frames=16)
    drawn = ink_of(side_view({"p1": motion}, camera_track(), COLOURS, {"p1": body}))
    rows = np.flatnonzero(drawn[TOP:].any(axis=1))
    pixels_per_metre = (1200 - 96) / 8 / 1.7
    assert np.ptp(rows) == pytest.approx(1.75 * pixels_per_metre, abs=6)
    plain = ink_of(side_view({"p1": motion}, camera_track(), COLOURS))
    assert drawn.sum() != plain.sum(), "the jointed figure is another"


def test_the_body_is_shaded_and_its_right_side_darker() -> None:
    motion, body = dressed(1.75, frames=1)
    picture = side_view({"p1": motion}, camera_track(), COLOURS, {"p1": body})
    columns = np.flatnonzero(ink_of(picture)[TOP:].any(axis=0))
    middle = (columns[0] + columns[-1]) // 2
    body_rows = picture[TOP:].astype(float).sum(axis=2)
    ink = ink_of(picture)[TOP:]
    # Facing the camera, the person's right arm is on the left of the page.
    right = body_rows[:, : middle - 20][ink[:, : middle - 20]].mean()
    left = body_rows[:, middle + 20 :][ink[:, middle + 20 :]].mean()
    assert right < 0.93 * left
    assert len(np.unique(picture[TOP:][ink], axis=0)) > 60


def test_filled_in_moments_are_pale() -> None:
    motion, body = dressed(1.75, frames=2, unseen=(0,))
    picture = side_view({"p1": motion}, camera_track(), COLOURS, {"p1": body})[TOP:]
    first = picture[:, :200].astype(int)
    second = picture[:, 200:].astype(int)

    def depth(part: np.ndarray) -> float:
        away = np.abs(part - np.array(PAPER)).sum(axis=2)
        return float(np.median(away[ink_of(part)]))

    assert depth(first) < 0.6 * depth(second)


def test_people_without_a_body_stay_jointed_figures(make_motion: MakeMotion) -> None:
    motion, body = dressed(1.75, frames=4)
    motions = {"p1": make_motion(4), "p2": motion}
    both = side_view_png(motions, None, COLOURS, {"p2": body, "p1": body})
    assert both == side_view_png(motions, None, COLOURS, {"p2": body})
    assert both != side_view_png(motions, None, COLOURS)
    assert surface_of(make_motion(4), body, np.arange(4)) is None
    assert surface_of(motion, None, np.arange(4)) is None


def test_a_packed_body_bends_within_a_millimetre() -> None:
    motion, body = dressed(1.68, frames=12, first=3)
    clip = FrameRange(0, 20)
    scene = scene_of({"p1": motion}, None, COLOURS, clip, np.arange(20) / 25, {"p1": body})
    scene = json.loads(json.dumps(scene))
    packed = scene["people"][0]
    found = bent(scene, packed, unpack_person(packed).points)
    mesh, _ = figure_of_person(motion.skeleton, body, "low")
    truth = skinned(mesh, motion, np.arange(12))
    apart = np.linalg.norm(found - truth, axis=-1)
    assert np.median(apart) < 1e-3
    assert apart.max() < 6e-3, "weights are bytes"
    assert np.linalg.norm(found[:1] - truth, axis=-1).max() > 0.05


def test_a_skin_is_stored_once_for_all_of_a_model() -> None:
    people = {
        f"p{k}": dressed(stature, kind)
        for k, (stature, kind) in enumerate(
            [(1.6, "adult"), (1.9, "adult"), (1.2, "child")], start=1
        )
    }
    motions = {person: motion for person, (motion, _) in people.items()}
    bodies = {person: body for person, (_, body) in people.items()}
    clip = FrameRange(0, 8)
    scene = scene_of(motions, None, COLOURS, clip, np.arange(8) / 25, bodies)
    assert len({person["body"]["vertices"] for person in scene["people"]}) == 3
    assert len(scene["skins"]) == 1
    without = scene_of(motions, None, COLOURS, clip, np.arange(8) / 25)
    assert without["skins"] == []
    assert all("body" not in person for person in without["people"])


def test_turns_count_against_the_size_of_the_page() -> None:
    motion, _ = dressed(1.7, frames=1500)
    clip = FrameRange(0, 1500)
    people = {f"p{k}": motion for k in range(MOST_BYTES // (1500 * 400))}
    assert stride_for(people, clip, people) > stride_for(people, clip)


def test_a_page_with_bodies_is_whole(make_data: MakeData, tmp_path: Path) -> None:
    motion, body = dressed(1.7, frames=40)
    data = make_data(people=(entry_of("person-1", motion, body=body),))
    page = tmp_path / "report.html"
    write_report(page, data)
    check_report(page, ["person-1"])
    assert page.stat().st_size < 250_000
