"""Conversions of a delivery: closed forms and laws, each beside what would be wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from choreoscope.delivery import DeliveryOptions, planes
from choreoscope.delivery.names import mask_name
from choreoscope.delivery.pictures import layer_channels

unit = st.floats(0, 1, width=32)


def test_srgb_of_known_values() -> None:
    # IEC 61966-2-1: 0.5 as displayed is a fifth of the light.
    assert planes.linear_from_srgb(np.array([0, 0.04045, 0.5, 1.0])) == pytest.approx(
        [0, 0.0031308, 0.2140411, 1.0], abs=1e-6
    )


@given(rgb=st.tuples(*[st.integers(0, 255)] * 3), alpha=unit)
def test_the_foreground_is_linear_light_times_alpha(
    rgb: tuple[int, int, int], alpha: float
) -> None:
    stored = planes.premultiplied(np.array([[rgb]], np.uint8), np.array([[alpha]], np.float32))
    assert stored["A"][0, 0] == np.float16(alpha)
    linear = planes.linear_from_srgb(np.array(rgb) / 255)
    for name, light in zip("RGB", linear, strict=True):
        assert stored[name][0, 0] == pytest.approx(light * alpha, rel=2e-3, abs=1e-6)


@given(depth=hnp.arrays(np.float32, (3, 4), elements=st.sampled_from([0, 0.5, 2, 40, np.nan])))
def test_depth_for_programs(depth: np.ndarray) -> None:
    inverse = planes.inverse_depth(depth)
    there = np.nan_to_num(depth) > 0
    assert np.allclose(inverse[there] * depth[there], 1)
    assert not inverse[~there].any()
    shown = planes.near_is_white(depth, 0.5, 40.0)
    assert np.all((shown >= 0) & (shown <= 1))
    assert np.all(shown[depth == 0.5] == 1)
    assert not shown[~there | (depth == 40)].any()
    # Nearer is brighter.
    assert np.all(shown[depth == 0.5] > 0.9)
    assert np.all(shown[depth == 2] < 0.97)


def test_what_is_unknown_or_too_large_never_reaches_other_programs() -> None:
    wild = np.array([[[np.nan, np.inf], [1e6, -1e6]]], np.float32)
    assert np.isfinite(planes.upward(wild)).all()
    assert planes.upward(wild)[0, 1].tolist() == [65504, 65504]
    assert planes.known(wild)[0, 0].tolist() == [0, 0]


def test_normals_stay_unit_vectors_and_world_needs_a_camera() -> None:
    rng = np.random.default_rng(3)
    normals = rng.normal(size=(5, 6, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[0] = 0
    pose = np.eye(4)
    pose[:3, :3] = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    world = planes.normals_for(normals, pose, DeliveryOptions(normal_space="world"))
    assert np.linalg.norm(world[1:], axis=-1) == pytest.approx(1, abs=1e-5)
    assert not world[0].any()
    # A camera that looks along the world's +x: what faces it points along -x.
    facing = np.zeros((1, 1, 3), np.float32)
    facing[..., 2] = 1
    looking = np.eye(4)
    looking[:3, :3] = np.array([[0, 0, -1], [0, -1, 0], [1, 0, 0]])
    turned = planes.normals_for(facing, looking, DeliveryOptions(normal_space="world"))
    assert turned[0, 0] == pytest.approx([-1, 0, 0])
    with pytest.raises(ValueError, match="need the camera"):
        planes.normals_for(normals, None, DeliveryOptions(normal_space="world"))


@given(values=hnp.arrays(np.float32, (2, 3), elements=unit))
def test_sixteen_bits_lose_half_a_step(values: np.ndarray) -> None:
    stored = planes.sixteen_bits(values)
    assert (stored.dtype, stored.shape) == (np.uint16, (2, 3, 1))
    assert np.abs(stored[..., 0] / 65535 - values).max() <= 0.5 / 65535 + 1e-7


def test_every_performer_has_a_layer_of_his_own() -> None:
    # Five channels in one layer are too many for Blender, which then shows another's matte.
    people = [f"P{at:02d}" for at in range(1, 8)]
    layers = {name.partition(".")[0] for name in layer_channels("masks", people)}
    assert layers == {mask_name(person) for person in people}
    board = planes.checker_board((70, 40))
    assert board.shape == (40, 70, 3)
    assert len(np.unique(board)) == 2
