"""A small recipe that writes text, shaped like a capture: windows, people, an index.

see (windows, each from the state of the one before) -> who -> lines (per person) -> index
side (depends on nothing)
"""

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from choreoscope.datatypes.artifacts import KINDS, ArtifactKind
from choreoscope.datatypes.errors import OutputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import BackendSpec, Licence, RunSettings, Tier
from choreoscope.datatypes.video import Clip, Colour, Video
from choreoscope.pipeline.choices import BackendChoice, Choices
from choreoscope.pipeline.events import Events, ignore
from choreoscope.pipeline.loading import LoadedModels
from choreoscope.pipeline.manifest import TIMINGS
from choreoscope.pipeline.plan import Plan, plan
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.run import RunResult, run
from choreoscope.pipeline.stage import Job, NoOptions, Options, Stage

FAKE_KINDS = (
    ArtifactKind(name="seen", path="work/seen/{window}.txt", per="window", meaning="windows"),
    ArtifactKind(name="who", path="work/who.json", per="clip", meaning="who"),
    ArtifactKind(name="line", path="people/{person}/line.txt", per="person", meaning="line"),
    ArtifactKind(name="index", path="index.txt", per="clip", meaning="index"),
    ArtifactKind(name="side", path="side.txt", per="clip", meaning="side"),
)

WINDOW = 10


class SeeOptions(Options):
    gain: float = 1.0


class WhoOptions(Options):
    people: int = 3


class FakeModel:
    model_cpu_seconds = 0.0

    def look(self, frame: int) -> float:
        self.model_cpu_seconds += 0.25
        return frame * 0.5


def nothing() -> None:
    """Do nothing."""


