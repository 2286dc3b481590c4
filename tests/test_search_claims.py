"""The measurement of the paper's claims: optimizers, estimates, answers, and continuing after a stop."""

import json
import math
import pickle
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from primitives import UserError, builtin
from proxy_tasks import Trainer, builtin_task, problem
from search.claims import CLAIMS, Answer, draw, measure, measure_claims
from search.claims.claim import Claim, Estimate, Result, majority
from search.claims.comparisons import (
    Measuring,
    against_published,
    batch_sizes,
    compare_families,
    parts_of_lion,
    resized,
)
from search.claims.costs import memory
from search.claims.entrants import (
    FACTORIAL,
    PUBLISHED,
    SINGLE_BETA,
    adam_with_two_betas,
    adamw_with_two_betas,
    entrant,
    signum_with_decay,
)
from search.claims.maps import rate_and_decay
from search.claims.searches import about_searches, meta_overfitting
from search.claims.weights import weights_and_updates
from search.commands.main import main
from search.running import Method, SilentReporter
from search.settings import ClaimSettings, ComparisonSettings, read_claim_settings
from selection import LocalTrials, Optimizer, Trial

SMALL = ComparisonSettings(trials=1, tuning_seeds=1, tunings=2, seeds=6)


class Formula(LocalTrials):
    """Losses by a formula of the optimizer, its constants, the task and the seed, without any training."""

    def __init__(self, effects: dict[str, float]) -> None:
        super().__init__()
        self.effects = effects

    def _losses(self, trial: Trial) -> np.ndarray:
        assert isinstance(trial.entrant, Optimizer)
        length = len(trial.entrant.name)
        noise = np.array([math.sin(12.9 * seed * length + trial.task.batch) * 0.01 for seed in trial.seeds])
        return np.exp(self.log_loss(trial.entrant, trial) + noise)

    def log_loss(self, entrant: Optimizer, trial: Trial) -> float:
        parts = FACTORIAL.get(entrant.name)
        if parts is None:
            return self.effects.get(entrant.name, 0.0)
        return sum(self.effects.get(part, 0.0) for part, has in parts._asdict().items() if has)


class Valley(Formula):
    """Losses that are lowest at given rates and decays."""

    def log_loss(self, entrant: Optimizer, trial: Trial) -> float:
        constants = dict(zip(entrant.names, entrant.values, strict=True))
        best = {"lion": (0.01, 0.5), "adamw": (0.05, 0.1)}[entrant.name]
        found = constants["learning_rate"], constants["weight_decay"]
        return float(sum(math.log2(value / wanted) ** 2 for value, wanted in zip(found, best, strict=True)))


def measuring(runner: Formula, **settings: Any) -> Measuring:
    chosen = ClaimSettings(tasks=["digits", "views"], x1=SMALL, batch_budget=SMALL, **settings)
    return Measuring(chosen, runner, lambda phase: None)


def answers(result: Result, words: str) -> list[str]:
    found = [str(claim.answer) for claim in result.claims if words in claim.claim]
    assert found, words
    return found


def steps(transformation: optax.GradientTransformation, count: int = 5) -> list[Any]:
    """Parameters after each of some steps on changing gradients."""
    parameters = {"a": jnp.array([1.0, -2.0]), "b": jnp.array([[0.5]])}
    state, found = transformation.init(parameters), []
    for number in range(count):
        gradients = jax.tree.map(lambda leaf, number=number: leaf * math.cos(number) + 0.1, parameters)
        updates, state = transformation.update(gradients, state, parameters)
        parameters = optax.apply_updates(parameters, updates)
        found += jax.tree.leaves(parameters)
    return found


@pytest.mark.parametrize(
    ("own", "known"),
    [
        (adam_with_two_betas(0.1, 0.9, 0.9, 0.99), optax.adam(0.1, 0.9, 0.99)),
        (adamw_with_two_betas(0.1, 0.8, 0.8, 0.9, 0.3), optax.adamw(0.1, 0.8, 0.9, weight_decay=0.3)),
    ],
    ids=["adam", "adamw"],
)
def test_adam_with_two_equal_betas_is_adam(own: Any, known: Any) -> None:
    for found, expected in zip(steps(own), steps(known), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-6)


def test_the_bias_of_two_betas_is_corrected_at_the_first_step() -> None:
    first = steps(adam_with_two_betas(0.1, 0.8, 0.95, 0.9), 1)
    for found, begin in zip(first, [jnp.array([1.0, -2.0]), jnp.array([[0.5]])], strict=True):
        np.testing.assert_allclose(begin - found, 0.1 * np.sign(begin + 0.1), rtol=1e-5)


