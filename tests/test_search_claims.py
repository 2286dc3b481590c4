"""The measurement of the paper's claims: optimizers, estimates, and answers."""

import math
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from primitives import builtin
from proxy_tasks import Trainer, builtin_task, has_baseline, problem, training_rows
from search.claims import Answer
from search.claims.batches import batch_sizes, no_gain, resized, slope_of
from search.claims.claim import Estimate, Result, majority
from search.claims.comparisons import Measuring, against_published, compare_families, parts_of_lion
from search.claims.entrants import (
    FACTORIAL,
    FIXED_BETAS,
    PUBLISHED,
    SINGLE_BETA,
    entrant,
    untuned,
)
from search.claims.losses import Families, LogLosses
from search.claims.maps import RATES, LossMap, rate_and_decay, ratio_range
from search.claims.weights import chosen_rows, hessian_product, largest_eigenvalue, weights_and_updates
from search.settings import ClaimSettings, ComparisonSettings
from selection import LocalTrials, Optimizer, Trial, TunedComparison, starting

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
    effects_of = {"sign": -0.2, "two_betas": -0.1, "decay": 0.15, "sgd": 0.5}
    # with fixed betas, every ablation is worse than the tuned Lion; one of them is worse than the betas of the paper
    runner = Formula(effects_of | {FIXED_BETAS: 0.2, "lion, both betas 0.9": 0.3, "lion, both betas 0.99": 0.1})
    shared = measuring(runner)
    families = compare_families(shared, 1, SMALL)
    found = parts_of_lion(families)
    effects = {row["part"]: row["mean"] for row in found.data["effects"]}
    assert effects == pytest.approx({"sign": -0.2, "two_betas": -0.1, "decay": 0.15}, abs=0.01)
    assert answers(found, "the sign") + answers(found, "weight decay") == ["holds", "does not hold"]
    assert answers(found, "both betas 0.9,") + answers(found, "both betas 0.99,") == ["holds", "does not hold"]
    assert (
        answers(found, "lower loss than signum with decay") + answers(found, "lower loss than adamw") == ["holds"] * 2
    )
    published = against_published(families)
    assert answers(published, "lower loss than adamw (×1)") == ["holds"]
    assert answers(published, "than sgd") == ["holds"]
    assert answers(published, "than adam (×1)")
    assert {row["optimizer"] for row in published.data["rows"]} == {*PUBLISHED, *FACTORIAL, *SINGLE_BETA, FIXED_BETAS}
    assert "lower in 2, higher in 0 of 2 families" in published.claims[0].ours


def test_a_worse_lion_is_reported_as_worse() -> None:
    families = compare_families(measuring(Formula({"sign": 0.4})), 100, SMALL)
    found = against_published(families)
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
    assert "best batch 512 for Lion" in found.claims[0].ours
    assert found.data["rows"][0]["log_loss_adamw"] == pytest.approx(0.0, abs=0.01)
    assert batch_sizes(replace(shared, runner=Formula({}))).claims[0].answer is Answer.OPEN


def test_a_task_with_another_batch_has_equal_examples() -> None:
    base = builtin_task("vit")
    for batch in (8, 128, 1024):
        task = resized(base, batch)
        assert task.batch * task.steps == base.batch * base.steps
        assert task.name != base.name


def test_maps_find_the_best_rate_and_decay() -> None:
    found = rate_and_decay(measuring(Valley({}), map_tasks=["digits"], map_seeds=3))
    assert [row["tuning"] for row in found.data["maps"]] == [0, 1, 0, 1]
    maps = {row["optimizer"]: row for row in found.data["maps"]}
    for name, (rate, decay) in {"lion": (0.01, 0.5), "adamw": (0.05, 0.1)}.items():
        assert 2**-0.51 < maps[name]["best_rate"] / rate < 2**0.51  # cells are a factor of 2 apart
        assert 2**-0.51 < maps[name]["best_decay"] / decay < 2**0.51 or maps[name]["best_decay"] in (
            pytest.approx(maps[name]["tuned_decay"] * factor) for factor in (1 / 8, 8)
        )
    assert np.shape(maps["lion"]["mean_log_loss"]) == (7, 7)
    assert "on digits" in found.claims[0].ours


def test_a_trajectory_ends_where_the_losses_are_computed() -> None:
    task = replace(builtin_task("digits"), steps=20)
    trainer = Trainer(task, range(3), compile_programs=True)
    for program in (builtin("lion"), entrant("signum")):
        found = trainer.trajectory(program)
        assert found.update_norms.shape == (20, 3)
        rows = problem(task).rows["validation"]
        losses = [float(problem(task).loss(jnp.asarray(weights), rows)) for weights in found.weights]
        np.testing.assert_allclose(losses, trainer.losses(program), rtol=1e-4)
    single = Trainer(replace(task, steps=1), range(3))
    first = single.trajectory(entrant("signum"))
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


