"""BodyPix: a person's outline and 24 parts, one crop per performer.

Google's TensorFlow.js models, "BodyPix 2.0" (2019), Apache-2.0: MobileNet with one answer for
every 16 pixels, RGB -1 to 1. Pixels i * 16 of the picture are where the answers lie, so sizes are
multiples of 16 and one more, and answers are brought to the picture corner centre to corner centre.
"""

import dataclasses
import functools
from typing import Any

import numpy as np

from choreoscope.backends.torch_models.device import Stopwatch
from choreoscope.backends.torch_models.pictures import HALF, normalised, resized_corners
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.weights import Brought, brought_file, onnx_session
from choreoscope.capture.passes.interfaces import Crops, ShotContext
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier

SHA256 = "f2e51d18eec8e3c9ef3f196ea0245db1d86529161d19e14466ad4ebc5e6ee242"
NAME = "bodypix"
MODULES = ("onnxruntime", "cv2")
SOURCE = "MobileNetV1-x050-stride16.onnx of keijiro/BodyPixSentis"
LICENCE = Licence(
    name="Apache-2.0",
    tier=Tier.COMMERCIAL,
    notice="BodyPix, Google, Apache-2.0",
    url="https://github.com/tensorflow/tfjs-models/tree/master/body-pix",
)
STRIDE = 16
SIZE = (32 * STRIDE + 1, 24 * STRIDE + 1)
"""Larger crops are finer but lose small performers, smaller ones blur limbs."""
PADDING = 1.05
OUTLINE, PARTS = "segments", "part_heatmaps"

PART_NAMES = (
    "left_face",
    "right_face",
    "left_upper_arm_front",
    "left_upper_arm_back",
    "right_upper_arm_front",
    "right_upper_arm_back",
    "left_lower_arm_front",
    "left_lower_arm_back",
    "right_lower_arm_front",
    "right_lower_arm_back",
    "left_hand",
    "right_hand",
    "torso_front",
    "torso_back",
    "left_upper_leg_front",
    "left_upper_leg_back",
    "right_upper_leg_front",
    "right_upper_leg_back",
    "left_lower_leg_front",
    "left_lower_leg_back",
    "right_lower_leg_front",
    "right_lower_leg_back",
    "left_foot",
    "right_foot",
)
"""In the network's order; left and right are the performer's."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BodypixOptions(Brought):
    """How the network is used.

    Attributes
    ----------
    sha256 : str
        Hash the file must have; that of the published file, change it only for one you made.
    whole_frame : bool
        Whether the whole frame is looked at where nobody was tracked in the shot; only people who
        fill it are found so.
    """

    sha256: str = SHA256
    whole_frame: bool = False


class Bodypix:
    """The network behind crops; base of its back ends.

    Parameters
    ----------
    session : InferenceSession
        From `bodypix_session`.
    whole_frame : bool
        See `BodypixOptions`.
    """

    def __init__(self, session: Any, *, whole_frame: bool) -> None:  # noqa: ANN401
        self.feeding = Crops(size=SIZE, padding=PADDING, whole_frame=whole_frame)
        self._session = session
        self._input = session.get_inputs()[0].name
        self._watch = Stopwatch()

    def start(self, shot: ShotContext) -> None:
        """Nothing depends on the shot."""

    def logits(self, pictures: np.ndarray, names: tuple[str, ...]) -> list[np.ndarray]:
        """Ask about crops ``(B, h, w, 3)``, one at a time.

        Returns
        -------
        list of (B, h, w, C) float32
            Logits of each output named, at the crops' size.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        found: list[list[np.ndarray]] = [[] for _ in names]
        for picture in pictures:
            given = normalised(picture, HALF, HALF)[None]
            with self._watch.running():
                answers = self._session.run(list(names), {self._input: given})
            for kept, answer in zip(found, answers, strict=True):
                kept.append(resized_corners(answer[0], picture.shape[:2]))
        return [np.stack(one) for one in found]

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far."""
        return self._watch.seconds


def bodypix_session(settings: RunSettings, chosen: BodypixOptions, name: str) -> Any:  # noqa: ANN401
    """Open the network for the back end of a name.

    Raises
    ------
    WeightsError
        If the file is absent, another, or answers something else.
    """
    path = brought_file(chosen, model=name, source=SOURCE, suffixes=(".onnx",))
    session = onnx_session(path, settings, chosen.device)
    channels = {one.name: one.shape[-1] for one in session.get_outputs()}
    if (channels.get(OUTLINE), channels.get(PARTS)) != (1, len(PART_NAMES)):
        raise WeightsError(
            f"{path} is no BodyPix: expected outputs {OUTLINE} (1 channel) and {PARTS} "
            f"({len(PART_NAMES)}), got {channels}"
        )
    return session


def bodypix_spec(task: str, model: type[Bodypix], *, memory_mb: int) -> BackendSpec:
    """Describe the back end of a task whose answers a class makes of the network's."""
    return brought_spec(
        task,
        NAME,
        # Not a closure: descriptions travel to worker processes.
        functools.partial(_opened, model),
        options=BodypixOptions,
        modules=MODULES,
        extra="onnx",
        licence=LICENCE,
        memory_mb=memory_mb,
    )


def _opened(model: type[Bodypix], settings: RunSettings, chosen: BodypixOptions) -> Bodypix:
    return model(bodypix_session(settings, chosen, NAME), whole_frame=chosen.whole_frame)
