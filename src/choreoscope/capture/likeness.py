"""How much two sightings look like the same person: place, size, pose, clothes, movement.

Lengths are measured in metres at the person: pixels divided by the pixels per metre that the
back end's metric points give. Costs are negative log-likelihoods (half a squared deviation in
standard deviations), so that they add up; 0 is perfect agreement, 4.5 a deviation of three sigma.
"""

import dataclasses

import numpy as np
from pydantic import Field

from choreoscope.datatypes.people import ObservationRows
from choreoscope.pipeline.stage import Options

CLOCK_JITTER_S = 1e-6
"""Slack in comparisons of spans with limits: time stamps are sums of binary fractions."""
SHOULDERS = (11, 12)
HIPS = (23, 24)
TORSO = (*SHOULDERS, *HIPS)
MIRRORED = (0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(i + 1 if i % 2 else i - 1 for i in range(11, 33)))
"""BlazePose33 with left and right exchanged."""


class LikenessOptions(Options):
    """Standard deviations of the measures that are compared."""

    place_m: float = Field(default=0.12, gt=0, description="Error of a torso's place (m).")
    speed_m_s: float = Field(default=0.6, gt=0, description="Error of a torso's velocity (m/s).")
    usual_m_s: float = Field(
        default=2.0, gt=0, description="Speed of a torso of which nothing is known (m/s)."
    )
    jitter_m: float = Field(default=0.05, gt=0, description="Jitter of a torso's place (m).")
    memory_s: float = Field(
        default=0.7, gt=0, description="Time in which people forget how they moved (s)."
    )
    push_m_s2: float = Field(
        default=10.0, gt=0, description="Accelerations that dance and free fall bring (m/s2)."
    )
    push_m: float = Field(
        default=1.0, gt=0, description="The most that these carry a torso off its way (m)."
    )
    pose_m: float = Field(
        default=0.15, gt=0, description="Distance of a body point at which likeness is 0.6 (m)."
    )
    pose_cost: float = Field(
        default=2.0, ge=0, description="Cost of a pose that has nothing of the one just before."
    )
    pose_memory_s: float = Field(
        default=0.15, gt=0, description="Time in which a pose is forgotten (s)."
    )
    size: float = Field(
        default=0.15, gt=0, description="Error of a size, as the logarithm of a ratio."
    )
    size_per_s: float = Field(
        default=0.4, gt=0, description="Growth of that error by walking nearer or away (1/s)."
    )
    clothes: float = Field(
        default=0.18, gt=0, description="Hellinger distance (0-1) within one person, one sigma."
    )
    velocity_span_s: float = Field(
        default=0.2, gt=0, description="Span over which the velocity at an end is measured (s)."
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """Rows in an order that does not depend on how they came, and what is measured from them.

    Attributes
    ----------
    source : (N,) int
        Index of each row in the `ObservationRows` it was made from.
    seconds : (N,) float
        Time of each row.
    centre_px : (N, 2) float
        Middle of shoulders and hips.
    px_per_m : (N,) float
        Scale of the picture at the person.
    colours : (N, A) float
        Square roots of the clothes histogram, so that distances are Euclidean; NaN where the
        histogram says nothing.

    The other columns are those of `ObservationRows`.
    """

    source: np.ndarray
    frame: np.ndarray
    seconds: np.ndarray
    tracklet: np.ndarray
    score: np.ndarray
    box: np.ndarray
    points_px: np.ndarray
    visibility: np.ndarray
    centre_px: np.ndarray
    px_per_m: np.ndarray
    colours: np.ndarray
    in_mask: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)


