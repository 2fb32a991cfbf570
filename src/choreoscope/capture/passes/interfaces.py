"""What capture asks of back ends that make passes: numpy in, numpy out, house units and axes.

A model says by its `feeding` how it wants to be handed the film; windows, crops, batches and
state are the framework's business (`capture.passes.running`), never the model's.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal, Protocol

import numpy as np
from jaxtyping import Float

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.motion import Motion
from choreoscope.datatypes.people import Mask
from choreoscope.datatypes.video import Video
from choreoscope.formats.body_npz import BodyFile

Answer = Mapping[str, np.ndarray]
"""What a model says about one frame, float32 arrays at the size of the frame.

============  ==================  ===============================================================
task          names               meaning
============  ==================  ===============================================================
matte         alpha               (H, W) 0 to 1, straight, all performers
matte         alpha.<person>      (H, W) 0 to 1, one performer, where the model tells them apart
matte         foreground          (H, W, 3) 0 to 1 sRGB, not premultiplied, optional
depth         depth               (H, W) in the model's `depth_space`; NaN where it knows nothing
depth         fov                 () horizontal field of view in degrees, optional
normals       normals             (H, W, 3) unit, camera axes, x right, y up, z to the viewer
parts         parts               (H, W) int32, place in the model's `part_names`; -1 nothing
flow          flow, flow_back     (H, W, 2) pixels, x right, y down, to the next, previous frame
============  ==================  ===============================================================
"""

PassState = Mapping[str, np.ndarray]
"""What a model has to know of earlier frames; plain arrays, so that it can be stored."""

DepthSpace = Literal["metric", "scale", "affine", "affine_inverse", "scale_inverse"]
"""What raw depth means.

metric: metres. scale: metres but for one factor. affine: ``metres = a * raw + b``.
affine_inverse: ``1 / metres = a * raw + b``. scale_inverse: ``1 / metres = a * raw``.
Whatever a network calls it, larger raw values are farther in the first three and nearer in the
others.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """Frames do not depend on one another; at most `batch` are handed over at once."""

    batch: int = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Crops:
    """Crops round performers, packed over frames.

    Attributes
    ----------
    size : (int, int)
        Height and width of a crop, pixels.
    padding : float
        The box is made this many times larger before it is widened to the crop's aspect.
    batch : int
        Crops handed over at once.
    whole_frame : bool
        Whether the frame itself, made to fit without stretching it, is handed over where nobody
        was tracked in the whole shot; such frames are answered as empty otherwise.
    """

    size: tuple[int, int]
    padding: float = 1.25
    batch: int = 8
    whole_frame: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recurrent:
    """Frames in order, each continuing from the state after the one before; reset at cuts.

    Attributes
    ----------
    chunk : int
        At most so many frames are handed over at once; the answers do not depend on it.
    prime : int
        So many first frames of a shot are run through backwards before it begins.
    """

    chunk: int = 8
    prime: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Stretches of `length` frames, `overlap` of which are shared with the stretch before.

    Attributes
    ----------
    join : {"align", "blend"}
        Whether a stretch is first brought to the scale and offset of the one before, by the
        shared frames, or only blended with it.
    """

    length: int
    overlap: int
    join: Literal["align", "blend"] = "align"

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.length:
            raise InputError(f"windows of {self.length} frames cannot share {self.overlap}")


Feeding = Frames | Crops | Recurrent | Windows


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonHere:
    """One performer in one frame: box and own pixels as the tracks have them."""

    box_xyxy: Float[np.ndarray, "4"]
    mask: Mask | None

    def __post_init__(self) -> None:
        check_arrays(self)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PassFrame:
    """One frame as a model is handed it.

    Attributes
    ----------
    frame : int
        Source frame.
    picture : (H, W, 3) uint8
        sRGB as displayed, upright.
    people : dict
        Performers seen in it.
    following, previous : (H, W, 3) uint8 or None
        The pictures after and before; only flow models get them, None beside cuts.
    """

    frame: int
    picture: np.ndarray
    people: Mapping[str, PersonHere] = dataclasses.field(default_factory=dict)
    following: np.ndarray | None = None
    previous: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Everything known of one person of the shot.

    Attributes
    ----------
    boxes_xyxy : dict
        Source frame to (4,) float box, pixels.
    masks : dict
        Source frame to mask.
    motion, body : Motion, BodyFile or None
        As solved; None where the recipe solves nothing, or the person was left out.
    """

    person: str
    boxes_xyxy: Mapping[int, np.ndarray]
    masks: Mapping[int, Mask]
    motion: Motion | None = None
    body: BodyFile | None = None

    def here(self, frame: int) -> PersonHere | None:
        """Look a frame up in the tracks; None where the person is not seen."""
        box = self.boxes_xyxy.get(frame)
        if box is None:
            return None
        return PersonHere(box_xyxy=np.asarray(box, dtype=np.float64), mask=self.masks.get(frame))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShotContext:
    """What a model may know of the shot before it sees a frame.

    Attributes
    ----------
    size : (int, int)
        Width and height, pixels.
    rate : Fraction
        Frames per second.
    frames : FrameRange
        Source frames of the shot; row ``f - frames.start`` of the camera belongs to frame f.
    camera : CameraTrack or None
        As solved.
    performers : dict
        By person id.
    film : Video or None
        For models that have to look through the whole shot before they can say anything.
    """

    size: tuple[int, int]
    rate: Fraction
    frames: FrameRange
    camera: CameraTrack | None = None
    performers: Mapping[str, Performer] = dataclasses.field(default_factory=dict)
    film: Video | None = None

    def people_in(self, frame: int) -> dict[str, PersonHere]:
        """Everybody seen in a frame, by rising id."""
        found = ((name, self.performers[name].here(frame)) for name in sorted(self.performers))
        return {name: here for name, here in found if here is not None}


