"""A finished capture, and ways to hurt it."""

import dataclasses
import json
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from choreoscope.capture.config import configure
from choreoscope.capture.film import FilmResult, capture_configured
from choreoscope.capture.repair import Repaired, repair
from choreoscope.capture.result_folder import open_result
from choreoscope.cli import main as command_line
from choreoscope.formats.bvh import write_bvh
from choreoscope.formats.motion_npz import read_motion, write_motion
from choreoscope.formats.npz import open_arrays, write_arrays
from choreoscope.formats.observations import read_observations, write_observations
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.pipeline import events
from choreoscope.pipeline.digests import sha256_of
from choreoscope.pipeline.verify import Findings, verify

FRAMES = 40
SIZE = (96, 72)
WINDOW = 8
CLIP = "clip-001"
BVH = "people/P01/P01.bvh"
MOTION = "people/P01/motion.npz"
MIDDLE = "work/observations/00000016-00000024.npz"
# What is hurt and mended are files; the shot solve would be most of the time of every run.
CONFIGURATION = (
    "stages:\n  people:\n    window_frames: 8\n  lift:\n    method: separate\n"
    "people:\n  backend: fake\n"
)
SETTINGS = "run:\n  executor: inline\n"


def captured(film: Path, out: Path, **said: Any) -> tuple[FilmResult, list[str]]:
    """Capture, and list the stages that really ran."""
    file = out.parent / f"{out.name}.yaml"
    heights = "".join(f"    {name}: {metres}\n" for name, metres in said.items())
    people = f"  heights:\n{heights}" if said else ""
    file.write_text(CONFIGURATION + people + SETTINGS)
    heard: list[events.Event] = []
    result = capture_configured(film, out, configure(file).values, heard.append)
    return result, [event.stage for event in heard if isinstance(event, events.StageStarted)]


def look(result: Path) -> Findings:
    return verify(open_result(result).units)


def mended(result: Path, **choices: Any) -> tuple[Repaired, list[str], int]:
    """Repair; list the stages that ran and how many frames the people stage made."""
    heard: list[events.Event] = []
    done = repair(result, events=heard.append, **choices)
    ran = [event.stage for event in heard if isinstance(event, events.StageStarted)]
    people = [
        e.missing for e in heard if isinstance(e, events.StageStarted) and e.stage == "people"
    ]
    return done, ran, sum(people)


def vouch(result: Path, path: str, unit: str = CLIP) -> None:
    """Let the record say that this is what the stage made."""
    root = result / unit
    for manifest in (root / "work" / "manifests").glob("*.json"):
        record = json.loads(manifest.read_text("utf-8"))
        for file in record["files"]:
            if file["path"] == path:
                file["size"] = (root / path).stat().st_size
                file["sha256"] = sha256_of(root / path)
                manifest.write_text(json.dumps(record), "utf-8")
                return
    raise AssertionError(path)


def overlay(path: Path, frames: int = FRAMES, size: tuple[int, int] = SIZE) -> None:
    picture = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    with FilmWriter(path, size=size, rate=Fraction(25), time_base=Fraction(1, 12800)) as writer:
        for frame in range(frames):
            writer.write(picture, frame * 512)


def shifted(path: Path) -> None:
    motion = read_motion(path)
    moved = dataclasses.replace(motion, first_frame=motion.first_frame + FRAMES)
    write_motion(path, moved, person="P01")


def all_nan(path: Path) -> None:
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["root_position"] = np.full_like(arrays["root_position"], np.nan)
    names = ("schema", "schema_version")
    rest = {name: array for name, array in arrays.items() if name not in names}
    write_arrays(path, str(arrays["schema"]), int(arrays["schema_version"]), rest)


def all_nan_landmarks(path: Path) -> None:
    with open_arrays(path, "choreoscope.landmarks", 1) as stored:
        arrays = {name: stored[name] for name in stored if not name.startswith("schema")}
    arrays["points_px"] = np.full_like(arrays["points_px"], np.nan)
    write_arrays(path, "choreoscope.landmarks", 1, arrays)


def without_last(path: Path) -> None:
    write_observations(path, read_observations(path)[:-1])


def other_size(path: Path) -> None:
    path.write_text(path.read_text().replace(f'"width": {SIZE[0]}', '"width": 97'))


def shorter(path: Path) -> None:
    motion = read_motion(path.parent / "motion.npz")
    kept = {
        name: getattr(motion, name)[:-3]
        for name in ("times", "root_position", "rotations", "confidence", "contacts")
    }
    write_bvh(path, dataclasses.replace(motion, **kept))


Hurt = Callable[[Path], None]

LIES: dict[str, tuple[str, Hurt, str, str, str]] = {
    "an overlay of another size": (
        "overlay.mp4",
        lambda path: overlay(path, size=(64, 48)),
        "pictures of 96 x 72 px",
        "64 x 48 px",
        "overlay",
    ),
    "a frame too many": (
        "overlay.mp4", lambda path: overlay(path, FRAMES + 1), "40 frames", "41", "overlay",
    ),
    "a frame too few": (
        "overlay.mp4", lambda path: overlay(path, FRAMES - 1), "40 frames", "39", "overlay",
    ),
    "a motion of nothing": (MOTION, all_nan, "a file that opens", "not finite", "lift"),
    "landmarks of nothing": (
        "people/P01/landmarks.npz",
        all_nan_landmarks,
        "a file that opens",
        "not a single finite number",
        "identities",
    ),
    "a motion of other frames": (MOTION, shifted, "no frames but 0:40", "some for 40:80", "lift"),
    "a window without its last frame": (
        MIDDLE, without_last, "frames 16:24", "none for 23:24", "people",
    ),
    "a lens for other pictures": (
        "work/lens.json", other_size, "pictures of 96 x 72 px", "97 x 72 px", "lens",
    ),
    "a BVH shorter than the motion": (BVH, shorter, "40 frames", "37", "bvh"),
}  # fmt: skip
"""What a stage might have made and vouched for: file, damage, expected, got, stage."""


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def tampered(path: Path) -> None:
    text = path.read_text()
    assert "0.0" in text
    path.write_text(text[:-4] + ("1" if text[-4] != "1" else "2") + text[-3:])


HURTS: dict[str, tuple[str, Hurt, str, str]] = {
    "cut off": (MOTION, cut, "", "lift"),
    "a cut BVH": (BVH, cut, "cut short", "bvh"),
    "a cut film": ("overlay.mp4", cut, "", "overlay"),
    "a cut page": ("report.html", cut, "not whole", "report"),
    "a flipped bit": (MOTION, flip, "", "lift"),
    "emptied": ("shot.json", lambda path: path.write_text(""), "0 bytes", "index"),
    "removed": ("views/top.png", Path.unlink, "no such file", "views"),
    "a removed window": (MIDDLE, Path.unlink, "no such file", "people"),
    "a cut window": (MIDDLE, cut, "", "people"),
    "a damaged record": (
        "work/manifests/lift.json", cut, "not a readable manifest", "lift",
    ),
}  # fmt: skip
"""File, damage, got, stage that makes it."""


def choreoscope(*arguments: str | Path) -> int:
    """Run the command in this process; gives its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["choreoscope", *(str(one) for one in arguments)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
    return int(ended.value.code or 0)
