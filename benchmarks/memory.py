"""Memory and compilations of one worker while many different programs pass through it."""

import gc
from itertools import islice
from typing import Any

import psutil

from benchmarks.descent import descendants
from benchmarks.limits import Limit, Section, table
from primitives import REGISTRY, size_class
from proxy_tasks import Task, Trainer
from proxy_tasks.loops import interpreted_loop

PROGRAMS = 2000
WARM = 200  # programs before the first reading, so that every size class has been compiled
GROWTH = 64  # MiB between the first reading and the last


def worker_memory(programs: int = PROGRAMS, warm: int = WARM) -> dict[str, Any]:
    """Resident memory after each quarter of the programs, and compilations beside size classes."""
    task = Task("memory", "digit classification", "", batch=16, steps=5, settings={"hidden": (16,)})
    trainer, process = Trainer(task, range(2)), psutil.Process()
    classes: set[int] = set()
    readings = []
    for number, program in enumerate(islice(descendants(seed=1), programs), start=1):
        classes.add(size_class(program))
        trainer.losses(program)
        if number == warm or number % (programs // 4) == 0:
            gc.collect()
            readings.append((number, process.memory_info().rss / 2**20))
    return {
        "programs": programs,
        "size classes": sorted(classes),
        "compilations": interpreted_loop(task, len(REGISTRY))._cache_size(),  # type: ignore[attr-defined]
        "resident": readings,
    }


def section(programs: int = PROGRAMS, warm: int = WARM) -> Section:
    """Send the programs through, and state the limits."""
    row = worker_memory(programs, warm)
    classes = row["size classes"]
    growth = row["resident"][-1][1] - row["resident"][0][1]
    lines = [
        f"## Memory: {programs:,} programs of different structures through one worker",
        "",
        f"Size classes met: {', '.join(map(str, classes))}; compilations: **{row['compilations']}**, at most one for "
        f"each. Resident memory may grow by {GROWTH} MiB from the first reading to the last.",
        "",
        *table(["programs", "resident memory"], [[f"{n:,}", f"{size:.0f} MiB"] for n, size in row["resident"]], left=0),
    ]
    limits = [
        Limit("compilations of the interpreter", row["compilations"], len(classes)),
        Limit("growth of a worker's memory, MiB", growth, GROWTH),
    ]
    return Section(lines, limits)
