"""SAM 2.1 video: a matte per performer, followed by memory from the tracks' boxes.

Ravi et al.: "SAM 2: Segment Anything in Images and Videos", arXiv:2408.00714. The network is
transformers' ``Sam2VideoModel``, fed frame by frame through inference sessions put together here,
one per performer; its own processor needs torchvision and is not used.

A performer is shown to it by the box of the track where the track begins, where it comes back
after a gap, and again every so many frames, so that a slip does not last. What it remembers is the
state: a run that is stopped goes on as if it had not been. Every pixel goes to the performer whose
logit is the highest. It tells masks, not hair: the edge is one pixel wide.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from choreoscope.backends.matte.networks.sam2_memory import Memory, packed, unpacked
from choreoscope.backends.torch_models.device import Stopwatch, device_for, dtype_for
from choreoscope.backends.torch_models.pictures import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    normalised,
    planar,
    resized,
    shrunk,
)
from choreoscope.backends.torch_models.specs import brought_spec
from choreoscope.backends.torch_models.timed import TimedModel
from choreoscope.backends.torch_models.weights import Brought, brought_folder, hub_network
from choreoscope.capture.passes.interfaces import (
    Answer,
    PassFrame,
    PassState,
    PersonHere,
    Recurrent,
    ShotContext,
)
from choreoscope.capture.passes.smoothing import runs_of
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.models import Licence, RunSettings, Tier

TOP_LEFT, BOTTOM_RIGHT = 2, 3
"""Labels of the points that are a box's corners."""
CHUNK = 8
FLATTEST = 1e-6
SOURCE = "facebook/sam2.1-hiera-small (or -tiny, -base-plus, -large) from a model hub, the whole \
folder"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sam2Options(Brought):
    """How performers are followed.

    Attributes
    ----------
    reseed : int
        A performer is shown anew by the track's box after so many frames; 0: only where the track
        begins.
    bridge : int
        Through gaps of the track of at most so many frames a performer is followed all the same.
    """

    reseed: int = 64
    bridge: int = 12

    def __post_init__(self) -> None:
        if self.reseed < 0 or self.bridge < 0:
            raise InputError("reseed and bridge must be 0 or more")


class Sam2Network:
    """The network with what belongs to it: size, preparation, sessions.

    Parameters
    ----------
    module : Sam2VideoModel
        Of transformers.
    device : str
        Where it is.
    """

    def __init__(self, module: Any, device: str) -> None:  # noqa: ANN401
        side = module.config.image_size
        self.size: tuple[int, int] = (side, side) if isinstance(side, int) else tuple(side)
        self.watch = Stopwatch()
        self.module, self._device = module, device
        self._dtype = next(module.parameters()).dtype
        # Performers share what the network sees in a frame; only the memory is their own.
        self._seen: Any = None
        self._seen = self.session().cache

    def session(self) -> Any:  # noqa: ANN401
        """Make an empty session with one object in it."""
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        made = Sam2VideoInferenceSession(
            inference_device=self._device,
            inference_state_device=self._device,
            video_storage_device=self._device,
            dtype=self._dtype,
        )
        made.obj_id_to_idx(1)
        made.processed_frames = {}
        if self._seen is not None:
            made.cache = self._seen
        return made

    def forget_pictures(self) -> None:
        """Let go of the frame seen last: another may come under its number."""
        self._seen.clear_all()

    def prepared(self, picture: np.ndarray) -> Any:  # noqa: ANN401
        """Make the network's input, ``(3, h, w)``: squashed, averaged, ImageNet's statistics."""
        import torch

        small = shrunk(picture, self.size, "linear") / np.float32(255)
        return torch.from_numpy(planar(normalised(small, IMAGENET_MEAN, IMAGENET_STD)))

    def show(self, memory: Memory, box: np.ndarray, size: tuple[int, ...]) -> None:
        """Tell a session where its performer is in the frame it was made for.

        Parameters
        ----------
        memory : Memory
            Whose.
        box : (4,) float
            Left, top, right, bottom, frame pixels.
        size : (int, int)
            Height and width of the frame.
        """
        import torch

        scale = np.array([self.size[1] / size[1], self.size[0] / size[0]])
        corners = np.asarray(box, dtype=np.float64).reshape(2, 2) * scale
        inputs = {
            "point_coords": torch.tensor(corners, dtype=torch.float32)[None, None],
            "point_labels": torch.tensor([[[TOP_LEFT, BOTTOM_RIGHT]]], dtype=torch.int32),
        }
        memory.session.add_point_inputs(0, memory.seeded, inputs)
        memory.session.obj_with_new_inputs = [1]

    def look(self, memory: Memory, frame: int, pixels: Any) -> np.ndarray:  # noqa: ANN401
        """Follow one performer into a frame: logits ``(h, w)`` float32.

        Raises
        ------
        MemoryError
            If it is too much at once.
        """
        config = self.module.config
        with self.watch.running():
            found = self.module(
                inference_session=memory.session, frame=pixels[None], frame_idx=frame
            )
            logits: np.ndarray = found.pred_masks[0, 0].float().cpu().numpy()
        memory.forget(
            frame, masks=config.num_maskmem, pointers=config.max_object_pointers_in_encoder
        )
        return logits


