"""Tasks of the user's own: described in the config, checked, tuned once, and the same for whoever resumes."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from primitives import UserError
from proxy_tasks.families import fingerprint, problem
from proxy_tasks.inputs import start
from proxy_tasks.task import Circumstance
from search.commands.main import cli
from search.commands.panel import LivePanel
from search.running import run as runner
from search.running.setup import load_tasks, tasks_of, with_baselines, yardstick
from search.settings.loading import load_config
from search.settings.reading import read_config, to_yaml
from search.settings.tasks import OwnTask, task_of

MODULE = """
import jax
import jax.numpy as jnp
import numpy as np
from proxy_tasks.families import register_family
from proxy_tasks.task import Problem

@register_family
def line(task):
    generator = np.random.default_rng(0)
    rows = {}
    for split in ("train", "validation", "test"):
        x = generator.normal(size=(60, 3)).astype(np.float32)
        rows[split] = {"x": x, "y": x @ np.ones(3, np.float32) + 0.1 * generator.normal(size=60).astype(np.float32)}
    initialise = lambda generator: generator.normal(size=3).astype(np.float32)
    return Problem((3,), initialise, lambda w, rows: jnp.mean(jnp.square(rows["x"] @ w - rows["y"])), rows)

@register_family
def nothing(task):
    return 5

@register_family
def wrong_size(task):
    built = line(task)
    return Problem((4,), built.initialise, built.loss, built.rows)

@register_family
def no_gradient(task):
    built = line(task)
    return Problem((3,), built.initialise, lambda w, rows: rows["x"] @ w, built.rows)

@register_family
def negative(task):
    built = line(task)
    return Problem((3,), built.initialise, lambda w, rows: built.loss(w, rows) - 1e6, built.rows)

@register_family
def fails(task):
    raise KeyError("depth")

def helper(task):
    raise AssertionError("called though it is not registered")
"""

CONFIG = """
tasks:
  - {name: flowers, family: classification, data: flowers.npz, batch: 8, steps: 15, settings: {hidden: [4]}, trials: 3}
  - {name: line, family: "module_of_a_test:line", batch: 8, steps: 10, trials: 3}
search: {children: 6, population: 3, tournament: 2}
evaluation: {seeds: 2, first_seeds: 1}
selection: {finalists: 1, seeds: 2, tuning_trials: 0}
"""


TUNED = "tuned: {adamw: [0.9, 0.95, 0.1, 1.0], lion: [0.9, 0.95, 0.3, 1.0], noise: 0.1}"


def quiet(name: str, trial: int, trials: int, best: float) -> None:
    pass


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A config with two tasks of the user's own, and what they need beside it."""
    generator = np.random.default_rng(1)
    y = generator.integers(0, 3, 90)
    np.savez(tmp_path / "flowers.npz", x=generator.normal(size=(90, 5)) + y[:, None], y=y)
    (tmp_path / "book.txt").write_text("".join(f"{n} squared is {n * n}.\n" for n in range(900)))
    (tmp_path / "module_of_a_test.py").write_text(MODULE)
    (tmp_path / "own.yaml").write_text(CONFIG)
    return tmp_path / "own.yaml"


def one(own: Path, text: str) -> OwnTask:
    """The entry of a config with this one task."""
    own.write_text(f"tasks: [{text}]")
    config = read_config(own)
    load_config(config)
    entry = config.tasks[0]
    assert isinstance(entry, OwnTask)
    return entry


VARIED = "[{}, {loss_scale: 20.0, schedule_power: 0.5, examples: 40, label_noise: 0.2, peak: 0.5, steps: 9, batch: 4}]"


