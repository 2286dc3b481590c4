"""The fitness of the search (see `proxy_tasks.fitness`) on other seeds, as a generator of trials."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from primitives import Program
from proxy_tasks import Price, Task, baseline, fitness_of, shares, sound, weighted_log_loss
from selection.trials import Entrant, Trial, Work


class SeedFitness(NamedTuple):
    """Fitness of one program.

    Attributes:
        fitness: fitness on all seeds; infinite if training diverged or the program exceeded the hurdle.
        first_fitness: fitness on the first seeds; infinite if training diverged.
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
        horizon: share of the steps after which training stops, of the program and of the tuned AdamW alike; `None` for
            all of them.
        together: seeds of one trial; 0 for all that are wanted. Equal groups share one compilation, and are trained by
            several workers at once.
    """

    tasks: tuple[Task, ...]
    seeds: range
    first_seeds: int = 0
    statement_price: float = 0.0
    slot_price: float = 0.0
    horizon: float | None = None
    together: int = 0

    def fitness(self, program: Entrant, hurdle: float = math.inf) -> Work[SeedFitness]:
        """The fitness of a valid program or a baseline; infinite if it exceeds the hurdle on the first seeds."""
        price = self.price(program)
        own: dict[str, np.ndarray] = {}
        references: dict[str, np.ndarray] = {}
        reached: list[float] = []
        for seeds in filter(None, (self.seeds[: self.first_seeds], self.seeds[self.first_seeds :])):
            if reached and not reached[0] <= hurdle:
                return SeedFitness(math.inf, reached[0])
            for kept, found in zip((own, references), (yield from self._losses([program, None], seeds)), strict=True):
                kept |= {name: np.concatenate([kept.get(name, []), losses]) for name, losses in found.items()}
            if not all(np.all(sound(losses)) for losses in own.values()):
                return SeedFitness(math.inf, math.inf)
            reached.append(fitness_of(own, references, shares(self.tasks)) + price)
        return SeedFitness(reached[-1], reached[0])

    def price(self, entrant: Entrant) -> float:
        """Price of the length and of the state slots of a program, which is added to its fitness."""
        return Price(self.statement_price, self.slot_price).of(entrant) if isinstance(entrant, Program) else 0.0

    def log_losses(self, programs: Sequence[Entrant]) -> Work[list[np.ndarray]]:
        """Log loss of each seed for each program, over the tasks as the fitness weighs them; not finite if diverged."""
        found = yield from self._losses(programs, self.seeds)
        return [weighted_log_loss(losses, shares(self.tasks)) for losses in found]

    def _losses(self, programs: Sequence[Entrant | None], seeds: range) -> Work[list[dict[str, np.ndarray]]]:
        """For each program the losses on each task; `None` stands for the tuned AdamW of each task."""
        size = self.together or len(seeds)
        groups = [seeds[place : place + size] for place in range(0, len(seeds), size)]
        losses = yield [
            Trial(baseline(task) if program is None else program, task, group, horizon=self.horizon)
            for program in programs
            for task in self.tasks
            for group in groups
        ]
        parts = iter(losses)
        return [{task.name: np.concatenate([next(parts) for _ in groups]) for task in self.tasks} for _ in programs]