def sightings(rows: ObservationRows, times: np.ndarray, first_frame: int) -> Sightings:
    """Order rows by frame, then place, and measure them.

    Parameters
    ----------
    rows : ObservationRows
        In any order.
    times : (T,) float
        Seconds of every frame of the clip.
    first_frame : int
        Source frame that `times` begins with.
    """
    box = np.asarray(rows.boxes_xyxy, dtype=np.float64)
    order = np.lexsort(
        (rows.tracklets, rows.score, box[:, 3], box[:, 2], box[:, 1], box[:, 0], rows.frames)
    )
    points = np.asarray(rows.points_px, dtype=np.float64)[order]
    histogram = np.asarray(rows.appearance, dtype=np.float64)[order]
    told = np.ptp(histogram, axis=1) > 0 if histogram.shape[1] else np.zeros(len(order), dtype=bool)
    frame = np.asarray(rows.frames)[order]
    return Sightings(
        source=order,
        frame=frame,
        seconds=np.asarray(times, dtype=np.float64)[frame - first_frame],
        tracklet=np.asarray(rows.tracklets)[order],
        score=np.asarray(rows.score, dtype=np.float64)[order],
        box=box[order],
        points_px=points,
        visibility=np.asarray(rows.visibility, dtype=np.float64)[order],
        centre_px=points[:, TORSO].mean(axis=1) if len(points) else np.zeros((0, 2)),
        px_per_m=pixels_per_metre(
            points, np.asarray(rows.points_m, dtype=np.float64)[order], box[order]
        ),
        colours=np.where(told[:, None], np.sqrt(np.maximum(histogram, 0.0)), np.nan),
        in_mask=np.asarray(rows.in_mask, dtype=np.float64)[order],
    )


