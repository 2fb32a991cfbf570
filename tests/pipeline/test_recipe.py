"""Recipes: order follows from reads and writes, and nonsense is refused in words."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_recipe import World, fake_kinds, world
from hypothesis import given
from hypothesis import strategies as st

from choreoscope.datatypes.artifacts import KINDS
from choreoscope.datatypes.errors import InputError
from choreoscope.pipeline.recipe import Recipe, load_stages
from choreoscope.pipeline.stage import NoOptions, Stage

__all__ = ["fake_kinds", "world"]


def stage(name: str, reads: tuple[str, ...] = (), writes: tuple[str, ...] = ()) -> Stage:
    return Stage(
        name=name,
        version=1,
        reads=reads,
        writes=writes,
        options=NoOptions,
        run=lambda _: None,
        check=lambda _kind, _path: None,
        meaning=name,
    )


def names(recipe: Recipe) -> list[str]:
    return [one.name for one in recipe.stages]


def test_stages_come_after_what_they_read(world: World) -> None:
    assert names(world.recipe()) == ["see", "who", "lines", "index", "side"]


@given(st.data())
def test_any_order_given_is_put_right(data: st.DataObject) -> None:
    """Every stage reads some kinds of earlier ones; shuffled, each still finds them written."""
    kinds = list(KINDS)[:8]
    stages = []
    for number, kind in enumerate(kinds):
        reads = data.draw(st.lists(st.sampled_from(kinds[:number]), unique=True)) if number else []
        stages.append(stage(f"s{number}", tuple(reads), (kind,)))
    shuffled = data.draw(st.permutations(stages))
    written: set[str] = set()
    for one in Recipe(name="any", stages=tuple(shuffled)).stages:
        assert set(one.reads) <= written
        written |= set(one.writes)
    assert written == set(kinds)


def test_stages_that_do_not_depend_keep_the_order_given() -> None:
    stages = (stage("b", (), ("lens",)), stage("a", (), ("camera",)), stage("c", (), ("shot",)))
    assert names(Recipe(name="free", stages=stages)) == ["b", "a", "c"]


def test_feeders_and_ancestors(world: World) -> None:
    recipe = world.recipe()
    index = recipe.stage("index")
    assert [one.name for one in recipe.feeders(index)] == ["who", "lines"]
    assert [one.name for one in recipe.ancestors(index)] == ["see", "who", "lines"]
    assert recipe.ancestors(recipe.stage("side")) == ()


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((stage("a", ("lens",)),), "stage 'a' reads 'lens', which no stage writes"),
        (
            (stage("a", (), ("lens",)), stage("b", (), ("lens",))),
            "stages 'a' and 'b' both write 'lens'",
        ),
        ((stage("a"), stage("a")), "two stages named 'a'"),
        ((stage("a", ("lens",), ("lens",)),), "in a circle: a reads from a"),
        (
            (
                stage("a", ("lens",), ("camera",)),
                stage("b", ("shot",), ("lens",)),
                stage("c", ("camera",), ("shot",)),
                stage("d", ("camera",)),
            ),
            "in a circle: a reads from b reads from c reads from a",
        ),
        ((stage("a", ("depht",)),), "no artifact kind 'depht'"),
        ((stage("../a"),), "because it names files"),
        ((stage("a", (), ("shots",)),), "'shots' is an input, yet stage 'a' writes it"),
        (
            (dataclasses.replace(stage("a", (), ("lens",)), granularity="window"),),
            "may write only kinds per window or frame, not lens",
        ),
    ],
)
def test_nonsense_is_refused(stages: tuple[Stage, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Recipe(name="wrong", stages=stages, inputs=("shots",))


def test_inputs_come_from_outside() -> None:
    recipe = Recipe(name="ok", stages=(stage("a", ("shots",), ("lens",)),), inputs=("shots",))
    assert names(recipe) == ["a"]


def test_an_unknown_stage_is_named_with_the_known_ones(world: World) -> None:
    with pytest.raises(InputError, match="no stage 'sea'; it has: see, who"):
        world.recipe().stage("sea")


@pytest.fixture
def stage_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "made_up_stages"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "empty.py").write_text("")
    (folder / "wants.py").write_text("import made_up_dependency")
    (folder / "good.py").write_text(
        "from choreoscope.pipeline.stage import NoOptions, Stage\n"
        "STAGE = Stage(name='good', version=1, reads=(), writes=(), options=NoOptions,\n"
        "              run=print, check=print, meaning='good')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.startswith("made_up")]:
        del sys.modules[name]


@pytest.mark.usefixtures("stage_modules")
def test_stages_are_loaded_by_name() -> None:
    (good,) = load_stages(["made_up_stages.good"])
    assert good.name == "good"


@pytest.mark.usefixtures("stage_modules")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("made_up_stages.absent", "no stage module 'made_up_stages.absent'"),
        ("made_up_nothing.absent", "'made_up_nothing' does not exist"),
        ("made_up_stages.empty", "has no STAGE"),
    ],
)
def test_a_stage_that_cannot_be_loaded(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_stages([name])


@pytest.mark.usefixtures("stage_modules")
def test_a_missing_dependency_is_not_taken_for_a_missing_stage() -> None:
    with pytest.raises(ModuleNotFoundError, match="made_up_dependency"):
        load_stages(["made_up_stages.wants"])
