"""What a stage is, and what it is handed when it runs."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.video import Clip, Video


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a file of a result holds, as far as it can be compared with the film.

    Attributes
    ----------
    frames : FrameSet or None
        Source frames it has values for.
    count : int or None
        How many frames it holds, where it does not say which.
    size : (int, int) or None
        Width and height of its pictures, pixels.
    channels : int or None
        Channels of its pictures.
    finite : bool
        False when not a single value is a finite number.
    """

    frames: FrameSet | None = None
    count: int | None = None
    size: tuple[int, int] | None = None
    channels: int | None = None
    finite: bool = True


class Options(BaseModel):
    """Base of every stage's options: they change results, so they enter the fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoOptions(Options):
    """For stages without a choice."""


class Job(Protocol):
    """One run of one stage on one clip, as the engine hands it to the stage.

    Files are read through `input` and written through `output`; the engine re-reads every
    output with the stage's `check`, hashes it, moves it to its place and writes the manifest last.
    """

    @property
    def video(self) -> Video:
        """The film."""
        ...

    @property
    def frames(self) -> FrameRange:
        """The source frames of the clip."""
        ...

    @property
    def clip_id(self) -> str:
        """Name of the clip, for example "clip-001"."""
        ...

    @property
    def folder(self) -> Path:
        """The clip's folder, for what is no result: frames handed out again, say."""
        ...

    @property
    def options(self) -> Any:  # noqa: ANN401
        """The stage's resolved options."""
        ...

    @property
    def settings(self) -> RunSettings:
        """Workers and the like; must not change results."""
        ...

    @property
    def missing(self) -> FrameSet:
        """Frames still to be made (window stages); all of the clip's frames otherwise.

        A stage with independent windows may be handed a part of them: others make the rest.
        """
        ...

    @property
    def windows(self) -> tuple[FrameRange, ...]:
        """Windows to make, in order; after a crash they may be shorter than usual.

        For window stages: these, and no others, are written and committed.
        """
        ...

    def model(self) -> Any:  # noqa: ANN401
        """Return the back end, loaded at the first call."""
        ...

    def input(self, kind: str, *, person: str | None = None, window: str | None = None) -> Path:
        """Path of an input artifact."""
        ...

    def inputs(self, kind: str) -> Mapping[str, Path]:
        """All files of a kind: by person, window or frame (six digits), else under the empty text.

        Empty for an optional kind that was not made.
        """
        ...

    def previous(self, kind: str) -> Mapping[str, Path]:
        """Files this window stage has already committed, by window, in the order of their frames.

        Those of an earlier, stopped run with the same fingerprint count, so that the stage
        continues from the state stored in the window before.
        """
        ...

    def output(
        self,
        kind: str,
        *,
        person: str | None = None,
        window: str | None = None,
        frame: int | None = None,
    ) -> Path:
        """Temporary path to write an artifact to; the engine moves it into place."""
        ...

    def commit(self, done: FrameRange) -> None:
        """Keep what a window stage wrote for these frames, even if killed later."""
        ...

    def progress(self, done: int, total: int, unit: str) -> None:
        """Tell how far it is; cheap, may be called for every frame."""
        ...

    def note(self, text: str) -> None:
        """Add a sentence for the manifest and the report."""
        ...

    def failed(self, frames: FrameRange, why: str) -> None:
        """Record source frames that could not be made, with a one-line reason."""
        ...

    def manifests(self) -> Mapping[str, Any]:
        """Manifests of the clip's finished stages by stage name (for the report and the index)."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of a recipe.

    Attributes
    ----------
    name, version : str, int
        Raise the version when results change.
    reads, writes : tuple of str
        Artifact kinds. Order in a recipe follows from them.
    optional : tuple of str
        Kinds read if they were made: a recipe without them, or one whose writer failed, does not
        hold the stage up, and it runs again once they are there.
    options : type
        Pydantic model, a subclass of `Options`.
    task : str or None
        The back-end task it needs.
    granularity : {"clip", "window"}
        Whole clip at once, or windows of `window_frames`, committed one by one.
    windows : {"chained", "independent"}
        Chained windows go in order, each continuing from the state stored with the one before;
        independent ones may be made at the same time by several workers.
    window_frames : int
        Length of a window; an option of that name goes before it.
    run : callable
        ``run(job)``.
    check : callable
        ``check(kind, path)`` re-reads one written file and raises `OutputError` when it is not
        what it should be.
    contents : callable or None
        ``contents(kind, path)`` says what one file holds, for ``choreoscope verify`` to compare
        with the film; None where `check` says all there is to say.
    picture_size : callable or None
        ``picture_size(width, height)`` says how large its pictures are for a film of that size;
        None where they are as large as the film's.
    outdated : callable or None
        For stages that take in work done in another program:
        ``outdated(stage, options, folder, clip)`` returns the frames for which something was
        delivered since they were taken in; asked at every plan, so it must be quick.
    """

    name: str
    version: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    options: type[Options]
    run: Callable[[Job], None]
    check: Callable[[str, Path], None]
    meaning: str
    task: str | None = None
    granularity: Literal["clip", "window"] = "clip"
    window_frames: int = 0
    optional: tuple[str, ...] = ()
    windows: Literal["chained", "independent"] = "chained"
    contents: Callable[[str, Path], Contents] | None = None
    picture_size: Callable[[int, int], tuple[int, int]] | None = None
    outdated: Callable[["Stage", Options, Path, Clip], FrameSet] | None = None
