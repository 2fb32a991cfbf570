"""Tubes: closed, turned outward, of the size asked for."""

import numpy as np
import pytest
import trimesh

from choreoscope.geometry.tubes import lengths_along, tube, vertex_normals

BENT = np.array([[0.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.3, 0.9, 0.1]])
ROUND = np.array([[0.0, 0.05, 0.05], [1.0, 0.05, 0.05]])


@pytest.mark.parametrize("segments", [3, 6, 17])
@pytest.mark.parametrize("points", [BENT, BENT[::-1], BENT[:2]])
def test_tubes_are_closed_and_turned_outward(points: np.ndarray, segments: int) -> None:
    made = tube(points, ROUND, np.array([1.0, 0, 0]), spacing=0.03, segments=segments)
    body = trimesh.Trimesh(made.vertices, made.faces, process=False)
    assert body.is_watertight
    assert body.is_winding_consistent
    assert body.volume > 0


def test_a_fine_capsule_has_the_volume_of_a_capsule() -> None:
    made = tube(BENT[:2], ROUND, np.array([1.0, 0, 0]), spacing=0.01, segments=64)
    body = trimesh.Trimesh(made.vertices, made.faces, process=False)
    expected = np.pi * 0.05**2 * 0.5 + 4 / 3 * np.pi * 0.05**3
    assert body.volume == pytest.approx(expected, rel=0.03)
    assert np.allclose(body.bounds, [[-0.05, -0.05, -0.05], [0.05, 0.55, 0.05]], atol=1e-3)


def test_width_lies_along_the_side_and_sections_are_met() -> None:
    sections = np.array([[0.0, 0.02, 0.01], [0.25, 0.10, 0.03], [0.5, 0.02, 0.01]])
    made = tube(BENT[:2], sections, np.array([0.0, 0, 1.0]), spacing=0.05, segments=8)
    ring = made.vertices[np.isclose(made.along, 0.25)]
    assert len(ring) == 8
    assert np.ptp(ring, axis=0) == pytest.approx([0.06, 0.0, 0.20], abs=1e-9)
    assert np.abs(made.vertices[:, 2]).max() == pytest.approx(0.10)


def test_blunt_caps_stand_out_less() -> None:
    side = np.array([1.0, 0, 0])
    blunt = tube(BENT[:2], ROUND, side, spacing=0.1, segments=8, roundness=0.2)
    assert blunt.vertices[:, 1].max() == pytest.approx(0.51)
    assert blunt.along.min() == pytest.approx(-0.01)


def test_a_side_along_the_path_still_gives_a_tube() -> None:
    made = tube(BENT[:2], ROUND, np.array([0.0, 1.0, 0]), spacing=0.1, segments=8)
    assert trimesh.Trimesh(made.vertices, made.faces, process=False).volume > 0


def test_normals_of_a_ball_point_away_from_its_centre() -> None:
    ball = trimesh.creation.icosphere(subdivisions=2)
    normals = vertex_normals(np.array(ball.vertices), np.array(ball.faces))
    assert np.allclose(normals, ball.vertices, atol=0.03)


def test_lengths_add_up() -> None:
    assert np.allclose(lengths_along(BENT), [0.0, 0.5, 0.5 + np.sqrt(0.09 + 0.16 + 0.01)])
