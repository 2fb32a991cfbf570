"""A result's passes written as other programs take them."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.delivery.films import FORMS, PREVIEW, PREVIEW_NAME, PREVIEW_SUFFIX
from choreoscope.delivery.listing import sequence_names
from choreoscope.delivery.names import film_path
from choreoscope.delivery.options import FILM_NEEDED, NEEDS, ONLY_ASKED, DeliveryOptions
from choreoscope.delivery.sidecar import Delivered, write_sidecar
from choreoscope.delivery.source import ClipSource, clips_of
from choreoscope.formats.pass_writer import UNFINISHED
from choreoscope.formats.passes import AXES, read_pass
from choreoscope.formats.work_pool import WorkPool, cores

BLOCK = 8
"""Frames one worker makes in a row at most: enough to make seeking in the film cheap."""
SHARES = 2
"""Blocks per worker there should be, so that none waits long for the last."""
RESULT_SUFFIX, DELIVERY_SUFFIX = ".choreoscope", ".delivery"
EDGES = (0.1, 99.9)
"""Percent of all depths that become white and black; a few wild pixels must not decide."""
EVERY = 16
"""Every so many pixels are looked at for that."""
CAMERA = "camera"
"""Begins what files of normals in the camera's axes say of them."""
MATTES = ("alpha", "people")
FILMS = ("prores", "vp9", "ffv1")
SHOWN = 8

Progress = Callable[[int, int], None]
"""Told how much of how much is done: pictures of every frame count once, films once per frame."""


def deliver(
    result: Path | str,
    out: Path | str | None = None,
    *,
    options: DeliveryOptions | None = None,
    film: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Delivered]:
    """Write the passes of a result for other programs.

    Parameters
    ----------
    result : path
        Result folder of a film, or the folder of one of its clips.
    out : path or None
        Folder to write to, with one folder per shot in it; None puts one beside the result.
    options : DeliveryOptions or None
        What to write; None takes the defaults.
    film : Path or None
        The film, if it lies elsewhere than when it was captured.
    workers : int or None
        Processes; None takes one per core, 0 does everything in this one.
    progress : callable or None
        See `Progress`; may be called from several threads.

    Returns
    -------
    list of Delivered
        One per shot; what could not be made is named in each.

    Raises
    ------
    InputError
        If it is no result folder, holds nothing that was asked for, or the folder to write to
        holds pictures of another delivery.
    OutputError
        If a file cannot be written or does not read back.
    """
    wanted = options or DeliveryOptions()
    root = Path(result)
    target = Path(out) if out is not None else _beside(root)
    orders = [_Shot(source, target, wanted) for source in clips_of(root, film)]
    total = sum(order.steps for order in orders)
    counted = _Count(total, progress)
    return [order.run(workers, counted.more) for order in orders]


def _beside(root: Path) -> Path:
    place = root.resolve()
    return place.with_name(place.name.removesuffix(RESULT_SUFFIX) + DELIVERY_SUFFIX)


