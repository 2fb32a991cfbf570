"""Marigold: depth and normals by diffusion, shared by the back ends of both.

Ke, Obukhov, Huang, Metzger, Daudt, Schindler: "Repurposing Diffusion-Based Image Generators for
Monocular Depth Estimation", CVPR 2024, arXiv:2312.02145; Ke et al.: "Marigold: Affordable
Adaptation of Diffusion-Based Image Generators for Image Analysis", arXiv:2505.09358. The networks
and their pre-processing are the diffusers library's Marigold pipelines.

Each frame is denoised from the same noise, mixed with what the frame before became: that is the
authors' own recipe against flicker in films. So frames go in order, and the state is that latent.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.torch_models.device import Stopwatch, device_for, guard_memory
from choreoscope.backends.torch_models.pictures import planar, unit
from choreoscope.backends.torch_models.weights import (
    LOAD_ERRORS,
    Brought,
    brought_folder,
    hub_network,
    quiet_offline,
    without_voice,
)
from choreoscope.capture.passes.interfaces import PassFrame, PassState
from choreoscope.datatypes.errors import InputError, WeightsError
from choreoscope.datatypes.models import Licence, RunSettings, Tier

MODULES = ("torch", "diffusers", "transformers", "safetensors", "PIL")
LICENCE = Licence(
    name="Apache-2.0 or OpenRAIL++, not confirmed",
    tier=Tier.ASK,
    notice="Marigold: check the card of the weights before commercial use",
    url="https://huggingface.co/prs-eth",
)
LATENT = "latent"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MarigoldOptions(Brought):
    """What the diffusion does.

    Attributes
    ----------
    steps : int
        Steps of denoising; 0 for what the weights were made for (1 to 4).
    side : int
        Longer side, in pixels, that it works at; 0 for what the weights were made for (768).
    steadiness : float
        Share of the frame before in the noise each frame begins with, 0 to below 1.
    seed : int
        Of the noise.
    """

    steps: int = 0
    side: int = 0
    steadiness: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.steadiness < 1:
            raise InputError(f"steadiness must be 0 to below 1, got {self.steadiness}")
        if min(self.steps, self.side, self.seed) < 0:
            raise InputError("steps, side and seed must be 0 or more")


class Marigold:
    """A Marigold pipeline behind arrays.

    Parameters
    ----------
    kind : str
        Class of the pipeline in diffusers.
    settings : RunSettings
        Threads.
    options : MarigoldOptions
        Where the weights lie, and what the diffusion does.
    name, source : str
        For errors: the back end; where to get the weights.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """

    def __init__(
        self,
        kind: str,
        settings: RunSettings,
        options: MarigoldOptions,
        *,
        name: str,
        source: str,
    ) -> None:
        self.options = options
        folder = brought_folder(self.options, model=name, source=source, types=(kind,))
        self.device = device_for(settings, self.options.device)
        self.pipeline = _pipeline(kind, folder, self.device)
        self.watch = Stopwatch()

    def __call__(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[np.ndarray], PassState]:
        """Look at frames in order.

        Returns
        -------
        list of (H, W, C) float32, PassState
            The pipeline's answer to each; the latent after the last.
        """
        import torch

        latent = None if state is None else state.get(LATENT)
        found = []
        for frame in frames:
            begin = self._begin(frame.picture.shape[:2], latent)
            picture = torch.from_numpy(planar(unit(frame.picture)))[None]
            with self.watch.running(), torch.random.fork_rng(devices=[]):
                # Some schedulers draw more noise between steps, from the global generator.
                torch.manual_seed(self.options.seed)
                answer = self.pipeline(
                    picture.to(self.device, self.pipeline.unet.dtype),
                    num_inference_steps=self.options.steps or None,
                    processing_resolution=self.options.side or None,
                    latents=begin,
                    output_type="np",
                    output_latent=True,
                )
            latent = answer.latent[0].float().cpu().numpy()
            found.append(np.asarray(answer.prediction[0], dtype=np.float32))
        return found, {} if latent is None else {LATENT: latent}

    def _begin(self, size: tuple[int, ...], before: np.ndarray | None) -> Any:  # noqa: ANN401
        """Make the latent a frame begins with: noise, and a share of the frame before."""
        import torch

        vae = self.pipeline.vae.config
        factor = int(self.pipeline.vae_scale_factor)
        side = self.options.side or int(self.pipeline.default_processing_resolution)
        height, width = (-(-(one * side // max(size)) // factor) for one in size)
        generator = torch.Generator("cpu").manual_seed(self.options.seed)
        noise = torch.randn((1, vae.latent_channels, height, width), generator=generator)
        if before is not None and before.shape == tuple(noise.shape[1:]):
            share = self.options.steadiness
            noise = (1 - share) * noise + share * torch.from_numpy(np.ascontiguousarray(before))
        return noise.to(self.device, self.pipeline.unet.dtype)


def _pipeline(kind: str, folder: Path, device: str) -> Any:  # noqa: ANN401
    """Load a diffusers pipeline; half precision on CUDA, as its makers publish it."""
    import torch

    dtype = torch.float16 if device == "cuda" else torch.float32
    # The pipeline would load its networks itself, but fill absent weights with random numbers.
    networks = {
        "unet": hub_network(
            "UNet2DConditionModel",
            folder / "unet",
            device=device,
            dtype=dtype,
            library="diffusers",
        ),
        "vae": hub_network(
            "AutoencoderKL", folder / "vae", device=device, dtype=dtype, library="diffusers"
        ),
        "text_encoder": hub_network(
            "CLIPTextModel", folder / "text_encoder", device=device, dtype=dtype
        ),
    }
    with quiet_offline(), guard_memory():
        import diffusers

        without_voice(diffusers.utils.logging)
        try:
            pipeline = getattr(diffusers, kind).from_pretrained(
                folder, local_files_only=True, torch_dtype=dtype, **networks
            )
        except LOAD_ERRORS as error:
            raise WeightsError(f"{folder} does not load as {kind}: {error}") from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)
