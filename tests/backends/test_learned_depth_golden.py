"""Our preparation of pictures against the official processors, which need no torchvision."""

from typing import Any

import numpy as np
import pytest
import tiny_depth
from depth_cases import soft_picture

from choreoscope.backends.depth import dpt, prompt_depth_anything, zoedepth
from choreoscope.backends.depth.networks import anything
from choreoscope.backends.depth.networks.preparing import Preparation
from choreoscope.backends.depth.networks.prompts import filled
from choreoscope.backends.torch_models.pictures import normalised, planar, resized, unit

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

GREY = 1 / 255 / 0.224
"""One grey value, in the normalised units of the networks with the smallest deviation."""
SIZES = [(1080 // 4, 1920 // 4), (333, 250), (97, 400), (60, 90)]


def theirs(kind: str, said: dict[str, Any], picture: np.ndarray) -> np.ndarray:
    from transformers.models.dpt import image_processing_pil_dpt
    from transformers.models.prompt_depth_anything import (
        image_processing_pil_prompt_depth_anything as prompted,
    )
    from transformers.models.zoedepth import image_processing_pil_zoedepth

    processor = {
        "dpt": image_processing_pil_dpt.DPTImageProcessorPil,
        "prompt": prompted.PromptDepthAnythingImageProcessorPil,
        "zoe": image_processing_pil_zoedepth.ZoeDepthImageProcessorPil,
    }[kind](**said)
    return np.asarray(processor(images=picture, return_tensors="np")["pixel_values"][0])


def said_by(preparation: Preparation) -> dict[str, Any]:
    return {
        "size": dict(zip(("height", "width"), preparation.size, strict=True)),
        "keep_aspect_ratio": preparation.keep_aspect,
        "ensure_multiple_of": preparation.multiple,
        "image_mean": list(preparation.mean),
        "image_std": list(preparation.std),
        "resample": {"linear": 2, "cubic": 3}[preparation.kernel],
        "do_pad": preparation.mirrored,
    }


CASES = [
    ("dpt", anything.USUAL),
    ("dpt", dpt.USUAL),
    ("prompt", prompt_depth_anything.USUAL),
    ("zoe", zoedepth.USUAL),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kind", "usual"), CASES)
def test_pictures_are_prepared_as_officially(
    kind: str, usual: Preparation, size: tuple[int, int]
) -> None:
    picture = soft_picture(1, *size)
    ours = usual.prepared(picture)
    official = theirs(kind, said_by(usual), picture)
    assert ours.shape == official.shape
    # Pillow rounds to whole grey values twice; ZoeDepth's own resampling does not round.
    allowed = 1e-4 if usual.mirrored else 1.2 * GREY
    assert np.abs(ours - official).max() < allowed
    assert np.abs(ours - official).mean() < 0.35 * GREY


def test_fine_detail_tells_the_resamplings_apart() -> None:
    """Control: on noise the usual shortcut, OpenCV without averaging, is far off."""
    noise = np.random.default_rng(2).integers(0, 256, (540, 960, 3), dtype=np.uint8)
    official = theirs("dpt", said_by(dpt.USUAL), noise)
    ours = dpt.USUAL.prepared(noise)
    shortcut = normalised(
        resized(unit(noise), ours.shape[1:], "cubic"), dpt.USUAL.mean, dpt.USUAL.std
    )
    assert np.abs(ours - official).max() < 1.2 / 255 / 0.5
    assert np.abs(planar(shortcut) - official).mean() > 0.1


def test_what_a_processor_saves_is_read_back(tmp_path: Any) -> None:
    from transformers.models.dpt import image_processing_pil_dpt

    official = image_processing_pil_dpt.DPTImageProcessorPil(
        **said_by(anything.USUAL) | {"size": {"height": 70, "width": 70}}
    )
    official.save_pretrained(tmp_path)
    read = Preparation.of(tmp_path, dpt.USUAL)
    picture = soft_picture(2, 200, 300)
    found = np.asarray(official(images=picture, return_tensors="np")["pixel_values"][0])
    assert read.prepared(picture).shape == found.shape
    assert np.abs(read.prepared(picture) - found).max() < 1.2 * GREY
    assert tiny_depth.anything_processor()["ensure_multiple_of"] == read.multiple


def test_equal_prompts_are_told_apart_as_officially() -> None:
    from transformers.models.prompt_depth_anything import (
        image_processing_pil_prompt_depth_anything as prompted,
    )

    flat = np.full((6, 8), 2000.0, dtype=np.float32)
    official = prompted.PromptDepthAnythingImageProcessorPil()(
        images=soft_picture(3), prompt_depth=flat, return_tensors="np"
    )["prompt_depth"][0]
    ours = filled(flat * np.float32(0.001))
    assert ours == pytest.approx(np.asarray(official).reshape(6, 8), abs=5e-6)
    assert ours.min() < ours.max()