def pixels_per_metre(points_px: np.ndarray, points_m: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Scale at which a body is seen, whatever its pose (weak perspective).

    Parameters
    ----------
    points_px : (N, P, 2) float
        Pixels.
    points_m : (N, P, 3) float
        Metres, camera axes.
    box : (N, 4) float
        Boxes, to fall back on where the metric points say nothing: half a person per metre.

    Returns
    -------
    (N,) float, > 0
        Pixels per metre.
    """
    flat = points_m[..., :2] - points_m[..., :2].mean(axis=1, keepdims=True)
    spread_m = np.sqrt((flat**2).sum(axis=(1, 2)))
    away = points_px - points_px.mean(axis=1, keepdims=True)
    spread_px = np.sqrt((away**2).sum(axis=(1, 2)))
    by_box = np.maximum(np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) / 2.0, 1.0)
    known = (spread_m > 0) & (spread_px > 0)
    scale = np.divide(spread_px, spread_m, out=by_box.copy(), where=known)
    return np.asarray(np.where(np.isfinite(scale), scale, by_box))


def pose_likeness(first: np.ndarray, second: np.ndarray, px_per_m: float, pose_m: float) -> float:
    """Compare two poses in place, point by point, left and right exchangeable.

    Like the object keypoint similarity of COCO with one deviation for all points.

    Parameters
    ----------
    first, second : (P, 2) float
        Pixels.
    px_per_m, pose_m : float
        Scale, and the distance in metres at which likeness is exp(-1/2).

    Returns
    -------
    float
        0 to 1. A back end often exchanges left and right of a body seen from behind, so the better
        of both readings counts.
    """
    readings = [second]
    if len(second) == len(MIRRORED):
        readings.append(second[list(MIRRORED)])
    spread = 2.0 * (pose_m * px_per_m) ** 2
    return max(
        float(np.exp(-((first - reading) ** 2).sum(axis=1) / spread).mean()) for reading in readings
    )


def covered(first: np.ndarray, second: np.ndarray) -> float:
    """Share of the smaller of two boxes ``(4,)`` that lies in the other, 0 to 1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    area = min(
        (first[2] - first[0]) * (first[3] - first[1]),
        (second[2] - second[0]) * (second[3] - second[1]),
    )
    return float(max(0.0, width) * max(0.0, height) / area) if area > 0 else 0.0


def typical_colours(colours: np.ndarray) -> np.ndarray:
    """Median of clothes histograms over rows, unit length again.

    Parameters
    ----------
    colours : (n, A) float
        Square-rooted histograms, NaN rows are left out.

    Returns
    -------
    (A,) float
        NaN where no row says anything.
    """
    told = colours[np.isfinite(colours).all(axis=1)]
    if len(told) == 0 or colours.shape[1] == 0:
        return np.full(colours.shape[1], np.nan)
    middle = np.median(told, axis=0)
    length = float(np.linalg.norm(middle))
    return np.asarray(middle / length) if length > 0 else np.asarray(told[0])


def colour_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Hellinger distance of two square-rooted histograms ``(A,)``, 0 to 1; NaN where unknown."""
    if not (np.isfinite(first).all() and np.isfinite(second).all()) or len(first) == 0:
        return float("nan")
    return float(np.linalg.norm(first - second) / np.sqrt(2.0))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """State of the torso at one end of a run of sightings.

    Attributes
    ----------
    seconds : float
        Time of the end.
    place_px, velocity_px_s : (2,) float
        Middle of the torso and its velocity there.
    velocity_error_m_s : float
        How uncertain that velocity is.
    px_per_m : float
        Scale there.
    pose_m : (P, 2) float
        Body points about the torso in the last sighting, metres in the picture's plane.
    """

    seconds: float
    place_px: np.ndarray
    velocity_px_s: np.ndarray
    velocity_error_m_s: float
    px_per_m: float
    pose_m: np.ndarray


def end_state(seen: Sightings, rows: np.ndarray, options: LikenessOptions, *, last: bool) -> End:
    """Fit a straight line to the torso's path at one end of a run.

    The velocity is drawn towards rest by as much as it is uncertain.

    Parameters
    ----------
    rows : (n,) int
        Rows of the run, by rising frame.
    last : bool
        The run's last frames, else its first.
    """
    edge = seen.seconds[rows[-1 if last else 0]]
    near = rows[np.abs(seen.seconds[rows] - edge) <= options.velocity_span_s + CLOCK_JITTER_S]
    offset = seen.seconds[near] - edge
    place = seen.centre_px[near]
    middle = offset.mean()
    spread = float(((offset - middle) ** 2).sum())
    slope, error = np.zeros(2), np.inf
    if spread > 0:
        error = options.jitter_m / np.sqrt(spread)
        believed = 1.0 / (1.0 + (error / options.usual_m_s) ** 2)
        slope = believed * ((offset - middle) @ place / spread)
    return End(
        seconds=float(edge),
        place_px=place.mean(axis=0) - slope * middle,
        velocity_px_s=slope,
        velocity_error_m_s=float(min(error, options.usual_m_s)),
        px_per_m=float(np.median(seen.px_per_m[near])),
        pose_m=_pose_at(seen, int(rows[-1 if last else 0])),
    )


def _pose_at(seen: Sightings, row: int) -> np.ndarray:
    return np.asarray((seen.points_px[row] - seen.centre_px[row]) / seen.px_per_m[row])


def motion_cost(end: End, start: End, options: LikenessOptions) -> float:
    """How badly one run's end moves on into another's start.

    Both are extrapolated to the middle of the gap, at velocities that are forgotten in time, as
    people turn and stop. The longer the gap, the less a good fit says: that is the logarithm of
    the width of a normal density.
    """
    gap = max(start.seconds - end.seconds, 0.0)
    scale = np.sqrt(end.px_per_m * start.px_per_m)
    coasting = options.memory_s * (1.0 - np.exp(-gap / 2.0 / options.memory_s))
    moved = (end.velocity_px_s + start.velocity_px_s) * coasting
    miss = float(np.linalg.norm(end.place_px + moved - start.place_px)) / scale
    push = min(options.push_m_s2 * gap**2 / 4.0, options.push_m)
    blind = np.hypot(end.velocity_error_m_s, start.velocity_error_m_s) * coasting
    drift = options.speed_m_s * gap
    sigma = float(np.sqrt(options.place_m**2 + drift**2 + push**2 + blind**2))
    return float(0.5 * (miss / sigma) ** 2) + 2.0 * float(np.log(sigma / options.place_m))


def size_cost(end: End, start: End, options: LikenessOptions) -> float:
    """How badly the sizes at a seam agree."""
    gap = max(start.seconds - end.seconds, 0.0)
    sigma = options.size + options.size_per_s * gap
    return float(0.5 * (np.log(end.px_per_m / start.px_per_m) / sigma) ** 2)


def pose_cost(end: End, start: End, options: LikenessOptions) -> float:
    """How badly poses agree at a seam; nothing once there was time to take another."""
    gap = max(start.seconds - end.seconds, 0.0)
    likeness = pose_likeness(end.pose_m, start.pose_m, 1.0, options.pose_m)
    return float(options.pose_cost * (1.0 - likeness) * np.exp(-gap / options.pose_memory_s))


def clothes_cost(distance: float, rows: int, options: LikenessOptions) -> float:
    """How badly clothes agree at a Hellinger `distance` read from `rows` rows; unknown is 0."""
    sigma = options.clothes * np.sqrt(1.0 + 2.0 / max(rows, 1))
    return 0.0 if np.isnan(distance) else float(0.5 * (distance / sigma) ** 2)
