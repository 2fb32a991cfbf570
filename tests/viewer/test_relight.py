"""Relight preview: closed forms on a ball, wrong conventions caught, films re-read."""

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from viewer_builders import camera_track

from choreoscope.capture.external.options import PassSource
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.passes import write_pass
from choreoscope.formats.video import probe_film
from choreoscope.formats.video_reader import FilmReader
from choreoscope.viewer.relight import (
    Lighting,
    Stand,
    Surface,
    as_colours,
    clay_ball,
    developed,
    lit,
    stand_of,
)
from choreoscope.viewer.relight_film import RelightInput, RelightOptions, relight
from choreoscope.viewer.relight_lights import (
    LightKey,
    LightPath,
    circling,
    direction,
    matcap,
    read_light,
    standing,
)

SIDE = 64
DISTANCE, RADIUS = 5.0, 0.5
PLAIN = Lighting(strength=1.0, rim=0.0, fill=0.0, gloss=0.0)


def ball(*, green: float = 1.0, right: float = 1.0) -> Surface:
    """A white ball 5 m away that fills the picture, seen as good as from far off."""
    span = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1) * 1.1
    x, y = np.meshgrid(span, -span)
    inside = x * x + y * y < 1
    z = np.sqrt(np.where(inside, 1 - x * x - y * y, 0))
    normals = np.where(inside[..., None], np.stack([x * right, y * green, z], axis=-1), 0.0)
    places = RADIUS * np.stack([x, y, z], axis=-1) + [0, 0, -DISTANCE]
    return Surface(
        normals=normals.astype(np.float32),
        places=places.astype(np.float32),
        colour=np.ones((SIDE, SIDE, 3), dtype=np.float32),
        alpha=inside.astype(np.float32),
        backdrop=np.zeros((SIDE, SIDE, 3), dtype=np.float32),
    )


STAND = Stand(middle=np.array([0.0, 0.0, -DISTANCE]), reach=RADIUS)


def shares(picture: np.ndarray) -> dict[str, float]:
    """Light in the halves of a picture, as shares of all."""
    grey = picture.astype(float).sum(axis=2)
    half = SIDE // 2
    return {
        "left": grey[:, :half].sum() / grey.sum(),
        "above": grey[:half].sum() / grey.sum(),
    }


@pytest.mark.parametrize(
    ("name", "side", "more"),
    [
        ("left", "left", True),
        ("right", "left", False),
        ("above", "above", True),
        ("below", "above", False),
    ],
)
def test_a_ball_is_bright_where_the_light_is(name: str, side: str, more: bool) -> None:
    share = shares(lit(ball(), standing(name).at(0), STAND, PLAIN))[side]
    assert share > 0.85 if more else share < 0.15
    # Controls: flipped green or red puts the light on the wrong side.
    flipped = ball(green=-1.0) if side == "above" else ball(right=-1.0)
    wrong = shares(lit(flipped, standing(name).at(0), STAND, PLAIN))[side]
    assert wrong < 0.15 if more else wrong > 0.85


def test_lamberts_cosine_and_the_inverse_square() -> None:
    surface = ball()
    key = LightKey(frame=0, azimuth=40.0, elevation=20.0, distance=200.0)
    light = lit(surface, key, STAND, PLAIN)[..., 0]
    inside = surface.alpha > 0
    expected = np.maximum(surface.normals @ direction(40.0, 20.0), 0)
    assert light[inside] == pytest.approx(expected[inside], abs=0.02)
    # Near by, light falls off with the square of the distance from each place.
    near = dataclasses.replace(key, distance=3.0)
    lamp = STAND.middle + 3.0 * RADIUS * direction(40.0, 20.0)
    ways = lamp - surface.places
    length = np.linalg.norm(ways, axis=2)
    cosine = np.maximum(np.einsum("...i,...i", surface.normals, ways / length[..., None]), 0)
    expected = cosine * (3.0 * RADIUS / length) ** 2
    assert lit(surface, near, STAND, PLAIN)[inside][:, 0] == pytest.approx(
        expected[inside], rel=1e-4, abs=1e-6
    )


