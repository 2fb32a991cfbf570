"""A delivery as other programs find it: names, numbers, channels, values, completeness."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO
import pytest

from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.delivery import Delivered, DeliveryOptions, deliver
from choreoscope.delivery.options import MEANINGS, NEEDS
from choreoscope.delivery.planes import linear_from_srgb
from choreoscope.formats.cryptomatte import read_cryptomatte
from choreoscope.formats.exr import open_exr
from choreoscope.formats.ffv1 import FFV1_COLOUR, FFV1_MATTE
from choreoscope.formats.film_encoding import read_film
from choreoscope.formats.pictures import read_picture
from choreoscope.formats.prores import PRORES
from choreoscope.formats.vp9_alpha import VP9_ALPHA
from delivered_results import (
    PARTS,
    PEOPLE,
    RATE,
    MadeResult,
    film_picture,
    made_result,
    write_times,
)

SHOT = "dance-film"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeResult:
    return made_result(tmp_path_factory.mktemp("made") / "dance.choreoscope", tier="ask")


@pytest.fixture(scope="module")
def everything(made: MadeResult) -> Delivered:
    """All that can be delivered, by two workers."""
    options = DeliveryOptions(what=tuple(MEANINGS), passes=tuple(NEEDS)[:13])
    steps: list[tuple[int, int]] = []
    (done,) = deliver(
        made.folder, options=options, workers=2, progress=lambda *step: steps.append(step)
    )
    assert steps[-1][0] == steps[-1][1] == len(steps)
    return done


def place(done: Delivered, name: str, number: int, suffix: str = ".exr") -> Path:
    folder = f"{SHOT}_{name}" + ("_png" if suffix == ".png" else "")
    return done.folder / folder / f"{SHOT}_{name}.{number:04d}{suffix}"


def test_every_frame_of_every_pass_is_there_and_nothing_else(
    made: MadeResult, everything: Delivered
) -> None:
    assert everything.folder == made.folder.with_name("dance.delivery") / SHOT
    assert not everything.missing
    folders = [path for path in everything.folder.iterdir() if path.is_dir()]
    assert len(folders) == 20
    for folder in folders:
        name = folder.name.removesuffix("_png")
        suffix = "png" if folder.name.endswith("_png") else "exr"
        wanted = [f"{name}.{number}.{suffix}" for number in range(1001, 1005)]
        assert sorted(path.name for path in folder.iterdir()) == wanted
    assert {path.name for path in everything.folder.iterdir() if path.is_file()} == {
        "shot.json",
        f"{SHOT}_all_checker.mp4",
        *(
            f"{SHOT}_{who}_{film}"
            for who in ("all", *PEOPLE)
            for film in (
                "straight.mov",
                "alpha.webm",
                "straight_lossless.mkv",
                "matte_lossless.mkv",
            )
        ),
    }
    on_disk = sum(path.stat().st_size for path in everything.folder.rglob("*.*") if path.is_file())
    assert sum(everything.files.values()) == on_disk - (
        (everything.folder / "shot.json").stat().st_size
    )


def test_layers_have_the_names_types_and_values_that_programs_expect(
    made: MadeResult, everything: Delivered
) -> None:
    at, path = 2, place(everything, "layers", 1003)
    image = OpenImageIO.ImageInput.open(str(path))
    spec = image.spec()
    types = dict(zip(spec.channelnames, map(str, spec.channelformats), strict=True))
    stacked = np.asarray(image.read_image("float"))
    found = {name: stacked[..., row] for row, name in enumerate(spec.channelnames)}
    image.close()
    floats = {name for name, kind in types.items() if kind == "float"}
    assert floats == {
        "depth.Z",
        "depth_inv.Z",
        "depth_sigma.Z",
        *(f"P.{axis}" for axis in "XYZ"),
        *(
            f"Crypto{kind}{layer:02d}.{end}"
            for kind in ("Person", "Part")
            for layer in range(3)
            for end in "rgba"
        ),
    }
    halves = {name for name, kind in types.items() if kind == "half"}
    assert halves == {
        *"RGBA",
        "alpha.A",
        "mask_P01.A",
        "mask_P02.A",
        *(f"N.{axis}" for axis in "XYZ"),
        *(f"{way}ward.{axis}" for way in ("for", "back") for axis in "uv"),
        *(f"base_color.{colour}" for colour in "RGB"),
    }
    assert np.array_equal(found["depth.Z"], made.depth[at])
    there = made.depth[at] > 0
    assert np.allclose(found["depth_inv.Z"][there], 1 / made.depth[at][there], rtol=1e-6)
    assert not found["depth_inv.Z"][~there].any()
    assert np.allclose(found["N.Y"], made.normals[at, ..., 1], atol=1e-3)
    known = np.isfinite(made.position[at])
    placed = np.stack([found[f"P.{axis}"] for axis in "XYZ"], axis=-1)
    assert np.array_equal(placed[known], made.position[at][known])
    assert not placed[~known].any()
    # v points up, the house's flow down.
    assert np.allclose(found["forward.u"], made.flow[at, ..., 0], atol=2e-3)
    assert np.allclose(found["forward.v"], -made.flow[at, ..., 1], atol=2e-3)
    assert np.allclose(found["backward.v"], made.flow[at, ..., 1], atol=2e-3)
    assert np.allclose(found["mask_P02.A"], made.mattes["P02"][at], atol=1e-3)
    together = np.maximum(*(matte[at] for matte in made.mattes.values()))
    assert np.allclose(found["A"], together, atol=1e-3)
    plate = linear_from_srgb(film_picture(made, made.frames.start + at) / 255)
    premultiplied = plate * together[..., None]
    colour = np.stack([found[name] for name in "RGB"], axis=-1)
    # The film is lossy and two decoders round alike only nearly.
    assert np.abs(colour - premultiplied).max() < 0.03
    # Control: the frame before is another picture.
    other = linear_from_srgb(film_picture(made, made.frames.start) / 255) * together[..., None]
    assert np.abs(colour - other).max() > 0.1


def test_headers_say_rate_number_camera_colour_and_licence(
    made: MadeResult, everything: Delivered
) -> None:
    for name, colour in (
        ("layers", "lin_rec709_scene"),
        ("fg_premult", "lin_rec709_scene"),
        ("depth", "data"),
        ("crypto_people", "data"),
    ):
        header = open_exr(place(everything, name, 1002)).headers[0]
        assert header["framesPerSecond"] == RATE
        assert header["imageCounter"] == 1002
        assert header["licenceTier"] == "ask"
        assert header["colorInteropID"] == colour
        assert ("chromaticities" in header) == (colour != "data")
        # The camera of this very frame leads a world position to its pixel.
        row, column = np.argwhere(made.depth[1] > 0)[7]
        world = np.append(made.position[1, row, column], 1.0)
        ndc = world @ header["worldToNDC"]
        assert ndc[:2] / ndc[3] * made.size == pytest.approx((column + 0.5, row + 0.5), abs=0.01)
        assert (world @ header["worldToCamera"])[2] == pytest.approx(made.depth[1, row, column])


def test_cryptomattes_hold_every_performer(made: MadeResult, everything: Delivered) -> None:
    for name, kind in (("crypto_people", "CryptoPerson"), ("layers", "CryptoPerson")):
        found = read_cryptomatte(place(everything, name, 1004), kind)
        assert list(found) == list(PEOPLE)
        for person, plane in found.items():
            assert np.array_equal(plane, made.mattes[person][3])
    parts = read_cryptomatte(place(everything, "crypto_parts", 1004))
    assert list(parts) == list(PARTS)


def test_png_of_16_bits(made: MadeResult, everything: Delivered) -> None:
    near, far = everything.span or (0.0, 0.0)
    depth = made.depth[made.depth > 0]
    assert near == pytest.approx(depth.min(), abs=0.1)
    assert far == pytest.approx(depth.max(), abs=0.1)
    shown = read_picture(place(everything, "depth_normalised", 1001, ".png"))
    assert shown.pixels.dtype == np.uint16
    there = made.depth[0] > 0
    wanted = np.clip((far - made.depth[0]) / (far - near), 0, 1) * there
    assert np.abs(shown.pixels[..., 0] / 65535 - wanted).max() < 2e-5
    normals = read_picture(place(everything, "normal_cam_gl_unit", 1001, ".png")).pixels / 65535
    assert normals[there] == pytest.approx(made.normals[0][there] * 0.5 + 0.5, abs=1e-3)
    assert normals[~there] == pytest.approx(
        np.tile([0.5, 0.5, 1], (int((~there).sum()), 1)), abs=1e-4
    )
    for name, matte in (
        ("alpha_straight", np.maximum(*(one[0] for one in made.mattes.values()))),
        ("mask_P01", made.mattes["P01"][0]),
    ):
        pixels = read_picture(place(everything, name, 1001, ".png")).pixels[..., 0]
        assert np.abs(pixels / 65535 - matte).max() < 2e-5


@pytest.mark.parametrize("who", ["all", *PEOPLE])
def test_films_hold_straight_colours_and_the_right_matte(
    made: MadeResult, everything: Delivered, who: str
) -> None:
    together = np.maximum(*made.mattes.values())
    mattes = together if who == "all" else made.mattes[who]
    for ending, form, error in (
        ("straight.mov", PRORES, 0.003),
        ("alpha.webm", VP9_ALPHA, 0.01),
        ("straight_lossless.mkv", FFV1_COLOUR, 0.003),
        ("matte_lossless.mkv", FFV1_MATTE, 1e-5),
    ):
        found = list(read_film(everything.folder / f"{SHOT}_{who}_{ending}", form))
        assert len(found) == 4
        for at, picture in enumerate(found):
            alpha = picture if picture.ndim == 2 else picture[..., 3]
            scaled = alpha / np.iinfo(alpha.dtype).max
            gap = np.abs(scaled - mattes[at])
            assert (gap.mean() if form is VP9_ALPHA else gap.max()) < error
            if picture.ndim == 3 and form is not VP9_ALPHA:
                film = film_picture(made, made.frames.start + at) / 255
                colour = picture[..., :3] / np.iinfo(picture.dtype).max
                # Kept everywhere, also where alpha is 0.
                assert np.abs(colour - film).mean() < 0.02


def test_the_sidecar_says_what_pictures_cannot(made: MadeResult, everything: Delivered) -> None:
    told = json.loads((everything.folder / "shot.json").read_text("utf-8"))
    assert told["fps"] == {"num": 24000, "den": 1001}
    assert (told["start_frame"], told["frames"], told["size"]) == (1001, 4, [64, 48])
    assert told["source_frames"] == [3, 4, 5, 6]
    assert told["depth"]["png"] == dict(zip(("white", "black"), everything.span or (), strict=True))
    assert (told["licence_tier"], told["people"]) == ("ask", list(PEOPLE))
    camera = told["camera"][2]
    assert camera["fx"] == made.camera.intrinsics[2, 0, 0]
    assert np.allclose(camera["camera_from_world"], made.camera.camera_from_world[2])
    assert told["missing"] == {}


def one_pass(made: MadeResult, out: Path, **options: Any) -> Delivered:
    chosen = DeliveryOptions(**{"what": ("exr",), "passes": ("normals",)} | options)
    (done,) = deliver(made.folder, out, options=chosen, workers=0)
    return done


def test_normals_in_other_spaces_say_so_in_their_names(made: MadeResult, tmp_path: Path) -> None:
    def read(name: str, number: int = 1001, **options: Any) -> np.ndarray:
        done = one_pass(made, tmp_path / name, **options)
        channels = open_exr(place(done, name, number)).channels
        return np.stack([channels[one] for one in "RGB"], axis=-1).astype(np.float32)

    there = made.depth[1] > 0
    plain = read("normal_cam_gl", 1002)
    assert plain[there] == pytest.approx(made.normals[1][there], abs=1e-3)
    flipped = read("normal_cam_dx", 1002, green="dx")
    assert flipped[there] == pytest.approx(plain[there] * (1, -1, 1), abs=1e-3)
    unit = read("normal_cam_gl_unit", 2, normal_range="unit", start=1)
    assert unit[there] == pytest.approx(plain[there] * 0.5 + 0.5, abs=1e-3)
    world = read("normal_world_gl", 1002, normal_space="world")
    rotation = made.camera.camera_from_world[1, :3, :3]
    opencv = made.normals[1] * (1, -1, -1)
    assert world[there] == pytest.approx((opencv @ rotation)[there], abs=2e-3)
    # Control: the next frame's camera would not do.
    other = opencv @ made.camera.camera_from_world[3, :3, :3]
    assert np.abs(world - other)[there].max() > 0.02
    assert not world[~there].any()


def test_frames_numbers_and_compression_can_be_chosen(made: MadeResult, tmp_path: Path) -> None:
    options = {"passes": ("depth", "people"), "start": 1, "compression": "pxr24"}
    done = one_pass(made, tmp_path, frames=(4, 6), **options)
    assert done.frames == (4, 5)
    files = sorted(path.name for path in done.folder.rglob("*.exr"))
    assert files == [
        f"{SHOT}_{name}.{number:04d}.exr"
        for name in ("crypto_people", "depth")
        for number in (1, 2)
    ]
    depth = open_exr(done.folder / f"{SHOT}_depth" / f"{SHOT}_depth.0001.exr")
    assert "PXR24" in str(depth.headers[0]["compression"])
    # Identities never lose a bit, whatever was asked for.
    crypto = open_exr(done.folder / f"{SHOT}_crypto_people" / f"{SHOT}_crypto_people.0002.exr")
    assert "ZIPS" in str(crypto.headers[0]["compression"])
    found = read_cryptomatte(crypto.path)
    assert np.array_equal(found["P01"], made.mattes["P01"][2])


def test_holes_are_named_and_the_rest_is_delivered(tmp_path: Path) -> None:
    made = made_result(tmp_path / "holes.choreoscope")
    for name, at in (("depth", 1), ("people", 2), ("alpha", 3)):
        hole = made.clip / "passes" / name
        sorted(hole.iterdir())[at].unlink()
    options = DeliveryOptions(
        what=("exr", "layers", "ffv1"), passes=("depth", "depth_inv", "people", "masks", "fg")
    )
    (done,) = deliver(made.folder, options=options, workers=0)
    assert done.missing == {
        "depth": (1002,),
        "depth_inv": (1002,),
        "people": (1003,),
        "masks": (1003,),
        "fg": (1004,),
    }
    told = json.loads((done.folder / "shot.json").read_text("utf-8"))
    assert told["missing"]["depth"] == [1002]
    assert not place(done, "depth", 1002).exists()
    assert place(done, "depth", 1003).exists()
    # A layered file has the same layers in every frame, the missing ones empty.
    layers = [open_exr(place(done, "layers", number)).channels for number in range(1001, 1005)]
    assert all(set(one) == set(layers[0]) for one in layers)
    assert not layers[1]["depth.Z"].any()
    assert list(read_cryptomatte(place(done, "layers", 1003))) == list(PEOPLE)
    (film,) = (path for path in done.folder.glob("*P01_matte_lossless.mkv"))
    mattes = list(read_film(film, FFV1_MATTE))
    assert len(mattes) == 4
    assert not mattes[2].any()
    assert mattes[1].any()


def test_pictures_of_another_delivery_are_not_mixed_in(made: MadeResult, tmp_path: Path) -> None:
    first = one_pass(made, tmp_path)
    left = place(first, "normal_cam_gl", 1001)
    (left.with_name(left.name + ".part")).write_bytes(b"half")
    again = one_pass(made, tmp_path)
    assert len(list(left.parent.iterdir())) == len(again.frames)
    with pytest.raises(InputError, match=r"1003\.exr of another delivery"):
        one_pass(made, tmp_path, frames=(3, 5))
    one_pass(made, tmp_path / "elsewhere", frames=(3, 5))


def test_what_the_numbers_are_is_handed_on(tmp_path: Path) -> None:
    own = "object, as delivered: x right, y up, z to the viewer for a front view"
    told = {
        "depth": {"unit": "relative", "origin": "SwitchLight"},
        "normals": {"axes": own, "origin": "proxy"},
    }
    made = made_result(tmp_path / "told.choreoscope", told=told)
    options = DeliveryOptions(what=("exr", "layers"), passes=("depth", "normals"))
    (done,) = deliver(made.folder, options=options, workers=0)
    depth = open_exr(place(done, "depth", 1001)).headers[0]
    assert (depth["unit"], depth["origin"]) == ("relative", "SwitchLight")
    assert open_exr(place(done, "normal_cam_gl", 1001)).headers[0]["origin"] == "proxy"
    layers = open_exr(place(done, "layers", 1001)).headers[0]
    assert layers["origin"] == "depth: SwitchLight; normals: proxy"
    sidecar = json.loads((done.folder / "shot.json").read_text("utf-8"))
    assert sidecar["depth"]["unit"] == "relative"
    assert sidecar["passes"]["normals"]["origin"] == "proxy"
    assert done.notes == (f"normals: {own}, whatever their name says",)
    with pytest.raises(InputError, match="the normals are object"):
        one_pass(made, tmp_path / "world", normal_space="world")


def test_uneven_time_stamps_are_evened_out_once(tmp_path: Path) -> None:
    made = made_result(tmp_path / "vfr.choreoscope")
    # Source frames 3 4 5 6 at 0, 1, 3 and 4 frames' time: the second stays for two.
    write_times(made, np.array([0.0, 1, 2, 3, 4, 6, 7, 8, 9]))
    options = DeliveryOptions(what=("exr", "ffv1"), passes=("depth",))
    (done,) = deliver(made.folder, options=options, workers=0)
    assert done.frames == (3, 4, 4, 5, 6)
    told = json.loads((done.folder / "shot.json").read_text("utf-8"))
    assert told["source_frames"] == [3, 4, 4, 5, 6]
    second, third, fourth = (
        open_exr(place(done, "depth", number)).channels["R"] for number in (1002, 1003, 1004)
    )
    assert np.array_equal(second, third)
    assert not np.array_equal(third, fourth)
    assert len(list(read_film(done.folder / f"{SHOT}_all_matte_lossless.mkv", FFV1_MATTE))) == 5


def test_a_film_that_has_gone(tmp_path: Path) -> None:
    made = made_result(tmp_path / "gone.choreoscope")
    film = made.film.rename(tmp_path / "moved.mp4")
    with pytest.raises(InputError, match="name it with --film"):
        deliver(made.folder, workers=0)
    options = DeliveryOptions(what=("layers",))
    (done,) = deliver(made.folder, tmp_path / "a", options=options, workers=0)
    channels = open_exr(place(done, "layers", 1001)).channels
    assert "R" not in channels
    assert "alpha.A" in channels
    (found,) = deliver(made.clip, tmp_path / "b", options=options, film=film, workers=0)
    assert "R" in open_exr(place(found, "layers", 1001)).channels
    with pytest.raises(InputError, match="--film: no such file"):
        deliver(made.folder, film=tmp_path / "absent.mp4")
    with pytest.raises(InputError, match="fg: it needs alpha and the film"):
        deliver(made.folder, options=DeliveryOptions(what=("exr",), passes=("fg",)))


def test_what_cannot_be_delivered_is_refused_in_words(made: MadeResult, tmp_path: Path) -> None:
    for wrong, said in (
        ({"what": ("gif",)}, "--what: expected any of exr"),
        ({"what": ()}, "nothing to deliver"),
        ({"passes": ("colour",)}, "--passes: expected any of fg"),
        ({"start": -1}, "--start"),
        ({"compression": "jpeg"}, "--compression"),
        ({"near": 3.0, "far": 2.0}, "0 < near < far"),
    ):
        with pytest.raises(InputError, match=said):
            DeliveryOptions(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"expected a part of 3:7 .* got 0:4"):
        one_pass(made, tmp_path, frames=(0, 4))
    with pytest.raises(InputError, match=r"needs specular, which .* does not hold"):
        one_pass(made, tmp_path, passes=("specular",))
    with pytest.raises(InputError, match="is no result folder"):
        deliver(tmp_path)
    empty = tmp_path / "empty.choreoscope"
    bare = made_result(empty)
    for manifest in (bare.clip / "work" / "manifests").iterdir():
        manifest.unlink()
    # Files alone are no evidence that a pass was finished.
    assert pass_paths_exist(bare)
    with pytest.raises(InputError, match="holds no passes to deliver yet"):
        deliver(empty, options=DeliveryOptions(what=("exr",)))


def pass_paths_exist(made: MadeResult) -> bool:
    return any((made.clip / "passes").rglob("*.exr"))


def test_a_pass_of_another_size_or_damaged_is_an_error(tmp_path: Path) -> None:
    made = made_result(tmp_path / "bad.choreoscope")
    smaller = made_result(tmp_path / "small" / "small.choreoscope", size=(32, 24))
    victim = sorted((made.clip / "passes" / "depth").iterdir())[1]
    victim.write_bytes(sorted((smaller.clip / "passes" / "depth").iterdir())[1].read_bytes())
    options = DeliveryOptions(what=("exr",), passes=("depth",))
    with pytest.raises(InputError, match="expected 64x48 pixels as the film, got 32x24"):
        deliver(made.folder, options=options, workers=2)
    victim.write_bytes(b"not a picture")
    with pytest.raises((InputError, OutputError), match="not an EXR"):
        deliver(made.folder, options=options, workers=0)
