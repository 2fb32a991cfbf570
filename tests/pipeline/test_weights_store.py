"""Where weights come from: order, checks, offline, several processes."""

import dataclasses
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer, serve
from hypothesis import given
from hypothesis import strategies as st
from weights_cases import CONTENT, LICENCE, Listener, lonely_environment, made_ref, sha256

from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.models import HttpsAddress, HubRevision, RunSettings
from choreoscope.pipeline.weights import store

ONLINE = RunSettings()
OFFLINE = RunSettings(offline=True)
WRONG = CONTENT[:-1] + b"!"


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    lonely_environment(monkeypatch, tmp_path / "cache")
    return tmp_path / "cache" / "weights"


@pytest.fixture
def server(cache: Path) -> Iterator[FileServer]:  # noqa: ARG001 - the environment comes first
    with serve() as server:
        server.files["/net"] = CONTENT
        yield server


def in_folder(folder: Path, content: bytes = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "net.bin").write_bytes(content)
    return folder


def test_a_fetched_file_is_not_asked_for_again(server: FileServer, cache: Path) -> None:
    ref = made_ref(HttpsAddress(url=server.url("/net")))
    for settings in (ONLINE, ONLINE, OFFLINE):
        path = store.locate(ref, settings=settings)
        assert path == cache / "net.bin"
        assert path.read_bytes() == CONTENT
    assert server.paths() == ["/net"]


def test_the_licence_is_told_before_anything_is_asked_for(server: FileServer) -> None:
    listener = Listener()
    asked_before: list[int] = []

    def listen(event: store.WeightsEvent) -> None:
        listener(event)
        if event.kind == "licence":
            asked_before.append(len(server.asked))

    ref = made_ref(HttpsAddress(url=server.url("/net")))
    other = made_ref(HttpsAddress(url=server.url("/net")), name="other.bin")
    store.fetch((ref, other), settings=ONLINE, events=listen)
    notices = listener.of("licence")
    assert [(event.name, event.licence, event.total) for event in notices] == [
        ("net.bin", LICENCE, len(CONTENT)),
        ("other.bin", LICENCE, len(CONTENT)),
    ]
    assert asked_before == [0, 0]
    assert [event.name for event in listener.of("done")] == ["net.bin", "other.bin"]
    assert listener.of("progress")[-1].done == len(CONTENT)


def test_the_users_folder_comes_before_the_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_folder(cache)
    mine, other = in_folder(tmp_path / "mine"), in_folder(tmp_path / "other")
    ref = made_ref()
    assert store.locate(ref, settings=ONLINE).parent == cache
    monkeypatch.setenv("CHOREOSCOPE_WEIGHTS", str(other))
    assert store.locate(ref, settings=ONLINE).parent == other
    assert store.locate(ref, settings=RunSettings(weights_folder=mine)).parent == mine


def test_what_the_users_folder_lacks_comes_from_the_cache(cache: Path, tmp_path: Path) -> None:
    in_folder(cache)
    settings = RunSettings(weights_folder=tmp_path)
    assert store.locate(made_ref(), settings=settings).parent == cache


def test_a_wrong_file_in_the_users_folder_is_an_error(
    server: FileServer, cache: Path, tmp_path: Path
) -> None:
    in_folder(cache)
    mine = in_folder(tmp_path / "mine", WRONG)
    ref = made_ref(HttpsAddress(url=server.url("/net")))
    with pytest.raises(WeightsError) as caught:
        store.locate(ref, settings=RunSettings(weights_folder=mine))
    text = str(caught.value)
    assert str(mine / "net.bin") in text
    assert sha256(CONTENT) in text
    assert sha256(WRONG) in text
    assert (mine / "net.bin").read_bytes() == WRONG
    assert server.asked == []


def test_the_size_must_be_right_too(cache: Path) -> None:
    in_folder(cache)
    ref = dataclasses.replace(made_ref(), size=len(CONTENT) + 1)
    with pytest.raises(WeightsError, match=f"expected {len(CONTENT) + 1} bytes, got"):
        store.locate(ref, settings=OFFLINE)


def test_a_users_folder_that_is_none_is_an_error(cache: Path, tmp_path: Path) -> None:
    in_folder(cache)
    with pytest.raises(WeightsError, match="expected a folder of weights"):
        store.locate(made_ref(), settings=RunSettings(weights_folder=tmp_path / "typo"))