def test_colour_multiplies_and_highlights_do_not() -> None:
    red = dataclasses.replace(ball(), colour=np.full((SIDE, SIDE, 3), [0.8, 0, 0], np.float32))
    key = standing("front").at(0)
    assert (lit(red, key, STAND, PLAIN)[..., 1] == 0).all()
    shiny = lit(red, key, STAND, dataclasses.replace(PLAIN, gloss=0.1))[..., 1]
    assert shiny.max() > 0.1
    # Half-way between light and eye is where it gleams.
    row, column = np.unravel_index(int(shiny.argmax()), shiny.shape)
    assert abs(column - SIDE / 2) <= 2
    assert row < SIDE / 2


def test_the_rim_lights_edges_alone() -> None:
    rim = Lighting(strength=0.0, rim=1.0, fill=0.0, gloss=0.0)
    light = lit(ball(), LightKey(frame=0, azimuth=0.0), STAND, rim)[..., 0]
    span = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1) * 1.1
    distance = np.hypot(*np.meshgrid(span, span))
    assert light[distance < 0.5].max() < 0.02
    assert light[(distance > 0.93) & (distance < 1)].max() > 0.3


def test_nothing_is_lit_where_there_is_no_surface() -> None:
    surface = dataclasses.replace(ball(), backdrop=np.full((SIDE, SIDE, 3), 0.25, np.float32))
    light = lit(surface, standing("front").at(0), STAND)
    assert (light[surface.alpha == 0] == 0.25).all()
    assert stand_of(dataclasses.replace(surface, alpha=surface.alpha * 0)) is None
    found = stand_of(surface)
    assert found is not None
    assert found.middle == pytest.approx(STAND.middle, abs=0.5)