class _Count:
    """Adds up what workers report."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def more(self, more: int) -> None:
        self._done += more
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)


class _Shot:
    """The delivery of one clip: what there is to do, and doing it."""

    def __init__(self, source: ClipSource, target: Path, options: DeliveryOptions) -> None:
        self._source, self._options = source, options
        self._folder = target / source.shot
        self._notes: list[str] = []
        wanted = _wanted_frames(source, options)
        self._frames = tuple(source.source_frames(wanted))
        self._names = _names(source, options)
        self._films = self._film_list()
        if "normals" in self._names and _other_axes(source):
            self._notes.append(f"normals: {_other_axes(source)}, whatever their name says")
        if not self._names and not self._films:
            raise InputError(
                f"{source.folder} holds no passes to deliver yet; capture with a recipe that makes "
                "some ('choreoscope recipes')"
            )
        self._numbers = [options.start + at for at in range(len(self._frames))]
        self._check_place()

    @property
    def steps(self) -> int:
        return len(self._frames) * (len(self._films) + bool(self._has_pictures))

    @property
    def _has_pictures(self) -> bool:
        return bool({"exr", "layers", "png"} & set(self._options.what)) and bool(self._names)

    def run(self, workers: int | None, more: Callable[[int], None]) -> Delivered:
        """Write everything."""
        self._prepare()
        span = self._depth_span()
        files: Counter[str] = Counter()
        lost: list[int] = []

        def note(record: dict[str, Any]) -> None:
            if "path" in record:
                files[Path(record["path"]).name] += record["size"]
            for path, size in record.get("files", ()):
                files[path.partition("/")[0]] += size
            lost.extend(record.get("no_picture", ()))

        with WorkPool(workers, done=note, more=more) as pool:
            count = cores() if workers is None else workers
            for order in self._film_orders(count):
                pool.order("choreoscope.delivery.films:deliver_film", order)
            for block in self._blocks(span, count):
                pool.order("choreoscope.delivery.block:deliver_block", block)
        missing = self._missing() | ({"film": tuple(sorted(lost))} if lost else {})
        done = Delivered(
            folder=self._folder,
            source=self._source,
            names=self._names,
            frames=self._frames,
            span=span,
            files=dict(files),
            missing=missing,
            notes=tuple(self._notes),
        )
        write_sidecar(done, self._options)
        return done

    def _film_list(self) -> list[tuple[str, str | None]]:
        """Films to make: form and person, None for all performers together."""
        what = self._options.what
        wanted = [form for form in (*FILMS, PREVIEW) if form in what]
        if not wanted:
            return []
        if not set(MATTES) & set(self._source.passes):
            self._notes.append(f"{', '.join(wanted)}: left out, the result holds no mattes")
            return []
        if self._source.film is None:
            raise InputError(
                f"{', '.join(wanted)}: the film is not where it was; name it with --film, or leave "
                "them out with --what"
            )
        people: list[str | None] = [None, *self._source.ids.get("people", ())]
        forms: list[str] = [form for form in wanted if form != PREVIEW]
        forms += ["ffv1_matte"] if "ffv1" in what else []
        films = [(form, person) for form in forms for person in people]
        return films + ([(PREVIEW, None)] if PREVIEW in what else [])

    def _film_orders(self, workers: int) -> Iterator[dict[str, Any]]:
        paths = [self._paths(frame) for frame in self._frames]
        for form, person in self._films:
            if form == PREVIEW:
                ending, suffix = PREVIEW_NAME, PREVIEW_SUFFIX
            else:
                ending, suffix = FORMS[form][1], FORMS[form][0].suffix
            source = self._source
            yield {
                "path": str(film_path(self._folder, source.shot, person, ending, suffix)),
                "form": form,
                "person": person,
                "film": str(source.film),
                "rate": str(source.rate),
                "size": source.size,
                "threads": max(1, workers // len(self._films)),
                "frames": [
                    {
                        "source": frame,
                        "paths": {name: at[name] for name in (*MATTES, "foreground") if name in at},
                    }
                    for frame, at in zip(self._frames, paths, strict=True)
                ],
            }

    def _blocks(self, span: tuple[float, float] | None, workers: int) -> Iterator[dict[str, Any]]:
        if not self._has_pictures:
            return
        source = self._source
        records = [self._record(at, frame) for at, frame in enumerate(self._frames)]
        length = max(1, min(BLOCK, len(records) // max(1, SHARES * workers)))
        for start in range(0, len(records), length):
            yield {
                "out": str(self._folder),
                "shot": source.shot,
                "film": None if source.film is None else str(source.film),
                "rate": str(source.rate),
                "size": source.size,
                "tier": source.tier,
                "ids": {name: list(ids) for name, ids in source.ids.items()},
                "told": {name: dict(told) for name, told in source.told.items()},
                "names": self._names,
                "span": span,
                "options": self._options.record(),
                "frames": records[start : start + length],
            }

    def _record(self, at: int, frame: int) -> dict[str, Any]:
        camera, row = self._source.camera, frame - self._source.frames.start
        return {
            "source": frame,
            "number": self._numbers[at],
            "shown": at,
            "paths": self._paths(frame),
            "intrinsics": None if camera is None else camera.intrinsics[row].tolist(),
            "camera_from_world": None if camera is None else camera.camera_from_world[row].tolist(),
        }

    def _paths(self, frame: int) -> dict[str, str]:
        """Files of a source frame that are really there."""
        found = {name: paths.get(frame) for name, paths in self._source.passes.items()}
        return {
            name: str(path) for name, path in found.items() if path is not None and path.exists()
        }

    def _missing(self) -> dict[str, tuple[int, ...]]:
        there = [set(self._paths(frame)) for frame in self._frames]
        needed = {name: NEEDS[name] for name in self._names}
        if self._films and not needed:
            needed["alpha"] = tuple(name for name in MATTES if name in self._source.passes)
        lacking = {
            name: tuple(
                number
                for number, have in zip(self._numbers, there, strict=True)
                if not set(needs) <= have
            )
            for name, needs in needed.items()
        }
        return {name: numbers for name, numbers in lacking.items() if numbers}

    def _check_place(self) -> None:
        """Refuse a folder with pictures of another delivery: every stray one becomes a frame."""
        numbers = {str(number) for number in self._numbers}
        for folder in sorted(self._folder.glob(f"{self._source.shot}_*/")):
            for file in sorted(folder.iterdir()):
                number = re.search(r"\.0*(\d+)\.(exr|png)$", file.name)
                if number is not None and number[1] not in numbers:
                    raise InputError(
                        f"{folder} holds {file.name} of another delivery, which programs would "
                        "take for a frame; remove that folder or choose another with --out"
                    )

    def _prepare(self) -> None:
        """Make the folders, and remove what an interrupted delivery left half-done."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for half in self._folder.rglob(f"*{UNFINISHED}"):
            half.unlink()
        for folder in self._sequence_folders() if self._has_pictures else ():
            folder.mkdir(exist_ok=True)

    def _sequence_folders(self) -> set[Path]:
        return {
            self._folder / f"{self._source.shot}_{name}"
            for name in sequence_names(self._names, self._source.ids, self._options)
        }

    def _depth_span(self) -> tuple[float, float] | None:
        """Metres that become white and black: one pair for the whole clip, or it would flicker."""
        options = self._options
        if "png" not in options.what or "depth" not in self._names:
            return None
        if options.near is not None and options.far is not None:
            return options.near, options.far
        samples = []
        for frame in sorted(set(self._frames)):
            path = self._paths(frame).get("depth")
            if path is not None:
                values = read_pass("depth", Path(path)).ravel()[::EVERY]
                samples.append(values[np.isfinite(values) & (values > 0)])
        known = np.concatenate(samples) if samples else np.zeros(0)
        if not known.size:
            return None
        near, far = (float(edge) for edge in np.percentile(known, EDGES))
        near = near if options.near is None else options.near
        far = far if options.far is None else options.far
        return near, max(far, near * 1.001)


