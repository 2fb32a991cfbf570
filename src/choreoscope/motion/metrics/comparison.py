"""Compare a result with a truth: every score there is evidence for."""

import dataclasses
from collections.abc import Callable
from typing import get_args

import numpy as np

from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.errors import InputError
from choreoscope.motion.metrics import cameras, image, masks, overlaps, person_scores, tracks
from choreoscope.motion.metrics.clips import Clip
from choreoscope.motion.metrics.pairing import Pairing, pair
from choreoscope.motion.metrics.score import Group, Score, of_people

GROUPS: tuple[Group, ...] = get_args(Group)
_WITHIN = 1.0
"""Metres between roots at which two people have nothing in common."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came out.

    Attributes
    ----------
    pairing : Pairing or None
        Who was compared with whom; None where only cameras or masks could be compared.
    scores : tuple of Score
        In the order of `GROUPS`.
    left_out : tuple of str
        Sentences about what could not be compared, and why.
    """

    pairing: Pairing | None
    scores: tuple[Score, ...]
    left_out: tuple[str, ...]


def compare(
    result: Clip, truth: Clip, *, only: tuple[Group, ...] = GROUPS, fingers: bool = False
) -> Comparison:
    """Score a result.

    Parameters
    ----------
    result, truth : Clip
        As read by `clips.read_clip`.
    only : tuple of str
        Groups of scores to make.
    fingers : bool
        Compare the joints of the fingers, too.

    Raises
    ------
    InputError
        If nothing at all can be compared, or what can cannot be lined up.
    """
    pairing = pair(result, truth, fingers=fingers) if result.people and truth.people else None
    left_out = []
    if pairing is None:
        empty = truth.place if not truth.people else result.place
        left_out.append(f"no people in {empty}")
    found = _nobody(truth) if truth.people and not result.people and "people" in only else []
    for group in only:
        if group in _OF_PEOPLE and pairing is not None:
            found += _OF_PEOPLE[group](pairing)
        elif group in _OF_CLIPS:
            scores, why = _OF_CLIPS[group](result, truth, pairing)
            found += scores
            left_out += [f"{group}: {why}"] if why else []
    if not found:
        raise InputError(
            f"{result.place} and {truth.place}: nothing to compare ({'; '.join(left_out)})"
        )
    order = {group: place for place, group in enumerate(GROUPS)}
    found.sort(key=lambda score: order[score.group])
    return Comparison(pairing=pairing, scores=tuple(found), left_out=tuple(left_out))


def _nobody(truth: Clip) -> list[Score]:
    """Score a result without a single person."""
    count = float(len(truth.people))
    return [
        Score(
            name="people_matched", group="people", unit="", value=0.0, truth=count, better="truth"
        )
    ]


Scored = tuple[list[Score], str]


def _image(result: Clip, truth: Clip, pairing: Pairing | None) -> Scored:
    """Both sides as their own cameras see them; the truth's picture is the 2D truth."""
    if pairing is None or result.camera is None or truth.camera is None:
        return [], "needs people and a camera.json on both sides"
    errors = {}
    for row, name in enumerate(pairing.people):
        own = _seen(pairing.result.joints[row], pairing.first_frame, result)
        true = _seen(pairing.truth.joints[row], pairing.first_frame, truth)
        size = np.array([truth.camera.width, truth.camera.height])
        # Beside the picture, and above all beside the lens, pixels mean nothing.
        inside = np.all((true >= 0) & (true <= size), axis=-1)
        errors[name] = np.where(inside, np.linalg.norm(own - true, axis=-1), np.nan)
    return [of_people("reprojection", "image", "px", errors)], ""


def _seen(joints: np.ndarray, first: int, clip: Clip) -> np.ndarray:
    pixels = np.full((*joints.shape[:-1], 2), np.nan)
    camera = clip.camera
    if camera is not None:
        begin = max(first, clip.camera_first)
        stop = min(first + len(joints), clip.camera_first + len(camera.intrinsics))
        if stop > begin:
            part = _cut(camera, begin - clip.camera_first, stop - clip.camera_first)
            pixels[begin - first : stop - first] = image.shown(
                joints[begin - first : stop - first], part
            )
    return pixels


