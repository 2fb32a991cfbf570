"""The films of a night: real ones, made ones, and what else ends up in such a folder."""

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.video import probe
from choreoscope.formats.video_reader import FilmReader
from choreoscope.formats.video_writer import FilmWriter

TICKS = Fraction(1, 12800)
EVEN = 512
GOOD = frozenset({"finished"})
EARLY, LATE = "phalp_run vid.mp4", "the runner again.mp4"
"""The same film, once among the first to be worked on after the kills and once as the last."""

REAL = (
    "sports2d/demo.mp4",
    "phalp_run/vid.mp4",
    "sam2/05_default_juggle.mp4",
    "sam2/bedroom.mp4",
    "tfjs_squats/pose_1.mp4",
    "tfjs_squats/pose_squats.mp4",
    "pose2sim_single/cam01.mp4",
    "pose2sim_single/cam02.mp4",
    "intel_one_by_one/one-by-one-person-detection.mp4",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Something that is dropped into the folder.

    Attributes
    ----------
    name : str
        Below the folder.
    drop : callable
        ``drop(path)`` puts it there.
    states : frozenset of str
        States in which the queue may rightly end with it.
    exit_codes : frozenset of int
        Exit codes that go with them.
    """

    name: str
    drop: Callable[[Path], None]
    states: frozenset[str] = GOOD
    exit_codes: frozenset[int] = frozenset({0})


def pictures(film: Path, count: int) -> Iterator[np.ndarray]:
    """First frames of a film, half as large."""
    import cv2

    video = probe(film)
    with FilmReader(video, threads=1) as reader:
        for _, picture in reader.frames(FrameRange(0, min(count, video.frame_count))):
            small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            yield small[: small.shape[0] // 2 * 2, : small.shape[1] // 2 * 2]


def write(path: Path, frames: list[np.ndarray], pts: list[int], rotation: int = 0) -> None:
    """Write a film with these time stamps."""
    import av

    partly = path.with_name(f".{path.name}.part.mp4")
    if not rotation:
        size = (frames[0].shape[1], frames[0].shape[0])
        with FilmWriter(partly, size=size, rate=Fraction(25), time_base=TICKS) as writer:
            for picture, stamp in zip(frames, pts, strict=True):
                writer.write(picture, stamp)
    else:
        with av.open(str(partly), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height = frames[0].shape[1], frames[0].shape[0]
            stream.set_display_rotation(rotation)
            for picture in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
    partly.replace(path)


def even(count: int) -> list[int]:
    """Time stamps 1/25 s apart."""
    return [EVEN * frame for frame in range(count)]


def guests(data: Path) -> list[Guest]:
    """Everything that comes in a night, in the order in which it comes."""
    video = data / "video"
    runner, squats = video / "phalp_run/vid.mp4", video / "tfjs_squats/pose_squats.mp4"
    real = [
        Guest(name=f"{Path(name).parent.name} {Path(name).name}", drop=_copier(video / name))
        for name in REAL
    ]
    made = [
        Guest(name="uneven rate.mp4", drop=lambda path: _uneven(path, runner)),
        Guest(name="turned phone.mp4", drop=lambda path: _turned(path, runner)),
        Guest(
            name="one frame.mp4",
            drop=lambda path: write(path, list(pictures(runner, 1)), [0]),
        ),
        Guest(name="nobody é.mp4", drop=_nobody, exit_codes=frozenset({6})),
        Guest(
            name="broken.mp4",
            drop=lambda path: path.write_bytes(squats.read_bytes()[:200_000]),
            states=frozenset({"failed", "gaps"}),
            exit_codes=frozenset({2, 7}),
        ),
        Guest(
            name="no film.mov",
            drop=lambda path: path.write_bytes(b"not a film at all " * 500),
            states=frozenset({"failed"}),
            exit_codes=frozenset({2}),
        ),
        Guest(
            name="notes.txt",
            drop=lambda path: path.write_text("call the lighting people"),
            states=frozenset({"skipped"}),
        ),
        Guest(name="series/take 7", drop=lambda path: _series(path, runner)),
        Guest(name="two shots.mp4", drop=lambda path: _two_shots(path, runner, squats)),
        Guest(name="slow copy.mp4", drop=lambda path: _slowly(path, squats)),
        Guest(name="replaced.mp4", drop=_copier(squats)),
        Guest(name="short.avi", drop=_copier(video / "tfjs_squats/pose_1.mp4")),
    ]
    # Mixed, so that a kill meets one kind as well as the other.
    order = np.random.default_rng(7).permutation(len(real) + len(made))
    last = Guest(name=LATE, drop=_copier(runner))
    return [*((real + made)[index] for index in order), last]


def _copier(source: Path) -> Callable[[Path], None]:
    def copy(path: Path) -> None:
        shutil.copyfile(source, path)

    return copy


def _uneven(path: Path, source: Path) -> None:
    frames = list(pictures(source, 60))
    steps = np.random.default_rng(5).choice([256, 512, 768, 1536], len(frames))
    write(path, frames, [0, *np.cumsum(steps)[:-1].tolist()])


def _turned(path: Path, source: Path) -> None:
    frames = [np.ascontiguousarray(np.rot90(picture)) for picture in pictures(source, 60)]
    write(path, frames, even(len(frames)), rotation=-90)


def _nobody(path: Path) -> None:
    texture = np.random.default_rng(1).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    write(path, [texture] * 40, even(40))


def _series(path: Path, source: Path) -> None:
    import cv2

    path.mkdir(parents=True)
    for number, picture in enumerate(pictures(source, 24), start=1001):
        _, data = cv2.imencode(".png", picture[:, :, ::-1])
        (path / f"take.{number}.png").write_bytes(data.tobytes())


def _two_shots(path: Path, first: Path, second: Path) -> None:
    import cv2

    shot = list(pictures(first, 50))
    size = (shot[0].shape[1], shot[0].shape[0])
    other = [cv2.resize(picture, size) for picture in pictures(second, 50)]
    write(path, shot + other, even(len(shot) + len(other)))


def _slowly(path: Path, source: Path) -> None:
    """Copy for longer than the watcher waits for stillness."""
    data = source.read_bytes()
    step = -(-len(data) // 16)
    with path.open("wb") as file:
        for start in range(0, len(data), step):
            file.write(data[start : start + step])
            file.flush()
            time.sleep(0.5)
