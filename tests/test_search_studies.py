"""Learning curves and sensitivities for the report, from losses that a formula gives in place of training."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from primitives import Program, builtin, to_text
from proxy_tasks import shares
from proxy_tasks.catalog import builtin_task as task
from search.running.conclude import comparison_table
from search.running.studies import COST, FACTORS, SHARES, scaled, study
from search.settings.reading import build_config
from selection import Derivation, Trial, Work
from simplify.rule import Exactness
from simplify.steps import SCORED, Step

SEEDS = range(20_000, 20_003)


class _Formula:
    """Runs trials by a formula: the loss depends on the program, the task, the horizon and the seed."""

    width = 1

    def __init__(self) -> None:
        self.trials: list[Trial] = []

    def run(self, works: Sequence[Work[Any]]) -> list[Any]:
        return [self._complete(work) for work in works]

    def _complete(self, work: Work[Any]) -> Any:
        try:
            wanted = next(work)
            while True:
                self.trials += wanted
                wanted = work.send([losses(trial) for trial in wanted])
        except StopIteration as end:
            return end.value


def losses(trial: Trial) -> np.ndarray:
    assert isinstance(trial.entrant, Program)
    size = math.exp(-sum(abs(value) for *_, value in trial.entrant.constants()))
    return np.array([size * len(trial.task.name) / (trial.horizon or 1.0) + 0.01 * (seed % 7) for seed in trial.seeds])


def test_curves_are_the_losses_at_shares_of_one_training() -> None:
    lion, digits, runner = builtin("lion"), task("digits"), _Formula()
    found = study(lion, [digits], SEEDS, runner)
    own = [point for point in found.curves if point.program == "found"]
    assert [point.share for point in own] == list(SHARES)
    for point in own:
        horizon = point.share if point.share < 1 else None
        assert point.per_seed == tuple(losses(Trial(lion, digits, SEEDS, horizon=horizon)))
    assert {point.program for point in found.curves} == {"found", "adamw (tuned)", "lion (tuned)"}


def test_sensitivities_are_paired_with_the_tuned_adamw_and_weighted_over_tasks() -> None:
    lion, tasks, runner = builtin("lion"), [task("digits"), task("views")], _Formula()
    found = study(lion, tasks, SEEDS, runner)
    references = {t.name: next(trial for trial in runner.trials if trial.task == t and _is_adamw(trial)) for t in tasks}
    (point,) = [p for p in found.sensitivity if (p.program, p.rate, p.decay) == ("found", 2.0, 0.5)]
    ratios = {
        t.name: np.mean(np.log(losses(Trial(scaled(lion, 2.0, 0.5), t, SEEDS)) / losses(references[t.name])))
        for t in tasks
    }
    assert point.log_ratio == pytest.approx(sum(share * ratios[name] for name, share in shares(tasks).items()))
    assert len([p for p in found.sensitivity if p.program == "found"]) == len(FACTORS) ** 2


def _is_adamw(trial: Trial) -> bool:
    return isinstance(trial.entrant, Program) and "sqrt" in to_text(trial.entrant) and trial.horizon is None


def test_a_program_without_decay_has_a_map_of_rates_alone() -> None:
    found = study(builtin("signum"), [task("digits")], SEEDS, _Formula())
    own = [(p.rate, p.decay) for p in found.sensitivity if p.program == "found"]
    assert own == [(rate, 1.0) for rate in FACTORS]


def test_the_stated_cost_is_that_of_the_trials_in_trainings_of_all_steps() -> None:
    runner = _Formula()
    study(builtin("lion"), [task("digits")], SEEDS, runner)
    whole = sum(trial.horizon or 1.0 for trial in {trial.key: trial for trial in runner.trials}.values())
    already = 3  # whole trainings of the three programs are those of the last table
    assert whole - already <= COST <= whole


@pytest.mark.parametrize("exactness", [SCORED, Exactness.EXACT])
def test_a_simplified_champion_is_compared_too_if_training_decided_a_step(exactness: str) -> None:
    step = Step("without a statement", "update = cbrt(x)", "", exactness)
    derivation = Derivation(builtin("lion"), builtin("signum"), (step,), None, None)
    rows = [*comparison_table(build_config({"tasks": ["digits"]}), derivation, SEEDS, _Formula())]
    expected = {"found", "adamw (tuned)", "lion (tuned)"} | ({"simplified"} if exactness == SCORED else set())
    assert {row.program for row in rows} == expected
    assert len(rows) == 2 * len(expected)
    changes = {row.program: row.change for row in rows}
    assert ("simplified" in changes and changes["simplified"] != changes["found"]) == (exactness == SCORED)
