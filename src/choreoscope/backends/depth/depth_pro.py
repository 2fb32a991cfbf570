"""Depth Pro: sharp depth from one picture, metres where the lens is known.

Bochkovskii, Delaunoy, Germain, Santos, Zhou, Richter, Koltun: "Depth Pro", ICLR 2025,
arXiv:2410.02073. The network is transformers' ``DepthProForDepthEstimation``; the picture is
squashed to 1536 x 1536. It answers canonical inverse depth c, as if the picture were as wide as
the focal length is long, and its guess of the field of view. Metres are focal / (c * width).

The guess differs from frame to frame, and depth with it. So the solved camera's focal length is
taken where there is one. Without one the depth of all frames is given for one assumed lens, which
leaves one unknown factor for the whole shot; the guesses are answered as ``fov``.
"""

from collections.abc import Mapping

import numpy as np

from choreoscope.backends.depth.networks.hub import DEPTH, MODULES, HubDepth, HubNetwork
from choreoscope.backends.depth.networks.preparing import Preparation
from choreoscope.backends.torch_models.lens import focal_px, is_known_lens
from choreoscope.backends.torch_models.pictures import HALF
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.weights import Brought, brought_folder
from choreoscope.capture.passes.interfaces import Answer, PassFrame, ShotContext
from choreoscope.datatypes.models import Licence, RunSettings, Tier

KIND = "DepthProForDepthEstimation"
USUAL = Preparation(
    size=(1536, 1536),
    keep_aspect=False,
    multiple=1,
    mean=HALF,
    std=HALF,
    kernel="linear",
    averaged=False,
)
ASSUMED_FOCAL = 0.866
"""Focal length over picture width where nothing is known of the lens: 60 degrees."""
HALF_TURN = 180.0
FARTHEST = 1e4
"""Metres; what the network puts farther away is sky."""


class DepthPro(HubDepth):
    """Depth Pro with one focal length for all frames of a shot."""

    def __init__(self, network: HubNetwork, preparation: Preparation) -> None:
        super().__init__(network, preparation, "scale", SPEC.name)
        self._shot: ShotContext | None = None

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot; a known lens makes the answers metric."""
        self._shot = shot
        self.depth_space = "metric" if is_known_lens(shot) else "scale"

    def _answer(self, frame: PassFrame, found: Mapping[str, np.ndarray]) -> Answer:
        size = frame.picture.shape[:2]
        focal = focal_px(self._shot, frame.frame) or ASSUMED_FOCAL * size[1]
        canonical = self.preparation.restored(found[DEPTH], size)
        answer = {"depth": metres(canonical, focal / size[1])}
        guess = float(found.get("field_of_view", np.nan))
        if 0 < guess < HALF_TURN:
            answer["fov"] = np.asarray(guess, dtype=np.float32)
        return answer

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for people about the shot last begun."""
        if self.depth_space == "metric":
            return ()
        return ("depth_pro: the lens is not known, so depth is true but for one factor",)


def metres(canonical: np.ndarray, focal_over_width: float) -> np.ndarray:
    """Turn canonical inverse depth into metres; NaN where it is 0, negative, or too far.

    Parameters
    ----------
    canonical : (H, W) float32
        As the network answers.
    focal_over_width : float
        Focal length as a share of the picture's width.
    """
    is_known = canonical * np.float32(FARTHEST) > np.float32(focal_over_width)
    safe = np.where(is_known, canonical, np.float32(1.0))
    found: np.ndarray = np.where(is_known, np.float32(focal_over_width) / safe, np.nan)
    return found.astype(np.float32)


def opened(settings: RunSettings, chosen: Brought) -> DepthPro:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    folder = brought_folder(
        chosen,
        model=SPEC.name,
        source="apple/DepthPro-hf from a model hub, the whole folder",
        types=("depth_pro",),
    )
    return DepthPro(HubNetwork(KIND, folder, settings, chosen), Preparation.of(folder, USUAL))


SPEC = brought_spec(
    "depth",
    "depth_pro",
    opened,
    options=Brought,
    modules=MODULES,
    extra="torch",
    licence=Licence(
        name="Apple's own terms",
        tier=Tier.ASK,
        notice="Depth Pro: the hub's card may allow research only; ask before commercial use",
        url="https://huggingface.co/apple/DepthPro-hf",
    ),
    memory_mb=8000,
)
