"""Which stage is handed which correction: fingerprints change only where they should."""

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from choreoscope.capture.association import JoinOptions
from choreoscope.capture.corrections import (
    SLICES,
    corrected_options,
    corrections_for,
    shots_of_clip,
)
from choreoscope.capture.recipes import mocap_recipe, shots_recipe
from choreoscope.datatypes.corrections import Corrections
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.shots import Shot, ShotsResult
from choreoscope.formats.corrections_yaml import read_corrections
from choreoscope.motion.stages.lift import LiftStageOptions
from choreoscope.pipeline.choices import GivenInput
from choreoscope.pipeline.fingerprint import canonical_json
from choreoscope.pipeline.recipe import Recipe

CLIP = FrameRange(100, 200)
MOCAP, SHOTS = mocap_recipe(), shots_recipe()


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "corrections.yaml"


def read(path: Path, text: str) -> Corrections:
    path.write_text(text, encoding="utf-8")
    return read_corrections(path, frame_count=1000)


def slices(
    path: Path, text: str, recipe: Recipe = MOCAP, clip: FrameRange = CLIP
) -> dict[str, str]:
    """Canonical text of what each stage is handed; stages with defaults are left out."""
    options = corrected_options({}, read(path, text), clip, recipe)
    return {stage: canonical_json(own) for stage, own in options.items()}


ONE_OF_EACH = {
    "identities": (
        "- swap: [P01, P02]",
        "- merge: [P01, P02]",
        "- rename: {P01: anna}",
        "- frames: 150:300\n  swap: [P01, P02]",
    ),
    "lens": ("- focal_px: 900", "- focal_mm: 35", "- {focal_mm: 35, sensor_mm: 23}"),
    "lift": (
        "- height: {P01: 1.7}",
        "- contact: {person: P01, part: left_foot, is: on}",
        "- pin: {person: P01, part: left_foot}",
        "- floor: {points: [[0, 1, 2], [1, 1, 2], [0, 1, 3]]}",
        "- floor: {horizon: [[0, 10], [30, 10]]}",
        "- distrust: {person: all}",
    ),
}


@pytest.mark.parametrize(
    ("stage", "text"), [(stage, text) for stage, texts in ONE_OF_EACH.items() for text in texts]
)
def test_an_entry_reaches_its_stage_alone(told: Path, stage: str, text: str) -> None:
    assert set(slices(told, text)) == {stage}
    assert slices(told, text, SHOTS) == {}


def test_all_slices_differ(told: Path) -> None:
    for texts in ONE_OF_EACH.values():
        found = [canonical_json(slices(told, text)) for text in texts]
        assert len(set(found)) == len(texts)


def test_cuts_reach_the_shots_alone(told: Path) -> None:
    text = "- cuts: {add: [150, 100, 200, 120], remove: [130, 500]}"
    assert slices(told, text) == {}
    own = corrected_options({}, read(told, text), CLIP, SHOTS)["shots"]
    # A cut at the first frame, or beyond, is none.
    assert (own.corrections.add, own.corrections.remove) == ((120, 150), (130,))


@pytest.mark.parametrize("text", ["", "# nothing\n", "- depth: [{frame: 120, scale: 2}]"])
def test_what_corrects_no_stage_changes_nothing(told: Path, text: str) -> None:
    given = {"lift": LiftStageOptions(heights={"P01": 1.8})}
    corrected = corrected_options(given, read(told, text), CLIP, MOCAP)
    assert corrected == given
    assert corrected["lift"] is given["lift"]


@pytest.mark.parametrize(
    "entry", ["swap: [P01, P02]", "focal_px: 900", "height: {P01: 1.7}", "distrust: {person: all}"]
)
def test_an_entry_that_touches_no_frame_of_the_clip_changes_nothing(told: Path, entry: str) -> None:
    for frames in ("0:100", "200:300"):
        assert slices(told, f"- frames: {frames}\n  {entry}") == {}
    for frames in ("0:101", "199:300"):
        assert slices(told, f"- frames: {frames}\n  {entry}") != {}


def test_ranges_are_cut_to_the_clip(told: Path) -> None:
    entry = "distrust: {person: P01}"
    inside = slices(told, f"- frames: 100:200\n  {entry}")
    assert slices(told, f"- frames: 50:400\n  {entry}") == inside
    assert slices(told, f"- {entry}") == inside
    assert slices(told, f"- frames: 100:199\n  {entry}") != inside


def test_notes_count_only_where_they_are_shown(told: Path) -> None:
    def differs(entry: str) -> bool:
        return slices(told, f"- {entry}") != slices(told, f"- {entry}\n  note: why\n  author: me")

    assert differs("swap: [P01, P02]")
    assert not differs("height: {P01: 1.7}")
    assert not differs("focal_px: 900")


def test_own_options_of_a_stage_are_kept(told: Path) -> None:
    given = {
        "identities": JoinOptions(max_people=3),
        "lift": LiftStageOptions(heights={"P01": 1.8}),
    }
    corrections = read(told, "- height: {P01: 1.7}\n- rename: {P01: anna}")
    corrected = corrected_options(given, corrections, CLIP, MOCAP)
    assert isinstance(corrected["identities"], JoinOptions)
    assert corrected["identities"].max_people == 3
    assert isinstance(corrected["lift"], LiftStageOptions)
    assert corrected["lift"].heights == {"P01": 1.8}
    assert corrected["lift"].corrections.heights == {"P01": 1.7}
    assert given["identities"] == JoinOptions(max_people=3)


