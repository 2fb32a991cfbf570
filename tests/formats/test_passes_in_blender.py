"""Real Blender opens what a delivery wrote: sockets, frames, colour spaces, values, mattes.

Run with ``pytest -m blender``; see ``blender_runner``.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blender_runner import ask_blender

from choreoscope.delivery import Delivered, DeliveryOptions, deliver
from choreoscope.formats.exr import open_exr
from delivered_results import MadeResult, made_result

pytestmark = pytest.mark.blender

SHOT, COUNT, START = "dance-film", 4, 1001
PIXELS = [(x, y) for y in (5, 20, 26, 40) for x in (3, 18, 24, 30, 40, 60)]
PASSES = (
    "fg", "alpha", "masks", "depth", "normals", "position", "flow", "flow_back", "people", "parts",
)  # fmt: skip
FRAMES = [1, 3]
SINGLE = {
    "fg_premult": "Linear Rec.709",
    "depth": "Non-Color",
    "normal_cam_gl": "Non-Color",
    "position": "Non-Color",
    "motion_forward": "Non-Color",
    "mask_P02": "Non-Color",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeResult:
    return made_result(tmp_path_factory.mktemp("made") / "dance.choreoscope", count=COUNT)


@pytest.fixture(scope="module")
def done(made: MadeResult) -> Delivered:
    options = DeliveryOptions(what=("exr", "layers"), passes=PASSES, start=START)
    (delivered,) = deliver(made.folder, options=options)
    return delivered


def file(done: Delivered, name: str, number: int = START) -> Path:
    return done.folder / f"{SHOT}_{name}" / f"{SHOT}_{name}.{number}.exr"


def asked(done: Delivered, name: str, **more: Any) -> dict[str, Any]:
    return {
        "file": str(file(done, name)),
        "size": [64, 48],
        "count": COUNT,
        "offset": START - 1,
        "frames": FRAMES,
        "pixels": PIXELS,
    } | more


@pytest.fixture(scope="module")
def found(done: Delivered, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    people = {"layer": "CryptoPerson", "names": ["P01", "P02", "P03"]}
    images = {
        "layers": asked(done, "layers", crypto=people),
        "crypto_people": asked(done, "crypto_people", crypto=people, sockets=[]),
        "wrong_offset": asked(done, "layers", offset=0, sockets=["depth"]),
        **{name: asked(done, name) for name in SINGLE},
    }
    answer = ask_blender(
        "blender_read_passes.py",
        {"images": list(images.values())},
        tmp_path_factory.mktemp("blender"),
    )
    return dict(zip(images, answer["images"], strict=True))


def stored(done: Delivered, name: str, frame: int, channels: list[str]) -> np.ndarray:
    """Values of some channels at the pixels, (pixels, channels)."""
    planes = open_exr(file(done, name, START - 1 + frame)).channels
    return np.array([[planes[one][y, x] for one in channels] for x, y in PIXELS], np.float32)


def test_every_layer_has_a_socket(found: dict[str, Any]) -> None:
    wanted = {"Combined", "Alpha", "N", "P", "depth", "forward", "backward"}
    wanted |= {"mask_P01", "mask_P02", "CryptoPerson00", "CryptoPart02"}
    assert wanted <= set(found["layers"]["sockets"])


@pytest.mark.parametrize(
    ("socket", "channels"),
    [
        ("Combined", ["R", "G", "B", "A"]),
        ("Alpha", ["A"]),
        ("depth", ["depth.Z"]),
        ("N", ["N.X", "N.Y", "N.Z"]),
        ("P", ["P.X", "P.Y", "P.Z"]),
        ("forward", ["forward.u", "forward.v"]),
        ("backward", ["backward.u", "backward.v"]),
        ("mask_P01", ["mask_P01.A"]),
        ("mask_P02", ["mask_P02.A"]),
    ],
)
def test_sockets_give_the_values_of_their_frame(
    found: dict[str, Any], done: Delivered, socket: str, channels: list[str]
) -> None:
    for at, frame in enumerate(FRAMES):
        seen = np.array(found["layers"]["values"][socket][at])[:, : len(channels)]
        wanted = stored(done, "layers", frame, channels)
        # Blender's compositor works in half or full floats as it likes.
        assert np.allclose(seen, wanted, rtol=2e-3, atol=2e-3)
        # Control: the other frame has other values.
        other = stored(done, "layers", 4 - frame, channels)
        assert not np.allclose(seen, other, rtol=2e-3, atol=2e-3)


def test_another_offset_shows_nothing_of_the_sequence(
    found: dict[str, Any], done: Delivered
) -> None:
    seen = np.array(found["wrong_offset"]["values"]["depth"][0])[:, 0]
    assert not np.allclose(seen, stored(done, "layers", 1, ["depth.Z"])[:, 0], atol=0.01)


@pytest.mark.parametrize("name", ["layers", "crypto_people"])
def test_the_cryptomatte_node_picks_the_right_performer(
    found: dict[str, Any], made: MadeResult, name: str
) -> None:
    mattes = found[name]["mattes"]
    for at, frame in enumerate(FRAMES):
        for person in ("P01", "P02"):
            wanted = [made.mattes[person][frame - 1][y, x] for x, y in PIXELS]
            assert mattes[person][at] == pytest.approx(wanted, abs=2e-3)
        # Nobody is called P03, and the two are not each other.
        assert not np.any(mattes["P03"][at])
        assert mattes["P01"][at] != mattes["P02"][at]


@pytest.mark.parametrize(("name", "space"), SINGLE.items())
def test_folders_of_one_pass_open_with_the_right_colour_space(
    found: dict[str, Any], done: Delivered, name: str, space: str
) -> None:
    assert found[name]["colour_space"] == space
    for at, frame in enumerate(FRAMES):
        seen = np.array(found[name]["values"]["Image"][at])[:, :3]
        assert np.allclose(seen, stored(done, name, frame, ["R", "G", "B"]), rtol=2e-3, atol=2e-3)
