"""A small result with every pass, made without a capture: what delivery tests deliver."""

import dataclasses
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from choreoscope.datatypes.artifacts import Manifest, WrittenFile, kind_of
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.shots import Shot, ShotsResult
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.passes import IDS, write_ids, write_pass
from choreoscope.formats.shots_json import write_shots
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.manifest import write_manifest

RATE = Fraction(24000, 1001)
PEOPLE = ("P01", "P02")
PARTS = ("left_hand", "torso")


@dataclasses.dataclass(frozen=True)
class MadeResult:
    """Where a made-up result lies, and what is in it."""

    folder: Path
    film: Path
    camera: CameraTrack
    size: tuple[int, int]
    frames: FrameRange
    mattes: dict[str, np.ndarray]
    depth: np.ndarray
    normals: np.ndarray
    position: np.ndarray
    flow: np.ndarray

    @property
    def clip(self) -> Path:
        return self.folder / "clip-001"


def soft_disc(size: tuple[int, int], x: float, y: float, radius: float) -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    distance = np.hypot(columns - x, rows - y)
    return np.clip(radius + 2 - distance, 0, 4).astype(np.float32) / 4


def made_camera(size: tuple[int, int], frames: int) -> CameraTrack:
    width, height = size
    focal = 0.9 * width
    intrinsics = np.array([[focal, 0, width / 2 + 1], [0, focal, height / 2 - 2], [0, 0, 1]])
    poses = []
    for at in range(frames):
        turn = np.radians(10 + at)
        yaw = np.array(
            [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
        )
        pose = np.eye(4)
        # From a world whose y is up to a camera whose y is down.
        pose[:3, :3] = np.diag([1.0, -1.0, -1.0]) @ yaw
        pose[:3, 3] = (0.1 * at, 1.5, 4.0)
        poses.append(pose)
    return CameraTrack(
        width=width,
        height=height,
        intrinsics=np.repeat(intrinsics[None], frames, axis=0),
        camera_from_world=np.array(poses),
        distortion=np.zeros(0),
        source="given",
        metric=True,
    )


def placed(camera: CameraTrack, row: int, depth: np.ndarray) -> np.ndarray:
    """World position of every pixel, NaN where there is no depth."""
    height, width = depth.shape
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    matrix, pose = camera.intrinsics[row], camera.camera_from_world[row]
    x = (columns - matrix[0, 2]) / matrix[0, 0] * depth
    y = (rows - matrix[1, 2]) / matrix[1, 1] * depth
    seen = np.stack([x, y, depth], axis=-1) - pose[:3, 3]
    world = seen @ pose[:3, :3]
    world[depth <= 0] = np.nan
    return world.astype(np.float32)


def made_result(
    folder: Path,
    *,
    count: int = 4,
    size: tuple[int, int] = (64, 48),
    first: int = 3,
    tier: str = "commercial",
    told: Mapping[str, Mapping[str, str]] | None = None,
) -> MadeResult:
    width, height = size
    clip = folder / "clip-001"
    (folder / "work").mkdir(parents=True)
    frames = FrameRange(first, first + count)
    film = folder.parent / "dance film.mp4"
    wave = 128 + 100 * np.sin(2 * np.pi * np.arange(width) / width)
    grey = np.repeat(wave[None, :, None], height, axis=0) + np.array([20, 0, -20])
    colours = np.clip(grey, 0, 255).astype(np.uint8)
    with FilmWriter(film, size=size, rate=RATE, time_base=1 / RATE, quality=1) as writer:
        for at in range(frames.stop + 2):
            writer.write(np.roll(colours, 8 * at, axis=1), at)
    camera = made_camera(size, count)
    clip.mkdir()
    write_camera(clip / "camera.json", camera)
    mattes = {
        "P01": np.stack([soft_disc(size, 20 + at, 24, 12) for at in range(count)]),
        "P02": np.stack([soft_disc(size, 40 - at, 26, 10) for at in range(count)]),
    }
    together = np.maximum(mattes["P01"], mattes["P02"])
    columns, rows = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    # Everything changes from frame to frame, so that a wrong frame is noticed.
    shift = 0.1 * np.arange(count)[:, None, None]
    depth = np.where(together > 0, 3 + 0.5 * columns + 0.2 * rows + shift, 0).astype(np.float32)
    normal = np.stack(np.broadcast_arrays(columns * 0.6 + shift, rows * -0.5, 1.0), axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    normals = np.where(together[..., None] > 0, normal, 0).astype(np.float32)
    position = np.stack([placed(camera, at, depth[at]) for at in range(count)])
    flow = np.stack(np.broadcast_arrays(1 + columns + shift, 2 + 0.5 * rows - shift), axis=-1)
    made = MadeResult(
        folder=folder,
        film=film,
        camera=camera,
        size=size,
        frames=frames,
        mattes=mattes,
        depth=depth,
        normals=normals,
        position=position,
        flow=flow.astype(np.float32),
    )
    _write_passes(made, together, tier, told or {})
    _write_records(made)
    return made


def _write_passes(
    made: MadeResult, together: np.ndarray, tier: str, told: Mapping[str, Mapping[str, str]]
) -> None:
    for name, values in {
        "alpha": together[..., None],
        "depth": made.depth[..., None],
        "depth_sigma": made.depth[..., None] * 0.01,
        "normals": made.normals,
        "position": made.position,
        "flow": made.flow,
        "flow_back": -made.flow,
        "roughness": together[..., None] * 0.5,
        "base_color": np.repeat(together[..., None], 3, axis=-1) * 0.7,
    }.items():
        paths = pass_paths(made, name)
        for path, picture in zip(paths, values, strict=True):
            write_pass(name, path, picture, rate=RATE, header=told.get(name))
        record(made, name, paths, tier)
    for name, mattes in {
        "people": made.mattes,
        "parts": dict(zip(PARTS, made.mattes.values(), strict=True)),
    }.items():
        paths = pass_paths(made, name)
        for at, path in enumerate(paths):
            write_ids(name, path, {one: matte[at] for one, matte in mattes.items()}, rate=RATE)
        record(made, name, paths, tier)
    assert set(IDS) == {"people", "parts"}


def pass_paths(made: MadeResult, name: str) -> list[Path]:
    paths = [made.clip / kind_of(name).path.format(frame=f"{frame:06d}") for frame in made.frames]
    paths[0].parent.mkdir(parents=True)
    return paths


def record(made: MadeResult, name: str, paths: list[Path], tier: str) -> None:
    """What the engine would have written of the stage that made a pass."""
    files = tuple(
        WrittenFile(
            kind=name,
            path=path.relative_to(made.clip).as_posix(),
            size=path.stat().st_size,
            sha256="0" * 64,
            frames=FrameRange(frame, frame + 1),
        )
        for frame, path in zip(made.frames, paths, strict=True)
    )
    write_manifest(
        ClipFolder(made.clip),
        Manifest(
            stage=f"made_{name}",
            stage_version=1,
            fingerprint="0" * 64,
            backend=None,
            options={},
            inputs={},
            files=files,
            done=FrameSet.of([made.frames]),
            failed={},
            notes=(),
            seconds=0.0,
            cpu_seconds=0.0,
            model_cpu_seconds=0.0,
            tier=tier,
        ),
    )


def _write_records(made: MadeResult, pts: np.ndarray | None = None) -> None:
    total = made.frames.stop + 2
    film = {
        "schema": 1,
        "film": made.film.name,
        "path": str(made.film),
        "kind": "film",
        "size": list(made.size),
        "rate": str(RATE),
        "clips": [{"id": "clip-001", "frames": [made.frames.start, made.frames.stop]}],
    }
    (made.folder / "film.json").write_text(json.dumps(film), "utf-8")
    write_times(made, np.arange(total) if pts is None else pts)


def write_times(made: MadeResult, pts: np.ndarray) -> None:
    """Time stamps of the film's frames, in frames of its rate."""
    shots = ShotsResult(
        decoded=FrameSet.of([FrameRange(0, len(pts))]),
        undecodable=FrameSet(),
        pts=np.asarray(np.rint(pts * 1000), dtype=np.int64),
        time_base=1 / RATE / 1000,
        shots=(Shot(frames=FrameRange(0, len(pts)), movement="still", speed_px_s=0.0),),
    )
    write_shots(made.folder / "work" / "shots.json", shots)


def film_picture(made: MadeResult, frame: int) -> np.ndarray:
    """The film's picture as OpenCV decodes it, (H, W, 3) RGB."""
    reader = cv2.VideoCapture(str(made.film))
    pictures = [reader.read()[1] for _ in range(frame + 1)]
    reader.release()
    return np.ascontiguousarray(pictures[frame][..., ::-1])
