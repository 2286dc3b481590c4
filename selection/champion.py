"""Ranking of finalists on seeds that the search has not used, after tuning the constants of the best finalists.

The best fitness among thousands of noisy scores is mostly chance, so finalists are scored again on fresh seeds. AdamW
is tuned for the task, while a found program has the constants with which the search found it. The constants of the best
finalists, the leaders, are therefore tuned on the same seeds, with a smaller budget than that of the baselines
(`selection.tuning_trials`; `trials` in `baselines.yaml`), and the leaders are scored on the fresh seeds again.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from primitives import Program
from selection.fitness_on_seeds import FitnessOnSeeds
from selection.trials import Entrant, TrialRunner, Work
from selection.tuning import EntrantT, random_search, tuning_work

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
        trials: evaluations to tune the constants of each leader; 0 for no tuning.
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
    report(f"tuning the constants of the best {min(leaders, len(ranked))}")
    programs = [leader.program for leader in ranked[:leaders]]
    found = tune_all(programs, tuner, runner=runner, trials=trials, margin=margin)
    changed = {
        leader.index: program for leader, program in zip(ranked, found, strict=False) if program != leader.program
    }
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
    works = [
        tuning_work(random_search(entrant, trials, wide=_WIDE_SHARE), _Racing(tuner, margin)) for entrant in entrants
    ]
    return [found.program for found in runner.run(works)]
