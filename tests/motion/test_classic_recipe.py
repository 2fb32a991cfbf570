"""The classic recipe as a whole, on a rigid body whose fit is a closed form."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.geometry import rotation
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.bodies.points import BodyPoints, place_points, points_of_vertices, pose_body
from choreoscope.motion.classic.fitter import TrackFit
from choreoscope.motion.classic.options import KEPT, MENDED, ClassicOptions, frames_only
from choreoscope.motion.classic.recipe import ClassicResult, nlf_classic
from choreoscope.motion.classic.tracks import camera_places, point_weights
from choreoscope.motion.solve.evidence import FloorKnowledge, PersonEvidence, ShotEvidence
from choreoscope.motion.world import FrameTimes

JOINTS = ("pelvis", "left_foot", "left_toes", "right_foot", "right_toes")
PLACES = np.array([[0, 1.0, 0], [0.1, 0.1, 0], [0.1, 0, 0.15], [-0.1, 0.1, 0], [-0.1, 0, 0.15]])
SKIN = np.array(
    [[0, 1.0, 0.1], [0.2, 1.5, 0], [-0.2, 1.5, 0], [0.1, 0, 0.15], [-0.1, 0, 0.15], [0, 1.8, 0.1]]
)
FRAMES = 60
CAMERA_HEIGHT = 1.4
FOCAL = 900.0


def toy_body() -> BodyModel:
    parents = np.array([-1, 0, 1, 0, 3])
    return BodyModel(
        name="toy",
        tier="commercial",
        joints=JOINTS,
        parents=parents,
        mirror=np.array([0, 3, 4, 1, 2]),
        template=SKIN,
        shape_directions=np.zeros((6, 3, 1)),
        joint_template=PLACES,
        joint_directions=np.zeros((5, 3, 1)),
        skin_joints=np.array([[0], [0], [0], [2], [4], [0]]),
        skin_weights=np.ones((6, 1)),
        faces=np.array([[0, 1, 2], [0, 1, 5]]),
        uv=np.zeros((0, 2)),
        points={},
    )


BODY = toy_body()
POINTS = points_of_vertices(BODY, np.arange(6))


def rigid_fit(
    model: BodyModel,
    points: BodyPoints,
    places: np.ndarray,
    weights: np.ndarray,
    *,
    free_size: bool,
) -> TrackFit:
    """Weighted Kabsch of the whole body at rest, with Horn's symmetric scale."""
    rest = place_points(
        points, np.zeros(1), pose_body(model, np.zeros(1), PLACES[:1], rotation.identity(1, 5))
    )[0]
    count = len(places)
    root, turns, scales = np.zeros((count, 3)), np.zeros((count, 3, 3)), np.ones(count)
    for row in range(count):
        share = weights[row] / weights[row].sum()
        middle, own = share @ places[row], share @ rest
        cross = (share[:, None] * (places[row] - middle)).T @ (rest - own)
        u, _, v = np.linalg.svd(cross)
        turns[row] = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
        size = share @ np.sum((places[row] - middle) ** 2, axis=1)
        scales[row] = np.sqrt(size / (share @ np.sum((rest - own) ** 2, axis=1)))
        size = scales[row] if free_size else 1.0
        root[row] = middle + size * turns[row] @ (PLACES[0] - own)
    rotations = rotation.identity(count, 5)
    rotations[:, 0] = rotation.from_matrix(turns)
    return TrackFit(
        shape=np.zeros(1),
        root=root,
        rotations=rotations,
        scales=scales if free_size else np.ones(count),
    )


def camera_of(centres: np.ndarray, *, metric: bool = True) -> CameraTrack:
    """OpenCV cameras in a world with y up, all looking along -Z."""
    pose = np.tile(np.eye(4), (len(centres), 1, 1))
    pose[:, :3, :3] = np.diag([1.0, -1, -1])
    pose[:, :3, 3] = -np.einsum("ab,tb->ta", np.diag([1.0, -1, -1]), centres)
    return CameraTrack(
        width=1280,
        height=720,
        intrinsics=np.tile(
            np.array([[FOCAL, 0, 640], [0, FOCAL, 360], [0, 0, 1.0]]), (len(pose), 1, 1)
        ),
        camera_from_world=pose,
        distortion=np.zeros(0),
        source="given",
        metric=metric,
    )


