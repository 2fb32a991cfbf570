"""Matte networks with random weights and tiny shapes, in the files their makers publish."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
from tiny_depth import options, saved, shake

from choreoscope.formats.pictures import write_png

PLATE_SIZE = (61, 47)
"""Of the film of the tests of what all back ends keep to."""


def scripted(network: Any, path: Path) -> Path:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(network).save(str(path))
    return path


def recurrent() -> Any:
    """A network of the call signature of Robust Video Matting, with states at four strides."""
    import torch
    from torch.nn import functional

    class Recurrent(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = torch.nn.ModuleList(
                [torch.nn.Conv2d(3, wide, 1) for wide in (2, 3, 4, 5)]
            )

        def forward(
            self,
            src: torch.Tensor,
            r1: Optional[torch.Tensor] = None,  # noqa: UP045 - TorchScript reads it
            r2: Optional[torch.Tensor] = None,  # noqa: UP045
            r3: Optional[torch.Tensor] = None,  # noqa: UP045
            r4: Optional[torch.Tensor] = None,  # noqa: UP045
            downsample_ratio: float = 1.0,
        ) -> list[torch.Tensor]:
            held = [r1, r2, r3, r4]
            height, width = int(src.shape[3]), int(src.shape[4])
            alphas: list[torch.Tensor] = []
            after: list[torch.Tensor] = []
            for time in range(src.shape[1]):
                frame = src[:, time]
                inner = [
                    max(1, int(height * downsample_ratio)),
                    max(1, int(width * downsample_ratio)),
                ]
                small = functional.interpolate(frame, size=inner, mode="bilinear")
                total = frame.mean(dim=1, keepdim=True)
                after = []
                for place, layer in enumerate(self.features):
                    now = torch.tanh(
                        layer(functional.avg_pool2d(small, 2 << place, ceil_mode=True))
                    )
                    before = held[place]
                    if before is not None:
                        now = 0.6 * before + 0.4 * now
                    after.append(now)
                    held[place] = now
                    summed = now.mean(dim=1, keepdim=True)
                    total = total + functional.interpolate(
                        summed, size=[height, width], mode="bilinear"
                    )
                alphas.append(torch.sigmoid(8 * (total - 1.4)))
            alpha = torch.stack(alphas, dim=1)
            return [1 - src, alpha, after[0], after[1], after[2], after[3]]

    return shake(Recurrent())


def rvm_script(folder: Path) -> dict[str, Any]:
    return options(scripted(recurrent(), folder / "rvm.torchscript"), prime=2, ratio=0.5)


def node(kind: str, inputs: Sequence[str], output: str, **more: Any) -> Any:
    import onnx

    return onnx.helper.make_node(kind, list(inputs), [output], **more)


def onnx_file(
    path: Path,
    nodes: Sequence[Any],
    inputs: dict[str, Sequence[Any]],
    outputs: dict[str, Sequence[Any]],
    weights: dict[str, np.ndarray],
) -> Path:
    """Write a graph; all numbers are float32, a name in a shape stands for any size."""
    import onnx

    def described(shapes: dict[str, Sequence[Any]]) -> list[Any]:
        floats = onnx.TensorProto.FLOAT
        return [
            onnx.helper.make_tensor_value_info(name, floats, list(shape))
            for name, shape in shapes.items()
        ]

    graph = onnx.helper.make_graph(
        list(nodes),
        "net",
        described(inputs),
        described(outputs),
        [
            onnx.numpy_helper.from_array(np.asarray(value, np.float32), name)
            for name, value in weights.items()
        ],
    )
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return path


def rvm_onnx(folder: Path) -> dict[str, Any]:
    """Brightness that is remembered: each state a share of itself and the rest of the frame."""
    nodes = [
        node("ReduceMean", ["src"], "grey", axes=[1], keepdims=1),
        node("Sub", ["one", "src"], "fgr"),
    ]
    total = "grey"
    for place in range(1, 5):
        nodes += [
            node("Mul", [f"r{place}i", f"keep{place}"], f"old{place}"),
            node("Mul", ["grey", "downsample_ratio"], f"new{place}"),
            node("Add", [f"old{place}", f"new{place}"], f"r{place}o"),
            node("Add", [total, f"r{place}o"], f"total{place}"),
        ]
        total = f"total{place}"
    nodes += [node("Mul", [total, "tenth"], "pha")]
    states = {f"r{place}": (1, "c", "y", "x") for place in range(1, 5)}
    return options(
        onnx_file(
            folder / "rvm.onnx",
            nodes,
            {"src": (1, 3, "h", "w"), **{f"{name}i": one for name, one in states.items()}}
            | {"downsample_ratio": (1,)},
            {"fgr": (1, 3, "h", "w"), "pha": (1, 1, "h", "w")}
            | {f"{name}o": one for name, one in states.items()},
            {"one": np.ones(1), "tenth": np.array([0.1])}
            | {f"keep{place}": np.array([0.2 * place]) for place in range(1, 5)},
        ),
        prime=0,
    )


def plated() -> Any:
    """A network of the call signature of Background Matting V2."""
    import torch

    class Plated(torch.nn.Module):
        backbone_scale: float
        refine_mode: str
        refine_sample_pixels: int

        def __init__(self) -> None:
            super().__init__()
            self.backbone_scale = 0.25
            self.refine_mode = "full"
            self.refine_sample_pixels = 1
            self.gain = torch.nn.Parameter(torch.tensor(4.0))

        def forward(
            self, src: torch.Tensor, bgr: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            assert src.shape[2] % 4 == 0 and src.shape[3] % 4 == 0  # noqa: PT018
            assert src.shape == bgr.shape
            assert self.refine_mode == "sampling"
            alpha = (self.gain * (src - bgr).abs().mean(dim=1, keepdim=True)).clamp(0, 1)
            return alpha, 1.2 * src, torch.full([1], self.backbone_scale)

    return Plated().eval()


def plate_file(folder: Path, size: tuple[int, int] = PLATE_SIZE) -> Path:
    draw = np.random.default_rng(8)
    pixels = draw.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    write_png(folder / "plate.png", pixels)
    return folder / "plate.png"


def background_matting(folder: Path) -> dict[str, Any]:
    return options(scripted(plated(), folder / "bgm.pth"), plate=str(plate_file(folder)))


def background_matting_onnx(folder: Path) -> dict[str, Any]:
    nodes = [
        node("Sub", ["src", "bgr"], "difference"),
        node("Abs", ["difference"], "size"),
        node("ReduceMean", ["size"], "pha", axes=[1], keepdims=1),
        node("Mul", ["src", "gain"], "fgr"),
    ]
    shape = (1, 3, "h", "w")
    path = onnx_file(
        folder / "bgm.onnx",
        nodes,
        {"src": shape, "bgr": shape},
        {"pha": (1, 1, "h", "w"), "fgr": shape},
        {"gain": np.array([1.2])},
    )
    return options(path, plate=str(plate_file(folder)))


def modnet(folder: Path) -> dict[str, Any]:
    """One layer of random weights."""
    draw = np.random.default_rng(5)
    path = onnx_file(
        folder / "modnet.onnx",
        [
            node("Conv", ["input", "weights"], "logits", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            node("Sigmoid", ["logits"], "output"),
        ],
        {"input": (1, 3, "h", "w")},
        {"output": (1, 1, "h", "w")},
        {"weights": draw.normal(0, 0.5, (1, 3, 3, 3))},
    )
    return options(path, side=64)


def modnet_script(folder: Path) -> dict[str, Any]:
    import torch

    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 1, 3, padding=1), torch.nn.Sigmoid())
    return options(scripted(shake(layers), folder / "modnet.torchscript"), side=64)


def selfie(folder: Path) -> dict[str, Any]:
    draw = np.random.default_rng(6)
    path = onnx_file(
        folder / "selfie.onnx",
        [
            node("MatMul", ["input_1:0", "weights"], "logits"),
            node("Sigmoid", ["logits"], "activation_10"),
        ],
        {"input_1:0": (1, 256, 256, 3)},
        {"activation_10": (1, 256, 256, 1)},
        {"weights": draw.normal(0, 3, (3, 1))},
    )
    return options(path)


def bodypix(folder: Path, parts: int = 24) -> dict[str, Any]:
    """Random weights at every sixteenth pixel."""
    draw = np.random.default_rng(7)
    nodes = [node("Transpose", ["input"], "planar", perm=[0, 3, 1, 2])]
    shape = (1, "h", "w")
    for name in ("segments", "part_heatmaps"):
        nodes += [
            node("Conv", ["planar", f"w_{name}"], f"{name}_planar", strides=[16, 16]),
            node("Transpose", [f"{name}_planar"], name, perm=[0, 2, 3, 1]),
        ]
    path = onnx_file(
        folder / "bodypix.onnx",
        nodes,
        {"input": (1, "height", "width", 3)},
        {"segments": (*shape, 1), "part_heatmaps": (*shape, parts)},
        {
            "w_segments": draw.normal(0, 2, (1, 3, 1, 1)),
            "w_part_heatmaps": draw.normal(0, 2, (parts, 3, 1, 1)),
        },
    )
    return options(path)


def sam2_network(seed: int = 1) -> Any:
    """A tiny network of the shape of SAM 2.1's; the same seed gives the same weights."""
    import torch
    import transformers

    wide = 128
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "num_attention_heads": 1,
        "image_size": [64, 64],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [8, 16, 24, 32],
        "num_attention_heads_per_stage": [1, 1, 2, 2],
        "window_size_per_stage": [4, 4, 4, 4],
        "global_attention_blocks": [3],
        "window_positional_embedding_background_size": [2, 2],
    }
    config = transformers.Sam2VideoConfig(
        vision_config={
            "model_type": "sam2_vision_model",
            "backbone_config": backbone,
            "backbone_channel_list": [32, 24, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": wide,
        },
        prompt_encoder_config={"hidden_size": wide, "image_size": 64, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": wide,
            "mlp_dim": 16,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
        image_size=64,
        memory_attention_hidden_size=wide,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=16,
        memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=wide,
        memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=wide,
        memory_fuser_embed_dim=wide,
        memory_fuser_intermediate_dim=16,
    )
    with torch.random.fork_rng(devices=[]):
        # Its places are random numbers too, and no parameters.
        torch.manual_seed(seed)
        return shake(transformers.Sam2VideoModel(config), seed)


def sam2(folder: Path) -> dict[str, Any]:
    return options(saved(sam2_network(), folder / "hub"))


BUILDERS: dict[tuple[str, str], Callable[[Path], dict[str, Any]]] = {
    ("matte", "robust_video_matting"): rvm_script,
    ("matte", "background_matting_v2"): background_matting,
    ("matte", "modnet"): modnet,
    ("matte", "selfie_segmentation"): selfie,
    ("matte", "bodypix"): bodypix,
    ("parts", "bodypix"): bodypix,
    ("matte", "sam2"): sam2,
}
