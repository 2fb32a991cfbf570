"""Recipes: named presets of stages and values. Stages are named, not imported: viewer lies above.

A preset says what it makes today; models that are not there yet are not pretended.
"""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.recipe import Recipe, load_stages
from choreoscope.pipeline.stage import Stage

SHOTS = ("choreoscope.capture.stages.shots",)

CORE = (
    "choreoscope.capture.stages.people",
    "choreoscope.capture.stages.identities",
    "choreoscope.capture.stages.lens",
    "choreoscope.capture.stages.camera",
    "choreoscope.motion.stages.lift",
)
"""Who is where, and the camera: cheap, and everything else needs it."""

ANIMATION = ("choreoscope.motion.stages.bvh", "choreoscope.motion.stages.glb")
MATTES = ("choreoscope.capture.stages.mattes",)
OWNERSHIP = "choreoscope.capture.stages.ownership"
"""Stands in for the stage of mattes where these come from outside: says whose they are."""
DEPTH = (
    "choreoscope.capture.stages.raw_depth",
    "choreoscope.capture.stages.depth_fit",
    "choreoscope.capture.stages.depth",
)
"""What a network sees, how that becomes metres in this shot, metres."""
SURFACES = (
    "choreoscope.capture.stages.position",
    "choreoscope.capture.stages.normals",
    "choreoscope.capture.stages.parts",
    "choreoscope.capture.stages.flow",
)
PASSES = (*MATTES, *DEPTH, *SURFACES)
CLOUD = ("choreoscope.capture.stages.cloud",)

PICTURES = ("choreoscope.viewer.stages.overlay", "choreoscope.viewer.stages.views")
SUMMARY = ("choreoscope.viewer.stages.index", "choreoscope.viewer.stages.report")

MOCAP = (*CORE, *ANIMATION, *PICTURES, *SUMMARY)

DEFAULT_RECIPE = "mocap"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named choice of stages and values.

    Attributes
    ----------
    meaning : str
        What it makes today, for people.
    stages : tuple of str
        Modules with a ``STAGE``.
    values : dict
        Dotted key of the configuration to the value the preset gives it; an empty mapping makes
        a section with all defaults.
    """

    name: str
    meaning: str
    stages: tuple[str, ...]
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def awaits(self) -> dict[str, list[str]]:
        """Stages done outside and the passes expected of each."""
        found: dict[str, list[str]] = {}
        for key in self.values:
            section, _, rest = key.partition(".")
            stage, _, name = rest.partition(".passes.")
            if section == "external" and name:
                found.setdefault(stage, []).append(name)
        return found


def _awaited(stage: str, *passes: str) -> dict[str, Any]:
    """Preset a stage done outside that waits for passes."""
    return {f"external.{stage}.passes.{name}": {} for name in passes}


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="mocap",
            meaning="skeletons in metres as BVH, GLB and NPZ, masks, camera, overlay film, report",
            stages=MOCAP,
        ),
        Preset(
            name="passes",
            meaning=(
                "mattes for all and by person, depth in metres, normals, parts, position, motion "
                "vectors, camera of every frame, overlay film, report; what another program "
                "makes better is taken in instead (section external)"
            ),
            stages=(*CORE, *PASSES, *PICTURES, *SUMMARY),
        ),
        Preset(
            name="relight",
            meaning=(
                "camera, skeletons and report, and the passes of a relighting program (as "
                "SwitchLight) taken in: alpha, normals, base colour, roughness, specular; "
                "'choreoscope relight' shows them under a moving light"
            ),
            stages=(*CORE, *MATTES, *PICTURES, *SUMMARY),
            values=_awaited(
                "switchlight", "alpha", "base_color", "normals", "roughness", "specular"
            ),
        ),
        Preset(
            name="pointcloud",
            meaning=(
                "mattes, depth in metres and from them an animated point cloud (USD) seen by the "
                "solved camera, skeletons, report"
            ),
            stages=(*CORE, *MATTES, *DEPTH, *CLOUD, *PICTURES, *SUMMARY),
        ),
        Preset(
            name="dance-data",
            meaning=(
                "motion and landmarks as NPZ, BVH, masks, report without pictures: for many films "
                "in little time and room"
            ),
            stages=(*CORE, "choreoscope.motion.stages.bvh", *SUMMARY),
        ),
        Preset(
            name="everything",
            meaning="every stage there is; passes from other programs if `external` names them",
            stages=(*CORE, *ANIMATION, *PASSES, *CLOUD, *PICTURES, *SUMMARY),
        ),
    )
}


def preset(name: str) -> Preset:
    """Look a preset up.

    Raises
    ------
    InputError
        If there is none of that name, with the nearest.
    """
    try:
        return PRESETS[name]
    except KeyError:
        near = difflib.get_close_matches(name, PRESETS, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise InputError(f"no recipe '{name}'; {hint}known: {', '.join(PRESETS)}") from None


def shots_recipe() -> Recipe:
    """Make the stages that look at the whole film, before it is cut into clips."""
    return Recipe(name="shots", stages=load_stages(SHOTS))


def mocap_recipe() -> Recipe:
    """Make the stages of the main job: one clip in, people in 3D and a report out."""
    return clip_recipe(DEFAULT_RECIPE)


def clip_recipe(name: str, more: tuple[Stage, ...] = ()) -> Recipe:
    """Make the stages that a preset runs on one clip.

    Parameters
    ----------
    more : tuple of Stage
        Stages a configuration adds, such as those done outside; what they take in is not
        computed too.

    Raises
    ------
    InputError
        If there is no such preset, or the stages do not go together.
    """
    own = _without_taken(preset(name).stages, {kind for stage in more for kind in stage.writes})
    return Recipe(name=name, stages=(*load_stages(own), *more), inputs=("shots",))


def _without_taken(modules: tuple[str, ...], taken: set[str]) -> tuple[str, ...]:
    """Leave out stages whose pass is taken in from outside, and what only they need."""
    kept = []
    for module in modules:
        (stage,) = load_stages((module,))
        if module in DEPTH and "depth" in taken:
            continue
        if not taken & set(stage.writes):
            kept.append(module)
        elif module in MATTES and "people" not in taken:
            kept.append(OWNERSHIP)
    return tuple(kept)


def known_stages() -> tuple[Stage, ...]:
    """Every stage of any preset, those of the whole film first."""
    modules = (*SHOTS, *(module for one in PRESETS.values() for module in one.stages), OWNERSHIP)
    return load_stages(dict.fromkeys(modules))
