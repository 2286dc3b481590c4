"""What training on a task costs: weights, steps, multiply-adds, and seconds on one core."""

import time
from typing import Any

import jax
import numpy as np

from primitives import builtin
from proxy_tasks.families import problem
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer

SEEDS = 8  # trained together, as an evaluation does


def multiply_adds(task: Task) -> float:
    """Multiply-adds of all gradients of a training with one seed, half of the operations that XLA counts."""
    built = problem(task)
    rows = {name: values[: task.batch] for name, values in built.rows["train"].items()}
    weights = built.initialise(np.random.default_rng(0))
    analysis: Any = jax.jit(jax.grad(built.loss)).lower(weights, rows).cost_analysis()
    operations: float = analysis["flops"]
    return operations / 2 * task.steps


def seconds_a_seed(task: Task) -> float:
    """CPU time of a training with AdamW for each of the seeds that are trained together; the fastest of three."""
    trainer, program = Trainer(task, range(SEEDS)), builtin("adamw").with_constants([0.9, 0.95, 0.1, 0.3])
    trainer.losses(program)
    times = []
    for _ in range(3):
        before = time.process_time()
        trainer.losses(program)
        times.append(time.process_time() - before)
    return min(times) / SEEDS
