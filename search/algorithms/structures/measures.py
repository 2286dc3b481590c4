"""The fitness at each stage: its seeds, and its share of the steps.

    seeds of a repeat:  tuning | climbing | judging, block 0 | judging, block 1 | …

With `climb_rotates`, the second half of the judging blocks is used for climbing instead, in smaller blocks, and each
generation climbs on the next one. Constants that were tuned on the same few seeds again and again fit these seeds only.

Each group starts at a multiple of the number of training conditions of the tasks, so that all groups see the same
mixture of conditions. Searches whose numbers differ by less than `_SEARCHES` use different training seeds, so that luck
with one set of seeds does not affect all of them.
"""

from collections.abc import Sequence
from math import inf, lcm

import numpy as np

from primitives import Program
from proxy_tasks import Task
from search.settings import StructureSettings
from selection import FINAL_SEEDS, FitnessOnSeeds, SeedFitness, Work

_BLOCKS = 24  # judging blocks of a search; after these the first ones are used again
_SEARCHES = 31  # largest number of consecutive searches without common seeds


class Measures:
    """Fitness of programs on the tasks of a search.

    Args:
        tasks: tasks to train on; each needs a tuned baseline.
        settings: numbers of seeds, and share of the steps of the short horizon.
        prices: added to the fitness for each live statement and for each live state slot.
        search: number of the search, which selects its training seeds.
    """

    def __init__(
        self, tasks: Sequence[Task], settings: StructureSettings, prices: tuple[float, float], search: int
    ) -> None:
        self._tasks, self._prices = tuple(tasks), prices
        conditions = lcm(*(max(1, len(task.circumstances)) for task in tasks))
        starts, place = [], 0
        for count in (settings.tuning_seeds, settings.climb_seeds, *[settings.judging_seeds] * _BLOCKS):
            starts.append(place)
            place += -(-count // conditions) * conditions
        room = max(1, min(_SEARCHES, FINAL_SEEDS // place))
        first = search % room * place
        self._together = settings.tuning_seeds
        self._judging = [range(first + at, first + at + settings.judging_seeds) for at in starts[2:]]
        blocks = [range(first + starts[1], first + starts[1] + settings.climb_seeds)]
        if settings.climb_rotates:
            middle = first + starts[2 + _BLOCKS // 2]
            size = -(-settings.climb_seeds // conditions) * conditions
            others = range(middle, first + place - size + 1, size)
            blocks += [range(start, start + settings.climb_seeds) for start in others]
            self._judging = self._judging[: _BLOCKS // 2]
        tuning = range(first, first + settings.tuning_seeds)
        self._short = self._judge(tuning, horizon=settings.short_share)
        self._whole = self._judge(tuning)
        self._climbs = [self._judge(block, first=settings.tuning_seeds) for block in blocks]
        self._climbing = self._climbs[0]
        self.replay_seed = first

    def _judge(self, seeds: range, first: int = 0, horizon: float | None = None) -> FitnessOnSeeds:
        whole = horizon is None or horizon == 1
        return FitnessOnSeeds(
            self._tasks, seeds, first, *self._prices, horizon=None if whole else horizon, together=self._together
        )

    def begin(self, generation: int) -> None:
        """Use the climbing seeds of a generation."""
        self._climbing = self._climbs[generation % len(self._climbs)]

    def price(self, program: Program) -> float:
        """Price of the length and of the state slots of a program."""
        return self._whole.price(program)

    def short(self, program: Program, hurdle: float = inf) -> Work[SeedFitness]:
        """Fitness at the short horizon on the tuning seeds."""
        return self._short.fitness(program, hurdle)

    def whole(self, program: Program, hurdle: float = inf) -> Work[SeedFitness]:
        """Fitness at the whole horizon on the tuning seeds."""
        return self._whole.fitness(program, hurdle)

    def climbing(self, program: Program, hurdle: float = inf) -> Work[SeedFitness]:
        """Fitness on the climbing seeds, unless it is beyond the hurdle on the first of them."""
        return self._climbing.fitness(program, hurdle)

    def judged(self, program: Program, block: int) -> Work[float]:
        """Mean log loss ratio to the tuned AdamW on a block of judging seeds, without price."""
        judge = self._judge(self._judging[block % len(self._judging)])
        return (yield from judge.fitness(program)).fitness - judge.price(program)

    def fitness(self, program: Program, judged: Sequence[float]) -> float:
        """Fitness from the blocks of judging seeds so far."""
        return float(np.mean(judged)) + self.price(program)