def test_the_training_conditions_of_each_seed_are_read_and_recorded(own: Path) -> None:
    entry = "{name: flowers, family: classification, data: flowers.npz, batch: 8, steps: 15, settings: {hidden: [4]}"
    one(own, f"{entry}, peak: 0.02, circumstances: {VARIED}, {TUNED}}}")
    config = read_config(own)
    (task,) = tasks_of(config)
    assert task.peak == 0.02
    assert task.circumstance(2) == Circumstance()
    assert task.circumstance(3) == Circumstance(
        loss_scale=20.0, schedule_power=0.5, examples=40, label_noise=0.2, peak=0.5, steps=9, batch=4
    )
    assert tasks_of(read_config(_written(own, to_yaml(config)))) == [task]
    assert yardstick(config)["flowers"]["task"]["circumstances"][1]["loss_scale"] == 20.0
    one(own, f"{entry}, circumstances: [{{loss_scale: 20.0}}], {TUNED}}}")
    assert yardstick(read_config(own)) != yardstick(config)
    with pytest.raises(UserError, match=r"`steps` \(=16\) of a circumstance must be at most 15"):
        one(own, f"{entry}, circumstances: [{{steps: 16}}], {TUNED}}}")


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_run_on_tasks_of_ones_own_tunes_their_baselines_and_resumes_without_the_config(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.write_text(CONFIG.replace("trials: 3", TUNED, 1))  # one task that was tuned before, and one that was not
    folder = own.parent / "run"
    result = CliRunner().invoke(cli, ["run", str(own), "--out", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    own.unlink()
    monkeypatch.chdir(own.parent)  # where the module is that the config of the run names
    resolved = read_config(folder / "config.yaml")
    assert all(isinstance(entry, OwnTask) and entry.tuned for entry in resolved.tasks)
    with LivePanel(quiet=True) as progress:
        assert (
            runner.resume_search(folder, progress).digest == json.loads((folder / "summary.json").read_text())["digest"]
        )
    facts = json.loads(CliRunner().invoke(cli, ["inspect", str(folder), "--json"]).stdout)
    shares = {row["task"]: row["share"] for row in facts["tasks"]}
    noise = {row["task"]: row["noise"] for row in facts["tasks"]}
    assert sum(shares.values()) == pytest.approx(1)
    assert json.loads((folder / "summary.json").read_text())["tasks"] == shares
    assert shares["flowers"] / shares["line"] == pytest.approx(noise["line"] / noise["flowers"])
    first = next(row for row in facts["programs"] if row["number"] == 0)
    assert first["parts"] == {"flowers": 0, "line": 0}
    for row in facts["programs"]:
        assert sum(row["parts"].values()) == pytest.approx(row["fitness"] - first["fitness"], abs=1e-5)
    score = CliRunner().invoke(cli, ["score", "lion", "--task", str(folder / "config.yaml"), "--seeds", "2", "--json"])
    assert {row["task"] for row in json.loads(score.stdout)["scores"]} == {"flowers", "line"}


def test_scores_on_other_data_do_not_mix_but_a_file_may_move(own: Path) -> None:
    one(own, f"{{name: flowers, family: classification, data: flowers.npz, {TUNED}}}")
    before = read_config(own)
    with np.load(own.parent / "flowers.npz") as file:
        x, y = file["x"], file["y"]
    np.savez(own.parent / "moved.npz", x=x, y=y)
    x[0, 0] += 1e-3
    np.savez(own.parent / "others.npz", x=x, y=y)

    def with_data(name: str) -> object:
        own.write_text(to_yaml(before).replace("flowers.npz", name))
        return yardstick(read_config(own))

    assert with_data("moved.npz") == yardstick(before)
    assert with_data("others.npz") != yardstick(before)


def test_a_change_in_the_users_module_changes_the_fingerprint(own: Path) -> None:
    entry = one(own, "{name: line, family: 'module_of_a_test:line'}")
    task = load_tasks(str(own))[0]
    before = fingerprint(task)
    module = own.parent / "module_of_a_test.py"
    assert entry.family == f"{own.parent}/module_of_a_test:line"
    module.write_text(MODULE.replace("jnp.square(", "jnp.abs("))
    fingerprint.cache_clear()
    assert fingerprint(task) != before


def test_a_task_without_tuned_baselines_is_named(own: Path) -> None:
    with (
        LivePanel(quiet=True) as progress,
        pytest.raises(UserError, match=r"task `flowers` has no tuned `noise` yet; .* `optsearch tune` with its config"),
    ):
        runner.run_search(read_config(own), own.parent / "run", progress)


def test_the_lines_that_tune_prints_go_into_the_config(own: Path) -> None:
    flowers = "\n".join(line for line in CONFIG.splitlines() if "name: line" not in line)
    own.write_text(flowers)
    result = CliRunner().invoke(cli, ["tune", str(own), "--trials", "3", "--seeds", "1"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.split("# for the task `flowers`\n")[1].split("\n\n")[0]
    own.write_text(flowers.replace("trials: 3}", "trials: 3, " + json.dumps(yaml.safe_load(lines))[1:-1] + "}", 1))
    assert tasks_of(read_config(own))[0].tuned == {
        "adamw": {"constants": yaml.safe_load(lines)["tuned"]["adamw"]},
        "lion": {"constants": yaml.safe_load(lines)["tuned"]["lion"]},
        "noise": yaml.safe_load(lines)["tuned"]["noise"],
    }
    refused = CliRunner().invoke(cli, ["tune", str(own), "--write"])
    assert "`--write` requires a built-in task" in str(refused.exception)


def test_a_task_on_which_no_baseline_can_be_tuned_is_named(own: Path) -> None:
    one(own, "{name: a, family: 'module_of_a_test:negative', steps: 3, trials: 3}")
    with pytest.raises(UserError, match="task `a`: 3 trials found no constants with which AdamW and Lion train"):
        with_baselines(read_config(own), quiet)


@pytest.mark.parametrize("family", ["causal language model", "masked language model"])
def test_a_text_of_ones_own_is_modelled(own: Path, family: str) -> None:
    one(
        own,
        f"{{name: book, family: {family}, data: book.txt, settings: {{width: 8, context: 16}}}}",
    )
    task = load_tasks(str(own))[0]
    built = problem(task)
    rows = {name: values[:16] for name, values in built.rows["validation"].items()}
    loss = jax.jit(built.loss)(jnp.asarray(built.initialise(np.random.default_rng(0))), rows)
    characters = len(set((own.parent / "book.txt").read_text()))
    assert float(loss) == pytest.approx(np.log(characters + 1), rel=0.35)


def test_images_of_ones_own_are_shifted_and_cut_into_patches(own: Path) -> None:
    x = np.random.default_rng(0).integers(0, 255, (100, 4, 6), np.uint8)
    np.savez(own.parent / "flowers.npz", x=x, y=np.arange(100) % 2)
    one(own, "{name: p, family: image classification, data: flowers.npz, settings: {patch: 2, shift: 1}}")
    rows = problem(load_tasks(str(own))[0]).rows
    assert rows["train"]["x"].shape == (9 * 60, 6, 4)
    assert rows["test"]["x"].shape == (20, 6, 4)
    assert abs(rows["validation"]["x"].mean()) < 0.1
    assert rows["validation"]["x"].std() == pytest.approx(1, abs=0.1)


BAD = {
    "no data": ("family: classification", "task `a` needs `data`: the path of an .npz file"),
    "no such file": ("family: classification, data: none.npz", "there is no data file"),
    "a folder": ("family: classification, data: .", "`data` (='.') must be a file"),
    "no such text": ("family: causal language model, data: none.txt", "there is no data file"),
    "not a text": ("family: causal language model, data: flowers.npz", "is no text in UTF-8"),
    "not arrays": (
        "family: classification, data: book.txt",
        "is text (a CSV file?); an .npz file with `x` and `y` is needed",
    ),
    "short text": ("family: causal language model, data: own.yaml", "the train part of"),
    "unknown family": ("family: clasification, data: flowers.npz", "unknown family `clasification`; did you mean"),
    "unknown key": ("family: classification, bach: 5", "unknown key `tasks.0.bach`; did you mean `batch`"),
    "unknown key of tuned": ("family: x, tuned: {adam: [1]}", "`tasks.0.tuned.adamw`"),
    "batch": ("family: classification, batch: 0", "`tasks.0.batch` (=0)"),
    "setting": (
        "family: classification, data: flowers.npz, settings: {hiden: [3]}",
        "unknown setting `hiden`; did you",
    ),
    "hidden": (
        "family: classification, data: flowers.npz, settings: {hidden: 3}",
        "`hidden` (=3) must be a list, each entry a whole number, above 0",
    ),
    "examples": ("family: classification, data: flowers.npz, settings: {examples: 1.5}", "must be a whole number"),
    "shift": ("family: classification, data: flowers.npz, settings: {shift: 1}", "only images can be moved"),
    "patch": ("family: image classification, data: flowers.npz", "must tile the images; `x` is [5] each"),
    "heads": ("family: causal language model, data: book.txt, settings: {heads: 3}", "must be a multiple of `heads`"),
    "masked": ("family: masked language model, data: book.txt, settings: {masked: 40}", "must be less than `context`"),
    "no module": ('family: "nowhere_at_all:f"', "module `nowhere_at_all` cannot be imported"),
    "no function": ('family: "module_of_a_test:f"', "module `module_of_a_test` has no function `f`"),
    "not a function": ('family: "module_of_a_test:np"', "is a module, not a function"),
    "not registered": ('family: "module_of_a_test:helper"', "`module_of_a_test:helper` is not registered as a family"),
    "of another module": ('family: "code:interact"', "`code:interact` is not registered as a family"),
    "a path": (
        'family: "../x/module_of_a_test:line"',
        "must be the name of a module, such as `my_module`, and not a path",
    ),
    "an absolute path": ('family: "/tmp/module_of_a_test:line"', "must be the name of a module, such as `my_module`"),
    "no data but a device": ("family: causal language model, data: /dev/zero", "`data` (='/dev/zero') must be a file"),
    "not a problem": ('family: "module_of_a_test:nothing"', "must return a `proxy_tasks.Problem`, not int"),
    "failing": ('family: "module_of_a_test:fails"', "failed: KeyError: 'depth'"),
    "size": ('family: "module_of_a_test:wrong_size"', "must give 4 weights, float32, as `sizes` says; it gives"),
    "gradient": ('family: "module_of_a_test:no_gradient"', "no gradient of the loss: TypeError"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_with_a_task_is_said_in_one_line(case: str, own: Path) -> None:
    text, message = BAD[case]
    with pytest.raises(UserError) as error:
        one(own, f"{{name: a, {text}}}")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{name: digits, family: classification}", "is the name of a built-in task"),
        ("{family: classification}", "`tasks.0.name`"),
        ("5", "`tasks.0` (=5): must be the name of a task, or describe one"),
        ("{name: line, family: 'module_of_a_test:line'}, {name: line, family: 'module_of_a_test:line'}", "twice"),
    ],
)
def test_an_entry_that_is_none_is_refused(entry: str, message: str, own: Path) -> None:
    with pytest.raises(UserError) as error:
        one(own, entry)
    assert message in str(error.value)


def test_both_places_where_a_data_file_was_looked_for_are_named(own: Path) -> None:
    with pytest.raises(UserError) as error:
        one(own, "{name: a, family: classification, data: none.npz}")
    places = f"`{own.parent / 'none.npz'}` or `{Path.cwd() / 'none.npz'}`"
    assert str(error.value) == f"task `a`: there is no data file {places}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            "family: image classification, settings: {patch: 2, shift: 100000}",
            "`shift` (=100000) must be a whole number",
        ),
        ("family: denoising diffusion, settings: {draws: 100000000}", "`draws` (=100000000) times would take"),
        ("family: contrastive views, settings: {shift: 100000}", "`shift` (=100000) must be a whole number"),
        ("family: classification, settings: {hidden: [1000000000]}", "weights would take"),
        ("family: classification, batch: 1000000000", "the order of 200 × 1000000000 examples"),
    ],
)
def test_settings_that_would_exhaust_the_memory_are_refused(settings: str, message: str, own: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 4, 4))
    np.savez(own.parent / "flowers.npz", x=x, y=np.arange(100) % 2)
    with pytest.raises(UserError) as error:
        start(task_of(one(own, f"{{name: a, data: flowers.npz, {settings}, {TUNED}}}")), 0)
    assert message in str(error.value)


def test_data_from_which_nothing_can_be_learnt_end_before_the_search(own: Path) -> None:
    generator = np.random.default_rng(1)
    np.savez(own.parent / "flowers.npz", x=generator.normal(size=(400, 5)), y=generator.integers(0, 2, 400))
    own.write_text(CONFIG.replace("\n  - {name: line", "\n#  - {name: line"))
    result = CliRunner().invoke(cli, ["run", str(own), "--out", str(own.parent / "run")])
    assert isinstance(result.exception, UserError)
    assert "task `flowers`: the tuned AdamW has a validation loss of" in str(result.exception)
    assert "predictor that ignores its input" in str(result.exception)


@pytest.mark.parametrize("value", [0.0, 1e300])
def test_data_that_do_not_vary_or_overflow_are_refused_before_any_work(value: float, own: Path) -> None:
    np.savez(own.parent / "flowers.npz", x=value * np.random.default_rng(0).normal(size=(90, 5)), y=np.arange(90) % 3)
    for command in ("validate", "run", "tune"):
        result = CliRunner().invoke(cli, [command, str(own)])
        assert isinstance(result.exception, UserError), command
        expected = "`x` overflows when it is scaled" if value else "nothing can be learnt"
        assert expected in str(result.exception)


def test_a_config_with_tasks_of_ones_own_is_read_back_as_it_was(own: Path) -> None:
    own.write_text(CONFIG.replace("trials: 3", TUNED))
    config = read_config(own)
    assert with_baselines(config, quiet) == config
    own.write_text(to_yaml(config))
    assert read_config(own) == config
