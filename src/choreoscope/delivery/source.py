"""What a result holds that can be delivered: its clips, their passes, camera and film."""

import dataclasses
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.artifacts import KINDS
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.models import Tier
from choreoscope.datatypes.passes import PASSES
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.cryptomatte import cryptomattes_of, names_of
from choreoscope.formats.exr import exr_texts, open_exr
from choreoscope.formats.passes import AXES, IDS, UNIT
from choreoscope.formats.shots_json import read_shots
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.manifest import read_manifest

FILM_FILE = "film.json"
ORIGIN = "origin"
"""Header attribute that says what made the numbers."""
STEADY = 0.25
"""Part of a frame's time by which time stamps may stray before frames are dealt out anew."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClipSource:
    """One clip of a result.

    Attributes
    ----------
    shot : str
        Begins the names of all delivered files: plain letters, digits, ``-`` and ``_``.
    frames : FrameRange
        Source frames of the clip.
    rate : Fraction
        Frames per second.
    seconds : (T,) float or None
        When each source frame of the clip is shown; None where the result does not say.
    film : Path or None
        The film, if it is where it was.
    camera : CameraTrack or None
        Row ``f - frames.start`` belongs to frame f.
    passes : dict of str to dict of int to Path
        Finished passes: source frame to file, as the manifests have them.
    tiers : dict of str to str
        Licence tier of each pass.
    ids : dict of str to tuple of str
        Names in the passes "people" and "parts".
    told : dict of str to dict of str to str
        What the files of each pass say of themselves: "origin", "unit", "axes".
    """

    shot: str
    clip: str
    folder: Path
    frames: FrameRange
    rate: Fraction
    size: tuple[int, int]
    seconds: np.ndarray | None
    film: Path | None
    camera: CameraTrack | None
    passes: Mapping[str, Mapping[int, Path]]
    tiers: Mapping[str, str]
    ids: Mapping[str, tuple[str, ...]]
    told: Mapping[str, Mapping[str, str]]

    @property
    def tier(self) -> str:
        """The strictest licence tier of its passes."""
        order = list(Tier)
        tiers = [Tier(tier) for tier in self.tiers.values()]
        return str(max(tiers, key=order.index, default=Tier.COMMERCIAL))

    def source_frames(self, wanted: FrameRange) -> list[int]:
        """Source frame of every delivered frame, at a steady rate.

        Where the film's own time stamps are not steady, frames are repeated or left out so that
        each is shown when it was.
        """
        frames = list(wanted)
        if self.seconds is None or len(frames) < 2:  # noqa: PLR2004
            return frames
        shown = self.seconds[wanted.start - self.frames.start : wanted.stop - self.frames.start]
        ticks = (shown - shown[0]) * float(self.rate)
        if np.abs(ticks - np.arange(len(ticks))).max() < STEADY:
            return frames
        steady = np.arange(round(float(ticks[-1])) + 1)
        # Each frame reigns half-way to its neighbours.
        nearest = np.searchsorted((ticks[1:] + ticks[:-1]) / 2, steady)
        return [frames[at] for at in nearest.tolist()]


def clips_of(result: Path, film: Path | None = None) -> list[ClipSource]:
    """Open a result folder: all clips of a film, or the one whose folder is named.

    Parameters
    ----------
    film : Path or None
        The film, if it lies elsewhere than when it was captured.

    Raises
    ------
    InputError
        If it is no result folder, or its records do not read.
    """
    root, only = _root(result)
    record = _record(root)
    try:
        clips = {
            str(clip["id"]): FrameRange(*(int(bound) for bound in clip["frames"]))
            for clip in record["clips"]
        }
        rate = Fraction(record["rate"])
        size = (int(record["size"][0]), int(record["size"][1]))
        stated = Path(record["path"])
    except (KeyError, TypeError, ValueError) as damage:
        raise InputError(f"{root / FILM_FILE}: cannot be read ({damage})") from damage
    if not clips:
        raise InputError(f"{root} holds no clips yet; run 'choreoscope capture' first")
    if film is not None and not film.exists():
        raise InputError(f"--film: no such file: {film}")
    picture = film or (stated if stated.exists() else None)
    stem = _plain(Path(str(record.get("film", root.name))).stem)
    return [
        _clip(
            root / name,
            shot=stem if len(clips) == 1 else f"{stem}_{name}",
            frames=frames,
            rate=rate,
            size=size,
            film=picture,
        )
        for name, frames in clips.items()
        if only in (None, name)
    ]


def _root(result: Path) -> tuple[Path, str | None]:
    if (result / FILM_FILE).is_file():
        return result, None
    place = result.resolve()
    if (place.parent / FILM_FILE).is_file():
        return place.parent, place.name
    raise InputError(
        f"{result} is no result folder: expected {FILM_FILE} in it, or in the folder above that of "
        f"a clip; 'choreoscope capture FILM --out {result}' makes one"
    )


def _record(root: Path) -> dict[str, Any]:
    try:
        record = json.loads((root / FILM_FILE).read_text("utf-8"))
    except (OSError, ValueError) as damage:
        raise InputError(f"{root / FILM_FILE}: cannot be read ({damage})") from damage
    if not isinstance(record, dict):
        raise InputError(f"{root / FILM_FILE}: cannot be read (no table)")
    return record


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "shot"


def _clip(
    folder: Path,
    *,
    shot: str,
    frames: FrameRange,
    rate: Fraction,
    size: tuple[int, int],
    film: Path | None,
) -> ClipSource:
    passes, tiers = _passes(folder)
    camera = folder / KINDS["camera"].path
    return ClipSource(
        shot=shot,
        clip=folder.name,
        folder=folder,
        frames=frames,
        rate=rate,
        size=size,
        seconds=_seconds(folder.parent, frames),
        film=film,
        camera=read_camera(camera) if camera.exists() else None,
        passes=passes,
        tiers=tiers,
        ids={name: _names(name, passes[name]) for name in IDS if name in passes},
        told={name: _told(files) for name, files in passes.items()},
    )


def _passes(folder: Path) -> tuple[dict[str, dict[int, Path]], dict[str, str]]:
    found: dict[str, dict[int, Path]] = {}
    tiers: dict[str, str] = {}
    place = ClipFolder(folder)
    for manifest_file in sorted(place.manifest("x").parent.glob("*.json")):
        manifest = read_manifest(place, manifest_file.stem)
        for file in manifest.files if manifest is not None else ():
            if file.kind in PASSES and file.frames is not None and manifest is not None:
                found.setdefault(file.kind, {})[file.frames.start] = folder / file.path
                tiers[file.kind] = manifest.tier
    return found, tiers


def _names(name: str, files: Mapping[int, Path]) -> tuple[str, ...]:
    """Names in the first file's manifest; every frame has the same."""
    path = _first(files)
    if path is None:
        return ()
    known = cryptomattes_of(open_exr(path))
    if IDS[name] not in known:
        raise InputError(f"{path}: expected a Cryptomatte '{IDS[name]}'")
    return names_of(known[IDS[name]], path)


def _told(files: Mapping[int, Path]) -> dict[str, str]:
    """Read what the first file of a pass says of itself; PNG files say nothing."""
    path = _first(files)
    if path is None or path.suffix != ".exr":
        return {}
    texts = exr_texts(path)
    return {key: texts[key] for key in (ORIGIN, UNIT, AXES) if key in texts}


def _first(files: Mapping[int, Path]) -> Path | None:
    """Find the first file of a pass that is still there."""
    return next((path for _, path in sorted(files.items()) if path.exists()), None)


def _seconds(root: Path, frames: FrameRange) -> np.ndarray | None:
    path = root / KINDS["shots"].path
    if not path.exists():
        return None
    shots = read_shots(path)
    decoded = np.array(list(shots.decoded))
    if not len(decoded):
        return None
    # There are time stamps of the frames that decode only; the others lie between them.
    pts = np.interp(np.arange(frames.start, frames.stop), decoded, shots.pts)
    return np.asarray(pts * float(shots.time_base))
