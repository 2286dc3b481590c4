"""The one formula for log loss, fitness and price: nothing unsound is a success, whoever asks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import builtin
from proxy_tasks import baselines, fitness
from proxy_tasks.fitness import Evaluator, Status
from proxy_tasks.loss import Price, fault, log_loss, log_ratio, mean_log_loss, sound, weighted_log_loss
from proxy_tasks.loss import fitness_of as formula
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from selection import fitness_on_seeds, tuning
from selection.comparison import comparison_row
from selection.fitness_on_seeds import FitnessOnSeeds
from selection.trials import LocalTrials

GOOD = st.floats(1e-30, 1e30)
BAD = st.sampled_from([0.0, -0.0, -1.0, -1e-300, math.inf, -math.inf, math.nan])
TASKS = st.dictionaries(st.sampled_from("abc"), st.floats(0.01, 1), min_size=1)


@given(st.lists(GOOD, min_size=1), BAD, st.data())
def test_one_unsound_loss_makes_a_mean_infinite_and_never_low(
    losses: list[float], bad: float, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(losses)))
    mixed = [*losses[:place], bad, *losses[place:]]
    assert math.isfinite(mean_log_loss(losses))
    assert mean_log_loss(mixed) == math.inf
    assert fault(losses, "t") == ""
    assert fault(mixed, "t") != ""
    assert sound(mixed).tolist() == [at != place for at in range(len(mixed))]
    assert log_ratio(mixed, np.ones(len(mixed)))[place] == math.inf
    assert math.isnan(log_ratio(np.ones(len(mixed)), mixed)[place])


@given(st.lists(GOOD, min_size=1), st.lists(GOOD, min_size=1))
def test_a_ratio_is_antisymmetric_and_zero_beside_itself(one: list[float], other: list[float]) -> None:
    size = min(len(one), len(other))
    np.testing.assert_array_equal(log_ratio(one, one), 0)
    np.testing.assert_array_equal(log_ratio(one[:size], other[:size]), -log_ratio(other[:size], one[:size]))


@given(TASKS, st.integers(1, 5), st.integers(0, 99), st.floats(0.1, 10))
def test_fitness_is_the_mean_over_seeds_of_the_weighted_log_losses(
    shares: dict[str, float], seeds: int, seed: int, factor: float
) -> None:
    generator = np.random.default_rng(seed)
    own, reference = ({name: generator.lognormal(size=seeds) for name in shares} for _ in range(2))
    expected = np.mean(weighted_log_loss(own, shares) - weighted_log_loss(reference, shares))
    assert formula(own, reference, shares) == pytest.approx(expected, abs=1e-9)
    assert formula(reference, reference, shares) == 0
    louder = {name: factor * values for name, values in own.items()}
    shift = sum(shares.values()) * math.log(factor)
    assert formula(louder, reference, shares) == pytest.approx(expected + shift, abs=1e-9)


@given(TASKS, st.integers(1, 5), BAD, st.data())
def test_an_unsound_loss_on_one_seed_of_one_task_is_no_fitness(
    shares: dict[str, float], seeds: int, bad: float, data: st.DataObject
) -> None:
    own = {name: np.full(seeds, 0.5) for name in shares}
    reference = {name: np.ones(seeds) for name in shares}
    own[data.draw(st.sampled_from(sorted(shares)))][data.draw(st.integers(0, seeds - 1))] = bad
    assert formula(own, reference, shares) == math.inf
    assert math.inf in weighted_log_loss(own, shares)
    assert not math.isfinite(formula(reference, own, shares))


def test_a_loss_has_the_log_of_float64() -> None:
    assert log_loss(np.array([1e-300])).tolist() == [math.log(1e-300)]
    assert log_loss(np.array([0.3], np.float32)).dtype == np.float64


def test_the_price_is_that_of_what_is_live() -> None:
    assert Price(0.01, 0.1).of(builtin("lion_raw")) == pytest.approx(12 * 0.01 + 0.1)
    assert Price().of(builtin("adamw")) == 0


TINY = Task("tiny", "digit classification", "", batch=16, steps=30, settings={"hidden": (8,)})


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_no_part_of_the_project_takes_an_unsound_loss_for_a_success(
    bad: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    adamw, lion = builtin("adamw"), builtin("lion")
    monkeypatch.setattr(fitness, "baseline", lambda of: adamw)
    monkeypatch.setattr(fitness_on_seeds, "baseline", lambda of: adamw)
    monkeypatch.setattr(baselines, "noise", lambda of: 0.1)

    def losses(self: Trainer, program: object) -> np.ndarray:
        return np.array([0.5] * (len(self.seeds) - 1) + [0.5 if program == adamw else bad], np.float32)

    monkeypatch.setattr(Trainer, "losses", losses)
    scored = Evaluator([TINY], range(3), statement_price=0.01).evaluate(lion)
    assert (scored.status, scored.fitness) == (Status.DIVERGED, math.inf)
    assert LocalTrials().run([FitnessOnSeeds((TINY,), range(3)).fitness(lion)]) == [(math.inf, math.inf)]
    assert tuning.validation_loss(TINY, 2)(lion) == math.inf
    row = comparison_row(np.array([0.5, bad]), np.array([0.5, 0.5]), program="lion", task="tiny", split="test")
    assert row.log_ratio == math.inf


def test_evaluator_and_judge_give_one_fitness_and_price(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = builtin("adamw").with_constants([0.9, 0.95, 0.1, 1.0])
    monkeypatch.setattr(fitness, "baseline", lambda of: reference)
    monkeypatch.setattr(fitness_on_seeds, "baseline", lambda of: reference)
    monkeypatch.setattr(baselines, "noise", lambda of: 0.1 if of.name == "tiny" else 0.2)
    tasks = (TINY, Task("small", "digit classification", "", batch=8, steps=20, settings={"hidden": (4,)}))
    scored = Evaluator(tasks, range(3), 1, statement_price=0.01, slot_price=0.1).evaluate(builtin("lion"))
    (judged,) = LocalTrials().run([FitnessOnSeeds(tasks, range(3), 1, 0.01, 0.1).fitness(builtin("lion"))])
    assert judged == pytest.approx((scored.fitness, scored.first_fitness), rel=1e-5)
