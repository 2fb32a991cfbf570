"""A delivery as from SwitchLight: gaps, a late pass, a wrong-sized frame, until it is whole."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import captures
from benchmarks.night_films import even, pictures, write

FILM = "tfjs_squats/pose_squats.mp4"
STAGE = "switchlight"
UNALPHA = (10, 11, 12)
WRONG_SIZE = 20
FIRST = 1001
DEPTH_CENTIMETRES = (427.65, 568.69)
PASSES = ("alpha", "base_color", "normals", "depth", "roughness")


class Artist:
    """Somebody with another program, who delivers in pieces.

    Parameters
    ----------
    film : Path
        What is captured.
    folder : Path
        Where the run looks for the delivery.
    """

    def __init__(self, film: Path, folder: Path) -> None:
        self.plates = list(pictures(film, 1_000_000))
        self.size = self.plates[0].shape[:2]
        self.folder = folder

    def first_delivery(self) -> None:
        """Deliver most of it: mattes lack frames, one normal map is too small, no roughness."""
        for frame in range(len(self.plates)):
            if frame not in UNALPHA:
                self.png("Alpha", FIRST + frame, self.matte(frame))
            self.png("Normal", FIRST + frame, self.normals(small=frame == WRONG_SIZE))
            self.depth(frame)
        write(self.folder / "squats_BaseColor.mp4", self.plates, even(len(self.plates)))

    def late_pass(self) -> None:
        """Deliver the roughness, and the normal map once more in the right size."""
        for frame in range(len(self.plates)):
            self.png("Roughness", FIRST + frame, np.full(self.size, 90, np.uint8))
        self.png("Normal", FIRST + WRONG_SIZE, self.normals(small=False))

    def answer(self, missing: Path) -> list[int]:
        """Process what was handed out; return the source frames of it."""
        numbers = json.loads((missing / "missing.json").read_text("utf-8"))[
            "source_frame_of_number"
        ]
        for number, frame in numbers.items():
            if frame in UNALPHA:
                folder = missing / "results/alpha"
                self.save(folder / f"alpha.{int(number):04d}.png", self.matte(frame))
        return sorted(numbers.values())

    def matte(self, frame: int) -> np.ndarray:
        """Draw a disc that moves."""
        rows, columns = np.indices(self.size)
        middle = self.size[1] / 2 + frame
        inside = (rows - self.size[0] / 2) ** 2 + (columns - middle) ** 2 < (self.size[1] / 3) ** 2
        return np.where(inside, 255, 0).astype(np.uint8)

    def normals(self, *, small: bool) -> np.ndarray:
        """Make a wall that is slightly curved."""
        height, width = (side // 2 if small else side for side in self.size)
        across = np.linspace(-0.3, 0.3, width)
        vector = np.stack([across, np.zeros(width), np.sqrt(1 - across**2)], axis=-1)
        return np.tile(np.rint((vector + 1) / 2 * 255).astype(np.uint8), (height, 1, 1))

    def depth(self, frame: int) -> None:
        """Values that look like centimetres inside the matte and 0 outside, as EXR."""
        import OpenEXR

        near, far = DEPTH_CENTIMETRES
        ramp = np.linspace(near, far, self.size[0], dtype=np.float32)[:, None]
        values = np.where(self.matte(frame) > 0, ramp, np.float32(0.0)).astype(np.float32)
        path = self.folder / "Depth" / f"depth_{FIRST + frame:04d}.exr"
        path.parent.mkdir(parents=True, exist_ok=True)
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        half = values.astype(np.float16)
        OpenEXR.File(header, {"R": half, "G": half, "B": half}).write(str(path))

    def png(self, name: str, number: int, values: np.ndarray) -> None:
        """Write one picture of a pass."""
        self.save(self.folder / name / f"{name}_{number:04d}.png", values)

    def save(self, path: Path, values: np.ndarray) -> None:
        """Write a picture; colours are RGB."""
        import cv2

        path.parent.mkdir(parents=True, exist_ok=True)
        _, data = cv2.imencode(".png", values[:, :, ::-1] if values.ndim > 2 else values)
        path.write_bytes(data.tobytes())


def main() -> int:
    """Deliver three times, print what the run made of it, and return 0 when it ends whole."""
    bad: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        film, out = Path(folder) / "squats.mp4", Path(folder) / "result"
        source = captures.shared_data() / "video" / FILM
        shot = list(pictures(source, 1_000_000))
        write(film, shot, even(len(shot)))
        delivered = Path(folder) / "from the other program"
        delivered.mkdir()
        artist = Artist(source, delivered)
        options = [f"--external.{STAGE}.folder", str(delivered), "--people.backend", "fake"]
        options += [f"--external.{STAGE}.timeout", "4s", f"--external.{STAGE}.quiet_seconds", "0"]
        for name in PASSES:
            options += [f"--external.{STAGE}.passes.{name}", "{}"]
        artist.first_delivery()
        bad += _step("first delivery", film, out, options, {7})
        missing = sorted((out / "clip-001/missing" / STAGE).glob("*-frames-*"))
        handed_out = artist.answer(missing[0]) if missing else []
        print(f"handed out again: {len(handed_out)} frames")
        artist.late_pass()
        bad += _step("late pass, answers merged", film, out, options, {0})
        bad += _step("once more", film, out, options, {0})
        bad += _whole(out, len(shot))
    print(f"limits that do not hold: {', '.join(bad) or 'none'}")
    return 1 if bad else 0


def _step(what: str, film: Path, out: Path, options: list[str], codes: set[int]) -> list[str]:
    run = captures.capture(film, out, *options)
    manifest = json.loads((out / f"clip-001/work/manifests/{STAGE}.json").read_text("utf-8"))
    print(f"{what}: exit {run.code} in {run.wall:.0f} s")
    for frames, why in manifest["failed"].items():
        print(f"  frames {frames}: {why}")
    for note in manifest["notes"]:
        print(f"  note: {note}")
    return [] if run.code in codes else [f"{what} (exit {run.code}: {run.errors[-300:]})"]


def _whole(out: Path, frames: int) -> list[str]:
    from choreoscope.formats.exr import read_exr

    bad = []
    for name in PASSES:
        count = len(list((out / "clip-001/passes" / name).glob(f"{name}.*")))
        print(f"{name}: {count} of {frames} frames")
        if count != frames:
            bad.append(name)
    first = next((out / "clip-001/passes/depth").glob("*.000000.exr"))
    picture = read_exr(first)
    inside = picture.pixels[picture.pixels > 0]
    print(f"depth inside the matte: {inside.min():.4f} to {inside.max():.4f} m")
    near, far = DEPTH_CENTIMETRES
    if inside.min() < near / 100 - 5e-3 or inside.max() > far / 100 + 5e-3:
        bad.append("depth in metres")
    if list((out / "clip-001/missing").rglob("plate.*")):
        bad.append("frames are still handed out")
    return bad


if __name__ == "__main__":
    sys.exit(main())
