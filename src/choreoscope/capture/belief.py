"""Whether a run of sightings is a person at all: furniture is found too, with high scores.

Three things tell furniture from people: the network's own score, whether the body points lie on
the body's own mask, and whether the pose is steady from frame to frame. Measured on six clips:
the median of score times share on the mask is 0.88 to 1.0 for people and 0.56 to 0.89 for
cushions, carts and lamps; their points shake by 8 to 46 mm and by 36 to 150 mm.
"""

import numpy as np
from pydantic import Field

from choreoscope.capture.likeness import CLOCK_JITTER_S, TORSO, Sightings
from choreoscope.pipeline.stage import Options


class BeliefOptions(Options):
    """Which persons are believed."""

    seen_s: float = Field(
        default=0.4, ge=0, description="A person is seen for at least this long (s)."
    )
    seen_share: float = Field(
        default=0.5, ge=0, le=1, description="Or for this share of a clip that is shorter still."
    )
    least_torso: float = Field(
        default=0.5, ge=0, le=1, description="Least median visibility of a person's torso."
    )
    least_looks: float = Field(
        default=0.75, ge=0, le=1, description="Least that somebody must look like a person."
    )
    least_doubtful: float = Field(
        default=0.65, ge=0, le=1, description="Least looks of a run that may begin a person."
    )
    judged_s: float = Field(
        default=0.3, ge=0, description="A shorter run is judged with its neighbours (s)."
    )
    stray_s: float = Field(
        default=0.15, ge=0, description="Rows so few that they are not kept at a person's end (s)."
    )
    steady_m: float = Field(
        default=0.1, gt=0, description="Shaking of the body points that halves the looks (m)."
    )
    steady_px: float = Field(
        default=2.0, ge=0, description="More of the same for small people: pixels blur (px)."
    )
    push_m_s2: float = Field(
        default=10.0, ge=0, description="Acceleration of body points that is no shaking (m/s2)."
    )


def looks_human(seen: Sightings, rows: np.ndarray, options: BeliefOptions) -> float:
    """How much a run looks like a person, 0 to 1.

    The median of score times share of points on the mask, divided by ``1 + (shake / steady)**2``.
    Where the torso stays in its place, points have no reason to be pushed, so less is forgiven.

    Parameters
    ----------
    rows : (n,) int
        Rows of a run by rising frame.
    """
    on_mask = seen.in_mask[rows]
    sure = float(np.median(seen.score[rows] * np.where(np.isnan(on_mask), 1.0, on_mask)))
    shake_m, period = shaking(seen, rows)
    scale = float(np.median(seen.px_per_m[rows]))
    steady = options.steady_m + options.steady_px / scale + options.push_m_s2 * period**2
    place = seen.centre_px[rows] / scale
    strayed = np.linalg.norm(place - np.median(place, axis=0), axis=1)
    if np.median(strayed) < shake_m:
        # Points that shake further than the torso ever strays: a thing that lies there.
        steady = options.steady_m + options.steady_px / scale
    return sure / (1.0 + (shake_m / steady) ** 2)


def doubtful(seen: Sightings, rows: np.ndarray, options: BeliefOptions) -> bool:
    """Whether a run should not begin a person.

    A short run tells little, so what the back end held for the same body just before and after is
    judged with it.
    """
    seconds = seen.seconds[rows]
    first, last = seconds[0], seconds[-1]
    if last - first < options.judged_s:
        near = (seen.seconds >= first - options.judged_s) & (
            seen.seconds <= last + options.judged_s
        )
        rows = np.flatnonzero(near & np.isin(seen.tracklet, seen.tracklet[rows]))
    return looks_human(seen, rows, options) < options.least_doubtful


def shaking(seen: Sightings, rows: np.ndarray) -> tuple[float, float]:
    """Median second difference of the body points about the torso.

    Returns
    -------
    (float, float)
        Metres, and the seconds between the frames; zeros where no three frames follow each other.
    """
    frame = seen.frame[rows]
    middle = np.flatnonzero((np.diff(frame)[1:] == 1) & (np.diff(frame)[:-1] == 1)) + 1
    if len(middle) == 0:
        return 0.0, 0.0
    points = seen.points_px[rows] - seen.centre_px[rows][:, None]
    points /= float(np.median(seen.px_per_m[rows]))
    second = points[middle - 1] - 2.0 * points[middle] + points[middle + 1]
    seconds = seen.seconds[rows]
    period = float(np.median(seconds[middle + 1] - seconds[middle]))
    return float(np.median(np.linalg.norm(second, axis=-1))), period


def doubts(
    seen: Sightings, rows: np.ndarray, seconds: float, needed_s: float, options: BeliefOptions
) -> list[str]:
    """Reasons not to believe in a person; none when believed.

    Parameters
    ----------
    rows : (n,) int
        Rows of a chain by rising frame.
    seconds, needed_s : float
        How long the person is seen, and how long a person has to be.
    """
    torso = float(np.median(seen.visibility[rows][:, TORSO].mean(axis=1)))
    looks = looks_human(seen, rows, options)
    reasons = {
        f"seen for {seconds:.2f} s only": seconds < needed_s - CLOCK_JITTER_S,
        f"torso visible to {torso:.2f}": torso < options.least_torso,
        f"looks human to {looks:.2f}": looks < options.least_looks,
    }
    return [reason for reason, holds in reasons.items() if holds]
