"""CPU time of compiling each candidate with XLA and running it, compared with interpreting it."""

from itertools import islice
from statistics import median

import jax
import numpy as np

from benchmarks.descent import descendants
from benchmarks.limits import Limit, Section, table
from benchmarks.scoring import SEEDS, cpu_seconds
from primitives import Program, size_class
from proxy_tasks import Trainer, builtin_task

CANDIDATES = 8
RATIO = 15
_compilations: list[float] = []  # seconds of each compilation that XLA has reported
APART = 0.05  # largest relative difference between the losses of both methods


def section(task_name: str = "digits", candidates: int = CANDIDATES) -> Section:
    """CPU time of compiling and running each candidate, over that of interpreting it.

    Candidates have different structures: XLA's compilation is kept for each structure, with constants as data, so that
    candidates that differ in constants alone would measure the cache. The interpreter is compiled before the clock
    starts, once for each size class, since a search of any length uses it again and again.
    """
    if not _compilations:
        jax.monitoring.register_event_duration_secs_listener(_listen)
    task = builtin_task(task_name)
    interpreter, compiler = Trainer(task, range(SEEDS)), Trainer(task, range(SEEDS), compile_programs=True)
    chosen = list(islice((program for program in descendants(seed=1) if _trains(program, interpreter)), candidates))
    for program in {size_class(program): program for program in chosen}.values():
        interpreter.losses(program)
    pairs, apart, compilations = [], [], 0
    for program in chosen:
        losses, before = [np.empty(0), np.empty(0)], len(_compilations)

        def train(trainer: Trainer, place: int, program: Program = program, losses: list[np.ndarray] = losses) -> None:
            losses[place] = trainer.losses(program)

        pairs.append((cpu_seconds(lambda t=train: t(interpreter, 0)), cpu_seconds(lambda t=train: t(compiler, 1))))  # type: ignore[misc]
        apart.append(float(np.abs(losses[0].mean() / losses[1].mean() - 1)))
        compilations += len(_compilations) > before
    interpreted, compiled = (median(times) for times in zip(*pairs, strict=True))
    ratio = median(theirs / ours for ours, theirs in pairs)
    rows = [[task_name, f"{interpreted * 1e3:.0f} ms", f"{compiled * 1e3:.0f} ms", f"**{ratio:.0f}**", f"{RATIO}"]]
    lines = [
        "## Interpreting over compiling each candidate",
        "",
        f"Process CPU time, {SEEDS} seeds, median of {len(chosen)} descendants of AdamW of different structures; "
        f"compiled: {compilations}. The interpreter is compiled once for each size class, before.",
        "",
        *table(["task", "interpreted", "compiled and run", "ratio", "at least"], rows),
    ]
    limits = [
        Limit(f"compiling and running over interpreting, {task_name}", ratio, RATIO, at_least=True),
        Limit("candidates of that comparison that were compiled", compilations, len(chosen), at_least=True),
        Limit("median difference of their losses", median(apart), APART),
    ]
    return Section(lines, limits)


def _listen(event: str, duration_secs: float, **_: str | int) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        _compilations.append(duration_secs)


def _trains(program: Program, trainer: Trainer) -> bool:
    """Whether training with a program completes; divergence would end the loop early, which costs almost nothing."""
    return bool(np.all(np.isfinite(trainer.losses(program))))
