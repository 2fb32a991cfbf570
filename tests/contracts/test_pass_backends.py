"""What every back end that makes passes must keep to; a new one is tested by existing.

Learned ones run with tiny random weights (`tiny_checkpoints.BUILDERS`): what they say is noise,
how they say it is not.
"""

import dataclasses
import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, get_args

import numpy as np
import proxy_shots
import pytest
import tiny_checkpoints
from pass_models import performer

from choreoscope.capture.passes.batches import Source
from choreoscope.capture.passes.interfaces import (
    Crops,
    DepthSpace,
    Feeding,
    Frames,
    PassFrame,
    Recurrent,
    ShotContext,
    Windows,
)
from choreoscope.capture.passes.running import feeder_of, run_frames
from choreoscope.datatypes.errors import BackendUnavailableError, WeightsError
from choreoscope.datatypes.models import BackendSpec, RunSettings, Tier
from choreoscope.pipeline.backends import find_backends, missing_modules
from choreoscope.pipeline.config.dataclass_models import section_of

TASKS = {
    "matte": "alpha",
    "depth": "depth",
    "normals": "normals",
    "parts": "parts",
    "flow": "flow",
    "pose2d": "points.p1",
}
STAND_INS = {
    (task, "moge2") for task in ("depth", "normals") if importlib.util.find_spec("moge") is None
}
"""Their package is installed by hand; tests/backends/test_moge.py runs them on a stand-in."""
SPECS = [spec for task in TASKS for spec in find_backends(task)]
SIZE, COUNT = (61, 47), 3
"""Odd on purpose: networks want multiples of something."""
LOOKS_THROUGH_THE_FILM = [("depth", "structure")]
"""They cannot say anything about noise."""
HEAVY = ("torch", "transformers", "diffusers", "onnxruntime", "cv2", "scipy", "av", "OpenEXR")
SETTINGS = RunSettings(workers=1, batch=2)
CLOSE = 2e-3
"""Between batches of unlike size: libraries sum in another order."""

Answers = list[Mapping[str, np.ndarray]]


def name_of(spec: BackendSpec) -> str:
    return f"{spec.task}-{spec.name}"


every = pytest.mark.parametrize("spec", SPECS, ids=name_of)


def is_brought(spec: BackendSpec) -> bool:
    """Whether it is a network whose weights the user brings."""
    return spec.options is not None and "weights" in section_of(spec.options).model_fields


@every
def test_the_description_is_whole(spec: BackendSpec) -> None:
    assert spec.name.replace("_", "").isalnum()
    assert spec.name == spec.name.lower()
    assert spec.version >= 1
    assert spec.memory_mb > 0
    assert spec.licence.name
    assert spec.licence.notice
    assert isinstance(spec.licence.tier, Tier)
    assert spec.options is not None
    for name, field in section_of(spec.options).model_fields.items():
        assert field.description, f"{name} has no meaning"
        assert not field.is_required(), f"{name} has no default"
    if is_brought(spec):
        assert spec.extra, "networks are an extra"
        assert spec.modules
        assert spec.licence.url
        assert not spec.weights


@every
def test_without_weights_the_next_step_is_told(spec: BackendSpec, tmp_path: Path) -> None:
    if not is_brought(spec):
        pytest.skip("it brings no weights")
    if missing_modules(spec):
        pytest.skip(f"needs {', '.join(missing_modules(spec))}")
    if (spec.task, spec.name) in STAND_INS:
        with pytest.raises(BackendUnavailableError, match=r"python -m pip install --no-deps"):
            spec.load({}, SETTINGS, {})
        return
    with pytest.raises(WeightsError, match=r"no weights named; get .+ set its option 'weights'"):
        spec.load({}, SETTINGS, {})
    there = tmp_path / "weights.pt"
    with pytest.raises(WeightsError, match="no weights at"):
        spec.load({}, SETTINGS, {"weights": str(there)})
    there.write_bytes(b"anything")
    # Where one published file is meant, its hash is the default.
    pinned = section_of(spec.options).model_fields["sha256"].default if spec.options else ""
    told = r"expected .+ to have sha256" if pinned else r"has sha256 .+ set its option 'sha256'"
    with pytest.raises(WeightsError, match=told):
        spec.load({}, SETTINGS, {"weights": str(there)})
    with pytest.raises(WeightsError, match=r"expected .+ to have sha256"):
        spec.load({}, SETTINGS, {"weights": str(there), "sha256": "0" * 64})


def test_finding_back_ends_imports_nothing_heavy() -> None:
    code = (
        "import sys; from choreoscope.pipeline.backends import find_backends; find_backends(); "
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.task}-{spec.name}")
def test_descriptions_travel_to_worker_processes(spec: BackendSpec) -> None:
    ForkingPickler.dumps(spec)
    with pytest.raises(AttributeError, match="local"):
        ForkingPickler.dumps(dataclasses.replace(spec, load=lambda *_: None))


def test_every_network_has_tiny_weights() -> None:
    here = {
        (spec.task, spec.name) for spec in SPECS if is_brought(spec) and not missing_modules(spec)
    }
    assert here - STAND_INS <= set(tiny_checkpoints.BUILDERS)


def shot(*, masked: bool) -> ShotContext:
    """Two solved people before a solved camera; bodies for those that render them."""
    track = proxy_shots.camera(COUNT, focal=50.0, size=SIZE)
    moves = {"p1": (-0.6, 0.0, 4.0), "p2": (0.7, 0.0, 5.0)}
    solved = proxy_shots.shot(
        track,
        {
            name: proxy_shots.motion([(x + 0.05 * at, y, z) for at in range(COUNT)])
            for name, (x, y, z) in moves.items()
        },
    )
    boxes = {"p1": (13, 14, 34, 41), "p2": (29, 16, 45, 37)}
    people = {
        name: dataclasses.replace(
            one,
            boxes_xyxy=seen.boxes_xyxy,
            masks=seen.masks if masked else {},
        )
        for name, one in solved.performers.items()
        for seen in [performer(name, dict.fromkeys(range(COUNT), boxes[name]), SIZE)]
    }
    return dataclasses.replace(solved, performers=people)