def test_signum_with_decay_is_lion_with_one_beta() -> None:
    parameters, gradients = jnp.array([1.0, -2.0, 3.0]), jnp.array([0.5, 0.25, -1.0])
    own = signum_with_decay(jnp.float32(0.1), 0.5, 0.25)
    state = own.init(parameters)
    updates, state = own.update(gradients, state, parameters)
    np.testing.assert_allclose(updates, -0.1 * (np.sign(gradients) + 0.25 * parameters), rtol=1e-6)
    updates, _ = own.update(-0.6 * gradients, state, parameters)  # the average is (0.5 · 0.5 − 0.5 · 0.6) g < 0
    np.testing.assert_allclose(updates, -0.1 * (-np.sign(gradients) + 0.25 * parameters), rtol=1e-6)


def test_every_optimizer_can_be_trained_and_is_the_same_in_another_process() -> None:
    task = replace(builtin_task("digits"), steps=3)
    for name in {*PUBLISHED, *FACTORIAL, *SINGLE_BETA}:
        one = entrant(name, task)
        assert one == entrant(name, task) == pickle.loads(pickle.dumps(one))  # workers get it as bytes
        assert jax.eval_shape(
            lambda one=one: one.rule(jnp.asarray(one.values), (4, 2)).init(jnp.ones((2, 6)))
        ), name  # fmt: skip


def test_estimates_answer_what_their_intervals_show() -> None:
    below = Estimate.of(np.array([-0.2, -0.1, -0.15, -0.2, -0.12]))
    assert (below.answer(negative=True), below.answer(negative=False)) == (Answer.HOLDS, Answer.FAILS)
    wide = Estimate.of(np.array([-0.2, 0.3, -0.1, 0.1, 0.0]))
    assert wide.answer(negative=True) is wide.answer(negative=False) is Answer.OPEN
    assert Estimate.of(np.array([0.1, np.nan, 0.2])).answer(negative=True) is Answer.OPEN
    assert Estimate(-0.1, -0.2, 0.1).per_cent() == "−9.5 % (−18.1 … +10.5)"
    assert Estimate(0.05, -0.01, 0.11).as_share() == "+5.0 % (−1.0 … +11.0)"


def test_a_majority_answers_for_several_measurements() -> None:
    assert majority([Answer.HOLDS, Answer.HOLDS, Answer.FAILS]) is Answer.HOLDS
    assert majority([Answer.HOLDS, Answer.FAILS]) is Answer.OPEN
    assert majority([Answer.FAILS, Answer.OPEN, Answer.FAILS]) is Answer.FAILS


def test_effects_of_parts_are_those_of_the_formula() -> None:
    runner = Formula({"sign": -0.2, "two_betas": -0.1, "decay": 0.15, "lion, both betas 0.9": 0.3, "sgd": 0.5})
    shared = measuring(runner)
    families = compare_families(shared, 1, SMALL)
    found = parts_of_lion(1, families)
    effects = {row["part"]: row["mean"] for row in found.data["effects"]}
    assert effects == pytest.approx({"sign": -0.2, "two_betas": -0.1, "decay": 0.15}, abs=0.01)
    assert answers(found, "the sign") + answers(found, "weight decay") == ["holds", "does not hold"]
    assert answers(found, "both betas 0.9,") == ["holds"]
    published = against_published(1, families)
    assert answers(published, "lower loss than adamw (×1)") == ["holds"]
    assert answers(published, "than sgd") == ["holds"]
    assert {row["optimizer"] for row in published.data["rows"]} == {*PUBLISHED, *FACTORIAL, *SINGLE_BETA}
    assert "better in 2, worse in 0" in published.claims[0].ours


def test_a_worse_lion_is_reported_as_worse() -> None:
    families = compare_families(measuring(Formula({"sign": 0.4})), 100, SMALL)
    found = against_published(100, families)
    assert answers(found, "than adamw (×100)") == ["does not hold"]
    assert {row["optimizer"] for row in found.data["rows"]} == {*PUBLISHED}


def test_the_gain_with_the_batch_is_its_slope() -> None:
    class Growing(Formula):
        def log_loss(self, entrant: Optimizer, trial: Trial) -> float:
            return -0.05 * math.log2(trial.task.batch) if entrant.name == "lion" else 0.0

    shared = measuring(Growing({}), batch_tasks=["digits"], batches=[8, 64, 512])
    found = batch_sizes(shared)
    assert answers(found, "grows with the batch") == ["holds"]
    assert answers(found, "no gain of Lion below") == ["does not hold"]
    assert [row["mean"] for row in found.data["rows"]] == pytest.approx([-0.15, -0.3, -0.45], abs=0.01)
    assert batch_sizes(replace(shared, runner=Formula({}))).claims[0].answer is Answer.OPEN