def test_the_matcap_is_looked_up_by_normal() -> None:
    surface = ball()
    light = clay_ball(surface)
    painted = matcap()
    assert painted.shape == (256, 256, 3)
    above, below = light[: SIDE // 2].mean(), light[SIDE // 2 :].mean()
    assert above > 1.3 * below
    middle = light[SIDE // 2, SIDE // 2]
    assert middle == pytest.approx(painted[128, 128], abs=0.03)
    # Control: normals whose green points down are painted upside down.
    flipped = clay_ball(ball(green=-1.0))
    assert flipped[: SIDE // 2].mean() < flipped[SIDE // 2 :].mean()
    assert (as_colours(surface)[SIDE // 2, -8] > [200, 100, 100]).all()


def test_developing_is_srgb_below_the_shoulder_and_never_clips_hard() -> None:
    linear = np.linspace(0, 3, 500, dtype=np.float32)[:, None]
    shown = developed(linear)[:, 0].astype(int)
    low = linear[:, 0] < 0.8
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(shown[low] - 255 * expected[low, 0]).max() <= 1
    assert (np.diff(shown) >= 0).all()
    assert shown[np.searchsorted(linear[:, 0], 1.2)] < 255


def test_lights_move(tmp_path: Path) -> None:
    path = circling(10, 100, 25.0, seconds=4.0)
    assert path.at(10).azimuth == 0
    assert path.at(60).azimuth == pytest.approx(180)
    keys = [{"frame": 0, "azimuth": -60}, {"frame": 10, "azimuth": 60, "elevation": 10}]
    (tmp_path / "light.yaml").write_text(json.dumps({"keys": keys}))
    read = read_light(tmp_path / "light.yaml")
    assert (read.at(5).azimuth, read.at(5).elevation) == (0.0, 20.0)
    (tmp_path / "light.yaml").write_text("keys: [{frame: 0, azimut: 1}]")
    with pytest.raises(InputError, match="expected keys of a light"):
        read_light(tmp_path / "light.yaml")
    with pytest.raises(InputError, match="frames rise"):
        LightPath(keys=())
    with pytest.raises(InputError, match="expected circle or one of"):
        standing("nowhere")


COUNT = 5


def normals_folder(folder: Path, *, green: float = 1.0) -> Path:
    """Normals and mattes as SwitchLight writes them."""
    surface = ball(green=green)
    coded = np.rint((surface.normals * 0.5 + 0.5) * 65535).astype(np.uint16)
    for name, pixels in (("Normal", coded), ("Alpha", np.uint8(255 * surface.alpha))):
        (folder / name).mkdir(parents=True)
        for frame in range(COUNT):
            planes = pixels[..., ::-1] if pixels.ndim == 3 else pixels
            data = cv2.imencode(".png", planes)[1].tobytes()
            (folder / name / f"{name}_{1001 + frame}.png").write_bytes(data)
    return folder


def frames_of(path: Path) -> list[np.ndarray]:
    video = probe_film(path)
    with FilmReader(video) as reader:
        return [picture for _, picture in reader.frames(FrameRange(0, video.frame_count))]


def test_a_switchlight_folder_becomes_a_film(tmp_path: Path) -> None:
    folder = normals_folder(tmp_path / "sl")
    told: list[int] = []
    light = RelightOptions(light=standing("above"), lighting=PLAIN)
    (film,) = relight(
        folder,
        tmp_path / "a.mp4",
        options=light,
        given=RelightInput(rate=Fraction(25)),
        progress=lambda _, done, __: told.append(done),
    )
    pictures = frames_of(film)
    assert len(pictures) == COUNT
    assert told[-1] == COUNT
    assert probe_film(film).rate == 25
    assert shares(pictures[2])["above"] > 0.7
    # Control: DirectX normals taken for OpenGL are lit from below; declared, they are right.
    wrong = normals_folder(tmp_path / "dx", green=-1.0)
    (dark,) = relight(wrong, tmp_path / "b.mp4", options=light)
    assert shares(frames_of(dark)[2])["above"] < 0.3
    given = RelightInput(normals=PassSource(green="down"))
    (right,) = relight(wrong, tmp_path / "c.mp4", options=light, given=given)
    assert shares(frames_of(right)[2])["above"] > 0.7
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["a.mp4", "b.mp4", "c.mp4"]


def test_eight_at_once(tmp_path: Path) -> None:
    folder = normals_folder(tmp_path / "sl")
    options = RelightOptions(eight=True, frames=FrameRange(1, 3))
    (film,) = relight(folder, tmp_path / "a.mp4", options=options)
    pictures = frames_of(film)
    assert len(pictures) == 2
    assert pictures[0].shape == (SIDE, 2 * SIDE, 3)


def test_a_result_folder_is_lit_with_its_depth_and_colour(tmp_path: Path) -> None:
    clip = tmp_path / "result" / "clip-001"
    (clip / "work").mkdir(parents=True)
    record = {
        "path": "/gone.mp4",
        "rate": "25",
        "kind": "film",
        "clips": [{"id": "clip-001", "frames": [3, 3 + COUNT]}],
    }
    (clip.parent / "film.json").write_text(json.dumps(record))
    camera = dataclasses.replace(camera_track(COUNT), width=SIDE, height=SIDE)
    write_camera(clip / "camera.json", camera)
    surface = ball()
    red = np.tile(np.float32([0.9, 0.1, 0.1]), (SIDE, SIDE, 1))
    depth = np.where(surface.alpha > 0, -surface.places[..., 2], 0)[..., None]
    for frame in range(3, 3 + COUNT):
        for name, values in (("normals", surface.normals), ("base_color", red), ("depth", depth)):
            suffix = "png" if name == "base_color" else "exr"
            path = clip / "passes" / name / f"{name}.{frame:06d}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if name == "normals" and frame == 4:
                continue
            write_pass(name, path, values, rate=Fraction(25))
    (film,) = relight(clip.parent, tmp_path / "a.mp4")
    pictures = frames_of(film)
    assert len(pictures) == COUNT
    inside = pictures[0][SIDE // 2, SIDE // 2].astype(int)
    assert inside[0] > 2 * inside[1]
    # A frame without normals is dark.
    assert pictures[1].mean() < 0.5 * pictures[0].mean()


def test_faults_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        relight(tmp_path / "none", tmp_path / "a.mp4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no normals in it"):
        relight(tmp_path / "empty", tmp_path / "a.mp4")
    folder = normals_folder(tmp_path / "sl")
    (folder / "Normal" / "Normal_1003.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"Normal_1003\.png"):
        relight(folder, tmp_path / "a.mp4")
    assert not list(tmp_path.glob("*.mp4"))