@dataclasses.dataclass
class Shot:
    evidence: ShotEvidence
    roots: dict[str, np.ndarray]
    camera: CameraTrack


def seen_person(
    name: str, root: np.ndarray, camera: CameraTrack, frames: np.ndarray, noise: float, seed: int
) -> PersonEvidence:
    rng = np.random.default_rng(seed)
    turn = rotation.from_rotation_vector(np.linspace(0, 2, len(root))[:, None] * [0, 1.0, 0])
    rotations = rotation.identity(len(root), 5)
    rotations[:, 0] = turn
    places = place_points(POINTS, np.zeros(1), pose_body(BODY, np.zeros(1), root, rotations))
    pose = camera.camera_from_world
    in_camera = np.einsum("tab,tpb->tpa", pose[:, :3, :3], places) + pose[:, None, :3, 3]
    pixels = in_camera[..., :2] / in_camera[..., 2:] * FOCAL + [640, 360]
    in_camera = in_camera * np.exp(rng.normal(0, noise, (len(root), 1, 1)))
    in_camera += rng.normal(0, noise / 5, in_camera.shape)
    return PersonEvidence(
        person=name,
        model=BODY,
        points=POINTS,
        frames=frames,
        pixels=pixels[frames],
        pixel_sigma=np.full((len(frames), 6), 2.0),
        places=in_camera[frames],
        place_sigma=np.full((len(frames), 6), 0.03),
    )


def path(x: float, z: float, step: float = 0.0) -> np.ndarray:
    at = np.zeros((FRAMES, 3))
    at[:, 0] = x + step * np.arange(FRAMES)
    at[:, 1] = 1.0
    at[:, 2] = z + 0.8 * np.sin(np.arange(FRAMES) / 8)
    return at


def shot(
    *,
    noise: float = 0.0,
    rate: float = 30.0,
    moving: bool = False,
    people: dict[str, np.ndarray] | None = None,
    frames: np.ndarray | None = None,
    metric: bool = True,
    up: tuple[float, float, float] = (0.0, 1.0, 0.0),
) -> Shot:
    roots = {"ann": path(-0.5, -5.0, 0.02)} if people is None else people
    centres = np.tile([0.0, CAMERA_HEIGHT, 0.0], (FRAMES, 1))
    if moving:
        centres[:, 0] += np.linspace(0, 3, FRAMES)
    camera = camera_of(centres, metric=metric)
    rows = np.arange(FRAMES) if frames is None else frames
    evidence = ShotEvidence(
        people=tuple(
            seen_person(name, root, camera, rows, noise, seed)
            for seed, (name, root) in enumerate(roots.items())
        ),
        camera=camera,
        times=FrameTimes(
            first_frame=0, seconds=np.arange(FRAMES) / rate, rate=Fraction(rate).limit_denominator()
        ),
        floor=FloorKnowledge(up=np.array(up)),
    )
    return Shot(evidence, roots, camera)


def run(made: Shot, options: ClassicOptions | None = None) -> ClassicResult:
    return nlf_classic(made.evidence, options, rigid_fit)


def same(a: ClassicResult, b: ClassicResult, tolerance: float = 1e-9) -> bool:
    return all(
        np.allclose(a.motions[who].root_position, b.motions[who].root_position, atol=tolerance)
        and np.allclose(a.motions[who].rotations, b.motions[who].rotations, atol=tolerance)
        for who in a.motions
    )


def test_exact_evidence_frame_by_frame_is_the_truth() -> None:
    made = shot(moving=True)
    result = run(made, frames_only())
    assert np.allclose(result.motions["ann"].root_position, made.roots["ann"], atol=0.004)
    assert np.allclose(result.camera.camera_from_world, made.camera.camera_from_world, atol=0.004)
    assert result.floor == "plane"
    assert result.camera.metric


