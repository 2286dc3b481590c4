"""The champion: the best of a search on seeds that the search has not used, its constants tuned like the baselines'.

The best fitness of thousands of noisy scores is mostly luck, so the finalists are scored again on fresh seeds. AdamW
has been tuned for the task and a found program has the constants that it happened to be found with; so the leaders
have theirs tuned too, on the seeds that served for the baselines, and are judged on the fresh seeds once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from primitives.program import Program
from proxy_tasks.fitness import Evaluator
from selection.tuning import tune


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


def choose(
    finalists: Sequence[Program], judge: Evaluator, tuner: Evaluator, leaders: int = 3, trials: int = 0
) -> Champion:
    """Choose among finalists.

    Args:
        finalists: distinct programs, at least one.
        judge: scores on fresh seeds.
        tuner: scores on the seeds of tuning.
        leaders: how many of the best have their constants tuned.
        trials: scorings for the tuning of each; 0 for no tuning.
    """
    judged = [Champion(index, p, judge.evaluate(p).fitness, False) for index, p in enumerate(finalists)]
    judged.sort(key=lambda champion: champion.fitness)
    if trials:
        for leader in judged[:leaders]:
            program = tune(leader.program, lambda p: tuner.evaluate(p).fitness, trials, wide=0.0).program
            if program != leader.program:
                judged.append(Champion(leader.index, program, judge.evaluate(program).fitness, True))
    return min(judged, key=lambda champion: champion.fitness)
