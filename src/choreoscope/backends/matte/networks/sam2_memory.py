"""What SAM 2 remembers of one performer: kept small, and as plain arrays to be stored.

Its network looks back at the frame it was shown the performer in, at the masks of the last few
frames and at one vector each of some more. Nothing older is ever read, so nothing older is kept,
and what is kept is all there is to going on after a stop.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

SEEDED, FRAMES, POINTERS, MASKED, MASKS, PLACES = (
    "seeded",
    "frames",
    "pointers",
    "masked",
    "masks",
    "places",
)
SEEDS, FOLLOWED = "cond_frame_outputs", "non_cond_frame_outputs"
POINTER, MASK, PLACE = "object_pointer", "maskmem_features", "maskmem_pos_enc"
READ_AGAIN = (POINTER, MASK, PLACE)


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """One performer's inference session; he or she is its only object.

    Attributes
    ----------
    session : Sam2VideoInferenceSession
        Of transformers.
    seeded : int
        Frame in which it was shown the performer.
    """

    session: Any
    seeded: int

    @property
    def outputs(self) -> dict[str, dict[int, dict[str, Any]]]:
        """What it remembers, by kind and frame."""
        found: dict[str, dict[int, dict[str, Any]]] = self.session.output_dict_per_obj[0]
        return found

    def forget(self, frame: int, *, masks: int, pointers: int) -> None:
        """Let go of what the frames after `frame` never read.

        Parameters
        ----------
        frame : int
            Just looked at.
        masks, pointers : int
            Frames, the next one included, that masks and vectors are read of.
        """
        followed = self.outputs[FOLLOWED]
        for old in [one for one in followed if one <= frame - pointers]:
            del followed[old]
        for kind in (SEEDS, FOLLOWED):
            for at, output in self.outputs[kind].items():
                is_read = kind == SEEDS or at > frame + 1 - masks
                kept = READ_AGAIN if is_read else (POINTER,)
                for name in [one for one in output if one not in kept]:
                    del output[name]
        self.session.processed_frames.clear()
        self.session.point_inputs_per_obj[0].clear()
        self.session.frames_tracked_per_obj[0].clear()


def packed(memories: Mapping[str, Memory]) -> dict[str, np.ndarray]:
    """Make arrays of everybody's memory; half-precision masks as their bits."""
    import torch

    found: dict[str, np.ndarray] = {}
    for person, memory in memories.items():
        outputs = memory.outputs[SEEDS] | memory.outputs[FOLLOWED]
        frames = sorted(outputs)
        masked = [frame for frame in frames if MASK in outputs[frame]]
        vectors = torch.stack([outputs[frame][POINTER] for frame in frames])
        masks = torch.stack([outputs[frame][MASK] for frame in masked])
        own = {
            SEEDED: np.array(memory.seeded),
            FRAMES: np.array(frames),
            POINTERS: vectors.float().cpu().numpy(),
            MASKED: np.array(masked),
            MASKS: masks.to(torch.bfloat16).cpu().view(torch.int16).numpy(),
            # The same for all: it only says where in the picture a number belongs.
            PLACES: outputs[masked[0]][PLACE].float().cpu().numpy(),
        }
        found |= {f"{person}.{name}": value for name, value in own.items()}
    return found


def unpacked(state: Mapping[str, np.ndarray], fresh: Any) -> dict[str, Memory]:  # noqa: ANN401
    """Bring `packed` memories back.

    Parameters
    ----------
    state : mapping
        As `packed` made it.
    fresh : callable
        Makes an empty session with one object.
    """
    people = [name.removesuffix(f".{SEEDED}") for name in state if name.endswith(f".{SEEDED}")]
    return {
        person: _memory({name: state[f"{person}.{name}"] for name in _NAMES}, fresh())
        for person in people
    }


_NAMES = (SEEDED, FRAMES, POINTERS, MASKED, MASKS, PLACES)


def _memory(own: Mapping[str, np.ndarray], session: Any) -> Memory:  # noqa: ANN401
    import torch

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values))

    memory = Memory(session, int(own[SEEDED]))
    place, dtype = session.inference_device, session.dtype
    where = tensor(own[PLACES]).to(place, dtype)
    for frame, vector in zip(own[FRAMES].tolist(), own[POINTERS], strict=True):
        kind = SEEDS if frame == memory.seeded else FOLLOWED
        memory.outputs[kind][frame] = {POINTER: tensor(vector).to(place, dtype)}
    for frame, mask in zip(own[MASKED].tolist(), own[MASKS], strict=True):
        kind = SEEDS if frame == memory.seeded else FOLLOWED
        features = tensor(mask).view(torch.bfloat16).to(place)
        memory.outputs[kind][frame] |= {MASK: features, PLACE: where}
    return memory
