"""The page: repeatable, escaped, self-contained, everybody and every gap in it."""

import json
import re
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from viewer_builders import MakeData, MakeMotion, entry_of, film, manifest

from choreoscope.datatypes.artifacts import Manifest
from choreoscope.datatypes.errors import InputError, OutputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.models import Licence, Tier
from choreoscope.datatypes.video import Audio
from choreoscope.viewer.figure import figure_points
from choreoscope.viewer.report import check_report, report_page, write_report
from choreoscope.viewer.report_data import Decision, ModelUse, ReportData
from choreoscope.viewer.report_text import film_name, size_text
from choreoscope.viewer.scene_data import MOST_FRAMES, unpack_person

EVIL = "<script>alert('x')</script>\"&.mp4"


def embedded(page: str, name: str) -> Any:
    found = re.search(
        rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL
    )
    assert found
    return json.loads(found.group(1))


def without_times(page: str) -> str:
    return re.sub(r'(<script type="application/json" id="timings">).*?(</script>)', r"\1\2", page)


def cells(page: str, state: str) -> int:
    return len(re.findall(rf'<rect class="{state}"', page))


def slower(manifests: dict[str, Manifest]) -> dict[str, Manifest]:
    frames = FrameRange(0, 40)
    return {name: manifest(name, frames, seconds=99.5, cpu_seconds=7.25) for name in manifests}


