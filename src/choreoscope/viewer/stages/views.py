"""Paths from above and figures from the side, as pictures."""

from pathlib import Path

from choreoscope.formats.body_npz import read_body
from choreoscope.formats.camera_json import read_camera
from choreoscope.formats.motion_npz import read_motion
from choreoscope.pipeline.stage import Job, NoOptions, Stage
from choreoscope.viewer.palette import colours_for
from choreoscope.viewer.views import check_picture, side_view_png, top_view_png


def run(job: Job) -> None:
    """Draw both pictures, also when nobody is there."""
    motions = {person: read_motion(path) for person, path in job.inputs("motion").items()}
    camera = read_camera(job.input("camera"))
    bodies = {person: read_body(path) for person, path in job.inputs("body").items()}
    colours = colours_for(motions)
    job.output("top_view").write_bytes(top_view_png(motions, camera, colours))
    job.output("side_view").write_bytes(side_view_png(motions, camera, colours, bodies))


def check(kind: str, path: Path) -> None:
    """Decode the picture."""
    del kind
    check_picture(path)


STAGE = Stage(
    name="views",
    version=2,
    reads=("motion", "camera"),
    optional=("body",),
    writes=("top_view", "side_view"),
    options=NoOptions,
    run=run,
    check=check,
    meaning="paths from above, figures from the side",
)
