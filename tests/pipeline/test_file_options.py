"""A back end's option that names a file counts by what the file holds."""

import dataclasses
from pathlib import Path

import pytest
from fake_recipe import World, fake_kinds, world

from choreoscope.datatypes.models import READ_FROM_DISK
from choreoscope.pipeline.backends import find_backends
from choreoscope.pipeline.choices import BackendChoice

__all__ = ["fake_kinds", "world"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LookOptions:
    """Attributes: a picture of the place, and a name that is no file's."""

    plate: str = dataclasses.field(default="", metadata={READ_FROM_DISK: True})
    title: str = ""


def choose(world: World, monkeypatch: pytest.MonkeyPatch, **options: str) -> None:
    spec = dataclasses.replace(world.backends()["look"].spec, options=LookOptions)
    chosen = {"look": BackendChoice(spec=spec, options=options)}
    monkeypatch.setattr(world, "backends", lambda: chosen)


def test_a_changed_file_makes_the_stage_run_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plate = tmp_path / "plate.png"
    plate.write_bytes(b"empty stage")
    choose(world, monkeypatch, plate=str(plate), title=str(plate))
    world.run()
    assert world.plan().is_finished
    plate.touch()
    assert world.plan().is_finished, "its bytes count, not its time"
    plate.write_bytes(b"another stage")
    standing = world.plan().standings[0]
    assert standing.state == "stale"
    assert "look.plate.content" in standing.why
    assert "look.title.content" not in standing.causes.options
    plate.unlink()
    assert world.plan().standings[0].state == "stale"


def test_no_file_no_content(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(world, monkeypatch, plate="")
    assert "look.plate.content" not in world.plan().standings[0].causes.options


@pytest.mark.parametrize(
    ("task", "name", "option"),
    [
        ("matte", "background_matting_v2", "plate"),
        ("depth", "prompt_depth_anything", "prompts"),
    ],
)
def test_back_ends_of_the_house_say_which_options_are_files(
    task: str, name: str, option: str
) -> None:
    options = next(spec.options for spec in find_backends(task) if spec.name == name)
    assert options is not None
    files = {
        field.name for field in dataclasses.fields(options) if READ_FROM_DISK in field.metadata
    }
    assert files == {option}
