"""What is known of a shot, gathered from a job's inputs for the models that make passes."""

from choreoscope.capture.passes.interfaces import Performer, ShotContext
from choreoscope.formats.body_npz import read_body
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.masks_json import read_masks
from choreoscope.formats.motion_npz import read_motion
from choreoscope.formats.sequence import read_sequence
from choreoscope.pipeline.stage import Job

KNOWS = ("sequence", "masks", "camera", "motion", "body")
"""Kinds `shot_context` reads; a stage declares each as read or as optional."""


def shot_context(job: Job) -> ShotContext:
    """Gather what is there; a stage that declares all of `KNOWS` may call it.

    Raises
    ------
    InputError
        If a file does not read back.
    """
    masks, motions, bodies = job.inputs("masks"), job.inputs("motion"), job.inputs("body")
    performers = {}
    for person, path in job.inputs("sequence").items():
        sequence = read_sequence(path).sequence
        track = read_masks(masks[person]) if person in masks else None
        performers[person] = Performer(
            person=person,
            boxes_xyxy=dict(zip(sequence.frames.tolist(), sequence.boxes_xyxy, strict=True)),
            masks=dict(zip(track.frames.tolist(), track.masks, strict=True)) if track else {},
            motion=read_motion(motions[person]) if person in motions else None,
            body=read_body(bodies[person]) if person in bodies else None,
        )
    cameras = job.inputs("camera")
    return ShotContext(
        size=(job.video.width, job.video.height),
        rate=job.video.rate,
        frames=job.frames,
        camera=read_camera(next(iter(cameras.values()))) if cameras else None,
        performers=performers,
        film=job.video,
    )
