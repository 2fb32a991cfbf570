"""MoGe-2: points, depth and normals from one picture, shared by its depth and its normals.

Wang, Xu, Dong, Deng, Xiang, Lv, Sun, Tong, Yang: "MoGe-2: Accurate Monocular Geometry with Metric
Scale and Sharp Details", arXiv:2507.02546. Code and weights are MIT. The network is the module
``moge`` (upstream's, or its repackaging on the package index); it is told the solved camera's
field of view, which keeps depth from swelling and shrinking with its own guesses.
"""

import dataclasses
import importlib.util
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.torch_models.device import Stopwatch, device_for, guard_memory
from choreoscope.backends.torch_models.lens import fov_degrees
from choreoscope.backends.torch_models.pictures import planar, unit
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.backends.torch_models.weights import Brought, brought_file
from choreoscope.capture.passes.interfaces import Frames, PassFrame, ShotContext
from choreoscope.datatypes.errors import BackendUnavailableError, InputError, WeightsError
from choreoscope.datatypes.models import Licence, RunSettings, Tier

MODULES = ("torch", "huggingface_hub")
OWN_MODULES = ("moge", "utils3d")
"""Of no extra of ours: what they declare to need (torchvision, a web interface) is not needed."""
INSTALL = "python -m pip install --no-deps dlr-moge==2.0.0 dlr-utils3d==1.3"
SOURCE = "model.pt of Ruicheng/moge-2-vitl-normal (or -vitb-normal, -vits-normal) from a model hub"
LICENCE = Licence(
    name="MIT",
    tier=Tier.COMMERCIAL,
    notice="MoGe-2, Microsoft, MIT",
    url="https://github.com/microsoft/MoGe",
)
OPENGL = np.array([1.0, -1.0, -1.0], dtype=np.float32)
"""From the network's axes (x right, y down, z forward) to y up, z to the viewer."""
LEVELS = 9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MogeOptions(Brought):
    """What the network is asked.

    Attributes
    ----------
    detail : int
        0 (fast) to 9 (fine): how many pieces the picture is read in.
    """

    detail: int = 9

    def __post_init__(self) -> None:
        if not 0 <= self.detail <= LEVELS:
            raise InputError(f"detail must be 0 to {LEVELS}, got {self.detail}")


class Moge:
    """The network behind arrays.

    Parameters
    ----------
    settings : RunSettings
        Threads.
    chosen : MogeOptions
        Where the weights lie, and what is asked.
    name : str
        Of the back end, for errors.

    Raises
    ------
    BackendUnavailableError
        If its module is not installed.
    WeightsError
        If its weights are absent or others.
    """

    def __init__(self, settings: RunSettings, chosen: MogeOptions, name: str) -> None:
        missing = [one for one in OWN_MODULES if not is_there(one)]
        if missing:
            raise BackendUnavailableError(
                f"{name} needs {', '.join(missing)}, not installed; next: {INSTALL}"
            )
        path = brought_file(chosen, model=name, source=SOURCE, suffixes=(".pt",))
        self.device = device_for(settings, chosen.device)
        self.batch = settings.batch if self.device == "cuda" else 1
        self.module = _network(path).to(self.device).eval()
        self.watch = Stopwatch()
        self._detail = chosen.detail

    def __call__(
        self, pictures: Sequence[np.ndarray], fov_degrees: Sequence[float | None]
    ) -> list[dict[str, np.ndarray]]:
        """Look at pictures of one size.

        Parameters
        ----------
        pictures : sequence of (H, W, 3) uint8
        fov_degrees : sequence of float or None
            Horizontal; None in all for the network's own guess.

        Returns
        -------
        list of dict
            ``depth`` (H, W), metres but for a factor, NaN where unknown; ``normals`` (H, W, 3)
            unit, x right, y up, z to the viewer, 0 where unknown, if the weights have them;
            ``fov`` (), degrees.
        """
        import torch

        known = [angle for angle in fov_degrees if angle is not None]
        image = torch.from_numpy(planar(unit(np.stack(pictures)))).to(self.device)
        with self.watch.running(), torch.inference_mode(), warnings.catch_warnings():
            # It asks the processor for a precision it then does without.
            warnings.filterwarnings("ignore", message="In CPU autocast")
            found = self.module.infer(
                image,
                resolution_level=self._detail,
                fov_x=torch.tensor(known, device=self.device) if known else None,
                use_fp16=self.device == "cuda",
            )
            arrays = {name: one.float().cpu().numpy() for name, one in found.items()}
        return [
            _house({name: one[at] for name, one in arrays.items()}) for at in range(len(pictures))
        ]


class MogeModel(TimedModel[Moge]):
    """Base of the models of MoGe-2: it looks at frames with the solved camera's field of view."""

    origin = "moge2"

    def __init__(self, network: Moge) -> None:
        self.feeding = Frames(batch=network.batch)
        self.network = network
        self._shot: ShotContext | None = None

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot; its camera fixes the field of view."""
        self._shot = shot

    def found(self, frames: Sequence[PassFrame]) -> list[dict[str, np.ndarray]]:
        """Look at frames; see `Moge`."""
        return self.network(
            [frame.picture for frame in frames],
            [fov_degrees(self._shot, frame.frame) for frame in frames],
        )


def is_there(module: str) -> bool:
    """Whether a module is installed, or imported already; nothing is imported to find out."""
    return module in sys.modules or importlib.util.find_spec(module) is not None


def _house(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Bring the network's answers to one picture to the house's axes and gaps."""
    depth = found["depth"].astype(np.float32)
    is_known = np.isfinite(depth) & (depth > 0)
    fov = 2 * np.degrees(np.arctan(0.5 / found["intrinsics"][0, 0]))
    house = {
        "depth": np.where(is_known, depth, np.float32(np.nan)),
        "fov": np.asarray(fov, dtype=np.float32),
    }
    if "normal" in found:
        house["normals"] = found["normal"].astype(np.float32) * OPENGL * is_known[..., None]
    return house


def _network(path: Path) -> Any:  # noqa: ANN401
    """Build the network a file describes, and fill in every weight of it."""
    import pickle  # noqa: TID251 - only its error: the file is read without running code

    import torch

    with warnings.catch_warnings(), guard_memory():
        warnings.simplefilter("ignore")
        from moge.model.v2 import MoGeModel

        try:
            file = torch.load(path, map_location="cpu", weights_only=True)
            network = MoGeModel(**file["model_config"])
            missing, _ = network.load_state_dict(file["model"], strict=False)
        except (RuntimeError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
            raise WeightsError(f"{path} is no MoGe-2 file ({error}); get {SOURCE}") from error
    if missing:
        raise WeightsError(
            f"{path}: {len(missing)} weights of MoGe-2 are missing, for example {missing[0]}; "
            f"get {SOURCE}"
        )
    return network
