"""Diffusion pipelines with random weights and tiny shapes, saved as a model hub keeps them."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_depth import options, saved, shake

END = "<|endoftext|>"
BEGIN = "<|startoftext|>"


def tokenizer(folder: Path) -> Any:
    """A tokenizer that knows the empty text, which is all that Marigold asks it."""
    import transformers

    folder.mkdir(parents=True)
    words = [BEGIN, END, "a", "b", "a</w>", "b</w>", "ab</w>"]
    (folder / "vocab.json").write_text(json.dumps({w: at for at, w in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\na b</w>\n")
    said = {"model_max_length": 8, "bos_token": BEGIN, "eos_token": END, "unk_token": END}
    said |= {"pad_token": END, "tokenizer_class": "CLIPTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    return transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def parts(folder: Path, *, width: int = 32) -> dict[str, Any]:
    """The networks that all Marigold pipelines have."""
    import diffusers
    import transformers

    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(width, width),
        layers_per_block=1,
        sample_size=8,
        in_channels=8,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=[16, 16],
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        latent_channels=4,
        norm_num_groups=8,
    )
    text = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
            hidden_size=16,
            intermediate_size=16,
            num_attention_heads=2,
            num_hidden_layers=1,
            vocab_size=7,
            max_position_embeddings=8,
        )
    )
    return {
        "unet": shake(unet),
        "vae": shake(vae, 2),
        "text_encoder": shake(text, 3),
        "tokenizer": tokenizer(folder / "words"),
        "scheduler": diffusers.DDIMScheduler(
            prediction_type="v_prediction",
            timestep_spacing="trailing",
            set_alpha_to_one=False,
            clip_sample=False,
        ),
        "default_denoising_steps": 2,
        "default_processing_resolution": 32,
    }


def marigold(folder: Path, *, kind: str, **more: Any) -> dict[str, Any]:
    import diffusers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = getattr(diffusers, kind)(**parts(folder), **more)
        pipeline.save_pretrained(folder / "hub")
    return options(folder / "hub")


def marigold_depth(folder: Path) -> dict[str, Any]:
    return marigold(
        folder,
        kind="MarigoldDepthPipeline",
        prediction_type="depth",
        scale_invariant=True,
        shift_invariant=True,
    )


def marigold_normals(folder: Path) -> dict[str, Any]:
    return marigold(
        folder, kind="MarigoldNormalsPipeline", prediction_type="normals", use_full_z_range=True
    )


def depthcrafter(folder: Path) -> dict[str, Any]:
    import diffusers
    import transformers

    unet = diffusers.UNetSpatioTemporalConditionModel(
        sample_size=8,
        in_channels=8,
        out_channels=4,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        block_out_channels=(32, 64),
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24,
        layers_per_block=1,
        cross_attention_dim=16,
        num_attention_heads=(2, 4),
        num_frames=3,
    )
    vae = diffusers.AutoencoderKLTemporalDecoder(
        down_block_types=["DownEncoderBlock2D"] * 4,
        block_out_channels=[32] * 4,
        layers_per_block=1,
    )
    encoder = transformers.CLIPVisionModelWithProjection(
        transformers.CLIPVisionConfig(
            hidden_size=16,
            projection_dim=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=224,
            patch_size=56,
        )
    )
    scheduler = diffusers.EulerDiscreteScheduler(
        prediction_type="v_prediction",
        timestep_type="continuous",
        use_karras_sigmas=True,
        sigma_min=0.002,
        sigma_max=700.0,
    )
    saved(shake(unet), folder / "unet")
    saved(shake(vae, 2), folder / "vae")
    saved(shake(encoder, 3), folder / "image_encoder")
    scheduler.save_pretrained(folder / "scheduler")
    return options(folder, steps=2, side=64, length=3, overlap=1)


BUILDERS: dict[tuple[str, str], Callable[[Path], dict[str, Any]]] = {
    ("depth", "marigold"): marigold_depth,
    ("depth", "depthcrafter"): depthcrafter,
    ("normals", "marigold"): marigold_normals,
}
