"""From a pose to an observation: heat-maps, masks, clothes, crops of hands and faces, boxes."""

import math

import cv2
import numpy as np
import pytest

from choreoscope.backends.people.blaze import details
from choreoscope.backends.people.blaze.clothes import BINS, clothes
from choreoscope.backends.people.blaze.crops import Crop
from choreoscope.backends.people.blaze.details import person_mask
from choreoscope.backends.people.blaze.face import face_crop
from choreoscope.backends.people.blaze.hands import hand_crop
from choreoscope.backends.people.blaze.landmarks import Pose, read_pose, refined

WIDTH, HEIGHT = 640, 480
LEFT, RIGHT = 0, 1


def upright(crop: Crop, **changes: object) -> Pose:
    """A body drawn with a few points; everything else lies on the hips."""
    places = np.full((33, 2), 0.5)
    for point, at in {
        0: (0.5, 0.15), 2: (0.52, 0.14), 5: (0.48, 0.14), 9: (0.51, 0.18), 10: (0.49, 0.18),
        11: (0.6, 0.25), 12: (0.4, 0.25), 13: (0.65, 0.38), 14: (0.35, 0.38),
        15: (0.67, 0.5), 16: (0.33, 0.5), 23: (0.56, 0.5), 24: (0.44, 0.5),
        25: (0.56, 0.7), 26: (0.44, 0.7), 27: (0.56, 0.88), 28: (0.44, 0.88),
    }.items():  # fmt: skip
        places[point] = at
    values: dict[str, object] = {
        "crop": crop,
        "next_crop": crop,
        "score": 1.0,
        "points_px": crop.to_picture(places, 1),
        "points_m": np.zeros((33, 3)),
        "visibility": np.full(33, 0.9),
        "pixels_per_metre": crop.side / 2,
        "pixels": np.zeros((256, 256, 3), dtype=np.uint8),
        "mask_logits": np.full((256, 256), 3.0, dtype=np.float32),
    }
    return Pose(**{**values, **changes})


def test_a_heat_map_moves_its_point_to_its_middle() -> None:
    heat = np.full((64, 64, 2), -9.0, dtype=np.float32)
    heat[20:23, 30:33, 0] = 9.0
    places = np.array([[30.0 * 4, 20.0 * 4], [100.0, 100.0]])
    moved = refined(places, heat, 256)
    assert moved[0] == pytest.approx([31 * 4, 21 * 4], abs=0.05)
    assert moved[1] == pytest.approx([100, 100])


def test_points_outside_the_heat_map_stay() -> None:
    heat = np.full((64, 64, 3), 9.0, dtype=np.float32)
    places = np.array([[-5.0, 20.0], [300.0, 20.0], [128.0, 255.0]])
    moved = refined(places, heat, 256)
    assert np.array_equal(moved[:2], places[:2])
    assert moved[2, 1] < 255


class OnePose:
    """A landmark network that always answers the same."""

    size = 256

    def __init__(self) -> None:
        points = np.zeros((39, 5), dtype=np.float32)
        points[:, :2] = 128
        points[:, 3:] = 8
        points[5, :2] = (300, 128)
        points[34, :2] = (128, 28)
        metres = np.zeros((39, 3), dtype=np.float32)
        metres[23], metres[24] = (0.3, 0.5, 1), (0.1, 0.5, 1)
        self.answer = {
            "points": points.ravel(),
            "score": np.array([0.9], dtype=np.float32),
            "mask": np.zeros((256, 256, 1), dtype=np.float32),
            "heat": np.full((64, 64, 39), -9, dtype=np.float32),
            "metres": metres.ravel(),
        }

    def __call__(self, pixels: np.ndarray, *, scale: float, offset: float) -> dict[str, np.ndarray]:
        assert pixels.shape == (256, 256, 3)
        assert (scale, offset) == (1 / 255, 0.0)
        return self.answer


def test_a_turned_crop_gives_metres_in_camera_axes() -> None:
    """The crop's right axis points down the picture: so do the hips, and the head is right."""
    crop = Crop(300, 200, 200, math.pi / 2)
    pose = read_pose(OnePose(), np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8), crop)
    assert pose.points_m[23] == pytest.approx([0, 0.1, 0], abs=1e-6)
    assert pose.points_m[24] == pytest.approx([0, -0.1, 0], abs=1e-6)
    assert pose.next_crop.angle == pytest.approx(math.pi / 2)
    assert pose.next_crop.side == pytest.approx(2 * 1.25 * 100 * 200 / 256)


def test_a_point_outside_the_picture_is_not_visible() -> None:
    crop = Crop(WIDTH - 60, 200, 200)
    pose = read_pose(OnePose(), np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8), crop)
    assert pose.points_px[5, 0] > WIDTH
    assert pose.visibility[5] == 0
    assert pose.visibility[6] > 0.99


