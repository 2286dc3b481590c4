"""Ranking of finalists on seeds that the search has not used, after tuning the constants of the best finalists.

The best fitness among thousands of noisy scores is mostly chance, so finalists are scored again on fresh seeds. AdamW
is tuned for the task, while a found program has the constants with which the search found it. The constants of the best
finalists, the leaders, are therefore tuned on the same seeds (`selection.tuning_trials`; for the baselines, `trials` in
`baselines.yaml`), and scored on the fresh seeds again. Leaders can be tuned in rounds of successive halving (Jamieson
and Talwalkar, 2016, https://arxiv.org/abs/1502.07943): after each round, the better half goes on.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from primitives import Program
from selection.fitness_on_seeds import FitnessOnSeeds
from selection.trials import Entrant, TrialRunner, Work
from selection.tuning import EntrantT, TuningResult, random_search, tuning_work

_WIDE_SHARE = 0.25  # share of trials with wide steps, since the constants may be far from their best values


@dataclass(frozen=True)
class Finalist:
    """A finalist after ranking.

    Attributes:
        index: index among the finalists before ranking.
        program: the program, with tuned constants if these have a better fitness.
        fitness: fitness on the fresh seeds.
        tuned: whether its constants were changed.
    """

    index: int
    program: Program
    fitness: float
    tuned: bool


class _Racing:
    """Fitness of a program; infinite if it is worse than the best so far by a margin on the first seeds."""

    def __init__(self, fitness: FitnessOnSeeds, margin: float) -> None:
        self._fitness, self._margin = fitness, margin
        self._hurdle, self._best = math.inf, math.inf

    def __call__(self, program: Entrant) -> Work[float]:
        found = yield from self._fitness.fitness(program, self._hurdle)
        if found.fitness < self._best:
            self._best, self._hurdle = found.fitness, found.first_fitness + self._margin
        return found.fitness


def rank_finalists(
    finalists: Sequence[Program],
    judge: FitnessOnSeeds,
    tuner: FitnessOnSeeds,
    *,
    runner: TrialRunner,
    leaders: int = 1,
    trials: int = 0,
    rounds: int = 1,
    margin: float = math.inf,
    report: Callable[[str], None] = lambda phase: None,
) -> list[Finalist]:
    """Rank programs, best first.

    Args:
        finalists: distinct programs, at least one.
        judge: fitness on fresh seeds.
        tuner: fitness on the seeds of tuning.
        runner: runs the trials.
        leaders: number of the best programs whose constants are tuned.
        trials: evaluations to tune the constants of each leader that stays to the last round; 0 for no tuning.
        rounds: rounds of tuning. Each round but the first has as many trials for a leader as all rounds before it, and
            half as many leaders as the round before it.
        margin: constants whose fitness on the first seeds is worse than that of the best constants by more than this
            are not trained on the other seeds.
        report: called with a line of text at the start of each phase.
    """

    def scored(programs: dict[int, Program], changed: bool) -> list[Finalist]:
        found = runner.run([judge.fitness(program) for program in programs.values()])
        return [
            Finalist(index, program, score.fitness, changed)
            for (index, program), score in zip(programs.items(), found, strict=True)
        ]

    report(f"scoring {len(finalists)} finalists on fresh seeds")
    ranked = sorted(scored(dict(enumerate(finalists)), False), key=lambda finalist: finalist.fitness)
    if not trials:
        return ranked
    original = {leader.index: leader.program for leader in ranked[:leaders]}
    tuned_programs, remaining = dict(original), list(original)
    for number, budget in enumerate(_budgets(trials, rounds)):
        report(
            f"tuning the constants of the best {len(remaining)}" + f" (round {number + 1} of {rounds})" * (rounds > 1)
        )
        entrants = [tuned_programs[index] for index in remaining]
        results = _tuned(entrants, tuner, runner=runner, trials=budget, margin=margin, seed=number)
        tuned_programs |= {index: result.program for index, result in zip(remaining, results, strict=True)}
        order = sorted(zip(results, remaining, strict=True), key=lambda pair: pair[0].value)
        remaining = [index for _, index in order[: math.ceil(len(order) / 2)]]
    changed = {index: program for index, program in tuned_programs.items() if program != original[index]}
    tuned = {finalist.index: finalist for finalist in scored(changed, True)}
    best = [min(old, tuned.get(old.index, old), key=lambda finalist: finalist.fitness) for old in ranked]
    return sorted(best, key=lambda finalist: finalist.fitness)


def tune_all(
    entrants: Sequence[EntrantT],
    tuner: FitnessOnSeeds,
    *,
    runner: TrialRunner,
    trials: int,
    margin: float = math.inf,
) -> list[EntrantT]:
    """Tune the constants of programs or baselines; arguments as for `rank_finalists`."""
    found = _tuned(entrants, tuner, runner=runner, trials=trials, margin=margin)
    return [result.program for result in found]


def _tuned(
    entrants: Sequence[EntrantT],
    tuner: FitnessOnSeeds,
    *,
    runner: TrialRunner,
    trials: int,
    margin: float,
    seed: int = 0,
) -> list[TuningResult[EntrantT]]:
    searches = [random_search(entrant, trials, wide=_WIDE_SHARE, seed=seed) for entrant in entrants]
    return runner.run([tuning_work(proposals, _Racing(tuner, margin)) for proposals in searches])


def _budgets(trials: int, rounds: int) -> list[int]:
    """Trials of each round: together `trials`, and up to each round, half of those up to the next."""
    ends = [0, *(trials >> number for number in reversed(range(rounds)))]
    return [end - start for start, end in pairwise(ends)]