@dataclasses.dataclass
class World:
    """One clip, its folder, and a log of every call a stage got.

    `before` maps a stage's name to what is done at its start; `in_window` is called after half a
    window is written.
    """

    folder: Path
    frames: FrameRange = dataclasses.field(default_factory=lambda: FrameRange(5, 42))
    film_frames: int = 1000
    calls: Path | None = None
    before: dict[str, Callable[[Job], None]] = dataclasses.field(default_factory=dict)
    in_window: Callable[[], None] = nothing
    refuse: set[str] = dataclasses.field(default_factory=set)
    versions: dict[str, int] = dataclasses.field(default_factory=dict)
    digest: str = "film-1"
    tier: Tier = Tier.COMMERCIAL
    hopeless: FrameSet = dataclasses.field(default_factory=FrameSet)
    loads: int = 0

    def __post_init__(self) -> None:
        if self.calls is None:
            self.calls = self.folder.parent / f"{self.folder.name}-calls.txt"

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def forget_calls(self) -> None:
        self.calls.unlink(missing_ok=True)

    def clip(self) -> Clip:
        pts = np.arange(self.film_frames) * 40
        video = Video(
            path="/films/dance.mp4",
            kind="film",
            width=64,
            height=48,
            rate=Fraction(25),
            pts=pts,
            time_base=Fraction(1, 1000),
            rotation=0,
            codec="h264",
            colour=Colour(
                matrix="bt709", primaries="bt709", transfer="bt709", full_range=False, bits=8
            ),
            audio=None,
            declared_frames=self.film_frames,
            digest=self.digest,
        )
        return Clip(id="clip-001", video=video, frames=self.frames)

    def recipe(self) -> Recipe:
        rows = (
            ("index", ("line", "who"), ("index",), NoOptions, self._index),
            ("lines", ("who",), ("line",), NoOptions, self._lines),
            ("who", ("seen",), ("who",), WhoOptions, self._who),
            ("see", (), ("seen",), SeeOptions, self._see),
            ("side", (), ("side",), NoOptions, self._side),
        )
        stages = (self._stage(*row) for row in rows)
        return Recipe(name="fake", stages=tuple(stages))

    def _stage(
        self, name: str, reads: Any, writes: Any, options: Any, body: Callable[[Job], None]
    ) -> Stage:
        def started(job: Job) -> None:
            self._log(name)
            self.before.get(name, lambda _: None)(job)
            body(job)

        window = name == "see"
        return Stage(
            name=name,
            version=self.versions.get(name, 1),
            reads=reads,
            writes=writes,
            options=options,
            run=started,
            check=self._check,
            meaning=name,
            task="look" if window else None,
            granularity="window" if window else "clip",
            window_frames=WINDOW if window else 0,
        )

    def _log(self, text: str) -> None:
        with self.calls.open("a") as log:
            log.write(f"{text}\n")

    def _see(self, job: Job) -> None:
        model = job.model()
        job.note("windows of ten")
        for window in job.frames.windows(WINDOW):
            if not set(window) & set(job.missing):
                continue
            self._log(f"window {window}")
            earlier = list(job.previous("seen").values())
            earlier = [path for path in earlier if int(path.stem[:4]) < window.start]
            state = earlier[-1].read_text().splitlines()[-1] if earlier else "start"
            path = job.output("seen", window=f"{window.start:04d}-{window.stop:04d}")
            with path.open("w") as file:
                for frame in window:
                    seen = model.look(frame) * job.options.gain
                    state = hashlib.sha256(f"{state}{seen}".encode()).hexdigest()[:12]
                    file.write(f"{frame} {seen}\n")
                    if frame == window.start + len(window) // 2:
                        file.flush()
                        self.in_window()
                file.write(f"{state}\n")
            job.progress(window.stop - job.frames.start, len(job.frames), "frame")
            job.commit(window)

    def _who(self, job: Job) -> None:
        text = "".join(path.read_text() for path in job.inputs("seen").values())
        people = [f"P{number:02d}" for number in range(1, job.options.people + 1)]
        record = {"people": people, "hash": hashlib.sha256(text.encode()).hexdigest()}
        job.output("who").write_text(json.dumps(record))

    def _lines(self, job: Job) -> None:
        record = json.loads(job.input("who").read_text())
        for person in record["people"]:
            path = job.output("line", person=person)
            path.write_text(f"{person} of {len(record['people'])}\n")

    def _index(self, job: Job) -> None:
        names = sorted(job.inputs("line"))
        made = {name: manifest.fingerprint for name, manifest in sorted(job.manifests().items())}
        job.output("index").write_text(json.dumps({"people": names, "made": made}))

    def _side(self, job: Job) -> None:
        job.output("side").write_text("side\n")

    def _check(self, kind: str, path: Path) -> None:
        text = path.read_text()
        if kind in ("who", "index"):
            json.loads(text)
        elif (kind == "line" or "\n" in text) and not text.endswith("\n"):
            raise OutputError(f"{path.name} breaks off")
        if kind in self.refuse:
            raise OutputError(f"{path.name} does not read back as {kind}")

    def _load(self, *_: object) -> FakeModel:
        self.loads += 1
        return FakeModel()

    def backends(self) -> dict[str, BackendChoice]:
        licence = Licence(name="none", tier=self.tier, notice="")
        spec = BackendSpec(
            task="look",
            name="fake",
            version=1,
            load=self._load,
            modules=(),
            extra="",
            weights=(),
            licence=licence,
            memory_mb=1,
        )
        return {"look": BackendChoice(spec=spec)}

    def plan(
        self,
        *,
        recipe: Recipe | None = None,
        events: Events = ignore,
        deep: bool = False,
        retry: bool = False,
        **options: Options,
    ) -> Plan:
        choices = Choices(
            options=options,
            backends=self.backends(),
            retry_failed=retry,
            hopeless=self.hopeless,
        )
        chosen = recipe or self.recipe()
        return plan(chosen, self.clip(), self.folder, choices, deep=deep, events=events)

    def run(
        self,
        *,
        events: Events = ignore,
        settings: RunSettings | None = None,
        **choices: Any,
    ) -> RunResult:
        chosen = settings or RunSettings(workers=1)
        models = LoadedModels(chosen, events, self._load)
        return run(self.plan(**choices), chosen, events, models=models)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file but the log and what was set aside, manifests without their timings."""
    return {
        path.relative_to(folder).as_posix(): _content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "log.txt" and "set-aside" not in path.parts
    }


def _content(path: Path) -> bytes:
    if path.parent.name != "manifests":
        return path.read_bytes()
    lines = path.read_text().splitlines()
    return "\n".join(
        line for line in lines if not line.strip().startswith(tuple(f'"{key}"' for key in TIMINGS))
    ).encode()


@pytest.fixture(autouse=True)
def fake_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the fake recipe's kinds to the table; import it to have it in a test file.

    The disk is not waited for: neither an error nor SIGKILL loses what the system has accepted.
    """
    monkeypatch.setattr(os, "fsync", lambda _: None)
    for kind in FAKE_KINDS:
        monkeypatch.setitem(KINDS, kind.name, kind)


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world in memory where there is such a place: hundreds of folders come and go."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield World(folder=Path(folder) / "clip")
