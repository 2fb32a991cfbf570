"""Units, numbers and patterns of deliveries: closed forms and laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.capture.external.conversion import Frame, Rules, converted
from choreoscope.capture.external.decisions import Decision
from choreoscope.capture.external.delivery import Stillness
from choreoscope.capture.external.numbering import Wanted, guessed
from choreoscope.capture.external.options import ExternalOptions, PassSource
from choreoscope.capture.external.patterns import Pattern
from choreoscope.capture.external.presets import PRESETS
from choreoscope.capture.external.reading import values_of
from choreoscope.capture.external.units import (
    Background,
    Sample,
    background_of,
    depth_meaning,
    fitted_line,
    guessed_unit,
    scale_offset_at,
)
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.passes import Picture
from choreoscope.formats.external_json import SourceFile

NAMES = {"film": "dance (1)", "clip": "clip-001", "stage": "switchlight"}


@pytest.mark.parametrize(
    ("pattern", "path", "number"),
    [
        ("alpha/*.png", "alpha/alpha.0012.png", 12),
        ("alpha/*.png", "Alpha/ALPHA_7.PNG", 7),
        ("depth/depth_####.exr", "depth/depth_0042.exr", 42),
        ("depth/d_%04d_16f.exr", "depth/d_0042_16f.exr", 42),
        ("depth/d_####_*.exr", "depth/d_12345_16f.exr", 12345),
        ("{film}_Alpha.mp4", "dance (1)_alpha.mp4", None),
        ("nothing/*.png | **/alpha.#.tif", "a/b/alpha.9.tif", 9),
        ("a?b/*.png", "axb/1.png", 1),
    ],
)
def test_patterns_name_files(pattern: str, path: str, number: int | None) -> None:
    match = Pattern(pattern, NAMES).match(path)
    assert match is not None
    assert match.number == number


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("alpha/*.png", "alpha/more/alpha.0012.png"),
        ("alpha/*.png", "alpha/readme.txt"),
        ("alpha/*.png", "alpha/cover.png"),
        ("depth/depth_####.exr", "depth/depth_042.exr"),
        ("{film}_Alpha.mp4", "dance 1_alpha.mp4"),
        ("a.b/*.png", "axb/1.png"),
    ],
)
def test_patterns_leave_others(pattern: str, path: str) -> None:
    assert Pattern(pattern, NAMES).match(path) is None


def test_patterns_that_mean_nothing() -> None:
    with pytest.raises(InputError, match=r"names \{shot\}; known: \{film\}"):
        Pattern("{shot}/*.png", NAMES)
    with pytest.raises(InputError, match="empty file pattern"):
        Pattern(" | ", NAMES)


@pytest.mark.parametrize(
    ("path", "passes"),
    [
        ("Alpha/0001.png", ["alpha"]),
        ("dance_BaseColor.mp4", ["base_color"]),
        ("PBR/shot_Normal/shot_Normal_0001.png", ["normals"]),
        ("Depth/depth_00001.exr", ["depth"]),
        ("Source/0001.png", []),
        ("dance_Roughness.0100.png", ["roughness"]),
    ],
)
def test_the_preset_finds_each_pass_once(path: str, passes: list[str]) -> None:
    expected = ExternalOptions().expected(tuple(PRESETS["switchlight"]))
    found = [name for name, said in expected.items() if Pattern(said.pattern, NAMES).match(path)]
    assert found == passes


@given(
    start=st.integers(0, 5000),
    length=st.integers(2, 300),
    begin=st.sampled_from([0, 1, 1001]),
    data=st.data(),
)
def test_holes_inside_never_shift_the_numbers(
    start: int, length: int, begin: int, data: st.DataObject
) -> None:
    wanted = Wanted(start=start, length=length, film_length=start + length + 7)
    holes = data.draw(st.sets(st.integers(1, max(1, length - 2)), max_size=length))
    numbers = {begin + i for i in range(length) if i not in holes or i in (0, length - 1)}
    numbering = guessed(numbers, wanted)
    assert numbering is not None
    assert numbering.first == begin
    assert numbering.is_certain


@given(length=st.integers(10, 300), begin=st.sampled_from([0, 1, 1001]), lost=st.integers(1, 5))
def test_a_lost_end_leaves_the_usual_beginning(length: int, begin: int, lost: int) -> None:
    wanted = Wanted(start=0, length=length, film_length=length)
    numbering = guessed(range(begin, begin + length - lost), wanted)
    assert numbering is not None
    assert numbering.first == begin
    # Starting from 1001, later numbers could only be another beginning's.
    assert numbering.is_certain == (begin != 1)


def test_other_passes_settle_what_is_open() -> None:
    wanted = Wanted(start=0, length=40, film_length=40)
    both = range(5, 30)
    alone, told = guessed(both, wanted), guessed(both, wanted, agreed=(1,))
    assert alone is not None
    assert told is not None
    assert (alone.first, told.first) == (0, 1)
    assert "fits, too" in alone.how
    assert guessed((), wanted) is None


@pytest.mark.parametrize(
    ("low", "middle", "high", "unit"),
    [
        (0.0, 0.5, 1.0, "normalised"),
        (427.65, 500.0, 568.69, "centimetres"),
        (4.2, 5.0, 5.7, "metres"),
        (1.5, 30.0, 80.0, "metres"),
        (150.0, 200.0, 900.0, "centimetres"),
        (-3.0, 0.0, 2.0, "unknown"),
        (20_000.0, 30_000.0, 65_535.0, "unknown"),
    ],
)
def test_units_are_told_from_the_range(low: float, middle: float, high: float, unit: str) -> None:
    assert guessed_unit(low, middle, high) == unit


def sample(values: np.ndarray, alpha: np.ndarray | None, frame: int = 0) -> Sample:
    return Sample(frame=frame, values=values[..., None].astype(np.float32), alpha=alpha)


def test_what_lies_outside_the_alpha() -> None:
    alpha = np.zeros((20, 20), np.float32)
    alpha[5:15, 5:15] = 1
    depth = np.where(alpha > 0, 0.5, 0.0)
    depth[5, 5] = 0.0
    said = PassSource()
    assert background_of([sample(depth, alpha)], said) == Background(kind="empty", value=(0.0,))
    background = background_of([sample(depth, alpha)], said)
    # The nearest point of a normalised pass is exactly 0 and stays.
    assert not background.outside(depth[..., None], alpha)[5, 5]
    # Control: without the alpha it cannot be told from the background.
    assert background.outside(depth[..., None], None)[5, 5]
    behind = depth + np.linspace(3, 9, 400).reshape(20, 20)
    assert background_of([sample(behind, alpha)], said).kind == "full"
    assert background_of([sample(behind, alpha)], PassSource(background="empty")).kind == "empty"
    assert background_of([sample(depth, alpha)], PassSource(background="full")).kind == "full"


def test_normalised_depth_is_fitted_to_people(rng: np.random.Generator) -> None:
    people, samples = {}, []
    for frame in range(10):
        distance = 4.0 + 0.3 * frame
        # White is near here: the fit has to find that, too.
        stored = (8.0 - (distance - 0.12)) / 5.0
        values = np.zeros((40, 40))
        values[10:30, 10:30] = stored
        alpha = (values > 0).astype(np.float32)
        samples.append(sample(values, alpha, frame))
        people[frame] = [(20.5, 20.5, distance + rng.normal(0, 0.02)), (2.0, 2.0, 77.0)]
    background = background_of(samples, PassSource())
    meaning = depth_meaning(samples, background, PassSource(), people)
    assert meaning is not None
    assert meaning.result == "metres"
    assert meaning.scale == pytest.approx(-5.0, abs=0.15)
    assert meaning.offset == pytest.approx(8.0, abs=0.1)
    alone = depth_meaning(samples, background, PassSource(), {})
    assert alone is not None
    assert alone.result == "relative"


def test_a_line_is_only_fitted_where_there_is_one(rng: np.random.Generator) -> None:
    stored = np.linspace(0.1, 0.9, 30)
    metres = 2.0 + 4.0 * stored
    metres[::10] += 20.0
    fit = fitted_line(stored, metres)
    assert fit is not None
    assert fit[:2] == (pytest.approx(4.0, abs=1e-6), pytest.approx(2.0, abs=1e-6))
    assert fitted_line(stored, rng.uniform(2, 9, 30)) is None
    assert fitted_line(np.full(30, 0.4), metres) is None
    assert fitted_line(stored[:3], metres[:3]) is None


@given(frame=st.integers(0, 100))
def test_keys_are_linear_between(frame: int) -> None:
    keys = ((20, 1.0, 0.0), (60, 2.0, -4.0))
    share = min(1.0, max(0.0, (frame - 20) / 40))
    assert scale_offset_at(keys, frame) == pytest.approx((1 + share, -4 * share))
    assert scale_offset_at((), frame) == (1.0, 0.0)


def turned(
    values: np.ndarray, rotations: dict[int, np.ndarray] | None = None, **said: object
) -> tuple[np.ndarray, dict[str, str]]:
    rules = Rules(
        passes={"normals": PassSource.model_validate(said)},
        decisions={
            "normals": Decision(numberings={}, background=Background(kind="full"), signed=True)
        },
        depth_keys=(),
        rotations=rotations or {},
    )
    frame = Frame(name="normals", number=3, values=values, is_float=True, alpha=None)
    return converted(frame, rules)


def test_normals_of_other_axes(rng: np.random.Generator) -> None:
    vectors = rng.normal(size=(6, 8, 3))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    values = vectors.astype(np.float32)
    assert np.allclose(turned(values)[0], vectors, atol=1e-6)
    assert np.allclose(turned(values, green="down")[0], vectors * [1, -1, 1], atol=1e-6)
    # A camera turned by 90 degrees about the world's up: its right is the world's -z.
    camera = np.array([[0.0, 0, -1], [0, -1, 0], [-1, 0, 0]])
    result, header = turned(values, {3: camera}, space="world")
    assert np.allclose(result, (vectors @ camera.T) * [1, -1, -1], atol=1e-6)
    assert "camera" in header["axes"]
    with pytest.raises(InputError, match="need a solved camera"):
        turned(values, space="world")
    assert "object" in turned(values, space="object")[1]["axes"]
    with pytest.raises(InputError, match="long instead of 1"):
        turned(values * 3)


def picture(channels: str, dtype: type = np.float32) -> Picture:
    names = tuple(channels.split())
    planes = np.stack([np.full((4, 4), at, dtype) for at in range(len(names))], axis=-1)
    return Picture(pixels=planes, channels=names, format="exr")


@pytest.mark.parametrize(
    ("name", "channels", "wanted"),
    [
        ("depth", "B G R", [2]),
        ("depth", "R Z", [1]),
        ("depth", "A B G R depth.Z", [4]),
        ("depth", "ViewLayer.Combined.R ViewLayer.Depth.Z", [1]),
        ("depth", "Y", [0]),
        ("depth", "distance", [0]),
        ("normals", "N.X N.Y N.Z", [0, 1, 2]),
        ("normals", "B G R", [2, 1, 0]),
        ("normals", "A B G R normals.B normals.G normals.R", [6, 5, 4]),
        ("alpha", "A B G R", [0]),
        ("alpha", "R G B", [1]),
        ("flow", "X Y", [0, 1]),
        ("flow", "A B G R forward.u forward.v", [4, 5]),
        ("roughness", "B G R", [1]),
        ("base_color", "B G R", [2, 1, 0]),
    ],
)
def test_channels_are_found(name: str, channels: str, wanted: list[int]) -> None:
    values = values_of(name, picture(channels), PassSource(), (4, 4))
    assert values[0, 0].tolist() == wanted


def test_channels_that_are_not_there() -> None:
    with pytest.raises(InputError, match="no channels that could be normals; there are R, G"):
        values_of("normals", picture("R G"), PassSource(), (4, 4))
    with pytest.raises(InputError, match="no channel Q"):
        values_of("depth", picture("R G"), PassSource(channels=("Q",)), (4, 4))


def test_pictures_of_a_declared_other_size() -> None:
    small = Picture(
        pixels=np.arange(16, dtype=np.float32).reshape(4, 4, 1), channels=("Z",), format="exr"
    )
    values = values_of("depth", small, PassSource(scale=0.5), (8, 8))
    assert values.shape == (8, 8, 1)
    assert set(np.unique(values)) <= set(range(16))
    with pytest.raises(InputError, match="4x4 pixels instead of 8x8"):
        values_of("depth", small, PassSource(), (8, 8))


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def seen(size: int, changed: float) -> SourceFile:
    return SourceFile(root="", path="a.png", size=size, mtime_ns=int(changed * 1e9))


def test_stillness_by_the_disk_s_clock_and_by_looking() -> None:
    clock = Clock()
    old = Stillness(10, clock, lambda: 5000.0)
    assert old.is_still(seen(1, 4000.0))
    assert not Stillness(10, clock, lambda: 5000.0).is_still(seen(1, 4995.0))
    # A disk whose clock runs ahead: what counts is that nothing changes.
    ahead = Stillness(10, clock, lambda: 5000.0)
    assert not ahead.is_still(seen(1, 9000.0))
    clock.at += 9
    assert not ahead.is_still(seen(1, 9000.0))
    clock.at += 2
    assert ahead.is_still(seen(1, 9000.0))
    # A copy that bears the original's old time from its first byte on.
    copied = Stillness(10, clock, lambda: 5000.0)
    copied.is_still(seen(1, 100.0))
    assert not copied.is_still(seen(2, 100.0))
    clock.at += 11
    assert copied.is_still(seen(2, 100.0))


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"passes": {"alpha": {"unit": "metres"}}}, "only depth has that key"),
        ({"passes": {"depth": {"near": 2.0}}}, "near and far belong together"),
        ({"passes": {"depth": {"near": 5.0, "far": 2.0}}}, "expected 0 <= near < far"),
        ({"passes": {"colour": {}}}, "passes.colour"),
        ({"preset": "none", "passes": {"alpha": {}}}, "give a pattern"),
        ({"timeout": "2 fortnights"}, "a time such as 30m or 2h"),
        ({"depth_keys": [[5, 1, 0], [2, 1, 0]]}, "frames must rise"),
        ({"depth_keys": [[5, 0, 0]]}, "factors must be above 0"),
        ({"folders": "x"}, "Extra inputs"),
    ],
)
def test_options_that_make_no_sense(said: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ExternalOptions.model_validate(said)


def test_times_in_words() -> None:
    for text, seconds in (("2h", 7200), ("30m", 1800), ("45", 45), (12.5, 12.5), ("1.5 h", 5400)):
        assert ExternalOptions.model_validate({"timeout": text}).timeout == seconds


def test_every_option_is_explained() -> None:
    for model in (ExternalOptions, PassSource):
        assert all(field.description for field in model.model_fields.values())
