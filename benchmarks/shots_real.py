"""The shot solve on real films whose cameras are known, and on one without; writes a table.

Nobody measured these people, so what is asked for is that they are plausible and that two
cameras, solved one at a time, agree:

* ``vtest.avi`` with its given camera: statures, walking speeds, feet on the given floor.
* ``pose2sim_single`` cameras 1 and 2: how far the two worlds disagree.
* ``tfjs_squats``: feet that stand do not slide, every squat is as deep as the others.
* ``phalp_run``: the camera follows a runner; what the solve says of its scale.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.captures import capture, shared_data
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.body_npz import read_body
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.fit_json import read_fit
from choreoscope.formats.motion_npz import read_motion
from choreoscope.geometry import rotation
from choreoscope.geometry.kinematics import of_motion

_PLAUSIBLE_STATURE = (1.45, 2.0)
_PLAUSIBLE_SPEED = (0.3, 2.2)
_LEAST_SECONDS = 1.0
_TRUE_RATE = 7 / 10
"""vtest was filmed at 7 frames per second; its container says 10."""


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """A finished clip."""

    camera: CameraTrack
    motions: dict[str, Motion]
    statures: dict[str, float]
    fit: dict[str, object]


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what, how much, the bar and whether it is met (None: no bar)."""

    film: str
    what: str
    value: str
    bar: str
    met: bool | None


def result_of(folder: Path) -> Result:
    clip = folder / "clip-001"
    people = sorted(path.parent for path in clip.glob("people/*/motion.npz"))
    return Result(
        camera=read_camera(clip / "camera.json"),
        motions={one.name: read_motion(one / "motion.npz") for one in people},
        statures={one.name: read_body(one / "body.npz").stature for one in people},
        fit=read_fit(clip / "work" / "fit.json"),
    )


def vtest(folder: Path) -> list[Row]:
    result = result_of(folder)
    statures, speeds = [], []
    for person, motion in result.motions.items():
        seen = motion.confidence.max(axis=1) > 0
        seconds = float(np.ptp(motion.times[seen])) / _TRUE_RATE if seen.any() else 0.0
        if seconds < _LEAST_SECONDS:
            continue
        path = motion.root_position[seen][:, [0, 2]]
        statures.append(result.statures[person])
        speeds.append(float(np.linalg.norm(path[-1] - path[0])) / seconds)
    height, speed = np.array(statures), np.array(speeds)
    inside = float(np.mean((height >= _PLAUSIBLE_STATURE[0]) & (height <= _PLAUSIBLE_STATURE[1])))
    walking = speed[speed > _PLAUSIBLE_SPEED[0]]
    quick = float(np.mean(walking <= _PLAUSIBLE_SPEED[1])) if len(walking) else 0.0
    true_height = _given_height(shared_data() / "video" / FILMS["vtest"][1][1])
    solved = float(np.linalg.inv(result.camera.camera_from_world[0])[1, 3])
    return [
        Row(
            "vtest",
            "camera over the floor m, solved from people / true",
            f"{solved:.2f} / {true_height:.2f}",
            "within 10 %",
            abs(solved / true_height - 1) <= 0.1,
        ),
        Row("vtest", "persons seen for a second or more", str(len(height)), "", None),
        Row("vtest", "stature m, 5 / 25 / 50 / 75 / 95 %", _quantiles(height), "", None),
        Row(
            "vtest", "statures of 1.45 to 2.00 m", f"{100 * inside:.0f} %", ">= 90 %", inside >= 0.9
        ),
        Row("vtest", "speed m/s, 5 / 25 / 50 / 75 / 95 %", _quantiles(speed), "", None),
        Row("vtest", "walkers at most 2.2 m/s", f"{100 * quick:.0f} %", ">= 90 %", quick >= 0.9),
    ]


def _given_height(path: Path) -> float:
    """Height of the given camera over the floor z = 0 of its file, metres."""
    record = json.loads(path.read_text(encoding="utf-8"))["View_001"]
    turn, shift = np.array(record["R"]), np.array(record["t"])
    return float(-(turn.T @ shift)[2]) / 1000


def _quantiles(values: np.ndarray) -> str:
    return " / ".join(
        f"{value:.2f}" for value in np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    )


