"""Tuning with few trials: what is tried, what is answered, and that it does better than random search."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from primitives import Program, builtin, parse
from selection.bayesian import bayesian_search
from selection.tuning import ConstantSpace, Proposals, TuningResult, random_search

START = builtin("lion")
SPACE = ConstantSpace(START)
BEST = np.array([0.7, -0.5, 0.4, -0.6])  # from the start, in log or logit units
Objective = Callable[[Program], float]


def run(drawn: Proposals[Program], objective: Objective) -> tuple[TuningResult[Program], list[Program]]:
    tried = [next(drawn)]
    try:
        while True:
            tried.append(drawn.send(objective(tried[-1])))
    except StopIteration as end:
        return end.value, tried


def distance(program: Program) -> float:
    """How much worse than the best constants these are, where each counts as much as tuning usually finds."""
    return float(np.sum((SPACE.point(program) - SPACE.start - BEST) ** 2))


def noisy(seed: int, size: float = 0.3) -> Objective:
    generator = np.random.default_rng(seed)
    return lambda program: distance(program) + size * generator.normal()


def ends(way: Callable[[int], Proposals[Program]]) -> np.ndarray:
    return np.array([distance(run(way(seed), noisy(seed))[0].program) for seed in range(12)])


def test_it_ends_closer_to_the_best_constants_than_random_search_with_as_many_trials() -> None:
    found = ends(lambda seed: bayesian_search([START], 24, seed))
    random = ends(lambda seed: random_search(START, 24, seed=seed))
    assert np.mean(found) < 0.5 * np.mean(random)
    assert np.max(found) < distance(START) / 2


def test_the_answer_is_not_the_luckiest_trial() -> None:
    chosen, luckiest = [], []
    for seed in range(12):
        values: list[float] = []
        objective = noisy(seed, 0.6)
        found, tried = run(bayesian_search([START], 20, seed), lambda p, o=objective, v=values: v.append(o(p)) or v[-1])  # type: ignore[misc]
        chosen.append(distance(found.program))
        luckiest.append(distance(tried[int(np.argmin(values))]))
        assert found.value in values
    assert np.mean(chosen) < np.mean(luckiest)


def test_starts_are_tried_first_and_as_many_trials_as_were_asked_for() -> None:
    other = START.with_constants([0.5, 0.6, 0.2, 0.1])
    _, tried = run(bayesian_search([START, other], 9), distance)
    assert tried[0] == START
    np.testing.assert_allclose([*(c for *_, c in tried[1].constants())], [*(c for *_, c in other.constants())], 1e-6)
    assert len(tried) == 9
    assert len(set(map(str, tried))) == 9
    assert run(bayesian_search([START, other], 1), distance)[1] == [START]


def test_a_better_start_than_the_first_is_kept() -> None:
    good = SPACE.program(SPACE.start + BEST)
    found, _ = run(bayesian_search([START, good], 8), distance)
    assert distance(found.program) < 0.05


def test_the_same_seed_tries_the_same_and_another_one_does_not() -> None:
    tried: list[Sequence[Program]] = [
        run(bayesian_search([START], 14, seed), distance)[1] for seed in ((1, 2), (1, 2), (2, 2))
    ]
    assert tried[0] == tried[1]
    assert tried[0] != tried[2]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_trials_that_diverge_are_never_the_answer_and_do_no_harm(bad: float) -> None:
    def objective(program: Program) -> float:
        return distance(program) if SPACE.point(program)[3] < SPACE.start[3] + 0.1 else bad

    found, _ = run(bayesian_search([START], 24), objective)
    assert np.isfinite(found.value)
    assert distance(found.program) < 0.4
    never, tried = run(bayesian_search([START], 6), lambda program: bad)
    assert never.program in tried


def test_without_constants_there_is_one_trial() -> None:
    bare = parse("def train(w, g, m, v, lr):\n    update = g * lr\n    return update, m, v\n")
    found, tried = run(bayesian_search([bare], 10), lambda program: 1.0)
    assert (found.program, len(tried)) == (bare, 1)
