"""The fitness of the search on other seeds, as work for a bench; see `proxy_tasks.fitness` for what it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from primitives.dataflow import live
from primitives.program import Program
from proxy_tasks.baselines import baseline, shares
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
        ratios: list[np.ndarray] = []
        reached: list[float] = []
        for seeds in filter(None, (self.seeds[: self.first_seeds], self.seeds[self.first_seeds :])):
            if reached and not reached[0] <= hurdle:
                return Judged(math.inf, reached[0])
            own, reference = yield from self._log_losses([program, None], seeds)
            if not np.all(np.isfinite(own)):
                return Judged(math.inf, math.inf)
            ratios.append(own - reference)
            reached.append(float(np.mean(np.concatenate(ratios))) + price)
        return Judged(reached[-1], reached[0])

    def price(self, subject: Subject) -> float:
        """What is added to the fitness of a program for its length and its state."""
        if not isinstance(subject, Program):
            return 0.0
        lines, slots = live(subject)
        return self.statement_price * len(lines) + self.slot_price * len(slots)

    def log_losses(self, programs: Sequence[Subject]) -> Work[list[np.ndarray]]:
        """Log loss of each seed for each program, over the tasks as the fitness weighs them; not finite if diverged."""
        return (yield from self._log_losses(programs, self.seeds))

    def _log_losses(self, programs: Sequence[Subject | None], seeds: range) -> Work[list[np.ndarray]]:
        """The same; `None` is the tuned AdamW of each task."""
        weights = shares(self.tasks)
        size = self.together or len(seeds)
        groups = [seeds[place : place + size] for place in range(0, len(seeds), size)]
        losses = yield [
            Trial(baseline(task) if program is None else program, task, group, horizon=self.horizon)
            for program in programs
            for task in self.tasks
            for group in groups
        ]
        parts = iter(losses)
        found = []
        for _ in programs:
            total = np.zeros(len(seeds))
            with np.errstate(all="ignore"):  # a loss of exactly zero is an overflow, not a success
                for task in self.tasks:
                    total = total + weights[task.name] * np.log(np.concatenate([next(parts) for _ in groups]))
            found.append(total)
        return found