def test_the_same_data_give_the_same_bytes(make_data: MakeData, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(tmp_path / name, make_data())
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_times_live_in_one_element(make_data: MakeData) -> None:
    data = make_data()
    one = report_page(data)
    other = report_page(make_data(manifests=slower(dict(data.manifests))))
    assert one != other
    assert without_times(one) == without_times(other)
    assert embedded(other, "timings")["total"]["wall"] == pytest.approx(199)


def test_other_data_give_other_bytes(make_data: MakeData) -> None:
    assert without_times(report_page(make_data())) != without_times(
        report_page(make_data(notes=("another remark",)))
    )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def evil_data(make_data: MakeData, make_motion: MakeMotion) -> ReportData:
    frames = FrameRange(0, 40)
    return make_data(
        video=film(path=f"/films/{EVIL.replace('/', '|')}"),
        clip_id=EVIL,
        people=(entry_of(EVIL, make_motion(40, unseen=(9,))),),
        camera_note=EVIL,
        notes=(EVIL,),
        decisions=(Decision(person=EVIL, text=EVIL, score=0.5),),
        manifests={
            EVIL: manifest(EVIL, frames, failed={"3:4": EVIL}, notes=(EVIL + EVIL,)),
        },
        stages=(EVIL,),
        models=(
            ModelUse(
                name=EVIL,
                version=EVIL,
                task=EVIL,
                licence=Licence(name=EVIL, tier=Tier.ASK, notice=EVIL, url=EVIL),
            ),
        ),
        overlay=EVIL,
        made_with=EVIL,
    )


def test_names_are_escaped(make_data: MakeData, make_motion: MakeMotion, tmp_path: Path) -> None:
    plain, evil = _Tags(), _Tags()
    plain.feed(report_page(make_data()))
    data = evil_data(make_data, make_motion)
    page = report_page(data)
    evil.feed(page)
    assert evil.scripts == plain.scripts
    assert "<script>alert" not in page
    assert any(EVIL in text for text in evil.text)
    assert embedded(page, "facts")["people"] == [EVIL]
    write_report(tmp_path / "evil.html", data)
    check_report(tmp_path / "evil.html", [EVIL])


@settings(max_examples=15)
@given(name=st.text(min_size=1, max_size=20))
def test_any_name_survives(name: str, make_data: MakeData, make_motion: MakeMotion) -> None:
    page = report_page(
        make_data(people=(entry_of(name, make_motion(2)),), video=film(2), clip_id=name)
    )
    assert embedded(page, "facts")["people"] == [name]


def test_nothing_is_loaded_from_outside(make_data: MakeData) -> None:
    page = report_page(make_data())
    linked = re.findall(r'(?:src|href|poster|action|srcset)="([^"]*)"', page)
    assert "overlay.mp4" in linked
    for target in linked:
        assert not re.match(r"\s*(?:[a-z]+:)?//", target)
        assert target.startswith(("#", "data:", "overlay", "people/"))
    assert "@import" not in page
    assert "fetch(" not in page
    assert "XMLHttpRequest" not in page
    assert "default-src 'none'" in page


def test_a_clip_without_gaps_shows_none(make_data: MakeData) -> None:
    page = report_page(make_data())
    assert cells(page, "missing") == 0
    assert cells(page, "bridged") == 0
    assert cells(page, "done") == 4
    assert "No frame is missing" in page
    assert 'class="verdict ok"' in page
    assert "2 people, 40 of 40 frames complete" in page


def test_missing_frames_are_cells_and_words(make_data: MakeData, make_motion: MakeMotion) -> None:
    clip = FrameRange(0, 40)
    done = FrameSet.of([FrameRange(0, 12), FrameRange(13, 30), FrameRange(33, 40)])
    page = report_page(
        make_data(
            manifests={
                "observe": manifest("observe", clip, done=done, failed={"12:13": "broken file"}),
                "motion": manifest("motion", clip),
            },
            people=(entry_of("person-1", make_motion(40, unseen=(20, 21, 22))),),
        )
    )
    assert cells(page, "missing") == 2
    assert '<rect class="missing" x="12" y="0" width="1"' in page
    assert '<rect class="missing" x="30" y="0" width="3"' in page
    assert cells(page, "bridged") == 1
    assert '<rect class="bridged" x="20"' in page
    assert "frame 12 (00:00.480)" in page
    assert "broken file" in page
    assert "frames 20 to 22" in page
    assert "1 person, 36 of 40 frames complete" in page
    assert 'class="verdict bad"' in page
    runs = embedded(page, "facts")["rows"][0]["runs"]
    assert [run[:3] for run in runs if run[2] == "missing"] == [
        [12, 13, "missing"],
        [30, 33, "missing"],
    ]


def test_a_stage_that_never_ran_is_all_red(make_data: MakeData) -> None:
    page = report_page(make_data(stages=("observe", "motion", "overlay")))
    assert '<rect class="missing" x="0" y="0" width="40"' in page
    assert "2 people, 0 of 40 frames complete" in page


def test_figures_in_the_page_are_exact(make_data: MakeData) -> None:
    data = make_data()
    packed = embedded(report_page(data), "scene")["people"]
    for entry, person in zip(data.people, packed, strict=True):
        assert entry.motion is not None
        truth = figure_points(entry.motion)
        assert np.abs(unpack_person(person).points - truth).max() < 1e-3


def test_nobody_found_is_a_valid_page(make_data: MakeData, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, make_data(people=(), decisions=(), camera=None, thumbnails=(), overlay=None))
    check_report(path)
    page = path.read_text(encoding="utf-8")
    assert "Nobody found, 40 of 40 frames complete" in page
    assert "No overlay film was made" in page
    assert embedded(page, "scene")["people"] == []
    with pytest.raises(OutputError, match="lacks person-1"):
        check_report(path, ["person-1"])


def test_one_frame_is_a_valid_page(
    make_data: MakeData, make_motion: MakeMotion, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    write_report(path, make_data(video=film(1), people=(entry_of("p", make_motion(1)),)))
    check_report(path, ["p"])
    assert "1 person, 1 of 1 frames complete" in path.read_text(encoding="utf-8")


def test_a_person_without_motion_is_listed(make_data: MakeData, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, make_data(people=(entry_of("p", None, np.arange(3, 9)),)))
    check_report(path, ["p"])
    assert cells(path.read_text(encoding="utf-8"), "missing") == 1


def test_a_part_of_a_film_keeps_source_numbers(
    make_data: MakeData, make_motion: MakeMotion
) -> None:
    clip = FrameRange(100, 130)
    motion = make_motion(30, first=100)
    page = report_page(
        make_data(
            video=film(400),
            frames=clip,
            people=(entry_of("p", motion),),
            manifests={"observe": manifest("observe", clip)},
            stages=("observe",),
        )
    )
    facts = embedded(page, "facts")
    assert (facts["start"], facts["count"], facts["startSeconds"]) == (100, 30, 4.0)
    assert "frames 100 to 129" in page
    assert "00:04.000 to 00:05.160" in page


def test_long_clips_say_that_the_view_is_thinned(
    make_data: MakeData, make_motion: MakeMotion
) -> None:
    count = MOST_FRAMES + 1
    long = make_data(
        video=film(count),
        people=(entry_of("p", make_motion(count)),),
        manifests={},
        stages=(),
    )
    assert "This view holds every 2nd frame" in report_page(long)
    assert "This view holds every" not in report_page(make_data())


def test_the_head_tells_film_and_tier(make_data: MakeData) -> None:
    page = report_page(make_data(tier=Tier.RESEARCH, video=film(path="/secret/place/duo é.mp4")))
    assert "<h1>duo é.mp4</h1>" in page
    assert "/secret/place" not in page
    assert "For research only" in page
    assert "25 frames/s" in page
    assert "640 by 360 pixels" in page
    assert "with sound" in page


def test_variable_rate_and_silence_are_told(make_data: MakeData) -> None:
    video = film()
    pts = video.pts.copy()
    pts[20:] += 9000
    object.__setattr__(video, "pts", pts)
    object.__setattr__(video, "rate", Fraction(24000, 1001))
    object.__setattr__(
        video, "audio", Audio(codec="aac", sample_rate=8000, channels=1, seconds=1, silent=True)
    )
    page = report_page(make_data(video=video))
    assert "variable, about 23.976 frames/s" in page
    assert "silent sound track" in page
    assert 'id="sound"' not in page


def test_notes_are_told_once(make_data: MakeData) -> None:
    clip = FrameRange(0, 40)
    page = report_page(
        make_data(
            manifests={name: manifest(name, clip, notes=("twice told",)) for name in "ab"},
            stages=("a", "b"),
            notes=("twice told",),
        )
    )
    assert page.count("twice told") == 1


def test_names_that_are_no_text_do_not_break_the_page(make_data: MakeData, tmp_path: Path) -> None:
    video = film(path="/films/broken-\udcff.mp4")
    assert film_name(video) == "broken-\ufffd.mp4"
    write_report(tmp_path / "report.html", make_data(video=video))
    check_report(tmp_path / "report.html")


def test_unwritable_places_are_one_clear_line(make_data: MakeData, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(tmp_path / "nowhere" / "report.html", make_data())


def test_data_check_themselves(make_data: MakeData, make_motion: MakeMotion) -> None:
    with pytest.raises(InputError, match="once"):
        make_data(people=(entry_of("p", make_motion(2)), entry_of("p", make_motion(2))))
    with pytest.raises(InputError, match="not inside"):
        make_data(frames=FrameRange(0, 41))


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (812345, "812 kB"), (2_811_223, "2.8 MB")],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text
