"""What a user chooses for a recipe: options, back ends, inputs; all of it can change results."""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from choreoscope.datatypes.artifacts import Manifest, WrittenFile, frame_name, kind_of
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.frames import FrameSet
from choreoscope.datatypes.models import READ_FROM_DISK, BackendSpec, Tier
from choreoscope.pipeline.digests import content_of
from choreoscope.pipeline.fingerprint import canonical
from choreoscope.pipeline.manifest import contribution
from choreoscope.pipeline.recipe import Recipe
from choreoscope.pipeline.stage import Options, Stage


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BackendChoice:
    """A back end and the options it is to be loaded with; both can change results."""

    spec: BackendSpec
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GivenInput:
    """Files of one kind that come from outside the recipe.

    Attributes
    ----------
    kind : str
        Artifact kind, one of the recipe's `inputs`.
    files : dict
        Person, window or frame (empty text for kinds that have none) to path.
    fingerprint : str
        Changes when the content does.
    tier : str
        Licence tier.
    manifest : Manifest or None
        The record it comes from, if a stage of another recipe made it.
    """

    kind: str
    files: Mapping[str, Path]
    fingerprint: str
    tier: str = Tier.COMMERCIAL
    manifest: Manifest | None = None

    @classmethod
    def of_manifest(cls, kind: str, *, folder: Path, manifest: Manifest) -> "GivenInput":
        """Hand one kind of a finished stage in another folder (the film's, say) on to a recipe."""
        return cls(
            kind=kind,
            files=files_of(kind, folder, manifest.files),
            fingerprint=contribution(manifest),
            tier=manifest.tier,
            manifest=manifest,
        )


def files_of(kind: str, root: Path, files: Iterable[WrittenFile]) -> dict[str, Path]:
    """Select the files of a kind: person, window or frame (else empty text) to path."""
    return {_key_of(file): root / file.path for file in files if file.kind == kind}


def _key_of(file: WrittenFile) -> str:
    if kind_of(file.kind).per == "frame" and file.frames is not None:
        return frame_name(file.frames.start)
    return file.person or file.window or ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Everything a user decides that can change results.

    Attributes
    ----------
    options : dict
        Stage name to its options; defaults where absent.
    backends : dict
        Task to back end.
    given : tuple of GivenInput
        The recipe's inputs.
    retry_failed : bool
        Whether frames that could not be made before are tried again.
    hopeless : FrameSet
        Frames that are not tried again even so: those of the film that do not decode.
    """

    options: Mapping[str, Options] = dataclasses.field(default_factory=dict)
    backends: Mapping[str, BackendChoice] = dataclasses.field(default_factory=dict)
    given: tuple[GivenInput, ...] = ()
    retry_failed: bool = False
    hopeless: FrameSet = dataclasses.field(default_factory=FrameSet)


def backend_name(choice: BackendChoice | None) -> str | None:
    """Name a back end with everything that identifies it: task, name, version, weights."""
    if choice is None:
        return None
    from choreoscope.pipeline.backends import weights_digest

    spec = choice.spec
    return f"{spec.task}/{spec.name} v{spec.version} weights {weights_digest(spec)[:16]}"


def resolved(stage: Stage, options: Options, backend: BackendChoice | None) -> dict[str, Any]:
    """Return the canonical options of a stage and of its back end, these named ``task.option``.

    An option that names a file is joined by ``task.option.content``: a file that changes has to
    make the stage run again.
    """
    texts: dict[str, Any] = canonical(options)
    if backend is None:
        return texts
    # No stage option holds a dot, so the two cannot meet.
    own = {f"{stage.task}.{key}": canonical(value) for key, value in backend.options.items()}
    return texts | own | _contents(stage.task, backend)


def _contents(task: str | None, backend: BackendChoice) -> dict[str, str]:
    kind = backend.spec.options
    if kind is None or not dataclasses.is_dataclass(kind):
        return {}
    places = {
        field.name: str(backend.options.get(field.name) or "")
        for field in dataclasses.fields(kind)
        if READ_FROM_DISK in field.metadata
    }
    return {
        f"{task}.{name}.content": content_of(Path(place).expanduser())
        for name, place in places.items()
        if place
    }


def worst_tier(inputs: Iterable[str], backend: BackendChoice | None) -> str:
    """Return the licence tier of what is made from `inputs` (their tiers) with a back end."""
    tiers = [Tier(tier) for tier in inputs]
    if backend is not None:
        tiers.append(backend.spec.licence.tier)
        tiers.extend(weights.licence.tier for weights in backend.spec.weights)
    order = list(Tier)
    return str(max(tiers, key=order.index, default=Tier.COMMERCIAL))


def check_choices(recipe: Recipe, choices: Choices) -> None:
    """Make sure that the choices fit the recipe.

    Raises
    ------
    InputError
        If options name an unknown stage or are of another stage's type, or an input is not given.
    """
    names = [stage.name for stage in recipe.stages]
    for name, options in choices.options.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"it has: {', '.join(names)}"
            raise InputError(f"recipe '{recipe.name}' has no stage '{name}'; {hint}")
        wanted = recipe.stage(name).options
        if not isinstance(options, wanted):
            raise InputError(
                f"stage '{name}' takes {wanted.__name__}, got {type(options).__name__}"
            )
    given = {one.kind for one in choices.given}
    absent = [kind for kind in recipe.inputs if kind not in given]
    if absent:
        raise InputError(f"recipe '{recipe.name}' needs {', '.join(absent)} to be handed in")
