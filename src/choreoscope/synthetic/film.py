"""A made-up shot as film, and as truth passes: masks, depth, normals, parts, flow."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameRange
from choreoscope.datatypes.people import MaskTrack
from choreoscope.formats.exr import write_exr
from choreoscope.formats.masks_json import write_masks
from choreoscope.formats.video_writer import FilmWriter
from choreoscope.geometry.masks import encode
from choreoscope.motion.bodies.house import house_body
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.rendering.scene import Mesh, Scene, view_of
from choreoscope.rendering.soft import Rendered, render
from choreoscope.synthetic.scenery import stage
from choreoscope.synthetic.shot import Shot
from choreoscope.synthetic.truth import TruePerson

PASSES = ("masks", "depth", "normals", "parts", "flow")
_CHUNK = 24
_NOISE = 2.0
"""Sigma of the sensor's noise, levels of 255."""
_SKIN, _HAIR = (206, 158, 130), (52, 38, 30)
_SHIRTS = ((176, 44, 48), (40, 96, 168), (214, 170, 50), (64, 140, 84))
_TROUSERS = ((38, 42, 58), (74, 64, 54), (30, 30, 34), (86, 92, 104))
_SHOES = (232, 230, 224)
_BARE = ("hand", "thumb", "index", "middle", "ring", "pinky", "forearm", "neck", "head")


