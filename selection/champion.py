"""The champion: the best of a search on seeds that the search has not used, with its constants tuned.

The best fitness of thousands of noisy scores is mostly luck, so the finalists are scored again on fresh seeds. AdamW
has been tuned for the task and a found program has the constants that it happened to be found with; so the leaders
have theirs tuned too, with a smaller budget than the baselines had (`selection.tuning_trials` against the `trials` in
`baselines.yaml`) on the same seeds, and are judged on the fresh seeds once more.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from primitives.program import Program
from selection.fitness_on_seeds import Judge
from selection.trials import Bench, Subject, Work
from selection.tuning import Contender, drafts, tuned

_WIDE_SHARE = 0.25  # of the trials; a structure may have been found with constants far from its best


@dataclass(frozen=True)
class Champion:
    """A finalist as it came out.

    Attributes:
        index: which of the finalists it is.
        program: the finalist, with tuned constants where these did better.
        fitness: on the fresh seeds.
        tuned: whether its constants were changed.
    """

    index: int
    program: Program
    fitness: float
    tuned: bool


class _Racing:
    """Fitness of a program, infinite where its first seeds leave no hope of beating the best so far."""

    def __init__(self, judge: Judge, margin: float) -> None:
        self._judge, self._margin = judge, margin
        self._hurdle, self._best = math.inf, math.inf

    def __call__(self, program: Subject) -> Work[float]:
        found = yield from self._judge.fitness(program, self._hurdle)
        if found.fitness < self._best:
            self._best, self._hurdle = found.fitness, found.first_fitness + self._margin
        return found.fitness


def rank(
    finalists: Sequence[Program],
    judge: Judge,
    tuner: Judge,
    bench: Bench,
    *,
    leaders: int = 1,
    trials: int = 0,
    margin: float = math.inf,
    report: Callable[[str], None] = lambda phase: None,
) -> list[Champion]:
    """Finalists, best first.

    Args:
        finalists: distinct programs, at least one.
        judge: scores on fresh seeds.
        tuner: scores on the seeds of tuning.
        bench: trains.
        leaders: how many of the best have their constants tuned.
        trials: scorings to tune the constants of each of the leaders; 0 for no tuning.
        margin: how far constants may lie behind the best ones on the first seeds and still be trained on the others.
        report: called with what is being done.
    """

    def judged(programs: dict[int, Program], changed: bool) -> list[Champion]:
        found = bench.run([judge.fitness(program) for program in programs.values()])
        return [
            Champion(index, program, score.fitness, changed)
            for (index, program), score in zip(programs.items(), found, strict=True)
        ]

    report(f"scoring {len(finalists)} finalists on fresh seeds")
    ranked = sorted(judged(dict(enumerate(finalists)), False), key=lambda champion: champion.fitness)
    if not trials:
        return ranked
    report(f"tuning the constants of the best {min(leaders, len(ranked))}")
    found = tuned_all([leader.program for leader in ranked[:leaders]], tuner, bench, trials, margin)
    changed = {
        leader.index: program for leader, program in zip(ranked, found, strict=False) if program != leader.program
    }
    better = {champion.index: champion for champion in judged(changed, True)}
    best = [min(c, better.get(c.index, c), key=lambda champion: champion.fitness) for c in ranked]
    return sorted(best, key=lambda champion: champion.fitness)


def tuned_all(
    subjects: Sequence[Contender], tuner: Judge, bench: Bench, trials: int, margin: float = math.inf
) -> list[Contender]:
    """Programs or baselines with tuned constants, side by side; arguments as for `rank`."""
    works = [tuned(drafts(subject, trials, _WIDE_SHARE), _Racing(tuner, margin)) for subject in subjects]
    return [found.program for found in bench.run(works)]
