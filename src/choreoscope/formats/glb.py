"""GLB out: a skinned figure that plays its motion in any glTF 2.0 viewer.

glTF is metres, Y up, right-handed, front +Z, quaternions xyzw: only the quaternions differ from
ours. Key times are the film's own, so a variable frame rate stays exact.
"""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from choreoscope.datatypes.errors import InputError, OutputError, ShapeError
from choreoscope.datatypes.mesh import SkinnedMesh
from choreoscope.datatypes.motion import Motion, Skeleton
from choreoscope.geometry import kinematics, rotation

FARTHEST_APART = 1e-4
"""Metres by which joints of the written file may differ from the motion."""
_HEADER = b"glTF" + struct.pack("<I", 2)
_MOST_BYTE_JOINTS, _MOST_JOINTS, _MOST_SHORT_VERTICES = 256, 65536, 65535
_FLOAT, _BYTE, _SHORT, _INT = 5126, 5121, 5123, 5125
_DTYPES = {_FLOAT: "<f4", _BYTE: "u1", _SHORT: "<u2", _INT: "<u4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_VERTICES, _TRIANGLES = 34962, 34963


def write_glb(
    path: Path,
    motion: Motion,
    mesh: SkinnedMesh,
    *,
    name: str,
    colour: tuple[float, float, float] = (0.62, 0.40, 0.25),
) -> None:
    """Write a motion and the figure it moves.

    Parameters
    ----------
    path : Path
        File to write.
    motion : Motion
        At least one frame. Row 0 plays at second 0.
    mesh : SkinnedMesh
        Bound to the motion's skeleton in its rest pose.
    name : str
        Person's id: name of the figure and of the animation.
    colour : (red, green, blue)
        Of the figure; linear light, 0 to 1.

    Raises
    ------
    InputError
        If the motion has no frames, or its times do not rise in float32.
    ShapeError
        If the mesh names joints that the skeleton lacks.
    """
    import pygltflib as gltf

    count = len(motion.skeleton.joints)
    if mesh.joints.max(initial=0) >= count or count > _MOST_JOINTS:
        raise ShapeError(f"{path.name}: the mesh is bound to joints that the skeleton lacks")
    buffer = _Buffer()
    nodes = _joint_nodes(motion)
    nodes.append(gltf.Node(name=f"{name} figure", mesh=0, skin=0))
    rest, _ = _rest_matrices(motion.skeleton)
    inverse_rest = np.swapaxes(np.linalg.inv(rest), -1, -2).reshape(count, 16)
    skin = gltf.Skin(
        name=motion.skeleton.name,
        joints=list(range(count)),
        skeleton=0,
        inverseBindMatrices=buffer.add(inverse_rest, "MAT4", _FLOAT),
    )
    whole = gltf.GLTF2(
        asset=gltf.Asset(version="2.0", generator="Choreoscope"),
        scene=0,
        scenes=[gltf.Scene(name=name, nodes=[0, count])],
        nodes=nodes,
        skins=[skin],
        meshes=[_mesh(buffer, mesh, name)],
        materials=[_material(colour)],
        animations=[_animation(buffer, motion, name, path)],
    )
    whole.accessors, whole.bufferViews = buffer.accessors, buffer.views
    whole.buffers = [gltf.Buffer(byteLength=len(buffer.data))]
    whole.set_binary_blob(bytes(buffer.data))
    path.write_bytes(b"".join(whole.save_to_bytes()))


def read_glb_motion(path: Path) -> Motion:
    """Read the motion of a file written by `write_glb`.

    Returns
    -------
    Motion
        Tips are NaN and confidence is the frame's mean, since glTF knows neither.

    Raises
    ------
    InputError
        If the file is no such file or is damaged.
    """
    import pygltflib as gltf

    try:
        raw = Path(path).read_bytes()
        whole = gltf.GLTF2.load_from_bytes(raw) if raw.startswith(_HEADER) else None
        if whole is None:
            raise InputError(f"{path}: not a GLB file of version 2")
        return _motion_of(_Reader(whole))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error) as cause:
        raise InputError(f"{path}: not a GLB file written by Choreoscope: {cause}") from cause
    except ShapeError as cause:
        raise InputError(f"{path}: damaged GLB file: {cause}") from cause


def check_glb_file(path: Path) -> None:
    """Make sure that a file is a whole GLB with an animation, whoever wrote it.

    Raises
    ------
    OutputError
        If it is none, breaks off, or what it lists lies outside of it.
    """
    import pygltflib as gltf

    try:
        raw = path.read_bytes()
        (length,) = struct.unpack_from("<I", raw, len(_HEADER))
        if not raw.startswith(_HEADER) or length != len(raw):
            raise OutputError(f"{path}: expected a GLB of {length} bytes, got {len(raw)}")
        whole = gltf.GLTF2.load_from_bytes(raw)
        blob = whole.binary_blob() or b""
        if any((view.byteOffset or 0) + view.byteLength > len(blob) for view in whole.bufferViews):
            raise OutputError(f"{path}: an array lies beyond the end of the file")
        if not whole.animations:
            raise OutputError(f"{path}: a GLB file without an animation")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error) as cause:
        raise OutputError(f"{path}: cannot be read as GLB: {cause}") from cause


