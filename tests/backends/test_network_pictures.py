"""Sizes, resampling and normalisation against closed forms, Pillow and PyTorch."""

import numpy as np
import pytest
from depth_cases import soft_picture
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.backends.depth.networks.preparing import Preparation, mirror_widths
from choreoscope.backends.torch_models import pictures
from choreoscope.backends.torch_models.pictures import (
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    filled_to_multiple,
    kept_aspect,
    normalised,
    planar,
    reflected,
    resized,
    resized_corners,
    short_side,
    shrunk,
    unit,
)

SIDES = st.integers(min_value=16, max_value=4096)


@given(SIDES, SIDES, st.sampled_from([1, 8, 14, 32]))
def test_sizes_are_multiples_and_near_the_aspect(height: int, width: int, multiple: int) -> None:
    for found in (
        kept_aspect((height, width), (518, 518), multiple),
        short_side((height, width), 518, multiple),
    ):
        assert min(found) >= multiple
        assert not found[0] % multiple
        assert not found[1] % multiple
        if multiple == 1:
            assert found[1] / found[0] == pytest.approx(width / height, rel=0.05, abs=0.05)


def test_known_sizes() -> None:
    assert kept_aspect((1080, 1920), (518, 518), 14) == (518, 924)
    # Enlarging: the longer side meets the target, because that changes the picture less.
    assert kept_aspect((300, 400), (518, 518), 14) == (392, 518)
    assert short_side((300, 400), 518, 14) == (518, 686)


@pytest.mark.parametrize("kernel", ["linear", "cubic"])
@pytest.mark.parametrize("size", [(7, 11), (23, 40), (60, 90)])
def test_a_ramp_stays_a_ramp(kernel: pictures.Kernel, size: tuple[int, int]) -> None:
    """Away from the border, resampling keeps straight lines: value = place, in either frame."""
    there = (40, 56)
    rows, columns = np.mgrid[0 : there[0], 0 : there[1]] + 0.5
    ramp = np.stack([rows / there[0], columns / there[1]], axis=-1).astype(np.float32)
    found = shrunk(ramp, size, kernel)
    wanted = np.stack(
        [(np.mgrid[0 : size[0], 0 : size[1]][axis] + 0.5) / size[axis] for axis in (0, 1)], axis=-1
    )
    inner = slice(2, -2)
    # A tenth of a source pixel: a widened kernel is not quite even. Half a pixel would be a shift.
    assert np.abs(found - wanted)[inner, inner].max() < 0.1 / min(there)
    corners = resized_corners(ramp, size, kernel)
    assert corners[0, 0] == pytest.approx(ramp[0, 0], abs=1e-6)
    assert corners[-1, -1] == pytest.approx(ramp[-1, -1], abs=1e-6)
    # Control: the two conventions differ, by up to half a source pixel's step.
    assert size == there or np.abs(corners - wanted).max() > 0.001


@pytest.mark.parametrize("kernel", ["linear", "cubic"])
@pytest.mark.parametrize("size", [(21, 33), (60, 90), (97, 140)])
def test_shrunk_is_pillow(kernel: pictures.Kernel, size: tuple[int, int]) -> None:
    image = pytest.importorskip("PIL.Image")
    noise = np.random.default_rng(3).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    filters = {"linear": image.Resampling.BILINEAR, "cubic": image.Resampling.BICUBIC}
    theirs = np.asarray(image.fromarray(noise).resize(size[::-1], filters[kernel]), np.float32)
    assert np.abs(shrunk(noise, size, kernel) - theirs).max() < 1.2
    # Control: OpenCV's, which does not average, is far off where the picture shrinks.
    if size == (21, 33):
        plain = np.clip(resized(noise.astype(np.float32), size, kernel), 0, 255)
        assert np.abs(plain - theirs).max() > 20


@pytest.mark.parametrize("size", [(13, 17), (60, 31), (120, 200)])
def test_resized_is_pytorch(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    picture = np.random.default_rng(4).uniform(size=(60, 90, 3)).astype(np.float32)
    tensor = torch.from_numpy(planar(picture))[None]

    def theirs(mode: str, *, corners: bool) -> np.ndarray:
        found = torch.nn.functional.interpolate(tensor, size, mode=mode, align_corners=corners)
        return found[0].permute(1, 2, 0).numpy()

    assert resized(picture, size, "linear") == pytest.approx(
        theirs("bilinear", corners=False), abs=2e-5
    )
    assert resized(picture, size, "cubic") == pytest.approx(
        theirs("bicubic", corners=False), abs=2e-5
    )
    assert resized_corners(picture, size) == pytest.approx(
        theirs("bilinear", corners=True), abs=2e-5
    )
    assert resized_corners(picture, size, "cubic") == pytest.approx(
        theirs("bicubic", corners=True), abs=2e-5
    )
    assert np.abs(resized(picture, size, "linear") - theirs("bilinear", corners=True)).max() > 0.01


def test_normalised_is_undone() -> None:
    picture = soft_picture(5)
    found = normalised(unit(picture), IMAGENET_MEAN, IMAGENET_STD)
    assert found.dtype == np.float32
    back = (found * np.array(IMAGENET_STD) + np.array(IMAGENET_MEAN)) * 255
    assert back == pytest.approx(picture.astype(float), abs=1e-4)
    assert planar(found).shape == (3, *picture.shape[:2])


def test_borders() -> None:
    line = np.arange(5.0)[:, None]
    assert reflected(line, 2, 0)[:, 0].tolist() == [2, 1, 0, 1, 2, 3, 4, 3, 2]
    filled = filled_to_multiple(np.arange(6.0).reshape(2, 3), 4)
    assert filled.shape == (4, 4)
    assert filled[:, 3].tolist() == [2, 5, 5, 5]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("keep_aspect", [False, True])
def test_what_is_prepared_comes_back_in_place(*, mirrored: bool, keep_aspect: bool) -> None:
    preparation = Preparation(
        size=(96, 128),
        keep_aspect=keep_aspect,
        multiple=32,
        mean=HALF,
        std=HALF,
        kernel="linear",
        mirrored=mirrored,
    )
    rows, columns = np.mgrid[0:60, 0:90]
    # A smooth hill away from the middle, so that shifts, flips and swapped axes show.
    hill = np.exp(-(((rows - 20) / 15) ** 2) - ((columns - 60) / 20) ** 2)
    picture = np.repeat((255 * hill).astype(np.uint8)[..., None], 3, axis=-1)
    inner = preparation.prepared(picture)
    assert inner.shape[0] == 3
    assert not inner.shape[1] % 32
    back = preparation.restored(inner[0] * 0.5 + 0.5, (60, 90))
    assert np.abs(back - hill)[4:-4, 4:-4].max() < 0.03
    # Control: the mirrored border left in.
    if mirrored:
        wide = resized(inner[0] * 0.5 + 0.5, (60, 90), "linear")
        assert np.abs(wide - hill).max() > 0.2
        assert mirror_widths((60, 90)) == (16, 20)