@pytest.mark.parametrize("crop", [Crop(320, 240, 300), Crop(300, 200, 256, 0.7), Crop(20, 30, 400)])
def test_a_mask_lies_where_the_crop_says(crop: Crop) -> None:
    ball = np.full((256, 256), -4.0, dtype=np.float32)
    cv2.circle(ball, (140, 110), 60, 4.0, -1)
    found = person_mask(upright(crop, mask_logits=ball), WIDTH, HEIGHT)
    flat = np.repeat(np.arange(len(found.counts)) % 2, found.counts)
    dense = flat.reshape(WIDTH, HEIGHT).T.astype(bool)
    middle = crop.to_picture(np.array([[140.5, 110.5]]), 256)[0]
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    radius = 60.5 * crop.side / 256
    wanted = np.hypot(columns - middle[0], rows - middle[1]) < radius
    assert (dense & wanted).sum() / (dense | wanted).sum() > 0.97
    assert (dense & ~np.roll(wanted, 9, axis=1)).sum() > 0.02 * wanted.sum()


def test_a_mask_outside_the_picture_is_empty() -> None:
    found = person_mask(upright(Crop(-900, -900, 200)), WIDTH, HEIGHT)
    assert found.counts.tolist() == [WIDTH * HEIGHT]
    nobody = np.full((256, 256), -1.0, dtype=np.float32)
    found = person_mask(upright(Crop(300, 200, 200), mask_logits=nobody), WIDTH, HEIGHT)
    assert found.counts.tolist() == [WIDTH * HEIGHT]


def test_clothes_tell_people_apart_and_stand_a_little_dimming() -> None:
    def dressed(top: tuple[int, ...], trousers: tuple[int, ...], dim: float = 1.0) -> np.ndarray:
        pixels = np.zeros((256, 256, 3), dtype=np.float64)
        pixels[:128], pixels[128:] = top, trousers
        crop = Crop(300, 200, 256)
        return clothes(upright(crop, pixels=(pixels * dim).astype(np.uint8)))

    red = dressed((200, 40, 40), (40, 40, 120))
    dimmer = dressed((200, 40, 40), (40, 40, 120), dim=0.9)
    swapped = dressed((40, 40, 120), (200, 40, 40))
    assert red.shape == (BINS,)
    assert red.sum() == pytest.approx(1)
    alike = np.minimum(red, dimmer).sum()
    assert alike > 0.85
    assert np.minimum(red, swapped).sum() < 0.4


def test_clothes_out_of_sight_say_nothing() -> None:
    hidden = upright(Crop(300, 200, 200), mask_logits=np.full((256, 256), -1.0, dtype=np.float32))
    assert clothes(hidden) == pytest.approx(np.full(BINS, 1 / BINS))


def test_the_hand_lies_beyond_the_wrist_fingers_up() -> None:
    pose = upright(Crop(300, 200, 200), pixels_per_metre=60.0)
    for side, elbow, wrist in ((LEFT, 13, 15), (RIGHT, 14, 16)):
        crop = hand_crop(pose, side)
        forearm = pose.points_px[wrist] - pose.points_px[elbow]
        assert crop[:2] == pytest.approx(tuple(pose.points_px[wrist] + 0.32 * forearm))
        assert crop.side == pytest.approx(0.8 * np.hypot(*forearm))
        there = crop.from_picture(pose.points_px[[wrist]], 1)[0]
        assert there == pytest.approx([0.5, 0.9])


def test_a_forearm_towards_the_camera_uses_the_knuckles() -> None:
    pose = upright(Crop(300, 200, 200))
    points = pose.points_px.copy()
    points[13] = points[15] + [1.0, 0.0]
    points[[17, 19]] = points[15] + [0.0, -9.0]
    crop = hand_crop(upright(Crop(300, 200, 200), points_px=points), LEFT)
    assert crop.side == pytest.approx(0.8 * 0.24 * 100)
    assert crop.angle % (2 * math.pi) == pytest.approx(0, abs=1e-9)
    assert crop.y < points[15, 1]


def test_the_face_is_upright_in_its_crop() -> None:
    lying = upright(Crop(300, 200, 200, math.pi / 2))
    assert face_crop(lying).angle == pytest.approx(math.pi / 2)
    assert face_crop(upright(Crop(300, 200, 200))).angle == pytest.approx(0)


class NoHands:
    """Hands and faces are not looked for when there is nothing to see."""

    hand = face = None


def test_small_people_have_no_hands_and_no_face() -> None:
    picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    seen = details.observe(NoHands(), picture, 3, upright(Crop(300, 200, 60)))
    assert seen.tracklet == 3
    assert seen.hands_score.tolist() == [0, 0]
    assert np.isnan(seen.hands_px).all()
    assert seen.face_px is None
    box = seen.box_xyxy
    assert (seen.points_px >= box[:2]).all()
    assert (seen.points_px <= box[2:]).all()
