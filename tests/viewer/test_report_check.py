"""Re-reading a report finds what is wrong with it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from viewer_builders import MakeData

from choreoscope.datatypes.errors import OutputError
from choreoscope.viewer.index import ClipEntry, write_index
from choreoscope.viewer.report import check_report, write_report
from choreoscope.viewer.report_data import Thumbnail

Spoil = Callable[[str], str]


@pytest.fixture
def report(make_data: MakeData, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    write_report(path, make_data())
    return path


def test_a_good_report_passes(report: Path) -> None:
    check_report(report)
    check_report(report, ["person-1", "person-2"])


def without_row(page: str) -> str:
    return re.sub(r'<tr data-person="person-2">.*?</tr>', "", page, flags=re.DOTALL)


def without_listing(page: str) -> str:
    return page.replace('"people":["person-1","person-2"]', '"people":["person-1"]')


def shortened_points(page: str) -> str:
    return re.sub(r'"local":"....', '"local":"', page, count=1)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda page: page[: len(page) // 2], "not whole"),
        (lambda page: page.replace("</html>", ""), "not whole"),
        (lambda page: page.replace("</table>", "", 1), "not whole"),
        (lambda page: page.replace('src="overlay.mp4"', 'src="https://x.y/z.mp4"'), "outside"),
        (lambda page: page.replace('src="overlay.mp4"', 'src="//x.y/z.mp4"'), "outside"),
        (lambda page: page.replace('href="#people"', 'href="HTTP://x.y"'), "outside"),
        (lambda page: page.replace("<style>", "<style>@import 'x.css';"), "outside"),
        (lambda page: page.replace("<style>", "<style>a{background:url(x.png)}"), "outside"),
        (lambda page: page.replace('id="facts">{', 'id="facts">{{'), "do not parse"),
        (lambda page: page.replace('id="timings"', 'id="other"'), "lacks its embedded data"),
        (without_row, "lacks person-2"),
        (without_listing, "unknown 'person-2'"),
        (shortened_points, "do not unpack"),
    ],
)
def test_what_is_wrong_is_found(report: Path, spoil: Spoil, message: str) -> None:
    page = report.read_text(encoding="utf-8")
    spoilt = spoil(page)
    assert spoilt != page
    report.write_text(spoilt, encoding="utf-8")
    with pytest.raises(OutputError, match=message):
        check_report(report)


def test_a_missing_or_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not read back"):
        check_report(tmp_path / "none.html")
    (tmp_path / "bad.html").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OutputError, match="does not read back"):
        check_report(tmp_path / "bad.html")


def test_people_must_be_listed(report: Path) -> None:
    page = re.sub(r'"people":\["person-1","person-2"\]', '"people":7', report.read_text("utf-8"))
    report.write_text(page, encoding="utf-8")
    with pytest.raises(OutputError, match="does not list"):
        check_report(report)


def test_packed_figures_are_json(report: Path) -> None:
    found = re.search(r'id="scene">(.*?)</script>', report.read_text("utf-8"), re.DOTALL)
    assert found
    assert {person["id"] for person in json.loads(found.group(1))["people"]} == {
        "person-1",
        "person-2",
    }


def test_the_list_of_clips(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    poster = Thumbnail(frame=1, seconds=0.0, jpeg=b"jpeg", width=2, height=2)
    clips = (
        ClipEntry(
            clip_id="clip-001", report="clip-001/report.html", summary="<2 people>", poster=poster
        ),
        ClipEntry(clip_id="clip-002", report="a b/report.html", summary="nobody"),
    )
    write_index(path, "<film>.mp4", clips, made_with="Choreoscope 0")
    page = path.read_text(encoding="utf-8")
    assert "&lt;film&gt;.mp4" in page
    assert "&lt;2 people&gt;" in page
    assert 'href="clip-001/report.html"' in page
    assert 'href="a%20b/report.html"' in page
    assert page.count("<img") == 1
    assert not re.search(r'(?:src|href)="(?:[a-z]+:)?//', page)
    write_index(path, "film.mp4", (), made_with="Choreoscope 0")
    assert "No clip was made" in path.read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write_index(tmp_path / "nowhere" / "index.html", "f", (), made_with="x")
