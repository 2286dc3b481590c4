"""Training of networks: one for each seed of an evaluation, all seeds together.

The loops are compiled once for each task and size class (`proxy_tasks.loops`). On an accelerator many programs are
trained at once (`proxy_tasks.together`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import numpy as np
from jax import Array

from primitives import REGISTRY, Program, UpdateRule, compiled, encode, live_part
from proxy_tasks.device import in_batches
from proxy_tasks.inputs import Horizon, loop_inputs
from proxy_tasks.loops import Structure, compiled_loop, interpreted_loop, recording_loop
from proxy_tasks.task import Task
from proxy_tasks.together import train_together


class Optimizer(Protocol):
    """An update rule that is not a program, with constants as data."""

    @property
    def structure(self) -> Structure:
        """The optimizer without its constants."""

    @property
    def values(self) -> tuple[float, ...]:
        """The constants, in the order in which the structure takes them."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What a training leaves besides its losses.

    Attributes:
        weights: trained weights of each seed, shape `(S, P)`.
        update_norms: Euclidean norm of each update, shape `(steps, S)`.
    """

    weights: np.ndarray
    update_norms: np.ndarray


class Trainer:
    """Trains one network for each seed with a program or another optimizer, and reports the losses.

    Args:
        task: the task to train on.
        seeds: each has its own initial weights and order of the data, and the circumstance `task.circumstance(seed)`.
        split: rows on which the loss is computed after training.
        compile_programs: compile each program with XLA instead of interpreting it; pays for long trainings.
        horizon: number of steps (an integer) or share of the steps of each seed (a float in (0, 1]) after which
            training stops, the schedule being that of the whole training; `None` for all steps.

    Attributes:
        task: the task.
        seeds: the seeds.
        circumstances: training conditions of each seed.
        inputs: input arrays of the compiled loop, see `loop_inputs`.
    """

    def __init__(
        self,
        task: Task,
        seeds: Sequence[int],
        split: str = "validation",
        compile_programs: bool = False,
        horizon: Horizon = None,
    ) -> None:
        self.task = task
        self.seeds = tuple(seeds)
        self.circumstances = tuple(task.circumstance(seed) for seed in self.seeds)
        self._compile_programs = compile_programs
        self.inputs: dict[str, Any] = jax.device_put(loop_inputs(task, self.seeds, split, horizon))

    def losses(self, program: Program | Optimizer) -> np.ndarray:
        """Loss of each seed after training, shape `(seeds,)`; not finite where training diverged.

        An optimizer that is not a program is always compiled. XLA compiles once for each structure and number of
        seeds; other constants need no new compilation.
        """
        if self._compile_programs or not isinstance(program, Program):
            return self._compiled_losses(*_compilable(program))
        return np.asarray(interpreted_loop(self.task, len(REGISTRY))(encode(program), self.inputs)[0])

    def _compiled_losses(self, structure: Structure, values: tuple[float, ...]) -> np.ndarray:
        return np.asarray(compiled_loop(self.task, structure)(np.array(values, np.float32), self.inputs)[0])

    def trajectory(self, program: Program | Optimizer) -> Trajectory:
        """Train for all steps of the task, and return the weights and the sizes of the updates.

        Seeds with fewer steps (`Circumstance.steps`) continue with a learning rate of zero.
        """
        structure, values = _compilable(program)
        weights, norms = recording_loop(self.task, structure)(np.array(values, np.float32), self.inputs)
        return Trajectory(np.asarray(weights), np.asarray(norms))

    def losses_of(self, programs: Sequence[Program], together: bool | None = None) -> np.ndarray:
        """Losses of many programs, shape `(programs, seeds)`.

        Args:
            programs: valid programs.
            together: whether to train batches of programs at once. By default only on accelerators; a CPU is faster
                program by program.
        """
        together = in_batches() if together is None else together
        if together and not self._compile_programs and programs:
            return train_together(self.task, programs, self.inputs)
        return np.array([self.losses(program) for program in programs]).reshape(-1, len(self.seeds))


def _compilable(program: Program | Optimizer) -> tuple[Structure, tuple[float, ...]]:
    """A structure to be compiled, and its constants."""
    if not isinstance(program, Program):
        return program.structure, program.values
    part = live_part(program)
    values = tuple(value for *_, value in part.constants())
    return _Written(part.with_constants([0.0] * len(values))), values


@dataclass(frozen=True)
class _Written:
    """The structure of a program: its live part with every constant set to zero."""

    program: Program

    def rule(self, constants: Array, sizes: tuple[int, ...]) -> UpdateRule:
        return compiled(self.program, sizes, constants)
