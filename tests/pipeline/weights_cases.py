"""Small made-up weights, and an environment in which nothing of the user's own is set."""

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from choreoscope.datatypes.models import Licence, ModelRef, Source, Tier, WheelMember
from choreoscope.pipeline.weights.events import WeightsEvent

LICENCE = Licence(name="MIT", tier=Tier.COMMERCIAL, notice="made up for a test")
CONTENT = bytes(range(256)) * 40
SETTINGS_VARIABLES = (
    "CHOREOSCOPE_",
    "PIP_",
    "UV_",
    "HF_",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)


def lonely_environment(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    for name in list(os.environ):
        if name.lower().startswith(tuple(variable.lower() for variable in SETTINGS_VARIABLES)):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CHOREOSCOPE_CACHE", str(cache))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def made_ref(
    *sources: Source, name: str = "net.bin", content: bytes = CONTENT, gated: bool = False
) -> ModelRef:
    return ModelRef(
        name=name,
        version="1",
        sources=sources,
        sha256=sha256(content),
        size=len(content),
        licence=LICENCE,
        gated=gated,
    )


def made_wheel(
    folder: Path, members: dict[str, bytes], tags: str = "cp312-cp312-manylinux_2_28_x86_64"
) -> Path:
    """Write the wheel of a project "tiny.weights" that holds ``members``."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"tiny_weights-1.0-{tags}.whl"
    about = "tiny_weights-1.0.dist-info"
    files = {
        **members,
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tags}\n".encode(),
        f"{about}/LICENSE": b"Do as you like.\n",
        f"{about}/RECORD": b"",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


def member_of(wheel: Path, member: str) -> WheelMember:
    return WheelMember(
        requirement="tiny.weights==1.0",
        wheel=wheel.name,
        wheel_sha256=sha256(wheel.read_bytes()),
        wheel_size=wheel.stat().st_size,
        member=member,
        licence_member="tiny_weights-1.0.dist-info/LICENSE",
    )


class Listener:
    """Keeps every event."""

    def __init__(self) -> None:
        self.events: list[WeightsEvent] = []

    def __call__(self, event: WeightsEvent) -> None:
        self.events.append(event)

    def of(self, kind: str) -> list[WeightsEvent]:
        return [event for event in self.events if event.kind == kind]
