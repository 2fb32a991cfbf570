"""Open a BVH or GLB file in Blender and write down where it puts joints and skin.

    <blender-python> scripts/blender_read_joints.py QUESTION.json ANSWER.json

QUESTION: ``{"file": ..., "fps": 30, "frames": [0.0, 1.0, ...], "skin_frames": [3.0]}``; frames are
Blender's frame numbers and may lie between whole ones. Only glTF has seconds: its importer turns
them into frames by ``fps`` alone and ignores Blender's ``fps_base``, so fps must be whole.
ANSWER: ``{"joints": [names], "heads": [frame][joint][xyz], "skin": [frame][vertex][xyz]}`` in
metres, in the axes of the file (Y up). Blender itself is Z up; both importers turn
(x, y, z) into (x, -z, y), and this script turns it back.

Runs in the environment made by ``make_blender_environment.py`` and imports nothing of ours.
"""

import json
import sys
from pathlib import Path
from typing import Any

import bpy


def open_file(path: str, fps: int) -> None:
    """Import into an empty scene that plays `fps` frames per second."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = fps
    bpy.context.scene.render.fps_base = 1.0
    if path.endswith(".bvh"):
        bpy.ops.import_anim.bvh(
            filepath=path,
            axis_forward="-Z",
            axis_up="Y",
            global_scale=0.01,
            frame_start=1,
            use_fps_scale=False,
            update_scene_fps=False,
            rotate_mode="NATIVE",
        )
    else:
        bpy.ops.import_scene.gltf(filepath=path)


def go_to(frame: float) -> None:
    """Move the scene to a frame that may lie between whole ones."""
    whole = int(frame // 1)
    bpy.context.scene.frame_set(whole, subframe=frame - whole)


def y_up(point: Any) -> list[float]:  # noqa: ANN401
    """Turn Blender's axes back into the file's."""
    return [point[0], point[2], -point[1]]


def heads_at(frame: float, armature: Any) -> list[list[float]]:  # noqa: ANN401
    """World positions of all joints."""
    go_to(frame)
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return [y_up(posed.matrix_world @ bone.head) for bone in posed.pose.bones]


def skin_at(frame: float, body: Any) -> list[list[float]]:  # noqa: ANN401
    """World positions of all vertices after skinning."""
    go_to(frame)
    posed = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return [y_up(posed.matrix_world @ vertex.co) for vertex in posed.to_mesh().vertices]


def main(question: Path, answer: Path) -> None:
    """Answer one question."""
    asked = json.loads(question.read_text(encoding="utf-8"))
    open_file(asked["file"], asked["fps"])
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    skinned = [
        thing
        for thing in bpy.data.objects
        if thing.type == "MESH" and any(one.type == "ARMATURE" for one in thing.modifiers)
    ]
    found = {
        "version": bpy.app.version_string,
        "joints": [bone.name for bone in armature.pose.bones],
        "heads": [heads_at(frame, armature) for frame in asked["frames"]],
        "skin": [skin_at(frame, skinned[0]) for frame in asked.get("skin_frames", [])],
    }
    answer.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
