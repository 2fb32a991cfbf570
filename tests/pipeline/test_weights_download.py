"""Downloads: continued, checked, and never from where they must not come."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer, serve
from hypothesis import given
from hypothesis import strategies as st
from weights_cases import CONTENT, lonely_environment, sha256

from choreoscope.pipeline.weights import download
from choreoscope.pipeline.weights.events import SourceFailedError


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FileServer]:
    lonely_environment(monkeypatch, tmp_path / "cache")
    with serve() as server:
        server.files["/net"] = CONTENT
        yield server


def get(url: str, part: Path, content: bytes = CONTENT, **more: object) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    download.download_checked(
        url,
        part,
        sha256=sha256(content),
        size=len(content),
        report=lambda done, total: told.append((done, total)),
        **more,
    )
    return told


def test_a_whole_file_comes_with_rising_progress(server: FileServer, tmp_path: Path) -> None:
    told = get(server.url("/net"), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert server.asked_ranges("/net") == [None]


def test_what_an_earlier_run_left_is_continued(server: FileServer, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:1000])
    get(server.url("/net"), part)
    assert part.read_bytes() == CONTENT
    assert server.asked_ranges("/net") == ["bytes=1000-"]


def test_a_cut_connection_is_continued_in_the_same_call(server: FileServer, tmp_path: Path) -> None:
    server.cuts["/net"] = [3000, 2000]
    get(server.url("/net"), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert server.asked_ranges("/net") == [None, "bytes=3000-", "bytes=5000-"]


def test_a_connection_that_always_breaks_is_given_up_and_its_part_kept(
    server: FileServer, tmp_path: Path
) -> None:
    server.cuts["/net"] = [700] * 100
    with pytest.raises(SourceFailedError, match="broke 5 times"):
        get(server.url("/net"), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT[:3500]
    assert len(server.asked) == download.TRIES


def test_a_server_without_ranges_starts_again(server: FileServer, tmp_path: Path) -> None:
    server.ranges = False
    part = tmp_path / "part"
    part.write_bytes(b"x" * 1000)
    get(server.url("/net"), part)
    assert part.read_bytes() == CONTENT
    assert server.asked_ranges("/net") == ["bytes=1000-"]


@pytest.mark.parametrize("left", [b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 1)])
def test_a_wrong_beginning_is_thrown_away(server: FileServer, tmp_path: Path, left: bytes) -> None:
    part = tmp_path / "part"
    part.write_bytes(left)
    get(server.url("/net"), part)
    assert part.read_bytes() == CONTENT
    assert server.asked_ranges("/net")[-1] is None


def test_wrong_bytes_are_refused_and_deleted(server: FileServer, tmp_path: Path) -> None:
    server.files["/net"] = CONTENT[:-1] + b"!"
    with pytest.raises(SourceFailedError, match=f"expected sha256 {sha256(CONTENT)}, got"):
        get(server.url("/net"), tmp_path / "part")
    assert not (tmp_path / "part").exists()
    assert len(server.asked) == 1


@pytest.mark.parametrize("announces", [True, False])
@pytest.mark.parametrize("sent", [CONTENT + b"more", CONTENT[:-1]])
def test_another_size_is_refused(
    server: FileServer, tmp_path: Path, sent: bytes, announces: bool
) -> None:
    server.files["/net"] = sent
    server.announces = announces
    with pytest.raises(SourceFailedError):
        get(server.url("/net"), tmp_path / "part")


@given(
    left=st.integers(0, len(CONTENT)),
    cuts=st.lists(st.integers(1, len(CONTENT)), max_size=3),
    spoilt=st.booleans(),
    ranges=st.booleans(),
)
def test_however_it_breaks_the_file_is_whole_or_there_is_an_error(
    tmp_path_factory: pytest.TempPathFactory,
    left: int,
    cuts: list[int],
    spoilt: bool,
    ranges: bool,
) -> None:
    part = tmp_path_factory.mktemp("download") / "part"
    part.write_bytes((b"x" * left) if spoilt else CONTENT[:left])
    with serve() as server:
        server.files["/net"] = CONTENT
        server.cuts["/net"] = list(cuts)
        server.ranges = ranges
        try:
            get(server.url("/net"), part)
        except SourceFailedError:
            assert not ranges
        else:
            assert part.read_bytes() == CONTENT


def test_credentials_in_an_address_are_sent_and_never_shown(
    server: FileServer, tmp_path: Path
) -> None:
    server.secrets["/net"] = "Basic bWU6cEBzcw=="
    address = server.url("/net").replace("://", "://me:p%40ss@")
    get(address, tmp_path / "part")
    with pytest.raises(SourceFailedError) as caught:
        get(address.replace("/net", "/absent"), tmp_path / "other")
    assert "HTTP 404" in str(caught.value)
    assert "ss" not in str(caught.value)


def test_credentials_go_to_the_first_host_only(server: FileServer, tmp_path: Path) -> None:
    secret = {"Authorization": "Bearer secret"}
    with serve() as other:
        other.files["/there"] = CONTENT
        server.redirects["/near"] = server.url("/net")
        server.redirects["/far"] = other.url("/there")
        get(server.url("/near"), tmp_path / "near", headers=secret)
        get(server.url("/far"), tmp_path / "far", headers=secret)
        assert [headers.get("Authorization") for _, headers in server.asked] == (
            ["Bearer secret"] * 3
        )
        assert "Authorization" not in other.asked[0][1]


@pytest.mark.parametrize("address", ["http://example.org/net", "ftp://example.org/net", "file:///"])
def test_only_https_is_followed(server: FileServer, tmp_path: Path, address: str) -> None:
    with pytest.raises(SourceFailedError, match="expected an https address"):
        get(address, tmp_path / "part")
    server.redirects["/leads-away"] = address
    refusal = "expected an https address|HTTP 302"
    with pytest.raises(SourceFailedError, match=refusal):
        get(server.url("/leads-away"), tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_a_silent_server_is_left(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SILENCE_SECONDS", 0.2)
    server.stalls_at = 0
    with pytest.raises(SourceFailedError, match=r"no answer within 0\.2 s"):
        get(server.url("/net"), tmp_path / "part")


def test_a_server_that_falls_silent_half_way_is_asked_for_the_rest(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SILENCE_SECONDS", 0.2)
    server.stalls_at = 4000
    get(server.url("/net"), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert server.asked_ranges("/net") == [None, "bytes=4000-"]
