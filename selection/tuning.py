"""Tuning of a program's constants on a task, with the same budget for every program.

Half of the trials are drawn around the given constants on a wide scale, half around the best so far on a narrow one.
A constant that lies between 0.3 and 1 is taken for a rate of averaging and moves on the logit scale; any other moves
on the log scale. The objective is the mean log validation loss over seeds of tuning alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from primitives.program import Program
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from selection.comparison import TUNING_SEEDS

_WIDE, _NARROW = 1.3, (0.5, 0.2, 0.08)  # standard deviations of a step, in log or logit units


@dataclass(frozen=True)
class Tuned:
    """Result: the program with its best constants, and the mean log validation loss that they reached."""

    program: Program
    log_loss: float


def tune(
    program: Program,
    task: Task,
    trials: int,
    seeds: int = 8,
    seed: int = 0,
    report: Callable[[int, float], None] = lambda trial, best: None,
) -> Tuned:
    """Search the constants of a program for the lowest validation loss.

    Args:
        program: where to start from; its structure stays.
        task: what to train.
        trials: trainings, each over all seeds.
        seeds: number of tuning seeds.
        seed: of the random search.
        report: called with the number of each trial and the best mean log loss so far.
    """
    trainer = Trainer(task, range(TUNING_SEEDS, TUNING_SEEDS + seeds))
    generator = np.random.default_rng(seed)
    start = np.array([value for *_, value in program.constants()])
    signs, sizes = np.sign(start), np.abs(start)
    averages = (sizes > 0.3) & (sizes < 1)

    def build(point: np.ndarray) -> Program:
        values = signs * np.where(averages, 1 / (1 + np.exp(-point)), np.exp(np.minimum(point, 80.0)))
        return program.with_constants(values.tolist())

    with np.errstate(divide="ignore"):
        centre = np.where(averages, -np.log(1 / np.where(averages, sizes, 0.5) - 1), np.log(sizes))
    best, lowest = centre, np.inf
    for trial in range(trials):
        if trial == 0:
            point = centre
        elif trial < trials // 2:
            point = centre + generator.normal(size=len(centre)) * _WIDE
        else:
            moved = generator.random(len(centre)) < 0.6
            point = best + generator.normal(size=len(centre)) * generator.choice(_NARROW) * moved
        losses = trainer.losses(build(point))
        value = float(np.mean(np.log(losses))) if np.all(np.isfinite(losses)) else np.inf
        if value < lowest:
            best, lowest = point, value
        report(trial + 1, lowest)
    return Tuned(build(best), lowest)
