"""The methods of the suite behind one call: a shot in, people in a world out."""

import dataclasses
import os
from collections.abc import Callable

import numpy as np

from benchmarks import shot_suite_smplfitter
from benchmarks.shot_suite_cases import Case, Person
from choreoscope.motion.classic.fitter import Fitter, fit_track
from choreoscope.motion.classic.options import KEPT, MENDED, ClassicOptions, frames_only
from choreoscope.motion.classic.recipe import nlf_classic
from choreoscope.motion.solve.options import SolveOptions
from choreoscope.motion.solve.shot import solve_shot

DEPTH_SCALE_ERROR = 0.05
"""Relative error of the camera scale that the classic recipe is told: a depth network's."""
Outcome = tuple[dict[str, Person], float]
"""People by id, and processor seconds."""


def processor_seconds() -> float:
    """Time the processor worked for this process and its children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def told_scale(case: Case) -> float:
    """Camera scale as a depth network would give it: the true one, off by 5 % at random."""
    rng = np.random.default_rng([case.seed, 77])
    return case.path_scale * float(np.exp(rng.normal(0, DEPTH_SCALE_ERROR)))


def frames(case: Case) -> Outcome:
    """Every frame as delivered: one shape per person, no filter, the classic floor."""
    return _classic(case, frames_only(told_scale(case), "delivered"))


def classic(case: Case) -> Outcome:
    """Run the classic recipe with its faults."""
    return _classic(case, ClassicOptions(faults=KEPT, camera_scale=told_scale(case)))


def mended(case: Case) -> Outcome:
    """Run the classic recipe without its faults."""
    return _classic(case, ClassicOptions(faults=MENDED, camera_scale=told_scale(case)))


def delivered(case: Case) -> Outcome:
    """Run the classic recipe, mended, on distances as delivered instead of those of the pixels."""
    options = ClassicOptions(camera_scale=told_scale(case), distance="delivered")
    return _classic(case, options)


def smplfitter(case: Case) -> Outcome:
    """Run the classic recipe, mended, with smplfitter in place of our fit."""
    options = ClassicOptions(faults=MENDED, camera_scale=told_scale(case))
    return _classic(case, options, shot_suite_smplfitter.fit)


def solve(case: Case, options: SolveOptions | None = None) -> Outcome:
    """Run the shot solve; no height is told."""
    start = processor_seconds()
    result = solve_shot(case.evidence, options or SolveOptions())
    seconds = processor_seconds() - start
    models = {one.person: one.model for one in case.evidence.people}
    return {
        name: Person(model=models[name], shape=solved.shape, motion=solved.motion)
        for name, solved in result.people.items()
    }, seconds


def solve_height(case: Case) -> Outcome:
    """Run the shot solve with everybody's height told."""
    return solve(case.with_heights())


def _classic(case: Case, options: ClassicOptions, fitter: Fitter = fit_track) -> Outcome:
    start = processor_seconds()
    result = nlf_classic(case.evidence, options, fitter)
    seconds = processor_seconds() - start
    models = {one.person: one.model for one in case.evidence.people}
    return {
        name: Person(model=models[name], shape=result.shapes[name], motion=motion)
        for name, motion in result.motions.items()
    }, seconds


def without(term: str, options: SolveOptions | None = None) -> SolveOptions:
    """Options with one term of the solve switched off."""
    base = options or SolveOptions()
    return dataclasses.replace(base, terms=dataclasses.replace(base.terms, **{term: False}))


def truth(case: Case) -> Outcome:
    """Hand in the truth: what the measures read where nothing is wrong."""
    return case.truth, 0.0


METHODS: dict[str, Callable[[Case], Outcome]] = {
    "truth": truth,
    "frames": frames,
    "nlf_classic": classic,
    "nlf_mended": mended,
    "nlf_delivered": delivered,
    "smplfitter": smplfitter,
    "solve": solve,
    "solve_height": solve_height,
}


def available() -> dict[str, Callable[[Case], Outcome]]:
    """Return the methods that can run here; says which cannot."""
    chosen = dict(METHODS)
    lack = shot_suite_smplfitter.lacking()
    if lack:
        print(f"left out: smplfitter + the same smoothing ({lack})")
        del chosen["smplfitter"]
    return chosen
