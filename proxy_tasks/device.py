"""The device on which programs are trained, and batches of programs on an accelerator.

Programs of one size class are sorted by length and cut into batches of a few sizes, for each of which the loop is
compiled once. The size of a batch is limited by the memory of the device, which is asked for it; if an allocation fails
all the same, the batch is halved. A program is run by the kernel if that has its functions and the device is an NVIDIA
GPU, and under `vmap` otherwise. Which way a program is run does not depend on the others in the batch.
"""

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import jax
import numpy as np
from jax import Array

from primitives import Encoded, Program, encode, kernel_faults, live_part, stacked
from proxy_tasks.batch_sizes import LARGEST, LEAST, cut, sizes_up_to
from proxy_tasks.families import problem
from proxy_tasks.task import Task

SHARE = 0.8  # of the memory of the device that a batch may take; the estimate is linear in the size of the batch
_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # status of XLA
_log = logging.getLogger("optsearch")

BatchLoop = Callable[[Encoded, dict[str, Any]], tuple[Array, Any]]  # compiled; the first result has an axis of programs


@dataclass(frozen=True, kw_only=True)
class Computation:
    """A computation that is done for many programs.

    Attributes:
        task: the task whose weights the programs update.
        loop: `kernel -> loop`, the compiled loop over batches, by the kernel or by the interpreter under `vmap`.
        inputs: `places -> inputs` of the loop for the programs at these places; padding repeats a place.
        key: computations with equal keys, on one task, need the same memory for a program.
        own_bytes: size of the inputs that belong to one program.
    """

    task: Task
    loop: Callable[[bool], BatchLoop]
    inputs: Callable[[Sequence[int]], dict[str, Any]]
    key: Hashable
    own_bytes: int = 0

    def results(self, programs: Sequence[Program]) -> np.ndarray:
        """First results of the loop for valid programs, in their order, computed in batches.

        Args:
            programs: at least one.
        """
        codes = [encode(program) for program in programs]
        groups: dict[_Group, list[int]] = {}
        for place, (program, code) in enumerate(zip(programs, codes, strict=True)):
            kernel = _by_kernel(self.task, program)
            group = _Group(self.task, self.key, len(code.operations), len(code.outputs), kernel)
            groups.setdefault(group, []).append(place)
        found: dict[int, np.ndarray] = {}
        for group, places in groups.items():
            ordered = sorted(places, key=lambda place: -int(codes[place].length))  # the last one is repeated
            found |= zip(ordered, group.results(self, codes, ordered), strict=True)
        return np.stack([found[place] for place in range(len(programs))])


@dataclass
class _Device:
    """What this process has found out about its device."""

    largest: dict[object, int] = field(default_factory=dict)  # size of a batch, by group
    said: set[str] = field(default_factory=set)  # lines that the user has got
    places: int = 0  # of all batches so far
    padding: int = 0  # places filled with a copy of a program
    kernel_fault: str = ""  # why the kernel does not run


DEVICE = _Device()


def padding() -> float:
    """Share of the places in batches of this process that held a program a second time; 0 to 1."""
    return DEVICE.padding / DEVICE.places if DEVICE.places else 0.0


def in_batches() -> bool:
    """Whether programs are trained in batches: on an accelerator. A CPU is faster program by program."""
    return jax.default_backend() != "cpu"


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
    """Whether a program is run by the kernel; says once for each function that the kernel lacks it."""
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
    """Programs that one compiled loop runs: one task and computation, size class and number of outputs."""

    task: Task
    key: Hashable
    statements: int
    outputs: int
    kernel: bool

    def results(self, computation: Computation, codes: Sequence[Encoded], places: Sequence[int]) -> list[np.ndarray]:
        """Results of the programs at some places; under `vmap` if the kernel fails."""
        try:
            return self._in_batches(computation, codes, places)
        except Exception as error:  # Pallas, Triton and the driver raise many kinds
            if not self.kernel:
                raise
            DEVICE.kernel_fault = next(iter(str(error).splitlines()), "") or type(error).__name__
        _say(f"the kernel does not run on this device, and programs are trained under `vmap`: {DEVICE.kernel_fault}")
        return replace(self, kernel=False)._in_batches(computation, codes, places)

    def _in_batches(
        self, computation: Computation, codes: Sequence[Encoded], places: Sequence[int]
    ) -> list[np.ndarray]:
        run = computation.loop(self.kernel)
        if self not in DEVICE.largest:
            few = [places[0]] * LEAST
            sample = (stacked([codes[places[0]]], LEAST), computation.inputs(few))
            DEVICE.largest[self] = largest_batch(run, *sample, own_bytes=computation.own_bytes)
        found: list[np.ndarray] = []
        while len(found) < len(places):
            size = cut(len(places) - len(found), DEVICE.largest[self])
            some = places[len(found) : len(found) + size]
            filled = [*some, *[some[-1]] * (size - len(some))]
            try:
                results = np.asarray(
                    run(stacked([codes[place] for place in some], size), computation.inputs(filled))[0]
                )
            except jax.errors.JaxRuntimeError as error:
                if _OUT_OF_MEMORY not in str(error) or size == 1:
                    raise
                DEVICE.largest[self] = size // 2
                _say(f"{self.task.name}: no memory for a batch of {size} programs on the device; it is halved")
                continue
            DEVICE.places += size
            DEVICE.padding += size - len(some)
            found.extend(results[: len(some)])
        return found


def largest_batch(run: BatchLoop, codes: Encoded, inputs: dict[str, Any], *, own_bytes: int = 0) -> int:
    """Size of the largest batch that fits the memory of the device, by what the compiler needs for the smallest.

    What is in use at the moment does not count, so that the size, and with it the rounding, is the same in every run.

    Args:
        run: the loop.
        codes: a batch of `LEAST` programs.
        inputs: of the loop for this batch.
        own_bytes: size of the inputs that belong to one program.
    """
    memory = device_memory()
    if memory is None:
        return LARGEST
    needed = run.lower(codes, inputs).compile().memory_analysis()  # type: ignore[attr-defined]
    each = (needed.temp_size_in_bytes + needed.output_size_in_bytes) / LEAST + own_bytes
    return next((size for size in sizes_up_to(LARGEST) if size * each <= SHARE * memory), LEAST)


def device_memory() -> float | None:
    """Memory of the default device for this process in bytes; `None` if it is not reported, as on a CPU."""
    return (jax.devices()[0].memory_stats() or {}).get("bytes_limit")