def two_cameras(first: Path, second: Path) -> list[Row]:
    """Compare joints in the laboratory, where the calibration says both cameras are."""
    one, two = result_of(first), result_of(second)
    left, right = _mover(one), _mover(two)
    start = max(left.first_frame, right.first_frame)
    stop = min(left.first_frame + left.frame_count, right.first_frame + right.frame_count)
    rows = slice(start - left.first_frame, stop - left.first_frame)
    a = _in_laboratory(one, left, "cam_01")[rows]
    rows = slice(start - right.first_frame, stop - right.first_frame)
    b = _in_laboratory(two, right, "cam_02")[rows]
    turn, shift = _rigid(b.reshape(-1, 3), a.reshape(-1, 3))
    aligned = b @ turn.T + shift
    raw = 100 * np.linalg.norm(b - a, axis=-1)
    apart = 100 * np.linalg.norm(aligned - a, axis=-1)
    root = 100 * np.linalg.norm(b[:, 0] - a[:, 0], axis=-1)
    body = 100 * np.linalg.norm((b - b[:, :1]) - (a - a[:, :1]), axis=-1)
    ups = [_up_in_laboratory(*pair) for pair in ((one, "cam_01"), (two, "cam_02"))]
    tilt = np.degrees(np.arccos(np.clip(ups[0] @ ups[1], -1, 1)))
    cameras = [
        row for pair in ((one, "cam_01"), (two, "cam_02")) for row in _against_calibration(*pair)
    ]
    height = abs(_stature(one, left) - _stature(two, right))
    return [
        Row("pose2sim 1 and 2", "joints apart cm, median / 90 %", _two(raw), "", None),
        Row("pose2sim 1 and 2", "the same, one rigid motion taken out", _two(apart), "", None),
        Row("pose2sim 1 and 2", "root apart cm, median / 90 %", _two(root), "", None),
        Row("pose2sim 1 and 2", "bodies apart about the root cm", _two(body), "", None),
        Row("pose2sim 1 and 2", "angle between the two floors", f"{tilt:.1f} degrees", "", None),
        Row("pose2sim 1 and 2", "statures differ by", f"{100 * height:.1f} cm", "", None),
        *cameras,
    ]


def _mover(result: Result) -> Motion:
    """Find the dancer: bystanders, and the skeleton on its stand, hardly move."""
    return max(
        result.motions.values(),
        key=lambda one: float(np.linalg.norm(np.diff(of_motion(one)[0], axis=0), axis=-1).sum()),
    )


def _stature(result: Result, motion: Motion) -> float:
    return next(result.statures[name] for name, one in result.motions.items() if one is motion)


