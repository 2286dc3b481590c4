"""The cost of a training on each task: weights, steps, multiply-adds, and seconds on one core."""

import time
from statistics import median
from typing import Any

import jax
import numpy as np

from benchmarks.limits import Limit, Section, table
from primitives import builtin
from proxy_tasks import SMALLEST, Task, Trainer, builtin_task, problem

SEEDS = 8  # networks trained together, as in an evaluation
ROUNDS = 3
LONGEST = 0.3  # largest number of seconds for a seed on one core, on a task for searches
LEARNT = 0.95  # largest loss after training, relative to the loss after one step


def multiply_adds(task: Task) -> float:
    """Multiply-adds of all gradients of a training with one seed, half of the operations that XLA counts."""
    built = problem(task)
    rows = {name: values[: task.batch] for name, values in built.rows["train"].items()}
    weights = built.initialise(np.random.default_rng(0))
    analysis: Any = jax.jit(jax.grad(built.loss)).lower(weights, rows).cost_analysis()
    operations: float = analysis["flops"]
    return operations / 2 * task.steps


def seconds_a_seed(task: Task) -> tuple[float, float]:
    """CPU seconds for each seed of a training with AdamW, and its loss.

    Returns:
        The median time over three trainings with different rates; the mean loss after training divided by that after
        one step, which would be 1 if the loop did not train.
    """
    trainer = Trainer(task, range(SEEDS))
    programs = [builtin("adamw").with_constants([0.9, 0.95, 0.1, 0.3 + 1e-3 * n]) for n in range(ROUNDS + 1)]
    learnt = trainer.losses(programs[0]).mean() / Trainer(task, range(SEEDS), horizon=1).losses(programs[0]).mean()
    times = []
    for program in programs[1:]:
        before = time.process_time()
        trainer.losses(program)
        times.append(time.process_time() - before)
    return median(times) / SEEDS, float(learnt)


def section(tasks: tuple[str, ...] = tuple(SMALLEST)) -> Section:
    """The small tasks."""
    rows, limits = [], []
    for task in map(builtin_task, tasks):
        seconds, learnt = seconds_a_seed(task)
        counts = f"{sum(problem(task).sizes):,}", f"{task.batch}", f"{task.steps}", f"{multiply_adds(task) / 1e6:,.0f}"
        rows.append([task.name, *counts, f"{learnt:.2f}", f"**{seconds:.3f}**", f"{LONGEST}"])
        limits += [
            Limit(f"CPU seconds per seed, {task.name}", seconds, LONGEST, speed=True),
            Limit(f"loss relative to that after one step, {task.name}", learnt, LEARNT),
        ]
    heads = ["task", "weights", "batch", "steps", "million multiply-adds per seed", "relative loss", "seconds per seed"]
    lines = [
        "## Cost of a task",
        "",
        f"Process CPU time of a training with AdamW, {SEEDS} seeds together, compile time left out, median of "
        f"{ROUNDS}. *Relative loss*: validation loss over that after one step.",
        "",
        *table([*heads, "at most"], rows),
    ]
    return Section(lines, limits)
