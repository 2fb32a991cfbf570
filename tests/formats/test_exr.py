"""EXR files with layers: what is written comes back, here and elsewhere; odd files are read."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.formats.exr import Compression, TimeCode, open_exr, read_exr, write_exr
from choreoscope.formats.exr_header import (
    camera_header,
    colour_header,
    header_of_json,
    header_to_json,
    time_header,
)
from choreoscope.formats.luminance_chroma import REC_709, luminance_weights, rgb_from_ycc

NAMES = ("R", "A", "depth.Z", "N.X", "forward.u", "mask_P01.A", "CryptoPerson00.r", "Tiefe")


@given(
    planes=st.dictionaries(
        st.sampled_from(NAMES), st.sampled_from([np.float16, np.float32]), min_size=1
    ),
    size=st.tuples(st.integers(1, 7), st.integers(1, 9)),
    data=st.data(),
    compression=st.sampled_from(["none", "rle", "zips", "zip", "piz"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_layers_of_mixed_types_come_back_bit_by_bit(
    tmp_path: Path,
    planes: dict[str, type],
    size: tuple[int, int],
    data: st.DataObject,
    compression: Compression,
) -> None:
    channels = {
        name: data.draw(hnp.arrays(dtype, size, elements=st.floats(width=16)))
        for name, dtype in planes.items()
    }
    write_exr(tmp_path / "x.exr", channels, compression=compression)
    found = open_exr(tmp_path / "x.exr").channels
    assert set(found) == set(channels)
    for name, plane in channels.items():
        assert found[name].dtype == plane.dtype
        # Bits, because a NaN is not equal to itself; which NaN it is does not matter.
        assert np.array_equal(found[name], plane, equal_nan=True)
        assert np.array_equal(np.signbit(found[name]), np.signbit(plane)) or np.isnan(plane).any()


@pytest.mark.parametrize(("compression", "error"), [("pxr24", 2e-4), ("dwaa", 0.1)])
def test_compressions_with_loss_stay_near(
    tmp_path: Path, compression: Compression, error: float, rng: np.random.Generator
) -> None:
    depth = rng.uniform(2, 8, (40, 50)).astype(np.float32)
    write_exr(tmp_path / "x.exr", dict.fromkeys("RGB", depth), compression=compression)
    found = open_exr(tmp_path / "x.exr").channels["R"]
    assert 0 < np.abs(found / depth - 1).max() < error
    with pytest.raises(OutputError, match="no EXR compression 'jpeg'"):
        write_exr(tmp_path / "y.exr", {"R": depth}, compression="jpeg")  # type: ignore[arg-type]


def test_another_library_reads_layers_types_and_attributes(tmp_path: Path) -> None:
    half, whole = np.full((4, 6), 0.5, np.float16), np.full((4, 6), 3.25, np.float32)
    header = time_header(Fraction(24000, 1001), 1013, 12 + 24 * 3661)
    header |= colour_header(is_colour=True) | {"unit": "metres"}
    write_exr(tmp_path / "x.exr", {"R": half, "depth.Z": whole, "N.X": half}, header)
    image = OpenImageIO.ImageInput.open(str(tmp_path / "x.exr"))
    spec = image.spec()
    types = dict(zip(spec.channelnames, map(str, spec.channelformats), strict=True))
    assert types == {"R": "half", "depth.Z": "float", "N.X": "half"}
    assert tuple(spec.getattribute("FramesPerSecond")) == (24000, 1001)
    assert spec.getattribute("openexr:imageCounter") == 1013 or (
        spec.getattribute("imageCounter") == 1013
    )
    assert spec.getattribute("unit") == "metres"
    assert spec.getattribute("colorInteropID") == "lin_rec709_scene"
    assert np.allclose(spec.getattribute("chromaticities"), REC_709)
    pixels = dict(
        zip(
            spec.channelnames,
            np.moveaxis(np.asarray(image.read_image("float")), -1, 0),
            strict=True,
        )
    )
    image.close()
    assert np.all(pixels["depth.Z"] == 3.25)
    assert np.all(pixels["N.X"] == 0.5)
    assert open_exr(tmp_path / "x.exr").headers[0]["framesPerSecond"] == Fraction(24000, 1001)
    code = open_exr(tmp_path / "x.exr").headers[0]["timeCode"]
    assert str(code).startswith("(1, 1, 1, 12")


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    plane = np.arange(24, dtype=np.float32).reshape(4, 6)
    header = time_header(Fraction(25), 1, 0) | camera_header(np.eye(3), np.eye(4), (6, 4))
    for name in ("a", "b"):
        write_exr(tmp_path / f"{name}.exr", {"B": plane, "A": plane}, header)
    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()
    # The header is the caller's and stays as it was.
    assert "compression" not in header


angles = st.floats(-3, 3)


@given(turns=st.tuples(angles, angles, angles), point=st.tuples(*[st.floats(-0.8, 0.8)] * 2))
def test_header_matrices_hit_the_same_pixel(
    turns: tuple[float, float, float], point: tuple[float, float]
) -> None:
    size = (1920, 1080)
    matrix = np.array([[1500.0, 0, 930], [0, 1490, 560], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3] = turned(turns)
    pose[:3, 3] = (0.3, 1.4, 5.0)
    seen = np.array([point[0] * 3, point[1] * 2, 4.0])
    world = pose[:3, :3].T @ (seen - pose[:3, 3])
    pixel = (matrix @ seen)[:2] / seen[2]
    header = camera_header(matrix, pose, size)
    to_camera, to_ndc = header["worldToCamera"], header["worldToNDC"]
    assert isinstance(to_camera, np.ndarray)
    assert isinstance(to_ndc, np.ndarray)
    row = np.append(world, 1.0)
    # Imath multiplies rows; the camera looks along +z and its y points up.
    assert np.allclose((row @ to_camera)[:3], seen * (1, -1, 1), atol=1e-4)
    ndc = row @ to_ndc
    assert np.allclose(ndc[:2] / ndc[3] * size, pixel, atol=0.01)
    assert np.linalg.det(to_camera[:3, :3].astype(float)) == pytest.approx(-1, abs=1e-5)
    # Control: as a matrix for columns it would miss.
    assert not np.allclose((to_camera @ row)[:3], seen * (1, -1, 1), atol=1e-2)
    focal, sensor = header["pinholeFocalLength"], header["sensorOverallDimensions"]
    assert isinstance(focal, float)
    assert isinstance(sensor, np.ndarray)
    assert 2 * np.arctan(sensor[0] / 2 / focal) == pytest.approx(2 * np.arctan(960 / 1500))
    assert 2 * np.arctan(sensor[1] / 2 / focal) == pytest.approx(2 * np.arctan(540 / 1490))


def turned(turns: tuple[float, float, float]) -> np.ndarray:
    whole = np.eye(3)
    for axis, angle in enumerate(turns):
        first, second = (at for at in range(3) if at != axis)
        one = np.eye(3)
        one[first, first] = one[second, second] = np.cos(angle)
        one[first, second], one[second, first] = -np.sin(angle), np.sin(angle)
        whole = one @ whole
    return whole


def test_attributes_survive_json() -> None:
    header = time_header(Fraction(30000, 1001), 7, 6)
    header |= camera_header(np.diag([2.0, 2, 1]), np.eye(4), (8, 4)) | colour_header(is_colour=True)
    back = header_of_json(header_to_json(header))
    assert set(back) == set(header)
    for key, value in header.items():
        assert np.array_equal(back[key], value), key
        assert type(back[key]) is type(value)
    assert isinstance(back["timeCode"], TimeCode)


def subsampled(path: Path, planes: dict[str, tuple[np.ndarray, int]]) -> None:
    """An uncompressed EXR with halved channels, byte by byte: no writer here makes them."""
    height, width = planes["Y"][0].shape

    def attribute(name: str, kind: str, content: bytes) -> bytes:
        return f"{name}\0{kind}\0".encode() + struct.pack("<i", len(content)) + content

    channels = b"".join(
        name.encode() + b"\0" + struct.pack("<iBBBBii", 1, 0, 0, 0, 0, step, step)
        for name, (_, step) in sorted(planes.items())
    )
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    head = b"\x76\x2f\x31\x01\x02\0\0\0" + attribute("channels", "chlist", channels + b"\0")
    head += attribute("compression", "compression", b"\0")
    head += attribute("dataWindow", "box2i", window) + attribute("displayWindow", "box2i", window)
    head += attribute("lineOrder", "lineOrder", b"\0")
    head += attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
    head += attribute("screenWindowCenter", "v2f", bytes(8))
    head += attribute("screenWindowWidth", "float", struct.pack("<f", 1)) + b"\0"
    lines = []
    for y in range(height):
        rows = [
            plane[y // step].astype("<f2").tobytes()
            for _, (plane, step) in sorted(planes.items())
            if y % step == 0
        ]
        lines.append(struct.pack("<ii", y, sum(map(len, rows))) + b"".join(rows))
    offsets, at = b"", len(head) + 8 * height
    for line in lines:
        offsets += struct.pack("<Q", at)
        at += len(line)
    path.write_bytes(head + offsets + b"".join(lines))


def test_luminance_and_chroma_become_red_green_blue(tmp_path: Path) -> None:
    weights = luminance_weights(REC_709)
    assert weights == pytest.approx([0.2126, 0.7152, 0.0722], abs=1e-4)
    rows, columns = np.mgrid[0:8, 0:12]
    rgb = np.stack([0.4 + 0.01 * columns, 0.3 + 0.02 * rows, 0.5 - 0.01 * columns], axis=-1)
    luma = rgb @ weights
    chroma = {name: (rgb[..., at] - luma) / luma for name, at in (("RY", 0), ("BY", 2))}
    halved = {name: (plane[::2, ::2], 2) for name, plane in chroma.items()}
    subsampled(tmp_path / "lc.exr", {"Y": (luma, 1), **halved})
    picture = read_exr(tmp_path / "lc.exr")
    assert picture.channels == ("R", "G", "B")
    # Inside: beyond the edges the last differences can only be repeated.
    assert np.abs(picture.pixels - rgb)[2:5, 2:9].max() < 1e-3
    assert np.abs(picture.pixels - rgb).max() < 0.03
    # Control: without the differences it would be grey.
    assert np.abs(luma[..., None] - rgb)[2:5, 2:9].max() > 0.05
    full = rgb_from_ycc({"Y": luma, **chroma})
    assert np.abs(np.stack(list(full.values()), axis=-1) - rgb).max() < 1e-5
    subsampled(tmp_path / "half.exr", {"Y": (luma, 1), "RY": halved["RY"]})
    with pytest.raises(InputError, match="subsampled channels"):
        read_exr(tmp_path / "half.exr")


ODD = {
    # name: width, height, channels
    "AllHalfValues.exr": (256, 256, 3),
    "BrightRingsNanInf.exr": (800, 800, 3),
    "Carrots.exr": (600, 400, 4),
    "Fog.exr": (1000, 672, 2),
    "GammaChart.exr": (800, 800, 3),
    "Garden.exr": (874, 493, 1),
    "Rec709.exr": (610, 406, 3),
    "WideFloatRange.exr": (500, 500, 1),
    "XYZ.exr": (610, 406, 3),
    "composited.exr": (1024, 576, 4),
    "multipart.0001.exr": (2048, 1556, 20),
    "singlepart.0001.exr": (2048, 1556, 20),
    "stripes.exr": (100, 50, 4),
    "t01.exr": (400, 300, 3),
    "t05.exr": (340, 260, 3),
    "t12.exr": (400, 100, 3),
    "t16.exr": (481, 371, 3),
}


@pytest.mark.data
def test_every_odd_file_is_read_or_refused_in_words(shared_data: Path) -> None:
    folder = shared_data / "files" / "openexr"
    found = {}
    for path in sorted(folder.glob("*.exr")):
        if path.name == "Trunks.exr":
            with pytest.raises(InputError, match=r"deep pixels .* flatten it"):
                read_exr(path)
            continue
        picture = read_exr(path)
        found[path.name] = (*picture.size, len(picture.channels))
    assert found == ODD


@pytest.mark.data
def test_odd_files_hold_what_another_library_finds(shared_data: Path) -> None:
    folder = shared_data / "files" / "openexr"
    for name in ("BrightRingsNanInf.exr", "Garden.exr", "composited.exr", "t16.exr", "t05.exr"):
        ours = read_exr(folder / name)
        theirs = OpenImageIO.ImageBuf(str(folder / name))
        spec = theirs.spec()
        window = OpenImageIO.ROI(
            spec.full_x, spec.full_x + spec.full_width, spec.full_y, spec.full_y + spec.full_height
        )
        whole = np.asarray(theirs.get_pixels(OpenImageIO.FLOAT, window))
        for at, channel in enumerate(spec.channelnames):
            plane = ours.pixels[..., ours.channels.index(channel)].astype(np.float32)
            assert np.array_equal(plane, whole[..., at], equal_nan=True), (name, channel)