def _camera(result: Clip, truth: Clip, _: Pairing | None) -> Scored:
    if result.camera is None or truth.camera is None:
        return [], "needs a camera.json on both sides"
    starts = result.camera_first, truth.camera_first
    stop = min(
        clip_start + len(camera.intrinsics)
        for clip_start, camera in zip(starts, (result.camera, truth.camera), strict=True)
    )
    begin = max(starts)
    if stop <= begin:
        return [], "the two cameras share no frame"
    own, true = (
        _cut(camera, begin - start, stop - start)
        for camera, start in zip((result.camera, truth.camera), starts, strict=True)
    )
    rigid, similar = (cameras.camera_scores(own, true, gauge=gauge) for gauge in ("se3", "sim3"))
    pairs = (
        ("ate", "mm", rigid.ate_mm),
        ("ate_scaled", "mm", similar.ate_mm),
        ("ate_per_metre", "mm/m", rigid.ate_mm_per_metre),
        ("rpe_translation", "mm/frame", rigid.step_mm),
        ("rpe_rotation", "deg/frame", rigid.step_degrees),
        ("rotation_error", "deg", rigid.rotation_degrees),
        ("camera_scale_error", "%", rigid.scale_error_percent),
        ("focal_error", "%", rigid.focal_percent),
    )
    return [
        Score(
            name=name,
            group="camera",
            unit=unit,
            value=value,
            better="zero" if name == "camera_scale_error" else "lower",
        )
        for name, unit, value in pairs
    ], ""


def _cut(camera: CameraTrack, begin: int, stop: int) -> CameraTrack:
    return dataclasses.replace(
        camera,
        intrinsics=camera.intrinsics[begin:stop],
        camera_from_world=camera.camera_from_world[begin:stop],
    )


def _tracks(result: Clip, truth: Clip, _: Pairing | None) -> Scored:
    """Who is who over time, by masks."""
    if not result.masks or not truth.masks:
        return [], "needs masks.json on both sides"
    found = overlaps.overlaps_of_masks(result.masks, truth.masks)
    clear, identity = tracks.clear_scores(found), tracks.identity_scores(found)
    hota = tracks.hota_scores(found)
    shares = {
        "hota": hota.hota,
        "deta": hota.detection,
        "assa": hota.association,
        "idf1": identity.idf1,
        "mota": clear.mota,
        "motp": clear.motp,
    }
    counts = {"id_switches": clear.switches, "fragmentations": clear.fragmentations}
    return [
        Score(name=name, group="tracks", unit="%", value=100.0 * value, better="higher")
        for name, value in shares.items()
    ] + [
        Score(name=name, group="tracks", unit="", value=float(count))
        for name, count in counts.items()
    ], ""


def _masks(result: Clip, truth: Clip, pairing: Pairing | None) -> Scored:
    if not result.masks or not truth.masks:
        return [], "needs masks.json on both sides"
    people = pairing.people if pairing is not None else {name: name for name in truth.masks}
    regions, outlines = {}, {}
    for name, track in truth.masks.items():
        own = result.masks.get(people.get(name, ""))
        j, f = masks.track_scores(own, track)
        regions[name], outlines[name] = 100.0 * j, 100.0 * f
    return [
        of_people("j", "masks", "%", regions, better="higher"),
        of_people("f", "masks", "%", outlines, better="higher"),
    ], ""


_OF_PEOPLE: dict[Group, Callable[[Pairing], list[Score]]] = {
    "people": person_scores.people_scores,
    "pose": person_scores.pose_scores,
    "world": person_scores.world_scores,
    "movement": person_scores.movement_scores,
    "feet": person_scores.feet_scores,
}
_OF_CLIPS: dict[Group, Callable[[Clip, Clip, Pairing | None], Scored]] = {
    "image": _image,
    "camera": _camera,
    "tracks": _tracks,
    "masks": _masks,
}
