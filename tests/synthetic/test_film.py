"""A made-up shot as film: what is drawn is where the truth says it is."""

from pathlib import Path

import numpy as np
import pytest

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.formats.exr import read_exr
from choreoscope.formats.masks_json import read_masks
from choreoscope.formats.video import probe
from choreoscope.formats.video_reader import FilmReader
from choreoscope.geometry.masks import decode
from choreoscope.synthetic.film import film_shot, truth_pictures
from choreoscope.synthetic.shot import Shot, ShotSpec, make_shot
from choreoscope.synthetic.visibility import in_camera, in_pixels

SPEC = ShotSpec(name="film", seed=4, people=2, seconds=0.25, size=(160, 90), camera="pan")


@pytest.fixture(scope="module")
def shot() -> Shot:
    return make_shot(SPEC)


@pytest.fixture(scope="module")
def folder(shot: Shot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("film")
    told: list[tuple[int, int]] = []
    film_shot(out, shot, passes=("masks", "depth"), progress=lambda *both: told.append(both))
    frames = len(shot.times.seconds)
    assert told == [(number, frames) for number in range(1, frames + 1)]
    return out


def test_the_film_has_the_frames_and_the_rate(shot: Shot, folder: Path) -> None:
    video = probe(folder / "film.mp4")
    assert (video.width, video.height) == SPEC.size
    assert video.rate == SPEC.rate
    assert video.frame_count == len(shot.times.seconds)


def test_masks_and_depth_lie_where_the_joints_are(shot: Shot, folder: Path) -> None:
    agreed, asked = 0, 0
    for person in shot.people:
        track = read_masks(folder / "truth" / "people" / person.person / "masks.json")
        joints, _ = person.joints()
        trunk = [person.model.joints.index(name) for name in ("spine_mid", "pelvis", "spine_high")]
        seen = in_camera(joints, shot.camera)
        pixels, depth = in_pixels(seen, shot.camera), seen[..., 2]
        for frame, mask in zip(track.frames.tolist(), track.masks, strict=True):
            dense = decode(mask)
            z = read_exr(folder / "truth" / "passes" / "depth" / f"{frame:06d}.exr")
            plane = z.pixels[..., 0]
            for joint in trunk:
                if not np.isfinite(pixels[frame, joint]).all():
                    continue
                column, row = np.floor(pixels[frame, joint]).astype(int)
                if 0 <= column < 160 and 0 <= row < 90:
                    asked += 1
                    inside = dense[row, column]
                    near = abs(float(plane[row, column]) - depth[frame, joint]) < 0.35
                    agreed += int(inside and near)
    assert asked > 20
    assert agreed > 0.85 * asked


def test_people_are_seen_in_the_film(shot: Shot, folder: Path) -> None:
    track = read_masks(folder / "truth" / "people" / shot.people[0].person / "masks.json")
    video = probe(folder / "film.mp4")
    with FilmReader(video) as reader:
        picture = next(picture for _, picture in reader.frames(FrameRange(0, 1)))
    own = decode(track.masks[0])
    assert own.sum() > 50
    assert np.abs(picture[own].mean(axis=0) - picture[~own].mean(axis=0)).max() > 8


def test_an_unknown_pass_is_refused(shot: Shot, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pass 'albedo'"):
        film_shot(tmp_path, shot, passes=("albedo",))


def test_a_stretch_of_the_truth_is_that_of_the_whole(shot: Shot) -> None:
    whole = list(truth_pictures(shot, flow=True, samples=0))
    assert len(whole) == len(shot.times.seconds)
    stretch = truth_pictures(shot, FrameRange(2, 4), flow=True, samples=0)
    for frame, seen in zip((2, 3), stretch, strict=True):
        np.testing.assert_array_equal(seen.depth, whole[frame].depth)
        np.testing.assert_array_equal(seen.flow, whole[frame].flow)
