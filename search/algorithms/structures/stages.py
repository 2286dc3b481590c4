"""The stages of a generation: each scores all remaining candidates, and drops some when it is complete.

1. *look*: a share of the horizon, without tuning, compared with the parent at the same horizon;
2. *short*: candidates that are worse than their parent are tuned at this horizon, and compared again;
3. *whole*: the whole horizon, compared with the best incumbent of at most the same length, before and after tuning;
4. *judgement*: tuned on further seeds, and judged on seeds that were not used for tuning.

All candidates get the same number of trials at a stage. Decisions depend on losses alone, not on their order.
"""

import math
from collections.abc import Callable, Sequence

from search.algorithms.structures.candidates import Bred
from search.algorithms.structures.cells import Front, Incumbent
from search.algorithms.structures.climbing import Measure, climb, side_by_side
from search.algorithms.structures.measures import Measures
from search.engine import Draws
from search.settings import StructureSettings
from selection import Work

WIDE, MIDDLE, NARROW = (0.9, 0.5), (0.8, 0.4, 0.2), (0.4, 0.2, 0.1)  # scales of a climb at the three kinds of horizon
_NOTHING_SHORTER = 0.3  # margin behind the parent if no incumbent is as short

Stage = Callable[[Bred], Work[None]]


class Stages:
    """The stages of the evaluation of candidates.

    Args:
        settings: numbers of trials and margins.
        measures: fitness at each stage.
        front: the incumbents at the beginning of a stage.
        key: first parts of the key of random numbers, before the number of the candidate and the stage.
    """

    def __init__(self, settings: StructureSettings, measures: Measures, front: Front, key: tuple[int, ...]) -> None:
        self._settings, self._measures, self._front, self._key = settings, measures, front, key
        self.blocks = 1  # of judging seeds so far

    def run(self, candidates: Sequence[Bred], stage: Stage) -> Work[list[Bred]]:
        """Run a stage; returns the candidates that were not dropped."""
        yield from side_by_side([stage(candidate) for candidate in candidates])
        return [candidate for candidate in candidates if candidate.going]

    def look(self, candidate: Bred) -> Work[None]:
        """Compare a candidate with its parent at the short horizon, without tuning."""
        assert candidate.parent is not None
        both = [self._measures.short(program) for program in (candidate.parent.program, candidate.program)]
        parent, own = yield from side_by_side(both)
        candidate.fitness = candidate.first_fitness = own.fitness
        if not own.fitness <= parent.fitness + self._settings.look_margin:
            candidate.drop("look: too far behind its parent at the short horizon")

    def short(self, candidate: Bred) -> Work[None]:
        """Tune a candidate at the short horizon if it is worse than its parent, and compare it again."""
        assert candidate.parent is not None
        settings = self._settings
        parent = (yield from self._measures.short(candidate.parent.program)).fitness
        candidate.fitness = (yield from self._measures.short(candidate.program)).fitness
        if candidate.fitness > parent + settings.short_margin:
            yield from self._climb(candidate, self._measures.short, settings.short_trials, WIDE, 1)
            if candidate.fitness > parent + settings.short_margin:
                candidate.drop("short: behind its parent at the short horizon, constants tuned")

    def whole(self, candidate: Bred) -> Work[None]:
        """Compare a candidate with the incumbents at the whole horizon, before and after tuning."""
        settings = self._settings
        limit = self._limit(candidate, lambda incumbent: incumbent.tuning)
        candidate.fitness = (yield from self._measures.whole(candidate.program)).fitness
        if not candidate.fitness <= limit + settings.whole_margin:
            return candidate.drop("whole: too far behind a program of at most its length")
        yield from self._climb(candidate, self._measures.whole, settings.whole_trials, MIDDLE, 2)
        if candidate.fitness > limit + settings.whole_tuned_margin:
            candidate.drop("whole: behind a program of at most its length, constants tuned")
        return None

    def judgement(self, candidate: Bred) -> Work[None]:
        """Tune a candidate on further seeds, and judge it."""
        yield from self._climb(candidate, self._measures.climbing, self._settings.climb_trials, NARROW, 3)
        limits = [self._limit(candidate, fitness) for fitness in (self._on_newest, lambda held: held.fitness)]
        yield from self.judge(candidate, *(limit + self._settings.judging_margin for limit in limits))

    def _on_newest(self, incumbent: Incumbent) -> float:
        """Fitness of an incumbent on the newest block of judging seeds; infinite if it was not judged on it."""
        if len(incumbent.judged) < self.blocks:
            return math.inf
        return self._measures.fitness(incumbent.program, incumbent.judged[-1:])

    def judge(self, candidate: Bred, newest_limit: float = math.inf, limit: float = math.inf) -> Work[None]:
        """Judge a candidate without tuning: on the newest block of seeds, then on all others if within the limits.

        Args:
            candidate: the candidate.
            newest_limit: largest fitness on the newest block. Blocks differ in how well the baseline does on them, so
                that this is compared with the incumbents on the same block.
            limit: largest fitness on all blocks.
        """
        newest = yield from self._measures.judged(candidate.program, self.blocks - 1)
        candidate.fitness = self._measures.fitness(candidate.program, [newest])
        if not candidate.fitness <= newest_limit:
            return candidate.drop("judgement: behind a program of at most its length")
        others = [self._measures.judged(candidate.program, block) for block in range(self.blocks - 1)]
        candidate.judged = (*(yield from side_by_side(others)), newest)
        candidate.fitness = self._measures.fitness(candidate.program, candidate.judged)
        if not candidate.fitness <= limit:
            return candidate.drop("judgement: behind a program of at most its length, on all judging seeds")
        candidate.tuning = (yield from self._measures.whole(candidate.program)).fitness
        return None

    def refine(self, candidate: Bred) -> Work[None]:
        """Tune an incumbent further, and judge it again if its constants changed."""
        before = candidate.program
        yield from self._climb(candidate, self._measures.climbing, self._settings.refined_trials, NARROW, 4)
        if candidate.program == before:
            return candidate.drop("refined: no better constants found")
        return (yield from self.judge(candidate))

    def _climb(self, candidate: Bred, measure: Measure, trials: int, scales: Sequence[float], stage: int) -> Work[None]:
        draws = Draws(*self._key, candidate.number, stage)
        found = yield from climb(candidate.program, measure, trials, scales, draws)
        candidate.program, candidate.fitness = found.program, found.fitness
        candidate.trials += found.trials

    def _limit(self, candidate: Bred, fitness: Callable[[Incumbent], float]) -> float:
        """Fitness of the best incumbent with at most the length of a candidate."""
        limit = self._front.limit(candidate.length, fitness)
        if math.isfinite(limit) or candidate.parent is None:
            return limit
        return fitness(candidate.parent) + _NOTHING_SHORTER
