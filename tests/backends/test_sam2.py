"""SAM 2 from random weights: performers followed by memory, stored, forgotten, told apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_mattes
from depth_cases import HEIGHT, WIDTH, shot_of, soft_picture

from choreoscope.backends.matte.networks.sam2_memory import Memory, packed, unpacked
from choreoscope.backends.matte.sam2 import Sam2Options, owned
from choreoscope.capture.passes.interfaces import (
    PassFrame,
    Performer,
    PersonHere,
    Recurrent,
    ShotContext,
)
from choreoscope.capture.passes.running import run_frames
from choreoscope.datatypes.models import RunSettings
from choreoscope.formats.pass_state_npz import read_pass_state, write_pass_state
from choreoscope.pipeline.backends import backend

pytest.importorskip("torch")
pytest.importorskip("transformers")

BOXES = {"p1": (10.0, 8.0, 40.0, 55.0), "p2": (45.0, 5.0, 85.0, 58.0)}


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return tiny_mattes.sam2(tmp_path_factory.mktemp("sam2"))


def opened(chosen: dict[str, Any], **more: Any) -> Any:
    return backend("matte", "sam2").load({}, RunSettings(workers=1), chosen | more)


def shot(count: int, gone: dict[str, set[int]] | None = None) -> ShotContext:
    """Two people standing still, but for the frames they are gone in."""
    base = shot_of(count, first=0)
    performers = {
        name: Performer(
            person=name,
            boxes_xyxy={
                frame: np.array(box)
                for frame in range(count)
                if frame not in (gone or {}).get(name, set())
            },
            masks={},
        )
        for name, box in BOXES.items()
    }
    return ShotContext(size=base.size, rate=base.rate, frames=base.frames, performers=performers)


def frames(context: ShotContext) -> list[PassFrame]:
    return [
        PassFrame(frame=at, picture=soft_picture(at), people=context.people_in(at))
        for at in context.frames
    ]


def answers(model: Any, context: ShotContext, batch: int = 4) -> list[dict[str, np.ndarray]]:
    return [dict(one) for _, one in run_frames(model, frames(context), context, batch=batch)]


def test_weights_are_the_saved_ones(chosen: dict[str, Any]) -> None:
    loaded = opened(chosen).network.module.state_dict()
    made = tiny_mattes.sam2_network().state_dict()
    assert set(made) == set(loaded)
    for name, value in made.items():
        np.testing.assert_array_equal(loaded[name].numpy(), value.numpy())


def test_pictures_are_squashed_and_normalised(chosen: dict[str, Any]) -> None:
    grey = np.full((30, 90, 3), 128, np.uint8)
    found = opened(chosen).network.prepared(grey).numpy()
    assert found.shape == (3, 64, 64)
    expected = (128 / 255 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(found[:, 5, 7], expected, rtol=1e-5)


def test_everybody_has_a_matte_and_no_pixel_two(chosen: dict[str, Any]) -> None:
    model = opened(chosen)
    assert isinstance(model.feeding, Recurrent)
    found = answers(model, shot(3))
    for answer in found:
        assert set(answer) == {"alpha", "alpha.p1", "alpha.p2"}
        total = answer["alpha.p1"] + answer["alpha.p2"]
        assert answer["alpha"].shape == (HEIGHT, WIDTH)
        np.testing.assert_allclose(answer["alpha"], np.minimum(total, 1), atol=1e-6)
        assert total.max() < 1 + 1e-5
    assert np.ptp(found[-1]["alpha.p1"]) > 0.5
    assert model.model_cpu_seconds > 0


def test_logits_are_those_of_one_session_for_all(chosen: dict[str, Any]) -> None:
    # As its makers use it on a stream: everybody in one session, and nothing forgotten.
    import torch
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    network = opened(chosen).network
    context = shot(6)
    film = [network.prepared(frame.picture) for frame in frames(context)]
    session = Sam2VideoInferenceSession(dtype=torch.float32)
    for at, box in enumerate(BOXES.values()):
        corners = torch.tensor(box).reshape(2, 2) * torch.tensor([64 / WIDTH, 64 / HEIGHT])
        inputs = {
            "point_coords": corners[None, None],
            "point_labels": torch.tensor([[[2, 3]]], dtype=torch.int32),
        }
        session.add_point_inputs(session.obj_id_to_idx(at + 1), 0, inputs)
    session.obj_with_new_inputs = [1, 2]
    theirs = [
        network.module(inference_session=session, frame=pixels[None]).pred_masks[:, 0].numpy()
        for pixels in film
    ]
    ours = []
    network.forget_pictures()
    memories = {name: Memory(network.session(), 0) for name in BOXES}
    for name, box in BOXES.items():
        network.show(memories[name], np.array(box), (HEIGHT, WIDTH))
    for frame, pixels in enumerate(film):
        ours.append(np.stack([network.look(one, frame, pixels) for one in memories.values()]))
    assert len(theirs) == len(ours) == 6
    for one, other in zip(ours, theirs, strict=True):
        # Memory is kept in half precision, and theirs is made for everybody at once.
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other).max())
    assert not np.allclose(theirs[0][0], theirs[0][1], atol=1e-3)
    assert not np.allclose(theirs[0], theirs[-1], atol=1e-3)


def test_boxes_say_whom_to_follow(chosen: dict[str, Any]) -> None:
    model = opened(chosen)
    context = shot(1)
    model.start(context)
    (frame,) = frames(context)
    first, _ = model.infer([frame], None)
    again, _ = model.infer([frame], None)
    moved = {
        name: PersonHere(box_xyxy=here.box_xyxy + np.array([4.0, 0, 4.0, 0]), mask=None)
        for name, here in frame.people.items()
    }
    other, _ = model.infer([PassFrame(frame=0, picture=frame.picture, people=moved)], None)
    np.testing.assert_array_equal(first[0]["alpha.p1"], again[0]["alpha.p1"])
    assert np.abs(first[0]["alpha.p1"] - other[0]["alpha.p1"]).max() > 1e-3


def test_memory_is_the_state(chosen: dict[str, Any], tmp_path: Path) -> None:
    context = shot(12)
    film = frames(context)
    model = opened(chosen)
    model.start(context)
    whole, _ = model.infer(film, None)
    _, state = model.infer(film[:9], None)
    write_pass_state(tmp_path / "state.npz", state)
    resumed = opened(chosen)
    resumed.start(context)
    rest, _ = resumed.infer(film[9:], read_pass_state(tmp_path / "state.npz"))
    for one, other in zip(whole[9:], rest, strict=True):
        for name, value in one.items():
            np.testing.assert_allclose(other[name], value, atol=1e-5)
    # Control: begun anew in the middle, it says something else.
    anew, _ = resumed.infer(film[9:], None)
    assert np.abs(anew[-1]["alpha.p1"] - whole[-1]["alpha.p1"]).max() > 1e-3
    # And to the bit through arrays and back.
    back = packed(unpacked(state, resumed.network.session))
    assert set(back) == set(state)
    for name, value in state.items():
        np.testing.assert_array_equal(back[name], value)


def test_what_is_kept_does_not_grow(chosen: dict[str, Any]) -> None:
    context = shot(40)
    model = opened(chosen, reseed=0)
    model.start(context)
    film = frames(context)
    _, state = model.infer(film[:24], None)
    size = sum(value.nbytes for value in state.values())
    _, state = model.infer(film[24:], state)
    assert sum(value.nbytes for value in state.values()) == size
    # The frame of the seed and the last six, as the network reads them.
    assert state["p1.masked"].tolist() == [0, *range(34, 40)]
    assert state["p1.seeded"] == 0


def test_reading_no_further_back_than_is_kept_changes_nothing(
    chosen: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = shot(20)
    trimmed = answers(opened(chosen), context, batch=20)
    monkeypatch.setattr(
        "choreoscope.backends.matte.networks.sam2_memory.Memory.forget",
        lambda *_, **__: None,
    )
    model = opened(chosen)
    model.start(context)
    everything = model._answer
    memories: dict[str, Any] = {}
    for frame, expected in zip(frames(context), trimmed, strict=True):
        found = everything(frame, memories)
        np.testing.assert_allclose(found["alpha"], expected["alpha"], atol=1e-5)


def test_performers_are_shown_anew(chosen: dict[str, Any]) -> None:
    def seeds(gone: set[int], **more: Any) -> list[int]:
        context = shot(10, {"p1": gone})
        model = opened(chosen, **more)
        model.start(context)
        found, state = [], None
        for frame in frames(context):
            answer, state = model.infer([frame], state)
            found.append(int(state.get("p1.seeded", np.array(-1))))
            assert ("alpha.p1" in answer[0]) == (found[-1] >= 0)
        return found

    assert seeds(set()) == [0] * 10
    assert seeds(set(), reseed=4) == [0] * 4 + [4] * 4 + [8] * 2
    # Not begun yet, a short gap, a long one.
    assert seeds({0, 1}) == [-1] * 2 + [2] * 8
    assert seeds({4, 5}, bridge=2) == [0] * 10
    assert seeds({4, 5, 6}, bridge=2) == [0] * 4 + [-1] * 3 + [7] * 3
    # A box is needed to begin with: within a gap the old memory goes on.
    assert seeds({4, 5}, reseed=4) == [0] * 6 + [6] * 4


def test_the_highest_logit_owns_a_pixel() -> None:
    x = np.mgrid[:20, :30][1].astype(np.float32)
    one, other = 3 * (15.25 - x), 3 * (x - 9.25)
    alone = owned({"p1": one})["p1"]
    # A ramp one pixel wide at the place of the crossing: 15.25 is a quarter into the next pixel.
    np.testing.assert_allclose(alone[5, 14:18], [1, 0.75, 0, 0], atol=1e-5)
    both = owned({"p1": one, "p2": other})
    assert (both["p1"][:, :11] == 1).all()
    assert (both["p2"][:, 14:] == 1).all()
    np.testing.assert_allclose(both["p1"] + both["p2"], 1, atol=1e-5)
    assert owned({}) == {}
    nowhere = np.full((4, 4), -1024.0, np.float32)
    assert owned({"p1": nowhere})["p1"].max() == 0


def test_defaults() -> None:
    assert Sam2Options().reseed == 64
