"""The Python call behind ``choreoscope lift``: any folder with depth in, files in space out."""

import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.capture.cloud.curves import DepthCurve, curve_text
from choreoscope.capture.cloud.delivered import (
    Beside,
    DeliveredSource,
    DepthSaid,
    camera_standing,
)
from choreoscope.capture.cloud.lifting import Lifted, LiftFiles, LiftOptions, PlyForm, lift
from choreoscope.capture.cloud.result_source import clip_source, clips_with, is_result
from choreoscope.capture.cloud.sources import LiftSource
from choreoscope.capture.external.options import PassSource
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.video import probe
from choreoscope.geometry.projection import lens_from_fov
from choreoscope.pipeline.config.editing import write_whole

CURVE_FILE = "depth_curve.yaml"
USUAL_RATE = Fraction(24)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LiftInput:
    """What is said of a folder of depth that no capture made.

    Attributes
    ----------
    depth : PassSource
        Unit, near and far, pattern, channels: as for stages done outside.
    fov_degrees : float or None
        Horizontal field of view.
    aspect : float or None
        Width over height of what the lens saw; None takes the picture's own. Networks give
        square pictures of wide films.
    camera : Path or None
        A ``camera.json``, with one row per frame or one for all.
    film : Path or None
        Film or folder of frames that gives the colours.
    alpha : Path or None
        Folder of mattes; None takes those beside the depth.
    rate : Fraction or None
        Frames per second; None takes the film's, else 24.
    """

    depth: PassSource = dataclasses.field(default_factory=PassSource)
    fov_degrees: float | None = None
    aspect: float | None = None
    camera: Path | None = None
    film: Path | None = None
    alpha: Path | None = None
    rate: Fraction | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LiftWanted:
    """Which files to make.

    Attributes
    ----------
    points, mesh : bool
        ``cloud.usdc``, ``relief.usdc``.
    ply : {"ascii", "binary"} or None
        One PLY per frame in ``ply/``.
    """

    points: bool = True
    mesh: bool = False
    ply: PlyForm | None = None


def lift_depth(
    source: Path | str,
    out: Path | str,
    *,
    options: LiftOptions | None = None,
    wanted: LiftWanted | None = None,
    given: LiftInput | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Lifted, ...]:
    """Lift depth into space: what ``choreoscope lift`` does.

    Parameters
    ----------
    source : path
        Result folder of a film or a clip with the pass ``depth``, or any folder of depth files.
    out : path
        Folder to write to; made if absent. A film's clips get a folder each.
    options : LiftOptions
        How it is lifted.
    wanted : LiftWanted
        Which files.
    given : LiftInput
        For folders that are no result: lens, units, film.
    progress : callable
        Told the name of what is lifted, frames done, frames in all.

    Returns
    -------
    tuple of Lifted
        One per clip.

    Raises
    ------
    InputError
        If there is no depth, or it cannot be understood; the text says what to give.
    OutputError
        If a file cannot be written or does not read back.
    """
    folder, target = Path(source), Path(out)
    options, wanted, given = options or LiftOptions(), wanted or LiftWanted(), given or LiftInput()
    if not is_result(folder):
        return (_lift_folder(folder, target, options, wanted, given, progress),)
    clips = clips_with(folder, "depth")
    if not clips:
        raise InputError(
            f"{folder} has no depth yet: capture with a recipe that makes it ('choreoscope "
            "recipes'), or give a folder of depth from another program"
        )
    single = len(clips) == 1 and clips[0] == folder
    return tuple(
        _lifted(
            clip_source(clip), target if single else target / clip.name, options, wanted, progress
        )
        for clip in clips
    )


def _lift_folder(
    folder: Path,
    target: Path,
    options: LiftOptions,
    wanted: LiftWanted,
    given: LiftInput,
    progress: Callable[[str, int, int], None] | None,
) -> Lifted:
    film = None if given.film is None else probe(given.film, rate=_rate_of_folder(given))
    rate = film.rate if film is not None else given.rate or USUAL_RATE
    law = options.law
    is_scaled = law.scale != 1 or law.offset != 0
    source = DeliveredSource(
        folder,
        DepthSaid(source=given.depth, is_raw=law.inverse, is_scaled=is_scaled),
        Beside(rate=rate, video=film, alpha=given.alpha),
    )
    try:
        source.camera = _camera(source, given)
        if given.camera is None and given.fov_degrees is None:
            source.notes = (*source.notes, "the lens is assumed; give --fov or --camera")
        return _lifted(source, target, options, wanted, progress)
    finally:
        source.close()


def _rate_of_folder(given: LiftInput) -> Fraction | None:
    is_folder = given.film is not None and given.film.is_dir()
    return (given.rate or USUAL_RATE) if is_folder else None


def _camera(source: DeliveredSource, given: LiftInput) -> CameraTrack:
    """Make one row per frame, for pictures of the depth's size."""
    (width, height), count = source.size, len(source.frames)
    if given.camera is not None:
        return _fitted(read_camera(given.camera), source.size, count, given.camera)
    aspect = given.aspect or width / height
    if not aspect > 0:
        raise InputError(f"aspect: expected width over height above 0, got {aspect:g}")
    if given.fov_degrees is None:
        # The "normal" lens: its focal length is the diagonal of the picture.
        wide = 2 * math.degrees(math.atan(aspect / (2 * math.hypot(aspect, 1.0))))
    else:
        wide = given.fov_degrees
    matrix = lens_from_fov(wide, width, height).intrinsics
    # The picture may be squeezed; the angle down follows from the aspect the lens saw.
    matrix[1, 1] = matrix[0, 0] * aspect * height / width
    return camera_standing(
        matrix, source.size, count, "assumed" if given.fov_degrees is None else "given"
    )


def _fitted(camera: CameraTrack, size: tuple[int, int], count: int, path: Path) -> CameraTrack:
    rows = len(camera.intrinsics)
    if rows not in (1, count) and rows < count:
        raise InputError(f"{path}: {rows} frames for {count} of depth")
    across, down = size[0] / camera.width, size[1] / camera.height
    kept = np.zeros(count, dtype=int) if rows == 1 else np.arange(count)
    return CameraTrack(
        width=size[0],
        height=size[1],
        intrinsics=camera.intrinsics[kept] * np.array([[across], [down], [1.0]]),
        camera_from_world=camera.camera_from_world[kept],
        distortion=camera.distortion,
        source=camera.source,
        metric=camera.metric,
    )


def _lifted(
    source: LiftSource,
    target: Path,
    options: LiftOptions,
    wanted: LiftWanted,
    progress: Callable[[str, int, int], None] | None,
) -> Lifted:
    if not (wanted.points or wanted.mesh or wanted.ply):
        raise InputError("nothing to make: expected points, a mesh or PLY files")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{target} cannot be made ({error.strerror})") from error
    files = LiftFiles(
        points=target / "cloud.usdc" if wanted.points else None,
        relief=target / "relief.usdc" if wanted.mesh else None,
        ply=target / "ply" if wanted.ply else None,
        ply_form=wanted.ply or "ascii",
    )
    name = Path(source.name).name
    told = None if progress is None else lambda done, total: progress(name, done, total)
    lifted = lift(source, files, options, told)
    # What was used lies beside the result, ready to be changed and given back with --curve.
    write_whole(target / CURVE_FILE, curve_text(options.curve or DepthCurve()))
    return lifted
