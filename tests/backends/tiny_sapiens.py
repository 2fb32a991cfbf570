"""Networks of the Sapiens family with random weights and tiny shapes."""

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_depth import options, saved, shake

from choreoscope.backends.sapiens_family.names import PARTS_V1, PARTS_V2

SIZE = (64, 48)
POINTS = 8


def network(*, kind: str, labels: int, **more: Any) -> Any:
    """A network of the second generation; the same numbers give the same weights."""
    import transformers

    shuffled = kind not in ("Sapiens2ForSemanticSegmentation", "Sapiens2ForPoseEstimation")
    head: dict[str, Any] = {
        "upsample_out_channels": [8, 8],
        "conv_out_channels": [8],
        "conv_kernel_sizes": [1],
    }
    if shuffled:
        head |= {"use_pixel_shuffle": True, "upsample_kernel_size": 3}
    config = transformers.Sapiens2Config(
        image_size=list(SIZE),
        patch_size=16,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_attention_heads=1,
        num_first_full_attention_layers=1,
        num_last_full_attention_layers=1,
        num_register_tokens=2,
        num_labels=labels,
        head_config=head,
        **more,
    )
    made = shake(getattr(transformers, kind)(config))
    if kind == "Sapiens2ForPointmapEstimation":
        made.decode_head.predictor.bias.data[2] = 30.0  # before the camera, not in it
    return made


def sapiens2(folder: Path, **kinds: Any) -> dict[str, Any]:
    """The same in its hub folder."""
    return options(saved(network(**kinds), folder / "hub"))


def script(folder: Path, *, labels: int) -> dict[str, Any]:
    """A TorchScript file that takes crops of the published size."""
    import torch

    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 16, stride=16), torch.nn.SiLU(), torch.nn.Conv2d(6, labels, 1)
    )
    path = folder / "network.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(shake(layers)).save(str(path))
    return options(path)


BUILDERS: dict[tuple[str, str], Callable[[Path], dict[str, Any]]] = {
    ("parts", "sapiens2"): functools.partial(
        sapiens2, kind="Sapiens2ForSemanticSegmentation", labels=len(PARTS_V2) + 1
    ),
    ("normals", "sapiens2"): functools.partial(
        sapiens2, kind="Sapiens2ForNormalEstimation", labels=3
    ),
    ("depth", "sapiens2_pointmap"): functools.partial(
        sapiens2, kind="Sapiens2ForPointmapEstimation", labels=3
    ),
    ("matte", "sapiens2"): functools.partial(sapiens2, kind="Sapiens2ForImageMatting", labels=4),
    ("pose2d", "sapiens2"): functools.partial(
        sapiens2, kind="Sapiens2ForPoseEstimation", labels=POINTS, flip_pairs=[[1, 2], [4, 7]]
    ),
    ("parts", "sapiens"): functools.partial(script, labels=len(PARTS_V1) + 1),
    ("normals", "sapiens"): functools.partial(script, labels=3),
    ("depth", "sapiens"): functools.partial(script, labels=1),
}
