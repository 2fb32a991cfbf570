"""Cryptomatte: the spec's own numbers, laws of the ranks, files of other programs."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.formats.cryptomatte import (
    RANKS,
    coverage_of,
    crypto_planes,
    cryptomattes_of,
    hash_of,
    id_of,
    key_of,
    read_cryptomatte,
    write_cryptomatte,
)
from choreoscope.formats.exr import open_exr, write_exr
from choreoscope.formats.murmur import murmur3_32

RATE = Fraction(25)


def test_the_hash_is_murmur3() -> None:
    # From the reference implementation's verification lists.
    known = {b"": 0, b"a": 0x3C2569B2, b"abc": 0xB3DD93FA, b"abcd": 0x43ED676A}
    assert {data: murmur3_32(data) for data in known} == known
    assert murmur3_32(b"", seed=1) == 0x514E28B7


@pytest.mark.parametrize(("name", "digits"), [("torus", "f19c73fd"), ("Cube", "a8fce865")])
def test_names_of_the_specification_and_of_blender(name: str, digits: str) -> None:
    assert f"{hash_of(name):08x}" == digits
    assert f"{hash_of(name.swapcase()):08x}" != digits


def test_identities_are_the_bits_of_floats() -> None:
    assert id_of("torus") == np.float32(-1.5494362e30)
    assert key_of("ViewLayer.CryptoObject") == "542cafa"
    assert key_of("CryptoPerson") == "5855bc6"


@given(name=st.text(max_size=12))
def test_no_identity_is_nothing_or_no_number(name: str) -> None:
    value = id_of(name)
    assert np.isfinite(value)
    assert abs(value) >= np.finfo(np.float32).tiny


mattes = hnp.arrays(
    dtype=np.float32,
    shape=st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 6)),
    elements=st.sampled_from([0.0, 0.0, 0.125, 0.25, 0.5, 1.0]),
)


@given(planes=mattes)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_reads_back(tmp_path: Path, planes: np.ndarray) -> None:
    given_ = {f"dancer_{at:02d}": plane for at, plane in enumerate(planes)}
    write_cryptomatte(tmp_path / "c.exr", "CryptoPerson", given_, rate=RATE)
    found = read_cryptomatte(tmp_path / "c.exr")
    assert list(found) == list(given_)
    # Only the six largest of a pixel are kept; the seventh tells which can be compared.
    bound = np.sort(planes, axis=0)[-RANKS - 1] if len(planes) > RANKS else np.zeros_like(planes[0])
    for name, plane in given_.items():
        kept = plane > bound
        assert np.array_equal(found[name][kept], plane[kept])
        lost = (found[name] != plane) & (found[name] != 0)
        assert not lost.any()
    total = np.sort(planes, axis=0)[-RANKS:].sum(axis=0)
    assert np.allclose(np.sum(list(found.values()), axis=0), total)


@given(planes=mattes)
def test_ranks_fall_and_empty_ranks_are_nothing(planes: np.ndarray) -> None:
    stored = crypto_planes("X", {str(at): plane for at, plane in enumerate(planes)})
    ranks = np.stack(list(stored.values())).reshape(RANKS, 2, *planes.shape[1:])
    shares = ranks[:, 1]
    assert np.all(np.diff(shares, axis=0) <= 0)
    assert np.array_equal(ranks[:, 0] != 0, shares > 0)
    # Nobody stands in two ranks of one pixel.
    for row in np.moveaxis(ranks[:, 0], 0, -1).reshape(-1, RANKS):
        there = row[row != 0]
        assert len(set(there.tolist())) == len(there)


def test_another_library_finds_channels_types_and_manifest(tmp_path: Path) -> None:
    here = np.full((4, 5), 0.5, np.float32)
    write_cryptomatte(
        tmp_path / "c.exr", "CryptoPerson", {"P01": here, "P02": np.zeros_like(here)}, rate=RATE
    )
    image = OpenImageIO.ImageInput.open(str(tmp_path / "c.exr"))
    spec = image.spec()
    assert [name.lower() for name in spec.channelnames] == [
        f"cryptoperson{layer:02d}.{end}" for layer in range(3) for end in "rgba"
    ]
    assert str(spec.format) == "float"
    assert spec.getattribute("compression") == "zips"
    start = "cryptomatte/5855bc6/"
    assert spec.getattribute(f"{start}name") == "CryptoPerson"
    assert spec.getattribute(f"{start}hash") == "MurmurHash3_32"
    assert spec.getattribute(f"{start}conversion") == "uint32_to_float32"
    manifest = json.loads(spec.getattribute(f"{start}manifest"))
    assert manifest == {name: f"{hash_of(name):08x}" for name in ("P01", "P02")}
    pixels = np.asarray(image.read_image("float"))
    image.close()
    assert np.all(pixels[..., 0] == id_of("P01"))
    assert np.all(pixels[..., 1] == 0.5)
    assert not pixels[..., 2:].any()


def test_what_cannot_be_a_cryptomatte_is_refused(tmp_path: Path) -> None:
    path, plane = tmp_path / "c.exr", np.zeros((3, 3), np.float32)
    with pytest.raises(ShapeError, match="mattes of one size"):
        write_cryptomatte(path, "X", {"a": plane, "b": plane[:2]}, rate=RATE)
    with pytest.raises(ShapeError, match="mattes of one size"):
        write_cryptomatte(path, "X", {}, rate=RATE)
    with pytest.raises(ShapeError, match="not finite"):
        write_cryptomatte(path, "X", {"a": plane + np.nan}, rate=RATE)
    with pytest.raises(OutputError, match="changes the identities"):
        write_exr(path, {"Z": plane}, {"cryptomatte/abc/name": "X"}, compression="pxr24")
    write_exr(path, {"Z": plane})
    with pytest.raises(InputError, match="it holds none"):
        read_cryptomatte(path)
    write_cryptomatte(path, "X", {"a": plane}, rate=RATE)
    with pytest.raises(InputError, match="expected a Cryptomatte 'Y'; it holds X"):
        read_cryptomatte(path, "Y")


def test_identities_in_half_floats_are_lost_and_said_to_be(tmp_path: Path) -> None:
    write_cryptomatte(tmp_path / "c.exr", "X", {"a": np.ones((3, 3))}, rate=RATE)
    file = open_exr(tmp_path / "c.exr")
    header = {key: text for key, text in file.headers[0].items() if "crypto" in key}
    # Identities that a half can hold, or writing them would already warn of the overflow.
    halves = {name: np.ones((3, 3), np.float16) for name in file.channels}
    write_exr(tmp_path / "h.exr", halves, header)
    with pytest.raises(InputError, match="not stored as 32-bit float"):
        read_cryptomatte(tmp_path / "h.exr")


def test_a_manifest_beside_the_picture(tmp_path: Path) -> None:
    plane = np.full((3, 4), 0.5, np.float32)
    write_cryptomatte(tmp_path / "c.exr", "X", {"a": plane}, rate=RATE)
    file = open_exr(tmp_path / "c.exr")
    start = f"cryptomatte/{key_of('X')}/"
    header = {f"{start}name": "X", f"{start}manif_file": "names.json"}
    upper = {name[:-1] + name[-1].upper(): plane_ for name, plane_ in file.channels.items()}
    write_exr(tmp_path / "s.exr", upper, header)
    assert list(read_cryptomatte(tmp_path / "s.exr")) == [f"{hash_of('a'):08x}"]
    (tmp_path / "names.json").write_text(json.dumps({"a": f"{hash_of('a'):08x}"}), "utf-8")
    found = read_cryptomatte(tmp_path / "s.exr")
    assert list(found) == ["a"]
    assert np.array_equal(found["a"], plane)
    (tmp_path / "names.json").write_text("[", "utf-8")
    with pytest.raises(InputError, match="manifest cannot be read"):
        read_cryptomatte(tmp_path / "s.exr")


@pytest.mark.data
def test_files_of_other_programs(shared_data: Path) -> None:
    folder = shared_data / "files" / "cryptomatte"
    wild = read_cryptomatte(folder / "cornellBox_CryptoWildcard.0001.exr")
    assert "has_*_asterisk" in wild
    assert all(plane.max() > 0.99 for plane in wild.values())
    special = read_cryptomatte(folder / "special_chars.exr")
    assert set(special) == {
        'name containing a "quote"  ',
        "name_containing/slash",
        "равнина",
        "name, with, comma",
    }
    # Four objects, nothing else in the picture: together they cover what is covered.
    assert all(plane.sum() > 50 for plane in special.values())
    several = open_exr(folder / "multichannel.exr")
    known = cryptomattes_of(several)
    assert set(known) == {"crypto_asset", "crypto_material", "crypto_object"}
    assert set(coverage_of(several, "crypto_asset")) == {"ball_asset", "toroidal_asset"}
    # Every name of the manifests has the hash that the files say it has.
    for attributes in known.values():
        for name, digits in json.loads(attributes["manifest"]).items():
            assert f"{hash_of(name):08x}" == digits
    # This one came without its manifest: its objects go by their digits.
    nameless = read_cryptomatte(folder / "sidecar_manifest.exr")
    assert len(nameless) > 1
    assert all(len(name) == 8 and int(name, 16) for name in nameless)
