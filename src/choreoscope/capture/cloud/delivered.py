"""Depth of another program, straight from its folder: own units, own alpha, nothing copied.

What the numbers mean is found out as for stages done outside (`capture.external`): declared by
the user, or guessed once from frames spread over the whole delivery.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.capture.cloud.sources import GREY, SourceFrame
from choreoscope.capture.external.conversion import Frame, Rules, converted
from choreoscope.capture.external.decisions import Circumstances, Decision, decide
from choreoscope.capture.external.delivery import Delivery, Finder, Root, Source, Stillness
from choreoscope.capture.external.delivery import files_below as files_of_root
from choreoscope.capture.external.numbering import Wanted
from choreoscope.capture.external.options import PassSource
from choreoscope.capture.external.patterns import FILM_SUFFIXES, Pattern
from choreoscope.capture.external.presets import PRESETS, SEPARATOR
from choreoscope.capture.external.reading import Reader, values_of
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.video import Video
from choreoscope.formats.video import probe_film
from choreoscope.formats.video_reader import FilmReader

ANYTHING = SEPARATOR.join(("*.exr", "*.png", "*.tif", "*.tiff"))
"""For a folder that holds nothing but depth, whatever the files are called."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthSaid:
    """What the user says about another program's depth.

    Attributes
    ----------
    source : PassSource
        Unit, near and far, pattern, channels.
    is_raw : bool
        Numbers are taken as they are stored (whole numbers as 0 to 1): they are inverse depth.
    is_scaled : bool
        The user says by scale and offset how numbers become metres; so numbers of which nothing
        else is known are taken as they are stored, too.
    """

    source: PassSource = dataclasses.field(default_factory=PassSource)
    is_raw: bool = False
    is_scaled: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What goes with a folder of depth.

    Attributes
    ----------
    rate : Fraction
        Frames per second.
    video : Video or None
        For colours; its first frame belongs to the first depth.
    alpha : Path or None
        Folder of mattes; None takes those that lie in the delivery.
    """

    rate: Fraction
    video: Video | None = None
    alpha: Path | None = None


class DeliveredSource:
    """A folder that another program wrote; a context manager.

    Parameters
    ----------
    folder : Path
        Holds depth, or a folder of it beside others, as SwitchLight exports.
    said : DepthSaid
        What is known of its numbers.
    beside : Beside
        Rate, film, mattes.

    Raises
    ------
    InputError
        If there is no depth in it, its pictures do not read, or nothing says how far they mean.
    """

    def __init__(self, folder: Path, said: DepthSaid, beside: Beside) -> None:
        self.name, self.rate = str(folder), beside.rate
        self.persons: tuple[str, ...] = ()
        self._said, self._beside = said, beside
        self._is_raw = said.is_raw
        self._reader = Reader()
        others = ("alpha", "base_color")
        self._passes = passes_in(folder, "depth", said.source, beside.alpha, others)
        delivery = delivery_of(folder, self._passes, beside.alpha)
        depth = delivery.sources["depth"]
        if not depth:
            raise InputError(f"{folder}: no depth in it; give its pattern, such as 'z/*.exr'")
        self._sources = {name: dict(one) for name, one in delivery.sources.items()}
        self.frames = FrameRange(0, max(depth) + 1)
        self.size = self._reader.picture(next(iter(depth.values()))).size
        self.camera: CameraTrack = _unset_camera(self.size, len(self.frames))
        self._decisions, notes = self._decided(delivery)
        missing = len(self.frames) - len(depth)
        if missing:
            notes.append(f"{missing} of {len(self.frames)} frames have no depth")
        if beside.video is None and "base_color" not in self._sources:
            notes.append("no film and no base colour is given: points are grey")
        self.notes: tuple[str, ...] = tuple(notes)

    def close(self) -> None:
        """Close films that serve as passes."""
        self._reader.close()

    def _decided(self, delivery: Delivery) -> tuple[dict[str, Decision], list[str]]:
        if self._is_raw:
            return {}, []
        measured = {k: v for k, v in self._passes.items() if k in ("depth", "alpha")}
        given = Circumstances(passes=measured, size=self.size, people={})
        decisions, notes = decide(delivery, {}, given, self._reader)
        meaning = decisions["depth"].depth
        if meaning is not None and meaning.result != "metres":
            if self._said.is_scaled:
                self._is_raw = True
                return {}, [f"depth: {meaning.how.partition(':')[0]}, as stored"]
            raise InputError(
                f"{self.name}: {meaning.how}; with --near and --far say how many metres 0 and 1 "
                "are, or with --scale and --offset how the numbers become metres"
            )
        return decisions, [note for note in notes if "frame numbers guessed" not in note]

    def read(self, frames: FrameRange) -> Iterator[SourceFrame]:
        """Read frames in order; those without depth come as pictures of zeros.

        Raises
        ------
        InputError
            If a picture does not read or cannot be right.
        """
        for frame, colour in self._colours(frames):
            alpha = self._values("alpha", frame)
            alpha = None if alpha is None else alpha[..., 0]
            yield SourceFrame(
                frame=frame, depth=self._depth(frame, alpha), colour=colour, alpha=alpha
            )

    def _depth(self, frame: int, alpha: np.ndarray | None) -> np.ndarray:
        values = self._values("depth", frame)
        if values is None:
            return np.zeros(self.size[::-1], dtype=np.float32)
        if self._is_raw:
            return np.ascontiguousarray(values[..., 0])
        source = self._sources["depth"][frame]
        rules = Rules(
            passes={"depth": self._said.source},
            decisions=self._decisions,
            depth_keys=(),
            rotations={},
        )
        try:
            metres, _ = converted(
                Frame(name="depth", number=frame, values=values, is_float=True, alpha=alpha), rules
            )
        except InputError as error:
            raise InputError(f"{source.full}: {error}") from error
        return np.ascontiguousarray(metres[..., 0])

    def _values(self, name: str, frame: int) -> np.ndarray | None:
        source = self._sources.get(name, {}).get(frame)
        if source is None:
            return None
        try:
            return values_of(name, self._reader.picture(source), self._passes[name], self.size)
        except InputError as error:
            text = str(error).replace(str(source.full), "").strip(": ")
            raise InputError(f"{source.full}: {text}") from error

    def _colours(self, frames: FrameRange) -> Iterator[tuple[int, np.ndarray]]:
        if self._beside.video is None:
            for frame in frames:
                values = self._values("base_color", frame)
                if values is None:
                    yield frame, np.full((*self.size[::-1], 3), GREY, dtype=np.uint8)
                else:
                    yield frame, np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
            return
        following = frames.start
        grey = np.full((*self.size[::-1], 3), GREY, dtype=np.uint8)
        stop = min(frames.stop, self._beside.video.frame_count)
        with FilmReader(self._beside.video, threads=2, size=self.size) as reader:
            shown = FrameRange(min(frames.start, stop), stop)
            for frame, picture in reader.frames(shown):
                for lost in range(following, frame):
                    yield lost, grey
                yield frame, picture
                following = frame + 1
        for lost in range(following, frames.stop):
            yield lost, grey


def passes_in(
    folder: Path, main: str, said: PassSource, alpha: Path | None, others: tuple[str, ...]
) -> dict[str, PassSource]:
    """Find out which passes are in a folder, each with a pattern.

    Parameters
    ----------
    main : str
        The pass that must be there; it may be all the folder holds, whatever its files are called.
    said : PassSource
        What is known of it.
    alpha : Path or None
        Folder of mattes elsewhere.
    others : tuple of str
        Passes that are taken along if they are there.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a result folder or a folder of {main}")
    files = [file.path for file in files_of_root(_root(folder, 1))]
    presets = PRESETS["switchlight"]
    pattern = said.pattern or presets[main]
    if not said.pattern and not any(map(Pattern(pattern, {}).match, files)):
        pattern = ANYTHING
    found = {main: said.model_copy(update={"pattern": pattern})}
    for name in others:
        # Where anything counts as the main pass, nothing else can be told apart.
        if pattern != ANYTHING and any(map(Pattern(presets[name], {}).match, files)):
            found[name] = PassSource(pattern=presets[name])
    if alpha is not None:
        found["alpha"] = PassSource(pattern=f"**alpha/*.png{SEPARATOR}{ANYTHING}")
    return found


