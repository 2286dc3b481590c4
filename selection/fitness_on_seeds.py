"""The fitness of the search on other seeds, as work for a bench; see `proxy_tasks.fitness` for what it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from primitives.program import Program
from proxy_tasks.baselines import baseline, shares
from proxy_tasks.loss import Price, fitness, sound, weighted_log_loss
from proxy_tasks.task import Task
from selection.trials import Subject, Trial, Work


class Judged(NamedTuple):
    """Fitness on all seeds and on the first ones alone; infinite where training diverged or was not gone on with."""

    fitness: float
    first_fitness: float


@dataclass(frozen=True)
class Judge:
    """Scores programs.

    Attributes:
        tasks: what to train; each needs a tuned baseline.
        seeds: of a score.
        first_seeds: how many of them are trained before the hurdle; 0 for all at once.
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

    def fitness(self, program: Subject, hurdle: float = math.inf) -> Work[Judged]:
        """The fitness of a valid program or a baseline, unless it is beyond the hurdle on the first seeds."""
        price = self.price(program)
        own: dict[str, np.ndarray] = {}
        references: dict[str, np.ndarray] = {}
        reached: list[float] = []
        for seeds in filter(None, (self.seeds[: self.first_seeds], self.seeds[self.first_seeds :])):
            if reached and not reached[0] <= hurdle:
                return Judged(math.inf, reached[0])
            for kept, found in zip((own, references), (yield from self._losses([program, None], seeds)), strict=True):
                kept |= {name: np.concatenate([kept.get(name, []), losses]) for name, losses in found.items()}
            if not all(np.all(sound(losses)) for losses in own.values()):
                return Judged(math.inf, math.inf)
            reached.append(fitness(own, references, shares(self.tasks)) + price)
        return Judged(reached[-1], reached[0])

    def price(self, subject: Subject) -> float:
        """What is added to the fitness of a program for its length and its state."""
        return Price(self.statement_price, self.slot_price).of(subject) if isinstance(subject, Program) else 0.0

    def log_losses(self, programs: Sequence[Subject]) -> Work[list[np.ndarray]]:
        """Log loss of each seed for each program, over the tasks as the fitness weighs them; not finite if diverged."""
        found = yield from self._losses(programs, self.seeds)
        return [weighted_log_loss(losses, shares(self.tasks)) for losses in found]

    def _losses(self, programs: Sequence[Subject | None], seeds: range) -> Work[list[dict[str, np.ndarray]]]:
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
