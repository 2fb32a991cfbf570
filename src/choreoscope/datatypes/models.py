"""Models and back ends as descriptions: nothing here needs a model's own library."""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

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
class RunSettings:
    """Settings that change how fast a result comes, never what it is."""

    workers: int = 2
    offline: bool = False
    weights_folder: Path | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InputError(f"--workers must be 1 or more, got {self.workers}")


Load = Callable[[Mapping[str, Path], RunSettings, Mapping[str, Any]], Any]


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
