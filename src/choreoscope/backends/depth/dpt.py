"""MiDaS 3 / DPT: relative depth from one picture.

Ranftl, Bochkovskiy, Koltun: "Vision Transformers for Dense Prediction", ICCV 2021,
arXiv:2103.13413; Birkl, Wofk, Mueller: "MiDaS v3.1", arXiv:2307.14460. The network is
transformers' ``DPTForDepthEstimation``; it answers inverse depth but for a factor and an offset,
larger nearer. Sizes are read from the folder of the weights: 384 squashed for dpt-large, 512 with
the aspect kept for dpt-beit-large-512.
"""

from choreoscope.backends.depth.networks.hub import MODULES, HubDepth, HubNetwork, HubOptions
from choreoscope.backends.depth.networks.preparing import Preparation
from choreoscope.backends.torch_models.pictures import HALF
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.weights import brought_folder
from choreoscope.datatypes.models import Licence, RunSettings, Tier

KIND = "DPTForDepthEstimation"
USUAL = Preparation(size=(384, 384), keep_aspect=False, multiple=1, mean=HALF, std=HALF)


def opened(settings: RunSettings, chosen: HubOptions) -> HubDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    folder = brought_folder(
        chosen,
        model=SPEC.name,
        source="Intel/dpt-large or Intel/dpt-beit-large-512 from a model hub, the whole folder",
        types=("dpt",),
    )
    network = HubNetwork(KIND, folder, settings, chosen)
    preparation = Preparation.of(folder, USUAL, chosen.side)
    return HubDepth(network, preparation, "affine_inverse", SPEC.name)


SPEC = brought_spec(
    "depth",
    "dpt",
    opened,
    options=HubOptions,
    modules=MODULES,
    extra="torch",
    licence=Licence(
        name="MIT or Apache-2.0, not confirmed",
        tier=Tier.ASK,
        notice="MiDaS / DPT: check the card of the weights before commercial use",
        url="https://huggingface.co/Intel/dpt-large",
    ),
    memory_mb=3500,
)
