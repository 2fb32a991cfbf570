"""DepthCrafter's diffusion over a stretch of frames, put together from diffusers' own networks.

Hu, Gao, Li, Zhao, Cun, Zhang, Quan, Shan: "DepthCrafter: Generating Consistent Long Depth
Sequences for Open-world Videos", CVPR 2025, arXiv:2409.02095, on top of Blattmann et al.: "Stable
Video Diffusion", arXiv:2311.15127.

Its network has the weights and the shape of diffusers' ``UNetSpatioTemporalConditionModel`` with
one difference: every frame is told of its own picture (an embedding each), where Stable Video
Diffusion tells all of the first one. `tell_frames` makes up for that.
"""

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.torch_models.device import Stopwatch
from choreoscope.backends.torch_models.pictures import normalised, planar, resized_corners
from choreoscope.backends.torch_models.weights import hub_network, quiet_offline
from choreoscope.datatypes.errors import WeightsError

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
RATE_ID, MOTION_ID, EXTRA_NOISE = 7.0, 127.0, 0.02
"""What the network is told of every film: frames per second, amount of motion, added noise."""
CHUNK = 8
"""Frames that are encoded and decoded at once."""
MULTIPLE = 64
BLOCKS = "TransformerSpatioTemporalModel"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrafterNetworks:
    """The networks of the diffusion.

    Attributes
    ----------
    unet : UNetSpatioTemporalConditionModel
        DepthCrafter's own.
    vae, encoder, scheduler
        Those of Stable Video Diffusion.
    """

    unet: Any
    vae: Any
    encoder: Any
    scheduler: Any
    device: str


def crafter_networks(folder: Path, device: str) -> CrafterNetworks:
    """Load them from the folders ``unet``, ``vae``, ``image_encoder`` and ``scheduler``.

    Raises
    ------
    WeightsError
        If one is absent or lacks weights.
    """
    import torch

    with quiet_offline():
        import diffusers

        kind: Any = diffusers.EulerDiscreteScheduler
        try:
            scheduler = kind.from_pretrained(folder / "scheduler", local_files_only=True)
        except (OSError, ValueError) as error:
            raise WeightsError(f"{folder / 'scheduler'} does not load: {error}") from error
    # In half precision the decoder overflows; its makers widen it, too.
    half = torch.float16 if device == "cuda" else torch.float32
    parts = {
        "unet": ("UNetSpatioTemporalConditionModel", "unet", "diffusers", half),
        "vae": ("AutoencoderKLTemporalDecoder", "vae", "diffusers", torch.float32),
        "encoder": ("CLIPVisionModelWithProjection", "image_encoder", "transformers", half),
    }
    found = {
        name: hub_network(kind, folder / place, device=device, dtype=dtype, library=library)  # type: ignore[arg-type]
        for name, (kind, place, library, dtype) in parts.items()
    }
    return CrafterNetworks(**found, scheduler=scheduler, device=device)


