"""People seen in frames: observations, tracks, masks.

Pixel coordinates: (0, 0) is the image corner, the first pixel's centre is (0.5, 0.5).
Camera axes: OpenCV (x right, y down, z forward). NaN means not observed.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from choreoscope.datatypes.arrays import check_arrays
from choreoscope.datatypes.errors import ShapeError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """A binary picture as run lengths, column by column (the COCO order).

    Attributes
    ----------
    height, width : int
        Size in pixels.
    counts : (R,) int
        Lengths of alternating runs, background first; they sum to ``height * width``.
    """

    height: int
    width: int
    counts: Int[np.ndarray, "R"]

    def __post_init__(self) -> None:
        check_arrays(self)
        if int(self.counts.sum()) != self.height * self.width:
            raise ShapeError(
                f"Mask: runs sum to {int(self.counts.sum())}, expected {self.height * self.width}"
            )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MaskTrack:
    """One person's masks; ``masks[i]`` belongs to source frame ``frames[i]``."""

    frames: Int[np.ndarray, "N"]
    masks: tuple[Mask, ...]

    def __post_init__(self) -> None:
        check_arrays(self)
        if len(self.masks) != len(self.frames):
            raise ShapeError(f"MaskTrack: {len(self.masks)} masks for {len(self.frames)} frames")
        _check_rising(self.frames, "MaskTrack")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Where one person is; sparse, gaps allowed, the person id stable in every later file."""

    person: str
    frames: Int[np.ndarray, "N"]
    boxes_xyxy: Float[np.ndarray, "N 4"]
    score: Float[np.ndarray, "N"]

    def __post_init__(self) -> None:
        check_arrays(self)
        _check_rising(self.frames, f"Track {self.person}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonObservation:
    """What a people back end says about one person in one frame.

    Attributes
    ----------
    tracklet : int
        Number of the uninterrupted run of frames this belongs to, as the back end followed it;
        tracklets of one person are joined later (`capture.association`).
    box_xyxy : (4,) float
        Box round the visible body, pixels.
    score : float
        Probability that this is a person.
    points_px : (P, 2) float
        Named points (BlazePose33 order), pixels.
    points_m : (P, 3) float
        The same in metres, camera axes, origin at the middle of the hips. Distance unknown.
    visibility : (P,) float
        Probability that the point is inside the picture and not hidden.
    hands_px : (2, 21, 2) float
        Left and right hand, pixels; NaN where not seen.
    hands_m : (2, 21, 3) float
        The same in metres, camera axes, each hand about its own centre.
    hands_score : (2,) float
        Probability that the hand is there; 0 where not looked for.
    face_px : (468, 2) float or None
        Face mesh, pixels; None where the face is too small to read.
    appearance : (A,) float
        Unit-sum colour histogram of the clothes.
    mask : Mask or None
        Pixels of this person.
    """

    tracklet: int
    box_xyxy: Float[np.ndarray, "4"]
    score: float
    points_px: Float[np.ndarray, "P 2"]
    points_m: Float[np.ndarray, "P 3"]
    visibility: Float[np.ndarray, "P"]
    hands_px: Float[np.ndarray, "2 21 2"]
    hands_m: Float[np.ndarray, "2 21 3"]
    hands_score: Float[np.ndarray, "2"]
    face_px: Float[np.ndarray, "468 2"] | None
    appearance: Float[np.ndarray, "A"]
    mask: Mask | None

    def __post_init__(self) -> None:
        check_arrays(self)


PeopleState = Mapping[str, np.ndarray]
"""What a people back end has to know of earlier frames; plain arrays, so that it can be stored."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PeopleInFrame:
    """Everybody seen in one frame, and the state after it."""

    frame: int
    people: tuple[PersonObservation, ...]
    state: PeopleState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ObservationRows:
    """What identities are decided from: one row per person and frame, in any order.

    The columns of many `PersonObservation` without hands, face and mask, so that a whole clip
    fits in memory. Units and frames of reference as there.

    Attributes
    ----------
    in_mask : (N,) float
        Share of the body points inside the picture that lie on the person's own mask: near 1 on
        people, lower on furniture. NaN without a mask.
    """

    frames: Int[np.ndarray, "N"]
    tracklets: Int[np.ndarray, "N"]
    boxes_xyxy: Float[np.ndarray, "N 4"]
    score: Float[np.ndarray, "N"]
    points_px: Float[np.ndarray, "N P 2"]
    points_m: Float[np.ndarray, "N P 3"]
    visibility: Float[np.ndarray, "N P"]
    appearance: Float[np.ndarray, "N A"]
    in_mask: Float[np.ndarray, "N"]

    def __post_init__(self) -> None:
        check_arrays(self)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One choice made while tracklets became persons, for people to read.

    Attributes
    ----------
    kind : {"join", "split", "drop", "duplicate", "corrected"}
        What was done; "corrected" was done by hand.
    tracklets : tuple of int
        The tracklets it was done to.
    score : float
        How sure: 1 is certain, 0 a toss-up.
    reason : str
        One line.
    """

    kind: Literal["join", "split", "drop", "duplicate", "corrected"]
    tracklets: tuple[int, ...]
    score: float
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonSequence:
    """All observations of one person in a clip, one row per frame in which he or she is seen.

    Rows are the same points as in `PersonObservation`; frames rise strictly and may have gaps.
    """

    person: str
    frames: Int[np.ndarray, "N"]
    boxes_xyxy: Float[np.ndarray, "N 4"]
    score: Float[np.ndarray, "N"]
    points_px: Float[np.ndarray, "N P 2"]
    points_m: Float[np.ndarray, "N P 3"]
    visibility: Float[np.ndarray, "N P"]
    hands_px: Float[np.ndarray, "N 2 21 2"]
    hands_m: Float[np.ndarray, "N 2 21 3"]
    hands_score: Float[np.ndarray, "N 2"]

    def __post_init__(self) -> None:
        check_arrays(self)
        _check_rising(self.frames, f"PersonSequence {self.person}")

    @property
    def track(self) -> Track:
        """Boxes and scores alone."""
        return Track(
            person=self.person, frames=self.frames, boxes_xyxy=self.boxes_xyxy, score=self.score
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonExtras:
    """What is known of one person beside the sequence.

    Attributes
    ----------
    face_frames : (F,) int
        Frames in which the face is large enough to read, rising.
    face_px : (F, 468, 2) float
        Face mesh there, pixels.
    appearance : (A,) float
        Unit-sum colour histogram of the clothes, typical of the whole clip.
    """

    face_frames: Int[np.ndarray, "F"]
    face_px: Float[np.ndarray, "F 468 2"]
    appearance: Float[np.ndarray, "A"]

    def __post_init__(self) -> None:
        check_arrays(self)
        _check_rising(self.face_frames, "PersonExtras")


def _check_rising(frames: np.ndarray, what: str) -> None:
    if np.any(np.diff(frames) <= 0) or np.any(frames < 0):
        raise ShapeError(f"{what}: frames must rise strictly from 0 or above")