class Sam2Matte(TimedModel[Sam2Network]):
    """Alpha per performer; see `PassModel`."""

    feeding = Recurrent(chunk=CHUNK)

    def __init__(self, network: Sam2Network, options: Sam2Options) -> None:
        self.network = network
        self._options = options
        self._begins: dict[str, dict[int, int]] = {}

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot: where tracks begin, and which of their gaps are bridged."""
        self.network.forget_pictures()
        self._begins = {
            person: {
                frame: run[0]
                for run in runs_of(sorted(one.boxes_xyxy), self._options.bridge + 1)
                for frame in range(run[0], run[-1] + 1)
            }
            for person, one in sorted(shot.performers.items())
        }

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order; see `PassModel.infer`."""
        memories = unpacked(state or {}, self.network.session)
        answers = [self._answer(frame, memories) for frame in frames]
        return answers, packed(memories)

    def _answer(self, frame: PassFrame, memories: dict[str, Memory]) -> Answer:
        size = frame.picture.shape[:2]
        here = {name: begins[frame.frame] for name, begins in self._begins.items()
                if frame.frame in begins}  # fmt: skip
        for gone in set(memories) - set(here):
            del memories[gone]
        pixels = self.network.prepared(frame.picture) if here else None
        logits = {}
        for person, begun in here.items():
            known = self._shown(memories.get(person), begun, frame, frame.people.get(person))
            if known is not None:
                memories[person] = known
                found = self.network.look(known, frame.frame, pixels)
                logits[person] = resized(found, size, "linear")
        own = owned(logits)
        everybody = sum(own.values(), start=np.zeros(size, np.float32))
        return {"alpha": np.minimum(everybody, 1), **{f"alpha.{one}": own[one] for one in own}}

    def _shown(
        self, memory: Memory | None, begun: int, frame: PassFrame, here: PersonHere | None
    ) -> Memory | None:
        """Keep a memory, or begin a new one where it is due; None without a box to begin with."""
        every = self._options.reseed
        if memory is not None and memory.seeded >= begun:
            is_old = every > 0 and frame.frame - memory.seeded >= every
            if not is_old or here is None:
                return memory
        if here is None:
            return None
        fresh = Memory(self.network.session(), frame.frame)
        self.network.show(fresh, here.box_xyxy, frame.picture.shape[:2])
        return fresh


def owned(logits: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Divide a frame between performers by their logits.

    Parameters
    ----------
    logits : mapping
        Person to ``(H, W)`` float32; above 0 means the performer.

    Returns
    -------
    dict
        Person to ``(H, W)`` float32 alpha: the highest logit takes the pixel, and an edge is a
        ramp one pixel wide, at the place between pixels where logits cross.
    """
    found = {}
    for person, own in logits.items():
        margin = own
        for other in (value for name, value in logits.items() if name != person):
            margin = np.minimum(margin, own - other)
        down, right = np.gradient(margin)
        slope = np.maximum(np.hypot(down, right), FLATTEST)
        found[person] = np.clip(0.5 + margin / slope, 0, 1).astype(np.float32)
    # Where three meet, ramps are of unlike steepness and may add up to more than the pixel.
    total = np.maximum(sum(found.values()), 1)
    return {person: one / total for person, one in found.items()}


def opened(settings: RunSettings, chosen: Sam2Options) -> Sam2Matte:
    """Open the network.

    Raises
    ------
    WeightsError
        If its weights are absent or others.
    """
    folder = brought_folder(chosen, model=SPEC.name, source=SOURCE, types=("sam2_video",))
    device = device_for(settings, chosen.device)
    module = hub_network("Sam2VideoModel", folder, device=device, dtype=dtype_for(device))
    return Sam2Matte(Sam2Network(module, device), chosen)


SPEC = brought_spec(
    "matte",
    "sam2",
    opened,
    options=Sam2Options,
    modules=("torch", "transformers", "safetensors", "cv2"),
    extra="torch",
    licence=Licence(
        name="Apache-2.0",
        tier=Tier.COMMERCIAL,
        notice="SAM 2.1, Meta, Apache-2.0",
        url="https://github.com/facebookresearch/sam2",
    ),
    memory_mb=4000,
)
