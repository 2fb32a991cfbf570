"""Everything known of how far things are in a shot, with raw depth beside it."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from choreoscope.capture.depth.bodies import body_evidence
from choreoscope.capture.depth.contacts import contact_evidence
from choreoscope.capture.depth.evidence import DepthEvidence, joined, joined_with
from choreoscope.capture.depth.sampling import range_of, raw_at
from choreoscope.capture.depth.scene_points import find_scene_points, structure_evidence, travels
from choreoscope.capture.passes.interfaces import ShotContext
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.video import Video

MEASURED_SIGMA, NETWORK_SIGMA = 0.01, 0.20
_FRAMES, _LARGEST_STEP = 300, 4
"""Frames looked at in a short shot; in a long one every fourth, three to a knot of the gain."""
_PRIOR = 100
"""Samples of a network's own metres, in all: a weak prior."""
_GRID = 3

Measured = tuple[int, float, float, float]
"""Source frame, x and y in pixels, metres."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Which evidence is gathered.

    Attributes
    ----------
    body, contact, structure : bool
        Solved bodies, feet on the floor, background points of a travelling camera.
    measured : tuple of (int, float, float, float)
        Source frame, x, y in pixels, metres.
    """

    body: bool = True
    contact: bool = True
    structure: bool = True
    measured: tuple[Measured, ...] = ()


def frames_to_look_at(frames: FrameRange, measured: Sequence[Measured] = ()) -> list[int]:
    """Choose frames evenly, and those with measured points."""
    step = int(np.clip(np.ceil(len(frames) / _FRAMES), 1, _LARGEST_STEP))
    wanted = set(range(frames.start, frames.stop, step))
    return sorted(wanted | {frame for frame, *_ in measured if frame in frames})


def spread_out(frames: Iterable[int], count: int) -> list[int]:
    """Choose so many of some frames, evenly."""
    known = list(frames)
    places = np.linspace(0, len(known) - 1, min(count, len(known))).round().astype(int)
    return [known[place] for place in np.unique(places)]


def gather(
    shot: ShotContext,
    sources: Sources,
    video: Video | None,
    *,
    threads: int = 1,
    tell: Callable[[int, int], None] | None = None,
) -> tuple[DepthEvidence, tuple[str, ...]]:
    """Gather evidence of a shot.

    Parameters
    ----------
    shot : ShotContext
        Everything solved.
    sources : Sources
        What to use.
    video : Video or None
        The film, for points of the background.

    Returns
    -------
    DepthEvidence, tuple of str
        And sentences for people about what could not be had.
    """
    frames = frames_to_look_at(shot.frames, sources.measured)
    parts, notes = [], []
    if sources.body:
        parts.append(body_evidence(shot, frames, threads=threads))
    if sources.contact:
        parts.append(contact_evidence(shot, frames))
    if sources.structure and video is not None and shot.camera is not None:
        if travels(shot.camera):
            try:
                scene = find_scene_points(video, shot, threads=threads, tell=tell)
                parts.append(structure_evidence(scene, shot, frames))
            except InputError as error:
                notes.append(f"no points of the background: {error}")
        else:
            notes.append("no points of the background: the camera stays in its place")
    parts.append(measured_evidence(sources.measured, shot))
    return joined(parts), tuple(notes)


def measured_evidence(measured: Sequence[Measured], shot: ShotContext) -> DepthEvidence:
    """Distances that the user measured.

    Raises
    ------
    InputError
        If a place lies outside the shot or the picture, or a distance is not above 0.
    """
    width, height = shot.size
    parts = []
    for frame, x, y, metres in measured:
        if not (0 <= x < width and 0 <= y < height and metres > 0):
            raise InputError(
                f"measured point ({frame}, {x:g}, {y:g}, {metres:g}): expected x below {width}, "
                f"y below {height} and metres above 0"
            )
        # Other shots of the same film have other points in the one list.
        if frame in shot.frames:
            where = np.array([[x, y]], dtype=np.float64)
            parts.append(
                DepthEvidence.of(
                    "measured", np.array([frame]), where, np.array([metres]), MEASURED_SIGMA
                )
            )
    return joined(parts)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """Evidence with raw depth beside it.

    Attributes
    ----------
    evidence : DepthEvidence
        N samples.
    raw : (N,) float
        NaN where raw depth is not known.
    span : (float, float) or None
        Least and largest raw depth of the shot.
    """

    evidence: DepthEvidence
    raw: np.ndarray
    span: tuple[float, float] | None


def sampled(
    evidence: DepthEvidence, pictures: Iterator[tuple[int, np.ndarray]], *, prior: bool
) -> Sampled:
    """Look raw depth up at the evidence.

    Parameters
    ----------
    evidence : DepthEvidence
        Of the shot.
    pictures : iterator of (int, (H, W) float)
        Source frame and raw depth.
    prior : bool
        Whether raw depth is metres that count as weak evidence themselves.
    """
    raw = np.full(len(evidence), np.nan)
    spans = []
    own: list[DepthEvidence] = []
    for frame, picture in pictures:
        here = np.flatnonzero(evidence.frames == frame)
        raw[here] = raw_at(picture, evidence.pixels[here])
        span = range_of(picture)
        if span is not None:
            spans.append(span)
        if prior:
            own.append(_own_metres(picture, frame))
    if prior:
        more = joined(own)
        kept = np.linspace(0, len(more) - 1, min(_PRIOR, len(more))).astype(int)
        more = more.taken(np.unique(kept))
        evidence, raw = joined_with([(evidence, raw), (more, more.metres)])
    return Sampled(evidence=evidence, raw=raw, span=_common(spans))


def _common(spans: list[tuple[float, float]]) -> tuple[float, float] | None:
    """Range of most frames: a flash does not count."""
    if not spans:
        return None
    low, high = np.median(np.array(spans), axis=0)
    return float(low), float(high)


def _own_metres(picture: np.ndarray, frame: int) -> DepthEvidence:
    height, width = picture.shape
    rows = np.linspace(0, height - 1, _GRID + 2)[1:-1].astype(int)
    columns = np.linspace(0, width - 1, _GRID + 2)[1:-1].astype(int)
    y, x = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
    return DepthEvidence.of(
        "network",
        np.full(len(x), frame),
        np.stack([x + 0.5, y + 0.5], axis=1),
        picture[y, x].astype(np.float64),
        NETWORK_SIGMA,
    )
