"""Whole shots whose truth is known: who dances where, and what camera films it."""

import dataclasses
from fractions import Fraction
from pathlib import Path as FilePath

import numpy as np

from choreoscope.datatypes.camera import CameraTrack, Lens
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.motion import Motion
from choreoscope.motion.bodies.house import house_body, shape_of_stature
from choreoscope.motion.bodies.model import BodyModel
from choreoscope.motion.skeletons import CONTACT_JOINTS
from choreoscope.motion.world import FrameTimes
from choreoscope.synthetic.cameras import KINDS, Filming, Framing, make_camera
from choreoscope.synthetic.dance import CONTACT_NAMES, Dance, make_dance
from choreoscope.synthetic.footwork import DanceStyle
from choreoscope.synthetic.places import Standing, hand_holds, standings
from choreoscope.synthetic.puppet import Puppet, puppet_of_body
from choreoscope.synthetic.recorded import RecordedSource
from choreoscope.synthetic.truth import TruePerson

FLOOR_WORK = ("kneel", "hand", "sit")
_MOST_PEOPLE = 4
_CALM = 0.35
"""Energy of partners, and how freely their feet leave their paths."""
_CHILD_HEIGHTS = (1.05, 1.40)
_FEET = ("left_heel", "left_ball", "right_heel", "right_ball")
"""Contacts that stand for `CONTACT_JOINTS` in a `Motion`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShotSpec:
    """What a shot is to be; equal specs give equal shots.

    Attributes
    ----------
    name : str
        For tables and folders.
    seed : int
        Of everything left to chance.
    people : int
        1 to 4.
    seconds : float
        Length.
    rate : Fraction
        Frames per second.
    size : (int, int)
        Picture, pixels.
    camera : str
        One of `cameras.KINDS`.
    fill : float
        1 shows everybody whole; above that bodies are cropped.
    bvh : Path or None
        Folder of recorded motion; None for dances of our own.
    heights : (float, float)
        Range of standing heights of adults, metres.
    jumps, spins : bool
        Whether dances have them.
    floor_work : tuple of str
        Which of "kneel", "hand", "sit" dances have.
    partner : bool
        Whether the first two dance close together, face to face.
    children : int
        How many of the people are children (the last ones).
    entering, leaving : bool
        Whether the last person comes into the picture, goes out of it.
    crossing : bool
        Whether everybody dances along, across the picture.
    energy : float
        0 calm to 1 wild.
    detail : str
        Of the bodies: "low" or "full".
    """

    name: str = "shot"
    seed: int = 0
    people: int = 1
    seconds: float = 6.0
    rate: Fraction = Fraction(30)
    size: tuple[int, int] = (1280, 720)
    camera: str = "static"
    fill: float = 1.0
    bvh: FilePath | None = None
    heights: tuple[float, float] = (1.52, 1.94)
    jumps: bool = True
    spins: bool = True
    floor_work: tuple[str, ...] = ()
    partner: bool = False
    children: int = 0
    entering: bool = False
    leaving: bool = False
    crossing: bool = False
    energy: float = 0.6
    detail: str = "low"

    def __post_init__(self) -> None:
        if not 1 <= self.people <= _MOST_PEOPLE:
            raise InputError(f"synth: expected 1 to {_MOST_PEOPLE} people, got {self.people}")
        if not 0 <= self.children <= self.people:
            raise InputError(f"synth: {self.children} children among {self.people} people")
        if self.rate <= 0 or self.seconds * self.rate < 1:
            raise InputError(f"synth: {self.seconds} s at {self.rate} frames per second hold none")
        if self.camera not in KINDS:
            raise InputError(f"synth: camera '{self.camera}'; expected one of {', '.join(KINDS)}")
        if set(self.floor_work) - set(FLOOR_WORK):
            raise InputError(f"synth: floor work is any of {', '.join(FLOOR_WORK)}")
        if self.partner and self.people < 2:  # noqa: PLR2004 - a partner makes two
            raise InputError("synth: partners need at least 2 people")
        if min(self.size) < 16:  # noqa: PLR2004 - smaller shows nothing
            raise InputError(f"synth: a picture of {self.size[0]}x{self.size[1]} shows nothing")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """The truth.

    Attributes
    ----------
    spec : ShotSpec
        What was asked for.
    people : tuple of TruePerson
        Everybody.
    filming : Filming
        The camera and its kind.
    times : FrameTimes
        Of all frames.
    """

    spec: ShotSpec
    people: tuple[TruePerson, ...]
    filming: Filming
    times: FrameTimes

    @property
    def camera(self) -> CameraTrack:
        """The true camera."""
        return self.filming.track

    @property
    def lens(self) -> Lens:
        """The lens of the first frame."""
        return lens_of(self.camera, 0)


def lens_of(camera: CameraTrack, frame: int) -> Lens:
    """Lens of one frame of a camera."""
    matrix = camera.intrinsics[frame]
    return Lens(
        width=camera.width,
        height=camera.height,
        fx=float(matrix[0, 0]),
        fy=float(matrix[1, 1]),
        cx=float(matrix[0, 2]),
        cy=float(matrix[1, 2]),
        distortion=camera.distortion,
        source=camera.source,
    )


def make_shot(spec: ShotSpec) -> Shot:
    """Make a shot.

    Parameters
    ----------
    spec : ShotSpec
        What it is to be.

    Returns
    -------
    Shot
        The same for the same spec, on every machine up to rounding.

    Raises
    ------
    InputError
        If the folder of recorded motion holds none that can be used.
    """
    chances = np.random.default_rng(spec.seed).spawn(spec.people + 3)
    body_chance, place_chance, camera_chance = chances[:3]
    seconds = np.arange(round(spec.seconds * float(spec.rate))) / float(spec.rate)
    times = FrameTimes(first_frame=0, seconds=seconds, rate=spec.rate)
    bodies = [_body(spec, number, body_chance) for number in range(spec.people)]
    puppets = [puppet_of_body(model, shape) for model, shape in bodies]
    where = standings(
        place_chance,
        spec.people,
        spec.seconds,
        partner=spec.partner,
        crossing=spec.crossing,
        entering=spec.entering,
        leaving=spec.leaving,
    )
    source = None if spec.bvh is None else RecordedSource(spec.bvh)
    people = []
    for number, (model, shape) in enumerate(bodies):
        dance = _dance(spec, number, puppets, where, seconds, chances[3 + number], source)
        people.append(_true_person(number, model, shape, puppets[number], dance, times))
    filming = _filming(spec, people, where, seconds, camera_chance)
    return Shot(spec=spec, people=tuple(people), filming=filming, times=times)


def _body(spec: ShotSpec, number: int, rng: np.random.Generator) -> tuple[BodyModel, np.ndarray]:
    """Somebody of random height and build."""
    child = number >= spec.people - spec.children
    model = house_body(
        "child" if child else "adult", detail="full" if spec.detail == "full" else "low"
    )
    wanted = rng.uniform(*(_CHILD_HEIGHTS if child else spec.heights))
    loose = rng.normal(0, 0.7, model.shape_count).clip(-1.5, 1.5)
    # Whatever the random build adds to the height is taken back along the likeliest way.
    shape = shape_of_stature(model, wanted)
    along = shape_of_stature(model, wanted + 0.01) - shape
    shape = shape + loose - (loose @ along) / (along @ along) * along
    for _ in range(3):
        shape = shape + along * (wanted - model.stature(shape)) / 0.01
    return model, shape


def _dance(  # noqa: PLR0913, PLR0917 - one person's share of everything
    spec: ShotSpec,
    number: int,
    puppets: list[Puppet],
    where: list[Standing],
    seconds: np.ndarray,
    rng: np.random.Generator,
    source: RecordedSource | None,
) -> Dance:
    if source is not None:
        return source.dance(puppets[number], seconds, rng, where[number])
    partnered = spec.partner and number < 2  # noqa: PLR2004 - the pair
    style = DanceStyle(
        tempo=float(rng.uniform(92, 128)),
        energy=min(spec.energy, _CALM) if partnered else spec.energy,
        jumps=spec.jumps and not partnered,
        spins=spec.spins and not partnered,
        floor_work=() if partnered else spec.floor_work,
        stance=0.16,
        loose=_CALM if partnered else 1.0,
        near=partnered,
    )
    held = hand_holds(where[:2], number, puppets[:2], seconds) if partnered else ()
    return make_dance(puppets[number], seconds, rng, where[number].path, style, held)


def _true_person(
    number: int,
    model: BodyModel,
    shape: np.ndarray,
    puppet: Puppet,
    dance: Dance,
    times: FrameTimes,
) -> TruePerson:
    feet = dance.contacts[:, [CONTACT_NAMES.index(name) for name in _FEET]]
    motion = Motion(
        skeleton=puppet.skeleton,
        rate=times.rate,
        first_frame=0,
        times=times.seconds,
        root_position=dance.root,
        rotations=dance.rotations,
        confidence=np.ones(dance.rotations.shape[:2]),
        contacts=feet.astype(np.float64),
        contact_joints=CONTACT_JOINTS,
    )
    return TruePerson(
        person=f"P{number + 1:02d}",
        model=model,
        shape=shape,
        stature=puppet.stature,
        motion=motion,
        contact_names=CONTACT_NAMES,
        contacts=dance.contacts,
        flights=dance.flights,
        beats=dance.beats,
    )


def _filming(
    spec: ShotSpec,
    people: list[TruePerson],
    where: list[Standing],
    seconds: np.ndarray,
    rng: np.random.Generator,
) -> Filming:
    middles = np.stack([person.motion.root_position for person in people], axis=1)
    for number, standing in enumerate(where):
        if standing.home is not None:
            home = standing.home
            for axis, column in zip((0, 2), home.places.T, strict=True):
                middles[:, number, axis] = np.interp(seconds, home.moments, column)
    framing = Framing(
        size=spec.size,
        fill=spec.fill,
        height=float(rng.uniform(1.1, 1.9)),
        turned=float(rng.uniform(-0.35, 0.35)) if not spec.entering else 0.0,
    )
    return make_camera(spec.camera, rng, seconds, middles, framing)
