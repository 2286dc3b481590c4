"""A config is read as it stands; whatever is wrong is named with its path and what would be right."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from primitives import UserError, parse
from proxy_tasks.baselines import baseline
from proxy_tasks.catalog import builtin_task
from search.algorithms.structures.identity import structure_of
from search.settings.config import Config, EvaluationSettings
from search.settings.loading import insertable, load_config
from search.settings.reading import build_config, read_config, recorded_values, restore_config, to_yaml
from search.settings.unused_keys import UNUSED

ROOT = Path(__file__).resolve().parent.parent


SEARCHES = sorted(path for path in (ROOT / "configs").rglob("*.yaml") if path.name != "claims.yaml")


@pytest.mark.parametrize("path", SEARCHES, ids=lambda path: path.name)
def test_every_config_of_a_search_that_comes_with_the_project_is_valid(path: Path) -> None:
    config = read_config(path)
    assert build_config(yaml.safe_load(to_yaml(config))) == config


def test_what_is_left_out_has_its_default_and_overrides_win(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("tasks: [digits]\nsearch: {children: 7}\n")
    config = read_config(file, ["search.children=9", "seed=4", "evaluation.hurdle_margin=1e-1"])
    assert (config.search.children, config.seed, config.evaluation.hurdle_margin) == (9, 4, 0.1)
    assert config.search.population == Config().search.population


BAD: dict[str, tuple[str, str]] = {
    "unknown key": ("search: {childern: 5}", "unknown key `search.childern`; did you mean `children`"),
    "unknown section": ("serach: {}", "unknown key `serach`; did you mean `search`"),
    "deep unknown key": ("search: {mutations: {insrt: 1.0}}", "unknown mutation `insrt`; did you mean `insert`"),
    "negative": ("search: {children: -1}", r"`search.children` (=-1): input should be greater than or equal to 1"),
    "wrong type": ("search: {children: many}", "`search.children` (='many'): input should be a valid integer"),
    "not an integer": ("seed: 1.5", "`seed` (=1.5): input should be a valid integer"),
    "a truth value": ("seed: true", "`seed` (=True): input should be a valid integer"),
    "tournament": (
        "search: {population: 10, tournament: 12}",
        "`search`: `tournament` (=12) must lie between 1 and `population` (=10)",
    ),
    "race": (
        "evaluation: {race: [4, 3]}",
        "`evaluation`: `race` (=[4, 3]) must rise from above `first_seeds` (=2, at least 1) to below `seeds` (=8)",
    ),
    "race to the end": ("evaluation: {race: [4, 8]}", "`evaluation`: `race` (=[4, 8]) must rise"),
    "race without first seeds": ("evaluation: {first_seeds: 0, race: [4]}", "`evaluation`: `race` (=[4]) must rise"),
    "first seeds": ("evaluation: {seeds: 2}", "`evaluation`: `first_seeds` (=2) must be less than `seeds` (=2)"),
    "no mutation": (
        "search: {mutations: {insert: 0, delete: 0, modify: 0, replace: 0, wrap: 0, scale: 0}}",
        "at least one mutation must have a rate above 0",
    ),
    "unknown task": ("tasks: [digit]", "unknown task `digit`; did you mean `digits`"),
    "no task": ("tasks: []", "`tasks` (=[]): list should have at least 1 item"),
    "task twice": ("tasks: [digits, digits]", "`tasks` names the same task twice"),
    "unknown program": ("program: adamww", "`adamww` is neither a file nor a built-in program; did you mean `adamw`"),
    "unknown executor": ("workers: {executor: threads}", "`workers.executor` (='threads'): input should be"),
    "unknown algorithm": (
        "search: {algorithm: magic}",
        "`search`: unknown algorithm `magic`",
    ),
    "unknown primitive": ("search: {primitives: [sgn]}", "unknown function `sgn`"),
    "no primitive": ("search: {primitives: []}", "`search.primitives` must name at least one function"),
    "unknown plugin": ("search: {plugins: [no_such_module]}", "module `no_such_module` cannot be imported"),
    "infinite": ("evaluation: {hurdle_margin: .inf}", "`evaluation.hurdle_margin` (=inf): input should be a finite"),
    "section is a value": ("search: 5", "`search` (=5) must be a section of `key: value` lines"),
    "primitives": ("search: {primitives: 5}", "`search.primitives` (=5)"),
    "a task without brackets": ("tasks: digits", "`tasks` (='digits') must be a list, such as `[digits]`"),
    "octal": ("seed: 010", "line 1: `010` is 8 in YAML; write that"),
    "base 60": ("seed: 1:30", "line 1: `1:30` is 90 in YAML; write that"),
    "a bomb of aliases": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{n}: &{n} [{','.join(['*' + m] * 9)}]\n" for m, n in pairwise("abcdefghi")),
        "values after expansion of aliases; the limit is 50,000",
    ),
    "a bomb of merges": (
        "a: &a {x: 1}\n"
        + "".join(f"{n}: &{n} {{<<: [{','.join(['*' + m] * 9)}]}}\n" for m, n in pairwise("abcdefghi")),
        "values after expansion of aliases; the limit is 50,000",
    ),
    "an alias in itself": ("tasks: &a [*a]", "an alias that contains itself"),
    "a long value": ("seed: " + "x" * 5000, "…): input should be a valid integer"),
    "a large file": ("# " + "x" * 2_000_000, "bytes; the limit is 1,000,000"),
    "nested": ("[" * 3000, "is not valid YAML"),
    "empty": ("", "is empty"),
    "a list": ("- a\n- b", "must contain `key: value` lines, not a list"),
    "broken YAML": ("seed: [1\ntasks: x", "is not valid YAML, line 2"),
    "key twice": ("seed: 1\nseed: 2", "key `seed` occurs twice"),
    "a control character": ("seed: \0", "is not valid YAML"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_named_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        load_config(read_config(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", UNUSED)
def test_a_key_that_structures_does_not_use_is_refused_in_a_new_config_and_accepted_in_a_recorded_one(key: str) -> None:
    values = {"mutations": {"insert": 0}, "probe": False, "race": [4], "tournament": 3, "hurdle_quantile": 0.5}
    section, _, name = key.partition(".")
    chosen: dict[str, Any] = {"search": {"algorithm": "structures"}}
    chosen[section] = chosen.get(section, {}) | {name: values.get(name, 0.25 if "share" in name else 7)}
    with pytest.raises(UserError, match=f"`{key}` is not used by `search.algorithm: structures`; leave it out"):
        build_config(chosen)
    assert restore_config(chosen).search.algorithm == "structures"
    assert build_config(chosen | {"search": chosen["search"] | {"algorithm": "random"}}).search.algorithm == "random"


def test_structures_accepts_the_keys_of_evaluation_that_its_runs_use() -> None:
    """Constants are tuned at the end of a run with these seeds and this margin; the search itself uses the prices."""
    used = {"seeds", "first_seeds", "hurdle_margin", "statement_price", "slot_price"}
    assert {f"evaluation.{key}" for key in EvaluationSettings.model_fields.keys() - used} < {*UNUSED}
    config = build_config({"search": {"algorithm": "structures"}, "evaluation": {"seeds": 6, "hurdle_margin": 0.2}})
    assert build_config(yaml.safe_load(to_yaml(config))) == config


@pytest.mark.parametrize(
    ("override", "message"),
    [("search", "expected `key=value`"), ("seed.x=1", "`seed` is a value"), ("search.childern=1", "did you mean")],
)
def test_a_mistaken_override_is_named(override: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("seed: 1")
    with pytest.raises(UserError, match=message):
        read_config(file, [override])


def test_a_config_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no config"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match="cannot be read as text"):
        read_config(tmp_path / "binary.yaml")
    with pytest.raises(UserError, match="must be a file"):
        read_config(tmp_path)


def test_an_empty_section_has_its_defaults_and_merge_keys_work(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("search:\n  # children: 5\nevaluation: &e {seeds: 4}\n")
    assert read_config(file, ["search.population=20"]).search.population == 20
    file.write_text("search: {<<: {children: 5}, population: 9}\n")
    assert read_config(file).search.children == 5


@pytest.mark.usefixtures("own_registry")
def test_a_plugin_beside_the_config_brings_a_function_that_the_program_uses(tmp_path: Path) -> None:
    (tmp_path / "plugin_for_a_test.py").write_text(
        "from primitives import ANY, Primitive, register\n"
        "register(Primitive('halved_for_a_test', lambda x: x / 2, (ANY,)))\n"
    )
    text = "def train(w, g, m, v, lr):\n    update = halved_for_a_test(g)\n    return update, m, v\n"
    (tmp_path / "mine.py").write_text(text)
    (tmp_path / "c.yaml").write_text("program: mine.py\nsearch: {plugins: [plugin_for_a_test]}\n")
    config = read_config(tmp_path / "c.yaml")
    assert config.search.plugins == [str(tmp_path / "plugin_for_a_test")]
    assert load_config(config) == parse(text)
    assert restore_config(config.model_dump(mode="json")) == config
    (tmp_path / "runs" / "one").mkdir(parents=True)
    assert restore_config(recorded_values(config, tmp_path / "runs" / "one"), tmp_path / "runs" / "one") == config
    again = tmp_path / "again.yaml"
    again.write_text(to_yaml(config, tmp_path))
    assert read_config(again) == config
    (tmp_path / "broken_for_a_test.py").write_text("def (:\n")
    (tmp_path / "c.yaml").write_text("search: {plugins: [broken_for_a_test]}\n")
    with pytest.raises(UserError, match="`broken_for_a_test` cannot be imported: SyntaxError"):
        load_config(read_config(tmp_path / "c.yaml"))


def test_a_program_file_is_found_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def train(w, g, m, v, lr):\n    update = g * lr\n    return update, m, v\n")
    (tmp_path / "c.yaml").write_text("program: mine.py")
    assert read_config(tmp_path / "c.yaml").program == str(tmp_path / "mine.py")


def test_the_functions_that_may_be_inserted_are_those_of_the_paper_or_those_that_are_named() -> None:
    assert len(insertable(Config())) == 44
    chosen = build_config({"search": {"primitives": ["sign", "interp", "*"]}})
    assert [row.name for row in insertable(chosen)] == ["sign", "interp", "multiply"]


def test_a_whole_number_may_be_written_as_a_float() -> None:
    values = yaml.safe_load("{children: 1.0e+3, evaluations: 2.0e+3, population: 100}")
    assert build_config({"search": values}).search.children == 1000
    assert build_config({"search": values}).search.evaluations == 2000


@pytest.mark.parametrize("path", ["/dev/zero", "."])
def test_a_config_is_a_regular_file(path: str) -> None:
    with pytest.raises(UserError, match="must be a file"):
        read_config(Path(path))


def test_the_schema_names_every_key() -> None:
    schema = Config.model_json_schema()
    assert schema["properties"].keys() == Config.model_fields.keys()
    assert "children" in schema["$defs"]["SearchSettings"]["properties"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", ["lion", "quickstart"])
def test_a_structure_search_starts_from_the_tuned_adamw_of_its_task(name: str) -> None:
    config = read_config(ROOT / "configs" / f"{name}.yaml")
    (task,) = config.tasks
    start = parse((ROOT / "configs" / str(config.program)).read_text(encoding="utf-8"))
    tuned = [value for *_, value in baseline(builtin_task(str(task))).constants()]
    assert [value for *_, value in start.constants()] == pytest.approx(tuned, rel=0.01)
    assert structure_of(start) == structure_of(baseline(builtin_task(str(task))))
