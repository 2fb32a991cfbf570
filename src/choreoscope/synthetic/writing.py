"""The truth of a made-up shot as files, in the formats a capture delivers its results in."""

import dataclasses
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import OutputError
from choreoscope.formats.bvh import write_bvh
from choreoscope.formats.camera_json import write_camera
from choreoscope.formats.motion_npz import write_motion
from choreoscope.formats.npz import write_arrays
from choreoscope.synthetic.sequences import hand_points
from choreoscope.synthetic.shot import Shot
from choreoscope.synthetic.truth import TruePerson
from choreoscope.synthetic.visibility import hidden, in_camera, in_pixels, inside

SCHEMA, SCHEMA_VERSION = "choreoscope.truth", 1
_POINT_SETS = ("blazepose33", "coco17", "soles", "mass")


def write_truth(folder: Path, shot: Shot) -> Iterator[Path]:
    """Write everything that is known of a shot, one file after the other.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    shot : Shot
        The truth.

    Yields
    ------
    Path
        Each file once it is written: ``camera.json``, ``shot.json``, and for every person
        ``P01.motion.npz``, ``P01.bvh`` and ``P01.truth.npz``.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_camera(folder / "camera.json", shot.camera)
        yield folder / "camera.json"
        (folder / "shot.json").write_text(json.dumps(record(shot), indent=1) + "\n", "utf-8")
        yield folder / "shot.json"
        for number, person in enumerate(shot.people):
            write_motion(
                folder / f"{person.person}.motion.npz", person.motion, person=person.person
            )
            yield folder / f"{person.person}.motion.npz"
            write_bvh(folder / f"{person.person}.bvh", person.motion)
            yield folder / f"{person.person}.bvh"
            path = folder / f"{person.person}.truth.npz"
            write_arrays(path, SCHEMA, SCHEMA_VERSION, _arrays(shot, number, person))
            yield path
    except OSError as cause:
        raise OutputError(f"{folder}: cannot be written: {cause.strerror}") from cause


def record(shot: Shot) -> dict[str, object]:
    """Sum up a shot in plain JSON: what was asked for, and what people and camera are."""
    asked = {name: _plain(value) for name, value in dataclasses.asdict(shot.spec).items()}
    people = [
        {
            "person": one.person,
            "body": one.model.name,
            "stature_m": round(one.stature, 4),
            "shape": [round(float(value), 5) for value in one.shape],
            "flights_s": [[round(leave, 4), round(land, 4)] for leave, land in one.flights],
            "beats_s": [round(float(beat), 4) for beat in one.beats],
        }
        for one in shot.people
    ]
    return {
        "schema": "choreoscope.synthetic-shot",
        "schema_version": 1,
        "asked": asked,
        "camera": {
            "kind": shot.filming.kind,
            "movement": shot.filming.movement,
            "zooms": shot.filming.zooms,
        },
        "frames": len(shot.times.seconds),
        "people": people,
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Fraction | Path) else value


def _arrays(shot: Shot, number: int, person: TruePerson) -> dict[str, np.ndarray]:
    """Contacts, points in the world, in pixels, and whether the camera sees them."""
    arrays = {
        "person": np.array(person.person),
        "shape": person.shape.astype(np.float64),
        "stature": np.array(person.stature),
        "times": person.motion.times,
        "contact_names": np.array(person.contact_names, dtype=np.str_),
        "contacts": person.contacts,
        "hands_world": hand_points(person).astype(np.float32),
    }
    for name in _POINT_SETS:
        world = person.point_set(name)
        seen = in_camera(world, shot.camera)
        pixels = in_pixels(seen, shot.camera)
        shown = inside(pixels, shot.camera) & ~hidden(seen, number, shot.people, shot.camera)
        arrays |= {
            f"{name}_world": world.astype(np.float32),
            f"{name}_pixels": pixels.astype(np.float32),
            f"{name}_visible": shown,
            f"{name}_names": np.array(person.model.points[name].names, dtype=np.str_),
        }
    return arrays