def test_a_task_with_another_batch_has_equal_examples() -> None:
    base = builtin_task("vit")
    for batch in (8, 128, 1024):
        task = resized(base, batch)
        assert task.batch * task.steps == base.batch * base.steps
        assert task.name != base.name


def test_maps_find_the_best_rate_and_decay() -> None:
    found = rate_and_decay(measuring(Valley({}), map_tasks=["digits"], map_seeds=3))
    maps = {row["optimizer"]: row for row in found.data["maps"]}
    for name, (rate, decay) in {"lion": (0.01, 0.5), "adamw": (0.05, 0.1)}.items():
        assert 2**-0.51 < maps[name]["best_rate"] / rate < 2**0.51  # cells are a factor of 2 apart
        assert 2**-0.51 < maps[name]["best_decay"] / decay < 2**0.51 or maps[name]["best_decay"] in (
            pytest.approx(maps[name]["tuned_decay"] * factor) for factor in (1 / 8, 8)
        )
    assert np.shape(maps["lion"]["mean_log_loss"]) == (7, 7)
    assert "on digits" in found.claims[0].ours


def test_memory_is_computed_from_the_states() -> None:
    found = memory()
    sizes = {(row["optimizer"], row["parameters"]): row["mebibytes"] for row in found.data["rows"]}
    assert sizes["optax.lion", "float32"] == pytest.approx(86_567_656 * 4 / 2**20, rel=1e-6)
    assert sizes["optax.adamw", "float32"] == pytest.approx(2 * 86_567_656 * 4 / 2**20, rel=1e-6)
    assert sizes["optax.lion", "bfloat16"] == pytest.approx(sizes["optax.lion", "float32"] / 2, rel=1e-6)
    assert sizes["exported lion", "bfloat16"] == pytest.approx(sizes["exported lion", "float32"], rel=1e-6)  # float32
    assert [claim.answer for claim in found.claims] == [Answer.HOLDS]


def test_a_trajectory_ends_where_the_losses_are_computed() -> None:
    task = replace(builtin_task("digits"), steps=20)
    trainer = Trainer(task, range(3), compile_programs=True)
    for program in (builtin("lion"), entrant("signum", task)):
        found = trainer.trajectory(program)
        assert found.update_norms.shape == (20, 3)
        rows = problem(task).rows["validation"]
        losses = [float(problem(task).loss(jnp.asarray(weights), rows)) for weights in found.weights]
        np.testing.assert_allclose(losses, trainer.losses(program), rtol=1e-4)
    single = Trainer(replace(task, steps=1), range(3))
    first = single.trajectory(entrant("signum", task))
    moved = np.linalg.norm(np.asarray(single.inputs["weights"]) - first.weights, axis=1)
    np.testing.assert_allclose(first.update_norms[0], moved, rtol=1e-4)
    np.testing.assert_allclose(first.update_norms[0], found.update_norms[0], rtol=1e-5)


def test_weights_and_updates_are_measured() -> None:
    shared = measuring(Formula({}), map_tasks=["digits"], weight_seeds=2)  # so tuning ends where it starts
    found = weights_and_updates(shared)
    rows = {row["optimizer"]: row for row in found.data["rows"]}
    assert rows["lion"]["norm"] == pytest.approx(1.0, abs=0.1)  # a sign, beside a small decay
    assert rows["adamw"]["norm"] < rows["lion"]["norm"]
    assert all(rows[name]["sharpness"] > 0 and rows[name]["rise 0.2"] > rows[name]["rise 0.05"] for name in rows)
    assert len(found.claims) == 5


def method(name: str, fresh: Sequence[float], growth: float = 0.1) -> Method:
    curves = np.array([[0.1, 0.1 + growth]] * len(fresh))
    return Method(name, np.zeros((len(fresh), 2)), curves, curves, tuple(fresh), {}, "")


def test_searches_are_compared_by_rank() -> None:
    good, bad = [-0.3, -0.25, -0.2, -0.22, -0.28], [-0.1, -0.05, 0.0, -0.02, -0.08]
    found = about_searches([method("evolution", good), method("random", bad), method("tree", good)], {}, Path())
    assert answers(found, "than random search") == ["holds"]
    assert answers(found, "than tree search") == ["cannot tell"]
    assert answers(found, "grows during a search") == ["holds", "holds"]
    worse = about_searches([method("evolution", bad, -0.1), method("random", good)], {}, Path())
    assert {str(claim.answer) for claim in worse.claims} == {"does not hold", "not measured"}
    assert answers(worse, "meta-overfitting") == ["not measured"]


