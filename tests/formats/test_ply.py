"""PLY files, re-read by trimesh."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from choreoscope.datatypes.errors import OutputError, ShapeError
from choreoscope.formats.ply import write_ply


def some(count: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(count)
    points = draw.uniform(-30, 30, (count, 3)).astype(np.float32)
    return points, draw.integers(0, 256, (count, 3), dtype=np.uint8)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("count", [1, 7, 20_000])
def test_points_read_back(tmp_path: Path, count: int, *, binary: bool) -> None:
    points, colours = some(count)
    write_ply(tmp_path / "a.ply", points, colours, binary=binary)
    read = trimesh.load(tmp_path / "a.ply", process=False)
    assert read.vertices == pytest.approx(points, abs=0 if binary else 6e-5)
    assert (read.colors[:, :3] == colours).all()


@pytest.mark.parametrize("binary", [False, True])
def test_meshes_read_back(tmp_path: Path, *, binary: bool) -> None:
    points, colours = some(9)
    faces = np.array([[0, 1, 2], [2, 1, 3], [6, 7, 8]], dtype=np.int32)
    write_ply(tmp_path / "a.ply", points, colours, faces, binary=binary)
    read = trimesh.load(tmp_path / "a.ply", process=False)
    assert (read.faces == faces).all()
    assert read.vertices == pytest.approx(points, abs=6e-5)
    assert (read.visual.vertex_colors[:, :3] == colours).all()


def test_the_header_is_what_openframeworks_reads(tmp_path: Path) -> None:
    points, colours = some(2)
    write_ply(tmp_path / "a.ply", points, colours, np.array([[0, 1, 1]]))
    lines = (tmp_path / "a.ply").read_text("ascii").splitlines()
    assert lines[:11] == [
        "ply",
        "format ascii 1.0",
        "element vertex 2",
        "property float x",
        "property float y",
        "property float z",
        "property uchar red",
        "property uchar green",
        "property uchar blue",
        "element face 1",
        "property list uchar int vertex_indices",
    ]
    assert lines[11] == "end_header"
    numbers = lines[12].split()
    assert [float(one) for one in numbers[:3]] == pytest.approx(points[0], abs=6e-5)
    assert [int(one) for one in numbers[3:]] == colours[0].tolist()
    assert lines[-1] == "3 0 1 1"


def test_a_frame_without_points_is_a_file(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", *some(0))
    assert "element vertex 0" in (tmp_path / "a.ply").read_text("ascii")


def test_faults(tmp_path: Path) -> None:
    points, colours = some(3)
    with pytest.raises(ShapeError, match="do not go with"):
        write_ply(tmp_path / "a.ply", points, colours[:2])
    with pytest.raises(OutputError, match="cannot be written"):
        write_ply(tmp_path / "no" / "a.ply", points, colours)
