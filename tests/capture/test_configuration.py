"""The configuration of a capture: every choice is in it, has a meaning and a flag."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from choreoscope.capture.choosing import outside_options, recipe_of, run_settings
from choreoscope.capture.config import (
    CORRECTIONS,
    SAID_ELSEWHERE,
    TASKS,
    Configuration,
    automatic_processes,
    backend_choices,
    configuration_type,
    configure,
    configured,
    stage_options,
    text_of,
)
from choreoscope.capture.recipes import PRESETS, clip_recipe, known_stages, preset
from choreoscope.capture.sections import PASS_TASKS
from choreoscope.cli import flags
from choreoscope.datatypes.errors import InputError
from choreoscope.datatypes.passes import PASSES
from choreoscope.pipeline.backends import find_backends
from choreoscope.pipeline.config.layers import Given, Layer, value_at
from choreoscope.pipeline.config.reading import layer_of
from choreoscope.pipeline.config.schema import Key, Leaf, Named, keys_of

HERE = Path("/here")
KEYS = list(keys_of(configuration_type()))
REPOSITORY = Path(__file__).resolve().parents[2]

TEXTS: dict[str, st.SearchStrategy[object]] = {
    "film.frames": st.sampled_from(["0:10", ":5", "7:"]),
    "film.time": st.sampled_from(["00:01-00:02", "3/2-5"]),
    "film.rate": st.sampled_from(["24", "30000/1001", 25]),
    "recipe": st.sampled_from(sorted(PRESETS)),
    "people.backend": st.sampled_from(["blazepose", "fake"]),
    **{
        f"passes.{task}.backend": st.sampled_from([spec.name for spec in find_backends(task)])
        for task in PASS_TASKS
    },
    "stages.cloud.depth_keys": st.sampled_from([[], [[0, 1.0, 0.0], [120, 1.1, -0.2]]]),
    "stages.depth_fit.measured": st.sampled_from([[], [[12, 640.0, 355.5, 4.2]]]),
    "watch.on_finish": st.sampled_from(["", "say 'two words'"]),
    "watch.on_failure": st.sampled_from(["", "mail me"]),
    "watch.suffixes": st.lists(st.sampled_from([".mp4", ".mov"])),
    "watch.picture_suffixes": st.lists(st.sampled_from([".png"])),
}


def _limit(leaf: Leaf, *names: str) -> float | None:
    found = [getattr(one, name) for one in leaf.metadata for name in names if hasattr(one, name)]
    return float(found[0]) if found else None


def values_for(name: str, leaf: Leaf) -> st.SearchStrategy[Any]:
    """Any value a key may have, as a file would give it."""
    if name in TEXTS:
        return TEXTS[name]
    return st.one_of([_values(kind, leaf) for kind in _kinds(leaf.annotation)])


def _kinds(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        for one in get_args(annotation):
            yield from _kinds(one)
    else:
        yield annotation


def _values(kind: Any, leaf: Leaf) -> st.SearchStrategy[Any]:
    low, high = _limit(leaf, "ge", "gt"), _limit(leaf, "le", "lt")
    if kind is float:
        edge = 0.001 if _limit(leaf, "gt") is not None else 0.0
        return st.floats((low or 0.0) + edge, (high or 1e6) - (0.001 if high else 0.0))
    if kind is int:
        return st.integers(math.ceil(low or 0), math.floor(high or 10**6))
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) is tuple:
        inner = [one for one in get_args(kind) if one is not Ellipsis]
        return st.lists(_values(inner[0], leaf), max_size=3)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        type(None): st.none(),
        str: st.text(st.characters(codec="utf-8"), max_size=8),
        Path: st.sampled_from(["/a/b c.txt", "/é: #x"]),
    }
    return plain[kind]


def of_a_back_end(key: Key) -> bool:
    """Whether it is an option of a back end: limits of those are code."""
    return key.path[:2] == ("people", "options") or (
        key.path[0] == "passes" and key.path[2:3] == ("options",)
    )


MAPPINGS = {
    ("people", "heights", "P01"): st.floats(0.5, 2.6),
    ("people", "heights", "a b: c"): st.floats(0.5, 2.6),
    ("run", "timeouts", "people"): st.floats(0, 1e6),
    ("run", "interpreters", "people"): st.just("/usr/bin/python3"),
    ("people", "options", "blazepose", "detect_every"): st.integers(1, 99),
    ("people", "options", "blazepose", "person_score"): st.floats(0.1, 0.9),
    ("people", "options", "fake", "breaks"): st.lists(st.integers(0, 99), max_size=3),
    ("external", "other", "timeout"): st.floats(0, 1e6),
    ("external", "other", "passes", "depth", "scale"): st.floats(0.1, 8),
}
"""Values inside mappings, and of back ends, whose limits are code."""

# Some values only go together with others; these tests are about layers and texts.
ALONE = {"focal_mm", "camera", "time", "smoothing"}
VALUES = {
    key.path: values_for(key.name, key.shape)
    for key in KEYS
    if isinstance(key.shape, Leaf) and key.path[-1] not in ALONE and not of_a_back_end(key)
} | MAPPINGS


@st.composite
def layers(draw: st.DrawFn, origin: str, fewer: int = 12) -> Layer:
    paths = draw(st.sets(st.sampled_from(sorted(VALUES)), max_size=fewer))
    return Layer(values={path: Given(draw(VALUES[path]), origin) for path in sorted(paths)})


def read(text: str) -> Configuration:
    return configured([layer_of(text, HERE / "shot.yaml", configuration_type())]).values


@settings(max_examples=25)
@given(layers("file", 40))
def test_what_is_written_is_read_back(layer: Layer) -> None:
    configuration = configured([layer]).values
    people = configuration.people
    again = read(text_of(configuration, "any"))
    # Options of the back end that is not chosen are not worth a line.
    same = getattr(again.people.options, people.backend)
    assert same == getattr(people.options, people.backend)
    mine, theirs = configuration.model_dump(), again.model_dump()
    for one in (mine, theirs):
        for path in TASKS.values():
            section = value_at(one, path)
            chosen = section["backend"]
            section["options"] = section["options"][chosen]
    assert mine == theirs


@settings(max_examples=25)
@given(layers("file"), layers("flags"))
def test_flags_beat_file_beats_recipe_beats_defaults(file: Layer, given_flags: Layer) -> None:
    resolved = configured([file, given_flags])
    recipe = {tuple(key.split(".")): value for key, value in
              preset(resolved.values.recipe).values.items() if value != {}}  # fmt: skip
    plain = configured([]).values
    for path in VALUES:
        for layer in (given_flags, file):
            if path in layer.values:
                origin = layer.values[path].origin
                break
        else:
            origin = f"recipe {resolved.values.recipe}" if path in recipe else "default"
        if path not in MAPPINGS:
            assert resolved.origin(path) == origin
        if origin == "default" and path not in MAPPINGS:
            assert value_at(resolved.values, path) == value_at(plain, path)


def test_a_preset_lies_between_file_and_defaults() -> None:
    """Control of the law above, with the values presets really have."""
    waits = configured([Layer(values={("recipe",): Given("relight", "--recipe")})])
    assert list(waits.values.external) == ["switchlight"]
    assert waits.origin(("external", "switchlight")) == "recipe relight"
    without = flags.parse(["--recipe", "relight", "--external.switchlight=null"])
    assert configured([without]).values.external == {}
    assert configured([]).values.external == {}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_has_a_meaning_and_a_flag(key: Key) -> None:
    assert len(key.meaning) > 8, f"{key.name} has no description"
    text = {"bool": "true"}.get(getattr(getattr(key.shape, "annotation", None), "__name__", ""), "")
    spelled = f"--{key.name.replace('_', '-')}"
    words = [spelled] if text else [spelled, "{}" if isinstance(key.shape, Named) else "null"]
    layer = flags.parse(words)
    assert set(layer.values) <= {key.path}
    assert layer.values or isinstance(key.shape, Named)


@pytest.mark.parametrize("stage", known_stages(), ids=lambda stage: stage.name)
def test_every_option_of_every_stage_is_a_key_or_said_elsewhere(stage: Any) -> None:
    section = getattr(configuration_type()().stages, stage.name, None)
    there = set() if section is None else set(type(section).model_fields)
    elsewhere = SAID_ELSEWHERE.get(stage.name, frozenset())
    options = set(stage.options.model_fields)
    assert there | elsewhere | {CORRECTIONS} >= options
    assert there.isdisjoint(elsewhere)
    assert elsewhere <= options
    for field in stage.options.model_fields.values():
        assert field.description, stage.name


def test_defaults_are_those_of_the_stages_and_back_ends() -> None:
    configuration = configured([]).values
    for stage in known_stages():
        assert stage_options(configuration, stage) == stage.options()
    for task, path in TASKS.items():
        for spec in find_backends(task):
            chosen = flags.parse([f"--{'.'.join(path)}.backend", spec.name])
            options = backend_choices(configured([chosen]).values)[task].options
            assert spec.options is not None
            assert spec.options(**options) == spec.options()


def test_every_back_end_of_ours_lists_its_options() -> None:
    for spec in find_backends():
        assert spec.options is not None, spec.name


@pytest.mark.parametrize("name", PRESETS)
def test_a_written_configuration_is_the_recipe_and_its_defaults(name: str, tmp_path: Path) -> None:
    resolved = configured([flags.parse(["--recipe", name])]).values
    path = tmp_path / "shot.yaml"
    path.write_text(text_of(resolved, "title\n\nmore"), encoding="utf-8")
    assert configure(path).values == resolved
    assert resolved.recipe == name


@pytest.mark.parametrize("name", PRESETS)
def test_every_recipe_holds_the_core_and_comes_together(name: str) -> None:
    recipe = recipe_of(configured([flags.parse(["--recipe", name])]).values)
    names = [stage.name for stage in recipe.stages]
    assert {"people", "identities", "lens", "lift", "index", "report"} <= set(names)
    assert {stage for stage in names if recipe.stage(stage).outdated} == set(preset(name).awaits)
    for stage, passes in preset(name).awaits.items():
        assert set(passes) == set(recipe.stage(stage).writes) & set(PASSES)


def test_dance_data_is_without_pictures_and_everything_is_everything() -> None:
    light = {stage.name for stage in clip_recipe("dance-data").stages}
    assert light.isdisjoint({"overlay", "views", "glb"})
    all_stages = {stage.name for one in PRESETS for stage in clip_recipe(one).stages}
    assert {stage.name for stage in clip_recipe("everything").stages} == all_stages


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lense:\n  fov_degrees: 50\n", "line 1: there is no key 'lense'; did you mean 'lens'?"),
        ("lens:\n  fov: 50\n", "line 2: 'lens' has no key 'fov'; known: camera"),
        ("fov_degrees: 50\n", "line 1: there is no key 'fov_degrees'; did you mean 'lens.fov_"),
        ("stages:\n  lift:\n    smothing: false\n", "line 3: 'stages.lift' has no key 'smothing'"),
        ("stages:\n  identities:\n    link:\n      kost: 3\n", "line 4: 'stages.identities.link'"),
        ("people:\n  options:\n    fake:\n      peoplee: 1\n", "line 4: 'people.options.fake'"),
        ("people:\n  options:\n    blazepose: {detect_every: 0}\n", "line 3: people.options.blaz"),
        ("people:\n  backend: blazpose\n", "line 2: people.backend: no people back end"),
        ("external:\n  sl:\n    passes:\n      dept: {}\n", "line 4: 'external.sl.passes' has no"),
        ("external:\n  sl:\n    pases: {}\n", "line 3: 'external.sl' has no key 'pases'; did you"),
        ("recipe: mocup\n", "line 1: no recipe 'mocup'; did you mean 'mocap'"),
        ("run:\n  executor: pol\n", "expected one of inline, pool, ray, got 'pol'; did you mean"),
        ("run:\n  clip_timeout: soon\n", "line 2: run.clip_timeout: expected seconds, or a dur"),
        ("run:\n  timeouts: {people: -3}\n", "line 2: run.timeouts.people: expected"),
        ("run:\n  workers: -1\n", "line 2: run.workers: expected a whole number, 0 or more"),
        ("film:\n  time: 20-10\n", "line 2: film.time: expected a time range such as"),
        ("film:\n  frames: all\n", "line 2: film.frames: expected frames as START:STOP"),
        ("people:\n  heights: {P01: 172}\n", "line 2: people.heights.P01: expected a number, 0.5"),
        ("watch:\n  still_secs: 3\n", "line 2: 'watch' has no key 'still_secs'; did you mean"),
        ("lens: {fov_degrees: 50, focal_mm: 35}\n", "lens.focal_mm and lens.fov_degrees"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_nearest_name(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("shot.yaml, line ")


def test_the_lens_of_a_flag_takes_the_place_of_the_files() -> None:
    file = layer_of("lens: {focal_mm: 35}\n", HERE / "shot.yaml", configuration_type())
    lens = configured([file, flags.parse(["--lens.fov_degrees", "50"])]).values.lens
    assert (lens.focal_mm, lens.fov_degrees) == (None, 50)


def test_run_settings_are_filled_in_for_the_machine() -> None:
    text = "run: {executor: inline, clip_timeout: 90m, timeouts: {people: 1h30m}}\n"
    run = run_settings(read(text))
    assert (run.executor, run.processes) == ("inline", 1)
    assert run.workers >= 1
    assert run.limits.of_clip == 5400
    assert run.limits.of_stage("people") == 5400
    assert run.limits.of_stage("lift") == math.inf
    assert [automatic_processes("pool", cores) for cores in (1, 2, 4, 16)] == [1, 1, 2, 4]


def test_the_folder_of_passes_is_named_once() -> None:
    text = (
        "folders: {external: passes}\n"
        "external:\n  switchlight: {folder: '{external}/{film}'}\n  other: {passes: {flow: {}}}\n"
    )
    configuration = read(text)
    choices = outside_options(configuration)
    assert choices["switchlight"].folder == HERE / "passes" / "{film}"
    assert choices["other"].folder == HERE / "passes" / "{film}" / "{stage}" / "{clip}"
    without = outside_options(read("external: {other: {}}\n"))
    assert without["other"].folder == Path("{out}/delivered/{film}/{stage}/{clip}")


def test_the_page_of_the_docs_lists_every_key() -> None:
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    for key in KEYS:
        if key.path[0] not in {"stages", "watch"} and not of_a_back_end(key):
            assert f"| `{key.name}` | {key.meaning} |" in page, key.name
    for name in PRESETS:
        assert f"| `{name}` | {preset(name).meaning} |" in page


def test_sections_are_models_with_closed_doors() -> None:
    """An unknown key deep inside must not be swallowed anywhere."""

    def sections(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
        yield kind
        for field in kind.model_fields.values():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                yield from sections(field.annotation)

    for kind in sections(configuration_type()):
        assert kind.model_config.get("extra") == "forbid", kind
        assert kind.model_config.get("frozen"), kind
