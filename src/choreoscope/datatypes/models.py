"""Models and back ends as descriptions: nothing here needs a model's own library."""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from choreoscope.datatypes.errors import InputError


class Tier(enum.StrEnum):
    """What a result made with this model may be used for, best first."""

    COMMERCIAL = "commercial"
    ASK = "ask"
    RESEARCH = "research"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Under which terms weights or code come."""

    name: str
    tier: Tier
    notice: str
    url: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WheelMember:
    """A file inside one pinned wheel of the package index.

    Attributes
    ----------
    requirement : str
        Exact pin such as ``"mediapipe==0.10.21"``.
    wheel : str
        File name of the wheel.
    wheel_sha256 : str
        Hash of the wheel itself.
    wheel_size : int
        Bytes of the wheel: what a download really costs, and what its progress is measured by.
    member : str
        Path inside the wheel.
    licence_member : str
        Path of the licence text inside the wheel, kept beside the file.
    """

    requirement: str
    wheel: str
    wheel_sha256: str
    wheel_size: int
    member: str
    licence_member: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HttpsAddress:
    """A file at an HTTPS address."""

    url: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HubRevision:
    """A file of a model hub repository at one exact revision."""

    repository: str
    revision: str
    filename: str


Source = WheelMember | HttpsAddress | HubRevision


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """One file of weights (or other checked data): where it comes from and what it must be.

    Attributes
    ----------
    name : str
        Unique name, also the file's name in the cache, with its suffix.
    sources : tuple of Source
        Tried in order, after a folder the user names and after the cache.
    sha256 : str
        Hash of the file.
    size : int
        Bytes.
    gated : bool
        Whether the source asks for an agreement first.
    """

    name: str
    version: str
    sources: tuple[Source, ...]
    sha256: str
    size: int
    licence: Licence
    gated: bool = False

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):  # noqa: PLR2004
            raise InputError(f"ModelRef {self.name}: sha256 must be 64 hex digits")
        if self.size <= 0:
            raise InputError(f"ModelRef {self.name}: size must be above 0 bytes")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take before the run goes on without them; 0 for as long as they like.

    Attributes
    ----------
    clip_seconds : float
        All stages of one clip together.
    stage_seconds : float
        One stage of one clip.
    silence_seconds : float
        A worker process without a sign of life while it makes windows of frames.
    by_stage : dict
        Stage name to seconds, instead of `stage_seconds`.
    """

    clip_seconds: float = 0.0
    stage_seconds: float = 0.0
    silence_seconds: float = 300.0
    by_stage: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        general = (self.clip_seconds, self.stage_seconds, self.silence_seconds)
        for seconds in (*general, *self.by_stage.values()):
            if seconds < 0:
                raise InputError(f"a time-out must be 0 (none) or more seconds, got {seconds:g}")

    def of_stage(self, stage: str) -> float:
        """Seconds a stage may take; infinite where there is no limit."""
        return self.by_stage.get(stage, self.stage_seconds) or float("inf")

    @property
    def of_silence(self) -> float:
        """Seconds a worker may be silent; infinite where there is no limit."""
        return self.silence_seconds or float("inf")

    @property
    def of_clip(self) -> float:
        """Seconds a clip may take; infinite where there is no limit."""
        return self.clip_seconds or float("inf")


ExecutorName = Literal["inline", "pool", "ray"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Settings that change how fast a result comes, never what it is.

    Attributes
    ----------
    workers : int
        Threads, over all processes.
    executor : {"inline", "pool", "ray"}
        Where stages run: in this process, in worker processes of this machine, or on a Ray cluster.
    processes : int
        Worker processes: as many clips (or windows of a clip) are worked on at the same time.
    batch : int
        Frames a back end may take at once, where it can; halved when a worker runs out of memory.
    gpus : float
        Accelerators each worker process needs; refused where there are none.
    limits : Limits
        Time-outs.
    interpreters : dict
        Back-end task to the Python of its own environment, for back ends whose dependencies
        cannot live beside ours.
    """

    workers: int = 2
    offline: bool = False
    weights_folder: Path | None = None
    executor: ExecutorName = "inline"
    processes: int = 1
    batch: int = 8
    gpus: float = 0.0
    limits: Limits = dataclasses.field(default_factory=Limits)
    interpreters: Mapping[str, Path] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("workers", "processes", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name} must be 1 or more, got {getattr(self, name)}")
        if self.gpus < 0:
            raise InputError(f"--gpus must be 0 or more, got {self.gpus:g}")


Load = Callable[[Mapping[str, Path], RunSettings, Mapping[str, Any]], Any]
READ_FROM_DISK = "read from disk"
"""In a field's metadata: the option names a file or folder whose content changes results."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BackendSpec:
    """One back end, importable with nothing heavy installed.

    Attributes
    ----------
    task : str
        What it does, for example "people".
    version : int
        Raise it when results change.
    load : callable
        ``load(weights, settings, options)``: weights by `ModelRef` name; returns an object with
        the methods of the task's protocol.
    modules : tuple of str
        Modules it imports inside `load`.
    extra : str
        The extra that installs them; empty when the core does.
    memory_mb : int
        Rough peak of resident memory while it runs.
    options : type or None
        Dataclass or pydantic model of its options, every field with a default and a meaning, so
        that they can be listed and checked before it is loaded. A dataclass's field that names a
        file says so in its metadata, with `READ_FROM_DISK`.
    """

    task: str
    name: str
    version: int
    load: Load
    modules: tuple[str, ...]
    extra: str
    weights: tuple[ModelRef, ...]
    licence: Licence
    memory_mb: int
    options: type | None = None
