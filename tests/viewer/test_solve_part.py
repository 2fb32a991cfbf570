"""The solve on the page: the record's numbers, contacts, sizes, curves; and pages without it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from viewer_builders import MakeData, MakeMotion, entry_of

from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.residuals import Footing, PersonResiduals
from choreoscope.viewer.agreement import agreement_of
from choreoscope.viewer.board import PAPER
from choreoscope.viewer.palette import colours_for, mix
from choreoscope.viewer.report import check_report, report_page, write_report
from choreoscope.viewer.report_data import PersonEntry
from choreoscope.viewer.top_view import top_view

FRAMES = 40
SOLVE = {
    "first_costs": {"all": 5000.0},
    "costs": {"pixels": 200.0, "standing": 50.0},
    "steps": 13,
    "person_frames": FRAMES,
    "floor": {"sources": ["measured tilt"], "spreads": [2.0, 1.0], "residual": 0.004},
    "camera_scale_sigma": 0.012,
    "focal_sigma": 0.0,
    "focal": 1.0,
    "flight_scales": {"person-1": [1.03]},
}


def footing(speed: float, height: float) -> Footing:
    return Footing(
        root=np.tile([0.0, 0.95, 0.0], (FRAMES, 1)),
        soles=np.full((FRAMES, 2), height),
        speeds=np.full((FRAMES, 2), speed),
    )


@pytest.fixture
def entry(make_motion: MakeMotion) -> PersonEntry:
    contacts = np.zeros((FRAMES, 4))
    contacts[:30, 0] = 1.0
    contacts[10:20, 3] = 1.0
    motion = dataclasses.replace(
        make_motion(FRAMES),
        contacts=contacts,
        contact_joints=("left_foot", "right_foot", "left_hand", "right_hand"),
    )
    record = PersonResiduals(
        first_frame=0,
        times=motion.times,
        pixels=np.linspace(2.0, 4.0, FRAMES),
        metres=np.full(FRAMES, 0.021),
        before=footing(0.3, -0.05),
        after=footing(0.002, 0.001),
        doubts=(FrameRange(5, 9),),
        stature=1.7,
    )
    return dataclasses.replace(
        entry_of("person-1", motion), residuals=record, facts={"detector_stature": 1.53}
    )


def test_figures_are_those_of_the_record(entry: PersonEntry) -> None:
    found = agreement_of(entry)
    assert (found.pixels, found.metres) == (pytest.approx(3.0), 0.021)
    assert found.pixels_high == pytest.approx(3.9)
    assert (found.slide.before, found.slide.after) == pytest.approx((0.3, 0.002))
    assert (found.sunk.before, found.sunk.after) == pytest.approx((0.05, 0.0))
    assert found.above.after == pytest.approx(0.001)
    assert found.standing == pytest.approx(0.75)


def test_the_page_tells_the_record(entry: PersonEntry, make_data: MakeData, tmp_path: Path) -> None:
    data = make_data(people=(entry,), solve=SOLVE)
    write_report(tmp_path / "r.html", data)
    check_report(tmp_path / "r.html", ["person-1"])
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    for words in (
        "3.0, 3.9",
        "300 → 2",
        "50 → 0",
        "75 %",
        "frames 5 to 8",
        "left in 30 frames, right in 0 frames",
        "detector&#39;s own metres 1.53 m (\N{MINUS SIGN}10 %)",
        "gravity asks for +3 %",
        "known to 1.2 %",
        "from 5,000 to 250",
    ):
        assert words in page, words
    assert page.count('<path class="before-line" d="M') == 6
    assert page.count('class="touch" x=') == 2


def test_another_record_gives_another_page(entry: PersonEntry, make_data: MakeData) -> None:
    assert entry.residuals is not None
    worse = dataclasses.replace(entry.residuals, after=footing(0.1, 0.001))
    page = report_page(make_data(people=(dataclasses.replace(entry, residuals=worse),)))
    assert "300 → 100" in page
    assert "300 → 2<" not in page


def test_a_result_without_a_record_has_its_page(
    make_motion: MakeMotion, make_data: MakeData
) -> None:
    plain = dataclasses.replace(
        entry_of("person-1", make_motion(FRAMES)), facts={"pixels": 3.25, "slide": None}
    )
    page = report_page(make_data(people=(plain,)))
    assert "No record of a solve" in page
    assert "3.2, " in page
    assert '<path class="before-line" d="M0 0' not in page
    assert 'id="contacts"' not in page
    assert "There is nobody to agree with." in report_page(make_data(people=()))


def test_feet_that_stand_leave_prints(make_motion: MakeMotion) -> None:
    motion = make_motion(FRAMES)
    skeleton = motion.skeleton
    names = tuple({"left_forearm": "left_toes"}.get(name, name) for name in skeleton.joints)
    body = dataclasses.replace(skeleton, joints=names)
    colours = colours_for(["p1"])
    pale = np.array(mix(colours["p1"].rgb, PAPER, 0.62))

    def prints(contact: float) -> int:
        own = dataclasses.replace(
            motion,
            skeleton=body,
            contacts=np.full((FRAMES, 1), contact),
            contact_joints=("left_foot",),
        )
        picture = top_view({"p1": own}, None, colours).astype(int)
        return int(np.all(np.abs(picture - pale) <= 3, axis=-1).sum())

    assert prints(1.0) > prints(0.0) + 100
