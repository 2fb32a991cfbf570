"""The cloud in the report: what the page unpacks is the cloud, small enough to lie in it."""

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from viewer_builders import MakeData, camera_track

from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.usd_points import CloudFrame, PointsWriter
from choreoscope.formats.usd_take import TakeFrames
from choreoscope.viewer.cloud_view import (
    MOMENTS,
    MOST_POINTS,
    SMALLEST,
    cloud_view,
    packed_cloud,
    unpack_layer,
)
from choreoscope.viewer.report import report_page, write_report
from choreoscope.viewer.report_check import check_report

COUNT = 12
Clouds = Callable[[int], dict[str, CloudFrame]]


def ball(count: int, seed: int, colour: tuple[int, int, int]) -> CloudFrame:
    """Points on a ball 4 m before the camera, which stands at z = 6 and looks along -z."""
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    points = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * 0.8 + [0.2, 0.5, 4.0]
    return CloudFrame(
        points=points.astype(np.float32),
        colours=np.tile(np.uint8(colour), (count, 1)),
        widths=np.full(count, 0.004, dtype=np.float32),
    )


def take(path: Path, groups: tuple[str, ...], clouds: Clouds) -> Path:
    frames = TakeFrames(rate=Fraction(25), count=COUNT, camera=camera_track(COUNT))
    with PointsWriter(path, groups, frames) as writer:
        for frame in range(COUNT):
            writer.write(frame, clouds(frame))
    return path


def two_groups(frame: int) -> dict[str, CloudFrame]:
    red, grey = ball(9000, frame, (200, 40, 40)), ball(5000, 99, (120, 120, 120))
    return {"P01": red, "Scene": grey}


def test_the_page_unpacks_the_cloud(tmp_path: Path) -> None:
    path = take(tmp_path / "c.usdc", ("P01", "Scene"), two_groups)
    view = cloud_view(path, FrameRange(100, 100 + COUNT))
    assert len(view.moments) == MOMENTS
    assert view.moments[0].frame > 100
    assert view.points == 14_000
    assert view.eye == pytest.approx([0, 1.5, 6])
    assert view.centre == pytest.approx([0.2, 1.0, 2.0], abs=0.05)
    assert view.reach == pytest.approx(0.8, abs=0.05)
    assert view.scene is not None
    kept = sum(len(one.layer.points) for one in view.moments) + len(view.scene.points)
    assert 0.9 * MOST_POINTS < kept <= MOST_POINTS
    times = {one.frame: one.frame / 25 for one in view.moments}
    packed = packed_cloud(view, times, dict.fromkeys(times, ""))
    assert len(json.dumps(packed)) < 300_000
    for layer, whole, colour in (
        (view.moments[2].layer, packed["moments"][2], (200, 40, 40)),
        (view.scene, packed["scene"], (120, 120, 120)),
    ):
        points, colours = unpack_layer(packed, whole)
        # Those outside the box of 99 per cent are left out.
        assert 0.93 * len(layer.points) < len(points) <= len(layer.points)
        assert np.linalg.norm(points - [0.2, 1.0, 2.0], axis=1) == pytest.approx(0.8, abs=0.003)
        assert np.abs(colours - colour).max() <= 8
        assert layer.sizes.min() >= 0.004


def test_a_cloud_without_names_is_shown_whole(tmp_path: Path) -> None:
    clouds = {"Cloud": ball(50, 1, (9, 200, 9))}
    view = cloud_view(take(tmp_path / "c.usdc", ("Cloud",), lambda _: clouds), FrameRange(0, COUNT))
    assert view.scene is None
    assert len(view.moments[0].layer.points) == 50
    assert view.moments[0].layer.sizes == pytest.approx(0.004)


def test_the_report_shows_the_cloud(tmp_path: Path, make_data: MakeData) -> None:
    path = take(tmp_path / "c.usdc", ("P01", "Scene"), two_groups)
    data = make_data(cloud=cloud_view(path, FrameRange(0, COUNT)))
    write_report(tmp_path / "report.html", data)
    check_report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    found = re.search(r'id="cloud-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    assert len(json.loads(found[1])["moments"]) == MOMENTS
    assert page.count("data-moment=") == MOMENTS + 1
    assert "about 14,000 points" in page
    assert report_page(data) == report_page(data)


def test_no_cloud_no_section(tmp_path: Path, make_data: MakeData) -> None:
    empty = take(tmp_path / "c.usdc", ("Cloud",), lambda _: {})
    for cloud in (None, cloud_view(empty, FrameRange(0, COUNT))):
        page = report_page(make_data(cloud=cloud))
        assert "cloud-data" not in page
        assert "#cloud" not in page


def test_sizes_fit_a_byte() -> None:
    assert SMALLEST * 2 ** (255 / 16) > 5
