"""Crops round performers: where they lie, cutting them out, bringing answers back to the frame.

A crop that jitters makes every network's answer flicker, so crops are planned for the whole shot:
centres go through a zero-phase low-pass, sizes are nearly constant, and still no box is cut off.
A crop has exactly the network's aspect, so nobody is stretched. Corners of a box are laid on the
centres of the crop's corner pixels, as the networks' authors do ((size - 1) sampling): half a
pixel off at the edges is what the published weights know.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from choreoscope.capture.passes.interfaces import Crops, Performer, ShotContext
from choreoscope.capture.passes.smoothing import averaged, largest_near, runs_of, switched
from choreoscope.geometry.masks import box_xyxy

CENTRE_SECONDS = 0.15
SIZE_SECONDS = 0.5
GAP_SECONDS = 0.5
"""A performer who is away for longer begins anew."""
LYING = (1.6, 1.2)
"""Width over height from which a performer counts as lying, and below which no longer."""
HEAD_DOWN = (0.7, 0.25)
"""The same for the sine of how far the head lies below the hips in the picture."""
FINEST = 0.5
"""Crops smaller than this share of the frame's pixels are averaged, not picked."""
UPRIGHT, HEAD_LEFT, UPSIDE_DOWN, HEAD_RIGHT = range(4)
TURNS = np.array(
    [[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]], dtype=np.float64
)
"""Crop-from-frame rotations of picture axes (x right, y down) that put the head on top."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """One rectangle of a frame as a network gets it.

    Attributes
    ----------
    person : str
        Whose; "" for the whole frame.
    size : (int, int)
        Height and width of the crop, pixels.
    crop_from_frame : (2, 3) float
        Places of pixel centres, counted from 0, in the crop from those in the frame.
    turn : int
        Quarter turns to the right that bring the performer's head to the top: place in `TURNS`.
    """

    person: str
    size: tuple[int, int]
    crop_from_frame: np.ndarray
    turn: int = UPRIGHT

    @property
    def scale(self) -> float:
        """Crop pixels per frame pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.crop_from_frame[:, :2]))))

    @property
    def frame_from_crop(self) -> np.ndarray:
        """The other way round, ``(2, 3)``."""
        inverse = np.linalg.inv(self.crop_from_frame[:, :2])
        return np.column_stack([inverse, -inverse @ self.crop_from_frame[:, 2]])

    def from_frame(self, answer: tuple[int, int]) -> np.ndarray:
        """Centres in an answer of another resolution that covers the crop, from the frame's.

        Parameters
        ----------
        answer : (int, int)
            Height and width of the answer.
        """
        factor = np.array([answer[1] / self.size[1], answer[0] / self.size[0]])
        matrix: np.ndarray = self.crop_from_frame * factor[:, None]
        matrix[:, 2] += (factor - 1) / 2
        return matrix

    def patch(self, frame: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of the frame the crop reaches.

        Parameters
        ----------
        frame : (int, int)
            Width and height of the frame.
        """
        height, width = self.size
        corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])
        places = corners @ self.frame_from_crop[:, :2].T + self.frame_from_crop[:, 2]
        low = np.clip(np.floor(places.min(0)).astype(int), 0, frame)
        high = np.clip(np.ceil(places.max(0)).astype(int) + 1, low, frame)
        return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def crop_round(
    centre: np.ndarray, height: float, size: tuple[int, int], *, person: str, turn: int = UPRIGHT
) -> Crop:
    """Make the crop of a box that has the network's aspect.

    Parameters
    ----------
    centre : (2,) float
        Frame pixels.
    height : float
        Of the box along the crop's height, frame pixels.
    size : (int, int)
        Height and width of the crop, pixels.
    person : str
        Whose it is.
    turn : int
        Place in `TURNS`.
    """
    extent = np.array([height * size[1] / size[0], height])
    steps = np.array([size[1] - 1, size[0] - 1], dtype=np.float64)
    linear = (steps / extent)[:, None] * TURNS[turn]
    matrix = np.column_stack([linear, steps / 2 - linear @ centre])
    return Crop(person=person, size=size, crop_from_frame=matrix, turn=turn)


def whole_frame(frame: tuple[int, int], size: tuple[int, int]) -> Crop:
    """Make the crop that holds the whole frame, padded where its aspect is another.

    Parameters
    ----------
    frame : (int, int)
        Width and height of the frame.
    size : (int, int)
        Height and width of the crop, pixels.
    """
    width, height = frame
    tall = max(height, width * size[0] / size[1])
    # Centres of the frame's pixels: the middle lies half a pixel before that of its corners.
    return crop_round(np.array([width - 1, height - 1]) / 2, tall, size, person="")


def plan_crops(shot: ShotContext, feeding: Crops) -> dict[str, dict[int, Crop]]:
    """Lay the crops of a whole shot.

    Parameters
    ----------
    shot : ShotContext
        Its performers' boxes and masks; where a performer was solved, the head's side.
    feeding : Crops
        Size and padding.

    Returns
    -------
    dict
        Person to source frame to crop.
    """
    return {
        name: _of_performer(performer, shot, feeding) for name, performer in shot.performers.items()
    }


def _of_performer(performer: Performer, shot: ShotContext, feeding: Crops) -> dict[int, Crop]:
    rate = float(shot.rate)
    crops: dict[int, Crop] = {}
    heads = heads_of(performer, shot)
    for run in runs_of(sorted(performer.boxes_xyxy), GAP_SECONDS * rate):
        frames = np.arange(run[0], run[-1] + 1)
        boxes = np.full((len(frames), 4), np.nan)
        for frame in run:
            boxes[frame - run[0]] = _extent(performer, frame)
        crops.update(_of_run(performer.person, frames, boxes, heads, (feeding, rate)))
    return crops


def _extent(performer: Performer, frame: int) -> np.ndarray:
    """Box of a frame, widened to what the mask covers."""
    box = np.asarray(performer.boxes_xyxy[frame], dtype=np.float64)
    mask = performer.masks.get(frame)
    if mask is None:
        return box
    covered = box_xyxy(mask)
    if np.isnan(covered[0]):
        return box
    return np.concatenate([np.minimum(box[:2], covered[:2]), np.maximum(box[2:], covered[2:])])


def _of_run(
    person: str,
    frames: np.ndarray,
    boxes: np.ndarray,
    heads: Mapping[int, np.ndarray],
    asked: tuple[Crops, float],
) -> dict[int, Crop]:
    """Crops of one run of frames; NaN rows are frames in which nobody was seen."""
    feeding, rate = asked
    seen = np.isfinite(boxes[:, 0])
    centre = averaged((boxes[:, :2] + boxes[:, 2:]) / 2, CENTRE_SECONDS * rate)
    # What has to fit on either side of the smoothed centre, so that nothing is cut off.
    reach = 2 * np.fmax(centre - boxes[:, :2], boxes[:, 2:] - centre)
    aspect = feeding.size[0] / feeding.size[1]
    tall = {False: np.fmax(reach[:, 1], reach[:, 0] * aspect),
            True: np.fmax(reach[:, 0], reach[:, 1] * aspect)}  # fmt: skip
    span = max(1, round(2 * SIZE_SECONDS * rate))
    heights = {
        # The largest need nearby, averaged over as much: smooth, and never below the need.
        sideways: averaged(largest_near(need, span)[:, None], SIZE_SECONDS * rate, span)[:, 0]
        for sideways, need in tall.items()
    }
    turns = _turns(frames, boxes, heads, rate)
    crops = {}
    for row in np.flatnonzero(seen):
        turn = int(turns[row])
        height = max(1.0, float(heights[turn in (HEAD_LEFT, HEAD_RIGHT)][row])) * feeding.padding
        crops[int(frames[row])] = crop_round(
            centre[row], height, feeding.size, person=person, turn=turn
        )
    return crops


def _turns(
    frames: np.ndarray, boxes: np.ndarray, heads: Mapping[int, np.ndarray], rate: float
) -> np.ndarray:
    """Choose how each frame's crop is turned; upright where the head's side is not known.

    A lying body in an upright crop is only small; turned the wrong way it would stand on its head.
    """
    turns = np.full(len(frames), UPRIGHT)
    ways = np.array([heads.get(int(frame), (np.nan, np.nan)) for frame in frames])
    if np.isnan(ways).all():
        return turns
    ways = averaged(ways, CENTRE_SECONDS * rate)
    size = averaged(boxes[:, 2:] - boxes[:, :2], CENTRE_SECONDS * rate)
    length = np.maximum(np.hypot(ways[:, 0], ways[:, 1]), 1e-9)
    turns[switched(ways[:, 1] / length, *HEAD_DOWN)] = UPSIDE_DOWN
    lying = switched(size[:, 0] / np.maximum(size[:, 1], 1e-9), *LYING)
    for run in runs_of(np.flatnonzero(lying).tolist(), 1):
        # One side for as long as somebody lies: rolling over does not move the head across.
        left = float(np.median(ways[run, 0])) < 0
        turns[run] = HEAD_LEFT if left else HEAD_RIGHT
    return turns


def heads_of(performer: Performer, shot: ShotContext) -> dict[int, np.ndarray]:
    """Find the way from hips to head in the picture, ``(2,)`` pixels, where it was solved."""
    from choreoscope.geometry.kinematics import of_motion

    motion, camera = performer.motion, shot.camera
    if motion is None or camera is None:
        return {}
    names = motion.skeleton.joints
    head = next((place for place, name in enumerate(names) if name.lower() == "head"), None)
    if head is None:
        return {}
    positions = of_motion(motion)[0][:, [0, head]]
    found = {}
    for row, frame in enumerate(range(motion.first_frame, motion.first_frame + len(positions))):
        place = frame - shot.frames.start
        if 0 <= place < len(camera.intrinsics):
            pose = camera.camera_from_world[place]
            seen = positions[row] @ pose[:3, :3].T + pose[:3, 3]
            if (seen[:, 2] > 0).all():
                pixels = seen @ camera.intrinsics[place].T
                flat = pixels[:, :2] / pixels[:, 2:]
                found[frame] = flat[1] - flat[0]
    return found


def cut(picture: np.ndarray, crop: Crop) -> np.ndarray:
    """Cut a crop out of a frame; black outside the frame.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        sRGB.
    crop : Crop
        Of this frame.

    Returns
    -------
    (h, w, 3) float32
        0 to 1.
    """
    import cv2

    matrix = crop.crop_from_frame
    if crop.scale < FINEST:
        whole = int(1 / crop.scale)
        picture, matrix = _shrunk(picture, whole), matrix.copy()
        # Centre i of the small picture lies at `whole * (i + 0.5) - 0.5` of the large one.
        matrix[:, 2] += matrix[:, :2].sum(1) * (whole - 1) / 2
        matrix[:, :2] *= whole
    else:
        # Only what the crop reaches: numbers are kept to less than a 255th, so they are floats.
        rows, columns = crop.patch((picture.shape[1], picture.shape[0]))
        picture, matrix = picture[rows, columns], matrix.copy()
        matrix[:, 2] += matrix[:, :2] @ np.array([columns.start, rows.start], dtype=np.float64)
    height, width = crop.size
    if not picture.size:
        return np.zeros((height, width, 3), dtype=np.float32)
    found: np.ndarray = cv2.warpAffine(
        picture.astype(np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR
    )
    return found / np.float32(255)


def _shrunk(picture: np.ndarray, whole: int) -> np.ndarray:
    """Average blocks of `whole` by `whole` pixels; black fills up the last ones."""
    import cv2

    down, right = (-picture.shape[axis] % whole for axis in (0, 1))
    filled = cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_CONSTANT, value=0)
    size = (filled.shape[1] // whole, filled.shape[0] // whole)
    small: np.ndarray = cv2.resize(filled, size, interpolation=cv2.INTER_AREA)
    return small


def uncropped(values: np.ndarray, crop: Crop, rows: slice, columns: slice) -> np.ndarray:
    """Bring an answer about a crop to a patch of the frame, by bilinear interpolation.

    Parameters
    ----------
    values : (h', w') or (h', w', C) float32
        At any resolution that covers the crop; its edge goes on outside it.
    crop : Crop
        What it is about.
    rows, columns : slice
        Patch of the frame, as `Crop.patch` gives it.

    Returns
    -------
    (rows, columns) or (rows, columns, C) float32
    """
    import cv2

    matrix = crop.from_frame((values.shape[0], values.shape[1]))
    matrix[:, 2] += matrix[:, :2] @ np.array([columns.start, rows.start], dtype=np.float64)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    deep = values if values.ndim == 3 else values[..., None]  # noqa: PLR2004
    out = np.zeros((size[1], size[0], deep.shape[2]), dtype=np.float32)
    if not out.size:
        return out.reshape(out.shape[: values.ndim])
    # OpenCV takes four channels at once.
    for start in range(0, deep.shape[2], 4):
        part = cv2.warpAffine(
            np.ascontiguousarray(deep[..., start : start + 4], dtype=np.float32),
            matrix,
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        out[..., start : start + 4] = part.reshape(size[1], size[0], -1)
    return out if values.ndim == 3 else out[..., 0]  # noqa: PLR2004


def inside(crop: Crop, rows: slice, columns: slice) -> np.ndarray:
    """Say which pixels of a patch of the frame lie in the crop, ``(rows, columns)`` bool."""
    matrix = crop.crop_from_frame
    x, y = np.arange(columns.start, columns.stop), np.arange(rows.start, rows.stop)
    found = np.ones((len(y), len(x)), dtype=bool)
    for axis, limit in enumerate((crop.size[1] - 1, crop.size[0] - 1)):
        place = matrix[axis, 0] * x[None] + matrix[axis, 1] * y[:, None] + matrix[axis, 2]
        found &= (place >= -0.5) & (place <= limit + 0.5)  # noqa: PLR2004
    return found
