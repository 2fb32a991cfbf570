"""Every kind of camera has the property it is named for, and shows the people."""

from functools import cache
from typing import get_args

import numpy as np
import pytest

from choreoscope.datatypes.camera import CameraMovement
from choreoscope.datatypes.errors import InputError
from choreoscope.synthetic.cameras import KINDS, places_of
from choreoscope.synthetic.shot import Shot, ShotSpec, make_shot
from choreoscope.synthetic.visibility import in_camera, in_pixels, inside

STANDING = ("static", "zoom", "pan", "tilt", "pan_zoom")
ZOOMING = ("zoom", "pan_zoom")


@cache
def shot(kind: str, *, fill: float = 1.0) -> Shot:
    return make_shot(ShotSpec(seed=KINDS.index(kind), people=2, seconds=4, camera=kind, fill=fill))


def shown(filmed: Shot) -> float:
    """Share of body points that are in the picture."""
    shares = []
    for person in filmed.people:
        seen = in_camera(person.point_set("coco17"), filmed.camera)
        shares.append(inside(in_pixels(seen, filmed.camera), filmed.camera).mean())
    return float(np.mean(shares))


def turned(filmed: Shot) -> float:
    """Largest angle from the first frame, radians."""
    turns = filmed.camera.camera_from_world[:, :3, :3]
    traces = np.einsum("tab,ab->t", turns, turns[0])
    return float(np.arccos(np.clip((traces.min() - 1) / 2, -1, 1)))


@pytest.mark.parametrize("kind", KINDS)
def test_people_are_in_the_picture(kind: str) -> None:
    assert shown(shot(kind)) > 0.9


def test_a_tight_frame_crops_bodies() -> None:
    assert shown(shot("static", fill=2.2)) < 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_only_cameras_that_travel_leave_their_place(kind: str) -> None:
    way = np.ptp(places_of(shot(kind).camera), axis=0).max()
    assert way < 1e-9 if kind in STANDING else way > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_only_zooms_change_the_focal_length(kind: str) -> None:
    focal = shot(kind).camera.intrinsics[:, 0, 0]
    assert shot(kind).filming.zooms == (kind in ZOOMING)
    assert focal.max() / focal.min() > 1.15 if kind in ZOOMING else np.ptp(focal) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_only_cameras_on_a_lock_do_not_turn(kind: str) -> None:
    assert turned(shot(kind)) < 1e-6 if kind in {"static", "zoom"} else turned(shot(kind)) > 0.005


@pytest.mark.parametrize("kind", KINDS)
def test_cameras_are_rigid_level_and_before_the_people(kind: str) -> None:
    matrices = shot(kind).camera.camera_from_world
    turns = matrices[:, :3, :3]
    np.testing.assert_allclose(
        turns @ np.swapaxes(turns, 1, 2), np.tile(np.eye(3), (len(turns), 1, 1)), atol=1e-12
    )
    assert (np.linalg.det(turns) > 0).all()
    # Image down (camera y) points down in the world.
    assert (turns[:, 1, 1] < -0.8).all()
    assert (places_of(shot(kind).camera)[:, 1] > 0.3).all()
    for person in shot(kind).people:
        assert (in_camera(person.joints()[0], shot(kind).camera)[..., 2] > 0.8).all()


def test_hands_and_steps_shake_a_camera_and_tripods_do_not() -> None:
    def shake(kind: str) -> float:
        return float(np.abs(np.diff(places_of(shot(kind).camera), 3, axis=0)).max())

    assert shake("walking") > 1e-4
    assert shake("handheld") > 1e-5
    assert shake("pan") < 1e-9


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"pan_zoom"):
        ShotSpec(camera="drone")


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_of_the_classes_that_a_camera_solve_tells_apart(kind: str) -> None:
    movement = shot(kind).filming.movement
    assert movement in get_args(CameraMovement)
    assert (movement == "travelling") == (kind not in STANDING)
