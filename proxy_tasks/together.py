"""Training of many programs at once, in batches on an accelerator.

Programs of one size class are sorted by length and cut into batches of a few sizes, for each of which the loop is
compiled once. The size of a batch is limited by the memory of the device, which is asked for it; if an allocation fails
all the same, the batch is halved. A program is trained by the kernel if that has its functions and the device is an
NVIDIA GPU, and under `vmap` otherwise. Which way a program is trained does not depend on the others in the batch.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import jax
import numpy as np

from primitives import REGISTRY, Encoded, Program, encode, kernel_faults, live_part, stacked
from proxy_tasks.batch_sizes import LARGEST, LEAST, cut, sizes_up_to
from proxy_tasks.families import problem
from proxy_tasks.loops import Loop, batch_loop
from proxy_tasks.task import Task

SHARE = 0.8  # of the free memory that a batch may take; the estimate is linear in the size of the batch
_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # status of XLA
_log = logging.getLogger("optsearch")


@dataclass
class _Device:
    """What this process has found out about its device."""

    largest: dict[object, int] = field(default_factory=dict)  # size of a batch, by group and number of seeds
    said: set[str] = field(default_factory=set)  # lines that the user has got
    places: int = 0  # of all batches so far
    padding: int = 0  # places filled with a copy of a program
    kernel_fault: str = ""  # why the kernel does not run


DEVICE = _Device()


def train_together(task: Task, programs: Sequence[Program], inputs: dict[str, Any]) -> np.ndarray:
    """Losses of many valid programs, shape `(programs, seeds)`.

    Args:
        task: the task to train on.
        programs: at least one.
        inputs: of the training loop, see `loop_inputs`.
    """
    encoded = [encode(program) for program in programs]
    groups: dict[_Group, list[int]] = {}
    for place, (program, code) in enumerate(zip(programs, encoded, strict=True)):
        group = _Group(task, len(code.operations), len(code.outputs), _by_kernel(task, program))
        groups.setdefault(group, []).append(place)
    losses = np.empty((len(programs), len(inputs["weights"])), np.float32)
    for group, places in groups.items():
        ordered = sorted(places, key=lambda place: -int(encoded[place].length))  # the last one is repeated
        losses[ordered] = group.losses([encoded[place] for place in ordered], inputs)
    return losses


def padding() -> float:
    """Share of the places in batches of this process that held a program a second time; 0 to 1."""
    return DEVICE.padding / DEVICE.places if DEVICE.places else 0.0


def has_kernel() -> bool:
    """Whether the kernel runs on the default device: an NVIDIA GPU."""
    return jax.default_backend() == "gpu" and _is_nvidia()


def device_name() -> str:
    """The device on which programs are trained: `the CPU`, or the kind of an accelerator, such as `NVIDIA H200`."""
    return "the CPU" if jax.default_backend() == "cpu" else str(jax.devices()[0].device_kind)


@cache
def _is_nvidia() -> bool:
    return "cuda" in jax.devices()[0].client.platform_version.lower()


def _by_kernel(task: Task, program: Program) -> bool:
    """Whether a program is trained by the kernel; says once for each function that the kernel lacks it."""
    if DEVICE.kernel_fault or not has_kernel():
        return False
    faults = kernel_faults(problem(task).sizes)
    missing = {statement.primitive for statement in live_part(program).statements} & faults.keys()
    for name in sorted(missing):
        _say(f"programs with `{name}` are trained under `vmap`, which is slower: the kernel lacks it ({faults[name]})")
    return not missing


def _say(line: str) -> None:
    """Tell the user something, once."""
    if line not in DEVICE.said:
        DEVICE.said.add(line)
        _log.warning(line)


@dataclass(frozen=True)
class _Group:
    """Programs that one compiled loop trains: one task, size class and number of outputs, by kernel or by `vmap`."""

    task: Task
    statements: int
    outputs: int
    kernel: bool

    def losses(self, codes: Sequence[Encoded], inputs: dict[str, Any]) -> np.ndarray:
        """Losses of encoded programs, shape `(programs, seeds)`; under `vmap` if the kernel fails."""
        try:
            return self._in_batches(codes, inputs)
        except Exception as error:  # Pallas, Triton and the driver raise many kinds
            if not self.kernel:
                raise
            DEVICE.kernel_fault = next(iter(str(error).splitlines()), "") or type(error).__name__
        _say(f"the kernel does not run on this device, and programs are trained under `vmap`: {DEVICE.kernel_fault}")
        return replace(self, kernel=False)._in_batches(codes, inputs)

    def _in_batches(self, codes: Sequence[Encoded], inputs: dict[str, Any]) -> np.ndarray:
        key = (self, len(inputs["weights"]))
        run = batch_loop(self.task, len(REGISTRY), self.kernel)
        if key not in DEVICE.largest:
            DEVICE.largest[key] = largest_batch(run, codes[:1], inputs)
        found: list[np.ndarray] = []
        done = 0
        while done < len(codes):
            size = cut(len(codes) - done, DEVICE.largest[key])
            some = codes[done : done + size]
            try:
                found.append(np.asarray(run(stacked(some, size), inputs)[0])[: len(some)])
            except jax.errors.JaxRuntimeError as error:
                if _OUT_OF_MEMORY not in str(error) or size == 1:
                    raise
                DEVICE.largest[key] = size // 2
                _say(f"{self.task.name}: no memory for a batch of {size} programs on the device; it is halved")
                continue
            DEVICE.places += size
            DEVICE.padding += size - len(some)
            done += len(some)
        return np.concatenate(found)


def largest_batch(run: Loop, codes: Sequence[Encoded], inputs: dict[str, Any]) -> int:
    """Size of the largest batch that fits the free memory of the device, by what the compiler needs for the smallest.

    Args:
        run: the loop.
        codes: any program that it trains.
        inputs: of the loop.
    """
    free = free_memory()
    if free is None:
        return LARGEST
    needed = run.lower(stacked(codes, LEAST), inputs).compile().memory_analysis()  # type: ignore[attr-defined]
    each = (needed.temp_size_in_bytes + needed.output_size_in_bytes) / LEAST
    return next((size for size in sizes_up_to(LARGEST) if size * each <= SHARE * free), LEAST)


def free_memory() -> float | None:
    """Free memory of the default device in bytes; `None` if the device does not report it, as on a CPU."""
    stats = jax.devices()[0].memory_stats() or {}
    return stats["bytes_limit"] - stats.get("bytes_in_use", 0) if "bytes_limit" in stats else None