FREE = (
    "- height: {P01: 1.7}",
    "- height: {P02: 1.8}",
    "- distrust: {person: P01}\n  frames: 110:130",
    "- distrust: {person: P01}\n  frames: 120:150",
    "- pin: {person: P01, part: left_foot}\n  frames: 110:120",
    "- contact: {person: P01, part: right_foot, is: off}\n  frames: 110:120",
    "- focal_px: 900",
)


def test_order_does_not_matter_where_it_should_not(told: Path) -> None:
    first = slices(told, "\n".join(FREE))
    for order in itertools.islice(itertools.permutations(FREE), 0, 5040, 97):
        assert slices(told, "\n".join(order)) == first


def test_order_matters_for_who_is_who_and_for_contacts_that_overlap(told: Path) -> None:
    for one, other in (
        ("- swap: [P01, P02]", "- rename: {P01: anna}"),
        (
            "- pin: {person: P01, part: left_foot}",
            "- contact: {person: P01, part: left_heel, is: off}",
        ),
    ):
        assert slices(told, f"{one}\n{other}") != slices(told, f"{other}\n{one}")


def test_the_same_swap_twice_stays_twice_and_in_its_place(told: Path) -> None:
    text = "- swap: [P01, P02]\n- rename: {P01: P03}\n- swap: [P01, P02]"
    own = corrected_options({}, read(told, text), CLIP, MOCAP)["identities"]
    assert isinstance(own, JoinOptions)
    assert [each.action for each in own.corrections] == ["swap", "rename", "swap"]


def test_later_contacts_cover_earlier_ones(told: Path) -> None:
    text = (
        "- pin: {person: P01, part: left_foot}\n  frames: 110:150\n"
        "- contact: {person: P01, part: left_toes, is: off}\n  frames: 120:130\n"
        "- pin: {person: P01, part: left_foot}\n  frames: 150:160\n"
    )
    own = corrected_options({}, read(told, text), CLIP, MOCAP)["lift"]
    assert isinstance(own, LiftStageOptions)
    assert [(s.joint, s.first, s.stop, s.state) for s in own.corrections.feet] == [
        ("left_foot", 110, 160, "pinned"),
        ("left_toes", 110, 120, "pinned"),
        ("left_toes", 120, 130, "off"),
        ("left_toes", 130, 160, "pinned"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (
            "focal_px: 900",
            "focal_px: 901",
            "another focal length for frames 100:200 than in line 1",
        ),
        (
            "floor: {horizon: [[0, 10], [30, 10]]}",
            "floor: {points: [[0, 1, 2], [1, 1, 2], [0, 1, 3]]}",
            "another floor",
        ),
        ("height: {P01: 1.7}", "height: {P01: 1.8}", "P01 has a height of 1.7 m already"),
    ],
)
def test_contradictions_are_told_with_their_lines(
    told: Path, one: str, other: str, why: str
) -> None:
    with pytest.raises(InputError, match=rf"corrections\.yaml, line 2: .*{why}"):
        slices(told, f"- {one}\n- {other}")
    assert slices(told, f"- {one}\n- {one}") == slices(told, f"- {one}")
    apart = f"- {one}\n  frames: 0:150\n- {other}\n  frames: 200:300"
    assert slices(told, apart) == slices(told, f"- {one}")


def test_a_cut_both_added_and_removed(told: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: the cut at frame 150 is both"):
        slices(told, "- cuts: {add: [150]}\n- cuts: {remove: [150]}", SHOTS)


def test_every_stage_with_a_slice_has_a_place_for_it() -> None:
    stages = {stage.name: stage for stage in (*MOCAP.stages, *SHOTS.stages)}
    for name in SLICES:
        assert "corrections" in stages[name].options.model_fields
    for name, stage in stages.items():
        assert ("corrections" in stage.options.model_fields) == (name in SLICES)


class _Film:
    frame_count = 1000


def test_the_file_beside_the_result_is_taken_unless_another_is_named(tmp_path: Path) -> None:
    film = _Film()
    assert corrections_for(tmp_path, None, film) == Corrections()
    read(tmp_path / "corrections.yaml", "- focal_px: 900")
    read(tmp_path / "mine.yaml", "- focal_px: 901\n- swap: [P01, P02]")
    assert len(corrections_for(tmp_path, None, film).entries) == 1
    mine = corrections_for(tmp_path, tmp_path / "mine.yaml", film)
    assert (len(mine.entries), mine.source) == (2, "mine.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        corrections_for(tmp_path, tmp_path / "absent.yaml", film)


def shots(*starts: int) -> ShotsResult:
    stops = (*starts[1:], 300)
    return ShotsResult(
        decoded=FrameSet.of([FrameRange(0, 300)]),
        undecodable=FrameSet(),
        pts=np.arange(300),
        time_base=Fraction(1, 25),
        shots=tuple(
            Shot(frames=FrameRange(start, stop), movement="still", speed_px_s=0.0)
            for start, stop in zip(starts, stops, strict=True)
        ),
    )


def test_a_cut_elsewhere_leaves_a_clip_alone() -> None:
    given = GivenInput(kind="shots", files={}, fingerprint="a")
    before = shots_of_clip(given, shots(0, 100, 200), FrameRange(0, 100))
    after = shots_of_clip(given, shots(0, 100, 150, 200), FrameRange(0, 100))
    assert before.fingerprint == after.fingerprint != "a"
    changed = shots_of_clip(given, shots(0, 50, 100, 200), FrameRange(0, 50))
    assert changed.fingerprint != before.fingerprint
