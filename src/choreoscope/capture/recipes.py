"""Which stages make what. Stages are named, not imported: viewer rooms lie above this one."""

from choreoscope.pipeline.recipe import Recipe, load_stages

SHOTS = ("choreoscope.capture.stages.shots",)

MOCAP = (
    "choreoscope.capture.stages.people",
    "choreoscope.capture.stages.identities",
    "choreoscope.capture.stages.lens",
    "choreoscope.motion.stages.lift",
    "choreoscope.motion.stages.bvh",
    "choreoscope.motion.stages.glb",
    "choreoscope.viewer.stages.overlay",
    "choreoscope.viewer.stages.views",
    "choreoscope.viewer.stages.index",
    "choreoscope.viewer.stages.report",
)


def shots_recipe() -> Recipe:
    """Make the stages that look at the whole film, before it is cut into clips."""
    return Recipe(name="shots", stages=load_stages(SHOTS))


def mocap_recipe() -> Recipe:
    """Make the stages of the main job: one clip in, people in 3D and a report out."""
    return Recipe(name="mocap", stages=load_stages(MOCAP), inputs=("shots",))