def delivery_of(folder: Path, passes: Mapping[str, PassSource], alpha: Path | None) -> Delivery:
    """Find the files of passes; every pass begins with the lowest number it has.

    Raises
    ------
    InputError
        If a film that serves as a pass cannot be read, or two files claim the same frame.
    """
    sources: dict[str, Mapping[int, Source]] = {}
    unusable: dict[str, tuple[Source, str]] = {}
    numberings = {}
    for name, said in passes.items():
        place = alpha if name == "alpha" and alpha is not None else folder
        numbers = _numbers(place, said.pattern)
        first, length = (min(numbers), max(numbers) - min(numbers) + 1) if numbers else (0, 0)
        if not numbers:
            length = _film_length(place, said.pattern)
        only = {name: said.model_copy(update={"first_number": first})}
        found = Finder(only, {}, Stillness(0.0)).look((_root(place, max(length, 1)),))
        sources[name] = found.sources[name]
        numberings[name] = found.numberings[name]
        unusable |= found.unusable
    for film, why in unusable.values():
        raise InputError(f"{film.full}: {why}")
    return Delivery(sources=sources, numberings=numberings, unusable={}, notes=())


def _numbers(folder: Path, pattern: str) -> list[int]:
    matcher = Pattern(pattern, {})
    matches = [m for file in files_of_root(_root(folder, 1)) if (m := matcher.match(file.path))]
    numbered = [match for match in matches if match.number is not None]
    best = min((match.alternative for match in numbered), default=0)
    return [m.number for m in numbered if m.alternative == best and m.number is not None]


def _film_length(folder: Path, pattern: str) -> int:
    matcher = Pattern(pattern, {})
    for file in files_of_root(_root(folder, 1)):
        if Path(file.path).suffix.lower() in FILM_SUFFIXES and matcher.match(file.path):
            return probe_film(folder / file.path).frame_count
    return 0


def _root(folder: Path, length: int) -> Root:
    wanted = Wanted(start=0, length=length, film_length=length)
    return Root(name="", folder=folder, frames=range(length), wanted=wanted)


def _unset_camera(size: tuple[int, int], count: int) -> CameraTrack:
    """Stand-in until the lens is said."""
    from choreoscope.geometry.projection import assumed_lens

    lens = assumed_lens(*size)
    return camera_standing(lens.intrinsics, size, count, "assumed")


def camera_standing(
    matrix: np.ndarray, size: tuple[int, int], count: int, source: str
) -> CameraTrack:
    """Return a camera that stands at the origin, level, and looks along the world's -z."""
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    return CameraTrack(
        width=size[0],
        height=size[1],
        intrinsics=np.repeat(matrix[None], count, axis=0),
        camera_from_world=np.repeat(pose[None], count, axis=0),
        distortion=np.zeros(0),
        source=source,
        metric=True,
    )
