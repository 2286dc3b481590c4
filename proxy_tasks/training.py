"""The training loop: trains all seeds of an evaluation together, compiled once for each task and size class.

Each step takes a batch for each seed, computes the gradients of all seeds at once, lets the optimizer turn them into
updates, and subtracts these from the weights. The loop ends early when no seed has finite weights. The state slots are
all that a program keeps from step to step. Training conditions may differ between seeds; they are inputs of the loop
(`proxy_tasks.inputs`).
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from primitives import PEAK, REGISTRY, Encoded, Program, UpdateRule, compiled, encode, interpreted, live_part
from proxy_tasks.families import problem
from proxy_tasks.inputs import Horizon, loop_inputs
from proxy_tasks.task import Problem, Rows, Task

TOGETHER = 32  # programs in a batch; a fixed number, so that rounding does not depend on the number of programs
COMPILED = 64  # compiled loops of single structures that are kept; each takes a few MiB


class Structure(Hashable, Protocol):
    """An optimizer without its constants; equal structures share one compilation."""

    def rule(self, constants: Array, sizes: tuple[int, ...]) -> UpdateRule:
        """The update rule for traced constants, float32, shape `(C,)`; `sizes` as for `primitives.compiled`."""


class Optimizer(Protocol):
    """An update rule that is not a program, with constants as data."""

    @property
    def structure(self) -> Structure:
        """The optimizer without its constants."""

    @property
    def values(self) -> tuple[float, ...]:
        """The constants, in the order in which the structure takes them."""


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
        if not isinstance(program, Program):
            return self._compiled_losses(program.structure, program.values)
        if self._compile_programs:
            part = live_part(program)
            values = tuple(value for *_, value in part.constants())
            return self._compiled_losses(_Written(part.with_constants([0.0] * len(values))), values)
        return np.asarray(interpreted_loop(self.task, len(REGISTRY))(encode(program), self.inputs)[0])

    def _compiled_losses(self, structure: Structure, values: tuple[float, ...]) -> np.ndarray:
        return np.asarray(compiled_loop(self.task, structure)(np.array(values, np.float32), self.inputs)[0])

    def losses_of(self, programs: Sequence[Program], together: bool | None = None) -> np.ndarray:
        """Losses of many programs, shape `(programs, seeds)`.

        Args:
            programs: valid programs.
            together: whether to train batches of programs at once, which computes every function of the language at
                each statement and selects one. By default only on accelerators; a CPU is faster program by program.
        """
        together = jax.default_backend() != "cpu" if together is None else together
        if not together or self._compile_programs:
            return np.array([self.losses(program) for program in programs]).reshape(-1, len(self.seeds))
        encoded = [encode(program) for program in programs]
        alike: dict[tuple[int, int], list[int]] = {}  # by size class: room for statements, room for slots
        for index, code in enumerate(encoded):
            alike.setdefault((len(code.operations), len(code.outputs)), []).append(index)
        losses = np.empty((len(programs), len(self.seeds)), np.float32)
        run = interpreted_loop(self.task, len(REGISTRY), together=True)
        for indices in alike.values():
            for start in range(0, len(indices), TOGETHER):
                chosen = indices[start : start + TOGETHER]
                padded = chosen + chosen[-1:] * (TOGETHER - len(chosen))
                batch = Encoded(*map(np.stack, zip(*(encoded[index] for index in padded), strict=True)))
                losses[chosen] = np.asarray(run(batch, self.inputs)[0])[: len(chosen)]
        return losses


@dataclass(frozen=True)
class _Written:
    """The structure of a program: its live part with every constant set to zero."""

    program: Program

    def rule(self, constants: Array, sizes: tuple[int, ...]) -> UpdateRule:
        return compiled(self.program, sizes, constants)


def interpreted_loop(
    task: Task, functions: int, together: bool = False
) -> Callable[[Encoded, dict[str, Any]], tuple[Array, Array]]:
    """The training loop of a task for any encoded program; compiled once for each size class and number of seeds.

    Tasks that differ only in inputs of the loop (schedule, circumstances) share it.

    Args:
        task: the task to train on.
        functions: number of functions in the language; registering another one needs a new compilation.
        together: take a batch of encoded programs, their arrays stacked; losses and steps then have a leading axis.

    Returns:
        `(encoded program, inputs) -> (losses, steps)`: the loss of each seed, not finite where training diverged, and
        the number of steps taken, which is smaller than the horizon if no seed had finite weights left.
    """
    return _interpreted_loop(_without_inputs(task), functions, together)


@cache
def _interpreted_loop(
    task: Task, functions: int, together: bool
) -> Callable[[Encoded, dict[str, Any]], tuple[Array, Array]]:
    built = problem(task)
    loop = _loop(built, lambda encoded: interpreted(encoded, built.sizes))
    return jax.jit(jax.vmap(loop, in_axes=(0, None)) if together else loop)


def _without_inputs(task: Task) -> Task:
    """The task with defaults for everything that enters the loop as data."""
    return replace(task, schedule_power=1.0, peak=PEAK, tuned=None, circumstances=())


def compiled_loop(task: Task, structure: Structure) -> Callable[[np.ndarray, dict[str, Any]], tuple[Array, Array]]:
    """The training loop of a task for one structure with any constants; compiled once for each number of seeds.

    Returns:
        `(constants, inputs) -> (losses, steps)`, as for `interpreted_loop`.
    """
    return _compiled_loop(_without_inputs(task), structure)


@lru_cache(maxsize=COMPILED)
def _compiled_loop(task: Task, structure: Structure) -> Callable[[np.ndarray, dict[str, Any]], tuple[Array, Array]]:
    built = problem(task)
    return jax.jit(_loop(built, lambda constants: structure.rule(constants, built.sizes)))


def _loop(built: Problem, rule_of: Callable[[Any], UpdateRule]) -> Callable[[Any, dict[str, Any]], tuple[Array, Array]]:
    gradients = jax.vmap(jax.grad(built.loss))
    losses = jax.vmap(built.loss, in_axes=(0, None))

    def run(program: Any, inputs: dict[str, Any]) -> tuple[Array, Array]:  # noqa: ANN401 - an encoded program, or nothing
        rule = rule_of(program)
        schedule: Array = inputs["schedule"]
        horizon: Array = inputs["horizon"]

        def going(carry: tuple[Array, Array, Any]) -> Array:
            step, weights, _ = carry
            return (step < jnp.max(horizon)) & jnp.any(jnp.all(jnp.isfinite(weights), axis=-1))

        def advance(carry: tuple[Array, Array, Any]) -> tuple[Array, Array, Any]:
            step, weights, state = carry
            gradient = gradients(weights, _take(inputs["train"], inputs["order"][step]))
            if "loss_scale" in inputs:
                gradient *= inputs["loss_scale"]
            update, state = rule.update(weights, gradient, state, schedule[step])
            if horizon.ndim:  # differs between seeds
                update = jnp.where((step < horizon)[:, None], update, 0)
            return step + 1, weights - update, state

        begin = (jnp.int32(0), inputs["weights"], rule.init(inputs["weights"]))
        steps, weights, _ = lax.while_loop(going, advance, begin)
        trained = jnp.all(jnp.isfinite(weights), axis=-1)  # what is not finite once stays so
        return jnp.where(trained, losses(weights, inputs["scored"]), jnp.nan), steps

    return run


def _take(rows: Rows, chosen: Array) -> Rows:
    """The chosen rows of every array."""
    return {name: values[chosen] for name, values in rows.items()}