@pytest.mark.parametrize("spoilt", [WRONG, CONTENT[:100], b""])
def test_a_corrupt_cache_is_mended_online(server: FileServer, cache: Path, spoilt: bytes) -> None:
    in_folder(cache, spoilt)
    listener = Listener()
    ref = made_ref(HttpsAddress(url=server.url("/net")))
    path = store.locate(ref, settings=ONLINE, events=listener)
    assert path.read_bytes() == CONTENT
    assert (cache / "net.bin.corrupt").read_bytes() == spoilt
    assert "corrupt" in listener.of("note")[0].text


def test_a_corrupt_cache_is_an_error_offline(server: FileServer, cache: Path) -> None:
    in_folder(cache, WRONG)
    ref = made_ref(HttpsAddress(url=server.url("/net")))
    with pytest.raises(WeightsError) as caught:
        store.locate(ref, settings=OFFLINE)
    text = str(caught.value)
    assert str(cache / "net.bin") in text
    assert sha256(CONTENT) in text
    assert sha256(WRONG) in text
    assert "choreoscope models fetch" in text
    assert (cache / "net.bin").read_bytes() == WRONG


def test_wrong_bytes_never_take_the_final_name(server: FileServer, cache: Path) -> None:
    server.files["/net"] = WRONG
    with pytest.raises(WeightsError, match="sent another file"):
        store.locate(made_ref(HttpsAddress(url=server.url("/net"))), settings=ONLINE)
    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_a_failed_mending_leaves_the_corrupt_file_where_it_was(
    server: FileServer, cache: Path
) -> None:
    in_folder(cache, WRONG)
    with pytest.raises(WeightsError):
        store.locate(made_ref(HttpsAddress(url=server.url("/absent"))), settings=ONLINE)
    assert (cache / "net.bin").read_bytes() == WRONG


class SocketOpenedError(Exception):
    pass


@pytest.mark.parametrize("how", ["setting", "environment"])
def test_offline_opens_no_socket_and_starts_no_process(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise SocketOpenedError

    ref = made_ref(HttpsAddress(url=server.url("/net")))
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(SocketOpenedError):
        store.locate(ref, settings=ONLINE)
    if how == "environment":
        monkeypatch.setenv("CHOREOSCOPE_OFFLINE", "1")
    settings = OFFLINE if how == "setting" else ONLINE
    with pytest.raises(WeightsError, match=r"offline; not in .*: net\.bin; .*--weights FOLDER"):
        store.locate(ref, settings=settings)


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("true", True), ("0", False)])
def test_the_offline_variable(
    cache: Path, monkeypatch: pytest.MonkeyPatch, value: str, offline: bool
) -> None:
    del cache
    monkeypatch.setenv("CHOREOSCOPE_OFFLINE", value)
    assert store.is_offline(ONLINE) is offline


