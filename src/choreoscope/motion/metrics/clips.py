"""What can be compared: a clip's folder, a truth in the same layout, or one person's file."""

import dataclasses
import re
from pathlib import Path

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion
from choreoscope.datatypes.people import MaskTrack
from choreoscope.formats.bvh_reader import read_bvh
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.masks_json import read_masks
from choreoscope.formats.motion_npz import read_motion_file
from choreoscope.formats.shots_json import read_shots

_CLIP = re.compile(r"clip-(\d+)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """People and camera of one clip.

    Attributes
    ----------
    place : Path
        Where it was read.
    people : dict of str to Motion
        By person.
    camera : CameraTrack or None
        Row 0 is source frame `camera_first`.
    camera_first : int
        Source frame.
    masks : dict of str to MaskTrack
        By person; only of those who have any.
    """

    place: Path
    people: dict[str, Motion]
    camera: CameraTrack | None = None
    camera_first: int = 0
    masks: dict[str, MaskTrack] = dataclasses.field(default_factory=dict)


def read_clip(path: Path, *, metres_per_unit: float = 0.01) -> Clip:
    """Read what there is.

    Parameters
    ----------
    path : Path
        A clip's folder, a film's result folder with one clip, the folder of a synthetic shot
        (its ``truth``), a ``motion.npz``, or a BVH file.
    metres_per_unit : float
        Of a BVH file.

    Raises
    ------
    InputError
        If there is no such file or folder, or nothing in it that can be compared.
    """
    if path.is_dir():
        return _of_folder(_clip_folder(path))
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give a clip's folder, a .npz or a .bvh")
    if path.suffix.lower() == ".bvh":
        motion = read_bvh(path, metres_per_unit=metres_per_unit).motion
        return Clip(place=path, people={path.stem: motion})
    found = read_motion_file(path)
    return Clip(place=path, people={found.person: found.motion})


def _clip_folder(path: Path) -> Path:
    if _holds_clip(path):
        return path
    inside = (path / "truth", *sorted(path.glob("clip-*")))
    found = [place for place in inside if _holds_clip(place)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(place.name for place in found)
        raise InputError(f"{path}: holds {len(found)} clips ({names}); give the folder of one")
    raise InputError(
        f"{path}: expected people/<person>/motion.npz or camera.json in it, found neither"
    )


def _holds_clip(path: Path) -> bool:
    return (path / "camera.json").is_file() or any(path.glob("people/*/motion.npz"))


def _of_folder(path: Path) -> Clip:
    motions = sorted(path.glob("people/*/motion.npz"))
    masks = [place for place in sorted(path.glob("people/*/masks.json")) if place.is_file()]
    camera = path / "camera.json"
    return Clip(
        place=path,
        people={place.parent.name: read_motion_file(place).motion for place in motions},
        camera=read_camera(camera) if camera.is_file() else None,
        camera_first=_first_frame(path),
        masks={place.parent.name: read_masks(place) for place in masks},
    )


def _first_frame(path: Path) -> int:
    """Source frame of a clip's first row; 0 for a folder that is no clip of a film."""
    place = path.resolve()
    named = _CLIP.fullmatch(place.name)
    record = place.parent / "work" / "shots.json"
    if named is None or not record.is_file():
        return 0
    shots = read_shots(record).shots
    number = int(named[1]) - 1
    return shots[number].frames.start if 0 <= number < len(shots) else 0
