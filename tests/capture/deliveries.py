"""Deliveries as another program would make them, of a film whose every value is known."""

import dataclasses
import os
import shutil
from collections.abc import Callable, Collection, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from choreoscope.capture.stages.external import external_stage, outdated
from choreoscope.datatypes.artifacts import Manifest
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.video import Clip, Video
from choreoscope.formats.exr import write_exr
from choreoscope.formats.video import probe_film
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.pipeline.choices import Choices
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.manifest import failed_frames, read_manifest, write_manifest
from choreoscope.pipeline.plan import plan
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.run import RunResult, run
from choreoscope.pipeline.stage import Stage

WIDTH, HEIGHT, FRAMES = 64, 48, 40
PASSES = ("alpha", "base_color", "normals", "depth")
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]


def plate(frame: int) -> np.ndarray:
    """A picture of the film: a grey that says which frame it is, and a ramp."""
    picture = np.full((HEIGHT, WIDTH, 3), 20 + 5 * frame, dtype=np.uint8)
    picture[:8] = 128
    return picture


def matte(frame: int) -> np.ndarray:
    """Where the dancer is, bool."""
    inside = (COLUMNS - 20 - frame / 2) ** 2 + (ROWS - 24) ** 2 < 15**2
    return np.asarray(inside)


def metres(frame: int) -> np.ndarray:
    """Depth of the dancer, 4.2765 to 5.6869 m over the whole film; float64."""
    across = (COLUMNS / (WIDTH - 1) + ROWS / (HEIGHT - 1)) / 2
    along = frame / (FRAMES - 1)
    return np.asarray(4.2765 + (5.6869 - 4.2765) * (0.8 * across + 0.2 * along))


def surface(frame: int) -> np.ndarray:
    """Normals of the dancer, camera axes, x right, y up, z to the viewer; ``(H, W, 3)``."""
    x = (COLUMNS - 20 - frame / 2) / 20
    y = (24 - ROWS) / 20
    vectors = np.dstack([x, y, np.ones_like(x)])
    return np.asarray(vectors / np.linalg.norm(vectors, axis=2, keepdims=True))


def colour(frame: int) -> np.ndarray:
    """Base colour of the dancer, uint8 RGB; black outside."""
    picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    picture[matte(frame)] = (180, 90, 60)
    picture[matte(frame) & (ROWS < 24)] = (60, 120, 200)
    return picture


