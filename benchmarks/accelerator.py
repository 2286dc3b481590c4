"""Programs per second on an accelerator: `JAX_PLATFORMS=cuda,cpu python -m benchmarks.accelerator`.

The floor is AdamW compiled by XLA, of which only the constants differ in a batch. The exit status is 1 if a limit is
missed. Without an accelerator the kernel is compared with the interpreter in Pallas's interpret mode instead.
"""

from search.execution import pin_threads

pin_threads()

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from statistics import median
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from benchmarks import generations, kernel_check
from benchmarks.descent import descendants
from benchmarks.limits import Limit, Section, account, exit_status, measured, table
from primitives import REGISTRY, Program, encode, size_class, stacked
from proxy_tasks import SMALLEST, Task, Trainer, builtin_task, device_name, has_kernel
from proxy_tasks.loops import batch_loop, compiled_loop
from selection import starting

SEEDS = 3
SIZES = (32, 128, 512)
ROUNDS = 3  # measurements, of which the median counts
ON_CPU = 32  # programs that are trained on one core of the CPU, too
APART = 0.005  # largest median difference of a loss from that of the CPU; rounding grows over hundreds of steps
SHARES = {"vit": 0.8, "characters": 0.8, "masked": 0.8}  # of the floor, at least, at an equal batch
_MLP = 0.6
HELPERS = 3


class Batch(NamedTuple):
    """Measurements of one size of a batch: programs per second, of the floor too, and whether the bits are the same."""

    size: int
    rate: float
    floor: float
    again: bool
    shuffled: bool


def timed(call: Callable[[], tuple[Array, Array]]) -> tuple[np.ndarray, float]:
    """Losses, and the median of the seconds that a call takes, after one that compiles."""
    seconds = []
    losses = np.asarray(call()[0])
    for _ in range(ROUNDS):
        before = time.perf_counter()
        np.asarray(call()[0])
        seconds.append(time.perf_counter() - before)
    return losses, median(seconds)


def measure(trainer: Trainer, programs: Sequence[Program]) -> tuple[Batch, np.ndarray]:
    """Train a batch of programs, and as many settings of AdamW; returns the losses of the programs, too."""
    run = batch_loop(trainer.task, len(REGISTRY), has_kernel())
    size, codes = len(programs), [encode(program) for program in programs]
    losses, seconds = timed(lambda: run(stacked(codes, size), trainer.inputs))
    order = np.random.default_rng(0).permutation(size)
    shuffled = np.asarray(run(stacked([codes[place] for place in order], size), trainer.inputs)[0])
    again = np.asarray(run(stacked(codes, size), trainer.inputs)[0])
    adamw = starting("adamw", trainer.task)
    floor = jax.jit(jax.vmap(compiled_loop(trainer.task, adamw.structure), in_axes=(0, None)))
    settings = jnp.tile(jnp.array(adamw.values, jnp.float32), (size, 1))
    _, least = timed(lambda: floor(settings, trainer.inputs))
    same = [np.array_equal(losses, other, equal_nan=True) for other in (again, shuffled[np.argsort(order)])]
    return Batch(size, size / seconds, size / least, *same), losses


def on_one_core(task: Task, programs: Sequence[Program]) -> tuple[np.ndarray, float]:
    """Losses of programs on the CPU, one after the other on one thread, and programs per second."""
    with jax.default_device(jax.devices("cpu")[0]):
        trainer = Trainer(task, range(SEEDS))
        losses = [trainer.losses(program) for program in programs]
        before = time.perf_counter()
        for program in programs:
            trainer.losses(program)
        return np.stack(losses), len(programs) / (time.perf_counter() - before)


def section(task: Task, sizes: Sequence[int] = SIZES, on_cpu: int = ON_CPU) -> Section:
    """Rates on one task beside the floor and one CPU core, and how far losses are from those of the CPU."""
    endless = (program for program in descendants(seed=1) if size_class(program) == kernel_check.SMALLEST)
    programs = list(islice(endless, max(*sizes, on_cpu)))
    trainer = Trainer(task, range(SEEDS))
    batches, losses = zip(*(measure(trainer, programs[:size]) for size in sizes), strict=True)
    expected, core = on_one_core(task, programs[:on_cpu])
    with np.errstate(all="ignore"):
        differences = np.abs(losses[-1][:on_cpu] / expected - 1)
    apart = float(np.median(differences[np.isfinite(differences)]))
    rows = [
        [f"{b.size}", f"{b.rate:,.0f}", f"{b.floor:,.0f}", f"{b.rate / b.floor:.2f}", f"{b.rate / core:.0f}"]
        for b in batches
    ]
    heads = ["batch", "programs per second", "the floor", "share", "CPU cores"]
    lines = [
        f"## {task.name} on {device_name()}",
        "",
        f"By the {'kernel' if has_kernel() else 'interpreter under `vmap`'}, {SEEDS} seeds, {task.steps} steps. "
        f"One core of the CPU trains {core:.1f} programs per second; losses differ from those there by {apart:.2%} "
        f"(median).",
        "",
        *table(heads, rows),
    ]
    share = SHARES.get(task.name, _MLP)
    limits = [
        Limit(f"share of the floor, {task.name}, batch of {b.size}", b.rate / b.floor, share, True) for b in batches
    ]
    limits += [Limit(f"batches with other bits the second time, {task.name}", sum(not b.again for b in batches), 0)]
    limits += [Limit(f"batches with other bits when shuffled, {task.name}", sum(not b.shuffled for b in batches), 0)]
    return Section(lines, [*limits, Limit(f"median difference of a loss from the CPU, {task.name}", apart, APART)])


def sections() -> dict[str, Callable[[], Section]]:
    """What is measured on this machine, by title."""
    vit = builtin_task("vit")
    found: dict[str, Callable[[], Section]] = {
        "Kernel": kernel_check.section,
        "Registers": kernel_check.cost_section,
        "Children": partial(generations.costs, vit),
    }
    if jax.default_backend() != "cpu":
        found |= {name: partial(section, builtin_task(name)) for name in SMALLEST}
        found["Helper processes"] = partial(generations.helpers, HELPERS)
        found["Different seeds"] = partial(generations.own_seeds, vit)
        found["Replays"] = partial(generations.replays, vit)
    return found


def main() -> int:
    """Measure and print the report; returns the exit status, 1 if a limit is missed."""
    if jax.default_backend() == "cpu":
        print(
            "No accelerator: `JAX_PLATFORMS=cuda,cpu` selects one. The kernel is compared in Pallas's interpret mode.\n"
        )
    found = [measured(title, measure) for title, measure in sections().items()]
    limits = [limit for section in found for limit in section.limits]
    print("\n".join([*(line for section in found for line in (*section.lines, "")), *account(limits)]))
    return exit_status(limits)


if __name__ == "__main__":
    sys.exit(main())
