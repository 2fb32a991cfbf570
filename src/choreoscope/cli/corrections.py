"""``choreoscope corrections``: begin a file of corrections, or check one."""

from pathlib import Path
from typing import Annotated

import typer


def corrections(
    result: Annotated[
        Path, typer.Argument(help="Result folder of a film, or a file of corrections to check.")
    ],
) -> None:
    """Write a commented corrections.yaml into a result folder, or check one that is there.

    The next capture of the film replays it, and makes again only what depends on it.
    """
    from choreoscope.capture.corrections import FILE_NAME
    from choreoscope.datatypes.errors import InputError
    from choreoscope.formats.corrections_template import write_corrections_template
    from choreoscope.formats.corrections_yaml import read_corrections

    file = result / FILE_NAME if result.is_dir() else result
    if not result.is_dir() and not result.exists():
        raise InputError(f"no such folder or file: {result}")
    if not file.exists():
        write_corrections_template(file)
        print(f"{file} written; every entry in it is still a comment")
        return
    found = read_corrections(file, frame_count=_frames_of(file.parent))
    print(f"{file}: {len(found.entries)} corrections, all of them readable")


def _frames_of(folder: Path) -> int:
    """Frames of the film a result folder belongs to; where that is unknown, more than any has."""
    from choreoscope.capture.film_record import known_frames
    from choreoscope.capture.sections import FRAMES_EVER

    return known_frames(folder) or FRAMES_EVER