def film_shot(
    folder: Path,
    shot: Shot,
    *,
    passes: tuple[str, ...] = (),
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write ``film.mp4`` and, below ``truth``, the passes asked for.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    shot : Shot
        The truth.
    passes : tuple of str
        Any of `PASSES`. Masks are ``truth/people/P01/masks.json``; the others one EXR per frame:
        depth in metres along camera z (infinite where nothing is), normals in camera axes, parts
        (0 floor, 1 wall, 2 box, from 10 on the joints of people), flow in pixels.
    progress : callable or None
        Called with frames done and frames in all.

    Raises
    ------
    InputError
        If there is no such pass.
    OutputError
        If a file cannot be written.
    """
    unknown = set(passes) - set(PASSES)
    if unknown:
        raise InputError(f"no pass '{min(unknown)}'; known: {', '.join(PASSES)}")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([shot.spec.seed, 99])
    count = len(shot.times.seconds)
    keeper = _Passes(folder / "truth", shot, tuple(one for one in passes if one != "masks"))
    rate = shot.spec.rate
    with FilmWriter(
        folder / "film.mp4", size=shot.spec.size, rate=rate, time_base=1 / rate, quality=18
    ) as film:
        for frame, picture in enumerate(truth_pictures(shot, flow="flow" in passes)):
            noisy = picture.colour + rng.normal(0.0, _NOISE, picture.colour.shape)
            film.write(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), frame)
            keeper.add(frame, picture, masks="masks" in passes)
            if progress is not None:
                progress(frame + 1, count)
    if "masks" in passes:
        keeper.write_masks()


@dataclasses.dataclass(slots=True)
class _Passes:
    """Writes passes frame by frame and gathers masks."""

    folder: Path
    shot: Shot
    kinds: tuple[str, ...]
    masks: dict[str, list[tuple[int, np.ndarray]]] = dataclasses.field(default_factory=dict)
    tracks: dict[str, MaskTrack] = dataclasses.field(default_factory=dict)

    def add(self, frame: int, picture: Rendered, *, masks: bool) -> None:
        """Take one frame."""
        for kind in self.kinds:
            path = self.folder / "passes" / kind / f"{frame:06d}.exr"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_exr(path, _channels(kind, picture))
        if masks:
            for number, person in enumerate(self.shot.people, start=1):
                own = picture.instance == number
                if own.any():
                    old = self.tracks.get(person.person)
                    self.tracks[person.person] = MaskTrack(
                        frames=np.append(old.frames if old else np.zeros(0, int), frame),
                        masks=(*(old.masks if old else ()), encode(own)),
                    )

    def write_masks(self) -> None:
        """Write one file per person; somebody never seen gets an empty one."""
        size = (self.shot.spec.size[1], self.shot.spec.size[0])
        for person in self.shot.people:
            path = self.folder / "people" / person.person / "masks.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            nobody = MaskTrack(frames=np.zeros(0, dtype=np.int64), masks=())
            write_masks(path, person.person, self.tracks.get(person.person, nobody), size)


def _channels(kind: str, picture: Rendered) -> dict[str, np.ndarray]:
    if kind == "depth":
        return {"Z": picture.depth}
    if kind == "parts":
        return {"part": picture.part.astype(np.float32)}
    vectors = picture.normals if kind == "normals" else picture.flow
    if vectors is None:
        raise InputError("flow was not rendered")
    names = ("X", "Y", "Z") if kind == "normals" else ("u", "v")
    return {name: np.ascontiguousarray(vectors[..., at]) for at, name in enumerate(names)}


def truth_pictures(
    shot: Shot, frames: FrameRange | None = None, *, flow: bool = False, samples: int = 4
) -> Iterator[Rendered]:
    """Render frame after frame; vertices are made a chunk at a time.

    Parameters
    ----------
    shot : Shot
        The truth.
    frames : FrameRange or None
        Which frames; None for all.
    flow : bool
        Whether motion to the next frame is made.
    samples : {0, 1, 2, 4, 8}
        Of colour per pixel; 0 leaves it black.

    Yields
    ------
    Rendered
        Instance 0 is the stage, 1 the first person; parts as in `film_shot`.
    """
    models = {one.person: _model_of(one, shot.spec.detail) for one in shot.people}
    dressed = {
        one.person: _clothes(models[one.person], number) for number, one in enumerate(shot.people)
    }
    low, high = _danced_on(shot)
    scenery = stage(shot.spec.seed, low, high)
    count = len(shot.times.seconds)
    wanted = frames or FrameRange(0, count)
    for start in range(wanted.start, wanted.stop, _CHUNK):
        stop = min(start + _CHUNK, wanted.stop)
        # One frame more than is drawn: flow asks where everything goes next.
        placed = {
            one.person: _placed(one, start, min(stop + 1, count), models) for one in shot.people
        }
        for frame in range(start, stop):
            following = min(frame + 1, count - 1)
            meshes = [
                dataclasses.replace(
                    dressed[name],
                    vertices=vertices[frame],
                    next_vertices=vertices.get(following, vertices[frame]) if flow else None,
                    instance=number,
                )
                for number, (name, vertices) in enumerate(placed.items(), start=1)
                if frame in vertices
            ]
            yield render(
                Scene(meshes=(*scenery.meshes, *meshes), light=scenery.light, atlas=scenery.atlas),
                view_of(shot.camera, frame),
                samples=samples,
                next_view=view_of(shot.camera, following) if flow else None,
            )


def _model_of(person: TruePerson, detail: str) -> BodyModel:
    kind = person.model.name.removeprefix("house-")
    return house_body(kind, "full" if detail == "full" else "low")


def _placed(
    person: TruePerson, start: int, stop: int, models: dict[str, BodyModel]
) -> dict[int, np.ndarray]:
    """Vertices by frame of the shot, where the person is there."""
    first = person.motion.first_frame
    low, high = max(start - first, 0), min(stop - first, person.motion.frame_count)
    if low >= high:
        return {}
    vertices = person.vertices(low, high, models[person.person])
    return {first + low + row: one for row, one in enumerate(vertices)}


def _danced_on(shot: Shot) -> tuple[np.ndarray, np.ndarray]:
    paths = [person.motion.root_position[:, [0, 2]] for person in shot.people]
    every = np.concatenate(paths)
    return every.min(axis=0), every.max(axis=0)


def _clothes(model: BodyModel, number: int) -> Mesh:
    """Dress a body: colours and part ids of faces by the joint that moves them most."""
    corner = model.skin_joints[
        np.arange(len(model.skin_joints)), np.argmax(model.skin_weights, axis=1)
    ]
    joints = corner[model.faces[:, 0]]
    height = model.template[model.faces][:, :, 1].mean(axis=1)
    front = model.template[model.faces][:, :, 2].mean(axis=1)
    head = model.joints.index("head")
    colours = np.zeros((len(model.faces), 3))
    crown = model.template[:, 1].max()
    for face, joint in enumerate(joints):
        name = model.joints[joint].removeprefix("left_").removeprefix("right_")
        colours[face] = _colour(name, number)
        behind = front[face] < model.joint_template[head, 2] + 0.02
        if joint == head and (height[face] > crown - 0.06 or behind):
            colours[face] = _HAIR
    return Mesh(
        vertices=model.template,
        faces=model.faces,
        colours=colours / 255.0,
        parts=10 + joints.astype(np.int64),
        culled="back",
    )


def _colour(part: str, number: int) -> tuple[int, int, int]:
    if part.startswith(_BARE):
        return _SKIN
    if part.startswith(("foot", "toes")):
        return _SHOES
    if part.startswith(("thigh", "shin", "pelvis")):
        return _TROUSERS[number % len(_TROUSERS)]
    return _SHIRTS[number % len(_SHIRTS)]