def test_meta_overfitting_is_a_better_fitness_with_a_worse_loss_on_larger_tasks() -> None:
    def curve(*checks: tuple[float, float]) -> dict[str, Any]:
        return {"checks": [{"fitness": fitness, "larger": larger} for fitness, larger in checks]}

    overfitted, sound = curve((-0.1, -0.2), (-0.3, 0.1)), curve((-0.1, -0.2), (-0.3, -0.4))
    assert meta_overfitting([overfitted, overfitted, sound]).answer is Answer.HOLDS
    assert meta_overfitting([overfitted, sound, sound]).answer is Answer.OPEN


TINY = """
tasks: [digits]
x1: null
x10: null
x100: null
batch_tasks: [digits]
batches: [32, 64]
batch_budget: {trials: 1, tuning_seeds: 1, tunings: 1, seeds: 2}
map_tasks: [digits]
map_seeds: 2
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClaimSettings:
    """Settings whose trainings take seconds; times of steps, maps and weights are left out."""

    def stub(name: str) -> Result:
        return Result(name, (Claim(name, "–", "–", Answer.OPEN),))

    monkeypatch.setattr(measure, "speed", lambda: stub("speed"))
    monkeypatch.setattr(measure, "rate_and_decay", lambda measuring: stub("maps"))
    monkeypatch.setattr(measure, "weights_and_updates", lambda measuring: stub("weights"))
    path = tmp_path / "claims.yaml"
    path.write_text(TINY)
    return read_claim_settings(path)


def test_a_stopped_measurement_continues(tiny: ClaimSettings, tmp_path: Path) -> None:
    stop = threading.Event()

    class Stopping(SilentReporter):
        def trials_run(self, total: int) -> None:
            if total >= 3:
                stop.set()

    folder = tmp_path / "claims"
    with pytest.raises(KeyboardInterrupt):
        measure_claims(tiny, folder, Stopping(), stop)
    early = json.loads((folder / CLAIMS).read_text())
    assert [row["name"] for row in early["results"]] == ["memory", "speed", "maps", "weights"]
    facts = measure_claims(tiny, folder)
    assert [row["name"] for row in facts["results"]] == ["memory", "speed", "maps", "weights", "batches", "searches"]
    assert json.loads((folder / CLAIMS).read_text()) == json.loads(json.dumps(facts))
    counted = []

    class Counting(SilentReporter):
        def trials_run(self, total: int) -> None:
            counted.append(total)

    wider = tiny.model_copy(update={"batches": [32, 64, 128]})
    again = measure_claims(wider, folder, Counting())
    assert max(counted) == 4  # two optimizers with the new batch, each in tuning and on fresh seeds
    assert [row["name"] for row in again["results"]] == [row["name"] for row in facts["results"]]
    assert [path.name for path in draw(again["results"], tmp_path)] == ["batches.svg"]


def test_another_file_is_not_overwritten(tiny: ClaimSettings, tmp_path: Path) -> None:
    (tmp_path / CLAIMS).write_text("[1]")
    with pytest.raises(UserError, match="not the result of `optsearch reproduce claims`"):
        measure_claims(tiny, tmp_path)
    assert (tmp_path / CLAIMS).read_text() == "[1]"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x10: {seedz: 3}", "unknown key `x10.seedz`; did you mean `seeds`?"),
        ("tasks: [vit_x10]", "`tasks` must name smallest tasks"),
        ("map_tasks: [vitt]", "unknown task `vitt`"),
        ("batches: [0, 8]", "must be at least 1"),
    ],
)
def test_mistakes_in_the_config_are_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "claims.yaml").write_text(text)
    with pytest.raises(UserError) as error:
        read_claim_settings(tmp_path / "claims.yaml")
    assert words in str(error.value)


def test_the_command_refuses_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "claims", "--seed", "1"]) == 2
    assert "the seeds of claims are set in the config" in capsys.readouterr().err


def test_the_config_of_the_project_can_be_read() -> None:
    settings = read_claim_settings(Path(__file__).parent.parent / "configs" / "claims.yaml")
    assert settings.x10 is not None
    assert settings.x10.seeds >= 8
    assert all(Path(name).is_file() for name in settings.searches)
