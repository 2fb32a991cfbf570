"""MediaPipe's selfie segmentation: a small, quick network, one crop per performer.

Google, "MediaPipe Selfie Segmentation", model card of 2021: 256 by 256 pixels, RGB 0 to 1, trained
on people near the camera. On a whole frame of stage it finds nobody; on a tight crop round each
performer it agrees with the people back end's masks (``python -m benchmarks.small_networks``).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from choreoscope.backends.torch_models.device import Stopwatch
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.weights import Brought, brought_file, onnx_session, run_onnx
from choreoscope.capture.passes.interfaces import CropBatch, Crops, ShotContext
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import Licence, RunSettings, Tier

SHA256 = "1511ab5564cb0ae179cba9bcad6ad931003ccc71656f11fd270967023678c6a5"
SIDE = 256
PADDING = 1.05
"""Tight: with 1.25 it loses hands and feet."""
SOURCE = "selfie_segmentation.onnx of the background removal plug-in of OBS"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SelfieOptions(Brought):
    """How the network is used.

    Attributes
    ----------
    sha256 : str
        Hash the file must have; that of the published file, change it only for one you made.
    whole_frame : bool
        Whether the whole frame is looked at where nobody was tracked in the shot; only people
        near the camera are found so.
    """

    sha256: str = SHA256
    whole_frame: bool = False


class SelfieSegmentation:
    """Alpha per performer; see `CropModel`."""

    gives = ("alpha",)

    def __init__(self, session: Any, whole_frame: bool) -> None:  # noqa: ANN401, FBT001
        self.feeding = Crops(size=(SIDE, SIDE), padding=PADDING, whole_frame=whole_frame)
        self._session = session
        self._input = session.get_inputs()[0].name
        self._watch = Stopwatch()

    def start(self, shot: ShotContext) -> None:
        """Nothing depends on the shot."""

    def infer_crops(self, crops: CropBatch) -> Mapping[str, np.ndarray]:
        """Answer for each crop; the file takes one at a time.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        found = []
        for picture in crops.pictures:
            with self._watch.running():
                answer = run_onnx(self._session, {self._input: picture[None]})
            found.append(next(iter(answer.values()))[0, ..., 0])
        return {"alpha": np.clip(np.stack(found), 0, 1)}

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far."""
        return self._watch.seconds


def opened(settings: RunSettings, chosen: SelfieOptions) -> SelfieSegmentation:
    """Open the network.

    Raises
    ------
    WeightsError
        If the file is absent, another, or takes something else.
    """
    path = brought_file(chosen, model=SPEC.name, source=SOURCE, suffixes=(".onnx",))
    session = onnx_session(path, settings, chosen.device)
    shapes = [list(one.shape) for one in (*session.get_inputs(), *session.get_outputs())]
    if shapes != [[1, SIDE, SIDE, 3], [1, SIDE, SIDE, 1]]:
        raise WeightsError(
            f"{path} is no selfie segmentation: expected (1, {SIDE}, {SIDE}, 3) to "
            f"(1, {SIDE}, {SIDE}, 1), got {shapes}"
        )
    return SelfieSegmentation(session, chosen.whole_frame)


SPEC = brought_spec(
    "matte",
    "selfie_segmentation",
    opened,
    options=SelfieOptions,
    modules=("onnxruntime", "cv2"),
    extra="onnx",
    licence=Licence(
        name="Apache-2.0",
        tier=Tier.COMMERCIAL,
        notice="MediaPipe Selfie Segmentation, Google, Apache-2.0",
        url="https://github.com/google-ai-edge/mediapipe",
    ),
    memory_mb=300,
)