def check_glb(path: Path, motion: Motion) -> float:
    """Re-read a file written from `motion` and compare every joint of every frame.

    Returns
    -------
    float
        The largest distance between a joint in the file and in the motion, metres.

    Raises
    ------
    OutputError
        If the file does not read back, its times differ, or a joint is off by more than 0.1 mm.
    """
    try:
        found = read_glb_motion(path)
    except InputError as cause:
        raise OutputError(str(cause)) from cause
    wanted, got = kinematics.of_motion(motion)[0], kinematics.of_motion(found)[0]
    if wanted.shape != got.shape:
        raise OutputError(f"{path}: expected {wanted.shape[:2]} frames and joints, got {got.shape}")
    if not np.allclose(found.times, motion.times, rtol=0, atol=1e-3):
        raise OutputError(f"{path}: key times differ from the motion's")
    error = float(np.max(np.linalg.norm(wanted - got, axis=-1)))
    if not error <= FARTHEST_APART:
        raise OutputError(f"{path}: joints are up to {error * 1000:.2f} mm off after re-reading")
    return error


class _Buffer:
    """The binary part of the file, with the views and accessors into it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[Any] = []
        self.accessors: list[Any] = []

    def add(
        self,
        values: np.ndarray,
        kind: str,
        component: int,
        target: int | None = None,
        *,
        bounds: bool = False,
    ) -> int:
        """Append an array and return the number of its accessor."""
        import pygltflib as gltf

        array = np.ascontiguousarray(values, dtype=_DTYPES[component])
        if not np.isfinite(array).all():
            raise ShapeError("GLB: an array holds values that are not finite")
        raw = array.tobytes()
        self.views.append(
            gltf.BufferView(buffer=0, byteOffset=len(self.data), byteLength=len(raw), target=target)
        )
        flat = array.reshape(-1, _WIDTHS[kind])
        self.accessors.append(
            gltf.Accessor(
                bufferView=len(self.views) - 1,
                componentType=component,
                count=len(flat),
                type=kind,
                min=flat.min(axis=0).tolist() if bounds else None,
                max=flat.max(axis=0).tolist() if bounds else None,
            )
        )
        self.data += raw + bytes(-len(raw) % 4)
        return len(self.accessors) - 1


def _xyzw(q: np.ndarray) -> np.ndarray:
    return np.asarray(q)[..., [1, 2, 3, 0]]


def _wxyz(q: np.ndarray) -> np.ndarray:
    return np.asarray(q, dtype=np.float64)[..., [3, 0, 1, 2]]


def _rest_matrices(skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """World-from-joint ``(J, 4, 4)`` and parent-from-joint quaternions ``(J, 4)`` at rest."""
    positions, turns = kinematics.rest_joints(skeleton)
    world = np.tile(np.eye(4), (len(positions), 1, 1))
    world[:, :3, :3] = rotation.to_matrix(turns)
    world[:, :3, 3] = positions
    return world, rotation.from_matrix(skeleton.rest_local[:, :3, :3])


def _joint_nodes(motion: Motion) -> list[Any]:
    import pygltflib as gltf

    skeleton = motion.skeleton
    _, turns = _rest_matrices(skeleton)
    return [
        gltf.Node(
            name=name,
            translation=skeleton.rest_local[joint, :3, 3].tolist(),
            rotation=_xyzw(turns[joint]).tolist(),
            children=np.nonzero(skeleton.parents == joint)[0].tolist() or None,
        )
        for joint, name in enumerate(skeleton.joints)
    ]


def _mesh(buffer: _Buffer, mesh: SkinnedMesh, name: str) -> Any:  # noqa: ANN401
    import pygltflib as gltf

    joints = _BYTE if mesh.joints.max(initial=0) < _MOST_BYTE_JOINTS else _SHORT
    corners = _SHORT if len(mesh.vertices) < _MOST_SHORT_VERTICES else _INT
    weights = mesh.weights.astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    attributes = gltf.Attributes(
        POSITION=buffer.add(mesh.vertices, "VEC3", _FLOAT, _VERTICES, bounds=True),
        NORMAL=buffer.add(mesh.normals, "VEC3", _FLOAT, _VERTICES),
        JOINTS_0=buffer.add(mesh.joints, "VEC4", joints, _VERTICES),
        WEIGHTS_0=buffer.add(weights, "VEC4", _FLOAT, _VERTICES),
        # glTF counts v from the top of the picture.
        TEXCOORD_0=None
        if mesh.uv is None
        else buffer.add(mesh.uv * (1, -1) + (0, 1), "VEC2", _FLOAT, _VERTICES),
    )
    triangles = buffer.add(mesh.faces.reshape(-1), "SCALAR", corners, _TRIANGLES)
    part = gltf.Primitive(attributes=attributes, indices=triangles, material=0)
    return gltf.Mesh(name=f"{name} figure", primitives=[part])


def _material(colour: tuple[float, float, float]) -> Any:  # noqa: ANN401
    import pygltflib as gltf

    surface = gltf.PbrMetallicRoughness(
        baseColorFactor=[*colour, 1.0], metallicFactor=0.0, roughnessFactor=0.75
    )
    return gltf.Material(name="figure", pbrMetallicRoughness=surface, alphaCutoff=None)


def _animation(buffer: _Buffer, motion: Motion, name: str, path: Path) -> Any:  # noqa: ANN401
    import pygltflib as gltf

    if motion.frame_count == 0:
        raise InputError(f"{path.name}: a GLB file needs at least one frame, the motion has none")
    times = (motion.times - motion.times[0]).astype(np.float32)
    if np.any(np.diff(times) <= 0):
        raise InputError(
            f"{path.name}: times do not rise strictly; a GLB animation cannot hold them"
        )
    _, rest = _rest_matrices(motion.skeleton)
    turns = rotation.with_continuous_signs(rotation.multiply(rest, motion.rotations))
    clock = buffer.add(times, "SCALAR", _FLOAT, bounds=True)
    outputs = [(0, "translation", buffer.add(motion.root_position, "VEC3", _FLOAT))]
    for joint in range(len(motion.skeleton.joints)):
        keys = rotation.normalized(turns[:, joint])
        outputs.append((joint, "rotation", buffer.add(_xyzw(keys), "VEC4", _FLOAT)))
    return gltf.Animation(
        name=name,
        samplers=[
            gltf.AnimationSampler(input=clock, output=output, interpolation="LINEAR")
            for _, _, output in outputs
        ],
        channels=[
            gltf.AnimationChannel(
                sampler=number, target=gltf.AnimationChannelTarget(node=node, path=what)
            )
            for number, (node, what, _) in enumerate(outputs)
        ],
        extras={
            "person": name,
            "rate": str(motion.rate),
            "first_frame": motion.first_frame,
            "first_second": float(motion.times[0]),
            "confidence": np.round(motion.confidence.mean(axis=1), 3).tolist(),
        },
    )


class _Reader:
    """Arrays and tree of a parsed file."""

    def __init__(self, whole: Any) -> None:  # noqa: ANN401
        self.whole = whole
        self.blob: bytes = whole.binary_blob()

    def array(self, accessor_number: int) -> np.ndarray:
        accessor = self.whole.accessors[accessor_number]
        view = self.whole.bufferViews[accessor.bufferView]
        width = _WIDTHS[accessor.type]
        values = np.frombuffer(
            self.blob,
            dtype=_DTYPES[accessor.componentType],
            count=accessor.count * width,
            offset=view.byteOffset + (accessor.byteOffset or 0),
        )
        return values.astype(np.float64).reshape(accessor.count, width)

    def skeleton(self) -> Skeleton:
        skin = self.whole.skins[0]
        nodes = [self.whole.nodes[number] for number in skin.joints]
        parents = np.full(len(nodes), -1)
        for number, node in enumerate(nodes):
            for child in node.children or []:
                parents[skin.joints.index(child)] = number
        rest = np.tile(np.eye(4), (len(nodes), 1, 1))
        rest[:, :3, :3] = rotation.to_matrix(
            rotation.normalized(_wxyz(np.array([node.rotation for node in nodes])))
        )
        rest[:, :3, 3] = [node.translation for node in nodes]
        names = tuple(node.name for node in nodes)
        skeleton = Skeleton(
            name=str(skin.name),
            joints=names,
            parents=parents,
            rest_local=rest,
            tips=np.full((len(nodes), 3), np.nan),
            mirror=np.arange(len(nodes)),
        )
        bind = np.swapaxes(self.array(skin.inverseBindMatrices).reshape(-1, 4, 4), -1, -2)
        if not np.allclose(bind @ _rest_matrices(skeleton)[0], np.eye(4), atol=FARTHEST_APART):
            raise ShapeError("the bind matrices are not those of the rest pose")
        return skeleton


def _motion_of(reader: _Reader) -> Motion:
    skeleton = reader.skeleton()
    skin = reader.whole.skins[0]
    animation = reader.whole.animations[0]
    _, rest = _rest_matrices(skeleton)
    times = reader.array(animation.samplers[0].input)[:, 0]
    turns = np.tile(rest, (len(times), 1, 1))
    root = np.tile(skeleton.rest_local[0, :3, 3], (len(times), 1))
    for channel in animation.channels:
        values = reader.array(animation.samplers[channel.sampler].output)
        if channel.target.path == "rotation":
            turns[:, skin.joints.index(channel.target.node)] = _wxyz(values)
        else:
            root = values
    extras = animation.extras
    shares = np.array(extras["confidence"], dtype=np.float64)
    return Motion(
        skeleton=skeleton,
        rate=Fraction(extras["rate"]),
        first_frame=int(extras["first_frame"]),
        times=times + extras["first_second"],
        root_position=root,
        rotations=rotation.normalized(rotation.multiply(rotation.inverse(rest), turns)),
        confidence=np.tile(shares[:, None], (1, len(skeleton.joints))),
    )
