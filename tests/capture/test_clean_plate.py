"""The empty stage behind people who move."""

import numpy as np
import pytest

from choreoscope.capture.passes.clean_plate import clean_plate

HEIGHT, WIDTH, COUNT = 150, 80, 11


def stage(seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def walk(background: np.ndarray, noise: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A white bar that walks through the picture."""
    draw = np.random.default_rng(1)
    frames, masks = [], []
    for at in range(COUNT):
        mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
        mask[20:140, 4 * at : 4 * at + 30] = True
        grain = draw.integers(-noise, noise + 1, background.shape)
        frame = np.clip(background.astype(int) + grain, 0, 255).astype(np.uint8)
        frame[mask] = 255
        frames.append(frame)
        masks.append(mask)
    return frames, masks


def test_the_stage_is_found_behind_them() -> None:
    background = stage()
    plate = clean_plate(*walk(background))
    assert plate.is_known.all()
    np.testing.assert_array_equal(plate.picture, background)
    # Control: without masks the bar stays where it hides the stage most of the time.
    frames, masks = walk(background)
    blind = clean_plate(frames, [np.zeros_like(mask) for mask in masks])
    assert (blind.picture != background).any()


def test_noise_is_averaged_out() -> None:
    background = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    frames, masks = walk(background, noise=20)
    plate = clean_plate(frames, masks)
    off = np.abs(plate.picture.astype(int) - 120).mean()
    assert off < 0.6 * np.abs(frames[0][:20].astype(int) - 120).mean()


def test_what_is_always_hidden_is_unknown() -> None:
    frames, masks = walk(stage())
    for mask in masks:
        mask[50:60, 5:9] = True
    plate = clean_plate(frames, masks)
    assert not plate.is_known[50:60, 5:9].any()
    assert (plate.picture[50:60, 5:9] == 0).all()
    assert plate.is_known.sum() == HEIGHT * WIDTH - 40


def test_the_median_is_of_what_is_seen() -> None:
    values = np.array([10, 250, 20, 30, 40], dtype=np.uint8)
    frames = [np.full((2, 2, 3), value, np.uint8) for value in values]
    hidden = [np.full((2, 2), value == 250) for value in values]
    assert (clean_plate(frames, hidden).picture == 20).all()
    hidden[4][:] = True
    assert (clean_plate(frames, hidden).picture == 20).all()
    only = [np.full((2, 2), value != 250) for value in values]
    assert (clean_plate(frames, only).picture == 250).all()


def test_frames_and_masks_must_belong_together() -> None:
    frames, masks = walk(stage())
    with pytest.raises(ValueError, match="a mask for each"):
        clean_plate(frames, masks[1:])
    with pytest.raises(ValueError, match="a mask for each"):
        clean_plate([], [])
    with pytest.raises(ValueError, match="expected a mask"):
        clean_plate(frames, [mask[1:] for mask in masks])
    with pytest.raises(ValueError, match="uint8"):
        clean_plate([frame.astype(float) for frame in frames], masks)
