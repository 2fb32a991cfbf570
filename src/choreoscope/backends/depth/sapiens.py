"""Sapiens (first generation) depth of performers but for a factor and an offset, TorchScript.

Khirodkar et al., "Sapiens: Foundation for Human Vision Models", ECCV 2024. The network is handed
the whole frame, padded and not stretched: in crops every performer would have a factor and an
offset of his own. Only performers' pixels count. For results that were made with it before;
`sapiens2_pointmap` is the better one.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from choreoscope.backends.sapiens_family.network import SapiensNetwork, Tensors
from choreoscope.backends.sapiens_family.options import SapiensOptions
from choreoscope.backends.sapiens_family.specs import script_spec
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.capture.passes.crops import cut, uncropped, whole_frame
from choreoscope.capture.passes.interfaces import Answer, DepthSpace, Frames, PassFrame, PassState
from choreoscope.geometry.masks import decode

FRAMES_AT_ONCE = 4


class SapiensDepth(TimedModel[SapiensNetwork]):
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


def _taken(answer: Any) -> Tensors:  # noqa: ANN401 - the network's
    return {"depth": answer}


SPEC = script_spec(
    "depth",
    ("sapiens", "sapiens-depth-1b-torchscript"),
    SapiensDepth,
    take=_taken,
)