def frames(context: ShotContext) -> list[PassFrame]:
    draw = np.random.default_rng(4)
    noise = draw.integers(0, 256, (SIZE[1] + COUNT, SIZE[0] + COUNT, 3)).astype(np.uint8)
    film = [noise[at : at + SIZE[1], at : at + SIZE[0]] for at in range(COUNT)]
    return [
        PassFrame(
            frame=at,
            picture=picture,
            people=context.people_in(at),
            previous=film[at - 1] if at else None,
            following=film[at + 1] if at + 1 < COUNT else None,
        )
        for at, picture in enumerate(film)
    ]


@dataclasses.dataclass
class Loaded:
    """A back end with its options, its film and what it said about it."""

    spec: BackendSpec
    options: dict[str, Any]
    context: ShotContext
    model: Any
    answers: Answers

    @property
    def feeding(self) -> Feeding:
        found: Feeding = self.model.feeding
        return found

    def again(self, batch: int = 2, *, fresh: bool = False) -> Answers:
        model = self.spec.load({}, SETTINGS, self.options) if fresh else self.model
        found = run_frames(model, frames(self.context), self.context, batch=batch)
        return [answer for _, answer in found]


@pytest.fixture(scope="module", params=SPECS, ids=name_of)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    spec: BackendSpec = request.param
    if missing_modules(spec):
        pytest.skip(f"needs {', '.join(missing_modules(spec))}")
    if (spec.task, spec.name) in LOOKS_THROUGH_THE_FILM:
        pytest.skip("it needs a film whose camera travels")
    options: dict[str, Any] = {}
    if is_brought(spec):
        build = tiny_checkpoints.BUILDERS.get((spec.task, spec.name))
        if build is None:
            pytest.skip("no tiny weights; see test_every_network_has_tiny_weights")
        options = build(tmp_path_factory.mktemp(name_of(spec)))
    # Neither random weights nor T poses fit these masks, which the check of normals may notice.
    context = shot(masked=spec.task != "normals")
    model = spec.load({}, SETTINGS, options)
    answers = [answer for _, answer in run_frames(model, frames(context), context, batch=2)]
    return Loaded(spec, options, context, model, answers)


def same(first: Answers, second: Answers, close: float = 0.0) -> bool:
    """Whether two films' answers agree, NaN in the same places."""
    if len(first) != len(second):
        return False
    for one, other in zip(first, second, strict=True):
        if one.keys() != other.keys():
            return False
        for name, value in one.items():
            scale = float(np.nanmax(np.abs(value), initial=1.0))
            apart = ~np.isclose(value, other[name], rtol=0, atol=close * scale, equal_nan=True)
            # Labels and outlines may tip over at single pixels where sums differ.
            if apart.mean() > (0.01 if close else 0.0):
                return False
    return True


def test_every_frame_is_answered_soundly(loaded: Loaded) -> None:
    # Sizes, types and ranges are checked on the way by the framework itself.
    assert len(loaded.answers) == COUNT
    wanted = TASKS[loaded.spec.task]
    assert all(wanted in answer for answer in loaded.answers)
    if loaded.spec.task == "flow":
        assert all("flow_back" in answer for answer in loaded.answers)


def test_what_the_answers_mean_is_said(loaded: Loaded) -> None:
    assert isinstance(loaded.feeding, Frames | Crops | Recurrent | Windows)
    if loaded.spec.task == "depth":
        assert loaded.model.depth_space in get_args(DepthSpace)
    if loaded.spec.task == "parts":
        names = loaded.model.part_names
        assert len(set(names)) == len(names) > 1
        sides = {name.removeprefix("left_") for name in names if name.startswith("left_")}
        assert sides == {name.removeprefix("right_") for name in names if name.startswith("right_")}


def test_the_same_film_gives_the_same_answers(loaded: Loaded) -> None:
    assert same(loaded.answers, loaded.again(fresh=True))


def test_batches_and_earlier_shots_change_nothing(loaded: Loaded) -> None:
    # The same model again: whatever it remembers of a shot ends with the shot.
    before = loaded.model.model_cpu_seconds
    assert same(loaded.answers, loaded.again(batch=1), CLOSE)
    assert loaded.model.model_cpu_seconds >= before
    assert before > 0 or not is_brought(loaded.spec)


def test_two_halves_are_the_whole(loaded: Loaded) -> None:
    if not isinstance(loaded.feeding, Recurrent):
        pytest.skip("it has no state")
    film, context = frames(loaded.context), loaded.context
    found: Answers = []
    state: Mapping[str, np.ndarray] = {}
    for part in (film[:2], film[2:]):
        model = loaded.spec.load({}, SETTINGS, loaded.options)
        model.start(context)
        feeder = feeder_of(model, context, batch=2, state=state)
        found += [answer for _, answer in feeder.answers(Source(part), COUNT)]
        state = feeder.state
        assert all(not np.asarray(value).dtype.hasobject for value in state.values())
    assert same(loaded.answers, found, 1e-5)


def test_the_comparison_can_fail(loaded: Loaded) -> None:
    turned = [
        {name: value[::-1] if value.ndim else value for name, value in one.items()}
        for one in loaded.answers
    ]
    assert not same(loaded.answers, turned, CLOSE)
    assert not same(loaded.answers, loaded.answers[1:], CLOSE)
