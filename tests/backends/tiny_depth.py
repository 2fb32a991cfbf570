"""Depth networks with random weights and tiny shapes, saved as a model hub keeps them."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from choreoscope.pipeline.weights.brought import digest_of

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


def options(place: Path, **more: Any) -> dict[str, Any]:
    """What a user would set for weights at a place."""
    return {"weights": str(place), "sha256": digest_of(place), "device": "cpu"} | more


def shake(network: Any, seed: int = 1) -> Any:
    """Give a network random weights that let its input through, and lively statistics."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, one in network.named_parameters():
            fan = one[0].numel() if one.dim() > 1 else 0
            if fan:
                one.normal_(0.0, fan**-0.5, generator=generator)
            elif "norm" in name and name.endswith("weight"):
                one.fill_(1.0)
            else:
                one.uniform_(0.0, 0.2, generator=generator)
    return network.eval()


def saved(network: Any, folder: Path, processor: dict[str, Any] | None = None) -> Path:
    """Write a network and what its pictures are to be like."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.save_pretrained(folder)
    if processor:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    return folder


def dinov2(side: int = 56, hidden: int = 24, layers: int = 4) -> dict[str, Any]:
    return {
        "model_type": "dinov2",
        "image_size": side,
        "patch_size": 14,
        "hidden_size": hidden,
        "num_attention_heads": 2,
        "num_hidden_layers": layers,
        "mlp_ratio": 2,
        "out_indices": [1, 2, 3, 4],
        "reshape_hidden_states": False,
        "apply_layernorm": True,
    }


def anything_neck(hidden: int) -> dict[str, Any]:
    return {
        "reassemble_hidden_size": hidden,
        "reassemble_factors": [4, 2, 1, 0.5],
        "neck_hidden_sizes": [8, 8, 16, 16],
        "fusion_hidden_size": 8,
        "head_hidden_size": 8,
        "patch_size": 14,
    }


def anything_processor(side: int = 56) -> dict[str, Any]:
    return IMAGENET | {
        "size": {"height": side, "width": side},
        "keep_aspect_ratio": True,
        "ensure_multiple_of": 14,
        "resample": 3,
    }


def depth_anything(
    folder: Path, *, hidden: int = 24, kind: str = "relative", max_depth: int = 1
) -> dict[str, Any]:
    import transformers

    config = transformers.DepthAnythingConfig(
        backbone_config=dinov2(hidden=hidden),
        depth_estimation_type=kind,
        max_depth=max_depth,
        **anything_neck(hidden),
    )
    network = shake(transformers.DepthAnythingForDepthEstimation(config))
    return options(saved(network, folder, anything_processor()))


def prompt_depth_anything(folder: Path) -> dict[str, Any]:
    import transformers

    config = transformers.PromptDepthAnythingConfig(
        backbone_config=dinov2(), depth_estimation_type="metric", **anything_neck(24)
    )
    network = shake(transformers.PromptDepthAnythingForDepthEstimation(config))
    return options(saved(network, folder, anything_processor()))


def dpt(folder: Path) -> dict[str, Any]:
    import transformers

    config = transformers.DPTConfig(
        hidden_size=24,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=48,
        image_size=32,
        patch_size=8,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=8,
        is_hybrid=False,
    )
    network = shake(transformers.DPTForDepthEstimation(config))
    processor = HALF | {"size": {"height": 32, "width": 32}, "resample": 3}
    return options(saved(network, folder, processor))


def zoedepth(folder: Path) -> dict[str, Any]:
    import transformers

    config = transformers.ZoeDepthConfig(
        backbone_config={
            "model_type": "beit",
            "image_size": 32,
            "patch_size": 8,
            "hidden_size": 24,
            "num_attention_heads": 2,
            "num_hidden_layers": 4,
            "intermediate_size": 48,
            "use_relative_position_bias": True,
            "reshape_hidden_states": False,
            "out_features": ["stage1", "stage2", "stage3", "stage4"],
        },
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=8,
        bottleneck_features=8,
        num_attractors=[4, 2, 2, 1],
        bin_embedding_dim=8,
        num_relative_features=8,
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0}],
    )
    network = shake(transformers.ZoeDepthForDepthEstimation(config))
    processor = HALF | {
        "size": {"height": 32, "width": 48},
        "keep_aspect_ratio": True,
        "ensure_multiple_of": 32,
        "resample": 2,
        "do_pad": True,
    }
    return options(saved(network, folder, processor))


def depth_pro(folder: Path) -> dict[str, Any]:
    import transformers

    encoder = {
        "model_type": "dinov2",
        "image_size": 16,
        "patch_size": 4,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "mlp_ratio": 2,
    }
    config = transformers.DepthProConfig(
        patch_size=16,
        fusion_hidden_size=16,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[0.25, 0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.5, 0.25],
        scaled_images_feature_dims=[16, 16, 8],
        merge_padding_value=1,
        use_fov_model=True,
        num_fov_head_layers=1,
        image_model_config=dict(encoder),
        patch_model_config=dict(encoder),
        fov_model_config=dict(encoder),
    )
    network = shake(transformers.DepthProForDepthEstimation(config))
    list(network.fov_model.head.parameters())[-1].data.fill_(50.0)  # an angle, in degrees
    processor = HALF | {"size": {"height": 64, "width": 64}, "resample": 2}
    return options(saved(network, folder, processor))


def video_depth_anything(folder: Path) -> dict[str, Any]:
    """A TorchScript file that answers the brightness, steadied over the stretch."""
    import torch

    class Brightness(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.least = torch.nn.Parameter(torch.tensor(3.0))

        def forward(self, film: torch.Tensor) -> torch.Tensor:
            grey = film.mean(dim=2)
            return torch.relu(self.least + 0.75 * grey + 0.25 * grey.mean(dim=1, keepdim=True))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(Brightness(), torch.zeros(1, 32, 3, 28, 42))
        traced.save(str(folder / "video.pt"))
    return options(folder / "video.pt", height=28, width=42)


BUILDERS: dict[tuple[str, str], Callable[[Path], dict[str, Any]]] = {
    ("depth", "depth_anything_v2"): depth_anything,
    ("depth", "depth_anything_v2_small"): lambda folder: depth_anything(folder, hidden=384),
    ("depth", "depth_anything_v2_metric"): lambda folder: depth_anything(
        folder, kind="metric", max_depth=20
    ),
    ("depth", "prompt_depth_anything"): prompt_depth_anything,
    ("depth", "dpt"): dpt,
    ("depth", "zoedepth"): zoedepth,
    ("depth", "depth_pro"): depth_pro,
    ("depth", "video_depth_anything"): video_depth_anything,
    ("depth", "video_depth_anything_small"): video_depth_anything,
}
