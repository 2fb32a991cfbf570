"""What it costs to look at a finished shot of 100,000 frames: by its records, or all of it."""

import dataclasses
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.engine import clip_of, seconds_of
from choreoscope.capture.interfaces import PeopleInFrame
from choreoscope.capture.stages.people import STAGE, contents, window_name
from choreoscope.datatypes.models import RunSettings
from choreoscope.datatypes.people import PersonObservation
from choreoscope.formats.observations import write_observations
from choreoscope.pipeline.folder import ClipFolder
from choreoscope.pipeline.plan import plan
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.run import run
from choreoscope.pipeline.stage import Job
from choreoscope.pipeline.status import Unit, unit_status
from choreoscope.pipeline.verify import verify

FRAMES = 100_000
PEOPLE = 2
WINDOW = 64
MOST_SECONDS_TO_PLAN = 2.0
MOST_SECONDS_OF_STATUS = 2.0
MOST_MS_PER_FRAME = 2.0
MOST_MEGABYTES = 400


def observations(job: Job) -> None:
    """Write two people in every frame; the numbers do not matter."""
    rng = np.random.default_rng(0)

    def numbers(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    people = tuple(
        PersonObservation(
            tracklet=number,
            box_xyxy=numbers(4),
            score=0.9,
            points_px=numbers(33, 2),
            points_m=numbers(33, 3),
            visibility=numbers(33),
            hands_px=numbers(2, 21, 2),
            hands_m=numbers(2, 21, 3),
            hands_score=numbers(2),
            face_px=None,
            appearance=numbers(24),
            mask=None,
        )
        for number in range(PEOPLE)
    )
    for window in job.windows:
        seen = [PeopleInFrame(frame=frame, people=people, state={}) for frame in window]
        write_observations(job.output("observations", window=window_name(window)), seen)
        job.commit(window)


def main() -> int:
    """Measure, print, and return 0 when the limits hold."""
    stage = dataclasses.replace(STAGE, run=observations, task=None, contents=contents)
    recipe, clip = Recipe(name="verify", stages=(stage,)), clip_of(FRAMES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "clip-001"
        making = seconds_of(lambda: run(plan(recipe, clip, folder), RunSettings()))
        unit = Unit(
            name="clip-001",
            folder=ClipFolder(folder),
            stages=recipe.stages,
            frames=clip.frames,
            size=(64, 48),
        )
        before = peak_megabytes()
        planning = seconds_of(lambda: plan(recipe, clip, folder))
        status = seconds_of(lambda: unit_status(unit))
        findings = verify([unit])
        assert not findings.faults, findings.faults[:3]
        looking = seconds_of(lambda: verify([unit]))
        more = peak_megabytes() - before
    per_frame = 1000 * looking / FRAMES
    print(f"{FRAMES} frames of {PEOPLE} people, written in {making:.0f} s")
    print(f"{findings.files} files, {findings.size / 1e6:.0f} MB")
    print(f"plan: {planning:.3f} s (limit {MOST_SECONDS_TO_PLAN:g} s)")
    print(f"status: {status:.3f} s (limit {MOST_SECONDS_OF_STATUS:g} s)")
    print(
        f"verify: {looking:.1f} s, {findings.size / 1e6 / looking:.0f} MB/s, "
        f"{per_frame:.3f} ms per frame (limit {MOST_MS_PER_FRAME:g} ms)"
    )
    print(f"memory on top: {more:.0f} MB (limit {MOST_MEGABYTES:g} MB)")
    limits = {
        "plan": planning <= MOST_SECONDS_TO_PLAN,
        "status": status <= MOST_SECONDS_OF_STATUS,
        "verify": per_frame <= MOST_MS_PER_FRAME,
        "memory": more <= MOST_MEGABYTES,
    }
    bad = [name for name, holds in limits.items() if not holds]
    print(f"limits that do not hold: {', '.join(bad) or 'none'}")
    return len(bad)


def peak_megabytes() -> float:
    """Largest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