def png(path: Path, pixels: np.ndarray) -> None:
    """Write a PNG of grey or RGB, any depth, as another program would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    planes = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    path.write_bytes(cv2.imencode(".png", planes)[1].tobytes())


def film(path: Path, pictures: Iterable[np.ndarray], quality: int = 4) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    base = Fraction(1, 25)
    with FilmWriter(
        path, size=(WIDTH, HEIGHT), rate=Fraction(25), time_base=base, quality=quality
    ) as writer:
        for pts, picture in enumerate(pictures):
            writer.write(picture, pts)


def stored_depth(kind: str) -> Callable[[int], np.ndarray]:
    """Depth as delivered in a unit, 0 outside the matte; float32."""
    factor = {"metres": 1.0, "centimetres": 100.0, "millimetres": 1000.0}

    def of(frame: int) -> np.ndarray:
        if kind == "normalised":
            values = (metres(frame) - 4.0) / 2.0
        else:
            values = metres(frame) * factor[kind]
        return np.where(matte(frame), values, 0.0).astype(np.float32)

    return of


@dataclasses.dataclass
class Delivery:
    """A folder another program writes to.

    `first` is the number of source frame 0.
    """

    folder: Path
    first: int = 0
    depth: str = "centimetres"

    def alpha(self, frames: Collection[int] = range(FRAMES)) -> None:
        for frame in frames:
            inside = np.where(matte(frame), 255, 0).astype(np.uint8)
            png(self.file("Alpha", frame, "png"), inside)

    def depths(self, frames: Collection[int] = range(FRAMES), dtype: Any = np.float32) -> None:
        for frame in frames:
            values = stored_depth(self.depth)(frame).astype(dtype)
            path = self.file("Depth", frame, "exr")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_exr(path, {"Z": values})

    def normals(self, frames: Collection[int] = range(FRAMES)) -> None:
        for frame in frames:
            unit = np.where(matte(frame)[..., None], surface(frame) * 0.5 + 0.5, (0.5, 0.5, 1.0))
            png(self.file("Normal", frame, "png"), np.rint(unit * 65535).astype(np.uint16))

    def colours(self, count: int = FRAMES) -> None:
        film(self.folder / "dance_BaseColor.mp4", map(colour, range(count)))

    def everything(self) -> "Delivery":
        self.alpha()
        self.depths()
        self.normals()
        self.colours()
        return self

    def file(self, name: str, frame: int, suffix: str) -> Path:
        return self.folder / name / f"{name}_{frame + self.first:04d}.{suffix}"


@dataclasses.dataclass
class Shot:
    """A clip, its folder, and the one stage that takes passes in."""

    out: Path
    video: Video
    frames: FrameRange = dataclasses.field(default_factory=lambda: FrameRange(0, FRAMES))
    passes: tuple[str, ...] = PASSES

    @property
    def clip(self) -> Clip:
        return Clip(id="clip-001", video=self.video, frames=self.frames)

    @property
    def folder(self) -> Path:
        return self.out / "clip-001"

    @property
    def delivered(self) -> Path:
        return self.out / "delivered" / "dance" / "switchlight" / "clip-001"

    @property
    def missing(self) -> Path:
        return self.folder / "missing" / "switchlight"

    @property
    def stage(self) -> Stage:
        return external_stage("switchlight", self.passes)

    def options(self, **said: Any) -> Any:
        told = {"timeout": 0, "quiet_seconds": 0, "poll_seconds": 0.01} | said
        return self.stage.options.model_validate(told)

    def take(self, **said: Any) -> Manifest:
        """Run the stage; one that raises ends the test."""
        result = self.run(**said)
        result.raise_first()
        manifest = result.outcomes[0].manifest
        assert manifest is not None
        return manifest

    def run(self, **said: Any) -> RunResult:
        recipe = Recipe(name="passes", stages=(self.stage,))
        choices = Choices(options={"switchlight": self.options(**said)})
        return run(plan(recipe, self.clip, self.folder, choices), RunSettings(workers=2))

    def news(self, **said: Any) -> FrameSet:
        return outdated(self.stage, self.options(**said), self.folder, self.clip)

    def take_again(self, **said: Any) -> Manifest:
        """Run as the engine does once something new has been delivered."""
        folder = ClipFolder(self.folder)
        manifest = read_manifest(folder, "switchlight")
        assert manifest is not None
        news = self.news(**said)
        still = failed_frames(manifest) - news
        failed = {
            str(part): why
            for text, why in manifest.failed.items()
            for part in (FrameSet.parse(text) & still).ranges
        }
        write_manifest(
            folder, dataclasses.replace(manifest, done=manifest.done - news, failed=failed)
        )
        return self.take(**said)

    def made(self, name: str, frame: int) -> Path:
        suffix = "exr" if name in ("normals", "depth", "flow") else "png"
        return self.folder / "passes" / name / f"{name}.{frame:06d}.{suffix}"


def made_film(path: Path) -> Video:
    film(path, map(plate, range(FRAMES)))
    return probe_film(path)


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is not waited for."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="session")
def dance(tmp_path_factory: pytest.TempPathFactory) -> Video:
    return made_film(tmp_path_factory.mktemp("film") / "dance.mp4")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete delivery in centimetres, numbered from 0."""
    return Delivery(tmp_path_factory.mktemp("whole")).everything().folder


@pytest.fixture
def shot(tmp_path: Path, dance: Video) -> Shot:
    return Shot(out=tmp_path / "out", video=dance)


@pytest.fixture
def delivery(shot: Shot, whole: Path) -> Delivery:
    """The same, fresh, in the place where the stage looks; nothing of it may change."""
    shutil.copytree(whole, shot.delivered)
    return Delivery(shot.delivered)


def gaps(manifest: Manifest) -> FrameSet:
    return failed_frames(manifest)


def reasons(manifest: Manifest) -> str:
    return "\n".join(f"{frames}: {why}" for frames, why in manifest.failed.items())


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sets(shot: Shot) -> list[Path]:
    return sorted(shot.missing.iterdir()) if shot.missing.is_dir() else []
