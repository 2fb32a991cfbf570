"""The real sources, over the user's own package index."""

import sys
from pathlib import Path

import pytest

from choreoscope.backends.people.weights import BLAZEPOSE_WEIGHTS
from choreoscope.datatypes.models import ModelRef, RunSettings
from choreoscope.pipeline.weights import store
from choreoscope.pipeline.weights.demo import DEMO_CLIP

pytestmark = pytest.mark.network


def fetch_afresh(
    refs: tuple[ModelRef, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> dict[str, Path]:
    monkeypatch.setenv("CHOREOSCOPE_CACHE", str(tmp_path))
    monkeypatch.delenv("CHOREOSCOPE_WEIGHTS", raising=False)
    if way == "https":
        monkeypatch.setitem(sys.modules, "pip", None)
    return store.fetch(refs, settings=RunSettings())


@pytest.mark.parametrize("way", ["pip", "https"])
def test_the_default_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    paths = fetch_afresh(BLAZEPOSE_WEIGHTS, tmp_path, monkeypatch, way)
    assert set(paths) == {ref.name for ref in BLAZEPOSE_WEIGHTS}
    for path in paths.values():
        assert "Apache License" in store.licence_file(path).read_text()


@pytest.mark.parametrize("way", ["pip", "https"])
def test_the_demo_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    path = fetch_afresh((DEMO_CLIP,), tmp_path, monkeypatch, way)[DEMO_CLIP.name]
    assert path.read_bytes()[4:8] == b"ftyp"
    assert "BSD 3-Clause" in store.licence_file(path).read_text()
