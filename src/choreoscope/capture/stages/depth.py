"""Depth of every frame in metres, with its uncertainty, performers laid in with a clean edge."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from choreoscope.capture.depth.applying import MetricDepth, keyed
from choreoscope.capture.depth.bodies import dense, front_pictures
from choreoscope.capture.depth.compositing import Layer, composite
from choreoscope.capture.passes.deriving import derive_frames
from choreoscope.capture.passes.pass_files import WINDOW_FRAMES, check, contents
from choreoscope.capture.passes.proxy_scene import FLOOR
from choreoscope.capture.passes.shot import KNOWS, shot_context
from choreoscope.datatypes.artifacts import frame_name
from choreoscope.formats.depth_fit_json import DepthFitFile, read_depth_fit
from choreoscope.formats.passes import write_pass
from choreoscope.formats.raw_depth import read_raw_depth
from choreoscope.pipeline.stage import Job, Options, Stage

WRITES = ("depth", "depth_sigma")


class DepthOptions(Options):
    """How performers stand in the scene, and corrections by hand."""

    performers: Literal["network", "body", "none"] = Field(
        default="network",
        description="performers' depth: the back end's own, moved to meet the ground and cleaned "
        "at the edge; of the solved bodies; or left as it is",
    )
    depth_keys: tuple[tuple[int, float, float], ...] = Field(
        default=(),
        description=(
            "corrections of depth: source frame, factor, offset in metres; linear in between"
        ),
        json_schema_extra={"expects": "a list such as [[0, 1.0, 0.0], [120, 1.1, -0.2]]"},
    )

    @model_validator(mode="after")
    def _check_keys(self) -> "DepthOptions":
        frames = [frame for frame, _, _ in self.depth_keys]
        if frames != sorted(set(frames)) or any(frame < 0 for frame in frames):
            raise ValueError("depth_keys: frames must rise, starting at 0 or later")
        if any(scale <= 0 for _, scale, _ in self.depth_keys):
            raise ValueError("depth_keys: factors must be above 0")
        return self


def run(job: Job) -> None:
    """Write the missing windows."""
    fit = read_depth_fit(job.input("depth_fit"))
    raw_files = job.inputs("raw_depth")
    maker = _Maker(job, fit)

    def write(frame: int, metres: np.ndarray, sigma: np.ndarray) -> None:
        for name, values in zip(WRITES, (metres, sigma), strict=True):
            write_pass(
                name,
                job.output(name, frame=frame),
                np.nan_to_num(values, nan=0.0)[..., None],
                rate=job.video.rate,
                header={"origin": fit.backend},
            )

    def make(frames: Sequence[int]) -> Iterator[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        for frame, fronts in maker.fronts(frames):
            yield frame, maker.frame(raw_files[frame_name(frame)], frame, fronts)

    derive_frames(job, raw_files, make, write, absent="the back end gave no depth here")


Fronts = dict[str, np.ndarray]
"""Depth of the solved bodies by person, ``(H, W)``, NaN where the body is not."""


class _Maker:
    """Makes the frames of one job."""

    def __init__(self, job: Job, fit: DepthFitFile) -> None:
        self._options: DepthOptions = job.options
        self._shot = shot_context(job)
        self._fit = MetricDepth(fit)
        self._threads = job.settings.workers
        # What is in metres already shows performers where they were solved.
        self._lay_in = fit.fitted and self._options.performers != "none"

    def fronts(self, frames: Sequence[int]) -> Iterator[tuple[int, Fronts]]:
        """Depth of the solved bodies in frames, where they are asked for."""
        solved = any(one.motion is not None for one in self._shot.performers.values())
        if not (self._lay_in and solved and self._options.performers == "body"):
            yield from ((frame, {}) for frame in frames)
            return
        seen = front_pictures(self._shot, frames, threads=self._threads)
        for frame, (picture, people) in zip(frames, seen, strict=True):
            yield (
                frame,
                {
                    person: np.where(picture.instance == number, picture.depth, np.nan)
                    for number, person in enumerate(people, start=FLOOR + 1)
                },
            )

    def frame(self, path: Path, frame: int, fronts: Fronts) -> tuple[np.ndarray, np.ndarray]:
        """Metres and their standard deviation, NaN where nothing is known."""
        raw = read_raw_depth(path).raw
        metres = self._fit.metres(raw, frame)
        owned = self._owned(frame, raw.shape) if self._lay_in else {}
        if owned and fronts:
            layers = [
                Layer(inside=inside, depth=_filled(fronts[person], inside))
                for person, inside in sorted(owned.items())
                if person in fronts
            ]
            metres = composite(metres, tuple(layers))
        elif owned:
            metres = self._fit.with_performers(metres, owned, frame)
        sigma = self._fit.sigma(raw, metres, frame)
        metres, scale = keyed(metres, self._options.depth_keys, frame)
        sigma = np.where(np.isfinite(metres), sigma * np.float32(scale), np.float32("nan"))
        return metres, sigma

    def _owned(self, frame: int, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        """Own pixels of everybody who has some."""
        masks = {
            person: one.masks[frame]
            for person, one in self._shot.performers.items()
            if frame in one.masks
        }
        return {
            person: dense(mask)
            for person, mask in masks.items()
            if (mask.height, mask.width) == shape and mask.counts[1::2].any()
        }


def _filled(front: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Depth of a body carried on to the edge of its performer's own pixels: hair and clothes."""
    from scipy.ndimage import distance_transform_edt

    known = np.isfinite(front)
    if not known.any() or not (inside & ~known).any():
        return front
    places = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(front[tuple(places)])


STAGE = Stage(
    name="depth",
    version=2,
    reads=("raw_depth", "depth_fit"),
    optional=KNOWS,
    writes=WRITES,
    options=DepthOptions,
    run=run,
    check=check,
    contents=contents,
    granularity="window",
    window_frames=WINDOW_FRAMES,
    windows="independent",
    meaning="turn raw depth into metres, with performers at their place and its uncertainty",
)
