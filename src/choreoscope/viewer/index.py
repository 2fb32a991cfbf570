"""A small page that lists the clips of one film, each with a picture and its report."""

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from choreoscope.datatypes.errors import OutputError
from choreoscope.viewer.report import render
from choreoscope.viewer.report_data import Thumbnail


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClipEntry:
    """One clip of the list.

    Attributes
    ----------
    clip_id : str
        Name of the clip.
    report : str
        Path of its report relative to the index page.
    summary : str
        One line, for example "2 people, 230 of 230 frames complete".
    poster : Thumbnail or None
        A picture.
    """

    clip_id: str
    report: str
    summary: str
    poster: Thumbnail | None = None


def write_index(path: Path, film: str, clips: Sequence[ClipEntry], *, made_with: str) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        Where to; reports are linked relative to it.
    film : str
        Name of the film.
    clips : sequence of ClipEntry
        In order of time; may be empty.
    made_with : str
        Name and version of the program.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    page = render(
        "index.html.j2",
        film=film,
        made_with=made_with,
        clips=[
            {
                "id": clip.clip_id,
                "href": quote(clip.report),
                "summary": clip.summary,
                "poster": ""
                if clip.poster is None
                else base64.b64encode(clip.poster.jpeg).decode("ascii"),
            }
            for clip in clips
        ],
    )
    try:
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{path}: the list of clips cannot be written ({error})") from error
