"""Sapiens (first generation) depth of performers but for a factor and an offset, TorchScript.

Khirodkar et al., "Sapiens: Foundation for Human Vision Models", ECCV 2024. The network is handed
the whole frame, padded and not stretched: in crops every performer would have a factor and an
offset of his own. Only performers' pixels count. For results that were made with it before;
`sapiens2_pointmap` is the better one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.backends.sapiens_family.network import SapiensNetwork, Tensors, script_sapiens
from choreoscope.backends.sapiens_family.options import SAPIENS1, SCRIPT_MODULES, SapiensOptions
from choreoscope.capture.passes.crops import cut, uncropped, whole_frame
from choreoscope.capture.passes.interfaces import (
    Answer,
    DepthSpace,
    Frames,
    PassFrame,
    PassState,
    ShotContext,
)
from choreoscope.datatypes.models import BackendSpec, RunSettings
from choreoscope.geometry.masks import decode

FRAMES_AT_ONCE = 4


class SapiensDepth:
    """Relative depth, only of performers.

    Parameters
    ----------
    network : SapiensNetwork
        Answers ``depth``.
    options : SapiensOptions
        How.
    """

    depth_space: DepthSpace = "affine"
    feeding = Frames(batch=FRAMES_AT_ONCE)

    def __init__(self, network: SapiensNetwork, options: SapiensOptions) -> None:
        self.network = network
        self._back = _same if options.mirror else None
        self._everything = options.whole_frame

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far."""
        return self.network.watch.seconds

    def start(self, shot: ShotContext) -> None:
        """Nothing depends on the shot."""

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame; NaN outside performers' masks, or boxes where there are none.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        del state
        sizes = [(frame.picture.shape[1], frame.picture.shape[0]) for frame in frames]
        crops = [whole_frame(size, self.network.size) for size in sizes]
        pictures = np.stack(
            [cut(frame.picture, crop) for frame, crop in zip(frames, crops, strict=True)]
        )
        found = self.network.run(pictures, self._back)["depth"][:, 0]
        answers: list[Answer] = []
        for frame, crop, size, depth in zip(frames, crops, sizes, found, strict=True):
            whole = uncropped(depth, crop, slice(0, size[1]), slice(0, size[0]))
            answers.append({"depth": np.where(self._known(frame), whole, np.float32("nan"))})
        return answers, {}

    def _known(self, frame: PassFrame) -> np.ndarray:
        """Pixels of performers."""
        known = np.zeros(frame.picture.shape[:2], dtype=bool)
        if not frame.people and self._everything:
            return ~known
        for here in frame.people.values():
            if here.mask is not None:
                known |= decode(here.mask)
                continue
            left, top, right, bottom = np.maximum(np.rint(here.box_xyxy), 0).astype(int)
            known[top:bottom, left:right] = True
        return known


def _same(answer: Tensors) -> Tensors:
    return answer


def load(
    weights: Mapping[str, Path], settings: RunSettings, options: Mapping[str, Any]
) -> SapiensDepth:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    del weights
    network, chosen = script_sapiens(
        settings,
        options,
        names=(SPEC.name, "sapiens-depth-1b-torchscript"),
        take=lambda answer: {"depth": answer},
    )
    return SapiensDepth(network, chosen)


SPEC = BackendSpec(
    task="depth",
    name="sapiens",
    version=1,
    load=load,
    modules=SCRIPT_MODULES,
    extra="torch",
    weights=(),
    licence=SAPIENS1,
    memory_mb=8000,
    options=SapiensOptions,
)
