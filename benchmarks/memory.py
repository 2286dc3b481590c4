"""Memory and compilations of one worker while many different programs pass through it."""

import gc
from typing import Any

import psutil

from primitives import PAPER, REGISTRY, builtin, functional_hash
from primitives.interpreter import size_class
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer, interpreted_loop
from search.algorithms.mutation import Mutator
from search.engine.randomness import Draws
from search.settings.config import Mutations

PROGRAMS = 2000
WARM = 200  # programs before the first reading, so that every size class has been compiled


def worker_memory() -> dict[str, Any]:
    """Resident memory after each quarter of the programs, and compilations beside size classes."""
    task = Task("memory", "digit classification", "", batch=16, steps=5, settings={"hidden": (16,)})
    trainer = Trainer(task, range(2))
    mutator = Mutator([REGISTRY[name] for name in PAPER], Mutations(delete=0.3).model_dump())
    process = psutil.Process()
    seen: set[str] = set()
    classes: set[int] = set()
    readings = []
    program, number = builtin("adamw"), 0
    while len(seen) < PROGRAMS:
        number += 1
        program = mutator.child(program if number % 60 else builtin("adamw"), Draws(1, number)).program
        if functional_hash(program) in seen:
            continue
        seen.add(functional_hash(program))
        classes.add(size_class(program))
        trainer.losses(program)
        if len(seen) == WARM or len(seen) % (PROGRAMS // 4) == 0:
            gc.collect()
            readings.append((len(seen), process.memory_info().rss / 2**20))
    return {
        "programs": PROGRAMS,
        "size classes": sorted(classes),
        "compilations": interpreted_loop(task, len(REGISTRY))._cache_size(),  # type: ignore[attr-defined]
        "resident": readings,
    }