def test_size_jitter_is_repaired_where_every_frame_by_itself_is_not() -> None:
    made = shot(noise=0.05)
    truth = made.roots["ann"]

    def error(options: ClassicOptions) -> float:
        root = run(made, options).motions["ann"].root_position
        root = root - root.mean(axis=0) + truth.mean(axis=0)
        return float(np.linalg.norm(root - truth, axis=1).mean())

    alone = error(frames_only())
    assert error(ClassicOptions()) < 0.35 * alone
    only_smooth = dataclasses.replace(ClassicOptions(), repair_depth=False)
    assert error(ClassicOptions()) < 0.8 * error(only_smooth)


def test_kernels_differ_only_away_from_thirty_frames_a_second() -> None:
    frames = ClassicOptions(faults=dataclasses.replace(MENDED, kernels_in_frames=True))
    assert same(run(shot(noise=0.03), frames), run(shot(noise=0.03)))
    for rate in (24.0, 50.0, 120.0):
        made = shot(noise=0.03, rate=rate)
        assert not same(run(made, frames), run(made), 1e-4)


def test_the_last_pass_about_the_origin_differs_only_under_a_moving_camera() -> None:
    origin = ClassicOptions(faults=dataclasses.replace(MENDED, last_about_origin=True))
    assert same(run(shot(noise=0.03), origin), run(shot(noise=0.03)))
    made = shot(noise=0.03, moving=True)
    assert not same(run(made, origin), run(made), 1e-4)


def _two(second_floor: float) -> dict[str, np.ndarray]:
    high = path(0.8, -6.0, -0.015)
    high[:, 1] += second_floor
    return {"ann": path(-0.5, -5.0, 0.02), "bob": high}


def test_only_the_fault_leaves_the_second_person_out_of_the_floor() -> None:
    first = ClassicOptions(faults=dataclasses.replace(MENDED, first_person_floor=True))
    alone = shot()
    assert same(run(alone, first), run(alone))
    made = shot(people=_two(-0.12))
    kept, mended = (run(made, options).motions["bob"].root_position for options in (first, None))
    assert kept[:, 1].mean() == pytest.approx(0.88, abs=0.01)
    assert not np.allclose(kept, mended, atol=0.02)


def test_gaps_are_bridged_across_a_teleport_only_by_the_fault() -> None:
    jump = path(-0.5, -5.0)
    jump[30:, 0] += 2.0
    rows = np.array([row for row in range(FRAMES) if not 26 <= row < 30])
    made = shot(people={"ann": jump}, frames=rows)
    across = ClassicOptions(faults=dataclasses.replace(MENDED, across_teleports=True))
    kept, mended = run(made, across), run(made)
    assert kept.cuts == mended.cuts == {"ann": (30,)}
    middle = kept.motions["ann"].root_position[28, 0]
    assert -0.3 < middle < 1.3
    held = mended.motions["ann"].root_position
    assert np.allclose(held[28:30], held[27], atol=1e-9)
    seen = np.setdiff1d(np.arange(FRAMES), np.arange(24, 34))
    assert np.allclose(held[seen], kept.motions["ann"].root_position[seen])
    assert np.all(mended.motions["ann"].confidence[26:30] == 0)


def test_kept_and_mended_agree_where_no_fault_can_show() -> None:
    made = shot(noise=0.03)
    assert same(run(made, ClassicOptions(faults=KEPT)), run(made))


def test_a_camera_path_of_unknown_size_takes_the_scale_it_is_told() -> None:
    made = shot(moving=True, metric=False)
    small = run(made, ClassicOptions(camera_scale=0.5)).camera.camera_from_world
    true = run(made).camera.camera_from_world
    assert np.ptp(small[:, 0, 3]) == pytest.approx(0.5 * np.ptp(true[:, 0, 3]))
    told = shot(moving=True)
    assert same(run(told, ClassicOptions(camera_scale=0.5)), run(told))


