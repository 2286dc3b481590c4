"""Fitness: how much lower the validation loss is than that of the tuned AdamW.

    fitness(program) = Σ_tasks share(task) · mean_seeds log(loss(program) / loss(AdamW))  +  price(program)

Zero is as good as the tuned AdamW, −0.1 about ten per cent lower loss, and lower is better. A task's share is the
inverse of its noise over seeds, so that a noisy task does not decide alone. The price, zero by default, is a small
charge for live statements and live state slots. Losses of a program and the baseline are paired by seed.

Cheap first, in up to three stages, each with seeds of its own. After the first few seeds a program whose fitness is
beyond a `hurdle` is rejected. What passes is trained on the others. A program that then looks as good as the best,
its fitness not beyond the `bar`, is trained on more seeds still, since the best of many noisy scores is mostly luck.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from primitives.dataflow import live
from primitives.program import Program
from proxy_tasks.baselines import baseline, noise
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer


class Status(StrEnum):
    """What became of an evaluation."""

    OK = "ok"  # passed the hurdle
    REJECTED = "rejected"  # beyond the hurdle on the first seeds
    DIVERGED = "diverged"  # a loss that is not finite


@dataclass(frozen=True)
class Score:
    """Result of an evaluation.

    Attributes:
        status: what became of it.
        fitness: log loss ratio to the tuned AdamW plus price; infinite where training diverged.
        reason: why it was not `ok`, for people; empty otherwise.
        losses: for each task the validation loss of each seed that was trained.
    """

    status: Status
    fitness: float
    reason: str = ""
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)


class Thresholds(NamedTuple):
    """Fitness beyond which a program does not enter the second and the third stage."""

    hurdle: float = math.inf
    bar: float = math.inf


class Evaluator:
    """Scores programs on tasks.

    Args:
        tasks: what to train; each needs a tuned baseline.
        stages: the seeds of each stage; an empty stage is left out.
        statement_price: added to the fitness for each live statement.
        slot_price: added to the fitness for each live state slot.
        split: rows on which losses are taken.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        stages: tuple[Sequence[int], Sequence[int], Sequence[int]],
        statement_price: float = 0.0,
        slot_price: float = 0.0,
        split: str = "validation",
    ) -> None:
        precision = {task.name: 1 / noise(task.name) if len(tasks) > 1 else 1.0 for task in tasks}
        self.shares = {name: value / sum(precision.values()) for name, value in precision.items()}
        self._prices = (statement_price, slot_price)
        self._stages = [[Trainer(task, seeds, split) for task in tasks if seeds] for seeds in stages]
        self._references: dict[Trainer, np.ndarray] = {}

    def evaluate(self, program: Program, thresholds: Thresholds = Thresholds()) -> Score:  # noqa: B008 - immutable
        """Train with a valid program and score it; see the module for what the fitness is."""
        ratios: dict[str, list[float]] = {name: [] for name in self.shares}
        losses: dict[str, tuple[float, ...]] = {}
        fitness = math.inf
        for stage, limit in zip(self._stages, (math.inf, *thresholds), strict=True):
            if losses and fitness > limit:
                if stage is self._stages[1]:
                    reason = f"beyond the hurdle {limit:.4f} on the first seeds"
                    return Score(Status.REJECTED, fitness, reason, losses)
                break
            for trainer in stage:
                name = trainer.task.name
                found = trainer.losses(program)
                losses[name] = losses.get(name, ()) + tuple(found.tolist())
                reason = _fault(found, name)
                if reason:
                    return Score(Status.DIVERGED, math.inf, reason, losses)
                ratios[name] += (np.log(found) - self._reference(trainer)).tolist()
            fitness = self._combine(ratios) + self.price(program)
        return Score(Status.OK, fitness, "", losses)

    def price(self, program: Program) -> float:
        """What the live statements and the live state slots of a program cost."""
        lines, slots = live(program)
        return self._prices[0] * len(lines) + self._prices[1] * len(slots)

    def _reference(self, trainer: Trainer) -> np.ndarray:
        """Log loss of the tuned AdamW for each seed; trained when it is first asked for."""
        if trainer not in self._references:
            self._references[trainer] = np.log(trainer.losses(baseline(trainer.task.name)))
        return self._references[trainer]

    def _combine(self, ratios: dict[str, list[float]]) -> float:
        return sum(share * float(np.mean(ratios[name])) for name, share in self.shares.items())


def _fault(losses: np.ndarray, task: str) -> str:
    """Why losses cannot be compared; empty if they can. A loss of exactly zero is an overflow, not a success."""
    bad = int(np.sum(~np.isfinite(losses)))
    if bad:
        return f"loss not finite on {task} for {bad} of {len(losses)} seeds"
    return f"loss of exactly zero on {task}" if np.any(losses <= 0) else ""
