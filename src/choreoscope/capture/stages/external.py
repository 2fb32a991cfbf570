"""Stages that are done by hand in another program: the factory for any of them."""

import functools
from pathlib import Path

from choreoscope.capture.external.errand import Errand, outdated_frames
from choreoscope.capture.external.options import ExternalOptions
from choreoscope.capture.external.taking import WINDOW_FRAMES, Taker
from choreoscope.capture.passes.pass_files import contents as pass_contents
from choreoscope.datatypes.artifacts import EXTERNAL, external_kind
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.datatypes.passes import PASSES, pass_kind
from choreoscope.datatypes.video import Clip
from choreoscope.formats.external_json import read_window
from choreoscope.formats.passes import check_pass
from choreoscope.pipeline.stage import Contents, Job, Options, Stage

MEASURED = ("depth", "normals")
"""Passes that the solved camera and people can help to understand."""


def external_stage(name: str, passes: tuple[str, ...], meaning: str = "") -> Stage:
    """Make a stage that takes in passes from another program.

    Parameters
    ----------
    name : str
        Of the stage; also names its folder below ``missing/`` and, by default, the delivery's.
    passes : tuple of str
        Passes it writes; names of `datatypes.passes.PASSES`.
    meaning : str
        One line for people.

    Raises
    ------
    InputError
        If there is no such pass, none at all, or one twice.
    """
    for one in passes:
        pass_kind(one)
    if not passes or len(set(passes)) != len(passes):
        raise InputError(f"stage '{name}': expected passes, each once, got {', '.join(passes)}")
    known = tuple(one for one in PASSES if one in passes)
    return Stage(
        name=name,
        version=1,
        reads=(),
        optional=("camera", "motion") if set(MEASURED) & set(known) else (),
        writes=(*known, external_kind(name)),
        options=ExternalOptions,
        run=functools.partial(run, name, known),
        check=check,
        contents=contents,
        granularity="window",
        window_frames=WINDOW_FRAMES,
        # One task sees the whole delivery: it waits, decides and hands out once for all windows.
        windows="chained",
        outdated=outdated,
        meaning=meaning or f"take in what another program made: {', '.join(known)}",
    )


def run(name: str, passes: tuple[str, ...], job: Job) -> None:
    """Wait for the files, take in what is there, hand out what is missing."""
    errand = Errand(
        stage=name,
        known=passes,
        options=job.options,
        folder=job.folder,
        clip_id=job.clip_id,
        frames=job.frames,
        video=job.video,
    )
    Taker(errand, job).run()


def outdated(stage: Stage, options: Options, folder: Path, clip: Clip) -> FrameSet:
    """Frames for which something was delivered since they were taken in.

    Parameters
    ----------
    stage : Stage
        Made by `external_stage`.
    options : Options
        Its options.
    folder : Path
        The clip's folder.
    clip : Clip
        The shot.

    Raises
    ------
    InputError
        If the stage is another one, or two files claim the same frame.
    """
    if not isinstance(options, ExternalOptions):
        raise InputError(f"stage '{stage.name}' is not done in another program")
    return outdated_frames(
        Errand(
            stage=stage.name,
            known=tuple(kind for kind in stage.writes if kind in PASSES),
            options=options,
            folder=folder,
            clip_id=clip.id,
            frames=clip.frames,
            video=clip.video,
        )
    )


def check(kind: str, path: Path) -> None:
    """Re-read a file: a record by its reader, a pass as a picture of the house's format."""
    if not kind.startswith(EXTERNAL):
        check_pass(kind, path)
        return
    try:
        read_window(path)
    except InputError as error:
        raise OutputError(f"{path.name} does not read back: {error}") from error


def contents(kind: str, path: Path) -> Contents:
    """Say what a file holds, for comparing it with the film."""
    if kind.startswith(EXTERNAL):
        return Contents(frames=FrameSet.of([read_window(path).frames]))
    return pass_contents(kind, path)