def test_distance_comes_from_the_pixels_or_as_delivered() -> None:
    made = shot()
    person, lens = made.evidence.people[0], made.evidence.camera.intrinsics
    middle = person.places.mean(axis=1, keepdims=True)
    blind = dataclasses.replace(person, places=person.places - middle)
    found, placed = camera_places(blind, lens, "pixels")
    assert placed.all()
    assert np.allclose(found, person.places, atol=1e-6)
    kept, _ = camera_places(blind, lens, "delivered")
    assert np.array_equal(kept, blind.places)
    assert not np.allclose(kept, person.places, atol=1)


def test_a_frame_without_pixels_has_no_place() -> None:
    made = shot()
    person, lens = made.evidence.people[0], made.evidence.camera.intrinsics
    sigma = np.array(person.pixel_sigma)
    sigma[7, 1:] = np.inf
    few = dataclasses.replace(person, pixel_sigma=sigma)
    _, placed = camera_places(few, lens, "pixels")
    assert placed.tolist() == [row != 7 for row in range(FRAMES)]
    assert camera_places(few, lens, "delivered")[1].all()
    made.evidence = dataclasses.replace(made.evidence, people=(few,))
    assert np.allclose(
        run(made, frames_only()).motions["ann"].root_position, made.roots["ann"], atol=0.03
    )


def test_weights_fall_with_uncertainty_to_the_power_of_one_and_a_half() -> None:
    weights = point_weights(np.array([[0.01, 0.04], [0.01, np.inf]]))
    assert weights[0, 0] / weights[0, 1] == pytest.approx(8.0)
    assert weights[1, 1] == 0
    assert weights[weights > 0].mean() == pytest.approx(1.0)
    assert not point_weights(np.full((2, 2), np.inf)).any()


def test_up_of_the_picture_is_the_prior_only_by_the_fault() -> None:
    standing = np.tile([0.0, 1.0, -5.0], (FRAMES, 1))
    lean = (0.0, np.cos(0.3), np.sin(0.3))
    made = shot(people={"ann": standing}, up=lean)
    one = made.evidence.people[0]
    fields = ("frames", "pixels", "pixel_sigma", "places", "place_sigma")
    one = dataclasses.replace(one, **{name: getattr(one, name)[:1] for name in fields})
    made.evidence = dataclasses.replace(made.evidence, people=(one,))
    by_picture = run(made, ClassicOptions(faults=KEPT))
    by_gravity = run(made)
    assert by_picture.floor == by_gravity.floor == "prior up"
    assert by_picture.camera.camera_from_world[0, 1, 1] == pytest.approx(-1.0)
    assert by_gravity.camera.camera_from_world[0, 1, 1] == pytest.approx(-np.cos(0.3))
    assert by_picture.notes


@pytest.mark.parametrize("options", [ClassicOptions(), ClassicOptions(faults=KEPT), frames_only()])
def test_nobody_and_hardly_anybody_give_finite_numbers(options: ClassicOptions) -> None:
    empty = shot(people={})
    result = run(empty, options)
    assert not result.motions
    assert np.isfinite(result.camera.camera_from_world).all()
    one = run(shot(frames=np.array([5]), noise=0.03), options)
    assert one.motions["ann"].frame_count == 1
    three = run(shot(frames=np.array([2, 3, 40]), noise=0.03), options)
    assert three.motions["ann"].frame_count == 39
    assert three.motions["ann"].confidence[:, 0].astype(bool).sum() == 3


def test_a_person_without_a_single_place_is_left_out_and_told() -> None:
    made = shot()
    blind = dataclasses.replace(made.evidence.people[0], place_sigma=np.full((FRAMES, 6), np.inf))
    made.evidence = dataclasses.replace(made.evidence, people=(blind,))
    result = run(made)
    assert not result.motions
    assert any("ann" in note for note in result.notes)
