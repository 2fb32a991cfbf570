"""Depth found in a result folder: which clips have it, and what lies beside it."""

import dataclasses
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from choreoscope.capture.cloud.sources import ClipFiles, ClipSource
from choreoscope.capture.film_record import FILM_FILE, read_record
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.passes import pass_kind
from choreoscope.datatypes.video import Video
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.video import probe

CAMERA_FILE = "camera.json"
_NUMBER = re.compile(r"(\d+)(?!.*\d)")


def is_result(folder: Path) -> bool:
    """Whether a folder is the result of a film or of one of its clips."""
    return _is_clip(folder) or (folder / FILM_FILE).is_file()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClipFacts:
    """What a clip's folder and its film's record say.

    Attributes
    ----------
    frames : FrameRange
        Source frames.
    rate : Fraction
        Frames per second.
    camera : CameraTrack
        One row per frame.
    video : Video or None
        The film, if it is still where it was.
    """

    frames: FrameRange
    rate: Fraction
    camera: CameraTrack
    video: Video | None


def clip_source_facts(clip: Path) -> ClipFacts:
    """Read what is known of a clip.

    Raises
    ------
    InputError
        If the folder lacks its camera or the film's record.
    """
    record = read_record(clip.parent)
    if record is None:
        raise InputError(f"{clip.parent} lacks {FILM_FILE}, which tells of the film")
    return ClipFacts(
        frames=_frames_of(clip, record),
        rate=Fraction(str(record["rate"])),
        camera=read_camera(clip / CAMERA_FILE),
        video=_film(record),
    )


def clip_source(clip: Path) -> ClipSource:
    """Describe the depth of a clip's folder.

    Raises
    ------
    InputError
        If the folder lacks its camera or the film's record.
    """
    facts = clip_source_facts(clip)
    names = ("depth", "alpha", "people", "base_color")
    passes = {name: pass_files(clip, name) for name in names}
    masks = {path.parent.name: path for path in sorted(clip.glob("people/*/masks.json"))}
    files = ClipFiles(video=facts.video, masks=masks, **passes)
    return ClipSource(str(clip), files, facts.camera, facts.frames, facts.rate)


def clips_with(folder: Path, name: str) -> list[Path]:
    """Clips of a result folder that have a pass; the folder itself if it is such a clip."""
    found = [folder] if _is_clip(folder) else sorted(filter(_is_clip, folder.glob("clip-*")))
    return [clip for clip in found if pass_files(clip, name)]


def pass_files(clip: Path, name: str) -> dict[int, Path]:
    """Files of a pass in a clip's folder, by source frame."""
    kind = pass_kind(name)
    pattern = Path(kind.path.format(frame="*"))
    return {
        int(found[1]): path
        for path in sorted((clip / pattern.parent).glob(pattern.name))
        if (found := _NUMBER.search(path.stem)) is not None
    }


def _is_clip(folder: Path) -> bool:
    return (folder / CAMERA_FILE).is_file() and (folder / "work").is_dir()


def _frames_of(clip: Path, record: dict[str, Any]) -> FrameRange:
    for one in record.get("clips", []):
        if one.get("id") == clip.name:
            start, stop = one["frames"]
            return FrameRange(int(start), int(stop))
    raise InputError(
        f"{clip.parent / FILM_FILE} does not tell of {clip.name}; run the capture again"
    )


def _film(record: dict[str, Any]) -> Video | None:
    """Describe the film, if it is still where it was."""
    path = Path(str(record.get("path", "")))
    try:
        rate = Fraction(str(record["rate"])) if record.get("kind") == "sequence" else None
        return probe(path, rate=rate)
    except InputError:
        return None
