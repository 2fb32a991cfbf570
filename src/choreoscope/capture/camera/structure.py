"""Structure from motion on the keyframes by COLMAP, in a process whose death is survived."""

import dataclasses
import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from choreoscope.capture.camera.links import Straight
from choreoscope.capture.camera.tracking import picture_path
from choreoscope.capture.camera.tracks import Background
from choreoscope.datatypes.camera import Lens
from choreoscope.datatypes.errors import InputError

FEATURES = 1500
ANGLES = (4.0, 1.5, 0.5)
"""Least angle in degrees between the rays of the first pair; pictures of a film lie close."""
FEW_KEYFRAMES, MOST_KEYFRAMES = 30, 80
LEAST_KEYFRAMES = 4
_BASE_SECONDS, _SECONDS_EACH = 60.0, 6.0
_MODULE = "choreoscope.capture.camera.structure_run"
_PINHOLE, _RADIAL, _BROWN, _RATIONAL = 0, 4, 4, 12


class StructureError(Exception):
    """No structure; the text says why, for people."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Keyframes placed by structure from motion; the unit of length is arbitrary.

    Attributes
    ----------
    frames : (N,) int
        Source frames of the keyframes that were placed.
    camera_from_world : (N, 4, 4) float
        Their poses.
    lens : Lens
        For the film's pixels; the given one where it was held.
    points : int
        Points of the scene.
    error_px : float
        Mean reprojection error, small pixels.
    """

    frames: np.ndarray
    camera_from_world: np.ndarray
    lens: Lens
    points: int
    error_px: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StructureLimits:
    """How much may be spent.

    Attributes
    ----------
    threads : int
        Processor threads.
    seconds : float or None
        Wall clock; None for an allowance by the number of keyframes.
    """

    threads: int = 2
    seconds: float | None = None


def find_structure(
    background: Background, lens: Lens, folder: Path, limits: StructureLimits, *, hold: bool
) -> Structure:
    """Place the keyframes.

    Parameters
    ----------
    lens : Lens
        Of the film: the start, or the truth if `hold`.
    folder : Path
        Empty folder for the process's files.
    hold : bool
        Keep the lens as it is.

    Raises
    ------
    StructureError
        If pycolmap is not installed, died, took too long, or found nothing.
    """
    if importlib.util.find_spec("pycolmap") is None:
        raise StructureError("pycolmap is not installed here (there is none for this machine)")
    frames = [key.frame for key in background.key_sightings]
    if len(frames) < LEAST_KEYFRAMES:
        raise StructureError(f"only {len(frames)} keyframes, {LEAST_KEYFRAMES} needed")
    chosen = _chosen(len(frames))
    seconds = limits.seconds or _BASE_SECONDS + _SECONDS_EACH * len(chosen)
    straight = Straight(lens, background.size)
    model, params = _colmap_lens(lens, straight, hold=hold)
    order = {
        "pictures": str(background.pictures),
        "names": [picture_path(background.pictures, frames[index]).name for index in chosen],
        "model": model,
        "params": params,
        "features": FEATURES,
        # A lens that is not given is held in the end: straight ahead nothing tells it.
        "attempts": [(angle, hold) for angle in ANGLES] + [(angle, True) for angle in ANGLES[1:]],
        "seconds": seconds,
        "threads": limits.threads,
    }
    order_path = folder / "order.json"
    order_path.write_text(json.dumps(order), encoding="utf-8")
    _run(order_path, seconds)
    return _read(folder / "answer.npz", lens, background.size, hold=hold)


def _chosen(count: int) -> np.ndarray:
    """Keyframes to use: every second one of many, for they overlap by nine tenths."""
    most = min(max(count // 2, FEW_KEYFRAMES), MOST_KEYFRAMES, count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(int))


def _run(order_path: Path, seconds: float) -> None:
    command = [sys.executable, "-m", _MODULE, str(order_path)]
    log_path = order_path.with_name("log.txt")
    with log_path.open("wb") as log:
        try:
            done = subprocess.run(  # noqa: S603
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StructureError(f"pycolmap took longer than {seconds:.0f} s") from None
        except OSError as error:
            raise StructureError(f"pycolmap could not be started ({error})") from error
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise StructureError(f"pycolmap's process was killed ({name})")
    if not order_path.with_name("answer.npz").exists():
        if done.returncode == 1 and "Traceback" not in log_path.read_text(errors="replace"):
            raise StructureError("pycolmap found no structure")
        raise StructureError(f"pycolmap's process ended with code {done.returncode}")


def _read(path: Path, lens: Lens, size: tuple[int, int], *, hold: bool) -> Structure:
    try:
        with np.load(path, allow_pickle=False) as stored:
            names, poses = stored["names"].tolist(), stored["camera_from_world"]
            params, points = stored["params"], int(stored["points"])
            error_px = float(stored["error_px"])
        whole = np.tile(np.eye(4), (len(names), 1, 1))
        whole[:, :3] = poses
        return Structure(
            frames=np.array([int(name.partition(".")[0]) for name in names], dtype=np.int64),
            camera_from_world=whole,
            lens=lens if hold else _found_lens(params, lens, size),
            points=points,
            error_px=error_px,
        )
    except (OSError, ValueError, KeyError, InputError) as damage:
        raise StructureError(f"pycolmap's answer cannot be read ({damage})") from damage


def _colmap_lens(lens: Lens, straight: Straight, *, hold: bool) -> tuple[str, list[float]]:
    """COLMAP's name of a lens model and its parameters, for the small pictures."""
    across = straight.size[0] / lens.width
    down = straight.size[1] / lens.height
    focals, centre = (lens.fx * across, lens.fy * down), (lens.cx * across, lens.cy * down)
    bending = [float(value) for value in lens.distortion]
    if not hold:
        return "SIMPLE_RADIAL", [focals[0], *centre, bending[0] if bending else 0.0]
    if len(bending) == _PINHOLE:
        return "PINHOLE", [*focals, *centre]
    if len(bending) == _BROWN:
        return "OPENCV", [*focals, *centre, *bending]
    return "FULL_OPENCV", [*focals, *centre, *bending, *[0.0] * (_RATIONAL - 4 - len(bending))]


def _found_lens(params: np.ndarray, lens: Lens, size: tuple[int, int]) -> Lens:
    """Lens of the film from COLMAP's SIMPLE_RADIAL: focal length, centre, k1."""
    focal = float(params[0]) * lens.width / size[0]
    k1 = float(params[3])
    return dataclasses.replace(
        lens,
        fx=focal,
        fy=focal * lens.fy / lens.fx,
        distortion=np.array([k1, 0.0, 0.0, 0.0]),
        source="solved",
    )
