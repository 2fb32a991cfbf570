"""Open EXR sequences in Blender's compositor and write down what each socket gives.

    <blender-python> scripts/blender_read_passes.py QUESTION.json ANSWER.json

QUESTION: ``{"folder": ..., "images": [{"file": ..., "count": 4, "offset": 1000, "frames": [1],
"pixels": [[x, y], ...], "crypto": {"layer": ..., "names": [...]}}]}``: a sequence's first file,
how many there are, what is added to the scene's frame to get the file's number, scene frames to
look at, pixels from the upper left corner, and whom to pick from a Cryptomatte (or nothing).
ANSWER: for each image ``{"sockets": [names], "colour_space": ..., "values":
{socket: [frame][pixel][rgba]}, "mattes": {name: [frame][pixel]}}``.

Runs in the environment made by ``make_blender_environment.py`` and imports nothing of ours.
"""

import json
import sys
from pathlib import Path
from typing import Any

import bpy


def compositor() -> Any:  # noqa: ANN401
    """Give an empty node tree whose result is the rendered picture, and the node that takes it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Raw"
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth = "32"
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new("passes", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        return tree, tree.nodes.new("NodeGroupOutput")
    scene.use_nodes = True
    scene.node_tree.nodes.clear()
    return scene.node_tree, scene.node_tree.nodes.new("CompositorNodeComposite")


def sequence(path: str) -> Any:  # noqa: ANN401
    """Load a sequence by one of its files."""
    image = bpy.data.images.load(path, check_existing=False)
    image.source = "SEQUENCE"
    return image


def timed(node: Any, asked: dict[str, Any]) -> Any:  # noqa: ANN401
    """Say which files a node shows when."""
    node.frame_start, node.frame_duration = 1, asked["count"]
    node.frame_offset = asked["offset"]
    return node


def rendered(
    tree: Any,  # noqa: ANN401
    out: Any,  # noqa: ANN401
    socket: Any,  # noqa: ANN401
    asked: dict[str, Any],
    place: Path,
) -> list[list[list[float]]]:
    """Values of one socket: by frame, by pixel, four channels."""
    scene = bpy.context.scene
    for link in list(tree.links):
        tree.links.remove(link)
    tree.links.new(socket, out.inputs[0])
    found = []
    for frame in asked["frames"]:
        scene.frame_set(frame)
        scene.render.filepath = str(place)
        bpy.ops.render.render(write_still=True)
        picture = bpy.data.images.load(str(place), check_existing=False)
        picture.colorspace_settings.name = "Non-Color"
        width, height = picture.size
        values = list(picture.pixels)
        starts = [((height - 1 - y) * width + x) * picture.channels for x, y in asked["pixels"]]
        found.append([values[start : start + picture.channels] for start in starts])
        bpy.data.images.remove(picture)
    return found


def answer(asked: dict[str, Any], place: Path) -> dict[str, Any]:
    """Look at one sequence."""
    tree, out = compositor()
    node = tree.nodes.new("CompositorNodeImage")
    node.image = sequence(asked["file"])
    timed(node, asked)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = asked["size"]
    scene.frame_set(asked["frames"][0])
    found: dict[str, Any] = {
        "sockets": [socket.name for socket in node.outputs if socket.enabled],
        "colour_space": node.image.colorspace_settings.name,
        "values": {},
        "mattes": {},
    }
    for name in asked.get("sockets", found["sockets"]):
        found["values"][name] = rendered(tree, out, node.outputs[name], asked, place)
    if asked.get("crypto"):
        picker = tree.nodes.new("CompositorNodeCryptomatteV2")
        picker.source = "IMAGE"
        picker.image = node.image
        timed(picker, asked)
        picker.layer_name = asked["crypto"]["layer"]
        for name in asked["crypto"]["names"]:
            picker.matte_id = name
            values = rendered(tree, out, picker.outputs["Matte"], asked, place)
            found["mattes"][name] = [[pixel[0] for pixel in frame] for frame in values]
    return found


def main(question: str, reply: str) -> None:
    """Answer a question file."""
    asked = json.loads(Path(question).read_text("utf-8"))
    place = Path(reply).with_suffix(".exr")
    found = {
        "version": bpy.app.version_string,
        "images": [answer(one, place) for one in asked["images"]],
    }
    Path(reply).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
