"""How raw depth of the shot becomes metres: one line, a slow gain, an offset for each performer."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import Field, field_validator

from choreoscope.capture.depth.fitting import FitChoices, ShotFit, fit_shot
from choreoscope.capture.depth.floor_growth import FRAMES, fit_with_floor
from choreoscope.capture.depth.gathering import (
    Measured,
    Sampled,
    Sources,
    frames_to_look_at,
    gather,
    sampled,
    spread_out,
)
from choreoscope.capture.depth.performers import offsets
from choreoscope.capture.depth.residuals import KindResidual, pixel_noise, residuals
from choreoscope.capture.depth.smoothing import KNOT_FRAMES
from choreoscope.capture.depth.spaces import space_named
from choreoscope.capture.passes.shot import KNOWS, shot_context
from choreoscope.datatypes.errors import InputError
from choreoscope.formats.depth_fit_json import (
    DepthFitFile,
    check_depth_fit,
    read_depth_fit,
    write_depth_fit,
)
from choreoscope.formats.raw_depth import read_raw_depth
from choreoscope.pipeline.stage import Contents, Job, Options, Stage

TAKEN_NOISE = 0.06
"""Uncertainty of metres that are taken as they are: that of a solved body."""
_FAR_OFF = 0.15
_POINTS = "a list such as [[12, 640.0, 355.5, 4.2]]: source frame, x, y in pixels, metres"


class DepthFitOptions(Options):
    """What raw depth is fitted to, and how freely."""

    body: bool = Field(
        default=True, description="use the front of the solved bodies, torso and thighs"
    )
    contact: bool = Field(default=True, description="use the floor round standing feet")
    structure: bool = Field(
        default=True, description="use points of the background where the camera travels"
    )
    measured: tuple[Measured, ...] = Field(
        default=(),
        description="distances measured along the camera's axis: source frame, x, y, metres",
        json_schema_extra={"expects": _POINTS},
    )
    gain: bool = Field(default=True, description="let a slow factor follow the evidence")
    knot_frames: int = Field(
        default=KNOT_FRAMES, ge=4, description="frames from knot to knot of that factor"
    )
    performers: bool = Field(
        default=True, description="move each performer slowly, so that feet meet the ground"
    )
    fit_metric: bool = Field(
        default=False,
        description="fit depth that claims to be metres all the same; its metres count as weak "
        "evidence",
    )

    @field_validator("measured")
    @classmethod
    def _above_zero(cls, points: tuple[Measured, ...]) -> tuple[Measured, ...]:
        if any(not (math.isfinite(metres) and metres > 0) for *_, metres in points):
            raise ValueError("measured: metres must be above 0")
        return points


def run(job: Job) -> None:
    """Fit the clip's raw depth."""
    options: DepthFitOptions = job.options
    paths = {int(frame): path for frame, path in job.inputs("raw_depth").items()}
    if not paths:
        raise InputError("there is no raw depth of a single frame to fit")
    first = read_raw_depth(paths[min(paths)])
    if first.space == "metric" and not options.fit_metric and not options.measured:
        found = _as_it_is(job, first.space, first.origin)
    else:
        found = _fitted(job, paths, first.space, first.origin)
    for note in found.notes:
        job.note(note)
    write_depth_fit(job.output("depth_fit"), found)


def _as_it_is(job: Job, space: str, origin: str) -> DepthFitFile:
    count = len(job.frames)
    who = origin.partition(":")[0] or "the back end"
    return DepthFitFile(
        space=space,
        backend=origin,
        fitted=False,
        scale=1.0,
        offset=0.0,
        nearest=0.0,
        farthest=math.inf,
        covariance=np.zeros((2, 2)),
        first_frame=job.frames.start,
        gain=np.zeros(count),
        gain_sigma=np.zeros(count),
        noise=TAKEN_NOISE,
        notes=(
            (f"depth of {who} is in metres already: nothing was fitted (fit_metric asks for it)"),
        ),
    )


def _fitted(job: Job, paths: dict[int, Path], space: str, origin: str) -> DepthFitFile:
    options: DepthFitOptions = job.options
    shot = shot_context(job)
    if shot.camera is None and not options.measured:
        raise InputError(
            "raw depth is fitted by the solved camera and people, and this recipe solves none; "
            "choose a recipe with a solve, or give measured points"
        )
    sources = Sources(
        body=options.body,
        contact=options.contact,
        structure=options.structure,
        measured=options.measured,
    )
    evidence, notes = gather(
        shot,
        sources,
        job.video,
        threads=job.settings.workers,
        tell=lambda done, total: job.progress(done, total, "frame"),
    )
    wanted = [frame for frame in frames_to_look_at(job.frames, options.measured) if frame in paths]

    def pictures(frames: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        for frame in frames:
            yield frame, read_raw_depth(paths[frame]).raw

    known = sampled(evidence, pictures(wanted), prior=space == "metric")
    choices = FitChoices(gain=options.gain, knots=options.knot_frames)
    fit = fit_shot(known.raw, known.evidence, space_named(space), job.frames, known.span, choices)
    if options.contact:
        some = dict(pictures(spread_out(wanted, FRAMES)))
        fit, known = fit_with_floor(known, shot, some, fit, choices)
    return _file_of(options, fit, known, origin, notes)


def _file_of(
    options: DepthFitOptions, fit: ShotFit, known: Sampled, origin: str, notes: tuple[str, ...]
) -> DepthFitFile:
    choices = FitChoices(gain=options.gain, knots=options.knot_frames)
    raw, evidence = known.raw, known.evidence
    rows = residuals(fit, raw, evidence, known.span, choices)
    moved = offsets(fit, raw, evidence, options.knot_frames) if options.performers else {}
    line = fit.alignment.line
    return DepthFitFile(
        space=line.space,
        backend=origin,
        fitted=True,
        scale=line.scale,
        offset=line.offset,
        nearest=line.nearest,
        farthest=line.farthest,
        covariance=fit.alignment.covariance,
        first_frame=fit.frames.start,
        gain=fit.gain.values,
        gain_sigma=fit.gain.sigma,
        noise=pixel_noise(rows, evidence),
        offsets_m={person: curve.values for person, curve in moved.items()},
        residuals=tuple(dataclasses.asdict(row) for row in rows),
        notes=(*notes, *(_sentence(row) for row in rows)),
    )


def _sentence(row: KindResidual) -> str:
    text = f"depth against {row.kind}: {row.samples} places, {100 * row.spread:.1f} % scatter"
    if row.left_out != "nothing":
        what = "this kind" if row.left_out == "kind" else "these frames"
        text += f"; fitted without {what} it is off by {100 * row.left_out_bias:+.1f} %"
        if abs(row.left_out_bias) > _FAR_OFF:
            text += " - something contradicts the rest; look at camera, heights and floor"
    return text


def check(kind: str, path: Path) -> None:
    """Read the fit back."""
    del kind
    check_depth_fit(path)


def contents(kind: str, path: Path) -> Contents:
    """Say how many frames have a gain."""
    del kind
    return Contents(count=len(read_depth_fit(path).gain))


STAGE = Stage(
    name="depth_fit",
    version=1,
    reads=("raw_depth",),
    optional=KNOWS,
    writes=("depth_fit",),
    options=DepthFitOptions,
    run=run,
    check=check,
    contents=contents,
    meaning="fit raw depth to bodies, floor and background: one line per shot and a slow gain",
)
