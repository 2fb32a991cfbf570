"""Robust Video Matting: mattes of everybody at once, recurrent, so steady in time.

Lin, Yang, Saleemi, Sengupta: "Robust High-Resolution Video Matting with Temporal Guidance",
WACV 2022, arXiv:2108.11515. Its code is GPL-3.0 and no part of this; the network is a file the user
brings, TorchScript or ONNX, as its makers publish it:

* inputs ``src`` (RGB, 0 to 1), four states, ``downsample_ratio``;
* outputs ``fgr`` (not premultiplied), ``pha``, the four states for the next frame.

The state is those four, so frames can be handed over in chunks of any length, and a run that is
resumed goes on to the bit. It begins anew with every shot.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from choreoscope.backends.matte.networks.files import FileNetwork, open_file
from choreoscope.backends.torch_models.pictures import planar, unit
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.backends.torch_models.weights import Brought
from choreoscope.capture.passes.interfaces import Answer, PassFrame, PassState, Recurrent
from choreoscope.datatypes.errors import InputError, WeightsError
from choreoscope.datatypes.models import Licence, RunSettings, Tier

STATES = ("r1", "r2", "r3", "r4")
RATIO = "downsample_ratio"
CHUNK = 4
BODY_SIDE = 768
"""Longer side of the working picture for whole bodies: 0.6 at 720p, 0.4 at 1080p, 0.2 at 4K."""
SOURCE = "rvm_resnet50_fp32.torchscript (or rvm_mobilenetv3_fp32, .torchscript or .onnx) from the \
releases of PeterL1n/RobustVideoMatting"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RvmOptions(Brought):
    """How the network goes through the film.

    Attributes
    ----------
    ratio : float
        By how much pictures are shrunk for its first stage; 0 takes what its makers advise for
        whole bodies: a longer side of 768 pixels.
    prime : int
        So many first frames of a shot are run through backwards before it begins, so that its
        memory is not empty there.
    """

    ratio: float = 0.0
    prime: int = 10

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1 or self.prime < 0:
            raise InputError(
                f"ratio must be 0 to 1 and prime 0 or more, got {self.ratio} and {self.prime}"
            )


class RobustVideoMatting(TimedModel[FileNetwork]):
    """Alpha and foreground of everybody; see `PassModel`."""

    def __init__(self, network: FileNetwork, options: RvmOptions) -> None:
        self.feeding = Recurrent(chunk=CHUNK, prime=options.prime)
        self.network = network
        self._ratio = options.ratio

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        pictures = planar(unit(np.stack([frame.picture for frame in frames])))
        ratio = self._ratio or body_ratio(frames[0].picture.shape)
        ask = self._onnx if self.network.is_onnx else self._script
        foreground, alpha, after = ask(pictures, state, ratio)
        colours = np.moveaxis(foreground, 1, -1)
        answers: list[Answer] = [
            {
                "alpha": np.clip(one, 0, 1),
                "foreground": np.ascontiguousarray(np.clip(colour, 0, 1)),
            }
            for one, colour in zip(alpha[:, 0], colours, strict=True)
        ]
        return answers, after

    def _script(
        self, pictures: np.ndarray, state: PassState | None, ratio: float
    ) -> tuple[np.ndarray, np.ndarray, PassState]:
        before = [None] * len(STATES) if state is None else [state[name] for name in STATES]
        found = self.network.call(pictures[None], *before, ratio)
        if len(found) != len(STATES) + 2:
            raise WeightsError(
                f"{self.network.path} is no Robust Video Matting: expected foreground, alpha and "
                f"four states, got {len(found)} outputs"
            )
        foreground, alpha, *after = found
        return foreground[0], alpha[0], dict(zip(STATES, after, strict=True))

    def _onnx(
        self, pictures: np.ndarray, state: PassState | None, ratio: float
    ) -> tuple[np.ndarray, np.ndarray, PassState]:
        held = state or {name: np.zeros((1, 1, 1, 1), np.float32) for name in STATES}
        # A file of one's own export may have its ratio fixed.
        fixed = {RATIO: np.array([ratio], np.float32)} if RATIO in self.network.inputs else {}
        foreground, alpha = [], []
        for picture in pictures:
            before = {f"{name}i": held[name] for name in STATES}
            found = self.network.run({"src": picture[None], **before, **fixed})
            foreground.append(found["fgr"][0])
            alpha.append(found["pha"][0])
            held = {name: found[f"{name}o"] for name in STATES}
        return np.stack(foreground), np.stack(alpha), held


def body_ratio(size: tuple[int, ...]) -> float:
    """Ratio for whole bodies in pictures of a size, its makers' column "full-body"."""
    return min(1.0, BODY_SIDE / max(size[:2]))


def opened(settings: RunSettings, chosen: RvmOptions) -> RobustVideoMatting:
    """Open the file.

    Raises
    ------
    WeightsError
        If it is absent or another.
    """
    network = open_file(chosen, settings, model=SPEC.name, source=SOURCE)
    if network.is_onnx:
        network.require(
            ("src", *(f"{name}i" for name in STATES)),
            ("fgr", "pha", *(f"{name}o" for name in STATES)),
            "Robust Video Matting",
        )
    return RobustVideoMatting(network, chosen)


SPEC = brought_spec(
    "matte",
    "robust_video_matting",
    opened,
    options=RvmOptions,
    modules=("torch", "cv2"),
    extra="torch",
    licence=Licence(
        name="GPL-3.0",
        tier=Tier.ASK,
        notice=(
            "Robust Video Matting, ByteDance, GPL-3.0: the file is yours, its code no part of "
            "this; ask before you pass it on"
        ),
        url="https://github.com/PeterL1n/RobustVideoMatting",
    ),
    memory_mb=3000,
)