def compared(**losses: np.ndarray) -> TunedComparison:
    tunings, seeds = next(iter(losses.values())).shape
    return TunedComparison("task", "adamw", (), 1, tunings, seeds, losses)


def noisy(effect: float, spread: float, seed: int, tunings: int = 2, seeds: int = 8) -> np.ndarray:
    """Losses with an effect on the log loss, and variation between tunings and seeds."""
    generator = np.random.default_rng(seed)
    between = generator.normal(size=(tunings, 1)) * spread
    return np.exp(effect + between + generator.normal(size=(tunings, seeds)) * spread)


def test_two_tunings_are_enough_to_answer_with_the_variance_of_all_optimizers() -> None:
    rivals = {f"rival {number}": noisy(0.0, 0.02, number) for number in range(12)}
    logs = LogLosses.of([compared(lion=noisy(-0.2, 0.02, 20), adamw=noisy(0.0, 0.02, 21), **rivals)])
    own = Estimate.of(logs.tables["lion"] - logs.tables["adamw"])
    found = logs.contrast(["lion"], ["adamw"])
    pooled = logs.pooled(["lion", "adamw"])
    assert pooled is not None
    assert pooled.freedom == 14
    assert found.answer(negative=True) is Answer.HOLDS
    assert found.high - found.low < 0.8 * (own.high - own.low) or own.answer(negative=True) is Answer.HOLDS
    several = logs.contrast([f"rival {number}" for number in range(4)], [f"rival {number}" for number in range(4, 8)])
    assert several.high - several.low < 0.7 * (found.high - found.low)  # means of four vary half as much


def test_an_optimizer_that_is_hard_to_tune_does_not_widen_the_intervals_of_others() -> None:
    lion, adamw, sgd = noisy(-0.1, 0.01, 1, 4), noisy(0.0, 0.01, 2, 4), noisy(0.5, 1.0, 3, 4)
    alone, beside = (
        LogLosses.of([compared(lion=lion, adamw=adamw)]),
        LogLosses.of([compared(lion=lion, adamw=adamw, sgd=sgd)]),
    )
    assert beside.contrast(["lion"], ["adamw"]) == alone.contrast(["lion"], ["adamw"])
    assert beside.contrast(["lion"], ["sgd"]).answer(negative=True) is Answer.OPEN


def test_a_diverged_training_counts_as_the_worst_and_leaves_an_answer() -> None:
    lion, adamw, sgd = noisy(-0.3, 0.02, 1), noisy(0.0, 0.02, 2), noisy(0.1, 0.02, 3)
    lion[0, 3], adamw[1, 2] = np.inf, np.nan
    one = LogLosses.of([compared(lion=lion, adamw=adamw, sgd=sgd)])
    assert one.diverged == {"lion": 1, "adamw": 1, "sgd": 0}
    assert one.tables["lion"][0, 3] == one.tables["adamw"][1, 2] == np.log(sgd).max()
    families = Families(1, {"digits": compared(lion=lion, adamw=adamw, sgd=sgd)})
    found = families.contrast(["lion"], ["adamw"])
    assert np.isfinite([found.mean.mean, found.mean.low, found.mean.high]).all()
    assert "2 of 32 trainings diverged" in found.text
    everywhere = LogLosses.of([compared(lion=lion * np.inf, adamw=adamw * np.inf)])
    assert everywhere.contrast(["lion"], ["adamw"]).answer(negative=True) is Answer.OPEN
    assert everywhere.contrast(["lion"], ["adamw"]).per_cent() == "diverged"


def test_one_family_does_not_decide_for_the_others() -> None:
    tables = {"digits": -3.0, "views": 0.1, "vit": 0.1, "masked": 0.1}
    families = Families(
        1,
        {
            name: compared(lion=noisy(effect, 0.01, place, 4), adamw=noisy(0.0, 0.01, 9 + place, 4))
            for place, (name, effect) in enumerate(tables.items())
        },
    )
    found = families.contrast(["lion"], ["adamw"])
    assert found.mean.mean < -0.5
    assert found.answer is Answer.FAILS
    assert "lower in 1, higher in 3 of 4 families" in found.text


def test_tuning_starts_at_constants_that_no_task_has_stored() -> None:
    tried = []

    class Listing(Formula):
        def _losses(self, trial: Trial) -> np.ndarray:
            tried.append(trial.entrant)
            return super()._losses(trial)

    compare_families(measuring(Listing({})), 1, ComparisonSettings(trials=3, tuning_seeds=1, tunings=1, seeds=2))
    for name in ("lion", "adamw", "adam"):
        assert not has_baseline(untuned("digits"), "lion")
        assert starting(name, builtin_task("digits")) not in tried
        assert entrant(name) in tried


