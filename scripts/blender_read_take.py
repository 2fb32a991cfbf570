"""Open a USD take in Blender and write down what it shows: counts, places, camera, pixels.

    <blender-python> scripts/blender_read_take.py QUESTION.json ANSWER.json

QUESTION: ``{"file": ..., "frames": [1001, ...], "depth_scale": 1.0, "size": [w, h]}``;
``depth_scale`` is set on the object Depth after the import, as an artist would.
ANSWER: ``{"range": [first, last], "frames": [{object: {"places": [[x, y, z]], "faces": n,
"colour": [r, g, b], "uv": [[u, v]], "pixels": [[x, y]]}}]}``; places in metres with Y up, pixels
as Blender's own camera sees them, (0, 0) in the upper left corner.

Runs in the environment made by ``make_blender_environment.py`` and imports nothing of ours.
"""

import json
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

MOST_PIXELS = 40


def numbers(collection: Any, name: str, width: int) -> np.ndarray:  # noqa: ANN401
    """One property of all elements at once, ``(N, width)``."""
    values = np.zeros(len(collection) * width, dtype=np.float32)
    collection.foreach_get(name, values)
    return values.reshape(-1, width)


def shown(thing: Any, scene: Any) -> dict[str, Any]:  # noqa: ANN401
    """Tell what one object is at the current frame."""
    data = thing.data
    if thing.type == "POINTCLOUD":
        local = numbers(data.points, "co", 3) if len(data.points) else np.zeros((0, 3))
    else:
        local = numbers(data.vertices, "co", 3)
    matrix = np.array(thing.matrix_world)
    world = local @ matrix[:3, :3].T + matrix[:3, 3]
    wide, high = scene.render.resolution_x, scene.render.resolution_y
    seen = [world_to_camera_view(scene, scene.camera, Vector(one)) for one in world[:MOST_PIXELS]]
    colour = data.attributes.get("displayColor")
    found: dict[str, Any] = {
        "places": np.column_stack([world[:, 0], world[:, 2], -world[:, 1]]).tolist(),
        "pixels": [[one.x * wide, (1 - one.y) * high] for one in seen],
        "colour": list(colour.data[0].color)[:3] if colour and len(world) else None,
    }
    if thing.type == "MESH":
        found["faces"] = len(data.polygons)
        corners = data.uv_layers["st"].data if len(data.polygons) else ()
        found["uv"] = [list(corner.uv) for corner in corners]
    return found


def main(question: Path, answer: Path) -> None:
    """Answer one question."""
    asked = json.loads(question.read_text(encoding="utf-8"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.usd_import(filepath=asked["file"])
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = asked["size"]
    scene.camera = next(thing for thing in bpy.data.objects if thing.type == "CAMERA")
    bpy.data.objects["Depth"].scale = [asked.get("depth_scale", 1.0)] * 3
    frames = []
    for frame in asked["frames"]:
        scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        frames.append(
            {
                thing.name: shown(thing.evaluated_get(graph), scene)
                for thing in bpy.data.objects
                if thing.type in ("POINTCLOUD", "MESH")
            }
        )
    found = {
        "version": bpy.app.version_string,
        "range": [scene.frame_start, scene.frame_end],
        "frames": frames,
    }
    answer.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
