"""The real small networks on a real film: a performer found, sides right, wrong files refused."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from choreoscope.capture.passes.interfaces import PassFrame, Performer, ShotContext
from choreoscope.capture.passes.running import run_frames
from choreoscope.datatypes.errors import WeightsError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import RunSettings
from choreoscope.formats.video import probe
from choreoscope.formats.video_reader import FilmReader
from choreoscope.motion.metrics.masks import region_similarity
from choreoscope.pipeline.backends import backend

pytestmark = pytest.mark.data
pytest.importorskip("onnxruntime")

FRAME = 20
FILES = {
    "selfie_segmentation": "obs-backgroundremoval/selfie_segmentation.onnx",
    "bodypix": "BodyPixSentis/MobileNetV1-x050-stride16.onnx",
}
ENDS = {"hand": (15, 16), "foot": (27, 28)}
"""Left and right wrists and ankles among the reference landmarks."""


@pytest.fixture(scope="module")
def squats(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    """One frame, and its reference landmarks in pixels."""
    folder = shared_data / "video" / "tfjs_squats"
    film = probe(folder / "pose_squats.mp4")
    with FilmReader(film, threads=1) as reader:
        picture = dict(reader.frames(FrameRange(FRAME, FRAME + 1)))[FRAME]
    points = json.loads((folder / "pose_squats.full.json").read_text(encoding="utf-8"))
    return picture, np.array(points[FRAME])[:, :2]


def answer(
    shared_data: Path, squats: tuple[np.ndarray, np.ndarray], task: str, name: str
) -> tuple[dict[str, np.ndarray], Any]:
    picture, points = squats
    # Landmarks end at the joints: hands and feet are beyond.
    reach = 0.06 * np.ptp(points[:, 1])
    box = np.concatenate([points.min(axis=0) - reach, points.max(axis=0) + reach])
    here = Performer(person="p1", boxes_xyxy={0: box}, masks={})
    size = (picture.shape[1], picture.shape[0])
    shot = ShotContext(
        size=size, rate=Fraction(30), frames=FrameRange(0, 1), performers={"p1": here}
    )
    options = {"weights": str(shared_data / "weights" / FILES[name])}
    model = backend(task, name).load({}, RunSettings(workers=1), options)
    frame = PassFrame(frame=0, picture=picture, people=shot.people_in(0))
    ((_, found),) = run_frames(model, [frame], shot)
    return dict(found), model


def test_two_networks_agree_on_the_performer(
    shared_data: Path, squats: tuple[np.ndarray, np.ndarray]
) -> None:
    one, other = (
        answer(shared_data, squats, "matte", name)[0]["alpha"] > 0.5
        for name in ("selfie_segmentation", "bodypix")
    )
    agreement = region_similarity(one, other)
    assert agreement > 0.8
    assert region_similarity(one, np.roll(other, 60, axis=1)) < agreement - 0.15
    torso = squats[1][[11, 12, 23, 24]].mean(axis=0).astype(int)
    assert one[torso[1], torso[0]]
    assert not one[:40].any()


def test_left_and_right_are_the_performers(
    shared_data: Path, squats: tuple[np.ndarray, np.ndarray]
) -> None:
    found, model = answer(shared_data, squats, "parts", "bodypix")
    for end, (left, right) in ENDS.items():
        for side, own, other in (("left", left, right), ("right", right, left)):
            label = model.part_names.index(f"{side}_{end}")
            rows, columns = np.nonzero(found["parts"] == label)
            assert len(rows) > 20
            place = np.array([np.median(columns), np.median(rows)])
            near, far = (np.linalg.norm(place - squats[1][at]) for at in (own, other))
            assert near < 0.5 * far


@pytest.mark.parametrize(("name", "other"), [tuple(FILES), tuple(FILES)[::-1]])
def test_another_file_is_refused_by_default(shared_data: Path, name: str, other: str) -> None:
    options = {"weights": str(shared_data / "weights" / FILES[other])}
    with pytest.raises(WeightsError, match=r"expected .+ to have sha256"):
        backend("matte", name).load({}, RunSettings(workers=1), options)
