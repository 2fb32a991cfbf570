"""A Sapiens network behind the crop interface: normalising, running, averaging with the mirror."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.sapiens_family.options import NAMES, SCRIPT_SIZE, SapiensOptions
from choreoscope.backends.torch_models.device import Stopwatch, device_for, dtype_for
from choreoscope.backends.torch_models.pictures import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    normalised,
    planar,
)
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.backends.torch_models.weights import (
    brought_file,
    brought_folder,
    hub_network,
    read_json,
    script_network,
)
from choreoscope.capture.passes.interfaces import CropBatch, Crops
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import RunSettings

MEAN_V1 = tuple(value / 255 for value in (123.5, 116.5, 103.5))
STD_V1 = tuple(value / 255 for value in (58.5, 57.0, 57.5))
"""The first generation's; the second one uses ImageNet's."""
CROPS_AT_ONCE = 8

Answer = Mapping[str, np.ndarray]
Tensors = Mapping[str, Any]
Back = Callable[[Tensors], Tensors]


class SapiensNetwork:
    """One network with the statistics its crops are normalised with.

    Parameters
    ----------
    module : torch module
        Called with (B, 3, h, w).
    size : (int, int)
        Height and width of its crops.
    mean, std : tuple of float
        Of sRGB values from 0 to 1.
    take : callable
        What is wanted of the module's answer, as named tensors over the batch.
    """

    def __init__(
        self,
        module: Any,  # noqa: ANN401 - a torch module
        size: tuple[int, int],
        mean: tuple[float, ...],
        std: tuple[float, ...],
        take: Callable[[Any], Tensors],
    ) -> None:
        self.module = module
        self.size = size
        self._mean, self._std = mean, std
        self._take = take
        self.watch = Stopwatch()

    def prepared(self, pictures: np.ndarray) -> np.ndarray:
        """Normalise crops ``(B, h, w, 3)``, 0 to 1, to ``(B, 3, h, w)`` float32."""
        return planar(normalised(pictures, self._mean, self._std))

    def run(self, pictures: np.ndarray, mirrored_back: Back | None = None) -> dict[str, np.ndarray]:
        """Answer for crops.

        Parameters
        ----------
        pictures : (B, h, w, 3) float32
            sRGB, 0 to 1.
        mirrored_back : callable or None
            Undoes in an answer about mirrored crops what mirroring did beside the places of
            pixels (swapped sides, signs); the answer is then averaged with the mirrored crops'.

        Returns
        -------
        dict
            float32 arrays over the batch.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        import torch

        with self.watch.running(), torch.inference_mode():
            place = next(self.module.parameters(), None)
            if place is None:
                place = torch.zeros(1)
            given = torch.from_numpy(self.prepared(pictures)).to(place.device, place.dtype)
            found = self._asked(given)
            if mirrored_back is not None:
                turned = {
                    name: value.flip(-1) for name, value in self._asked(given.flip(-1)).items()
                }
                back = mirrored_back(turned)
                found = {name: (value + back[name]) / 2 for name, value in found.items()}
            return {name: value.cpu().numpy() for name, value in found.items()}

    def _asked(self, given: Any) -> dict[str, Any]:  # noqa: ANN401
        return {name: value.float() for name, value in self._take(self.module(given)).items()}


class SapiensCrops(TimedModel[SapiensNetwork]):
    """Base of the family's crop models.

    Parameters
    ----------
    network : SapiensNetwork
        Looks at crops.
    options : SapiensOptions
        How.
    """

    gives: tuple[str, ...] = ()

    def __init__(self, network: SapiensNetwork, options: SapiensOptions) -> None:
        self.network = network
        self.feeding = Crops(
            size=network.size, batch=CROPS_AT_ONCE, whole_frame=options.whole_frame
        )
        self._back: Back | None = self.mirrored_back if options.mirror else None

    def infer_crops(self, crops: CropBatch) -> Answer:
        """Answer for each crop.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        return self.network.run(crops.pictures, self._back)

    @staticmethod
    def mirrored_back(answer: Tensors) -> Tensors:
        """Undo what mirroring does to values; nothing here."""
        return answer


def hub_sapiens(
    settings: RunSettings,
    chosen: SapiensOptions,
    *,
    names: tuple[str, str],
    kind: str,
    take: Callable[[Any], Tensors],
) -> SapiensNetwork:
    """Open a network of the second generation from a hub folder.

    Parameters
    ----------
    settings : RunSettings
        Threads and device.
    chosen : SapiensOptions
        Where the weights lie.
    names : (str, str)
        Of the back end, and of a published checkpoint.
    kind : str
        Class in transformers.
    take : callable
        What is wanted of its answer.

    Raises
    ------
    WeightsError
        If the weights are absent or others.
    """
    source = f"{NAMES.format(names[1])} (or another size) from a model hub, the whole folder"
    folder = brought_folder(chosen, model=names[0], source=source, types=("sapiens2",))
    device = device_for(settings, chosen.device)
    module = hub_network(kind, folder, device=device, dtype=dtype_for(device))
    tall, wide = _crop_size(folder, module.config)
    patch = module.config.patch_size
    step = patch if isinstance(patch, int) else max(patch)
    if tall % step or wide % step:
        raise WeightsError(f"{names[0]}: {folder}: crops of {tall}x{wide} are not whole patches")
    return SapiensNetwork(module, (tall, wide), IMAGENET_MEAN, IMAGENET_STD, take)


def _crop_size(folder: Path, config: Any) -> tuple[int, int]:  # noqa: ANN401
    """Height and width of crops: as the folder's pictures are prepared, else as it was trained."""
    prepared = folder / "preprocessor_config.json"
    size = read_json(prepared).get("size") if prepared.exists() else None
    if isinstance(size, dict) and {"height", "width"} <= set(size):
        return int(size["height"]), int(size["width"])
    trained = config.image_size
    return (trained, trained) if isinstance(trained, int) else (int(trained[0]), int(trained[1]))


def script_sapiens(
    settings: RunSettings,
    chosen: SapiensOptions,
    *,
    names: tuple[str, str],
    take: Callable[[Any], Tensors],
) -> SapiensNetwork:
    """Open a network of the first generation from a TorchScript file.

    Raises
    ------
    WeightsError
        If the file is absent, another, or no TorchScript.
    """
    source = f"the .pt2 file of {NAMES.format(names[1])} from a model hub"
    path = brought_file(
        chosen, model=names[0], source=source, suffixes=(".pt", ".pt2", ".torchscript")
    )
    device = device_for(settings, chosen.device)
    module = script_network(path, device=device)
    return SapiensNetwork(module, SCRIPT_SIZE, MEAN_V1, STD_V1, take)
