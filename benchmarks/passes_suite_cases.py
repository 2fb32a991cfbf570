"""Synthetic shots for the film passes: what is true, and what a pass model is told of them."""

import dataclasses
from fractions import Fraction

import numpy as np

from choreoscope.capture.passes.interfaces import Performer, ShotContext
from choreoscope.datatypes.camera import CameraTrack
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.motion import Motion
from choreoscope.formats.body_npz import BodyFile
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.solve.shot import solve_shot
from choreoscope.synthetic.evidence import NoiseSpec
from choreoscope.synthetic.shot import Shot, ShotSpec, make_shot
from choreoscope.synthetic.shot_evidence import shot_evidence

SIZE = (640, 360)
RUN = 3
"""Frames that follow each other, so that flicker can be seen."""
_RATE, _SECONDS = Fraction(25), 2.4


def specs() -> list[ShotSpec]:
    """List the shots: each shows one thing that is hard."""
    common = ShotSpec(size=SIZE, rate=_RATE, seconds=_SECONDS)

    def spec(name: str, seed: int, **fields: object) -> ShotSpec:
        return dataclasses.replace(common, name=name, seed=7000 + seed, **fields)  # type: ignore[arg-type]

    return [
        spec("whole", 1, camera="static"),
        spec("cropped", 2, people=2, camera="handheld", fill=1.8),
        spec("floor work", 3, camera="pan", floor_work=("kneel", "sit"), seconds=5.0),
        spec("jumps", 4, camera="tilt", energy=0.95, seconds=4.0),
        spec("touching", 5, people=2, camera="static", partner=True),
        spec("very small", 6, people=3, camera="crane", fill=0.25),
        spec("leaving", 7, people=2, camera="static", leaving=True, seconds=4.0),
    ]


def truth_of(spec: ShotSpec) -> Shot:
    """Make a shot whose bodies are rendered with their full surface."""
    shot = make_shot(spec)
    return dataclasses.replace(shot, spec=dataclasses.replace(spec, detail="full"))


def runs(shot: Shot) -> list[FrameRange]:
    """Stretches that are scored: three, spread over the shot, clear of its ends."""
    count = len(shot.times.seconds)
    starts = np.linspace(1, count - RUN - 1, 3).astype(int)
    return [FrameRange(int(start), int(start) + RUN) for start in starts]


def exact(shot: Shot) -> ShotContext:
    """Give what is true, in the form a solve leaves."""
    people = {one.person: (one.model, one.shape, one.motion) for one in shot.people}
    return _context(shot, shot.camera, people)


def solved(shot: Shot) -> ShotContext:
    """Give what the shot solve makes of noisy evidence; no height is told."""
    told = shot_evidence(shot, NoiseSpec(), np.random.default_rng([shot.spec.seed, 1]))
    result = solve_shot(told)
    people = {name: (one.model, one.shape, one.motion) for name, one in result.people.items()}
    return _context(shot, result.camera, people)


def _context(
    shot: Shot,
    camera: CameraTrack,
    people: dict[str, tuple[BodyModel, np.ndarray, Motion]],
) -> ShotContext:
    return ShotContext(
        size=shot.spec.size,
        rate=shot.spec.rate,
        frames=FrameRange(0, len(shot.times.seconds)),
        camera=camera,
        performers={
            name: Performer(
                person=name,
                boxes_xyxy={},
                masks={},
                motion=motion,
                body=BodyFile(
                    person=name,
                    model=model.name,
                    shape=shape,
                    scale=1.0,
                    stature=model.stature(shape),
                    tier=model.tier,
                ),
            )
            for name, (model, shape, motion) in people.items()
        },
    )
