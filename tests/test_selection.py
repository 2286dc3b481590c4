"""Comparisons are paired and honest about their noise; tuning gives every program the same budget."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from primitives import Program, builtin, parse
from proxy_tasks import baselines
from proxy_tasks.catalog import builtin_task
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from selection import baselines as tuned
from selection import comparison
from selection.champion import Finalist, rank_finalists
from selection.comparison import FINAL_SEEDS, FRESH_SEEDS, TUNING_SEEDS, compare_losses, tuned_baselines
from selection.fitness_on_seeds import SeedFitness
from selection.trials import LocalTrials, Work
from selection.tuning import tune, validation_loss

TINY = Task("tiny", "digit classification", "", batch=16, steps=30, settings={"hidden": (8,)})
REFERENCE = builtin("adamw").with_constants([0.9, 0.95, 0.1, 1.0])
BLOWS_UP = "def train(w, g, m, v, lr):\n    update = log(m)\n    return update, m, v\n"


@pytest.fixture
def _reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "baseline", lambda name, program="adamw": REFERENCE)


@pytest.mark.usefixtures("_reference")
def test_a_program_is_set_beside_adamw_seed_by_seed() -> None:
    seeds = range(5)
    row = compare_losses({"mine": builtin("lion")}, [TINY], seeds, "test")[0]
    mine, reference = (Trainer(TINY, seeds, "test").losses(p) for p in (builtin("lion"), REFERENCE))
    assert row.log_ratio == pytest.approx(np.mean(np.log(mine / reference)), rel=1e-5)
    assert row.loss == pytest.approx(mine.mean(), rel=1e-5)
    assert row.interval[0] <= row.log_ratio <= row.interval[1]
    assert row.change == pytest.approx(math.exp(row.log_ratio) - 1)
    assert (row.program, row.task, row.split, len(row.per_seed)) == ("mine", "tiny", "test", 5)


@pytest.mark.usefixtures("_reference")
def test_adamw_under_another_name_is_not_better_than_adamw() -> None:
    row = compare_losses({"disguised": REFERENCE}, [TINY], range(3), "validation")[0]
    assert (row.log_ratio, row.interval) == (0.0, (0.0, 0.0))


@pytest.mark.usefixtures("_reference")
def test_a_program_that_diverges_is_shown_as_such() -> None:
    row = compare_losses({"bad": parse(BLOWS_UP)}, [TINY], range(2), "validation")[0]
    assert math.isnan(row.loss)
    assert row.log_ratio == math.inf


def test_seeds_of_different_purposes_do_not_meet() -> None:
    starts = sorted([0, FINAL_SEEDS, FRESH_SEEDS, TUNING_SEEDS])
    assert all(later - earlier >= 10_000 for earlier, later in pairwise(starts))


def test_the_baselines_of_a_task_are_the_builtins_with_tuned_constants() -> None:
    programs = tuned_baselines(Task("digits", "", "", 1, 1))
    assert list(programs) == ["adamw (tuned)", "lion (tuned)"]
    assert programs["adamw (tuned)"] == baselines.baseline(builtin_task("digits"))


def test_tuning_finds_constants_at_least_as_good_as_those_it_began_with() -> None:
    start = builtin("sgd").with_constants([1.0])
    before = np.log(Trainer(TINY, range(TUNING_SEEDS, TUNING_SEEDS + 2)).losses(start)).mean()
    seen: list[tuple[int, float]] = []
    found = tune(start, validation_loss(TINY, 2), 30, report=lambda trial, best: seen.append((trial, best)))
    assert found.value < before - 0.04
    assert [trial for trial, _ in seen] == list(range(1, 31))
    assert [best for _, best in seen] == sorted((best for _, best in seen), reverse=True)
    assert found == tune(start, validation_loss(TINY, 2), 30)


def test_tuning_keeps_structure_signs_and_averages() -> None:
    start = builtin("lion").with_constants([0.9, 0.99, -0.1, 1.0])
    program: Program = tune(start, validation_loss(TINY, 1), 20).program
    first, second, decay, rate = (value for *_, value in program.constants())
    assert 0 < first < 1
    assert 0 < second < 1
    assert decay < 0 < rate
    assert program.with_constants([0.9, 0.99, -0.1, 1.0]) == start


def test_tuned_baselines_are_written_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "baselines.yaml"
    path.write_text("other:\n  noise: 0.5\n")
    monkeypatch.setattr(tuned, "BASELINES_FILE", path)
    found = tuned.tune_baselines(TINY, trials=6, seeds=1)
    tuned.write_baselines(TINY, found)
    monkeypatch.setattr(baselines, "BASELINES_FILE", path)
    baselines._table.cache_clear()
    try:
        assert baselines.noise(TINY) == found["noise"] > 0
        assert baselines.noise(Task("other", "", "", 1, 1)) == 0.5
        text = parse(found["programs"]["lion"]["program"])
        np.testing.assert_allclose(
            [value for *_, value in baselines.baseline(TINY, "lion").constants()],
            [value for *_, value in text.constants()],
            rtol=1e-3,
        )
    finally:
        baselines._table.cache_clear()


def test_tuning_leaves_zeros_redundant_statements_and_an_unbeaten_start_alone() -> None:
    lines = ("x = m * 0.7", "update = g * 0.0", "update = update + w", "update = update * 0.5")
    start = parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))
    tried: list[list[float]] = []

    def objective(program: Program) -> float:
        tried.append([value for *_, value in program.constants()])
        return 0.0

    assert tune(start, objective, 20).program == start
    assert {(values[0], values[1]) for values in tried} == {(tried[0][0], 0.0)}
    assert len({values[2] for values in tried}) > 10


class _Pretended:
    """A judge whose fitness is the distance of the first constant from a target."""

    def __init__(self, target: float) -> None:
        self._target = target
        self.tried: list[tuple[float, float]] = []

    def fitness(self, program: Program, hurdle: float = math.inf) -> Work[SeedFitness]:
        yield from ()
        fitness = abs(next(program.constants())[2] - self._target)
        self.tried.append((fitness, hurdle))
        return SeedFitness(fitness if fitness <= hurdle else math.inf, fitness)


def best(finalists: list[Program], judge: _Pretended, tuner: _Pretended, **options: Any) -> Finalist:
    return rank_finalists(finalists, judge, tuner, runner=LocalTrials(), **options)[0]  # type: ignore[arg-type]


def test_the_champion_is_the_best_on_fresh_seeds_with_its_constants_tuned() -> None:
    finalists = [builtin("sgd").with_constants([value]) for value in (0.1, 0.5, 2.0)]
    plainly = best(finalists, _Pretended(0.6), _Pretended(0.6))
    assert (plainly.index, plainly.program, plainly.tuned) == (1, finalists[1], False)
    tuned_one = best(finalists, _Pretended(0.6), _Pretended(0.6), trials=100)
    assert tuned_one.tuned
    assert tuned_one.fitness < 0.01


def test_every_finalist_is_ranked_once_by_the_better_of_its_constants() -> None:
    finalists = [builtin("sgd").with_constants([value]) for value in (0.1, 0.5, 2.0)]
    ranked = rank_finalists(finalists, _Pretended(0.6), _Pretended(0.6), runner=LocalTrials(), leaders=2, trials=30)  # type: ignore[arg-type]
    assert sorted(champion.index for champion in ranked) == [0, 1, 2]
    assert [champion.fitness for champion in ranked] == sorted(champion.fitness for champion in ranked)
    assert {champion.index for champion in ranked if champion.tuned} == {0, 1}


def test_tuning_in_rounds_spends_its_trials_on_the_better_half() -> None:
    """A start that is far off, with the better optimum, is found; it takes the place of the best start."""
    finalists = [builtin("sgd").with_constants([value]) for value in (0.3, 0.31, 0.32, 0.33, 2.0, 50.0)]
    tuner = _Counting(0.6)
    judge = _Pretended(0.6)
    options = {"runner": LocalTrials(), "leaders": 5, "trials": 40, "margin": 10.0}
    ranked = rank_finalists(finalists, judge, tuner, rounds=3, **options)  # type: ignore[arg-type]
    assert sorted(finalist.index for finalist in ranked) == [*range(6)]
    assert 5 not in {finalist.index for finalist in ranked if finalist.tuned}
    assert sorted(tuner.trials) == sorted([10] * 5 + [10] * 3 + [20] * 2)
    once = _Counting(0.6)
    rank_finalists(finalists, judge, once, **options)  # type: ignore[arg-type]
    assert once.trials == [40] * 5


class _Counting(_Pretended):
    """Also counts the trials of each tuning with a margin; it begins without a hurdle."""

    def __init__(self, target: float) -> None:
        super().__init__(target)
        self.trials: list[int] = []

    def fitness(self, program: Program, hurdle: float = math.inf) -> Work[SeedFitness]:
        if hurdle == math.inf:
            self.trials.append(0)
        self.trials[-1] += 1
        return (yield from super().fitness(program, hurdle))


def test_constants_that_are_worse_on_fresh_seeds_are_not_kept() -> None:
    finalists = [builtin("sgd").with_constants([0.5])]
    chosen = best(finalists, _Pretended(0.5), _Pretended(0.9), trials=50)
    assert (chosen.program, chosen.tuned) == (finalists[0], False)


def test_tuning_gives_up_constants_that_the_first_seeds_leave_no_hope() -> None:
    tuner = _Pretended(0.6)
    start = [builtin("sgd").with_constants([0.5])]
    best(start, _Pretended(0.6), tuner, trials=60, margin=0.01)
    reached = math.inf
    for fitness, hurdle in tuner.tried:
        assert hurdle == pytest.approx(reached + 0.01)
        reached = min(reached, fitness)


def test_tuning_on_a_larger_task_begins_with_what_was_tuned_on_the_small_one() -> None:
    assert tuned._start(builtin_task("digits_x10"), "lion") == baselines.baseline(builtin_task("digits"), "lion")
    assert tuned._start(builtin_task("digits"), "lion") != baselines.baseline(builtin_task("digits"), "lion")
