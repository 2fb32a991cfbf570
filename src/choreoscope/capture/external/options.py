"""What a user says about passes made in another program."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from choreoscope.capture.external.presets import PRESETS
from choreoscope.datatypes.passes import PASSES
from choreoscope.pipeline.stage import Options

PassName = Literal[
    "alpha",
    "base_color",
    "normals",
    "depth",
    "roughness",
    "specular",
    "metallic",
    "occlusion",
    "flow",
]
DepthUnit = Literal["guess", "normalised", "millimetres", "centimetres", "metres"]
HOURS = 3600.0
UNITS: Mapping[str, float] = {
    "": 1.0,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": HOURS,
    "d": 24 * HOURS,
}
ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "unit": ("depth",),
    "near": ("depth",),
    "far": ("depth",),
    "white_is_near": ("depth",),
    "space": ("normals",),
    "green": ("normals",),
    "signed": ("normals",),
    "flow_up": ("flow",),
}
"""Keys that mean nothing for other passes."""


def seconds_of(value: Any) -> Any:  # noqa: ANN401
    """Read ``90``, ``"90s"``, ``"30m"``, ``"2h"`` or ``"1d"`` as seconds."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-z]*)\s*", value.lower())
    if found is None or found[2] not in UNITS:
        raise ValueError(f"expected seconds or a time such as 30m or 2h, got '{value}'")
    return float(found[1]) * UNITS[found[2]]


Seconds = Annotated[float, BeforeValidator(seconds_of), Field(ge=0)]


class PassSource(BaseModel):
    """Where one pass lies and what its numbers mean."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pattern: str = Field(
        default="",
        description=(
            "files, relative to the folder: alpha/*.png, {film}_Alpha.mp4, depth/depth_####.exr; "
            "several with | between; empty: as the preset says"
        ),
    )
    first_number: int | Literal["guess", "source"] = Field(
        default="guess",
        description=(
            "number that the clip's first frame bears in the file names; source: they are the "
            "film's own frame numbers, counted from 0"
        ),
        json_schema_extra={"expects": "guess, source or a whole number such as 1001"},
    )
    scale: float = Field(
        default=1.0,
        gt=0,
        le=8,
        description="size of the delivered pictures, the film's being 1; other sizes are gaps",
    )
    channels: tuple[str, ...] = Field(
        default=(), description="channels of an EXR to read, such as [N.X, N.Y, N.Z]; empty: found"
    )
    flat: Literal["auto", "accept", "refuse"] = Field(
        default="auto",
        description=(
            "what to do with a picture of one single value; auto: refuse base_color, normals and "
            "depth unless the alpha is empty there"
        ),
    )
    background: Literal["guess", "empty", "full"] = Field(
        default="guess",
        description=(
            "empty: nothing is known outside the alpha; full: the pass covers the whole picture"
        ),
    )
    unit: DepthUnit = Field(
        default="guess",
        description="depth: what its numbers are; normalised is 0 to 1 between near and far",
    )
    near: float | None = Field(
        default=None,
        description="depth: distance of 0 in a normalised pass; null: from the people's own depth",
        json_schema_extra={"unit": "m"},
    )
    far: float | None = Field(
        default=None,
        description="depth: distance of 1 in a normalised pass; null: from the people's own depth",
        json_schema_extra={"unit": "m"},
    )
    white_is_near: bool = Field(
        default=False, description="depth: 1 is at near and 0 at far instead"
    )
    space: Literal["camera", "world", "object"] = Field(
        default="camera",
        description=(
            "normals: axes they are given in; world is turned into the camera's by the solved "
            "camera, object is kept as it is and says so"
        ),
    )
    green: Literal["up", "down"] = Field(
        default="up", description="normals: where green points; OpenGL up, DirectX down"
    )
    signed: Literal["guess", "yes", "no"] = Field(
        default="guess", description="normals: yes: -1 to 1 is stored; no: 0 to 1"
    )
    flow_up: bool = Field(default=False, description="flow: its second channel points up")

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if (self.near is None) != (self.far is None):
            raise ValueError("near and far belong together; give both or none")
        if self.near is not None and self.far is not None and not 0 <= self.near < self.far:
            raise ValueError(f"expected 0 <= near < far, got {self.near:g} and {self.far:g} m")
        return self


class ExternalOptions(Options):
    """Choices of a stage that is done in another program."""

    settings_only: ClassVar[frozenset[str]] = frozenset(
        {"folder", "timeout", "poll_seconds", "quiet_seconds", "missing_start"}
    )
    """Fields that say where and how long to look; they do not change what is found."""

    folder: Path = Field(
        default=Path("{external}/{film}/{stage}/{clip}"),
        description=(
            "where the other program puts its results; {film}, {clip}, {stage}, {out} (the result "
            "folder) and {external} (the folder all such stages share) are filled in; nothing in "
            "it is ever changed"
        ),
    )
    preset: Literal["switchlight", "none"] = Field(
        default="switchlight",
        description="names of folders and files for passes without a pattern of their own",
    )
    passes: dict[PassName, PassSource] = Field(
        default_factory=dict,
        description="passes to wait for; empty: all the stage knows, named as the preset says",
    )
    timeout: Seconds = Field(
        default=2 * HOURS,
        description=(
            "how long to wait for files that are not there; then the run goes on without them; "
            "0: take in what is there"
        ),
        json_schema_extra={"unit": "s", "expects": "seconds, or a time such as 30m or 2h"},
    )
    poll_seconds: float = Field(
        default=5.0, gt=0, description="time between two looks", json_schema_extra={"unit": "s"}
    )
    quiet_seconds: float = Field(
        default=10.0,
        ge=0,
        description="a file that changed within this time is taken to be still growing",
        json_schema_extra={"unit": "s"},
    )
    missing_start: int = Field(
        default=1001, ge=0, description="number of the first picture in the folder missing/"
    )
    depth_keys: tuple[tuple[int, float, float], ...] = Field(
        default=(),
        description=(
            "corrections of depth: source frame, factor, offset in metres; linear in between"
        ),
        json_schema_extra={"expects": "a list such as [[0, 1.0, 0.0], [120, 1.1, -0.2]]"},
    )

    @model_validator(mode="after")
    def _check_passes(self) -> Self:
        plain = PassSource()
        for name, source in self.passes.items():
            for key, owners in ONLY_FOR.items():
                if name not in owners and getattr(source, key) != getattr(plain, key):
                    raise ValueError(f"passes.{name}.{key}: only {', '.join(owners)} has that key")
            if not source.pattern and self.preset == "none":
                raise ValueError(f"passes.{name}: give a pattern such as '{name}/*.png'")
        frames = [frame for frame, _, _ in self.depth_keys]
        if frames != sorted(set(frames)) or any(frame < 0 for frame in frames):
            raise ValueError("depth_keys: frames must rise, starting at 0 or later")
        if any(scale <= 0 for _, scale, _ in self.depth_keys):
            raise ValueError("depth_keys: factors must be above 0")
        return self

    def expected(self, known: tuple[str, ...]) -> dict[str, PassSource]:
        """Name the passes to wait for, in the house's order, each with its pattern.

        Parameters
        ----------
        known : tuple of str
            Passes of the stage, taken where the user names none.
        """
        chosen: dict[str, PassSource] = {str(name): one for name, one in self.passes.items()}
        chosen = chosen or {name: PassSource() for name in known}
        patterns = PRESETS.get(self.preset, {})
        return {
            name: source
            if source.pattern
            else source.model_copy(update={"pattern": patterns[name]})
            for name in PASSES
            if (source := chosen.get(name)) is not None
        }