def test_a_single_tuning_is_named_as_a_limit() -> None:
    def limits(tunings: int) -> set[str]:
        losses = {name: noisy(0.0, 0.1, len(name), tunings) for name in PUBLISHED}
        return {claim.limit for claim in against_published(Families(100, {"views": compared(**losses)})).claims}

    assert all("the interval covers seeds alone" in limit for limit in limits(1))
    assert not any("the interval covers seeds alone" in limit for limit in limits(2))


def test_diverged_trainings_leave_the_slope_over_batches_finite() -> None:
    def logs(batch: int) -> LogLosses:
        lion, adamw = noisy(-0.1 * math.log2(batch), 0.01, batch, 4), noisy(0.0, 0.01, batch + 1, 4)
        adamw[0, 0] = np.inf
        return LogLosses.of([compared(lion=lion, adamw=adamw)])

    found = slope_of([logs(batch) for batch in (8, 64, 512)], [8, 64, 512])
    assert found.mean == pytest.approx(-0.1, abs=0.01)
    assert found.answer(negative=True) is Answer.HOLDS
    lost = LogLosses.of([compared(lion=np.full((4, 8), np.nan), adamw=np.full((4, 8), np.nan))])
    assert math.isnan(slope_of([lost, logs(8)], [4, 8]).mean)


def test_a_gain_that_is_too_small_to_matter_is_none() -> None:
    assert no_gain(Estimate(-0.005, -0.007, -0.003)) is Answer.HOLDS
    assert no_gain(Estimate(-0.05, -0.07, -0.03)) is Answer.FAILS
    assert no_gain(Estimate(-0.01, -0.07, 0.03)) is Answer.OPEN


def valley(row: float, column: float, seeds: int = 6) -> LossMap:
    """A map that is lowest at a row and a column."""
    cells = np.add.outer((np.arange(7) - row) ** 2, (np.arange(7) - column) ** 2)
    noise = np.random.default_rng(0).normal(size=(7, 7, seeds)) * 0.01
    return LossMap({"rate": 0.1, "decay": 0.2}, cells[..., None] + noise)


def test_a_range_that_reaches_the_edge_of_a_map_is_open() -> None:
    inside = valley(3, 2)
    assert inside.best == (3, 2)
    assert inside.near("rate") == (0.1, 0.1)
    assert inside.near("decay") == (0.2 * RATES[2], 0.2 * RATES[2])
    assert valley(0, 6).near("rate") == (0.0, 0.1 * RATES[0])
    assert valley(0, 6).near("decay") == (0.2 * RATES[6], math.inf)
    assert ratio_range((1.0, math.inf), (0.0, 2.0)) == (0.5, math.inf)


def test_a_map_whose_trainings_all_diverged_is_open_on_both_sides() -> None:
    lost = LossMap({"rate": 0.1, "decay": 0.2}, np.full((7, 7, 4), np.inf))
    assert lost.near("rate") == lost.near("decay") == (0.0, math.inf)
    assert lost.robust().tolist() == [0.0] * 4
    assert ratio_range((0.0, math.inf), (0.0, math.inf)) == (0.0, math.inf)
    partly = valley(3, 3)
    partly.logs[3, 3, 0] = np.inf  # the best cell but for one seed
    assert partly.best != (3, 3)
    assert math.isfinite(partly.as_json()["best_rate"])


def test_robustness_is_compared_with_an_interval() -> None:
    found = rate_and_decay(measuring(Formula({}), map_tasks=["digits"], map_seeds=6))  # no cell is better than another
    assert answers(found, "more robust") == ["cannot tell"]
    assert valley(3, 3).robust().shape == (6,)
    assert valley(3, 3).robust().tolist() == [1 / 49] * 6


def test_losses_are_computed_on_rows_in_random_order() -> None:
    task = builtin_task("vit")
    (name, rows), *_ = training_rows(task)[0].items()
    found = np.asarray(chosen_rows(task)[name])
    assert len(found) == min(1024, len(rows))
    assert not np.array_equal(found, rows[: len(found)])
    np.testing.assert_array_equal(found, chosen_rows(task)[name])


def test_the_hessian_at_diverged_weights_has_no_eigenvalue() -> None:
    product = hessian_product(lambda weights: jnp.sum(weights**4))
    assert largest_eigenvalue(product, jnp.array([1.0, 2.0, 0.5])) == pytest.approx(48.0, rel=1e-3)
    assert math.isnan(largest_eigenvalue(product, jnp.array([1.0, np.nan, 0.5])))
