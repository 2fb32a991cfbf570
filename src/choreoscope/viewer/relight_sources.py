"""Surfaces to be lit: from a clip's passes, or straight from a folder of another program."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np

from choreoscope.capture.cloud.delivered import delivery_of, passes_in
from choreoscope.capture.cloud.result_source import clip_source_facts, pass_files
from choreoscope.capture.external.conversion import Frame, Rules, converted
from choreoscope.capture.external.decisions import Circumstances, decide
from choreoscope.capture.external.options import PassSource
from choreoscope.capture.external.reading import Reader, values_of
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.video import Video
from choreoscope.formats.passes import read_pass
from choreoscope.formats.video_reader import FilmReader
from choreoscope.geometry.projection import lens_from_fov
from choreoscope.geometry.unprojection import rays_of_lens, unproject
from choreoscope.viewer.relight import BEHIND, CLAY, DARK, Surface

USUAL_FOV = 50.0
USUAL_METRES = 4.0
"""Distance of performers where no depth is known: as of a flat cut-out."""
TO_VIEWER = np.array([1.0, -1.0, -1.0], dtype=np.float32)
"""OpenCV's camera axes to those of the pass `normals`."""


class SurfaceSource(Protocol):
    """Frames to be lit."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        ...

    @property
    def rate(self) -> Fraction:
        """Frames per second."""
        ...

    @property
    def frames(self) -> FrameRange:
        """Source frames."""
        ...

    def read(self, frames: FrameRange) -> Iterator[tuple[int, Surface]]:
        """Read frames in order."""
        ...


class ClipSurfaces:
    """Normals of a clip as the house stores them, with depth and base colour if they are there.

    Raises
    ------
    InputError
        If the clip has no normals.
    """

    def __init__(self, clip: Path) -> None:
        facts = clip_source_facts(clip)
        self.name, self.frames, self.rate = str(clip), facts.frames, facts.rate
        self._camera, self._video = facts.camera, facts.video
        self.size = (self._camera.width, self._camera.height)
        names = ("normals", "depth", "base_color", "alpha")
        self._files = {name: pass_files(clip, name) for name in names}
        if not self._files["normals"]:
            raise InputError(f"{clip} has no normals; make or take in the pass 'normals' first")

    def read(self, frames: FrameRange) -> Iterator[tuple[int, Surface]]:
        """Read frames in order; those without normals have no surface.

        Raises
        ------
        InputError
            If a file does not read or has another size than the camera.
        """
        for frame, picture in _pictures(self._video, frames, self.size):
            found = {
                name: read_pass(name, files[frame])
                for name, files in self._files.items()
                if frame in files
            }
            row = frame - self.frames.start
            lens = self._camera.intrinsics[row], self._camera.distortion
            yield frame, surface_of(found, self.size, lens, picture)


class DeliveredSurfaces:
    """A folder another program wrote, as SwitchLight does.

    Parameters
    ----------
    said : PassSource
        What is known of the normals: signed, green up or down.
    rate : Fraction
        Frames per second.
    fov_degrees : float or None
        Horizontal field of view.

    Raises
    ------
    InputError
        If there are no normals in it, or they do not read.
    """

    def __init__(
        self,
        folder: Path,
        said: PassSource,
        rate: Fraction,
        fov_degrees: float | None = None,
        video: Video | None = None,
    ) -> None:
        self.name, self.rate, self._video = str(folder), rate, video
        self._passes = passes_in(folder, "normals", said, None, ("alpha", "base_color", "depth"))
        delivery = delivery_of(folder, self._passes, None)
        if not delivery.sources["normals"]:
            raise InputError(f"{folder}: no normals in it; give their pattern, such as 'n/*.png'")
        self._sources = delivery.sources
        self._reader = Reader()
        first = next(iter(delivery.sources["normals"].values()))
        self.size = self._reader.picture(first).size
        self.frames = FrameRange(0, max(delivery.sources["normals"]) + 1)
        measured = {k: v for k, v in self._passes.items() if k in ("normals", "depth", "alpha")}
        given = Circumstances(passes=measured, size=self.size, people={})
        self._decisions, _ = decide(delivery, {}, given, self._reader)
        self._lens = lens_from_fov(fov_degrees or USUAL_FOV, *self.size).intrinsics

    def read(self, frames: FrameRange) -> Iterator[tuple[int, Surface]]:
        """Read frames in order.

        Raises
        ------
        InputError
            If a picture does not read or cannot be right.
        """
        rules = Rules(passes=self._passes, decisions=self._decisions, depth_keys=(), rotations={})
        for frame, picture in _pictures(self._video, frames, self.size):
            found: dict[str, np.ndarray] = {}
            for name in ("alpha", "normals", "depth", "base_color"):
                values = self._values(name, frame, found.get("alpha"), rules)
                if values is not None:
                    found[name] = values
            yield frame, surface_of(found, self.size, (self._lens, np.zeros(0)), picture)

    def _values(
        self, name: str, frame: int, alpha: np.ndarray | None, rules: Rules
    ) -> np.ndarray | None:
        source = self._sources.get(name, {}).get(frame)
        if source is None or (name == "depth" and not self._is_metric()):
            return None
        try:
            picture = self._reader.picture(source)
            values = values_of(name, picture, self._passes[name], self.size)
            flat = None if alpha is None else alpha[..., 0]
            is_float = not picture.is_whole_numbers
            one = Frame(name=name, number=frame, values=values, is_float=is_float, alpha=flat)
            return converted(one, rules)[0]
        except InputError as error:
            text = str(error).replace(str(source.full), "").strip(": ")
            raise InputError(f"{source.full}: {text}") from error

    def _is_metric(self) -> bool:
        meaning = self._decisions["depth"].depth
        return meaning is not None and meaning.result == "metres"

    def close(self) -> None:
        """Close films that serve as passes."""
        self._reader.close()


def surface_of(
    passes: Mapping[str, np.ndarray],
    size: tuple[int, int],
    lens: tuple[np.ndarray, np.ndarray],
    picture: np.ndarray | None,
) -> Surface:
    """Put together what is lit.

    Parameters
    ----------
    passes : dict
        ``normals`` and, if known, ``depth`` (metres), ``base_color`` (sRGB), ``alpha``; each
        ``(H, W, C)``.
    lens : ((3, 3) float, (D,) float)
        Pixel-from-camera matrix and distortion.
    picture : (H, W, 3) uint8 or None
        The film, for what lies behind.

    Raises
    ------
    InputError
        If a pass has another size.
    """
    width, height = size
    for name, values in passes.items():
        if values.shape[:2] != (height, width):
            raise InputError(
                f"{name}: {values.shape[1]}x{values.shape[0]}, expected {width}x{height}"
            )
    rays = rays_of_lens(*lens, size)
    depth = np.full((height, width), np.nan, dtype=np.float32)
    if "depth" in passes:
        stored = passes["depth"][..., 0]
        depth = np.where(stored > 0, stored, np.nan).astype(np.float32)
    usual = float(np.nanmedian(depth)) if np.isfinite(depth).any() else USUAL_METRES
    # Light has to fall on every normal, also where depth has a hole.
    places = unproject(np.where(np.isfinite(depth), depth, np.float32(usual)), rays) * TO_VIEWER
    normals = passes.get("normals", np.zeros((height, width, 3), dtype=np.float32))
    colour = np.tile(np.array(CLAY, dtype=np.float32), (height, width, 1))
    if "base_color" in passes:
        colour = linear_of(passes["base_color"])
    alpha = passes["alpha"][..., 0] if "alpha" in passes else np.ones((height, width), np.float32)
    backdrop = np.full((height, width, 3), DARK, dtype=np.float32)
    if picture is not None:
        backdrop = linear_of(picture.astype(np.float32) / 255) * np.float32(BEHIND)
    return Surface(
        normals=normals.astype(np.float32),
        places=places,
        colour=colour,
        alpha=alpha.astype(np.float32),
        backdrop=backdrop,
    )


def linear_of(srgb: np.ndarray) -> np.ndarray:
    """Decode sRGB from 0 to 1 (IEC 61966-2-1); float32."""
    levels = np.rint(np.clip(srgb, 0, 1) * (len(_CURVE) - 1)).astype(np.uint16)
    return np.asarray(_CURVE[levels])


_LEVELS = np.arange(4096) / 4095
_CURVE = np.where(
    _LEVELS <= 0.04045,  # noqa: PLR2004
    _LEVELS / 12.92,
    ((_LEVELS + 0.055) / 1.055) ** 2.4,
).astype(np.float32)


def _pictures(
    video: Video | None, frames: FrameRange, size: tuple[int, int]
) -> Iterator[tuple[int, np.ndarray | None]]:
    """Frames with their picture, None where there is none."""
    following = frames.start
    if video is not None:
        shown = FrameRange(
            min(frames.start, video.frame_count), min(frames.stop, video.frame_count)
        )
        with FilmReader(video, threads=2, size=size) as reader:
            for frame, picture in reader.frames(shown):
                for lost in range(following, frame):
                    yield lost, None
                yield frame, picture
                following = frame + 1
    for lost in range(following, frames.stop):
        yield lost, None