class PassModel(Protocol):
    """A model of the task matte, depth, normals, parts or flow that looks at whole frames.

    Depth models also have ``depth_space: DepthSpace``, part models ``part_names: tuple[str, ...]``.
    """

    feeding: Feeding

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next; called once before its first frame."""
        ...

    def infer(
        self, frames: Sequence[PassFrame], state: PassState | None
    ) -> tuple[list[Answer], PassState]:
        """Answer for each frame, in order.

        Parameters
        ----------
        frames : sequence of PassFrame
            As many as `feeding` says, or fewer.
        state : PassState or None
            None at the start of a shot and for models without one.

        Returns
        -------
        list of Answer, PassState
            One per frame; the state after the last, empty for models without one.

        Raises
        ------
        MemoryError
            If it is too much at once: the framework tries again with half.
        """
        ...

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CropBatch:
    """Crops as a crop model is handed them.

    Attributes
    ----------
    pictures : (B, h, w, 3) float32
        sRGB as displayed, 0 to 1; black outside the frame.
    focal_px : (B,) float
        Focal length in pixels of the crop; NaN where the lens is not known.
    people : tuple of str, length B
        Whose box each crop is of; "" for a crop that stands for the whole frame.
    """

    pictures: Float[np.ndarray, "B h w 3"]
    focal_px: Float[np.ndarray, "B"]
    people: tuple[str, ...]

    def __post_init__(self) -> None:
        check_arrays(self)


class CropModel(Protocol):
    """A model that looks at crops round single performers (the Sapiens family).

    Its `infer_crops` returns arrays over the batch, at any one resolution (h', w') that covers
    the crop: alpha (B, h', w'), foreground (B, h', w', 3), depth (B, h', w'),
    normals (B, h', w', 3), scores (B, 1 + parts, h', w') as logits, the first for background,
    points (B, P, 3) with x and y in crop pixels and confidence. The framework brings them to the
    frame and decides who owns a pixel; `gives` names what the frame's answer then holds
    ("alpha", "foreground", "depth", "normals", "parts", "points"), so that frames without
    anybody in them are answered too.
    """

    feeding: Crops
    gives: tuple[str, ...]

    def start(self, shot: ShotContext) -> None:
        """Be told of the shot whose frames come next."""
        ...

    def infer_crops(self, crops: CropBatch) -> Mapping[str, np.ndarray]:
        """Answer for each crop.

        Raises
        ------
        MemoryError
            If it is too much at once: the framework tries again with half.
        """
        ...

    @property
    def model_cpu_seconds(self) -> float:
        """Processor time spent inside model calls so far, all threads added."""
        ...
