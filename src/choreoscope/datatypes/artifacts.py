"""Everything Choreoscope puts on disk: the one table of kinds, and the record of each result."""

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange, FrameSet
from choreoscope.datatypes.passes import PASSES


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactKind:
    """A type of result and its place in the clip's folder.

    Attributes
    ----------
    path : str
        Relative to the clip's folder; ``{person}``, ``{window}`` and ``{frame}`` are filled in, a
        frame as six digits. Names that start with ``work/`` are intermediate results, the rest is
        for the user.
    per : {"film", "clip", "window", "person", "frame"}
        What one file is for.
    meaning : str
        One line for people.
    """

    name: str
    path: str
    per: Literal["film", "clip", "window", "person", "frame"]
    meaning: str


def _table(kinds: Iterable[ArtifactKind]) -> dict[str, ArtifactKind]:
    found: dict[str, ArtifactKind] = {}
    for kind in kinds:
        if found.setdefault(kind.name, kind) is not kind:
            raise InputError(f"two artifact kinds are named '{kind.name}'")
    return found


KINDS: dict[str, ArtifactKind] = _table(
    (
        ArtifactKind(
            name="shots",
            path="work/shots.json",
            per="film",
            meaning="every decoded frame's time stamp, shot cuts, background movement",
        ),
        ArtifactKind(
            name="observations",
            path="work/observations/{window}.npz",
            per="window",
            meaning="what the people back end saw, frame by frame, before identities",
        ),
        ArtifactKind(
            name="identities",
            path="work/people.json",
            per="clip",
            meaning="who is who: the persons found and the decisions that joined them",
        ),
        ArtifactKind(
            name="sequence",
            path="people/{person}/landmarks.npz",
            per="person",
            meaning="track, 2D and 3D landmarks, hands and face of one person",
        ),
        ArtifactKind(
            name="masks",
            path="people/{person}/masks.json",
            per="person",
            meaning="masks of one person, COCO run lengths per source frame",
        ),
        ArtifactKind(
            name="lens",
            path="work/lens.json",
            per="clip",
            meaning="the lens as given, read from a file or assumed",
        ),
        ArtifactKind(
            name="camera_path",
            path="work/camera_path.json",
            per="clip",
            meaning="how the camera moves, solved or imported, before people fix floor and scale",
        ),
        ArtifactKind(
            name="camera",
            path="camera.json",
            per="clip",
            meaning="intrinsics and camera_from_world of every frame",
        ),
        ArtifactKind(
            name="motion",
            path="people/{person}/motion.npz",
            per="person",
            meaning="skeleton, root path, joint rotations, confidence, contacts in the world",
        ),
        ArtifactKind(
            name="body",
            path="people/{person}/body.npz",
            per="person",
            meaning="body shape and model of one person",
        ),
        ArtifactKind(
            name="fit",
            path="work/fit.json",
            per="clip",
            meaning="heights used, floor, and how well the motions agree with what was seen",
        ),
        ArtifactKind(
            name="residuals",
            path="work/residuals/{person}.npz",
            per="person",
            meaning="agreement with what was seen, feet before and after the solve, by frame",
        ),
        ArtifactKind(
            name="bvh",
            path="people/{person}/{person}.bvh",
            per="person",
            meaning="the motion for animation programs (centimetres, Y up)",
        ),
        ArtifactKind(
            name="glb",
            path="people/{person}/{person}.glb",
            per="person",
            meaning="a skinned figure that plays the motion in any glTF viewer",
        ),
        ArtifactKind(
            name="overlay",
            path="overlay.mp4",
            per="clip",
            meaning="skeletons, boxes and ids drawn on the film, sound kept",
        ),
        ArtifactKind(
            name="top_view", path="views/top.png", per="clip", meaning="paths seen from above"
        ),
        ArtifactKind(
            name="side_view", path="views/side.png", per="clip", meaning="figures from the side"
        ),
        ArtifactKind(
            name="shot",
            path="shot.json",
            per="clip",
            meaning="the index of the folder: film, people, files, notes, licence tier",
        ),
        ArtifactKind(
            name="report", path="report.html", per="clip", meaning="one page to look at, offline"
        ),
        ArtifactKind(
            name="matte_state",
            path="work/matte_state/{window}.npz",
            per="window",
            meaning="what a matting network remembers at the end of a window",
        ),
        ArtifactKind(
            name="raw_depth",
            path="work/raw_depth/raw_depth.{frame}.exr",
            per="frame",
            meaning="depth as the back end gives it, before it is fitted to the shot",
        ),
        ArtifactKind(
            name="depth_state",
            path="work/depth_state/{window}.npz",
            per="window",
            meaning="what a depth network remembers at the end of a window",
        ),
        ArtifactKind(
            name="depth_fit",
            path="work/depth_fit.json",
            per="clip",
            meaning="how raw depth becomes metres: scale, offset, gain by frame, residuals",
        ),
        ArtifactKind(
            name="cloud",
            path="cloud/cloud.usdc",
            per="clip",
            meaning="the film lifted into space as an animated point cloud (USD)",
        ),
        *(
            ArtifactKind(name=one.name, path=one.path, per="frame", meaning=one.meaning)
            for one in PASSES.values()
        ),
    )
)

EXTERNAL = "external-"
"""Begins the kinds in which a stage done outside records what it took in: one per such stage."""


def external_kind(stage: str) -> str:
    """Name the kind of record that a stage done outside keeps."""
    return f"{EXTERNAL}{stage}"


def kind_of(name: str) -> ArtifactKind:
    """Look a kind up.

    Raises
    ------
    InputError
        If no such kind exists.
    """
    if name.startswith(EXTERNAL):
        # Users name such stages themselves, so the table cannot list them.
        return ArtifactKind(
            name=name,
            path=f"work/external/{name.removeprefix(EXTERNAL)}/{{window}}.json",
            per="window",
            meaning="which file each frame of a pass was taken from, and how it was converted",
        )
    try:
        return KINDS[name]
    except KeyError:
        raise InputError(f"no artifact kind '{name}'; known: {', '.join(KINDS)}") from None


def frame_name(frame: int) -> str:
    """Source frame as it stands in file names; sorts in time up to a million frames."""
    return f"{frame:06d}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """One file of a result: path relative to the clip's folder, bytes and hash as re-read.

    `frames` are the source frames that a window's or a frame's file covers; None for files of the
    whole clip. `edited` marks a file that was changed by hand since it was made; it is never
    overwritten.
    """

    kind: str
    path: str
    size: int
    sha256: str
    person: str | None = None
    window: str | None = None
    frames: FrameRange | None = None
    edited: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The record of one stage's result; its existence, not a file's, says that the stage is done.

    Attributes
    ----------
    fingerprint : str
        Hash of all causes: stage and version, options, back end and weights, inputs.
    done : FrameSet
        Source frames finished; equal to the clip's when complete.
    failed : dict
        Frame range text to a one-line reason.
    seconds, cpu_seconds, model_cpu_seconds : float
        Time spent: wall, processor, processor inside model calls alone.
    tier : str
        Licence tier of the result.
    origin : {"computed", "imported", "edited"}
        Edited and imported results are inputs and are never overwritten.
    """

    schema: int = 1
    stage: str
    stage_version: int
    fingerprint: str
    backend: str | None
    options: dict[str, Any]
    inputs: dict[str, str]
    files: tuple[WrittenFile, ...]
    done: FrameSet
    failed: dict[str, str]
    notes: tuple[str, ...]
    seconds: float
    cpu_seconds: float
    model_cpu_seconds: float
    tier: str
    origin: Literal["computed", "imported", "edited"] = "computed"
