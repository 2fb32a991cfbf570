"""Delivered pictures, one at a time, as numbers of the film's size."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from choreoscope.capture.external.delivery import Source
from choreoscope.capture.external.options import PassSource
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.passes import Picture
from choreoscope.formats.pictures import read_picture
from choreoscope.formats.video import probe_film
from choreoscope.formats.video_reader import FilmReader

FURTHEST = 48
"""Pictures of a film that are passed over rather than sought."""


class Reader:
    """Reads sources; film files stay open and are read on from where they are."""

    def __init__(self) -> None:
        self._films: dict[Path, _Film] = {}
        self._hashes: dict[tuple[str, str, int, int], str] = {}

    def picture(self, source: Source) -> Picture:
        """Read one picture.

        Raises
        ------
        InputError
            If it cannot be read whole, or its file changes meanwhile.
        """
        if source.picture is None:
            picture = read_picture(source.full)
        else:
            if source.full not in self._films:
                self._films[source.full] = _Film(source.full)
            rgb = self._films[source.full].at(source.picture)
            picture = Picture(pixels=rgb, channels=("R", "G", "B"), format="film")
        self._check_unchanged(source)
        return picture

    def sha256(self, source: Source) -> str:
        """Hash a source's file; films are read through once.

        Raises
        ------
        InputError
            If the file has gone.
        """
        stamp = source.file.stamp
        if stamp not in self._hashes:
            try:
                with source.full.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise InputError(f"{source.full} cannot be read ({error.strerror})") from error
            if source.picture is None:
                return digest
            self._hashes[stamp] = digest
        return self._hashes[stamp]

    def close(self) -> None:
        """Close the films."""
        for film in self._films.values():
            film.close()
        self._films.clear()

    @staticmethod
    def _check_unchanged(source: Source) -> None:
        try:
            facts = source.full.stat()
        except OSError as error:
            raise InputError(f"{source.full} has gone ({error.strerror})") from error
        if (facts.st_size, facts.st_mtime_ns) != (source.file.size, source.file.mtime_ns):
            raise InputError(f"{source.full} changed while it was read")


class _Film:
    """Pictures of a film by number, read in order wherever possible."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._video = probe_film(path)
        self._reader = FilmReader(self._video)
        self._running: Iterator[tuple[int, np.ndarray]] = iter(())
        self._next = -1

    def at(self, number: int) -> np.ndarray:
        if not 0 <= number - self._next <= FURTHEST or self._next < 0:
            rest = FrameRange(number, self._video.frame_count)
            self._running = self._reader.frames(rest)
        for at, rgb in self._running:
            if at == number:
                self._next = number + 1
                return rgb
            if at > number:
                break
        self._next = -1
        raise InputError(f"{self._path}: picture {number} does not decode")

    def close(self) -> None:
        self._reader.close()


LAYERS = {
    "alpha": ("alpha", "matte", "mask"),
    "base_color": ("basecolor", "base_color", "albedo", "color", "rgba", "rgb"),
    "normals": ("n", "normal", "normals"),
    "depth": ("depth", "z"),
    "flow": ("flow", "motion", "forward", "vector"),
}
"""Names of EXR layers a pass is looked for in first, lower case."""

NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "base_color": (("r", "g", "b"), ("y", "y", "y")),
    "normals": (("x", "y", "z"), ("r", "g", "b")),
    "flow": (("u", "v"), ("x", "y"), ("r", "g")),
    "depth": (("z",), ("depth",), ("y",), ("v",), ("r",)),
    "alpha": (("a",), ("alpha",), ("y",), ("g",), ("r",)),
}
"""Channel names of a pass in the order in which they are looked for, lower case."""

ONE_VALUE = (("y",), ("v",), ("g",), ("r",))


def values_of(name: str, picture: Picture, said: PassSource, size: tuple[int, int]) -> np.ndarray:
    """Take a pass's numbers out of a picture, ``(H, W, C)`` float32 of the film's size.

    Integers become 0 to 1, but for depth whose unit is declared as a length: there they count.

    Raises
    ------
    InputError
        If the picture has another size than it should, or lacks the channels.
    """
    expected = (round(size[0] * said.scale), round(size[1] * said.scale))
    if picture.size != expected:
        raise InputError(
            f"{picture.size[0]}x{picture.size[1]} pixels instead of {expected[0]}x{expected[1]}"
        )
    planes = picture.pixels[..., _chosen(name, picture.channels, said.channels)]
    values = planes.astype(np.float32)
    counts = name == "depth" and said.unit in ("millimetres", "centimetres", "metres")
    if picture.is_whole_numbers and not counts:
        values /= np.float32(np.iinfo(planes.dtype).max)
    return _resized(name, values, size) if picture.size != size else values


def _chosen(name: str, channels: tuple[str, ...], said: Sequence[str]) -> list[int]:
    if said:
        absent = [one for one in said if one not in channels]
        if absent:
            raise InputError(f"no channel {', '.join(absent)}; there are {', '.join(channels)}")
        return [channels.index(one) for one in said]
    layers: dict[str, dict[str, int]] = {}
    for at, channel in enumerate(channels):
        layer, _, last = channel.lower().rpartition(".")
        layers.setdefault(layer, {})[last] = at
    own = [layer for layer in layers if layer.rpartition(".")[2] in LAYERS.get(name, (name,))]
    others = [layer for layer in layers if layer not in own and layer]
    for layer in (*own, "", *others):
        found = _within(name, layers.get(layer, {}))
        if found:
            return found
    raise InputError(f"no channels that could be {name}; there are {', '.join(channels)}")


def _within(name: str, layer: dict[str, int]) -> list[int]:
    for names in NAMES.get(name, ((name,), *ONE_VALUE)):
        if all(one in layer for one in names):
            return [layer[one] for one in names]
    one_value = name not in ("base_color", "normals", "flow")
    return list(layer.values()) if one_value and len(layer) == 1 else []


def _resized(name: str, values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    import cv2

    # A mean of near and far lies where nothing is.
    way = cv2.INTER_NEAREST if name == "depth" else cv2.INTER_LINEAR
    if name not in ("depth", "normals", "flow") and size[0] < values.shape[1]:
        way = cv2.INTER_AREA
    factor = size[0] / values.shape[1] if name == "flow" else 1.0
    scaled = np.asarray(cv2.resize(values, size, interpolation=way), dtype=np.float32)
    return scaled.reshape(size[1], size[0], values.shape[2]) * np.float32(factor)