@given(states=st.lists(st.sampled_from(["good", "wrong", "absent", "breaks"]), max_size=4))
def test_the_first_good_source_wins(
    tmp_path_factory: pytest.TempPathFactory, states: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch, serve() as server:
        lonely_environment(monkeypatch, tmp_path_factory.mktemp("cache"))
        for number, state in enumerate(states):
            if state != "absent":
                server.files[f"/{number}"] = WRONG if state == "wrong" else CONTENT
            if state == "breaks":
                server.cuts[f"/{number}"] = [0] * 10
        ref = made_ref(*(HttpsAddress(url=server.url(f"/{n}")) for n in range(len(states))))
        last = states.index("good") if "good" in states else len(states) - 1
        if "good" in states:
            assert store.locate(ref, settings=ONLINE).read_bytes() == CONTENT
        else:
            with pytest.raises(WeightsError) as caught:
                store.locate(ref, settings=ONLINE)
            assert str(caught.value).count("127.0.0.1") == len(states)
            assert "--weights FOLDER" in str(caught.value)
        assert list(dict.fromkeys(server.paths())) == [f"/{n}" for n in range(last + 1)]


def test_one_failure_does_not_keep_the_others_from_coming(server: FileServer, cache: Path) -> None:
    refs = (
        made_ref(HttpsAddress(url=server.url("/absent")), name="a.bin"),
        made_ref(HttpsAddress(url=server.url("/net")), name="b.bin"),
        made_ref(name="c.bin"),
    )
    with pytest.raises(WeightsError, match=r"cannot get a\.bin: .*HTTP 404.*; c\.bin: .*by hand"):
        store.fetch(refs, settings=ONLINE)
    assert (cache / "b.bin").read_bytes() == CONTENT


def test_a_cache_that_cannot_be_written_is_one_clear_line(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHOREOSCOPE_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=r"cannot be written: .*CHOREOSCOPE_CACHE=FOLDER"):
        store.locate(made_ref(HttpsAddress(url=server.url("/net"))), settings=ONLINE)


@pytest.mark.skipif(sys.platform != "linux", reason="the Linux folder convention")
def test_the_cache_lies_where_the_system_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CHOREOSCOPE_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert store.cache_folder() == tmp_path / "xdg" / "choreoscope" / "weights"
    for invalid in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", invalid)
        assert store.cache_folder() == tmp_path / ".cache" / "choreoscope" / "weights"


FETCH = f"""
import sys
from choreoscope.datatypes.models import HttpsAddress, Licence, ModelRef, RunSettings, Tier
from choreoscope.pipeline.weights import store
ref = ModelRef(
    name="net.bin", version="1", sources=(HttpsAddress(url=sys.argv[1]),),
    sha256="{sha256(CONTENT)}", size={len(CONTENT)},
    licence=Licence(name="MIT", tier=Tier.COMMERCIAL, notice=""),
)
told = lambda event: print(event.kind, event.text, flush=True) if event.kind == "note" else None
print(store.locate(ref, settings=RunSettings(), events=told))
"""


def fetching_process(url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, url], stdout=subprocess.PIPE, text=True, env=os.environ
    )


def test_two_processes_fetch_one_file_once(server: FileServer, cache: Path) -> None:
    server.stalls_at = 5000
    with fetching_process(server.url("/net")) as first:
        assert server.stalled.wait(20)
        with fetching_process(server.url("/net")) as second:
            assert second.stdout is not None
            assert "waiting" in second.stdout.readline()
            server.go_on.set()
            outputs = [process.communicate(timeout=20)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert [output.split()[-1] for output in outputs] == [str(cache / "net.bin")] * 2
    assert (cache / "net.bin").read_bytes() == CONTENT
    assert server.paths() == ["/net"]


def test_a_killed_fetch_is_continued_by_the_next(server: FileServer) -> None:
    server.stalls_at = 5000
    with fetching_process(server.url("/net")) as killed:
        assert server.stalled.wait(20)
        part = store.cache_folder() / "net.bin.part"
        deadline = time.monotonic() + 10
        while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        killed.kill()
    kept = part.stat().st_size
    ref = made_ref(HttpsAddress(url=server.url("/net")))
    assert store.locate(ref, settings=ONLINE).read_bytes() == CONTENT
    assert server.asked_ranges("/net") == [None, f"bytes={kept}-"]
    assert kept > 0


def hub_ref(gated: bool) -> store.ModelRef:
    return made_ref(
        HubRevision(repository="team/net", revision="0123abc", filename="onnx/net 1.bin"),
        gated=gated,
    )


HUB_PATH = "/team/net/resolve/0123abc/onnx/net%201.bin"


def test_a_hub_revision(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.address + "/")
    monkeypatch.setenv("HF_TOKEN", "mine")
    server.redirects[HUB_PATH] = server.url("/net")
    assert store.locate(hub_ref(gated=False), settings=ONLINE).read_bytes() == CONTENT
    assert server.paths() == [HUB_PATH, "/net"]
    assert all("Authorization" not in headers for _, headers in server.asked)


def test_a_gated_hub_revision_needs_the_users_token(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    server.files[HUB_PATH] = CONTENT
    server.secrets[HUB_PATH] = "Bearer mine"
    with pytest.raises(WeightsError, match=r"HTTP 401.*agree to its terms at .*HF_TOKEN"):
        store.locate(hub_ref(gated=True), settings=ONLINE)
    monkeypatch.setenv("HF_TOKEN", "mine")
    assert store.locate(hub_ref(gated=True), settings=ONLINE).read_bytes() == CONTENT
