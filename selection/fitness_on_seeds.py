"""The fitness of the search (see `proxy_tasks.fitness`) on other seeds, as a work that asks for trials."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from primitives.dataflow import live
from primitives.program import Program
from proxy_tasks.baselines import baseline, shares
from proxy_tasks.task import Task
from selection.trials import Entrant, Trial, Work


class SeedFitness(NamedTuple):
    """Fitness of one program.

    Attributes:
        fitness: on all seeds; infinite where training diverged or the program was beyond the hurdle.
        first_fitness: on the first seeds; infinite where training diverged.
    """

    fitness: float
    first_fitness: float


@dataclass(frozen=True)
class FitnessOnSeeds:
    """Fitness of programs on given seeds.

    Attributes:
        tasks: tasks to train; each needs a tuned baseline.
        seeds: seeds of the networks.
        first_seeds: number of seeds that are trained before the hurdle; 0 for all at once.
        statement_price: added to the fitness of a program for each live statement.
        slot_price: added to the fitness for each live state slot.
    """

    tasks: tuple[Task, ...]
    seeds: range
    first_seeds: int = 0
    statement_price: float = 0.0
    slot_price: float = 0.0

    def fitness(self, program: Entrant, hurdle: float = math.inf) -> Work[SeedFitness]:
        """The fitness of a valid program or a baseline, unless it is beyond the hurdle on the first seeds."""
        price = self._price(program)
        ratios: list[np.ndarray] = []
        reached: list[float] = []
        for seeds in filter(None, (self.seeds[: self.first_seeds], self.seeds[self.first_seeds :])):
            if reached and not reached[0] <= hurdle:
                return SeedFitness(math.inf, reached[0])
            own, reference = yield from self._log_losses([program, None], seeds)
            if not np.all(np.isfinite(own)):
                return SeedFitness(math.inf, math.inf)
            ratios.append(own - reference)
            reached.append(float(np.mean(np.concatenate(ratios))) + price)
        return SeedFitness(reached[-1], reached[0])

    def _price(self, entrant: Entrant) -> float:
        if not isinstance(entrant, Program):
            return 0.0
        lines, slots = live(entrant)
        return self.statement_price * len(lines) + self.slot_price * len(slots)

    def log_losses(self, programs: Sequence[Entrant]) -> Work[list[np.ndarray]]:
        """Log loss of each seed for each program, over the tasks as the fitness weighs them; not finite if diverged."""
        return (yield from self._log_losses(programs, self.seeds))

    def _log_losses(self, programs: Sequence[Entrant | None], seeds: range) -> Work[list[np.ndarray]]:
        """The same; `None` is the tuned AdamW of each task."""
        weights = shares(self.tasks)
        losses = yield [
            Trial(baseline(task) if program is None else program, task, seeds)
            for program in programs
            for task in self.tasks
        ]
        found = []
        for place in range(0, len(losses), len(self.tasks)):
            pairs = zip(self.tasks, losses[place : place + len(self.tasks)], strict=True)
            with np.errstate(all="ignore"):  # a loss of exactly zero is an overflow, not a success
                found.append(np.asarray(sum(weights[task.name] * np.log(values) for task, values in pairs)))
        return found
