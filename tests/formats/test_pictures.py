"""Pictures of passes: what is written reads back, also by another library."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import OpenImageIO
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from choreoscope.datatypes.artifacts import KINDS, kind_of
from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.datatypes.passes import PASSES, ImageSequence, pass_kind
from choreoscope.formats.exr import read_exr, write_exr
from choreoscope.formats.passes import (
    EQUAL,
    IDS,
    check_pass,
    house_picture,
    read_ids,
    read_pass,
    write_ids,
    write_pass,
)
from choreoscope.formats.pictures import read_picture, write_png

RATE = Fraction(24000, 1001)
PLAIN = [name for name in PASSES if name not in IDS]


def values(name: str, rng: np.random.Generator) -> np.ndarray:
    channels = 1 if name in EQUAL else len(pass_kind(name).channels)
    return rng.uniform(0, 1, (12, 20, channels)).astype(np.float32)


@pytest.mark.parametrize("name", PLAIN)
def test_every_pass_reads_back(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    kind, content = pass_kind(name), values(name, rng)
    path = tmp_path / f"größe 深度{kind.suffix}"
    write_pass(name, path, content, rate=RATE)
    step = {"uint16": 1 / 65535, "float16": 1e-3, "float32": 0.0}[kind.dtype]
    assert np.abs(read_pass(name, path) - content).max() <= step
    assert check_pass(name, path).size == (20, 12)
    first = path.read_bytes()
    write_pass(name, path, content, rate=RATE)
    assert path.read_bytes() == first


@pytest.mark.parametrize("name", PLAIN)
def test_another_library_reads_every_pass(
    name: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    kind, content = pass_kind(name), values(name, rng)
    path = tmp_path / f"pass{kind.suffix}"
    write_pass(name, path, content, rate=RATE)
    image = OpenImageIO.ImageInput.open(str(path))
    spec = image.spec()
    pixels = np.asarray(image.read_image("float"))
    image.close()
    assert (spec.width, spec.height) == (20, 12)
    assert (
        str(spec.format) == {"uint16": "uint16", "float16": "half", "float32": "float"}[kind.dtype]
    )
    wanted = np.repeat(content, 3, axis=2) if name in EQUAL else content
    assert pixels.shape == wanted.shape
    assert np.abs(pixels - wanted).max() < 1e-3
    if kind.suffix == ".exr":
        assert spec.getattribute("compression") == "zips"
        assert spec.getattribute("unit") == kind.unit
        # OpenImageIO gives rationals as a pair.
        assert tuple(spec.getattribute("FramesPerSecond")) == (24000, 1001)


@pytest.mark.parametrize("name", IDS)
def test_passes_of_ids_are_cryptomattes(name: str, tmp_path: Path) -> None:
    kind, path = pass_kind(name), tmp_path / "ids.exr"
    left, right = np.zeros((2, 8, 10), np.float32)
    left[:, :6], right[:, 5:] = 0.75, 0.25
    write_ids(name, path, {"a": left, "b": right}, rate=RATE, header={"made": "here"})
    picture = check_pass(name, path)
    assert (set(picture.channels), picture.header["unit"]) == (set(kind.channels), "Cryptomatte")
    found = read_ids(name, path)
    assert np.array_equal(found["a"], left)
    assert np.array_equal(found["b"], right)
    with pytest.raises(OutputError, match="write_ids"):
        write_pass(name, path, np.zeros((8, 10, 12)), rate=RATE)
    write_exr(path, dict.fromkeys(kind.channels, left))
    with pytest.raises(OutputError, match="names of a Cryptomatte"):
        check_pass(name, path)


def test_eight_bits_become_sixteen_without_loss(tmp_path: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    write_pass("alpha", tmp_path / "a.png", ramp / np.float32(255), rate=RATE)
    stored = read_picture(tmp_path / "a.png").pixels
    assert np.array_equal(stored, ramp.astype(np.uint16) * 257)


def test_a_pass_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"depth: expected \(H, W, 1\)"):
        write_pass("depth", tmp_path / "d.exr", np.zeros((4, 4, 3)), rate=RATE)
    write_exr(tmp_path / "d.exr", {"Z": np.zeros((4, 4), np.float32)})
    with pytest.raises(InputError, match="expected depth as R/G/B float32, got Z float32"):
        house_picture("depth", tmp_path / "d.exr")
    nothing = np.full((4, 4, 1), np.nan, np.float32)
    write_pass("depth", tmp_path / "n.exr", nothing, rate=RATE)
    with pytest.raises(OutputError, match="not a single finite number"):
        check_pass("depth", tmp_path / "n.exr")


@given(
    plane=hnp.arrays(
        dtype=st.sampled_from([np.float16, np.float32]),
        shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
        elements=st.floats(-1000, 1000, width=16),
    ),
    name=st.sampled_from(["Z", "Y", "R", "depth.Z", "View Layer.Depth.Z", "Tiefe"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exr_layouts_come_back_exactly(tmp_path: Path, plane: np.ndarray, name: str) -> None:
    write_exr(tmp_path / "x.exr", {name: plane})
    picture = read_exr(tmp_path / "x.exr")
    assert picture.channels == (name,)
    assert picture.pixels.dtype == plane.dtype
    assert np.array_equal(picture.pixels[..., 0], plane)


def test_exr_with_several_parts_and_mixed_types(tmp_path: Path) -> None:
    depth, red = np.full((4, 6), 5.25, np.float32), np.full((4, 6), 0.5, np.float16)
    parts = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"Z": depth}, "a"),
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"R": red, "Z": red}, "b"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "m.exr"))
    picture = read_exr(tmp_path / "m.exr")
    assert dict(zip(picture.channels, picture.pixels[0, 0].tolist(), strict=True)) == {
        "Z": 5.25,
        "b.R": 0.5,
        "b.Z": 0.5,
    }
    assert picture.pixels.dtype == np.float32


def test_cropped_exr_is_laid_into_the_whole_picture(tmp_path: Path) -> None:
    def corner(x: int, y: int) -> np.ndarray:
        return np.array([x, y], np.int32)

    header = {
        "dataWindow": (corner(3, 2), corner(7, 4)),
        "displayWindow": (corner(0, 0), corner(9, 5)),
    }
    plane = np.arange(15, dtype=np.float32).reshape(3, 5) + 1
    with OpenEXR.File(header, {"Z": plane}) as file:
        file.write(str(tmp_path / "c.exr"))
    whole = read_exr(tmp_path / "c.exr").pixels[..., 0]
    assert whole.shape == (6, 10)
    assert np.array_equal(whole[2:5, 3:8], plane)
    assert whole.sum() == plane.sum()


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "exr"])
def test_files_that_are_cut_off_or_empty(
    suffix: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    path = tmp_path / f"a.{suffix}"
    noise = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    if suffix == "exr":
        write_exr(path, {"Z": noise[..., 0].astype(np.float32)})
    else:
        path.write_bytes(cv2.imencode(f".{suffix}", noise)[1].tobytes())
    whole = path.read_bytes()
    assert read_picture(path).size == (60, 40)
    for kept in (len(whole) // 2, len(whole) * 9 // 10, 60, 0):
        path.write_bytes(whole[:kept])
        with pytest.raises(InputError, match=r"a\."):
            read_picture(path)
    with pytest.raises(InputError):
        read_picture(tmp_path / f"absent.{suffix}")


def test_a_damaged_png_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    write_png(tmp_path / "a.png", rng.integers(0, 256, (40, 60, 3), dtype=np.uint8))
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match="check sum"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_channels_come_in_the_right_order(
    suffix: str, dtype: type, channels: int, tmp_path: Path
) -> None:
    top = np.iinfo(dtype).max
    pixels = np.zeros((4, 5, channels), dtype)
    for at in range(channels):
        pixels[..., at] = top // (at + 2)
    path = tmp_path / f"p.{suffix}"
    spec = OpenImageIO.ImageSpec(5, 4, channels, np.dtype(dtype).name)
    spec.attribute("oiio:UnassociatedAlpha", 1)
    out = OpenImageIO.ImageOutput.create(str(path))
    out.open(str(path), spec)
    out.write_image(pixels)
    out.close()
    picture = read_picture(path)
    assert picture.channels == (("Y",) if channels == 1 else tuple("RGBA"[:channels]))
    assert picture.pixels.dtype == dtype
    assert np.array_equal(picture.pixels, pixels)


def test_passes_are_kinds() -> None:
    for name, kind in PASSES.items():
        assert KINDS[name].per == "frame"
        assert KINDS[name].path == f"passes/{name}/{name}.{{frame}}{kind.suffix}"
    assert kind_of("external-roto").path == "work/external/roto/{window}.json"
    with pytest.raises(InputError, match="no pass 'colour'"):
        pass_kind("colour")


def test_a_sequence_names_its_files() -> None:
    sequence = ImageSequence(
        kind="depth",
        frames=FrameSet.of([4, 7]),
        pattern="passes/depth/depth.{frame}.exr",
        size=(64, 48),
        channels=("R", "G", "B"),
        dtype="float32",
        unit="metres",
        colour_space="data",
    )
    assert sequence.path_of(7) == Path("passes/depth/depth.000007.exr")
    with pytest.raises(InputError, match="no frame 5"):
        sequence.path_of(5)
