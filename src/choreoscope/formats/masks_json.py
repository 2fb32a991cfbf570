"""One person's masks as JSON, in the compressed run-length form of the COCO tools.

Schema 1: ``{"schema": 1, "person": "P01", "size": [height, width], "frames": [...],
"segmentations": [{"size": [height, width], "counts": "..."}, ...]}``, one segmentation per source
frame. ``pycocotools.mask.decode`` reads each segmentation as it stands.
"""

import json
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError, ShapeError
from choreoscope.datatypes.people import Mask, MaskTrack

SCHEMA = 1
BITS = 5
CONTINUES = 0x20
SIGN = 0x10
FIRST_CHARACTER = 48
DIFFERENCE_FROM = 3
"""From the fourth run on COCO stores the difference to the run before the last one."""


def write_masks(path: Path, person: str, track: MaskTrack, size: tuple[int, int]) -> None:
    """Write the masks of one person.

    Parameters
    ----------
    person : str
        Id, for example "P01".
    size : (int, int)
        Height and width of the film, pixels; also for a track without a single mask.
    """
    record = {
        "schema": SCHEMA,
        "person": person,
        "size": list(size),
        "frames": track.frames.tolist(),
        "segmentations": [
            {"size": [mask.height, mask.width], "counts": compressed(mask.counts)}
            for mask in track.masks
        ],
    }
    path.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="ascii")


def read_masks(path: Path) -> MaskTrack:
    """Read what `write_masks` wrote.

    Raises
    ------
    InputError
        If the file is absent, damaged or of a newer schema.
    """
    try:
        record = json.loads(path.read_text(encoding="ascii"))
        if record["schema"] != SCHEMA:
            raise InputError(f"{path}: expected masks of schema {SCHEMA}, got {record['schema']}")
        return MaskTrack(
            frames=np.array(record["frames"], dtype=np.int64),
            masks=tuple(
                Mask(height=part["size"][0], width=part["size"][1], counts=runs(part["counts"]))
                for part in record["segmentations"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, ShapeError) as error:
        raise InputError(f"{path} does not hold masks ({error}); run the capture again") from error


def compressed(counts: np.ndarray) -> str:
    """Run lengths as COCO's text: differences, five bits a character, lowest bits first."""
    values = counts.copy()
    values[DIFFERENCE_FROM:] -= counts[1:-2]
    letters: list[str] = []
    for value in values.tolist():
        rest, more = value, True
        while more:
            bits = rest & (CONTINUES - 1)
            rest >>= BITS
            more = rest != (-1 if bits & SIGN else 0)
            letters.append(chr(FIRST_CHARACTER + (bits | CONTINUES if more else bits)))
    return "".join(letters)


def runs(text: str) -> np.ndarray:
    """Run lengths from COCO's text, ``(R,)`` int64.

    Raises
    ------
    InputError
        If the text breaks off.
    """
    values: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - FIRST_CHARACTER
        value |= (bits & (CONTINUES - 1)) << shift
        shift += BITS
        if bits & CONTINUES:
            continue
        if bits & SIGN:
            value -= 1 << shift
        values.append(value + (values[-2] if len(values) >= DIFFERENCE_FROM else 0))
        value = shift = 0
    if shift:
        raise InputError("a run-length text breaks off")
    return np.array(values, dtype=np.int64)
