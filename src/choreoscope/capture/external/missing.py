"""Frames handed out again: just those that lack something, numbered without a break.

``missing/<stage>/<set>/`` in the clip's folder holds ``plate/`` with the source frames as PNG,
``missing.json`` with the source frame of every number, and ``results/`` for what the other program
makes of them. A set's name follows from its frames, so a set made again is the same set. What an
artist has put into ``results/`` is never touched.
"""

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path

from choreoscope.capture.external.delivery import Root
from choreoscope.capture.external.numbering import Wanted
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.video import Video
from choreoscope.formats.external_json import read_numbers, write_numbers
from choreoscope.formats.pictures import write_png
from choreoscope.formats.video_reader import FilmReader

PLATE, RESULTS, NUMBERS, README = "plate", "results", "missing.json", "README.txt"

TEXT = """\
{count} frames of {clip} still lack something. Counted from 0, without the last of each range:
{frames}

plate/    these frames, numbered {first} to {last} without a break
results/  put what '{stage}' makes of them here, in one folder per pass:
          {folders}
          as pictures or as a film. Numbers may begin at {first}, 0 or 1.

missing.json says which number stands for which source frame. Then give the same command again:
the results are put in their places, checked, and this folder goes once nothing is missing.
"""


def set_name(frames: FrameSet) -> str:
    """Name a set of frames; equal sets have equal names."""
    digest = hashlib.sha256(str(frames).encode("ascii")).hexdigest()
    return f"{len(frames)}-frames-{digest[:6]}"


def handed_out(folder: Path, stage: str) -> dict[str, dict[int, int]]:
    """All sets handed out so far: name to number to source frame.

    The maps are kept below ``work/`` as well, because an artist may take a set to another machine
    and bring results back after it has gone here.

    Parameters
    ----------
    folder : Path
        The clip's folder.
    """
    files = [*_maps(folder, stage).glob("*.json"), *_place(folder, stage).glob(f"*/{NUMBERS}")]
    found: dict[str, dict[int, int]] = {}
    for path in sorted(files):
        name = path.stem if path.name != NUMBERS else path.parent.name
        with contextlib.suppress(InputError):
            # A damaged copy; the other one is enough.
            found.setdefault(name, read_numbers(path))
    return found


def roots(folder: Path, stage: str) -> tuple[Root, ...]:
    """Return the folders in which results of frames handed out may lie."""
    found = []
    for name, frames in handed_out(folder, stage).items():
        numbers = sorted(frames)
        if not numbers:
            continue
        count = len(numbers)
        wanted = Wanted(start=numbers[0], length=count, film_length=count)
        found.append(
            Root(
                name=name,
                folder=_place(folder, stage) / name / RESULTS,
                frames=tuple(frames[number] for number in numbers),
                wanted=wanted,
            )
        )
    return tuple(found)


def hand_out(
    folder: Path,
    stage: str,
    frames: FrameSet,
    *,
    video: Video,
    start: int,
    passes: tuple[str, ...],
) -> None:
    """Write the set of frames that lack something, and take away sets that have had their day.

    A set that is being worked on (it has results, and all that is missing is part of it) stays as
    it is.

    Parameters
    ----------
    folder : Path
        The clip's folder.
    frames : FrameSet
        Source frames; with none, everything of ours is taken away.
    start : int
        Number of the first picture.
    passes : tuple of str
        Named in the explanation.
    """
    known = handed_out(folder, stage)
    busy = {name for name in known if _has_results(_place(folder, stage) / name)}
    kept = next((name for name in sorted(busy) if not frames - _set_of(known[name])), None)
    name = kept or set_name(frames)
    for other in known:
        if not frames or other != name:
            _take_away(_place(folder, stage) / other, known[other])
    if not frames:
        _remove_if_empty(_place(folder, stage))
        _remove_if_empty(_place(folder, stage).parent)
    elif kept is None:
        numbers = dict(enumerate(frames, start=start))
        _write(folder, stage, name, numbers, video=video, passes=passes)


def _write(
    folder: Path,
    stage: str,
    name: str,
    numbers: Mapping[int, int],
    *,
    video: Video,
    passes: tuple[str, ...],
) -> None:
    _maps(folder, stage).mkdir(parents=True, exist_ok=True)
    write_numbers(_maps(folder, stage) / f"{name}.json", stage, numbers)
    place = _place(folder, stage) / name
    (place / PLATE).mkdir(parents=True, exist_ok=True)
    for one in passes:
        (place / RESULTS / one).mkdir(parents=True, exist_ok=True)
    number_of = {frame: number for number, frame in numbers.items()}
    with FilmReader(video) as reader:
        for part in FrameSet.of(numbers.values()).ranges:
            for frame, rgb in reader.frames(part):
                _write_plate(place / PLATE / _plate(number_of[frame]), rgb)
    write_numbers(place / NUMBERS, stage, numbers)
    text = TEXT.format(
        count=len(numbers),
        clip=folder.name,
        frames=FrameSet.of(numbers.values()),
        first=min(numbers),
        last=max(numbers),
        stage=stage,
        folders="  ".join(f"{RESULTS}/{one}/" for one in passes),
    )
    (place / README).write_text(text, encoding="utf-8")


def _write_plate(path: Path, rgb: object) -> None:
    import numpy as np

    if path.exists():
        return
    unfinished = path.with_name(f".{path.name}")
    write_png(unfinished, np.asarray(rgb))
    unfinished.replace(path)


def _plate(number: int) -> str:
    return f"plate.{number:04d}.png"


def _take_away(place: Path, numbers: Mapping[int, int]) -> None:
    """Remove what we wrote, and folders that are empty then."""
    for number in numbers:
        (place / PLATE / _plate(number)).unlink(missing_ok=True)
        (place / PLATE / f".{_plate(number)}").unlink(missing_ok=True)
    for name in (NUMBERS, README):
        (place / name).unlink(missing_ok=True)
    results = place / RESULTS
    if results.is_dir():
        for folder in sorted(results.rglob("*"), reverse=True):
            if folder.is_dir():
                _remove_if_empty(folder)
    for folder in (results, place / PLATE, place):
        _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _has_results(place: Path) -> bool:
    return any(path.is_file() for path in (place / RESULTS).rglob("*"))


def _set_of(numbers: Mapping[int, int]) -> FrameSet:
    return FrameSet.of(numbers.values())


def _place(folder: Path, stage: str) -> Path:
    return folder / "missing" / stage


def _maps(folder: Path, stage: str) -> Path:
    return folder / "work" / "missing" / stage


def clip_root(folder: Path, frames: FrameRange, film_length: int) -> Root:
    """Return the delivery itself as a place to look in."""
    return Root(
        name="",
        folder=folder,
        frames=range(frames.start, frames.stop),
        wanted=Wanted(start=frames.start, length=len(frames), film_length=film_length),
    )