def _wanted_frames(source: ClipSource, options: DeliveryOptions) -> FrameRange:
    if options.frames is None:
        return source.frames
    start, stop = options.frames
    first, end = source.frames.start, source.frames.stop
    if not first <= start < stop <= end:
        raise InputError(
            f"--frames: expected a part of {first}:{end} (source frames of {source.clip}), "
            f"got {start}:{stop}"
        )
    return FrameRange(start, stop)


def _names(source: ClipSource, options: DeliveryOptions) -> tuple[str, ...]:
    """Find what to deliver, in the order of `NEEDS`."""
    there = [name for name in NEEDS if _can(name, source)]
    if options.passes is None:
        names = tuple(name for name in there if name not in ONLY_ASKED)
    else:
        _check_there(options.passes, there, source)
        names = tuple(name for name in NEEDS if name in options.passes)
    if "normals" in names and options.normal_space == "world":
        if source.camera is None:
            raise InputError(f"--normal-space world: {source.folder} holds no camera")
        if _other_axes(source):
            raise InputError(f"--normal-space world: the normals are {_other_axes(source)}")
    return names


def _other_axes(source: ClipSource) -> str | None:
    """Axes of normals that are not the camera's, such as an object's own."""
    axes = source.told.get("normals", {}).get(AXES, CAMERA)
    return None if axes.startswith(CAMERA) else axes


def _can(name: str, source: ClipSource) -> bool:
    if name in FILM_NEEDED and source.film is None:
        return False
    return set(NEEDS[name]) <= set(source.passes)


def _check_there(wanted: Sequence[str], there: Sequence[str], source: ClipSource) -> None:
    absent = [name for name in wanted if name not in there]
    if absent:
        film = " and the film" if absent[0] in FILM_NEEDED else ""
        raise InputError(
            f"--passes {absent[0]}: it needs {' and '.join(NEEDS[absent[0]])}{film}, which "
            f"{source.folder} does not hold; there are {', '.join(there) or 'none'}"
        )