def _calibration(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Camera from laboratory: turn and shift, metres."""
    text = (shared_data() / "video" / "pose2sim_single" / "Pose2Sim_cameras.toml").read_text()
    record = tomllib.loads(text)[name]
    turn = rotation.to_matrix(rotation.from_rotation_vector(np.array(record["rotation"])))
    return turn, np.array(record["translation"])


def _in_laboratory(result: Result, motion: Motion, name: str) -> np.ndarray:
    fingers = ("thumb", "index", "middle", "ring", "pinky")
    body = [not any(part in name for part in fingers) for name in motion.skeleton.joints]
    joints = of_motion(motion)[0][:, body]
    first = motion.first_frame
    matrix = result.camera.camera_from_world[first : first + len(joints)]
    seen = np.einsum("tab,tjb->tja", matrix[:, :3, :3], joints) + matrix[:, None, :3, 3]
    turn, shift = _calibration(name)
    return (seen - shift) @ turn


def _up_in_laboratory(result: Result, name: str) -> np.ndarray:
    return _calibration(name)[0].T @ result.camera.camera_from_world[0, :3, 1]


def _against_calibration(result: Result, name: str) -> list[Row]:
    """Compare the camera's height over the floor and its tilt, found from the dancer alone."""
    turn, shift = _calibration(name)
    true_height = float(-(turn.T @ shift)[2])
    height = float(np.linalg.inv(result.camera.camera_from_world[0])[1, 3])
    tilt = np.degrees(np.arccos(np.clip(_up_in_laboratory(result, name)[2], -1, 1)))
    return [
        Row(
            name,
            "camera over the floor m, solved / true",
            f"{height:.2f} / {true_height:.2f}",
            "",
            None,
        ),
        Row(name, "gravity off by", f"{tilt:.1f} degrees", "", None),
    ]


def _two(values: np.ndarray) -> str:
    return f"{np.median(values):.1f} / {np.quantile(values, 0.9):.1f}"


def _rigid(points: np.ndarray, onto: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middle, target = points.mean(axis=0), onto.mean(axis=0)
    u, _, v = np.linalg.svd((onto - target).T @ (points - middle))
    turn = u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v
    return turn, target - turn @ middle


def squats(folder: Path) -> list[Row]:
    result = result_of(folder)
    motion = _mover(result)
    joints, _ = of_motion(motion)
    rows = []
    contacts = motion.contacts if motion.contacts is not None else np.zeros((len(joints), 0))
    for side in ("left", "right"):
        column = motion.contact_joints.index(f"{side}_toes")
        held = (contacts[1:, column] > 0.5) & (contacts[:-1, column] > 0.5)
        place = joints[:, motion.skeleton.index(f"{side}_toes")]
        slide = np.linalg.norm(np.diff(place[:, [0, 2]], axis=0), axis=1) / np.diff(motion.times)
        speed = 1e3 * float(np.mean(slide[held])) if held.any() else float("nan")
        rows.append(Row("squats", f"{side} toes slide mm/s", f"{speed:.1f}", "<= 10", speed <= 10))
    height = joints[:, 0, 1]
    low = [
        float(height[i])
        for i in range(1, len(height) - 1)
        if height[i] <= height[i - 1]
        and height[i] < height[i + 1]
        and height[i] < np.quantile(height, 0.3)
    ]
    spread = 100 * float(np.ptp(low)) if len(low) > 1 else float("nan")
    rows.append(Row("squats", f"{len(low)} squats, depths differ by", f"{spread:.1f} cm", "", None))
    return rows


def follows(folder: Path) -> list[Row]:
    result = result_of(folder)
    centre = -np.einsum(
        "tba,tb->ta",
        result.camera.camera_from_world[:, :3, :3],
        result.camera.camera_from_world[:, :3, 3],
    )
    length = float(np.linalg.norm(np.diff(centre, axis=0), axis=1).sum())
    rows = [Row("phalp_run", "camera's path m", f"{length:.1f}", "", None)]
    for person, motion in result.motions.items():
        path = np.linalg.norm(np.diff(motion.root_position[:, [0, 2]], axis=0), axis=1).sum()
        seconds = float(np.ptp(motion.times))
        rows.append(
            Row(
                "phalp_run",
                f"{person}: speed m/s, stature m",
                f"{path / seconds:.2f}, {result.statures[person]:.2f}",
                "",
                None,
            )
        )
    return rows


FILMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "vtest": (
        "opencv_vtest/vtest.avi",
        (
            "--camera",
            "opencv_vtest/camera_view001.json",
            "--camera-name",
            "View_001",
            "--stages.camera.path",
            "opencv_vtest/camera_view001.json",
            "--stages.camera.name",
            "View_001",
            "--stages.camera.metres",
            "0.001",
        ),
    ),
    "cam01": (
        "pose2sim_single/cam01.mp4",
        ("--camera", "pose2sim_single/Pose2Sim_cameras.toml", "--camera-name", "cam_01"),
    ),
    "cam02": (
        "pose2sim_single/cam02.mp4",
        ("--camera", "pose2sim_single/Pose2Sim_cameras.toml", "--camera-name", "cam_02"),
    ),
    "squats": ("tfjs_squats/pose_squats.mp4", ()),
    "phalp_run": ("phalp_run/vid.mp4", ()),
}

SCORES: dict[str, Callable[..., list[Row]]] = {
    "vtest": vtest,
    "cam01": two_cameras,
    "squats": squats,
    "phalp_run": follows,
}


def main() -> int:
    """Capture what is not captured yet, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, help="keep captures here, and take what is there")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/real.md"))
    parser.add_argument("--only", nargs="*", choices=sorted(FILMS), default=sorted(FILMS))
    arguments = parser.parse_args()
    video = shared_data() / "video"
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.results or Path(scratch)
        for name in arguments.only:
            film, options = FILMS[name]
            placed = [str(video / one) if "/" in one else one for one in options]
            run = capture(video / film, folder / name, *placed)
            print(f"{name}: {run.frames} frames, {run.wall:.0f} s, exit code {run.code}")
            if run.code not in (0, 7):
                print(run.errors)
                return 1
        rows = []
        for name in arguments.only:
            if name == "cam01":
                rows += two_cameras(folder / "cam01", folder / "cam02")
            elif name in SCORES:
                rows += SCORES[name](folder / name)
    table = _table(rows)
    print(table)
    arguments.out.write_text(
        "# The shot solve on real films\n\nWritten by `python -m benchmarks.shots_real`.\n\n"
        + table,
        encoding="utf-8",
    )
    return 1 if any(row.met is False for row in rows) else 0


def _table(rows: list[Row]) -> str:
    words = {True: "met", False: "NOT met", None: ""}
    lines = ["| film | what | value | bar | |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.film} | {row.what} | {row.value} | {row.bar} | {words[row.met]} |" for row in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
