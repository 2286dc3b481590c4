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
from proxy_tasks.fitness import Evaluator, Status
from selection.tuning import tune

_WIDE_SHARE = 0.25  # of the trials; a structure may have been found with constants far from its best


@dataclass(frozen=True)
class Champion:
    """The chosen program.

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

    def __init__(self, evaluator: Evaluator, margin: float) -> None:
        self._evaluator, self._margin = evaluator, margin
        self._hurdle, self._best = math.inf, math.inf

    def __call__(self, program: Program) -> float:
        score = self._evaluator.evaluate(program, self._hurdle)
        if score.status is not Status.OK:
            return math.inf
        if score.fitness < self._best:
            self._best, self._hurdle = score.fitness, score.first_fitness + self._margin
        return score.fitness


def choose(
    finalists: Sequence[Program],
    judge: Evaluator,
    tuner: Evaluator,
    leaders: int = 1,
    trials: int = 0,
    margin: float = math.inf,
    report: Callable[[str], None] = lambda phase: None,
) -> Champion:
    """Choose among finalists.

    Args:
        finalists: distinct programs, at least one.
        judge: scores on fresh seeds.
        tuner: scores on the seeds of tuning.
        leaders: how many of the best have their constants tuned.
        trials: scorings to tune the constants of each of the leaders; 0 for no tuning.
        margin: how far constants may lie behind the best ones on the first seeds and still be trained on the others.
        report: called with what is being done.
    """
    report(f"scoring {len(finalists)} finalists on fresh seeds")
    judged = [Champion(index, p, judge.evaluate(p).fitness, False) for index, p in enumerate(finalists)]
    judged.sort(key=lambda champion: champion.fitness)
    if trials:
        for place, leader in enumerate(judged[:leaders], start=1):
            report(f"tuning the constants of leader {place}")
            program = tune(leader.program, _Racing(tuner, margin), trials, wide=_WIDE_SHARE).program
            if program != leader.program:
                judged.append(Champion(leader.index, program, judge.evaluate(program).fitness, True))
    return min(judged, key=lambda champion: champion.fitness)
