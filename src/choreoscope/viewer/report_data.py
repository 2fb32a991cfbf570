"""What the report page is made from: plain facts, gathered from artifacts by the caller."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from choreoscope.datatypes.artifacts import Manifest, WrittenFile
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import Licence, Tier
from choreoscope.datatypes.motion import Motion
from choreoscope.datatypes.people import PersonSequence
from choreoscope.datatypes.residuals import PersonResiduals
from choreoscope.datatypes.video import Video
from choreoscope.formats.body_npz import BodyFile
from choreoscope.viewer.cloud_view import CloudView


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """One small picture of the film, drawn over.

    Attributes
    ----------
    frame : int
        Source frame.
    seconds : float
        Time from the film's first frame.
    jpeg : bytes
        The picture as a JPEG file.
    width, height : int
        Pixels.
    """

    frame: int
    seconds: float
    jpeg: bytes
    width: int
    height: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PassEntry:
    """One film pass.

    Attributes
    ----------
    name : str
        Of the pass.
    count : int
        Frames it has.
    span : (float, float)
        Numbers shown as the first and the last colour.
    pictures : tuple of Thumbnail
        Some of its frames in colours.
    """

    name: str
    count: int
    span: tuple[float, float]
    pictures: tuple[Thumbnail, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonEntry:
    """One person of the clip.

    Attributes
    ----------
    sequence : PersonSequence
        What was seen, by source frame.
    motion : Motion or None
        The movement in the world; None where it could not be made.
    height_m : float or None
        Stature used, metres.
    height_source : str
        Where the stature comes from: "given", "measured", "assumed", ...
    files : tuple of WrittenFile
        Files that belong to this person alone.
    body : BodyFile or None
        What the movement is drawn with; None draws a jointed figure.
    facts : mapping of str to Any
        Of the person in ``fit.json``; unknown numbers are None.
    residuals : PersonResiduals or None
        Record of the solve; None where nothing was solved.
    """

    sequence: PersonSequence
    motion: Motion | None
    height_m: float | None
    height_source: str
    files: tuple[WrittenFile, ...] = ()
    body: BodyFile | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    residuals: PersonResiduals | None = None

    @property
    def person(self) -> str:
        """The id, the same in every file."""
        return self.sequence.person


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision about who is who, for example two tracks joined.

    Attributes
    ----------
    person : str
        Whom it concerns.
    text : str
        One sentence.
    score : float or None
        0 to 1, how sure; None where there is no figure.
    """

    person: str
    text: str
    score: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelUse:
    """A model that took part, with the terms it comes under."""

    name: str
    version: str
    task: str
    licence: Licence


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything the page shows.

    Attributes
    ----------
    video : Video
        The film; only its name appears, never the folder it lies in.
    clip_id : str
        Name of the clip.
    frames : FrameRange
        Source frames of the clip.
    people : tuple of PersonEntry
        May be empty: nobody found is a result.
    camera : CameraTrack or None
        One pose for each frame of `frames`, or a single one.
    camera_note : str
        One sentence: where the lens comes from, whether the camera moves.
    stages : tuple of str
        Stages that had to run, in order; those without a manifest count as missing.
    manifests : mapping of str to Manifest
        By stage.
    notes : tuple of str
        Warnings and remarks beyond those in the manifests.
    decisions : tuple of Decision
        Who is who, and why.
    models : tuple of ModelUse
        With their licences.
    tier : Tier
        What the whole result may be used for.
    thumbnails : tuple of Thumbnail
        The film strip, in order of time.
    poster : Thumbnail or None
        A larger picture shown before the film plays.
    overlay : str or None
        Path of the overlay film relative to the page.
    top_view_png, side_view_png : bytes or None
        The two pictures of `viewer.views`.
    files : tuple of WrittenFile
        Files of the clip that belong to no single person.
    solve : mapping of str to Any
        Record of the solve in ``fit.json``; empty where nothing was solved.
    passes : tuple of PassEntry
        Film passes that were made or taken in.
    cloud : CloudView or None
        The film lifted into space; None where no cloud was made.
    made_with : str
        Name and version of the program.
    """

    video: Video
    clip_id: str
    frames: FrameRange
    people: tuple[PersonEntry, ...]
    camera: CameraTrack | None
    camera_note: str
    stages: tuple[str, ...]
    manifests: Mapping[str, Manifest]
    tier: Tier
    made_with: str
    notes: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    models: tuple[ModelUse, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()
    poster: Thumbnail | None = None
    overlay: str | None = None
    top_view_png: bytes | None = None
    side_view_png: bytes | None = None
    files: tuple[WrittenFile, ...] = ()
    solve: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    passes: tuple[PassEntry, ...] = ()
    cloud: CloudView | None = None

    def __post_init__(self) -> None:
        if len(self.frames) == 0 or self.frames.stop > self.video.frame_count:
            raise InputError(
                f"report: frames {self.frames} are not inside 0:{self.video.frame_count}"
            )
        names = [entry.person for entry in self.people]
        if len(set(names)) != len(names):
            raise InputError(f"report: every person must appear once, got {', '.join(names)}")