@contextlib.contextmanager
def tell_frames(unet: Any, embeddings: Any) -> Iterator[None]:  # noqa: ANN401
    """Tell every frame of its own picture inside the block.

    Parameters
    ----------
    unet : UNetSpatioTemporalConditionModel
        Its own call is given one embedding, which is replaced on the way.
    embeddings : (T, 1, C) tensor
        One for each frame.
    """

    def own(module: Any, given: Any, named: dict[str, Any]) -> Any:  # noqa: ANN401
        del module
        return given, named | {"encoder_hidden_states": embeddings}

    blocks = [one for one in unet.modules() if type(one).__name__ == BLOCKS]
    hooks = [one.register_forward_pre_hook(own, with_kwargs=True) for one in blocks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def disparity(
    networks: CrafterNetworks, pictures: np.ndarray, *, steps: int, seed: int, watch: Stopwatch
) -> np.ndarray:
    """Run the diffusion over a stretch.

    Parameters
    ----------
    networks : CrafterNetworks
        What runs.
    pictures : (T, h, w, 3) float32
        0 to 1, sides multiples of 64.
    steps : int
        Of denoising.
    seed : int
        Of the noise, the same for every stretch.

    Returns
    -------
    (T, h, w) float32
        0 to 1, inverse depth but for a factor and an offset, larger nearer.
    """
    import torch

    with watch.running(), torch.inference_mode():
        noise = torch.Generator("cpu").manual_seed(seed)
        embeddings = _embeddings(networks, pictures)
        clean = torch.from_numpy(planar(pictures) * 2 - 1)
        noisy = clean + EXTRA_NOISE * torch.randn(clean.shape, generator=noise)
        told = _encoded(networks, noisy)[None].to(networks.unet.dtype)
        latents = _denoised(networks, told, embeddings, steps, noise)
        return _decoded(networks, latents[0])


def _embeddings(networks: CrafterNetworks, pictures: np.ndarray) -> Any:  # noqa: ANN401
    import torch

    small = np.stack([_for_clip(picture) for picture in pictures])
    found = [
        networks.encoder(
            torch.from_numpy(small[at : at + CHUNK]).to(networks.device, networks.encoder.dtype)
        ).image_embeds
        for at in range(0, len(small), CHUNK)
    ]
    return torch.cat(found)[:, None].to(networks.unet.dtype)


def _for_clip(picture: np.ndarray, side: int = 224) -> np.ndarray:
    """Blur as much as shrinking asks, then resample corner to corner, as Stable Video Diffusion."""
    import cv2

    sigmas = [max((there / side - 1) / 2, 0.001) for there in picture.shape[:2]]
    rows, columns = (int(max(4 * sigma, 3)) | 1 for sigma in sigmas)
    blurred = cv2.GaussianBlur(
        picture, (columns, rows), sigmas[1], sigmaY=sigmas[0], borderType=cv2.BORDER_REFLECT_101
    )
    return planar(normalised(resized_corners(blurred, (side, side), "cubic"), CLIP_MEAN, CLIP_STD))


def _encoded(networks: CrafterNetworks, pictures: Any) -> Any:  # noqa: ANN401
    import torch

    parts = [
        networks.vae.encode(pictures[at : at + CHUNK].to(networks.device)).latent_dist.mode()
        for at in range(0, len(pictures), CHUNK)
    ]
    return torch.cat(parts)


def _denoised(
    networks: CrafterNetworks,
    told: Any,  # noqa: ANN401
    embeddings: Any,  # noqa: ANN401
    steps: int,
    noise: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Go from noise to the latents of the disparity, told of the pictures' latents at each step."""
    import torch

    scheduler, unet = networks.scheduler, networks.unet
    with warnings.catch_warnings():
        # diffusers makes an array of a tensor in a way that numpy 2 advises against.
        warnings.filterwarnings("ignore", message="__array__", category=DeprecationWarning)
        scheduler.set_timesteps(steps, device=networks.device)
    # float32: the first step's noise has a deviation of several hundred.
    latents = torch.randn(told.shape, generator=noise).to(networks.device)
    latents = latents * scheduler.init_noise_sigma
    film = torch.tensor([[RATE_ID, MOTION_ID, EXTRA_NOISE]], device=networks.device)
    with tell_frames(unet, embeddings):
        for step in scheduler.timesteps:
            scaled = scheduler.scale_model_input(latents, step).to(unet.dtype)
            found = unet(
                torch.cat([scaled, told], dim=2),
                step,
                encoder_hidden_states=embeddings[:1],
                added_time_ids=film.to(unet.dtype),
            ).sample
            latents = scheduler.step(found.float(), step, latents).prev_sample
    return latents


def _decoded(networks: CrafterNetworks, latents: Any) -> np.ndarray:  # noqa: ANN401
    scaled = latents.float() / networks.vae.config.scaling_factor
    parts = []
    for at in range(0, len(scaled), CHUNK):
        part = scaled[at : at + CHUNK]
        colours = networks.vae.decode(part, num_frames=len(part)).sample
        parts.append((colours / 2 + 0.5).clamp(0, 1).mean(dim=1).cpu().numpy())
    return np.concatenate(parts).astype(np.float32)
